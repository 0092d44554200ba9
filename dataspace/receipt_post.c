/* POST /p/{participant}/dsp/2025-1/kanhe/receipts: the provider compares and countersigns. */
#include "base/proof.h"
#include "dataspace/receipt.h"

struct presented {
	struct ds_peer peer;
	struct str text;
	json_t *doc;
	struct receipt_said said;
};

struct comparing {
	struct ds_job *j;
	struct writer_txn *t;
	const struct presented *p;
	Ds__Agreement *g;
	Ds__Transfer *x;
	Ds__Meter *m;
	struct meter_use u;
};

static struct str self_id(const struct comparing *c)
{
	return c->p->peer.self->id;
}

static enum err store(const struct comparing *c, json_t *doc, struct str peer_json, struct str note)
{
	struct buf b = BUF_INIT(RECEIPT_TEXT_MAX);
	struct arena *a = c->j->arena;
	Ds__Receipt r;
	enum err e = json_jcs(doc, &b);

	if (!e) e = buf_err(&b);
	if (!e) c->j->body = arena_dup(a, buf_str(&b));
	buf_done(&b);
	if (e) return e;
	ds__receipt__init(&r);
	r.format = RECEIPT_FORMAT;
	r.agreement = c->g->id;
	r.pid = c->x->pid;
	r.sequence = c->p->said.sequence;
	r.json = arena_strdup(a, c->j->body);
	r.peer_json = arena_strdup(a, peer_json);
	r.note = arena_strdup(a, note);
	r.own_signed = r.peer_signed = true;
	r.created = c->t->now;
	if (!r.json || !r.peer_json || !r.note) return ERR_NO_MEMORY;
	return receipt_put(c->t, self_id(c), &r);
}

static enum err tell(const struct comparing *c, enum ds_event_kind kind, struct str note)
{
	struct ds_event ev = {.kind = kind,
			      .participant = self_id(c),
			      .who = c->p->peer.did,
			      .agreement = str_of(c->g->id),
			      .transfer = str_of(c->x->pid),
			      .dataset = str_of(c->g->dataset),
			      .peer = c->p->peer.did,
			      .detail = json_object()};

	must(ev.detail);
	json_put_u64(ev.detail, "sequence", c->p->said.sequence);
	json_put_u64(ev.detail, "requests", c->u.row->requests);
	json_put_u64(ev.detail, "octets", c->u.row->octets);
	if (note.n) json_put_str(ev.detail, "note", note);
	return ds_event_append(c->t, &ev, NULL);
}

static enum err sign(const struct comparing *c, json_t *doc)
{
	const struct ds_self *self = c->p->peer.self;

	return proof_add(doc, self->key, self->method, "assertionMethod", c->t->now);
}

static enum err agree(struct comparing *c)
{
	const struct receipt_counts *n = &c->p->said.counts;
	json_t *doc = json_keep(c->j->arena, json_deep_copy(c->p->doc));
	enum err e = doc ? sign(c, doc) : ERR_NO_MEMORY;

	meter_settle(&c->u, n->requests, n->octets, DS__SETTLEMENT__SETTLEMENT_AGREED, c->p->said.sequence);
	if (!e) e = store(c, doc, STR_NONE, STR_NONE);
	if (!e) e = meter_use_close(c->t, self_id(c), &c->u);
	if (!e) e = tell(c, DS_EVENT_METER_COUNTERSIGNED, STR_NONE);
	atomic_fetch_add(&c->j->d->dp->stat.receipts_agreed, 1);
	return e;
}

static uint64_t between(uint64_t v, uint64_t low, uint64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* What the consumer may say without contradicting what we have granted and it has confirmed. */
struct bounds {
	uint64_t requests_low, requests_high, octets_low, octets_high;
};

static struct bounds bounds_of(const struct meter_use *u)
{
	const Ds__Usage *row = u->row;
	bool numbered = row->numbered || !row->requests;

	return (struct bounds){.requests_low = row->requests,
			       .requests_high = row->requests + (numbered ? 1 : 0),
			       .octets_low = numbered ? row->octets : 0,
			       .octets_high = spans_total(&u->granted)};
}

static enum err dispute(struct comparing *c, const struct bounds *b)
{
	const struct receipt_counts *said = &c->p->said.counts;
	struct arena *a = c->j->arena;
	struct receipt_counts n = {.requests = between(said->requests, b->requests_low, b->requests_high),
				   .octets = between(said->octets, b->octets_low, b->octets_high)};
	struct receipt_terms terms = {.agreement = c->g,
				      .consumer_pid = str_of(c->x->peer_pid),
				      .provider_pid = str_of(c->x->pid),
				      .sequence = c->p->said.sequence,
				      .issued = c->t->now};
	struct str note =
	    arena_printf(a, "the consumer counts %llu requests, %llu octets",
			 (unsigned long long)said->requests, (unsigned long long)said->octets);
	json_t *doc;
	enum err e;

	n.total_transfers = c->m->settled_transfers + 1;
	n.total_requests = c->m->settled_requests + n.requests;
	n.total_octets = c->m->settled_octets + n.octets;
	doc = receipt_write(a, &terms, &n);
	e = doc && note.p ? sign(c, doc) : ERR_NO_MEMORY;
	meter_settle(&c->u, n.requests, n.octets, DS__SETTLEMENT__SETTLEMENT_DISPUTED, terms.sequence);
	if (!e) e = store(c, doc, c->p->text, note);
	if (!e) e = meter_use_close(c->t, self_id(c), &c->u);
	if (!e) e = tell(c, DS_EVENT_METER_DISPUTED, note);
	atomic_fetch_add(&c->j->d->dp->stat.receipts_disputed, 1);
	c->j->status = 409;
	return e;
}

/* The same statement again: the same answer. Another one for a settled transfer: what was settled. */
static enum err answer_again(struct comparing *c)
{
	Ds__Receipt *r;
	enum err e =
	    receipt_find(c->t->store, c->j->arena, self_id(c), str_of(c->g->id), c->u.row->sequence, &r);
	json_t *stored;

	if (!e) e = json_read(c->j->arena, str_of(r->json), NULL, &stored);
	if (e) return e == ERR_NOT_FOUND || e == ERR_BAD_JSON ? ERR_CORRUPT : e;
	c->j->body = str_of(r->json);
	c->j->status = receipt_same(stored, c->p->doc) ? 200 : 409;
	return ERR_OK;
}

static enum err compare(struct comparing *c)
{
	const struct receipt_said *said = &c->p->said;
	struct flaw *f = &c->j->flaw;
	struct bounds b = bounds_of(&c->u);
	bool in_bounds =
	    between(said->counts.requests, b.requests_low, b.requests_high) == said->counts.requests &&
	    between(said->counts.octets, b.octets_low, b.octets_high) == said->counts.octets;
	bool totals = said->counts.total_transfers == c->m->settled_transfers + 1 &&
		      said->counts.total_requests == c->m->settled_requests + said->counts.requests &&
		      said->counts.total_octets == c->m->settled_octets + said->counts.octets;

	if (meter_settled(c->u.row)) return answer_again(c);
	if (said->sequence > c->m->sequence + 1)
		return flaw_set(f, ERR_BUSY, FLAW_NO_OFFSET, "sequence", "sequence",
				"statement %llu has not arrived yet",
				(unsigned long long)c->m->sequence + 1);
	if (said->sequence <= c->m->sequence)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "sequence", "sequence",
				"another transfer has the statement %llu",
				(unsigned long long)said->sequence);
	return in_bounds && totals ? agree(c) : dispute(c, &b);
}

static enum err receipt_work(struct ds_job *j, struct writer_txn *t)
{
	const struct presented *p = j->in;
	struct comparing c = {.j = j, .t = t, .p = p};
	struct str id = p->peer.self->id;
	enum err e = ds_jti_spend(t, id, &p->peer);

	if (!e) e = ds_agreement_find(t->store, j->arena, id, p->said.agreement, &c.g);
	if (!e) e = ds_transfer_find(t->store, j->arena, id, p->said.provider_pid, &c.x);
	if (!e && (!str_is(p->peer.did, c.g->consumer) || !str_is(p->said.consumer, c.g->consumer) ||
		   !str_is(p->said.provider, c.g->provider) || !str_is(p->said.agreement, c.x->agreement) ||
		   !str_is(p->said.consumer_pid, c.x->peer_pid) || c.x->side != DS__SIDE__SIDE_PROVIDER))
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return flaw_set(&j->flaw, e, FLAW_NO_OFFSET, "transfer", "unknown",
				"there is no such transfer between us");
	if (!e && c.x->plane[0])
		return flaw_set(&j->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "transfer", "unmetered",
				"an outside data plane moved it: nothing was counted here");
	if (!e) e = meter_find(t->store, j->arena, id, p->said.agreement, &c.m);
	if (!e)
		e = meter_use_open(t->store, j->arena, id, p->said.agreement, str_of(c.x->pid), c.x->side,
				   &c.u);
	return e ? e : compare(&c);
}

static void receipt_from(struct net_req *r, const struct ds_peer *peer)
{
	struct ds *d = ds_of(r);
	struct ds_job *j = ds_job_new(d, r);
	struct presented *p = j ? ARENA_NEW(j->arena, struct presented) : NULL;
	struct flaw f = {0};
	Ds__Agreement *g;
	enum err e;

	if (!p) return;
	p->text = arena_dup(j->arena, r->body);
	p->peer = *peer;
	p->peer.doc = NULL; /* the request's */
	p->peer.did = arena_dup(j->arena, peer->did);
	e = json_read(j->arena, p->text, &f, &p->doc);
	if (!e) e = receipt_parse(p->doc, &f, &p->said);
	if (!e && p->said.provider_pid.n > DS_PID_MAX) e = ERR_NOT_FOUND;
	if (!e) e = ds_agreement_find(ds_txn(r->shard), j->arena, peer->self->id, p->said.agreement, &g);
	if (!e) e = receipt_verify(peer->self, g, peer->doc, p->doc, p->peer.did, &f);
	if (e) {
		net_reply_err(r, e, &f);
		ds_job_free(j);
		return;
	}
	j->in = p;
	j->work = receipt_work;
	(void)!ds_job_submit(j);
}

void receipt_post(struct net_req *r)
{
	ds_peer_require(r, receipt_from);
}
