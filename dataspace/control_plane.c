/* Outside control planes: who may move data flows here. Let in and dismissed by the participant's owner. */
#include "dataspace/enrolled.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow.h"

const struct enrolled_kind enrolled_control_planes = {
    .table = DS_TABLE_control_plane,
    .desc = &ds__control_plane__descriptor,
    .id = offsetof(Ds__ControlPlane, id),
    .token = offsetof(Ds__ControlPlane, token_sha256),
    .member = "controlplaneId",
    .name = "control plane",
    .calls = "callbacks",
    .unknown_did = "no control plane of this name was let in",
    .event = DS_EVENT_CONTROL_PLANE,
    .max = FLOW_PLANES_MAX,
};
static const struct enrolled_kind *const kind = &enrolled_control_planes;

enum err control_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			    Ds__ControlPlane **ret)
{
	ProtobufCMessage *row;
	enum err e = enrolled_find(t, a, kind, participant, id, &row);

	if (!e) *ret = (Ds__ControlPlane *)row;
	return e;
}

enum err control_plane_put(struct writer_txn *t, struct str participant, const Ds__ControlPlane *p)
{
	return enrolled_put(t, kind, participant, &p->base);
}

/* ---- the owner's wishes ---- */

static enum err row_make(const struct turn *u, const struct dps_message *m, struct str endpoint,
			 Ds__ControlPlane **ret)
{
	enum err e = control_plane_find(u->t->store, u->a, u->self->id, m->control_plane, ret);

	if (e == ERR_NOT_FOUND) {
		e = enrolled_room(u, kind);
		if (e) return e;
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
	struct dps_message m;
	struct str endpoint;
	Ds__ControlPlane *p;
	enum err e = dps_parse(DPS_CONTROL_PLANE, w->body, u->flaw, &m);

	if (!e) e = enrolled_check(u, kind, &m, m.control_plane, &endpoint);
	if (!e) e = row_make(u, &m, endpoint, &p);
	if (e) return e;
	*ret = json_keep(u->a, json_object());
	if (!*ret) return ERR_NO_MEMORY;
	json_put_str(*ret, "controlplaneId", str_of(p->id));
	json_put_str(*ret, "endpoint", str_of(p->endpoint));
	e = enrolled_credential(u, kind, &p->base, *ret);
	return e ? e : enrolled_tell(u, kind, p->id, p->endpoint, "admitted");
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
	Ds__Flow *x;
	enum err e = control_plane_find(u->t->store, u->a, u->self->id, w->pid, &l.plane);

	(void)ret;
	if (e) return manage_none(u->flaw, e, "controlplane", "no control plane %.*s is admitted", w->pid);
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
	if (!e) e = enrolled_delete(u->t, kind, u->self->id, str_of(l.plane->id));
	return e ? e : enrolled_tell(u, kind, l.plane->id, l.plane->endpoint, "dismissed");
}

void control_plane_dismiss(struct net_req *r)
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act_dismiss;
	manage_wish_submit(j);
}

static enum err show(void *arg, const ProtobufCMessage *row)
{
	const Ds__ControlPlane *p = (const Ds__ControlPlane *)row;
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
			   enrolled_each(ds_txn(r->shard), r->arena, kind, participant, show, l.rows));
}
