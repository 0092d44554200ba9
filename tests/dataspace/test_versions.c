/* Two real nodes, one of them limited to version 2024-1 of the protocol, and the version document. */
#include "tests/dataspace/pair.h"

#include "dataspace/agreement.h"
#include "dataspace/dialect.h"
#include "dataspace/negotiation.h"
#include "dataspace/transfer.h"
#include "proto/dsp/v2024.h"
#include "proto/dsp/version.h"

static void limit(struct node *n, const char *dsp)
{
	node_stop(n);
	n->dsp = dsp;
	node_start(n);
}

static void assert_row_dialects(struct node *n, const char *participant, const char *negotiation,
				const char *transfer)
{
	struct store_txn *t;
	Ds__Negotiation *row;
	Ds__Transfer *x;

	assert_int_equal(store_read(n->store, &t), ERR_OK);
	assert_int_equal(negotiation_find(t, n->arena, str_of(participant), str_of(negotiation), &row),
			 ERR_OK);
	assert_int_equal(row->dialect, DS_DIALECT_2024_1);
	assert_non_null(strstr(row->callback, "/dsp/2024-1"));
	assert_int_equal(ds_transfer_find(t, n->arena, str_of(participant), str_of(transfer), &x), ERR_OK);
	assert_int_equal(x->dialect, DS_DIALECT_2024_1);
	store_read_end(t);
}

/* The proofs of both sides hold although the agreement went over the wire in other names. */
static void assert_both_signed(struct node *n, const char *participant, const char *id)
{
	struct store_txn *t;
	Ds__Agreement *g;

	assert_int_equal(store_read(n->store, &t), ERR_OK);
	assert_int_equal(ds_agreement_find(t, n->arena, str_of(participant), str_of(id), &g), ERR_OK);
	assert_true(g->provider_signed && g->consumer_signed);
	assert_int_equal(g->dialect, DS_DIALECT_2024_1);
	store_read_end(t);
}

/* From the catalog to the last octet, with both signatures on the agreement and meters that agree. */
static void exchange(const char *dataset)
{
	struct str content = octets(200000, 7);
	const char *agreement, *pid;
	struct answer a;

	publish(dataset, "{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":\"5\"}",
		content);
	a = buyer_call("POST", "/catalog", text("{\"provider\":\"%s\"}", node_did(&pair.maker, "maker")));
	assert_int_equal(a.status, 200);
	assert_non_null(memmem(a.body.p, a.body.n, dataset, strlen(dataset)));
	assert_null(memmem(a.body.p, a.body.n, "dcat:", 5)); /* owners see one form */
	agreement = agree(dataset);
	assert_both_signed(&pair.maker, "maker", agreement);
	assert_both_signed(&pair.buyer, "buyer", agreement);
	pid = pull(agreement, "");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_int_equal(count(&a, "octets"), content.n);
	a = buyer_call("GET", text("/agreements/%s", agreement), NULL);
	assert_row_dialects(&pair.buyer, "buyer", answer_text(&a, "negotiation"), pid);
	assert_meters(agreement, 1, 1, content.n);
}

static void test_a_provider_of_2024_1_is_a_partner(void **state)
{
	(void)state;
	limit(&pair.maker, "2024-1");
	exchange("old-provider");
	assert_int_equal(
	    node_call(&pair.maker, "POST", "/p/maker/dsp/2025-1/catalog/request", NULL, "{}").status, 404);
	limit(&pair.maker, NULL);
}

static void test_a_consumer_of_2024_1_is_a_partner(void **state)
{
	(void)state;
	limit(&pair.buyer, "2024-1");
	exchange("old-consumer");
	limit(&pair.buyer, NULL);
}

static void test_two_that_speak_both_take_2025_1(void **state)
{
	struct store_txn *t;
	Ds__Agreement *g;
	const char *id;

	(void)state;
	publish("new-both", "", octets(1000, 3));
	id = agree("new-both");
	assert_int_equal(store_read(pair.buyer.store, &t), ERR_OK);
	assert_int_equal(ds_agreement_find(t, pair.buyer.arena, STR("buyer"), str_of(id), &g), ERR_OK);
	store_read_end(t);
	assert_int_equal(g->dialect, DS_DIALECT_2025_1);
}

static void test_nothing_in_common_is_said(void **state)
{
	struct answer a;

	(void)state;
	limit(&pair.maker, "2024-1");
	limit(&pair.buyer, "2025-1");
	a = buyer_call("POST", "/negotiations",
		       text("{\"provider\":\"%s\",\"dataset\":\"x\"}", node_did(&pair.maker, "maker")));
	assert_int_equal(a.status, 502);
	assert_non_null(memmem(a.body.p, a.body.n, "no version of the protocol", 26));
	limit(&pair.maker, NULL);
	limit(&pair.buyer, NULL);
}

static void test_tells_its_versions(void **state)
{
	struct answer a = node_call(&pair.maker, "GET", "/p/maker/.well-known/dspace-version", NULL, NULL);
	const struct dsp_version *v;
	struct dsp_versions all;
	struct str base;
	uint32_t dialect;

	(void)state;
	assert_int_equal(a.status, 200);
	assert_int_equal(dsp_versions_parse(pair.maker.arena, a.json, NULL, &all), ERR_OK);
	assert_int_equal(all.versions_n, 2);
	assert_non_null(v = dsp_versions_find(&all, STR("2025-1")));
	assert_true(str_is(v->path, "/dsp/2025-1") && str_is(v->binding, "HTTPS"));
	assert_true(str_is(v->service_id, node_did(&pair.maker, "maker")) &&
		    str_is(v->identifier_type, "did:web"));
	assert_true(!v->auth_protocol.n); /* this node accepts no presentations */
	assert_non_null(dsp_versions_find(&all, STR("2024-1")));
	assert_string_equal(answer_text(&a, "@context"), DSP_V2024_CONTEXT);
	assert_int_equal(ds_dialect_choose(pair.maker.arena, pair.maker.d, a.json,
					   STR("https://p.example/x"), NULL, &dialect, &base),
			 ERR_OK);
	assert_int_equal(dialect, DS_DIALECT_2025_1);
	assert_true(str_is(base, "https://p.example/x/dsp/2025-1"));
	/* at the node's root too, as long as it has one participant */
	a = node_call(&pair.maker, "GET", "/.well-known/dspace-version", NULL, NULL);
	assert_int_equal(a.status, 200);
	assert_int_equal(dsp_versions_parse(pair.maker.arena, a.json, NULL, &all), ERR_OK);
	assert_non_null(v = dsp_versions_find(&all, STR("2025-1")));
	assert_true(str_is(v->path, "/p/maker/dsp/2025-1"));
}

/* Eclipse connectors name the version otherwise, and tell of older ones. */
static void test_takes_the_version_by_the_name_of_eclipse(void **state)
{
	static const struct {
		const char *base;
		int dialect; /* -1: none that is named */
	} bases[] = {{"https://e.example/protocol/2024/1", DS_DIALECT_2024_1},
		     {"https://k.example/p/x/dsp/2024-1", DS_DIALECT_2024_1},
		     {"https://e.example/protocol/2025-1", DS_DIALECT_2025_1},
		     {"https://e.example/protocol", -1}};
	const char *doc =
	    "{\"protocolVersions\":[{\"version\":\"v0.8\",\"path\":\"/\",\"binding\":\"HTTPS\"},"
	    "{\"version\":\"2024/1\",\"path\":\"/2024/1\",\"binding\":\"HTTPS\"}]}";
	struct str base;
	uint32_t dialect;
	json_t *j;

	(void)state;
	assert_int_equal(json_read(pair.buyer.arena, str_of(doc), NULL, &j), ERR_OK);
	assert_int_equal(ds_dialect_choose(pair.buyer.arena, pair.buyer.d, j,
					   STR("https://e.example/protocol"), NULL, &dialect, &base),
			 ERR_OK);
	assert_int_equal(dialect, DS_DIALECT_2024_1);
	assert_true(str_is(base, "https://e.example/protocol/2024/1"));
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
		assert_int_equal(ds_dialect_of_base(str_of(bases[i].base), &dialect),
				 bases[i].dialect >= 0);
		if (bases[i].dialect >= 0) assert_int_equal(dialect, bases[i].dialect);
	}
}

/* A path that would lead to another host, or that is none. */
static void test_refuses_paths_that_lead_away(void **state)
{
	static const char *const paths[] = {"@evil.example/", ".evil.example/", "//evil.example/", "/a?b=",
					    "/a#b",           "/a b",           "/a\\\\b",         "dsp",
					    "/\\u0000"};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct str base,
		    doc = str_of(text("{\"protocolVersions\":[{\"version\":\"2025-1\",\"path\":\"%s\","
				      "\"binding\":\"HTTPS\"}]}",
				      paths[i]));
		struct flaw f = {0};
		uint32_t dialect;
		json_t *j;

		if (json_read(pair.buyer.arena, doc, &f, &j)) continue; /* NUL */
		if (!ds_dialect_choose(pair.buyer.arena, pair.buyer.d, j, STR("https://p.example"), &f,
				       &dialect, &base))
			fail_msg("took %s", paths[i]);
	}
}

static struct answer in_2024(const char *path, const char *body)
{
	return node_call(&pair.maker, "POST", text("/p/maker/dsp/2024-1%s", path),
			 node_partner_token(&pair.buyer, "buyer", node_did(&pair.maker, "maker")), body);
}

#define HEAD "{\"@context\":\"" DSP_V2024_CONTEXT "\",\"@type\":"

static void test_refuses_in_the_words_of_2024_1(void **state)
{
	struct answer a;

	(void)state;
	a = in_2024("/catalog/request", HEAD "\"dspace:CatalogRequestMessage\",\"dspace:filter\":7}");
	assert_int_equal(a.status, 400);
	assert_string_equal(answer_text(&a, "@type"), "dspace:CatalogError");
	assert_string_equal(answer_text(&a, "@context"), DSP_V2024_CONTEXT);
	assert_non_null(memmem(a.body.p, a.body.n, "\"/dspace:filter\"", 16));
	a = in_2024(
	    "/negotiations/request", HEAD
	    "\"dspace:ContractRequestMessage\",\"dspace:consumerPid\":\"c\",\"dspace:callbackAddress\":"
	    "\"http://x.example\",\"dspace:offer\":{\"@type\":\"odrl:Offer\",\"@id\":\"o\","
	    "\"odrl:assigner\":\"a\",\"odrl:permission\":[{}]}}");
	assert_int_equal(a.status, 400);
	assert_string_equal(answer_text(&a, "@type"), "dspace:ContractNegotiationError");
	assert_non_null(memmem(a.body.p, a.body.n, "\"/dspace:offer/odrl:permission/0/odrl:action\"", 45));
	a = in_2024("/transfers/request",
		    HEAD "\"dspace:TransferRequestMessage\",\"dspace:consumerPid\":\"c\"}");
	assert_int_equal(a.status, 400);
	assert_string_equal(answer_text(&a, "@type"), "dspace:TransferError");
	/* the words of the other version */
	a = in_2024("/catalog/request",
		    "{\"@context\":[\"" DSP_CONTEXT "\"],\"@type\":\"CatalogRequestMessage\"}");
	assert_int_equal(a.status, 400);
	a = in_2024("/catalog/request", HEAD "\"dspace:CatalogRequestMessage\"}");
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "@type"), "dcat:Catalog");
}

/* As the published examples have reasons: texts with a language. */
static void test_tells_reasons_of_2024_1(void **state)
{
	const char *pid, *peer_pid;
	struct answer a;

	(void)state;
	limit(&pair.buyer, "2024-1");
	publish("old-reason", "", octets(200000, 11));
	pid = pull(agree("old-reason"), ",\"rate\":1000");
	a = await(pid, "STARTED");
	peer_pid = answer_text(&a, "peer_pid");
	a = in_2024(text("/transfers/%s/termination", peer_pid),
		    text(HEAD "\"dspace:TransferTerminationMessage\",\"dspace:providerPid\":\"%s\","
			      "\"dspace:consumerPid\":\"%s\",\"dspace:code\":\"9\",\"dspace:reason\":"
			      "[{\"@value\":\"Sold out.\",\"@language\":\"en\"},"
			      "{\"@value\":\"Ausverkauft.\",\"@language\":\"de\"}]}",
			 peer_pid, pid));
	assert_int_equal(a.status, 200);
	a = maker_call("GET", text("/transfers/%s", peer_pid), NULL);
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_string_equal(answer_text(&a, "reason"), "Sold out.");
	limit(&pair.buyer, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_provider_of_2024_1_is_a_partner),
	    cmocka_unit_test(test_a_consumer_of_2024_1_is_a_partner),
	    cmocka_unit_test(test_two_that_speak_both_take_2025_1),
	    cmocka_unit_test(test_nothing_in_common_is_said),
	    cmocka_unit_test(test_tells_its_versions),
	    cmocka_unit_test(test_takes_the_version_by_the_name_of_eclipse),
	    cmocka_unit_test(test_refuses_paths_that_lead_away),
	    cmocka_unit_test(test_refuses_in_the_words_of_2024_1),
	    cmocka_unit_test(test_tells_reasons_of_2024_1),
	};
	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
