#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"

static void the_maximum_is_exact_and_sticky(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(5);
	buf_add(&b, STR("abc"));
	buf_add(&b, STR("def"));
	assert_int_equal(buf_err(&b), ERR_TOO_LARGE);
	assert_str(buf_str(&b), "abc");
	buf_byte(&b, 'd'); /* would fit, but the message is spoilt */
	assert_str(buf_str(&b), "abc");
	assert_null(buf_room(&b, 1));
	buf_clear(&b);
	assert_int_equal(buf_err(&b), ERR_OK);
	buf_printf(&b, "%d", 12345);
	assert_int_equal(buf_err(&b), ERR_OK);
	assert_str(buf_str(&b), "12345");
	buf_printf(&b, "%s", "");
	assert_int_equal(buf_err(&b), ERR_OK);
	buf_printf(&b, "%d", 6);
	assert_int_equal(buf_err(&b), ERR_TOO_LARGE);
	assert_str(buf_str(&b), "12345");
	buf_done(&b);
}

static void growing_keeps_the_contents(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++) buf_byte(&b, (char)('a' + i % 26));
	assert_int_equal(buf_err(&b), ERR_OK);
	assert_int_equal(b.n, 100000);
	for (int i = 0; i < 100000; i++) assert_int_equal(b.p[i], 'a' + i % 26);
	buf_drop(&b, 99999);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.p[0], 'a' + 99999 % 26);
	char *room = buf_room(&b, 10);
	memcpy(room, "xyz", 3);
	buf_grew(&b, 3);
	assert_str(str_skip(buf_str(&b), 1), "xyz");
	buf_done(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.max, 100000);
}

static void numbers(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(100);
	buf_u64(&b, 0);
	buf_byte(&b, ' ');
	buf_u64(&b, 10);
	buf_byte(&b, ' ');
	buf_u64(&b, UINT64_MAX);
	assert_str(buf_str(&b), "0 10 18446744073709551615");
	buf_done(&b);
}

static void taking_hands_over(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(10);
	size_t n = 0;
	buf_add(&b, STR("octets"));
	char *p = buf_take(&b, &n);
	assert_str(str_n(p, n), "octets");
	free(p);
	assert_int_equal(b.n, 0);
	buf_add(&b, STR("again"));
	assert_str(buf_str(&b), "again");
	buf_done(&b);
}

static void json_texts_are_escaped(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	buf_json(&b, STR("a\"\\/\b\f\n\r\t\x01\x1f\x7f"));
	assert_str(buf_str(&b), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	buf_clear(&b);
	buf_json(&b, STR("a\0b"));
	assert_str(buf_str(&b), "\"a\\u0000b\"");
	buf_clear(&b);
	buf_json(&b, STR("勘合 😀"));
	assert_str(buf_str(&b), "\"勘合 😀\"");
	buf_clear(&b);
	buf_json(&b, STR_NONE);
	assert_str(buf_str(&b), "\"\"");
	buf_done(&b);
}

static void ill_formed_utf8_becomes_replacements(void **state)
{
	(void)state;
#define R "\xef\xbf\xbd"
	static const char *const cases[][2] = {
	    {"\x80", R},
	    {"a\xff"
	     "b",
	     "a" R "b"},
	    {"\xc0\xaf", R R},
	    {"\xed\xa0\x80\n", R R R "\\n"},
	    {"x\xe5\x8b", "x" R R},
	    {"\xf5\x80\x80\x80\"", R R R R "\\\""},
	    {"\"\xe5\"\xe5\x8b\x98", "\\\"" R "\\\"\xe5\x8b\x98"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = BUF_INIT(1000);
		buf_json(&b, str_of(cases[i][0]));
		struct str got = buf_str(&b);
		assert_true(str_utf8_ok(got, NULL));
		assert_str(str_first(str_skip(got, 1), got.n - 2), cases[i][1]);
		buf_done(&b);
	}
}

/* Whatever the octets, a JSON parser that is not ours must take the literal. */
static void any_octets_make_json(void **state)
{
	(void)state;
	uint64_t seed = 88118;
	for (int round = 0; round < 2000; round++) {
		char raw[24];
		for (size_t i = 0; i < sizeof raw; i++) {
			seed = seed * 6364136223846793005U + 1442695040888963407U;
			raw[i] = (char)(seed >> 56);
		}
		struct buf b = BUF_INIT(1000);
		buf_json(&b, str_n(raw, (size_t)round % sizeof raw));
		json_t *j = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_true(json_is_string(j));
		json_decref(j);
		buf_done(&b);
	}
}

static void html_is_escaped(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	buf_html(&b, STR("<a href=\"x\" b='y'>&amp;</a>"));
	assert_str(buf_str(&b), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_maximum_is_exact_and_sticky),
	    cmocka_unit_test(growing_keeps_the_contents),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(taking_hands_over),
	    cmocka_unit_test(json_texts_are_escaped),
	    cmocka_unit_test(ill_formed_utf8_becomes_replacements),
	    cmocka_unit_test(any_octets_make_json),
	    cmocka_unit_test(html_is_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
