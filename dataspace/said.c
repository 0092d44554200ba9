#include "dataspace/said.h"

#include "dataspace/meter.h"

static enum err meter_put(const struct turn *u, const Ds__Meter *m)
{
	struct ds_key k = ds_key(u->self->id, str_of(m->agreement), STR_NONE);

	return ds_row_put(u->t, DS_TABLE_meter, &k, &m->base);
}

enum err said_outside(const struct turn *u, Ds__Transfer *x)
{
	Ds__Meter *m;
	enum err e;

	if (x->outside) return ERR_OK;
	e = meter_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &m);
	if (e) return e;
	x->outside = true;
	m->outside++;
	return meter_put(u, m);
}

enum err said_take(const struct turn *u, Ds__Transfer *x, const struct dps_usage *g)
{
	Ds__Meter *m;
	enum err e;

	if (!g->present) return ERR_OK;
	e = meter_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &m);
	if (e) return e;
	m->said += !x->said_at;
	m->said_requests += g->requests - x->said_requests;
	m->said_octets += g->octets - x->said_octets;
	x->said_requests = g->requests;
	x->said_octets = g->octets;
	x->said_at = u->t->now;
	return meter_put(u, m);
}

static json_t *counts(uint64_t requests, uint64_t octets)
{
	json_t *j = json_object();

	must(j);
	json_put_u64(j, "requests", requests);
	json_put_u64(j, "octets", octets);
	return j;
}

json_t *said_show(const Ds__Transfer *x)
{
	char when[CLOCK_TEXT];
	json_t *j = x->said_at ? counts(x->said_requests, x->said_octets) : NULL;

	if (j) json_put_str(j, "at", str_of(clock_print(x->said_at, true, when)));
	return j;
}

json_t *said_meter(const Ds__Meter *m)
{
	json_t *j = m->outside ? counts(m->said_requests, m->said_octets) : NULL;

	if (!j) return NULL;
	json_put_u64(j, "transfers", m->outside);
	json_put_u64(j, "said", m->said);
	return j;
}
