/* Two nodes over real sockets: negotiate, transfer, go down and come back. */
#include "tests/dataspace/fake_plane.h"
#include "tests/dataspace/node.h"

#include <stdio.h>

#define DATASET                                                                                            \
	"{\"title\":\"Telemetry\",\"media_type\":\"text/csv\",\"identifiers\":[\"88.118.8/M1\"],"          \
	"\"policy\":{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\","      \
	"\"operator\":\"lteq\",\"rightOperand\":3}]}]}}"

static struct node maker, buyer;
static const char *maker_owner, *buyer_owner;

static const char *format(const char *fmt, const char *a, const char *b)
{
	char *out = arena_alloc(buyer.arena, 2048);

	(void)snprintf(out, 2048, fmt, a, b);
	return out;
}

static int setup(void **state)
{
	const char *m = "maker", *b = "buyer";

	(void)state;
	fake_plane = (struct fake_plane){.finish = true};
	node_open(&maker, &m, 1, 2);
	node_open(&buyer, &b, 1, 2);
	maker_owner = node_token(&maker, "maker-owner", ROLE_OWNER, "@maker");
	buyer_owner = node_token(&buyer, "buyer-owner", ROLE_OWNER, "@buyer");
	assert_int_equal(
	    node_manage(&maker, maker_owner, "PUT", "/participants/maker/datasets/telemetry", DATASET)
		.status,
	    201);
	node_content(&maker, "maker", "telemetry");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_close(&maker);
	node_close(&buyer);
	return 0;
}

static struct answer negotiate(void)
{
	return node_manage(
	    &buyer, buyer_owner, "POST", "/participants/buyer/negotiations",
	    format("{\"provider\":\"%s\",\"dataset\":\"telemetry\"}%s", node_did(&maker, "maker"), ""));
}

static struct answer await_negotiation(const char *pid, const char *state)
{
	return node_await(&buyer, buyer_owner, format("/participants/buyer/negotiations/%s%s", pid, ""),
			  state);
}

static const char *await_agreement(void)
{
	struct answer a = negotiate();

	assert_int_equal(a.status, 202);
	a = await_negotiation(answer_text(&a, "pid"), "FINALIZED");
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "state"), "FINALIZED");
	return answer_text(&a, "agreement");
}

static void test_shows_its_catalog_to_partners(void **state)
{
	struct answer a = node_manage(&buyer, buyer_owner, "POST", "/participants/buyer/catalog",
				      format("{\"provider\":\"%s%s\"}", maker.url, "/p/maker"));
	json_t *dataset;

	(void)state;
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "participantId"), node_did(&maker, "maker"));
	dataset = json_array_get(json_object_get(a.json, "dataset"), 0);
	assert_string_equal(json_string_value(json_object_get(dataset, "@id")), "telemetry");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(dataset, "kanhe:content"), "size")), 1000);
}

static void test_negotiates_to_the_end_and_transfers(void **state)
{
	const char *id = await_agreement();
	struct answer b = node_manage(&buyer, buyer_owner, "GET",
				      format("/participants/buyer/agreements/%s%s", id, ""), NULL);
	struct answer m = node_manage(&maker, maker_owner, "GET",
				      format("/participants/maker/agreements/%s%s", id, ""), NULL);
	struct answer t;

	(void)state;
	assert_int_equal(b.status, 200);
	assert_int_equal(m.status, 200);
	assert_true(json_equal(json_object_get(b.json, "agreement"), json_object_get(m.json, "agreement")));
	assert_int_equal(json_array_size(json_object_get(json_object_get(b.json, "agreement"), "proof")),
			 2);
	t = node_manage(&buyer, buyer_owner, "POST", "/participants/buyer/transfers",
			format("{\"agreement\":\"%s\",\"purpose\":\"%s\"}", id, "maintenance"));
	assert_int_equal(t.status, 202);
	t = node_await(&buyer, buyer_owner,
		       format("/participants/buyer/transfers/%s%s", answer_text(&t, "pid"), ""),
		       "COMPLETED");
	assert_string_equal(answer_text(&t, "state"), "COMPLETED");
	t = node_await(&maker, maker_owner,
		       format("/participants/maker/transfers/%s%s", answer_text(&t, "peer_pid"), ""),
		       "COMPLETED");
	assert_string_equal(answer_text(&t, "state"), "COMPLETED");
	assert_string_equal(answer_text(&t, "purpose"), "maintenance");
}

static void test_revokes(void **state)
{
	const char *id = await_agreement();
	struct answer a = node_manage(&maker, maker_owner, "POST",
				      format("/participants/maker/agreements/%s/revoke%s", id, ""),
				      "{\"reason\":\"late payment\"}");

	(void)state;
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "state"), "REVOKED");
	a = node_manage(&buyer, buyer_owner, "POST", "/participants/buyer/transfers",
			format("{\"agreement\":\"%s\"}%s", id, ""));
	a = node_await(&buyer, buyer_owner,
		       format("/participants/buyer/transfers/%s%s", answer_text(&a, "pid"), ""),
		       "TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_string_equal(answer_text(&a, "code"), "REVOKED");
	assert_non_null(strstr(answer_text(&a, "reason"), "late payment"));
}

/* The consumer's termination is written while the provider is down; both are stopped; the message is
 * sent after the restart. */
static void test_sends_what_was_left_after_a_restart(void **state)
{
	struct answer a;
	const char *pid, *peer;

	(void)state;
	node_stop(&maker);
	maker.manual = true;
	node_start(&maker);
	a = negotiate();
	assert_int_equal(a.status, 202);
	pid = answer_text(&a, "pid");
	do a = await_negotiation(pid, "REQUESTED");
	while (!*answer_text(&a, "peer_pid"));
	peer = answer_text(&a, "peer_pid");
	node_stop(&maker);
	a = node_manage(&buyer, buyer_owner, "POST",
			format("/participants/buyer/negotiations/%s/terminate%s", pid, ""),
			"{\"reason\":\"found another\"}");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	node_stop(&buyer);
	node_start(&buyer);
	node_start(&maker);
	a = node_await(&maker, maker_owner, format("/participants/maker/negotiations/%s%s", peer, ""),
		       "TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_string_equal(answer_text(&a, "reason"), "found another");
}

static void test_the_owner_agrees_by_hand(void **state)
{
	struct answer a;
	const char *pid;

	(void)state;
	node_stop(&maker);
	maker.manual = true;
	node_start(&maker);
	a = negotiate();
	pid = answer_text(&a, "pid");
	do a = await_negotiation(pid, "REQUESTED");
	while (!*answer_text(&a, "peer_pid"));
	a = node_manage(
	    &maker, maker_owner, "POST",
	    format("/participants/maker/negotiations/%s/agree%s", answer_text(&a, "peer_pid"), ""), NULL);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "pending"), "AGREED");
	a = await_negotiation(pid, "FINALIZED");
	assert_string_equal(answer_text(&a, "state"), "FINALIZED");
}

static void test_waits_no_longer_than_told(void **state)
{
	struct answer a;
	usec_t began;

	(void)state;
	node_stop(&maker);
	maker.manual = true;
	node_start(&maker);
	a = negotiate();
	began = clock_mono();
	a = node_manage(&buyer, buyer_owner, "GET",
			format("/participants/buyer/negotiations/%s?wait=%s&timeout=1",
			       answer_text(&a, "pid"), "FINALIZED"),
			NULL);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_text(&a, "state"), "REQUESTED");
	assert_true(clock_mono() - began >= 900 * USEC_PER_MSEC);
}

static void test_tells_why_a_provider_cannot_be_asked(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *said;
	} cases[] = {
	    {"{\"dataset\":\"x\"}", 400, "provider"},
	    {"{\"provider\":\"did:key:z6Mk\",\"dataset\":\"x\"}", 400, "Ed25519"},
	    {"{\"provider\":\"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK\",\"dataset\":"
	     "\"x\"}",
	     502, "no-service"},
	    {"{\"provider\":\"http://127.0.0.1:1/p/x\",\"dataset\":\"x\"}", 502, "DID document"},
	    {"[]", 400, "object"},
	    {"{", 400, ""},
	};
	struct answer a;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		a = node_manage(&buyer, buyer_owner, "POST", "/participants/buyer/negotiations",
				cases[i].body);
		assert_int_equal(a.status, cases[i].status);
		assert_non_null(strstr(arena_strdup(buyer.arena, a.body), cases[i].said));
	}
	a = node_manage(
	    &buyer, buyer_owner, "POST", "/participants/buyer/negotiations",
	    format("{\"provider\":\"%s\",\"dataset\":\"nothing\"}%s", node_did(&maker, "maker"), ""));
	assert_int_equal(a.status, 404);
	a = node_manage(&buyer, buyer_owner, "POST", "/participants/buyer/negotiations",
			format("{\"provider\":\"%s\",\"dataset\":\"telemetry\",\"offer\":\"%s\"}",
			       node_did(&maker, "maker"), "offer:other:1"));
	assert_int_equal(a.status, 404);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_shows_its_catalog_to_partners),
	    T(test_negotiates_to_the_end_and_transfers),
	    T(test_revokes),
	    T(test_sends_what_was_left_after_a_restart),
	    T(test_the_owner_agrees_by_hand),
	    T(test_waits_no_longer_than_told),
	    T(test_tells_why_a_provider_cannot_be_asked),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
