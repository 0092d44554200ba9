/* Messages of Data Plane Signaling against their published schemas: one full example of each type, and what
 * becomes of it when a member goes or changes its kind. */
#include "tests/proto/cases.h"

#include "proto/dps/message.h"

#define ADDRESS                                                                                            \
	"\"dataAddress\":{\"@type\":\"DataAddress\",\"endpointType\":\"" DPS_PROFILE_PUSH                  \
	"\",\"endpoint\":\"https://c.example/in\",\"endpointProperties\":[{\"@type\":"                     \
	"\"EndpointProperty\",\"name\":\"authorization\",\"value\":\"t\"}]}"
#define BASE                                                                                               \
	"\"messageId\":\"m\",\"participantId\":\"p\",\"counterPartyId\":\"c\",\"dataspaceContext\":\"x\"," \
	"\"processId\":\"i\",\"agreementId\":\"a\",\"datasetId\":\"d\",\"profile\":\"" DPS_PROFILE_PULL    \
	"\",\"claims\":{},\"metadata\":{\"k\":1},\"labels\":[\"l\"]"
#define AUTHORIZATION                                                                                      \
	"\"authorization\":{\"type\":\"t\",\"tokenEndpoint\":\"e\",\"clientId\":\"i\","                    \
	"\"clientSecret\":\"s\"}"

static const char *const examples[DPS_TYPE_COUNT] = {
    [DPS_PREPARE] = "{" BASE "}",
    [DPS_START] = "{" BASE "," ADDRESS "}",
    [DPS_STARTED] = "{\"messageId\":\"m\"," ADDRESS "}",
    [DPS_SUSPEND] = "{\"messageId\":\"m\",\"reason\":\"r\"}",
    [DPS_RESUME] = "{\"messageId\":\"m\"," ADDRESS "}",
    [DPS_TERMINATE] = "{\"messageId\":\"m\",\"reason\":\"\"}",
    [DPS_STATUS] =
	"{\"messageId\":\"m\",\"dataFlowId\":\"i\"," ADDRESS ",\"state\":\"PREPARED\",\"error\":\"e\","
	"\"" DPS_USAGE "\":{\"requests\":2,\"octets\":70}}",
    [DPS_STATUS_RESPONSE] = "{\"state\":\"SUSPENDED\",\"dataFlowId\":\"i\"}",
    [DPS_DATA_PLANE] = "{\"dataplaneId\":\"d\",\"endpoint\":\"https://d.example/s\","
		       "\"profiles\":[\"" DPS_PROFILE_PULL "\"]," AUTHORIZATION ",\"labels\":[\"l\"]}",
    [DPS_CONTROL_PLANE] =
	"{\"controlplaneId\":\"d\",\"endpoint\":\"https://c.example/s\"," AUTHORIZATION "}",
};

static json_t *parsed(struct arena *a, const char *text)
{
	json_t *j;

	assert_int_equal(json_read(a, str_of(text), NULL, &j), ERR_OK);
	return j;
}

static void every_type_comes_back(void **state)
{
	for (int t = 0; t < DPS_TYPE_COUNT; t++) {
		json_t *j = parsed(*state, examples[t]), *again;
		struct dps_message m;
		struct flaw f = {0};

		if (dps_parse((enum dps_type)t, j, &f, &m))
			fail_msg("%s: %s %s", dps_type_name((enum dps_type)t), f.at, f.text);
		again = dps_write(*state, (enum dps_type)t, &m);
		if (t != DPS_TERMINATE) assert_true(json_equal(j, again)); /* an empty reason is left out */
	}
}

static void refused(struct arena *a, enum dps_type t, json_t *j, const char *at, const char *rule)
{
	struct dps_message m = {.state = DPS_STARTED_STATE};
	struct flaw f = {0};

	(void)a;
	if (dps_parse(t, j, &f, &m) != ERR_BAD_MESSAGE)
		fail_msg("%s without %s passes", dps_type_name(t), at);
	assert_string_equal(f.at, at);
	assert_string_equal(f.rule, rule);
	assert_int_equal(m.state, DPS_STARTED_STATE); /* nothing is written on failure */
}

static bool holds(json_t *array, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach(array, i, one) if (str_is(json_text(one), text)) return true;
	return false;
}

/* The members of one schema (and required ones), each missed and mistyped. */
static void schema_hold(struct arena *a, enum dps_type t, json_t *schema, size_t *count)
{
	json_t *required = json_object_get(schema, "required"), *unused, *j;
	const char *key;

	json_object_foreach(json_object_get(schema, "properties"), key, unused)
	{
		struct dps_message m;

		j = parsed(a, examples[t]);
		assert_int_equal(json_object_del(j, key), 0); /* the examples are full */
		if (holds(required, key))
			refused(a, t, j, key, "missing");
		else
			assert_int_equal(dps_parse(t, j, NULL, &m), ERR_OK);
		json_put(j, key, json_true());
		refused(a, t, j, key, "type");
		++*count;
	}
}

static void the_schemas_are_held(void **state)
{
	size_t count = 0;
	char path[200];

	if (!shared_there()) skip();
	for (int t = 0; t < DPS_TYPE_COUNT; t++) {
		const char *name = dps_type_name((enum dps_type)t);
		json_t *schema;

		snprintf(path, sizeof path, "dataspace/dps/1.0-rc3/schemas/%s.schema.json", name);
		schema = shared_json(path);
		assert_string_equal(json_string_value(json_object_get(schema, "title")), name);
		schema_hold(*state, (enum dps_type)t, schema, &count);
		json_decref(schema);
		if (t != DPS_PREPARE && t != DPS_START) continue;
		schema = shared_json("dataspace/dps/1.0-rc3/schemas/DataFlowBaseMessage.schema.json");
		schema_hold(*state, (enum dps_type)t, schema, &count);
		json_decref(schema);
	}
	assert_int_equal(count, 2 * 11 + 1 + 2 + 2 + 2 + 2 + 5 + 2 + 5 + 3);
}

static void change(void **state, enum dps_type t, const char *key, json_t *value, const char *at,
		   const char *rule)
{
	json_t *j = parsed(*state, examples[t]);

	json_put(j, key, value);
	refused(*state, t, j, at, rule);
}

static void what_is_wrong_is_named(void **state)
{
	json_t *many = json_array();

	change(state, DPS_START, "messageId", json_string(""), "messageId", "empty");
	change(state, DPS_START, "labels", json_pack("[s,i]", "a", 1), "labels[1]", "type");
	change(state, DPS_START, "dataAddress", json_pack("{s:s}", "@type", "DataAddress"),
	       "dataAddress.endpointType", "missing");
	change(state, DPS_RESUME, "dataAddress",
	       json_pack("{s:s,s:s}", "@type", "Address", "endpointType", "x"), "dataAddress.@type",
	       "value");
	change(state, DPS_STATUS, "state", json_string("started"), "state", "value");
	change(state, DPS_STATUS_RESPONSE, "state", json_string("NONE"), "state", "value");
	change(state, DPS_STATUS, DPS_USAGE, json_integer(7), DPS_USAGE, "type");
	change(state, DPS_STATUS, DPS_USAGE, json_pack("{s:i}", "octets", 7), DPS_USAGE ".requests",
	       "missing");
	change(state, DPS_STATUS, DPS_USAGE, json_pack("{s:i,s:i}", "requests", 1, "octets", -1),
	       DPS_USAGE ".octets", "type");
	change(state, DPS_CONTROL_PLANE, "authorization", json_pack("{s:i}", "clientId", 1),
	       "authorization.clientId", "type");
	for (int i = 0; i <= DPS_ITEMS_MAX; i++) json_array_append_new(many, json_string("p"));
	change(state, DPS_DATA_PLANE, "profiles", many, "profiles", "limit");
	refused(*state, DPS_SUSPEND, parsed(*state, "[]"), "", "type");
}

static void every_state_has_its_name(void **state)
{
	struct dps_message m = {.flow = STR("f")}, back;

	for (int s = DPS_NONE + 1; s < DPS_STATE_END; s++) {
		m.state = (enum dps_state)s;
		assert_int_equal(
		    dps_parse(DPS_STATUS_RESPONSE, dps_write(*state, DPS_STATUS_RESPONSE, &m), NULL, &back),
		    ERR_OK);
		assert_int_equal(back.state, s);
		assert_int_equal(dps_state_final((enum dps_state)s),
				 s == DPS_COMPLETED_STATE || s == DPS_TERMINATED_STATE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_type_comes_back),
	    CASE(the_schemas_are_held),
	    CASE(what_is_wrong_is_named),
	    CASE(every_state_has_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
