/* A suspended transfer wants to go on: much may have changed since it was accepted. */
#include "dataspace/transfer_act.h"

enum err transfer_judge_again(const struct turn *u, const Ds__Transfer *x)
{
	struct dp_ask ask = {.participant = u->self->id,
			     .purpose = str_of(x->purpose),
			     .claims = u->claims.n ? u->claims : str_of(x->claims),
			     .party = str_of(x->peer),
			     .now = u->t->now};
	struct dp_verdict v = {.allowed = false};
	Ds__Agreement *g, others;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &g);

	if (e) return e;
	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_REVOKED)
		return flaw_set(u->flaw, ERR_REVOKED, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement was revoked: %s", g->reason);
	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_EXPIRED)
		return flaw_set(u->flaw, ERR_EXPIRED, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement has expired: %s", g->reason);
	others = *g;
	if (others.transfers) others.transfers--; /* all but this one */
	ask.agreement = &others;
	e = dp_allow_start(u->a, &ask, &v);
	if (e || v.allowed) return e;
	return flaw_set(u->flaw, ERR_POLICY_DENIED, FLAW_NO_OFFSET, "agreement", "policy", "%.*s",
			STR_ARG(v.reason));
}
