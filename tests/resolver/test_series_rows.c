/* Series without a node around them: which identifiers are members, against plain enumeration; which
 * series may stand beside each other; what a row costs. */
#include "tests/base/cases.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/writer.h"
#include "resolver/resolver.h"
#include "resolver/series.h"

static char folder[64];
static struct store *store;
static struct writer *writer;

static void open_all(void)
{
	struct store_options so = {.folder = folder,
				   .tables = rs_tables,
				   .tables_n = rs_tables_n,
				   .told = rs_table_told,
				   .format = 1};
	struct flaw f = {0};
	must(!store_open(&so, &f, &store));
	struct writer_options wo = {.store = store, .origin = "test.example/registry"};
	must(!writer_start(&wo, &writer));
}

static void close_all(void)
{
	writer_stop(writer);
	store_close(store);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st;
	(void)kind;
	(void)w;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/kanhe-series-XXXXXX");
	must(mkdtemp(folder));
	open_all();
	return 0;
}

static int end(void **state)
{
	(void)state;
	close_all();
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

struct cmd {
	struct writer_cmd cmd;
	struct series_change c;
	struct arena *arena;
	struct flaw flaw;
};

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct cmd *m = (struct cmd *)c;
	m->flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return series_apply(&m->c, t, m->arena, &m->flaw);
}

static struct value one_value = {.index = 1,
				 .type = {"URL", 3},
				 .data = {"https://s.example/{serial}", 26},
				 .ttl = 60,
				 .permissions = 14};

static enum err change(struct arena *a, enum series_act act, const char *pattern, const char *at,
		       struct flaw *f)
{
	struct cmd m = {.cmd.apply = apply, .arena = a};
	m.c.act = act;
	m.c.who = STR("test");
	m.c.record = (struct record){.values = &one_value, .values_n = 1};
	enum err e = series_pattern_parse(a, str_of(pattern), f, &m.c.pattern);
	if (!e && at) e = series_pattern_split(a, &m.c.pattern, str_of(at), f, m.c.halves);
	if (e) return e;
	m.c.authority = str_first(m.c.pattern.first.key, m.c.pattern.scope);
	e = writer_run(writer, &m.cmd);
	if (f) *f = m.flaw;
	return e;
}

/* The pattern of the series that has it, or "". */
static struct str series_of(struct arena *a, struct store_txn *t, struct str text)
{
	struct id id;
	struct series s;
	struct record_head head;
	enum err e = id_parse(a, text, NULL, &id);
	if (e == ERR_BAD_ID) return STR("");
	must(!e);
	e = series_find(t, &id, &s);
	if (e == ERR_NOT_FOUND) return STR("");
	must(!e && !record_peek(s.packed, &head));
	return head.id;
}

/* ---- membership ------------------------------------------------------------------------- */

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

/* ---- beside each other ------------------------------------------------------------------ */

/* Of items from one to before another, with every check digit: how many are members. */
static size_t items_found(struct arena *a, struct store_txn *t, unsigned from, unsigned to)
{
	size_t members = 0;
	for (unsigned item = from; item < to; item++)
		for (char c = '0'; c <= '9'; c++) {
			struct arena_mark mark = arena_mark(a);
			members += series_of(a, t, arena_printf(a, "01/0950600%06u%c", item, c)).n > 0;
			arena_rollback(a, mark);
		}
	return members;
}

static const char *const neighbours[] = {
    "01/0950600{013000..013099}{check}", /* items, each and by the case */
    "01/1950600{013000..013099}{check}",
    "01/2950600{012950..013050}{check}",
    "01/0950600{0300..0399}07{check}",
    "00/3950600{0000000100..0000000199}{check}", /* logistic units */
    "01/09506000134352/21/{0001..9999}",         /* serials of two widths */
    "01/09506000134352/21/{00001..99999}",
    "01/09506000134352/10/{A..Z}",
    "01/09506000134369/21/{0000..9999}-A",
    "01/09506000134369/21/{0000..9999}-B",
    "88.3/{000..099}",
    "88.3/{0000..1500}",
    "88.3/{100..199}",
    "88.3/{300..499}",
    "88.3/5{00..99}",
};

static void neighbours_that_share_no_member_are_allowed(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	(void)state;
	for (size_t i = 0; i < COUNT(neighbours); i++) {
		struct flaw f = {0};
		enum err e = change(a, SERIES_PUT, neighbours[i], NULL, &f);
		if (e) fprintf(stderr, "%s: %s\n", neighbours[i], f.text);
		assert_int_equal(e, ERR_OK);
	}
	must(!store_read(store, &t));
	static const struct {
		const char *id, *series;
	} asked[] = {
	    {"01/09506000134352", ""},
	    {"01/09506000134352/21/0777", "https://id.gs1.org/01/09506000134352/21/{0001..9999}"},
	    {"01/09506000134352/21/00777", "https://id.gs1.org/01/09506000134352/21/{00001..99999}"},
	    {"01/09506000134352/21/777", ""},
	    {"01/09506000134352/21/0000", ""},
	    {"01/09506000134352/10/B", "https://id.gs1.org/01/09506000134352/10/{A..Z}"},
	    {"01/09506000134352/10/B/21/0777", ""},
	    {"01/09506000134369/21/0777-B", "https://id.gs1.org/01/09506000134369/21/{0000..9999}-B"},
	    {"88.3/099", "88.3/{000..099}"},
	    {"88.3/0990", "88.3/{0000..1500}"},
	    {"88.3/200", ""},
	    {"88.3/555", "88.3/5{00..99}"},
	};
	for (size_t i = 0; i < COUNT(asked); i++)
		assert_str(series_of(a, t, str_of(asked[i].id)), asked[i].series);
	/* every item of the range with its own check digit, none with another's */
	assert_int_equal(items_found(a, t, 12990, 13110), 100);
	assert_int_equal(items_found(a, t, 13000, 13100), 100);
	/* digits between the range and the check digit stay what they are */
	assert_int_equal(items_found(a, t, 29900, 30300), 3);
	for (unsigned item = 30007; item < 30300; item += 100)
		assert_int_equal(items_found(a, t, item, item + 1), 1);
	store_read_end(t);
	arena_free(a);
}

static void overlaps_are_refused_by_name(void **state)
{
	static const struct {
		const char *there, *new;
	} cases[] = {
	    {"88.4/{000..499}", "88.4/{499..600}"},
	    {"88.4/{000..499}", "88.4/{100..200}"},
	    {"88.4/{000..499}", "88.4/{000..999}"},
	    {"88.4/{000..499}", "88.4/1{00..99}"},
	    {"88.4/{000..499}", "88.4/{00..49}7"},
	    {"88.4/{000..499}", "88.4/{4..9}99"},
	    {"88.4/{A0..Z9}y", "88.4/{A0a..B9z}"},
	    {"01/0950600{020000..020099}{check}", "01/0950600{020050..020150}{check}"},
	    {"01/09506000134376/21/{000..499}", "01/09506000134376/21/4{00..99}"},
	};
	struct arena *a = arena_new(16 << 20);
	struct flaw f = {0};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct series_pattern p;
		assert_int_equal(series_pattern_parse(a, str_of(cases[i].there), NULL, &p), ERR_OK);
		enum err e = change(a, SERIES_PUT, cases[i].there, NULL, &f);
		assert_int_equal(e, ERR_OK);
		e = change(a, SERIES_PUT, cases[i].new, NULL, &f);
		if (e != ERR_CONFLICT) fprintf(stderr, "%s\n", cases[i].new);
		assert_int_equal(e, ERR_CONFLICT);
		assert_string_equal(f.rule, "series-overlap");
		assert_non_null(strstr(f.text, arena_strdup(a, p.text)));
	}
	/* these do not meet the ones above */
	assert_int_equal(change(a, SERIES_PUT, "88.4/{500..600}", NULL, &f), ERR_OK);
	assert_int_equal(change(a, SERIES_PUT, "88.4/{50..99}7", NULL, &f), ERR_CONFLICT);
	assert_int_equal(change(a, SERIES_PUT, "88.4/{70..99}7", NULL, &f), ERR_OK);
	arena_free(a);
}

static void shapes_are_bounded(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct flaw f = {0};
	char pattern[64];
	(void)state;
	for (int tail = 0; tail <= SERIES_TAILS_MAX; tail++) {
		/* identifiers of one length, the range in another place each time */
		snprintf(pattern, sizeof pattern, "88.5/%c%.*s{00..99}%.*s", 'a' + tail, 10 - tail,
			 "yyyyyyyyyyyyyyy", tail, "xxxxxxxxxxxxxxx");
		enum err e = change(a, SERIES_PUT, pattern, NULL, &f);
		assert_int_equal(e, tail == SERIES_TAILS_MAX ? ERR_QUOTA : ERR_OK);
	}
	assert_string_equal(f.rule, "series-tails");
	/* another prefix is not concerned */
	assert_int_equal(change(a, SERIES_PUT, "88.51/yy{00..99}xxxxxxxx", NULL, &f), ERR_OK);
	arena_free(a);
}

/* ---- contents of an older format -------------------------------------------------------- */

struct aged {
	struct writer_cmd cmd;
	struct arena *arena;
	uint64_t before, after, again;
};

static const struct template pump = {.prefix = {"88.7", 4}, .version = {"v1", 2}, .published = true};

static enum err make_template(struct writer_cmd *c, struct writer_txn *t)
{
	struct templates_change x = {.condition = TEMPLATES_ANY, .who = STR("test"), .template = pump};
	return templates_put(t, ((struct aged *)c)->arena, &x, NULL);
}

/* As format 3 had it: no rows of series in template_use. */
static enum err forget_and_migrate(struct writer_cmd *c, struct writer_txn *t)
{
	struct aged *x = (struct aged *)c;
	struct store_cursor *k;
	struct str key, row;
	char room[STORE_KEY_MAX];
	enum err e = ERR_OK;
	for (const char *kind = "sd"; *kind && !e; kind++) {
		must(!store_cursor_open(t->store, RS_TABLE_template_use, &k));
		e = store_cursor_seek(k, str_n(kind, 1), &key, &row);
		size_t n = !e && key.p[0] == *kind ? key.n : 0;
		if (n) memcpy(room, key.p, n);
		store_cursor_close(k);
		e = n ? store_del(t->store, RS_TABLE_template_use, str_n(room, n)) : ERR_CORRUPT;
	}
	if (!e) e = templates_series_uses(t->store, x->arena, &pump, &x->before);
	if (!e) e = rs_migrate(t->store, 3);
	if (!e) e = templates_series_uses(t->store, x->arena, &pump, &x->after);
	if (!e) e = rs_migrate(t->store, 3);
	if (!e) e = templates_series_uses(t->store, x->arena, &pump, &x->again);
	return e;
}

static void older_series_become_uses_of_their_templates(void **state)
{
	static const struct value plain = {.index = 1,
					   .type = {"URL", 3},
					   .data = {"https://s.example/{serial}", 26},
					   .ttl = 60,
					   .permissions = 14};
	struct aged x = {.cmd.apply = make_template, .arena = arena_new(8 << 20)};
	(void)state;
	assert_int_equal(writer_run(writer, &x.cmd), ERR_OK);
	one_value = (struct value){
	    .index = 1001, .type = {"TEMPLATE", 8}, .data = {"v1", 2}, .ttl = 60, .permissions = 14};
	enum err e = change(x.arena, SERIES_PUT, "88.7/U-{00..99}", NULL, NULL);
	one_value = plain;
	assert_int_equal(e, ERR_OK);
	assert_int_equal(change(x.arena, SERIES_PUT, "88.7/V-{00..99}", NULL, NULL), ERR_OK);
	x.cmd = (struct writer_cmd){.apply = forget_and_migrate};
	assert_int_equal(writer_run(writer, &x.cmd), ERR_OK);
	assert_int_equal(x.before, 0);
	assert_int_equal(x.after, 1);
	assert_int_equal(x.again, 1);
	arena_free(x.arena);
}

/* ---- cost, and what lasts --------------------------------------------------------------- */

static void ten_million_serials_are_one_small_row(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct series_pattern p;
	struct series s;
	struct store_cursor *c;
	struct str key, row;
	size_t octets = 0;
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, "88.6/SN-{0000000..9999999}", NULL, NULL), ERR_OK);
	must(!store_read(store, &t));
	assert_int_equal(series_pattern_parse(a, STR("88.6/SN-{0000000..9999999}"), NULL, &p), ERR_OK);
	assert_int_equal(series_get(t, &p, &s), ERR_OK);
	/* all rows of all tables that the registration wrote or changed */
	octets += s.key.n + s.packed.n + 19 + 2 * s.range.from.n;
	must(!store_cursor_open(t, STORE_LEAF, &c));
	must(!store_cursor_last(c, &key, &row));
	octets += key.n + row.n;
	store_cursor_close(c);
	must(!store_get(t, RS_TABLE_series_count, str_first(p.first.key, p.scope), &row));
	octets += p.scope + row.n;
	assert_true(octets < 1024);
	/* the change feed, which may be trimmed, has a copy of them */
	must(!store_cursor_open(t, STORE_FEED, &c));
	must(!store_cursor_last(c, &key, &row));
	store_cursor_close(c);
	fprintf(stderr, "%zu octets for 10,000,000 identifiers, %zu in the feed\n", octets, key.n + row.n);
	assert_true(key.n + row.n < 1024);
	store_read_end(t);
	arena_free(a);
}

static void a_restart_changes_nothing(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t;
	struct id id;
	struct series s;
	struct record_head head;
	struct str before, after;
	(void)state;
	assert_int_equal(change(a, SERIES_PUT, "88.7/{000..999}", NULL, NULL), ERR_OK);
	must(!id_parse(a, STR("88.7/123"), NULL, &id));
	must(!store_read(store, &t));
	assert_int_equal(series_find(t, &id, &s), ERR_OK);
	assert_int_equal(series_fill(a, &s, &id, &before, &head), ERR_OK);
	store_read_end(t);
	close_all();
	open_all();
	must(!store_read(store, &t));
	assert_true(series_any(t));
	assert_int_equal(series_find(t, &id, &s), ERR_OK);
	assert_int_equal(series_fill(a, &s, &id, &after, &head), ERR_OK);
	assert_true(str_eq(before, after));
	store_read_end(t);
	arena_free(a);
}

static void equal_values_change_nothing_later(void **state)
{
	const char *pattern = "88.8/{000..999}";
	struct arena *a = arena_new(16 << 20);
	usec_t now = 1800000000 * USEC_PER_SEC;
	struct record_head head[3];
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct store_txn *t;
		struct series_pattern p;
		struct series s;
		close_all(); /* nobody reads the clock while it is set */
		clock_fake(&now);
		open_all();
		one_value.ttl = i < 2 ? 60 : 61;
		assert_int_equal(change(a, SERIES_PUT, pattern, NULL, NULL), ERR_OK);
		must(!store_read(store, &t));
		assert_int_equal(series_pattern_parse(a, str_of(pattern), NULL, &p), ERR_OK);
		assert_int_equal(series_get(t, &p, &s), ERR_OK);
		assert_int_equal(record_peek(s.packed, &head[i]), ERR_OK);
		head[i].id = head[i].owner = STR_NONE;
		store_read_end(t);
		now += 60 * USEC_PER_SEC;
	}
	one_value.ttl = 60;
	close_all();
	clock_fake(NULL);
	open_all();
	assert_int_equal(head[1].revision, 1);
	assert_int_equal(head[1].modified, head[0].modified);
	assert_int_equal(head[2].revision, 2);
	assert_true(head[2].modified > head[0].modified && head[2].created == head[0].created);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_are_those_of_plain_enumeration),
	    cmocka_unit_test(random_splits_keep_every_member),
	    cmocka_unit_test(several_ranges_are_split_in_the_first),
	    cmocka_unit_test(ranges_of_several_qualifiers),
	    cmocka_unit_test(older_series_become_uses_of_their_templates),
	    cmocka_unit_test(neighbours_that_share_no_member_are_allowed),
	    cmocka_unit_test(overlaps_are_refused_by_name),
	    cmocka_unit_test(shapes_are_bounded),
	    cmocka_unit_test(ten_million_serials_are_one_small_row),
	    cmocka_unit_test(a_restart_changes_nothing),
	    cmocka_unit_test(equal_values_change_nothing_later),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
