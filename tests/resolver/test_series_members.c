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

static const char charset[] = "019AZaz-";

enum { RANGES = 3 };

struct model { /* one accepted series, by its definition and not by our code */
	struct series_pattern p;
	char literal[RANGES + 1][4]; /* before each range, behind the last */
	char from[RANGES][8], to[RANGES][8];
	size_t n;
};

/* Every string of up to LENGTH_MAX characters of the set is asked for. */
enum { LENGTH_MAX = 4, MODELS_MAX = 60 };

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

static void members_are_those_of_plain_enumeration(void **state)
{
	static struct model models[MODELS_MAX];
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

/* Cut in the first range only; every member stays, with the record it had. */
static void several_ranges_are_split_in_the_first(void **state)
{
	static const struct {
		const char *id, *series;
	} asked[] = {{"88.8/LOT2023-A0001", "88.8/LOT{2023..2023}-{A..C}{0001..9999}"},
		     {"88.8/LOT2024-A0001", "88.8/LOT{2024..2025}-{A..C}{0001..9999}"},
		     {"88.8/LOT2025-C9999", "88.8/LOT{2024..2025}-{A..C}{0001..9999}"},
		     {"88.8/LOT2024-A0000", ""},
		     {"88.8/LOT2024-D0001", ""},
		     {"88.8/LOT2026-A0001", ""},
		     {"88.8/LOT2022-A0001", ""}};
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct flaw f;
	const char *whole = "88.8/LOT{2023..2025}-{A..C}{0001..9999}";
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, whole, NULL, NULL), ERR_OK);
	assert_int_equal(change(a, SERIES_PUT, "88.8/LOT{2023..2025}-{A..C}{0000..0000}", NULL, &f),
			 ERR_CONFLICT);
	assert_non_null(strstr(f.text, whole)); /* no member in common, but among the others' */
	assert_int_equal(change(a, SERIES_PUT, "88.8/LOT{2026..2027}-{A..C}{0001..9999}", NULL, NULL),
			 ERR_OK);
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2024-A0002", &f), ERR_BAD_INPUT);
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2023-A0001", &f), ERR_BAD_INPUT);
	assert_int_equal(change(a, SERIES_SPLIT, whole, "2024-A0001", NULL), ERR_OK);
	must(!store_read(store, &t));
	for (size_t i = 0; i < COUNT(asked) - 2; i++)
		assert_str(series_of(a, t, str_of(asked[i].id)), asked[i].series);
	assert_str(series_of(a, t, str_of(asked[6].id)), "");
	store_read_end(t);
	arena_free(a);
}

/* Batches with serials in each: what stands between the ranges in the key is not what stands in the text.
 */
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
	    cmocka_unit_test(several_ranges_are_split_in_the_first),
	    cmocka_unit_test(ranges_of_several_qualifiers),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
