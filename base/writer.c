#include "base/writer.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/feed_state.h"
#include "base/ledger_state.h"
#include "base/store_env.h"

enum { QUEUE_DEFAULT = 65536, BATCH_DEFAULT = 1024 };
enum { NICE = 10 }; /* of the patient thread: who answers, and who waits for a commit, go first */

struct writer {
	struct store *store;
	struct ledger *ledger;
	struct feed *feed;
	size_t queue_max, batch_max;
	pthread_t thread, patient;
	/* the queue: a stack that submitters push on and the thread takes whole, then turns round */
	_Atomic(struct writer_cmd *) pushed;
	atomic_size_t waiting;
	atomic_bool asleep, stopping;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct writer_cmd *taken; /* the thread's own: oldest first */
	/* under the lock: a batch that the patient thread works on, while the other waits; it is to end */
	struct writer_cmd *handed;
	bool no_more;
	pthread_cond_t turn;
	void (*settled)(void *arg, enum err e);
	void *settled_arg;
	uint64_t feed_head, commit_usec;
	usec_t last_time;
	bool directly; /* the batch under way is */
	pthread_mutex_t stat_lock;
	struct writer_stat stat;
};

/* ---- one batch -------------------------------------------------------------------------- */

/* How an attempt at a batch ended. */
enum outcome {
	APPLIED,
	APPLY_AGAIN, /* without the command that was marked */
	BATCH_FAILED
};

/* The store's own failure: it is not this command's fault, and the others cannot fare better. */
static bool is_storage(enum err e)
{
	return e == ERR_NO_SPACE || e == ERR_IO || e == ERR_CORRUPT || e == ERR_NO_MEMORY;
}

/* What follows after last goes back to the front of what waits. */
static void cut_after(struct writer *w, struct writer_cmd *last)
{
	struct writer_cmd *rest = last->next, *end = rest;
	if (!rest) return;
	size_t n = 1;
	for (; end->next; end = end->next) n++;
	end->next = w->taken;
	w->taken = rest;
	last->next = NULL;
	atomic_fetch_add(&w->waiting, n);
}

/* A command that failed after it had written is marked, and everything is applied again without it. */
static enum outcome apply_one(struct writer_cmd *c, struct writer_txn *t, enum err *ret_err)
{
	uint64_t before = store__changes(t->store);
	enum err e = c->apply(c, t), poison = store__poison(t->store);
	if (poison && is_storage(poison)) {
		*ret_err = poison;
		return BATCH_FAILED;
	}
	c->result = e ? e : poison;
	if (!poison && (!e || store__changes(t->store) == before)) return APPLIED;
	return APPLY_AGAIN;
}

static enum outcome apply_all(struct writer *w, struct writer_cmd *first, struct writer_txn *t,
			      enum err *ret_err)
{
	for (struct writer_cmd *c = first; c; c = c->next) {
		if (c->result) continue;
		enum outcome o = apply_one(c, t, ret_err);
		if (o != APPLIED) return o;
		if (store__ample(t->store)) cut_after(w, c);
	}
	return APPLIED;
}

static enum err append_feed(struct writer *w, struct writer_txn *t)
{
	struct feed_entry entry = {.time = t->now};
	struct merkle_hash root;
	enum err e = ledger_head(w->ledger, t->store, &entry.ledger_size, &root);
	if (e) return e;
	memcpy(entry.ledger_root, root.b, sizeof entry.ledger_root);
	entry.ops = store__ops(t->store);
	entry.kept = w->directly;
	store__record_by_row(t->store);
	return w->feed->driver->append(w->feed, t->store, w->feed_head, &entry);
}

static usec_t batch_time(struct writer *w)
{
	usec_t now = clock_wall();
	if (now > w->last_time) w->last_time = now;
	return w->last_time;
}

static enum outcome commit(struct writer *w, struct writer_txn *t, enum err *ret_err)
{
	*ret_err = append_feed(w, t);
	if (*ret_err) {
		store_abort(t->store);
		return BATCH_FAILED;
	}
	usec_t from = clock_mono();
	*ret_err = store_commit(t->store);
	w->commit_usec += (uint64_t)(clock_mono() - from);
	if (*ret_err) return BATCH_FAILED;
	w->feed_head++;
	return APPLIED;
}

static enum outcome attempt(struct writer *w, struct writer_cmd *first, bool direct, enum err *ret_err)
{
	struct writer_txn t = {.ledger = w->ledger, .now = batch_time(w)};
	*ret_err = direct ? store_write_directly(w->store, &t.store) : ERR_BUSY;
	w->directly = !*ret_err;
	if (*ret_err) *ret_err = store_write(w->store, &t.store);
	if (*ret_err) return BATCH_FAILED;
	enum outcome o = apply_all(w, first, &t, ret_err);
	if (o == APPLIED && store_dirty(t.store)) return commit(w, &t, ret_err);
	store_abort(t.store);
	return o;
}

/* Until the batch is committed or cannot be. Each turn marks one command more. */
static enum err settle(struct writer *w, struct writer_cmd *first, uint64_t *ret_retried)
{
	enum err e = ERR_OK;
	bool direct = first->way == WRITER_DIRECT;
	for (*ret_retried = 0;; ++*ret_retried) {
		enum outcome o = attempt(w, first, direct, &e);
		if (o == APPLIED) return ERR_OK;
		if (o == BATCH_FAILED && !(direct && e == ERR_NO_SPACE)) return e;
		if (o == BATCH_FAILED) direct = false; /* a journal waits for the map to grow */
	}
}

static void count_batch(struct writer *w, struct writer_cmd *first, uint64_t retried)
{
	uint64_t n = 0, bad = 0;
	for (struct writer_cmd *c = first; c; c = c->next, n++) bad += c->result != ERR_OK;
	pthread_mutex_lock(&w->stat_lock);
	w->stat.commands += n;
	w->stat.failed += bad;
	w->stat.batches++;
	w->stat.retried += retried;
	w->stat.direct += w->directly;
	if (n > w->stat.largest_batch) w->stat.largest_batch = n;
	w->stat.commit_usec_total = w->commit_usec;
	pthread_mutex_unlock(&w->stat_lock);
}

static void run_batch(struct writer *w, struct writer_cmd *first)
{
	uint64_t head = w->feed_head, retried;
	enum err e = settle(w, first, &retried);
	/* also those that had failed on their own: what they saw of the others never came to be */
	if (e)
		for (struct writer_cmd *c = first; c; c = c->next) c->result = e;
	if (w->feed_head != head) feed_announce(w->feed, w->feed_head);
	count_batch(w, first, retried);
	if (w->settled) w->settled(w->settled_arg, e);
	for (struct writer_cmd *c = first, *next; c; c = next) {
		next = c->next;
		c->done(c, c->result);
	}
}

/* ---- the queue -------------------------------------------------------------------------- */

static struct writer_cmd *turned(struct writer_cmd *newest)
{
	struct writer_cmd *oldest = NULL;
	while (newest) {
		struct writer_cmd *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

/* Up to batch_max commands of one way, oldest first; NULL when none wait. */
static struct writer_cmd *take_batch(struct writer *w)
{
	if (!w->taken) w->taken = turned(atomic_exchange(&w->pushed, NULL));
	struct writer_cmd *first = w->taken, *last = first;
	size_t n = first != NULL;
	while (last && n < w->batch_max) {
		if (!last->next) last->next = turned(atomic_exchange(&w->pushed, NULL));
		if (!last->next || last->next->way != first->way) break;
		last = last->next;
		n++;
	}
	w->taken = last ? last->next : NULL;
	if (last) last->next = NULL;
	atomic_fetch_sub(&w->waiting, n);
	return first;
}

static void sleep_until_pushed(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->asleep, true);
	while (!atomic_load(&w->pushed) && !atomic_load(&w->stopping))
		pthread_cond_wait(&w->wake, &w->lock);
	atomic_store(&w->asleep, false);
	pthread_mutex_unlock(&w->lock);
}

/* ---- the patient thread ----------------------------------------------------------------- */

static void *run_patiently(void *arg)
{
	struct writer *w = arg;
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone */
	(void)pthread_setname_np(pthread_self(), "writer-patient");
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->handed && !w->no_more) pthread_cond_wait(&w->turn, &w->lock);
		struct writer_cmd *batch = w->handed;
		if (!batch) break;
		pthread_mutex_unlock(&w->lock);
		run_batch(w, batch);
		pthread_mutex_lock(&w->lock);
		w->handed = NULL;
		pthread_cond_broadcast(&w->turn);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void hand_over(struct writer *w, struct writer_cmd *batch)
{
	pthread_mutex_lock(&w->lock);
	w->handed = batch;
	pthread_cond_broadcast(&w->turn);
	while (w->handed) pthread_cond_wait(&w->turn, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void end_patient(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->no_more = true;
	pthread_cond_broadcast(&w->turn);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->patient, NULL);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	(void)pthread_setname_np(pthread_self(), "writer");
	for (;;) {
		struct writer_cmd *batch = take_batch(w);
		if (batch && batch->way != WRITER_SOON)
			hand_over(w, batch);
		else if (batch)
			run_batch(w, batch);
		else if (!atomic_load(&w->stopping))
			sleep_until_pushed(w);
		else if (!atomic_load(&w->waiting))
			return NULL;
		else
			sched_yield(); /* somebody counted is about to push */
	}
}

static void wake(struct writer *w)
{
	if (!atomic_load(&w->asleep)) return;
	pthread_mutex_lock(&w->lock);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

enum err writer_submit(struct writer *w, struct writer_cmd *c)
{
	/* counted before the look at `stopping`: the thread leaves only when nothing is counted */
	bool room = atomic_fetch_add(&w->waiting, 1) < w->queue_max;
	bool stopping = atomic_load(&w->stopping);
	if (stopping || !room) {
		atomic_fetch_sub(&w->waiting, 1);
		return stopping ? ERR_STOPPING : ERR_BUSY;
	}
	c->result = ERR_OK;
	struct writer_cmd *head = atomic_load(&w->pushed);
	do c->next = head;
	while (!atomic_compare_exchange_weak(&w->pushed, &head, c));
	wake(w);
	return ERR_OK;
}

/* ---- waiting for one -------------------------------------------------------------------- */

struct errand {
	struct writer_cmd cmd;
	struct writer_cmd *inner;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
	enum err result;
};

static enum err errand_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct errand *x = (struct errand *)c;
	return x->inner->apply(x->inner, t);
}

static void errand_done(struct writer_cmd *c, enum err result)
{
	struct errand *x = (struct errand *)c;
	if (x->inner->done) x->inner->done(x->inner, result);
	pthread_mutex_lock(&x->lock);
	x->result = result;
	x->done = true;
	pthread_cond_signal(&x->over);
	pthread_mutex_unlock(&x->lock);
}

enum err writer_run(struct writer *w, struct writer_cmd *c)
{
	struct errand x = {.cmd = {.apply = errand_apply, .done = errand_done, .way = c->way}, .inner = c};
	pthread_mutex_init(&x.lock, NULL);
	pthread_cond_init(&x.over, NULL);
	enum err e = writer_submit(w, &x.cmd);
	if (!e) {
		pthread_mutex_lock(&x.lock);
		while (!x.done) pthread_cond_wait(&x.over, &x.lock);
		e = x.result;
		pthread_mutex_unlock(&x.lock);
	}
	pthread_mutex_destroy(&x.lock);
	pthread_cond_destroy(&x.over);
	return e;
}

/* ---- life ------------------------------------------------------------------------------- */

/* Where the feed stands, and the time before which no batch may be. */
static enum err read_heads(struct writer *w)
{
	struct store_txn *t;
	struct feed_entry last;
	enum err e = store_read(w->store, &t);
	if (e) return e;
	e = w->feed->driver->head(w->feed, t, &w->feed_head);
	if (!e && w->feed_head) {
		e = w->feed->driver->read(w->feed, t, w->feed_head, &last);
		if (!e) w->last_time = last.time;
	}
	store_read_end(t);
	return e;
}

static void writer_free(struct writer *w)
{
	if (w->feed) w->feed->driver->close(w->feed);
	ledger_free(w->ledger);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->stat_lock);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->turn);
	free(w);
}

enum err writer_start(const struct writer_options *o, struct writer **ret)
{
	struct writer *w = calloc(1, sizeof *w);
	if (!w) return ERR_NO_MEMORY;
	w->store = o->store;
	w->queue_max = o->queue_max ? o->queue_max : QUEUE_DEFAULT;
	w->batch_max = o->batch_max ? o->batch_max : BATCH_DEFAULT;
	w->settled = o->settled;
	w->settled_arg = o->settled_arg;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->stat_lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	pthread_cond_init(&w->turn, NULL);
	enum err e = ledger_new(o->origin, &w->ledger);
	if (!e) e = feed_lmdb_open(o->store, o->feed_keep, &w->feed);
	if (!e) e = read_heads(w);
	if (!e && pthread_create(&w->patient, NULL, run_patiently, w)) e = ERR_NO_MEMORY;
	if (!e && pthread_create(&w->thread, NULL, run, w)) {
		end_patient(w);
		e = ERR_NO_MEMORY;
	}
	if (e) {
		writer_free(w);
		return e;
	}
	*ret = w;
	return ERR_OK;
}

void writer_stop(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->stopping, true);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	end_patient(w);
	writer_free(w);
}

void writer_stat(struct writer *w, struct writer_stat *ret)
{
	pthread_mutex_lock(&w->stat_lock);
	*ret = w->stat;
	pthread_mutex_unlock(&w->stat_lock);
	ret->queue = atomic_load(&w->waiting);
}

struct ledger *writer_ledger(struct writer *w)
{
	return w->ledger;
}

struct feed *writer_feed(struct writer *w)
{
	return w->feed;
}
