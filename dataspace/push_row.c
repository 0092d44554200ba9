/* What a push writes: the grant before it, what was taken after it. */
#include "dataspace/push.h"

#include <stdio.h>

#include "dataspace/meter.h"
#include "dataspace/provide.h"
#include "proto/dsp/state.h"

struct asking {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct arena_mark mark;
	struct push_ask *q;
};

static enum err use_open(struct writer_txn *t, struct arena *a, struct str participant,
			 const Ds__Transfer *x, struct meter_use *ret)
{
	return meter_use_open(t->store, a, participant, str_of(x->agreement), str_of(x->pid),
			      DS__SIDE__SIDE_PROVIDER, ret);
}

static struct ds_event event_of(struct str participant, const Ds__Transfer *x, enum ds_event_kind kind)
{
	struct ds_event ev = {.kind = kind,
			      .participant = participant,
			      .who = str_of(x->peer),
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->pid),
			      .peer = str_of(x->peer),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "way", STR("push"));
	return ev;
}

static enum err refuse(struct push_ask *q, enum err e, struct str reason)
{
	q->refused = e;
	snprintf(q->reason, sizeof q->reason, "%.*s", STR_ARG(reason));
	return ERR_OK;
}

static enum err content_find(struct writer_txn *t, struct asking *k)
{
	struct push_ask *q = k->q;
	Ds__Dataset *set;
	enum err e = ds_dataset_find(t->store, k->a, q->participant, str_of(q->g->dataset), &set);

	if (e && e != ERR_NOT_FOUND) return e;
	q->media_type = e ? STR_NONE : str_of(set->media_type);
	if (!q->media_type.n) q->media_type = STR("application/octet-stream");
	q->size = q->g->size;
	if (q->g->digest.len == 32) {
		memcpy(q->digest, q->g->digest.data, 32);
		return ERR_OK;
	}
	if (e || set->digest.len != 32) return refuse(q, ERR_NOT_FOUND, STR("the dataset has no content"));
	memcpy(q->digest, set->digest.data, 32);
	q->size = set->size;
	return ERR_OK;
}

/* All of it or nothing: half a content is of no use to a sink. */
static enum err policy_judge(struct asking *k, struct writer_txn *t, uint64_t fresh)
{
	struct push_ask *q = k->q;
	struct dp_policy policy;
	struct dp_facts f = {.agreement = q->g,
			     .purpose = str_of(q->x->purpose),
			     .claims = str_of(q->x->claims),
			     .party = str_of(q->x->peer),
			     .now = t->now,
			     .count = q->count,
			     .count_asked = 1,
			     .octets = q->octets};
	struct dp_verdict v;
	enum err e = dp_policy_open(k->a, q->g, &policy);

	if (!e) e = dp_policy_ask(k->a, &policy, &f, &v);
	if (e) return e;
	if (v.allowed && (!fresh || dp_policy_octets(k->a, &policy, &f, fresh) >= fresh)) return ERR_OK;
	if (v.allowed) { /* the sentence that says what stands in the way */
		f.octets_asked = fresh;
		e = dp_policy_ask(k->a, &policy, &f, &v);
		if (e) return e;
	}
	return refuse(q, dp_policy_denial(&v), v.reason);
}

static enum err grant(struct asking *k, struct writer_txn *t)
{
	struct push_ask *q = k->q;
	struct ds_event ev;
	struct meter_use u;
	Ds__Meter *m;
	bool first;
	enum err e = use_open(t, k->a, q->participant, q->x, &u);

	if (!e) e = meter_find(t->store, k->a, q->participant, str_of(q->x->agreement), &m);
	if (!e) e = content_find(t, k);
	if (e || q->refused) return e;
	q->finished = q->size && spans_total(&u.sent) >= q->size;
	if (q->finished) return ERR_OK;
	if (meter_settled(u.row) || u.row->ended) {
		q->go = false;
		return ERR_OK;
	}
	q->count = q->g->transfers ? q->g->transfers - 1 : 0;
	q->octets = m->granted;
	e = policy_judge(k, t, spans_missing(&u.granted, 0, q->size));
	if (e) return e;
	if (q->refused) {
		ev = event_of(q->participant, q->x, DS_EVENT_DATA_REFUSED);
		json_put_str(ev.detail, "reason", str_of(q->reason));
		return ds_event_append(t, &ev, NULL);
	}
	first = !u.row->requests;
	if (first) e = meter_request(&u, 0, 0, NULL);
	if (!e) e = meter_grant(&u, 0, q->size);
	if (!e) e = meter_use_close(t, q->participant, &u);
	if (e || !first) return e;
	ev = event_of(q->participant, q->x, DS_EVENT_DATA_GRANTED);
	return ds_event_append(t, &ev, NULL);
}

static enum err ask_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct asking *k = (struct asking *)c;
	struct push_ask *q = k->q;
	struct flaw f = {0};
	Ds__Transfer *x;
	Ds__Agreement *g;
	enum err e;

	arena_rollback(k->a, k->mark);
	q->go = q->finished = false;
	q->refused = ERR_OK;
	e = ds_transfer_find(t->store, k->a, q->participant, q->pid, &x);
	if (!e) e = ds_agreement_find(t->store, k->a, q->participant, str_of(x->agreement), &g);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (x->side != DS__SIDE__SIDE_PROVIDER || x->state != DSP_TRANSFER_STARTED || x->pending ||
	    !ds_transfer_pushed(x))
		return ERR_OK;
	q->x = x;
	q->g = g;
	q->go = true;
	if (provide_state(x, g, &f)) return refuse(q, f.err, str_of(f.text));
	return grant(k, t);
}

enum err push_ask(struct ds *d, struct arena *a, struct push_ask *q)
{
	struct asking k = {.cmd = {.apply = ask_apply}, .a = a, .mark = arena_mark(a), .q = q};

	return writer_run(d->o.writer, &k.cmd);
}

/* ---- the sink has it ---- */

struct recording {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct str participant, pid;
	uint64_t size;
};

static enum err record_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct recording *k = (struct recording *)c;
	struct ds_event ev;
	struct meter_use u;
	Ds__Transfer *x;
	enum err e;

	arena_reset(k->a);
	e = ds_transfer_find(t->store, k->a, k->participant, k->pid, &x);
	if (!e) e = use_open(t, k->a, k->participant, x, &u);
	if (e || meter_settled(u.row)) return e;
	meter_sent(&u, 0, k->size);
	e = meter_use_close(t, k->participant, &u);
	if (e) return e;
	x->octets = spans_total(&u.sent);
	x->requests = u.row->requests;
	e = ds_transfer_put(t, k->participant, x);
	if (e) return e;
	ev = event_of(k->participant, x, DS_EVENT_DATA_SERVED);
	json_put_u64(ev.detail, "octets", k->size);
	return ds_event_append(t, &ev, NULL);
}

enum err push_record(struct ds *d, struct str participant, struct str pid, uint64_t size)
{
	struct recording k = {.cmd = {.apply = record_apply},
			      .a = arena_new(DP_ARENA),
			      .participant = participant,
			      .pid = pid,
			      .size = size};
	enum err e = k.a ? writer_run(d->o.writer, &k.cmd) : ERR_NO_MEMORY;

	arena_free(k.a);
	return e;
}
