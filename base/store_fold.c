#include "base/store_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/processor.h"
#include "base/wire.h"

/* A journal is sealed at SEAL_AT: large enough that pages which many commits touch are written once
 * for all of them, small enough that a start puts it back within tens of milliseconds. */
enum { SEAL_AT = 4 << 20 };
/* Who answers goes first where processors are scarce: folding may take its time, a journal lasts. */
enum { NICE = 10 };
static const usec_t QUIET = USEC_PER_SEC; /* without commits: fold, so that reads are LMDB's alone */
static const usec_t RETRY_PAUSE = 200 * USEC_PER_MSEC; /* after a disk that failed */
static const usec_t GROW_PATIENCE = 5 * USEC_PER_SEC;  /* for readers of a map that is full */
static const usec_t CALM_PATIENCE = 2 * USEC_PER_MSEC; /* what a growth that can wait may cost a reader */
/* What a full journal may come to in LMDB's pages, generously; see store__tight. */
enum { TIGHT = 8 * SEAL_AT };

bool store__tight(struct store *s)
{
	return s->env && store__used(s) + TIGHT > s->map_max;
}

/* ---- one memtable into LMDB -------------------------------------------------------------- */

struct run {
	MDB_cursor *cursor;
	unsigned table;
	bool open, beyond; /* beyond: every key from here on is larger than LMDB's last */
	char last[STORE_KEY_MAX];
	size_t last_n;
};

static int begin_table(struct store *s, MDB_txn *t, struct run *r, unsigned table)
{
	MDB_val k, v;
	if (r->open) mdb_cursor_close(r->cursor);
	r->open = false;
	int rc = mdb_cursor_open(t, s->dbi[table], &r->cursor);
	if (rc) return rc;
	r->open = true;
	r->table = table;
	rc = mdb_cursor_get(r->cursor, &k, &v, MDB_LAST);
	r->beyond = rc == MDB_NOTFOUND;
	if (!rc) memcpy(r->last, k.mv_data, r->last_n = k.mv_size);
	return r->beyond ? 0 : rc;
}

static int fold_entry(struct run *r, const struct mem_entry *e)
{
	struct str key = mem_key(e), value = mem_value(e);
	MDB_val k = {key.n, (void *)(uintptr_t)key.p}, v = {value.n, (void *)(uintptr_t)value.p};
	if (!r->beyond) r->beyond = str_cmp(key, str_n(r->last, r->last_n)) > 0;
	if (e->kind == FEED_PUT) return mdb_cursor_put(r->cursor, &k, &v, r->beyond ? MDB_APPEND : 0);
	int rc = r->beyond ? MDB_NOTFOUND : mdb_cursor_get(r->cursor, &k, NULL, MDB_SET);
	if (!rc) rc = mdb_cursor_del(r->cursor, 0);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int store__note_folded(struct store *s, MDB_txn *t, uint64_t commit)
{
	unsigned char row[16];
	char name[] = "folded";
	MDB_val k = {sizeof name - 1, name}, v = {sizeof row, row};
	struct wire w = wire_writer(row, sizeof row);
	wire_put_u64(&w, s->number);
	wire_put_u64(&w, commit);
	return mdb_put(t, s->dbi[STORE_META], &k, &v, 0);
}

int store__fold_into(struct store *s, MDB_txn *t, const struct memtable *m, uint64_t commit)
{
	struct run r = {.open = false};
	int rc = 0;
	for (const struct mem_entry *e = memtable_walk(m, NULL); e && !rc; e = memtable_walk(m, e)) {
		if (!r.open || r.table != e->table) rc = begin_table(s, t, &r, e->table);
		if (!rc) rc = fold_entry(&r, e);
		processor_offer();
	}
	if (r.open) mdb_cursor_close(r.cursor);
	return rc ? rc : store__note_folded(s, t, commit);
}

static int try_fold(struct store *s, const struct memtable *m, uint64_t commit)
{
	MDB_txn *t;
	int rc = mdb_txn_begin(s->env, NULL, 0, &t);
	if (rc) return rc;
	rc = store__fold_into(s, t, m, commit);
	if (!rc) return mdb_txn_commit(t);
	mdb_txn_abort(t);
	return rc;
}

bool store__disk_is_full(const struct store *s)
{
	enum { LEAST = 1 << 20 };
	struct statvfs st;
	return !statvfs(s->folder, &st) && (uint64_t)st.f_bavail * st.f_frsize < LEAST;
}

/* After a failed write or flush nothing that the kernel still holds of it can be trusted to reach the disk:
 * begin afresh from what is there. */
enum err store__failed(struct store *s, int rc)
{
	bool full = rc == EIO && store__disk_is_full(s); /* it calls a write that was taken half EIO */
	bool whole = rc == ENOSPC || rc == ENOMEM || rc == MDB_TXN_FULL || rc == MDB_MAP_FULL;
	if (!whole) (void)!store__reopen(s);
	return full ? ERR_NO_SPACE : store__err(rc);
}

enum err store__fold(struct store *s, const struct memtable *m, uint64_t commit)
{
	enum err e = s->env ? ERR_OK : store__reopen(s);
	if (e) return e;
	if (store__used(s) > s->map / 4 * 3 && s->map < s->map_max) (void)!store__grow(s, CALM_PATIENCE);
	int rc;
	while ((rc = try_fold(s, m, commit)) == MDB_MAP_FULL) {
		e = store__grow(s, GROW_PATIENCE);
		if (e) return e == ERR_BUSY ? ERR_NO_SPACE : e;
	}
	return rc ? store__failed(s, rc) : ERR_OK;
}

/* ---- the folding thread ------------------------------------------------------------------ */

static void wait_for(struct store *s, pthread_cond_t *c, usec_t at_most)
{
	usec_t until = store__now() + at_most;
	struct timespec at = {.tv_sec = until / USEC_PER_SEC, .tv_nsec = until % USEC_PER_SEC * 1000};
	(void)pthread_cond_timedwait(c, &s->lock, &at);
}

/* Holds the lock. */
static void finish(struct store *s, struct layers *fresh, uint64_t commit)
{
	s->folded = commit;
	store__replace_layers(s, fresh);
}

/* Holds the lock, but not while it works. */
static void fold_sealed(struct store *s)
{
	struct layers *now = atomic_load(&s->layers), *fresh = store__layers_new(now->mem[0], NULL);
	uint64_t commit = s->sealed_commit;
	s->hurry = false;
	pthread_mutex_unlock(&s->lock);
	enum err e = fresh ? store__fold(s, now->mem[1], commit) : ERR_NO_MEMORY;
	pthread_mutex_lock(&s->lock);
	s->fold_error = e;
	s->fold_tries++;
	s->fold_failures += e != ERR_OK;
	if (e)
		free(fresh);
	else
		finish(s, fresh, commit);
	pthread_cond_broadcast(&s->folded_once);
	if (e && !s->stopping && !s->hurry) wait_for(s, &s->wake, RETRY_PAUSE);
}

/* Time until what lies in the memtable is to be sealed; 0: now. Holds the lock. */
static usec_t patience(struct store *s)
{
	if (s->writing) return QUIET;
	if (s->stopping || s->hurry) return 0;
	usec_t quiet = store__now() - s->last_commit;
	return quiet >= QUIET ? 0 : QUIET - quiet;
}

static void seal_in_time(struct store *s)
{
	usec_t wait = patience(s);
	if (wait)
		wait_for(s, &s->wake, wait);
	else if (store__seal(s))
		wait_for(s, &s->wake, RETRY_PAUSE);
}

static void wait_idle(struct store *s)
{
	s->idle = true;
	pthread_cond_wait(&s->wake, &s->lock);
	s->idle = false;
}

static void *fold_on(void *arg)
{
	struct store *s = arg;
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread alone */
	(void)pthread_setname_np(pthread_self(), "fold");
	pthread_mutex_lock(&s->lock);
	for (;;) {
		bool failed = s->fold_error != ERR_OK;
		if (s->stopping && (failed || !store__unfolded(s))) break;
		store__free_replaced(s);
		if (store__sealed(s))
			fold_sealed(s);
		else if (store__unfolded(s))
			seal_in_time(s);
		else if (s->replaced)
			wait_for(s, &s->wake, QUIET);
		else
			wait_idle(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

enum err store__fold_start(struct store *s)
{
	s->running = true; /* before the thread is: from then on its neighbours are the lock's */
	if (!pthread_create(&s->thread, NULL, fold_on, s)) return ERR_OK;
	s->running = false;
	return ERR_NO_MEMORY;
}

void store__fold_stop(struct store *s)
{
	if (!s->running) return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	s->fold_error = ERR_OK; /* one more try */
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->running = false;
}

/* ---- waiting for it ---------------------------------------------------------------------- */

/* One try that began after this call, or none is needed. Holds the lock. */
static enum err wait_folded(struct store *s)
{
	/* a try under way may be of before: its failure does not count, its success does */
	uint64_t enough = s->fold_tries + 2;
	s->hurry = true;
	pthread_cond_signal(&s->wake);
	while (store__sealed(s) && s->fold_tries < enough) {
		pthread_cond_wait(&s->folded_once, &s->lock);
		s->hurry = true;
		pthread_cond_signal(&s->wake);
	}
	return store__sealed(s) ? s->fold_error : ERR_OK;
}

enum err store__wait_folded(struct store *s)
{
	return store__sealed(s) ? wait_folded(s) : ERR_OK;
}

static bool is_full(struct store *s)
{
	return journal_octets(&s->journal[s->active]) >= SEAL_AT;
}

static enum err seal_and_wake(struct store *s)
{
	enum err e = store__seal(s);
	pthread_cond_signal(&s->wake);
	return e;
}

enum err store__make_room(struct store *s)
{
	if (!is_full(s)) return ERR_OK;
	enum err e = store__wait_folded(s);
	return !e && is_full(s) ? seal_and_wake(s) : e;
}

void store__committed(struct store *s)
{
	s->last_commit = store__now();
	if (store__sealed(s) || !store__unfolded(s)) return;
	if (is_full(s) || s->hurry)
		(void)!seal_and_wake(s); /* without memory the next one tries again */
	else if (s->idle)
		pthread_cond_signal(&s->wake); /* it begins to look out for quiet */
}

enum err store__fold_all(struct store *s)
{
	enum err e = ERR_OK;
	pthread_mutex_lock(&s->lock);
	uint64_t want = s->commit;
	for (uint64_t tries = s->fold_tries; s->folded < want && s->fold_tries < tries + 3;) {
		s->hurry = true;
		pthread_cond_signal(&s->wake);
		wait_for(s, &s->folded_once, RETRY_PAUSE);
	}
	if (s->folded < want) e = s->fold_error ? s->fold_error : ERR_BUSY;
	pthread_mutex_unlock(&s->lock);
	return e;
}

enum err store__commit_directly(struct store *s)
{
	struct memtable *empty = memtable_new();
	struct layers *fresh = empty ? store__layers_new(empty, NULL) : NULL;
	enum err e = fresh ? ERR_OK : ERR_NO_MEMORY;
	pthread_mutex_lock(&s->lock);
	if (!e) e = store__wait_folded(s);
	pthread_mutex_unlock(&s->lock);
	/* it cannot seal another while this thread writes */
	if (!e) e = store__fold(s, atomic_load(&s->layers)->mem[0], s->commit + 1);
	if (e) {
		memtable_free(empty);
		free(fresh);
		return e;
	}
	pthread_mutex_lock(&s->lock);
	finish(s, fresh, s->commit + 1);
	journal_restart(&s->journal[s->active]);
	pthread_mutex_unlock(&s->lock);
	return ERR_OK;
}
