/* What an attacker sends in messages of the protocol: each refused by the protocol's own error with the
 * reason, and nothing changed. Numbers as in the list of attacks: A15 JSON, A16 protocol, A17 contexts,
 * A18 addresses, A21 policies. Tokens are test_face.c's. */
#include "tests/dataspace/pair.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataspace/agreement.h"
#include "proto/dsp/odrl.h"

static const char *offer_id; /* of the maker's dataset "telemetry" */

static int setup(void **state)
{
	struct answer a;

	(void)pair_setup(state);
	publish("telemetry", "", octets(1000, 1));
	a = buyer_call("POST", "/catalog", text("{\"provider\":\"%s\"}", node_did(&pair.maker, "maker")));
	a.json = json_array_get(json_object_get(a.json, "dataset"), 0);
	a.json = json_array_get(json_object_get(a.json, "hasPolicy"), 0);
	offer_id = answer_text(&a, "@id");
	assert_true(offer_id[0]);
	return 0;
}

static struct answer post_octets(const char *path, struct str body)
{
	return node_call(&pair.maker, "POST", text("/p/maker/dsp/2025-1%s", path),
			 node_partner_token(&pair.buyer, "buyer", node_did(&pair.maker, "maker")), body.p);
}

static struct answer post(const char *path, const char *body)
{
	return post_octets(path, str_of(body));
}

static const struct {
	const char *path, *error;
} families[] = {{"/catalog/request", "CatalogError"},
		{"/negotiations/request", "ContractNegotiationError"},
		{"/transfers/request", "TransferError"}};

static bool has(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* The error type of each family, with code and reason, and the rule; nothing changes. */
static void refused_everywhere(const char *body, int status, const char *rule)
{
	struct node_mark before = node_mark(&pair.maker), after;

	for (size_t i = 0; i < 3; i++) {
		struct answer a = post(families[i].path, body);

		if (a.status != status || !has(a.body, rule))
			fail_msg("%.60s: %d %.*s", body, a.status, STR_ARG(str_first(a.body, 400)));
		assert_string_equal(answer_text(&a, "@type"), families[i].error);
		assert_true(answer_text(&a, "code")[0]);
		assert_true(json_array_size(json_object_get(a.json, "reason")) > 0);
	}
	after = node_mark(&pair.maker);
	assert_int_equal(after.ledger, before.ledger);
	assert_int_equal(after.feed, before.feed);
}

#define HEAD "{\"@context\":[\"" DSP_CONTEXT "\"],"

static const char *nested(size_t n)
{
	char *p = arena_bytes(pair.buyer.arena, n * 2 + 1);

	memset(p, '[', n);
	memset(p + n, ']', n);
	p[n * 2] = 0;
	return p;
}

static void test_a15_json(void **state)
{
	char *large = arena_bytes(pair.buyer.arena, DS_BODY_MAX + 64);

	(void)state;
	refused_everywhere(nested(65), 400, "\"depth\"");
	refused_everywhere(nested(100000), 400, "\"depth\"");
	refused_everywhere(HEAD "\"@type\":\"CatalogRequestMessage\",\"@type\":\"CatalogRequestMessage\"}",
			   400, "duplicate-member");
	refused_everywhere(HEAD "\"x\":{\"a\":1,\"\\u0061\":2}}", 400, "duplicate-member");
	refused_everywhere(HEAD "\"x\":NaN}", 400, "syntax");
	refused_everywhere(HEAD "\"x\":-Infinity}", 400, "syntax");
	refused_everywhere(HEAD "\"x\":1e400}", 400, "number-range");
	refused_everywhere(HEAD "\"x\":99999999999999999999999999}", 400, "number-range");
	refused_everywhere("\xef\xbb\xbf" HEAD "\"x\":1}", 400, "byte-order-mark");
	refused_everywhere(HEAD "\"x\":\"\xff\"}", 400, "utf8");
	refused_everywhere(HEAD "\"x\":\"\xc0\xaf\"}", 400, "utf8");     /* overlong */
	refused_everywhere(HEAD "\"x\":\"\xed\xa0\x80\"}", 400, "utf8"); /* a surrogate */
	refused_everywhere(HEAD "\"x\":\"\\ud800\"}", 400, "syntax");
	refused_everywhere(HEAD "\"x\":\"\\u0000\"}", 400, "nul");
	refused_everywhere(HEAD "\"x\\u0000\":1}", 400, "nul");
	refused_everywhere(HEAD "\"x\":1} {}", 400, "trailing-text");
	refused_everywhere(HEAD "\"x\":", 400, "");
	refused_everywhere("null", 400, "type");
	refused_everywhere("\"text\"", 400, "type");
	memset(large, ' ', DS_BODY_MAX + 1);
	memcpy(large, "{}", 2);
	large[DS_BODY_MAX + 1] = 0;
	assert_int_equal(post("/catalog/request", large).status, 413);
}

/* Names that are special in other languages are members like others here. */
static void test_a15_prototype_like_names(void **state)
{
	struct answer a =
	    post("/catalog/request",
		 HEAD "\"@type\":\"CatalogRequestMessage\",\"__proto__\":{\"filter\":[\"x\"]},"
		      "\"constructor\":{\"prototype\":{\"@type\":\"x\"}},\"toString\":null,\"\":0}");

	(void)state;
	assert_int_equal(a.status, 200);
	assert_false(has(a.body, "__proto__"));
	a = post("/negotiations/__proto__/termination",
		 HEAD "\"@type\":\"ContractNegotiationTerminationMessage\",\"providerPid\":\"__proto__\","
		      "\"consumerPid\":\"constructor\"}");
	assert_int_equal(a.status, 404);
	assert_string_equal(answer_text(&a, "@type"), "ContractNegotiationError");
}

static void test_a16_types_and_contexts_that_are_none(void **state)
{
	(void)state;
	refused_everywhere(HEAD "\"x\":1}", 400, "/@type");
	refused_everywhere(HEAD "\"@type\":[\"CatalogRequestMessage\"]}", 400, "/@type");
	refused_everywhere(HEAD "\"@type\":\"dspace:CatalogRequestMessage\"}", 400, "/@type");
	refused_everywhere(HEAD "\"@type\":\"TransferError\"}", 400, "/@type");
}

static int listening(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&at, n) && !listen(fd, 4));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void test_a17_contexts_are_never_fetched(void **state)
{
	static const char *const others[] = {"http://169.254.169.254/latest/meta-data",
					     "file:///etc/passwd",
					     "https://w3id.org/dspace/2025/1/context.jsonld/../evil",
					     "HTTPS://w3id.org/dspace/2025/1/context.jsonld", ""};
	uint16_t port;
	int fd = listening(&port);

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		refused_everywhere(
		    text("{\"@context\":[\"%s\"],\"@type\":\"CatalogRequestMessage\"}", others[i]), 400,
		    "/@context");
	refused_everywhere("{\"@context\":[\"" DSP_CONTEXT
			   "\",{\"@import\":\"http://127.0.0.1/\"}],\"@type\":\"x\"}",
			   400, "/@context");
	/* one more context is tolerated, and nobody is asked for it */
	assert_int_equal(
	    post("/catalog/request", text("{\"@context\":[\"http://127.0.0.1:%u/c.jsonld\",\"" DSP_CONTEXT
					  "\"],\"@type\":\"CatalogRequestMessage\"}",
					  port))
		.status,
	    200);
	assert_int_equal(accept(fd, NULL, NULL), -1);
	close(fd);
}

static const char *request(const char *pid, const char *callback, const char *permission)
{
	return text(
	    HEAD "\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"%s\",\"callbackAddress\":\"%s\","
		 "\"offer\":{\"@type\":\"Offer\",\"@id\":\"%s\",\"permission\":[%s]}}",
	    pid, callback, offer_id, permission);
}

/* A process is under way: acknowledgements and attempts are written, and told to nobody's ledger. */
static bool live;

static void refused(const char *path, const char *body, int status, const char *said)
{
	struct node_mark before = node_mark(&pair.maker), after;
	struct answer a = post(path, body);

	if (a.status != status || !has(a.body, said))
		fail_msg("%s: %d %.*s", body, a.status, STR_ARG(str_first(a.body, 400)));
	after = node_mark(&pair.maker);
	assert_int_equal(after.ledger, before.ledger);
	if (!live) assert_int_equal(after.feed, before.feed);
}

static void test_a18_callback_addresses(void **state)
{
	static const char *const tricks[] = {"gopher://partner.example/",
					     "file:///etc/passwd",
					     "http:partner.example",
					     "http://",
					     "http:///path",
					     "http://:80/",
					     "http://user@partner.example/",
					     "http://partner.example@127.0.0.1/",
					     "http://partner.example\\\\@127.0.0.1/",
					     "http://partner.example/?swallow=",
					     "http://partner.example/#",
					     "http://partner.example/\\r\\nx: y",
					     "http://partner.example/ x",
					     "//partner.example/",
					     "javascript:1"};

	(void)state;
	for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++)
		refused("/negotiations/request", request("urn:a18", tricks[i], "{\"action\":\"use\"}"), 400,
			"/callbackAddress");
}

static void test_a16_policies_swapped_after_the_offer(void **state)
{
	(void)state;
	refused("/negotiations/request",
		request("urn:a16:1", "http://x.example", "{\"action\":\"distribute\"}"), 400, "/offer");
	refused("/negotiations/request",
		request("urn:a16:2", "http://x.example", "{\"action\":\"use\"},{\"action\":\"sell\"}"), 400,
		"/offer");
	refused("/negotiations/request",
		request("urn:a16:3", "http://x.example", "{\"action\":\"use\",\"target\":\"telemetry\"}"),
		400, "/offer/permission/0/target");
}

static void test_a16_agreements_and_pids_of_others(void **state)
{
	const char *agreement = agree("telemetry"), *none = "urn:uuid:3dd1add8-4d2d-569e-d634-8394a8836a88";
	struct answer a;
	const char *body =
	    HEAD "\"@type\":\"TransferRequestMessage\",\"consumerPid\":\"urn:t:%u\",\"agreementId\":"
		 "\"%s\",\"format\":\"HttpData-PULL\",\"callbackAddress\":\"%s\"}";

	(void)state;
	live = true;
	refused("/transfers/request", text(body, 1u, none, "http://x.example"), 404, "TransferError");
	refused("/transfers/request", text(body, 2u, agreement, "http://u@x.example"), 400,
		"/callbackAddress");
	/* the agreement is the buyer's; whoever else names it finds nothing */
	a = node_call(&pair.maker, "POST", "/p/maker/dsp/2025-1/transfers/request",
		      node_partner_token(&pair.maker, "maker", node_did(&pair.maker, "maker")),
		      text(body, 3u, agreement, "http://x.example"));
	assert_int_equal(a.status, 404);
}

/* The same message again, and one that comes after its turn. */
static void test_a16_replayed_and_late_messages(void **state)
{
	const char *first = request("urn:a16:replay", pair.buyer.url, "{\"action\":\"use\"}");
	struct answer a = post("/negotiations/request", first), b, late;
	const char *pid = answer_text(&a, "providerPid");

	(void)state;
	assert_int_equal(a.status, 201);
	b = post("/negotiations/request", first);
	assert_int_equal(b.status, 201);
	assert_string_equal(answer_text(&b, "providerPid"), pid);
	/* the same pid for something else */
	assert_int_equal(post("/negotiations/request",
			      request("urn:a16:replay", "http://y.example", "{\"action\":\"use\"}"))
			     .status,
			 400);
	late = post(
	    text("/negotiations/%s/events", pid),
	    text(HEAD
		 "\"@type\":\"ContractNegotiationEventMessage\",\"providerPid\":\"%s\",\"consumerPid\":"
		 "\"urn:a16:replay\",\"eventType\":\"FINALIZED\"}",
		 pid));
	assert_int_equal(late.status, 400);
	assert_string_equal(answer_text(&late, "code"), "BAD_STATE");
	/* a later message that names another address, another process's pid */
	late = post(text("/negotiations/%s/agreement/verification", pid),
		    text(HEAD "\"@type\":\"ContractAgreementVerificationMessage\",\"providerPid\":\"%s\","
			      "\"consumerPid\":\"urn:other\"}",
			 pid));
	assert_int_equal(late.status, 400);
	assert_true(has(late.body, "/consumerPid"));
}

static void test_a21_policies_that_exhaust(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i <= ODRL_CONSTRAINTS_MAX; i++)
		buf_add(&b, i ? STR(",{\"leftOperand\":\"a\",\"operator\":\"eq\",\"rightOperand\":\"b\"}")
			      : STR("{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"a\","
				    "\"operator\":\"eq\","
				    "\"rightOperand\":\"b\"}"));
	buf_add(&b, STR("]}\0"));
	refused("/negotiations/request", request("urn:a21:1", "http://x.example", buf_str(&b).p), 400,
		"limit");
	buf_clear(&b);
	buf_add(&b, STR("{\"action\":\"use\",\"constraint\":["));
	for (size_t i = 0; i <= ODRL_DEPTH_MAX; i++) buf_add(&b, STR("{\"or\":["));
	for (size_t i = 0; i <= ODRL_DEPTH_MAX; i++) buf_add(&b, STR("]}"));
	buf_add(&b, STR("]}\0"));
	refused("/negotiations/request", request("urn:a21:2", "http://x.example", buf_str(&b).p), 400,
		"limit");
	buf_clear(&b);
	buf_add(&b, STR("{\"action\":\""));
	for (size_t i = 0; i < ODRL_SIZE_MAX; i++) buf_byte(&b, 'x');
	buf_add(&b, STR("\"}\0"));
	refused("/negotiations/request", request("urn:a21:3", "http://x.example", buf_str(&b).p), 400,
		"limit");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a15_json),
	    cmocka_unit_test(test_a15_prototype_like_names),
	    cmocka_unit_test(test_a16_types_and_contexts_that_are_none),
	    cmocka_unit_test(test_a17_contexts_are_never_fetched),
	    cmocka_unit_test(test_a18_callback_addresses),
	    cmocka_unit_test(test_a16_policies_swapped_after_the_offer),
	    cmocka_unit_test(test_a21_policies_that_exhaust),
	    cmocka_unit_test(test_a16_agreements_and_pids_of_others),
	    cmocka_unit_test(test_a16_replayed_and_late_messages),
	};
	return cmocka_run_group_tests(tests, setup, pair_teardown);
}
