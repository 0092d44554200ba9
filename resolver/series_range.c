/* Ranges: which characters may stand where, in which order, and how many that makes.
 *
 * A range of several parts is one window of the key, from the first part to the last; what stands between
 * has an alphabet of one character. A member has in each part what lies between the part's ends, whatever
 * it has in the others. */
#include "resolver/series_range.h"

#include "base/buf.h"

/* ---- alphabets -------------------------------------------------------------------------- */

enum { DIGITS = 1, CAPITALS = 2, SMALL = 4 };

unsigned series_class_of(char c)
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
	unsigned class = series_class_of(c);
	if (!series_class_of(from)) return c == from; /* stands for itself */
	if (!class) return false;
	if (r->alphabet.n) return spec_has(spec_of(r->alphabet, place), c);
	return (series_class_of(from) | series_class_of(r->to.p[place])) & class;
}

/* The parts between which other characters stand; of a plain range it is all of it. */
static struct series_part part_at(const struct series_range *r, size_t i)
{
	return r->parts_n ? r->parts[i] : (struct series_part){0, (uint8_t)r->from.n};
}

static size_t parts_of(const struct series_range *r)
{
	return r->parts_n ? r->parts_n : 1;
}

struct str series_range_part(const struct series_range *r, struct str serial, size_t i)
{
	struct series_part p = part_at(r, i);
	return str_first(str_skip(serial, p.at), p.n);
}

bool series_range_has(const struct series_range *r, struct str serial)
{
	if (serial.n != r->from.n) return false;
	for (size_t i = 0; i < parts_of(r); i++) {
		struct series_part p = part_at(r, i);
		if (memcmp(serial.p + p.at, r->from.p + p.at, p.n) < 0 ||
		    memcmp(serial.p + p.at, r->to.p + p.at, p.n) > 0)
			return false;
	}
	if (!r->parts_n) {
		for (size_t i = 0; i < serial.n; i++)
			if (!series_range_allows(r, i, serial.p[i])) return false;
		return true;
	}
	/* as series_range_allows says, but each place's alphabet is come to by going on */
	struct str rest = r->alphabet, spec = STR_NONE;
	for (size_t i = 0; i < serial.n; i++) {
		if (!str_split(&rest, ',', &spec)) spec = STR_NONE;
		char c = serial.p[i];
		if (c == r->from.p[i] && c == r->to.p[i]) continue;
		if (!spec.n || !spec_has(spec, c)) return false;
	}
	return true;
}

bool series_range_numeric(const struct series_range *r)
{
	if (r->parts_n) return false;
	for (size_t i = 0; i < r->from.n; i++) {
		if (series_class_of(r->from.p[i]) != DIGITS) return false;
		for (char c = 'A'; c <= 'z'; c++)
			if (series_range_allows(r, i, c)) return false;
	}
	return true;
}

/* The alphabet of one place, sorted; their number. */
static size_t letters(const struct series_range *r, size_t place, char ret[SERIES_ALPHABET_MAX])
{
	size_t n = 0;
	if (!series_class_of(r->from.p[place])) {
		ret[0] = r->from.p[place];
		return 1;
	}
	for (char c = '0'; c <= 'z'; c++)
		if (series_class_of(c) && series_range_allows(r, place, c)) ret[n++] = c;
	return n;
}

static uint64_t count_part(const struct series_range *r, struct series_part p)
{
	char all[SERIES_ALPHABET_MAX];
	uint64_t distance = 0; /* of what has been looked at; it never becomes less */
	for (size_t i = p.at; i < (size_t)p.at + p.n; i++) {
		size_t n = letters(r, i, all);
		size_t from = (size_t)((char *)memchr(all, r->from.p[i], n) - all);
		size_t to = (size_t)((char *)memchr(all, r->to.p[i], n) - all);
		distance = distance * n + to - from;
		if (distance >= SERIES_MEMBERS_MAX) return 0;
	}
	return distance + 1;
}

uint64_t series_range_count(const struct series_range *r)
{
	uint64_t all = 1;
	for (size_t i = 0; i < parts_of(r); i++) {
		uint64_t n = count_part(r, part_at(r, i));
		if (!n || all > SERIES_MEMBERS_MAX / n) return 0;
		all *= n;
	}
	return all;
}

/* The next or the one before, of those places. */
static void step(const struct series_range *r, char *serial, struct series_part p, bool back)
{
	char all[SERIES_ALPHABET_MAX];
	for (size_t i = (size_t)p.at + p.n; i-- > p.at;) {
		size_t n = letters(r, i, all);
		size_t at = (size_t)((char *)memchr(all, serial[i], n) - all);
		bool turns = back ? at == 0 : at + 1 == n;
		serial[i] = all[turns ? (back ? n - 1 : 0) : back ? at - 1 : at + 1];
		if (!turns) return;
	}
}

void series_range_back(const struct series_range *r, char *serial)
{
	step(r, serial, part_at(r, 0), true);
}

bool series_range_next(const struct series_range *r, char *serial)
{
	for (size_t i = parts_of(r); i-- > 0;) {
		struct series_part p = part_at(r, i);
		if (!memcmp(serial + p.at, r->to.p + p.at, p.n)) {
			memcpy(serial + p.at, r->from.p + p.at, p.n);
			continue;
		}
		step(r, serial, p, false);
		return true;
	}
	memcpy(serial, r->to.p, r->to.n); /* it was the last */
	return false;
}

/* ---- reading one ------------------------------------------------------------------------ */

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
		bool mark =
		    parts < from.n && !series_class_of(from.p[parts]) && str_find(spec, ',') < spec.n;
		size_t offset = at + (size_t)(part.p - spec.p), n = 0;
		for (left = part; spec_next(&left, span); last = span[1]) {
			if (!series_class_of(span[0]) ||
			    series_class_of(span[0]) != series_class_of(span[1]) || span[1] < span[0] ||
			    span[0] <= last)
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
		if (!series_class_of(from.p[i]) || !series_class_of(to.p[i]))
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
enum err series_range_alphabet(struct arena *a, const struct series_range *from, struct series_range *r)
{
	const struct series_range bare = {.from = r->from, .to = r->to};
	struct buf b = BUF_INIT(SERIES_WINDOW_MAX * (2 * SERIES_ALPHABET_MAX + 1));
	char all[SERIES_ALPHABET_MAX];
	bool implied = true, one = true;
	for (size_t i = 0; i < r->from.n; i++) {
		if (!series_class_of(r->from.p[i])) continue;
		implied &= same_letters(from, i, &bare, i);
		one &= same_letters(from, i, from, 0); /* the first place is never a mark */
	}
	for (size_t i = 0; i < r->from.n && !implied && (!one || i == 0); i++) {
		if (i) buf_byte(&b, ',');
		if (series_class_of(r->from.p[i])) put_letters(&b, all, letters(from, i, all));
	}
	enum err e = buf_err(&b);
	r->alphabet = implied || e ? STR_NONE : arena_dup(a, buf_str(&b));
	if (!implied && !e && !r->alphabet.p) e = ERR_NO_MEMORY;
	buf_done(&b);
	return e;
}

/* inner: between the braces; at: of the opening one. */
enum err series_range_parse(struct arena *a, struct str inner, size_t at, struct flaw *f,
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
	if (!e) e = series_range_alphabet(a, &written, &r);
	if (!e) *ret = r;
	return e;
}

enum err series_range_join(struct arena *a, const struct series_range *all, const struct series_part *parts,
			   size_t n, struct series_range *r)
{
	struct buf b = BUF_INIT(SERIES_WINDOW_MAX * (2 * SERIES_ALPHABET_MAX + 1));
	char set[SERIES_ALPHABET_MAX];
	size_t k = 0;
	for (size_t i = 0; i < r->from.n; i++) {
		while (k < n && i >= (size_t)parts[k].at + parts[k].n) k++;
		char c = r->from.p[i];
		if (i) buf_byte(&b, ',');
		if (!series_class_of(c)) continue;
		if (k < n && i >= parts[k].at)
			put_letters(&b, set, letters(&all[k], i - parts[k].at, set));
		else
			buf_byte(&b, c); /* what stands between is of all members */
	}
	enum err e = buf_err(&b);
	if (!e) r->alphabet = arena_dup(a, buf_str(&b));
	buf_done(&b);
	if (!e && !r->alphabet.p) e = ERR_NO_MEMORY;
	memcpy(r->parts, parts, n * sizeof *parts);
	r->parts_n = n;
	return e;
}
