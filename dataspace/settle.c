/* Settling: our own statement when a transfer is over and quiet; and what the provider answered. */
#include <sys/stat.h>

#include "base/proof.h"
#include "dataspace/receipt.h"
#include "proto/dsp/state.h"

#define PURPOSE "assertionMethod"

/* What a statement is made from. */
struct stating {
	struct ds *d;
	struct writer_txn *t;
	struct ds_fx *fx;
	struct arena *a;
	struct str participant;
	const struct ds_self *self;
	const Ds__Transfer *x;
	Ds__Agreement *g;
	Ds__Meter *m;
	struct meter_use u;
};

static enum err meter_event(const struct stating *s, enum ds_event_kind kind,
			    const struct receipt_counts *c, struct str note)
{
	struct ds_event ev = {.kind = kind,
			      .participant = s->participant,
			      .who = s->self->did,
			      .agreement = str_of(s->g->id),
			      .transfer = str_of(s->x->pid),
			      .dataset = str_of(s->g->dataset),
			      .peer = str_of(s->x->peer),
			      .detail = json_object()};

	must(ev.detail);
	json_put_u64(ev.detail, "sequence", s->u.row->sequence);
	json_put_u64(ev.detail, "requests", c->requests);
	json_put_u64(ev.detail, "octets", c->octets);
	if (note.n) json_put_str(ev.detail, "note", note);
	return ds_event_append(s->t, &ev, NULL);
}

static enum err doc_store(const struct stating *s, json_t *doc, const char *peer_json, bool own, bool peer,
			  struct str note, struct str *ret_text)
{
	struct buf b = BUF_INIT(RECEIPT_TEXT_MAX);
	Ds__Receipt r;
	enum err e = json_jcs(doc, &b);
	struct str text;

	if (!e) e = buf_err(&b);
	text = e ? STR_NONE : arena_dup(s->a, buf_str(&b));
	buf_done(&b);
	if (e) return e;
	ds__receipt__init(&r);
	r.format = RECEIPT_FORMAT;
	r.agreement = s->g->id;
	r.pid = s->x->pid;
	r.sequence = s->u.row->sequence;
	r.json = arena_strdup(s->a, text);
	r.note = arena_strdup(s->a, str_first(note, RECEIPT_NOTE_MAX));
	if (peer_json) r.peer_json = arena_strdup(s->a, str_of(peer_json));
	r.own_signed = own;
	r.peer_signed = peer;
	r.created = s->t->now;
	if (!r.json || !r.note || !r.peer_json) return ERR_NO_MEMORY;
	if (ret_text) *ret_text = text;
	return receipt_put(s->t, s->participant, &r);
}

static struct receipt_counts counts_with(const struct stating *s, uint64_t requests, uint64_t octets)
{
	return (struct receipt_counts){.requests = requests,
				       .octets = octets,
				       .total_transfers = s->m->settled_transfers + 1,
				       .total_requests = s->m->settled_requests + requests,
				       .total_octets = s->m->settled_octets + octets};
}

static enum err doc_make(const struct stating *s, const struct receipt_counts *c, json_t **ret)
{
	bool consumer = s->x->side == DS__SIDE__SIDE_CONSUMER;
	struct receipt_terms terms = {.agreement = s->g,
				      .consumer_pid = str_of(consumer ? s->x->pid : s->x->peer_pid),
				      .provider_pid = str_of(consumer ? s->x->peer_pid : s->x->pid),
				      .sequence = s->u.row->sequence,
				      .issued = s->t->now};
	json_t *doc = receipt_write(s->a, &terms, c);

	if (!doc) return ERR_NO_MEMORY;
	*ret = doc;
	return proof_add(doc, s->self->key, s->self->method, PURPOSE, s->t->now);
}

static enum err stating_open(struct stating *s, struct str pid)
{
	Ds__Transfer *x;
	enum err e = ds_self_find(s->d, s->t->store, s->participant, &s->self);

	if (!e) e = ds_transfer_find(s->t->store, s->a, s->participant, pid, &x);
	if (!e) s->x = x;
	if (!e) e = ds_agreement_find(s->t->store, s->a, s->participant, str_of(x->agreement), &s->g);
	if (!e) e = meter_find(s->t->store, s->a, s->participant, str_of(x->agreement), &s->m);
	if (!e)
		e = meter_use_open(s->t->store, s->a, s->participant, str_of(x->agreement), pid, x->side,
				   &s->u);
	return e;
}

/* ---- stating ---- */

/* Consumer: what we have counted goes to the provider. */
static enum err state_counts(struct stating *s, uint64_t on_disk)
{
	struct receipt_counts c;
	struct ds_letter l = {.kind = DS_OUTBOX_RECEIPT, .participant = s->participant};
	json_t *doc;
	enum err e;

	meter_arrived(&s->u, on_disk);
	c = counts_with(s, s->u.row->requests, s->u.row->octets);
	meter_settle(&s->u, c.requests, c.octets, DS__SETTLEMENT__SETTLEMENT_STATED, s->m->sequence + 1);
	e = doc_make(s, &c, &doc);
	if (!e) e = doc_store(s, doc, NULL, true, false, STR_NONE, &l.body);
	if (!e) e = meter_use_close(s->t, s->participant, &s->u);
	if (!e) e = meter_event(s, DS_EVENT_METER_SIGNED, &c, STR_NONE);
	if (e) return e;
	l.pid = str_of(s->x->pid);
	l.peer = str_of(s->x->peer);
	l.url = arena_printf(s->a, "%s/kanhe/receipts", s->x->callback);
	if (!l.url.p) return ERR_NO_MEMORY;
	ds_fx_changed(s->fx, s->participant, l.pid);
	return ds_outbox_add(s->t, s->fx, &l, NULL);
}

/* Provider, of a consumer that numbers nothing: nobody will countersign. */
static enum err state_alone(struct stating *s)
{
	struct receipt_counts c = counts_with(s, s->u.row->requests, s->u.row->octets);
	json_t *doc;
	enum err e;

	meter_settle(&s->u, c.requests, c.octets, DS__SETTLEMENT__SETTLEMENT_LONE, s->m->sequence + 1);
	e = doc_make(s, &c, &doc);
	if (!e)
		e = doc_store(s, doc, NULL, true, false, STR("the consumer signs no meter statements"),
			      NULL);
	if (!e) e = meter_use_close(s->t, s->participant, &s->u);
	return e ? e : meter_event(s, DS_EVENT_METER_SIGNED, &c, STR_NONE);
}

struct settling {
	struct str participant, pid;
	uint64_t on_disk;
};

static enum err settle_work(struct ds_job *j, struct writer_txn *t)
{
	const struct settling *q = j->in;
	struct stating s = {.d = j->d, .t = t, .fx = &j->fx, .a = j->arena, .participant = q->participant};
	enum err e = stating_open(&s, q->pid);
	bool consumer;

	if (e) return e;
	if (s.x->plane[0]) return ERR_OK; /* an outside data plane moved it: nothing was counted here */
	if (meter_settled(s.u.row) || !dsp_transfer_final((enum dsp_transfer_state)s.x->state))
		return ERR_OK;
	consumer = s.x->side == DS__SIDE__SIDE_CONSUMER;
	/* it never started at the consumer: there is nothing to state */
	if (consumer) return s.x->address[0] ? state_counts(&s, q->on_disk) : ERR_OK;
	return s.u.row->counted && !s.u.row->numbered ? state_alone(&s) : ERR_OK;
}

void dp_settle(struct dp *p, struct str participant, struct str pid)
{
	struct ds_job *j;
	struct settling *q;
	char path[DP_PATH_MAX];
	struct stat st;

	if (running_has(&p->running, participant, pid)) return;
	j = ds_job_new(p->d, NULL);
	q = j ? ARENA_NEW(j->arena, struct settling) : NULL;
	if (!q) return; /* the next start looks again */
	q->participant = arena_dup(j->arena, participant);
	q->pid = arena_dup(j->arena, pid);
	if (dp_pulled_path(p->d, participant, pid, ".part", path) && stat(path, &st) == 0)
		q->on_disk = (uint64_t)st.st_size;
	j->in = q;
	j->work = settle_work;
	(void)!ds_job_submit(j);
}

enum err dp_transfer_ended(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			   struct str participant, const Ds__Transfer *x)
{
	struct meter_use u;
	enum err e;

	(void)d, (void)fx;
	/* never started: no counts, no statement */
	if (x->side == DS__SIDE__SIDE_CONSUMER && !x->address[0]) return ERR_OK;
	e = meter_use_open(t->store, a, participant, str_of(x->agreement), str_of(x->pid), x->side, &u);
	if (e || u.row->ended) return e;
	/* nobody has asked for its data: if the consumer thinks otherwise, it will say so */
	if (x->side == DS__SIDE__SIDE_PROVIDER && !u.before.first) return ERR_OK;
	u.row->ended =
	    true; /* from here on nothing is granted; the cut that follows looks whether to state */
	if (x->side == DS__SIDE__SIDE_CONSUMER) u.row->counted = true;
	return meter_use_close(t, participant, &u);
}

/* ---- the provider's answer ---- */

static enum err answered_agreed(struct stating *s, json_t *doc)
{
	const Ds__Usage *row = s->u.row;
	struct receipt_counts c = {.requests = row->requests, .octets = row->octets};
	enum err e = doc_store(s, doc, NULL, true, true, STR_NONE, NULL);

	s->u.row->settlement = DS__SETTLEMENT__SETTLEMENT_AGREED;
	atomic_fetch_add(&s->d->dp->stat.receipts_agreed, 1);
	if (!e) e = meter_use_close(s->t, s->participant, &s->u);
	return e ? e : meter_event(s, DS_EVENT_METER_COUNTERSIGNED, &c, STR_NONE);
}

static enum err answered_disputed(struct stating *s, json_t *own, json_t *theirs,
				  const struct receipt_said *said)
{
	const Ds__Usage *row = s->u.row;
	struct receipt_counts c = {.requests = row->requests, .octets = row->octets};
	struct str note = arena_printf(s->a, "the provider counts %llu requests, %llu octets",
				       (unsigned long long)said->counts.requests,
				       (unsigned long long)said->counts.octets);
	struct str text = json_write(s->a, theirs, false);
	enum err e = text.p ? doc_store(s, own, text.p, true, true, note, NULL) : ERR_NO_MEMORY;

	s->u.row->settlement = DS__SETTLEMENT__SETTLEMENT_DISPUTED;
	atomic_fetch_add(&s->d->dp->stat.receipts_disputed, 1);
	if (!e) e = meter_use_close(s->t, s->participant, &s->u);
	return e ? e : meter_event(s, DS_EVENT_METER_DISPUTED, &c, note);
}

static enum err answered_alone(struct stating *s, json_t *own, struct str note)
{
	enum err e = doc_store(s, own, NULL, true, false, note, NULL);

	s->u.row->settlement = DS__SETTLEMENT__SETTLEMENT_LONE;
	return e ? e : meter_use_close(s->t, s->participant, &s->u);
}

enum err dp_receipt_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			     const Ds__Outbox *entry, int status, struct str body)
{
	struct stating s = {.d = d, .t = t, .fx = fx, .a = a, .participant = str_of(entry->participant)};
	struct receipt_said said;
	struct flaw f = {0};
	Ds__Receipt *r;
	json_t *own, *doc = NULL;
	bool read;
	enum err e = stating_open(&s, str_of(entry->pid));

	if (e == ERR_NOT_FOUND || (!e && s.u.row->settlement != DS__SETTLEMENT__SETTLEMENT_STATED))
		return ERR_OK;
	if (!e) e = receipt_find(t->store, a, s.participant, str_of(s.g->id), s.u.row->sequence, &r);
	if (!e) e = json_read(a, str_of(r->json), NULL, &own);
	if (e) return e == ERR_NOT_FOUND || e == ERR_BAD_JSON ? ERR_CORRUPT : e;
	ds_fx_changed(fx, s.participant, str_of(entry->pid));
	read = !json_read(a, body, &f, &doc) && !receipt_parse(doc, &f, &said) &&
	       said.sequence == r->sequence && str_is(said.agreement, s.g->id) &&
	       !receipt_verify(s.self, s.g, NULL, doc, str_of(s.x->peer), &f);
	if (read && status / 100 == 2 && receipt_same(own, doc) &&
	    !receipt_verify(s.self, s.g, NULL, doc, s.self->did, &f))
		return answered_agreed(&s, doc);
	if (read && status == 409) return answered_disputed(&s, own, doc, &said);
	return answered_alone(&s, own,
			      arena_printf(a, "the provider signs no meter statements (status %d%s%s)",
					   status, f.text[0] ? ": " : "", f.text));
}
