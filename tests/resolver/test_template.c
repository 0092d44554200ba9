/* Metadata templates over HTTP: made, kept, and records held to them; a refusal changes nothing. */
#include "tests/resolver/desk.h"

#include "base/ledger.h"

#define VALVE                                                                                              \
	"{\"prefix\":\"88.118.8.2\",\"version\":\"valve-1\",\"attributes\":["                              \
	"{\"name\":\"bore\",\"type\":\"number\",\"min\":\"1\",\"max\":\"500\",\"decimals\":1,"             \
	"\"required\":true},"                                                                              \
	"{\"name\":\"steel\",\"type\":\"enum\",\"choices\":[\"304\",\"316\"]},"                            \
	"{\"name\":\"made\",\"type\":\"date\",\"min\":\"2020-01-01\"},"                                    \
	"{\"name\":\"serial\",\"pattern\":\"[A-Z]{2}[0-9]+\",\"min_length\":3,\"max_length\":8},"          \
	"{\"name\":\"pump\",\"type\":\"reference\",\"reference\":\"88.118.8.2/pump-1\"},"                  \
	"{\"name\":\"old\",\"state\":\"disabled\"}]}"
#define NAMED "{\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"valve-1\"}"
#define BORE ",{\"index\":2000,\"type\":\"bore\",\"data\":\"12.5\"}"

static void make(const char *json)
{
	struct http_reply r = post(enterprise, "/templates", json);
	EXPECT(r, 201);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
}

static long long uses(const char *path)
{
	struct http_reply r = get(registrar, path);
	EXPECT(r, 200);
	long long n = json_integer_value(json_object_get(r.json, "uses"));
	http_done(&r);
	return n;
}

static void makes_changes_lists_and_deletes(void **state)
{
	(void)state;
	make("{\"prefix\":\"88.118.8.2\",\"version\":\"a/"
	     "b\",\"title\":\"T\",\"attributes\":[{\"name\":\"x\"}]}");
	struct http_reply r = post(enterprise, "/templates",
				   "{\"prefix\":\"88.118.8.2\",\"version\":\"a/b\",\"attributes\":[]}");
	EXPECT(r, 409);
	http_done(&r);
	r = get(enterprise, "/templates/88.118.8.2/a%2Fb");
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "title"), "T");
	assert_string_equal(http_text(&r, "creator"), "enterprise");
	const json_t *x = json_array_get(json_object_get(r.json, "attributes"), 0);
	assert_int_equal(json_integer_value(json_object_get(x, "index")), 2000);
	http_done(&r);
	const char *more =
	    "{\"title\":\"U\",\"attributes\":[{\"name\":\"y\",\"index\":2005},{\"name\":\"z\"}]}";
	r = put(enterprise, "/templates/88.118.8.2/a%2Fb", more, "if-match: \"7\"");
	EXPECT(r, 412);
	http_done(&r);
	r = put(enterprise, "/templates/88.118.8.2/a%2Fb", more, "if-match: \"1\"");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"2\"");
	http_done(&r);
	make("{\"prefix\":\"88.118.8.2.7\",\"version\":\"deep\",\"attributes\":[]}");
	r = get(registrar, "/templates?prefix=88.118.8.2&limit=1");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "templates")), 1);
	char next[300];
	snprintf(next, sizeof next, "/templates?prefix=88.118.8.2&cursor=%s", http_text(&r, "next"));
	http_done(&r);
	r = get(registrar, next);
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "templates")), 1);
	assert_string_equal(http_text(&r, "next"), "");
	http_done(&r);
	static const char *const paths[] = {"/templates/88.118.8.2/a%2Fb", "/templates/88.118.8.2.7/deep"};
	for (size_t i = 0; i < COUNT(paths); i++) {
		r = del(enterprise, paths[i]);
		EXPECT(r, 204);
		http_done(&r);
		r = del(enterprise, paths[i]);
		EXPECT(r, 404);
		http_done(&r);
	}
}

static void bad_templates_are_named(void **state)
{
	static const struct {
		const char *json, *field;
		int status;
	} rows[] = {
	    {"[]", "", 400},
	    {"{\"version\":\"1\",\"attributes\":[]}", "prefix", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"attributes\":[]}", "version", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\"}", "attributes", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1 2\",\"attributes\":[]}", "version", 400},
	    {"{\"prefix\":\"88..8\",\"version\":\"1\",\"attributes\":[]}", "prefix", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[],\"atributes\":1}", "atributes",
	     400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[],\"id\":1}", "id", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{}]}", "attributes[0].name",
	     400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"index\":1999}]"
	     "}",
	     "attributes[0].index", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\"},{\"name\":"
	     "\"a\"}]}",
	     "attributes[1].name", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"type\":"
	     "\"float\"}]}",
	     "attributes[0].type", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"pattern\":\"("
	     "\"}]}",
	     "attributes[0].pattern", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"pattern\":\"("
	     "a{99}){99}\"}]}",
	     "attributes[0].pattern", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"min\":\"1\"}]"
	     "}",
	     "attributes[0].min", 400},
	    {"{\"prefix\":\"88.118.8.2\",\"version\":\"1\",\"attributes\":[{\"name\":\"a\",\"type\":"
	     "\"enum\"}]}",
	     "attributes[0].choices", 400},
	    {"{\"prefix\":\"88.118.9\",\"version\":\"1\",\"attributes\":[]}", "prefix", 421},
	    {"{\"prefix\":\"88.118.8.3\",\"version\":\"1\",\"attributes\":[]}", "prefix", 403},
	    {"{\"prefix\":\"88.118.8\",\"version\":\"1\",\"attributes\":[]}", "prefix", 403},
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_reply r = post(enterprise, "/templates", rows[i].json);
		if (r.status != rows[i].status || strcmp(http_text(&r, "field"), rows[i].field) != 0)
			fprintf(stderr, "row %zu: %s\n", i, rows[i].json);
		EXPECT(r, rows[i].status);
		assert_string_equal(http_text(&r, "field"), rows[i].field);
		http_done(&r);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

/* Each rule of an attribute: the value that breaks it, and what the refusal names. */
static const struct {
	const char *body, *field, *rule, *attribute;
} unfit[] = {
    {NAMED "]}", "values", "template-required", "bore"},
    {NAMED ",{\"index\":2000,\"type\":\"bore\",\"data\":\"x\"}]}", "values[1]", "template-number", "bore"},
    {NAMED ",{\"index\":2000,\"type\":\"bore\",\"data\":\"0.5\"}]}", "values[1]", "template-range", "bore"},
    {NAMED ",{\"index\":2000,\"type\":\"bore\",\"data\":\"500.1\"}]}", "values[1]", "template-range",
     "bore"},
    {NAMED ",{\"index\":2000,\"type\":\"bore\",\"data\":\"5.25\"}]}", "values[1]", "template-decimals",
     "bore"},
    {NAMED ",{\"index\":2000,\"type\":\"size\",\"data\":\"5\"}]}", "values[1]", "template-type", "size"},
    {NAMED BORE ",{\"index\":2001,\"type\":\"steel\",\"data\":\"1\"}]}", "values[2]", "template-choice",
     "steel"},
    {NAMED BORE ",{\"index\":2002,\"type\":\"made\",\"data\":\"2023-02-29\"}]}", "values[2]",
     "template-date", "made"},
    {NAMED BORE ",{\"index\":2002,\"type\":\"made\",\"data\":\"2019-12-31\"}]}", "values[2]",
     "template-range", "made"},
    {NAMED BORE ",{\"index\":2003,\"type\":\"serial\",\"data\":\"A\"}]}", "values[2]", "template-length",
     "serial"},
    {NAMED BORE ",{\"index\":2003,\"type\":\"serial\",\"data\":\"ABC123\"}]}", "values[2]",
     "template-pattern", "serial"},
    {NAMED BORE ",{\"index\":2004,\"type\":\"pump\",\"data\":\"nonsense\"}]}", "values[2]",
     "template-reference", "pump"},
    {NAMED BORE ",{\"index\":2004,\"type\":\"pump\",\"data\":\"88.118.8.2/plain\"}]}", "values[2]",
     "template-reference", "pump"},
    {NAMED BORE ",{\"index\":2005,\"type\":\"old\",\"data\":\"1\"}]}", "values[2]", "template-disabled",
     "old"},
    {NAMED BORE ",{\"index\":2006,\"type\":\"new\",\"data\":\"1\"}]}", "values[2]", "template-index",
     "new"},
    {NAMED BORE ",{\"index\":1000,\"type\":\"TEMPLATE_ID\",\"data\":\"88.118.8.2/valve-1\"}]}", "values[2]",
     "template-reserved", ""},
    {"{\"values\":[{\"index\":1001,\"type\":\"URL\",\"data\":\"x\"}]}", "values[0]", "template-reserved",
     ""},
    {"{\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"valve-9\"}]}", "TEMPLATE",
     "template-known", "valve-9"},
    {"{\"values\":[{\"index\":1000,\"type\":\"TEMPLATE_ID\",\"data\":\"valve-1\"}]}", "TEMPLATE_ID",
     "template-name", "valve-1"},
};

static void records_are_held_to_their_template(void **state)
{
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	make(VALVE);
	assert_int_equal(site_register(&node, enterprise, "88.118.8.2/plain", "https://p/"), 201);
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(unfit); i++) {
		struct http_reply r = put(enterprise, "/registry/88.118.8.2/v1", unfit[i].body, NULL);
		if (r.status != 400 || strcmp(http_text(&r, "rule"), unfit[i].rule) != 0)
			fprintf(stderr, "row %zu: %s\n", i, unfit[i].body);
		EXPECT(r, 400);
		assert_string_equal(http_text(&r, "rule"), unfit[i].rule);
		assert_string_equal(http_text(&r, "field"), unfit[i].field);
		assert_non_null(strstr(http_text(&r, "detail"), unfit[i].attribute));
		http_done(&r);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
	struct http_reply r =
	    put(enterprise, "/registry/88.118.8.2/v1",
		NAMED BORE ",{\"index\":2001,\"type\":\"steel\",\"data\":\"316\"},"
			   "{\"index\":2002,\"type\":\"made\",\"data\":\"2024-02-29\"},"
			   "{\"index\":2003,\"type\":\"serial\",\"data\":\"AB12\"},"
			   "{\"index\":2004,\"type\":\"pump\",\"data\":\"10.99/elsewhere\"},"
			   "{\"index\":1,\"type\":\"URL\",\"data\":\"https://v/\"}]}",
		NULL);
	EXPECT(r, 201);
	http_done(&r);
	assert_int_equal(uses("/templates/88.118.8.2/valve-1"), 1);
}

static void a_template_in_use_stays(void **state)
{
	const char *path = "/templates/88.118.8.2/valve-1";
	(void)state;
	struct http_reply r = del(enterprise, path);
	EXPECT(r, 409);
	assert_string_equal(http_text(&r, "rule"), "template-in-use");
	http_done(&r);
	r = put(enterprise, path, "{\"attributes\":[]}", NULL);
	EXPECT(r, 409);
	assert_non_null(strstr(http_text(&r, "detail"), "bore"));
	http_done(&r);
	/* another record of it, by handle; the same put again counts once */
	const char *body =
	    "{\"values\":[{\"index\":1000,\"type\":\"TEMPLATE_ID\",\"data\":\"88.118.8.2/valve-1\"}" BORE
	    "]}";
	for (int i = 0; i < 2; i++) {
		r = put(enterprise, "/registry/88.118.8.2/v2", body, NULL);
		EXPECT(r, i ? 200 : 201);
		http_done(&r);
		assert_int_equal(uses(path), 2);
	}
	/* a record that names it no more, and one that is retired */
	r = put(enterprise, "/registry/88.118.8.2/v2",
		"{\"values\":[{\"type\":\"URL\",\"data\":\"https://x/\"}]}", NULL);
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(uses(path), 1);
	r = del(enterprise, "/registry/88.118.8.2/v1");
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(uses(path), 0);
	r = put(enterprise, path, "{\"attributes\":[{\"name\":\"bore\",\"type\":\"number\"}]}", NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = del(enterprise, path);
	EXPECT(r, 204);
	http_done(&r);
}

static void a_batch_names_record_and_value(void **state)
{
	(void)state;
	make(VALVE);
	struct http_reply r =
	    post(enterprise, "/registry",
		 "{\"records\":[{\"id\":\"88.118.8.2/"
		 "b2\",\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"valve-1\"}" BORE
		 "]},{\"id\":\"88.118.8.2/"
		 "b1\",\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"valve-1\"},"
		 "{\"index\":2000,\"type\":\"bore\",\"data\":\"501\"}]}]}");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "field"), "records[1].values[1]");
	assert_non_null(strstr(http_text(&r, "detail"), "bore"));
	http_done(&r);
	assert_int_equal(uses("/templates/88.118.8.2/valve-1"), 0);
	r = post(enterprise, "/registry",
		 "{\"records\":[{\"id\":\"88.118.8.2/"
		 "b2\",\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":"
		 "\"valve-1\"}" BORE "]},{\"id\":\"88.118.8.2/"
		 "b1\",\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"valve-1\"}" BORE
		 "]}]}");
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(uses("/templates/88.118.8.2/valve-1"), 2);
}

static void others_use_it_only_when_opened(void **state)
{
	const char *body =
	    "{\"values\":[{\"index\":1000,\"type\":\"TEMPLATE_ID\",\"data\":\"88.118.8.2/shared\"}]}";
	(void)state;
	make("{\"prefix\":\"88.118.8.2\",\"version\":\"shared\",\"published\":false,\"attributes\":[]}");
	struct http_reply r = put(registrar, "/registry/88.118.8.9/x", body, NULL);
	EXPECT(r, 403);
	assert_string_equal(http_text(&r, "rule"), "template-granted");
	http_done(&r);
	r = put(enterprise, "/registry/88.118.8.2/x", body, NULL);
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "template-published");
	http_done(&r);
	r = put(enterprise, "/templates/88.118.8.2/shared",
		"{\"attributes\":[],\"readers\":[\"88.118.8.9/App\"]}", NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = put(registrar, "/registry/88.118.8.9/x", body, NULL);
	EXPECT(r, 201);
	http_done(&r);
	r = put(registrar, "/registry/88.118.8.7/x", body, NULL);
	EXPECT(r, 403);
	http_done(&r);
	/* a GS1 key names templates by handle alone */
	r = put(registrar, "/registry/01/09506000134352", NAMED "]}", NULL);
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "template-name");
	http_done(&r);
}

static void each_change_is_in_the_ledger(void **state)
{
	uint64_t feed, before, after;
	(void)state;
	site_heads(&node, &feed, &before);
	make("{\"prefix\":\"88.118.8.2\",\"version\":\"led\",\"attributes\":[]}");
	struct http_reply r =
	    put(enterprise, "/templates/88.118.8.2/led", "{\"title\":\"x\",\"attributes\":[]}", NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = del(enterprise, "/templates/88.118.8.2/led");
	EXPECT(r, 204);
	http_done(&r);
	site_heads(&node, &feed, &after);
	assert_int_equal(after, before + 3);
	struct store_txn *t;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	static const char *const kinds[] = {"template.created", "template.changed", "template.deleted"};
	for (size_t i = 0; i < 3; i++) {
		struct ledger_leaf leaf;
		struct arena *a = arena_new(1 << 20);
		struct buf jcs = BUF_INIT(1 << 20);
		json_t *j;
		assert_int_equal(ledger_read(t, before + i, &leaf), ERR_OK);
		assert_int_equal(json_read(a, leaf.entry, NULL, &j), ERR_OK);
		assert_str(json_text(json_object_get(j, "kind")), kinds[i]);
		assert_str(json_text(json_object_get(j, "template")), "led");
		assert_str(json_text(json_object_get(j, "who")), "enterprise");
		assert_int_equal(json_jcs(j, &jcs), ERR_OK);
		assert_true(str_eq(buf_str(&jcs), leaf.entry)); /* canonical as it stands */
		buf_done(&jcs);
		arena_free(a);
	}
	store_read_end(t);
}

static void classes_form_a_tree(void **state)
{
	(void)state;
	struct http_reply r = put(enterprise, "/classifications/88.118.8.2",
				  "{\"classes\":[{\"code\":\"b\",\"name\":\"B\",\"parent\":\"a\"}]}", NULL);
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "field"), "classes[0].parent");
	http_done(&r);
	r = put(enterprise, "/classifications/88.118.8.2",
		"{\"classes\":[{\"code\":\"a\",\"name\":\"A\"},{\"code\":\"b\",\"name\":\"B\",\"parent\":"
		"\"a\"}]}",
		NULL);
	EXPECT(r, 204);
	http_done(&r);
	r = get(registrar, "/classifications/88.118.8.2");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "classes")), 2);
	http_done(&r);
	r = put(enterprise, "/classifications/88.118.8.3", "{\"classes\":[]}", NULL);
	EXPECT(r, 403);
	http_done(&r);
}

/* Braces in a path. */
#define PATTERN(range) "/series/88.118.8.2/%7B" range "%7D"

static void series_are_held_to_their_template(void **state)
{
	static const struct {
		const char *path, *lot, *no;
		int status;
		const char *at;
	} rows[] = {
	    {PATTERN("001..050"), "L-{serial}", "{number}", 201, NULL},
	    {PATTERN("001..051"), "L-{serial}", "{number}", 400,
	     "attribute no "}, /* the last is too great */
	    {PATTERN("000..050"), "L-{serial}", "{number}", 400,
	     "attribute no "}, /* the first is too little */
	    {PATTERN("0001..0050"), "L-{serial}", "{number}", 400, "attribute lot "},
	    {PATTERN("0001..0050"), "L-1", "", 400, "attribute no "}, /* required */
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	make("{\"prefix\":\"88.118.8.2\",\"version\":\"lot-1\",\"attributes\":["
	     "{\"name\":\"lot\",\"pattern\":\"L-[0-9]{1,3}\"},"
	     "{\"name\":\"no\",\"type\":\"number\",\"min\":\"1\",\"max\":\"50\",\"required\":true}]}");
	for (size_t i = COUNT(rows); i-- > 0;) {
		char body[512], no[128] = "";
		if (rows[i].no[0])
			snprintf(no, sizeof no, ",{\"index\":2001,\"type\":\"no\",\"data\":\"%s\"}",
				 rows[i].no);
		snprintf(body, sizeof body,
			 "{\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"lot-1\"},"
			 "{\"index\":2000,\"type\":\"lot\",\"data\":\"%s\"}%s]}",
			 rows[i].lot, no);
		site_heads(&node, &feed, &ledger);
		struct http_reply r = put(enterprise, rows[i].path, body, NULL);
		EXPECT(r, rows[i].status);
		if (rows[i].at) assert_non_null(strstr(http_text(&r, "detail"), rows[i].at));
		http_done(&r);
		site_heads(&node, &feed2, &ledger2);
		assert_int_equal(feed2 > feed, rows[i].status == 201);
		assert_int_equal(ledger2 > ledger, rows[i].status == 201);
	}
	struct http_reply r =
	    put(enterprise, PATTERN("a..b"),
		"{\"values\":[{\"index\":1001,\"type\":\"TEMPLATE\",\"data\":\"none-1\"}]}", NULL);
	assert_true(r.status == 404 || r.status == 400);
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(makes_changes_lists_and_deletes),
	    cmocka_unit_test(bad_templates_are_named),
	    cmocka_unit_test(records_are_held_to_their_template),
	    cmocka_unit_test(a_template_in_use_stays),
	    cmocka_unit_test(a_batch_names_record_and_value),
	    cmocka_unit_test(others_use_it_only_when_opened),
	    cmocka_unit_test(each_change_is_in_the_ledger),
	    cmocka_unit_test(classes_form_a_tree),
	    cmocka_unit_test(series_are_held_to_their_template),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
