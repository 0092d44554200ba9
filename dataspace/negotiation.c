/* Messages of the partner. */
#include "dataspace/negotiation.h"

#include "dataspace/agreement.h"
#include "dataspace/dataset.h"
#include "dataspace/kit.h"
#include "dataspace/dialect.h"
#include "dataspace/negotiation_act.h"
#include "dataspace/offer.h"
#include "dataspace/plane.h"
#include "proto/dsp/v2024.h"

/* ---- taking messages apart ---- */

static enum err parse_offer(json_t *j, enum dsp_type type, struct flaw *f, struct negotiation_message *m)
{
	struct dsp_contract_request q;
	struct dsp_contract_offer o;
	enum err e;

	if (type == DSP_CONTRACT_REQUEST) {
		if ((e = dsp_contract_request_parse(j, f, &q))) return e;
		m->pids = q.pids;
		m->callback = q.callback;
		m->policy = q.offer;
		return ERR_OK;
	}
	if ((e = dsp_contract_offer_parse(j, f, &o))) return e;
	m->pids = o.pids;
	m->callback = o.callback;
	m->policy = o.offer;
	return ERR_OK;
}

static enum err parse_event(json_t *j, struct flaw *f, struct negotiation_message *m)
{
	struct dsp_negotiation_event v;
	enum err e = dsp_negotiation_event_parse(j, f, &v);

	if (e) return e;
	m->pids = v.pids;
	m->move = v.event == DSP_EVENT_ACCEPTED ? DSP_MOVE_ACCEPT : DSP_MOVE_FINALIZE;
	return ERR_OK;
}

enum err negotiation_message_parse(json_t *j, enum dsp_type type, struct flaw *f,
				   struct negotiation_message *ret)
{
	struct negotiation_message m = {.type = type, .root = j};
	struct dsp_contract_agreement g;
	struct dsp_agreement_verification v;
	struct dsp_negotiation_termination x;
	enum err e;

	switch (type) {
	case DSP_CONTRACT_REQUEST:
	case DSP_CONTRACT_OFFER:
		m.move = type == DSP_CONTRACT_REQUEST ? DSP_MOVE_REQUEST : DSP_MOVE_OFFER;
		e = parse_offer(j, type, f, &m);
		break;
	case DSP_CONTRACT_AGREEMENT:
		m.move = DSP_MOVE_AGREE;
		if (!(e = dsp_contract_agreement_parse(j, f, &g))) {
			m.pids = g.pids;
			m.policy = g.agreement;
		}
		break;
	case DSP_AGREEMENT_VERIFICATION:
		m.move = DSP_MOVE_VERIFY;
		if (!(e = dsp_agreement_verification_parse(j, f, &v))) m.pids = v.pids;
		break;
	case DSP_NEGOTIATION_EVENT: e = parse_event(j, f, &m); break;
	case DSP_NEGOTIATION_TERMINATION:
		m.move = DSP_MOVE_TERMINATE;
		if (!(e = dsp_negotiation_termination_parse(j, f, &x))) {
			m.pids = x.pids;
			m.reason = x.reason;
		}
		break;
	default: return ERR_INTERNAL;
	}
	if (!e) *ret = m;
	return e;
}

/* ---- the first message ---- */

static enum err row_start(const struct turn *u, const struct negotiation_message *m, Ds__Side side,
			  Ds__Negotiation **ret)
{
	Ds__Negotiation *n = ARENA_NEW(u->a, Ds__Negotiation);
	char pid[UUID_URN];
	struct str callback,
	    peer_pid = side == DS__SIDE__SIDE_PROVIDER ? m->pids.consumer : m->pids.provider;
	const char *at = side == DS__SIDE__SIDE_PROVIDER ? "consumerPid" : "providerPid";
	enum err e = n ? turn_name_check(peer_pid, DS_PID_MAX, at, u->flaw) : ERR_NO_MEMORY;

	if (!e) e = turn_url_check(m->callback, "callbackAddress", u->flaw, &callback);
	if (e) return e;
	negotiation_init(u, n, side);
	n->pid = turn_text(u, str_of(uuid_urn(pid)));
	n->peer = turn_text(u, u->who);
	n->peer_pid = turn_text(u, peer_pid);
	n->callback = turn_text(u, callback);
	n->dialect = u->dialect;
	n->offer_id = turn_text(u, m->policy.id);
	n->offer = turn_json(u, m->policy.root);
	*ret = n;
	return ERR_OK;
}

/* Who lacks a credential that every permission asks for need not negotiate. */
static enum err claims_check(const struct turn *u, json_t *policy)
{
	return dp_policy_claims(u->a, policy, u->who, u->claims, u->t->now, u->flaw);
}

/* What the provider has published against what is asked for. */
static enum err first_request(const struct turn *u, const struct negotiation_message *m, Ds__Negotiation *n)
{
	Ds__Dataset *s;
	json_t *published, *asked, *diff;
	enum err e = dataset_by_offer(u->t->store, u->a, u->self->id, m->policy.id, u->who, u->flaw, &s);

	if (e) return e;
	if (m->policy.target.n && !str_is(m->policy.target, s->id))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "offer.target", "target",
				"the offer is for another dataset");
	e = json_read(u->a, str_of(s->policy), u->flaw, &published);
	if (e) return e;
	published = offer_rules(u->a, published);
	if (published && u->dialect == DS_DIALECT_2024_1) published = dsp_v2024_rules(u->a, published);
	asked = offer_rules(u->a, m->policy.root);
	if (!published || !asked) return ERR_NO_MEMORY;
	if (!offer_same(published, asked)) {
		diff = offer_diff(u->a, published, asked);
		return flaw_set(u->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, "offer", "terms", "%s",
				json_string_value(json_array_get(diff, 0)));
	}
	n->dataset = s->id;
	n->wanted = turn_json(u, published);
	return claims_check(u, published);
}

/* The message that began it, in the same octets or, as a partner sends it that lost our answer, anew. */
static bool begun_again(const struct turn *u, const struct negotiation_message *m, Ds__Side side,
			const Ds__Negotiation *n)
{
	struct str callback;
	if (turn_repeated(u, n->history, n->n_history, m->root, true)) return true;
	if (n->side != side) return false;
	if (turn_url_check(m->callback, "callbackAddress", u->flaw, &callback)) return false;
	return str_is(callback, n->callback) && str_is(m->policy.id, n->offer_id) &&
	       strcmp(turn_json(u, m->policy.root), n->offer) == 0;
}

static enum err receive_first(const struct turn *u, const struct negotiation_message *m,
			      Ds__Negotiation **ret, bool *ret_new)
{
	bool request = m->move == DSP_MOVE_REQUEST;
	Ds__Side side = request ? DS__SIDE__SIDE_PROVIDER : DS__SIDE__SIDE_CONSUMER;
	struct str peer_pid = request ? m->pids.consumer : m->pids.provider;
	Ds__Negotiation *n;
	enum err e;

	if (!m->callback.n)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "callbackAddress", "missing",
				"the first message of a negotiation names it");
	e = turn_name_check(peer_pid, DS_PID_MAX, request ? "consumerPid" : "providerPid", u->flaw);
	if (!e) e = negotiation_find_peer(u->t->store, u->a, u->self->id, u->who, peer_pid, &n);
	if (!e) {
		*ret_new = true; /* the same answer as the first time */
		*ret = n;
		return begun_again(u, m, side, n)
			   ? ERR_OK
			   : flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET,
				      request ? "consumerPid" : "providerPid", "pid-used",
				      "there is a negotiation of this pid already");
	}
	if (e != ERR_NOT_FOUND) return e;
	e = row_start(u, m, side, &n);
	if (!e && request) e = first_request(u, m, n);
	if (!e && !request) {
		e = turn_name_check(m->policy.target, DS_DATASET_MAX, "offer.target", u->flaw);
		n->dataset = turn_text(u, m->policy.target);
	}
	if (!e)
		e = negotiation_step(u, n, request ? DSP_NEGOTIATION_REQUESTED : DSP_NEGOTIATION_OFFERED,
				     true, STR_NONE);
	if (!e) e = negotiation_react(u, n);
	if (!e) e = negotiation_put(u, n);
	*ret = n;
	*ret_new = true;
	return e;
}

/* ---- later messages ---- */

/* A counter-offer cannot leave out what the published one asks of credentials. */
static enum err claims_again(const struct turn *u, const Ds__Negotiation *n)
{
	json_t *published;
	enum err e;

	if (!n->wanted[0]) return ERR_OK; /* it began with an offer of ours */
	e = json_read(u->a, str_of(n->wanted), NULL, &published);
	return e ? ERR_CORRUPT : claims_check(u, published);
}

static enum err take_offer(const struct turn *u, const struct negotiation_message *m, Ds__Negotiation *n)
{
	if (m->policy.target.n && !str_is(m->policy.target, n->dataset))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "offer.target", "target",
				"the offer is for another dataset");
	n->offer = turn_json(u, m->policy.root);
	n->offer_id = turn_text(u, m->policy.id);
	n->offer_ours = false;
	return negotiation_role(n) == DSP_PROVIDER ? claims_again(u, n) : ERR_OK;
}

/* What a message brings besides its move. Everything that may refuse it comes before any write. */
static enum err take_contents(const struct turn *u, const struct negotiation_message *m, Ds__Negotiation *n,
			      json_t **ret_proof)
{
	switch (m->move) {
	case DSP_MOVE_REQUEST:
	case DSP_MOVE_OFFER: return take_offer(u, m, n);
	case DSP_MOVE_AGREE: return agreement_verify(u, n, &m->policy, ret_proof);
	case DSP_MOVE_VERIFY: return agreement_countersign(u, n, json_object_get(m->root, AGREEMENT_PROOF));
	case DSP_MOVE_TERMINATE:
		n->code = turn_text(u, m->reason.code);
		n->reason = turn_text(u, str_cut(m->reason.text, TURN_REASON_MAX));
		return ERR_OK;
	default: return ERR_OK;
	}
}

/* Where the message leads, from the acknowledged state or from the pending one, which it proves. */
static enum err find_move(const struct turn *u, const Ds__Negotiation *n, enum dsp_negotiation_move move,
			  enum dsp_negotiation_state *ret_to, bool *ret_implied)
{
	enum dsp_role by = dsp_role_other(negotiation_role(n));
	enum err e = dsp_negotiation_next((enum dsp_negotiation_state)n->state, move, by, u->flaw, ret_to);

	*ret_implied = false;
	if (!e || !n->pending) return e;
	if (dsp_negotiation_next((enum dsp_negotiation_state)n->pending, move, by, NULL, ret_to)) return e;
	if (u->flaw) *u->flaw = (struct flaw){0};
	*ret_implied = true;
	return ERR_OK;
}

static enum err find_ours(const struct turn *u, struct str pid, const struct negotiation_message *m,
			  Ds__Negotiation **ret)
{
	struct dsp_pids own;
	Ds__Negotiation *n;
	enum err e = negotiation_find(u->t->store, u->a, u->self->id, pid, &n);

	if (!e && !str_is(u->who, n->peer)) e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "pid", "unknown",
				"there is no such negotiation");
	if (e) return e;
	own = negotiation_pids(n);
	e = turn_pids(u, m->pids.consumer, m->pids.provider, own.consumer, own.provider);
	if (!e && !n->peer_pid[0]) {
		struct str theirs =
		    negotiation_role(n) == DSP_PROVIDER ? m->pids.consumer : m->pids.provider;

		e = turn_name_check(theirs, DS_PID_MAX, "pid", u->flaw);
		n->peer_pid = turn_text(u, theirs);
	}
	if (!e) *ret = n;
	return e;
}

enum err negotiation_receive(const struct turn *u, struct str pid, const struct negotiation_message *m,
			     Ds__Negotiation **ret, bool *ret_new)
{
	enum dsp_negotiation_state to;
	json_t *proof = NULL;
	Ds__Negotiation *n;
	bool implied;
	enum err e;

	if (!pid.n) return receive_first(u, m, ret, ret_new);
	*ret_new = false;
	e = find_ours(u, pid, m, &n);
	if (e) return e;
	if (m->callback.n)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "callbackAddress", "one-of",
				"only the first message of a negotiation names it");
	*ret = n;
	if (turn_repeated(u, n->history, n->n_history, m->root, false)) return ERR_OK;
	e = find_move(u, n, m->move, &to, &implied);
	if (e && turn_repeated(u, n->history, n->n_history, m->root, true)) return ERR_OK;
	if (!e) e = take_contents(u, m, n, &proof);
	if (!e && implied) e = negotiation_acknowledged(u, n);
	if (!e && implied) u->d->stat.messages_out++;
	if (!e && n->pending) e = negotiation_forget(u, n);
	if (!e)
		e = negotiation_step(u, n, to, true,
				     to == DSP_NEGOTIATION_TERMINATED ? str_of(n->reason) : STR_NONE);
	if (!e)
		e = to == DSP_NEGOTIATION_AGREED && !kit_acts(u->d, u->self->id)
			? negotiation_verify(u, n, proof)
			: negotiation_react(u, n);
	if (!e) e = negotiation_put(u, n);
	return e;
}
