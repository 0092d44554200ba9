#include "tests/proto/id_cases.h"

static void handle_keys_are_root_first_and_terminated(void **state)
{
	struct id id = parsed(*state, "88.118.8/JXDY2106023");
	assert_int_equal(id.scheme, ID_HANDLE);
	assert_str(id.text, "88.118.8/JXDY2106023");
	assert_str(id.key, "\x01"
			   "88.118.8./JXDY2106023");
	assert_false(id.hashed);
}

static void handle_case_is_folded_where_the_system_says(void **state)
{
	struct id a = parsed(*state, "hdl:na.Test/aBc"), b = parsed(*state, "NA.tEST/aBc");
	assert_true(str_eq(a.key, b.key));
	assert_str(a.text, "NA.TEST/aBc");
	assert_false(str_eq(a.key, parsed(*state, "na.test/abc").key));
	assert_true(str_eq(parsed(*state, "0.na/88.118.X").key, parsed(*state, "0.NA/88.118.x").key));
	assert_str(parsed(*state, "0.na/x").text, "0.NA/X");
	/* only ASCII folds */
	assert_false(str_eq(parsed(*state, "0.na/\xc3\xa9").key, parsed(*state, "0.na/\xc3\x89").key));
}

static void handles_are_refused_with_rule_and_offset(void **state)
{
	refused(*state, "", 0, "empty");
	refused(*state, "88.118.8", 0, "prefix");
	refused(*state, "950600", 0, "prefix");
	refused(*state, "88..8", 0, "scheme");
	refused(*state, "88", 0, "scheme");
	refused(*state, "8800000000000000000", 0, "scheme");
	refused(*state, "pump", 0, "scheme");
	refused(*state, "hdl:88.118.8", 12, "no-slash");
	refused(*state, "88.118.8/", 9, "no-suffix");
	refused(*state, "/abc", 0, "no-prefix");
	refused(*state, "hdl:/abc", 4, "no-prefix");
	refused(*state, "88..8/abc", 3, "empty-label");
	refused(*state, "88.118.8./abc", 9, "empty-label");
	refused(*state, ".88/abc", 0, "empty-label");
	refused(*state, "88 8/abc", 2, "blank");
	refused(*state, "88.8/a\nb", 6, "control");
	refused(*state, "88.8/a\x7f", 6, "control");
	refused(*state, "8\x01.8/a", 1, "control");
	refused(*state, "88.8/\xff", 5, "utf-8");
	refused(*state, "88.8/ab\xed\xa0\x80", 7, "utf-8");
	refused(*state, "88.8/\xe4\xb8\xad\xe2\x80\xae", 8, "unsafe-character");
	refused(*state, "88.8/\xc2\x85", 5, "unsafe-character");
	refused(*state, "88.8/\xd8\x9c", 5, "unsafe-character");
	assert_str(parsed(*state, "88.8/\xe4\xb8\xad").text, "88.8/\xe4\xb8\xad");
}

static struct str repeated(struct arena *a, const char *head, char c, size_t n, const char *tail)
{
	char *p = arena_bytes(a, strlen(head) + n + strlen(tail) + 1);
	size_t at = strlen(head);
	memcpy(p, head, at);
	memset(p + at, c, n);
	memcpy(p + at + n, tail, strlen(tail) + 1);
	return str_of(p);
}

static void handle_limits_are_exact(void **state)
{
	struct id id;
	struct flaw f;
	assert_int_equal(id_parse(*state, repeated(*state, "", '8', 255, "/x"), &f, &id), ERR_OK);
	assert_int_equal(id_parse(*state, repeated(*state, "", '8', 256, "/x"), &f, &id), ERR_BAD_ID);
	assert_int_equal(f.offset, 255);
	assert_int_equal(id_parse(*state, repeated(*state, "88.8/", 'x', 2043, ""), &f, &id), ERR_OK);
	assert_int_equal(id_parse(*state, repeated(*state, "88.8/", 'x', 2044, ""), &f, &id), ERR_BAD_ID);
	assert_int_equal(f.offset, 2048);
	struct str labels = repeated(
	    *state, "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", 'x', 0, "/x");
	assert_int_equal(id_parse(*state, labels, &f, &id), ERR_OK);
	size_t b[ID_BOUNDARIES_MAX];
	assert_int_equal(id_boundaries(&id, b), 1 + 32 + 1);
	assert_int_equal(id_parse(*state, arena_printf(*state, "1.%s", labels.p), &f, &id), ERR_BAD_ID);
	assert_string_equal(f.rule, "too-many-labels");
}

static void long_keys_keep_their_head_and_hash_the_tail(void **state)
{
	struct id at, over, other;
	struct str fits = repeated(*state, "88.118.8/", 'x', ID_KEY_MAX - 11, "");
	assert_int_equal(id_parse(*state, fits, NULL, &at), ERR_OK);
	assert_int_equal(at.key.n, ID_KEY_MAX);
	assert_false(at.hashed);
	assert_int_equal(id_parse(*state, arena_printf(*state, "%sy", fits.p), NULL, &over), ERR_OK);
	assert_int_equal(id_parse(*state, arena_printf(*state, "%sz", fits.p), NULL, &other), ERR_OK);
	assert_true(over.hashed && other.hashed);
	assert_int_equal(over.key.n, ID_KEY_MAX);
	assert_int_equal((unsigned char)over.key.p[ID_KEY_HEAD], ID_KEY_MARK);
	assert_memory_equal(over.key.p, other.key.p, ID_KEY_HEAD + 1);
	assert_false(str_eq(over.key, other.key));
	size_t b[ID_BOUNDARIES_MAX];
	assert_int_equal(id_boundaries(&over, b), 5);
	assert_true(id_prefix_covers(prefixed(*state, "88.118").key, over.key));
	struct id back;
	struct flaw f;
	assert_int_equal(id_from_key(*state, over.key, &f, &back), ERR_UNSUPPORTED);
	assert_int_equal(id_from_key(*state, at.key, &f, &back), ERR_OK);
	assert_true(str_eq(back.text, at.text));
}

/* As nobody makes it, but a store that was damaged may have it. */
static void keys_with_more_qualifiers_than_there_are_have_no_text(void **state)
{
	struct id id = parsed(*state, "01/09506000134352/22/A/10/B/21/C"), back;
	struct str more = arena_printf(*state, "%.*s21\x1d%s\x1d", STR_ARG(id.key), "D");
	assert_int_equal(id_from_key(*state, id.key, NULL, &back), ERR_OK);
	assert_true(str_eq(back.text, id.text));
	assert_int_not_equal(id_from_key(*state, more, NULL, &back), ERR_OK);
}

static void boundaries_of_a_handle_are_its_labels_and_slash(void **state)
{
	struct id id = parsed(*state, "88.118.8/a.b/c");
	size_t b[ID_BOUNDARIES_MAX];
	static const char *const prefixes[] = {"hdl:", "88", "88.118", "88.118.8", "88.118.8/"};
	assert_int_equal(id_boundaries(&id, b), 5);
	for (size_t i = 0; i < 5; i++) {
		struct id_prefix p = prefixed(*state, prefixes[i]), back;
		assert_true(str_eq(p.key, str_first(id.key, b[i])));
		assert_str(p.text, prefixes[i]);
		assert_int_equal(id_prefix_from_key(*state, p.key, NULL, &back), ERR_OK);
		assert_true(str_eq(back.text, p.text));
	}
}

static void a_prefix_covers_its_own_and_no_neighbour(void **state)
{
	struct str p = prefixed(*state, "88.118").key;
	assert_true(id_prefix_covers(p, parsed(*state, "88.118/x").key));
	assert_true(id_prefix_covers(p, parsed(*state, "88.118.8/x").key));
	assert_false(id_prefix_covers(p, parsed(*state, "88.1180/x").key));
	assert_false(id_prefix_covers(p, parsed(*state, "88.11/8").key));
	struct str direct = prefixed(*state, "88.118/").key;
	assert_true(id_prefix_covers(direct, parsed(*state, "88.118/x").key));
	assert_false(id_prefix_covers(direct, parsed(*state, "88.118.8/x").key));
	struct str company = prefixed(*state, "950600").key;
	assert_true(id_prefix_covers(company, parsed(*state, "(01)09506000134352(10)ABC").key));
	assert_false(id_prefix_covers(company, parsed(*state, "8004/0950600").key));
	assert_true(id_prefix_covers(company, parsed(*state, "8004/9506001").key));
	struct str key = prefixed(*state, "01/09506000134352").key;
	assert_true(id_prefix_covers(key, parsed(*state, "https://a/01/09506000134352/21/x").key));
	assert_true(id_prefix_covers(key, parsed(*state, "01/09506000134352").key));
	assert_false(id_prefix_covers(key, parsed(*state, "01/09506000134376").key));
	/* the same thirteen digits as another kind of key */
	assert_false(id_prefix_covers(key, parsed(*state, "414/9506000134352").key));
	struct str lot = prefixed(*state, "01/09506000134352/10/AB").key;
	assert_false(id_prefix_covers(lot, parsed(*state, "01/09506000134352/10/ABC").key));
	assert_true(id_prefix_covers(lot, parsed(*state, "01/09506000134352/10/AB/21/7").key));
}

static void gs1_texts_of_one_thing_have_one_key(void **state)
{
	static const char *const texts[] = {
	    "(01)09506000134352(10)AB/C(21)7",
	    "(21)7(10)AB/C(01)09506000134352(17)261231",
	    "https://id.gs1.org/01/09506000134352/10/AB%2FC/21/7",
	    "https://id.gs1.org/01/09506000134352/10/AB%2fC/21/7?17=261231",
	    "HTTPS://example.com:8443/some/stem/01/09506000134352/10/AB%2FC/21/7#top",
	    "01/09506000134352/10/AB%2FC/21/7",
	    "/01/09506000134352/10/AB%2FC/21/%37",
	    "gs1:01/09506000134352/10/AB%2FC/21/7",
	};
	struct id first = parsed(*state, texts[0]);
	assert_str(first.text, "https://id.gs1.org/01/09506000134352/10/AB%2FC/21/7");
	assert_str(first.key, "\x02"
			      "9506000134352\x1d"
			      "010\x1d"
			      "10\x1d"
			      "AB/C\x1d"
			      "21\x1d"
			      "7\x1d");
	for (size_t i = 1; i < sizeof texts / sizeof *texts; i++) {
		struct id id = parsed(*state, texts[i]);
		assert_true(str_eq(id.key, first.key));
		assert_true(str_eq(id.text, first.text));
	}
	struct id back;
	assert_int_equal(id_from_key(*state, first.key, NULL, &back), ERR_OK);
	assert_true(str_eq(back.text, first.text));
}

static void boundaries_of_gs1_are_company_key_and_qualifiers(void **state)
{
	size_t b[ID_BOUNDARIES_MAX];
	struct id id = parsed(*state, "(01)09506000134352(10)AB(21)7");
	static const char *const prefixes[] = {"gs1:",
					       "9506",
					       "95060",
					       "950600",
					       "9506000",
					       "95060001",
					       "950600013",
					       "9506000134",
					       "95060001343",
					       "950600013435",
					       "01/09506000134352",
					       "01/09506000134352/10/AB",
					       "01/09506000134352/10/AB/21/7"};
	size_t n = sizeof prefixes / sizeof *prefixes;
	assert_int_equal(id_boundaries(&id, b), n);
	for (size_t i = 0; i < n; i++) {
		struct id_prefix p = prefixed(*state, prefixes[i]), back;
		assert_true(str_eq(p.key, str_first(id.key, b[i])));
		assert_str(p.text, prefixes[i]);
		assert_int_equal(id_prefix_from_key(*state, p.key, NULL, &back), ERR_OK);
		assert_true(str_eq(back.text, p.text));
	}
	/* a company prefix ends where the digits end */
	id = parsed(*state, "8004/95060AB7");
	assert_int_equal(id_boundaries(&id, b), 1 + 2 + 1);
}

static void keys_that_are_no_prefix_are_refused(void **state)
{
	struct id_prefix p;
	struct flaw f;
	static const struct str keys[] = {
	    {"", 0},
	    {"\x7e", 1},
	    {"\x01"
	     "88",
	     3},
	    {"\x01"
	     "88.118./x",
	     10},
	    {"\x01"
	     ".",
	     2},
	    {"\x01"
	     "88..",
	     5},
	    {"\x01"
	     "88/",
	     4},
	    {"\x01"
	     "na.",
	     4},
	    {"\x02"
	     "950",
	     4},
	    {"\x02"
	     "950600AB",
	     9},
	    {"\x02"
	     "9506000134352\x1d",
	     15},
	    {"\x02"
	     "9506000134353\x1d"
	     "010\x1d",
	     19},
	    {"\x02"
	     "9506000134352\x1d"
	     "010\x1d"
	     "10\x1d",
	     22},
	    {"\x02"
	     "9506000134352\x1d"
	     "010\x1d"
	     "21\x1d"
	     "A\x1d"
	     "10\x1d"
	     "B\x1d",
	     29},
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (id_prefix_from_key(*state, keys[i], &f, &p) != ERR_BAD_ID) fail_msg("key %zu taken", i);
}

static void what_looks_like_another_scheme_keeps_its_mark(void **state)
{
	struct id id = parsed(*state, "hdl:8004/abc");
	assert_int_equal(id.scheme, ID_HANDLE);
	assert_str(id.text, "hdl:8004/abc");
	assert_str(parsed(*state, "HDL:hdl:1/x").text, "hdl:HDL:1/x");
	assert_str(parsed(*state, "hdl:http://x").text, "hdl:HTTP://x");
	assert_str(parsed(*state, "hdl:88.8/x").text, "88.8/x");
	/* what a reader of barcodes sends begins so, in capitals */
	assert_str(parsed(*state, "]j1f/x").text, "hdl:]J1F/x");
	assert_str(prefixed(*state, "hdl:4263537").text, "hdl:4263537");
	assert_int_equal(prefixed(*state, "4263537").scheme, ID_GS1);
	assert_int_equal(prefixed(*state, "88").scheme, ID_HANDLE);
	assert_str(prefixed(*state, "hdl:01/").text, "hdl:01/");
	assert_str(prefixed(*state, "hdl:88").text, "88");
	struct id_prefix p;
	struct flaw f;
	assert_int_equal(id_prefix_parse(*state, STR("88.118/x"), &f, &p), ERR_BAD_ID);
	assert_int_equal(f.offset, 7);
	assert_int_equal(id_prefix_parse_as(ID_GS1, *state, STR("123"), &f, &p), ERR_BAD_ID);
	assert_int_equal(id_prefix_parse_as(ID_GS1, *state, STR("1234567890123"), &f, &p), ERR_BAD_ID);
}

static void gs1_is_refused_with_rule_and_offset(void **state)
{
	refused(*state, "01/09506000134353", 16, "check-digit");
	refused(*state, "(01)09506000134353", 17, "check-digit");
	refused(*state, "01/0950600013435", 16, "too-short");
	refused(*state, "01/095060001343520", 17, "too-long");
	refused(*state, "01/0950600O134352", 10, "characters");
	refused(*state, "01/%30950600O134352", 12, "characters");
	refused(*state, "01/09506000134352/21/7/10/AB", 26, "qualifier-order");
	refused(*state, "01/09506000134352/235/7/10/AB", 27, "qualifier-order");
	refused(*state, "01/09506000134352/8019/7", 23, "qualifier-order");
	refused(*state, "01/09506000134352/10/A%2", 22, "percent-encoding");
	refused(*state, "01/09506000134352/10/A%zz", 22, "percent-encoding");
	refused(*state, "01/09506000134352/10/A%00", 22, "characters");
	refused(*state, "01/09506000134352/10/", 21, "empty-value");
	refused(*state, "01/09506000134352?10=A", 18, "qualifier-in-query");
	refused(*state, "01/09506000134352?99=A&99=A", 23, "duplicate");
	refused(*state, "https://a/b c/01/09506000134352", 11, "uri-character");
	refused(*state, "https://a$/01/09506000134352", 9, "host-character");
	refused(*state, "Https://a/01/09506000134352", 0, "uri-scheme");
	refused_as(*state, ID_GS1, "https://a", 9, "no-path");
	refused_as(*state, ID_GS1, "https://a/x/y", 10, "no-key");
	refused(*state, "8003/19525576900376", 5, "zero");
	refused(*state, "8004/950A", 8, "company-prefix");
	refused(*state, "8006/095060001343520302", 19, "piece-of-total");
	refused(*state, "8010/9521234/8011/01", 18, "zero-start");
	refused(*state, "(01)09506000134352(22)A(235)B", 28, "qualifiers-mixed");
	refused(*state, "(10)A(01)09506000134352(10)B", 27, "duplicate");
	refused(*state, "(01)09506000134352(10)A^", 23, "characters");
	refused(*state, "(01", 0, "bracket");
	refused(*state, "(1A)9", 1, "ai");
	refused(*state, "(10)A", 0, "no-key");
	/* the published example of a check-character pair */
	assert_str(parsed(*state, "8013/1987654Ad4X4bL5ttr2310c2K").text,
		   "https://id.gs1.org/8013/1987654Ad4X4bL5ttr2310c2K");
	refused(*state, "8013/1987654Ad4X4bL5ttr2310c2L", 28, "check-pair");
}

static void a_full_arena_is_said(void **state)
{
	(void)state;
	static const char *const texts[] = {"88.118.8/JXDY", "(01)09506000134352(10)A",
					    "https://a/01/09506000134352/10/A?99=X"};
	for (size_t t = 0; t < 3; t++) {
		enum err e = ERR_NO_MEMORY;
		for (size_t cap = 1; e; cap++) {
			struct arena *a = arena_new(cap);
			struct id id = {0};
			struct flaw f = {0};
			e = id_parse(a, str_of(texts[t]), &f, &id);
			assert_true(e == ERR_OK || e == ERR_NO_MEMORY);
			if (e) assert_null(id.text.p);
			arena_free(a);
			assert_true(cap < 4096);
		}
	}
}

static void schemes_have_names(void **state)
{
	(void)state;
	enum id_scheme s;
	assert_int_equal(id_scheme_find(STR("gs1"), &s), ERR_OK);
	assert_int_equal(s, ID_GS1);
	assert_string_equal(id_scheme_name(ID_HANDLE), "handle");
	assert_string_equal(id_scheme_name(ID_NONE), "");
	assert_int_equal(id_scheme_find(STR("isbn"), &s), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(handle_keys_are_root_first_and_terminated),
	    CASE(handle_case_is_folded_where_the_system_says),
	    CASE(handles_are_refused_with_rule_and_offset),
	    CASE(handle_limits_are_exact),
	    CASE(long_keys_keep_their_head_and_hash_the_tail),
	    CASE(keys_with_more_qualifiers_than_there_are_have_no_text),
	    CASE(boundaries_of_a_handle_are_its_labels_and_slash),
	    CASE(a_prefix_covers_its_own_and_no_neighbour),
	    CASE(gs1_texts_of_one_thing_have_one_key),
	    CASE(boundaries_of_gs1_are_company_key_and_qualifiers),
	    CASE(keys_that_are_no_prefix_are_refused),
	    CASE(what_looks_like_another_scheme_keeps_its_mark),
	    CASE(gs1_is_refused_with_rule_and_offset),
	    CASE(a_full_arena_is_said),
	    CASE(schemes_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
