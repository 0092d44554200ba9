/* Patterns of series and templates of their values: what is read, printed, cut in two, filled, and why the
 * rest is refused. */
#include "tests/base/cases.h"

#include "resolver/series_pattern.h"
#include "resolver/series_template.h"

static void patterns_are_read_and_printed(void **state)
{
	static const struct {
		const char *text, *canonical, *first, *last;
		uint64_t members;
	} good[] = {
	    {"88.118.8/SN-{0000000..9999999}", NULL, "88.118.8/SN-0000000", "88.118.8/SN-9999999",
	     10000000},
	    {"hdl:88.118.8/SN-{000..010}", "88.118.8/SN-{000..010}", "88.118.8/SN-000", "88.118.8/SN-010",
	     11},
	    {"01/09506000134352/21/{00000001..09999999}",
	     "https://id.gs1.org/01/09506000134352/21/{00000001..09999999}",
	     "https://id.gs1.org/01/09506000134352/21/00000001",
	     "https://id.gs1.org/01/09506000134352/21/09999999", 9999999},
	    {"(01)09506000134352(10)LOT{A00..C99}", "https://id.gs1.org/01/09506000134352/10/LOT{A00..C99}",
	     "https://id.gs1.org/01/09506000134352/10/LOTA00",
	     "https://id.gs1.org/01/09506000134352/10/LOTC99", 300},
	    {"01/0950600{013435..013437}{check}", "https://id.gs1.org/01/0950600{013435..013437}{check}",
	     "https://id.gs1.org/01/09506000134352", "https://id.gs1.org/01/09506000134376", 3},
	    {"88.1/{00..FF:0-9A-F}", NULL, "88.1/00", "88.1/FF", 256},
	    {"88.1/{00..99:0-9}", "88.1/{00..99}", "88.1/00", "88.1/99", 100},
	    {"88.1/{A0-0..B9-9}", NULL, "88.1/A0-0", "88.1/B9-9", 200},
	    {"88.1/{0Z..A0}/x", NULL, "88.1/0Z/x", "88.1/A0/x", 0},
	    {"88.1/{7..7}", NULL, "88.1/7", "88.1/7", 1},
	    {"88.1/LOT{2023..2025}-{0001..9999}", NULL, "88.1/LOT2023-0001", "88.1/LOT2025-9999", 3 * 9999},
	    {"88.1/{A..C}{00..FF:0-9A-F}x{0..1}", NULL, "88.1/A00x0", "88.1/CFFx1", 3 * 256 * 2},
	    {"(01)09506000134352(10)LOT{01..20}(21){0001..9999}",
	     "https://id.gs1.org/01/09506000134352/10/LOT{01..20}/21/{0001..9999}",
	     "https://id.gs1.org/01/09506000134352/10/LOT01/21/0001",
	     "https://id.gs1.org/01/09506000134352/10/LOT20/21/9999", 20 * 9999},
	    {"01/0950600{012..013}3{43..45}{check}",
	     "https://id.gs1.org/01/0950600{012..013}3{43..45}{check}", NULL, NULL, 6},
	    {"88.1/{a..c:a,A-C}", NULL, NULL, NULL, 0},
	};
	struct arena *a = arena_new(8 << 20);
	struct series_pattern p, again;
	struct flaw f;
	(void)state;
	for (size_t i = 0; i < COUNT(good) - 1; i++) {
		if (i == 8) continue; /* below */
		enum err e = series_pattern_parse(a, str_of(good[i].text), &f, &p);
		if (e) fprintf(stderr, "%s: %s\n", good[i].text, f.text);
		assert_int_equal(e, ERR_OK);
		assert_str(p.text, good[i].canonical ? good[i].canonical : good[i].text);
		if (good[i].first) assert_str(p.first.text, good[i].first);
		if (good[i].last) assert_str(p.last.text, good[i].last);
		assert_int_equal(p.members, good[i].members);
		assert_int_equal(series_pattern_parse(a, p.text, &f, &again), ERR_OK);
		assert_true(str_eq(again.text, p.text));
	}
	/* 0Z..9Z are digit and letter, A0 letter and digit: 0Z, 1…9 with 36 each, and A0 */
	assert_int_equal(series_pattern_parse(a, STR("88.1/{0Z..A0}/x"), &f, &p), ERR_OK);
	assert_int_equal(p.members, 1 + 9 * 36 + 1);
	assert_int_equal(series_pattern_parse(a, str_of(good[COUNT(good) - 1].text), &f, &p), ERR_BAD_ID);
	assert_string_equal(f.rule, "alphabet");
	arena_free(a);
}

static void bad_patterns_name_the_rule(void **state)
{
	static const struct {
		const char *text, *rule;
		size_t offset;
	} bad[] = {
	    {"88.1/a", "range", 6},
	    {"88.1/{0..9", "brace", 5},
	    {"88.1/}", "brace", 5},
	    {"88.1/{{0..9}}", "brace", 5},
	    {"88.1/{0..9}{0..9}{0..9}{0..9}{0..9}", "ranges", 29},
	    {"88.1/{0..9}{check}{check}", "check-last", 18},
	    {"01/0950600{013430..013439}{check}/21/{00..99}", "check-last", 37},
	    {"88.1/{check}{0..9}", "range", 5},
	    {"88.1/{0-9}", "range", 5},
	    {"88.1/{0..10}", "same-width", 5},
	    {"88.1/{..}", "same-width", 5},
	    {"88.1/{9..0}", "order", 5},
	    {"88.1/{A..a:0-9}", "alphabet", 6},
	    {"88.1/{0..9:9-0}", "alphabet", 11},
	    {"88.1/{0..9:0}", "alphabet", 11},
	    {"88.1/{00..99:0-9,0-9,0-9}", "alphabet", 13},
	    {"88.1/{0/..9/}", "range-character", 7},
	    {"88.1/{-0..-9}", "range-character", 6},
	    {"88.1/{0..9}{check}", "check-none", 5},
	    {"01/09506000134352/21/{0..9}{check}", "check-none", 21},
	    {"01/0950600{013430..013439}2", "check-digit", 10},
	    {"01/{0..9}950600013435{check}", "range-place", 3},
	    {"{30..99}.8/x", "range-prefix", 0},
	    {"0.NA/{aa..zz}", "range-folded", 6},
	    {"01/09506000134352/21/"
	     "{00000000000000000000000000000000000000000..99999999999999999999999999999999999999"
	     "999}",
	     "range-width", 21},
	    {"88.1/{0000000000000000..9999999999999999}", "range-size", 5},
	    {"88.1/{00000000..99999999}-{00000000..99999999}", "range-size", 5}, /* each alone would do */
	    {"gs1:{0000..9999}", NULL, 0},
	};
	struct arena *a = arena_new(8 << 20);
	struct series_pattern p;
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct flaw f = {0};
		enum err e = series_pattern_parse(a, str_of(bad[i].text), &f, &p);
		assert_int_equal(e, ERR_BAD_ID);
		if (!bad[i].rule) continue;
		if (strcmp(f.rule, bad[i].rule) != 0 || f.offset != bad[i].offset)
			fprintf(stderr, "%s: %s @%zu %s\n", bad[i].text, f.rule, f.offset, f.text);
		assert_string_equal(f.rule, bad[i].rule);
		assert_int_equal(f.offset, bad[i].offset);
	}
	assert_int_equal(series_pattern_parse(a, str_n("88.1/a\0b{0..9}", 14), NULL, &p), ERR_BAD_ID);
	arena_free(a);
}

/* Without memory a pattern is refused for that alone, at whatever step. */
static void patterns_bear_any_want_of_memory(void **state)
{
	static const char *const all[] = {"01/0950600{013435..013437}{check}", "88.1/{A000..Z9ZZ}",
					  "88.1/{00..FF:0-9A-F}"};
	static const char *const points[] = {"013436", "B5A0", "7A"};
	size_t refused = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		enum err e = ERR_NO_MEMORY;
		for (size_t cap = 16; e; cap += 24) {
			struct arena *a = arena_new(cap);
			struct series_pattern p, halves[2];
			assert_true(cap < 65536);
			e = series_pattern_parse(a, str_of(all[i]), NULL, &p);
			if (!e) e = series_pattern_split(a, &p, str_of(points[i]), NULL, halves);
			assert_true(!e || e == ERR_NO_MEMORY);
			refused += e != ERR_OK;
			arena_free(a);
		}
	}
	assert_true(refused > 10);
}

static void halves_keep_the_alphabets(void **state)
{
	struct arena *a = arena_new(8 << 20);
	(void)state;
	struct flaw f;
	struct series_pattern p, halves[2];
	assert_int_equal(series_pattern_parse(a, STR("88.2/{A000..Z9ZZ}"), &f, &p), ERR_OK);
	assert_int_equal(series_pattern_split(a, &p, STR("B5A0"), &f, halves), ERR_OK);
	assert_str(halves[0].text, "88.2/{A000..B59Z:A-Z,0-9,0-9A-Z,0-9A-Z}");
	assert_int_equal(halves[0].members + halves[1].members, p.members);
	assert_true(series_range_has(&halves[0].range, STR("A0ZZ")));
	assert_int_equal(series_pattern_split(a, &p, STR("A000"), &f, halves), ERR_BAD_INPUT);
	assert_int_equal(series_pattern_split(a, &p, STR("AA00"), &f, halves), ERR_NOT_FOUND);
	arena_free(a);
}

static void templates_are_filled(void **state)
{
	static const struct {
		const char *data, *filled;
	} good[] = {
	    {"{id}", "88.1/a b-007"},
	    {"https://m.example/{id}?n={number}#{serial}", "https://m.example/88.1%2Fa%20b-007?n=7#007"},
	    {"see https://m.example/{id} or {id}",
	     "see https://m.example/88.1%2Fa%20b-007 or 88.1/a b-007"},
	    {"{id:url} {id:path}", "88.1%2Fa%20b-007 88.1/a%20b-007"},
	    {"https://m.example/{id:raw}", "https://m.example/88.1/a b-007"},
	    {"{{id}} {{{serial}}}", "{id} {007}"},
	    {"[\"https://m.example/{serial}\",\"{id}\"]", "[\"https://m.example/007\",\"88.1/a b-007\"]"},
	    {"none", "none"},
	};
	static const struct {
		const char *data;
		size_t offset;
	} bad[] = {{"a{", 1}, {"}", 0}, {"{}", 0}, {"x{Id}", 1}, {"{id:}", 0}, {"{id:html}", 0}};
	const struct template_words words = {
	    .id = STR("88.1/a b-007"), .serial = STR("007"), .part = {STR("007")}};
	struct arena *a = arena_new(1 << 20);
	struct str filled;
	struct flaw f;
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct str data = str_of(good[i].data);
		assert_int_equal(template_check(data, true, &f), ERR_OK);
		assert_int_equal(template_fill(a, data, &words, &filled), ERR_OK);
		assert_str(filled, good[i].filled);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		f = (struct flaw){0};
		enum err e = template_check(str_of(bad[i].data), true, &f);
		assert_int_equal(e, ERR_BAD_MESSAGE);
		assert_int_equal(f.offset, bad[i].offset);
		assert_string_equal(f.rule, "placeholder");
	}
	assert_int_equal(template_check(STR("{number}"), false, &f), ERR_BAD_MESSAGE);
	assert_false(template_is(str_n("{\xff", 2))); /* no text */
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patterns_are_read_and_printed),
	    cmocka_unit_test(bad_patterns_name_the_rule),
	    cmocka_unit_test(patterns_bear_any_want_of_memory),
	    cmocka_unit_test(halves_keep_the_alphabets),
	    cmocka_unit_test(templates_are_filled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
