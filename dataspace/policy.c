/* What the policy inside an agreement allows. */
#include "dataspace/identity.h"
#include "dataspace/plane.h"
#include "policies/evaluator.h"

enum { REASON_MAX = 2048 };

enum err dp_policy_check(struct arena *a, json_t *policy, struct flaw *f)
{
	struct pol_policy *p;
	enum err e = pol_parse(a, policy, "", f, &p);

	return e ? e : pol_check(p, f);
}

enum err dp_policy_open(struct arena *a, const Ds__Agreement *g, struct dp_policy *ret)
{
	struct dp_policy p = {.agreed = g->created};
	json_t *doc;
	struct str when;
	enum err e = json_read(a, str_of(g->json), NULL, &doc);

	if (!e) e = pol_parse(a, doc, "", NULL, &p.policy);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	/* terms run from the time that both have signed, not from when we stored it */
	when = json_text(json_object_get(doc, "timestamp"));
	if (when.n) (void)!clock_parse(when, &p.agreed);
	*ret = p;
	return ERR_OK;
}

enum { NAMED_MAX = 1 + IDENTITY_CLAIMS_MAX };

struct asking {
	struct pol_facts facts;
	struct pol_fact named[NAMED_MAX];
};

static void asking_fill(struct arena *a, struct asking *q, const struct dp_policy *p,
			const struct dp_facts *f)
{
	*q = (struct asking){.facts = {.action = STR("use"),
				       .target = str_of(f->agreement->dataset),
				       .party = f->party,
				       .now = f->now,
				       .agreed = p->agreed,
				       .count = {true, f->count, f->count_asked},
				       .bytes = {true, f->octets, f->octets_asked}}};
	q->facts.named = q->named;
	if (f->purpose.n) q->named[q->facts.named_n++] = (struct pol_fact){STR("purpose"), f->purpose};
	dp_claims_fill(a, f->claims, NAMED_MAX, q->named, &q->facts.named_n);
}

enum err dp_policy_ask(struct arena *a, const struct dp_policy *p, const struct dp_facts *f,
		       struct dp_verdict *ret)
{
	struct dp_verdict v = {.allowed = false};
	struct buf reason = BUF_INIT(REASON_MAX);
	struct pol_report *r;
	struct asking q;
	enum err e;

	asking_fill(a, &q, p, f);
	e = pol_evaluate(a, p->policy, &q.facts, &r);
	if (e) return e;
	v.allowed = pol_allows(r);
	if (!v.allowed) {
		pol_report_reason(r, SAY_EN, &reason);
		v.reason = arena_dup(a, buf_str(&reason));
		v.report = pol_report_json(a, r);
		buf_done(&reason);
		if (!v.reason.p || !v.report) return ERR_NO_MEMORY;
	}
	*ret = v;
	return ERR_OK;
}

/* Unsatisfied premises of time that more time cannot mend. */
enum err dp_policy_denial(const struct dp_verdict *v)
{
	json_t *rule, *premise;
	size_t i, k;

	json_array_foreach(json_object_get(v->report, "rules"), i, rule)
	{
		json_array_foreach(json_object_get(rule, "premises"), k, premise)
		{
			struct str op = json_text(json_object_get(premise, "operator"));
			enum pol_kind kind = pol_operand_kind(
			    pol_operand_find(json_text(json_object_get(premise, "leftOperand"))));
			bool until = kind == POL_END || str_is(op, "lteq") || str_is(op, "lt");

			if (kind != POL_TIME && kind != POL_END && kind != POL_SPAN) continue;
			if (until && json_is_false(json_object_get(premise, "satisfied")))
				return ERR_EXPIRED;
		}
	}
	return ERR_POLICY_DENIED;
}

uint64_t dp_policy_octets(struct arena *a, const struct dp_policy *p, const struct dp_facts *f,
			  uint64_t want)
{
	struct asking q;

	asking_fill(a, &q, p, f);
	return pol_octets_allowed(a, p->policy, &q.facts, want);
}

enum err dp_allow_start(struct arena *a, const struct dp_ask *ask, struct dp_verdict *ret)
{
	struct dp_policy p;
	/* octets are asked for, and refused, with each data request */
	struct dp_facts f = {.agreement = ask->agreement,
			     .purpose = ask->purpose,
			     .claims = ask->claims,
			     .party = ask->party,
			     .now = ask->now,
			     .count = ask->agreement->transfers,
			     .count_asked = 1};
	enum err e = dp_policy_open(a, ask->agreement, &p);

	return e ? e : dp_policy_ask(a, &p, &f, ret);
}
