/* The control plane's signaling interface: what outside data planes call back
 * (signaling-control-plane-openapi.yaml). A data plane proves itself by its credential, or, when its id is
 * a DID, by a token of that DID. It reaches the transfers that name it and no others. */
#include "dataspace/agreement.h"
#include "dataspace/enrolled.h"
#include "dataspace/flow.h"
#include "dataspace/said.h"
#include "dataspace/signal.h"
#include "dataspace/transfer_act.h"

enum callback { CALL_PREPARED, CALL_STARTED, CALL_COMPLETED, CALL_ERRORED, CALL_AGREEMENT };

struct call {
	const struct ds_self *self;
	struct str plane, pid; /* plane empty: the conformance kit, which proves nothing */
	enum callback what;
	struct ds_peer peer; /* of a token: its id is spent */
	struct dps_message m;
};

/* ---- in the command ---- */

static enum err transfer_of(struct store_txn *t, struct arena *a, const struct call *c, Ds__Transfer **ret)
{
	enum err e = ds_transfer_find(t, a, c->self->id, c->pid, ret);

	if (e) return e;
	if (!(*ret)->plane[0]) return ERR_NOT_FOUND;
	return !c->plane.n || str_is(c->plane, (*ret)->plane) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err wrong_state(const struct turn *u, const Ds__Transfer *x, const char *what)
{
	return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "state",
			"the data flow is %s and the transfer %s: it cannot be %s",
			x->flow_state ? dps_state_name((enum dps_state)x->flow_state) : "unknown",
			transfer_state(x) ? dsp_transfer_state_name(transfer_state(x)) : "PREPARING", what);
}

static enum err reached(const struct turn *u, Ds__Transfer *x, const struct dps_message *m,
			enum dps_state from, enum dps_state to)
{
	json_t *address;
	enum err e;

	if (x->flow_state != (uint32_t)from || dsp_transfer_final((enum dsp_transfer_state)x->state))
		return wrong_state(u, x, dps_state_name(to));
	e = signal_address(u, m, &address);
	return e ? e : signal_reached(u, x, to, address);
}

/* The data is there: COMPLETED is announced to the partner. */
static enum err completed(const struct turn *u, Ds__Transfer *x)
{
	enum err e;

	if (x->state != DSP_TRANSFER_STARTED || (x->pending && x->pending != DSP_TRANSFER_COMPLETED))
		return wrong_state(u, x, "COMPLETED");
	x->flow_state = DPS_COMPLETED_STATE;
	e = ds_transfer_put(u->t, u->self->id, x);
	return e ? e : transfer_finish(u, str_of(x->pid));
}

/* The flow never began: what is left of it is the reason, and the transfer ends with it as if the data
 * plane had refused at once. Any other error is for the owner to judge. */
static bool began_not(const Ds__Transfer *x, const struct dps_message *m)
{
	return m->state == DPS_TERMINATED_STATE &&
	       (x->flow_state == DPS_PREPARING_STATE || x->flow_state == DPS_STARTING_STATE) &&
	       !dsp_transfer_final((enum dsp_transfer_state)x->state);
}

static enum err errored(const struct turn *u, Ds__Transfer *x, const struct dps_message *m)
{
	bool end = began_not(x, m);
	Ds__Transfer *ended;
	enum err e;

	if (end) x->flow_state = DPS_TERMINATED_STATE;
	x->flow_error = turn_text(u, m->error.n ? str_cut(m->error, TURN_REASON_MAX)
						: STR("the data plane tells of an error"));
	x->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	e = ds_transfer_put(u->t, u->self->id, x);
	if (e || !end) return e;
	return transfer_terminate(u, str_of(x->pid), STR("DATA_PLANE"), str_of(x->flow_error), &ended);
}

/* A callback may be here before the answer that it presumes: then it tells the flow's name, too. */
static enum err presume(const struct turn *u, Ds__Transfer *x, const struct call *c)
{
	bool tells = c->what == CALL_PREPARED || c->what == CALL_STARTED ||
		     (c->what == CALL_ERRORED && c->m.state == DPS_TERMINATED_STATE);
	enum err e;

	if (x->flow_state || !x->flow_entry || !tells) return ERR_OK;
	e = turn_name_check(c->m.flow, DS_PID_MAX, "dataFlowId", u->flaw);
	if (!e) e = ds_outbox_drop(u->t, u->self->id, x->flow_entry);
	x->flow_entry = 0;
	x->flow = turn_text(u, c->m.flow);
	x->flow_state =
	    c->what == CALL_PREPARED || (c->what == CALL_ERRORED && x->side == DS__SIDE__SIDE_CONSUMER)
		? DPS_PREPARING_STATE
		: DPS_STARTING_STATE;
	return e;
}

static enum err apply(const struct turn *u, Ds__Transfer *x, const struct call *c)
{
	static const char *const names[] = {"prepared", "started", "completed", "errored"};
	static const enum dps_state means[] = {DPS_PREPARED_STATE, DPS_STARTED_STATE, DPS_COMPLETED_STATE,
					       DPS_NONE};
	const struct dps_message *m = &c->m;
	enum err e;

	if (enrolled_seen(x->flow_messages, x->n_flow_messages, m->message_id)) return ERR_OK;
	if (c->what != CALL_ERRORED && m->state != means[c->what])
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "state", "value",
				"that is not the state of this callback");
	e = presume(u, x, c);
	if (e) return e;
	if (!str_is(m->flow, x->pid) && !str_is(m->flow, x->flow))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataFlowId", "changed",
				"the transfer's data flow is another");
	if (c->what != CALL_ERRORED && x->flow_state == (uint32_t)means[c->what]) return ERR_OK;
	e = enrolled_remember(u, m->message_id, SIGNAL_MESSAGES_MAX, &x->n_flow_messages,
			      &x->flow_messages);
	if (!e) e = said_take(u, x, &m->usage);
	if (e) return e;
	switch (c->what) {
	case CALL_PREPARED: e = reached(u, x, m, DPS_PREPARING_STATE, DPS_PREPARED_STATE); break;
	case CALL_STARTED: e = reached(u, x, m, DPS_STARTING_STATE, DPS_STARTED_STATE); break;
	case CALL_COMPLETED: e = completed(u, x); break;
	default: e = errored(u, x, m); break;
	}
	if (!e) e = signal_tell(u, x, names[c->what], m->error);
	return e ? e : signal_go_on(u, str_of(x->pid));
}

static enum err call_work(struct ds_job *j, struct writer_txn *t)
{
	struct call *c = j->in;
	struct turn u = turn_of_job(j, t, c->self, c->plane.n ? c->plane : STR("conformance kit"));
	Ds__Transfer *x;
	enum err e = c->peer.did.n ? ds_jti_spend(t, c->self->id, &c->peer) : ERR_OK;

	if (!e) e = transfer_of(t->store, j->arena, c, &x);
	if (!e) e = apply(&u, x, c);
	j->body = STR("{}");
	return e;
}

/* ---- on the shard ---- */

static enum callback callback_of(const struct net_req *r)
{
	struct str p = str_of(r->route->pattern);

	if (str_ends(p, STR("/prepared"))) return CALL_PREPARED;
	if (str_ends(p, STR("/started"))) return CALL_STARTED;
	if (str_ends(p, STR("/completed"))) return CALL_COMPLETED;
	return str_ends(p, STR("/errored")) ? CALL_ERRORED : CALL_AGREEMENT;
}

/* The kit's messages lack ids. */
static enum err message_read(struct ds_job *j, struct net_req *r, struct call *c, struct flaw *f)
{
	json_t *body;
	enum err e = json_read(j->arena, arena_dup(j->arena, r->body), f, &body);

	if (!e && !c->plane.n && json_is_object(body) && !json_object_get(body, "messageId"))
		json_put_str(body, "messageId", arena_printf(j->arena, "%d", c->what));
	if (!e) e = dps_parse(DPS_STATUS, body, f, &c->m);
	return e ? e : turn_name_check(c->m.message_id, DS_PID_MAX, "messageId", f);
}

static void agreement_answer(struct net_req *r, const struct call *c)
{
	struct store_txn *t = ds_txn(r->shard);
	struct flaw f = {0};
	Ds__Agreement *g;
	Ds__Transfer *x;
	json_t *doc;
	enum err e = transfer_of(t, r->arena, c, &x);

	if (!e) e = ds_agreement_find(t, r->arena, c->self->id, str_of(x->agreement), &g);
	if (!e) e = json_read(r->arena, str_of(g->json), NULL, &doc);
	if (e) {
		enrolled_refuse(r, e, &f);
		return;
	}
	if (!json_object_get(doc, "@context")) json_put(doc, "@context", json_pack("[s]", DSP_CONTEXT));
	net_reply(r, 200, "application/json", json_write(r->arena, doc, false));
}

static void call_take(struct net_req *r, const struct ds_self *self, struct str plane,
		      const struct ds_peer *peer)
{
	struct call *c;
	struct flaw f = {0};
	struct ds_job *j;
	struct str pid;
	enum err e = net_decode(r->arena, r->param[1], &f, &pid);

	if (e) {
		enrolled_refuse(r, e, &f);
		return;
	}
	if (callback_of(r) == CALL_AGREEMENT) {
		struct call look = {.self = self, .plane = plane, .pid = pid};

		agreement_answer(r, &look);
		return;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return;
	c = ARENA_NEW(j->arena, struct call);
	must(c);
	*c = (struct call){.self = self, .what = callback_of(r)};
	c->plane = arena_dup(j->arena, plane);
	c->pid = arena_dup(j->arena, pid);
	if (peer) c->peer = *peer;
	if (peer) c->peer.did = arena_dup(j->arena, peer->did);
	j->in = c;
	j->work = call_work;
	e = message_read(j, r, c, &f);
	if (e) {
		enrolled_refuse(r, e, &f);
		ds_job_free(j);
		return;
	}
	(void)ds_job_submit(j);
}

static void then_call(struct net_req *r, const struct ds_peer *peer)
{
	enrolled_signed(r, &enrolled_data_planes, peer, call_take);
}

static void on_call(struct net_req *r)
{
	enrolled_enter(r, &enrolled_data_planes, then_call, call_take);
}

#define T "/p/{p}" FLOW_PATH "/transfers/{id}"
#define D "(data plane's credential)"

const struct net_route face_signal_routes[] = {
    {NET_POST, T "/dataflow/prepared", on_call, 0, SIGNAL_BODY_MAX, 0, "a data flow is PREPARED " D},
    {NET_POST, T "/dataflow/started", on_call, 0, SIGNAL_BODY_MAX, 0, "it is STARTED " D},
    {NET_POST, T "/dataflow/completed", on_call, 0, SIGNAL_BODY_MAX, 0, "it is COMPLETED " D},
    {NET_POST, T "/dataflow/errored", on_call, 0, SIGNAL_BODY_MAX, 0, "it has failed for good " D},
    {NET_GET, T "/agreement", on_call, 0, 0, 0, "the agreement of a transfer " D},
};
const size_t face_signal_routes_n = sizeof face_signal_routes / sizeof *face_signal_routes;
