#include "tests/base/cases.h"

#include "policies/evaluator.h"

struct fixture {
	struct arena *arena;
	struct pol_facts facts;
};

static const struct pol_fact purposes[] = {
    {{"purpose", 7}, {"maintenance", 11}}, {{"spatial", 7}, {"CN-31", 5}}, {{"partner", 7}, {"gold", 4}}};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	assert_non_null(x);
	x->arena = arena_new(16 << 20);
	x->facts = (struct pol_facts){.action = STR("use"),
				      .party = STR("did:web:buyer"),
				      .named = purposes,
				      .named_n = COUNT(purposes),
				      .count = {true, 0, 1},
				      .bytes = {true, 0, 1}};
	assert_int_equal(clock_parse(STR("2026-11-24T08:00:00Z"), &x->facts.now), ERR_OK);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	arena_free(x->arena);
	free(x);
	return 0;
}

static struct pol_policy *policy(struct fixture *x, const char *text)
{
	struct flaw f = {0};
	struct pol_policy *p = NULL;
	if (pol_parse_text(x->arena, str_of(text), &f, &p)) {
		print_error("%s: %s %s: %s\n", text, f.at, f.rule, f.text);
		fail();
	}
	return p;
}

static struct pol_report *evaluate(struct fixture *x, const char *text)
{
	struct pol_report *r = NULL;
	assert_int_equal(pol_evaluate(x->arena, policy(x, text), &x->facts, &r), ERR_OK);
	return r;
}

/* One permission to use with these constraints. */
static enum pol_verdict permitting(struct fixture *x, const char *constraints)
{
	struct str t = arena_printf(x->arena, "{\"permission\":[{\"action\":\"use\",\"constraint\":[%s]}]}",
				    constraints);
	return evaluate(x, t.p)->verdict;
}

static enum pol_verdict prohibiting(struct fixture *x, const char *constraints)
{
	struct str t = arena_printf(x->arena,
				    "{\"permission\":[{\"action\":\"use\"}],"
				    "\"prohibition\":[{\"action\":\"use\",\"constraint\":[%s]}]}",
				    constraints);
	return evaluate(x, t.p)->verdict;
}

static struct str atom(struct fixture *x, const char *left, const char *op, const char *right)
{
	return arena_printf(x->arena, "{\"leftOperand\":\"%s\",\"operator\":\"%s\",\"rightOperand\":%s}",
			    left, op, right);
}

static struct str reason(struct fixture *x, const struct pol_report *r, enum say_language l)
{
	struct buf b = BUF_INIT(4096);
	pol_report_reason(r, l, &b);
	struct str s = arena_dup(x->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static void closed_world(void **state)
{
	struct fixture *x = *state;
	assert_int_equal(evaluate(x, "{}")->verdict, POL_NOT_PERMITTED);
	assert_int_equal(evaluate(x, "{\"permission\":[]}")->verdict, POL_NOT_PERMITTED);
	assert_int_equal(evaluate(x, "{\"permission\":[{\"action\":\"use\"}]}")->verdict, POL_PERMITTED);
	/* another action than the one asked for; one that includes it; one that it includes */
	assert_int_equal(evaluate(x, "{\"permission\":[{\"action\":\"transfer\"}]}")->verdict,
			 POL_NOT_PERMITTED);
	assert_int_equal(evaluate(x, "{\"permission\":[{\"action\":\"read\"}]}")->verdict,
			 POL_NOT_PERMITTED);
	x->facts.action = STR("extract");
	assert_int_equal(evaluate(x, "{\"permission\":[{\"action\":\"odrl:use\"}]}")->verdict,
			 POL_PERMITTED);
	struct pol_report *r = evaluate(x, "{\"permission\":[{\"action\":\"sell\"}]}");
	assert_str(reason(x, r, SAY_EN), "no permission for extract");
}

static void count_at_its_limit(void **state)
{
	struct fixture *x = *state;
	static const struct {
		const char *op, *limit;
		uint64_t last; /* the largest number used that still allows one more */
	} cases[] = {{"lteq", "3", 2},
		     {"lt", "3", 1},
		     {"lteq", "\"3\"", 2},
		     {"eq", "1", 0},
		     {"lteq", "{\"@value\":\"3\",\"@type\":\"xsd:integer\"}", 2},
		     {"term-lteq", "3", 2}};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str c = atom(x, "count", cases[i].op, cases[i].limit);
		x->facts.count = (struct pol_tally){true, cases[i].last, 1};
		assert_int_equal(permitting(x, c.p), POL_PERMITTED);
		x->facts.count.used++;
		assert_int_equal(permitting(x, c.p), POL_NOT_PERMITTED);
	}
	assert_int_equal(permitting(x, atom(x, "count", "lteq", "0").p), POL_NOT_PERMITTED);
	x->facts.count = (struct pol_tally){true, UINT64_MAX, 1}; /* no wrap to zero */
	assert_int_equal(permitting(x, atom(x, "count", "lteq", "3").p), POL_NOT_PERMITTED);
	x->facts.count.known = false;
	assert_int_equal(permitting(x, atom(x, "count", "lteq", "3").p), POL_NOT_PERMITTED);
}

static void refusal_names_constraint_and_value(void **state)
{
	struct fixture *x = *state;
	x->facts.count.used = 3;
	struct pol_report *r = evaluate(x, "{\"permission\":[{\"action\":\"use\",\"constraint\":[{"
					   "\"leftOperand\":\"purpose\",\"operator\":"
					   "\"eq\",\"rightOperand\":\"maintenance\"},{\"leftOperand\":"
					   "\"odrl:count\",\"operator\":\"odrl:lteq\","
					   "\"rightOperand\":3}]}]}");
	assert_int_equal(r->verdict, POL_NOT_PERMITTED);
	assert_str(reason(x, r, SAY_EN), "count: limit 3, actual 3");
	assert_str(reason(x, r, SAY_ZH), "count：上限 3，实际 3");

	const struct pol_rule_report *rule = &r->rules[0];
	assert_false(rule->active);
	assert_int_equal(rule->premises_n, 3);
	assert_int_equal(rule->premises[1].truth, POL_TRUE); /* the others are reported too */
	assert_str(rule->premises[1].actual, "maintenance");
	assert_str(rule->premises[2].path, "permission[0].constraint[1]");
	assert_int_equal(rule->premises[2].truth, POL_FALSE);

	json_t *j = pol_report_json(x->arena, r);
	struct str text = json_write(x->arena, j, false);
	json_t *premise =
	    json_array_get(json_object_get(json_array_get(json_object_get(j, "rules"), 0), "premises"), 2);
	assert_str(json_text(json_object_get(premise, "actual")), "3");
	assert_str(json_text(json_object_get(premise, "operator")), "lteq");
	assert_true(json_is_false(json_object_get(premise, "satisfied")));
	assert_str(json_text(json_object_get(j, "verdict")), "not-permitted");
	assert_true(text.n > 100);

	struct buf b = BUF_INIT(1 << 16);
	pol_report_text(r, SAY_EN, &b);
	buf_byte(&b, 0);
	assert_non_null(
	    strstr(b.p, "not permitted: count: limit 3, actual 3\n  permission[0] does not apply\n"));
	assert_non_null(strstr(b.p, "    ✓ purpose eq maintenance: actual maintenance\n"));
	assert_non_null(strstr(b.p, "    ✗ count: limit 3, actual 3\n"));
	buf_done(&b);
}

static void instants(void **state)
{
	struct fixture *x = *state;
	usec_t at;
	static const struct {
		const char *op;
		bool before, same, after; /* now is one microsecond before the date, it, one after */
	} cases[] = {{"lt", true, false, false},  {"lteq", true, true, false}, {"gt", false, false, true},
		     {"gteq", false, true, true}, {"eq", false, true, false},  {"neq", true, false, true}};
	/* one instant in three zones */
	static const char *const dates[] = {"\"2026-11-24T08:00:00.000001Z\"",
					    "\"2026-11-24T16:00:00.000001+08:00\"",
					    "\"2026-11-23T23:30:00.000001-08:30\""};
	assert_int_equal(clock_parse(STR("2026-11-24T08:00:00.000001Z"), &at), ERR_OK);
	for (size_t d = 0; d < COUNT(dates); d++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct str c = atom(x, "dateTime", cases[i].op, dates[d]);
			bool want[] = {cases[i].before, cases[i].same, cases[i].after};
			for (int k = 0; k < 3; k++) {
				x->facts.now = at - 1 + k;
				assert_int_equal(permitting(x, c.p),
						 want[k] ? POL_PERMITTED : POL_NOT_PERMITTED);
			}
		}
	}
}

static void a_date_is_its_whole_day(void **state)
{
	struct fixture *x = *state;
	static const struct {
		const char *op, *now;
		bool want;
	} cases[] = {
	    {"lteq", "2026-12-31T23:59:59.999999Z", true}, {"lteq", "2027-01-01T00:00:00Z", false},
	    {"lt", "2026-12-30T23:59:59.999999Z", true},   {"lt", "2026-12-31T00:00:00Z", false},
	    {"eq", "2026-12-31T12:00:00Z", true},          {"eq", "2027-01-01T00:00:00Z", false},
	    {"gt", "2026-12-31T23:59:59.999999Z", false},  {"gt", "2027-01-01T00:00:00Z", true},
	    {"gteq", "2026-12-31T00:00:00Z", true},        {"neq", "2026-12-31T12:00:00Z", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(clock_parse(str_of(cases[i].now), &x->facts.now), ERR_OK);
		assert_int_equal(permitting(x, atom(x, "dateTime", cases[i].op, "\"2026-12-31\"").p),
				 cases[i].want ? POL_PERMITTED : POL_NOT_PERMITTED);
	}
	/* Catena-X says "the end date equals" and means "until" */
	assert_int_equal(clock_parse(STR("2026-12-01T00:00:00Z"), &x->facts.now), ERR_OK);
	struct str c = atom(x, "cx-policy:DataUsageEndDate", "eq", "\"2026-12-31\"");
	assert_int_equal(permitting(x, c.p), POL_PERMITTED);
	x->facts.now += 31 * USEC_PER_DAY;
	assert_int_equal(permitting(x, c.p), POL_NOT_PERMITTED);
}

static void terms_from_the_agreement(void **state)
{
	struct fixture *x = *state;
	struct str span = atom(x, "elapsedTime", "lteq", "\"P1DT12H\"");
	struct str edc =
	    atom(x, "https://w3id.org/edc/v0.0.1/ns/inForceDate", "lteq", "\"contractAgreement+36h\"");
	assert_int_equal(permitting(x, span.p), POL_NOT_PERMITTED); /* no agreement, no term */
	assert_int_equal(permitting(x, edc.p), POL_NOT_PERMITTED);
	x->facts.agreed = x->facts.now - 36 * 3600 * USEC_PER_SEC;
	assert_int_equal(permitting(x, span.p), POL_PERMITTED);
	assert_int_equal(permitting(x, edc.p), POL_PERMITTED);
	x->facts.now++;
	assert_int_equal(permitting(x, span.p), POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, edc.p), POL_NOT_PERMITTED);
	static const char *const bad[] = {"\"P1M\"", "\"P\"",          "\"PT\"", "\"P1DT\"",
					  "\"1D\"",  "\"P99999999D\"", "5"};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(permitting(x, atom(x, "elapsedTime", "lteq", bad[i]).p),
				 POL_NOT_PERMITTED);
}

static void terms(void **state)
{
	struct fixture *x = *state;
	static const struct {
		const char *left, *op, *right;
		bool want;
	} cases[] = {
	    {"purpose", "eq", "\"maintenance\"", true},
	    {"purpose", "eq", "\"Maintenance\"", false},
	    {"cx-policy:UsagePurpose", "isAnyOf", "[\"a\",\"maintenance\"]", true},
	    {"purpose", "in", "[\"a\",\"b\"]", false},
	    {"purpose", "isNoneOf", "[\"a\",\"b\"]", true},
	    {"purpose", "isNoneOf", "[\"a\",\"maintenance\"]", false},
	    {"purpose", "isAllOf", "[\"maintenance\"]", true},
	    {"purpose", "isAllOf", "[\"maintenance\",\"a\"]", false},
	    {"purpose", "neq", "\"a\"", true},
	    {"purpose", "isA", "{\"@id\":\"maintenance\"}", true},
	    {"recipient", "eq", "\"did:web:buyer\"", true},
	    {"recipient", "eq", "\"did:web:buyers\"", false},
	    {"spatial", "isPartOf", "[\"DE\",\"CN\"]", true},
	    {"spatial", "isPartOf", "\"C\"", false},
	    {"spatial", "eq", "\"CN\"", false},
	    {"partner", "eq", "\"gold\"", true}, /* a name the facts know */
	    {"partner", "eq", "\"silver\"", false},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str c = atom(x, cases[i].left, cases[i].op, cases[i].right);
		if ((permitting(x, c.p) == POL_PERMITTED) != cases[i].want) fail_msg("%s", c.p);
	}
}

/* What cannot be decided closes permissions, keeps prohibitions in force, and no operator or
 * logical constraint turns it into a yes. */
static void undecidable(void **state)
{
	struct fixture *x = *state;
	static const char *const cases[][3] = {{"membership", "eq", "\"active\""},
					       {"membership", "neq", "\"active\""},
					       {"membership", "isNoneOf", "[\"active\"]"},
					       {"count", "lteq", "\"three\""},
					       {"count", "lteq", "3.5"},
					       {"count", "lteq", "-1"},
					       {"count", "isAnyOf", "[1,2]"},
					       {"dateTime", "lteq", "\"tomorrow\""},
					       {"dateTime", "isA", "\"2026-12-31\""},
					       {"purpose", "lteq", "\"z\""},
					       {"purpose", "isAnyOf", "[]"},
					       {"purpose", "eq", "{\"a\":1}"},
					       {"purpose", "eq", "null"}};
	x->facts.count.used = 0;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str c = atom(x, cases[i][0], cases[i][1], cases[i][2]);
		if (permitting(x, c.p) == POL_PERMITTED) fail_msg("permits: %s", c.p);
		if (prohibiting(x, c.p) != POL_PROHIBITED) fail_msg("lets pass: %s", c.p);
	}
	assert_int_equal(permitting(x, atom(x, "count", "lteq", "[3]").p),
			 POL_PERMITTED); /* as good as 3 */

	struct str open = atom(x, "membership", "eq", "\"active\"");
	struct str yes = atom(x, "purpose", "eq", "\"maintenance\"");
	struct str xone = arena_printf(x->arena, "{\"xone\":[%s,%s]}", yes.p, open.p);
	assert_int_equal(permitting(x, xone.p), POL_NOT_PERMITTED);
	assert_int_equal(prohibiting(x, xone.p), POL_PROHIBITED);
	struct str either = arena_printf(x->arena, "{\"or\":[%s,%s]}", open.p, yes.p);
	assert_int_equal(permitting(x, either.p), POL_PERMITTED); /* settled by the other part */

	struct pol_report *r = evaluate(
	    x, arena_printf(x->arena, "{\"permission\":[{\"action\":\"use\",\"constraint\":[%s]}]}", open.p)
		   .p);
	assert_str(reason(x, r, SAY_EN), "membership eq active: nothing is known here by this name");
	assert_int_equal(r->rules[0].premises[1].lack, POL_LACK_OPERAND);
}

static void logic(void **state)
{
	struct fixture *x = *state;
	const char *y = atom(x, "purpose", "eq", "\"maintenance\"").p;
	const char *n = atom(x, "purpose", "eq", "\"other\"").p;
	static const struct {
		const char *form; /* y and n stand for the atoms */
		bool want;
	} cases[] = {
	    {"{\"and\":[y,y]}", true},
	    {"{\"and\":[y,n]}", false},
	    {"{\"andSequence\":[y,y]}", true},
	    {"{\"andSequence\":{\"@list\":[n,y]}}", false},
	    {"{\"or\":[n,y]}", true},
	    {"{\"or\":[n,n]}", false},
	    {"{\"xone\":[n,y]}", true},
	    {"{\"xone\":[y,y]}", false},
	    {"{\"xone\":[n,n]}", false},
	    {"{\"xone\":[y,y,y]}", false},
	    {"{\"odrl:or\":[{\"and\":[y,n]},{\"xone\":[n,{\"and\":[y,y]}]}]}", true},
	    {"{\"or\":[{\"and\":[y,n]},{\"xone\":[y,{\"and\":[y,y]}]}]}", false},
	    {"y,n", false}, /* constraints of a rule hold together */
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = BUF_INIT(1 << 16);
		for (const char *p = cases[i].form; *p; p++) {
			bool bare = p == cases[i].form || strchr("[,", p[-1]);
			if (bare && (*p == 'y' || *p == 'n'))
				buf_add(&b, str_of(*p == 'y' ? y : n));
			else
				buf_byte(&b, *p);
		}
		buf_byte(&b, 0);
		if ((permitting(x, b.p) == POL_PERMITTED) != cases[i].want) fail_msg("%s", cases[i].form);
		buf_done(&b);
	}
}

static void prohibition_beats_permission(void **state)
{
	struct fixture *x = *state;
	struct pol_report *r =
	    evaluate(x, "{\"conflict\":\"prohibit\",\"permission\":[{\"action\":\"use\"}],"
			"\"prohibition\":[{\"action\":\"use\"}]}");
	assert_int_equal(r->verdict, POL_PROHIBITED);
	assert_str(reason(x, r, SAY_EN), "use is forbidden by prohibition[0]");
	/* not even when the policy says that permissions win */
	r = evaluate(x, "{\"conflict\":\"perm\",\"permission\":[{\"action\":\"use\"}],"
			"\"prohibition\":[{\"action\":\"use\"}]}");
	assert_int_equal(r->verdict, POL_PROHIBITED);
	r = evaluate(x, "{\"conflict\":\"perm\",\"permission\":[{\"action\":\"use\"}]}");
	assert_int_equal(r->verdict, POL_NOT_PERMITTED);
	assert_int_equal(prohibiting(x, atom(x, "purpose", "eq", "\"resale\"").p), POL_PERMITTED);
	assert_int_equal(prohibiting(x, atom(x, "purpose", "eq", "\"maintenance\"").p), POL_PROHIBITED);
	/* forbidding a narrower action leaves the wider one */
	r = evaluate(
	    x, "{\"permission\":[{\"action\":\"use\"}],\"prohibition\":[{\"action\":\"distribute\"}]}");
	assert_int_equal(r->verdict, POL_PERMITTED);
	/* one permission in force is enough, whatever the others say */
	r = evaluate(x, "{\"permission\":[{\"action\":\"transfer\"},{\"action\":[\"read\",\"use\"]}]}");
	assert_int_equal(r->verdict, POL_PERMITTED);
	assert_false(r->rules[0].active);
	assert_true(r->rules[1].active);
}

static void parties_and_targets(void **state)
{
	struct fixture *x = *state;
	const char *text =
	    "{\"assignee\":\"did:web:buyer\",\"target\":\"urn:a\",\"permission\":[{\"action\":\"use\"}]}";
	assert_int_equal(evaluate(x, text)->verdict, POL_PERMITTED);
	x->facts.target = STR("urn:b");
	assert_int_equal(evaluate(x, text)->verdict, POL_NOT_PERMITTED);
	x->facts.target = STR("urn:a");
	x->facts.party = STR("did:web:other");
	struct pol_report *r = evaluate(x, text);
	assert_int_equal(r->verdict, POL_NOT_PERMITTED);
	assert_str(reason(x, r, SAY_EN), "assignee eq did:web:buyer: actual did:web:other");
	x->facts.party = STR_NONE;
	assert_int_equal(evaluate(x, text)->verdict, POL_NOT_PERMITTED);
	/* a duty before use cannot be seen to be done */
	x->facts.party = STR("did:web:buyer");
	r = evaluate(x, "{\"permission\":[{\"action\":\"use\",\"duty\":[{\"action\":\"compensate\"}]}]}");
	assert_int_equal(r->verdict, POL_NOT_PERMITTED);
	assert_str(reason(x, r, SAY_EN), "permission[0].duty cannot be observed here");
	/* an obligation is reported and decides nothing */
	r = evaluate(x, "{\"permission\":[{\"action\":\"use\"}],\"obligation\":[{\"action\":\"delete\"}]}");
	assert_int_equal(r->verdict, POL_PERMITTED);
	assert_int_equal(r->rules_n, 2);
}

static void octets(void **state)
{
	struct fixture *x = *state;
	struct pol_policy *p =
	    policy(x, "{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":"
		      "\"kanhe:bytes\",\"operator\":\"lteq\",\"rightOperand\":1000}]}]}");
	static const struct {
		uint64_t used, want, got;
	} cases[] = {{0, 1000, 1000}, {0, 65536, 1000}, {999, 65536, 1}, {1000, 65536, 0},
		     {2000, 1, 0},    {500, 1, 1},      {0, 0, 0},       {1000, 0, 0}};
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t before = arena_used(x->arena);
		x->facts.bytes = (struct pol_tally){true, cases[i].used, 0};
		assert_int_equal(pol_octets_allowed(x->arena, p, &x->facts, cases[i].want), cases[i].got);
		assert_int_equal(arena_used(x->arena), before);
	}
}

static void budget(void **state)
{
	struct fixture *x = *state;
	struct buf b = BUF_INIT(1 << 20);
	/* fewer octets than the limit, more comparisons than the budget */
	buf_add(&b, STR("{\"permission\":[{\"action\":\"use\"},{\"action\":\"use\",\"constraint\":["
			"{\"leftOperand\":\"purpose\",\"operator\":\"isNoneOf\",\"rightOperand\":["));
	for (int i = 0; i < POL_STEPS_MAX; i++) buf_printf(&b, "%s\"%d\"", i ? "," : "", i);
	buf_add(&b, STR("]}]}]}"));
	buf_byte(&b, 0);
	assert_true(b.n < POL_SIZE_MAX);
	struct pol_report *r = evaluate(x, b.p);
	assert_int_equal(r->verdict, POL_OVER_BUDGET);
	assert_false(pol_allows(r));
	assert_int_equal(r->steps, POL_STEPS_MAX);
	buf_done(&b);
}

#define ATOM(left, op, right)                                                                              \
	"{\"leftOperand\":\"" left "\",\"operator\":\"" op "\",\"rightOperand\":\"" right "\"}"

static void what_credentials_say(void **state)
{
	struct fixture *x = *state;
	static const struct pol_fact facts[] = {
	    {{"MembershipCredential", 20}, {"active", 6}},
	    {{"MembershipCredential.level", 26}, {"silver", 6}},
	    {{"MembershipCredential.level", 26}, {"gold", 4}},
	};
	x->facts.named = facts;
	x->facts.named_n = COUNT(facts);
	assert_int_equal(permitting(x, ATOM("MembershipCredential", "eq", "active")), POL_PERMITTED);
	assert_int_equal(permitting(x, ATOM("Membership", "eq", "active")), POL_PERMITTED);
	assert_int_equal(permitting(x, ATOM("cx-policy:Membership", "eq", "active")), POL_PERMITTED);
	/* one of several will do; for "not" none may be so */
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "eq", "gold")), POL_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "eq", "silver")), POL_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "neq", "gold")),
			 POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "neq", "silver")),
			 POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "neq", "iron")), POL_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.level", "eq", "iron")),
			 POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, ATOM("MembershipCredential.region", "eq", "eu")), POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, ATOM("OtherCredential", "eq", "active")), POL_NOT_PERMITTED);
	assert_int_equal(permitting(x, ATOM("OtherCredential", "neq", "active")), POL_NOT_PERMITTED);
}

static const char *unmet(struct fixture *x, const char *constraints)
{
	struct str t = arena_printf(x->arena, "{\"permission\":[{\"action\":\"use\",\"constraint\":[%s]}]}",
				    constraints);
	const struct pol_premise *p = pol_unmet_credential(evaluate(x, t.p));
	return p ? arena_strdup(x->arena, p->path) : "";
}

/* Before an agreement only what is about credentials closes a door. */
static void credentials_that_are_lacking(void **state)
{
	struct fixture *x = *state;
	static const struct pol_fact facts[] = {{{"AC", 2}, {"x", 1}},
						{{"MembershipCredential", 20}, {"active", 6}}};
	static const char two[] = "{\"permission\":[{\"action\":\"use\",\"constraint\":[" ATOM(
	    "ACredential", "eq", "active") "]},{\"action\":\"use\"}]}";
	x->facts.named = facts;
	x->facts.named_n = COUNT(facts);
	assert_string_equal(unmet(x, ATOM("MembershipCredential", "eq", "active")), "");
	assert_string_equal(unmet(x, ATOM("ACredential", "eq", "active")), "permission[0].constraint[0]");
	assert_string_equal(
	    unmet(x, ATOM("purpose", "eq", "other") "," ATOM("ACredential", "eq", "active")),
	    "permission[0].constraint[1]");
	assert_string_equal(
	    unmet(x, ATOM("purpose", "eq", "other") "," ATOM("dateTime", "lt", "2020-01-01")), "");
	assert_string_equal(unmet(x, "{\"or\":[" ATOM("ACredential", "eq", "active") "," ATOM(
					 "MembershipCredential", "eq", "active") "]}"),
			    "");
	assert_string_equal(unmet(x, "{\"or\":[" ATOM("ACredential", "eq", "active") "," ATOM(
					 "BCredential", "eq", "active") "]}"),
			    "permission[0].constraint[0]");
	/* a purpose may yet come */
	assert_string_equal(
	    unmet(x, "{\"or\":[" ATOM("ACredential", "eq", "active") "," ATOM("purpose", "eq", "x") "]}"),
	    "");
	/* another permission asks for nothing */
	assert_null(pol_unmet_credential(evaluate(x, two)));
}

static void operands_that_are_credentials(void **state)
{
	(void)state;
	static const char *const none[] = {"Credential",           "credential",   "MembershipCredential.",
					   "Membershipcredential", "Credential.x", "Membership.level"};
	for (size_t i = 0; i < COUNT(none); i++) assert_int_equal(pol_credential(str_of(none[i])).n, 0);
	assert_true(str_is(pol_credential(STR("ACredential.b.c")), "ACredential.b.c"));
	assert_int_equal(pol_operand_find(STR("ACredential.b")), POL_CREDENTIAL);
	assert_int_equal(pol_operand_find(STR("partner")), POL_UNKNOWN);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_credentials_say, setup, teardown),
	    cmocka_unit_test_setup_teardown(credentials_that_are_lacking, setup, teardown),
	    cmocka_unit_test(operands_that_are_credentials),
	    T(closed_world),
	    T(count_at_its_limit),
	    T(refusal_names_constraint_and_value),
	    T(instants),
	    T(a_date_is_its_whole_day),
	    T(terms_from_the_agreement),
	    T(terms),
	    T(undecidable),
	    T(logic),
	    T(prohibition_beats_permission),
	    T(parties_and_targets),
	    T(octets),
	    T(budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
