#include "resolver/series_pattern.h"

#include <stdio.h>

#include "proto/pb/record.h"
#include "resolver/series_range.h"

enum { CLASSES = 3 }; /* digits, capitals, small letters: bits of series_class_of */

/* A pattern taken apart, before any identifier is made of it. */
struct parts {
	/* before each range; behind the last one up to {check}, or without {check} to the end */
	struct str literal[SERIES_RANGES_MAX + 1];
	struct str tail; /* behind {check} */
	struct series_range range[SERIES_RANGES_MAX];
	size_t at[SERIES_RANGES_MAX]; /* of its brace */
	size_t n;
	bool check;
};

/* ---- reading the braces ----------------------------------------------------------------- */

static enum err bad(struct flaw *f, size_t offset, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_ID, offset, "pattern", rule, "%s", text);
}

/* One pair of braces, which begins at `at`: a range, or {check}. */
static enum err brace_take(struct arena *a, struct str inner, size_t at, struct flaw *f, struct parts *p)
{
	bool check = str_is(inner, "check");
	if (p->check || (check && !p->n))
		return bad(f, at, p->check ? "check-last" : "range",
			   p->check ? "{check} stands once, behind all ranges"
				    : "expected a range {FROM..TO} or {FROM..TO:ALPHABET} before {check}");
	if (check) {
		p->check = true;
		return ERR_OK;
	}
	if (p->n == SERIES_RANGES_MAX)
		return flaw_set(f, ERR_BAD_ID, at, "pattern", "ranges", "a pattern has at most %d ranges",
				SERIES_RANGES_MAX);
	enum err e = series_range_parse(a, inner, at, f, &p->range[p->n]);
	if (!e) p->at[p->n++] = at;
	return e;
}

static enum err braces_parse(struct arena *a, struct str text, struct flaw *f, struct parts *ret)
{
	struct parts p = {.n = 0};
	size_t at = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '{' && text.p[i] != '}') continue;
		size_t n = str_find(str_skip(text, i), '}');
		struct str inner = str_first(str_skip(text, i + 1), n - 1);
		if (text.p[i] == '}' || i + n == text.n || str_find(inner, '{') < inner.n)
			return bad(f, i, "brace", "a brace stands alone, or within braces");
		p.literal[p.n] = str_first(str_skip(text, at), i - at);
		enum err e = brace_take(a, inner, i, f, &p);
		if (e) return e;
		i += n;
		at = i + 1;
	}
	if (!p.n)
		return bad(f, text.n, "range",
			   "a pattern has a range, such as {0000..9999}; this is one identifier");
	*(p.check ? &p.tail : &p.literal[p.n]) = str_skip(text, at);
	*ret = p;
	return ERR_OK;
}

/* ---- trying members --------------------------------------------------------------------- */

static enum err try_one(struct arena *a, const struct parts *p, const struct str *serials,
			const char *check, struct flaw *f, struct id *ret)
{
	struct buf b = BUF_INIT(2 * RECORD_ID_MAX + SERIES_RANGES_MAX * SERIES_WIDTH_MAX);
	for (size_t i = 0; i < p->n; i++) {
		buf_add(&b, p->literal[i]);
		buf_add(&b, serials[i]);
	}
	buf_add(&b, p->literal[p->n]);
	buf_add(&b, str_n(check, check ? 1 : 0));
	buf_add(&b, p->tail);
	struct str text = buf_err(&b) ? STR_NONE : arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text.p ? id_parse(a, text, f, ret) : ERR_NO_MEMORY;
}

/* The identifier with these characters in its ranges; its check digit is the one of the ten that the scheme
 * takes. */
static enum err make(struct arena *a, const struct parts *p, const struct str *serials, struct flaw *f,
		     struct id *ret)
{
	struct flaw why = {.offset = FLAW_NO_OFFSET};
	enum err e;
	size_t fitting = 0;
	if (!p->check) {
		e = try_one(a, p, serials, NULL, f, ret);
		if (e == ERR_BAD_ID && f && !strcmp(f->rule, "check-digit"))
			return bad(
			    f, p->at[0], "check-digit",
			    "the check digit is wrong; where it follows from the range, write {check}");
		/* the range is written longer than what it stands for */
		if (e && f && f->offset != FLAW_NO_OFFSET && f->offset > p->at[0]) f->offset = p->at[0];
		return e;
	}
	for (char digit = '0'; digit <= '9'; digit++) {
		struct id one;
		e = try_one(a, p, serials, &digit, &why, &one);
		if (e == ERR_NO_MEMORY) return e;
		if (e) continue;
		*ret = one;
		if (++fitting == 2)
			return bad(f, p->at[0], "check-none",
				   "{check} stands where the identifier has no check digit");
	}
	if (fitting == 1) return ERR_OK;
	if (f) *f = why;
	if (f && f->offset != FLAW_NO_OFFSET && f->offset > p->at[0]) f->offset = p->at[0];
	return ERR_BAD_ID;
}

static void ends_of(const struct parts *p, bool last, struct str ret[SERIES_RANGES_MAX])
{
	for (size_t i = 0; i < p->n; i++) ret[i] = last ? p->range[i].to : p->range[i].from;
}

/* ---- where the ranges are --------------------------------------------------------------- */

/* Where two members that differ in one character differ. */
struct difference {
	size_t n, at[3];
};

static struct difference differ(struct str x, struct str y)
{
	struct difference d = {0};
	if (x.n != y.n) return (struct difference){.n = 3};
	for (size_t i = 0; i < x.n && d.n < 3; i++)
		if (x.p[i] != y.p[i]) d.at[d.n++] = i;
	return d;
}

static enum err misplaced(struct flaw *f, const struct parts *p, size_t k)
{
	return bad(
	    f, p->at[k], "range-place",
	    "the characters of the range do not stand together in the identifier's key, or not before "
	    "its check digit");
}

struct spot {
	size_t range, place;
};

struct places { /* found so far, of one range */
	bool known;
	size_t key, key_check, text, text_check;
};

/* What the first member and one with the character c at that place of the range say of the places. */
static enum err compare(const struct parts *p, const struct id *first, const struct id *other,
			const struct spot *s, struct flaw *f, struct places *w)
{
	size_t place = s->place;
	struct difference key = differ(first->key, other->key), text = differ(first->text, other->text);
	size_t n = p->check ? 2 : 1;
	if (key.n != n || text.n != n || key.at[0] < place || text.at[0] < place)
		return misplaced(f, p, s->range);
	struct places found = {true, key.at[0] - place, key.at[1], text.at[0] - place, text.at[1]};
	if (w->known &&
	    (found.key != w->key || found.text != w->text ||
	     (p->check && (found.key_check != w->key_check || found.text_check != w->text_check))))
		return misplaced(f, p, s->range);
	*w = found;
	return ERR_OK;
}

/* Members that differ from the first at one place. One character of each class is enough; but a check
 * digit may happen to be what the range has, so where there is one, all are tried. A character that the
 * alphabet lacks tells the place as well. */
static enum err probe(struct arena *a, const struct parts *p, const struct id *first, const struct spot *s,
		      unsigned class, struct flaw *f, struct places *w)
{
	const struct series_range *r = &p->range[s->range];
	struct str serials[SERIES_RANGES_MAX];
	char serial[SERIES_WIDTH_MAX], from = r->from.p[s->place];
	bool placed = false;
	enum err refusal = ERR_OK;
	ends_of(p, false, serials);
	memcpy(serial, r->from.p, r->from.n);
	serials[s->range] = str_n(serial, r->from.n);
	for (char c = '0'; c <= 'z' && (p->check || !placed); c++) {
		struct id other;
		if (series_class_of(c) != class || c == from) continue;
		serial[s->place] = c;
		enum err e = make(a, p, serials, f, &other);
		if (e == ERR_NO_MEMORY) return e;
		if (e) {
			refusal = e;
			continue;
		}
		e = compare(p, first, &other, s, f, w);
		if (e) return e;
		char got = other.key.p[w->key + s->place];
		if ((got ^ c) == ' ')
			return bad(f, p->at[s->range] + 1 + s->place, "range-folded",
				   "the scheme does not tell capitals from small letters: write capitals");
		if (got != c || other.text.p[w->text + s->place] != c) return misplaced(f, p, s->range);
		placed = true;
	}
	return placed ? ERR_OK : refusal;
}

static bool has_class(const struct series_range *r, size_t place, unsigned class)
{
	for (char c = '0'; c <= 'z'; c++)
		if (series_class_of(c) == class && series_range_allows(r, place, c)) return true;
	return false;
}

static enum err locate_one(struct arena *a, const struct parts *p, const struct id *first, size_t k,
			   struct flaw *f, struct places *w)
{
	const struct series_range *r = &p->range[k];
	size_t n = r->from.n;
	for (size_t i = 0; i < n; i++) {
		if (!series_class_of(r->from.p[i])) continue;
		for (unsigned c = 0; c < CLASSES; c++) {
			struct arena_mark mark = arena_mark(a);
			if (!has_class(r, i, 1u << c)) continue;
			enum err e = probe(a, p, first, &(struct spot){k, i}, 1u << c, f, w);
			arena_rollback(a, mark);
			if (e) return e;
		}
	}
	if (!w->known || w->key + n > first->key.n || w->text + n > first->text.n ||
	    memcmp(first->key.p + w->key, r->from.p, n) != 0 ||
	    memcmp(first->text.p + w->text, r->from.p, n) != 0)
		return bad(f, p->at[k], "range-folded",
			   "the scheme writes the characters of the range in another way");
	if (p->check && (w->key_check < w->key + n || w->text_check < w->text + n))
		return misplaced(f, p, k);
	return ERR_OK;
}

/* Each by itself; then they stand in the order in which they are written, and say the same check digit. */
static enum err locate(struct arena *a, const struct parts *p, const struct id *first, struct flaw *f,
		       struct places w[SERIES_RANGES_MAX])
{
	for (size_t k = 0; k < p->n; k++) {
		enum err e = locate_one(a, p, first, k, f, &w[k]);
		if (e) return e;
		if (!k) continue;
		size_t n = p->range[k - 1].from.n;
		if (w[k].key < w[k - 1].key + n || w[k].text < w[k - 1].text + n ||
		    (p->check && w[k].key_check != w[0].key_check))
			return misplaced(f, p, k);
	}
	return ERR_OK;
}

/* The last member is the first with other characters in those places, and nowhere else. */
static enum err check_last(const struct parts *p, const struct id *first, const struct id *last,
			   const struct places *w, struct flaw *f)
{
	if (first->key.n != last->key.n) return misplaced(f, p, 0);
	for (size_t i = 0; i < first->key.n; i++) {
		bool free = p->check && i == w[0].key_check;
		for (size_t k = 0; k < p->n; k++) free |= i >= w[k].key && i < w[k].key + p->range[k].to.n;
		if (!free && first->key.p[i] != last->key.p[i]) return misplaced(f, p, 0);
	}
	for (size_t k = 0; k < p->n; k++)
		if (memcmp(last->key.p + w[k].key, p->range[k].to.p, p->range[k].to.n) != 0)
			return misplaced(f, p, k);
	return ERR_OK;
}

/* ---- the whole -------------------------------------------------------------------------- */

size_t series_scope(enum id_scheme scheme, struct str key)
{
	size_t ends[ID_BOUNDARIES_MAX];
	size_t n = id_key_boundaries(key, ends);
	if (!n) return 0;
	return scheme == ID_HANDLE ? ends[n - 1] : ends[n > 1];
}

static void put_range(struct buf *b, const struct series_range *r)
{
	buf_byte(b, '{');
	buf_add(b, r->from);
	buf_add(b, STR(".."));
	buf_add(b, r->to);
	if (r->alphabet.n) buf_byte(b, ':');
	buf_add(b, r->alphabet);
	buf_byte(b, '}');
}

static enum err print(struct arena *a, struct series_pattern *p)
{
	struct buf b = BUF_INIT(RECORD_ID_MAX);
	struct str text = p->first.text;
	size_t at = 0;
	for (size_t k = 0; k < p->ranges_n; k++) {
		buf_add(&b, str_first(str_skip(text, at), p->text_at[k] - at));
		put_range(&b, &p->ranges[k]);
		at = p->text_at[k] + p->ranges[k].from.n;
	}
	if (p->check_at) {
		buf_add(&b, str_first(str_skip(text, at), p->check_at - at));
		buf_add(&b, STR("{check}"));
		at = p->check_at + 1;
	}
	if (at < text.n) buf_add(&b, str_skip(text, at));
	enum err e = buf_err(&b);
	if (!e) p->text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return !e && !p->text.p ? ERR_NO_MEMORY : e;
}

static enum err limits_check(struct series_pattern *p, size_t at, struct flaw *f)
{
	struct str key = p->first.key;
	if (p->first.hashed || key.n > SERIES_KEY_MAX || p->rest > UINT8_MAX)
		return bad(f, at, "too-long", "the identifiers are too long for a series");
	p->scope = series_scope(p->first.scheme, key);
	if (!p->scope || p->head < p->scope)
		return bad(f, at, "range-prefix", "the range reaches into the prefix");
	p->members = series_range_count(&p->range);
	if (!p->members)
		return flaw_set(f, ERR_BAD_ID, at, "pattern", "range-size",
				"a series has at most %llu members",
				(unsigned long long)SERIES_MEMBERS_MAX);
	return ERR_OK;
}

/* The window over all ranges, of the ends there are. */
static enum err join(struct arena *a, struct series_pattern *p, const size_t key_at[SERIES_RANGES_MAX])
{
	struct series_part parts[SERIES_RANGES_MAX];
	size_t last = p->ranges_n - 1, n = key_at[last] + p->ranges[last].from.n - p->head;
	if (!last) {
		p->range = p->ranges[0];
		return ERR_OK;
	}
	if (n > SERIES_WINDOW_MAX) return ERR_TOO_LARGE;
	for (size_t k = 0; k <= last; k++)
		parts[k] =
		    (struct series_part){(uint8_t)(key_at[k] - p->head), (uint8_t)p->ranges[k].from.n};
	p->range = (struct series_range){.from = str_first(str_skip(p->first.key, p->head), n),
					 .to = str_first(str_skip(p->last.key, p->head), n)};
	return series_range_join(a, p->ranges, parts, last + 1, &p->range);
}

static enum err keep_ranges(struct arena *a, const struct parts *parts, struct series_pattern *p)
{
	p->ranges_n = parts->n;
	for (size_t k = 0; k < parts->n; k++) {
		p->ranges[k] = parts->range[k];
		p->ranges[k].from = arena_dup(a, parts->range[k].from);
		p->ranges[k].to = arena_dup(a, parts->range[k].to);
		if (!p->ranges[k].from.p || !p->ranges[k].to.p) return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

static enum err settle(struct arena *a, const struct parts *parts, const struct places *w,
		       struct series_pattern *p)
{
	size_t key_at[SERIES_RANGES_MAX];
	enum err e = keep_ranges(a, parts, p);
	for (size_t k = 0; k < parts->n; k++) {
		p->text_at[k] = w[k].text;
		key_at[k] = w[k].key;
	}
	p->head = w[0].key;
	if (!e) e = join(a, p, key_at);
	p->rest = parts->check ? w[0].key_check + 1 - (p->head + p->range.from.n) : 0;
	p->check_at = parts->check ? w[0].text_check : 0;
	return e;
}

enum err series_pattern_parse(struct arena *a, struct str text, struct flaw *f, struct series_pattern *ret)
{
	struct series_pattern p = {0};
	struct places w[SERIES_RANGES_MAX] = {{0}};
	struct str ends[SERIES_RANGES_MAX];
	struct parts parts;
	if (text.n > RECORD_ID_MAX) return bad(f, RECORD_ID_MAX, "too-long", "the pattern is too long");
	size_t nul = str_find(text, 0);
	if (nul < text.n) return bad(f, nul, "control", "control characters are not allowed");
	enum err e = braces_parse(a, text, f, &parts);
	if (e) return e;
	ends_of(&parts, false, ends);
	e = make(a, &parts, ends, f, &p.first);
	ends_of(&parts, true, ends);
	if (!e) e = make(a, &parts, ends, f, &p.last);
	if (!e) e = locate(a, &parts, &p.first, f, w);
	if (!e) e = check_last(&parts, &p.first, &p.last, w, f);
	if (e) return e;
	e = settle(a, &parts, w, &p);
	if (!e) e = limits_check(&p, parts.at[0], f);
	if (!e) e = print(a, &p);
	if (e == ERR_TOO_LARGE)
		return bad(f, parts.at[0], "too-long", "the pattern is too long when written in full");
	if (!e) *ret = p;
	return e;
}

/* The pattern's own text taken apart again. */
static struct parts parts_of(const struct series_pattern *p)
{
	struct str text = p->first.text;
	struct parts parts = {.n = p->ranges_n, .check = p->check_at};
	size_t at = 0;
	for (size_t k = 0; k < p->ranges_n; k++) {
		parts.literal[k] = str_first(str_skip(text, at), p->text_at[k] - at);
		parts.range[k] = p->ranges[k];
		at = p->text_at[k] + p->ranges[k].from.n;
	}
	struct str rest = str_skip(text, at);
	parts.literal[p->ranges_n] = p->check_at ? str_first(rest, p->check_at - at) : rest;
	if (p->check_at) parts.tail = str_skip(text, p->check_at + 1);
	return parts;
}

enum err series_pattern_member(struct arena *a, const struct series_pattern *p, struct str serial,
			       struct id *ret)
{
	struct parts parts = parts_of(p);
	struct str serials[SERIES_RANGES_MAX];
	struct id id;
	if (!series_range_has(&p->range, serial)) return ERR_NOT_FOUND;
	for (size_t k = 0; k < p->ranges_n; k++) serials[k] = series_range_part(&p->range, serial, k);
	enum err e = make(a, &parts, serials, NULL, &id);
	if (!e) *ret = id;
	/* an identifier that its scheme refuses is no member */
	return e && e != ERR_NO_MEMORY ? ERR_NOT_FOUND : e;
}

enum err series_pattern_find(struct arena *a, const struct series_pattern *p, struct str member,
			     struct flaw *f, struct str *ret_serial)
{
	struct id id, own;
	struct str serial = member;
	enum err e = ERR_OK;
	if (!series_range_has(&p->range, member)) {
		e = id_parse(a, member, f, &id);
		if (e == ERR_BAD_ID)
			return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "member", "member",
					"this is neither a serial of the range nor an identifier");
		if (e) return e;
		serial = str_first(str_skip(id.key, p->head), p->range.from.n);
		e = id.key.n == p->first.key.n ? series_pattern_member(a, p, serial, &own) : ERR_NOT_FOUND;
		if (!e && !str_eq(own.key, id.key)) e = ERR_NOT_FOUND;
	}
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "member", "member",
				"the identifier is not in the series");
	if (!e) *ret_serial = serial;
	return e;
}

/* The pattern with other ends of its i-th range. */
static enum err part_of(struct arena *a, const struct series_pattern *p, size_t i, struct str from,
			struct str to, struct series_pattern *ret)
{
	size_t key_at[SERIES_RANGES_MAX] = {p->head};
	struct str ends[SERIES_RANGES_MAX];
	*ret = *p;
	ret->ranges[i].from = from;
	ret->ranges[i].to = to;
	/* narrower ends must not mean a narrower alphabet */
	enum err e = series_range_alphabet(a, &p->ranges[i], &ret->ranges[i]);
	struct parts parts = parts_of(ret);
	ends_of(&parts, false, ends);
	if (!e) e = make(a, &parts, ends, NULL, &ret->first);
	ends_of(&parts, true, ends);
	if (!e) e = make(a, &parts, ends, NULL, &ret->last);
	for (size_t k = 1; k < p->ranges_n; k++) key_at[k] = p->head + p->range.parts[k].at;
	if (!e) e = join(a, ret, key_at);
	if (e) return e;
	ret->members = series_range_count(&ret->range);
	return print(a, ret);
}

/* The range to cut: the only one in which the member differs from the first one. */
static enum err cut_of(struct arena *a, const struct series_pattern *p, struct str serial, struct flaw *f,
		       size_t *ret)
{
	size_t differing = 0, cut = 0;
	for (size_t k = 0; k < p->ranges_n; k++) {
		if (str_eq(series_range_part(&p->range, serial, k), p->ranges[k].from)) continue;
		if (!differing++) cut = k;
	}
	if (!differing)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "at", "split-point",
				"the series begins there: nothing would be left before it");
	if (differing > 1) {
		struct str nearest = arena_dup(a, p->range.from),
			   part = series_range_part(&p->range, serial, cut);
		struct id id;
		if (!nearest.p) return ERR_NO_MEMORY;
		memcpy((char *)(uintptr_t)nearest.p + (part.p - serial.p), part.p, part.n);
		enum err e = series_pattern_member(a, p, nearest, &id);
		if (e) return e;
		return flaw_set(
		    f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "at", "split-point",
		    "a series of several ranges is cut in one of them: name the member that has the "
		    "first characters in all the others, such as %.*s",
		    STR_ARG(str_cut(id.text, 100)));
	}
	*ret = cut;
	return ERR_OK;
}

enum err series_pattern_split(struct arena *a, const struct series_pattern *p, struct str serial,
			      struct flaw *f, struct series_pattern ret[2])
{
	struct series_pattern halves[2];
	size_t cut;
	if (!series_range_has(&p->range, serial)) return ERR_NOT_FOUND;
	enum err e = cut_of(a, p, serial, f, &cut);
	if (e) return e;
	struct str first = series_range_part(&p->range, serial, cut);
	struct str from = arena_dup(a, first), before = arena_dup(a, first);
	if (!from.p || !before.p) return ERR_NO_MEMORY;
	series_range_back(&p->ranges[cut], (char *)(uintptr_t)before.p);
	e = part_of(a, p, cut, p->ranges[cut].from, before, &halves[0]);
	if (!e) e = part_of(a, p, cut, from, p->ranges[cut].to, &halves[1]);
	if (e) return e;
	memcpy(ret, halves, sizeof halves);
	return ERR_OK;
}
