/* Outside control planes: who may move data flows here. Let in and dismissed by the participant's owner.
 *
 * A control plane calls with the credential that it was given once; of it only the digest is kept. We
 * call it with tokens of the participant's own (ds_token_make), which its DID document verifies: no
 * secret of others is stored, and other kinds of authorization are refused by name. */
#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow.h"

enum { CREDENTIAL_OCTETS = 32 };

enum err control_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			    Ds__ControlPlane **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(id, DS_PID_MAX, "controlplaneId", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, id, STR_NONE);
	e = ds_row_get(t, DS_TABLE_control_plane, &k, a, &ds__control_plane__descriptor, &m);
	if (!e) *ret = (Ds__ControlPlane *)m;
	return e;
}

enum err control_plane_put(struct writer_txn *t, struct str participant, const Ds__ControlPlane *p)
{
	struct ds_key k = ds_key(participant, str_of(p->id), STR_NONE);

	return ds_row_put(t, DS_TABLE_control_plane, &k, &p->base);
}

typedef enum err plane_fn(void *arg, Ds__ControlPlane *p);

static enum err each(struct store_txn *t, struct arena *a, struct str participant, plane_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_control_plane, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__control_plane__descriptor, &m);
		if (!e) e = fn(arg, (Ds__ControlPlane *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- who calls ---- */

struct asking {
	unsigned char digest[HASH_SHA256];
	Ds__ControlPlane *found;
};

static enum err compare(void *arg, Ds__ControlPlane *p)
{
	struct asking *q = arg;

	if (p->token_sha256.len == HASH_SHA256 &&
	    secret_eq(str_n(q->digest, HASH_SHA256), str_n(p->token_sha256.data, HASH_SHA256)))
		q->found = p;
	return ERR_OK;
}

enum err control_plane_of(struct net_req *r, struct str participant, struct flaw *f, Ds__ControlPlane **ret)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer ");
	struct asking q = {.found = NULL};
	enum err e;

	if (!str_starts_nocase(given, scheme))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
				"the credential of a control plane is needed");
	hash_sha256(str_trim(str_skip(given, scheme.n)), q.digest);
	e = each(ds_txn_fresh(r->shard), r->arena, participant, compare, &q);
	if (e) return e;
	if (!q.found)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown",
				"no control plane has this credential");
	*ret = q.found;
	return ERR_OK;
}

/* ---- the owner's wishes ---- */

static enum err count(void *arg, Ds__ControlPlane *p)
{
	(void)p;
	++*(size_t *)arg;
	return ERR_OK;
}

static enum err tell(const struct turn *u, const Ds__ControlPlane *p, const char *what)
{
	struct ds_event ev = {.kind = DS_EVENT_CONTROL_PLANE,
			      .participant = u->self->id,
			      .who = u->who,
			      .peer = str_of(p->id),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "what", str_of(what));
	json_put_str(ev.detail, "endpoint", str_of(p->endpoint));
	return ds_event_append(u->t, &ev, NULL);
}

static enum err message_check(const struct turn *u, const struct dps_message *m, struct str *ret_endpoint)
{
	enum err e = turn_name_check(m->control_plane, DS_PID_MAX, "controlplaneId", u->flaw);

	if (!e) e = turn_url_check(m->endpoint, "endpoint", u->flaw, ret_endpoint);
	if (!e && m->authorization.type.n)
		e = flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "authorization.type", "unsupported",
			     "callbacks carry a token of the participant's; leave the type out");
	return e;
}

static enum err row_make(const struct turn *u, const struct dps_message *m, struct str endpoint,
			 Ds__ControlPlane **ret)
{
	size_t n = 0;
	enum err e = control_plane_find(u->t->store, u->a, u->self->id, m->control_plane, ret);

	if (e == ERR_NOT_FOUND) {
		e = each(u->t->store, u->a, u->self->id, count, &n);
		if (!e && n >= FLOW_PLANES_MAX)
			return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "controlplaneId", "limit",
					"a participant has at most %d control planes", FLOW_PLANES_MAX);
		*ret = ARENA_NEW(u->a, Ds__ControlPlane);
		if (!*ret) return ERR_NO_MEMORY;
		ds__control_plane__init(*ret);
		(*ret)->format = 1;
		(*ret)->id = turn_text(u, m->control_plane);
		(*ret)->created = u->t->now;
	}
	if (e) return e;
	(*ret)->endpoint = turn_text(u, endpoint);
	(*ret)->who = turn_text(u, u->who);
	return ERR_OK;
}

/* "may be used to create a new control plane or to update an existing registration, fully replacing
 * it": the former credential ends. */
static enum err act_admit(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	unsigned char secret[CREDENTIAL_OCTETS], digest[HASH_SHA256];
	struct dps_message m;
	struct str endpoint, credential;
	Ds__ControlPlane *p;
	enum err e = dps_parse(DPS_CONTROL_PLANE, w->body, u->flaw, &m);

	if (!e) e = message_check(u, &m, &endpoint);
	if (!e) e = row_make(u, &m, endpoint, &p);
	if (e) return e;
	random_bytes(secret, sizeof secret);
	credential = base64url_write(u->a, str_n(secret, sizeof secret));
	*ret = json_keep(u->a, json_object());
	if (!credential.p || !*ret) return ERR_NO_MEMORY;
	hash_sha256(credential, digest);
	p->token_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
	e = control_plane_put(u->t, u->self->id, p);
	if (!e) e = tell(u, p, "admitted");
	json_put_str(*ret, "controlplaneId", str_of(p->id));
	json_put_str(*ret, "endpoint", str_of(p->endpoint));
	json_put_str(*ret, "credential", credential);
	json_put_str(*ret, "signaling", arena_printf(u->a, "%s" FLOW_PATH, u->self->base));
	return e;
}

void control_plane_admit(struct net_req *r)
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act_admit;
	manage_wish_submit(j);
}

struct leaving {
	const struct turn *u;
	Ds__ControlPlane *plane;
	char **ids;
	size_t n, room;
};

static enum err flow_of_it(void *arg, const Ds__Flow *x)
{
	struct leaving *l = arg;

	if (!str_is(str_of(x->plane), l->plane->id)) return ERR_OK;
	if (dps_state_final((enum dps_state)x->state)) return ERR_OK;
	if (l->n == l->room) return ERR_CORRUPT; /* the row counts them */
	l->ids[l->n++] = x->id;
	return ERR_OK;
}

/* Nobody is left who could end its flows. */
static enum err act_dismiss(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct leaving l = {.u = u};
	struct ds_key k;
	Ds__Flow *x;
	enum err e = control_plane_find(u->t->store, u->a, u->self->id, w->pid, &l.plane);

	(void)ret;
	if (e) return e;
	l.room = (size_t)l.plane->open;
	l.ids = ARENA_ARRAY(u->a, char *, l.room + 1);
	if (!l.ids) return ERR_NO_MEMORY;
	e = flow_each(u->t->store, u->a, u->self->id, STR_NONE, flow_of_it, &l);
	for (size_t i = 0; i < l.n && !e; i++) {
		e = flow_find(u->t->store, u->a, u->self->id, str_of(l.ids[i]), &x);
		if (e) break;
		x->reason = turn_text(u, STR("the control plane was dismissed"));
		e = flow_move(u, l.plane, x, DPS_TERMINATED_STATE);
	}
	k = ds_key(u->self->id, str_of(l.plane->id), STR_NONE);
	if (!e) e = store_del(u->t->store, DS_TABLE_control_plane, ds_key_str(&k));
	return e ? e : tell(u, l.plane, "dismissed");
}

void control_plane_dismiss(struct net_req *r)
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act_dismiss;
	manage_wish_submit(j);
}

static enum err show(void *arg, Ds__ControlPlane *p)
{
	char when[CLOCK_TEXT];
	json_t *j = json_object();

	must(j);
	json_put_str(j, "controlplaneId", str_of(p->id));
	json_put_str(j, "endpoint", str_of(p->endpoint));
	json_put_str(j, "admitted", str_of(clock_print(p->created, true, when)));
	json_put_str(j, "by", str_of(p->who));
	json_put_u64(j, "open", p->open);
	must(!json_array_append_new(arg, j));
	return ERR_OK;
}

void control_plane_list(struct net_req *r)
{
	struct manage_list l;
	struct str participant, after;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(r, &l, "controlplanes",
			   each(ds_txn(r->shard), r->arena, participant, show, l.rows));
}
