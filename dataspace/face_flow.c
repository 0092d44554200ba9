/* The signaling interface of the data plane: the routes of signaling-data-plane-openapi.yaml. */
#include "base/hash.h"
#include "dataspace/enrolled.h"
#include "dataspace/face_manage.h"
#include "dataspace/fetch.h"
#include "dataspace/flow_ready.h"
#include "dataspace/wait.h"

enum { FLOW_BODY_MAX = 256 << 10, /* claims and metadata that the control plane passes on */ };

struct call {
	const struct ds_self *self;
	struct str plane, id;
	enum dps_type type;
	enum flow_verb verb;
	bool begins;
	bool over; /* it was kept waiting: the answer is due */
	bool held; /* out: it is to be kept waiting */
	struct dps_message m;
	unsigned char digest[HASH_SHA256];
	struct ds_peer peer; /* of a token: its id is spent */
};

/* What a route asks for, by its last segment. */
static const struct {
	const char *path;
	enum dps_type type;
	enum flow_verb verb;
	bool begins;
} kinds[] = {
    {"/prepare", DPS_PREPARE, 0, true},
    {"/start", DPS_START, 0, true},
    {"/started", DPS_STARTED, FLOW_STARTED, false},
    {"/suspend", DPS_SUSPEND, FLOW_SUSPEND, false},
    {"/resume", DPS_RESUME, FLOW_RESUME, false},
    {"/terminate", DPS_TERMINATE, FLOW_TERMINATE, false},
    {"/completed", DPS_STATUS, FLOW_COMPLETED, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static enum err digest_make(json_t *message, unsigned char ret[HASH_SHA256], struct flaw *f)
{
	struct buf b = BUF_INIT(2 * FLOW_BODY_MAX);
	json_t *j = json_copy(message);
	enum err e;

	must(j);
	json_object_del(j, "messageId");
	e = json_jcs(j, &b);
	if (!e) hash_sha256(buf_str(&b), ret);
	if (e == ERR_BAD_JSON)
		(void)flaw_set(f, e, FLAW_NO_OFFSET, "", "number",
			       "a number is beyond what JSON numbers can say");
	json_decref(j);
	buf_done(&b);
	return e;
}

/* 202 "with the Location header set to the data flow status relative URL". */
static enum err promise(struct ds_job *j, const struct turn *u, Ds__Flow *x)
{
	struct str id = fetch_segment(u->a, str_of(x->id));
	enum err e = flow_ready_promise(u, x);

	j->status = 202;
	j->location =
	    arena_printf(u->a, "%s" FLOW_PATH "/dataflows/%.*s/status", u->self->base, STR_ARG(id));
	return e || (id.p && j->location.p) ? e : ERR_NO_MEMORY;
}

static enum err status_fill(struct ds_job *j, const struct turn *u, struct call *c, Ds__Flow *x)
{
	json_t *status;
	enum err e = ERR_OK;

	if (c->begins && flow_failed_ready(x))
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "not-ready", "%s",
				x->error);
	c->held = c->begins && !c->over && flow_unready(x) && !x->promised;
	if (c->held) return ERR_OK;
	if (c->begins && flow_unready(x)) e = promise(j, u, x);
	status = e ? NULL : flow_status(u, x);
	if (status) j->body = json_write(j->arena, status, false);
	return e || j->body.p ? e : ERR_NO_MEMORY;
}

static enum err call_work(struct ds_job *j, struct writer_txn *t)
{
	struct call *c = j->in;
	struct turn u = turn_of_job(j, t, c->self, c->plane);
	Ds__ControlPlane *p;
	Ds__Flow *x;
	enum err e = c->peer.did.n && !c->over ? ds_jti_spend(t, c->self->id, &c->peer) : ERR_OK;

	if (!e) e = control_plane_find(t->store, j->arena, c->self->id, c->plane, &p);
	if (e == ERR_NOT_FOUND) /* dismissed since it was asked */
		return flaw_set(&j->flaw, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown",
				"no control plane has this credential");
	if (!e && c->over)
		e = flow_find(t->store, j->arena, c->self->id, c->id, &x);
	else if (!e)
		e = c->begins ? flow_begin(&u, p, &c->m, c->type == DPS_START, c->digest, &x)
			      : flow_steer(&u, p, c->id, c->verb, &c->m, &x);
	return e ? e : status_fill(j, &u, c, x);
}

/* ---- kept waiting until the flow is ready ---- */

struct held {
	const struct ds_self *self;
	struct str plane, id;
};

static void held_over(struct net_req *r, void *arg)
{
	const struct held *h = arg;
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct call *c;

	if (!j) return;
	c = ARENA_NEW(j->arena, struct call);
	must(c);
	*c = (struct call){.self = h->self, .begins = true, .over = true};
	c->plane = arena_dup(j->arena, h->plane);
	c->id = arena_dup(j->arena, h->id);
	j->in = c;
	j->work = call_work;
	(void)ds_job_submit(j);
}

static void hold(struct net_req *r, const struct call *c)
{
	struct held *h = ARENA_NEW(r->arena, struct held);
	struct wait *w;
	Ds__Flow *x;
	enum err e;

	if (!h) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	*h = (struct held){c->self, arena_dup(r->arena, c->plane), arena_dup(r->arena, c->m.process)};
	e = waits_add(ds_of(r)->waits, r, h->self->id, h->id, clock_mono() + ds_of(r)->o.flow_wait,
		      held_over, h, &w);
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	/* it may have become ready before we were listed */
	if (!flow_find(ds_txn_fresh(r->shard), r->arena, h->self->id, h->id, &x) && flow_unready(x)) return;
	waits_cancel(w);
	held_over(r, h);
}

static void call_answer(struct ds_job *j, enum err result)
{
	const struct call *c = j->in;

	if (!j->req) return;
	if (!result && c->held)
		hold(j->req, c);
	else
		ds_job_reply(j);
}

/* Reads the message; `completed` has none, `started` may have none. */
static enum err message_read(struct net_req *r, struct ds_job *j, struct call *c, struct flaw *f)
{
	bool optional = !c->begins && (c->verb == FLOW_COMPLETED || c->verb == FLOW_STARTED);
	json_t *body;
	enum err e;

	if (optional && !r->body.n) return ERR_OK;
	e = json_read(j->arena, arena_dup(j->arena, r->body), f, &body);
	if (!e && !c->begins && c->verb == FLOW_COMPLETED)
		return json_is_object(body) ? ERR_OK
					    : flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "type",
						       "the message is not an object");
	if (!e) e = dps_parse(c->type, body, f, &c->m);
	if (!e && c->begins) e = digest_make(body, c->digest, f);
	return e;
}

static void status_answer(struct net_req *r, const struct ds_self *self, struct str plane)
{
	struct dps_message m = {0};
	struct flaw f = {0};
	json_t *answer;
	struct str id;
	Ds__Flow *x;
	enum err e = net_decode(r->arena, r->param[1], &f, &id);

	if (!e) e = flow_find(ds_txn(r->shard), r->arena, self->id, id, &x);
	if (!e && !str_is(plane, x->plane)) e = ERR_NOT_FOUND;
	if (e) {
		enrolled_refuse(r, e, &f);
		return;
	}
	m.state = (enum dps_state)x->state;
	m.flow = str_of(x->id);
	answer = dps_write(r->arena, DPS_STATUS_RESPONSE, &m);
	if (answer)
		net_reply(r, 200, "application/json", json_write(r->arena, answer, false));
	else
		net_reply_err(r, ERR_NO_MEMORY, NULL);
}

static void call_take(struct net_req *r, const struct ds_self *self, struct str plane,
		      const struct ds_peer *peer)
{
	struct flaw f = {0};
	struct ds_job *j;
	struct call *c;
	size_t k = 0;
	enum err e = ERR_OK;

	while (k < KINDS && !str_ends(str_of(r->route->pattern), str_of(kinds[k].path))) k++;
	if (k == KINDS) {
		status_answer(r, self, plane);
		return;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return;
	c = ARENA_NEW(j->arena, struct call);
	must(c);
	*c = (struct call){
	    .self = self, .type = kinds[k].type, .verb = kinds[k].verb, .begins = kinds[k].begins};
	c->plane = arena_dup(j->arena, plane);
	if (peer) c->peer = *peer;
	if (peer) c->peer.did = arena_dup(j->arena, peer->did);
	if (!c->begins) e = net_decode(j->arena, r->param[1], &f, &c->id);
	if (!e && c->id.n) c->id = arena_dup(j->arena, c->id);
	if (!e) e = message_read(r, j, c, &f);
	if (e) {
		enrolled_refuse(r, e, &f);
		ds_job_free(j);
		return;
	}
	j->in = c;
	j->work = call_work;
	j->answer = call_answer;
	(void)ds_job_submit(j);
}

static void then_call(struct net_req *r, const struct ds_peer *peer)
{
	enrolled_signed(r, &enrolled_control_planes, peer, call_take);
}

static void on_call(struct net_req *r)
{
	enrolled_enter(r, &enrolled_control_planes, then_call, call_take);
}

/* ---- for the owner ---- */

static enum err row(void *arg, const Ds__Flow *x)
{
	struct manage_list *l = arg;
	json_t *j = json_object();

	must(j);
	if (!manage_list_room(l)) {
		json_decref(j);
		return ERR_NOT_FOUND;
	}
	json_put_str(j, "dataFlowId", str_of(x->id));
	json_put_str(j, "controlplaneId", str_of(x->plane));
	json_put_str(j, "state", str_of(dps_state_name((enum dps_state)x->state)));
	json_put_str(j, "profile", str_of(x->profile));
	json_put_str(j, "dataset", str_of(x->dataset));
	json_put_str(j, "agreement", str_of(x->agreement));
	json_put_str(j, "counterPartyId", str_of(x->counter_party));
	if (x->reason[0]) json_put_str(j, "reason", str_of(x->reason));
	if (x->error[0]) json_put_str(j, "error", str_of(x->error));
	json_put_str(j, "role", x->consumer ? STR("consumer") : STR("provider"));
	json_put_u64(j, "requests", x->requests);
	json_put_u64(j, "octets", x->octets);
	must(!json_array_append_new(l->rows, j));
	l->last = x->id;
	return ERR_OK;
}

static void on_list(struct net_req *r)
{
	struct str participant, after;
	struct manage_list l;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(r, &l, "dataflows",
			   flow_each(ds_txn(r->shard), r->arena, participant, after, row, &l));
}

#define P "/participants/{p}"
#define S "/p/{p}" FLOW_PATH "/dataflows"
enum { READS = ROLE_OWNER | ROLE_AUDITOR };

const struct net_route flow_routes[] = {
    {NET_PUT, P "/controlplanes", control_plane_admit, ROLE_OWNER, 16384, 0,
     "let an outside control plane use the data plane; answers its credential, once"},
    {NET_GET, P "/controlplanes", control_plane_list, READS, 0, 0, "outside control planes"},
    {NET_DELETE, P "/controlplanes/{id}", control_plane_dismiss, ROLE_OWNER, 0, 0,
     "dismiss a control plane and end its data flows"},
    {NET_GET, P "/dataflows", on_list, READS, 0, 0, "data flows of outside control planes"},
    {NET_POST, S "/prepare", on_call, 0, FLOW_BODY_MAX, 0,
     "prepare a data flow (control plane's credential)"},
    {NET_POST, S "/start", on_call, 0, FLOW_BODY_MAX, 0, "start a data flow (control plane's credential)"},
    {NET_POST, S "/{id}/started", on_call, 0, FLOW_BODY_MAX, 0,
     "the provider has started: take the data (control plane's credential)"},
    {NET_POST, S "/{id}/suspend", on_call, 0, FLOW_BODY_MAX, 0, "suspend it (control plane's credential)"},
    {NET_POST, S "/{id}/resume", on_call, 0, FLOW_BODY_MAX, 0, "resume it (control plane's credential)"},
    {NET_POST, S "/{id}/terminate", on_call, 0, FLOW_BODY_MAX, 0,
     "terminate it (control plane's credential)"},
    {NET_POST, S "/{id}/completed", on_call, 0, FLOW_BODY_MAX, 0,
     "it has completed (control plane's credential)"},
    {NET_GET, S "/{id}/status", on_call, 0, 0, 0, "state of a data flow (control plane's credential)"},
    {NET_GET, "/p/{p}/flows/{id}", flow_data_get, 0, 0, 0,
     "the data of a data flow (token of its data address)"},
    {NET_POST, "/p/{p}/flows/{id}", flow_data_put, 0, NET_BODY_ANY, NET_STREAM_IN,
     "data pushed to a data flow (token of its data address)"},
    {NET_PUT, "/p/{p}/flows/{id}", flow_data_put, 0, NET_BODY_ANY, NET_STREAM_IN,
     "the same (token of its data address)"},
    {NET_GET, P "/dataflows/{id}/content", pulled_flow_get, ROLE_OWNER | ROLE_AGENT, 0, 0,
     "what a data flow brought"},
};
const size_t flow_routes_n = sizeof flow_routes / sizeof *flow_routes;
