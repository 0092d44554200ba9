#include "tests/base/cases.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policies/evaluator.h"

static void flaws_name_the_path(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *rule;
	} cases[] = {
	    {"[]", "policy", "type"},
	    {"{\"permission\":3}", "permission", "type"},
	    {"{\"permission\":[3]}", "permission[0]", "type"},
	    {"{\"permission\":[{}]}", "permission[0].action", "missing"},
	    {"{\"permission\":[{\"action\":[]}]}", "permission[0].action", "empty"},
	    {"{\"permission\":[{\"action\":7}]}", "permission[0].action", "type"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[7]}]}", "permission[0].constraint[0]",
	     "type"},
	    {"{\"prohibition\":{\"action\":\"use\",\"constraint\":{}}}",
	     "prohibition.constraint.leftOperand", "missing"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\","
	     "\"rightOperand\":1}]}]}",
	     "permission[0].constraint[0].operator", "missing"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":"
	     "\"=\","
	     "\"rightOperand\":1}]}]}",
	     "permission[0].constraint[0].operator", "operator"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":"
	     "\"eq\"}]}]}",
	     "permission[0].constraint[0].rightOperand", "missing"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"or\":[]}]}]}",
	     "permission[0].constraint[0].or", "empty"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"or\":[{\"and\":[{}]}]}]}]}",
	     "permission[0].constraint[0].or[0].and[0].leftOperand", "missing"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"or\":[{}],\"and\":[{}]}]}]}",
	     "permission[0].constraint[0]", "one-of"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"or\":[{}],\"leftOperand\":\"count\"}]"
	     "}]}",
	     "permission[0].constraint[0]", "one-of"},
	};
	struct arena *a = arena_new(8 << 20);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flaw f = {0};
		struct pol_policy *p = NULL;
		assert_int_equal(pol_parse_text(a, str_of(cases[i].text), &f, &p), ERR_BAD_POLICY);
		assert_null(p);
		assert_string_equal(f.at, cases[i].at);
		assert_string_equal(f.rule, cases[i].rule);
	}
	arena_free(a);
}

static void nested(struct buf *b, int depth)
{
	buf_add(b, STR("{\"permission\":[{\"action\":\"use\",\"constraint\":["));
	for (int i = 0; i < depth; i++) buf_add(b, STR("{\"and\":["));
	buf_add(b, STR("{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":3}"));
	for (int i = 0; i < depth; i++) buf_add(b, STR("]}"));
	buf_add(b, STR("]}]}"));
}

static void limits(void **state)
{
	(void)state;
	struct arena *a = arena_new(32 << 20);
	struct flaw f = {0};
	struct pol_policy *p;
	struct buf b = BUF_INIT(1 << 20);

	nested(&b, POL_DEPTH_MAX);
	assert_int_equal(pol_parse_text(a, buf_str(&b), &f, &p), ERR_OK);
	buf_clear(&b);
	nested(&b, POL_DEPTH_MAX + 1);
	assert_int_equal(pol_parse_text(a, buf_str(&b), &f, &p), ERR_BAD_POLICY);
	assert_string_equal(f.rule, "limit");

	for (int n = POL_CONSTRAINTS_MAX; n <= POL_CONSTRAINTS_MAX + 1; n++) {
		buf_clear(&b);
		buf_add(&b, STR("{\"permission\":[{\"action\":\"use\",\"constraint\":["));
		for (int i = 0; i < n; i++)
			buf_printf(&b,
				   "%s{\"leftOperand\":\"count\",\"operator\":\"lt\",\"rightOperand\":%d}",
				   i ? "," : "", i);
		buf_add(&b, STR("]}]}"));
		assert_int_equal(pol_parse_text(a, buf_str(&b), &f, &p),
				 n <= POL_CONSTRAINTS_MAX ? ERR_OK : ERR_BAD_POLICY);
	}
	for (int n = POL_RULES_MAX; n <= POL_RULES_MAX + 1; n++) {
		buf_clear(&b);
		buf_add(&b, STR("{\"permission\":["));
		for (int i = 0; i < n; i++) buf_printf(&b, "%s{\"action\":\"use\"}", i ? "," : "");
		buf_add(&b, STR("]}"));
		assert_int_equal(pol_parse_text(a, buf_str(&b), &f, &p),
				 n <= POL_RULES_MAX ? ERR_OK : ERR_BAD_POLICY);
	}
	buf_clear(&b);
	buf_add(&b, STR("{\"permission\":[{\"action\":\"use\"}],\"note\":\""));
	for (int i = 0; i < POL_SIZE_MAX; i++) buf_byte(&b, 'x');
	buf_add(&b, STR("\"}"));
	assert_int_equal(pol_parse_text(a, buf_str(&b), &f, &p), ERR_BAD_POLICY);
	assert_string_equal(f.rule, "limit");
	buf_done(&b);
	arena_free(a);
}

static void without_memory(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1 << 16);
	nested(&b, 4);
	bool done = false;
	for (size_t cap = 0; !done; cap += 97) {
		struct arena *a = arena_new(cap);
		struct pol_policy *p = NULL;
		struct pol_report *r = NULL;
		struct pol_facts facts = {.action = STR("use"), .count = {true, 0, 1}};
		assert_true(cap < 1 << 20);
		enum err e = pol_parse_text(a, buf_str(&b), NULL, &p);
		if (!e) e = pol_evaluate(a, p, &facts, &r);
		if (e) assert_int_equal(e, ERR_NO_MEMORY);
		done = !e;
		arena_free(a);
	}
	buf_done(&b);
}

static void owners_publish_what_can_be_decided(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *rule;
	} cases[] = {
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":"
	     "\"lteq\","
	     "\"rightOperand\":3},{\"or\":[{\"leftOperand\":\"purpose\",\"operator\":\"eq\","
	     "\"rightOperand\":\"a\"}]}]}]}",
	     NULL, NULL},
	    {"{\"prohibition\":[{\"action\":\"use\"}]}", "permission", "no-permission"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"or\":[{\"leftOperand\":\"partner\","
	     "\"operator\":"
	     "\"eq\",\"rightOperand\":\"gold\"}]}]}]}",
	     "permission[0].constraint[0].or[0]", "operand"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":"
	     "\"lteq\","
	     "\"rightOperand\":\"three\"}]}]}",
	     "permission[0].constraint[0]", "value"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":"
	     "\"isA\","
	     "\"rightOperand\":3}]}]}",
	     "permission[0].constraint[0]", "operator"},
	    {"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"purpose\","
	     "\"operator\":\"eq\","
	     "\"rightOperandReference\":\"urn:x\"}]}]}",
	     "permission[0].constraint[0]", "reference"},
	    {"{\"permission\":[{\"action\":\"use\",\"duty\":{\"action\":\"compensate\"}}]}",
	     "permission[0].duty", "duty"},
	    {"{\"permission\":[{\"action\":{\"@id\":\"use\",\"refinement\":[]}}]}", "permission[0].action",
	     "refinement"},
	    {"{\"inheritFrom\":\"urn:x\",\"permission\":[{\"action\":\"use\"}]}", "inheritFrom", "inherit"},
	    {"{\"conflict\":\"perm\",\"permission\":[{\"action\":\"use\"}]}", "conflict", "inherit"},
	};
	struct arena *a = arena_new(8 << 20);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flaw f = {0};
		struct pol_policy *p = NULL;
		assert_int_equal(pol_parse_text(a, str_of(cases[i].text), &f, &p), ERR_OK);
		assert_int_equal(pol_check(p, &f), cases[i].rule ? ERR_BAD_POLICY : ERR_OK);
		if (!cases[i].rule) continue;
		assert_string_equal(f.at, cases[i].at);
		assert_string_equal(f.rule, cases[i].rule);
	}
	arena_free(a);
}

/* ---- files -------------------------------------------------------------------------------------- */

static struct str slurp(struct arena *a, const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st)) fail_msg("cannot read %s", path);
	char *p = arena_bytes(a, (size_t)st.st_size);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	return str_n(p, (size_t)st.st_size);
}

static unsigned each_file(const char *folder, void (*fn)(struct arena *a, const char *path, json_t *j))
{
	unsigned n = 0;
	DIR *d = opendir(folder);
	if (!d) fail_msg("no folder %s", folder);
	for (struct dirent *e; (e = readdir(d));) {
		struct arena *a = arena_new(16 << 20);
		char path[1024];
		json_t *j;
		struct flaw f;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (str_ends(str_of(path), STR(".json"))) {
			struct str text = slurp(a, path);
			/* some published files begin with a byte order mark */
			if (str_starts(text, STR("\xef\xbb\xbf"))) text = str_skip(text, 3);
			/* a few hold two texts, or a placeholder */
			if (json_read(a, text, &f, &j)) {
				print_message("not one JSON text: %s\n", e->d_name);
			} else {
				fn(a, path, j);
				n++;
			}
		}
		arena_free(a);
	}
	closedir(d);
	return n;
}

static void template_is_sound(struct arena *a, const char *path, json_t *j)
{
	json_t *params = json_keep(a, json_object()), *policy = NULL, *declared;
	const char *name;
	struct flaw f = {0};
	struct pol_policy *p = NULL;
	json_object_foreach(json_object_get(j, "parameters"), name, declared)
	{
		struct flaw missing = {0};
		assert_int_equal(pol_template_fill(a, j, params, &missing, &policy), ERR_BAD_POLICY);
		assert_string_equal(missing.rule, "missing");
		assert_non_null(json_object_get(json_object_get(declared, "title"), "zh-CN"));
		json_put(params, name, json_incref(json_object_get(declared, "example")));
	}
	if (pol_template_fill(a, j, params, &f, &policy) || pol_parse(a, policy, "", &f, &p) ||
	    pol_check(p, &f))
		fail_msg("%s: %s %s: %s", path, f.at, f.rule, f.text);
	struct str text = json_write(a, policy, false);
	assert_int_equal(str_find(text, '$'), text.n);
	assert_true(str_ends(str_of(path),
			     arena_printf(a, "/%s.json", json_string_value(json_object_get(j, "name")))));
}

static void templates(void **state)
{
	(void)state;
	assert_true(each_file(SOURCE_DIR "/policies/templates", template_is_sound) == 5);
}

static void template_of_three(void **state)
{
	(void)state;
	struct arena *a = arena_new(1 << 20);
	struct flaw f = {0};
	json_t *t, *params, *policy;
	struct pol_policy *p;
	struct pol_report *r;
	struct str text =
	    slurp(a, SOURCE_DIR "/policies/templates/three-transfers-until-date-one-purpose.json");
	assert_int_equal(json_read(a, text, &f, &t), ERR_OK);
	assert_int_equal(
	    json_read(a, STR("{\"transfers\":\"3\",\"until\":\"2027-01-01\",\"purpose\":\"test\"}"), &f,
		      &params),
	    ERR_OK);
	assert_int_equal(pol_template_fill(a, t, params, &f, &policy), ERR_BAD_POLICY);
	assert_string_equal(f.at, "transfers");
	assert_int_equal(json_read(a,
				   STR("{\"transfers\":3,\"until\":\"2027-01-01\",\"purpose\":\"test\"}"),
				   &f, &params),
			 ERR_OK);
	assert_int_equal(pol_template_fill(a, t, params, &f, &policy), ERR_OK);
	assert_int_equal(pol_parse(a, policy, "", &f, &p), ERR_OK);
	struct pol_fact purpose = {STR("purpose"), STR("test")};
	struct pol_facts facts = {
	    .action = STR("use"), .count = {true, 2, 1}, .named = &purpose, .named_n = 1};
	assert_int_equal(pol_evaluate(a, p, &facts, &r), ERR_OK);
	assert_int_equal(r->verdict, POL_PERMITTED);
	facts.count.used = 3;
	assert_int_equal(pol_evaluate(a, p, &facts, &r), ERR_OK);
	assert_int_equal(r->verdict, POL_NOT_PERMITTED);
	arena_free(a);
}

/* Every policy inside the value, wherever it stands. */
static unsigned policies_found;

static void find_policies(struct arena *a, const char *path, json_t *j)
{
	const char *key;
	json_t *inner;
	if (json_is_array(j))
		for (size_t i = 0; i < json_array_size(j); i++)
			find_policies(a, path, json_array_get(j, i));
	if (!json_is_object(j)) return;
	if (json_object_get(j, "permission") || json_object_get(j, "prohibition") ||
	    json_object_get(j, "odrl:permission") || json_object_get(j, "odrl:prohibition")) {
		struct flaw f = {0};
		struct pol_policy *p;
		struct pol_report *r;
		struct pol_facts facts = {.action = STR("use"), .now = 1};
		if (pol_parse(a, j, "", &f, &p)) fail_msg("%s: %s %s: %s", path, f.at, f.rule, f.text);
		assert_int_equal(pol_evaluate(a, p, &facts, &r), ERR_OK);
		policies_found++;
		return;
	}
	json_object_foreach(j, key, inner) find_policies(a, path, inner);
}

static void published_examples(void **state)
{
	(void)state;
	static const char *const folders[] = {"dsp/2025-1/examples/catalog",
					      "dsp/2025-1/examples/negotiation",
					      "dsp/2024-1/catalog/example",

					      "odrl/ids-usage-policies",
					      "catena-x/cx-odrl-profile",
					      "catena-x/cx-odrl-profile/schema/samples"};
	struct stat st;
	if (stat(SHARED_DIR "/dataspace", &st)) {
		print_message("SKIPPED: %s/dataspace is absent\n", SHARED_DIR);
		return;
	}
	for (size_t i = 0; i < COUNT(folders); i++) {
		char path[1024];
		policies_found = 0;
		snprintf(path, sizeof path, SHARED_DIR "/dataspace/%s", folders[i]);
		unsigned files = each_file(path, find_policies);
		print_message("%s: %u policies in %u files\n", folders[i], policies_found, files);
		assert_true(policies_found > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flaws_name_the_path), cmocka_unit_test(limits),
	    cmocka_unit_test(without_memory),      cmocka_unit_test(owners_publish_what_can_be_decided),
	    cmocka_unit_test(templates),           cmocka_unit_test(template_of_three),
	    cmocka_unit_test(published_examples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
