/* Lists in order of identifiers and of their last change, and counts. */
#include "tests/resolver/records.h"

#include <stdlib.h>

#include "resolver/registry.h"

/* ---- lists and counts --------------------------------------------------------------------- */

/* Ids of all pages, each taken off its prefix, separated by blanks. between: runs after the first page that
 * has any. */
static void listed(const char *query, void (*between)(void), char *got, size_t room)
{
	char path[1024], next[512] = "";
	size_t n = 0, pages = 0;
	got[0] = 0;
	do {
		size_t i;
		const json_t *one;
		snprintf(path, sizeof path, "/registry?%s&cursor=%s", query, next);
		struct http_reply r = get(registrar, path);
		EXPECT(r, 200);
		json_array_foreach(json_object_get(r.json, "records"), i, one) n +=
		    (size_t)snprintf(got + n, room - n, "%s%s", n ? " " : "",
				     strchr(json_string_value(json_object_get(one, "id")), '/') + 1);
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		http_done(&r);
		pages++;
		if (n && between) between();
		if (n) between = NULL;
		assert_true(pages < 200);
	} while (next[0]);
}

static void expect_listed(const char *query, const char *want)
{
	char got[1024];
	listed(query, NULL, got, sizeof got);
	assert_string_equal(got, want);
}

static void change_two(void)
{
	made("88.118.8.9/t3", PUBLIC("DESC", "later"));
	made("88.118.8.9/t9", PUBLIC("DESC", "new"));
}

static void lists_in_order_of_the_last_change(void **state)
{
	char query[256], mid[CLOCK_TEXT], got[1024];
	(void)state;
	for (int i = 1; i <= 6; i++) {
		char id[64];
		snprintf(id, sizeof id, "88.118.8.9/t%d", i);
		if (i == 4) clock_print(clock_wall(), true, mid);
		made(id, PUBLIC("DESC", "first"));
	}
	struct http_reply r = del(registrar, "/registry/88.118.8.9/t2");
	EXPECT(r, 200);
	http_done(&r);
	made("88.118.8.9/t1", PUBLIC("DESC", "second"));
	expect_listed("prefix=88.118.8.9&order=oldest", "t3 t4 t5 t6 t2 t1");
	expect_listed("prefix=88.118.8.9&order=newest", "t1 t2 t6 t5 t4 t3");
	expect_listed("prefix=88.118.8.9&order=newest&limit=1", "t1 t2 t6 t5 t4 t3");
	expect_listed("prefix=88.118.8.9&order=oldest&limit=2&status=active", "t3 t4 t5 t6 t1");
	expect_listed("prefix=88.118.8.9&status=retired", "t2");
	snprintf(query, sizeof query, "prefix=88.118.8.9&since=%s", mid);
	expect_listed(query, "t1 t2 t4 t5 t6");
	snprintf(query, sizeof query, "prefix=88.118.8.9&order=newest&until=%s", mid);
	expect_listed(query, "t3");
	snprintf(query, sizeof query, "prefix=88.118.8.9&until=%s&limit=1", mid);
	expect_listed(query, "t3");
	snprintf(query, sizeof query, "prefix=88.118.8.9&order=oldest&since=%s&limit=2", mid);
	expect_listed(query, "t4 t5 t6 t2 t1");
	/* while writes go on: from the oldest, what changes is met at its new place, and nothing is missed
	 */
	listed("prefix=88.118.8.9&order=oldest&limit=2", change_two, got, sizeof got);
	assert_string_equal(got, "t3 t4 t5 t6 t2 t1 t3 t9");
	expect_listed("prefix=88.118.8.9&order=newest", "t9 t3 t1 t2 t6 t5 t4");
	static const char *const bad[] = {"order=backwards",
					  "since=now",
					  "until=x",
					  "status=dead",
					  "cursor=AAAA&order=newest",
					  "cursor=AAAAAAAAAAAAAAAA&order=oldest",
					  "cursor=__________8AAAAA&order=oldest",
					  "limit=0"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(query, sizeof query, "/registry?prefix=88.118.8.9&%s", bad[i]);
		r = get(registrar, query);
		if (r.status != 400) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, 400);
		http_done(&r);
	}
}

/* A filter that matches nothing looks at a bounded number of records for each answer. */
static void a_filter_that_matches_nothing_ends_in_steps(void **state)
{
	char path[1024], next[512] = "";
	size_t pages = 0;
	(void)state;
	load_colours(12000);
	do {
		snprintf(path, sizeof path, "/registry?prefix=88.118.8&until=2001-01-01&cursor=%s", next);
		struct http_reply r = get(registrar, path);
		EXPECT(r, 200);
		assert_int_equal(json_array_size(json_object_get(r.json, "records")), 0);
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		http_done(&r);
		pages++;
	} while (next[0]);
	assert_int_equal(pages, 2);
	struct http_reply r =
	    get(registrar, "/registry?prefix=88.118.8&order=oldest&status=retired&limit=1000");
	EXPECT(r, 200);
	assert_true(strlen(http_text(&r, "next")) > 0);
	http_done(&r);
}

static void counts_below_above_and_beside(void **state)
{
	uint64_t all[2][2];
	(void)state;
	counts_now(all);
	made("88.118.8.4.5/x", PUBLIC("DESC", "d"));
	made("88.118.8.4/x", PUBLIC("DESC", "d"));
	made("88.118.8.40/x", PUBLIC("DESC", "d"));
	expect_count("88.118.8.4", 2, 0);
	expect_count("88.118.8.4.5", 1, 0);
	expect_count("88.118.8.4%2F", 1, 0);
	expect_count("88.118.8.77", 0, 0);
	expect_count("88.118.8", all[0][0] + 3, all[0][1]);
	struct http_reply r = del(registrar, "/registry/88.118.8.4.5/x");
	EXPECT(r, 200);
	http_done(&r);
	expect_count("88.118.8.4", 1, 1);
	made("88.118.8.4.5/y", PUBLIC("DESC", "d"));
	expect_count("88.118.8.4.5", 1, 1);
	/* a key that is an identifier as well as a prefix */
	made("01/09506000164908", PUBLIC("DESC", "d"));
	made("01/09506000164908/21/1", PUBLIC("DESC", "d"));
	made("01/09506000164908/21/2", PUBLIC("DESC", "d"));
	expect_count("95060001649", 3, 0);
	/* of all authorities under it, for whom may see that much; too deep; not ours; not his */
	r = get(auditor, "/count?prefix=88");
	EXPECT(r, 200);
	http_done(&r);
	r = get(registrar, "/count?prefix=88.118.8.1.2.3.4.5.6.7.8");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "count-depth");
	http_done(&r);
	r = get(auditor, "/count?prefix=88.200");
	EXPECT(r, 421);
	http_done(&r);
	r = get(enterprise, "/count?prefix=88.118.8");
	EXPECT(r, 403);
	http_done(&r);
}

static unsigned seed = 20261126;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* ---- the census by itself ------------------------------------------------------------------ */

enum { TALLIED = 400 };

struct counting {
	struct writer_cmd cmd;
	struct id id[TALLIED];
	int active[TALLIED], retired[TALLIED];
	struct str authority;
};

static int by_id_key(const void *a, const void *b)
{
	return str_cmp(((const struct id *)a)->key, ((const struct id *)b)->key);
}

static enum err apply_census(struct writer_cmd *c, struct writer_txn *t)
{
	struct counting *y = (struct counting *)c;
	struct census sums;
	enum err e = ERR_OK;
	census_open(&sums, t->store);
	for (size_t i = 0; i < TALLIED && !e; i++)
		e = census_add(&sums, y->id[i].key, y->authority, y->active[i], y->retired[i]);
	return e ? e : census_close(&sums);
}

/* Of one command with many prefixes: each boundary has what was added below it. */
static void sums_of_one_command_reach_each_boundary(void **state)
{
	static struct counting y;
	struct arena *a = arena_new(4 << 20);
	struct id_prefix p;
	struct store_txn *t;
	(void)state;
	assert_int_equal(id_prefix_parse(a, STR("88.300"), NULL, &p), ERR_OK);
	y = (struct counting){.cmd = {.apply = apply_census}, .authority = p.key};
	for (size_t i = 0; i < TALLIED; i++) {
		char text[64];
		snprintf(text, sizeof text, "88.300.%u.%u/%zu", pick(3) ? pick(12) : 1, pick(3), i);
		assert_int_equal(id_parse(a, arena_dup(a, str_of(text)), NULL, &y.id[i]), ERR_OK);
		y.active[i] = 5 + (int)pick(9);
		y.retired[i] = (int)pick(3);
	}
	qsort(y.id, TALLIED, sizeof *y.id, by_id_key);
	assert_int_equal(writer_run(node.writer, &y.cmd), ERR_OK);
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	for (size_t i = 0; i < TALLIED; i++) {
		size_t ends[ID_BOUNDARIES_MAX], n = id_boundaries(&y.id[i], ends);
		for (size_t k = 0; k < n; k++) {
			struct str prefix = str_first(y.id[i].key, ends[k]);
			struct registry_count got, want = {0, 0};
			if (!str_starts(prefix, p.key)) continue;
			for (size_t m = 0; m < TALLIED; m++) {
				if (!str_starts(y.id[m].key, prefix)) continue;
				want.active += (uint64_t)y.active[m];
				want.retired += (uint64_t)y.retired[m];
			}
			assert_int_equal(registry_count(t, prefix, &got), ERR_OK);
			assert_int_equal(got.active, want.active);
			assert_int_equal(got.retired, want.retired);
		}
	}
	store_read_end(t);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(lists_in_order_of_the_last_change),
	    cmocka_unit_test(counts_below_above_and_beside),
	    cmocka_unit_test(a_filter_that_matches_nothing_ends_in_steps),
	    cmocka_unit_test(sums_of_one_command_reach_each_boundary),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
