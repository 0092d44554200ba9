/* JSON Schema of credentials: each keyword, what cannot be evaluated, what must end. */
#include "tests/base/arena_cases.h"

#include <stdio.h>

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
	    {"{\"pattern\":\"^a\"}", "schema-keyword"},
	    {"{\"if\":true}", "schema-keyword"},
	    {"{\"not\":{\"pattern\":\"a\"}}", "schema-keyword"},
	    {"{\"anyOf\":[true,{\"pattern\":\"a\"}]}", "schema-keyword"},
	    {"{\"items\":[true]}", "schema-keyword"},
	    {"{\"$ref\":\"https://x.example/s\"}", "schema-reference"},
	    {"{\"$ref\":\"#/definitions/none\"}", "schema-reference"},
	    {"{\"$ref\":\"#name\"}", "schema-reference"},
	    {"{\"$ref\":\"#\"}", "schema-limit"},
	    {"{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "schema-limit"},
	    {"{\"anyOf\":1}", "schema-form"},
	    {"{\"minimum\":\"1\"}", "schema-form"},
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
	    cmocka_unit_test(work_is_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
