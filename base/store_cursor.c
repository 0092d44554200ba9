/* Cursors: LMDB's keys and those of the layers as one order.
 *
 * LMDB's side stays where it is and steps. The layers are searched for their nearest key, which a read
 * transaction keeps until it has passed it; a write transaction searches at each move, so that its cursor
 * sees what it changes meanwhile. Of equal keys the newest layer's counts, and a deletion hides the key. */
#include "base/store_env.h"

#include <lmdb.h>
#include <stdlib.h>

enum way { AHEAD, BACK };

/* Where to look from. */
struct from {
	struct str key;
	bool at;  /* the key itself counts, too (ahead only) */
	bool end; /* from behind the last key, back */
};

struct store_cursor {
	MDB_cursor *mdb;
	struct store_txn *txn;
	unsigned table;
	enum { NOWHERE, AT_KEY, AT_END } place;
	struct str key; /* the last one given */
	/* the nearest keys that way, if they are known: LMDB's, and that of the layers */
	bool known, none;
	enum way way;
	struct str base[2];
	bool recent_known;
	enum way recent_way;
	const struct mem_entry *recent;
	char own[]; /* the key's octets in a direct transaction, which may write over LMDB's */
};

enum err store_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **ret)
{
	if (t->poison) return t->poison;
	must(table < t->store->tables_n);
	struct store_cursor *c = calloc(1, sizeof *c + (t->direct ? STORE_KEY_MAX : 0));
	if (!c) return ERR_NO_MEMORY;
	c->txn = t;
	c->table = table;
	int rc = mdb_cursor_open(t->mdb, t->store->dbi[table], &c->mdb);
	if (rc) {
		free(c);
		if (t->write) t->poison = store__err(rc);
		return store__err(rc);
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

/* ---- LMDB's side ------------------------------------------------------------------------- */

static int step(struct store_cursor *c, MDB_val k, MDB_cursor_op op)
{
	MDB_val v;
	int rc = mdb_cursor_get(c->mdb, &k, &v, op);
	c->none = rc == MDB_NOTFOUND;
	if (rc) return c->none ? 0 : rc;
	c->base[0] = str_n(k.mv_data, k.mv_size);
	c->base[1] = str_n(v.mv_data, v.mv_size);
	return 0;
}

static int search(struct store_cursor *c, enum way way, const struct from *from)
{
	MDB_val none = {0, NULL}, k = {from->key.n, (void *)(uintptr_t)from->key.p};
	if (from->end) return step(c, none, MDB_LAST);
	int rc = step(c, k, from->key.n ? MDB_SET_RANGE : MDB_FIRST);
	if (rc || (c->none && way == AHEAD)) return rc;
	if (way == BACK) return step(c, none, c->none ? MDB_LAST : MDB_PREV);
	bool same = !from->at && str_eq(c->base[0], from->key);
	return same ? step(c, none, MDB_NEXT) : 0;
}

/* Is the key still on this side of the place? */
static bool passed(struct str key, enum way way, const struct from *from)
{
	int order = str_cmp(key, from->key);
	return way == AHEAD ? order < 0 || (order == 0 && !from->at) : order >= 0;
}

static int move_base(struct store_cursor *c, enum way way, const struct from *from)
{
	/* what LMDB gave before may have been written over by a direct transaction */
	bool follow = c->known && c->way == way && !from->end && !c->txn->direct;
	c->known = true;
	c->way = way;
	if (!follow) return search(c, way, from);
	if (c->none || !passed(c->base[0], way, from)) return 0;
	return step(c, (MDB_val){0, NULL}, way == AHEAD ? MDB_NEXT : MDB_PREV);
}

/* ---- the layers' side -------------------------------------------------------------------- */

static const struct mem_entry *recent(const struct store_cursor *c, const struct memtable *m, enum way way,
				      const struct from *from)
{
	uint64_t snapshot = c->txn->snapshot;
	if (way == BACK) return memtable_before(m, c->table, from->end ? NULL : &from->key, snapshot);
	if (from->at) return memtable_at_least(m, c->table, from->key, snapshot);
	return memtable_after(m, c->table, from->key, snapshot);
}

static bool nearer(enum way way, struct str a, struct str b)
{
	int order = str_cmp(a, b);
	return way == AHEAD ? order < 0 : order > 0;
}

static const struct mem_entry *search_recent(const struct store_cursor *c, enum way way,
					     const struct from *from)
{
	const struct layers *l = atomic_load_explicit(&c->txn->layers, memory_order_relaxed);
	const struct mem_entry *best = NULL;
	for (int i = 0; i < LAYERS && l->mem[i]; i++) {
		const struct mem_entry *e = recent(c, l->mem[i], way, from);
		if (e && (!best || nearer(way, mem_key(e), mem_key(best)))) best = e;
	}
	return best;
}

static const struct mem_entry *nearest_recent(struct store_cursor *c, enum way way, const struct from *from)
{
	bool follow = c->recent_known && c->recent_way == way && !from->end;
	if (follow && (!c->recent || !passed(mem_key(c->recent), way, from))) return c->recent;
	c->recent_known = !c->txn->write;
	c->recent_way = way;
	return c->recent = search_recent(c, way, from);
}

/* ---- both -------------------------------------------------------------------------------- */

static enum err move(struct store_cursor *c, enum way way, struct from from, struct str ret[2])
{
	for (;;) {
		if (c->txn->poison) return c->txn->poison;
		int rc = move_base(c, way, &from);
		if (rc) return store__err(rc);
		const struct mem_entry *e = nearest_recent(c, way, &from);
		if (c->none && !e) return ERR_NOT_FOUND;
		if (!e || (!c->none && nearer(way, c->base[0], mem_key(e)))) {
			ret[0] = c->base[0];
			ret[1] = c->base[1];
			return ERR_OK;
		}
		if (e->kind == FEED_PUT) {
			ret[0] = mem_key(e);
			ret[1] = mem_value(e);
			return ERR_OK;
		}
		from = (struct from){.key = mem_key(e)};
	}
}

static enum err move_out(struct store_cursor *c, enum way way, struct from from, struct str *ret_key,
			 struct str *ret_value)
{
	struct str found[2];
	enum err e = move(c, way, from, found);
	if (e) return e;
	c->place = AT_KEY;
	c->key = c->txn->direct ? str_n(memcpy(c->own, found[0].p, found[0].n), found[0].n) : found[0];
	*ret_key = found[0];
	*ret_value = found[1];
	return ERR_OK;
}

enum err store_cursor_seek(struct store_cursor *c, struct str at_least, struct str *ret_key,
			   struct str *ret_value)
{
	/* no key is longer than STORE_KEY_MAX, so the one equal to the cut text sorts before it */
	struct from from = {.key = str_first(at_least, STORE_KEY_MAX), .at = at_least.n <= STORE_KEY_MAX};
	c->known = c->recent_known = false;
	enum err e = move_out(c, AHEAD, from, ret_key, ret_value);
	if (e == ERR_NOT_FOUND) c->place = AT_END;
	return e;
}

enum err store_cursor_next(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	if (c->place == NOWHERE) return store_cursor_seek(c, STR(""), ret_key, ret_value);
	if (c->place == AT_END) return ERR_NOT_FOUND;
	return move_out(c, AHEAD, (struct from){.key = c->key}, ret_key, ret_value);
}

enum err store_cursor_prev(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	if (c->place != AT_KEY) return store_cursor_last(c, ret_key, ret_value);
	return move_out(c, BACK, (struct from){.key = c->key}, ret_key, ret_value);
}

enum err store_cursor_last(struct store_cursor *c, struct str *ret_key, struct str *ret_value)
{
	c->known = c->recent_known = false;
	return move_out(c, BACK, (struct from){.end = true}, ret_key, ret_value);
}

/* ---- counting ---------------------------------------------------------------------------- */

/* The keys of a layer, but for those that a newer layer has. */
static int64_t count_layer(struct store_txn *t, const struct layers *l, int i, unsigned table)
{
	int64_t n = 0;
	const struct mem_entry *e = memtable_at_least(l->mem[i], table, STR(""), t->snapshot);
	for (; e; e = memtable_after(l->mem[i], table, mem_key(e), t->snapshot)) {
		struct str key = mem_key(e);
		if (i && memtable_find(l->mem[0], table, key, t->snapshot)) continue;
		MDB_val k = {key.n, (void *)(uintptr_t)key.p}, v;
		bool below = !mdb_get(t->mdb, t->store->dbi[table], &k, &v);
		n += (e->kind == FEED_PUT) - below;
	}
	return n;
}

uint64_t store_count(struct store_txn *t, unsigned table)
{
	MDB_stat st = {0};
	const struct layers *l = atomic_load_explicit(&t->layers, memory_order_relaxed);
	if (t->poison) return 0;
	must(table < t->store->tables_n && !mdb_stat(t->mdb, t->store->dbi[table], &st));
	int64_t n = (int64_t)st.ms_entries;
	for (int i = 0; i < LAYERS && l->mem[i]; i++) n += count_layer(t, l, i, table);
	return (uint64_t)n;
}
