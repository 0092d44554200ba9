/* JSON Schema of credentials: each keyword, what cannot be evaluated, what must end. */
#include "tests/base/arena_cases.h"

#include <stdio.h>

#include "proto/vc/pattern.h"
#include "proto/vc/schema.h"

static json_t *parsed(const char *text)
{
	json_t *j;
	struct str wrapped = arena_printf(a, "[%s]", text);
	assert_int_equal(json_read(a, wrapped, NULL, &j), ERR_OK);
	return json_array_get(j, 0);
}

/* rule "": kept. */
static const char *const rows[][4] = {
    {"true", "1", ""},
    {"false", "1", "false"},
    {"{}", "null", ""},
    {"{\"type\":\"string\"}", "\"a\"", ""},
    {"{\"type\":\"string\"}", "1", "type"},
    {"{\"type\":[\"string\",\"null\"]}", "null", ""},
    {"{\"type\":[\"string\",\"null\"]}", "1", "type"},
    {"{\"type\":\"integer\"}", "1.0", ""},
    {"{\"type\":\"integer\"}", "1.5", "type"},
    {"{\"type\":\"integer\"}", "1e300", "type"},
    {"{\"type\":\"number\"}", "1.5", ""},
    {"{\"type\":\"boolean\"}", "false", ""},
    {"{\"type\":\"what\"}", "1", "type"},
    {"{\"enum\":[1,\"a\",{\"b\":2}]}", "{\"b\":2}", ""},
    {"{\"enum\":[1,\"a\"]}", "\"b\"", "enum"},
    {"{\"const\":3}", "3", ""},
    {"{\"const\":3}", "4", "const"},
    {"{\"required\":[\"id\",\"foo\"]}", "{\"id\":1,\"foo\":2}", ""},
    {"{\"required\":[\"id\",\"foo\"]}", "{\"id\":1}", "required", "x.foo"},
    {"{\"required\":[\"id\"]}", "1", ""},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", "type", "x.a"},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"b\":1}", ""},
    {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1,\"b\":1}",
     "additionalProperties", "x.b"},
    {"{\"additionalProperties\":{\"type\":\"string\"},\"properties\":{\"a\":true}}", "{\"a\":1,\"b\":1}",
     "type", "x.b"},
    {"{\"items\":{\"type\":\"string\"}}", "[\"a\",1]", "type", "x[1]"},
    {"{\"minItems\":1}", "[]", "minItems"},
    {"{\"maxItems\":1}", "[1,2]", "maxItems"},
    {"{\"minLength\":2}", "\"\xe5\x8b\x98\xe5\x90\x88\"", ""},
    {"{\"minLength\":3}", "\"\xe5\x8b\x98\xe5\x90\x88\"", "minLength"},
    {"{\"maxLength\":1}", "\"ab\"", "maxLength"},
    {"{\"minimum\":2}", "1", "minimum"},
    {"{\"maximum\":2}", "2", ""},
    {"{\"maximum\":2}", "3", "maximum"},
    {"{\"pattern\":\"^DE\\\\d+$\"}", "\"DE12\"", ""},
    {"{\"properties\":{\"a\":{\"pattern\":\"^DE\\\\d+$\"}}}", "{\"a\":\"FR12\"}", "pattern", "x.a"},
    {"{\"pattern\":\"^DE\"}", "7", ""},
    {"{\"not\":{\"pattern\":\"^DE\"}}", "\"DE\"", "not"},
    {"{\"minProperties\":1}", "{}", "minProperties"},
    {"{\"maxProperties\":0}", "{\"a\":1}", "maxProperties"},
    {"{\"allOf\":[{\"type\":\"string\"},{\"minLength\":2}]}", "\"a\"", "minLength"},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "null", ""},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1", "anyOf"},
    {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}", "1", "oneOf"},
    {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"string\"}]}", "1", ""},
    {"{\"not\":{\"type\":\"string\"}}", "1", ""},
    {"{\"not\":{\"type\":\"string\"}}", "\"a\"", "not"},
    {"{\"definitions\":{\"d\":{\"type\":\"string\"}},\"$ref\":\"#/definitions/d\"}", "1", "type"},
    {"{\"$defs\":{\"d\":{\"type\":\"string\"}},\"properties\":{\"a\":{\"$ref\":\"#/$defs/d\"}}}",
     "{\"a\":\"b\"}", ""},
    {"{\"title\":\"t\",\"format\":\"uri\",\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "1",
     ""},
};

static void keywords(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct flaw f = {0};
		enum err e = vc_schema_check(parsed(rows[i][0]), parsed(rows[i][1]), "x", &f);
		if (e != (rows[i][2][0] ? ERR_BAD_MESSAGE : ERR_OK) || strcmp(f.rule, rows[i][2]) != 0 ||
		    (rows[i][3] && strcmp(f.at, rows[i][3]) != 0))
			fail_msg("%s of %s: %d %s at %s", rows[i][0], rows[i][1], e, f.rule, f.at);
	}
}

/* Nothing counts as checked that was not. */
static void what_cannot_be_evaluated(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
	    {"{\"patternProperties\":{}}", "schema-keyword"},
	    {"{\"if\":true}", "schema-keyword"},
	    {"{\"not\":{\"if\":true}}", "schema-keyword"},
	    {"{\"anyOf\":[true,{\"if\":true}]}", "schema-keyword"},
	    {"{\"items\":[true]}", "schema-keyword"},
	    {"{\"$ref\":\"https://x.example/s\"}", "schema-reference"},
	    {"{\"$ref\":\"#/definitions/none\"}", "schema-reference"},
	    {"{\"$ref\":\"#name\"}", "schema-reference"},
	    {"{\"$ref\":\"#\"}", "schema-limit"},
	    {"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "schema-limit"},
	    {"{\"anyOf\":1}", "schema-form"},
	    {"{\"minimum\":\"1\"}", "schema-form"},
	    {"{\"pattern\":1}", "schema-form"},
	    {"{\"required\":[1]}", "schema-form"},
	    {"{\"properties\":{\"a\":1}}", "schema-form"},
	    {"[]", "schema-form"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct flaw f = {0};
		enum err e = vc_schema_check(parsed(bad[i][0]), parsed("{\"a\":1}"), "x", &f);
		if (strcmp(bad[i][0], "{\"items\":[true]}") == 0)
			e = vc_schema_check(parsed(bad[i][0]), parsed("[1]"), "x", &f);
		if (e != ERR_BAD_INPUT || strcmp(f.rule, bad[i][1]) != 0)
			fail_msg("%s: %d %s", bad[i][0], e, f.rule);
	}
}

/* pattern, text, what is so: '1' there is a match, '0' there is none. ECMA-262, by code points. */
static const char *const matches[][3] = {
    {"", "", "1"},
    {"a", "cab", "1"},
    {"^a", "ba", "0"},
    {"^ab$", "ab", "1"},
    {"^ab$", "ab\n", "0"},
    {"^a|b$", "xb", "1"},
    {"^(a|b)$", "ab", "0"},
    {"^(?:a|b|)c$", "c", "1"},
    {"^[A-Z]{2}\\d{3,5}$", "DE123", "1"},
    {"^[A-Z]{2}\\d{3,5}$", "DE12", "0"},
    {"^[A-Z]{2}\\d{3,5}$", "DE123456", "0"},
    {"^a{2,}$", "aaaaa", "1"},
    {"^a{2,}$", "a", "0"},
    {"^a{0}b$", "b", "1"},
    {"^a{0}b$", "ab", "0"},
    {"^a{0,2}$", "aaa", "0"},
    {"^(ab){2}$", "abab", "1"},
    {"^(ab){2}$", "ab", "0"},
    {"^(a*)*b$", "aaaab", "1"},
    {"^(a?){3}$", "aa", "1"},
    {"^a+?$", "", "0"},
    {"^a+?$", "aa", "1"},
    {"^a*?b??$", "aa", "1"},
    {"^.$", "\xe5\x8b\x98", "1"},
    {"^.{2}$", "\xf0\x9f\x91\x8d\xe5\x90\x88", "1"},
    {"^.$", "\n", "0"},
    {"^.$", "\xe2\x80\xa8", "0"},
    {"^[^a]{2}$", "\xe5\x8b\x98\xe5\x90\x88", "1"},
    {"^[\xe4\xb8\x80-\xe9\xbe\xa5]+$", "\xe5\x8b\x98\xe5\x90\x88", "1"},
    {"^[\\u4e00-\\u9fa5]+$", "\xe5\x8b\x98\xe5\x90\x88", "1"},
    {"^[\\u4e00-\\u9fa5]+$",
     "\xe5\x8b\x98"
     "a",
     "0"},
    {"^\\ud83d\\udc4d$", "\xf0\x9f\x91\x8d", "1"},
    {"^\\u{1F44D}$", "\xf0\x9f\x91\x8d", "1"},
    {"^\\x41\\t$", "A\t", "1"},
    {"^\\w+\\s\\W$", "a_9 -", "1"},
    {"^\\s$", "\xc2\xa0", "1"},
    {"^\\S$", "\xc2\xa0", "0"},
    {"^\\D$", "\xd9\xa3", "1"},
    {"^[\\w.+-]+@[a-z]+\\.(?:com|cn)$", "li.si+1@works.cn", "1"},
    {"^[\\w.+-]+@[a-z]+\\.(?:com|cn)$", "li si@works.cn", "0"},
    {"^[^\\d\\s]$", "a", "1"},
    {"^[^\\d\\s]$", "1", "0"},
    {"^[\\D]$", "1", "0"},
    {"^[]", "-", "0"},
    {"^[^]$", "\n", "1"},
    {"^[\\]a-]{3}$", "-]a", "1"},
    {"^[\\b]$", "\b", "1"},
    {"^https?:\\/\\/[^\\s\\/$.?#].[^\\s]*$", "https://x.example/y", "1"},
    {"^did:web:[A-Za-z0-9.%-]+(:[^:]+)*$", "did:web:x.example:p:buyer", "1"},
    {"^\\d{4}-(0[1-9]|1[0-2])-([0-2]\\d|3[01])$", "2026-11-27", "1"},
    {"^\\d{4}-(0[1-9]|1[0-2])-([0-2]\\d|3[01])$", "2026-13-27", "0"},
    {"x^a", "xa", "0"},
    {"(^|,)b(,|$)", "a,b", "1"},
    {"(^|,)b(,|$)", "ab", "0"},
};

static void patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
		unsigned budget = VC_PATTERN_BUDGET;
		const char *what = "";
		bool found = false;
		enum err e =
		    vc_pattern_find(str_of(matches[i][0]), str_of(matches[i][1]), &budget, &what, &found);
		if (e || found != (matches[i][2][0] == '1'))
			fail_msg("%s in %s: %d %s %d", matches[i][0], matches[i][1], e, what, found);
	}
}

static void patterns_that_are_not_taken(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
	    {"(a)\\1", "a back reference"},
	    {"a(?=b)", "looking"},
	    {"a(?!b)", "looking"},
	    {"(?<=a)b", "looking"},
	    {"(?<n>a)", "looking"},
	    {"\\bword\\b", "\\b"},
	    {"\\p{L}", "\\p"},
	    {"\\q", "not known"},
	    {"\\", "backslash"},
	    {"\\x4", "not whole"},
	    {"\\u{}", "not whole"},
	    {"\\u{110000}", "not whole"},
	    {"\\ud83d", "half"},
	    {"\\udc4d", "half"},
	    {"[a", "does not end"},
	    {"[b-a]", "range"},
	    {"[a-\\d]", "range"},
	    {"(a", "parenthesis"},
	    {"a)", "parenthesis"},
	    {"*a", "itself"},
	    {"a**", "itself"},
	    {"a{", "itself"},
	    {"a{,2}", "itself"},
	    {"a{2,1}", "itself"},
	    {"}", "itself"},
	    {"^*", "assertion"},
	    {"a{1001}", "too large"},
	    {"(a{1000}){3}", "too large"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		unsigned budget = VC_PATTERN_BUDGET;
		const char *what = "";
		bool found = false;
		enum err e = vc_pattern_find(str_of(bad[i][0]), STR("a"), &budget, &what, &found);
		if (e != ERR_UNSUPPORTED || !strstr(what, bad[i][1]))
			fail_msg("%s: %d %s", bad[i][0], e, what);
	}
	struct flaw f = {0};
	assert_int_equal(vc_schema_check(parsed("{\"pattern\":\"a(?=b)\"}"), parsed("\"a\""), "x", &f),
			 ERR_BAD_INPUT);
	assert_string_equal(f.rule, "schema-keyword");
	assert_non_null(strstr(f.text, "pattern: looking ahead"));
}

/* What takes other machines longer than the age of the world. */
static void patterns_are_bounded(void **state)
{
	(void)state;
	unsigned budget = VC_PATTERN_BUDGET;
	const char *what = "";
	bool found = true;
	char *long_text = arena_alloc(a, 100001), deep[2 * VC_PATTERN_DEPTH + 8] = "";
	memset(long_text, 'a', 100000);
	assert_int_equal(vc_pattern_find(STR("^(a+)+(a|aa)+$"),
					 str_n("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 32), &budget, &what,
					 &found),
			 ERR_OK);
	assert_false(found);
	assert_true(budget > VC_PATTERN_BUDGET - 2000);
	assert_int_equal(
	    vc_pattern_find(STR("(a?){500}b"), str_n(long_text, 100000), &budget, &what, &found),
	    ERR_TOO_LARGE);
	assert_int_equal(budget, 0);
	budget = VC_PATTERN_BUDGET;
	memset(deep, '(', VC_PATTERN_DEPTH + 1);
	memset(deep + VC_PATTERN_DEPTH + 1, ')', VC_PATTERN_DEPTH + 1);
	assert_int_equal(vc_pattern_find(str_of(deep), STR(""), &budget, &what, &found), ERR_UNSUPPORTED);
	assert_string_equal(what, "too deep");
	assert_int_equal(
	    vc_pattern_find(str_n(long_text, VC_PATTERN_MAX + 1), STR(""), &budget, &what, &found),
	    ERR_UNSUPPORTED);
	struct flaw f = {0};
	json_t *schema = parsed("{\"pattern\":\"(a?){500}b\"}"), *v = json_keep(a, json_string(long_text));
	assert_int_equal(vc_schema_check(schema, v, "x", &f), ERR_BAD_INPUT);
	assert_string_equal(f.rule, "schema-limit");
}

static void work_is_bounded(void **state)
{
	(void)state;
	struct flaw f = {0};
	json_t *wide = json_keep(a, json_array()), *schema = json_keep(a, json_object());
	for (int i = 0; i < VC_SCHEMA_STEPS + 1; i++) must(!json_array_append_new(wide, json_integer(i)));
	json_put(schema, "enum", json_incref(wide));
	assert_int_equal(vc_schema_check(schema, parsed("-1"), "x", &f), ERR_BAD_INPUT);
	assert_string_equal(f.rule, "schema-limit");
	schema =
	    parsed("{\"definitions\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/definitions/b\"},{\"$ref\":\"#/"
		   "definitions/b\"}]},"
		   "\"b\":{\"anyOf\":[{\"$ref\":\"#/definitions/a\"},{\"$ref\":\"#/definitions/a\"}]}},"
		   "\"$ref\":\"#/definitions/a\"}");
	assert_int_equal(vc_schema_check(schema, parsed("1"), "x", &f), ERR_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keywords),
	    cmocka_unit_test(what_cannot_be_evaluated),
	    cmocka_unit_test(patterns),
	    cmocka_unit_test(patterns_that_are_not_taken),
	    cmocka_unit_test(patterns_are_bounded),
	    cmocka_unit_test(work_is_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
