#include "base/retell_row.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

enum { NONE = -1, ROWS_MAX = SAY_COUNT + ERR_COUNT };

/* literal[0] conversion literal[1] … conversion literal[conversions] */
struct row {
	const char *text[2];
	struct str literal[ROW_CONVERSIONS + 1];
	size_t conversions, octets; /* octets: of all literals */
	struct str key;             /* what it is sorted by: the first literal, or the last one */
	int rank;                   /* in the order of the catalogue */
	int parent;                 /* the row before it whose key begins this one's; NONE */
	enum row_kind kind;
};

/* Rows that lie together, sorted by their keys. */
struct shelf {
	struct row *row;
	int n;
	bool from_behind; /* keys are read from their ends */
};

enum shelves { BY_BEGINNING, BY_END, BY_NEITHER, SHELVES };

/* Written once, before anybody reads. */
static struct row rows[ROWS_MAX];
static struct shelf shelves[SHELVES] = {[BY_END] = {.from_behind = true}};

bool row_is_conversion(const char *text)
{
	return text[0] == '%' && text[1] != '%';
}

/* Flags, width, precision and length go before its letter. */
const char *row_behind(const char *conversion)
{
	while (*conversion && !strchr("diuxcsp", *conversion)) conversion++;
	return *conversion ? conversion + 1 : conversion;
}

static enum shelves shelf_of(const struct row *r)
{
	return r->literal[0].n ? BY_BEGINNING : r->literal[r->conversions].n ? BY_END : BY_NEITHER;
}

static void read_row(struct row *r, enum row_kind kind, const char *en, const char *zh)
{
	const char *p = en, *start = en;

	r->kind = kind;
	r->text[SAY_EN] = en;
	r->text[SAY_ZH] = zh;
	while (*p) {
		must(p[0] != '%' || p[1] != '%'); /* a literal would not be what stands here */
		if (*p++ != '%') continue;
		must(r->conversions < ROW_CONVERSIONS);
		r->literal[r->conversions++] = str_n(start, (size_t)(p - 1 - start));
		start = p = row_behind(p);
	}
	r->literal[r->conversions] = str_n(start, (size_t)(p - start));
	for (size_t i = 0; i <= r->conversions; i++) r->octets += r->literal[i].n;
	r->key = r->literal[shelf_of(r) == BY_END ? r->conversions : 0];
}

static char octet(struct str s, size_t i, bool from_behind)
{
	return s.p[from_behind ? s.n - 1 - i : i];
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many octets two texts share at the beginning, or at the end; each is a step, and when they run out it
 * does not matter what comes back. */
static size_t shared(struct str a, struct str b, bool from_behind, int *steps)
{
	size_t n = 0, most = least(least(a.n, b.n), (size_t)*steps);

	while (n < most && octet(a, n, from_behind) == octet(b, n, from_behind)) n++;
	*steps -= (int)least(n + 1, (size_t)*steps);
	return n;
}

static int key_order(struct str a, struct str b, bool from_behind, int *steps)
{
	size_t n = shared(a, b, from_behind, steps);

	if (n == a.n || n == b.n) return (a.n > b.n) - (a.n < b.n);
	unsigned char x = (unsigned char)octet(a, n, from_behind),
		      y = (unsigned char)octet(b, n, from_behind);
	return x < y ? -1 : 1;
}

static int row_order(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	enum shelves s = shelf_of(a), t = shelf_of(b);
	int unbounded = INT_MAX, order;

	if (s != t) return s < t ? -1 : 1;
	order = key_order(a->key, b->key, shelves[s].from_behind, &unbounded);
	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

static bool begins(struct str key, struct str text, bool from_behind, int *steps)
{
	return key.n <= text.n && shared(key, text, from_behind, steps) == key.n;
}

static void find_parents(struct shelf *s)
{
	int unbounded;

	for (int i = 0; i < s->n; i++) {
		int p = i - 1;
		unbounded = INT_MAX;
		while (p >= 0 && !begins(s->row[p].key, s->row[i].key, s->from_behind, &unbounded))
			p = s->row[p].parent;
		s->row[i].parent = p;
	}
}

static enum row_kind kind_of(struct str name)
{
	if (str_starts(name, STR("FLAW_"))) return ROW_OF_ID;
	return str_starts(name, STR("SAID_")) || str_starts(name, STR("POL_")) ? ROW_SAID : 0;
}

static void make_index(void)
{
	int n = 0;

	for (int e = 0; e < ERR_COUNT; e++, n++)
		read_row(&rows[n], ROW_ERROR, err_text((enum err)e), err_text_zh((enum err)e));
	for (int i = 0; i < SAY_COUNT; i++) {
		enum row_kind kind = kind_of(str_of(say_name((enum say)i)));
		if (kind)
			read_row(&rows[n++], kind, say_in(SAY_EN, (enum say)i),
				 say_in(SAY_ZH, (enum say)i));
	}
	for (int i = 0; i < n; i++) rows[i].rank = i;
	qsort(rows, (size_t)n, sizeof *rows, row_order);
	for (int i = n - 1; i >= 0; i--) {
		struct shelf *s = &shelves[shelf_of(&rows[i])];
		s->row = &rows[i];
		s->n++;
	}
	for (int i = 0; i < SHELVES; i++) find_parents(&shelves[i]);
}

/* Where the literal first stands in the text; false: nowhere. */
static bool seek(struct str text, struct str literal, int *steps, size_t *ret_at)
{
	struct str within = str_first(text, (size_t)*steps);
	const char *p = literal.n ? memmem(within.p, within.n, literal.p, literal.n) : text.p;

	*ret_at = p ? (size_t)(p - text.p) : within.n;
	*steps -= (int)least(*ret_at + 1, (size_t)*steps);
	return p != NULL;
}

/* What is before a literal's first place is the conversion's: had it taken more, less would be left for
 * those behind it, and the last literal stands at the end in any case. So nothing is tried twice. */
static bool fits(const struct row *r, struct str text, int *steps, struct row_fit *ret)
{
	const struct str *last = &r->literal[r->conversions];
	size_t at;

	if (r->octets > text.n || !begins(r->literal[0], text, false, steps)) return false;
	if (!r->conversions) return r->octets == text.n;
	if (!begins(*last, text, true, steps)) return false;
	text = str_first(str_skip(text, r->literal[0].n), text.n - r->literal[0].n - last->n);
	for (size_t i = 1; i < r->conversions; i++) {
		if (!seek(text, r->literal[i], steps, &at)) return false;
		ret->argument[i - 1] = str_first(text, at);
		text = str_skip(text, at + r->literal[i].n);
	}
	ret->argument[r->conversions - 1] = text;
	return true;
}

static bool is_better(const struct row *a, const struct row *b)
{
	return !b || a->octets > b->octets || (a->octets == b->octets && a->rank < b->rank);
}

static void try_row(const struct row *r, unsigned kinds, struct str text, int *steps,
		    const struct row **best, struct row_fit *ret)
{
	struct row_fit fit;

	if (!*steps || !(r->kind & kinds) || !is_better(r, *best) || !fits(r, text, steps, &fit)) return;
	*ret = fit;
	*best = r;
}

/* The last row whose key is not behind the text: all keys that begin the text begin this one's too, or are
 * it. */
static int last_before(const struct shelf *s, struct str text, int *steps)
{
	int low = 0, high = s->n;

	while (low < high) {
		int middle = (low + high) / 2;
		if (key_order(s->row[middle].key, text, s->from_behind, steps) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

bool row_find(unsigned kinds, struct str sentence, int *steps, struct row_fit *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct row *best = NULL;
	struct row_fit fit;

	pthread_once(&once, make_index);
	for (int i = 0; i < SHELVES; i++) {
		const struct shelf *s = &shelves[i];
		int at = last_before(s, sentence, steps);
		for (; at >= 0 && *steps; at = s->row[at].parent)
			try_row(&s->row[at], kinds, sentence, steps, &best, &fit);
	}
	if (!best || !*steps) return false;
	*ret = fit;
	ret->arguments = best->conversions;
	memcpy(ret->text, best->text, sizeof ret->text);
	return true;
}
