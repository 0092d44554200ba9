#include "base/store_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

#include "base/feed_op.h"

struct store_cursor {
	MDB_cursor *mdb;
	struct store_txn *txn;
};

enum err store__err(int rc)
{
	switch (rc) {
	case MDB_SUCCESS: return ERR_OK;
	case MDB_NOTFOUND: return ERR_NOT_FOUND;
	case MDB_KEYEXIST: return ERR_EXISTS;
	case MDB_MAP_FULL: return ERR_NO_SPACE;
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE: return ERR_TOO_LARGE;
	case MDB_READERS_FULL: return ERR_BUSY;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE: return ERR_CORRUPT;
	case ENOSPC:
	case EDQUOT: return ERR_NO_SPACE;
	case ENOMEM: return ERR_NO_MEMORY;
	default: return ERR_IO;
	}
}

/* Readers. How long one waits for an environment that broke to be opened again. */
#define REOPEN_WAIT (2 * USEC_PER_SEC)

static bool wait_reopened(struct store *s, unsigned opening)
{
	struct timespec until;
	must(clock_gettime(CLOCK_REALTIME, &until) == 0);
	until.tv_sec += REOPEN_WAIT / USEC_PER_SEC;
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	while (!rc && atomic_load(&s->opening) == opening)
		rc = pthread_cond_timedwait(&s->opened, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	return !rc;
}

static int take_snapshot(struct store_txn *t)
{
	if (!t->store->env) return MDB_PANIC;
	if (t->mdb) return mdb_txn_renew(t->mdb);
	return mdb_txn_begin(t->store->env, NULL, MDB_RDONLY, &t->mdb);
}

enum err store_read_renew(struct store_txn *t)
{
	must(!t->write && !atomic_load_explicit(&t->live, memory_order_relaxed));
	for (int tries = 0;; tries++) {
		store__enter(t);
		unsigned opening = atomic_load(&t->store->opening);
		int rc = take_snapshot(t);
		if (!rc) return ERR_OK;
		store__leave(t);
		if (rc != MDB_PANIC || tries || !wait_reopened(t->store, opening)) return store__err(rc);
	}
}

enum err store_read(struct store *s, struct store_txn **ret)
{
	struct store_txn *t = aligned_alloc(_Alignof(struct store_txn), sizeof *t);
	if (!t) return ERR_NO_MEMORY;
	*t = (struct store_txn){.store = s};
	store__enlist(t);
	enum err e = store_read_renew(t);
	if (e) {
		store__delist(t);
		free(t);
		return e;
	}
	*ret = t;
	return ERR_OK;
}

void store_read_reset(struct store_txn *t)
{
	must(!t->write && atomic_load_explicit(&t->live, memory_order_relaxed));
	mdb_txn_reset(t->mdb);
	store__leave(t);
}

void store_read_end(struct store_txn *t)
{
	if (!t) return;
	must(!t->write);
	/* also one that was reset holds a slot of the environment: enter, so that none is moved now */
	if (!atomic_load_explicit(&t->live, memory_order_relaxed)) store__enter(t);
	if (t->mdb) mdb_txn_abort(t->mdb);
	store__leave(t);
	store__delist(t);
	free(t);
}

uint64_t store_txn_version(const struct store_txn *t)
{
	return mdb_txn_id(t->mdb);
}

/* Writing. How long growth may hold readers up: when the map is full (in slices of the gate's
 * patience), and when it is merely getting so. */
#define GROW_PATIENCE (5 * USEC_PER_SEC)

enum err store_write(struct store *s, struct store_txn **ret)
{
	must(!s->writing);
	enum err e = s->env ? ERR_OK : store__reopen(s);
	if (!e && s->want_growth) e = store__grow(s, GROW_PATIENCE);
	if (e && e != ERR_NO_SPACE) return e; /* as large as it may be: rows may still be deleted */
	struct store_txn *t = aligned_alloc(_Alignof(struct store_txn), sizeof *t);
	if (!t) return ERR_NO_MEMORY;
	*t = (struct store_txn){.store = s, .write = true};
	int rc = mdb_txn_begin(s->env, NULL, 0, &t->mdb);
	if (rc == MDB_PANIC && !(e = store__reopen(s))) rc = mdb_txn_begin(s->env, NULL, 0, &t->mdb);
	if (rc) {
		free(t);
		return store__err(rc);
	}
	s->writing = true;
	*ret = t;
	return ERR_OK;
}

static void end_write(struct store_txn *t)
{
	t->store->writing = false;
	if (t->full) t->store->want_growth = true;
	free(t);
}

void store_abort(struct store_txn *t)
{
	if (!t) return;
	must(t->write);
	mdb_txn_abort(t->mdb);
	end_write(t);
}

enum err store__commit(struct store_txn *t, bool recorded)
{
	must(t->write);
	struct store *s = t->store;
	enum err e = t->poison;
	if (e) {
		store_abort(t);
		return e;
	}
	uint64_t txn = mdb_txn_id(t->mdb);
	(void)mdb_env_set_flags(s->env, MDB_NOMETASYNC, recorded);
	int rc = mdb_txn_commit(t->mdb);
	(void)mdb_env_set_flags(s->env, MDB_NOMETASYNC, 0);
	if (rc == MDB_MAP_FULL) t->full = true;
	end_write(t);
	if (!rc) return ERR_OK;
	/* it is answered with an error: the next start must not bring it back */
	if (recorded) store__void_record(s, txn);
	/* After a failed write or flush nothing that the kernel still holds of it can be trusted
	 * to reach the disk: begin afresh from what is there. A failure leaves env NULL: the next
	 * write tries again. */
	if (rc != MDB_MAP_FULL && rc != ENOSPC) (void)!store__reopen(s);
	return store__err(rc);
}

enum err store_commit(struct store_txn *t)
{
	return store__commit(t, false);
}

bool store_dirty(const struct store_txn *t)
{
	return t->changes || t->poison;
}

struct store *store_of(const struct store_txn *t)
{
	return t->store;
}

enum err store__poison(const struct store_txn *t)
{
	return t->poison;
}

bool store__full(const struct store_txn *t)
{
	return t->full;
}

uint64_t store__changes(const struct store_txn *t)
{
	return t->changes;
}

bool store__wants_growth(const struct store *s)
{
	return s->want_growth;
}

void store__collect(struct store_txn *t, struct buf *ops)
{
	t->collect = ops;
}

/* Values. */

static enum err failed(struct store_txn *t, int rc)
{
	enum err e = store__err(rc);
	if (t->write && !t->poison) {
		t->poison = e;
		t->full = rc == MDB_MAP_FULL;
	}
	return e;
}

static MDB_val val_of(struct str s)
{
	return (MDB_val){s.n, (void *)(uintptr_t)s.p};
}

static unsigned dbi_of(const struct store_txn *t, unsigned table)
{
	must(table < t->store->tables_n);
	return t->store->dbi[table];
}

enum err store_get(struct store_txn *t, unsigned table, struct str key, struct str *ret)
{
	if (t->poison) return t->poison;
	if (!key.n || key.n > STORE_KEY_MAX) return ERR_NOT_FOUND;
	MDB_val k = val_of(key), v;
	int rc = mdb_get(t->mdb, dbi_of(t, table), &k, &v);
	if (rc == MDB_NOTFOUND) return ERR_NOT_FOUND;
	if (rc) return failed(t, rc);
	*ret = str_n(v.mv_data, v.mv_size);
	return ERR_OK;
}

static enum err changed(struct store_txn *t, const struct feed_op *op)
{
	t->changes++;
	if (!t->collect || op->table == STORE_FEED) return ERR_OK;
	feed_op_write(t->collect, op);
	t->poison = buf_err(t->collect);
	return t->poison;
}

static enum err put(struct store_txn *t, const struct feed_op *op, unsigned flags)
{
	must(t->write);
	if (t->poison) return t->poison;
	if (!op->key.n || op->key.n > STORE_KEY_MAX) return t->poison = ERR_TOO_LARGE;
	MDB_val k = val_of(op->key), v = val_of(op->value);
	int rc = mdb_put(t->mdb, dbi_of(t, op->table), &k, &v, flags);
	if (rc == MDB_KEYEXIST) return ERR_EXISTS;
	return rc ? failed(t, rc) : changed(t, op);
}

enum err store_put(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	return put(t, &(struct feed_op){FEED_PUT, table, key, value}, 0);
}

enum err store_put_new(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	return put(t, &(struct feed_op){FEED_PUT, table, key, value}, MDB_NOOVERWRITE);
}

enum err store_append(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	return put(t, &(struct feed_op){FEED_PUT, table, key, value}, MDB_APPEND);
}

enum err store_del(struct store_txn *t, unsigned table, struct str key)
{
	must(t->write);
	if (t->poison) return t->poison;
	if (!key.n || key.n > STORE_KEY_MAX) return ERR_NOT_FOUND;
	MDB_val k = val_of(key);
	int rc = mdb_del(t->mdb, dbi_of(t, table), &k, NULL);
	if (rc == MDB_NOTFOUND) return ERR_NOT_FOUND;
	return rc ? failed(t, rc) : changed(t, &(struct feed_op){FEED_DEL, table, key, STR_NONE});
}

uint64_t store_count(struct store_txn *t, unsigned table)
{
	MDB_stat st = {0};
	if (!t->poison) must(!mdb_stat(t->mdb, dbi_of(t, table), &st));
	return st.ms_entries;
}

/* Cursors. */

enum err store_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **ret)
{
	if (t->poison) return t->poison;
	struct store_cursor *c = malloc(sizeof *c);
	if (!c) return ERR_NO_MEMORY;
	c->txn = t;
	int rc = mdb_cursor_open(t->mdb, dbi_of(t, table), &c->mdb);
	if (rc) {
		free(c);
		return failed(t, rc);
	}
	*ret = c;
	return ERR_OK;
}

void store_cursor_close(struct store_cursor *c)
{
	if (!c) return;
	mdb_cursor_close(c->mdb);
	free(c);
}

static enum err move(struct store_cursor *c, MDB_val k, MDB_cursor_op op, struct str ret[2])
{
	MDB_val v;
	if (c->txn->poison) return c->txn->poison;
	int rc = mdb_cursor_get(c->mdb, &k, &v, op);
	if (rc == MDB_NOTFOUND) return ERR_NOT_FOUND;
	if (rc) return failed(c->txn, rc);
	ret[0] = str_n(k.mv_data, k.mv_size);
	ret[1] = str_n(v.mv_data, v.mv_size);
	return ERR_OK;
}

static enum err move_out(struct store_cursor *c, MDB_cursor_op op, struct str *ret_key,
			 struct str *ret_value)
{
	struct str found[2];
	enum err e = move(c, (MDB_val){0, NULL}, op, found);
	if (e) return e;
	*ret_key = found[0];
	*ret_value = found[1];
	return ERR_OK;
}

enum err store_cursor_seek(struct store_cursor *c, struct str at_least, struct str *ret_key,
			   struct str *ret_value)
{
	if (!at_least.n) return move_out(c, MDB_FIRST, ret_key, ret_value);
	struct str found[2], key = str_first(at_least, STORE_KEY_MAX);
	enum err e = move(c, val_of(key), MDB_SET_RANGE, found);
	/* no key is longer than STORE_KEY_MAX, so the one equal to the cut text sorts before it */
	if (!e && at_least.n > STORE_KEY_MAX && str_eq(found[0], key))
		e = move(c, val_of(key), MDB_NEXT, found);
	if (e) return e;
	*ret_key = found[0];
	*ret_value = found[1];
	return ERR_OK;
}

enum err store_cursor_next(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	return move_out(c, MDB_NEXT, ret_key, ret_value);
}

enum err store_cursor_prev(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	return move_out(c, MDB_PREV, ret_key, ret_value);
}

enum err store_cursor_last(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	return move_out(c, MDB_LAST, ret_key, ret_value);
}

uint64_t store_u64(struct str s)
{
	uint64_t v = 0;
	must(s.n == 8);
	for (int i = 0; i < 8; i++) v = v << 8 | (unsigned char)s.p[i];
	return v;
}
