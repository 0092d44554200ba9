#include "tests/base/cases.h"

#include "base/clock.h"

static void prints(void **state)
{
	(void)state;
	static const struct {
		usec_t at;
		bool fraction;
		const char *text;
	} cases[] = {
	    {0, false, "1970-01-01T00:00:00Z"},
	    {0, true, "1970-01-01T00:00:00.000000Z"},
	    {INT64_C(1795507750123456), true, "2026-11-24T08:09:10.123456Z"},
	    {INT64_C(1795507750999999), false, "2026-11-24T08:09:10Z"}, /* cut, not rounded */
	    {-1, true, "1969-12-31T23:59:59.999999Z"},
	    {INT64_C(951782400) * USEC_PER_SEC, false, "2000-02-29T00:00:00Z"},
	    {INT64_C(253402300799) * USEC_PER_SEC, false, "9999-12-31T23:59:59Z"},
	};
	char out[CLOCK_TEXT];
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(clock_print(cases[i].at, cases[i].fraction, out), cases[i].text);
	/* a year of five digits has no RFC 3339 form; the room holds */
	clock_print(INT64_MAX, true, out);
	clock_print(INT64_MIN, true, out);
	assert_true(strlen(out) < CLOCK_TEXT);
}

static void parses(void **state)
{
	(void)state;
	static const char *const same[] = {
	    "2026-11-24T08:09:10.5Z",           "2026-11-24T08:09:10.500000000Z",
	    "2026-11-24t08:09:10.5z",           "2026-11-24 08:09:10.5Z",
	    "2026-11-24T16:09:10.5+08:00",      "2026-11-23T23:39:10.500000-08:30",
	    "2026-11-24T08:09:10.50000099999Z", "2026-11-24T08:09:10.5-00:00",
	};
	for (size_t i = 0; i < COUNT(same); i++) {
		usec_t t = 0;
		assert_int_equal(clock_parse(str_of(same[i]), &t), ERR_OK);
		assert_true(t == INT64_C(1795507750500000));
	}
	usec_t t;
	assert_int_equal(clock_parse(STR("2026-11-24T08:09Z"), &t), ERR_OK);
	assert_true(t == INT64_C(1795507740000000));
	assert_int_equal(clock_parse(STR("2024-02-29"), &t), ERR_OK);
	assert_true(t == INT64_C(1709164800000000));
	assert_int_equal(clock_parse(STR("1969-12-31T23:59:59.999999Z"), &t), ERR_OK);
	assert_true(t == -1);
}

static void refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "2026",
	    "2026-11",
	    "2026-13-01",
	    "2026-00-10",
	    "2026-11-31",
	    "2026-11-00",
	    "2023-02-29",
	    "1900-02-29",
	    "26-11-24",
	    "2026-1-4",
	    "2026-11-24T",
	    "2026-11-24T08:09:10",
	    "2026-11-24T24:00:00Z",
	    "2026-11-24T08:60:00Z",
	    "2026-11-24T08:09:61Z",
	    "2026-11-24T08:09:10.Z",
	    "2026-11-24T08:09:10,5Z",
	    "2026-11-24T08:09:10+0800",
	    "2026-11-24T08:09:10+24:00",
	    "2026-11-24T08:09:10+08:60",
	    "2026-11-24T08:09:10Zx",
	    "2026-11-24Z",
	    "+026-11-24",
	    "2026-11-24T08:09:Z",
	    "2026-11-24X08:09:10Z",
	    " 2026-11-24",
	    "2026-11-24 ",
	    "2026-11-24T08:09.5Z",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		usec_t t = 7;
		if (clock_parse(str_of(bad[i]), &t) != ERR_BAD_INPUT) fail_msg("accepted: %s", bad[i]);
		assert_true(t == 7);
	}
}

static void both_ways(void **state)
{
	(void)state;
	char out[CLOCK_TEXT];
	for (usec_t t = INT64_C(-62167219200000000); t < INT64_C(253402300799000000);
	     t += INT64_C(86399123457) * 331) {
		usec_t back = 0;
		assert_int_equal(clock_parse(str_of(clock_print(t, true, out)), &back), ERR_OK);
		assert_true(back == t);
	}
}

static void a_fake_replaces_both_clocks(void **state)
{
	(void)state;
	usec_t at = 42, before = clock_mono();
	assert_true(clock_wall() > INT64_C(1600000000) * USEC_PER_SEC);
	clock_fake(&at);
	assert_true(clock_wall() == 42 && clock_mono() == 42);
	at = 43;
	assert_true(clock_wall() == 43);
	clock_fake(NULL);
	assert_true(clock_mono() >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prints),
	    cmocka_unit_test(parses),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(both_ways),
	    cmocka_unit_test(a_fake_replaces_both_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
