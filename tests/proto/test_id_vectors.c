/* GS1 identifiers against the shared vectors. What the dictionary of all AIs would still refuse is counted
 * by reason, not hidden. */
#include "tests/proto/id_cases.h"

static struct {
	size_t passed, later;
} count;

/* Why a case cannot pass before all AIs are in the table. */
static const char *later(struct str error)
{
	if (str_starts(error, STR("Unknown AI"))) return "AI unknown to the whole dictionary";
	return NULL;
}

static void case_check(struct arena *a, json_t *c, bool uri)
{
	struct id id;
	struct flaw f = {0};
	struct str input = member(c, "input"), canonical = member(c, "canonical_uri");
	bool valid = json_is_true(json_object_get(c, "valid"));
	enum err e = uri ? id_parse_as(ID_GS1, a, input, &f, &id) : id_parse(a, input, &f, &id);
	if (!valid) {
		const char *why = e ? NULL : later(member(c, "error"));
		if (!e && !why) fail_msg("%.*s taken: %.*s", STR_ARG(input), STR_ARG(member(c, "error")));
		if (why) printf("  not yet: %.*s (%s)\n", STR_ARG(input), why);
		why ? count.later++ : count.passed++;
		return;
	}
	if (!canonical.p && e) {
		printf("  names no single identifier: %.*s (%s)\n", STR_ARG(input), f.rule);
		count.passed++;
		return;
	}
	if (e) fail_msg("%.*s refused: %s", STR_ARG(input), f.text);
	if (canonical.p) {
		canonical.n = str_find(canonical, '?');
		if (!str_eq(id.text, canonical))
			fail_msg("%.*s prints %.*s", STR_ARG(input), STR_ARG(id.text));
	}
	stable(a, id);
	count.passed++;
}

static void file_check(struct arena *a, const char *path, bool uri)
{
	json_t *j = shared_json(path), *c;
	size_t i;
	if (!j) return;
	count.passed = count.later = 0;
	json_array_foreach(json_object_get(j, "cases"), i, c) case_check(a, c, uri);
	printf("%s: %zu passed, %zu not yet\n", path, count.passed, count.later);
	assert_true(count.passed > 0);
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
	count.passed = count.later = 0;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct str ai = str_skip(member(c, "input"), 1);
		ai.n = str_find(ai, ')');
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			if (str_is(ai, keys[k])) case_check(*state, c, false);
	}
	printf("ai-values: %zu of primary keys passed\n", count.passed);
	assert_true(count.passed > 50);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(digital_links),
	    CASE(element_strings),
	    CASE(values_of_primary_keys),
	    CASE(resolver_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
