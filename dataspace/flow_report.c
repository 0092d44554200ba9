/* Data flows: from other threads into a command, and into the ledger. */
#include "dataspace/flow.h"

struct report {
	struct str participant, id, why;
	enum err err;
	flow_report_fn *fn;
};

static enum err report_work(struct ds_job *j, struct writer_txn *t)
{
	const struct report *r = j->in;
	struct turn u = turn_of_job(j, t, NULL, STR("data plane"));
	Ds__ControlPlane *p;
	Ds__Flow *x;
	enum err e = ds_self_find(j->d, t->store, r->participant, &u.self);

	if (!e) e = flow_find(t->store, j->arena, r->participant, r->id, &x);
	if (!e) e = control_plane_find(t->store, j->arena, r->participant, str_of(x->plane), &p);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e; /* its control plane was dismissed */
	return r->fn(&u, p, x, r->err, r->why);
}

enum err flow_report(struct ds *d, struct str participant, struct str id, enum err e, struct str why,
		     flow_report_fn *fn)
{
	struct ds_job *j = ds_job_new(d, NULL);
	struct report *r = j ? ARENA_NEW(j->arena, struct report) : NULL;

	if (!r) {
		ds_job_free(j);
		return ERR_NO_MEMORY;
	}
	*r = (struct report){.participant = arena_dup(j->arena, participant),
			     .id = arena_dup(j->arena, id),
			     .why = arena_dup(j->arena, why),
			     .err = e,
			     .fn = fn};
	j->in = r;
	j->work = report_work;
	return ds_job_submit(j);
}

struct ds_event flow_event(struct str participant, const Ds__Flow *x, enum ds_event_kind kind)
{
	struct ds_event ev = {.kind = kind,
			      .participant = participant,
			      .who = str_of(x->counter_party),
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->id),
			      .dataset = str_of(x->dataset),
			      .peer = str_of(x->counter_party),
			      .detail = json_object()};

	must(ev.detail);
	return ev;
}

struct ds_event flow_data_event(struct str participant, const Ds__Flow *x, enum ds_event_kind kind)
{
	struct ds_event ev = flow_event(participant, x, kind);

	json_put_str(ev.detail, "way", STR("flow"));
	json_put_str(ev.detail, "plane", str_of(x->plane));
	return ev;
}
