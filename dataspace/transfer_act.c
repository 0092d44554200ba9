/* Our own moves: announcements through the outbox, wishes of the owner, calls of the data plane. */
#include "dataspace/transfer_act.h"

#include "dataspace/agreement.h"
#include "dataspace/dialect.h"
#include "dataspace/fetch.h"
#include "dataspace/kit.h"
#include "dataspace/outbox.h"
#include "dataspace/signal.h"
#include "dataspace/watch.h"

enum err transfer_tell(const struct turn *u, const Ds__Transfer *x, enum ds_event_kind kind, bool by_peer,
		       struct str reason, json_t *report)
{
	struct ds_event ev = {.kind = kind,
			      .participant = u->self->id,
			      .who = by_peer      ? str_of(x->peer)
				     : u->partner ? u->self->did
						  : u->who,
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->pid),
			      .peer = str_of(x->peer),
			      .message = by_peer ? u->digest : NULL};

	if (reason.n || report || x->purpose[0]) {
		ev.detail = json_object();
		must(ev.detail);
		if (reason.n) json_put_str(ev.detail, "reason", str_cut(reason, TURN_REASON_MAX));
		if (report) json_put(ev.detail, "report", json_incref(report));
		if (x->purpose[0]) json_put_str(ev.detail, "purpose", str_of(x->purpose));
	}
	return ds_event_append(u->t, &ev, NULL);
}

static enum ds_event_kind event_of(enum dsp_transfer_state s)
{
	static const enum ds_event_kind kinds[DSP_TRANSFER_STATE_COUNT] = {
#define X(name, final) [DSP_TRANSFER_##name] = DS_EVENT_TRANSFER_##name,
	    DSP_TRANSFER_STATES(X)
#undef X
	};

	return kinds[s];
}

/* What the state means for the data plane, once it is durable. */
static enum err follow(const struct turn *u, Ds__Transfer *x, enum dsp_transfer_state to)
{
	struct str pid = str_of(x->pid);

	switch (to) {
	case DSP_TRANSFER_STARTED:
		if (x->plane[0]) return ERR_OK;
		if (x->side == DS__SIDE__SIDE_PROVIDER && ds_transfer_pushed(x))
			ds_fx_push(u->fx, u->self->id, pid);
		else if (x->side == DS__SIDE__SIDE_CONSUMER && !ds_transfer_pushed(x) &&
			 !kit_acts(u->d, u->self->id))
			ds_fx_pull(u->fx, u->self->id, pid);
		return ERR_OK;
	case DSP_TRANSFER_SUSPENDED:
		ds_fx_cut(u->fx, u->self->id, STR_NONE, pid, ERR_BAD_STATE);
		return ERR_OK;
	case DSP_TRANSFER_COMPLETED:
	case DSP_TRANSFER_TERMINATED:
		ds_fx_cut(u->fx, u->self->id, STR_NONE, pid, ERR_BAD_STATE);
		if (x->plane[0]) return ERR_OK; /* what flowed there is not counted here */
		return dp_transfer_ended(u->d, u->t, u->fx, u->a, u->self->id, x);
	default: return ERR_OK;
	}
}

static enum err reached(const struct turn *u, Ds__Transfer *x, enum dsp_transfer_state to, bool by_peer,
			struct str detail)
{
	uint32_t from = x->state;
	enum err e = turn_step(u, &x->history, &x->n_history, to, by_peer, detail);

	if (e) return e;
	x->state = to;
	x->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	e = follow(u, x, to);
	if (!e) e = watch_follow(u, x);
	return e ? e : signal_follow(u, x, from, by_peer);
}

enum err transfer_step(const struct turn *u, Ds__Transfer *x, enum dsp_transfer_state to, bool by_peer,
		       struct str detail)
{
	enum err e = reached(u, x, to, by_peer, detail);

	return e ? e : transfer_tell(u, x, event_of(to), by_peer, detail, NULL);
}

enum err transfer_acknowledged(const struct turn *u, Ds__Transfer *x)
{
	enum err e = reached(u, x, (enum dsp_transfer_state)x->pending, false, STR_NONE);

	return e ? e : transfer_forget(u, x);
}

enum err transfer_forget(const struct turn *u, Ds__Transfer *x)
{
	enum err e = ds_outbox_drop(u->t, u->self->id, x->pending_entry);

	x->pending = 0;
	x->pending_entry = 0;
	return e;
}

static enum err post(const struct turn *u, const Ds__Transfer *x, json_t *message, const char *path,
		     enum dsp_transfer_state to, uint64_t *ret_seq)
{
	struct ds_letter l = {.kind = DS_OUTBOX_TRANSFER,
			      .participant = u->self->id,
			      .pid = str_of(x->pid),
			      .peer = str_of(x->peer),
			      .target = to};

	if (!message) return ERR_NO_MEMORY;
	turn_name_message(message);
	message = ds_dialect_write(u->a, x->dialect, u->self, STR_NONE, message);
	if (!message) return ERR_NO_MEMORY;
	l.body = json_write(u->a, message, false);
	if (x->peer_pid[0])
		l.url = arena_printf(u->a, "%s/transfers/%.*s%s", x->callback,
				     STR_ARG(fetch_segment(u->a, str_of(x->peer_pid))), path);
	else
		l.url = arena_printf(u->a, "%s/transfers%s", x->callback, path);
	if (!l.body.p || !l.url.p) return ERR_NO_MEMORY;
	return ds_outbox_add(u->t, u->fx, &l, ret_seq);
}

static enum err announce(const struct turn *u, Ds__Transfer *x, enum dsp_transfer_move move,
			 json_t *message, const char *path)
{
	enum dsp_transfer_state to;
	enum err e =
	    dsp_transfer_next((enum dsp_transfer_state)x->state, move, transfer_role(x), u->flaw, &to);

	if (!e && x->pending)
		e = flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "pending",
			     "the partner has not acknowledged %s yet",
			     dsp_transfer_state_name((enum dsp_transfer_state)x->pending));
	if (!e) e = post(u, x, message, path, to, &x->pending_entry);
	if (!e)
		e = transfer_tell(u, x, event_of(to), false,
				  str_of(to == DSP_TRANSFER_SUSPENDED ? x->reason : ""), NULL);
	if (e) return e;
	x->pending = to;
	x->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	return ERR_OK;
}

static struct dsp_data_address address_of(json_t *j)
{
	return (struct dsp_data_address){.present = j != NULL,
					 .endpoint_type = json_text(json_object_get(j, "endpointType")),
					 .endpoint = json_text(json_object_get(j, "endpoint")),
					 .properties = json_object_get(j, "endpointProperties"),
					 .root = j};
}

enum err transfer_open_at(const struct turn *u, Ds__Transfer *x, json_t *address)
{
	struct dsp_transfer_start m = {.pids = transfer_pids(x), .address = address_of(address)};

	if (address) x->address = turn_json(u, address);
	return announce(u, x, DSP_TRANSFER_MOVE_START, dsp_transfer_start_write(u->a, &m), "/start");
}

enum err transfer_readdress(const struct turn *u, Ds__Transfer *x, json_t *address)
{
	struct dsp_transfer_start m = {.pids = transfer_pids(x), .address = address_of(address)};

	x->address = turn_json(u, address);
	return post(u, x, dsp_transfer_start_write(u->a, &m), "/start", DSP_TRANSFER_STARTED, NULL);
}

enum err transfer_gone_on(const struct turn *u, Ds__Transfer *x)
{
	Ds__Agreement *g;
	json_t *address;
	enum err e;

	if (x->plane[0] || ds_transfer_pushed(x) || !x->address[0] || kit_acts(u->d, u->self->id))
		return ERR_OK;
	e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &g);
	if (e || g->consumer_signed) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (x->token_expires <= u->t->now)
		e = dp_offer_address(u->d, u->t, u->a, u->self->id, x, &address);
	else
		e = json_read(u->a, str_of(x->address), NULL, &address);
	return e ? e : transfer_readdress(u, x, address);
}

enum err transfer_open(const struct turn *u, Ds__Transfer *x)
{
	json_t *address;
	enum err e;

	if (x->plane[0]) return signal_send(u, x, SIGNAL_START);
	if (ds_transfer_pushed(x)) /* the consumer's own address stands in its request */
		return transfer_open_at(u, x, NULL);
	e = dp_offer_address(u->d, u->t, u->a, u->self->id, x, &address);
	return e ? e : transfer_open_at(u, x, address);
}

/* ---- wishes ---- */

static enum err agreement_usable(const struct turn *u, const Ds__Agreement *g)
{
	switch (g->state) {
	case DS__AGREEMENT_STATE__AGREEMENT_ACTIVE: break;
	case DS__AGREEMENT_STATE__AGREEMENT_REVOKED:
		return flaw_set(u->flaw, ERR_REVOKED, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement was revoked: %s", g->reason);
	case DS__AGREEMENT_STATE__AGREEMENT_EXPIRED:
		return flaw_set(u->flaw, ERR_EXPIRED, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement has expired: %s", g->reason);
	default:
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement is %s", agreement_state_name(g->state));
	}
	if (g->side != DS__SIDE__SIDE_CONSUMER)
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "agreement", "role",
				"the consumer asks for transfers; here we are the provider");
	return ERR_OK;
}

/* EDC reads the endpoint among the properties alone, by the names of its data addresses of type HttpData.
 */
static enum err sink_address_edc(const struct turn *u, const struct transfer_sink *s,
				 struct dsp_data_address *ret)
{
	struct str bearer = arena_printf(u->a, "Bearer %.*s", STR_ARG(s->authorization));
	enum err e = dsp_data_address_add(u->a, ret, DSP_ADDRESS_EDC "type", STR("HttpData"));

	if (!e) e = dsp_data_address_add(u->a, ret, DSP_ADDRESS_EDC "baseUrl", s->endpoint);
	if (e || !s->authorization.n) return e;
	e = dsp_data_address_add(u->a, ret, DSP_ADDRESS_EDC "authKey", STR("Authorization"));
	return e ? e : dsp_data_address_add(u->a, ret, DSP_ADDRESS_EDC "authCode", bearer);
}

/* The address is in the message only: our row keeps none, for nothing is fetched and we count nothing. */
static enum err sink_address(const struct turn *u, const struct transfer_sink *s,
			     struct dsp_data_address *ret)
{
	struct str checked;
	enum err e = turn_url_check(s->endpoint, "sink", u->flaw, &checked);

	if (e) return e;
	if (s->method.n && !str_is(s->method, "POST") && !str_is(s->method, "PUT"))
		return flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "sinkMethod", "value",
				"a sink is sent to by POST or PUT");
	*ret = (struct dsp_data_address){.present = true,
					 .endpoint_type = STR("https://w3id.org/idsa/v4.1/HTTP"),
					 .endpoint = s->endpoint};
	if (s->authorization.n) {
		e = dsp_data_address_add(u->a, ret, "authorization", s->authorization);
		if (!e) e = dsp_data_address_add(u->a, ret, "authType", STR("bearer"));
	}
	if (!e && s->method.n) e = dsp_data_address_add(u->a, ret, "method", s->method);
	return e ? e : sink_address_edc(u, s, ret);
}

static enum err ask(const struct turn *u, Ds__Transfer *x, struct dsp_data_address address)
{
	struct dsp_transfer_request m = {.consumer_pid = str_of(x->pid),
					 .agreement_id = str_of(x->agreement),
					 .format = str_of(x->transfer_format),
					 .callback = ds_dialect_base(u->a, u->self, x->dialect),
					 .address = address,
					 .extra = json_keep(u->a, json_object())};

	if (!m.extra || !m.callback.p) return ERR_NO_MEMORY;
	if (x->purpose[0]) json_put_str(m.extra, TRANSFER_PURPOSE, str_of(x->purpose));
	return announce(u, x, DSP_TRANSFER_MOVE_REQUEST, dsp_transfer_request_write(u->a, &m), "/request");
}

enum err transfer_ask(const struct turn *u, Ds__Transfer *x, json_t *address)
{
	bool pushed = ds_transfer_pushed(x);

	if (pushed && !address)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress", "missing",
				"a push needs the address of its sink");
	return ask(u, x, address_of(pushed ? address : NULL));
}

static enum err start_plane(const struct turn *u, const struct transfer_wish *w, Ds__Transfer *x)
{
	Ds__DataPlane *p;
	enum err e = data_plane_named(u->t->store, u->a, u->self->id, w->plane, "dataplane", u->flaw, &p);

	if (e) return e;
	if (w->sink.endpoint.n || w->rate)
		return flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "dataplane", "exclusive",
				"the data plane says where data goes, and how fast");
	if (!data_plane_serves(p, data_plane_profile(str_of(x->transfer_format))))
		return flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "format", "unsupported",
				"the data plane does not serve it");
	x->plane = turn_text(u, w->plane);
	return signal_send(u, x, SIGNAL_PREPARE);
}

static void row_make(const struct turn *u, const struct transfer_wish *w, const Ds__Agreement *g,
		     Ds__Transfer *x)
{
	char pid[UUID_URN];
	struct str format = w->sink.endpoint.n ? STR(TRANSFER_PUSH) : STR(TRANSFER_PULL);

	ds__transfer__init(x);
	x->format = TRANSFER_FORMAT;
	x->side = DS__SIDE__SIDE_CONSUMER;
	x->pid = turn_text(u, str_of(uuid_urn(pid)));
	x->peer = g->provider;
	x->callback = g->callback;
	x->dialect = g->dialect;
	x->agreement = g->id;
	x->transfer_format = turn_text(u, w->plane.n && w->format.n ? w->format : format);
	x->purpose = turn_text(u, w->purpose);
	x->rate = w->rate;
	x->size = g->size;
	x->created = x->changed = u->t->now;
}

enum err transfer_start(const struct turn *u, const struct transfer_wish *w, Ds__Transfer **ret)
{
	struct dsp_data_address sink = {.present = false};
	Ds__Transfer *x = ARENA_NEW(u->a, Ds__Transfer);
	Ds__Agreement *g;
	enum err e =
	    x ? ds_agreement_find(u->t->store, u->a, u->self->id, w->agreement, &g) : ERR_NO_MEMORY;

	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "agreement", "unknown",
				"there is no such agreement");
	if (!e) e = agreement_usable(u, g);
	if (!e && w->sink.endpoint.n) e = sink_address(u, &w->sink, &sink);
	if (e) return e;
	row_make(u, w, g, x);
	e = w->plane.n ? start_plane(u, w, x) : ask(u, x, sink);
	if (!e) e = ds_transfer_put(u->t, u->self->id, x);
	if (!e) *ret = x;
	return e;
}

static enum err wish_find(const struct turn *u, struct str pid, Ds__Transfer **ret)
{
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, pid, ret);

	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "pid", "unknown", "there is no such transfer");
	return e;
}

enum err transfer_suspend(const struct turn *u, struct str pid, struct str reason, Ds__Transfer **ret)
{
	struct dsp_transfer_notice m = {.reason = {.code = STR("SUSPENDED")}};
	Ds__Transfer *x;
	enum err e = wish_find(u, pid, &x);

	if (e) return e;
	m.pids = transfer_pids(x);
	m.reason.reasons = turn_reasons(u, reason);
	x->suspended_by_peer = false;
	x->reason = turn_text(u, reason);
	e = announce(u, x, DSP_TRANSFER_MOVE_SUSPEND, dsp_transfer_suspension_write(u->a, &m),
		     "/suspension");
	if (!e) e = signal_send(u, x, SIGNAL_SUSPEND);
	if (e) return e;
	ds_fx_cut(u->fx, u->self->id, STR_NONE, str_of(x->pid), ERR_BAD_STATE);
	*ret = x;
	return ds_transfer_put(u->t, u->self->id, x);
}

enum err transfer_resume(const struct turn *u, struct str pid, Ds__Transfer **ret)
{
	struct dsp_transfer_start m = {.address = {.present = false}};
	Ds__Transfer *x;
	enum err e = wish_find(u, pid, &x);

	if (e) return e;
	if (x->state != DSP_TRANSFER_SUSPENDED || x->suspended_by_peer)
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "resume",
				"only a suspended transfer is resumed, by the side that suspended it");
	if (signal_waits(x, SIGNAL_RESUME) || (x->plane[0] && x->flow_entry))
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "data-plane",
				"the data plane is being asked; wait for its answer");
	if (x->side == DS__SIDE__SIDE_PROVIDER) e = transfer_judge_again(u, x);
	if (e) return e;
	m.pids = transfer_pids(x);
	x->reason = turn_text(u, STR_NONE);
	e = x->side == DS__SIDE__SIDE_PROVIDER
		? (x->plane[0] ? signal_send(u, x, SIGNAL_RESUME) : transfer_open(u, x))
		: announce(u, x, DSP_TRANSFER_MOVE_START, dsp_transfer_start_write(u->a, &m), "/start");
	if (e) return e;
	*ret = x;
	return ds_transfer_put(u->t, u->self->id, x);
}

enum err transfer_tell_end(const struct turn *u, const Ds__Transfer *x)
{
	struct dsp_transfer_notice m = {.pids = transfer_pids(x), .reason = {.code = str_of(x->code)}};

	m.reason.reasons = turn_reasons(u, str_of(x->reason));
	return post(u, x, dsp_transfer_termination_write(u->a, &m), "/termination", DSP_TRANSFER_TERMINATED,
		    NULL);
}

static enum err act_terminate(const struct turn *u, Ds__Transfer *x, struct str code, struct str reason)
{
	enum dsp_transfer_state to;
	enum err e = ERR_OK;

	if (x->state)
		e = dsp_transfer_next((enum dsp_transfer_state)x->state, DSP_TRANSFER_MOVE_TERMINATE,
				      transfer_role(x), u->flaw, &to);
	if (!e && x->pending == DSP_TRANSFER_COMPLETED) /* it may have arrived, and cannot be taken back */
		e = flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "completing",
			     "everything was transferred; the partner is being told");
	if (!e && x->pending && x->peer_pid[0]) e = transfer_forget(u, x);
	if (e) return e;
	x->pending = 0;
	x->pending_entry = 0;
	x->code = turn_text(u, code);
	x->reason = turn_text(u, reason);
	/* without the partner's pid the request goes on until its answer tells whom to tell */
	if (x->peer_pid[0]) e = transfer_tell_end(u, x);
	if (!e) e = transfer_step(u, x, DSP_TRANSFER_TERMINATED, false, reason);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err transfer_terminate(const struct turn *u, struct str pid, struct str code, struct str reason,
			    Ds__Transfer **ret)
{
	Ds__Transfer *x;
	enum err e = wish_find(u, pid, &x);

	if (!e) e = act_terminate(u, x, code, reason);
	if (!e) *ret = x;
	return e;
}

struct ending {
	const struct turn *u;
	struct str code, reason;
};

static enum err end_one(void *arg, struct str participant, const Ds__Transfer *x)
{
	struct ending *n = arg;
	Ds__Transfer *ended;

	(void)participant;
	if (dsp_transfer_final((enum dsp_transfer_state)x->state)) return ERR_OK;
	if (x->pending == DSP_TRANSFER_COMPLETED) return ERR_OK; /* ends by itself */
	return transfer_terminate(n->u, str_of(x->pid), n->code, n->reason, &ended);
}

enum err transfer_end_all(const struct turn *u, struct str agreement, struct str code, struct str reason)
{
	struct ending n = {u, code, reason};

	return ds_transfer_each(u->t->store, u->a, u->self->id, agreement, end_one, &n);
}
