/* Any text as a policy: parsed, checked, evaluated, reported. */
#include "policies/evaluator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct pol_fact purpose = {{"purpose", 7}, {"test", 4}};
	struct arena *a = arena_new(16 << 20);
	struct pol_policy *p;
	struct pol_report *r;
	struct flaw f = {0};
	struct pol_facts facts = {.action = STR("use"),
				  .party = STR("did:web:a"),
				  .now = 1,
				  .agreed = 1,
				  .count = {true, 2, 1},
				  .bytes = {true, 7, 1},
				  .named = &purpose,
				  .named_n = 1};
	must(a);
	if (!pol_parse_text(a, str_n(data, n), &f, &p)) {
		bool sound = pol_check(p, &f) == ERR_OK;
		must(pol_evaluate(a, p, &facts, &r) == ERR_OK);
		/* nothing is decided that an owner could not have published, but for named facts */
		if (sound)
			for (size_t i = 0; i < r->rules_n && r->verdict != POL_OVER_BUDGET; i++)
				for (size_t k = 0; k < r->rules[i].premises_n; k++)
					must(r->rules[i].premises[k].lack != POL_LACK_VALUE);
		must(pol_octets_allowed(a, p, &facts, 65536) <= 65536);
		struct buf b = BUF_INIT(1 << 20);
		pol_report_text(r, SAY_ZH, &b);
		pol_report_reason(r, SAY_EN, &b);
		must(pol_report_json(a, r));
		buf_done(&b);
	}
	arena_free(a);
	return 0;
}
