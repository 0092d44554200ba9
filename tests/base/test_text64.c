#include "tests/base/arena_cases.h"

#include "base/text64.h"

static void base64_of_rfc_4648(void **state)
{
	(void)state;
	static const struct {
		const char *octets, *padded, *url;
	} rows[] = {
	    {"", "", ""},
	    {"f", "Zg==", "Zg"},
	    {"fo", "Zm8=", "Zm8"},
	    {"foo", "Zm9v", "Zm9v"},
	    {"foob", "Zm9vYg==", "Zm9vYg"},
	    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	    {"\xfb\xff\xbf", "+/+/", "-_-_"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str back;
		struct str text = base64_write(a, str_of(rows[i].octets));
		assert_str(text, rows[i].padded);
		assert_int_equal(text.p[text.n], 0);
		assert_str(base64url_write(a, str_of(rows[i].octets)), rows[i].url);
		assert_int_equal(base64_parse(a, str_of(rows[i].padded), &back), ERR_OK);
		assert_str(back, rows[i].octets);
		assert_int_equal(base64url_parse(a, str_of(rows[i].url), &back), ERR_OK);
		assert_str(back, rows[i].octets);
	}
}

static void each_value_has_one_base64_text(void **state)
{
	(void)state;
	static const char *const url[] = {"Zh",    "Zm9", "Z",   "Zg==",  "Zm9vY", "Zm9v\n", " Zm9v",
					  "Zm 9v", "-/8", "+_8", "Zm9v=", "Zg=",   "Zm9vYh", "\x80mZm"};
	static const char *const padded[] = {"Zg",   "Zh==",     "Zm8",  "Zm9=",     "Zg=A",  "====", "=",
					     "Z===", "Zg==Zg==", "-_-_", "Zm9v====", "Zm\n8", "Zg= ="};
	struct str back = STR("untouched");
	for (size_t i = 0; i < COUNT(url); i++)
		assert_int_equal(base64url_parse(a, str_of(url[i]), &back), ERR_BAD_INPUT);
	for (size_t i = 0; i < COUNT(padded); i++)
		assert_int_equal(base64_parse(a, str_of(padded[i]), &back), ERR_BAD_INPUT);
	assert_int_equal(base64url_parse(a, STR("Zm9\0"), &back), ERR_BAD_INPUT);
	assert_str(back, "untouched");
}

static void base58_keeps_leading_zeros(void **state)
{
	(void)state;
	struct str back;
	assert_str(base58_write(a, STR("Hello World!")), "2NEpo7TZRRrLZSi2U");
	assert_str(base58_write(a, STR("\0\0\x28\x7f\xb4\xcd")), "11233QC4");
	assert_str(base58_write(a, STR("")), "");
	assert_str(base58_write(a, STR("\0")), "1");
	assert_int_equal(base58_parse(a, STR("11233QC4"), &back), ERR_OK);
	assert_true(str_eq(back, STR("\0\0\x28\x7f\xb4\xcd")));
	assert_int_equal(base58_parse(a, STR("1"), &back), ERR_OK);
	assert_true(str_eq(back, STR("\0")));
}

static void base58_round_trips_at_every_length(void **state)
{
	(void)state;
	unsigned char octets[BASE58_OCTETS_MAX], again[BASE58_OCTETS_MAX];
	struct str back;
	memset(octets, 0xff, sizeof octets);
	for (size_t n = 0; n <= sizeof octets; n++) {
		struct str text = base58_write(a, str_n(octets, n));
		assert_true(text.n <= BASE58_TEXT_MAX);
		assert_int_equal(base58_parse(a, text, &back), ERR_OK);
		assert_true(str_eq(back, str_n(octets, n)));
		assert_int_equal(base58_scan(text, again, n), ERR_OK);
		if (n) assert_int_equal(base58_scan(text, again, n - 1), ERR_BAD_INPUT);
	}
}

static void base58_refuses_other_characters_and_long_texts(void **state)
{
	(void)state;
	struct str back = STR("untouched");
	char text[BASE58_TEXT_MAX + 1];
	assert_int_equal(base58_parse(a, STR("2NEpo7TZ0"), &back), ERR_BAD_INPUT);
	assert_int_equal(base58_parse(a, STR("O"), &back), ERR_BAD_INPUT);
	assert_int_equal(base58_parse(a, STR("I"), &back), ERR_BAD_INPUT);
	assert_int_equal(base58_parse(a, STR("l"), &back), ERR_BAD_INPUT);
	assert_int_equal(base58_parse(a, STR(" 2"), &back), ERR_BAD_INPUT);
	assert_int_equal(base58_parse(a, STR("2\0"), &back), ERR_BAD_INPUT);
	memset(text, 'z', sizeof text);
	for (size_t n = 175; n <= sizeof text; n++)
		assert_int_equal(base58_parse(a, str_n(text, n), &back), ERR_BAD_INPUT);
	memset(text, '1', sizeof text);
	assert_int_equal(base58_parse(a, str_n(text, BASE58_OCTETS_MAX + 1), &back), ERR_BAD_INPUT);
	assert_str(back, "untouched");
}

static void a_full_arena_gives_nothing(void **state)
{
	(void)state;
	struct arena *small = arena_new(4);
	struct str back = STR("untouched");
	assert_null(base64_write(small, STR("foobar")).p);
	assert_null(base58_write(small, STR("foobar")).p);
	assert_int_equal(base64_parse(small, STR("Zm9vYmFy"), &back), ERR_NO_MEMORY);
	assert_int_equal(base58_parse(small, STR("2NEpo7TZRRrLZSi2U"), &back), ERR_NO_MEMORY);
	assert_str(back, "untouched");
	arena_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_of_rfc_4648),
	    cmocka_unit_test(each_value_has_one_base64_text),
	    cmocka_unit_test(base58_keeps_leading_zeros),
	    cmocka_unit_test(base58_round_trips_at_every_length),
	    cmocka_unit_test(base58_refuses_other_characters_and_long_texts),
	    cmocka_unit_test(a_full_arena_gives_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
