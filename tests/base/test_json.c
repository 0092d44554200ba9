#include "tests/base/arena_cases.h"

#include "base/json.h"

static int reset(void **state)
{
	(void)state;
	arena_reset(a);
	return 0;
}

static json_t *read_ok(struct str text)
{
	struct flaw f = {0};
	json_t *j = NULL;
	if (json_read(a, text, &f, &j)) fail_msg("%s at %zu: %.*s", f.text, f.offset, STR_ARG(text));
	return j;
}

static void what_is_not_json_is_refused_with_offset_and_rule(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		const char *rule;
		size_t from, to;
	} rows[] = {
	    {STR(""), "truncated", 0, 0},
	    {STR("  "), "truncated", 0, 2},
	    {STR("{"), "truncated", 1, 1},
	    {STR("{\"a\":1"), "truncated", 6, 6},
	    {STR("[1,]"), "syntax", 3, 4},
	    {STR("{\"a\":1,}"), "syntax", 7, 8},
	    {STR("{'a':1}"), "syntax", 1, 3},
	    {STR("[01]"), "syntax", 1, 3},
	    {STR("[+1]"), "syntax", 1, 3},
	    {STR("[.5]"), "syntax", 1, 3},
	    {STR("[1.]"), "syntax", 1, 4},
	    {STR("[NaN]"), "syntax", 1, 4},
	    {STR("[Infinity]"), "syntax", 1, 9},
	    {STR("[1e999]"), "number-range", 1, 6},
	    {STR("[99999999999999999999]"), "number-range", 1, 21},
	    {STR("{\"a\":1,\"a\":2}"), "duplicate-member", 7, 11},
	    {STR("{\"a\":1,\"\\u0061\":2}"), "duplicate-member", 7, 16},
	    {STR("{} {}"), "trailing-text", 3, 4},
	    {STR("{}x"), "trailing-text", 2, 3},
	    {STR("{}\0"), "trailing-text", 2, 3},
	    {STR("\xef\xbb\xbf{}"), "byte-order-mark", 0, 0},
	    {STR("[\"\\ud800\"]"), "syntax", 1, 9},
	    {STR("[\"\\ud800\\u0041\"]"), "syntax", 1, 15},
	    {STR("[\"\\udc00\"]"), "syntax", 1, 9},
	    {STR("[\"\xed\xa0\x80\"]"), "utf8", 1, 4},
	    {STR("[\"\xff\"]"), "utf8", 1, 3},
	    {STR("[\"\xc0\x80\"]"), "utf8", 1, 4},
	    {STR("[\"a\nb\"]"), "syntax", 1, 5},
	    {STR("[\"\\x41\"]"), "syntax", 1, 5},
	    {STR("[\"\\u0000\"]"), "nul", 1, 9},
	    {STR("{\"a\\u0000b\":1}"), "nul", 1, 12},
	    {STR("/* */ {}"), "syntax", 0, 2},
	    {STR("tru"), "syntax", 0, 3},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flaw f = {0};
		json_t *j = NULL;
		assert_int_equal(json_read(a, rows[i].text, &f, &j), ERR_BAD_JSON);
		if (strcmp(f.rule, rows[i].rule) != 0 || f.offset < rows[i].from || f.offset > rows[i].to)
			fail_msg("row %zu %.*s: %s at %zu (%s)", i, STR_ARG(rows[i].text), f.rule, f.offset,
				 f.text);
		assert_null(j);
		assert_null(strstr(f.text, "JSON_")); /* the library's own names */
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	static char text[2 * 100000 + 1];
	struct flaw f;
	json_t *j;
	for (int i = 0; i < JSON_DEPTH_MAX; i++) text[i] = '[', text[JSON_DEPTH_MAX + i] = ']';
	read_ok(str_n(text, 2 * JSON_DEPTH_MAX));
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(json_read(a, str_n(text, 2 * JSON_DEPTH_MAX + 2), &f, &j), ERR_BAD_JSON);
	assert_string_equal(f.rule, "depth");
	assert_int_equal(f.offset, JSON_DEPTH_MAX);
	memset(text, '[', sizeof text); /* deep enough for a recursive parser to fall over */
	assert_int_equal(json_read(a, str_n(text, sizeof text), &f, &j), ERR_BAD_JSON);
	assert_string_equal(f.rule, "depth");
	/* brackets inside strings, and wide rather than deep, are fine */
	read_ok(
	    STR("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]"));
	for (size_t i = 0; i < 3000; i += 3) memcpy(text + 1 + i, i + 3 < 3000 ? "[]," : "[]]", 3);
	assert_int_equal(json_array_size(read_ok(str_n(text, 3001))), 1000);
}

static void size_is_bounded(void **state)
{
	(void)state;
	static char text[JSON_SIZE_MAX + 1];
	struct flaw f;
	json_t *j;
	memset(text, ' ', sizeof text);
	memcpy(text, "{}", 2);
	read_ok(str_n(text, JSON_SIZE_MAX));
	assert_int_equal(json_read(a, str_n(text, sizeof text), &f, &j), ERR_TOO_LARGE);
	assert_int_equal(json_read_large(a, str_n(text, sizeof text), &f, &j), ERR_OK);
}

static void a_full_arena_keeps_nothing(void **state)
{
	(void)state;
	struct arena *small = arena_new(8);
	json_t *j = NULL;
	assert_int_equal(json_read(small, STR("{\"a\":[1,2]}"), NULL, &j), ERR_NO_MEMORY);
	assert_null(j);
	assert_null(json_keep(small, json_object()));
	assert_null(json_keep(small, NULL));
	assert_null(json_write(small, json_keep(a, json_string("0123456789")), false).p);
	arena_free(small);
}

static void members_are_typed_and_named(void **state)
{
	(void)state;
	struct flaw f = {0};
	struct str s = STR("untouched");
	uint64_t u = 7;
	json_t *j = read_ok(STR("{\"s\":\"t\",\"u\":18,\"n\":-1,\"r\":1.0,\"a\":[],\"o\":{},\"z\":null}"));
	json_t *o = NULL;
	assert_int_equal(json_str(j, "", "s", &f, &s), ERR_OK);
	assert_str(s, "t");
	assert_int_equal(json_u64(j, "", "u", &f, &u), ERR_OK);
	assert_int_equal(u, 18);
	assert_int_equal(json_obj(j, "", "o", &f, &o), ERR_OK);
	assert_int_equal(json_arr(j, "", "a", &f, &o), ERR_OK);
	assert_true(json_is_array(o));

	assert_int_equal(json_str(j, "offer.permission[0]", "x", &f, &s), ERR_BAD_MESSAGE);
	assert_string_equal(f.at, "offer.permission[0].x");
	assert_string_equal(f.rule, "missing");
	assert_int_equal(json_str(j, NULL, "z", &f, &s), ERR_BAD_MESSAGE);
	assert_string_equal(f.at, "z");
	assert_string_equal(f.rule, "type");
	assert_int_equal(json_u64(j, "", "n", &f, &u), ERR_BAD_MESSAGE);
	assert_int_equal(json_u64(j, "", "r", &f, &u), ERR_BAD_MESSAGE);
	assert_int_equal(json_u64_opt(j, "", "s", &f, &u), ERR_BAD_MESSAGE);
	assert_int_equal(json_obj(j, "", "a", &f, &o), ERR_BAD_MESSAGE);
	assert_int_equal(json_arr(j, "", "o", &f, &o), ERR_BAD_MESSAGE);
	assert_int_equal(json_arr_opt(j, "", "z", &f, &o), ERR_BAD_MESSAGE);
	assert_int_equal(json_str(o, "list", "s", &f, &s), ERR_BAD_MESSAGE);
	assert_string_equal(f.at, "list");
	assert_int_equal(json_str(NULL, "", "s", NULL, &s), ERR_BAD_MESSAGE);

	assert_int_equal(json_str_opt(j, "", "x", &f, &s), ERR_OK);
	assert_int_equal(json_u64_opt(j, "", "x", &f, &u), ERR_OK);
	assert_int_equal(json_arr_opt(j, "", "x", &f, &o), ERR_OK);
	assert_str(s, "t");
	assert_int_equal(u, 18);
	assert_null(json_text(j).p);
}

static void what_is_put_is_written(void **state)
{
	(void)state;
	json_t *j = json_keep(a, json_object());
	json_put_str(j, "plain", STR("x\"\xc3\xa9"));
	json_put_str(j, "bad",
		     STR("a\xff"
			 "b\xc3"));
	json_put_str(j, "none", STR_NONE);
	json_put_u64(j, "most", INT64_MAX);
	json_put(j, "real", json_real(0.1));
	json_put(j, "whole", json_real(100000000000000000000.0));
	json_put(j, "list", json_array());
	json_put(j, "plain", json_true());
	struct str text = json_write(a, j, false);
	assert_str(text, "{\"plain\":true,\"bad\":\"a\xef\xbf\xbd"
			 "b\xef\xbf\xbd\",\"none\":\"\",\"most\":9223372036854775807,\"real\":0.1,"
			 "\"whole\":100000000000000000000.0,\"list\":[]}");
	assert_int_equal(text.p[text.n], 0);
	assert_true(json_equal(read_ok(text), j));
	assert_str(
	    json_write(a, read_ok(STR("{\"a\":[1,{\"b\":2}],\"c\":{},\"d\":[]}")), true),
	    "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
	assert_str(json_write(a, read_ok(STR(" \"x\" ")), false), "\"x\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(what_is_not_json_is_refused_with_offset_and_rule, reset),
	    cmocka_unit_test_teardown(depth_is_bounded, reset),
	    cmocka_unit_test_teardown(size_is_bounded, reset),
	    cmocka_unit_test_teardown(a_full_arena_keeps_nothing, reset),
	    cmocka_unit_test_teardown(members_are_typed_and_named, reset),
	    cmocka_unit_test_teardown(what_is_put_is_written, reset),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
