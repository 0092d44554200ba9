/* POSIX extended regular expressions of whole texts, as sets of places in the pattern.
 *
 * Nodes are made from the end: each part of the pattern is made for the node that follows it, repetition by
 * making its part again. A state is a bit for each node at which a text may stand, before a character,
 * before an end ($) or behind all. Only what every implementation reads alike is taken; the rest is
 * ERR_UNSUPPORTED, and decided by regexec elsewhere. */
#include "proto/template/walk.h"

enum {
	NODES_MAX = 8 * TEMPLATE_WALK_STATE_MAX,
	DEEP_MAX = 200, /* parentheses and alternatives within each other */
	REPEAT_MAX = 1000,
	SET = 32, /* octets of a set of characters */
};

enum kind { CHARACTER, EITHER, BEGIN, END, DONE };
struct node {
	enum kind kind;
	uint16_t next, other; /* other: of EITHER */
	unsigned char set[SET];
};

struct pattern {
	struct node *nodes;
	size_t n, first;
};

struct making {
	struct pattern *p;
	size_t deep;
	bool failed; /* sticky */
};

/* ---- nodes ------------------------------------------------------------------------------ */

static uint16_t add(struct making *m, enum kind kind, uint16_t next, uint16_t other)
{
	if (m->p->n == NODES_MAX) m->failed = true;
	if (m->failed) return 0;
	struct node *n = &m->p->nodes[m->p->n];
	*n = (struct node){.kind = kind, .next = next, .other = other};
	return (uint16_t)m->p->n++;
}

static void set_add(unsigned char set[SET], unsigned char c)
{
	set[c >> 3] |= (unsigned char)(1u << (c & 7));
}

static bool set_has(const unsigned char set[SET], unsigned char c)
{
	return set[c >> 3] >> (c & 7) & 1;
}

static void set_turn(unsigned char set[SET])
{
	for (size_t i = 0; i < SET; i++) set[i] = (unsigned char)~set[i];
	set[0] &= 0xfe; /* no text has the octet 0 */
}

/* ---- classes ---------------------------------------------------------------------------- */

static bool in_class(struct str name, unsigned char c)
{
	bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
	bool graph = c > ' ' && c < 0x7f, alnum = digit || upper || lower;
	if (str_is(name, "alpha")) return upper || lower;
	if (str_is(name, "digit")) return digit;
	if (str_is(name, "alnum")) return alnum;
	if (str_is(name, "upper")) return upper;
	if (str_is(name, "lower")) return lower;
	if (str_is(name, "space")) return c == ' ' || (c >= '\t' && c <= '\r');
	if (str_is(name, "blank")) return c == ' ' || c == '\t';
	if (str_is(name, "punct")) return graph && !alnum;
	if (str_is(name, "print")) return graph || c == ' ';
	if (str_is(name, "graph")) return graph;
	if (str_is(name, "cntrl")) return c < ' ' || c == 0x7f;
	if (str_is(name, "xdigit")) return digit || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
	return false;
}

static bool class_add(struct str name, unsigned char set[SET])
{
	bool any = false;
	for (unsigned c = 1; c < 256; c++)
		if (in_class(name, (unsigned char)c)) {
			set_add(set, (unsigned char)c);
			any = true;
		}
	return any;
}

/* Octets of a bracket expression, brackets included; 0: it does not end. */
static size_t bracket_n(struct str s)
{
	size_t i = 1;
	if (i < s.n && s.p[i] == '^') i++;
	if (i < s.n && s.p[i] == ']') i++;
	for (; i < s.n && s.p[i] != ']'; i++) {
		if (s.p[i] != '[' || i + 1 == s.n || !memchr(":.=", s.p[i + 1], 3)) continue;
		char mark = s.p[i + 1];
		for (i += 2; i + 1 < s.n && (s.p[i] != mark || s.p[i + 1] != ']'); i++) continue;
		i++;
	}
	return i < s.n ? i + 1 : 0;
}

/* inner: between the brackets, without ^. */
static bool bracket_read(struct str inner, unsigned char set[SET])
{
	for (size_t i = 0; i < inner.n; i++) {
		unsigned char c = (unsigned char)inner.p[i];
		struct str rest = str_skip(inner, i + 1);
		if (c >= 0x80) return false;
		if (c == '[' && rest.n && memchr(":.=", rest.p[0], 3)) {
			size_t end = str_find(str_skip(rest, 1), ':');
			if (rest.p[0] != ':' || !class_add(str_first(str_skip(rest, 1), end), set))
				return false;
			i += end + 3;
			continue;
		}
		if (rest.n > 1 && rest.p[0] == '-') {
			unsigned char to = (unsigned char)rest.p[1];
			if (to < c || to >= 0x80 || to == '[' || c == '-' || to == '-') return false;
			for (unsigned x = c; x <= to; x++) set_add(set, (unsigned char)x);
			i += 2;
			if (i + 2 < inner.n && inner.p[i + 1] == '-') return false; /* a-c-e */
			continue;
		}
		set_add(set, c);
	}
	return true;
}

/* ---- pieces ----------------------------------------------------------------------------- */

/* Octets of the first atom; 0: none, or none that is taken. */
static size_t atom_n(struct str s)
{
	size_t deep = 0;
	if (s.p[0] == '[') return bracket_n(s);
	if (s.p[0] == '\\') return s.n > 1 ? 2 : 0;
	if (s.p[0] != '(') return memchr("*+?{)|", s.p[0], 6) ? 0 : 1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\') {
			i++;
		} else if (s.p[i] == '[') {
			size_t n = bracket_n(str_skip(s, i));
			if (!n) return 0;
			i += n - 1;
		} else if (s.p[i] == '(') {
			deep++;
		} else if (s.p[i] == ')' && !--deep) {
			return i + 1;
		}
	}
	return 0;
}

struct repeat {
	size_t n; /* octets; 0: none */
	unsigned least, most;
	bool endless;
};

static bool count_read(struct str *s, unsigned *ret)
{
	size_t i = 0;
	*ret = 0;
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && *ret <= REPEAT_MAX; i++)
		*ret = *ret * 10 + (unsigned)(s->p[i] - '0');
	*s = str_skip(*s, i);
	return i > 0 && *ret <= REPEAT_MAX;
}

/* {n}, {n,} or {n,m} */
static bool braces_read(struct str s, struct repeat *r)
{
	struct str rest = str_skip(s, 1);
	if (!count_read(&rest, &r->least) || !rest.n) return false;
	r->most = r->least;
	if (rest.p[0] == ',') {
		rest = str_skip(rest, 1);
		r->endless = rest.n && rest.p[0] == '}';
		if (!r->endless && (!count_read(&rest, &r->most) || r->most < r->least)) return false;
	}
	if (!rest.n || rest.p[0] != '}') return false;
	r->n = (size_t)(rest.p - s.p) + 1;
	return true;
}

static bool repeat_read(struct str s, struct repeat *r)
{
	*r = (struct repeat){.n = s.n && memchr("*+?", s.p[0], 3) ? 1 : 0};
	if (s.n && s.p[0] == '{') return braces_read(s, r);
	if (!r->n) return true;
	r->least = s.p[0] == '+';
	r->most = s.p[0] != '*';
	r->endless = s.p[0] != '?';
	return true;
}

static uint16_t alternatives(struct making *m, struct str s, uint16_t next);

static uint16_t escaped(struct making *m, char c, uint16_t next)
{
	uint16_t at = add(m, CHARACTER, next, 0);
	unsigned char *set = m->p->nodes[at].set;
	bool space = c == 's' || c == 'S', word = c == 'w' || c == 'W';
	if (in_class(STR("alnum"), (unsigned char)c) ? !space && !word
						     : (unsigned char)c >= 0x80 || memchr("<>`'", c, 4))
		m->failed = true;
	if (m->failed) return 0;
	if (word) set_add(set, '_');
	if (space || word)
		(void)class_add(space ? STR("space") : STR("alnum"), set);
	else
		set_add(set, (unsigned char)c);
	if (c == 'S' || c == 'W') set_turn(set);
	return at;
}

static uint16_t atom(struct making *m, struct str s, uint16_t next)
{
	if (s.p[0] == '(') return alternatives(m, str_first(str_skip(s, 1), s.n - 2), next);
	if (s.p[0] == '\\') return escaped(m, s.p[1], next);
	if (s.n == 1 && s.p[0] == '^') return add(m, BEGIN, next, 0);
	if (s.n == 1 && s.p[0] == '$') return add(m, END, next, 0);
	uint16_t at = add(m, CHARACTER, next, 0);
	unsigned char *set = m->p->nodes[at].set;
	if (m->failed) return 0;
	if (s.p[0] == '[') {
		bool turned = s.p[1] == '^';
		struct str inner = str_skip(s, turned ? 2 : 1);
		if (!bracket_read(str_first(inner, inner.n - 1), set)) m->failed = true;
		if (turned) set_turn(set);
	} else if (s.p[0] == '.') {
		set_turn(set);
	} else {
		set_add(set, (unsigned char)s.p[0]);
	}
	return at;
}

/* An atom with what repeats it, the last of which is of all before. */
static uint16_t piece(struct making *m, struct str s, const struct repeat *r, size_t n, uint16_t next)
{
	if (!n) return atom(m, s, next);
	uint16_t to = next;
	if (r[n - 1].endless) {
		to = add(m, EITHER, 0, next);
		uint16_t again = piece(m, s, r, n - 1, to);
		if (!m->failed) m->p->nodes[to].next = again;
	}
	for (unsigned i = r[n - 1].endless ? r[n - 1].least : r[n - 1].most; i-- > 0 && !m->failed;) {
		uint16_t one = piece(m, s, r, n - 1, to);
		/* of those that may be missing, each leaves out all after it */
		to = i >= r[n - 1].least ? add(m, EITHER, one, next) : one;
	}
	return to;
}

enum { REPEATS_MAX = 3 };

/* A group with ^ or $ in it: implementations differ when it is repeated. */
static bool has_anchor(struct str s)
{
	for (size_t i = 1; i < s.n && s.p[0] == '('; i++)
		if (s.p[i] == '$' || (s.p[i] == '^' && s.p[i - 1] != '[')) return true;
	return false;
}

/* Pieces one after the other, made from the last. */
static uint16_t sequence(struct making *m, struct str s, uint16_t next)
{
	if (!s.n) return next;
	struct repeat r[REPEATS_MAX];
	size_t n = atom_n(s), repeats = 0;
	struct str one = str_first(s, n), rest = str_skip(s, n);
	bool anchor = (n == 1 && (s.p[0] == '^' || s.p[0] == '$')) || has_anchor(one);
	if (!n) m->failed = true;
	while (!m->failed && rest.n && memchr("*+?{", rest.p[0], 4)) {
		if (anchor || repeats == REPEATS_MAX || !repeat_read(rest, &r[repeats])) {
			m->failed = true;
			break;
		}
		rest = str_skip(rest, r[repeats++].n);
	}
	if (m->failed) return 0;
	next = sequence(m, rest, next);
	return m->failed ? 0 : piece(m, one, r, repeats, next);
}

static uint16_t alternatives(struct making *m, struct str s, uint16_t next)
{
	size_t i = 0;
	if (++m->deep > DEEP_MAX) m->failed = true;
	while (i < s.n && s.p[i] != '|' && !m->failed) {
		size_t n = atom_n(str_skip(s, i));
		i += n ? n : 1; /* what repeats; other things are found again by sequence */
	}
	uint16_t first = m->failed ? 0 : sequence(m, str_first(s, i), next);
	if (!m->failed && i < s.n) {
		uint16_t second = alternatives(m, str_skip(s, i + 1), next);
		first = m->failed ? 0 : add(m, EITHER, first, second);
	}
	m->deep--;
	return first;
}

enum err pattern_new(struct arena *a, struct str text, struct pattern **ret)
{
	struct pattern *p = ARENA_NEW(a, struct pattern);
	if (p) p->nodes = ARENA_ARRAY(a, struct node, NODES_MAX);
	if (!p || !p->nodes) return ERR_NO_MEMORY;
	p->n = 0;
	struct making m = {.p = p};
	uint16_t done = add(&m, DONE, 0, 0);
	p->first = text.n <= TEMPLATE_PATTERN_MAX ? alternatives(&m, text, done) : 0;
	if (m.failed || text.n > TEMPLATE_PATTERN_MAX) return ERR_UNSUPPORTED;
	*ret = p;
	return ERR_OK;
}

/* ---- walking ---------------------------------------------------------------------------- */

size_t pattern_state(const struct pattern *p)
{
	return (p->n + 7) / 8;
}

struct reach { /* nodes that are come to without a character */
	unsigned char seen[TEMPLATE_WALK_STATE_MAX];
	uint16_t todo[NODES_MAX];
	size_t n;
};

static void reach_add(struct reach *r, size_t node)
{
	if (set_has(r->seen + (node >> 8) * SET, (unsigned char)node)) return;
	set_add(r->seen + (node >> 8) * SET, (unsigned char)node);
	r->todo[r->n++] = (uint16_t)node;
}

/* Puts those at which a text may stand into the state; true: there is one. */
static bool reach_all(const struct pattern *p, struct reach *r, bool begin, unsigned char *state)
{
	bool any = false;
	while (r->n) {
		size_t at = r->todo[--r->n];
		const struct node *n = &p->nodes[at];
		if (n->kind == EITHER || (n->kind == BEGIN && begin)) reach_add(r, n->next);
		if (n->kind == EITHER) reach_add(r, n->other);
		if (n->kind == EITHER || n->kind == BEGIN) continue;
		state[at >> 3] |= (unsigned char)(1u << (at & 7));
		any = true;
	}
	return any;
}

void pattern_begin(const struct pattern *p, unsigned char *state)
{
	struct reach r = {.n = 0};
	memset(state, 0, pattern_state(p));
	reach_add(&r, p->first);
	(void)reach_all(p, &r, true, state);
}

static bool stands_at(const unsigned char *state, size_t node)
{
	return state[node >> 3] >> (node & 7) & 1;
}

bool pattern_step(const struct pattern *p, const unsigned char *from, char c, unsigned char *to)
{
	struct reach r = {.n = 0};
	for (size_t i = 0; i < p->n; i++)
		if (stands_at(from, i) && p->nodes[i].kind == CHARACTER &&
		    set_has(p->nodes[i].set, (unsigned char)c))
			reach_add(&r, p->nodes[i].next);
	memset(to, 0, pattern_state(p));
	return reach_all(p, &r, false, to);
}

bool pattern_ends(const struct pattern *p, const unsigned char *state)
{
	struct reach r = {.n = 0};
	for (size_t i = 0; i < p->n; i++) {
		if (!stands_at(state, i)) continue;
		if (p->nodes[i].kind == DONE) return true;
		if (p->nodes[i].kind == END) reach_add(&r, i);
	}
	while (r.n) {
		const struct node *n = &p->nodes[r.todo[--r.n]];
		if (n->kind == DONE) return true;
		if (n->kind == END || n->kind == EITHER) reach_add(&r, n->next);
		if (n->kind == EITHER) reach_add(&r, n->other);
	}
	return false;
}
