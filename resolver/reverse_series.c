/* Rows of the table reverse_series:
 *
 *   u8 number of the type (hidden: 128 more), u8 length of the stem, stem, u8 kind (0: the stem is all of
 * the data; 1: it is their beginning), key of the series' last member → the key of the series' row
 *
 * A key that would exceed STORE_KEY_MAX is cut: its last 32 octets are the SHA-256 of the member's key. */
#include "resolver/reverse_series.h"

#include "base/wire.h"
#include "resolver/series_match.h"

enum {
	KIND_WHOLE = 0,
	KIND_BEGINNING = 1,
	HEAD = 2,
	BUILD_STEP = 200, /* series looked at in one step: some milliseconds of the writer */
	DROP_STEP = 2000,
};

struct row_key {
	unsigned char octets[STORE_KEY_MAX];
	size_t n;
};

static struct str octets_of(const struct row_key *k)
{
	return str_n(k->octets, k->n);
}

static void stem_set(struct row_key *k, unsigned char first, size_t length, struct str stem)
{
	k->octets[0] = first;
	k->octets[1] = (unsigned char)length;
	if (stem.n) memcpy(k->octets + HEAD, stem.p, stem.n);
	k->n = HEAD + stem.n;
}

static void member_set(struct row_key *k, int kind, struct str member)
{
	k->octets[k->n++] = (unsigned char)kind;
	size_t room = sizeof k->octets - k->n;
	bool cut = member.n > room;
	size_t n = cut ? room - HASH_SHA256 : member.n;
	memcpy(k->octets + k->n, member.p ? member.p : "", n);
	k->n += n;
	if (!cut) return;
	hash_sha256(member, k->octets + k->n);
	k->n += HASH_SHA256;
}

/* ---- rows of a series -------------------------------------------------------------------- */

/* As reverse_type_noted says, and while an import fills the registry. */
static bool noted(const struct reverse_type *type)
{
	return type && type->state != REVERSE_CLEARING && type->state != REVERSE_LEAVING;
}

typedef enum err row_fn(struct store_txn *t, struct str key, struct str series);

static enum err put(struct store_txn *t, struct str key, struct str series)
{
	return store_put(t, RS_TABLE_reverse_series, key, series);
}

/* Absent when the type is still being built and has not come to this series, or values share the row. */
static enum err del(struct store_txn *t, struct str key, struct str series)
{
	(void)series;
	enum err e = store_del(t, RS_TABLE_reverse_series, key);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* only: a number, or 0 for all that are noted. A retired series points at nothing. */
static enum err each_row(struct store_txn *t, const struct reverse_types *types, unsigned char only,
			 struct arena *a, const struct series_pattern *p, struct str packed, row_fn *fn)
{
	struct record_head head;
	struct series_key series;
	struct value v;
	enum err e = packed.n ? record_peek(packed, &head) : ERR_NOT_FOUND;
	if (e || head.status == RECORD_RETIRED) return e == ERR_NOT_FOUND ? ERR_OK : e;
	series_key_of(p, &series);
	while (!(e = record_next_value(&packed, &v))) {
		const struct reverse_type *type = reverse_type_find(types, v.type);
		struct arena_mark mark = arena_mark(a);
		struct series_stem stem;
		struct row_key k;
		if (only ? !type || type->number != only : !noted(type)) continue;
		e = series_stem(a, p, v.data, &stem);
		if (e) return e;
		bool hidden = !(v.permissions & VALUE_PUBLIC_READ);
		stem_set(&k, (unsigned char)(type->number | (hidden ? REVERSE_SERIES : 0)), stem.octets.n,
			 stem.octets);
		member_set(&k, stem.whole ? KIND_WHOLE : KIND_BEGINNING, p->last.key);
		arena_rollback(a, mark);
		e = fn(t, octets_of(&k), str_n(series.octets, series.n));
		if (e) return e;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err read_types(struct store_txn *t, struct arena *a, struct reverse_types *ret)
{
	enum err e = reverse_types_read(t, ret);
	for (size_t i = 0; i < ret->n && !e; i++) {
		ret->type[i].name = arena_dup(a, ret->type[i].name);
		if (!ret->type[i].name.p) e = ERR_NO_MEMORY;
	}
	return e;
}

enum err reverse_series_note(struct store_txn *t, struct arena *a, const struct series_pattern *p,
			     const struct str old_new[2])
{
	struct arena_mark mark = arena_mark(a);
	struct reverse_types types;
	enum err e = read_types(t, a, &types);
	if (!e && types.n) e = each_row(t, &types, 0, a, p, old_new[0], del);
	if (!e && types.n) e = each_row(t, &types, 0, a, p, old_new[1], put);
	arena_rollback(a, mark);
	return e;
}

/* ---- building and dropping --------------------------------------------------------------- */

struct build {
	struct store_txn *txn;
	struct arena *arena;
	const struct reverse_types *types;
	struct reverse_place place;
	struct str keys[BUILD_STEP], packed[BUILD_STEP]; /* copies: writing ends what is borrowed */
	size_t n;
	bool more;
	enum err err;
};

static bool gather_series(void *arg, const struct series *s, bool under)
{
	struct build *b = arg;
	(void)under;
	b->more = b->n == BUILD_STEP;
	if (b->more) return false;
	b->keys[b->n] = arena_dup(b->arena, s->key);
	b->packed[b->n] = arena_dup(b->arena, s->packed);
	if (!b->keys[b->n].p || !b->packed[b->n].p) b->err = ERR_NO_MEMORY;
	b->n++;
	return !b->err;
}

/* Of the series behind *after, which moves. */
static enum err build_some(struct build *b, unsigned char only)
{
	b->n = 0;
	b->more = false;
	enum err e = series_list(b->txn, STR(""), b->place.after, gather_series, b);
	if (!e) e = b->err;
	for (size_t i = 0; i < b->n && !e; i++) {
		struct arena_mark mark = arena_mark(b->arena);
		struct record_head head;
		struct series_pattern p;
		e = record_peek(b->packed[i], &head);
		if (!e) e = series_pattern_parse(b->arena, head.id, NULL, &p);
		if (!e) e = each_row(b->txn, b->types, only, b->arena, &p, b->packed[i], put);
		arena_rollback(b->arena, mark);
	}
	if (!e && b->n) b->place.after = b->keys[b->n - 1];
	b->place.records += b->n;
	return e;
}

enum err reverse_series_build(struct store_txn *t, struct arena *a, unsigned char number, bool *ret_more)
{
	struct reverse_types types;
	struct build *b = ARENA_NEW(a, struct build);
	enum err e = b ? read_types(t, a, &types) : ERR_NO_MEMORY;
	if (e) return e;
	*b = (struct build){.txn = t, .arena = a, .types = &types};
	e = reverse_place_read(t, number | REVERSE_SERIES, &b->place);
	if (!e && b->place.after.n) {
		b->place.after = arena_dup(a, b->place.after);
		if (!b->place.after.p) e = ERR_NO_MEMORY;
	}
	if (!e) e = build_some(b, number);
	if (!e) *ret_more = b->more;
	return !e && b->more ? reverse_place_write(t, number | REVERSE_SERIES, &b->place) : e;
}

enum err reverse_series_make(struct store_txn *t, struct arena *a)
{
	struct reverse_types types;
	struct build *b = ARENA_NEW(a, struct build);
	enum err e = b ? read_types(t, a, &types) : ERR_NO_MEMORY;
	char after[STORE_KEY_MAX];
	if (e) return e;
	*b = (struct build){.txn = t, .arena = a, .types = &types, .more = true};
	while (!e && b->more) {
		struct arena_mark mark = arena_mark(a);
		e = build_some(b, 0);
		if (!e && b->n)
			b->place.after =
			    str_n(memcpy(after, b->place.after.p, b->place.after.n), b->place.after.n);
		arena_rollback(a, mark);
	}
	return e;
}

/* Keys are gathered before any is dropped: a walk over what was just dropped would look at each of them. */
enum err reverse_series_drop(struct store_txn *t, struct arena *a, unsigned char number, bool *ret_more)
{
	const unsigned char stems[] = {number, (unsigned char)(number | REVERSE_SERIES)};
	struct str *keys = ARENA_ARRAY(a, struct str, DROP_STEP), key, value;
	struct store_cursor *c;
	size_t n = 0;
	enum err e = keys ? store_cursor_open(t, RS_TABLE_reverse_series, &c) : ERR_NO_MEMORY;
	if (e) return e;
	for (size_t i = 0; i < 2 && (!e || e == ERR_NOT_FOUND); i++) {
		e = store_cursor_seek(c, str_n(&stems[i], 1), &key, &value);
		while (!e && n < DROP_STEP && (unsigned char)key.p[0] == stems[i]) {
			keys[n] = arena_dup(a, key);
			if (!keys[n++].p) e = ERR_NO_MEMORY;
			if (!e) e = store_cursor_next(c, &key, &value);
		}
	}
	store_cursor_close(c);
	if (e == ERR_NOT_FOUND) e = ERR_OK;
	for (size_t i = 0; i < n && !e; i++) e = store_del(t, RS_TABLE_reverse_series, keys[i]);
	if (!e) *ret_more = n == DROP_STEP;
	return e;
}

/* ---- finding ----------------------------------------------------------------------------- */

struct walk {
	const struct reverse_series_query *q;
	unsigned char first;
	struct row_key next; /* where to look when this row is none of them */
	bool end;
};

/* Of stems so long: those that may be wanted. */
static struct str seek_length(struct walk *w, size_t length)
{
	const struct reverse_series_query *q = w->q;
	w->end = length > SERIES_STEM_MAX || (!q->begins && length > q->data.n);
	if (w->end) return STR_NONE;
	stem_set(&w->next, w->first, length, str_first(q->data, length < q->data.n ? length : q->data.n));
	return octets_of(&w->next);
}

static struct str seek_kind(struct walk *w, struct str key, size_t length, int kind, struct str member)
{
	memcpy(w->next.octets, key.p, HEAD + length);
	w->next.n = HEAD + length;
	member_set(&w->next, kind, member);
	return octets_of(&w->next);
}

/* The member's key lies under what is asked for: the whole of it, or what a cut key has left. Else where
 * the next such one is; *ret_from empty: in no row of this kind. */
static bool is_under(const struct reverse_series_query *q, struct str member, size_t room,
		     struct str *ret_from)
{
	*ret_from = STR_NONE;
	for (size_t i = 0; i < q->under_n; i++) {
		struct str one = str_first(q->under[i], q->under[i].n < room ? q->under[i].n : room);
		if (str_starts(member, one)) return true;
		if (str_cmp(member, one) < 0) {
			*ret_from = one;
			return false;
		}
	}
	return false;
}

/* STR_NONE in *ret_next: it is one of them, and the next row is to be looked at. */
static enum err look(struct walk *w, struct str key, struct str *ret_next)
{
	const struct reverse_series_query *q = w->q;
	if (key.n < HEAD || key.n < HEAD + (size_t)(unsigned char)key.p[1] + 1) return ERR_CORRUPT;
	size_t length = (unsigned char)key.p[1], n = length < q->data.n ? length : q->data.n;
	struct str stem = str_first(str_skip(key, HEAD), length), want = str_first(q->data, n), from;
	*ret_next = STR_NONE;
	if (!str_starts(stem, want) || (!q->begins && length > q->data.n)) {
		*ret_next = seek_length(w, str_cmp(stem, want) < 0 ? length : length + 1);
		return ERR_OK;
	}
	int kind = (unsigned char)key.p[HEAD + length];
	struct str member = str_skip(key, HEAD + length + 1);
	size_t room = STORE_KEY_MAX - HEAD - length - 1 - HASH_SHA256;
	if (kind == KIND_WHOLE && length < q->data.n) /* it ends where the data go on */
		*ret_next = seek_kind(w, key, length, KIND_BEGINNING, STR_NONE);
	else if (!is_under(q, member, room, &from))
		*ret_next = seek_kind(w, key, length, from.n ? kind : kind + 1, from);
	return ERR_OK;
}

enum err reverse_series_find(struct store_txn *t, const struct reverse_series_query *q,
			     reverse_series_fn *fn, void *arg)
{
	struct walk w = {.q = q, .first = (unsigned char)(q->number | (q->hidden ? REVERSE_SERIES : 0))};
	struct store_cursor *c;
	struct str key, value, next = q->after.n ? q->after : seek_length(&w, 0);
	enum err e = store_cursor_open(t, RS_TABLE_reverse_series, &c);
	if (e) return e;
	e = store_cursor_seek(c, next, &key, &value);
	if (!e && q->after.n && str_eq(key, q->after)) e = store_cursor_next(c, &key, &value);
	while (!e && (unsigned char)key.p[0] == w.first) {
		e = look(&w, key, &next);
		if (e || w.end) break;
		if (next.n) {
			e = store_cursor_seek(c, next, &key, &value);
			continue;
		}
		if (!fn(arg, &(struct reverse_series_row){key, value, (unsigned char)key.p[1]})) break;
		e = store_cursor_next(c, &key, &value);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
