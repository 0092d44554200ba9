#include "tests/base/cases.h"

static void order_is_that_of_octets(void **state)
{
	(void)state;
	assert_int_equal(str_cmp(STR("abc"), STR("abc")), 0);
	assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
	assert_true(str_cmp(STR("b"), STR("abc")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_true(str_cmp(STR_NONE, STR("a")) < 0);
	assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
	assert_true(str_eq(STR_NONE, STR("")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
}

static void case_is_folded_in_ascii_only(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("Content-Type"), STR("content-TYPE")));
	assert_false(str_eq_nocase(STR("content-type"), STR("content-typ")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
	assert_true(str_starts_nocase(STR("Bearer x"), STR("bearer ")));
	assert_false(str_starts_nocase(STR("Bear"), STR("bearer ")));
}

static void parts_and_ends(void **state)
{
	(void)state;
	struct str s = STR("a.b.c");
	assert_int_equal(str_find(s, '.'), 1);
	assert_int_equal(str_rfind(s, '.'), 3);
	assert_int_equal(str_find(s, 'x'), 5);
	assert_int_equal(str_rfind(STR_NONE, 'x'), 0);
	assert_str(str_skip(s, 2), "b.c");
	assert_str(str_skip(s, 99), "");
	assert_str(str_first(s, 99), "a.b.c");
	assert_true(str_starts(s, STR("a.")) && str_ends(s, STR(".c")));
	assert_false(str_starts(STR("a"), STR("ab")) || str_ends(STR("b"), STR("ab")));
	assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
	assert_str(str_trim(STR(" \n ")), "");
	assert_int_equal(str_trim(STR("\0a\0")).n, 3);
}

static void split_keeps_empty_parts(void **state)
{
	(void)state;
	static const char *const want[] = {"a", "", "b", ""};
	struct str rest = STR("a,,b,"), part;
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(str_split(&rest, ',', &part));
		assert_str(part, want[i]);
	}
	assert_false(str_split(&rest, ',', &part));
	rest = STR("");
	assert_true(str_split(&rest, ',', &part));
	assert_int_equal(part.n, 0);
	assert_false(str_split(&rest, ',', &part));
}

static void utf8_is_checked_at_its_edges(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t bad; /* 99: none */
	} cases[] = {
	    {"", 99},
	    {"勘合 \xf4\x8f\xbf\xbf", 99},    /* up to U+10FFFF */
	    {"\xed\x9f\xbf\xee\x80\x80", 99}, /* around the surrogates */
	    {"\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80", 99},
	    {"a\x80", 1},            /* continuation alone */
	    {"\xc1\xbf", 0},         /* over-long */
	    {"ab\xe0\x9f\xbf", 2},   /* over-long */
	    {"\xf0\x8f\xbf\xbf", 0}, /* over-long */
	    {"\xed\xa0\x80", 0},     /* surrogate */
	    {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
	    {"\xf5\x80\x80\x80", 0},
	    {"xyz\xe5\x8b", 3}, /* cut off */
	    {"\xe5x\x98", 0},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t bad = 99;
		assert_int_equal(str_utf8_ok(str_of(cases[i].text), &bad), cases[i].bad == 99);
		assert_int_equal(bad, cases[i].bad);
	}
}

static void numbers_are_whole_and_fit(void **state)
{
	(void)state;
	uint64_t v = 7;
	assert_int_equal(str_u64(STR("18446744073709551615"), &v), ERR_OK);
	assert_true(v == UINT64_MAX);
	assert_int_equal(str_u64(STR("0007"), &v), ERR_OK);
	assert_int_equal(v, 7);
	static const char *const bad[] = {
	    "", "18446744073709551616", "99999999999999999999", "+1", "-1", " 1", "1 ", "0x1", "1.0"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		v = 7;
		assert_int_equal(str_u64(str_of(bad[i]), &v), ERR_BAD_INPUT);
		assert_int_equal(v, 7);
	}
}

static void hexadecimal_both_ways(void **state)
{
	(void)state;
	unsigned char raw[3] = {0x00, 0x9f, 0xff}, back[3];
	char text[6];
	hex_write(raw, 3, text);
	assert_memory_equal(text, "009fff", 6);
	assert_int_equal(hex_parse(STR("009FfF"), back, 3), ERR_OK);
	assert_memory_equal(raw, back, 3);
	assert_int_equal(hex_parse(STR("009ff"), back, 3), ERR_BAD_INPUT);
	assert_int_equal(hex_parse(STR("009fff0"), back, 3), ERR_BAD_INPUT);
	assert_int_equal(hex_parse(STR("009ffg"), back, 3), ERR_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order_is_that_of_octets),
	    cmocka_unit_test(case_is_folded_in_ascii_only),
	    cmocka_unit_test(parts_and_ends),
	    cmocka_unit_test(split_keeps_empty_parts),
	    cmocka_unit_test(utf8_is_checked_at_its_edges),
	    cmocka_unit_test(numbers_are_whole_and_fit),
	    cmocka_unit_test(hexadecimal_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
