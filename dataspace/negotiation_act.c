/* Our own moves: announcements through the outbox, rules, wishes of the owner. */
#include "dataspace/negotiation_act.h"

#include "dataspace/agreement.h"
#include "dataspace/dialect.h"
#include "dataspace/evidence.h"
#include "dataspace/fetch.h"
#include "dataspace/kit.h"
#include "dataspace/offer.h"
#include "dataspace/outbox.h"
#include "dataspace/partner.h"

enum { NEGOTIATION_FORMAT = 1 };

void negotiation_init(const struct turn *u, Ds__Negotiation *n, Ds__Side side)
{
	ds__negotiation__init(n);
	n->format = NEGOTIATION_FORMAT;
	n->side = side;
	n->created = n->changed = u->t->now;
}

static enum err ledger_add(const struct turn *u, const Ds__Negotiation *n, enum dsp_negotiation_state to,
			   bool by_peer, json_t *detail, uint64_t *ret_leaf)
{
	static const enum ds_event_kind kinds[DSP_NEGOTIATION_STATE_COUNT] = {
#define X(name, final) [DSP_NEGOTIATION_##name] = DS_EVENT_NEGOTIATION_##name,
	    DSP_NEGOTIATION_STATES(X)
#undef X
	};
	struct ds_event ev = {.kind = kinds[to],
			      .participant = u->self->id,
			      .who = by_peer      ? str_of(n->peer)
				     : u->partner ? u->self->did
						  : u->who,
			      .agreement = str_of(n->agreement),
			      .negotiation = str_of(n->pid),
			      .dataset = str_of(n->dataset),
			      .peer = str_of(n->peer),
			      .message = by_peer ? u->digest : NULL,
			      .detail = detail};

	return ds_event_append(u->t, &ev, ret_leaf);
}

/* One ledger entry per move, with the side that made it as `who`; a partner's message is kept with it. */
static enum err tell(const struct turn *u, Ds__Negotiation *n, enum dsp_negotiation_state to, bool by_peer,
		     struct str detail)
{
	bool keep = by_peer && u->evidence;
	json_t *more = detail.n || keep ? json_object() : NULL;
	struct str record;
	uint64_t leaf = 0;
	enum err e = ERR_OK;

	must(more || (!detail.n && !keep));
	if (detail.n) json_put_str(more, "reason", str_cut(detail, TURN_REASON_MAX));
	if (keep) e = evidence_make(u, n, dsp_negotiation_state_name(to), &record);
	if (!e && keep) evidence_cite(record, more);
	if (e) {
		json_decref(more);
		return e;
	}
	e = ledger_add(u, n, to, by_peer, more, &leaf);
	return e || !keep ? e : evidence_put(u, n, record, leaf);
}

static enum err reached(const struct turn *u, Ds__Negotiation *n, enum dsp_negotiation_state to,
			bool by_peer, struct str detail)
{
	enum err e = turn_step(u, &n->history, &n->n_history, to, by_peer, detail);

	if (e) return e;
	n->state = to;
	n->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(n->pid));
	return ERR_OK;
}

enum err negotiation_step(const struct turn *u, Ds__Negotiation *n, enum dsp_negotiation_state to,
			  bool by_peer, struct str detail)
{
	enum err e = reached(u, n, to, by_peer, detail);

	return e ? e : tell(u, n, to, by_peer, detail);
}

enum err negotiation_acknowledged(const struct turn *u, Ds__Negotiation *n)
{
	enum err e = reached(u, n, (enum dsp_negotiation_state)n->pending, false, STR_NONE);

	return e ? e : negotiation_forget(u, n);
}

enum err negotiation_forget(const struct turn *u, Ds__Negotiation *n)
{
	enum err e = ds_outbox_drop(u->t, u->self->id, n->pending_entry);

	n->pending = 0;
	n->pending_entry = 0;
	return e;
}

static enum err post(const struct turn *u, const Ds__Negotiation *n, json_t *message, const char *path,
		     enum dsp_negotiation_state to, uint64_t *ret_seq)
{
	struct ds_letter l = {.kind = DS_OUTBOX_NEGOTIATION,
			      .participant = u->self->id,
			      .pid = str_of(n->pid),
			      .peer = str_of(n->peer),
			      .target = to};

	if (!message) return ERR_NO_MEMORY;
	turn_name_message(message);
	message =
	    ds_dialect_write(u->a, n->dialect, u->self,
			     n->side == DS__SIDE__SIDE_PROVIDER ? u->self->did : str_of(n->peer), message);
	if (!message) return ERR_NO_MEMORY;
	ds_dialect_suit(n->callback, message);
	l.body = json_write(u->a, message, false);
	if (n->peer_pid[0])
		l.url = arena_printf(u->a, "%s/negotiations/%.*s%s", n->callback,
				     STR_ARG(fetch_segment(u->a, str_of(n->peer_pid))), path);
	else
		l.url = arena_printf(u->a, "%s/negotiations%s", n->callback, path);
	if (!l.body.p || !l.url.p) return ERR_NO_MEMORY;
	return ds_outbox_add(u->t, u->fx, &l, ret_seq);
}

/* Decides a move of ours: it takes effect when the partner has acknowledged the message. */
static enum err announce(const struct turn *u, Ds__Negotiation *n, enum dsp_negotiation_move move,
			 json_t *message, const char *path)
{
	enum dsp_negotiation_state to;
	enum err e = dsp_negotiation_next((enum dsp_negotiation_state)n->state, move, negotiation_role(n),
					  u->flaw, &to);

	if (!e && n->pending)
		e = flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "pending",
			     "the partner has not acknowledged %s yet",
			     dsp_negotiation_state_name((enum dsp_negotiation_state)n->pending));
	if (!e) e = post(u, n, message, path, to, &n->pending_entry);
	if (!e) e = tell(u, n, to, false, STR_NONE);
	if (e) return e;
	n->pending = to;
	n->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(n->pid));
	return ERR_OK;
}

/* ---- moves ---- */

static enum err act_terminate(const struct turn *u, Ds__Negotiation *n, struct str code, struct str reason)
{
	struct dsp_negotiation_termination m = {.pids = negotiation_pids(n)};
	enum dsp_negotiation_state to;
	enum err e = ERR_OK;

	if (n->state)
		e = dsp_negotiation_next((enum dsp_negotiation_state)n->state, DSP_MOVE_TERMINATE,
					 negotiation_role(n), u->flaw, &to);
	if (!e &&
	    n->pending == DSP_NEGOTIATION_FINALIZED) /* it may have arrived, and cannot be taken back */
		e = flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "finalizing",
			     "the partner is being told that it is final: revoke the agreement instead");
	if (!e && n->pending && n->peer_pid[0]) e = negotiation_forget(u, n);
	if (e) return e;
	m.reason.code = code;
	m.reason.reasons = turn_reasons(u, reason);
	/* A partner that has not answered the first message has told no pid yet: the message goes on
	 * until it is answered, and the answer tells whom to tell (ended_meanwhile). */
	n->pending = 0;
	n->pending_entry = 0;
	if (n->peer_pid[0])
		e = post(u, n, dsp_negotiation_termination_write(u->a, &m), "/termination",
			 DSP_NEGOTIATION_TERMINATED, NULL);
	n->code = turn_text(u, code);
	n->reason = turn_text(u, reason);
	if (!e) e = negotiation_step(u, n, DSP_NEGOTIATION_TERMINATED, false, reason);
	return e ? e : agreement_void(u, n);
}

static enum err act_agree(const struct turn *u, Ds__Negotiation *n)
{
	struct dsp_contract_agreement m = {.pids = negotiation_pids(n)};
	enum dsp_negotiation_state to;
	enum err e = dsp_negotiation_next((enum dsp_negotiation_state)n->state, DSP_MOVE_AGREE,
					  negotiation_role(n), u->flaw, &to);

	if (!e) e = agreement_make(u, n, &m.agreement.root);
	return e ? e : announce(u, n, DSP_MOVE_AGREE, dsp_contract_agreement_write(u->a, &m), "/agreement");
}

static enum err act_event(const struct turn *u, Ds__Negotiation *n, enum dsp_event event)
{
	struct dsp_negotiation_event m = {.pids = negotiation_pids(n), .event = event};

	return announce(u, n, event == DSP_EVENT_ACCEPTED ? DSP_MOVE_ACCEPT : DSP_MOVE_FINALIZE,
			dsp_negotiation_event_write(u->a, &m), "/events");
}

enum err negotiation_verify(const struct turn *u, Ds__Negotiation *n, json_t *proof)
{
	struct dsp_agreement_verification m = {.pids = negotiation_pids(n)};

	m.extra = json_keep(u->a, json_object());
	if (!m.extra) return ERR_NO_MEMORY;
	if (proof) json_put(m.extra, AGREEMENT_PROOF, json_incref(proof));
	return announce(u, n, DSP_MOVE_VERIFY, dsp_agreement_verification_write(u->a, &m),
			"/agreement/verification");
}

enum err negotiation_finalize(const struct turn *u, Ds__Negotiation *n)
{
	enum err e = act_event(u, n, DSP_EVENT_FINALIZED);

	return e ? e : agreement_activate(u, n);
}

/* ---- rules ---- */

/* What differs between the offer on the table and what our side published or asked for; NULL: nothing. */
static enum err table_differs(const struct turn *u, const Ds__Negotiation *n, json_t **ret)
{
	json_t *offer, *wanted, *rules;
	enum err e = json_read(u->a, str_of(n->offer), u->flaw, &offer);

	if (!e && !n->wanted[0]) {
		*ret = json_keep(u->a, json_array());
		return *ret ? ERR_OK : ERR_NO_MEMORY;
	}
	if (!e) e = json_read(u->a, str_of(n->wanted), u->flaw, &wanted);
	if (e) return e;
	rules = offer_rules(u->a, offer);
	if (!rules) return ERR_NO_MEMORY;
	*ret = offer_same(wanted, rules) ? NULL : offer_diff(u->a, wanted, rules);
	return ERR_OK;
}

/* Whether the dataset's owner decides each request (Dataset.approval). */
static enum err approval_needed(const struct turn *u, const Ds__Negotiation *n, bool *ret)
{
	Ds__Dataset *s;
	enum err e = ds_dataset_find(u->t->store, u->a, u->self->id, str_of(n->dataset), &s);

	*ret = !e && s->approval;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err provider_react(const struct turn *u, Ds__Negotiation *n)
{
	json_t *diff;
	bool ask;
	enum err e;

	switch (n->state) {
	case DSP_NEGOTIATION_REQUESTED:
		if (!u->d->o.auto_agree) return ERR_OK;
		e = approval_needed(u, n, &ask);
		if (e || ask) return e;
		e = table_differs(u, n, &diff);
		if (e) return e;
		if (!diff) return act_agree(u, n);
		return act_terminate(u, n, STR("OFFER_REJECTED"), json_text(json_array_get(diff, 0)));
	case DSP_NEGOTIATION_ACCEPTED: return act_agree(u, n);
	case DSP_NEGOTIATION_VERIFIED: return negotiation_finalize(u, n);
	default: return ERR_OK;
	}
}

static enum err consumer_react(const struct turn *u, Ds__Negotiation *n)
{
	json_t *diff;
	enum err e;

	switch (n->state) {
	case DSP_NEGOTIATION_OFFERED:
		e = table_differs(u, n, &diff);
		return e || diff ? e : act_event(u, n, DSP_EVENT_ACCEPTED);
	case DSP_NEGOTIATION_FINALIZED: return agreement_activate(u, n);
	default: return ERR_OK;
	}
}

enum err negotiation_react(const struct turn *u, Ds__Negotiation *n)
{
	if (n->state == DSP_NEGOTIATION_TERMINATED) return agreement_void(u, n);
	if (kit_acts(u->d, u->self->id) && n->state != DSP_NEGOTIATION_FINALIZED) return ERR_OK;
	return n->side == DS__SIDE__SIDE_PROVIDER ? provider_react(u, n) : consumer_react(u, n);
}

/* ---- wishes ---- */

enum err negotiation_start(const struct turn *u, const struct negotiation_wish *w, Ds__Negotiation **ret)
{
	struct dsp_contract_request m = {.callback = ds_dialect_base(u->a, u->self, w->dialect)};
	Ds__Negotiation *n = ARENA_NEW(u->a, Ds__Negotiation);
	json_t *rules = offer_rules(u->a, w->offer);
	char pid[UUID_URN];
	enum err e = n && rules && m.callback.p ? ERR_OK : ERR_NO_MEMORY;

	if (e) return e;
	negotiation_init(u, n, DS__SIDE__SIDE_CONSUMER);
	n->pid = turn_text(u, str_of(uuid_urn(pid)));
	n->peer = turn_text(u, w->provider);
	n->callback = turn_text(u, w->base);
	n->dialect = w->dialect;
	n->dataset = turn_text(u, w->dataset);
	n->offer_id = turn_text(u, w->offer_id);
	n->offer_ours = true;
	n->wanted = turn_json(u, rules);
	m.pids = negotiation_pids(n);
	m.offer.root = offer_write(u->a, rules, w->offer_id, w->dataset, w->provider);
	if (!m.offer.root) return ERR_NO_MEMORY;
	n->offer = turn_json(u, m.offer.root);
	e = announce(u, n, DSP_MOVE_REQUEST, dsp_contract_request_write(u->a, &m), "/request");
	if (!e) e = negotiation_put(u, n);
	if (!e) *ret = n;
	return e;
}

static enum err wish_find(const struct turn *u, struct str pid, Ds__Negotiation **ret)
{
	enum err e = negotiation_find(u->t->store, u->a, u->self->id, pid, ret);

	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "pid", "unknown",
				"there is no such negotiation");
	return e;
}

enum err negotiation_accept(const struct turn *u, struct str pid, Ds__Negotiation **ret)
{
	enum err e = wish_find(u, pid, ret);

	if (!e) e = act_event(u, *ret, DSP_EVENT_ACCEPTED);
	return e ? e : negotiation_put(u, *ret);
}

enum err negotiation_agree(const struct turn *u, struct str pid, Ds__Negotiation **ret)
{
	enum err e = wish_find(u, pid, ret);

	if (!e) e = act_agree(u, *ret);
	return e ? e : negotiation_put(u, *ret);
}

enum err negotiation_terminate(const struct turn *u, struct str pid, struct str code, struct str reason,
			       Ds__Negotiation **ret)
{
	enum err e = wish_find(u, pid, ret);

	if (!e) e = act_terminate(u, *ret, code, reason);
	return e ? e : negotiation_put(u, *ret);
}

enum err negotiation_counter(const struct turn *u, struct str pid, json_t *rules, Ds__Negotiation **ret)
{
	struct dsp_contract_offer offer = {.callback = STR_NONE};
	struct dsp_contract_request request = {.callback = STR_NONE};
	struct odrl_policy policy = {.id = STR_NONE};
	Ds__Negotiation *n;
	bool provider;
	enum err e = wish_find(u, pid, &n);

	if (e) return e;
	provider = negotiation_role(n) == DSP_PROVIDER;
	if (!rules) e = json_read(u->a, str_of(n->wanted), u->flaw, &rules);
	if (e) return e;
	policy.root = offer_write(u->a, rules, str_of(n->offer_id), str_of(n->dataset), STR_NONE);
	if (!policy.root) return ERR_NO_MEMORY;
	offer.pids = request.pids = negotiation_pids(n);
	offer.offer = request.offer = policy;
	n->offer = turn_json(u, policy.root);
	n->offer_ours = true;
	e = provider
		? announce(u, n, DSP_MOVE_OFFER, dsp_contract_offer_write(u->a, &offer), "/offers")
		: announce(u, n, DSP_MOVE_REQUEST, dsp_contract_request_write(u->a, &request), "/request");
	if (!e) e = negotiation_put(u, n);
	if (!e) *ret = n;
	return e;
}

/* ---- answers to our messages ---- */

static struct str answer_reason(struct arena *a, int status, struct str body)
{
	struct str reason = body.n   ? body
			    : status ? arena_printf(a, "the peer answered %d", status)
				     : STR("no answer");
	json_t *j;

	if (!json_read(a, body, NULL, &j) && partner_reason(j).n) reason = partner_reason(j);
	return str_cut(reason, TURN_REASON_MAX);
}

static enum err undelivered(const struct turn *u, const Ds__Negotiation *n, int status, struct str reason)
{
	struct ds_event ev = {.kind = DS_EVENT_MESSAGE_UNDELIVERED,
			      .participant = u->self->id,
			      .who = str_of(n->peer),
			      .agreement = str_of(n->agreement),
			      .negotiation = str_of(n->pid),
			      .peer = str_of(n->peer)};

	ev.detail = json_object();
	must(ev.detail);
	json_put_u64(ev.detail, "status", (uint64_t)status);
	json_put_str(ev.detail, "reason", reason);
	return ds_event_append(u->t, &ev, NULL);
}

static enum err pid_read(const struct turn *u, Ds__Negotiation *n, struct str body, struct flaw *f)
{
	struct dsp_negotiation m;
	struct str theirs;
	json_t *j;
	enum err e = json_read(u->a, body, f, &j);

	if (!e) e = ds_dialect_read(u->a, n->dialect, j, f, &j);
	if (!e) e = dsp_negotiation_parse(j, f, &m);
	if (e) return e;
	theirs = negotiation_role(n) == DSP_PROVIDER ? m.pids.consumer : m.pids.provider;
	e = turn_name_check(theirs, DS_PID_MAX, "providerPid", f);
	if (!e) n->peer_pid = turn_text(u, theirs);
	return e;
}

static enum err first_answer(const struct turn *u, Ds__Negotiation *n, struct str body)
{
	struct flaw f = {0};
	enum err e = pid_read(u, n, body, &f);

	if (!e) return negotiation_acknowledged(u, n);
	if (e == ERR_NO_MEMORY) return e;
	return act_terminate(u, n, STR("BAD_ANSWER"),
			     arena_printf(u->a, "the partner's answer: %s: %s", f.at, f.text));
}

/* Our first message was answered after we had ended it: now the partner can be told. */
static enum err ended_meanwhile(const struct turn *u, Ds__Negotiation *n, struct str body)
{
	struct dsp_negotiation_termination m = {.reason = {.code = str_of(n->code)}};
	enum err e = pid_read(u, n, body, NULL);

	if (e) return e == ERR_NO_MEMORY ? e : ERR_OK;
	m.pids = negotiation_pids(n);
	m.reason.reasons = turn_reasons(u, str_of(n->reason));
	e = post(u, n, dsp_negotiation_termination_write(u->a, &m), "/termination",
		 DSP_NEGOTIATION_TERMINATED, NULL);
	return e ? e : negotiation_put(u, n);
}

enum err ds_negotiation_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
				 const Ds__Outbox *x, int status, struct str body)
{
	struct turn u = {.d = d, .t = t, .fx = fx, .a = a};
	bool good = status >= 200 && status < 300;
	struct str reason;
	Ds__Negotiation *n;
	enum err e = ds_self_find(d, t->store, str_of(x->participant), &u.self);

	if (!e) e = negotiation_find(t->store, a, u.self->id, str_of(x->pid), &n);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	u.who = u.self->did;
	if (good && n->state == DSP_NEGOTIATION_TERMINATED && !n->peer_pid[0])
		return ended_meanwhile(&u, n, body);
	if (n->pending_entry != x->seq) { /* a termination: done with, whatever the answer */
		reason = good ? STR_NONE : answer_reason(a, status, body);
		return good ? ERR_OK : undelivered(&u, n, status, reason);
	}
	if (good) {
		e = n->state || n->peer_pid[0] ? negotiation_acknowledged(&u, n)
					       : first_answer(&u, n, body);
	} else {
		reason = answer_reason(a, status, body);
		e = undelivered(&u, n, status, reason);
		n->pending = 0;
		n->pending_entry = 0;
		if (!e) e = act_terminate(&u, n, STR("MESSAGE_REFUSED"), reason);
	}
	return e ? e : negotiation_put(&u, n);
}
