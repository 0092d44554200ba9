/* The sender: due entries, in order of time, to the courier. */
#include "dataspace/outbox.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dataspace/flow.h"
#include "dataspace/issuance.h"
#include "dataspace/plane.h"
#include "dataspace/renewal.h"
#include "proto/dsp/state.h"

enum { SEND_ARENA = 4 << 20, LOAD_ARENA = 4 << 20 };

/* Something to do at a time: an entry to send, or (job set) an answer to hand to the writer. */
struct wake {
	struct ds_job *job;
	char participant[DS_ID_MAX + 1];
	uint64_t seq;
	usec_t due;
	struct wake *next;
};

struct outbox {
	struct ds *d;
	struct net_shard *_Atomic shard; /* NULL: not started, nothing is sent */
	pthread_mutex_t lock;            /* of inbox and posted */
	struct wake *inbox;
	bool posted;
	_Atomic unsigned sending;
	pthread_mutex_t data_lock; /* of the tickets of contents under way */
	/* shard 0 only */
	struct wake **heap;
	size_t heap_n, heap_room;
	struct net_timer *timer;
	usec_t timer_due;
};

struct sending {
	struct running_item item; /* first; of contents: a cut ends the sending */
	struct outbox *o;
	struct wake wake;
	bool presumed;  /* its acknowledgement can wait */
	bool signal;    /* to a data plane */
	bool data, cut; /* a content, not a message; under data_lock, like ticket */
	uint64_t ticket;
	char pid[FLOW_ITEM_MAX];
};

struct answer {
	struct str participant, body, error;
	uint64_t seq;
	int status;
};

enum err outbox_open(struct ds *d, struct outbox **ret)
{
	struct outbox *o = calloc(1, sizeof *o);

	if (!o) return ERR_NO_MEMORY;
	o->d = d;
	must(!pthread_mutex_init(&o->lock, NULL) && !pthread_mutex_init(&o->data_lock, NULL));
	*ret = o;
	return ERR_OK;
}

static void wake_free(struct wake *w)
{
	ds_job_free(w->job);
	free(w);
}

void outbox_close(struct outbox *o)
{
	if (!o) return;
	for (struct wake *w = o->inbox, *next; w; w = next) {
		next = w->next;
		wake_free(w);
	}
	for (size_t i = 0; i < o->heap_n; i++) wake_free(o->heap[i]);
	free(o->heap);
	pthread_mutex_destroy(&o->lock);
	pthread_mutex_destroy(&o->data_lock);
	free(o);
}

/* ---- a heap by due time ---- */

static void heap_put(struct outbox *o, struct wake *w)
{
	size_t i;

	if (o->heap_n == o->heap_room) {
		size_t room = o->heap_room ? o->heap_room * 2 : 64;
		struct wake **heap = realloc(o->heap, room * sizeof(struct wake *));

		must(heap);
		o->heap = heap;
		o->heap_room = room;
	}
	for (i = o->heap_n++; i > 0 && o->heap[(i - 1) / 2]->due > w->due; i = (i - 1) / 2)
		o->heap[i] = o->heap[(i - 1) / 2];
	o->heap[i] = w;
}

static struct wake *heap_take(struct outbox *o)
{
	struct wake *top = o->heap[0], *last = o->heap[--o->heap_n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= o->heap_n) break;
		if (child + 1 < o->heap_n && o->heap[child + 1]->due < o->heap[child]->due) child++;
		if (o->heap[child]->due >= last->due) break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	if (o->heap_n) o->heap[i] = last;
	return top;
}

/* ---- sending ---- */

static void outbox_turn(void *arg);

static void kick(struct outbox *o)
{
	bool post;

	pthread_mutex_lock(&o->lock);
	post = !o->posted && o->shard;
	o->posted = o->posted || post;
	pthread_mutex_unlock(&o->lock);
	if (post && ds_post(o->d, o->shard, outbox_turn, o)) {
		/* the shard has ended: what is left goes out after the next start */
	}
}

static struct wake *wake_make(struct str participant, uint64_t seq, usec_t due)
{
	struct wake *w = calloc(1, sizeof *w);

	must(w && participant.n <= DS_ID_MAX);
	memcpy(w->participant, participant.p, participant.n);
	w->seq = seq;
	w->due = due;
	return w;
}

static void wake_post(struct outbox *o, struct wake *w)
{
	pthread_mutex_lock(&o->lock);
	w->next = o->inbox;
	o->inbox = w;
	pthread_mutex_unlock(&o->lock);
	kick(o);
}

void outbox_wake(struct outbox *o, struct str participant, uint64_t seq, usec_t due)
{
	if (o->shard) wake_post(o, wake_make(participant, seq, due));
}

static enum err answer_work(struct ds_job *j, struct writer_txn *t)
{
	struct answer *x = j->in;

	return outbox_answered(j->d, t, &j->fx, j->arena, x->participant, x->seq, x->status, x->body,
			       x->error);
}

static void answer_after(struct ds_job *j, enum err result)
{
	struct answer *x = j->in;

	if (result) outbox_wake(j->d->outbox, x->participant, x->seq, clock_wall() + j->d->o.outbox_retry);
}

/* Whether the partner's next message will tell that it got this one. */
static bool presumed(const Ds__Outbox *e)
{
	switch ((enum ds_outbox_kind)e->kind) {
	case DS_OUTBOX_NEGOTIATION: return !dsp_negotiation_final((enum dsp_negotiation_state)e->target);
	case DS_OUTBOX_TRANSFER:
		return e->target == DSP_TRANSFER_REQUESTED || e->target == DSP_TRANSFER_STARTED;
	default: return false;
	}
}

static void answer_submit(struct outbox *o, struct wake *w)
{
	struct ds_job *j = w->job;

	w->job = NULL;
	if (ds_job_submit(j))
		outbox_wake(o, str_of(w->participant), w->seq, clock_wall() + o->d->o.outbox_retry);
	free(w);
}

static void answer_take(struct sending *s, struct ds_job *j, bool good)
{
	struct wake *w = wake_make(str_of(s->wake.participant), s->wake.seq, clock_wall() + OUTBOX_PRESUME);

	w->job = j;
	if (good && s->presumed)
		wake_post(s->o, w);
	else
		answer_submit(s->o, w);
}

/* ---- contents: a cut ends what is under way ---- */

/* Under the lock of the running ones. */
static void data_cut(struct running_item *i, enum err why)
{
	struct sending *s = (struct sending *)(void *)i;

	(void)why;
	pthread_mutex_lock(&s->o->data_lock);
	s->cut = true;
	if (s->ticket) courier_cancel(s->o->d->o.courier, s->ticket);
	s->ticket = 0;
	pthread_mutex_unlock(&s->o->data_lock);
}

/* Entered before the entry is read once more: a cut finds the one or the other. */
static enum err data_enter(struct sending *s, const Ds__Outbox *e, struct arena *a, struct store_txn *t)
{
	struct str item = flow_item(a, str_of(e->pid));
	Ds__Outbox *again;

	if (!item.p || item.n >= sizeof s->pid) return ERR_NO_MEMORY;
	memcpy(s->pid, item.p, item.n);
	s->item = (struct running_item){
	    .participant = str_of(s->wake.participant), .pid = str_of(s->pid), .cut = data_cut};
	s->data = true;
	running_add(&s->o->d->dp->running, &s->item);
	return outbox_find(t, a, str_of(s->wake.participant), s->wake.seq, &again);
}

static void data_leave(struct sending *s)
{
	if (!s->data) return;
	running_remove(&s->o->d->dp->running, &s->item);
	/* whoever submits it is done with it */
	pthread_mutex_lock(&s->o->data_lock);
	pthread_mutex_unlock(&s->o->data_lock);
}

static enum err data_submit(struct sending *s, const struct courier_req *q)
{
	enum err e;

	pthread_mutex_lock(&s->o->data_lock);
	e = s->cut ? ERR_NOT_FOUND : courier_submit(s->o->d->o.courier, q, &s->ticket);
	pthread_mutex_unlock(&s->o->data_lock);
	return e;
}

/* An address that must not be called will not be callable later. */
static int status_of(const struct sending *s, const struct courier_result *r)
{
	if ((s->data || s->signal) && (r->err == ERR_FORBIDDEN || r->err == ERR_BAD_INPUT)) return 403;
	return r->err ? 0 : r->status;
}

static void send_done(void *arg, const struct courier_result *r)
{
	struct sending *s = arg;
	struct outbox *o = s->o;
	struct ds_job *j = r->err == ERR_STOPPING ? NULL : ds_job_new(o->d, NULL);
	struct answer *x = j ? ARENA_NEW(j->arena, struct answer) : NULL;

	data_leave(s);
	atomic_fetch_sub(&o->sending, 1);
	if (x) {
		x->participant = arena_dup(j->arena, str_of(s->wake.participant));
		x->seq = s->wake.seq;
		x->status = status_of(s, r);
		if (r->err)
			x->body = x->status ? arena_dup(j->arena, str_of(r->text)) : STR_NONE;
		else
			x->body = arena_dup(j->arena, r->body);
		x->error = r->err       ? arena_printf(j->arena, "%s: %s", err_text(r->err), r->text)
			   : !r->body.n ? arena_printf(j->arena, "the peer answered %d", r->status)
					: arena_printf(j->arena, "%d %.*s", r->status,
						       STR_ARG(str_cut(r->body, TURN_REASON_MAX)));
		j->in = x;
		j->work = answer_work;
		j->answer = answer_after;
		answer_take(s, j, x->status >= 200 && x->status < 300);
	}
	kick(o);
	free(s);
}

static enum err entry_submit(struct outbox *o, struct sending *s, struct arena *a)
{
	struct ds *d = o->d;
	const struct ds_self *self;
	struct store_txn *t = ds_txn(o->shard);
	struct courier_header h[FLOW_HEADERS] = {{"content-type", "application/json"},
						 {"accept", "application/json"}};
	struct courier_req q = {.method = "POST",
				.headers = h,
				.headers_n = 3,
				.deadline = 20 * USEC_PER_SEC,
				.body_max = OUTBOX_ANSWER_MAX,
				.done = send_done,
				.arg = s};
	struct str token;
	uint64_t ticket;
	Ds__Outbox *e;
	enum err err = outbox_find(t, a, str_of(s->wake.participant), s->wake.seq, &e);

	if (!err) err = ds_self_find(d, t, str_of(e->participant), &self);
	if (!err) err = ds_token_make_with(d, self, str_of(e->peer), issuer_given(t, a, e), a, &token);
	if (err) return err;
	h[2] = (struct courier_header){"authorization", token.p};
	s->presumed = presumed(e);
	s->signal = e->kind == DS_OUTBOX_SIGNAL;
	q.url = e->url;
	q.body = str_of(e->body);
	err = renewal_fill(d, t, a, e, &q.body);
	if (err) return err;
	if (e->kind != DS_OUTBOX_FLOW_DATA) return courier_submit(d->o.courier, &q, &ticket);
	err = data_enter(s, e, a, ds_txn_fresh(o->shard));
	if (!err) err = flow_push_fill(d, ds_txn(o->shard), a, e, &q, h);
	return err ? err : data_submit(s, &q);
}

static void entry_send(struct outbox *o, struct wake *w)
{
	struct arena *a = arena_new(SEND_ARENA);
	struct sending *s = calloc(1, sizeof *s);
	enum err e;

	must(a && s);
	s->o = o;
	s->wake = *w;
	atomic_fetch_add(&o->sending, 1);
	e = entry_submit(o, s, a);
	arena_free(a);
	if (!e) {
		free(w);
		return;
	}
	atomic_fetch_sub(&o->sending, 1);
	data_leave(s);
	free(s);
	if (e == ERR_NOT_FOUND || e == ERR_STOPPING) {
		free(w);
		return;
	}
	w->due = clock_wall() + o->d->o.outbox_retry;
	heap_put(o, w);
}

/* The partner's next message has told already, and the entry is gone: the writer need not be asked. */
static bool told(struct outbox *o, const struct wake *w)
{
	struct arena *a = arena_new(LOAD_ARENA);
	Ds__Outbox *e;
	bool gone =
	    a && outbox_find(ds_txn(o->shard), a, str_of(w->participant), w->seq, &e) == ERR_NOT_FOUND;

	arena_free(a);
	return gone;
}

static void due_take(struct outbox *o, struct wake *w)
{
	if (w->job && told(o, w))
		wake_free(w);
	else if (w->job)
		answer_submit(o, w);
	else
		entry_send(o, w);
}

static void timer_fired(void *arg)
{
	struct outbox *o = arg;

	o->timer = NULL;
	outbox_turn(o);
}

static void timer_set(struct outbox *o, usec_t now)
{
	usec_t due;

	if (!o->heap_n || o->d->stopping || atomic_load(&o->sending) >= OUTBOX_SENDING_MAX) return;
	due = o->heap[0]->due;
	if (o->timer && o->timer_due <= due) return;
	net_timer_stop(o->timer);
	o->timer_due = due;
	o->timer = net_timer_start(o->shard, due > now ? due - now : 0, timer_fired, o);
}

static void outbox_turn(void *arg)
{
	struct outbox *o = arg;
	struct wake *in, *next;
	usec_t now = clock_wall();

	pthread_mutex_lock(&o->lock);
	in = o->inbox;
	o->inbox = NULL;
	o->posted = false;
	pthread_mutex_unlock(&o->lock);
	for (; in; in = next) {
		next = in->next;
		heap_put(o, in);
	}
	if (o->d->stopping) return;
	(void)ds_txn_fresh(o->shard);
	while (o->heap_n && o->heap[0]->due <= now && atomic_load(&o->sending) < OUTBOX_SENDING_MAX)
		due_take(o, heap_take(o));
	timer_set(o, now);
}

static enum err load_one(void *arg, const Ds__Outbox *e)
{
	struct outbox *o = arg;
	struct wake *w = wake_make(str_of(e->participant), e->seq, e->due);

	w->next = o->inbox;
	o->inbox = w;
	return ERR_OK;
}

enum err outbox_start(struct outbox *o, struct net_shard *s)
{
	struct arena *a = arena_new(LOAD_ARENA);
	struct store_txn *t;
	enum err e;

	o->shard = s; /* before the snapshot: what is committed after it wakes us */
	e = a ? store_read(o->d->o.store, &t) : ERR_NO_MEMORY;
	if (!e) {
		pthread_mutex_lock(&o->lock);
		e = outbox_each(t, a, load_one, o);
		pthread_mutex_unlock(&o->lock);
		store_read_end(t);
	}
	arena_free(a);
	if (!e) kick(o);
	return e;
}
