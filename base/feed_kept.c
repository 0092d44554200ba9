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
	size_t n = 0, most = last->key_n < key.n ? last->key_n : key.n;
	if (most > SHARED_MAX) most = SHARED_MAX;
	if (most == key.n) most--; /* something is left to be told */
	while (n < most && last->key[n] == key.p[n]) n++;
	return n;
}

static enum err keep_key(struct feed_walk *last, const struct feed_op *op, struct buf *out)
{
	if (op->value.n < STORE_MARK) return ERR_CORRUPT;
	struct str mark = str_first(op->value, STORE_MARK);
	bool anew = !str_eq(mark, last->mark);
	size_t shared = shared_octets(last, op->key), rest = op->key.n - shared;
	char *p = buf_room(out, KEY_HEAD + rest + STORE_MARK);
	if (!p) return buf_err(out);
	struct wire w = wire_writer(p, KEY_HEAD + rest + STORE_MARK);
	wire_put_u8(&w, anew ? KEY_ANEW : FEED_KEY);
	wire_put_u8(&w, (uint8_t)op->table);
	wire_put_u8(&w, (uint8_t)shared);
	wire_put_u16(&w, (uint16_t)rest);
	wire_put(&w, str_skip(op->key, shared));
	if (anew) wire_put(&w, mark);
	must(wire_ok(&w));
	buf_grew(out, w.at);
	last->mark = mark;
	memcpy(last->key + shared, op->key.p + shared, rest);
	last->key_n = op->key.n;
	return ERR_OK;
}

enum err feed_keep(const struct store_txn *t, struct str ops, struct buf *ret)
{
	struct feed_walk last = {.key_n = 0};
	struct feed_op op;
	enum err e = ERR_OK;
	while (!e && ops.n) {
		e = feed_op_next(&ops, &op);
		if (e) break;
		enum store_told told = store_told(t, op.table);
		if (told == STORE_UNTOLD) continue;
		if (told == STORE_TOLD_BY_KEY && op.kind == FEED_PUT)
			e = keep_key(&last, &op, ret);
		else
			feed_op_write(ret, &op);
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
