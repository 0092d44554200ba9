#include "resolver/series_pattern.h"

#include <stdio.h>

#include "proto/pb/record.h"

/* A pattern taken apart, before any identifier is made of it. */
struct parts {
	struct str head, mid, tail; /* mid: between range and {check}; without {check} the tail follows */
	struct series_range range;
	size_t range_at; /* of its brace */
	bool check;
};

/* ---- alphabets -------------------------------------------------------------------------- */

enum { DIGITS = 1, CAPITALS = 2, SMALL = 4, CLASSES = 3 };

static unsigned class_of(char c)
{
	if (c >= '0' && c <= '9') return DIGITS;
	if (c >= 'A' && c <= 'Z') return CAPITALS;
	return c >= 'a' && c <= 'z' ? SMALL : 0;
}

/* The part of an alphabet's text that is of this place: one for all, or one for each with commas. */
static struct str spec_of(struct str alphabet, size_t place)
{
	struct str rest = alphabet, part = alphabet;
	if (str_find(alphabet, ',') == alphabet.n) return alphabet;
	for (size_t i = 0; i <= place && str_split(&rest, ',', &part); i++) continue;
	return part;
}

/* Takes the next character or span off the text of an alphabet. */
static bool spec_next(struct str *rest, char ret[2])
{
	if (!rest->n) return false;
	ret[0] = ret[1] = rest->p[0];
	bool span = rest->n > 2 && rest->p[1] == '-';
	if (span) ret[1] = rest->p[2];
	*rest = str_skip(*rest, span ? 3 : 1);
	return true;
}

static bool spec_has(struct str spec, char c)
{
	char span[2];
	while (spec_next(&spec, span))
		if (c >= span[0] && c <= span[1]) return true;
	return false;
}

bool series_range_allows(const struct series_range *r, size_t place, char c)
{
	char from = r->from.p[place];
	unsigned class = class_of(c);
	if (!class_of(from)) return c == from; /* stands for itself */
	if (!class) return false;
	if (r->alphabet.n) return spec_has(spec_of(r->alphabet, place), c);
	return (class_of(from) | class_of(r->to.p[place])) & class;
}

bool series_range_has(const struct series_range *r, struct str serial)
{
	if (serial.n != r->from.n || memcmp(serial.p, r->from.p, serial.n) < 0 ||
	    memcmp(serial.p, r->to.p, serial.n) > 0)
		return false;
	for (size_t i = 0; i < serial.n; i++)
		if (!series_range_allows(r, i, serial.p[i])) return false;
	return true;
}

bool series_range_numeric(const struct series_range *r)
{
	for (size_t i = 0; i < r->from.n; i++) {
		if (class_of(r->from.p[i]) != DIGITS) return false;
		for (char c = 'A'; c <= 'z'; c++)
			if (series_range_allows(r, i, c)) return false;
	}
	return true;
}

/* The alphabet of one place, sorted; their number. */
static size_t letters(const struct series_range *r, size_t place, char ret[SERIES_ALPHABET_MAX])
{
	size_t n = 0;
	if (!class_of(r->from.p[place])) {
		ret[0] = r->from.p[place];
		return 1;
	}
	for (char c = '0'; c <= 'z'; c++)
		if (class_of(c) && series_range_allows(r, place, c)) ret[n++] = c;
	return n;
}

uint64_t series_range_count(const struct series_range *r)
{
	char all[SERIES_ALPHABET_MAX];
	uint64_t distance = 0; /* of what has been looked at; it never becomes less */
	for (size_t i = 0; i < r->from.n; i++) {
		size_t n = letters(r, i, all);
		size_t from = (size_t)((char *)memchr(all, r->from.p[i], n) - all);
		size_t to = (size_t)((char *)memchr(all, r->to.p[i], n) - all);
		distance = distance * n + to - from;
		if (distance >= SERIES_MEMBERS_MAX) return 0;
	}
	return distance + 1;
}

/* The serial before this one, which is not the first. */
static void step_back(const struct series_range *r, char *serial)
{
	char all[SERIES_ALPHABET_MAX];
	for (size_t i = r->from.n; i-- > 0;) {
		size_t n = letters(r, i, all);
		size_t at = (size_t)((char *)memchr(all, serial[i], n) - all);
		serial[i] = all[at ? at - 1 : n - 1];
		if (at) return;
	}
}

bool series_range_next(const struct series_range *r, char *serial)
{
	char all[SERIES_ALPHABET_MAX];
	if (!memcmp(serial, r->to.p, r->to.n)) return false;
	for (size_t i = r->from.n; i-- > 0;) {
		size_t n = letters(r, i, all);
		size_t at = (size_t)((char *)memchr(all, serial[i], n) - all);
		serial[i] = all[at + 1 < n ? at + 1 : 0];
		if (at + 1 < n) break;
	}
	return true;
}

/* ---- reading the braces ----------------------------------------------------------------- */

static enum err bad(struct flaw *f, size_t offset, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_ID, offset, "pattern", rule, "%s", text);
}

/* At most one alphabet for each place of FROM; places of - and _ have an empty one. */
static enum err alphabet_check(struct str spec, struct str from, size_t at, struct flaw *f)
{
	struct str rest = spec, part, left;
	size_t parts = 0;
	while (str_split(&rest, ',', &part)) {
		char span[2], last = 0;
		bool mark = parts < from.n && !class_of(from.p[parts]) && str_find(spec, ',') < spec.n;
		size_t offset = at + (size_t)(part.p - spec.p), n = 0;
		for (left = part; spec_next(&left, span); last = span[1]) {
			if (!class_of(span[0]) || class_of(span[0]) != class_of(span[1]) ||
			    span[1] < span[0] || span[0] <= last)
				return bad(f, offset, "alphabet",
					   "an alphabet has letters and digits in ascending order, such as "
					   "0-9A-F");
			n += (size_t)(span[1] - span[0]) + 1;
		}
		if (mark ? n : n < 2)
			return bad(f, offset, "alphabet",
				   mark ? "- and _ have an empty alphabet"
					: "an alphabet has at least two characters");
		parts++;
	}
	if (parts != 1 && parts != from.n)
		return bad(f, at, "alphabet", "there is one alphabet for all places, or one for each");
	return ERR_OK;
}

static enum err bounds_check(const struct series_range *r, size_t at, struct flaw *f)
{
	struct str from = r->from, to = r->to;
	if (from.n != to.n || !from.n)
		return bad(f, at, "same-width", "both ends of a range have the same number of characters");
	if (from.n > SERIES_WIDTH_MAX)
		return flaw_set(f, ERR_BAD_ID, at, "pattern", "range-width",
				"a range has at most %d characters", SERIES_WIDTH_MAX);
	for (size_t i = 0; i < from.n; i++) {
		bool mark = from.p[i] == '-' || from.p[i] == '_';
		bool end = i == 0 || i + 1 == from.n;
		if (mark && from.p[i] == to.p[i] && !end) continue;
		if (!class_of(from.p[i]) || !class_of(to.p[i]))
			return bad(f, at + 1 + i, "range-character",
				   "a range has letters and digits, and between them - or _ at the same "
				   "place of both ends");
		if (!series_range_allows(r, i, from.p[i]) || !series_range_allows(r, i, to.p[i]))
			return bad(f, at + 1 + i, "alphabet",
				   "an end of the range has a character that its alphabet lacks");
	}
	if (memcmp(from.p, to.p, from.n) > 0) return bad(f, at, "order", "the range ends before it begins");
	return ERR_OK;
}

static void put_letters(struct buf *b, const char *all, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t end = i;
		while (end + 1 < n && all[end + 1] == all[end] + 1) end++;
		buf_byte(b, all[i]);
		if (end > i + 1) buf_byte(b, '-');
		if (end > i) buf_byte(b, all[end]);
		i = end + 1;
	}
}

static bool same_letters(const struct series_range *r, size_t i, const struct series_range *s, size_t k)
{
	char one[SERIES_ALPHABET_MAX], other[SERIES_ALPHABET_MAX];
	size_t n = letters(r, i, one);
	return letters(s, k, other) == n && !memcmp(one, other, n);
}

/* The alphabets of `from` in their shortest form, for a range with the ends of *r. */
static enum err alphabet_make(struct arena *a, const struct series_range *from, struct series_range *r)
{
	const struct series_range bare = {r->from, r->to, STR_NONE};
	struct buf b = BUF_INIT(SERIES_WIDTH_MAX * (2 * SERIES_ALPHABET_MAX + 1));
	char all[SERIES_ALPHABET_MAX];
	bool implied = true, one = true;
	for (size_t i = 0; i < r->from.n; i++) {
		if (!class_of(r->from.p[i])) continue;
		implied &= same_letters(from, i, &bare, i);
		one &= same_letters(from, i, from, 0); /* the first place is never a mark */
	}
	for (size_t i = 0; i < r->from.n && !implied && (!one || i == 0); i++) {
		if (i) buf_byte(&b, ',');
		if (class_of(r->from.p[i])) put_letters(&b, all, letters(from, i, all));
	}
	enum err e = buf_err(&b);
	r->alphabet = implied || e ? STR_NONE : arena_dup(a, buf_str(&b));
	if (!implied && !e && !r->alphabet.p) e = ERR_NO_MEMORY;
	buf_done(&b);
	return e;
}

/* inner: between the braces; at: of the opening one. */
static enum err range_parse(struct arena *a, struct str inner, size_t at, struct flaw *f,
			    struct series_range *ret)
{
	struct series_range r = {.alphabet = STR_NONE};
	enum err e = ERR_OK;
	size_t dots = 0;
	while (dots + 1 < inner.n && memcmp(inner.p + dots, "..", 2) != 0) dots++;
	if (dots + 1 >= inner.n)
		return bad(f, at, "range", "expected a range {FROM..TO} or {FROM..TO:ALPHABET}");
	r.from = str_first(inner, dots);
	r.to = str_skip(inner, dots + 2);
	size_t colon = str_find(r.to, ':');
	size_t spec_at = at + 1 + dots + 2 + colon + 1;
	bool spec = colon < r.to.n;
	if (spec) r.alphabet = str_skip(r.to, colon + 1);
	r.to = str_first(r.to, colon);
	if (spec) e = alphabet_check(r.alphabet, r.from, spec_at, f);
	if (!e) e = bounds_check(&r, at, f);
	const struct series_range written = r;
	if (!e) e = alphabet_make(a, &written, &r);
	if (!e) *ret = r;
	return e;
}

static enum err braces_parse(struct arena *a, struct str text, struct flaw *f, struct parts *ret)
{
	struct parts p = {.tail = text};
	size_t at = 0, groups = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '{' && text.p[i] != '}') continue;
		size_t n = str_find(str_skip(text, i), '}');
		struct str inner = str_first(str_skip(text, i + 1), n - 1);
		if (text.p[i] == '}' || i + n == text.n || str_find(inner, '{') < inner.n)
			return bad(f, i, "brace", "a brace stands alone, or within braces");
		if (groups == 2 || (groups == 1 && !str_is(inner, "check")))
			return bad(f, i, "one-range",
				   "a pattern has one range, and {check} after it for its check digit");
		if (groups == 0) {
			enum err e = range_parse(a, inner, i, f, &p.range);
			if (e) return e;
			p.head = str_first(text, i);
			p.range_at = i;
		} else {
			p.mid = str_first(str_skip(text, at), i - at);
			p.check = true;
		}
		groups++;
		i += n;
		at = i + 1;
	}
	if (!groups)
		return bad(f, text.n, "range",
			   "a pattern has a range, such as {0000..9999}; this is one identifier");
	p.tail = str_skip(text, at);
	if (!p.tail.n) p.tail = STR("");
	*ret = p;
	return ERR_OK;
}

/* ---- trying members --------------------------------------------------------------------- */

static enum err try_one(struct arena *a, const struct parts *p, struct str serial, const char *check,
			struct flaw *f, struct id *ret)
{
	struct str digit = str_n(check, check ? 1 : 0);
	struct str text = arena_printf(a, "%.*s%.*s%.*s%.*s%.*s", STR_ARG(p->head), STR_ARG(serial),
				       STR_ARG(p->mid), STR_ARG(digit), STR_ARG(p->tail));
	return text.p ? id_parse(a, text, f, ret) : ERR_NO_MEMORY;
}

/* The identifier with this serial; its check digit is the one of the ten that the scheme takes. */
static enum err make(struct arena *a, const struct parts *p, struct str serial, struct flaw *f,
		     struct id *ret)
{
	struct flaw why = {.offset = FLAW_NO_OFFSET};
	enum err e;
	size_t fitting = 0;
	if (!p->check) {
		e = try_one(a, p, serial, NULL, f, ret);
		if (e == ERR_BAD_ID && f && !strcmp(f->rule, "check-digit"))
			return bad(
			    f, p->range_at, "check-digit",
			    "the check digit is wrong; where it follows from the range, write {check}");
		/* the range is written longer than what it stands for */
		if (e && f && f->offset != FLAW_NO_OFFSET && f->offset > p->range_at)
			f->offset = p->range_at;
		return e;
	}
	for (char digit = '0'; digit <= '9'; digit++) {
		struct id one;
		e = try_one(a, p, serial, &digit, &why, &one);
		if (e == ERR_NO_MEMORY) return e;
		if (e) continue;
		*ret = one;
		if (++fitting == 2)
			return bad(f, p->range_at, "check-none",
				   "{check} stands where the identifier has no check digit");
	}
	if (fitting == 1) return ERR_OK;
	if (f) *f = why;
	if (f && f->offset != FLAW_NO_OFFSET && f->offset > p->range_at) f->offset = p->range_at;
	return ERR_BAD_ID;
}

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

static enum err misplaced(struct flaw *f, const struct parts *p)
{
	return bad(
	    f, p->range_at, "range-place",
	    "the characters of the range do not stand together in the identifier's key, or not before "
	    "its check digit");
}

struct places { /* found so far */
	bool known;
	size_t key, key_check, text, text_check;
};

/* What the first member and one with the character c at that place of the range say of the places. */
static enum err compare(const struct parts *p, const struct id *first, const struct id *other, size_t place,
			struct flaw *f, struct places *w)
{
	struct difference key = differ(first->key, other->key), text = differ(first->text, other->text);
	size_t n = p->check ? 2 : 1;
	if (key.n != n || text.n != n || key.at[0] < place || text.at[0] < place) return misplaced(f, p);
	struct places found = {true, key.at[0] - place, key.at[1], text.at[0] - place, text.at[1]};
	if (w->known &&
	    (found.key != w->key || found.text != w->text ||
	     (p->check && (found.key_check != w->key_check || found.text_check != w->text_check))))
		return misplaced(f, p);
	*w = found;
	return ERR_OK;
}

/* Members that differ from the first at one place. One character of each class is enough; but a check
 * digit may happen to be what the range has, so where there is one, all are tried. A character that the
 * alphabet lacks tells the place as well. */
static enum err probe(struct arena *a, const struct parts *p, const struct id *first, size_t place,
		      unsigned class, struct flaw *f, struct places *w)
{
	char serial[SERIES_WIDTH_MAX], from = p->range.from.p[place];
	bool placed = false;
	enum err refusal = ERR_OK;
	memcpy(serial, p->range.from.p, p->range.from.n);
	for (char c = '0'; c <= 'z' && (p->check || !placed); c++) {
		struct id other;
		if (class_of(c) != class || c == from) continue;
		serial[place] = c;
		enum err e = make(a, p, str_n(serial, p->range.from.n), f, &other);
		if (e == ERR_NO_MEMORY) return e;
		if (e) {
			refusal = e;
			continue;
		}
		e = compare(p, first, &other, place, f, w);
		if (e) return e;
		char got = other.key.p[w->key + place];
		if ((got ^ c) == ' ')
			return bad(f, p->range_at + 1 + place, "range-folded",
				   "the scheme does not tell capitals from small letters: write capitals");
		if (got != c || other.text.p[w->text + place] != c) return misplaced(f, p);
		placed = true;
	}
	return placed ? ERR_OK : refusal;
}

static bool has_class(const struct series_range *r, size_t place, unsigned class)
{
	for (char c = '0'; c <= 'z'; c++)
		if (class_of(c) == class && series_range_allows(r, place, c)) return true;
	return false;
}

static enum err locate(struct arena *a, const struct parts *p, const struct id *first, struct flaw *f,
		       struct places *w)
{
	for (size_t i = 0; i < p->range.from.n; i++) {
		if (!class_of(p->range.from.p[i])) continue;
		for (unsigned c = 0; c < CLASSES; c++) {
			struct arena_mark mark = arena_mark(a);
			if (!has_class(&p->range, i, 1u << c)) continue;
			enum err e = probe(a, p, first, i, 1u << c, f, w);
			arena_rollback(a, mark);
			if (e) return e;
		}
	}
	size_t n = p->range.from.n;
	if (!w->known || w->key + n > first->key.n || w->text + n > first->text.n ||
	    memcmp(first->key.p + w->key, p->range.from.p, n) != 0 ||
	    memcmp(first->text.p + w->text, p->range.from.p, n) != 0)
		return bad(f, p->range_at, "range-folded",
			   "the scheme writes the characters of the range in another way");
	if (p->check && (w->key_check < w->key + n || w->text_check < w->text + n)) return misplaced(f, p);
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

static enum err print(struct arena *a, struct series_pattern *p)
{
	struct buf b = BUF_INIT(RECORD_ID_MAX);
	struct str text = p->first.text;
	size_t after = p->text_at + p->range.from.n;
	buf_add(&b, str_first(text, p->text_at));
	buf_byte(&b, '{');
	buf_add(&b, p->range.from);
	buf_add(&b, STR(".."));
	buf_add(&b, p->range.to);
	if (p->range.alphabet.n) buf_byte(&b, ':');
	buf_add(&b, p->range.alphabet);
	buf_byte(&b, '}');
	if (p->check_at) {
		buf_add(&b, str_first(str_skip(text, after), p->check_at - after));
		buf_add(&b, STR("{check}"));
		after = p->check_at + 1;
	}
	if (after < text.n) buf_add(&b, str_skip(text, after));
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

enum err series_pattern_parse(struct arena *a, struct str text, struct flaw *f, struct series_pattern *ret)
{
	struct series_pattern p = {0};
	struct places w = {0};
	struct parts parts;
	if (text.n > RECORD_ID_MAX) return bad(f, RECORD_ID_MAX, "too-long", "the pattern is too long");
	size_t nul = str_find(text, 0);
	if (nul < text.n) return bad(f, nul, "control", "control characters are not allowed");
	enum err e = braces_parse(a, text, f, &parts);
	if (!e) e = make(a, &parts, parts.range.from, f, &p.first);
	if (!e) e = make(a, &parts, parts.range.to, f, &p.last);
	if (!e) e = locate(a, &parts, &p.first, f, &w);
	if (e) return e;
	p.range.from = arena_dup(a, parts.range.from);
	p.range.to = arena_dup(a, parts.range.to);
	p.range.alphabet = parts.range.alphabet;
	if (!p.range.from.p || !p.range.to.p) return ERR_NO_MEMORY;
	p.head = w.key;
	p.text_at = w.text;
	p.rest = parts.check ? w.key_check + 1 - (w.key + p.range.from.n) : 0;
	p.check_at = parts.check ? w.text_check : 0;
	e = limits_check(&p, parts.range_at, f);
	if (!e) e = print(a, &p);
	if (e == ERR_TOO_LARGE)
		return bad(f, parts.range_at, "too-long", "the pattern is too long when written in full");
	if (!e) *ret = p;
	return e;
}

/* The pattern's own text taken apart again. */
static struct parts parts_of(const struct series_pattern *p)
{
	struct str text = p->first.text;
	size_t after = p->text_at + p->range.from.n;
	struct parts parts = {.head = str_first(text, p->text_at),
			      .range = p->range,
			      .check = p->check_at,
			      .tail = str_skip(text, p->check_at ? p->check_at + 1 : after)};
	if (p->check_at) parts.mid = str_first(str_skip(text, after), p->check_at - after);
	return parts;
}

enum err series_pattern_member(struct arena *a, const struct series_pattern *p, struct str serial,
			       struct id *ret)
{
	struct parts parts = parts_of(p);
	struct id id;
	if (!series_range_has(&p->range, serial)) return ERR_NOT_FOUND;
	enum err e = make(a, &parts, serial, NULL, &id);
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

static enum err part_of(struct arena *a, const struct series_pattern *p, struct str from, struct str to,
			struct series_pattern *ret)
{
	*ret = *p;
	ret->range.from = from;
	ret->range.to = to;
	/* narrower ends must not mean a narrower alphabet */
	enum err e = alphabet_make(a, &p->range, &ret->range);
	if (!e) e = series_pattern_member(a, ret, from, &ret->first);
	if (!e) e = series_pattern_member(a, ret, to, &ret->last);
	if (e) return e;
	ret->members = series_range_count(&ret->range);
	return print(a, ret);
}

enum err series_pattern_split(struct arena *a, const struct series_pattern *p, struct str serial,
			      struct flaw *f, struct series_pattern ret[2])
{
	struct series_pattern halves[2];
	if (!series_range_has(&p->range, serial)) return ERR_NOT_FOUND;
	if (str_eq(serial, p->range.from))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "at", "split-point",
				"the series begins there: nothing would be left before it");
	struct str from = arena_dup(a, serial), before = arena_dup(a, serial);
	if (!from.p || !before.p) return ERR_NO_MEMORY;
	step_back(&p->range, (char *)(uintptr_t)before.p);
	enum err e = part_of(a, p, p->range.from, before, &halves[0]);
	if (!e) e = part_of(a, p, from, p->range.to, &halves[1]);
	if (e) return e;
	memcpy(ret, halves, sizeof halves);
	return ERR_OK;
}
