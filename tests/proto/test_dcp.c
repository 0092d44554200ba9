/* Messages of DCP: each as the specification has it; each required member left out or mistyped is refused
 * by its name. */
#include "tests/base/arena_cases.h"

#include <stdio.h>

#include "proto/dcp/message.h"

static enum err read_any(const char *type, json_t *j, struct flaw *f)
{
	static struct dcp_query q;
	static struct dcp_request r;
	static struct dcp_objects o;
	static struct dcp_delivery d;
	static struct dcp_status s;
	if (!strcmp(type, "PresentationQueryMessage")) return dcp_query_read(j, f, &q);
	if (!strcmp(type, "CredentialRequestMessage")) return dcp_request_read(j, f, &r);
	if (!strcmp(type, "CredentialOfferMessage")) return dcp_offer_read(j, f, &o);
	if (!strcmp(type, "IssuerMetadata")) return dcp_metadata_read(j, f, &o);
	if (!strcmp(type, "CredentialMessage")) return dcp_delivery_read(j, f, &d);
	return dcp_status_read(j, f, &s);
}

#define HEAD(type) "{\"@context\":[\"" DCP_CONTEXT "\",\"https://other.example\"],\"type\":\"" type "\","

static const struct {
	const char *type, *text, *required; /* members, besides the two of every message */
} messages[] = {
    {"PresentationQueryMessage", HEAD("PresentationQueryMessage") "\"scope\":[\"a\",\"b\"]}", "scope"},
    {"CredentialRequestMessage",
     HEAD(
	 "CredentialRequestMessage") "\"holderPid\":\"h\",\"credentials\":[{\"id\":\"1\"},{\"id\":\"2\"}]}",
     "holderPid credentials"},
    {"CredentialOfferMessage",
     HEAD("CredentialOfferMessage") "\"issuer\":\"did:web:i\",\"credentials\":[{\"id\":\"1\",\"type\":"
				    "\"CredentialObject\",\"credentialType\":\"Company\",\"offerReason\":"
				    "\"reissue\",\"bindingMethods\":[\"did:web\"],\"issuancePolicy\":{}},"
				    "{\"id\":\"2\"}]}",
     "issuer credentials"},
    {"IssuerMetadata",
     HEAD("IssuerMetadata") "\"issuer\":\"did:web:i\",\"credentialsSupported\":[{\"id\":\"1\",\"type\":"
			    "\"CredentialObject\",\"credentialType\":\"Company\"}]}",
     "issuer credentialsSupported"},
    {"CredentialMessage",
     HEAD("CredentialMessage") "\"issuerPid\":\"i\",\"holderPid\":\"h\",\"status\":\"ISSUED\","
			       "\"credentials\":[{\"credentialType\":\"Company\",\"payload\":\"x.y.z\","
			       "\"format\":\"jwt\"}]}",
     "issuerPid holderPid status credentials"},
    {"CredentialMessage",
     HEAD("CredentialMessage") "\"issuerPid\":\"i\",\"holderPid\":\"h\",\"status\":\"REJECTED\","
			       "\"rejectionReason\":\"no\"}",
     "issuerPid holderPid status"},
    {"CredentialStatus",
     HEAD("CredentialStatus") "\"issuerPid\":\"i\",\"holderPid\":\"h\",\"status\":\"RECEIVED\"}",
     "issuerPid holderPid status"},
};

static json_t *parsed(const char *text)
{
	json_t *j;
	assert_int_equal(json_read(a, str_of(text), NULL, &j), ERR_OK);
	return j;
}

static void refused_at(const char *type, json_t *j, const char *member)
{
	struct flaw f = {0};
	if (read_any(type, j, &f) != ERR_BAD_MESSAGE) fail_msg("%s without %s is accepted", type, member);
	if (!strstr(f.at, member)) fail_msg("%s without %s: told at %s", type, member, f.at);
}

static void every_required_member_is_missed_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		char list[128];
		struct flaw f = {0};
		struct str rest, member;
		if (read_any(messages[i].type, parsed(messages[i].text), &f))
			fail_msg("%s: %s", messages[i].type, f.text);
		(void)snprintf(list, sizeof list, "@context type %s", messages[i].required);
		rest = str_of(list);
		while (rest.p && str_split(&rest, ' ', &member)) {
			char name[32];
			json_t *j = parsed(messages[i].text);
			(void)snprintf(name, sizeof name, "%.*s", STR_ARG(member));
			json_object_del(j, name);
			refused_at(messages[i].type, j, name);
			json_put(j, name, json_true());
			refused_at(messages[i].type, j, name);
		}
	}
}

/* EDC writes the keyword. */
static void the_type_may_be_written_as_a_keyword(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		json_t *j = parsed(messages[i].text), *type = json_incref(json_object_get(j, "type"));
		json_object_del(j, "type");
		json_put(j, "@type", json_incref(type));
		assert_int_equal(read_any(messages[i].type, j, NULL), ERR_OK);
		json_put(j, "@type", json_string("OtherMessage"));
		refused_at(messages[i].type, j, "type");
		json_put(j, "type", type);
		refused_at(messages[i].type, j, "type");
	}
}

static void queries_of_both_or_of_neither(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"\"scope\":[\"a\"],\"presentationDefinition\":{\"id\":\"1\"}", "one-of"},
	    {"\"presentationDefinition\":{}", "type"},
	    {"\"presentationDefinition\":null", "type"},
	    {"\"presentationDefinition\":[]", "type"},
	    {"\"scope\":[]", "count"},
	    {"\"scope\":[1]", "type"},
	    {"\"scope\":[\"\"]", "type"},
	    {"\"x\":1", "count"},
	};
	struct dcp_query q;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct flaw f = {0};
		struct str text = arena_printf(a, HEAD("PresentationQueryMessage") "%s}", rows[i][0]);
		assert_int_equal(dcp_query_read(parsed(text.p), &f, &q), ERR_BAD_MESSAGE);
		assert_string_equal(f.rule, rows[i][1]);
	}
	assert_int_equal(
	    dcp_query_read(
		parsed(HEAD("PresentationQueryMessage") "\"presentationDefinition\":{\"id\":\"1\"}}"), NULL,
		&q),
	    ERR_OK);
	assert_true(q.definition && !q.scopes_n);
}

/* Of "@context" nothing is asked. */
static void answers_of_credential_services(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *rule; /* NULL: it is read */
	} rows[] = {
	    {"\"type\":\"PresentationResponseMessage\",\"presentation\":[]", NULL, NULL},
	    {"\"@type\":\"PresentationResponseMessage\",\"presentation\":[\"a.b.c\",\"d.e.f\"]", NULL,
	     NULL},
	    {"\"presentation\":[\"a.b.c\"]", "type", "value"},
	    {"\"type\":\"PresentationQueryMessage\",\"presentation\":[]", "type", "value"},
	    {"\"type\":\"PresentationResponseMessage\"", "presentation", "missing"},
	    {"\"type\":\"PresentationResponseMessage\",\"presentation\":\"a.b.c\"", "presentation", "type"},
	    {"\"type\":\"PresentationResponseMessage\",\"presentation\":[{}]", "presentation", "format"},
	    {"\"type\":\"PresentationResponseMessage\",\"presentation\":[\"a.b.c\",\"\"]", "presentation",
	     "format"},
	    {"\"type\":\"PresentationResponseMessage\",\"presentation\":[1,2,3,4,5,6,7,8,9]",
	     "presentation", "count"},
	};
	struct dcp_response m, again;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct flaw f = {0};
		struct str text = arena_printf(a, "{%s}", rows[i].text);
		enum err e = dcp_response_read(parsed(text.p), &f, &m);
		assert_int_equal(e, rows[i].at ? ERR_BAD_MESSAGE : ERR_OK);
		if (e) assert_string_equal(f.at, rows[i].at);
		if (e) assert_string_equal(f.rule, rows[i].rule);
		if (e) continue;
		assert_int_equal(dcp_response_read(dcp_response_write(a, &m), NULL, &again), ERR_OK);
		assert_int_equal(again.presentations_n, m.presentations_n);
		for (size_t k = 0; k < m.presentations_n; k++)
			assert_true(str_eq(again.presentations[k], m.presentations[k]));
	}
	assert_int_equal(dcp_message_check(dcp_response_write(a, &m), "PresentationResponseMessage", NULL),
			 ERR_OK);
}

static void bounds(void **state)
{
	(void)state;
	json_t *many = json_keep(a, json_array()), *j = parsed(messages[1].text);
	struct dcp_request r;
	struct flaw f = {0};
	char id[DCP_ID_MAX + 2];
	for (int i = 0; i < DCP_ITEMS_MAX + 1; i++)
		must(!json_array_append_new(many, json_pack("{s:o}", "id", json_sprintf("%d", i))));
	json_put(j, "credentials", json_incref(many));
	assert_int_equal(dcp_request_read(j, &f, &r), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "count");
	json_array_remove(many, 0);
	assert_int_equal(dcp_request_read(j, &f, &r), ERR_OK);
	json_object_set_new(json_array_get(many, 0), "id", json_string("7"));
	assert_int_equal(dcp_request_read(j, &f, &r), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "twice");
	memset(id, 'a', sizeof id);
	id[DCP_ID_MAX + 1] = 0;
	json_put(j, "holderPid", json_string(id));
	assert_int_equal(dcp_request_read(j, &f, &r), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "length");
	json_put(j, "holderPid", json_string("a\nb"));
	assert_int_equal(dcp_request_read(j, &f, &r), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "letters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_required_member_is_missed_by_name),
	    cmocka_unit_test(the_type_may_be_written_as_a_keyword),
	    cmocka_unit_test(queries_of_both_or_of_neither),
	    cmocka_unit_test(answers_of_credential_services),
	    cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
