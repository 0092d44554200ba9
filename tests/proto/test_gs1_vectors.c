/* GS1 messages against the shared vectors, each file with its count.
 *
 * Where a file shows a weakness of the tool that made it, the case is decided here, by name:
 * compression.json, made by the public toolkit:
 *   a. 3922=0299: the toolkit drops the leading zero when it decompresses; the packed form keeps the
 *      length, so we do not.
 *   b. %E4 and a wrong check digit in 402: refused, as there, though by rules of the values.
 *   c. 01/…/235/…: the toolkit's dictionary is older than 235; ours has it, so it is compressed.
 * dl-uris.json, made by the syntax engine:
 *   d. after a & at the end of the query it counts an empty parameter; so do we. */
#include "tests/proto/cases.h"

#include "proto/id/gs1.h"

static struct gs1_message parsed(struct arena *a, struct str text, unsigned options)
{
	struct gs1_message m;
	struct flaw f = {0};
	char *copy = exact(text);
	enum err e = gs1_parse(a, str_n(copy, text.n), options, &f, &m);
	free(copy);
	if (e) fail_msg("%.*s: %s at %zu: %s", STR_ARG(text), f.rule, f.offset, f.text);
	assert_int_equal(gs1_parse(a, text, options, NULL, &m), ERR_OK);
	return m;
}

static struct str bracketed(struct arena *a, const struct gs1_message *m)
{
	struct str s = STR_NONE;
	assert_int_equal(gs1_write_bracketed(a, m, &s), ERR_OK);
	return s;
}

static struct str barcode(struct arena *a, const struct gs1_message *m, char fnc1)
{
	struct str s = STR_NONE;
	assert_int_equal(gs1_write_barcode(a, m, fnc1, &s), ERR_OK);
	return s;
}

static struct str link_of(struct arena *a, const struct gs1_message *m, struct str root)
{
	struct str s = STR_NONE;
	enum err e = gs1_write_link(a, m, root, &s);
	assert_int_equal(e, m->unlinkable ? ERR_UNSUPPORTED : ERR_OK);
	return s;
}

static void same(struct str got, struct str wanted, struct str of)
{
	if (got.p && !wanted.p) fail_msg("%.*s gives %.*s", STR_ARG(of), STR_ARG(got));
	if (!str_eq(got, wanted))
		fail_msg("%.*s gives %.*s, not %.*s", STR_ARG(of), STR_ARG(got), STR_ARG(wanted));
}

static void texts_same(const struct str *got, size_t n, json_t *wanted, struct str of)
{
	if (n != json_array_size(wanted)) fail_msg("%.*s: %zu texts", STR_ARG(of), n);
	for (size_t i = 0; i < n; i++) {
		json_t *w = json_array_get(wanted, i);
		same(got[i], str_n(json_string_value(w), json_string_length(w)), of);
	}
}

static void elements_same(struct arena *a, const struct gs1_message *m, json_t *c)
{
	struct str texts[GS1_ELEMENTS_MAX], of = member(c, "input");
	for (size_t i = 0; i < m->n; i++)
		texts[i] = arena_printf(a, "(%.*s) %.*s", STR_ARG(m->elements[i].ai),
					STR_ARG(m->elements[i].value));
	texts_same(texts, m->n, json_object_get(c, "elements"), of);
	texts_same(m->ignored, m->ignored_n, json_object_get(c, "ignored_query_params"), of);
}

/* Every written form parses to what wrote it. */
static void stable(struct arena *a, const struct gs1_message *m, unsigned options)
{
	struct str text = bracketed(a, m);
	struct gs1_message again = parsed(a, text, options);
	same(bracketed(a, &again), text, text);
	again = parsed(a, barcode(a, m, '^'), options);
	same(bracketed(a, &again), text, text);
	again = parsed(a, barcode(a, m, 0x1d), options);
	same(bracketed(a, &again), text, text);
	if (m->unlinkable) return;
	struct str link = link_of(a, m, STR_NONE), packed;
	again = parsed(a, link, options);
	same(link_of(a, &again, STR_NONE), link, text);
	for (int packing = GS1_PACK_PLAIN; packing <= GS1_PACK_OPTIMISED; packing++) {
		if (gs1_write_compressed(a, m, STR_NONE, (enum gs1_packing)packing, &packed)) continue;
		again = parsed(a, packed, options);
		assert_int_equal(again.form, GS1_COMPRESSED);
		assert_true(gs1_claims(packed));
		same(again.elements[again.key].value, m->elements[m->key].value, packed);
		assert_int_equal(again.qualifiers_n, m->qualifiers_n);
		struct gs1_message link_again = parsed(a, link_of(a, &again, STR_NONE), options);
		same(bracketed(a, &link_again), bracketed(a, &again), packed);
	}
}

/* "(02)0952673406888|7|": the offset of what stands between the bars. */
static void offset_same(json_t *c, const struct flaw *f, size_t value_at)
{
	struct str markup = member(c, "error_markup");
	if (!markup.p) return;
	size_t at = value_at + str_find(markup, '|') - str_find(markup, ')') - 1;
	if (f->offset != at)
		fail_msg("%.*s: %s at %zu, not %zu", STR_ARG(member(c, "input")), f->rule, f->offset, at);
}

static size_t value_at(struct str input, json_t *c)
{
	struct str markup = member(c, "error_markup");
	if (!markup.p || input.p[0] == '(') return str_find(input, ')') + 1;
	/* in a link: behind "AI=" */
	size_t n = str_find(markup, ')') - 1, i = 0;
	while (!str_starts(str_skip(input, i), str_n(markup.p + 1, n)) || input.p[i + n] != '=') i++;
	return i + n + 1;
}

static void case_check(struct arena *a, json_t *c, unsigned options)
{
	struct str input = member(c, "input");
	if (!json_is_true(json_object_get(c, "valid"))) {
		struct gs1_message m;
		struct flaw f = {0};
		char *copy = exact(input);
		enum err e = gs1_parse(a, str_n(copy, input.n), options, &f, &m);
		free(copy);
		if (e != ERR_BAD_ID)
			fail_msg("%.*s taken: %.*s", STR_ARG(input), STR_ARG(member(c, "error")));
		assert_true(f.rule[0] && f.text[0] && f.offset <= input.n);
		offset_same(c, &f, value_at(input, c));
		return;
	}
	struct gs1_message m = parsed(a, input, options);
	assert_true(gs1_claims(input));
	elements_same(a, &m, c);
	same(bracketed(a, &m), member(c, "element_string"), input);
	same(link_of(a, &m, STR_NONE), member(c, "canonical_uri"), input);
	if (json_object_get(c, "barcode_message"))
		same(barcode(a, &m, '^'), member(c, "barcode_message"), input);
	stable(a, &m, options);
}

static void file_check(struct arena *a, const char *path, size_t expected, unsigned options)
{
	json_t *j = shared_json(path), *c;
	size_t i, n = 0;
	if (!j) return;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct arena_mark mark = arena_mark(a);
		case_check(a, c, options);
		arena_rollback(a, mark);
		n++;
	}
	printf("%s: %zu of %zu cases passed\n", path, n, json_array_size(json_object_get(j, "cases")));
	assert_true(n >= expected);
	json_decref(j);
}

static void digital_links(void **state)
{
	file_check(*state, "vectors/gs1/dl-uris.json", 85, GS1_WHOLE);
}

static void element_strings(void **state)
{
	file_check(*state, "vectors/gs1/element-strings.json", 28, GS1_WHOLE);
}

static void values_of_all_ais(void **state)
{
	file_check(*state, "vectors/gs1/ai-values.json", 1348, 0);
}

static struct str host_of(struct str uri)
{
	return str_first(uri, 8 + str_find(str_skip(uri, 8), '/'));
}

static struct str packed(struct arena *a, const struct gs1_message *m, struct str root,
			 enum gs1_packing packing)
{
	struct str s = STR_NONE;
	assert_int_equal(gs1_write_compressed(a, m, root, packing, &s), ERR_OK);
	return s;
}

/* What the toolkit's compressed link says, against the link it was made of. */
static void unpacked_same(struct arena *a, json_t *c, const char *form, struct str wanted)
{
	struct str text = member(c, form);
	struct gs1_message m = parsed(a, text, 0);
	assert_int_equal(m.form, GS1_COMPRESSED);
	assert_true(gs1_claims(text));
	same(m.root, host_of(text), text);
	same(link_of(a, &m, m.root), wanted, text);
}

static bool compression_refused(struct arena *a, json_t *c)
{
	struct gs1_message m;
	struct flaw f = {0};
	struct str uri = member(c, "uri");
	if (!json_object_get(c, "compressed_plain_error")) return false;
	if (str_find(uri, '%') < uri.n && str_ends(uri, STR("235/2ABC%2F%22"))) { /* decision c */
		m = parsed(a, uri, 0);
		stable(a, &m, 0);
		return true;
	}
	assert_int_equal(gs1_parse(a, uri, 0, &f, &m), ERR_BAD_ID); /* decision b */
	assert_string_equal(f.rule, str_ends(uri, STR("%E4")) ? "characters" : "check-digit");
	return true;
}

static void compressed_links(void **state)
{
	struct arena *a = *state;
	json_t *j = shared_json("vectors/gs1/compression.json"), *c;
	size_t i, n = 0, refused = 0, decided = 0;
	if (!j) return;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct str uri = member(c, "uri"), root = host_of(uri), plain, optimised;
		n++;
		if (compression_refused(a, c)) {
			refused++;
			continue;
		}
		struct gs1_message m = parsed(a, uri, 0);
		same(packed(a, &m, root, GS1_PACK_PLAIN), member(c, "compressed_plain"), uri);
		same(packed(a, &m, root, GS1_PACK_OPTIMISED), member(c, "compressed_optimised"), uri);
		plain = member(c, "compressed_plain_decompresses_to");
		optimised = member(c, "compressed_optimised_decompresses_to");
		if (!json_is_true(json_object_get(c, "round_trip"))) { /* decision a */
			plain = STR("https://id.gs1.org/01/09520123456788?17=201225&3103=000195&3922=0299");
			optimised = plain;
			decided++;
		}
		unpacked_same(a, c, "compressed_plain", plain);
		unpacked_same(a, c, "compressed_optimised", optimised);
		unpacked_same(a, c, "compressed_partial_primary_clear", optimised);
	}
	printf(
	    "compression: %zu of %zu cases passed (%zu refused there, %zu decided against the toolkit)\n",
	    n, json_array_size(json_object_get(j, "cases")), refused, decided);
	assert_true(n >= 19);
	json_decref(j);
}

static void names_in_ons(void **state)
{
	json_t *j = shared_json("vectors/ons/ons-names.json"), *c;
	size_t i, n = 0;
	if (!j) return;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct str gtin = member(c, "gtin14"), s;
		struct gs1_message m = parsed(*state, gtin, 0);
		assert_int_equal(m.form, GS1_PLAIN);
		assert_int_equal(gs1_write_ons(*state, &m, &s), ERR_OK);
		same(s, member(c, "ons_fqdn"), gtin);
		assert_int_equal(gs1_write_aus(*state, &m, STR("<lang>"), &s), ERR_OK);
		same(s, member(c, "aus"), gtin);
		n++;
	}
	printf("ons-names: %zu of %zu cases passed\n", n, json_array_size(json_object_get(j, "cases")));
	assert_true(n >= 6);
	json_decref(j);
}

/* The file in the tree is the published one. */
static void the_dictionary_is_the_published_one(void **state)
{
	(void)state;
	static char ours[1 << 16], theirs[1 << 16];
	if (!shared_there()) return;
	FILE *a = fopen(SOURCE_DIR "/proto/id/gs1-syntax-dictionary.txt", "r");
	FILE *b = fopen(SHARED_DIR "/vectors/gs1/gs1-syntax-dictionary.txt", "r");
	assert_true(a && b);
	size_t n = fread(ours, 1, sizeof ours, a);
	assert_int_equal(fread(theirs, 1, sizeof theirs, b), n);
	assert_memory_equal(ours, theirs, n);
	fclose(a);
	fclose(b);
	assert_non_null(strstr(ours, "\n# Release: "));
	assert_string_equal(gs1_dictionary_release(), "2026-01-27");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(digital_links),    CASE(element_strings), CASE(values_of_all_ais),
	    CASE(compressed_links), CASE(names_in_ons),    CASE(the_dictionary_is_the_published_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
