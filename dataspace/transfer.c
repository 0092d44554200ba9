/* Messages of the partner. */
#include "dataspace/transfer.h"

#include "dataspace/agreement.h"
#include "dataspace/dataset.h"
#include "dataspace/kit.h"
#include "dataspace/piece.h"
#include "dataspace/signal.h"
#include "dataspace/transfer_act.h"

static enum err parse_notice(json_t *j, enum dsp_type type, struct flaw *f, struct transfer_message *m)
{
	struct dsp_transfer_notice n;
	enum err e = type == DSP_TRANSFER_SUSPENSION ? dsp_transfer_suspension_parse(j, f, &n)
						     : dsp_transfer_termination_parse(j, f, &n);

	if (e) return e;
	m->move = type == DSP_TRANSFER_SUSPENSION ? DSP_TRANSFER_MOVE_SUSPEND : DSP_TRANSFER_MOVE_TERMINATE;
	m->pids = n.pids;
	m->reason = n.reason;
	return ERR_OK;
}

static enum err parse_request(json_t *j, struct flaw *f, struct transfer_message *m)
{
	struct dsp_transfer_request q;
	enum err e = dsp_transfer_request_parse(j, f, &q);

	if (!e) e = json_str_opt(j, "", TRANSFER_PURPOSE, f, &m->purpose);
	if (e) return e;
	m->move = DSP_TRANSFER_MOVE_REQUEST;
	m->pids.consumer = q.consumer_pid;
	m->agreement = q.agreement_id;
	m->format = q.format;
	m->callback = q.callback;
	m->address = q.address;
	return ERR_OK;
}

enum err transfer_message_parse(json_t *j, enum dsp_type type, struct flaw *f, struct transfer_message *ret)
{
	struct transfer_message m = {.type = type, .root = j};
	struct dsp_transfer_start s;
	struct dsp_transfer_completion c;
	enum err e;

	switch (type) {
	case DSP_TRANSFER_REQUEST: e = parse_request(j, f, &m); break;
	case DSP_TRANSFER_START:
		m.move = DSP_TRANSFER_MOVE_START;
		if (!(e = dsp_transfer_start_parse(j, f, &s))) {
			m.pids = s.pids;
			m.address = s.address;
		}
		break;
	case DSP_TRANSFER_COMPLETION:
		m.move = DSP_TRANSFER_MOVE_COMPLETE;
		if (!(e = dsp_transfer_completion_parse(j, f, &c))) m.pids = c.pids;
		break;
	case DSP_TRANSFER_SUSPENSION:
	case DSP_TRANSFER_TERMINATION: e = parse_notice(j, type, f, &m); break;
	default: return ERR_INTERNAL;
	}
	if (!e) *ret = m;
	return e;
}

/* ---- a request ---- */

static enum err request_row(const struct turn *u, const struct transfer_message *m, const Ds__Agreement *g,
			    const Ds__Dataset *set, Ds__Transfer **ret)
{
	Ds__Transfer *x = ARENA_NEW(u->a, Ds__Transfer);
	char pid[UUID_URN];
	struct str callback;
	enum err e = x ? turn_url_check(m->callback, "callbackAddress", u->flaw, &callback) : ERR_NO_MEMORY;

	if (e) return e;
	ds__transfer__init(x);
	x->format = TRANSFER_FORMAT;
	x->side = DS__SIDE__SIDE_PROVIDER;
	x->pid = turn_text(u, str_of(uuid_urn(pid)));
	x->peer_pid = turn_text(u, m->pids.consumer);
	x->peer = turn_text(u, u->who);
	x->callback = turn_text(u, callback);
	x->dialect = u->dialect;
	x->agreement = g->id;
	x->transfer_format = turn_text(u, m->format);
	x->purpose = turn_text(u, m->purpose);
	x->claims = turn_text(u, u->claims);
	x->size = g->size;
	if (set) x->plane = set->plane;
	x->non_finite = set && set->non_finite && !set->plane[0];
	if (ds_transfer_pushed(x)) x->address = turn_json(u, m->address.root);
	x->created = x->changed = u->t->now;
	*ret = x;
	return ERR_OK;
}

/* The agreement's state, then its policy. */
static enum err request_decide(const struct turn *u, const struct transfer_message *m,
			       const Ds__Agreement *g, struct transfer_denial *ret)
{
	struct dp_ask ask = {.participant = u->self->id,
			     .agreement = g,
			     .purpose = m->purpose,
			     .claims = u->claims,
			     .party = u->who,
			     .now = u->t->now};
	struct dp_verdict v = {.allowed = false};
	enum err e;

	switch (g->state) {
	case DS__AGREEMENT_STATE__AGREEMENT_ACTIVE: break;
	case DS__AGREEMENT_STATE__AGREEMENT_REVOKED:
		*ret = (struct transfer_denial){.err = ERR_REVOKED, .code = STR("REVOKED")};
		ret->reason = arena_printf(u->a, "the agreement was revoked: %s", g->reason);
		return ERR_OK;
	case DS__AGREEMENT_STATE__AGREEMENT_EXPIRED:
		*ret = (struct transfer_denial){.err = ERR_EXPIRED, .code = STR("EXPIRED")};
		ret->reason = arena_printf(u->a, "the agreement has expired: %s", g->reason);
		return ERR_OK;
	default:
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "agreementId", "agreement-state",
				"the agreement is not in force");
	}
	e = dp_allow_start(u->a, &ask, &v);
	if (e || v.allowed) return e;
	*ret = (struct transfer_denial){
	    .err = ERR_POLICY_DENIED, .code = STR("POLICY_DENIED"), .reason = v.reason, .report = v.report};
	return ERR_OK;
}

static enum err request_denied(const struct turn *u, const struct transfer_message *m,
			       const Ds__Agreement *g, const struct transfer_denial *denial)
{
	struct ds_event ev = {.kind = DS_EVENT_TRANSFER_REFUSED,
			      .participant = u->self->id,
			      .who = u->who,
			      .agreement = str_of(g->id),
			      .transfer = m->pids.consumer,
			      .dataset = str_of(g->dataset),
			      .peer = u->who,
			      .message = u->digest};

	ev.detail = json_object();
	must(ev.detail);
	json_put_str(ev.detail, "code", denial->code);
	json_put_str(ev.detail, "reason", denial->reason);
	if (denial->report) json_put(ev.detail, "report", json_incref(denial->report));
	u->d->stat.transfers_refused++;
	return ds_event_append(u->t, &ev, NULL);
}

/* What is offered: the two of our own data plane, or those of the dataset's. */
static enum err format_offered(const struct turn *u, const struct transfer_message *m,
			       const Ds__Dataset *set)
{
	bool found = false;

	if (set && set->plane[0]) {
		for (size_t i = 0; i < set->n_profiles && !found; i++)
			found = str_eq(m->format, data_plane_format(str_of(set->profiles[i])));
		if (found) return ERR_OK;
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "format", "value",
				"the dataset is not offered in this format");
	}
	if (str_is(m->format, TRANSFER_PULL)) return ERR_OK;
	if (str_is(m->format, TRANSFER_PUSH) && !(set && set->non_finite)) return ERR_OK;
	if (set && set->non_finite)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "format", "value",
				"what does not end is offered as " TRANSFER_PULL " only");
	return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "format", "value",
			"only " TRANSFER_PULL " and " TRANSFER_PUSH " are offered");
}

/* DSP 2025-1, Transfer Request Message: dataAddress "MUST only be provided if the format requires a push
 * transfer". */
static enum err request_format(const struct turn *u, const struct transfer_message *m,
			       const Ds__Dataset *set)
{
	Ds__Transfer x;
	struct str url = dsp_data_address_url(m->address.root), endpoint;
	enum err e = format_offered(u, m, set);

	if (e) return e;
	ds__transfer__init(&x);
	x.transfer_format = turn_text(u, m->format);
	if (set) x.plane = set->plane;
	if (!ds_transfer_pushed(&x)) return ERR_OK;
	if (!m->address.present || !url.n)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress", "missing",
				"a push transfer needs the endpoint to push to");
	/* of other profiles only their data planes know what an endpoint is */
	if (!str_is(m->format, TRANSFER_PUSH)) return ERR_OK;
	return turn_url_check(url, "dataAddress.endpoint", u->flaw, &endpoint);
}

static enum err request_find(const struct turn *u, const struct transfer_message *m, Ds__Agreement **ret,
			     Ds__Dataset **ret_set)
{
	Ds__Dataset *set = NULL;
	Ds__Agreement *g;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, m->agreement, &g);

	if (!e && (g->side != DS__SIDE__SIDE_PROVIDER || !str_is(u->who, g->consumer))) e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "agreementId", "unknown",
				"there is no such agreement");
	if (e) return e;
	e = dataset_row(u->t->store, u->a, u->self->id, str_of(g->dataset), &set);
	if (e == ERR_NOT_FOUND) set = NULL;
	if (e && e != ERR_NOT_FOUND) return e;
	e = request_format(u, m, set);
	if (e) return e;
	*ret = g;
	*ret_set = set;
	return ERR_OK;
}

/* The request that made it, in the same octets or, as a partner sends it that lost our answer, anew. */
static bool asked_again(const struct turn *u, const struct transfer_message *m, const Ds__Transfer *x)
{
	struct str callback;
	if (turn_repeated(u, x->history, x->n_history, m->root, true)) return true;
	if (x->side != DS__SIDE__SIDE_PROVIDER) return false;
	if (turn_url_check(m->callback, "callbackAddress", u->flaw, &callback)) return false;
	return str_is(callback, x->callback) && str_is(m->agreement, x->agreement) &&
	       str_is(m->format, x->transfer_format) && str_is(m->purpose, x->purpose) &&
	       (!ds_transfer_pushed(x) || strcmp(turn_json(u, m->address.root), x->address) == 0);
}

static enum err receive_request(const struct turn *u, const struct transfer_message *m, Ds__Transfer **ret,
				struct transfer_denial *denial)
{
	Ds__Agreement *g;
	Ds__Transfer *x;
	Ds__Dataset *set;
	enum err e = turn_name_check(m->pids.consumer, DS_PID_MAX, "consumerPid", u->flaw);

	if (!e) e = transfer_find_peer(u->t->store, u->a, u->self->id, u->who, m->pids.consumer, ret);
	if (!e)
		return asked_again(u, m, *ret)
			   ? ERR_OK
			   : flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "consumerPid", "pid-used",
				      "there is a transfer of this pid already");
	if (e != ERR_NOT_FOUND) return e;
	e = request_find(u, m, &g, &set);
	if (!e) e = request_row(u, m, g, set, &x);
	if (!e) e = request_decide(u, m, g, denial);
	if (e) return e;
	if (denial->err) return request_denied(u, m, g, denial);
	g->transfers++;
	g->changed = u->t->now;
	e = ds_agreement_put(u->t, u->self->id, g);
	if (!e) e = transfer_step(u, x, DSP_TRANSFER_REQUESTED, true, STR_NONE);
	if (!e && (x->plane[0] || !kit_acts(u->d, u->self->id))) e = transfer_open(u, x);
	if (!e) e = ds_transfer_put(u->t, u->self->id, x);
	*ret = x;
	return e;
}

/* ---- later messages ---- */

static enum err find_move(const struct turn *u, const Ds__Transfer *x, enum dsp_transfer_move move,
			  enum dsp_transfer_state *ret_to, bool *ret_implied)
{
	enum dsp_role by = dsp_role_other(transfer_role(x));
	enum err e = dsp_transfer_next((enum dsp_transfer_state)x->state, move, by, u->flaw, ret_to);

	*ret_implied = false;
	if (!e || !x->pending) return e;
	if (dsp_transfer_next((enum dsp_transfer_state)x->pending, move, by, NULL, ret_to)) return e;
	if (u->flaw) *u->flaw = (struct flaw){0};
	*ret_implied = true;
	return ERR_OK;
}

static enum err find_ours(const struct turn *u, struct str pid, const struct transfer_message *m,
			  Ds__Transfer **ret)
{
	struct dsp_pids own;
	Ds__Transfer *x;
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, pid, &x);

	if (!e && !str_is(u->who, x->peer)) e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "pid", "unknown", "there is no such transfer");
	if (e) return e;
	own = transfer_pids(x);
	if (!kit_acts(u->d, u->self->id))
		e = turn_pids(u, m->pids.consumer, m->pids.provider, own.consumer, own.provider);
	if (!e && !x->peer_pid[0]) {
		struct str theirs = transfer_role(x) == DSP_PROVIDER ? m->pids.consumer : m->pids.provider;

		e = turn_name_check(theirs, DS_PID_MAX, "pid", u->flaw);
		x->peer_pid = turn_text(u, theirs);
	}
	if (!e) *ret = x;
	return e;
}

static enum err take_contents(const struct turn *u, const struct transfer_message *m, Ds__Transfer *x)
{
	bool pulls = transfer_role(x) == DSP_CONSUMER && !ds_transfer_pushed(x);

	switch (m->move) {
	case DSP_TRANSFER_MOVE_START:
		if (x->state == DSP_TRANSFER_SUSPENDED && !x->suspended_by_peer)
			return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "resume",
					"only the side that suspended resumes");
		if (x->state == DSP_TRANSFER_SUSPENDED && x->side == DS__SIDE__SIDE_PROVIDER) {
			enum err e = transfer_judge_again(u, x);
			if (e) return e;
		}
		if (pulls && m->address.present) {
			x->address = turn_json(u, m->address.root);
			x->address_taken = u->t->now;
			x->non_finite = dsp_data_address_text(m->address.root, PIECE_ADDRESS_MARK).n > 0;
		}
		/* other profiles may need none */
		if (pulls && !x->address[0] && !x->plane[0])
			return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress", "missing",
					"a pull transfer starts with a data address");
		return ERR_OK;
	case DSP_TRANSFER_MOVE_SUSPEND: x->suspended_by_peer = true; break;
	case DSP_TRANSFER_MOVE_TERMINATE: break;
	default: return ERR_OK;
	}
	x->code = turn_text(u, m->reason.code);
	x->reason = turn_text(u, str_cut(m->reason.text, TURN_REASON_MAX));
	return ERR_OK;
}

/* The provider's data plane has another address, after the consumer had it go on: perhaps before that was
 * acknowledged. */
static bool readdressed(const Ds__Transfer *x, const struct transfer_message *m)
{
	bool on = x->state == DSP_TRANSFER_STARTED && !x->pending;
	bool going_on = x->state == DSP_TRANSFER_SUSPENDED && !x->suspended_by_peer &&
			x->pending == DSP_TRANSFER_STARTED;

	return m->move == DSP_TRANSFER_MOVE_START && m->address.present && (on || going_on) &&
	       x->side == DS__SIDE__SIDE_CONSUMER && !ds_transfer_pushed(x);
}

static enum err take_address(const struct turn *u, const struct transfer_message *m, Ds__Transfer *x)
{
	enum err e;

	x->address = turn_json(u, m->address.root);
	x->address_taken = x->changed = u->t->now;
	e = x->pending ? transfer_acknowledged(u, x) : signal_send(u, x, SIGNAL_STARTED);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err transfer_receive(const struct turn *u, struct str pid, const struct transfer_message *m,
			  Ds__Transfer **ret, bool *ret_new, struct transfer_denial *denial)
{
	enum dsp_transfer_state to;
	Ds__Transfer *x;
	bool implied, goes_on;
	enum err e;

	*denial = (struct transfer_denial){.err = ERR_OK};
	*ret = NULL;
	*ret_new = !pid.n;
	if (!pid.n) return receive_request(u, m, ret, denial);
	e = find_ours(u, pid, m, &x);
	if (e) return e;
	*ret = x;
	if (turn_repeated(u, x->history, x->n_history, m->root, false)) return ERR_OK;
	if (readdressed(x, m)) return take_address(u, m, x);
	e = find_move(u, x, m->move, &to, &implied);
	if (e && turn_repeated(u, x->history, x->n_history, m->root, true)) return ERR_OK;
	/* A pause that crosses our completion, which may have arrived, changes nothing any more. */
	if (!e && x->pending == DSP_TRANSFER_COMPLETED && m->move == DSP_TRANSFER_MOVE_SUSPEND)
		return ERR_OK;
	if (!e) e = take_contents(u, m, x);
	if (!e && implied) e = transfer_acknowledged(u, x);
	if (!e && implied) u->d->stat.messages_out++;
	if (!e && x->pending) e = transfer_forget(u, x);
	if (!e && (to == DSP_TRANSFER_STARTED || to == DSP_TRANSFER_COMPLETED))
		x->reason = turn_text(u, STR_NONE); /* of the pause that is over */
	goes_on = !e && x->state == DSP_TRANSFER_SUSPENDED && to == DSP_TRANSFER_STARTED;
	if (!e) e = transfer_step(u, x, to, true, str_of(x->reason));
	if (!e && goes_on && x->side == DS__SIDE__SIDE_PROVIDER) e = transfer_gone_on(u, x);
	if (!e && to == DSP_TRANSFER_TERMINATED)
		e = agreement_ended_by_peer(u, str_of(x->agreement), u->who, str_of(x->code),
					    str_of(x->reason));
	if (!e) e = ds_transfer_put(u->t, u->self->id, x);
	return e;
}
