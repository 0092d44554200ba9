#include "tests/proto/cases.h"

#include <dirent.h>

#include "proto/dsp/catalog.h"
#include "proto/dsp/negotiation.h"
#include "proto/dsp/transfer.h"
#include "proto/dsp/version.h"

static struct arena *arena; /* of the running test, for the parsers that need one */

#define PAIR(name, type)                                                                                   \
	static enum err name##_read(json_t *j, struct flaw *f, json_t **again)                             \
	{                                                                                                  \
		struct type m;                                                                             \
		enum err e = name##_parse(j, f, &m);                                                       \
		*again = e ? NULL : name##_write(arena, &m);                                               \
		return e;                                                                                  \
	}
#define PAIR_IN_ARENA(name, type)                                                                          \
	static enum err name##_read(json_t *j, struct flaw *f, json_t **again)                             \
	{                                                                                                  \
		struct type m;                                                                             \
		enum err e = name##_parse(arena, j, f, &m);                                                \
		*again = e ? NULL : name##_write(arena, &m);                                               \
		return e;                                                                                  \
	}

PAIR(dsp_catalog_request, dsp_catalog_request)
PAIR(dsp_dataset_request, dsp_dataset_request)
PAIR(dsp_catalog_error, dsp_catalog_error)
PAIR_IN_ARENA(dsp_catalog, dsp_catalog)
PAIR_IN_ARENA(dsp_dataset, dsp_dataset)
PAIR_IN_ARENA(dsp_versions, dsp_versions)
PAIR(dsp_did_service, dsp_did_service)
PAIR(dsp_contract_request, dsp_contract_request)
PAIR(dsp_contract_offer, dsp_contract_offer)
PAIR(dsp_contract_agreement, dsp_contract_agreement)
PAIR(dsp_agreement_verification, dsp_agreement_verification)
PAIR(dsp_negotiation_event, dsp_negotiation_event)
PAIR(dsp_negotiation_termination, dsp_negotiation_termination)
PAIR(dsp_negotiation, dsp_negotiation)
PAIR(dsp_negotiation_error, dsp_negotiation_error)
PAIR(dsp_transfer_request, dsp_transfer_request)
PAIR(dsp_transfer_start, dsp_transfer_start)
PAIR(dsp_transfer_completion, dsp_transfer_completion)
PAIR(dsp_transfer_suspension, dsp_transfer_notice)
PAIR(dsp_transfer_termination, dsp_transfer_notice)
PAIR(dsp_transfer_error, dsp_transfer_notice)
PAIR(dsp_transfer, dsp_transfer)

#define PIDS "providerPid consumerPid"
#define OFFER(at) at " " at ".@type " at ".@id " at ".permission " at ".permission[0].action"
#define CONSTRAINT(at) " " at ".leftOperand " at ".operator " at ".rightOperand"
#define ADDRESS                                                                                            \
	" dataAddress.@type dataAddress.endpointType dataAddress.endpointProperties[0].@type"              \
	" dataAddress.endpointProperties[0].name dataAddress.endpointProperties[0].value"
#define ROOT "@context @type "

static const struct {
	const char *file;
	enum err (*read)(json_t *j, struct flaw *f, json_t **again);
	const char *required; /* paths of members that must be there and of their kind */
} examples[] = {
    {"catalog/catalog-request-message", dsp_catalog_request_read, "@context @type"},
    {"catalog/dataset-request-message", dsp_dataset_request_read, ROOT "dataset"},
    {"catalog/catalog-error", dsp_catalog_error_read, "@context @type"},
    {"catalog/catalog", dsp_catalog_read,
     ROOT "@id participantId service[0].@id service[0].@type service[0].endpointURL dataset[0].@id"
	  " dataset[0].hasPolicy dataset[0].distribution dataset[0].distribution[0].format"
	  " dataset[0].distribution[0].accessService dataset[0].hasPolicy[0].@id"
	  " dataset[0].hasPolicy[0].permission" CONSTRAINT(
	      "dataset[0].hasPolicy[0].permission[0].constraint[0]")},
    {"catalog/nested-catalog", dsp_catalog_read,
     ROOT "@id participantId catalog[0].@id catalog[0].@type catalog[0].service[0].endpointURL"
	  " catalog[0].distribution[0].format"},
    {"catalog/dataset", dsp_dataset_read,
     "@context @id hasPolicy distribution distribution[0].format distribution[0].accessService"
     " distribution[0].accessService.@id distribution[0].accessService.@type"
     " distribution[0].accessService.endpointURL"},
    {"common/protocol-version", dsp_versions_read,
     "protocolVersions protocolVersions[0].version protocolVersions[1].path protocolVersions[2].binding"
     " protocolVersions[1].auth.protocol protocolVersions[1].auth.version"},
    {"common/catalogservice-did-service", dsp_did_service_read, "id type serviceEndpoint"},
    {"common/dataservice-did-service", dsp_did_service_read, "id type serviceEndpoint"},
    {"negotiation/contract-request-message", dsp_contract_request_read,
     ROOT PIDS " " OFFER("offer") CONSTRAINT("offer.permission[0].constraint[0]")},
    {"negotiation/contract-request-message_initial", dsp_contract_request_read,
     ROOT "consumerPid callbackAddress " OFFER("offer")},
    {"negotiation/contract-offer-message", dsp_contract_offer_read,
     ROOT PIDS " offer.target " OFFER("offer")},
    {"negotiation/contract-offer-message_initial", dsp_contract_offer_read,
     ROOT "providerPid callbackAddress offer.target " OFFER("offer")},
    {"negotiation/contract-agreement-message", dsp_contract_agreement_read,
     ROOT PIDS " agreement.target agreement.assigner agreement.assignee " OFFER("agreement")},
    {"negotiation/contract-agreement-message-full", dsp_contract_agreement_read,
     ROOT PIDS " agreement.target agreement.assigner agreement.assignee " OFFER("agreement")
	 CONSTRAINT("agreement.permission[1].constraint[0].and[1]")
	     CONSTRAINT("agreement.permission[6].constraint[0].or[0].and[1]")
		 CONSTRAINT("agreement.permission[5].constraint[0].xone[0]")
		     CONSTRAINT("agreement.permission[4].constraint[0].andSequence[0]")},
    {"negotiation/contract-agreement-verification-message", dsp_agreement_verification_read, ROOT PIDS},
    {"negotiation/contract-negotiation-event-message", dsp_negotiation_event_read, ROOT PIDS " eventType"},
    {"negotiation/contract-negotiation-termination-message", dsp_negotiation_termination_read, ROOT PIDS},
    {"negotiation/contract-negotiation", dsp_negotiation_read, ROOT PIDS " state"},
    {"negotiation/contract-negotiation-error", dsp_negotiation_error_read, ROOT PIDS},
    {"transfer/transfer-request-message", dsp_transfer_request_read,
     ROOT "consumerPid agreementId format callbackAddress" ADDRESS},
    {"transfer/transfer-start-message", dsp_transfer_start_read, ROOT PIDS ADDRESS},
    {"transfer/transfer-completion-message", dsp_transfer_completion_read, ROOT PIDS},
    {"transfer/transfer-suspension-message", dsp_transfer_suspension_read, ROOT PIDS},
    {"transfer/transfer-termination-message", dsp_transfer_termination_read, ROOT PIDS},
    {"transfer/transfer-error", dsp_transfer_error_read, ROOT PIDS},
    {"transfer/transfer-process", dsp_transfer_read, ROOT PIDS " state"},
};

enum { EXAMPLES = sizeof examples / sizeof *examples };

static json_t *example(size_t i)
{
	char path[256];
	snprintf(path, sizeof path, "dataspace/dsp/2025-1/examples/%s.json", examples[i].file);
	return shared_json(path);
}

/* The object that holds the last member of a path, and that member's name. */
static json_t *holder(json_t *j, struct str path, struct str *ret_key)
{
	struct str part;
	while (str_split(&path, '.', &part)) {
		size_t bracket = str_find(part, '[');
		struct str name = str_first(part, bracket);
		if (!path.p && bracket == part.n) {
			*ret_key = part;
			return j;
		}
		char key[64];
		snprintf(key, sizeof key, "%.*s", STR_ARG(name));
		j = json_object_get(j, key);
		if (bracket < part.n) j = json_array_get(j, (size_t)(part.p[bracket + 1] - '0'));
		assert_non_null(j);
	}
	return NULL;
}

static void every_example_is_accepted_and_comes_back(void **state)
{
	size_t n = 0;
	arena = *state;
	if (!shared_there()) return;
	for (size_t i = 0; i < EXAMPLES; i++, n++) {
		json_t *j = example(i), *again;
		struct flaw f = {0};
		if (examples[i].read(j, &f, &again)) fail_msg("%s refused: %s", examples[i].file, f.text);
		assert_non_null(again);
		if (!json_equal(j, again)) {
			json_dumpf(again, stderr, JSON_INDENT(1));
			fail_msg("%s comes back as another message", examples[i].file);
		}
		arena_reset(arena);
		json_decref(j);
	}
	printf("%zu published examples accepted\n", n);
}

static void no_example_is_left_out(void **state)
{
	static const char *const folders[] = {"catalog", "common", "negotiation", "transfer"};
	size_t n = 0;
	(void)state;
	if (!shared_there()) return;
	for (size_t i = 0; i < 4; i++) {
		char path[256];
		snprintf(path, sizeof path, SHARED_DIR "/dataspace/dsp/2025-1/examples/%s", folders[i]);
		DIR *d = opendir(path);
		assert_non_null(d);
		for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
		closedir(d);
	}
	assert_int_equal(n, EXAMPLES);
}

static void refused_at(size_t i, json_t *j, struct str path, const char *what)
{
	struct flaw f = {0};
	json_t *again;
	enum err e = examples[i].read(j, &f, &again);
	/* one of callbackAddress and a pid: the flaw stands at the pair */
	bool pair = !strcmp(f.rule, "one-of");
	if ((e != ERR_BAD_MESSAGE && e != ERR_BAD_POLICY) || (!pair && !str_is(path, f.at)))
		fail_msg("%s, %.*s %s: %s at \"%s\" (%s)", examples[i].file, STR_ARG(path), what,
			 err_name(e), f.at, f.text);
	assert_true(f.rule[0] && f.text[0]);
}

static void each_required_member_is_missed_by_name(void **state)
{
	size_t n = 0;
	arena = *state;
	if (!shared_there()) return;
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct str rest = str_of(examples[i].required), path, name = STR_NONE;
		while (str_split(&rest, ' ', &path)) {
			static json_t *(*const wrong[])(void) = {json_null, json_true, json_object};
			char key[64];
			json_t *j = example(i), *in = holder(j, path, &name);
			snprintf(key, sizeof key, "%.*s", STR_ARG(name));
			assert_non_null(json_object_get(in, key));
			for (size_t k = 0; k < 3; k++) {
				/* an object or nothing is right for some: those miss a member inside */
				bool inner = k == 2;
				if (inner &&
				    (str_ends(path, STR("rightOperand")) || str_is(path, "offer") ||
				     str_is(path, "agreement") || str_ends(path, STR("accessService"))))
					continue;
				json_object_set_new(in, key, wrong[k]());
				refused_at(i, j, path, "of a wrong kind");
				n++;
			}
			json_object_del(in, key);
			refused_at(i, j, path, "removed");
			n++;
			json_decref(j);
			arena_reset(arena);
		}
	}
	printf("%zu broken messages refused by name\n", n);
}

static json_t *parsed(const char *text)
{
	json_t *j;
	struct flaw f;
	if (json_read(arena, str_of(text), &f, &j)) fail_msg("%s: %s", text, f.text);
	return j;
}

static void policy_refused(const char *text, enum odrl_kind kind, const char *at, const char *rule)
{
	struct flaw f = {0};
	struct odrl_policy p;
	enum err e = odrl_check(parsed(text), kind, "offer", &f, &p);
	if (e != ERR_BAD_POLICY || strcmp(f.at, at) || strcmp(f.rule, rule))
		fail_msg("%s: %s at %s rule %s", text, err_name(e), f.at, f.rule);
}

static struct str policy_with(const char *constraint)
{
	return arena_printf(
	    arena,
	    "{\"@type\":\"Offer\",\"@id\":\"o\",\"permission\":[{\"action\":\"use\",\"constraint\":[%s]}]}",
	    constraint);
}

#define ATOM "\"leftOperand\":\"a\",\"operator\":\"eq\",\"rightOperand\":\"b\""
#define POLICY(more) "{\"@type\":\"Offer\",\"@id\":\"o\"," more "}"

static void policies_are_held_to_shape_and_limits(void **state)
{
	arena = *state;
	policy_refused(POLICY("\"obligation\":[{\"action\":\"use\"}]"), ODRL_OFFER, "offer.permission",
		       "missing");
	policy_refused(POLICY("\"permission\":[]"), ODRL_OFFER, "offer.permission", "empty");
	policy_refused(POLICY("\"target\":\"t\",\"permission\":[{\"action\":\"use\"}]"), ODRL_OFFER,
		       "offer.target", "target");
	policy_refused(POLICY("\"permission\":[{\"action\":\"use\",\"target\":\"t\"}]"), ODRL_OFFER,
		       "offer.permission[0].target", "target");
	policy_refused(POLICY("\"permission\":[{\"action\":{}}]"), ODRL_OFFER, "offer.permission[0].action",
		       "type");
	policy_refused(POLICY("\"profile\":[1],\"permission\":[{\"action\":\"use\"}]"), ODRL_OFFER,
		       "offer.profile", "type");
#define AT "offer.permission[0].constraint[0]"
	policy_refused(policy_with("{\"and\":[],\"or\":[]}").p, ODRL_OFFER, AT ".or", "one-of");
	policy_refused(policy_with("{\"and\":[]," ATOM "}").p, ODRL_OFFER, AT ".and", "one-of");
	policy_refused(
	    policy_with("{\"leftOperand\":\"a\",\"operator\":\"like\",\"rightOperand\":\"b\"}").p,
	    ODRL_OFFER, AT ".operator", "value");
	policy_refused(policy_with("{\"leftOperand\":\"a\",\"operator\":\"eq\",\"rightOperand\":3}").p,
		       ODRL_OFFER, AT ".rightOperand", "type");
	struct buf deep = BUF_INIT(1 << 16), many = BUF_INIT(1 << 20);
	for (size_t levels = ODRL_DEPTH_MAX - 1; levels <= ODRL_DEPTH_MAX; levels++) {
		buf_clear(&deep);
		for (size_t i = 0; i < levels; i++) buf_add(&deep, STR("{\"or\":["));
		buf_add(&deep, STR("{" ATOM "}"));
		for (size_t i = 0; i < levels; i++) buf_add(&deep, STR("]}"));
		buf_byte(&deep, 0);
		struct flaw f;
		struct odrl_policy p;
		enum err e = odrl_check(parsed(policy_with(deep.p).p), ODRL_OFFER, "offer", &f, &p);
		assert_int_equal(e, levels < ODRL_DEPTH_MAX ? ERR_OK : ERR_BAD_POLICY);
		if (e) assert_string_equal(f.rule, "limit");
	}
	for (size_t count = ODRL_CONSTRAINTS_MAX; count <= ODRL_CONSTRAINTS_MAX + 1; count++) {
		buf_clear(&many);
		for (size_t i = 0; i < count; i++)
			buf_add(&many, i ? STR(",{" ATOM "}") : STR("{" ATOM "}"));
		buf_byte(&many, 0);
		struct flaw f;
		struct odrl_policy p;
		enum err e = odrl_check(parsed(policy_with(many.p).p), ODRL_OFFER, "offer", &f, &p);
		assert_int_equal(e, count <= ODRL_CONSTRAINTS_MAX ? ERR_OK : ERR_BAD_POLICY);
	}
	buf_clear(&many);
	buf_add(&many, STR("{\"leftOperand\":\"a\",\"operator\":\"eq\",\"rightOperand\":[\""));
	for (size_t i = 0; i < ODRL_SIZE_MAX; i++) buf_byte(&many, 'x');
	buf_add(&many, STR("\"]}\0"));
	policy_refused(policy_with(many.p).p, ODRL_OFFER, "offer", "limit");
	buf_done(&deep);
	buf_done(&many);
}

static void agreements_have_a_date_time_or_none(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} times[] = {
	    {"2023-01-01T01:00:00Z", true},        {"2023-01-01T01:00:00", true},
	    {"2023-01-01T01:00:00.5+08:00", true}, {"-0044-03-15T24:00:00.0Z", true},
	    {"2023-01-01T01:00:00-14:00", true},   {"2023-01-01T01:00Z", false},
	    {"2023-13-01T01:00:00Z", false},       {"2023-01-32T01:00:00Z", false},
	    {"2023-01-01T24:00:01Z", false},       {"2023-01-01T25:00:00Z", false},
	    {"2023-01-01T01:60:00Z", false},       {"2023-01-01T01:00:00+14:30", false},
	    {"2023-01-01T01:00:00Zx", false},      {"2023-01-01", false},
	    {"2023-01-01T01:00:00.Z", false},      {"2023-01-01T01:00:00+15:00", false},
	    {"2023-01-01T01:00:00Z+01:00", false},
	};
	arena = *state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct str s = arena_printf(
		    arena,
		    "{\"@type\":\"Agreement\",\"@id\":\"a\",\"target\":\"t\",\"assigner\":\"p\","
		    "\"assignee\":\"c\",\"timestamp\":\"%s\",\"permission\":[{\"action\":\"use\"}]}",
		    times[i].text);
		struct odrl_policy p;
		if (!odrl_check(parsed(s.p), ODRL_AGREEMENT, "agreement", NULL, &p) != times[i].ok)
			fail_msg("%s", times[i].text);
	}
}

#define CONTEXT "\"@context\":[\"" DSP_CONTEXT "\"]"
#define REQUEST(more)                                                                                      \
	"{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"c\",\"offer\":"               \
	"{\"@type\":\"Offer\",\"@id\":\"o\",\"permission\":[{\"action\":\"use\"}]}" more "}"

static void request_refused(const char *text, const char *at, const char *rule)
{
	struct flaw f = {0};
	struct dsp_contract_request m;
	enum err e = dsp_contract_request_parse(parsed(text), &f, &m);
	if (!e || strcmp(f.at, at) || strcmp(f.rule, rule))
		fail_msg("%s: %s at %s rule %s", text, err_name(e), f.at, f.rule);
}

static void requests_have_exactly_one_return_address(void **state)
{
	arena = *state;
	request_refused(REQUEST(""), "callbackAddress", "one-of");
	request_refused(REQUEST(",\"callbackAddress\":\"u\",\"providerPid\":\"p\""), "callbackAddress",
			"one-of");
	request_refused(REQUEST(",\"callbackAddress\":\"\""), "callbackAddress", "empty");
	request_refused(REQUEST(",\"providerPid\":null"), "providerPid", "type");
	request_refused("{\"@context\":\"" DSP_CONTEXT "\"}", "@context", "type");
	request_refused("{\"@context\":[]}", "@context", "context");
	request_refused("{\"@context\":[\"" DSP_CONTEXT "\",{}]}", "@context", "type");
	request_refused("{" CONTEXT ",\"@type\":\"CatalogRequestMessage\"}", "@type", "value");
	request_refused("[]", "", "type");
	struct dsp_contract_request m;
	json_t *j = parsed(REQUEST(",\"callbackAddress\":\"u\",\"@id\":\"x\",\"kanhe:proof\":{\"v\":1}"));
	assert_int_equal(dsp_contract_request_parse(j, NULL, &m), ERR_OK);
	assert_true(m.root == j && json_object_get(m.root, "kanhe:proof"));
}

static void extensions_are_carried(void **state)
{
	arena = *state;
	struct dsp_transfer_notice m = {.pids = {STR("c"), STR("p")}, .reason = {.text = STR("over")}},
				   back;
	m.extra = parsed("{\"kanhe:evidence\":\"x\"}");
	json_t *j = dsp_transfer_termination_write(arena, &m);
	struct str s = json_write(arena, j, false);
	assert_int_equal(dsp_transfer_termination_parse(parsed(s.p), NULL, &back), ERR_OK);
	assert_str(back.reason.text, "over");
	assert_str(json_text(json_object_get(back.root, "kanhe:evidence")), "x");
	enum dsp_type t;
	assert_int_equal(dsp_type_of(j, NULL, &t), ERR_OK);
	assert_int_equal(t, DSP_TRANSFER_TERMINATION);

	struct dsp_data_address d = {.present = true,
				     .endpoint_type = STR("https://w3id.org/idsa/v4.1/HTTP")};
	assert_int_equal(dsp_data_address_add(arena, &d, "authorization", STR("t")), ERR_OK);
	assert_int_equal(dsp_data_address_add(arena, &d, "authType", STR("bearer")), ERR_OK);
	struct dsp_transfer_start start = {.pids = m.pids, .address = d}, got;
	assert_int_equal(dsp_transfer_start_parse(dsp_transfer_start_write(arena, &start), NULL, &got),
			 ERR_OK);
	assert_str(dsp_data_address_property(&got.address, "authType"), "bearer");
	assert_null(dsp_data_address_property(&got.address, "none").p);
}

static void catalogs_inside_catalogs_end(void **state)
{
	arena = *state;
	struct buf b = BUF_INIT(1 << 16);
	buf_add(&b, STR("{" CONTEXT ",\"@type\":\"Catalog\",\"@id\":\"c\",\"participantId\":\"p\""));
	for (size_t i = 0; i < DSP_DEPTH_MAX + 1; i++)
		buf_add(&b, STR(",\"catalog\":[{\"@type\":\"Catalog\",\"@id\":\"c\""));
	for (size_t i = 0; i < DSP_DEPTH_MAX + 1; i++) buf_add(&b, STR("}]"));
	buf_add(&b, STR("}\0"));
	struct dsp_catalog m;
	struct flaw f;
	assert_int_equal(dsp_catalog_parse(arena, parsed(b.p), &f, &m), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "limit");
	buf_done(&b);
	json_t *j = parsed(
	    "{" CONTEXT ",\"@type\":\"Catalog\",\"@id\":\"c\",\"participantId\":\"p\",\"hasPolicy\":[]}");
	assert_int_equal(dsp_catalog_parse(arena, j, &f, &m), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "not-allowed");
	struct dsp_catalog empty = {.id = STR("c"), .participant_id = STR("p")};
	assert_int_equal(dsp_catalog_parse(arena, dsp_catalog_write(arena, &empty), &f, &m), ERR_OK);
	assert_int_equal(m.datasets_n, 0);
}

#define CATALOG(more) "{" CONTEXT ",\"@type\":\"Catalog\",\"@id\":\"c\",\"participantId\":\"p\"" more "}"
#define DATASET(offers, ways)                                                                              \
	CATALOG(",\"dataset\":[{\"@id\":\"d\",\"@type\":\"Dataset\",\"hasPolicy\":" offers                 \
		",\"distribution\":" ways "}]")

/* As EDC writes them, and what a schema of minItems 1 would refuse; never written again. */
static void a_catalog_that_offers_nothing_is_read(void **state)
{
	static const char *const none[] = {"dataset", "catalog", "service", "distribution"};
	struct dsp_catalog m;
	struct flaw f = {0};
	json_t *j, *again;

	arena = *state;
	j = parsed(CATALOG(",\"dataset\":[],\"catalog\":[],\"service\":[],\"distribution\":[]"));
	if (dsp_catalog_parse(arena, j, &f, &m)) fail_msg("%s", f.text);
	assert_int_equal(m.datasets_n + m.catalogs_n + m.services_n + m.distributions_n, 0);
	again = dsp_catalog_write(arena, &m);
	for (size_t i = 0; i < 4; i++) assert_null(json_object_get(again, none[i]));
	j = parsed(CATALOG(",\"catalog\":[{\"@type\":\"Catalog\",\"@id\":\"i\",\"dataset\":[]}]"));
	if (dsp_catalog_parse(arena, j, &f, &m)) fail_msg("%s", f.text);
	j = parsed(
	    DATASET("[{\"@type\":\"Offer\",\"@id\":\"o\",\"permission\":[{\"action\":\"use\"}]}]", "[]"));
	if (dsp_catalog_parse(arena, j, &f, &m)) fail_msg("%s", f.text);
	assert_int_equal(m.datasets[0].distributions_n, 0);
	assert_int_equal(dsp_catalog_parse(arena, dsp_catalog_write(arena, &m), &f, &m), ERR_OK);
	assert_int_equal(dsp_catalog_parse(arena, parsed(DATASET("[]", "[]")), &f, &m), ERR_BAD_MESSAGE);
	assert_string_equal(f.at, "dataset[0].hasPolicy");
	assert_int_equal(dsp_catalog_parse(arena, parsed(CATALOG(",\"dataset\":null")), &f, &m),
			 ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "type");
}

static void versions_are_found(void **state)
{
	arena = *state;
	struct dsp_version v[] = {{.version = STR("2024-1"), .path = STR("/old")},
				  {.version = STR(DSP_VERSION), .path = STR("/dsp")}};
	struct dsp_versions m = {.versions = v, .versions_n = 2}, back;
	assert_int_equal(dsp_versions_parse(arena, dsp_versions_write(arena, &m), NULL, &back), ERR_OK);
	const struct dsp_version *found = dsp_versions_find(&back, STR(DSP_VERSION));
	assert_non_null(found);
	assert_str(found->path, "/dsp");
	assert_str(found->binding, "HTTPS");
	assert_null(dsp_versions_find(&back, STR("2026-1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_example_is_accepted_and_comes_back),
	    CASE(no_example_is_left_out),
	    CASE(each_required_member_is_missed_by_name),
	    CASE(policies_are_held_to_shape_and_limits),
	    CASE(agreements_have_a_date_time_or_none),
	    CASE(requests_have_exactly_one_return_address),
	    CASE(extensions_are_carried),
	    CASE(catalogs_inside_catalogs_end),
	    CASE(a_catalog_that_offers_nothing_is_read),
	    CASE(versions_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
