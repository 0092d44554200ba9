#include "tests/base/arena_cases.h"

#include "base/json.h"
#include "base/json_number.h"
#include "tests/base/shared_file.h"

static void assert_canonical(struct str text, struct str want)
{
	struct buf b = BUF_INIT(1 << 20);
	json_t *j = NULL;
	assert_int_equal(json_read(a, text, NULL, &j), ERR_OK);
	assert_int_equal(json_jcs(j, &b), ERR_OK);
	if (!str_eq(buf_str(&b), want)) fail_msg("got %.*s", STR_ARG(buf_str(&b)));
	buf_done(&b);
}

static void the_six_vectors(void **state)
{
	(void)state;
	static const char *const names[] = {"arrays", "french", "structures", "unicode", "values", "weird"};
	for (size_t i = 0; i < COUNT(names); i++) {
		char in[64], out[64];
		snprintf(in, sizeof in, "dataspace/jcs/input/%s.json", names[i]);
		snprintf(out, sizeof out, "dataspace/jcs/output/%s.json", names[i]);
		struct str text = shared_file(a, in), want = shared_file(a, out);
		if (!text.p || !want.p) skip();
		assert_canonical(text, want);
	}
}

/* Values whose shortest text is easily missed: edges of ranges, powers of two, ties. */
static void numbers(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *text;
	} rows[] = {
	    {0.0, "0"},
	    {-0.0, "0"},
	    {1, "1"},
	    {-1, "-1"},
	    {0.1, "0.1"},
	    {-2.5, "-2.5"},
	    {5e-324, "5e-324"},
	    {2.2250738585072014e-308, "2.2250738585072014e-308"},
	    {1.7976931348623157e308, "1.7976931348623157e+308"},
	    {0x1p-44, "5.684341886080802e-14"}, /* the nearest of 16 digits does not read back */
	    {0x1p-1022, "2.2250738585072014e-308"},
	    {9007199254740992, "9007199254740992"},
	    {9007199254740994, "9007199254740994"},
	    {0x1p68, "295147905179352830000"},
	    {999999999999999900000.0, "999999999999999900000"},
	    {1e21, "1e+21"},
	    {1.5e21, "1.5e+21"},
	    {123456789012345680000.0, "123456789012345680000"},
	    {0.000001, "0.000001"},
	    {0.00000123, "0.00000123"},
	    {0.0000001, "1e-7"},
	    {-1.25e-7, "-1.25e-7"},
	    {333333333.33333329, "333333333.3333333"},
	    {4.35, "4.35"},
	    {100, "100"},
	    {1e-27, "1e-27"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[JSON_NUMBER_TEXT];
		size_t n = json_number_print(rows[i].v, text);
		assert_str(str_n(text, n), rows[i].text);
	}
}

static void members_are_in_order_of_utf16(void **state)
{
	(void)state;
	/* U+1F600 is D83D DE00 in UTF-16, before U+E000 and U+FB33; "" and prefixes first */
	assert_canonical(STR("{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2,\"\xee\x80\x80\":3,\"a\":4,\"\":5,"
			     "\"aa\":6,\"\xed\x9f\xbf\":7,\"\xf0\x9f\x98\x80z\":8}"),
			 STR("{\"\":5,\"a\":4,\"aa\":6,\"\xed\x9f\xbf\":7,\"\xf0\x9f\x98\x80\":2,"
			     "\"\xf0\x9f\x98\x80z\":8,\"\xee\x80\x80\":3,\"\xef\xac\xb3\":1}"));
}

static void strings_have_one_form(void **state)
{
	(void)state;
	assert_canonical(STR("[ \"\\u0041\\/\\u000a\\u0008\\u001f\\u007f\\u20ac\\ud83d\\ude00\\\"\\\\\" ]"),
			 STR("[\"A/\\n\\b\\u001f\x7f\xe2\x82\xac\xf0\x9f\x98\x80\\\"\\\\\"]"));
}

static void what_it_cannot_say_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"9007199254740993", "[-9007199254740993]",
					  "{\"n\":9223372036854775807}"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf b = BUF_INIT(1 << 20);
		json_t *j = NULL;
		assert_int_equal(json_read(a, str_of(bad[i]), NULL, &j), ERR_OK);
		assert_int_equal(json_jcs(j, &b), ERR_BAD_JSON);
		buf_done(&b);
	}
	assert_canonical(STR("[9007199254740992,-9007199254740992]"),
			 STR("[9007199254740992,-9007199254740992]"));
}

static void a_circle_or_a_small_buffer_ends_it(void **state)
{
	(void)state;
	json_t *x = json_array(), *y = json_array();
	json_array_append(x, y);
	json_array_append(y, x);
	struct buf b = BUF_INIT(1 << 20);
	assert_int_equal(json_jcs(x, &b), ERR_BAD_JSON);
	assert_null(json_write(a, x, true).p);
	json_array_clear(y);
	json_decref(x);
	json_decref(y);
	buf_done(&b);
	json_t *j = json_keep(a, json_string("0123456789"));
	buf_init(&b, 11);
	assert_int_equal(json_jcs(j, &b), ERR_TOO_LARGE);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_six_vectors),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(members_are_in_order_of_utf16),
	    cmocka_unit_test(strings_have_one_form),
	    cmocka_unit_test(what_it_cannot_say_is_refused),
	    cmocka_unit_test(a_circle_or_a_small_buffer_ends_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
