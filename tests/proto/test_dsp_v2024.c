/* 2024-1 through the mapping: every published example, each with a member removed or mistyped, back again.
 */
#include "tests/proto/cases.h"

#include <dirent.h>

#include "proto/dsp/catalog.h"
#include "proto/dsp/filter.h"
#include "proto/dsp/negotiation.h"
#include "proto/dsp/pointer.h"
#include "proto/dsp/transfer.h"
#include "proto/dsp/v2024.h"

static struct arena *arena;

/* As the type says; the flaw in the names of 2024-1. */
static enum err parse(json_t *old, struct flaw *f, json_t **ret)
{
	union {
		struct dsp_catalog_request cr;
		struct dsp_dataset_request dr;
		struct dsp_catalog c;
		struct dsp_dataset d;
		struct dsp_catalog_error ce;
		struct dsp_contract_request q;
		struct dsp_contract_offer o;
		struct dsp_contract_agreement g;
		struct dsp_agreement_verification v;
		struct dsp_negotiation_event ev;
		struct dsp_negotiation_termination t;
		struct dsp_negotiation n;
		struct dsp_negotiation_error ne;
		struct dsp_transfer_request tr;
		struct dsp_transfer_start ts;
		struct dsp_transfer_completion tc;
		struct dsp_transfer_notice tn;
		struct dsp_transfer tp;
	} m;
	enum dsp_type t;
	json_t *j;
	enum err e = dsp_v2024_read(arena, old, f, &j);

	if (e) return e;
	*ret = j;
	e = dsp_type_of(j, f, &t);
	if (!e) {
		switch (t) {
		case DSP_CATALOG_REQUEST: e = dsp_catalog_request_parse(j, f, &m.cr); break;
		case DSP_DATASET_REQUEST: e = dsp_dataset_request_parse(j, f, &m.dr); break;
		case DSP_CATALOG: e = dsp_catalog_parse(arena, j, f, &m.c); break;
		case DSP_DATASET: e = dsp_dataset_parse(arena, j, f, &m.d); break;
		case DSP_CATALOG_ERROR: e = dsp_catalog_error_parse(j, f, &m.ce); break;
		case DSP_CONTRACT_REQUEST: e = dsp_contract_request_parse(j, f, &m.q); break;
		case DSP_CONTRACT_OFFER: e = dsp_contract_offer_parse(j, f, &m.o); break;
		case DSP_CONTRACT_AGREEMENT: e = dsp_contract_agreement_parse(j, f, &m.g); break;
		case DSP_AGREEMENT_VERIFICATION: e = dsp_agreement_verification_parse(j, f, &m.v); break;
		case DSP_NEGOTIATION_EVENT: e = dsp_negotiation_event_parse(j, f, &m.ev); break;
		case DSP_NEGOTIATION_TERMINATION: e = dsp_negotiation_termination_parse(j, f, &m.t); break;
		case DSP_NEGOTIATION: e = dsp_negotiation_parse(j, f, &m.n); break;
		case DSP_NEGOTIATION_ERROR: e = dsp_negotiation_error_parse(j, f, &m.ne); break;
		case DSP_TRANSFER_REQUEST: e = dsp_transfer_request_parse(j, f, &m.tr); break;
		case DSP_TRANSFER_START: e = dsp_transfer_start_parse(j, f, &m.ts); break;
		case DSP_TRANSFER_COMPLETION: e = dsp_transfer_completion_parse(j, f, &m.tc); break;
		case DSP_TRANSFER_SUSPENSION: e = dsp_transfer_suspension_parse(j, f, &m.tn); break;
		case DSP_TRANSFER_TERMINATION: e = dsp_transfer_termination_parse(j, f, &m.tn); break;
		case DSP_TRANSFER_ERROR: e = dsp_transfer_error_parse(j, f, &m.tn); break;
		case DSP_TRANSFER: e = dsp_transfer_parse(j, f, &m.tp); break;
		case DSP_TYPE_COUNT: fail();
		}
	}
	if (e) dsp_v2024_flaw(j, f);
	return e;
}

#define ROOT "@context @type "
#define PIDS "dspace:providerPid dspace:consumerPid "
#define POLICY(at)                                                                                         \
	at " " at ".@type " at ".@id " at ".odrl:assigner " at ".odrl:permission " at                      \
	   ".odrl:permission[0].odrl:action "
#define ADDRESS                                                                                            \
	"dspace:dataAddress.@type dspace:dataAddress.dspace:endpointType "                                 \
	"dspace:dataAddress.dspace:endpoint dspace:dataAddress.dspace:endpointProperties[0].@type "        \
	"dspace:dataAddress.dspace:endpointProperties[0].dspace:name "                                     \
	"dspace:dataAddress.dspace:endpointProperties[1].dspace:value "

static const struct {
	const char *file, *required;
	bool refused; /* at odrl:operator: "odrl:equals" is no operator of the schema either */
} examples[] = {
    {"catalog/example/catalog-error", ROOT, false},
    {"catalog/example/catalog-request-message", ROOT, false},
    {"catalog/example/dataset-request-message", ROOT "dspace:dataset", false},
    {"catalog/example/catalog",
     ROOT
     "@id dspace:participantId dcat:service[0].@id dcat:service[0].dcat:endpointURL dcat:dataset[0].@id"
     " dcat:dataset[0].odrl:hasPolicy dcat:dataset[0].odrl:hasPolicy[0].odrl:assigner"
     " dcat:dataset[0].dcat:distribution[0].dct:format"
     " dcat:dataset[0].dcat:distribution[0].dcat:accessService",
     false},
    {"catalog/example/dataset",
     "@context @type @id odrl:hasPolicy dcat:distribution odrl:hasPolicy[0].@type "
     "odrl:hasPolicy[0].odrl:permission[0].odrl:constraint[0].odrl:leftOperand "
     "odrl:hasPolicy[0].odrl:permission[0].odrl:constraint[0].odrl:operator "
     "odrl:hasPolicy[0].odrl:permission[0].odrl:constraint[0].odrl:rightOperand",
     false},
    {"negotiation/example/contract-offer-message",
     ROOT "dspace:providerPid dspace:callbackAddress dspace:offer.odrl:target " POLICY("dspace:offer"),
     false},
    {"negotiation/example/contract-offer-message_initial",
     ROOT "dspace:providerPid dspace:callbackAddress " POLICY("dspace:offer"), false},
    {"negotiation/example/contract-request-message",
     ROOT "dspace:consumerPid dspace:callbackAddress " POLICY("dspace:offer"), false},
    {"negotiation/example/contract-request-message_initial",
     ROOT "dspace:consumerPid dspace:callbackAddress " POLICY("dspace:offer"), false},
    {"negotiation/example/contract-agreement-message",
     ROOT PIDS "dspace:callbackAddress dspace:agreement.odrl:target dspace:agreement.odrl:assignee " POLICY(
	 "dspace:agreement"),
     false},
    {"negotiation/example/contract.agreement.message.http.transfer", "", true},
    {"negotiation/example/contract-agreement-verification-message", ROOT PIDS, false},
    {"negotiation/example/contract-negotiation-event-message", ROOT PIDS "dspace:eventType", false},
    {"negotiation/example/contract-negotiation-termination-message", ROOT PIDS, false},
    {"negotiation/example/contract-negotiation", ROOT PIDS "dspace:state", false},
    {"negotiation/example/contract-negotiation-error", ROOT PIDS, false},
    {"transfer/example/transfer-request-message",
     ROOT "dspace:consumerPid dspace:agreementId dct:format dspace:callbackAddress " ADDRESS, false},
    {"transfer/example/transfer-start-message", ROOT PIDS ADDRESS, false},
    {"transfer/example/transfer-completion-message", ROOT PIDS, false},
    {"transfer/example/transfer-suspension-message", ROOT PIDS, false},
    {"transfer/example/transfer-termination-message", ROOT PIDS, false},
    {"transfer/example/transfer-error", ROOT PIDS, false},
    {"transfer/example/transfer-process", ROOT PIDS "dspace:state", false},
};

enum { EXAMPLES = sizeof examples / sizeof *examples };

static json_t *example(size_t i)
{
	char path[256];

	snprintf(path, sizeof path, "dataspace/dsp/2024-1/%s.json", examples[i].file);
	return shared_json(path);
}

static void every_example_is_accepted_and_stays_the_same(void **state)
{
	struct dsp_v2024_more more = {STR("https://us.example/dsp"), STR("did:web:us.example")};

	arena = *state;
	if (!shared_there()) return;
	for (size_t i = 0; i < EXAMPLES; i++) {
		json_t *j = example(i), *new, *old, *again;
		struct flaw f = {0};
		enum err e = parse(j, &f, &new);

		if (examples[i].refused) {
			assert_int_equal(e, ERR_BAD_POLICY);
			assert_string_equal(
			    f.at, "dspace:agreement.odrl:permission[0].odrl:constraint[0].odrl:operator");
			json_decref(j);
			continue;
		}
		if (e) fail_msg("%s: %s at %s: %s", examples[i].file, err_name(e), f.at, f.text);
		old = dsp_v2024_write(arena, new, &more);
		assert_non_null(old);
		assert_true(str_is(member(old, "@context"), DSP_V2024_CONTEXT));
		assert_true(str_eq(member(old, "@type"), member(j, "@type")));
		assert_int_equal(parse(old, &f, &again), ERR_OK);
		if (!json_equal(new, again)) {
			json_dumpf(new, stderr, JSON_INDENT(1));
			json_dumpf(again, stderr, JSON_INDENT(1));
			fail_msg("%s comes back as another message", examples[i].file);
		}
		json_decref(j);
		arena_reset(arena);
	}
}

static void no_example_is_left_out(void **state)
{
	static const char *const folders[] = {"catalog", "negotiation", "transfer"};
	size_t n = 0;

	(void)state;
	if (!shared_there()) return;
	for (size_t i = 0; i < 3; i++) {
		char path[256];
		DIR *d;

		snprintf(path, sizeof path, SHARED_DIR "/dataspace/dsp/2024-1/%s/example", folders[i]);
		d = opendir(path);
		assert_non_null(d);
		for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
		closedir(d);
	}
	assert_int_equal(n, EXAMPLES);
}

/* The object that holds the last member of a path, and that member's name. */
static json_t *holder(json_t *j, struct str path, struct str *ret_key)
{
	struct str part;

	while (str_split(&path, '.', &part)) {
		size_t bracket = str_find(part, '[');
		char key[64];

		if (!path.p && bracket == part.n) {
			*ret_key = part;
			return j;
		}
		snprintf(key, sizeof key, "%.*s", STR_ARG(str_first(part, bracket)));
		j = json_object_get(j, key);
		if (bracket < part.n) j = json_array_get(j, (size_t)(part.p[bracket + 1] - '0'));
		assert_non_null(j);
	}
	return NULL;
}

static void refused_at(const char *file, json_t *j, struct str path, const char *what)
{
	struct flaw f = {0};
	json_t *new;
	enum err e = parse(j, &f, &new);

	if ((e != ERR_BAD_MESSAGE && e != ERR_BAD_POLICY) || !str_is(path, f.at) || !f.rule[0])
		fail_msg("%s, %.*s %s: %s at \"%s\" (%s)", file, STR_ARG(path), what, err_name(e), f.at,
			 f.text);
	assert_true(!strncmp(f.text, f.at, strlen(f.at)));
}

static void each_required_member_is_missed_by_its_name_of_2024(void **state)
{
	size_t n = 0;

	arena = *state;
	if (!shared_there()) return;
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct str rest = str_of(examples[i].required), path, name = STR_NONE;

		while (str_split(&rest, ' ', &path)) {
			json_t *j, *in;
			char key[64];

			if (!path.n) continue;
			j = example(i);
			in = holder(j, path, &name);
			snprintf(key, sizeof key, "%.*s", STR_ARG(name));
			json_object_set_new(in, key, json_true());
			if (!str_ends(path, STR("rightOperand")))
				refused_at(examples[i].file, j, path, "true");
			json_object_set_new(in, key, json_null());
			refused_at(examples[i].file, j, path, "null");
			json_object_del(in, key);
			refused_at(examples[i].file, j, path, "removed");
			n += 3;
			json_decref(j);
			arena_reset(arena);
		}
	}
	printf("%zu broken messages refused by name\n", n);
}

static json_t *text(const char *s)
{
	json_t *j;

	assert_int_equal(json_read(arena, str_of(s), NULL, &j), ERR_OK);
	return j;
}

#define HEAD "{\"@context\":\"" DSP_V2024_CONTEXT "\",\"@type\":"
#define EVENT                                                                                              \
	HEAD "\"dspace:ContractNegotiationEventMessage\",\"dspace:providerPid\":\"p\",\"dspace:"           \
	     "consumerPid\":\"c\","

static void refused(const char *s, const char *at, const char *rule)
{
	struct flaw f = {0};
	json_t *new;

	assert_int_not_equal(parse(text(s), &f, &new), ERR_OK);
	if (strcmp(f.at, at) || strcmp(f.rule, rule)) fail_msg("%s: at %s rule %s", s, f.at, f.rule);
}

static void constants_need_their_prefix_and_names_stand_once(void **state)
{
	json_t *new;
	struct flaw f;

	arena = *state;
	refused(EVENT "\"dspace:eventType\":\"ACCEPTED\"}", "dspace:eventType", "value");
	refused(EVENT "\"dspace:eventType\":\"odrl:ACCEPTED\"}", "dspace:eventType", "value");
	refused(EVENT "\"dspace:eventType\":\"dspace:ACCEPTED\",\"eventType\":\"dspace:FINALIZED\"}",
		"eventType", "twice");
	refused(HEAD "\"ContractNegotiationEventMessage\"}", "@type", "value");
	refused(HEAD "\"dspace:Catalog\"}", "@type", "value");
	refused(HEAD "[\"dspace:CatalogError\"]}", "@type", "type");
	refused("{\"@context\":[\"" DSP_CONTEXT "\"],\"@type\":\"dspace:CatalogError\"}", "@context",
		"context");
	refused("{\"@context\":\"http://169.254.169.254/\",\"@type\":\"dspace:CatalogError\"}", "@context",
		"context");
	refused("[]", "", "type");
	/* of "x" it would come back as ["x"], and a proof over it would break */
	refused(HEAD
		"\"dspace:ContractAgreementMessage\",\"dspace:callbackAddress\":\"u\",\"dspace:agreement\":"
		"{\"@type\":\"odrl:Agreement\",\"odrl:profile\":\"x\"}}",
		"dspace:agreement.odrl:profile", "type");
	assert_int_equal(
	    parse(text(EVENT "\"dspace:eventType\":\"dspace:ACCEPTED\",\"kanhe:x\":{\"a:b\":1}}"), &f,
		  &new),
	    ERR_OK);
	assert_non_null(json_object_get(new, "kanhe:x"));
}

static void terms_of_a_policy_settle_after_one_reading(void **state)
{
	static const char *const actions[] = {"use",
					      "odrl:use",
					      "odrl:odrl:use",
					      "odrl:",
					      "cc:Attribution",
					      "a:b",
					      "odrl:a:b",
					      "http://www.w3.org/ns/odrl/2/use"};

	arena = *state;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		json_t *rules =
			   json_keep(arena, json_pack("{s:[{s:s}]}", "permission", "action", actions[i])),
		       *once, *twice;

		once = dsp_v2024_rules(arena, rules);
		twice = dsp_v2024_rules(arena, dsp_v2024_write(arena, once, NULL));
		json_object_del(twice, "@context");
		if (!json_equal(once, twice)) fail_msg("%s does not settle", actions[i]);
	}
}

/* As catalogs of ours tell it (dataset_meta.h), and as the 2024-1 schema of a resource has it: dates and
 * conformsTo are texts, themes are references, descriptions are texts with their language. */
static void what_a_dataset_says_is_written_by_the_schema_of_2024(void **state)
{
	json_t *new, *old;

	arena = *state;
	new = text("{\"@type\":\"Dataset\",\"@id\":\"d\",\"title\":\"T\",\"description\":\"D\","
		   "\"dct:description\":[{\"@value\":\"D\",\"@language\":\"en\"},"
		   "{\"@value\":\"L\",\"@language\":\"zh\"}],"
		   "\"dct:modified\":{\"@value\":\"2026-11-27T11:02:02Z\",\"@type\":\"xsd:dateTime\"},"
		   "\"dct:issued\":{\"@value\":\"2026-01-01\",\"@type\":\"xsd:date\"},"
		   "\"dct:conformsTo\":[\"urn:a\",\"urn:b\"],\"dcat:theme\":[\"urn:t\",\"urn:u\"]}");
	old =
	    text("{\"@context\":\"" DSP_V2024_CONTEXT "\",\"@type\":\"dcat:Dataset\",\"@id\":\"d\","
		 "\"dct:title\":\"T\",\"dct:description\":[{\"@value\":\"D\",\"@language\":\"en\"},"
		 "{\"@value\":\"L\",\"@language\":\"zh\"}],"
		 "\"dct:modified\":\"2026-11-27T11:02:02Z\",\"dct:issued\":\"2026-01-01\","
		 "\"dct:conformsTo\":\"urn:a\",\"dcat:theme\":[{\"@id\":\"urn:t\"},{\"@id\":\"urn:u\"}]}");
	new = dsp_v2024_write(arena, new, NULL);
	if (!json_equal(new, old)) fail_msg("%s", json_dumps(new, 0));
	/* and what was read comes back the same */
	assert_int_equal(dsp_v2024_read(arena, old, NULL, &new), ERR_OK);
	assert_true(json_is_string(json_array_get(json_object_get(new, "theme"), 1)));
	assert_true(json_equal(dsp_v2024_write(arena, new, NULL), old));
}

static void a_filter_by_time_finds_datasets_of_2024(void **state)
{
	static const char *const wanted[] = {"2026-11-27", "2026-11-28"};
	json_t *d;
	struct dsp_filter q;

	arena = *state;
	assert_int_equal(
	    dsp_v2024_read(arena,
			   text("{\"@context\":\"" DSP_V2024_CONTEXT "\",\"@type\":\"dcat:Dataset\","
				"\"@id\":\"d\",\"dct:modified\":\"2026-11-27T11:02:02Z\"}"),
			   NULL, &d),
	    ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		json_t *f = json_keep(arena, json_pack("[{s:s}]", "modifiedSince", wanted[i]));

		assert_int_equal(dsp_filter_parse(f, NULL, &q), ERR_OK);
		assert_int_equal(dsp_filter_match(&q, d), !i);
	}
}

/* As an Eclipse connector compacts by prefixes of its own; x is a vocabulary of the sender's. */
#define COMPACTED                                                                                          \
	"{\"@context\":{\"dcat\":\"http://www.w3.org/ns/dcat#\",\"dct\":\"http://purl.org/dc/terms/\","    \
	"\"odrl\":\"http://www.w3.org/ns/odrl/2/\",\"dspace\":\"https://w3id.org/dspace/2024/1/\","        \
	"\"d\":\"https://w3id.org/dspace/2024/1/\",\"@vocab\":\"https://x.example/\","                     \
	"\"x\":\"https://x.example/\"},\"@type\":"
#define PIDS_OF(p, c) "\"dspace:providerPid\":" p ",\"dspace:consumerPid\":" c
#define PIDS_COMPACTED PIDS_OF("{\"@id\":\"p\"}", "{\"@id\":\"c\"}")
#define PIDS_PUBLISHED PIDS_OF("\"p\"", "\"c\"")

static const struct {
	const char *compacted, *published;
} pairs[] = {
    {COMPACTED "\"dspace:ContractNegotiationEventMessage\"," PIDS_COMPACTED
	       ",\"dspace:eventType\":{\"@id\":\"dspace:FINALIZED\"}}",
     HEAD "\"dspace:ContractNegotiationEventMessage\"," PIDS_PUBLISHED
	  ",\"dspace:eventType\":\"dspace:FINALIZED\"}"},
    /* by another prefix, by none, and in lists of one */
    {COMPACTED "[\"https://w3id.org/dspace/2024/1/ContractNegotiationEventMessage\"],"
	       "\"d:providerPid\":[{\"@value\":\"p\"}],"
	       "\"https://w3id.org/dspace/2024/1/consumerPid\":[{\"@id\":\"c\"}],"
	       "\"d:eventType\":\"d:FINALIZED\",\"eventType\":\"of another vocabulary\"}",
     HEAD "\"dspace:ContractNegotiationEventMessage\"," PIDS_PUBLISHED
	  ",\"dspace:eventType\":\"dspace:FINALIZED\",\"x:eventType\":\"of another vocabulary\"}"},
    {COMPACTED "\"dspace:CatalogRequestMessage\",\"dspace:filter\":{\"@type\":\"QuerySpec\",\"limit\":50}}",
     HEAD "\"dspace:CatalogRequestMessage\",\"dspace:filter\":[{\"@type\":\"QuerySpec\",\"limit\":50}]}"},
    {COMPACTED "\"dspace:CatalogError\",\"dspace:code\":\"400\",\"dspace:reason\":\"Bad request.\"}",
     HEAD "\"dspace:CatalogError\",\"dspace:code\":\"400\",\"dspace:reason\":[\"Bad request.\"]}"},
    {COMPACTED "\"dspace:TransferRequestMessage\",\"dspace:consumerPid\":{\"@id\":\"c\"},"
	       "\"dspace:agreementId\":{\"@id\":\"g\"},\"dct:format\":{\"@id\":\"HttpData-PULL\"},"
	       "\"dspace:callbackAddress\":\"http://e.example/2024/1\"}",
     HEAD "\"dspace:TransferRequestMessage\",\"dspace:consumerPid\":\"c\","
	  "\"dspace:agreementId\":\"g\",\"dct:format\":\"HttpData-PULL\","
	  "\"dspace:callbackAddress\":\"http://e.example/2024/1\"}"},
    {COMPACTED
     "\"dspace:TransferStartMessage\"," PIDS_COMPACTED
     ",\"dspace:dataAddress\":{\"@type\":\"dspace:DataAddress\","
     "\"dspace:endpointType\":{\"@id\":\"https://w3id.org/idsa/v4.1/HTTP\"},"
     "\"dspace:endpoint\":\"http://e.example/d\",\"dspace:endpointProperties\":"
     "{\"@type\":\"dspace:EndpointProperty\",\"dspace:name\":\"authType\",\"dspace:value\":\"bearer\"}}}",
     HEAD "\"dspace:TransferStartMessage\"," PIDS_PUBLISHED
	  ",\"dspace:dataAddress\":{\"@type\":\"dspace:DataAddress\","
	  "\"dspace:endpointType\":\"https://w3id.org/idsa/v4.1/HTTP\","
	  "\"dspace:endpoint\":\"http://e.example/d\",\"dspace:endpointProperties\":"
	  "[{\"@type\":\"dspace:EndpointProperty\",\"dspace:name\":\"authType\",\"dspace:value\":"
	  "\"bearer\"}]}}"},
    /* rules: single ones, empty ones, terms by reference, operands of other vocabularies by their IRI */
    {COMPACTED
     "\"dspace:ContractAgreementMessage\"," PIDS_COMPACTED ",\"dspace:agreement\":{\"@id\":\"g\","
     "\"@type\":\"odrl:Agreement\",\"odrl:permission\":{\"odrl:action\":{\"@id\":\"odrl:use\"},"
     "\"odrl:constraint\":[{\"odrl:leftOperand\":{\"@id\":\"x:level\"},\"odrl:operator\":{\"@id\":"
     "\"odrl:eq\"},\"odrl:rightOperand\":{\"@value\":\"5\",\"@type\":\"xsd:integer\"}},"
     "{\"odrl:or\":[{\"odrl:leftOperand\":\"plain\",\"odrl:operator\":\"odrl:isAnyOf\","
     "\"odrl:rightOperand\":[{\"@value\":\"a\"},\"b\"]}]}],\"odrl:duty\":{\"odrl:action\":"
     "{\"@id\":\"http://www.w3.org/ns/odrl/2/inform\"}}},\"odrl:prohibition\":[],\"odrl:obligation\":[],"
     "\"odrl:profile\":{\"@id\":\"urn:profile\"},\"odrl:assignee\":{\"@id\":\"did:web:us\"},"
     "\"odrl:assigner\":{\"@id\":\"did:web:e\"},\"odrl:target\":{\"@id\":\"d\"},"
     "\"dspace:timestamp\":\"2026-11-27T16:01:34Z\"}}",
     HEAD
     "\"dspace:ContractAgreementMessage\"," PIDS_PUBLISHED
     ",\"dspace:callbackAddress\":\"http://e.example\","
     "\"dspace:agreement\":{\"@id\":\"g\",\"@type\":\"odrl:Agreement\",\"odrl:permission\":[{"
     "\"odrl:action\":\"odrl:use\",\"odrl:constraint\":[{\"odrl:leftOperand\":\"https://x.example/level\","
     "\"odrl:operator\":\"odrl:eq\",\"odrl:rightOperand\":\"5\"},{\"odrl:or\":[{\"odrl:leftOperand\":"
     "\"plain\",\"odrl:operator\":\"odrl:isAnyOf\",\"odrl:rightOperand\":[\"a\",\"b\"]}]}],"
     "\"odrl:duty\":[{\"odrl:action\":\"odrl:inform\"}]}],\"odrl:profile\":[{\"@id\":\"urn:profile\"}],"
     "\"odrl:assignee\":\"did:web:us\",\"odrl:assigner\":\"did:web:e\",\"odrl:target\":\"d\","
     "\"dspace:timestamp\":\"2026-11-27T16:01:34Z\"}}"},
    /* one dataset, and whose offers these are is said once */
    {COMPACTED
     "\"dcat:Catalog\",\"@id\":\"k\",\"dspace:participantId\":{\"@id\":\"did:web:e\"},"
     "\"dcat:dataset\":{\"@id\":\"d\",\"@type\":\"dcat:Dataset\",\"odrl:hasPolicy\":{\"@id\":\"o\","
     "\"@type\":\"odrl:Offer\",\"odrl:permission\":{\"odrl:action\":{\"@id\":\"odrl:use\"}},"
     "\"odrl:prohibition\":[]},\"dcat:distribution\":{\"@type\":\"dcat:Distribution\","
     "\"dct:format\":{\"@id\":\"HttpData-PULL\"},\"dcat:accessService\":{\"@id\":\"s\","
     "\"@type\":\"dcat:DataService\",\"dcat:endpointURL\":\"http://e.example/2024/1\"}},"
     "\"dct:title\":\"T\",\"title\":\"t\",\"hasPolicy\":\"h\"},\"dcat:catalog\":[],"
     "\"dcat:distribution\":[],\"dcat:service\":{\"@id\":\"s\",\"@type\":\"dcat:DataService\","
     "\"dcat:endpointURL\":\"http://e.example/2024/1\"}}",
     HEAD "\"dcat:Catalog\",\"@id\":\"k\",\"dspace:participantId\":\"did:web:e\","
	  "\"dcat:dataset\":[{\"@id\":\"d\",\"@type\":\"dcat:Dataset\",\"odrl:hasPolicy\":[{\"@id\":\"o\","
	  "\"@type\":\"odrl:Offer\",\"odrl:assigner\":\"did:web:e\",\"odrl:permission\":[{\"odrl:action\":"
	  "\"odrl:use\"}]}],\"dcat:distribution\":[{\"@type\":\"dcat:Distribution\","
	  "\"dct:format\":\"HttpData-PULL\",\"dcat:accessService\":[{\"@id\":\"s\","
	  "\"@type\":\"dcat:DataService\",\"dcat:endpointURL\":\"http://e.example/2024/1\"}]}],"
	  "\"dct:title\":\"T\",\"x:title\":\"t\",\"x:hasPolicy\":\"h\"}],\"dcat:service\":[{\"@id\":\"s\","
	  "\"@type\":\"dcat:DataService\",\"dcat:endpointURL\":\"http://e.example/2024/1\"}]}"},
};

static void what_is_compacted_says_the_same_as_what_is_published(void **state)
{
	arena = *state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		json_t *x, *y;
		struct flaw f = {0};

		if (parse(text(pairs[i].compacted), &f, &x)) fail_msg("%zu: at %s: %s", i, f.at, f.text);
		if (parse(text(pairs[i].published), &f, &y)) fail_msg("%zu: at %s: %s", i, f.at, f.text);
		if (!json_equal(x, y)) fail_msg("%zu:\n%s\n%s", i, json_dumps(x, 0), json_dumps(y, 0));
	}
}

/* What a context does to our prefixes counts, not what they look like. */
static void names_of_other_vocabularies_stay_theirs(void **state)
{
#define CONTEXT_OF(more) "{\"@context\":{\"dspace\":\"https://w3id.org/dspace/2024/1/\"" more "},\"@type\":"
#define VERIFICATION "\"dspace:ContractAgreementVerificationMessage\","
	json_t *new;
	struct flaw f;

	arena = *state;
	refused("{\"@context\":{\"odrl\":\"http://www.w3.org/ns/odrl/2/\"},\"@type\":" VERIFICATION
		    PIDS_PUBLISHED "}",
		"@context", "context");
	refused(CONTEXT_OF("") "\"odrl:ContractAgreementVerificationMessage\"," PIDS_PUBLISHED "}", "@type",
		"value");
	/* no prefix and no vocabulary: nothing is said */
	refused(CONTEXT_OF("") VERIFICATION "\"providerPid\":\"p\",\"dspace:consumerPid\":\"c\"}",
		"dspace:providerPid", "missing");
	refused(CONTEXT_OF(",\"d\":\"https://w3id.org/dspace/2024/1/\"") VERIFICATION PIDS_PUBLISHED
		",\"d:consumerPid\":\"e\"}",
		"dspace:consumerPid", "twice");
	/* the published context beside one of their own */
	assert_int_equal(
	    parse(text("{\"@context\":[\"" DSP_V2024_CONTEXT
		       "\",{\"y\":\"urn:y:\"}],\"@type\":" VERIFICATION PIDS_COMPACTED ",\"y:z\":1}"),
		  &f, &new),
	    ERR_OK);
	assert_non_null(json_object_get(new, "y:z"));
}

static void paths_become_pointers(void **state)
{
	arena = *state;
	assert_str(dsp_pointer(arena, ""), "");
	assert_str(dsp_pointer(arena, "@type"), "/@type");
	assert_str(dsp_pointer(arena, "offer.permission[0].constraint[12].and[1].operator"),
		   "/offer/permission/0/constraint/12/and/1/operator");
	assert_str(dsp_pointer(arena, "a/b~c"), "/a~1b~0c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_example_is_accepted_and_stays_the_same),
	    CASE(no_example_is_left_out),
	    CASE(each_required_member_is_missed_by_its_name_of_2024),
	    CASE(constants_need_their_prefix_and_names_stand_once),
	    CASE(terms_of_a_policy_settle_after_one_reading),
	    CASE(what_a_dataset_says_is_written_by_the_schema_of_2024),
	    CASE(a_filter_by_time_finds_datasets_of_2024),
	    CASE(what_is_compacted_says_the_same_as_what_is_published),
	    CASE(names_of_other_vocabularies_stay_theirs),
	    CASE(paths_become_pointers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
