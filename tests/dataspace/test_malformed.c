/* Malformed messages of partners and requests of owners: refused by name, and nothing is changed. */
#include "tests/dataspace/neighbours.h"

#include "dataspace/negotiation.h"

#define CONTEXT "\"@context\":[\"" DSP_CONTEXT "\"]"
#define OFFER                                                                                              \
	"\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\",\"permission\":[{\"action\":"        \
	"\"use\"}]}"

static const struct {
	const char *path, *body, *said;
} malformed[] = {
    {"/negotiations/request", "", ""},
    {"/negotiations/request", "{", "BAD_JSON"},
    {"/negotiations/request", "[]", ""},
    {"/negotiations/request", "{\"@type\":\"ContractRequestMessage\"}", "@context"},
    {"/negotiations/request", "{" CONTEXT ",\"@type\":\"ContractOfferMessage\"}", "@type"},
    {"/negotiations/request", "{" CONTEXT ",\"@type\":\"ContractRequestMessage\"," OFFER "}",
     "consumerPid"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":5," OFFER "}", "consumerPid"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\"," OFFER "}",
     "callbackAddress"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
     "\"gopher://x\"," OFFER "}",
     "callbackAddress"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn x\",\"callbackAddress\":"
     "\"http://x/\"," OFFER "}",
     "consumerPid"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
     "\"http://x/\",\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\",\"permission\":"
     "[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":\"atMost\","
     "\"rightOperand\":\"3\"}]}]}}",
     "operator"},
    {"/negotiations/request",
     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
     "\"http://x/\",\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\"}}",
     "offer"},
    {"/negotiations/offers",
     "{" CONTEXT ",\"@type\":\"ContractOfferMessage\",\"providerPid\":\"urn:x\",\"callbackAddress\":"
     "\"http://x/\"," OFFER "}",
     "target"},
    {"/transfers/request", "{" CONTEXT ",\"@type\":\"TransferRequestMessage\"}", ""},
    {"/transfers/request",
     "{" CONTEXT
     ",\"@type\":\"TransferRequestMessage\",\"consumerPid\":\"urn:x\",\"agreementId\":\"urn:y\","
     "\"callbackAddress\":\"http://x\"}",
     "format"},
    {"/catalog/request", "{" CONTEXT ",\"@type\":\"CatalogRequestMessage\",\"filter\":[\"x\"]}", "filter"},
    {"/catalog/request", "{" CONTEXT ",\"@type\":\"CatalogRequestMessage\",\"filter\":5}", "filter"},
};

static void test_refuses_malformed_messages_by_name(void **state)
{
	struct node_mark before = node_mark(&here);

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
		struct answer a =
		    as_partner(&there, "buyer", "maker", "POST", malformed[i].path, malformed[i].body);

		if (a.status != 400 || !text_has(a.body, malformed[i].said))
			print_message("case %zu: %d %.*s\n", i, a.status, STR_ARG(a.body));
		assert_int_equal(a.status, 400);
		assert_true(text_has(a.body, malformed[i].said));
		assert_true(text_has(a.body, "Error\""));
	}
	assert_unchanged(before);
}

static void test_refuses_bad_management_requests(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} cases[] = {
	    {"PUT", "/participants/maker/datasets/bad%20id", DATASET, 400},
	    {"PUT", "/participants/maker/datasets/x", "{}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":{}}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":{\"permission\":[{}]}}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":\"open\"}", 400},
	    {"GET", "/participants/maker/datasets/none", NULL, 404},
	    {"DELETE", "/participants/maker/datasets/none", NULL, 404},
	    {"GET", "/participants/maker/negotiations/none", NULL, 404},
	    {"GET", "/participants/maker/negotiations/none?wait=X&timeout=9999", NULL, 400},
	    {"POST", "/participants/maker/negotiations/none/terminate", "{\"reason\":\"\"}", 400},
	    {"POST", "/participants/maker/negotiations/none/terminate", NULL, 404},
	    {"POST", "/participants/maker/transfers", "{}", 400},
	    {"POST", "/participants/maker/transfers", "{\"agreement\":\"none\"}", 404},
	    {"POST", "/participants/maker/transfers", "{\"agreement\":\"none\",\"rate\":-1}", 400},
	    {"POST", "/participants/maker/agreements/none/revoke", NULL, 404},
	};
	struct node_mark before = node_mark(&here);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct answer a =
		    node_manage(&here, maker_owner, cases[i].method, cases[i].path, cases[i].body);

		if (a.status != cases[i].status)
			print_message("case %zu: %d %.*s\n", i, a.status, STR_ARG(a.body));
		assert_int_equal(a.status, cases[i].status);
	}
	assert_unchanged(before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_refuses_malformed_messages_by_name),
	    T(test_refuses_bad_management_requests),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
