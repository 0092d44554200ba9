#include "dataspace/data_plane.h"

#include "dataspace/enrolled.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow.h"
#include "dataspace/transfer.h"

enum { REGISTRATION_MAX = 64 << 10 };

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

const struct enrolled_kind enrolled_data_planes = {
    .table = DS_TABLE_data_plane,
    .desc = &ds__data_plane__descriptor,
    .id = offsetof(Ds__DataPlane, id),
    .token = offsetof(Ds__DataPlane, token_sha256),
    .member = "dataplaneId",
    .name = "data plane",
    .calls = "signals",
    .unknown_did = "no data plane of this name is registered",
    .event = DS_EVENT_DATA_PLANE,
    .max = DATA_PLANES_MAX,
    .kit_unproven = true,
};
static const struct enrolled_kind *const kind = &enrolled_data_planes;

enum err data_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			 Ds__DataPlane **ret)
{
	ProtobufCMessage *row;
	enum err e = enrolled_find(t, a, kind, participant, id, &row);

	if (!e) *ret = (Ds__DataPlane *)row;
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

/* ---- the owner's wishes ---- */

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

static enum err row_make(const struct turn *u, const struct dps_message *m, struct str endpoint,
			 Ds__DataPlane **ret)
{
	Ds__DataPlane *p;
	enum err e = data_plane_find(u->t->store, u->a, u->self->id, m->data_plane, &p);

	if (e == ERR_NOT_FOUND) {
		e = enrolled_room(u, kind);
		if (e) return e;
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
	struct dps_message m;
	struct str endpoint;
	Ds__DataPlane *p;
	enum err e = dps_parse(DPS_DATA_PLANE, w->body, u->flaw, &m);

	if (!e) e = enrolled_check(u, kind, &m, m.data_plane, &endpoint);
	if (!e) e = row_make(u, &m, endpoint, &p);
	if (e) return e;
	*ret = json_keep(u->a, json_object());
	if (!*ret) return ERR_NO_MEMORY;
	show_into(*ret, p);
	e = enrolled_credential(u, kind, &p->base, *ret);
	return e ? e : enrolled_tell(u, kind, p->id, p->endpoint, "registered");
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
	Ds__DataPlane *p;
	Ds__Transfer *x;
	enum err e = data_plane_find(u->t->store, u->a, u->self->id, w->pid, &p);

	(void)ret;
	e = manage_none(u->flaw, e, "dataplane", "no data plane %.*s is registered", w->pid);
	if (!e && !l.pids) e = ERR_NO_MEMORY;
	if (e) return e;
	l.plane = p->id;
	e = transfer_each(u->t->store, u->a, u->self->id, STR_NONE, transfer_of_it, &l);
	for (size_t i = 0; i < json_array_size(l.pids) && !e; i++)
		e = transfer_terminate(u, json_text(json_array_get(l.pids, i)), STR("DATA_PLANE"),
				       STR("its data plane was removed"), &x);
	if (!e) e = enrolled_delete(u->t, kind, u->self->id, str_of(p->id));
	w->status = 204;
	return e ? e : enrolled_tell(u, kind, p->id, p->endpoint, "removed");
}

static void on_remove(struct net_req *r)
{
	manage_wish_act(r, act_remove);
}

static enum err show(void *arg, const ProtobufCMessage *row)
{
	const Ds__DataPlane *p = (const Ds__DataPlane *)row;
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
			   enrolled_each(ds_txn(r->shard), r->arena, kind, participant, show, l.rows));
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
