/* What is read of an agreement's policy, and which of its refusals are for good. */
#include "tests/base/arena_cases.h"

#include "dataspace/plane.h"

#define RULES "\"permission\":[{\"action\":\"use\"}]"

static void test_terms_run_from_the_time_that_both_signed(void **state)
{
	struct dp_policy p;
	Ds__Agreement g;
	usec_t signed_at;

	(void)state;
	ds__agreement__init(&g);
	g.created = 7;
	g.json = "{" RULES ",\"timestamp\":\"2026-01-02T03:04:05Z\"}";
	assert_int_equal(clock_parse(STR("2026-01-02T03:04:05Z"), &signed_at), ERR_OK);
	assert_int_equal(dp_policy_open(a, &g, &p), ERR_OK);
	assert_int_equal(p.agreed, signed_at);
	g.json = "{" RULES "}"; /* a plain partner's may have none: from when it was stored */
	assert_int_equal(dp_policy_open(a, &g, &p), ERR_OK);
	assert_int_equal(p.agreed, 7);
	g.json = "{";
	assert_int_equal(dp_policy_open(a, &g, &p), ERR_CORRUPT);
}

static void test_only_time_that_has_run_out_is_an_end(void **state)
{
	static const struct {
		const char *operand, *op;
		bool satisfied;
		enum err err;
	} cases[] = {
	    {"dateTime", "lteq", false, ERR_EXPIRED},       {"dateTime", "lt", false, ERR_EXPIRED},
	    {"dateTime", "gteq", false, ERR_POLICY_DENIED}, {"dateTime", "gt", false, ERR_POLICY_DENIED},
	    {"dateTime", "lt", true, ERR_POLICY_DENIED},    {"elapsedTime", "lteq", false, ERR_EXPIRED},
	    {"count", "lt", false, ERR_POLICY_DENIED},      {"purpose", "eq", false, ERR_POLICY_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dp_verdict v = {
		    .report = json_keep(a, json_pack("{s:[{s:[{s:s,s:s,s:b}]}]}", "rules", "premises",
						     "leftOperand", cases[i].operand, "operator",
						     cases[i].op, "satisfied", cases[i].satisfied))};

		assert_non_null(v.report);
		assert_int_equal(dp_policy_denial(&v), cases[i].err);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_terms_run_from_the_time_that_both_signed),
	    T(test_only_time_that_has_run_out_is_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
