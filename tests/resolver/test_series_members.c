/* Which identifiers are members of a series, against plain enumeration. */
#include "tests/resolver/series_rows.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t seed = 20261126;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 4) * n) >> 28);
}

static const char charset[] = "019AZaz-+";

enum { RANGES = 3 };

struct model { /* one accepted series, by its definition and not by our code */
	struct series_pattern p;
	char literal[RANGES + 1][4]; /* before each range, behind the last */
	char from[RANGES][8], to[RANGES][8];
	char first[RANGES][8],
	    below[RANGES][8]; /* what cuts left: at least, and less than; below: or none */
	size_t n;
};

/* Every string of up to LENGTH_MAX characters of the set is asked for. */
enum { LENGTH_MAX = 4, MODELS_MAX = 60, CUTS_MAX = 120 };

static unsigned class_mask(char c)
{
	return c >= '0' && c <= '9' ? 1 : c >= 'A' && c <= 'Z' ? 2 : c >= 'a' && c <= 'z' ? 4 : 0;
}

static bool range_takes(const char *from, const char *to, const char *x)
{
	size_t n = strlen(from);
	if (strlen(x) < n || memcmp(x, from, n) < 0 || memcmp(x, to, n) > 0) return false;
	for (size_t i = 0; i < n; i++) {
		unsigned mask = class_mask(from[i]) | class_mask(to[i]);
		if (mask ? !(mask & class_mask(x[i])) : x[i] != from[i]) return false;
	}
	return true;
}

static bool model_has(const struct model *m, const char *s)
{
	for (size_t i = 0; i < m->n; i++) {
		size_t n = strlen(m->literal[i]);
		if (strncmp(s, m->literal[i], n) != 0 || !range_takes(m->from[i], m->to[i], s + n))
			return false;
		if (memcmp(s + n, m->first[i], strlen(m->first[i])) < 0 ||
		    (m->below[i][0] && memcmp(s + n, m->below[i], strlen(m->below[i])) >= 0))
			return false;
		s += n + strlen(m->from[i]);
	}
	return strcmp(s, m->literal[m->n]) == 0;
}

static void random_text(char *out, size_t n)
{
	for (size_t i = 0; i < n; i++) out[i] = charset[random_below(sizeof charset - 1)];
	out[n] = 0;
}

/* Several ranges twice as often as one: fewer of them are read. */
static bool random_model(struct arena *a, struct model *m, char pattern[64])
{
	size_t length = 0, at = (size_t)snprintf(pattern, 64, "88.1/");
	m->n = random_below(3) ? 2 + random_below(RANGES - 1) : 1;
	for (size_t i = 0; i < m->n; i++) {
		size_t width = 1 + random_below(m->n > 1 ? 2 : 3), before = random_below(m->n > 1 ? 2 : 3);
		length += width + before;
		random_text(m->literal[i], before);
		random_text(m->from[i], width);
		random_text(m->to[i], width);
		memcpy(m->first[i], m->from[i], sizeof m->first[i]);
		m->below[i][0] = 0;
		at += (size_t)snprintf(pattern + at, 64 - at, "%s{%s..%s}", m->literal[i], m->from[i],
				       m->to[i]);
	}
	size_t behind = random_below(2);
	random_text(m->literal[m->n], behind);
	snprintf(pattern + at, 64 - at, "%s", m->literal[m->n]);
	return length + behind <= LENGTH_MAX && !series_pattern_parse(a, str_of(pattern), NULL, &m->p);
}

typedef void each_fn(void *arg, const char *s);

static void each_text(each_fn *fn, void *arg)
{
	char s[LENGTH_MAX + 1];
	for (size_t n = 1; n <= LENGTH_MAX; n++) {
		size_t at[LENGTH_MAX] = {0};
		for (;;) {
			for (size_t i = 0; i < n; i++) s[i] = charset[at[i]];
			s[n] = 0;
			fn(arg, s);
			size_t i = n;
			while (i > 0 && ++at[i - 1] == sizeof charset - 1) at[--i] = 0;
			if (!i) break;
		}
	}
}

struct asking {
	struct arena *a;
	struct store_txn *t;
	struct model *models;
	size_t n, members, asked;
	const struct model *other; /* meets: is there a common member? */
	bool met;
};

static void compare_one(void *arg, const char *s)
{
	struct asking *q = arg;
	struct arena_mark mark = arena_mark(q->a);
	struct str want = STR("");
	for (size_t i = 0; i < q->n; i++)
		if (model_has(&q->models[i], s)) want = q->models[i].p.text;
	struct str got = series_of(q->a, q->t, arena_printf(q->a, "88.1/%s", s));
	if (!str_eq(got, want)) fprintf(stderr, "%s: %.*s, not %.*s\n", s, STR_ARG(got), STR_ARG(want));
	assert_true(str_eq(got, want));
	q->members += want.n > 0;
	q->asked++;
	arena_rollback(q->a, mark);
}

static void meet_one(void *arg, const char *s)
{
	struct asking *q = arg;
	if (!model_has(q->other, s)) return;
	for (size_t i = 0; i < q->n; i++) q->met |= model_has(&q->models[i], s);
}

/* Cuts a series before a member, in whatever range it says; false: it is no place to cut. */
static bool cut(struct asking *q, struct model *m, const char *s)
{
	struct model *other = &q->models[q->n];
	const char *at = s;
	size_t differing = 0, k = 0, offset = strlen(m->literal[0]);
	for (size_t i = 0; i < m->n; i++) {
		s += strlen(m->literal[i]);
		size_t n = strlen(m->from[i]);
		bool same = !memcmp(s, m->first[i], n);
		differing += !same;
		if (!same) k = i;
		s += n;
	}
	struct series_pattern halves[2];
	struct flaw f;
	struct str serial = arena_dup(q->a, str_first(str_of(at + offset), m->p.range.from.n));
	enum err e =
	    change(q->a, SERIES_SPLIT, arena_strdup(q->a, m->p.text), arena_strdup(q->a, serial), &f);
	if (e == ERR_QUOTA) return false; /* crowded: has a test of its own */
	assert_int_equal(e, differing == 1 ? ERR_OK : ERR_BAD_INPUT);
	if (e) return false;
	must(!series_pattern_split(q->a, &m->p, serial, &f, halves));
	const char *part = at;
	for (size_t i = 0; i <= k; i++) part += strlen(m->literal[i]) + (i ? strlen(m->from[i - 1]) : 0);
	*other = *m;
	memcpy(other->first[k], part, strlen(m->first[k]));
	memcpy(m->below[k], other->first[k], sizeof m->below[k]);
	other->p = halves[1];
	m->p = halves[0];
	q->n++;
	return true;
}

/* At random members, a new series among the others now and then. */
static size_t cut_at_random(struct asking *q)
{
	size_t cuts = 0, later = 0;
	for (size_t tries = 0; tries < 100000 && cuts < CUTS_MAX; tries++) {
		char s[LENGTH_MAX + 1];
		random_text(s, 1 + random_below(LENGTH_MAX));
		for (size_t i = 0; i < q->n; i++) {
			if (!model_has(&q->models[i], s)) continue;
			bool second = strncmp(s + strlen(q->models[i].literal[0]), q->models[i].first[0],
					      strlen(q->models[i].first[0])) == 0;
			bool done = cut(q, &q->models[i], s);
			cuts += done;
			later += done && second;
			break;
		}
	}
	fprintf(stderr, "%zu cuts, %zu not in the first range\n", cuts, later);
	return later;
}

static void members_are_those_of_plain_enumeration(void **state)
{
	static struct model models[MODELS_MAX + CUTS_MAX];
	struct arena *a = arena_new(64 << 20);
	struct asking q = {.a = a, .models = models};
	size_t refused = 0, met = 0, several = 0;
	(void)state;
	for (size_t tries = 0; tries < 6000 && q.n < MODELS_MAX; tries++) {
		struct flaw f = {0};
		struct model *m = &models[q.n];
		char pattern[64];
		if (!random_model(a, m, pattern)) continue;
		q.other = m;
		q.met = false;
		each_text(meet_one, &q);
		enum err e = change(a, SERIES_PUT, pattern, NULL, &f);
		/* never two series for one identifier; the same pattern twice changes nothing */
		if (!e && q.met) {
			struct store_txn *t;
			must(!store_read(store, &t));
			assert_true(str_eq(series_of(a, t, m->p.first.text), m->p.text));
			store_read_end(t);
			continue;
		}
		assert_true(!e || e == ERR_CONFLICT);
		refused += e == ERR_CONFLICT;
		met += q.met;
		several += !e && m->n > 1;
		if (!e) q.n++;
	}
	must(!store_read(store, &q.t));
	each_text(compare_one, &q);
	store_read_end(q.t);
	fprintf(stderr, "%zu series, %zu of several ranges, %zu refused (%zu meet), %zu members of %zu\n",
		q.n, several, refused, met, q.members, q.asked);
	assert_true(q.n > 20 && several > 5 && met > 5 && q.members > 200);
	size_t members = q.members;
	assert_true(cut_at_random(&q) > 2);
	q.members = 0;
	must(!store_read(store, &q.t));
	each_text(compare_one, &q);
	store_read_end(q.t);
	assert_int_equal(q.members, members);
	arena_free(a);
}

static void random_splits_keep_every_member(void **state)
{
	struct arena *a = arena_new(64 << 20);
	struct store_txn *t;
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, "88.2/{0A00..2Z99}", NULL, NULL), ERR_OK);
	const char *points[] = {"1B50", "0C07", "2A00", "1Z99", "2Z99"};
	for (size_t i = 0; i < COUNT(points); i++) {
		struct str at = arena_printf(a, "88.2/%s", points[i]), whole;
		must(!store_read(store, &t));
		whole = arena_dup(a, series_of(a, t, at));
		store_read_end(t);
		assert_true(whole.n);
		assert_int_equal(change(a, SERIES_SPLIT, arena_strdup(a, whole), points[i], NULL), ERR_OK);
	}
	must(!store_read(store, &t));
	size_t members = 0, parts = 1;
	struct str last = STR("");
	for (char x = '0'; x <= '3'; x++)
		for (char y = '9'; y <= 'a'; y++)
			for (unsigned z = 0; z < 100; z++) {
				struct arena_mark mark = arena_mark(a);
				struct str s = series_of(a, t, arena_printf(a, "88.2/%c%c%02u", x, y, z));
				bool want = x <= '2' && y >= 'A' && y <= 'Z';
				assert_true(want == (s.n > 0));
				parts += s.n && last.n && !str_eq(s, last);
				if (s.n) last = s;
				members += s.n > 0;
				arena_rollback(a, mark);
			}
	store_read_end(t);
	assert_int_equal(members, 3 * 26 * 100);
	assert_int_equal(parts, COUNT(points) + 1);
	arena_free(a);
}

/* Every member stays, with the record it had; the halves of a cut in a later range lie among each other. */
static void several_ranges_are_split_in_any(void **state)
{
	static const struct {
		const char *id, *series;
	} asked[] = {{"88.8/LOT2023-A0001", "88.8/LOT{2023..2023}-{A..C}{0001..9999}"},
		     {"88.8/LOT2024-A0001", "88.8/LOT{2024..2025}-{A..A}{0001..9999}"},
		     {"88.8/LOT2025-A0001", "88.8/LOT{2024..2025}-{A..A}{0001..9999}"},
		     {"88.8/LOT2024-B4999", "88.8/LOT{2024..2025}-{B..C}{0001..4999}"},
		     {"88.8/LOT2025-B4999", "88.8/LOT{2024..2025}-{B..C}{0001..4999}"},
		     {"88.8/LOT2024-C5000", "88.8/LOT{2024..2025}-{B..C}{5000..9999}"},
		     {"88.8/LOT2025-C9999", "88.8/LOT{2024..2025}-{B..C}{5000..9999}"},
		     {"88.8/LOT2024-A0000", "88.8/LOT{2023..2025}-{A..C}{0000..0000}"},
		     {"88.8/LOT2024-D0001", ""},
		     {"88.8/LOT2026-C0000", ""},
		     {"88.8/LOT2022-A0001", ""}};
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct flaw f;
	const char *whole = "88.8/LOT{2023..2025}-{A..C}{0001..9999}";
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, whole, NULL, NULL), ERR_OK);
	/* no member in common, but among the others' */
	assert_int_equal(change(a, SERIES_PUT, "88.8/LOT{2023..2025}-{A..C}{0000..0000}", NULL, &f),
			 ERR_OK);
	assert_int_equal(change(a, SERIES_PUT, "88.8/LOT{2024..2026}-{A..B}{9999..9999}", NULL, &f),
			 ERR_CONFLICT);
	assert_non_null(strstr(f.text, whole));
	assert_int_equal(change(a, SERIES_PUT, "88.8/LOT{2026..2027}-{A..C}{0001..9999}", NULL, NULL),
			 ERR_OK);
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2024-A0002", &f), ERR_BAD_INPUT);
	assert_non_null(strstr(f.text, "88.8/LOT2024-A0001"));
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2023-A0001", &f), ERR_BAD_INPUT);
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2024-A0001", NULL), ERR_OK);
	const char *half = "88.8/LOT{2024..2025}-{A..C}{0001..9999}";
	assert_int_equal(change(a, SERIES_SPLIT, half, "2024-B0001", NULL), ERR_OK);
	assert_int_equal(
	    change(a, SERIES_SPLIT, "88.8/LOT{2024..2025}-{B..C}{0001..9999}", "2024-B5000", NULL), ERR_OK);
	must(!store_read(store, &t));
	for (size_t i = 0; i < COUNT(asked); i++)
		assert_str(series_of(a, t, str_of(asked[i].id)), asked[i].series);
	store_read_end(t);
	arena_free(a);
}

/* As many rows as a search looks at; a refusal changes nothing. */
static void few_series_lie_among_each_other(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct flaw f;
	char pattern[64], at[16];
	size_t cuts = 0;
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, "88.9/{A..C}-{00..99}", NULL, NULL), ERR_OK);
	for (enum err e = ERR_OK; !e && cuts < 99; cuts += !e) {
		snprintf(pattern, sizeof pattern, "88.9/{A..C}-{%02zu..99}", cuts);
		snprintf(at, sizeof at, "A-%02zu", cuts + 1);
		e = change(a, SERIES_SPLIT, pattern, at, &f);
		assert_true(!e || (e == ERR_QUOTA && !strcmp(f.rule, "series-among")));
	}
	assert_int_equal(cuts, SERIES_AMONG_MAX);
	/* another that goes around them, and one that would end within them */
	assert_int_equal(change(a, SERIES_PUT, "88.9/{A..C}_{00..99}", NULL, NULL), ERR_QUOTA);
	assert_int_equal(change(a, SERIES_PUT, "88.9/{A..A}_{00..99}", NULL, NULL), ERR_QUOTA);
	assert_int_equal(change(a, SERIES_PUT, "88.9/{D..E}_{00..99}", NULL, NULL), ERR_OK);
	must(!store_read(store, &t));
	for (char c = 'A'; c <= 'D'; c++)
		for (size_t i = 0; i < 100; i++) {
			size_t from = i < SERIES_AMONG_MAX ? i : SERIES_AMONG_MAX,
			       to = i < SERIES_AMONG_MAX ? i : 99;
			snprintf(pattern, sizeof pattern, "88.9/{A..C}-{%02zu..%02zu}", from, to);
			assert_str(series_of(a, t, arena_printf(a, "88.9/%c-%02zu", c, i)),
				   c == 'D' ? "" : pattern);
		}
	store_read_end(t);
	arena_free(a);
}

/* Batches with serials in each: what stands between the ranges in the key is not what stands in the text.
 */
/* One that goes around as many as may lie within it is found behind all of them: by its members, and by a
 * new series that would share some. */
static void a_series_around_many_is_found(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct flaw f;
	char pattern[64];
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, "88.8/{A..C}-{50..99}", NULL, NULL), ERR_OK);
	for (int i = 0; i < SERIES_AMONG_MAX; i++) {
		snprintf(pattern, sizeof pattern, "88.8/{B..B}-{%02d..%02d}", i, i);
		assert_int_equal(change(a, SERIES_PUT, pattern, NULL, NULL), ERR_OK);
	}
	assert_int_equal(change(a, SERIES_PUT, "88.8/{A..A}-{60..61}", NULL, &f), ERR_CONFLICT);
	assert_string_equal(f.rule, "series-overlap");
	must(!store_read(store, &t));
	assert_str(series_of(a, t, STR("88.8/A-60")), "88.8/{A..C}-{50..99}");
	assert_str(series_of(a, t, STR("88.8/B-31")), "88.8/{B..B}-{31..31}");
	store_read_end(t);
	arena_free(a);
}

static void ranges_of_several_qualifiers(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct series_pattern p;
	struct series s;
	struct str packed;
	struct record_head head;
	struct id id;
	const char *text =
	    "https://id.gs1.org/01/0950600{013430..013439}{check}/10/LOT{01..20}/21/{0001..9999}";
	(void)state;
	enum err e = series_pattern_parse(a, str_of(text), NULL, &p);
	assert_int_equal(e, ERR_BAD_ID); /* a check digit between ranges is none of theirs */
	text = "https://id.gs1.org/01/09506000134352/10/LOT{01..20}/21/{0001..9999}";
	assert_int_equal(change(a, SERIES_PUT, text, NULL, NULL), ERR_OK);
	assert_int_equal(series_pattern_parse(a, str_of(text), NULL, &p), ERR_OK);
	assert_int_equal(p.members, 20 * 9999);
	must(!store_read(store, &t));
	assert_str(series_of(a, t, STR("(01)09506000134352(10)LOT07(21)0042")), text);
	assert_str(series_of(a, t, STR("(01)09506000134352(10)LOT21(21)0042")), "");
	assert_str(series_of(a, t, STR("(01)09506000134352(10)LOT07(21)0000")), "");
	assert_str(series_of(a, t, STR("(01)09506000134352(10)LOT07(21)00042")), "");
	assert_str(series_of(a, t, STR("(01)09506000134352(21)0042")), "");
	must(!id_parse(a, STR("(01)09506000134352(10)LOT07(21)0042"), NULL, &id));
	must(!series_find(t, &id, &s) && !series_fill(a, &s, &id, &packed, &head));
	struct value v;
	must(!record_next_value(&packed, &v));
	assert_str(v.data, "https://s.example/0042");
	/* the row: what is kept of a pattern beside its text */
	assert_true(s.key.n + s.packed.n + 19 + s.range.from.n + s.range.alphabet.n + 5 < 1024);
	store_read_end(t);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_are_those_of_plain_enumeration),
	    cmocka_unit_test(random_splits_keep_every_member),
	    cmocka_unit_test(several_ranges_are_split_in_any),
	    cmocka_unit_test(few_series_lie_among_each_other),
	    cmocka_unit_test(a_series_around_many_is_found),
	    cmocka_unit_test(ranges_of_several_qualifiers),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
