/* Which series may lie together, and how many lie among each other's members.
 *
 * The rows of one tail are in order of their last members, and a member is looked for from the first row
 * that does not end before it. Where a series has several ranges, others may have members between its own:
 * the halves of one that was cut in its second range do. Each row therefore tells how many series have
 * their first and last member around its last one. While that is 0 nothing behind the row can have a member
 * before its end: there the search is over. Of each series at most SERIES_AMONG_MAX others end between its
 * ends. */
#include "resolver/series.h"

enum { AMONG_TOLD = 63 /* what a row has room for */ };

/* ---- overlaps --------------------------------------------------------------------------- */

struct search {
	struct store_cursor *c;
	const struct series *own; /* the new one, as if it were a row */
	size_t steps, tails;
	size_t behind; /* rows of this tail that end behind it */
	bool own_tail; /* its length of tail is in use there */
	struct flaw *f;
};

/* Whether the character may stand there. */
static bool stands(const struct series *s, struct series_place p, char c)
{
	if (p.check) return c >= '0' && c <= '9';
	return p.range == SIZE_MAX ? c == p.literal : series_range_allows(&s->range, p.range, c);
}

/* Some character may stand there in both. Whatever has no alphabet is what both ends have. */
static bool meet_at(const struct series *x, const struct series *y, size_t i)
{
	struct series_place a = series_place_at(x, i), b = series_place_at(y, i);
	if (a.range == SIZE_MAX && !a.check) return stands(y, b, a.literal);
	if (b.range == SIZE_MAX && !b.check) return stands(x, a, b.literal);
	if (a.range != SIZE_MAX && stands(y, b, x->range.from.p[a.range])) return true;
	for (char c = '0'; c <= 'z'; c++)
		if (stands(x, a, c) && stands(y, b, c)) return true;
	return false;
}

/* The least or greatest octets that a member's first n octets may be. */
static void bound_of(const struct series *s, size_t n, bool upper, char *to)
{
	for (size_t i = 0; i < n; i++) {
		struct series_place p = series_place_at(s, i);
		const struct str *end = upper ? &s->range.to : &s->range.from;
		to[i] = p.range != SIZE_MAX ? end->p[p.range] : p.check ? (upper ? '9' : '0') : p.literal;
	}
}

/* Whether no part of the range begins before the place and goes on there. */
static bool begins_at(const struct series *s, size_t i)
{
	struct series_place p = series_place_at(s, i);
	if (p.range == SIZE_MAX || !p.range) return true;
	if (!s->range.parts_n) return false;
	for (size_t k = 0; k < s->range.parts_n; k++) {
		struct series_part part = s->range.parts[k];
		if (p.range > part.at && p.range < (size_t)part.at + part.n) return false;
	}
	return true;
}

/* Whether two series may have a member in common: never false when they have one. From each place where no
 * range goes on, the members of both lie between their ends in order of ASCII, whatever stands before. */
static bool overlap(const struct series *x, const struct series *y)
{
	char x_low[STORE_KEY_MAX], x_high[STORE_KEY_MAX], y_low[STORE_KEY_MAX], y_high[STORE_KEY_MAX];
	size_t n = x->key.n - SERIES_KEY_HEAD;
	bound_of(x, n, false, x_low);
	bound_of(x, n, true, x_high);
	bound_of(y, n, false, y_low);
	bound_of(y, n, true, y_high);
	for (size_t i = 0; i < n; i++) {
		if (!meet_at(x, y, i)) return false;
		if (!begins_at(x, i) || !begins_at(y, i)) continue;
		if (memcmp(x_low + i, y_high + i, n - i) > 0 || memcmp(y_low + i, x_high + i, n - i) > 0)
			return false;
	}
	return true;
}

static enum err conflict(const struct search *s, const struct series *with)
{
	struct record_head head;
	enum err e = record_peek(with->packed, &head);
	if (e) return e;
	return flaw_set(s->f, ERR_CONFLICT, FLAW_NO_OFFSET, "pattern", "series-overlap",
			"it overlaps the%s series %.*s", head.status == RECORD_RETIRED ? " retired" : "",
			STR_ARG(str_cut(head.id, 150)));
}

static enum err step(struct search *s)
{
	if (++s->steps <= SERIES_STEPS_MAX) return ERR_OK;
	return flaw_set(s->f, ERR_QUOTA, FLAW_NO_OFFSET, "pattern", "series-crowded",
			"too many series lie near this one");
}

/* Rows of one tail, which is in the first `alike` octets of *from, while they may meet the new one. They
 * are in order of their last members. */
static enum err check_rows(struct search *s, const struct series_key *from, size_t alike)
{
	struct str key, row;
	char high[STORE_KEY_MAX], low[STORE_KEY_MAX];
	enum err e = store_cursor_seek(s->c, str_n(from->octets, from->n), &key, &row);
	while (!e && key.n >= alike && !memcmp(key.p, from->octets, alike)) {
		struct series other;
		e = series_row_read(key, row, &other);
		if (!e) e = step(s);
		if (e) return e;
		size_t n = key.n - SERIES_KEY_HEAD - other.tail;
		bound_of(&other, n, false, low);
		bound_of(s->own, n, true, high);
		if (memcmp(low, high, n) > 0 && (!other.among || ++s->behind > SERIES_AMONG_MAX))
			return ERR_OK;
		if (overlap(s->own, &other)) return conflict(s, &other);
		e = store_cursor_next(s->c, &key, &row);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The rows with the tail of the row at *at; then *at is behind them. */
static enum err check_tail(struct search *s, struct series_key *at)
{
	const struct series *own = s->own;
	const size_t scope = own->scope, n = own->key.n;
	size_t tail =
	    (size_t)(unsigned char)at->octets[scope + 2] << 8 | (unsigned char)at->octets[scope + 3];
	size_t alike = scope + SERIES_KEY_HEAD + tail;
	char low[STORE_KEY_MAX];
	if (tail == own->tail) {
		/* others of this length end otherwise: no member of theirs is one of ours */
		memcpy(at->octets, own->key.p, alike);
		s->own_tail = true;
	}
	bound_of(own, n - SERIES_KEY_HEAD - tail, false, low);
	memcpy(at->octets + alike, low + scope, n - alike);
	at->n = n;
	s->behind = 0;
	enum err e = check_rows(s, at, alike);
	if (!e) e = step(s);
	/* the octet 0xff stands in no key */
	at->n = tail == own->tail ? scope + SERIES_KEY_HEAD : alike;
	at->octets[at->n++] = (char)ID_KEY_MARK;
	return e;
}

/* The new one against all of its scope whose identifiers are as long, tail by tail. */
static enum err check_overlaps(struct search *s)
{
	const size_t group = s->own->scope + 2, n = s->own->key.n;
	struct series_key at = {.n = group};
	struct str key, row;
	size_t last = SIZE_MAX;
	memcpy(at.octets, s->own->key.p, group);
	for (;;) {
		enum err e = store_cursor_seek(s->c, str_n(at.octets, at.n), &key, &row);
		if (e == ERR_NOT_FOUND) break;
		if (e) return e;
		if (key.n != n || memcmp(key.p, s->own->key.p, group) != 0) break;
		memcpy(at.octets, key.p, n);
		size_t tail = (size_t)(unsigned char)key.p[group] << 8 | (unsigned char)key.p[group + 1];
		s->tails += tail != last;
		last = tail;
		e = check_tail(s, &at);
		if (e) return e;
	}
	if (!s->own_tail && s->tails >= SERIES_TAILS_MAX)
		return flaw_set(
		    s->f, ERR_QUOTA, FLAW_NO_OFFSET, "pattern", "series-tails",
		    "series of equally long identifiers have %d different lengths of what follows "
		    "the range already",
		    SERIES_TAILS_MAX);
	return ERR_OK;
}

enum err series_check_free(struct store_txn *t, const struct series *own, struct flaw *f)
{
	struct search s = {.own = own, .f = f};
	enum err e = store_cursor_open(t, RS_TABLE_series, &s.c);
	if (e) return e;
	e = check_overlaps(&s);
	store_cursor_close(s.c);
	return e;
}

/* ---- among each other's members --------------------------------------------------------- */

enum { NEW_MAX = 2 };

struct ends { /* of a series: keys of its first and last member, without the tail */
	char low[STORE_KEY_MAX], high[STORE_KEY_MAX];
	size_t n;
	size_t rows; /* of others that end between them */
};

struct near {
	struct store_txn *txn;
	struct arena *arena;
	struct flaw *flaw;
	const struct series *own; /* the first of the new ones: of their group */
	struct str gone;          /* key of the row that is replaced, or none */
	struct ends new[NEW_MAX], old;
	size_t new_n, behind;
	struct series_among *found;
};

static void ends_of(const struct series *s, struct ends *ret)
{
	ret->n = s->key.n - SERIES_KEY_HEAD - s->tail;
	ret->rows = 0;
	bound_of(s, ret->n, false, ret->low);
	bound_of(s, ret->n, true, ret->high);
}

/* Whether the last member of the one lies between the first and the last of the other. */
static bool ends_in(const struct ends *one, const struct ends *other)
{
	return memcmp(other->low, one->high, one->n) <= 0 && memcmp(one->high, other->high, one->n) <= 0;
}

static enum err crowded(struct flaw *f)
{
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "pattern", "series-among",
			"more than %d series would lie among each other's members: cut in an earlier range",
			SERIES_AMONG_MAX);
}

/* The group's rows from the first that ends at low or behind it; false: enough. */
typedef enum err row_fn(struct near *w, const struct series *s, bool *ret_more);

static enum err each_row(struct near *w, const char *low, row_fn *fn, struct series_key *ret_from)
{
	const struct series *own = w->own;
	size_t alike = own->scope + SERIES_KEY_HEAD + own->tail;
	struct store_cursor *c;
	struct str key, row;
	bool more = true;
	memcpy(ret_from->octets, own->key.p, own->key.n);
	memcpy(ret_from->octets + alike, low + own->scope, own->key.n - alike);
	ret_from->n = own->key.n;
	enum err e = store_cursor_open(w->txn, RS_TABLE_series, &c);
	if (e) return e;
	e = store_cursor_seek(c, str_n(ret_from->octets, ret_from->n), &key, &row);
	while (!e && more && key.n == own->key.n && !memcmp(key.p, own->key.p, alike)) {
		struct series s;
		e = series_row_read(key, row, &s);
		if (!e) e = fn(w, &s, &more);
		if (!e && more) e = store_cursor_next(c, &key, &row);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err count_row(struct near *w, const struct series *s, bool *ret_more)
{
	struct ends e;
	ends_of(s, &e);
	*ret_more = ends_in(&e, &w->old);
	w->old.rows += *ret_more && !str_eq(s->key, w->gone);
	return w->old.rows > SERIES_AMONG_MAX + 1 ? crowded(w->flaw) : ERR_OK;
}

/* A row around the end of new ones: how many there will be between its ends, itself not counted. */
static enum err count_within(struct near *w, const struct ends *e, size_t more)
{
	struct near other = *w;
	struct series_key from;
	other.old = *e;
	enum err r = each_row(&other, e->low, count_row, &from);
	return !r && other.old.rows - 1 + more > SERIES_AMONG_MAX ? crowded(w->flaw) : r;
}

static enum err note_row(struct near *w, const struct series *s, size_t more, size_t less)
{
	struct series_among *to = w->found;
	if (s->among + more > AMONG_TOLD + less) return crowded(w->flaw);
	struct series_among_row *row = &to->rows[to->rows_n];
	row->key = arena_dup(w->arena, s->key);
	row->among = s->among + more - (less < s->among + more ? less : s->among + more);
	to->rows_n++;
	return row->key.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err look_at(struct near *w, const struct series *s, bool *ret_more)
{
	struct ends e;
	size_t more = 0, around = 0;
	bool behind = true, less = w->gone.n;
	ends_of(s, &e);
	for (size_t i = 0; i < w->new_n; i++) behind &= memcmp(e.low, w->new[i].high, e.n) > 0;
	/* a series that goes around the new ones has no more that end within it */
	*ret_more = !behind || (s->among && w->behind++ <= SERIES_AMONG_MAX);
	if (str_eq(s->key, w->gone)) return ERR_OK;
	less = less && ends_in(&e, &w->old);
	for (size_t i = 0; i < w->new_n; i++) {
		bool in = ends_in(&e, &w->new[i]), over = ends_in(&w->new[i], &e);
		more += in;
		around += over;
		w->new[i].rows += in;
		w->found->own[i] += over;
		if (w->new[i].rows > SERIES_AMONG_MAX || w->found->own[i] > AMONG_TOLD)
			return crowded(w->flaw);
	}
	enum err r = around ? count_within(w, &e, around) : ERR_OK;
	/* each of them ends in a new or the old one, which have no more */
	return r || more == less ? r : note_row(w, s, more, less);
}

enum err series_among_find(struct store_txn *t, struct arena *a, const struct series *gone,
			   const struct series *new, size_t n, struct flaw *f, struct series_among *ret)
{
	struct near w = {.txn = t, .arena = a, .flaw = f, .own = new, .new_n = n, .found = ret};
	struct series_key from;
	*ret = (struct series_among){
	    .rows = ARENA_ARRAY(a, struct series_among_row, (NEW_MAX + 1) * (SERIES_AMONG_MAX + 1))};
	if (!ret->rows) return ERR_NO_MEMORY;
	if (gone) {
		w.gone = gone->key;
		ends_of(gone, &w.old);
	}
	for (size_t i = 0; i < n; i++) ends_of(&new[i], &w.new[i]);
	for (size_t i = 0; i < n; i++) {
		const struct ends *other = &w.new[n - 1 - i];
		bool in = n > 1 && ends_in(&w.new[i], other);
		ret->own[i] += in;
		w.new[n - 1 - i].rows += in;
	}
	return each_row(&w, w.new[0].low, look_at, &from);
}

/* The rows as they are but for that number. */
static enum err write_one(struct store_txn *t, const struct series_among_row *r, struct buf *row)
{
	struct str old;
	enum err e = store_get(t, RS_TABLE_series, r->key, &old);
	if (e) return e;
	buf_clear(row);
	buf_add(row, old);
	e = buf_err(row);
	if (e) return e;
	series_row_among(row->p, r->among);
	return store_put(t, RS_TABLE_series, r->key, buf_str(row));
}

enum err series_among_write(struct store_txn *t, const struct series_among *w)
{
	struct buf row = BUF_INIT(SERIES_ROW_MAX);
	enum err e = ERR_OK;
	for (size_t i = 0; i < w->rows_n && !e; i++) e = write_one(t, &w->rows[i], &row);
	buf_done(&row);
	return e;
}
