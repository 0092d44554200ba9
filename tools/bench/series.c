/* bench-series [ROUNDS | --short]: one registration of 10,000,000 identifiers, then answers to members
 * beside answers to plain records, found and made as a shard does it, without sockets. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "resolver/answer.h"
#include "resolver/series.h"

enum { HOT = 10000, BATCH = REGISTRY_BATCH_MAX, MEMBERS = 10000000 };

/* --short: 10,000 records, 10,000 rounds, 100 series */
static uint64_t records = 1000000, rounds = 1000000, series = 10000;

static char folder[] = "/tmp/kanhe-bench-series-XXXXXX";
static struct store *store;
static struct writer *writer;
static struct rs *rs;
static struct rs_shard *shard;
static struct value values[] = {{.index = 1, .type = {"URL", 3}, .ttl = 3600, .permissions = 14},
				{.index = 2, .type = {"DESC", 4}, .ttl = 3600, .permissions = 14}};

struct records {
	struct writer_cmd cmd;
	struct registry_set set;
	struct arena *arena;
	struct flaw flaw;
};

static enum err apply_records(struct writer_cmd *c, struct writer_txn *t)
{
	struct records *r = (struct records *)c;
	return registry_apply(&r->set, t, r->arena, false, &r->flaw);
}

static void register_records(void)
{
	for (size_t from = 0; from < records; from += BATCH) {
		struct records r = {.cmd.apply = apply_records, .arena = arena_new(64 << 20)};
		r.set = (struct registry_set){
		    .n = BATCH, .batch = true, .who = STR("bench"), .no_series = true};
		r.set.changes = ARENA_ARRAY(r.arena, struct registry_change, BATCH);
		for (size_t i = 0; i < BATCH; i++) {
			struct registry_change *c = &r.set.changes[i];
			struct str text = arena_printf(r.arena, "88.118.8/JX-%07zu", from + i);
			must(!id_parse(r.arena, text, NULL, &c->id));
			struct value *own = ARENA_ARRAY(r.arena, struct value, 2);
			memcpy(own, values, sizeof values);
			own[0].data =
			    arena_printf(r.arena, "https://maker.example/machines/%07zu", from + i);
			own[1].data = STR("lathe");
			c->record = (struct record){.values = own, .values_n = 2};
			c->authority = str_first(c->id.key, 10);
		}
		must(!writer_run(writer, &r.cmd));
		arena_free(r.arena);
	}
}

struct serials {
	struct writer_cmd cmd;
	struct series_change c;
	struct arena *arena;
	struct flaw flaw;
};

static enum err apply_serials(struct writer_cmd *c, struct writer_txn *t)
{
	struct serials *s = (struct serials *)c;
	atomic_store(&rs->series_any, true);
	return series_apply(&s->c, t, s->arena, &s->flaw);
}

static void register_series(const char *pattern)
{
	struct serials s = {.cmd.apply = apply_serials, .arena = arena_new(8 << 20)};
	values[0].data = STR("https://maker.example/machines/{serial}");
	values[1].data = STR("lathe");
	s.c = (struct series_change){.act = SERIES_PUT, .who = STR("bench")};
	s.c.record = (struct record){.values = values, .values_n = 2};
	must(!series_pattern_parse(s.arena, str_of(pattern), NULL, &s.c.pattern));
	must(!series_check_values(s.arena, &s.c.pattern, &s.c.record, NULL));
	s.c.authority = str_first(s.c.pattern.first.key, 10);
	must(!writer_run(writer, &s.cmd));
	arena_free(s.arena);
}

/* Microseconds of processor for one answer as JSON: parse the identifier, find, write. */
static double answers(const char *form, size_t below, enum answer_kind want)
{
	struct arena *a = arena_new(2 << 20);
	struct buf out = BUF_INIT(2 << 20);
	uint32_t seed = 1;
	char text[64];
	clock_t from = clock();
	for (size_t i = 0; i < rounds; i++) {
		struct id id;
		struct local l;
		seed = seed * 1664525 + 1013904223;
		/* after a letter of the form's, seven digits */
		size_t n = strlen(form), at = (size_t)(((uint64_t)seed * below) >> 32);
		memcpy(text, form, n);
		for (size_t k = 7; k-- > 0; at /= 10) text[n + k] = (char)('0' + at % 10);
		must(!id_parse(a, str_n(text, n + 7), NULL, &id));
		must(!answer_find(shard, a, &id, &l) && l.kind == want);
		buf_clear(&out);
		if (l.record.n) must(!record_write_json_peeked(&l.head, RECORD_PUBLIC, &out));
		arena_reset(a);
	}
	double each = (double)(clock() - from) / CLOCKS_PER_SEC * 1e6 / (double)rounds;
	buf_done(&out);
	arena_free(a);
	return each;
}

static void open_all(void)
{
	static const char *const authority[] = {"88.118.8"};
	struct flaw f = {0};
	must(mkdtemp(folder) && !sign_setup());
	struct store_options so = {.folder = folder,
				   .tables = rs_tables,
				   .tables_n = rs_tables_n,
				   .told = rs_table_told,
				   .format = 1};
	must(!store_open(&so, &f, &store));
	struct writer_options wo = {.store = store, .origin = "bench.example/registry"};
	must(!writer_start(&wo, &writer));
	struct rs_options ro = {.store = store,
				.writer = writer,
				.key = sign_key_new(),
				.did = "did:web:bench.example",
				.name = "bench",
				.url = "https://bench.example",
				.authority = authority,
				.authority_n = 1};
	must(!rs_open(&ro, &f, &rs));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st;
	(void)kind;
	(void)w;
	return remove(path);
}

static void compare(void)
{
	for (int i = 0; i < 3; i++) {
		double plain = answers("88.118.8/JX-", records, ANSWER_RECORD);
		double member = answers("88.118.8/SN-", MEMBERS, ANSWER_RECORD);
		double hot = answers("88.118.8/JX-", HOT, ANSWER_RECORD);
		double several = answers("88.118.8/L1-24-", MEMBERS, ANSWER_RECORD);
		double none = answers("88.118.8/NO-", MEMBERS, ANSWER_NOT_FOUND);
		printf("plain record %.2f us, one of 10,000 %.2f us, member %.2f us (%.2f, %.2f), of three "
		       "ranges %.2f us, not found %.2f us\n",
		       plain, hot, member, member / plain, member / hot, several, none);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--short") == 0)
		records = rounds = HOT, series = 100;
	else if (argc > 1 && str_u64(str_of(argv[1]), &rounds))
		return 2;
	open_all();
	register_records();
	sleep(3); /* until the journals are folded */
	/* not before: the store cannot grow while a snapshot is held */
	must(!rs__shard_open(rs, 0, &shard));
	printf("no series: plain record %.2f us, not found %.2f us\n",
	       answers("88.118.8/JX-", records, ANSWER_RECORD),
	       answers("88.118.8/NO-", records, ANSWER_NOT_FOUND));
	usec_t from = clock_mono();
	register_series("88.118.8/SN-{0000000..9999999}");
	printf("registered %d identifiers in %.2f ms\n", MEMBERS, (double)(clock_mono() - from) / 1000);
	register_series("88.118.8/L{1..3}-{20..25}-{0000000..9999999}");
	sleep(3);
	rs__shard_turn(shard);
	compare();
	/* many more, in two shapes */
	from = clock_mono();
	for (size_t i = 0; i < series; i++) {
		char pattern[64];
		snprintf(pattern, sizeof pattern,
			 i % 2 ? "88.118.8/%05zu-{0000..9999}" : "88.118.8/%05zu{0000..9999}-", i);
		register_series(pattern);
	}
	printf("%zu series one by one in %.2f s\n", (size_t)series,
	       (double)(clock_mono() - from) / USEC_PER_SEC);
	sleep(3);
	rs__shard_turn(shard);
	compare();
	writer_stop(writer);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
