#include "dataspace/flow_ready.h"

bool flow_unready(const Ds__Flow *x)
{
	return x->state == DPS_PREPARING_STATE || x->state == DPS_STARTING_STATE;
}

bool flow_failed_ready(const Ds__Flow *x)
{
	return x->state == DPS_TERMINATED_STATE && x->ready_by && x->error[0];
}

static struct ds_key key_of(const struct turn *u, const Ds__Flow *x)
{
	return ds_key(u->self->id, str_of(x->id), STR_NONE);
}

enum err flow_ready_begin(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, bool start)
{
	struct ds_key k = key_of(u, x);
	enum err e = ds_row_keep(u->t, DS_TABLE_readying, &k, STR("\1"));

	x->ready_by = u->t->now + u->d->o.flow_ready;
	x->promised = !u->d->o.flow_wait;
	if (!e) e = flow_move(u, p, x, start ? DPS_STARTING_STATE : DPS_PREPARING_STATE);
	if (!e) ds_fx_ready(u->fx, u->self->id, str_of(x->id), x->ready_by);
	return e;
}

enum err flow_ready_leave(const struct turn *u, const Ds__Flow *x)
{
	struct ds_key k = key_of(u, x);
	enum err e = store_del(u->t->store, DS_TABLE_readying, ds_key_str(&k));

	ds_fx_changed(u->fx, u->self->id, str_of(x->id));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err flow_ready_promise(const struct turn *u, Ds__Flow *x)
{
	if (x->promised) return ERR_OK;
	x->promised = true;
	return flow_put(u->t, u->self->id, x);
}

static enum err ready(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x)
{
	bool starts = x->state == DPS_STARTING_STATE;
	enum err e;

	x->ready_by = 0;
	e = flow_move(u, p, x, starts ? DPS_STARTED_STATE : DPS_PREPARED_STATE);
	return e || !x->promised ? e : flow_notify(u, p, x, starts ? "started" : "prepared");
}

static enum err ended(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum err e, struct str why)
{
	if (!flow_unready(x)) return ERR_OK; /* terminated meanwhile */
	if (!e) return ready(u, p, x);
	x->error = turn_text(u, str_cut(why, TURN_REASON_MAX));
	e = flow_move(u, p, x, DPS_TERMINATED_STATE);
	return e || !x->promised ? e : flow_notify(u, p, x, "errored");
}

enum err flow_ready_end(struct ds *d, struct str participant, struct str id, enum err e, struct str why)
{
	return flow_report(d, participant, id, e, why, ended);
}
