#include "resolver/timeline.h"

#include "resolver/registry.h"

/* ---- places of the feed ------------------------------------------------------------------ */

typedef bool before_fn(const struct feed_entry *e, uint64_t bound);

static bool earlier(const struct feed_entry *e, uint64_t time)
{
	return (uint64_t)e->time < time;
}

static bool without_leaf(const struct feed_entry *e, uint64_t leaf)
{
	return e->ledger_size <= leaf;
}

/* The first position that is not before the bound, head + 1 if all are; those trimmed are before all. */
static enum err lower_bound(struct feed *feed, struct store_txn *t, before_fn *before, uint64_t bound,
			    uint64_t *ret)
{
	struct feed_entry entry;
	uint64_t low = 1, high;
	enum err e = feed->driver->head(feed, t, &high);
	high++;
	while (!e && low < high) {
		uint64_t mid = low + (high - low) / 2;
		e = feed->driver->read(feed, t, mid, &entry);
		bool is_before = e == ERR_GONE || (!e && before(&entry, bound));
		if (e == ERR_GONE) e = ERR_OK;
		if (is_before)
			low = mid + 1;
		else
			high = mid;
	}
	if (!e) *ret = low;
	return e;
}

/* ---- in order of time -------------------------------------------------------------------- */

struct walk {
	const struct timeline *l;
	timeline_fn *fn;
	void *arg;
	size_t looks;
	struct timeline_place at;
	bool stopped;
};

/* The mark of a row is its leaf. */
static enum err op_leaf(const struct feed_op *op, uint64_t *ret)
{
	if (op->value.n < STORE_MARK) return ERR_CORRUPT;
	*ret = store_u64(str_first(op->value, STORE_MARK));
	return ERR_OK;
}

static enum err look_at(struct walk *w, const struct feed_op *op, bool *ret_taken)
{
	uint64_t leaf, last;
	struct str packed;
	bool put = op->kind == FEED_PUT || op->kind == FEED_KEY;
	*ret_taken = true;
	if (op->table != RS_TABLE_record || !put || !str_starts(op->key, w->l->prefix)) return ERR_OK;
	enum err e = op_leaf(op, &leaf);
	if (!e) e = registry_find_key(w->l->txn, op->key, &last, &packed);
	if (e == ERR_NOT_FOUND) return ERR_OK;
	if (!e && leaf == last) *ret_taken = w->fn(w->arg, op->key, packed);
	return e;
}

/* One entry from w->at.offset on. Its operations are of one time: their order tells nothing. */
static enum err walk_entry(struct walk *w, const struct feed_entry *entry)
{
	struct feed_op op;
	struct feed_walk ops;
	feed_walk_begin(&ops, entry);
	enum err e = feed_walk_skip(&ops, w->at.offset);
	while (!e && !w->stopped && ops.rest.n) {
		bool taken = false;
		w->at.offset = (uint32_t)(entry->ops.n - ops.rest.n);
		e = feed_next(&ops, &op);
		if (!e && w->looks++ < TIMELINE_LOOKS) e = look_at(w, &op, &taken);
		w->stopped = !taken;
	}
	return e;
}

/* ERR_NOT_FOUND at the end of what was asked for. */
static enum err walk_on(struct walk *w, uint64_t first, uint64_t end)
{
	struct feed_entry entry;
	struct feed *feed = w->l->feed;
	if (w->at.position < first || w->at.position >= end) return ERR_NOT_FOUND;
	enum err e = feed->driver->read(feed, w->l->txn, w->at.position, &entry);
	if (!e) e = walk_entry(w, &entry);
	if (e || w->stopped) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	w->looks++; /* an entry costs something too */
	w->at.position += w->l->newest ? UINT64_MAX : 1;
	w->at.offset = 0;
	return ERR_OK;
}

/* Entries before `first` that the feed had to have: ERR_GONE when since is older than what it kept. */
static enum err check_kept(const struct timeline *l, uint64_t first)
{
	struct feed_entry entry;
	if (first == 1) return ERR_OK;
	enum err e = l->feed->driver->read(l->feed, l->txn, first - 1, &entry);
	return e;
}

enum err timeline_walk(const struct timeline *l, struct timeline_place from, timeline_fn *fn, void *arg,
		       struct timeline_place *ret_next, bool *ret_more)
{
	struct walk w = {.l = l, .fn = fn, .arg = arg, .at = from};
	uint64_t first, end;
	enum err e = lower_bound(l->feed, l->txn, earlier, l->since > 0 ? (uint64_t)l->since : 0, &first);
	if (!e) e = lower_bound(l->feed, l->txn, earlier, l->until > 0 ? (uint64_t)l->until : 0, &end);
	if (!e) e = check_kept(l, first);
	if (e) return e;
	if (from.position && (from.position < first || from.position > end)) return ERR_BAD_INPUT;
	if (!from.position) w.at.position = l->newest ? end - 1 : first;
	while (!e && !w.stopped) e = walk_on(&w, first, end);
	if (e == ERR_CORRUPT && from.offset)
		return ERR_BAD_INPUT; /* not a place where an operation begins */
	if (e && e != ERR_NOT_FOUND) return e;
	*ret_more = w.stopped;
	if (w.stopped) *ret_next = w.at;
	return ERR_OK;
}

/* ---- what a record was ------------------------------------------------------------------- */

/* In the entry of the change with leaf `at`, the row that the change with `leaf` left. ERR_GONE: it is
 * not there, or the feed begins later. */
static enum err look_in_entry(const struct timeline *l, unsigned table, uint64_t at, uint64_t leaf,
			      struct str *ret_row)
{
	struct feed_entry entry;
	struct feed_walk ops;
	struct feed_op op;
	uint64_t position, own;
	enum err e = lower_bound(l->feed, l->txn, without_leaf, at, &position);
	if (!e) e = l->feed->driver->read(l->feed, l->txn, position, &entry);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	feed_walk_begin(&ops, &entry);
	while (!(e = feed_next(&ops, &op))) {
		bool whole = op.kind == FEED_PUT || op.kind == FEED_WAS;
		if (!whole || op.table != table || !str_eq(op.key, l->prefix)) continue;
		e = op_leaf(&op, &own);
		if (e) return e;
		if (own != leaf) continue; /* changed twice in one entry */
		*ret_row = op.value;
		return ERR_OK;
	}
	/* the first entry that is kept may be a later one */
	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

/* The change after it took it out of the table; before format 3 its own entry had it. */
static enum err look_around(const struct timeline *l, unsigned table, uint64_t leaf, uint64_t next,
			    struct str *ret_row)
{
	enum err e = next == UINT64_MAX ? ERR_GONE : look_in_entry(l, table, next, leaf, ret_row);
	return e == ERR_GONE ? look_in_entry(l, table, leaf, leaf, ret_row) : e;
}

enum err timeline_series(const struct timeline *l, uint64_t leaf, uint64_t next, struct str *ret_row)
{
	return look_around(l, RS_TABLE_series, leaf, next, ret_row);
}

enum err timeline_record(const struct timeline *l, uint64_t leaf, uint64_t next, struct str *ret_packed)
{
	uint64_t last;
	enum err e = registry_find_key(l->txn, l->prefix, &last, ret_packed);
	if (!e && last == leaf) return ERR_OK;
	if (e && e != ERR_NOT_FOUND) return e;
	struct str row;
	e = look_around(l, RS_TABLE_record, leaf, next, &row);
	return e ? e : registry_row_split(row, &last, ret_packed);
}
