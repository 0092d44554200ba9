/* Direct transactions: for who puts much in the order of its keys, as a first load does.
 *
 * Their changes go into LMDB at once, in one of its own transactions with both of its flushes, and neither
 * into a journal nor a memtable: a row is copied once, where the way through both copies it four times and
 * hashes it. What lies in the memtable is folded first, in the same transaction, so that the layers are
 * empty over what it leaves. Nothing is folded meanwhile: who writes keeps others from sealing. */
#include "base/store_env.h"

#include <lmdb.h>
#include <stdlib.h>

#include "base/feed_op.h"

/* Room in the map that a transaction had better find at its beginning. One that needs more, or begins with
 * less because a reader holds the map in place, fails as a whole. */
enum { ROOM = 4 * STORE_DIRECT_OCTETS };
static const usec_t CALM_PATIENCE = 2 * USEC_PER_MSEC; /* what growing may cost a reader */

struct store_direct {
	struct layers none; /* what its transaction sees over LMDB */
	bool over;          /* there was something in the memtable */
	size_t octets;
	struct feed_walk kept; /* the last operation noted; the store's ops are as the feed keeps them */
	MDB_cursor *cursor[STORE_APP + STORE_TABLES_MAX];
	bool scattered[STORE_APP + STORE_TABLES_MAX]; /* a key came that is not beyond all others */
};

size_t store__direct_octets(const struct store_txn *t)
{
	return t->direct->octets;
}

static void close_cursors(struct store_direct *d)
{
	for (size_t i = 0; i < sizeof d->cursor / sizeof *d->cursor; i++) {
		if (d->cursor[i]) mdb_cursor_close(d->cursor[i]);
		d->cursor[i] = NULL;
		d->scattered[i] = false;
	}
}

static struct store_txn *txn_of(struct store *s)
{
	if (s->direct) return s->direct;
	struct store_txn *t = aligned_alloc(_Alignof(struct store_txn), sizeof *t);
	struct store_direct *d = calloc(1, sizeof *d);
	if (!t || !d) {
		free(t);
		free(d);
		return NULL;
	}
	memset(t, 0, sizeof *t);
	t->store = s;
	t->direct = d;
	return s->direct = t;
}

void store__free_direct(struct store *s)
{
	if (!s->direct) return;
	free(s->direct->direct);
	free(s->direct);
	s->direct = NULL;
}

/* ---- beginning --------------------------------------------------------------------------- */

static bool has_room(struct store *s)
{
	if (!s->env || store__tight(s)) return false;
	while (s->map - store__used(s) < ROOM)
		if (store__grow(s, CALM_PATIENCE)) break;
	return true;
}

static enum err begin_mdb(struct store *s, struct store_txn *t)
{
	const struct memtable *m = atomic_load(&s->layers)->mem[0];
	t->direct->over = !memtable_empty(m);
	int rc = mdb_txn_begin(s->env, NULL, 0, &t->mdb);
	if (rc) return store__failed(s, rc);
	if (t->direct->over) rc = store__fold_into(s, t->mdb, m, s->commit);
	if (!rc) return ERR_OK;
	mdb_txn_abort(t->mdb);
	t->mdb = NULL;
	return store__failed(s, rc);
}

static void stop_writing(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->writing = false;
	pthread_mutex_unlock(&s->lock);
}

enum err store_write_directly(struct store *s, struct store_txn **ret)
{
	struct store_txn *t = txn_of(s);
	if (!t) return ERR_NO_MEMORY;
	pthread_mutex_lock(&s->lock);
	must(!s->writing);
	enum err e = store__wait_folded(s);
	if (!e) s->writing = true;
	pthread_mutex_unlock(&s->lock);
	if (e) return e;
	e = has_room(s) ? begin_mdb(s, t) : ERR_BUSY;
	if (e) {
		stop_writing(s);
		return e;
	}
	if (!s->ops.max) store__init_ops(s);
	store__begin_changes(s, t);
	t->direct->octets = 0;
	feed_keep_begin(&t->direct->kept);
	atomic_store_explicit(&t->layers, &t->direct->none, memory_order_relaxed);
	*ret = t;
	return ERR_OK;
}

/* ---- changing ---------------------------------------------------------------------------- */

static int put_row(struct store_txn *t, const struct feed_op *op)
{
	struct store_direct *d = t->direct;
	MDB_cursor **c = &d->cursor[op->table];
	MDB_val k = {op->key.n, (void *)(uintptr_t)op->key.p},
		v = {op->value.n, (void *)(uintptr_t)op->value.p};
	int rc = *c ? 0 : mdb_cursor_open(t->mdb, t->store->dbi[op->table], c);
	if (rc || op->kind == FEED_DEL) {
		if (!rc) rc = mdb_cursor_get(*c, &k, NULL, MDB_SET);
		return rc ? rc : mdb_cursor_del(*c, 0);
	}
	rc = d->scattered[op->table] ? MDB_KEYEXIST : mdb_cursor_put(*c, &k, &v, MDB_APPEND);
	if (rc != MDB_KEYEXIST) return rc;
	d->scattered[op->table] = true;
	return mdb_cursor_put(*c, &k, &v, 0);
}

enum err store__change_directly(struct store_txn *t, const struct feed_op *op)
{
	struct store *s = t->store;
	if (!t->by_row) t->poison = feed_keep_op(&t->direct->kept, s->told[op->table], op, &s->ops);
	if (t->poison) return t->poison;
	int rc = put_row(t, op);
	if (rc) return t->poison = store__err(rc);
	t->direct->octets += op->key.n + op->value.n;
	s->change++;
	t->changes++;
	return ERR_OK;
}

/* ---- ending ------------------------------------------------------------------------------ */

void store__abort_directly(struct store_txn *t)
{
	struct store *s = t->store;
	close_cursors(t->direct);
	if (t->mdb) mdb_txn_abort(t->mdb);
	t->mdb = NULL;
	t->write = false;
	if (t->changes) memset(s->tail, 0, sizeof s->tail);
	store__end_ops(s);
	stop_writing(s);
}

/* The layers that readers have cover the next transaction of LMDB as well, if they are empty: so none has
 * to wait between its end and theirs. Holds the lock. */
static void reach_ahead(struct store *s, bool ahead)
{
	struct layers *l = atomic_load(&s->layers);
	store__set_limit(s, l);
	if (ahead) atomic_fetch_add(&l->limit, 1);
}

static enum err commit_mdb(struct store_txn *t)
{
	struct store *s = t->store;
	close_cursors(t->direct);
	int rc = store__note_folded(s, t->mdb, s->commit + 1);
	if (rc)
		mdb_txn_abort(t->mdb);
	else
		rc = mdb_txn_commit(t->mdb);
	t->mdb = NULL;
	return rc ? store__failed(s, rc) : ERR_OK;
}

enum err store__commit_this_directly(struct store_txn *t)
{
	struct store *s = t->store;
	bool over = t->direct->over;
	struct memtable *empty = over ? memtable_new() : NULL;
	struct layers *fresh = empty ? store__layers_new(empty, NULL) : NULL;
	enum err e = over && !fresh ? ERR_NO_MEMORY : ERR_OK;
	pthread_mutex_lock(&s->lock);
	reach_ahead(s, !over);
	pthread_mutex_unlock(&s->lock);
	if (!e) e = commit_mdb(t);
	if (e) {
		memtable_free(empty);
		free(fresh);
		pthread_mutex_lock(&s->lock);
		reach_ahead(s, false);
		pthread_mutex_unlock(&s->lock);
		store__abort_directly(t);
		return e;
	}
	pthread_mutex_lock(&s->lock);
	s->folded = ++s->commit;
	if (fresh) store__replace_layers(s, fresh);
	journal_restart(&s->journal[s->active]);
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->visible, s->change);
	t->write = false;
	store__end_ops(s);
	stop_writing(s);
	return ERR_OK;
}
