#include "dataspace/data_plane.h"

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow.h"
#include "dataspace/transfer.h"

enum { CREDENTIAL_OCTETS = 32, REGISTRATION_MAX = 64 << 10 };

/* ---- profiles ---- */

struct str data_plane_format(struct str profile)
{
	if (str_is(profile, DPS_PROFILE_PULL)) return STR(TRANSFER_PULL);
	return str_is(profile, DPS_PROFILE_PUSH) ? STR(TRANSFER_PUSH) : profile;
}

struct str data_plane_profile(struct str format)
{
	if (str_is(format, TRANSFER_PULL)) return STR(DPS_PROFILE_PULL);
	return str_is(format, TRANSFER_PUSH) ? STR(DPS_PROFILE_PUSH) : format;
}

bool data_plane_serves(const Ds__DataPlane *p, struct str profile)
{
	for (size_t i = 0; i < p->n_profiles; i++)
		if (str_is(profile, p->profiles[i])) return true;
	return false;
}

/* ---- rows ---- */

enum err data_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			 Ds__DataPlane **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(id, DS_PID_MAX, "dataplaneId", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, id, STR_NONE);
	e = ds_row_get(t, DS_TABLE_data_plane, &k, a, &ds__data_plane__descriptor, &m);
	if (!e) *ret = (Ds__DataPlane *)m;
	return e;
}

enum err data_plane_named(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			  const char *at, struct flaw *f, Ds__DataPlane **ret)
{
	enum err e = data_plane_find(t, a, participant, id, ret);

	if (e != ERR_NOT_FOUND) return e;
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, "unknown",
			"no such data plane is registered");
}

typedef enum err plane_fn(void *arg, Ds__DataPlane *p);

static enum err each(struct store_txn *t, struct arena *a, struct str participant, plane_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_data_plane, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__data_plane__descriptor, &m);
		if (!e) e = fn(arg, (Ds__DataPlane *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct asking {
	unsigned char digest[HASH_SHA256];
	Ds__DataPlane *found;
};

static enum err compare(void *arg, Ds__DataPlane *p)
{
	struct asking *q = arg;

	if (p->token_sha256.len == HASH_SHA256 &&
	    secret_eq(str_n(q->digest, HASH_SHA256), str_n(p->token_sha256.data, HASH_SHA256)))
		q->found = p;
	return ERR_OK;
}

enum err data_plane_of(struct net_req *r, struct str participant, struct flaw *f, Ds__DataPlane **ret)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer ");
	struct asking q = {.found = NULL};
	enum err e;

	if (!str_starts_nocase(given, scheme))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
				"the credential of a data plane is needed");
	hash_sha256(str_trim(str_skip(given, scheme.n)), q.digest);
	e = each(ds_txn_fresh(r->shard), r->arena, participant, compare, &q);
	if (e) return e;
	if (!q.found)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown",
				"no data plane has this credential");
	*ret = q.found;
	return ERR_OK;
}

/* ---- the owner's wishes ---- */

static enum err count(void *arg, Ds__DataPlane *p)
{
	(void)p;
	++*(size_t *)arg;
	return ERR_OK;
}

static enum err tell(const struct turn *u, const Ds__DataPlane *p, const char *what)
{
	struct ds_event ev = {.kind = DS_EVENT_DATA_PLANE,
			      .participant = u->self->id,
			      .who = u->who,
			      .peer = str_of(p->id),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "what", str_of(what));
	json_put_str(ev.detail, "endpoint", str_of(p->endpoint));
	return ds_event_append(u->t, &ev, NULL);
}

static enum err words_take(const struct turn *u, json_t *list, size_t min, size_t max, const char *at,
			   size_t *ret_n, char ***ret)
{
	size_t n = json_array_size(list);
	enum err e = ERR_OK;

	if (n < min || n > max)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "limit",
				"%zu to %zu of them may be named", min, max);
	*ret = ARENA_ARRAY(u->a, char *, n + 1);
	if (!*ret) return ERR_NO_MEMORY;
	for (size_t i = 0; i < n && !e; i++) {
		struct str s = json_text(json_array_get(list, i));

		e = turn_name_check(s, DATA_PLANE_WORD_MAX, at, u->flaw);
		(*ret)[i] = turn_text(u, s);
	}
	*ret_n = n;
	return e;
}

static enum err message_check(const struct turn *u, const struct dps_message *m, struct str *ret_endpoint)
{
	enum err e = turn_name_check(m->data_plane, DS_PID_MAX, "dataplaneId", u->flaw);

	if (!e) e = turn_url_check(m->endpoint, "endpoint", u->flaw, ret_endpoint);
	if (!e && m->authorization.type.n)
		e = flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "authorization.type", "unsupported",
			     "signals carry a token of the participant's; leave the type out");
	return e;
}

static enum err row_make(const struct turn *u, const struct dps_message *m, struct str endpoint,
			 Ds__DataPlane **ret)
{
	Ds__DataPlane *p;
	size_t n = 0;
	enum err e = data_plane_find(u->t->store, u->a, u->self->id, m->data_plane, &p);

	if (e == ERR_NOT_FOUND) {
		e = each(u->t->store, u->a, u->self->id, count, &n);
		if (!e && n >= DATA_PLANES_MAX)
			return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "dataplaneId", "limit",
					"a participant has at most %d data planes", DATA_PLANES_MAX);
		p = ARENA_NEW(u->a, Ds__DataPlane);
		if (!p) return ERR_NO_MEMORY;
		ds__data_plane__init(p);
		p->format = 1;
		p->id = turn_text(u, m->data_plane);
		p->created = u->t->now;
	}
	if (!e) e = words_take(u, m->profiles, 1, DPS_ITEMS_MAX, "profiles", &p->n_profiles, &p->profiles);
	if (!e) e = words_take(u, m->labels, 0, DATA_PLANE_LABELS_MAX, "labels", &p->n_labels, &p->labels);
	if (e) return e;
	p->endpoint = turn_text(u, endpoint);
	p->who = turn_text(u, u->who);
	p->changed = u->t->now;
	*ret = p;
	return ERR_OK;
}

static void show_into(json_t *j, const Ds__DataPlane *p)
{
	json_t *profiles = json_array();

	must(profiles);
	for (size_t i = 0; i < p->n_profiles; i++)
		must(!json_array_append_new(profiles, json_string(p->profiles[i])));
	json_put_str(j, "dataplaneId", str_of(p->id));
	json_put_str(j, "endpoint", str_of(p->endpoint));
	json_put(j, "profiles", profiles);
}

static enum err act_register(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	unsigned char secret[CREDENTIAL_OCTETS], digest[HASH_SHA256];
	struct dps_message m;
	struct str endpoint, credential;
	struct ds_key k;
	Ds__DataPlane *p;
	enum err e = dps_parse(DPS_DATA_PLANE, w->body, u->flaw, &m);

	if (!e) e = message_check(u, &m, &endpoint);
	if (!e) e = row_make(u, &m, endpoint, &p);
	if (e) return e;
	random_bytes(secret, sizeof secret);
	credential = base64url_write(u->a, str_n(secret, sizeof secret));
	*ret = json_keep(u->a, json_object());
	if (!credential.p || !*ret) return ERR_NO_MEMORY;
	hash_sha256(credential, digest);
	p->token_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
	k = ds_key(u->self->id, str_of(p->id), STR_NONE);
	e = ds_row_put(u->t, DS_TABLE_data_plane, &k, &p->base);
	if (!e) e = tell(u, p, "registered");
	show_into(*ret, p);
	json_put_str(*ret, "credential", credential);
	json_put_str(*ret, "signaling", arena_printf(u->a, "%s" FLOW_PATH, u->self->base));
	return e;
}

static void on_register(struct net_req *r)
{
	manage_wish_act(r, act_register);
}

/* ---- removing ---- */

struct leaving {
	struct arena *a;
	const char *plane;
	json_t *pids;
};

static enum err transfer_of_it(void *arg, const Ds__Transfer *x)
{
	struct leaving *l = arg;

	if (str_is(str_of(x->plane), l->plane) && !dsp_transfer_final((enum dsp_transfer_state)x->state) &&
	    x->pending != DSP_TRANSFER_COMPLETED)
		must(!json_array_append_new(l->pids, json_string(x->pid)));
	return ERR_OK;
}

/* Nobody is left who could move its data: its transfers end, and it is told while its row is there. */
static enum err act_remove(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct leaving l = {.a = u->a, .pids = json_keep(u->a, json_array())};
	struct ds_key k;
	Ds__DataPlane *p;
	Ds__Transfer *x;
	enum err e = data_plane_find(u->t->store, u->a, u->self->id, w->pid, &p);

	(void)ret;
	if (!e && !l.pids) e = ERR_NO_MEMORY;
	if (e) return e;
	l.plane = p->id;
	e = transfer_each(u->t->store, u->a, u->self->id, STR_NONE, transfer_of_it, &l);
	for (size_t i = 0; i < json_array_size(l.pids) && !e; i++)
		e = transfer_terminate(u, json_text(json_array_get(l.pids, i)), STR("DATA_PLANE"),
				       STR("its data plane was removed"), &x);
	k = ds_key(u->self->id, str_of(p->id), STR_NONE);
	if (!e) e = store_del(u->t->store, DS_TABLE_data_plane, ds_key_str(&k));
	w->status = 204;
	return e ? e : tell(u, p, "removed");
}

static void on_remove(struct net_req *r)
{
	manage_wish_act(r, act_remove);
}

static enum err show(void *arg, Ds__DataPlane *p)
{
	char when[CLOCK_TEXT];
	json_t *j = json_object();

	must(j);
	show_into(j, p);
	json_put_str(j, "registered", str_of(clock_print(p->changed, true, when)));
	json_put_str(j, "by", str_of(p->who));
	must(!json_array_append_new(arg, j));
	return ERR_OK;
}

static void on_list(struct net_req *r)
{
	struct manage_list l;
	struct str participant, after;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(r, &l, "dataplanes",
			   each(ds_txn(r->shard), r->arena, participant, show, l.rows));
}

#define P "/participants/{p}/dataplanes"

const struct net_route data_plane_routes[] = {
    {NET_PUT, P, on_register, ROLE_OWNER, REGISTRATION_MAX, 0,
     "register an outside data plane; answers its credential, once"},
    {NET_GET, P, on_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0, "outside data planes"},
    {NET_DELETE, P "/{id}", on_remove, ROLE_OWNER, 0, 0,
     "remove a data plane and end the transfers that it moves"},
};
const size_t data_plane_routes_n = sizeof data_plane_routes / sizeof *data_plane_routes;
