/* What a pull writes: the number of its next request, how far it is, how it ended. */
#include "dataspace/flow_fetch.h"
#include "dataspace/pull.h"
#include "proto/dsp/state.h"

static bool whole(const Ds__Transfer *x)
{
	return x->digest_state == DS__DIGEST_STATE__DIGEST_OK ||
	       x->digest_state == DS__DIGEST_STATE__DIGEST_UNPROMISED;
}

static enum err use_open(struct writer_txn *t, struct arena *a, struct str participant,
			 const Ds__Transfer *x, struct meter_use *ret)
{
	return meter_use_open(t->store, a, participant, str_of(x->agreement), str_of(x->pid),
			      DS__SIDE__SIDE_CONSUMER, ret);
}

/* ---- asking ---- */

struct asking {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct arena_mark mark;
	struct pull_ask *q;
};

static enum err ask_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct asking *k = (struct asking *)c;
	struct pull_ask *q = k->q;
	struct meter_use u;
	Ds__Transfer *x;
	Ds__Agreement *g;
	enum err e;

	arena_rollback(k->a, k->mark);
	q->go = q->finished = q->here = false;
	if (flow_fetched(q->pid)) return flow_fetch_ask(t->store, k->a, q);
	e = ds_transfer_find(t->store, k->a, q->participant, q->pid, &x);
	if (!e) e = ds_agreement_find(t->store, k->a, q->participant, str_of(x->agreement), &g);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (x->side != DS__SIDE__SIDE_CONSUMER || x->state != DSP_TRANSFER_STARTED || x->pending)
		return ERR_OK;
	q->x = x;
	q->g = g;
	q->go = true;
	q->finished = whole(x);
	if (q->finished) return ERR_OK;
	e = use_open(t, k->a, q->participant, x, &u);
	if (e) return e;
	if (u.row->ended) {
		q->go = false;
		return ERR_OK;
	}
	q->here = g->digest.len == 32 && q->on_disk == g->size && g->size;
	if (q->here) return ERR_OK;
	u.row->answered = u.row->answered || q->answered;
	q->number = meter_number(&u, q->on_disk, q->on_disk);
	return meter_use_close(t, q->participant, &u);
}

enum err pull_ask(struct ds *d, struct arena *a, struct pull_ask *q)
{
	struct asking k = {.cmd = {.apply = ask_apply}, .a = a, .mark = arena_mark(a), .q = q};

	return writer_run(d->o.writer, &k.cmd);
}

/* ---- how far ---- */

struct telling {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct arena_mark mark;
	struct str participant, pid;
	uint64_t at;
	bool answered; /* with the number that was asked with last */
	struct pull *p;
};

static enum err tell_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct telling *k = (struct telling *)c;
	struct meter_use u;
	Ds__Transfer *x;
	enum err e;

	arena_rollback(k->a, k->mark);
	if (flow_fetched(k->pid)) return flow_fetch_tell(t, k->a, k->participant, k->pid, k->at);
	e = ds_transfer_find(t->store, k->a, k->participant, k->pid, &x);
	if (!e) e = use_open(t, k->a, k->participant, x, &u);
	if (e || meter_settled(u.row)) return e;
	meter_arrived(&u, k->at);
	if (k->answered) u.row->answered = true;
	e = meter_use_close(t, k->participant, &u);
	if (e) return e;
	x->octets = k->at;
	x->requests = u.row->requests;
	return ds_transfer_put(t, k->participant, x);
}

static void tell_done(struct writer_cmd *c, enum err result)
{
	struct telling *k = (struct telling *)c;

	(void)result; /* the next one, or the end, tells it again */
	pull_told(k->p);
	arena_free(k->a);
}

void pull_tell(struct ds *d, struct str participant, struct str pid, uint64_t at, struct pull *p)
{
	struct arena *a = arena_new(DP_ARENA);
	struct telling *k = a ? ARENA_NEW(a, struct telling) : NULL;

	if (!k) {
		arena_free(a);
		pull_told(p);
		return;
	}
	*k = (struct telling){.cmd = {.apply = tell_apply, .done = tell_done},
			      .a = a,
			      .at = at,
			      .answered = p->answered,
			      .p = p};
	k->participant = arena_dup(a, participant);
	k->pid = arena_dup(a, pid);
	k->mark = arena_mark(a);
	if (!writer_submit(d->o.writer, &k->cmd)) return;
	arena_free(a);
	pull_told(p);
}

/* ---- the end ---- */

struct recording {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct pull_result *r;
};

static enum err received_event(const struct recording *k, struct writer_txn *t, const Ds__Transfer *x)
{
	static const char *const says[] = {"unknown", "as promised", "not what was promised",
					   "nothing promised"};
	struct ds_event ev = {.kind = DS_EVENT_DATA_RECEIVED,
			      .participant = k->r->participant,
			      .who = str_of(x->peer),
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->pid),
			      .peer = str_of(x->peer),
			      .detail = json_object()};
	char text[7 + 64];

	must(ev.detail);
	memcpy(text, "sha256:", 7);
	hex_write(k->r->digest, 32, text + 7);
	json_put_str(ev.detail, "digest", str_n(text, sizeof text));
	json_put_str(ev.detail, "check", str_of(says[k->r->state]));
	json_put_u64(ev.detail, "octets", k->r->size);
	json_put_u64(ev.detail, "requests", x->requests);
	return ds_event_append(t, &ev, NULL);
}

static enum err record_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct recording *k = (struct recording *)c;
	struct pull_result *r = k->r;
	struct meter_use u;
	Ds__Transfer *x;
	Ds__Agreement *g;
	enum err e;

	arena_reset(k->a);
	if (flow_fetched(r->pid)) return flow_fetch_record(t, k->a, r);
	e = ds_transfer_find(t->store, k->a, r->participant, r->pid, &x);
	if (!e) e = ds_agreement_find(t->store, k->a, r->participant, str_of(x->agreement), &g);
	if (!e) e = use_open(t, k->a, r->participant, x, &u);
	if (e) return e;
	r->state = g->digest.len != 32                     ? DS__DIGEST_STATE__DIGEST_UNPROMISED
		   : memcmp(g->digest.data, r->digest, 32) ? DS__DIGEST_STATE__DIGEST_MISMATCH
							   : DS__DIGEST_STATE__DIGEST_OK;
	if (r->state == DS__DIGEST_STATE__DIGEST_MISMATCH) u.row->misfits++;
	r->misfits = u.row->misfits;
	if (!meter_settled(u.row)) {
		u.row->answered = true;
		meter_arrived(&u, r->size);
		e = meter_use_close(t, r->participant, &u);
		if (e) return e;
	}
	x->octets = r->size;
	x->requests = u.row->requests;
	x->digest_state = r->state;
	x->digest = (ProtobufCBinaryData){32, arena_alloc(k->a, 32)};
	x->file = arena_strdup(k->a, r->pid);
	if (!x->digest.data || !x->file) return ERR_NO_MEMORY;
	memcpy(x->digest.data, r->digest, 32);
	e = ds_transfer_put(t, r->participant, x);
	return e ? e : received_event(k, t, x);
}

enum err pull_record(struct ds *d, struct pull_result *r)
{
	struct recording k = {.cmd = {.apply = record_apply}, .a = arena_new(DP_ARENA), .r = r};
	enum err e = k.a ? writer_run(d->o.writer, &k.cmd) : ERR_NO_MEMORY;

	arena_free(k.a);
	return e;
}
