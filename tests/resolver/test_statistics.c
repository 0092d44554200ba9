/* Statistics: counts by prefix and day, errors, top identifiers; what a stop keeps; who may see what. */
#include "tests/resolver/desk.h"

#include "resolver/state.h"
#include "resolver/top.h"

#define CODE "91350100M000100Y43"

static void done(struct http_reply r, int status)
{
	EXPECT(r, status);
	http_done(&r);
}

static uint64_t member(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* The total's member for a query. */
static uint64_t total(const char *token, const char *query, const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "/statistics%s", query);
	struct http_reply r = get(token, path);
	EXPECT(r, 200);
	uint64_t n = member(json_object_get(r.json, "total"), name);
	http_done(&r);
	return n;
}

static void ask(const char *id, int status, int times)
{
	char path[256];
	snprintf(path, sizeof path, "/resolve/%s", id);
	for (int i = 0; i < times; i++) done(get(NULL, path), status);
}

static void admit(void)
{
	done(post(registrar, "/enterprises",
		  "{\"code\":\"" CODE "\",\"name\":\"W\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"}}"),
	     202);
	done(post(registrar, "/enterprises/" CODE "/approve",
		  "{\"review\":\"x\",\"prefix\":\"88.118.8.7\"}"),
	     200);
}

static char account[ACCESS_TOKEN_TEXT];

static const struct {
	const char *query, *name;
	uint64_t n;
} wants[] = {{"?prefix=88.118.8.7", "registered", 2},
	     {"?prefix=88.118.8.7", "replaced", 0},
	     {"?prefix=88.118.8.7", "retired", 1},
	     {"?prefix=88.118.8.7", "records", 3},
	     {"?prefix=88.118.8.7", "gone", 1},
	     {"?prefix=88.118.8.7", "not_found", 2},
	     {"?prefix=88.118.8.7", "resolutions", 6},
	     {"?prefix=88.118.8", "registered", 3},
	     {"?prefix=88.118.8", "replaced", 1},
	     {"?prefix=88.118.8", "retired", 1},
	     {"?prefix=88.118.8", "records", 7},
	     {"?prefix=88.118.8", "not_found", 3},
	     {"?prefix=88.118.8", "resolutions", 11},
	     {"?prefix=gs1:950600", "resolutions", 0},
	     {"", "records", 7},
	     {"", "failed", 3},
	     {"", "resolutions", 14}};

static void check_wants(void)
{
	for (size_t i = 0; i < COUNT(wants); i++) {
		uint64_t n = total(operator, wants[i].query, wants[i].name);
		if (n != wants[i].n) fprintf(stderr, "%s %s\n", wants[i].query, wants[i].name);
		assert_int_equal(n, wants[i].n);
	}
}

static void counts_registrations_and_resolutions(void **state)
{
	(void)state;
	admit();
	struct http_reply r = post(registrar, "/enterprises/" CODE "/accounts", "{\"label\":\"main\"}");
	EXPECT(r, 201);
	snprintf(account, sizeof account, "%s", http_text(&r, "token"));
	http_done(&r);
	/* 3 new, 1 replaced, 1 the same, 1 retired; of the enterprise 2 of them and the retirement */
	assert_int_equal(site_register(&node, account, "88.118.8.7/a", "https://1/"), 201);
	assert_int_equal(site_register(&node, account, "88.118.8.7/b", "https://1/"), 201);
	assert_int_equal(site_register(&node, registrar, "88.118.8/c", "https://1/"), 201);
	assert_int_equal(site_register(&node, registrar, "88.118.8/c", "https://2/"), 200);
	assert_int_equal(site_register(&node, registrar, "88.118.8/c", "https://2/"), 200);
	done(del(account, "/registry/88.118.8.7/b"), 200);
	ask("88.118.8.7/a", 200, 3);
	ask("88.118.8.7/b", 410, 1);
	ask("88.118.8.7/none", 404, 2);
	ask("88.118.8/c", 200, 4);
	ask("88.118.8/none", 404, 1);
	ask("10.1000/182", 421, 2); /* nobody's here */
	done(get(NULL, "/resolve/88.118.8"), 400);
	check_wants();
	r = get(operator, "/statistics?prefix=88.118.8.7");
	const json_t *t = json_object_get(r.json, "total");
	assert_true(json_real_value(json_object_get(t, "error_rate")) == 0.5);
	assert_int_equal(json_array_size(json_object_get(r.json, "days")), 1);
	http_done(&r);
}

/* What statistics count is asked for, not asking for statistics. */
static void counts_go_on_from_what_was_asked_for(void **state)
{
	(void)state;
	/* asking twice does not count twice, and what came between does */
	ask("88.118.8.7/a", 200, 1);
	assert_int_equal(total(operator, "?prefix=88.118.8.7", "records"), 4);
	assert_int_equal(total(operator, "?prefix=88.118.8.7", "records"), 4);
	/* a batch counts each of its identifiers */
	done(post(NULL, "/resolve",
		  "{\"ids\":[\"88.118.8.7/a\",\"88.118.8.7/a\",\"88.118.8.7/none\",\"bad\"]}"),
	     200);
	assert_int_equal(total(operator, "?prefix=88.118.8.7", "records"), 6);
	assert_int_equal(total(operator, "?prefix=88.118.8.7", "not_found"), 3);
	assert_int_equal(total(operator, "", "failed"), 4);
}

static void what_was_counted_is_written_down_at_a_stop(void **state)
{
	struct store_txn *t;
	struct id_prefix p;
	struct arena *a = arena_new(4096);
	struct row {
		uint64_t n[STATISTICS_N];
	};
	(void)state;
	ask("88.118.8.7/a", 200, 5);
	assert_int_equal(rs_flush(node.rs), ERR_OK);
	assert_int_equal(id_prefix_parse(a, STR("88.118.8.7"), NULL, &p), ERR_OK);
	uint32_t today = (uint32_t)(clock_wall() / USEC_PER_DAY);
	char key[64];
	struct str row;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	memcpy(key, p.key.p, p.key.n);
	for (int i = 0; i < 4; i++) key[p.key.n + (size_t)i] = (char)(today >> (24 - 8 * i));
	assert_int_equal(store_get(t, RS_TABLE_statistic, str_n(key, p.key.n + 4), &row), ERR_OK);
	assert_int_equal(row.n, 1 + 8 * STATISTICS_N);
	assert_int_equal(store_u64(str_n(row.p + 1 + 8 * STATISTIC_records, 8)), 11);
	store_read_end(t);
	/* a flush of nothing writes nothing */
	uint64_t feed, ledger, feed2, ledger2;
	site_heads(&node, &feed, &ledger);
	assert_int_equal(rs_flush(node.rs), ERR_OK);
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	arena_free(a);
}

/* A command that fails gives back what it took; one that is applied again takes once. */
static enum err fail_after(struct writer_cmd *c, struct writer_txn *t);
struct failing {
	struct writer_cmd cmd;
	struct flush flush;
	int runs;
};
static enum err fail_after(struct writer_cmd *c, struct writer_txn *t)
{
	struct failing *f = (struct failing *)c;
	enum err e = flush_take(&f->flush, t);
	f->runs++;
	return e ? e : ERR_CONFLICT;
}

static void a_failed_flush_loses_nothing(void **state)
{
	(void)state;
	uint64_t before = total(operator, "?prefix=88.118.8.7", "records");
	ask("88.118.8.7/a", 200, 2);
	struct failing f = {.cmd = {.apply = fail_after}, .flush = {.rs = node.rs}};
	assert_int_equal(writer_run(node.writer, &f.cmd), ERR_CONFLICT);
	flush_settle(&f.flush, ERR_CONFLICT);
	assert_int_equal(total(operator, "?prefix=88.118.8.7", "records"), before + 2);
}

static void lists_prefixes_by_pages(void **state)
{
	(void)state;
	struct http_reply r = get(auditor, "/statistics/prefixes?limit=2");
	EXPECT(r, 200);
	const json_t *all = json_object_get(r.json, "prefixes");
	assert_int_equal(json_array_size(all), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "prefix")),
			    "88.118.8");
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "prefix")),
			    "88.118.8.7");
	assert_true(member(json_array_get(all, 1), "records") >= 11);
	char path[256];
	snprintf(path, sizeof path, "/statistics/prefixes?cursor=%s", http_text(&r, "next"));
	http_done(&r);
	r = get(auditor, path);
	EXPECT(r, 200);
	all = json_object_get(r.json, "prefixes");
	assert_int_equal(json_array_size(all), 1);
	assert_string_equal(http_text(&r, "next"), "");
	http_done(&r);
	done(get(auditor, "/statistics/prefixes?cursor=!"), 400);
}

static void everybody_sees_its_own(void **state)
{
	(void)state;
	/* the enterprise: without a prefix, its own */
	uint64_t own = total(operator, "?prefix=88.118.8.7", "resolutions");
	assert_int_equal(total(account, "", "resolutions"), own);
	assert_int_equal(total(account, "?prefix=88.118.8.7", "resolutions"), own);
	done(get(account, "/statistics?prefix=88.118.8"), 403);
	struct http_reply r = get(account, "/statistics/prefixes");
	assert_int_equal(json_array_size(json_object_get(r.json, "prefixes")), 1);
	http_done(&r);
	/* a credential of the operator's making is no enterprise's */
	assert_int_equal(total(enterprise, "", "resolutions"), 0);
	done(get(registrar, "/statistics?prefix=88.999"), 403);
	done(get(auditor, "/statistics?prefix=88.118.8.6"), 404); /* not counted for itself */
	done(get(auditor, "/statistics?prefix=88..1"), 400);
	done(get(auditor, "/statistics?from=yesterday"), 400);
	done(get(auditor, "/statistics?from=2026-01-02&to=2026-01-01"), 400);
	done(get(auditor, "/statistics?from=2020-01-01&to=2026-01-01"), 400);
	assert_int_equal(total(auditor, "?from=2020-01-01&to=2020-12-31", "resolutions"), 0);
	static const char *const paths[] = {"/statistics", "/statistics/prefixes", "/statistics/top"};
	for (size_t i = 0; i < COUNT(paths); i++) {
		done(get(NULL, paths[i]), 401);
		done(get(owner, paths[i]), 403);
		done(get(agent, paths[i]), 403);
	}
	done(get(operator, "/statistics/top"), 403); /* which identifiers are asked for is contents */
}

static void the_most_asked_for_stand_first(void **state)
{
	(void)state;
	assert_int_equal(site_register(&node, registrar, "88.118.8/hot", "https://1/"), 201);
	ask("88.118.8/hot", 200, 40);
	ask("88.118.8/none", 404, 50);
	struct http_reply r = get(auditor, "/statistics/top?limit=2");
	EXPECT(r, 200);
	const json_t *top = json_object_get(r.json, "top");
	assert_int_equal(json_array_size(top), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(top, 0), "id")),
			    "88.118.8/hot");
	assert_int_equal(member(json_array_get(top, 0), "count"), 40);
	assert_int_equal(member(json_array_get(top, 0), "error"), 0);
	assert_string_equal(json_string_value(json_object_get(json_array_get(top, 1), "id")),
			    "88.118.8.7/a");
	http_done(&r);
	r = get(account, "/statistics/top");
	top = json_object_get(r.json, "top");
	assert_int_equal(json_array_size(top), 1);
	http_done(&r);
	done(get(auditor, "/statistics/top?limit=101"), 400);
}

/* A skewed stream over many identifiers: the heavy ones are found, no count is too small, and none is too
 * large by more than its error. */
static void the_sketch_keeps_its_bounds(void **state)
{
	enum { IDS = 200000, HEAVY = 50, ROUNDS = 40 };
	static uint32_t truth[IDS];
	static struct top_entry best[TOP_LIST_MAX];
	struct top *t = top_new();
	uint64_t seed = 7;
	size_t found = 0;
	char text[32];
	(void)state;
	assert_non_null(t);
	for (size_t n = 0; n < 400000; n++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t i = n % 2 ? (size_t)(seed >> 33) % IDS : (size_t)(seed >> 33) % HEAVY;
		truth[i]++;
		int len = snprintf(text, sizeof text, "88.1/%zu", i);
		top_add(t, str_n(text, (size_t)len));
	}
	size_t n = top_list(t, best, TOP_LIST_MAX);
	assert_int_equal(n, TOP_LIST_MAX);
	for (size_t i = 0; i < n; i++) {
		uint64_t id = 0;
		assert_int_equal(str_u64(str_n(best[i].text + 5, (size_t)best[i].n - 5), &id), ERR_OK);
		assert_true(best[i].count >= truth[id]);
		assert_true(best[i].count - best[i].error <= truth[id]);
		if (i) assert_true(best[i].count <= best[i - 1].count);
		found += i < HEAVY && id < HEAVY;
	}
	assert_int_equal(found, HEAVY);
	/* the same of two shards becomes one */
	memcpy(best + 10, best, 10 * sizeof *best);
	uint64_t first = best[0].count;
	assert_int_equal(top_merge(best, 20, 5), 5);
	assert_int_equal(best[0].count, 2 * first);
	top_clear(t);
	assert_int_equal(top_list(t, best, TOP_LIST_MAX), 0);
	top_free(t);
}

/* Two shards, their counts added up and their lists merged. */
static void shards_are_added_up(void **state)
{
	struct site two;
	char reg[ACCESS_TOKEN_TEXT];
	uint64_t n = 0;
	(void)state;
	site_open(&(struct site_options){.name = "two", .authority = {"88.118.8"}, .shards = 2}, &two);
	site_grant(&two, "reg", ROLE_REGISTRAR, "*", reg);
	assert_int_equal(site_register(&two, reg, "88.118.8/x", "https://x/"), 201);
	for (int i = 0; i < 40; i++) {
		struct http_reply r = http_get(&two, "/resolve/88.118.8/x");
		assert_int_equal(r.status, 200);
		http_done(&r);
	}
	struct http_reply r =
	    http_call(&two, &(struct http_call){.path = "/statistics?prefix=88.118.8", .token = reg});
	EXPECT(r, 200);
	assert_int_equal(member(json_object_get(r.json, "total"), "records"), 40);
	http_done(&r);
	for (int i = 0; i < 8; i++) { /* asked of either shard, as the connections fall */
		r = http_call(&two, &(struct http_call){.path = "/statistics/top", .token = reg});
		EXPECT(r, 200);
		const json_t *top = json_object_get(r.json, "top");
		assert_int_equal(json_array_size(top), 1);
		n = member(json_array_get(top, 0), "count");
		assert_int_equal(n, 40);
		http_done(&r);
	}
	site_close(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_registrations_and_resolutions),
	    cmocka_unit_test(counts_go_on_from_what_was_asked_for),
	    cmocka_unit_test(what_was_counted_is_written_down_at_a_stop),
	    cmocka_unit_test(a_failed_flush_loses_nothing),
	    cmocka_unit_test(lists_prefixes_by_pages),
	    cmocka_unit_test(everybody_sees_its_own),
	    cmocka_unit_test(the_most_asked_for_stand_first),
	    cmocka_unit_test(the_sketch_keeps_its_bounds),
	    cmocka_unit_test(shards_are_added_up),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
