/* Rows of the table reverse:
 *
 *   u8 number of the type (hidden: 128 more), u8 length of the data, data, u8 part (0 public, 1 hidden),
 *   identifier key
 *     → be32 index of the value, and the identifier key when it was cut
 *
 * Hidden rows stand behind all the public ones of a type, so that a walk over the beginning of many data
 * meets none of them. Data of more than DATA_MAX octets are their first DATA_HEAD and their SHA-256, after
 * the length 255. Data in clear, for URLs and batches follow their identifiers: a load in order of
 * identifiers writes this table nearly in order too, and LMDB fills its pages; digests would scatter it. A
 * key that would exceed STORE_KEY_MAX is cut: its last 32 octets are the SHA-256 of the identifier key. */
#include "resolver/reverse.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/wire.h"
#include "resolver/tables.h"

enum {
	DATA_MAX = 200,
	DATA_HEAD = 64,
	DATA_HASHED = 255,
	PART_PUBLIC = 0,
	PART_HIDDEN = 1,
	NUMBER_HIDDEN = 128, /* numbers are at most REVERSE_TYPES_MAX */
	INDEX_OCTETS = 4,
};

struct row_key {
	unsigned char octets[STORE_KEY_MAX];
	size_t stem_n, n; /* stem: up to the identifier key */
	bool cut;
};

static void stem_set(struct row_key *k, unsigned char number, struct str data, int part)
{
	struct wire w = wire_writer(k->octets, sizeof k->octets);
	unsigned char digest[HASH_SHA256];
	wire_put_u8(&w, (uint8_t)(part == PART_HIDDEN ? number | NUMBER_HIDDEN : number));
	if (data.n <= DATA_MAX) {
		wire_put_u8(&w, (uint8_t)data.n);
		wire_put(&w, data);
	} else {
		hash_sha256(data, digest);
		wire_put_u8(&w, DATA_HASHED);
		wire_put(&w, str_first(data, DATA_HEAD));
		wire_put(&w, str_n(digest, sizeof digest));
	}
	wire_put_u8(&w, (uint8_t)part);
	must(wire_ok(&w));
	k->stem_n = k->n = w.at;
}

static struct str id_set(struct row_key *k, struct str id_key)
{
	size_t room = sizeof k->octets - k->stem_n;
	k->cut = id_key.n > room;
	if (!k->cut) {
		memcpy(k->octets + k->stem_n, id_key.p, id_key.n);
		k->n = k->stem_n + id_key.n;
	} else {
		memcpy(k->octets + k->stem_n, id_key.p, room - HASH_SHA256);
		hash_sha256(id_key, k->octets + sizeof k->octets - HASH_SHA256);
		k->n = sizeof k->octets;
	}
	return str_n(k->octets, k->n);
}

/* ---- what a record points at ------------------------------------------------------------- */

/* One data of one type in a record. */
struct target {
	struct str data;
	uint32_t index;
	unsigned char number, part;
	bool ready; /* the type's rows are exact */
};

struct targets {
	struct target *p;
	size_t n;
};

static int by_target(const struct target *x, const struct target *y)
{
	return x->number != y->number ? (int)x->number - (int)y->number : str_cmp(x->data, y->data);
}

static int by_all(const void *a, const void *b)
{
	const struct target *x = a, *y = b;
	int order = by_target(x, y);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Equal ones become one: public if any is, the lowest index. */
static void merge(struct targets *all)
{
	size_t kept = 0;
	qsort(all->p, all->n, sizeof *all->p, by_all);
	for (size_t i = 0; i < all->n; i++) {
		struct target *last = kept ? &all->p[kept - 1] : NULL;
		if (last && !by_target(last, &all->p[i])) {
			if (all->p[i].part == PART_PUBLIC) last->part = PART_PUBLIC;
		} else {
			all->p[kept++] = all->p[i];
		}
	}
	all->n = kept;
}

static enum err count_noted(const struct reverse_types *types, struct str packed, size_t *ret)
{
	struct value v;
	enum err e;
	*ret = 0;
	while (!(e = record_next_value(&packed, &v))) *ret += reverse_type_noted(types, v.type) != NULL;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* only: a number, or 0 for all. A retired record points at nothing. */
static enum err targets_of(const struct reverse_types *types, unsigned char only, struct arena *a,
			   struct str packed, struct targets *ret)
{
	struct str rest = packed;
	struct record_head head;
	struct value v;
	size_t n = 0;
	*ret = (struct targets){NULL, 0};
	enum err e = packed.n ? count_noted(types, packed, &n) : ERR_OK;
	if (e || !n) return e;
	e = record_peek(packed, &head);
	if (e || head.status == RECORD_RETIRED) return e;
	ret->p = ARENA_ARRAY(a, struct target, n);
	if (!ret->p) return ERR_NO_MEMORY;
	while (!(e = record_next_value(&rest, &v))) {
		const struct reverse_type *type = reverse_type_noted(types, v.type);
		if (!type || (only && type->number != only)) continue;
		unsigned char part = v.permissions & VALUE_PUBLIC_READ ? PART_PUBLIC : PART_HIDDEN;
		ret->p[ret->n++] =
		    (struct target){v.data, v.index, type->number, part, type->state == REVERSE_READY};
	}
	merge(ret);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- noting ----------------------------------------------------------------------------- */

static enum err with_row(const struct target *to, struct str id_key, reverse_row_fn *fn, void *arg)
{
	struct row_key k;
	unsigned char value[INDEX_OCTETS + STORE_KEY_MAX];
	struct wire w = wire_writer(value, sizeof value);
	stem_set(&k, to->number, to->data, to->part);
	struct str key = id_set(&k, id_key);
	wire_put_u32(&w, to->index);
	if (k.cut) wire_put(&w, id_key);
	return fn(arg, &(struct reverse_row){key, wire_str(&w), k.stem_n});
}

enum err reverse_put_row(struct store_txn *t, const struct reverse_row *row)
{
	return store_put(t, RS_TABLE_reverse, row->key, row->value);
}

static enum err put_row(void *arg, const struct reverse_row *row)
{
	return reverse_put_row(arg, row);
}

static enum err put(struct store_txn *t, const struct target *to, struct str id_key)
{
	return with_row(to, id_key, put_row, t);
}

/* Absent when the type is still being built and has not come to this record. */
static enum err del(struct store_txn *t, const struct target *to, struct str id_key)
{
	struct row_key k;
	stem_set(&k, to->number, to->data, to->part);
	enum err e = store_del(t, RS_TABLE_reverse, id_set(&k, id_key));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err change(struct store_txn *t, const struct targets *old, const struct targets *new,
		       struct str id_key)
{
	enum err e = ERR_OK;
	for (size_t i = 0, k = 0; (i < old->n || k < new->n) && !e;) {
		int order = i == old->n ? 1 : k == new->n ? -1 : by_target(&old->p[i], &new->p[k]);
		if (order > 0) {
			e = put(t, &new->p[k++], id_key);
		} else if (order < 0) {
			e = del(t, &old->p[i++], id_key);
		} else {
			const struct target *x = &old->p[i++], *y = &new->p[k++];
			if (x->part != y->part) e = del(t, x, id_key);
			bool same = y->ready && x->part == y->part && x->index == y->index;
			if (!e && !same) e = put(t, y, id_key);
		}
	}
	return e;
}

enum err reverse_note(struct store_txn *t, const struct reverse_types *types, struct arena *a,
		      struct str id_key, const struct str old_new[2])
{
	struct targets old, new;
	if (!reverse_types_any_noted(types)) return ERR_OK;
	struct arena_mark mark = arena_mark(a);
	enum err e = targets_of(types, 0, a, old_new[0], &old);
	if (!e) e = targets_of(types, 0, a, old_new[1], &new);
	if (!e) e = change(t, &old, &new, id_key);
	arena_rollback(a, mark);
	return e;
}

enum err reverse_build_one(struct store_txn *t, const struct reverse_types *types, unsigned char number,
			   struct arena *a, struct str id_key, struct str packed)
{
	struct targets all;
	struct arena_mark mark = arena_mark(a);
	enum err e = targets_of(types, number, a, packed, &all);
	for (size_t i = 0; i < all.n && !e; i++) e = put(t, &all.p[i], id_key);
	arena_rollback(a, mark);
	return e;
}

enum err reverse_rows(const struct reverse_types *types, struct arena *a, struct str id_key,
		      struct str packed, reverse_row_fn *fn, void *arg)
{
	struct targets all;
	struct arena_mark mark = arena_mark(a);
	enum err e = targets_of(types, 0, a, packed, &all);
	for (size_t i = 0; i < all.n && !e; i++) e = with_row(&all.p[i], id_key, fn, arg);
	arena_rollback(a, mark);
	return e;
}

struct str reverse_row_id(const struct reverse_row *row)
{
	return row->value.n > INDEX_OCTETS ? str_skip(row->value, INDEX_OCTETS)
					   : str_skip(row->key, row->stem_n);
}

unsigned char reverse_row_number(const struct reverse_row *row)
{
	return (unsigned char)row->key.p[0] & (NUMBER_HIDDEN - 1);
}

enum err reverse_empty(struct store_txn *t, unsigned char number, bool *ret)
{
	const unsigned char stems[] = {number, (unsigned char)(number | NUMBER_HIDDEN)};
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, RS_TABLE_reverse, &c);
	if (e) return e;
	*ret = true;
	for (size_t i = 0; i < sizeof stems && !e && *ret; i++) {
		e = store_cursor_seek(c, str_n(&stems[i], 1), &key, &value);
		if (!e) *ret = (unsigned char)key.p[0] != stems[i];
		if (e == ERR_NOT_FOUND) e = ERR_OK;
	}
	store_cursor_close(c);
	return e;
}

/* Keys are gathered before any is dropped: a walk over what was just dropped would look at each of them. */
static enum err gather(struct store_txn *t, unsigned char number, struct arena *a, struct str after,
		       struct str keys[REVERSE_STEP], size_t *ret_n)
{
	struct store_cursor *c;
	const unsigned char stems[] = {number, (unsigned char)(number | NUMBER_HIDDEN)};
	struct str key, value;
	enum err e = store_cursor_open(t, RS_TABLE_reverse, &c);
	if (e) return e;
	*ret_n = 0;
	for (size_t i = 0; i < 2 && (!e || e == ERR_NOT_FOUND); i++) {
		struct str stem = str_n(&stems[i], 1);
		if (str_cmp(after, stem) > 0 && !str_starts(after, stem)) continue; /* done */
		e = store_cursor_seek(c, str_starts(after, stem) ? after : stem, &key, &value);
		while (!e && *ret_n < REVERSE_STEP && str_starts(key, stem)) {
			keys[*ret_n] = arena_dup(a, key);
			if (!keys[(*ret_n)++].p) e = ERR_NO_MEMORY;
			if (!e) e = store_cursor_next(c, &key, &value);
		}
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err reverse_drop(struct store_txn *t, unsigned char number, struct arena *a, struct reverse_place *at,
		      bool *ret_more)
{
	struct str *keys = ARENA_ARRAY(a, struct str, REVERSE_STEP);
	size_t n = 0;
	enum err e = keys ? gather(t, number, a, at->after, keys, &n) : ERR_NO_MEMORY;
	for (size_t i = 0; i < n && !e; i++) e = store_del(t, RS_TABLE_reverse, keys[i]);
	if (e) return e;
	if (n) at->after = keys[n - 1];
	at->records += n;
	*ret_more = n == REVERSE_STEP;
	return ERR_OK;
}

/* ---- finding ---------------------------------------------------------------------------- */

static enum err id_of(const struct row_key *k, struct str key, struct str value, struct str *ret)
{
	if (value.n < INDEX_OCTETS) return ERR_CORRUPT;
	*ret = value.n > INDEX_OCTETS ? str_skip(value, INDEX_OCTETS) : str_skip(key, k->stem_n);
	return ERR_OK;
}

/* Where the walk begins, and what the keys of its rows begin with. */
static void place(const struct reverse_query *q, struct row_key *k, struct str *ret_from,
		  struct str *ret_all)
{
	size_t room;
	stem_set(k, q->number, q->data, q->hidden ? PART_HIDDEN : PART_PUBLIC);
	/* a cut key has this much of its identifier */
	room = sizeof k->octets - k->stem_n - HASH_SHA256;
	size_t n = q->prefix.n < room ? q->prefix.n : room;
	memcpy(k->octets + k->stem_n, q->prefix.p ? q->prefix.p : "", n);
	*ret_all = *ret_from = str_n(k->octets, k->stem_n + n);
}

enum err reverse_find(struct store_txn *t, const struct reverse_query *q, reverse_find_fn *fn, void *arg)
{
	struct row_key k, after;
	struct store_cursor *c;
	struct str from, all, key, value, id = STR_NONE;
	place(q, &k, &from, &all);
	if (q->after.n) {
		after = k;
		from = id_set(&after, q->after);
	}
	enum err e = store_cursor_open(t, RS_TABLE_reverse, &c);
	if (e) return e;
	e = store_cursor_seek(c, from, &key, &value);
	if (!e && q->after.n && str_eq(key, from)) e = store_cursor_next(c, &key, &value);
	for (; !e && str_starts(key, all); e = store_cursor_next(c, &key, &value)) {
		e = id_of(&k, key, value, &id);
		if (e) break;
		struct wire w = wire_reader(value);
		if (str_starts(id, q->prefix) && !fn(arg, id, wire_u32(&w))) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- finding by a beginning -------------------------------------------------------------- */

struct beginning {
	const struct reverse_beginning *q;
	unsigned char first; /* octet of the rows' keys */
	struct row_key next; /* where to look when this row is none of them */
};

static struct str seek_to(struct beginning *b, unsigned char length)
{
	struct wire w = wire_writer(b->next.octets, sizeof b->next.octets);
	size_t most = length == DATA_HASHED ? DATA_HEAD : DATA_MAX;
	wire_put_u8(&w, b->first);
	wire_put_u8(&w, length);
	wire_put(&w, str_first(b->q->beginning, b->q->beginning.n < most ? b->q->beginning.n : most));
	must(wire_ok(&w));
	return wire_str(&w);
}

/* The row's data are behind the ones that are wanted, of its length: the next length. */
static struct str seek_longer(struct beginning *b, unsigned char length)
{
	return length == DATA_HASHED ? STR_NONE : seek_to(b, length < DATA_MAX ? length + 1 : DATA_HASHED);
}

/* Parts of a row: its data (of long ones the head), and what follows the part. */
static enum err row_cut(struct str key, struct str *ret_data, struct str *ret_id)
{
	if (key.n < 3) return ERR_CORRUPT;
	unsigned char length = (unsigned char)key.p[1];
	size_t kept = length == DATA_HASHED ? DATA_HEAD + HASH_SHA256 : length;
	if (key.n < 2 + kept + 1 || (length > DATA_MAX && length != DATA_HASHED)) return ERR_CORRUPT;
	*ret_data = str_n(key.p + 2, length == DATA_HASHED ? DATA_HEAD : length);
	*ret_id = str_skip(key, 2 + kept + 1);
	return ERR_OK;
}

/* Within rows of one data: to the identifiers asked for, or past all of them. */
static struct str seek_prefix(struct beginning *b, struct str key, struct str id)
{
	size_t stem = key.n - id.n, room = sizeof b->next.octets - stem - HASH_SHA256;
	struct str prefix = str_first(b->q->prefix, b->q->prefix.n < room ? b->q->prefix.n : room);
	memcpy(b->next.octets, key.p, stem);
	if (str_cmp(id, prefix) < 0) {
		memcpy(b->next.octets + stem, prefix.p, prefix.n);
		return str_n(b->next.octets, stem + prefix.n);
	}
	b->next.octets[stem - 1]++;
	return str_n(b->next.octets, stem);
}

/* STR_NONE in *ret_next: to the row behind this one, or to none when *ret_end. */
static enum err look_at_row(struct beginning *b, struct str key, struct str value, reverse_beginning_fn *fn,
			    void *arg, struct str *ret_next, bool *ret_end)
{
	struct str data, id, want = b->q->beginning;
	enum err e = row_cut(key, &data, &id);
	if (!e && value.n < INDEX_OCTETS) e = ERR_CORRUPT;
	if (e) return e;
	unsigned char length = (unsigned char)key.p[1];
	bool whole = length != DATA_HASHED;
	*ret_next = STR_NONE;
	if (!whole) want = str_first(want, want.n < DATA_HEAD ? want.n : DATA_HEAD);
	if (!str_starts(data, want)) {
		*ret_next = str_cmp(data, want) < 0 ? seek_to(b, length) : seek_longer(b, length);
		*ret_end = !ret_next->n;
		return ERR_OK;
	}
	struct wire w = wire_reader(value);
	struct reverse_hit hit = {
	    .row = key, .data = whole ? data : STR_NONE, .index = wire_u32(&w), .id_key = id};
	if (value.n > INDEX_OCTETS) hit.id_key = str_skip(value, INDEX_OCTETS);
	hit.under = str_starts(hit.id_key, b->q->prefix);
	if (!hit.under) *ret_next = seek_prefix(b, key, id);
	*ret_end = !fn(arg, &hit);
	return ERR_OK;
}

bool reverse_is_row(const struct reverse_beginning *q, struct str key)
{
	struct str data, id, want = q->beginning;
	unsigned char first = (unsigned char)(q->hidden ? q->number | NUMBER_HIDDEN : q->number);
	if (row_cut(key, &data, &id) || (unsigned char)key.p[0] != first) return false;
	if ((unsigned char)key.p[1] == DATA_HASHED)
		want = str_first(want, want.n < data.n ? want.n : data.n);
	return str_starts(data, want);
}

enum err reverse_find_beginning(struct store_txn *t, const struct reverse_beginning *q,
				reverse_beginning_fn *fn, void *arg)
{
	struct beginning b = {.q = q};
	struct store_cursor *c;
	struct str key, value, next;
	bool end = false;
	b.first = (unsigned char)(q->hidden ? q->number | NUMBER_HIDDEN : q->number);
	next = q->after.n
		   ? q->after
		   : seek_to(&b, (unsigned char)(q->beginning.n > DATA_MAX ? DATA_HASHED : q->beginning.n));
	enum err e = store_cursor_open(t, RS_TABLE_reverse, &c);
	if (e) return e;
	e = store_cursor_seek(c, next, &key, &value);
	if (!e && q->after.n && str_eq(key, q->after)) e = store_cursor_next(c, &key, &value);
	while (!e && (unsigned char)key.p[0] == b.first) {
		e = look_at_row(&b, key, value, fn, arg, &next, &end);
		if (e || end) break;
		e = next.n ? store_cursor_seek(c, next, &key, &value) : store_cursor_next(c, &key, &value);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
