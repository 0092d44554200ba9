#include "base/store_env.h"

#include <errno.h>
#include <lmdb.h>
#include <sched.h>
#include <stdlib.h>

#include "base/feed_op.h"
#include "base/feed_state.h"

/* One command may change OPS_MAX, which LMDB's list of dirty pages still holds. */
enum { OPS_MAX = 128 << 20, OPS_KEPT = 256 << 10 }; /* kept between transactions: idle memory is small */
/* A larger commit holds everybody up for longer and gains nothing. */
enum { AMPLE = 3 << 20 };

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

static int take_mdb(struct store_txn *t)
{
	if (!t->store->env) return MDB_PANIC;
	if (t->mdb) return mdb_txn_renew(t->mdb);
	return mdb_txn_begin(t->store->env, NULL, MDB_RDONLY, &t->mdb);
}

/* LMDB takes a snapshot's number first and its roots after, from the page that the second commit from then
 * writes over: a thread that was held up between them has the roots of another. */
static bool is_own(const struct store_txn *t)
{
	MDB_envinfo info;
	return !mdb_env_info(t->store->env, &info) && info.me_last_txnid <= mdb_txn_id(t->mdb) + 1;
}

/* Layers, the last change, and LMDB's snapshot, so that they make a whole (base/store_env.h). */
static int take_snapshot(struct store_txn *t)
{
	struct store *s = t->store;
	for (;;) {
		struct layers *l = atomic_load(&s->layers);
		atomic_store(&t->layers, l);
		if (atomic_load(&s->layers) != l) continue; /* it may be freed already */
		t->snapshot = atomic_load(&s->visible);
		int rc = take_mdb(t);
		if (rc) {
			atomic_store(&t->layers, NULL);
			return rc;
		}
		if (mdb_txn_id(t->mdb) <= atomic_load(&l->limit) && is_own(t)) return 0;
		mdb_txn_reset(t->mdb);
		sched_yield(); /* the layers are being replaced this moment */
	}
}

static void give_up_snapshot(struct store_txn *t)
{
	mdb_txn_reset(t->mdb);
	atomic_store_explicit(&t->layers, NULL, memory_order_release);
	store__leave(t);
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

static struct store_txn *txn_new(struct store *s)
{
	struct store_txn *t = aligned_alloc(_Alignof(struct store_txn), sizeof *t);
	if (!t) return NULL;
	memset(t, 0, sizeof *t);
	t->store = s;
	store__enlist(t);
	return t;
}

enum err store_read(struct store *s, struct store_txn **ret)
{
	struct store_txn *t = txn_new(s);
	if (!t) return ERR_NO_MEMORY;
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
	give_up_snapshot(t);
}

/* Also one that was reset holds a slot of the environment: enter, so that none is moved now. */
static void txn_free(struct store_txn *t)
{
	if (!atomic_load_explicit(&t->live, memory_order_relaxed)) store__enter(t);
	if (t->mdb) mdb_txn_abort(t->mdb);
	atomic_store(&t->layers, NULL);
	store__leave(t);
	store__delist(t);
	free(t);
}

void store_read_end(struct store_txn *t)
{
	if (!t) return;
	must(!t->write);
	txn_free(t);
}

uint64_t store_txn_version(const struct store_txn *t)
{
	return t->snapshot;
}

/* Writing. One transaction is used again and again. */

static enum err begin_writing(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	must(!s->writing);
	enum err e = store__make_room(s);
	if (!e) s->writing = true; /* from here on nobody seals */
	pthread_mutex_unlock(&s->lock);
	return e;
}

void store__init_ops(struct store *s)
{
	buf_init(&s->ops, OPS_MAX);
}

void store__end_ops(struct store *s)
{
	if (s->ops.room > OPS_KEPT) {
		buf_done(&s->ops);
		store__init_ops(s);
	}
	buf_clear(&s->ops);
}

static void end_writing(struct store *s, bool committed)
{
	store__end_ops(s);
	pthread_mutex_lock(&s->lock);
	s->writing = false;
	if (committed) store__committed(s);
	pthread_mutex_unlock(&s->lock);
}

void store__begin_changes(const struct store *s, struct store_txn *t)
{
	t->write = true;
	t->snapshot = MEM_NEWEST;
	t->poison = ERR_OK;
	t->changes = 0;
	t->before = s->change;
	t->by_row = false;
}

static enum err begin_snapshot(struct store *s)
{
	struct store_txn *t = s->write ? s->write : (s->write = txn_new(s));
	if (!t) return ERR_NO_MEMORY;
	t->write = false;
	enum err e = store_read_renew(t);
	if (e) return e;
	store__begin_changes(s, t);
	t->feed_row = NULL;
	return ERR_OK;
}

enum err store_write(struct store *s, struct store_txn **ret)
{
	enum err e = begin_writing(s);
	if (e) return e;
	e = begin_snapshot(s);
	if (e) {
		end_writing(s, false);
		return e;
	}
	if (!s->ops.max) store__init_ops(s);
	*ret = s->write;
	return ERR_OK;
}

static void take_back(struct store_txn *t)
{
	struct store *s = t->store;
	if (!t->changes) return;
	memtable_remove_after(atomic_load(&s->layers)->mem[0], t->before);
	memset(s->tail, 0, sizeof s->tail);
}

void store_abort(struct store_txn *t)
{
	if (!t) return;
	must(t->write && t->store->writing);
	if (t->direct) {
		store__abort_directly(t);
		return;
	}
	take_back(t);
	if (atomic_load_explicit(&t->live, memory_order_relaxed)) give_up_snapshot(t);
	end_writing(t->store, false);
}

static void note_commit(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->commit++;
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->visible, s->change);
}

static enum err make_durable(struct store_txn *t)
{
	struct store *s = t->store;
	char row[sizeof(uint64_t) + FEED_ROW_HEAD];
	struct journal_record r = {s->commit + 1, JOURNAL_OPS, {buf_str(&s->ops), STR_NONE}};
	if (t->feed_row) {
		r.kind = JOURNAL_FEED_ROW;
		/* with every operation as it was made: what the feed keeps of them follows from that */
		memcpy(row, mem_key(t->feed_row).p, sizeof(uint64_t));
		memcpy(row + sizeof(uint64_t), mem_value(t->feed_row).p, FEED_ROW_HEAD);
		r.payload[0] = str_n(row, sizeof row);
		r.payload[1] = buf_str(&s->ops);
	}
	bool tight = store__tight(s);
	give_up_snapshot(t);
	if (tight || r.payload[0].n + r.payload[1].n > JOURNAL_PAYLOAD_MAX)
		return store__commit_directly(s);
	return journal_append(&s->journal[s->active], &r);
}

enum err store_commit(struct store_txn *t)
{
	must(t->write && t->store->writing);
	struct store *s = t->store;
	enum err e = t->poison;
	if (!e && t->changes && t->direct) return store__commit_this_directly(t);
	if (!e && t->changes) e = make_durable(t);
	if (e || !t->changes) {
		store_abort(t);
		return e;
	}
	note_commit(s);
	end_writing(s, true);
	return ERR_OK;
}

void store__commit_replayed(struct store_txn *t)
{
	must(t->write && t->store->writing && !t->poison);
	give_up_snapshot(t);
	note_commit(t->store);
	end_writing(t->store, false);
}

void store__free_write(struct store *s)
{
	txn_free(s->write);
	s->write = NULL;
}

bool store_dirty(const struct store_txn *t)
{
	return t->changes || t->poison;
}

struct store *store_of(const struct store_txn *t)
{
	return t->store;
}

enum store_told store_told(const struct store_txn *t, unsigned table)
{
	must(table < t->store->tables_n);
	return t->store->told[table];
}

enum err store__poison(const struct store_txn *t)
{
	return t->poison;
}

uint64_t store__changes(const struct store_txn *t)
{
	return t->changes;
}

bool store__ample(const struct store_txn *t)
{
	return t->direct ? store__direct_octets(t) > STORE_DIRECT_OCTETS : t->store->ops.n > AMPLE;
}

struct str store__ops(const struct store_txn *t)
{
	return buf_str(&t->store->ops);
}

void store__record_by_row(struct store_txn *t)
{
	t->by_row = true;
}

/* Values. */

static enum err failed(struct store_txn *t, int rc)
{
	enum err e = store__err(rc);
	if (t->write && !t->poison) t->poison = e;
	return e;
}

static unsigned dbi_of(const struct store_txn *t, unsigned table)
{
	must(table < t->store->tables_n);
	return t->store->dbi[table];
}

/* In the layers, newest first; NULL: only LMDB can know. */
static const struct mem_entry *find_recent(const struct store_txn *t, unsigned table, struct str key)
{
	const struct layers *l = atomic_load_explicit(&t->layers, memory_order_relaxed);
	for (int i = 0; i < LAYERS && l->mem[i]; i++) {
		const struct mem_entry *e = memtable_find(l->mem[i], table, key, t->snapshot);
		if (e) return e;
	}
	return NULL;
}

enum err store_get(struct store_txn *t, unsigned table, struct str key, struct str *ret)
{
	if (t->poison) return t->poison;
	if (!key.n || key.n > STORE_KEY_MAX) return ERR_NOT_FOUND;
	const struct mem_entry *recent = find_recent(t, table, key);
	if (recent && recent->kind == FEED_DEL) return ERR_NOT_FOUND;
	if (recent) {
		*ret = mem_value(recent);
		return ERR_OK;
	}
	MDB_val k = {key.n, (void *)(uintptr_t)key.p}, v;
	int rc = mdb_get(t->mdb, dbi_of(t, table), &k, &v);
	if (rc == MDB_NOTFOUND) return ERR_NOT_FOUND;
	if (rc) return failed(t, rc);
	*ret = str_n(v.mv_data, v.mv_size);
	return ERR_OK;
}

static enum err change(struct store_txn *t, const struct feed_op *op)
{
	struct store *s = t->store;
	if (t->direct) return store__change_directly(t, op);
	if (!t->by_row) feed_op_write(&s->ops, op);
	t->poison = buf_err(&s->ops);
	if (t->poison) return t->poison;
	const struct mem_entry *e =
	    memtable_add(atomic_load_explicit(&t->layers, memory_order_relaxed)->mem[0], op, s->change + 1);
	if (!e) return t->poison = ERR_NO_MEMORY;
	s->change++;
	t->changes++;
	if (t->by_row && op->kind == FEED_PUT) t->feed_row = e;
	return ERR_OK;
}

static enum err put(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	must(t->write && table < t->store->tables_n);
	if (t->poison) return t->poison;
	if (!key.n || key.n > STORE_KEY_MAX || value.n > UINT32_MAX) return t->poison = ERR_TOO_LARGE;
	return change(t, &(struct feed_op){FEED_PUT, table, key, value});
}

/* Into the operations only: what the next change of the key takes from the table. */
static enum err note_was(struct store_txn *t, unsigned table, struct str key, struct str was)
{
	if (t->by_row || !was.n || !key.n || key.n > STORE_KEY_MAX) return ERR_OK;
	feed_op_write(&t->store->ops, &(struct feed_op){FEED_WAS, table, key, was});
	return t->poison = buf_err(&t->store->ops);
}

enum err store_put_over(struct store_txn *t, unsigned table, struct str key, struct str was,
			struct str value)
{
	must(t->write && table < t->store->tables_n && value.n >= STORE_MARK);
	bool by_key = t->store->told[table] == STORE_TOLD_BY_KEY;
	enum err e = t->poison ? t->poison : by_key ? note_was(t, table, key, was) : ERR_OK;
	if (!e) e = put(t, table, key, value);
	if (!e) t->store->tail[table].n = 0;
	return e;
}

static enum err put_looking(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	struct str was = STR_NONE;
	enum err e = store_get(t, table, key, &was);
	return e && e != ERR_NOT_FOUND ? e : store_put_over(t, table, key, was, value);
}

enum err store_put(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	must(table < t->store->tables_n);
	if (t->store->told[table] == STORE_TOLD_BY_KEY) return put_looking(t, table, key, value);
	enum err e = put(t, table, key, value);
	if (!e) t->store->tail[table].n = 0;
	return e;
}

enum err store_put_new(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	struct str there;
	enum err e = store_get(t, table, key, &there);
	if (!e) return ERR_EXISTS;
	return e == ERR_NOT_FOUND ? store_put(t, table, key, value) : e;
}

/* Is the key beyond all of the table? The tail knows, or the table does. */
static enum err check_beyond(struct store_txn *t, unsigned table, struct str key)
{
	const struct store_tail *tail = &t->store->tail[table];
	if (tail->n) return str_cmp(key, str_n(tail->key, tail->n)) > 0 ? ERR_OK : ERR_EXISTS;
	struct store_cursor *c;
	struct str last, value;
	enum err e = store_cursor_open(t, table, &c);
	if (e) return e;
	e = store_cursor_last(c, &last, &value);
	if (!e && str_cmp(key, last) <= 0) e = ERR_EXISTS;
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err store_append(struct store_txn *t, unsigned table, struct str key, struct str value)
{
	enum err e = t->poison ? t->poison : check_beyond(t, table, key);
	if (!e) e = put(t, table, key, value);
	if (e) return e;
	struct store_tail *tail = &t->store->tail[table];
	tail->n = key.n <= sizeof tail->key ? (unsigned char)key.n : 0;
	memcpy(tail->key, key.p, tail->n);
	return ERR_OK;
}

enum err store_del(struct store_txn *t, unsigned table, struct str key)
{
	must(t->write);
	struct str there;
	enum err e = store_get(t, table, key, &there);
	if (!e && t->store->told[table] == STORE_TOLD_BY_KEY) e = note_was(t, table, key, there);
	if (e) return e;
	struct store_tail *tail = &t->store->tail[table];
	if (tail->n && str_eq(key, str_n(tail->key, tail->n))) tail->n = 0;
	return change(t, &(struct feed_op){FEED_DEL, table, key, STR_NONE});
}

uint64_t store_u64(struct str s)
{
	uint64_t v = 0;
	must(s.n == 8);
	for (int i = 0; i < 8; i++) v = v << 8 | (unsigned char)s.p[i];
	return v;
}
