/* bench-counting [ENTERPRISES]: what statistics and rate limits add to a resolve, in nanoseconds, beside
 * finding the record itself. A measuring tool, not a test: `ninja bench-counting`. */
#include <stdio.h>
#include <stdlib.h>

#include "resolver/allocation.h"
#include "resolver/outcome.h"
#include "tests/resolver/site.h"

enum { IDS = 4096, ROUNDS = 500 };

static struct site node;
static uint64_t enterprises = 1200;

static enum err allocate(struct writer_cmd *c, struct writer_txn *t)
{
	struct arena *a = arena_new(16 << 20);
	enum err e = ERR_OK;
	(void)c;
	for (uint64_t i = 0; i < enterprises && !e; i++) {
		struct id_prefix p;
		struct arena_mark mark = arena_mark(a);
		must(
		    !id_prefix_parse(a, arena_printf(a, "88.118.8.%llu", (unsigned long long)i), NULL, &p));
		e = allocation_put(t, p.key, STR("91350100M000100Y43"));
		arena_rollback(a, mark);
	}
	arena_free(a);
	return e;
}

static double since(usec_t from)
{
	return (double)(clock_mono() - from) * 1000 / ((double)IDS * ROUNDS);
}

struct bench {
	struct arena *arena;
	struct id ids[IDS];
	struct rs_shard *shard;
	uint64_t hits;
};

static struct bench *bench_new(void)
{
	struct writer_cmd cmd = {.apply = allocate};
	struct bench *b = calloc(1, sizeof *b);
	must(b && (b->arena = arena_new(64 << 20)) && !writer_run(node.writer, &cmd));
	must(!rs__shard_open(node.rs, 7, &b->shard));
	for (uint64_t i = 0; i < IDS; i++) {
		struct str text = arena_printf(b->arena, "88.118.8.%llu/JX%08llu",
					       (unsigned long long)(i * 7919 % enterprises),
					       (unsigned long long)(i * 2654435761u % 100000000u));
		must(!id_parse(b->arena, text, NULL, &b->ids[i]));
	}
	return b;
}

static void bench_finding(struct bench *b)
{
	struct outcome o;
	usec_t from = clock_mono();
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < IDS; i++) must(!outcome_local(b->shard, b->arena, &b->ids[i], &o));
	printf("outcome, not found      %6.1f ns\n", since(from));
	from = clock_mono();
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < IDS; i++)
			b->hits += prefixes_find(b->shard->prefixes, b->ids[i].key) != NULL;
	printf("whose prefix, of %-6llu %6.1f ns\n", (unsigned long long)enterprises, since(from));
	must(b->hits == (uint64_t)ROUNDS * IDS);
}

static void bench_tallies(struct bench *b)
{
	usec_t from = clock_mono();
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < IDS; i++)
			tally_count(b->shard->tallies, TALLY_ALLOCATED + (size_t)(i % 1000),
				    STATISTIC_records);
	printf("one count               %6.1f ns\n", since(from));
}

static void bench_top(struct bench *b)
{
	usec_t from = clock_mono();
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < IDS; i++) top_add(b->shard->top, b->ids[i].text);
	printf("top, all watched        %6.1f ns\n", since(from));
	struct str *many = calloc((size_t)IDS * 64, sizeof *many);
	must(many);
	for (size_t i = 0; i < (size_t)IDS * 64; i++)
		many[i] = arena_printf(b->arena, "88.118.8/R%zu", i * 40503 % 9999991);
	from = clock_mono();
	for (int r = 0; r < ROUNDS / 64; r++)
		for (size_t i = 0; i < (size_t)IDS * 64; i++) top_add(b->shard->top, many[i]);
	printf("top, hardly any watched %6.1f ns\n",
	       (double)(clock_mono() - from) * 1000 / ((double)(ROUNDS / 64) * IDS * 64));
	free(many);
}

static void bench_rates(struct bench *b)
{
	const struct rate_rule rules[RATE_CLASSES_N] = {{1000000, 0}, {0, 0}, {0, 0}};
	struct rates *rates = rates_new(rules, RATE_CLIENTS);
	usec_t wait, from = clock_mono();
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < IDS; i++)
			b->hits += rates_enter(rates, RATE_READ,
					       rates_client(rates, str_first(b->ids[i].text, 14)),
					       (usec_t)(1000000 + r), &wait);
	printf("one bucket              %6.1f ns\n", since(from));
	rates_free(rates);
}

int main(int argc, char **argv)
{
	if (argc > 1 && str_u64(str_of(argv[1]), &enterprises)) return 2;
	site_open(&(struct site_options){.name = "bench", .authority = {"88.118.8"}}, &node);
	struct bench *b = bench_new();
	bench_finding(b);
	bench_tallies(b);
	bench_top(b);
	bench_rates(b);
	store_read_end(b->shard->txn);
	arena_free(b->arena);
	free(b);
	site_close(&node);
	return 0;
}
