/* Pushes over real sockets: the buyer's own node is the sink, a dataset of its the place. */
#include "tests/dataspace/pair.h"

#include <stdio.h>

#include "base/hash.h"

#define ONCE "{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":1}"

static const char *hex_of(struct str content)
{
	unsigned char d[HASH_SHA256];
	char hex[2 * HASH_SHA256 + 1] = {0};

	hash_sha256(content, d);
	hex_write(d, sizeof d, hex);
	return text("%s", hex);
}

static const char *to_sink(const char *dataset, const char *token)
{
	return text(",\"sink\":\"%s/participants/buyer/datasets/%s/content\",\"sinkMethod\":\"PUT\","
		    "\"sinkAuthorization\":\"%s\"",
		    pair.buyer.url, dataset, token);
}

static struct str dataset_of(const char *id)
{
	return buyer_call("GET", text("/datasets/%s", id), NULL).body;
}

static bool has(struct str body, const char *part)
{
	return body.n && strstr(text("%.*s", STR_ARG(body)), part);
}

static void test_the_provider_sends_and_counts(void **state)
{
	struct str content = octets(900 << 10, 11);
	const char *agreement, *pid;
	struct answer a;
	json_t *m;

	(void)state;
	publish("pushed", ONCE, content);
	agreement = agree("pushed");
	pid = pull(agreement, to_sink("arrived", pair.buyer_owner));
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "format"), "HttpData-PUSH");
	assert_true(has(dataset_of("arrived"), hex_of(content)));
	m = await_meter(maker_call, agreement, "alone");
	assert_int_equal(json_integer_value(json_object_get(m, "requests")), 1);
	assert_int_equal(json_integer_value(json_object_get(m, "octets")), content.n);

	/* the count is used up: refused before anything is sent */
	pid = pull(agreement, to_sink("again", pair.buyer_owner));
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "count: limit 1, actual 1"));
	assert_int_equal(buyer_call("GET", "/datasets/again", NULL).status, 404);
}

static void test_a_sink_that_refuses_ends_it(void **state)
{
	const char *pid;
	struct answer a;

	(void)state;
	publish("unwanted", "", octets(1000, 12));
	pid = pull(agree("unwanted"), to_sink("nowhere", "not-a-token"));
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "the sink answers 401"));
	assert_int_equal(buyer_call("GET", "/datasets/nowhere", NULL).status, 404);
}

static void test_a_sink_must_be_an_address(void **state)
{
	struct answer a;

	(void)state;
	publish("nowhere-to", "", octets(1000, 13));
	a = buyer_call("POST", "/transfers",
		       text("{\"agreement\":\"%s\",\"sink\":\"file:///etc/passwd\"}", agree("nowhere-to")));
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "sink"));
	a = buyer_call(
	    "POST", "/transfers",
	    text("{\"agreement\":\"%s\",\"sink\":\"http://127.0.0.1:1/\",\"sinkMethod\":\"GET\"}",
		 agree("nowhere-to")));
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "sinkMethod"));
	a = buyer_call("POST", "/transfers",
		       text("{\"agreement\":\"%s\",\"sink\":\"http://127.0.0.1:1/\",\"rate\":5}",
			    agree("nowhere-to")));
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "rate"));
}

/* What the protocol says of formats and addresses, said to the provider itself. */
static struct answer request(const char *agreement, const char *more)
{
	return node_call(
	    &pair.maker, "POST", "/p/maker/dsp/2025-1/transfers/request",
	    node_partner_token(&pair.buyer, "buyer", node_did(&pair.maker, "maker")),
	    text("{\"@context\":[\"https://w3id.org/dspace/2025/1/context.jsonld\"],"
		 "\"@type\":\"TransferRequestMessage\",\"agreementId\":\"%s\","
		 "\"callbackAddress\":\"%s/p/buyer/dsp/2025-1\",\"consumerPid\":\"urn:uuid:1\"%s}",
		 agreement, pair.buyer.url, more));
}

static void test_a_push_needs_its_address(void **state)
{
	const char *agreement;
	struct answer a;

	(void)state;
	publish("addressed", "", octets(1000, 14));
	agreement = agree("addressed");
	a = request(agreement, ",\"format\":\"HttpData-PUSH\"");
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "dataAddress"));
	a = request(agreement, ",\"format\":\"HttpData-PUSH\",\"dataAddress\":{\"@type\":\"DataAddress\","
			       "\"endpointType\":\"x\",\"endpoint\":\"gopher://there\"}");
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "endpoint"));
	a = request(agreement, ",\"format\":\"AmazonS3-PUSH\"");
	assert_int_equal(a.status, 400);
	assert_true(has(a.body, "HttpData-PUSH"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_provider_sends_and_counts),
	    cmocka_unit_test(test_a_sink_that_refuses_ends_it),
	    cmocka_unit_test(test_a_sink_must_be_an_address),
	    cmocka_unit_test(test_a_push_needs_its_address),
	};

	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
