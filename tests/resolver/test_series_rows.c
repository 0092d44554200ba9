/* Which series may stand beside each other; what a row costs, and what lasts. */
#include "tests/resolver/series_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/writer.h"
#include "resolver/resolver.h"
#include "resolver/reverse_series.h"

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

static enum err index_urls(struct writer_cmd *c, struct writer_txn *t)
{
	static const char *const urls[] = {"URL"};
	bool work;
	return reverse_types_set(t->store, ((struct aged *)c)->arena, urls, 1, &work);
}

/* As format 5 had it: no rows of series in the index. */
static enum err forget_index_and_migrate(struct writer_cmd *c, struct writer_txn *t)
{
	struct aged *x = (struct aged *)c;
	struct reverse_types types;
	bool more = true;
	enum err e = reverse_types_read(t->store, &types);
	unsigned char number = !e && types.n ? types.type[0].number : 0;
	x->before = store_count(t->store, RS_TABLE_reverse_series);
	while (!e && more) e = reverse_series_drop(t->store, x->arena, number, &more);
	if (!e && store_count(t->store, RS_TABLE_reverse_series)) e = ERR_INTERNAL;
	if (!e) e = rs_migrate(t->store, 5);
	x->after = store_count(t->store, RS_TABLE_reverse_series);
	if (!e) e = rs_migrate(t->store, 5);
	x->again = store_count(t->store, RS_TABLE_reverse_series);
	return e;
}

static void older_series_come_into_the_index(void **state)
{
	struct aged x = {.cmd.apply = index_urls, .arena = arena_new(8 << 20)};
	(void)state;
	assert_int_equal(writer_run(writer, &x.cmd), ERR_OK);
	for (int i = 0; i < 450; i++) { /* more than one step looks at */
		char pattern[64];
		snprintf(pattern, sizeof pattern, "88.7/X%03d-{00..99}", i);
		assert_int_equal(change(x.arena, SERIES_PUT, pattern, NULL, NULL), ERR_OK);
	}
	x.cmd = (struct writer_cmd){.apply = forget_index_and_migrate};
	assert_int_equal(writer_run(writer, &x.cmd), ERR_OK);
	assert_true(x.before >= 450);
	assert_true(x.after >= x.before); /* those from before the type was indexed too */
	assert_int_equal(x.again, x.after);
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
	must(!store_cursor_open(t, RS_TABLE_reverse_series, &c));
	size_t indexed = 0;
	for (enum err e = store_cursor_seek(c, STR(""), &key, &row); !e;
	     e = store_cursor_next(c, &key, &row)) {
		if (!str_eq(row, s.key)) continue;
		octets += key.n + row.n;
		indexed++;
	}
	store_cursor_close(c);
	assert_int_equal(indexed, 1);
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
	    cmocka_unit_test(older_series_become_uses_of_their_templates),
	    cmocka_unit_test(older_series_come_into_the_index),
	    cmocka_unit_test(neighbours_that_share_no_member_are_allowed),
	    cmocka_unit_test(overlaps_are_refused_by_name),
	    cmocka_unit_test(shapes_are_bounded),
	    cmocka_unit_test(ten_million_serials_are_one_small_row),
	    cmocka_unit_test(a_restart_changes_nothing),
	    cmocka_unit_test(equal_values_change_nothing_later),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
