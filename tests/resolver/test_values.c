/* Single values over HTTP: added, modified and removed by index, all or none; reasons of tombstones; what
 * an identifier was at any time. */
#include "tests/resolver/desk.h"

#include "base/feed.h"
#include "resolver/registry.h"
#include "resolver/timeline.h"

static struct http_reply patch(const char *token, const char *path, const char *body, const char *header)
{
	return http_call(&node, &(struct http_call){.method = "PATCH",
						    .path = path,
						    .token = token,
						    .headers = {header},
						    .body = str_of(body)});
}

static void made(const char *path, const char *values)
{
	struct http_reply r = put(registrar, path, values, NULL);
	EXPECT(r, 201);
	http_done(&r);
}

/* "1=a 2=b" of the record as its administrator sees it. */
static void expect_values(const char *path, const char *want)
{
	struct http_reply r = get(registrar, path);
	char got[512] = "";
	size_t i, n = 0;
	const json_t *v;
	EXPECT(r, 200);
	json_array_foreach(json_object_get(r.json, "values"), i, v) n +=
	    (size_t)snprintf(got + n, sizeof got - n, "%s%d=%s", i ? " " : "",
			     (int)json_integer_value(json_object_get(v, "index")),
			     json_string_value(json_object_get(json_object_get(v, "data"), "value")));
	assert_string_equal(got, want);
	http_done(&r);
}

#define THREE                                                                                              \
	"{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"a\"},{\"index\":2,\"type\":\"EMAIL\","      \
	"\"data\":\"b\"},{\"index\":9,\"type\":\"DESC\",\"data\":\"c\",\"permissions\":\"1010\"}]}"
#define OPS(list) "{\"operations\":[" list "]}"
#define ADD(value) "{\"op\":\"add\",\"value\":{" value "}}"
#define MODIFY(value) "{\"op\":\"modify\",\"value\":{" value "}}"
#define REMOVE(index) "{\"op\":\"remove\",\"index\":" index "}"
#define VALUE(index, data) "\"index\":" index ",\"type\":\"T\",\"data\":\"" data "\""

static void values_are_added_modified_and_removed(void **state)
{
	const char *path = "/registry/88.118.8/v1";
	(void)state;
	made(path, THREE);
	struct http_reply r = patch(registrar, path, OPS(ADD(VALUE("3", "d"))), "if-match: \"1\"");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"2\"");
	assert_str(r.body, "{\"id\":\"88.118.8/v1\",\"revision\":2,\"indexes\":[3]}");
	http_done(&r);
	expect_values(path, "1=a 2=b 3=d 9=c");
	r = patch(registrar, path,
		  OPS(MODIFY(VALUE("2", "B")) "," REMOVE("1") "," ADD(
		      "\"type\":\"T\",\"data\":\"e\"") "," ADD("\"type\":\"T\",\"data\":\"f\"")),
		  NULL);
	EXPECT(r, 200);
	/* without an index, the lowest free one: the 1 that was just removed, then 4 */
	assert_str(r.body, "{\"id\":\"88.118.8/v1\",\"revision\":3,\"indexes\":[2,1,1,4]}");
	http_done(&r);
	expect_values(path, "1=e 2=B 3=d 4=f 9=c");
	r = get(auditor, "/history/88.118.8/v1");
	const json_t *last = json_array_get(json_object_get(r.json, "history"), 2);
	assert_string_equal(json_string_value(json_object_get(json_object_get(last, "entry"), "kind")),
			    "record.amended");
	http_done(&r);
}

/* What the Handle System's add, modify and remove refuse; several operations are all or none. */
static const struct {
	const char *body;
	int status;
	const char *rule, *field, *header;
} bad_patches[] = {
    {OPS(ADD(VALUE("2", "x"))), 409, "index-exists", "operations[0]", NULL},
    {OPS(MODIFY(VALUE("3", "x"))), 404, "index-absent", "operations[0]", NULL},
    {OPS(REMOVE("3")), 404, "index-absent", "operations[0]", NULL},
    {OPS(REMOVE("1") "," REMOVE("1")), 404, "index-absent", "operations[1]", NULL},
    {OPS(ADD(VALUE("3", "x")) "," ADD(VALUE("3", "y"))), 409, "index-exists", "operations[1]", NULL},
    {OPS(MODIFY(VALUE("9", "x"))), 403, "value-read-only", "operations[0]", NULL},
    {OPS(REMOVE("1") "," REMOVE("9")), 403, "value-read-only", "operations[1]", NULL},
    {OPS(REMOVE("1")), 412, "revision", "id", "if-match: \"7\""},
    {OPS(""), 400, "empty", "operations", NULL},
    {"{\"operations\":7}", 400, NULL, "operations", NULL},
    {"{\"operations\":[7]}", 400, "type", "operations[0]", NULL},
    {"{\"values\":[]}", 400, NULL, "operations", NULL},
    {"{\"operations\":[],\"more\":1}", 400, "unknown-member", NULL, NULL},
    {"[]", 400, "object", NULL, NULL},
    {OPS("{\"op\":\"replace\",\"value\":{}}"), 400, "operation", "operations[0].op", NULL},
    {OPS("{\"op\":\"add\",\"index\":3}"), 400, "unknown-member", "operations[0].index", NULL},
    {OPS("{\"op\":\"add\",\"value\":{\"type\":\"T\"}}"), 400, NULL, "operations[0].value.data", NULL},
    {OPS(MODIFY("\"type\":\"T\",\"data\":\"x\"")), 400, "required", "operations[0].value.index", NULL},
    {OPS(REMOVE("0")), 400, "range", "operations[0].index", NULL},
    {OPS(ADD("\"type\":\"T\",\"data\":\"x\",\"ttl\":-1")), 400, NULL, "operations[0].value.ttl", NULL},
};

static void refusals_name_the_operation_and_change_nothing(void **state)
{
	const char *path = "/registry/88.118.8/v2";
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	made(path, THREE);
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(bad_patches); i++) {
		struct http_reply r = patch(registrar, path, bad_patches[i].body, bad_patches[i].header);
		if (r.status != bad_patches[i].status) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, bad_patches[i].status);
		if (bad_patches[i].rule) assert_string_equal(http_text(&r, "rule"), bad_patches[i].rule);
		if (bad_patches[i].field) assert_string_equal(http_text(&r, "field"), bad_patches[i].field);
		http_done(&r);
	}
	struct http_reply r = patch(registrar, "/registry/88.118.8/none", OPS(REMOVE("1")), NULL);
	EXPECT(r, 404);
	http_done(&r);
	r = patch(enterprise, path, OPS(REMOVE("1")), NULL);
	EXPECT(r, 403);
	http_done(&r);
	r = http_call(&node, &(struct http_call){.method = "PATCH",
						 .path = path,
						 .token = registrar,
						 .body = STR("x"),
						 .content_type = "text/plain"});
	EXPECT(r, 415);
	http_done(&r);
	expect_values(path, "1=a 2=b 9=c");
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void what_makes_no_difference_is_no_change(void **state)
{
	const char *path = "/registry/88.118.8/v2a";
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	made(path, THREE);
	site_heads(&node, &feed, &ledger);
	struct http_reply r =
	    patch(registrar, path, OPS(MODIFY("\"index\":2,\"type\":\"EMAIL\",\"data\":\"b\"")), NULL);
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
	expect_values(path, "1=a 2=b 9=c");
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
	/* nor is their order, which only a change puts right */
	made("/registry/88.118.8/v2b",
	     "{\"values\":[{\"index\":9,\"type\":\"T\",\"data\":\"z\"},{\"index\":2,"
	     "\"type\":\"EMAIL\",\"data\":\"b\"}]}");
	r = patch(registrar, "/registry/88.118.8/v2b",
		  OPS(MODIFY("\"index\":2,\"type\":\"EMAIL\",\"data\":\"b\"")), NULL);
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
	expect_values("/registry/88.118.8/v2b", "9=z 2=b");
	r = patch(registrar, "/registry/88.118.8/v2b", OPS(ADD(VALUE("1", "a"))), NULL);
	EXPECT(r, 200);
	http_done(&r);
	expect_values("/registry/88.118.8/v2b", "1=a 2=b 9=z");
}

static void value_with_everything_it_can_have(void **state)
{
	const char *path = "/registry/88.118.8/v3";
	(void)state;
	made(path, THREE);
	struct http_reply r = patch(
	    registrar, path,
	    OPS(ADD("\"index\":100,\"type\":\"HS_ADMIN\",\"data\":{\"format\":\"hex\",\"value\":\"00ff\"},"
		    "\"ttl\":60,\"permissions\":\"1100\",\"references\":[{\"handle\":\"88.118.8/v1\","
		    "\"index\":300}]")),
	    NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = get(registrar, path);
	const json_t *v = json_array_get(json_object_get(r.json, "values"), 3);
	assert_int_equal(json_integer_value(json_object_get(v, "ttl")), 60);
	assert_string_equal(json_string_value(json_object_get(v, "permissions")), "1100");
	const json_t *ref = json_array_get(json_object_get(v, "references"), 0);
	assert_string_equal(json_string_value(json_object_get(ref, "handle")), "88.118.8/v1");
	http_done(&r);
	/* its TTL does not count for the public, who cannot see it; the record's smallest does */
	r = get(NULL, "/resolve/88.118.8/v3");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "HS_ADMIN", 8));
	http_done(&r);
}

static void hidden_after_a_change_is_hidden_on_every_face(void **state)
{
	static const char *const accepts[] = {"accept: application/json", "accept: text/html",
					      "accept: application/vnd.kanhe.answer+protobuf"};
	const char *path = "/registry/88.118.8/v4";
	(void)state;
	made(path, "{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"seen\"},{\"index\":2,\"type\":"
		   "\"EMAIL\",\"data\":\"unseen\"}]}");
	struct http_reply r = patch(
	    registrar, path,
	    OPS(MODIFY("\"index\":2,\"type\":\"EMAIL\",\"data\":\"unseen\",\"permissions\":\"1100\"")),
	    NULL);
	EXPECT(r, 200);
	http_done(&r);
	for (size_t i = 0; i < COUNT(accepts); i++) {
		r = http_call(&node,
			      &(struct http_call){.path = "/resolve/88.118.8/v4", .headers = {accepts[i]}});
		EXPECT(r, 200);
		assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
		http_done(&r);
	}
	r = get(NULL, "/resolve/88.118.8/v4?trace=1");
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/v4?index=2");
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	r = post(NULL, "/resolve", "{\"ids\":[\"88.118.8/v4\"]}");
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	r = get(NULL, "/find?type=EMAIL&value=unseen");
	EXPECT(r, 200);
	assert_str(r.body, "{\"identifiers\":[]}");
	http_done(&r);
	r = get(registrar, path);
	assert_non_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
}

static void tombstone_tells_its_reason(void **state)
{
	(void)state;
	made("/registry/88.118.8/v5", THREE);
	struct http_reply r = del(registrar, "/registry/88.118.8/v5?reason=line%0Abreak");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "reason");
	http_done(&r);
	r = del(registrar, "/registry/88.118.8/v5?reason=recalled%20%E5%8F%AC%E5%9B%9E");
	EXPECT(r, 200);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/v5");
	EXPECT(r, 410);
	assert_string_equal(http_text(&r, "detail"), "the identifier was retired: recalled 召回");
	http_done(&r);
	r = http_call(
	    &node, &(struct http_call){.path = "/resolve/88.118.8/v5", .headers = {"accept: text/html"}});
	EXPECT(r, 410);
	assert_non_null(memmem(r.body.p, r.body.n, "recalled 召回", 15));
	http_done(&r);
	expect_values("/registry/88.118.8/v5", "1=recalled 召回");
	r = get(auditor, "/history/88.118.8/v5");
	const json_t *entry =
	    json_object_get(json_array_get(json_object_get(r.json, "history"), 1), "entry");
	assert_string_equal(json_string_value(json_object_get(entry, "reason")), "recalled 召回");
	http_done(&r);
	r = patch(registrar, "/registry/88.118.8/v5", OPS(REMOVE("1")), NULL);
	EXPECT(r, 410);
	http_done(&r);
	/* it comes back with what is put then, and nothing of the tombstone */
	r = put(registrar, "/registry/88.118.8/v5", THREE, "if-match: \"2\"");
	EXPECT(r, 200);
	http_done(&r);
	expect_values("/registry/88.118.8/v5", "1=a 2=b 9=c");
}

static void time_of(const struct http_reply *r, size_t i, char out[CLOCK_TEXT])
{
	const json_t *e = json_object_get(json_array_get(json_object_get(r->json, "history"), i), "entry");
	snprintf(out, CLOCK_TEXT, "%s", json_string_value(json_object_get(e, "time")));
}

static void history_tells_what_was_at_any_time(void **state)
{
	char at[3][CLOCK_TEXT], path[256];
	(void)state;
	made("/registry/88.118.8/v6", THREE);
	struct http_reply r =
	    patch(registrar, "/registry/88.118.8/v6", OPS(MODIFY(VALUE("1", "A2"))), NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = del(registrar, "/registry/88.118.8/v6");
	EXPECT(r, 200);
	http_done(&r);
	struct http_reply all = get(auditor, "/history/88.118.8/v6");
	for (size_t i = 0; i < 3; i++) {
		static const char *const first[] = {"a", "A2", NULL};
		const json_t *change = json_array_get(json_object_get(all.json, "history"), i);
		time_of(&all, i, at[i]);
		snprintf(path, sizeof path, "/history/88.118.8/v6?at=%s", at[i]);
		r = get(auditor, path);
		EXPECT(r, 200);
		assert_int_equal(json_integer_value(json_object_get(r.json, "revision")), (long)i + 1);
		assert_string_equal(http_text(&r, "since"), at[i]);
		assert_string_equal(http_text(&r, "after"),
				    json_string_value(json_object_get(change, "after")));
		const json_t *v =
		    json_array_get(json_object_get(json_object_get(r.json, "record"), "values"), 0);
		const char *data = json_string_value(json_object_get(json_object_get(v, "data"), "value"));
		if (first[i])
			assert_string_equal(data, first[i]);
		else
			assert_null(data);
		if (i) { /* one microsecond before, it was what the change before had left */
			usec_t t;
			assert_int_equal(clock_parse(str_of(at[i]), &t), ERR_OK);
			char before[CLOCK_TEXT];
			snprintf(path, sizeof path, "/history/88.118.8/v6?at=%s",
				 clock_print(t - 1, true, before));
			http_done(&r);
			r = get(auditor, path);
			EXPECT(r, 200);
			assert_int_equal(json_integer_value(json_object_get(r.json, "revision")), (long)i);
			assert_string_equal(http_text(&r, "until"), at[i]);
		}
		http_done(&r);
	}
	http_done(&all);
	r = get(auditor, "/history/88.118.8/v6?at=2001-01-01");
	EXPECT(r, 404);
	http_done(&r);
	r = get(auditor, "/history/88.118.8/v6?at=yesterday");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "field"), "at");
	http_done(&r);
	r = get(enterprise, "/history/88.118.8/v6?at=2099-01-01");
	EXPECT(r, 403);
	http_done(&r);
}

static void expect_then(const char *id, const char *at, long revision, const char *data)
{
	char path[256];
	snprintf(path, sizeof path, "/history/%s?at=%s", id, at);
	struct http_reply r = get(auditor, path);
	EXPECT(r, 200);
	const json_t *v = json_array_get(json_object_get(json_object_get(r.json, "record"), "values"), 0);
	assert_int_equal(json_integer_value(json_object_get(r.json, "revision")), revision);
	assert_string_equal(json_string_value(json_object_get(json_object_get(v, "data"), "value")), data);
	http_done(&r);
}

enum { CHANGES = 12, ALIKE = 3 };

static void expect_pages(const char *id, char times[CHANGES][CLOCK_TEXT])
{
	struct http_reply all, r;
	char path[256], next[32] = "";
	size_t seen = 0;
	snprintf(path, sizeof path, "/history/%s", id);
	all = get(auditor, path);
	const json_t *whole = json_object_get(all.json, "history"), *one;
	assert_int_equal(json_array_size(whole), CHANGES);
	assert_null(json_object_get(all.json, "next"));
	for (size_t i = 0; i < CHANGES; i++) time_of(&all, i, times[i]);
	do {
		size_t i;
		snprintf(path, sizeof path, "/history/%s?limit=5%s%s", id, next[0] ? "&cursor=" : "", next);
		r = get(auditor, path);
		EXPECT(r, 200);
		json_array_foreach(json_object_get(r.json, "history"), i, one)
		    assert_true(json_equal(one, json_array_get(whole, seen++)));
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		http_done(&r);
	} while (next[0]);
	assert_int_equal(seen, CHANGES);
	http_done(&all);
}

/* Identifiers that begin alike, many changes of each, page by page and at each time. */
static void long_histories_of_identifiers_that_begin_alike(void **state)
{
	static const char *const ids[ALIKE] = {"88.118.8/w", "88.118.8/w1", "88.118.8/w11"};
	char path[256], data[128], times[ALIKE][CHANGES][CLOCK_TEXT];
	(void)state;
	for (int i = 0; i < CHANGES; i++) {
		for (size_t k = 0; k < ALIKE; k++) {
			snprintf(path, sizeof path, "/registry/%s", ids[k]);
			snprintf(data, sizeof data, "{\"values\":[{\"type\":\"T\",\"data\":\"%zu.%d\"}]}",
				 k, i);
			struct http_reply r = put(registrar, path, data, NULL);
			EXPECT(r, i ? 200 : 201);
			http_done(&r);
		}
	}
	for (size_t k = 0; k < ALIKE; k++) expect_pages(ids[k], times[k]);
	for (size_t k = 0; k < ALIKE; k++) {
		for (int i = 0; i < CHANGES; i++) {
			snprintf(data, sizeof data, "%zu.%d", k, i);
			expect_then(ids[k], times[k][i], i + 1, data);
		}
	}
}

/* An administrator's read right missing is respected as well. */
static void values_nobody_may_read_stay_unread_in_history(void **state)
{
	(void)state;
	made("/registry/88.118.8/v7", "{\"values\":[{\"type\":\"KEY\",\"data\":\"secret\",\"permissions\":"
				      "\"0100\"},{\"type\":\"URL\",\"data\":\"u\"}]}");
	struct http_reply r = patch(registrar, "/registry/88.118.8/v7", OPS(REMOVE("2")), NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = get(registrar, "/history/88.118.8/v7?at=2099-01-01");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "secret", 6));
	http_done(&r);
	r = get(registrar, "/registry/88.118.8/v7");
	assert_null(memmem(r.body.p, r.body.n, "secret", 6));
	http_done(&r);
}

struct twice {
	struct writer_cmd cmd;
	struct arena *arena;
	struct id id;
	struct str authority;
	struct value value;
};

/* Two changes of one identifier in one transaction, as group commit makes of two clients' requests. */
static enum err apply_twice(struct writer_cmd *c, struct writer_txn *t)
{
	struct twice *w = (struct twice *)c;
	enum err e = ERR_OK;
	for (int i = 0; i < 2 && !e; i++) {
		struct registry_change one = {.act = REGISTRY_PUT, .id = w->id, .authority = w->authority};
		struct registry_set set = {.changes = &one, .n = 1, .who = STR("test")};
		w->value.data = i ? STR("second") : STR("first");
		one.record = (struct record){.values = &w->value, .values_n = 1};
		e = registry_apply(&set, t, w->arena, false, NULL);
	}
	return e;
}

static enum err leaves(void *arg, uint64_t leaf, struct str digests)
{
	uint64_t *all = arg;
	(void)digests;
	all[all[0] ? 1 : 0] = leaf;
	return ERR_OK;
}

static void two_changes_of_one_commit_are_told_apart(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct twice w = {.cmd = {.apply = apply_twice},
			  .arena = a,
			  .value = {.index = 1, .type = STR("T"), .permissions = VALUE_PERMISSIONS}};
	struct id_prefix ours;
	struct store_txn *t;
	uint64_t leaf[2] = {0, 0};
	(void)state;
	assert_int_equal(id_parse(a, STR("88.118.8/twice"), NULL, &w.id), ERR_OK);
	assert_int_equal(id_prefix_parse(a, STR("88.118.8"), NULL, &ours), ERR_OK);
	w.authority = ours.key;
	assert_int_equal(writer_run(node.writer, &w.cmd), ERR_OK);
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	assert_int_equal(registry_history(t, &w.id, leaves, leaf), ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct str packed, rest;
		struct value v;
		const struct timeline line = {
		    .feed = writer_feed(node.writer), .txn = t, .prefix = w.id.key};
		assert_int_equal(timeline_record(&line, leaf[i], i ? UINT64_MAX : leaf[1], &packed),
				 ERR_OK);
		rest = packed;
		assert_int_equal(record_next_value(&rest, &v), ERR_OK);
		assert_true(str_is(v.data, i ? "second" : "first"));
	}
	store_read_end(t);
	arena_free(a);
}

static void as_many_values_as_fit_and_no_more(void **state)
{
	struct arena *a = arena_new(8 << 20);
	struct amendment one = {.kind = AMENDMENT_ADD,
				.value = {.type = STR("T"), .permissions = VALUE_PERMISSIONS}};
	struct value *values = ARENA_ARRAY(a, struct value, RECORD_VALUES_MAX);
	struct record r = {.values = values, .values_n = RECORD_VALUES_MAX - 1};
	struct flaw f;
	(void)state;
	/* all indexes from high to low, but 700 */
	for (uint32_t i = 0, index = RECORD_VALUES_MAX; i < r.values_n; index--)
		if (index != 700)
			values[i++] = (struct value){
			    .index = index, .type = STR("T"), .permissions = VALUE_PERMISSIONS};
	struct amendments m = {&one, 1};
	assert_int_equal(amendments_apply(a, &m, &f, &r), ERR_OK);
	assert_int_equal(one.index, 700);
	assert_int_equal(r.values_n, RECORD_VALUES_MAX);
	for (size_t i = 0; i < r.values_n; i++) assert_int_equal(r.values[i].index, i + 1);
	assert_int_equal(amendments_apply(a, &m, &f, &r), ERR_TOO_LARGE);
	assert_string_equal(f.rule, "values-number");
	assert_int_equal(r.values_n, RECORD_VALUES_MAX);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(values_are_added_modified_and_removed),
	    cmocka_unit_test(refusals_name_the_operation_and_change_nothing),
	    cmocka_unit_test(what_makes_no_difference_is_no_change),
	    cmocka_unit_test(value_with_everything_it_can_have),
	    cmocka_unit_test(hidden_after_a_change_is_hidden_on_every_face),
	    cmocka_unit_test(tombstone_tells_its_reason),
	    cmocka_unit_test(history_tells_what_was_at_any_time),
	    cmocka_unit_test(long_histories_of_identifiers_that_begin_alike),
	    cmocka_unit_test(values_nobody_may_read_stay_unread_in_history),
	    cmocka_unit_test(two_changes_of_one_commit_are_told_apart),
	    cmocka_unit_test(as_many_values_as_fit_and_no_more),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
