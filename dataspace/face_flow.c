/* The signaling interface of the data plane: the routes of signaling-data-plane-openapi.yaml. */
#include "base/hash.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow.h"
#include "dataspace/participant.h"

enum { FLOW_BODY_MAX = 256 << 10, /* claims and metadata that the control plane passes on */ };

struct call {
	const struct ds_self *self;
	struct str plane, id;
	enum dps_type type;
	enum flow_verb verb;
	bool begins;
	struct dps_message m;
	unsigned char digest[HASH_SHA256];
};

static void refuse(struct net_req *r, enum err e, const struct flaw *f)
{
	if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
	net_reply_err(r, e, f->err == e ? f : NULL);
}

/* The participant of the route, and whose credential it is. */
static enum err caller(struct net_req *r, struct flaw *f, const struct ds_self **ret_self,
		       Ds__ControlPlane **ret)
{
	struct str participant;
	enum err e = net_decode(r->arena, r->param[0], f, &participant);

	if (!e && participant_id_check(participant, NULL)) e = ERR_NOT_FOUND;
	if (!e) e = ds_self_find(ds_of(r), ds_txn_fresh(r->shard), participant, ret_self);
	return e ? e : control_plane_of(r, participant, f, ret);
}

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

static enum err call_work(struct ds_job *j, struct writer_txn *t)
{
	struct call *c = j->in;
	struct turn u = {.d = j->d,
			 .t = t,
			 .fx = &j->fx,
			 .a = j->arena,
			 .flaw = &j->flaw,
			 .self = c->self,
			 .who = c->plane};
	Ds__ControlPlane *p;
	Ds__Flow *x;
	json_t *status;
	enum err e = control_plane_find(t->store, j->arena, c->self->id, c->plane, &p);

	if (e == ERR_NOT_FOUND) /* dismissed since it was asked */
		return flaw_set(&j->flaw, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown",
				"no control plane has this credential");
	if (!e)
		e = c->begins ? flow_begin(&u, p, &c->m, c->type == DPS_START, c->digest, &x)
			      : flow_steer(&u, p, c->id, c->verb, &c->m, &x);
	if (e) return e;
	status = flow_status(&u, x);
	if (!status) return ERR_NO_MEMORY;
	j->body = json_write(j->arena, status, false);
	return j->body.p ? ERR_OK : ERR_NO_MEMORY;
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

static void call(struct net_req *r, enum dps_type type, enum flow_verb verb, bool begins)
{
	struct flaw f = {0};
	Ds__ControlPlane *p;
	struct ds_job *j;
	struct call *c;
	const struct ds_self *self;
	enum err e = caller(r, &f, &self, &p);

	if (e) {
		refuse(r, e, &f);
		return;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return;
	c = ARENA_NEW(j->arena, struct call);
	must(c);
	*c = (struct call){.self = self, .type = type, .verb = verb, .begins = begins};
	c->plane = arena_dup(j->arena, str_of(p->id));
	if (!begins) e = net_decode(j->arena, r->param[1], &f, &c->id);
	if (!e && c->id.n) c->id = arena_dup(j->arena, c->id);
	if (!e) e = message_read(r, j, c, &f);
	if (e) {
		refuse(r, e, &f);
		ds_job_free(j);
		return;
	}
	j->in = c;
	j->work = call_work;
	(void)ds_job_submit(j);
}

static void on_prepare(struct net_req *r)
{
	call(r, DPS_PREPARE, 0, true);
}

static void on_start(struct net_req *r)
{
	call(r, DPS_START, 0, true);
}

static void on_started(struct net_req *r)
{
	call(r, DPS_STARTED, FLOW_STARTED, false);
}

static void on_suspend(struct net_req *r)
{
	call(r, DPS_SUSPEND, FLOW_SUSPEND, false);
}

static void on_resume(struct net_req *r)
{
	call(r, DPS_RESUME, FLOW_RESUME, false);
}

static void on_terminate(struct net_req *r)
{
	call(r, DPS_TERMINATE, FLOW_TERMINATE, false);
}

static void on_completed(struct net_req *r)
{
	call(r, DPS_STATUS, FLOW_COMPLETED, false);
}

static void on_status(struct net_req *r)
{
	struct dps_message m = {0};
	struct flaw f = {0};
	const struct ds_self *self;
	Ds__ControlPlane *p;
	json_t *answer;
	struct str id;
	Ds__Flow *x;
	enum err e = caller(r, &f, &self, &p);

	if (!e) e = net_decode(r->arena, r->param[1], &f, &id);
	if (!e) e = flow_find(ds_txn(r->shard), r->arena, self->id, id, &x);
	if (!e && !str_is(str_of(x->plane), p->id)) e = ERR_NOT_FOUND;
	if (e) {
		refuse(r, e, &f);
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
    {NET_POST, S "/prepare", on_prepare, 0, FLOW_BODY_MAX, 0,
     "prepare a data flow (control plane's credential)"},
    {NET_POST, S "/start", on_start, 0, FLOW_BODY_MAX, 0, "start a data flow (control plane's credential)"},
    {NET_POST, S "/{id}/started", on_started, 0, FLOW_BODY_MAX, 0,
     "refused: this data plane provides (control plane's credential)"},
    {NET_POST, S "/{id}/suspend", on_suspend, 0, FLOW_BODY_MAX, 0,
     "suspend it (control plane's credential)"},
    {NET_POST, S "/{id}/resume", on_resume, 0, FLOW_BODY_MAX, 0, "resume it (control plane's credential)"},
    {NET_POST, S "/{id}/terminate", on_terminate, 0, FLOW_BODY_MAX, 0,
     "terminate it (control plane's credential)"},
    {NET_POST, S "/{id}/completed", on_completed, 0, FLOW_BODY_MAX, 0,
     "it has completed (control plane's credential)"},
    {NET_GET, S "/{id}/status", on_status, 0, 0, 0, "state of a data flow (control plane's credential)"},
    {NET_GET, "/p/{p}/flows/{id}", flow_data_get, 0, 0, 0,
     "the data of a data flow (token of its data address)"},
};
const size_t flow_routes_n = sizeof flow_routes / sizeof *flow_routes;
