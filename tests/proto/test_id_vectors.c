/* Identifiers against the shared vectors: that they have keys, and print and parse to the same. What GS1
 * messages say beside their identifier is test_gs1_vectors.c's. */
#include "tests/proto/id_cases.h"

static size_t passed;

static void case_check(struct arena *a, json_t *c, bool uri)
{
	struct id id;
	struct flaw f = {0};
	struct str input = member(c, "input"), canonical = member(c, "canonical_uri");
	bool valid = json_is_true(json_object_get(c, "valid"));
	enum err e = uri ? id_parse_as(ID_GS1, a, input, &f, &id) : id_parse(a, input, &f, &id);
	if (!valid) {
		if (!e) fail_msg("%.*s taken: %.*s", STR_ARG(input), STR_ARG(member(c, "error")));
		passed++;
		return;
	}
	if (!canonical.p && e) {
		printf("  names no single identifier: %.*s (%s)\n", STR_ARG(input), f.rule);
		passed++;
		return;
	}
	if (e) fail_msg("%.*s refused: %s", STR_ARG(input), f.text);
	if (canonical.p) {
		canonical.n = str_find(canonical, '?');
		if (!str_eq(id.text, canonical))
			fail_msg("%.*s prints %.*s", STR_ARG(input), STR_ARG(id.text));
	}
	stable(a, id);
	passed++;
}

static void file_check(struct arena *a, const char *path, bool uri)
{
	json_t *j = shared_json(path), *c;
	size_t i;
	if (!j) return;
	passed = 0;
	json_array_foreach(json_object_get(j, "cases"), i, c) case_check(a, c, uri);
	printf("%s: %zu passed\n", path, passed);
	assert_true(passed > 0);
	json_decref(j);
}

static void digital_links(void **state)
{
	file_check(*state, "vectors/gs1/dl-uris.json", true);
}

static void element_strings(void **state)
{
	file_check(*state, "vectors/gs1/element-strings.json", false);
}

/* Values of the primary keys and their qualifiers only: "(AI)value" that is a key must be judged as
 * the reference judges it. */
static void values_of_primary_keys(void **state)
{
	static const char *const keys[] = {"00",  "01",   "253",  "255",  "401",  "402",  "414",  "415",
					   "417", "8003", "8004", "8006", "8010", "8013", "8017", "8018"};
	json_t *j = shared_json("vectors/gs1/ai-values.json"), *c;
	size_t i;
	if (!j) return;
	passed = 0;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct str ai = str_skip(member(c, "input"), 1);
		ai.n = str_find(ai, ')');
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			if (str_is(ai, keys[k])) case_check(*state, c, false);
	}
	printf("ai-values: %zu of primary keys passed\n", passed);
	assert_true(passed > 50);
	json_decref(j);
}

static void resolver_entries(void **state)
{
	static const char *const files[] = {"test_01_09506000134352.json", "test_01_09506000134376.json",
					    "test_8004_095060001343.json",
					    "test_8004_0950600013430000001.json"};
	size_t n = 0;
	for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
		struct str path = arena_printf(*state, "vectors/gs1/resolver-entries/%s", files[k]);
		json_t *j = shared_json(path.p), *c;
		size_t i;
		if (!j) return;
		json_array_foreach(j, i, c)
		{
			struct id id;
			assert_int_equal(id_parse(*state, member(c, "anchor"), NULL, &id), ERR_OK);
			assert_int_equal(id.scheme, ID_GS1);
			stable(*state, id);
			n++;
		}
		json_decref(j);
	}
	FILE *csv = fopen(SHARED_DIR "/vectors/gs1/resolver-entries/fictitious-one.csv", "r");
	assert_non_null(csv);
	char line[4096];
	for (size_t row = 0; fgets(line, sizeof line, csv); row++) {
		struct str rest = str_of(line), ai, value;
		struct id id;
		assert_true(str_split(&rest, ',', &ai) && str_split(&rest, ',', &value));
		if (!row) continue;
		struct str text = arena_printf(*state, "%.*s/%.*s", STR_ARG(ai), STR_ARG(value));
		struct flaw f;
		if (id_parse(*state, text, &f, &id)) fail_msg("%s: %s", text.p, f.text);
		stable(*state, id);
		n++;
	}
	fclose(csv);
	printf("resolver-entries: %zu keys parsed\n", n);
}

/* ---- what kanhe id tells ------------------------------------------------------------------- */

static const struct id_part *part_named(const struct id_parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->n; i++)
		if (!strcmp(parts->part[i].name, name)) return &parts->part[i];
	return NULL;
}

static void same_part(const struct id_parts *parts, json_t *c, const char *name)
{
	json_t *want = json_object_get(c, name), *item;
	const struct id_part *p = part_named(parts, name);
	size_t i;
	if (!want || json_is_null(want)) return;
	if (!p) fail_msg("%.*s: no %s", STR_ARG(member(c, "input")), name);
	if (json_is_string(want) && !str_is(p->text, json_string_value(want)))
		fail_msg("%.*s: %s is %.*s", STR_ARG(member(c, "input")), name, STR_ARG(p->text));
	if (!json_is_array(want)) return;
	assert_int_equal(json_array_size(want), p->list_n);
	json_array_foreach(want, i, item) assert_true(str_is(p->list[i], json_string_value(item)));
}

/* An element alone is judged by itself, though the file asks for the company it should have. */
static bool lacks_company(json_t *c)
{
	return str_starts(member(c, "error"), STR("Required AIs for AI"));
}

static void describe(struct arena *a, json_t *c, size_t *lone)
{
	static const char *const names[] = {"canonical_uri", "element_string", "barcode_message",
					    "elements", "ignored_query_params"};
	struct id_description d;
	struct flaw f = {0};
	bool valid = json_is_true(json_object_get(c, "valid"));
	enum err e = id_describe(ID_GS1, a, member(c, "input"), &f, &d);
	if (!e && !valid && d.parts.n && part_named(&d.parts, "elements")->list_n == 1 &&
	    lacks_company(c)) {
		++*lone;
		return;
	}
	if ((e == ERR_OK) != valid) fail_msg("%.*s: %s", STR_ARG(member(c, "input")), f.text);
	for (size_t i = 0; valid && i < sizeof names / sizeof *names; i++) same_part(&d.parts, c, names[i]);
}

static void descriptions_agree(void **state)
{
	static const struct {
		const char *path;
		size_t n, lone;
	} files[] = {{"vectors/gs1/dl-uris.json", 85, 0},
		     {"vectors/gs1/element-strings.json", 28, 4},
		     {"vectors/gs1/ai-values.json", 1348, 0}};
	for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
		json_t *j = shared_json(files[k].path), *c;
		size_t i, n = 0, lone = 0;
		if (!j) return;
		json_array_foreach(json_object_get(j, "cases"), i, c)
		{
			struct arena_mark mark = arena_mark(*state);
			describe(*state, c, &lone);
			arena_rollback(*state, mark);
			n++;
		}
		printf("%s: %zu described, of %zu elements alone only themselves\n", files[k].path, n,
		       lone);
		assert_int_equal(n, files[k].n);
		assert_int_equal(lone, files[k].lone);
		json_decref(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(digital_links),    CASE(element_strings),    CASE(values_of_primary_keys),
	    CASE(resolver_entries), CASE(descriptions_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
