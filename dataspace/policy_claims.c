/* What policies ask of credentials. */
#include <stdio.h>

#include "dataspace/identity.h"
#include "dataspace/plane.h"
#include "policies/evaluator.h"

enum { REASON_MAX = 2048, AT_MAX = 128 };

/* {"name": ["value", …], …} as identity_claims wrote it. */
void dp_claims_fill(struct arena *a, struct str claims, size_t room, struct pol_fact *named, size_t *n)
{
	const char *name;
	json_t *j, *all, *v;
	size_t i;

	if (!claims.n || json_read(a, claims, NULL, &j)) return;
	json_object_foreach(j, name, all)
	{
		json_array_foreach(all, i, v)
		{
			if (*n == room) return;
			named[(*n)++] = (struct pol_fact){str_of(name), json_text(v)};
		}
	}
}

enum err dp_policy_claims(struct arena *a, json_t *policy, struct str party, struct str claims, usec_t now,
			  struct flaw *f)
{
	struct pol_fact named[IDENTITY_CLAIMS_MAX];
	struct pol_facts facts = {.action = STR("use"), .party = party, .now = now, .named = named};
	struct buf reason = BUF_INIT(REASON_MAX);
	const struct pol_premise *unmet;
	struct pol_policy *p;
	struct pol_report *r;
	char at[AT_MAX];
	enum err e = pol_parse(a, policy, "", NULL, &p);

	/* what cannot be read is for the owner, and closes each transfer in the end */
	if (e) return e == ERR_NO_MEMORY ? e : ERR_OK;
	dp_claims_fill(a, claims, IDENTITY_CLAIMS_MAX, named, &facts.named_n);
	e = pol_evaluate(a, p, &facts, &r);
	if (e) return e;
	unmet = pol_unmet_credential(r);
	if (!unmet) return ERR_OK;
	(void)snprintf(at, sizeof at, "offer.%.*s", STR_ARG(unmet->path));
	pol_premise_sentence(unmet, SAY_EN, &reason);
	e = flaw_set(f, ERR_POLICY_DENIED, FLAW_NO_OFFSET, at, "credential", "%.*s",
		     STR_ARG(buf_str(&reason)));
	buf_done(&reason);
	return e;
}
