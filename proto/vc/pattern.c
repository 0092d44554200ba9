/* A pattern becomes a program for a machine that goes all ways at once (Thompson 1968): distances in it are
 * relative, so that what is repeated is copied. */
#include "proto/vc/pattern.h"

enum { REPEAT_MAX = 1000, ENDLESS = REPEAT_MAX + 1, LAST = 0x10ffff };

enum op { ONE, EITHER, GO, BEGIN, END, FOUND };
struct code {
	enum op op;
	int x, y;    /* EITHER, GO: distances; ONE: first range, number of ranges */
	bool turned; /* ONE: all but these */
};

struct range {
	uint32_t from, to;
};

struct making {
	const char *p, *end;
	const char *what; /* sticky: it is not taken */
	struct code code[VC_PATTERN_CODE];
	struct range ranges[VC_PATTERN_RANGES];
	int n, ranges_n, depth;
};

/* ---- the program ------------------------------------------------------------------------ */

static void refuse(struct making *m, const char *what)
{
	if (!m->what) m->what = what;
}

/* Room for k steps at that place; what is there moves on. False: there is none. */
static bool room(struct making *m, int at, int k)
{
	if (m->what) return false;
	if (k > VC_PATTERN_CODE - m->n) {
		refuse(m, "too large");
		return false;
	}
	memmove(m->code + at + k, m->code + at, sizeof *m->code * (size_t)(m->n - at));
	m->n += k;
	return true;
}

static void put(struct making *m, int at, enum op op, int x, int y)
{
	if (room(m, at, 1)) m->code[at] = (struct code){.op = op, .x = x, .y = y};
}

static void copy(struct making *m, int from, int len)
{
	int at = m->n;

	if (room(m, at, len)) memcpy(m->code + at, m->code + from, sizeof *m->code * (size_t)len);
}

static void range_add(struct making *m, uint32_t from, uint32_t to)
{
	if (m->ranges_n == VC_PATTERN_RANGES)
		refuse(m, "too large");
	else
		m->ranges[m->ranges_n++] = (struct range){from, to};
}

/* ---- characters ------------------------------------------------------------------------- */

static bool more(const struct making *m)
{
	return m->p < m->end && !m->what;
}

static bool next_is(const struct making *m, char c)
{
	return more(m) && *m->p == c;
}

/* UTF-8 that is known to be well formed. */
static uint32_t take(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	int n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7f >> n);

	for (int i = 1; i < n; i++) c = c << 6 | (s[i] & 0x3f);
	*p += n;
	return c;
}

/* ECMA-262 22.2.2.9: digits, word characters, WhiteSpace and LineTerminator; each in order. */
static const struct range digits[] = {{'0', '9'}};
static const struct range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct range spaces[] = {
    {9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

/* Of the letter of \d, \W …; false: it is none. */
static bool kind_add(struct making *m, char letter)
{
	const struct range *all = digits;
	size_t n = sizeof digits / sizeof *digits;
	uint32_t from = 0;

	if (letter == 'w' || letter == 'W') {
		all = words;
		n = sizeof words / sizeof *words;
	} else if (letter == 's' || letter == 'S') {
		all = spaces;
		n = sizeof spaces / sizeof *spaces;
	} else if (letter != 'd' && letter != 'D') {
		return false;
	}
	if (letter >= 'a') {
		for (size_t i = 0; i < n; i++) range_add(m, all[i].from, all[i].to);
		return true;
	}
	for (size_t i = 0; i < n; from = all[i++].to + 1)
		if (all[i].from > from) range_add(m, from, all[i].from - 1);
	range_add(m, from, LAST);
	return true;
}

static uint32_t hex(struct making *m, int n)
{
	uint32_t c = 0;

	for (int i = 0; i < n; i++) {
		char d = more(m) ? *m->p++ : 0;
		int v = d >= '0' && d <= '9'   ? d - '0'
			: d >= 'a' && d <= 'f' ? d - 'a' + 10
			: d >= 'A' && d <= 'F' ? d - 'A' + 10
					       : -1;

		if (v < 0) {
			refuse(m, "an escape that is not whole");
			return 0;
		}
		c = c << 4 | (uint32_t)v;
	}
	return c;
}

/* Behind "\u". Two halves of a pair are one character. */
static uint32_t unicode(struct making *m)
{
	uint32_t c = 0, low;
	int n = 0;

	if (next_is(m, '{')) {
		while (m->p + 1 + n < m->end && n < 7 && m->p[1 + n] != '}') n++;
		m->p++;
		c = n > 0 && n < 7 ? hex(m, n) : LAST + 1u;
		if (!next_is(m, '}') || c > LAST)
			refuse(m, "an escape that is not whole");
		else
			m->p++;
		return c;
	}
	c = hex(m, 4);
	if (c < 0xd800 || c > 0xdfff) return c;
	if (c < 0xdc00 && m->end - m->p >= 6 && m->p[0] == '\\' && m->p[1] == 'u') {
		m->p += 2;
		low = hex(m, 4);
		if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	refuse(m, "half a character");
	return 0;
}

/* Behind "\": one character. */
static uint32_t escaped(struct making *m)
{
	static const char names[] = "tnrvf", octets[] = "\t\n\r\v\f";
	char c = more(m) ? *m->p : 0;
	const char *at = c ? strchr(names, c) : NULL;

	if (!c || (unsigned char)c >= 0x80) {
		refuse(m, "a backslash before nothing it could mean");
		return 0;
	}
	m->p++;
	if (at) return (unsigned char)octets[at - names];
	if (c == 'x') return hex(m, 2);
	if (c == 'u') return unicode(m);
	if (c >= '0' && c <= '9') refuse(m, "a back reference");
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		refuse(m, c == 'b' || c == 'B'   ? "\\b"
			  : c == 'p' || c == 'P' ? "\\p"
						 : "an escape that is not known");
	return (unsigned char)c;
}

/* One character or kind of a class: false for a kind, which has been added. */
static bool member(struct making *m, uint32_t *ret)
{
	if (*m->p != '\\') {
		*ret = take(&m->p);
		return true;
	}
	m->p++;
	if (more(m) && kind_add(m, *m->p)) {
		m->p++;
		return false;
	}
	if (next_is(m, 'b')) { /* in a class it is the backspace */
		m->p++;
		*ret = 8;
		return true;
	}
	*ret = escaped(m);
	return true;
}

/* Behind "[". */
static void class_read(struct making *m)
{
	struct code c = {.op = ONE, .x = m->ranges_n, .turned = next_is(m, '^')};
	uint32_t from, to;

	m->p += c.turned;
	while (more(m) && *m->p != ']') {
		if (!member(m, &from)) continue;
		to = from;
		if (next_is(m, '-') && m->end - m->p > 1 && m->p[1] != ']') {
			m->p++;
			if (!member(m, &to) || to < from) refuse(m, "a range without an end");
		}
		range_add(m, from, to);
	}
	if (!next_is(m, ']')) refuse(m, "a class that does not end");
	if (m->what) return;
	m->p++;
	c.y = m->ranges_n - c.x;
	if (room(m, m->n, 1)) m->code[m->n - 1] = c;
}

static void one(struct making *m, int first, bool turned)
{
	if (room(m, m->n, 1))
		m->code[m->n - 1] =
		    (struct code){.op = ONE, .x = first, .y = m->ranges_n - first, .turned = turned};
}

/* ---- repetition ------------------------------------------------------------------------- */

static bool count(struct making *m, int *ret)
{
	const char *from = m->p;

	for (*ret = 0; more(m) && *m->p >= '0' && *m->p <= '9' && *ret <= REPEAT_MAX; m->p++)
		*ret = *ret * 10 + (*m->p - '0');
	if (*ret > REPEAT_MAX) refuse(m, "too large");
	return m->p > from;
}

/* False: nothing is repeated. */
static bool repeat_read(struct making *m, int *ret_least, int *ret_most)
{
	char c = more(m) ? *m->p : 0;

	if (!c || !strchr("*+?{", c)) return false;
	m->p++;
	*ret_least = c == '+';
	*ret_most = c == '?' ? 1 : ENDLESS;
	if (c == '{') {
		if (!count(m, ret_least)) refuse(m, "\"{\" as itself");
		*ret_most = *ret_least;
		if (next_is(m, ',')) {
			m->p++;
			if (!count(m, ret_most)) *ret_most = ENDLESS;
		}
		if (!next_is(m, '}') || *ret_most < *ret_least)
			refuse(m, "\"{\" as itself");
		else
			m->p++;
	}
	if (next_is(m, '?')) m->p++; /* lazy: the same texts */
	return true;
}

/* The steps from `at` on are one piece: so many times. */
static void repeat(struct making *m, int at, int least, int most)
{
	int len = m->n - at, from = at;

	if (!most) {
		m->n = at;
		return;
	}
	if (!least) { /* the first may be missing, and all after it are copies of it */
		put(m, at, EITHER, 1, most == ENDLESS ? len + 2 : len + 1);
		if (most == ENDLESS) put(m, m->n, GO, -(len + 1), 0);
		from = at + 1;
	}
	for (int i = 1; i < least && !m->what; i++) copy(m, from, len);
	if (least && most == ENDLESS) put(m, m->n, EITHER, -len, 1);
	if (most == ENDLESS) return;
	for (int i = least ? least : 1; i < most && !m->what; i++) {
		put(m, m->n, EITHER, 1, len + 1);
		copy(m, from, len);
	}
}

/* ---- the pattern ------------------------------------------------------------------------ */

static void alternatives(struct making *m);

static void group(struct making *m)
{
	if (next_is(m, '?')) {
		m->p++;
		if (!next_is(m, ':')) refuse(m, "looking ahead or behind, or a name of a group");
		m->p++;
	}
	if (++m->depth > VC_PATTERN_DEPTH) refuse(m, "too deep");
	if (!m->what) alternatives(m);
	m->depth--;
	if (!next_is(m, ')')) refuse(m, "a parenthesis without the other");
	m->p += !m->what;
}

/* False: an assertion, which is not repeated. */
static bool atom(struct making *m)
{
	int first = m->ranges_n;
	char c = *m->p;
	uint32_t u;

	if (strchr("*+?{}])", c)) {
		refuse(m, "a sign that stands for itself");
		return true;
	}
	if (c == '^' || c == '$') {
		m->p++;
		put(m, m->n, c == '^' ? BEGIN : END, 0, 0);
		return false;
	}
	if (c != '(' && c != '[' && c != '.' && c != '\\') {
		u = take(&m->p);
		range_add(m, u, u);
		one(m, first, false);
		return true;
	}
	m->p++;
	if (c == '(') {
		group(m);
	} else if (c == '[') {
		class_read(m);
	} else if (c == '.') {
		range_add(m, '\n', '\n');
		range_add(m, '\r', '\r');
		range_add(m, 0x2028, 0x2029);
		one(m, first, true);
	} else if (more(m) && kind_add(m, *m->p)) {
		m->p++;
		one(m, first, false);
	} else {
		u = escaped(m);
		range_add(m, u, u);
		one(m, first, false);
	}
	return true;
}

static void sequence(struct making *m)
{
	int least, most;

	while (more(m) && *m->p != '|' && *m->p != ')') {
		int at = m->n;
		bool repeats = atom(m);

		if (!repeat_read(m, &least, &most)) continue;
		if (!repeats) refuse(m, "an assertion that is repeated");
		if (!m->what) repeat(m, at, least, most);
	}
}

/* Each but the last is followed by a step to the end of all; until that is known these are a chain. */
static void alternatives(struct making *m)
{
	int chain = -1, before;

	for (;;) {
		int at = m->n;

		sequence(m);
		if (!next_is(m, '|')) break;
		m->p++;
		put(m, at, EITHER, 1, m->n - at + 2);
		put(m, m->n, GO, chain, 0);
		chain = m->n - 1;
	}
	for (; chain >= 0 && !m->what; chain = before) {
		before = m->code[chain].x;
		m->code[chain].x = m->n - chain;
	}
}

/* ---- going through it ------------------------------------------------------------------- */

struct ways { /* steps at which a text may stand */
	int at[VC_PATTERN_CODE];
	int n;
};

struct going {
	const struct making *m;
	unsigned *budget;
	unsigned round, seen[VC_PATTERN_CODE]; /* round: of this character */
	int todo[2 * VC_PATTERN_CODE];
	bool begin, end, found;
};

/* Everything that is come to without a character. */
static void reach(struct going *g, int at, struct ways *w)
{
	int n = 0;

	g->todo[n++] = at;
	while (n && !g->found && *g->budget) {
		const struct code *c = &g->m->code[at = g->todo[--n]];

		if (g->seen[at] == g->round) continue;
		g->seen[at] = g->round;
		--*g->budget;
		if (c->op == ONE) w->at[w->n++] = at;
		if (c->op == FOUND) g->found = true;
		if (c->op == EITHER) g->todo[n++] = at + c->y;
		if (c->op == EITHER || c->op == GO) g->todo[n++] = at + c->x;
		if ((c->op == BEGIN && g->begin) || (c->op == END && g->end)) g->todo[n++] = at + 1;
	}
}

static bool fits(const struct going *g, const struct code *c, uint32_t u)
{
	const struct range *r = g->m->ranges + c->x;

	for (int i = 0; i < c->y; i++)
		if (u >= r[i].from && u <= r[i].to) return !c->turned;
	return c->turned;
}

static void go(struct going *g, struct str text)
{
	struct ways ways[2] = {{.n = 0}, {.n = 0}}, *now = &ways[0], *then = &ways[1], *swap;
	const char *p = text.p, *end = text.n ? text.p + text.n : text.p;

	g->begin = true;
	for (;; g->begin = false) {
		g->end = p == end;
		if (g->begin) g->round = 1;
		reach(g, 0, now); /* a match may begin anywhere */
		if (g->found || g->end || !*g->budget) return;
		uint32_t u = take(&p);

		g->end = p == end;
		g->begin = false;
		g->round++;
		then->n = 0;
		for (int i = 0; i < now->n; i++) {
			const struct code *c = &g->m->code[now->at[i]];

			*g->budget -= *g->budget > (unsigned)c->y ? (unsigned)c->y : *g->budget;
			if (fits(g, c, u)) reach(g, now->at[i] + 1, then);
		}
		swap = now;
		now = then;
		then = swap;
	}
}

enum err vc_pattern_find(struct str pattern, struct str text, unsigned *budget, const char **ret_what,
			 bool *ret_found)
{
	struct making m = {.p = pattern.p, .end = pattern.n ? pattern.p + pattern.n : pattern.p};
	struct going g = {.m = &m, .budget = budget};

	if (pattern.n > VC_PATTERN_MAX || (pattern.n && memchr(pattern.p, 0, pattern.n))) {
		*ret_what = "too large";
		return ERR_UNSUPPORTED;
	}
	alternatives(&m);
	if (m.p < m.end) refuse(&m, "a parenthesis without the other");
	put(&m, m.n, FOUND, 0, 0);
	if (m.what) {
		*ret_what = m.what;
		return ERR_UNSUPPORTED;
	}
	*budget -= *budget > (unsigned)m.n ? (unsigned)m.n : *budget;
	go(&g, text);
	if (!g.found && !*budget) return ERR_TOO_LARGE;
	*ret_found = g.found;
	return ERR_OK;
}
