/* Operations as the feed keeps them: as base/feed_op.h says, but
 *   of tables that are told by key, a put is
 *     u8 4, u8 table, u8 octets that its key shares with that of the one before, be16 length of the rest,
 *     the rest; the mark is that of the one before it in the entry
 *     u8 5, the same, be64 mark
 *   of tables that are not told, nothing.
 * A load of records in order takes some seven octets for each. */
#include "base/feed_op.h"
#include "base/wire.h"

enum { KEY_ANEW = 5, SHARED_MAX = 255, KEY_HEAD = 5 };

static size_t shared_octets(const struct feed_walk *last, struct str key)
{
	size_t most = key.n - 1 < SHARED_MAX ? key.n - 1 : SHARED_MAX; /* something is left to be told */
	return str_shared(str_n(last->key, last->key_n), str_first(key, most));
}

static enum err keep_key(struct feed_walk *last, const struct feed_op *op, struct buf *out)
{
	if (op->value.n < STORE_MARK) return ERR_CORRUPT;
	struct str mark = str_first(op->value, STORE_MARK);
	bool anew = !str_eq(mark, last->mark);
	size_t shared = shared_octets(last, op->key), rest = op->key.n - shared;
	char *p = buf_room(out, KEY_HEAD + rest + STORE_MARK);
	if (!p) return buf_err(out);
	p[0] = anew ? KEY_ANEW : FEED_KEY;
	p[1] = (char)op->table;
	p[2] = (char)shared;
	p[3] = (char)(rest >> 8);
	p[4] = (char)rest;
	memcpy(p + KEY_HEAD, op->key.p + shared, rest);
	if (anew) memcpy(p + KEY_HEAD + rest, mark.p, STORE_MARK);
	buf_grew(out, KEY_HEAD + rest + (anew ? STORE_MARK : 0));
	if (anew) last->mark = str_n(memcpy(last->octets, mark.p, STORE_MARK), STORE_MARK);
	memcpy(last->key + shared, op->key.p + shared, rest);
	last->key_n = op->key.n;
	return ERR_OK;
}

void feed_keep_begin(struct feed_walk *last)
{
	last->rest = last->mark = STR_NONE;
	last->key_n = 0;
}

enum err feed_keep_op(struct feed_walk *last, enum store_told told, const struct feed_op *op,
		      struct buf *out)
{
	if (told == STORE_UNTOLD) return ERR_OK;
	if (told == STORE_TOLD_BY_KEY && op->kind == FEED_PUT) return keep_key(last, op, out);
	feed_op_write(out, op);
	return buf_err(out);
}

enum err feed_keep(const struct store_txn *t, struct str ops, struct buf *ret)
{
	struct feed_walk last;
	struct feed_op op;
	enum err e = ERR_OK;
	feed_keep_begin(&last);
	while (!e && ops.n) {
		e = feed_op_next(&ops, &op);
		if (!e) e = feed_keep_op(&last, store_told(t, op.table), &op, ret);
	}
	return e ? e : buf_err(ret);
}

void feed_walk_begin(struct feed_walk *w, const struct feed_entry *entry)
{
	w->rest = entry->ops;
	w->mark = STR_NONE;
	w->key_n = 0;
}

static enum err next_key(struct feed_walk *w, struct feed_op *ret)
{
	struct wire r = wire_reader(w->rest);
	bool anew = wire_u8(&r) == KEY_ANEW;
	struct feed_op op = {.kind = FEED_KEY, .table = wire_u8(&r)};
	size_t shared = wire_u8(&r);
	struct str rest = wire_bytes(&r, wire_u16(&r)), mark = anew ? wire_bytes(&r, STORE_MARK) : w->mark;
	if (!wire_ok(&r) || !mark.n || !rest.n || shared > w->key_n || shared + rest.n > STORE_KEY_MAX)
		return ERR_CORRUPT;
	memcpy(w->key + shared, rest.p, rest.n);
	w->key_n = shared + rest.n;
	w->mark = op.value = mark;
	op.key = str_n(w->key, w->key_n);
	w->rest = str_skip(w->rest, r.at);
	*ret = op;
	return ERR_OK;
}

enum err feed_next(struct feed_walk *w, struct feed_op *ret)
{
	if (!w->rest.n) return ERR_NOT_FOUND;
	bool by_key = w->rest.p[0] == FEED_KEY || w->rest.p[0] == KEY_ANEW;
	return by_key ? next_key(w, ret) : feed_op_next(&w->rest, ret);
}

enum err feed_walk_skip(struct feed_walk *w, size_t octets)
{
	struct feed_op op;
	enum err e = octets > w->rest.n ? ERR_CORRUPT : ERR_OK;
	size_t left = w->rest.n - (e ? 0 : octets);
	while (!e && w->rest.n > left) e = feed_next(w, &op);
	return !e && w->rest.n != left ? ERR_CORRUPT : e;
}
