/* Contract negotiation between two participants, message by message. */
#include "tests/dataspace/faults.h"
#include "tests/dataspace/offered.h"

#include <stdio.h>

static void assert_finalized(const char *pid)
{
	Ds__Negotiation *buyer = world_negotiation(&w, "buyer", pid), *maker = world_makers(&w, pid);
	Ds__Agreement *b, *m;

	assert_non_null(maker);
	assert_int_equal(buyer->state, DSP_NEGOTIATION_FINALIZED);
	assert_int_equal(maker->state, DSP_NEGOTIATION_FINALIZED);
	assert_int_equal(buyer->pending + maker->pending, 0);
	b = world_agreement(&w, "buyer", buyer->agreement);
	m = world_agreement(&w, "maker", maker->agreement);
	assert_non_null(b);
	assert_non_null(m);
	assert_string_equal(b->json, m->json);
	assert_int_equal(b->state, DS__AGREEMENT_STATE__AGREEMENT_ACTIVE);
	assert_int_equal(m->state, DS__AGREEMENT_STATE__AGREEMENT_ACTIVE);
	assert_true(b->provider_signed && b->consumer_signed && m->provider_signed && m->consumer_signed);
	assert_int_equal(b->digest.len, 32);
	assert_memory_equal(b->digest.data, m->digest.data, 32);
}

static void test_ends_finalized_and_signed_by_both(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");

	(void)state;
	assert_int_equal(world_settle(&w), 4); /* request, agreement, verification, finalization */
	assert_finalized(pid);
}

/* ---- a bad network ---- */

/* Settles with one fault at the k-th message; false when there were fewer. */
static bool settle_with(enum fault fault, unsigned k)
{
	struct letter_copy l[32];
	unsigned carried = 0;
	bool done = false;
	size_t n;

	while ((n = world_letters(&w, l, 31))) {
		assert_true(carried < 100);
		w.now += USEC_PER_SEC;
		if (carried++ == k) {
			misbehave(&w, fault, l, n);
			done = true;
		} else {
			carry(&w, l, true);
		}
	}
	return done;
}

static void test_survives_each_fault_at_each_message(void **state)
{
	(void)state;
	for (enum fault fault = 0; fault < FAULTS; fault++) {
		unsigned k = 0;

		for (bool done = true; done; k++) {
			const char *pid = world_negotiate(&w, "telemetry");

			done = settle_with(fault, k);
			assert_finalized(pid);
		}
		assert_true(k > 4);
	}
}

static void test_every_answer_may_be_lost(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[32];
	unsigned rounds = 0;

	(void)state;
	while (world_letters(&w, l, 32)) {
		assert_true(rounds++ < 100);
		w.now += USEC_PER_SEC;
		carry(&w, &l[0], false);
		world_answer(&w, &l[0], 0, STR_NONE); /* never the first time */
		carry(&w, &l[0], true);
	}
	assert_finalized(pid);
}

/* ---- offers ---- */

static const char *first_request(const char *pid, const char *offer, const char *constraint_value)
{
	return arena_printf(
		   w.arena,
		   "{\"@context\":[\"" DSP_CONTEXT "\"],\"@type\":\"ContractRequestMessage\","
		   "\"consumerPid\":\"%s\",\"callbackAddress\":\"" WORLD_URL "/p/buyer/dsp/2025-1\","
		   "\"offer\":{\"@type\":\"Offer\",\"@id\":\"%s\",\"target\":\"telemetry\",\"permission\":"
		   "[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":\"lteq\","
		   "\"rightOperand\":\"%s\"}]}]}}",
		   pid, offer, constraint_value)
	    .p;
}

static void test_names_what_differs_from_the_offer(void **state)
{
	struct world_mark before = world_mark(&w);
	struct str body;

	(void)state;
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request",
				    first_request("urn:x:1", "offer:telemetry:1", "5"), &body),
			 400);
	assert_true(text_has(body, "permission[0].constraint[0].rightOperand: offered \"3\", asked \"5\""));
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request",
				    first_request("urn:x:1", "offer:telemetry:7", "3"), &body),
			 400);
	assert_true(text_has(body, "replaced by offer:telemetry:1"));
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request",
				    first_request("urn:x:1", "offer:nothing:1", "3"), &body),
			 400);
	assert_true(text_has(body, "offer-unknown"));
	world_assert_unchanged(&w, before);
}

static void test_answers_a_repeated_request_alike_and_once(void **state)
{
	const char *request = first_request("urn:x:2", "offer:telemetry:1", "3");
	struct str first, second;
	struct world_mark before;

	(void)state;
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request", request, &first), 201);
	before = world_mark(&w);
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request", request, &second), 201);
	assert_true(str_eq(first, second));
	world_assert_unchanged(&w, before);
	/* anew, in a message of its own */
	request = arena_printf(w.arena, "{\"@id\":\"urn:x:letter\",%s", request + 1).p;
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request", request, &second), 201);
	assert_true(str_eq(first, second));
	world_assert_unchanged(&w, before);
	/* the same pid for something else is no repetition */
	request = first_request("urn:x:2", "offer:telemetry:1", "2");
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request", request, &second), 400);
	assert_true(text_has(second, "pid-used"));
	world_assert_unchanged(&w, before);
	/* another partner may use the same pid */
	request = first_request("urn:x:2", "offer:telemetry:1", "3");
	assert_int_equal(world_post(&w, "maker", "thief", "/negotiations/request", request, &second), 201);
}

static enum err counter_fn(const struct turn *u, void *arg)
{
	json_t *rules = json_keep(u->a, json_loads(POLICY, 0, NULL));
	Ds__Negotiation *n;
	json_t *c = json_array_get(
	    json_object_get(json_array_get(json_object_get(rules, "permission"), 0), "constraint"), 0);

	json_put(c, "rightOperand", json_string("9"));
	return negotiation_counter(u, str_of(arg), rules, &n);
}

static enum err accept_fn(const struct turn *u, void *arg)
{
	Ds__Negotiation *n;

	return negotiation_accept(u, str_of(arg), &n);
}

static void carry_one(void)
{
	struct letter_copy l[8];

	assert_true(world_letters(&w, l, 8) > 0);
	carry(&w, &l[0], true);
}

static void test_leaves_a_changed_offer_to_the_consumer(void **state)
{
	const char *pid;
	Ds__Negotiation *n;
	Ds__Agreement *g;
	char *maker;

	(void)state;
	w.d->o.auto_agree = false;
	pid = world_negotiate(&w, "telemetry");
	world_settle(&w);
	n = world_makers(&w, pid);
	maker = n->pid;
	assert_int_equal(n->state, DSP_NEGOTIATION_REQUESTED);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, counter_fn, maker, NULL), ERR_OK);
	world_settle(&w);
	n = world_negotiation(&w, "buyer", pid);
	assert_int_equal(n->state, DSP_NEGOTIATION_OFFERED); /* nine is not three: nobody agreed yet */
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, accept_fn, n->pid, NULL), ERR_OK);
	world_settle(&w);
	assert_finalized(pid);
	g = world_agreement(&w, "buyer", world_negotiation(&w, "buyer", pid)->agreement);
	assert_non_null(strstr(g->json, "\"rightOperand\":\"9\""));
}

static void test_ends_a_counter_offer_it_did_not_make(void **state)
{
	const char *pid;
	Ds__Negotiation *n;

	(void)state;
	w.d->o.auto_agree = false;
	pid = world_negotiate(&w, "telemetry");
	world_settle(&w);
	assert_int_equal(
	    world_turn(&w, "maker", NULL, STR_NONE, counter_fn, world_makers(&w, pid)->pid, NULL), ERR_OK);
	world_settle(&w);
	w.d->o.auto_agree = true;
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, counter_fn,
				    world_negotiation(&w, "buyer", pid)->pid, NULL),
			 ERR_OK);
	world_settle(&w);
	n = world_negotiation(&w, "buyer", pid);
	assert_int_equal(n->state, DSP_NEGOTIATION_TERMINATED);
	assert_string_equal(n->code, "OFFER_REJECTED");
	assert_non_null(strstr(n->reason, "rightOperand: offered \"3\", asked \"9\""));
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_TERMINATED);
}

/* ---- signatures ---- */

/* The agreement message on its way to buyer, with one text replaced by another. */
static int deliver_agreement_with(const char *from, const char *to, struct str *ret_body)
{
	struct letter_copy l[8];
	char *at;
	size_t n;

	w.now += USEC_PER_SEC;
	world_negotiate(&w, "telemetry");
	n = world_letters(&w, l, 8);
	w.now += USEC_PER_SEC;
	carry(&w, &l[n - 1], true);
	n = world_letters(&w, l, 8);
	at = strstr(l[n - 1].body, from);
	assert_non_null(at);
	l[n - 1].body = arena_strdup(w.arena, arena_printf(w.arena, "%.*s%s%s", (int)(at - l[n - 1].body),
							   l[n - 1].body, to, at + strlen(from)));
	return world_deliver(&w, &l[n - 1], ret_body);
}

static void test_refuses_a_tampered_agreement(void **state)
{
	struct str body;

	(void)state;
	assert_int_equal(deliver_agreement_with("\"rightOperand\":\"3\"", "\"rightOperand\":\"4\"", &body),
			 400);
	assert_true(text_has(body, "BAD_POLICY"));
	assert_true(text_has(body, "rightOperand: offered \"3\", asked \"4\""));
	assert_int_equal(deliver_agreement_with("\"size\":4096", "\"size\":4097", &body), 400);
	assert_true(text_has(body, "BAD_SIGNATURE"));
	assert_int_equal(deliver_agreement_with("#key-1", "#key-2", &body), 400);
	assert_true(text_has(body, "key-unknown"));
	assert_int_equal(deliver_agreement_with(":p:maker#key-1", ":p:thief#key-1", &body), 400);
	assert_true(text_has(body, "signer"));
	assert_int_equal(deliver_agreement_with(":p:buyer\"", ":p:thief\"", &body), 400);
}

static enum err unsigned_fn(void *arg, const Ds__Agreement *g)
{
	unsigned *seen = arg;

	assert_false(g->provider_signed);
	assert_true(g->consumer_signed);
	++*seen;
	return ERR_OK;
}

static void test_takes_an_agreement_of_a_plain_peer_as_unsigned(void **state)
{
	struct store_txn *t;
	unsigned seen = 0;
	struct str body;

	(void)state;
	assert_int_equal(deliver_agreement_with("\"proof\":", "\"elsewhere\":", &body), 200);
	assert_int_equal(store_read(w.store, &t), ERR_OK);
	assert_int_equal(agreement_each(t, w.arena, STR("buyer"), STR_NONE, unsigned_fn, &seen), ERR_OK);
	store_read_end(t);
	assert_int_equal(seen, 1);
}

static void test_refuses_a_tampered_countersignature(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[8];
	struct world_mark before;
	struct str body;
	char *value;

	(void)state;
	carry_one();
	carry_one();
	assert_int_equal(world_letters(&w, l, 8), 1);
	assert_true(str_ends(str_of(l[0].url), STR("/agreement/verification")));
	value = strstr(l[0].body, "\"proofValue\":\"z");
	assert_non_null(value);
	value[20] = value[20] == 'a' ? 'b' : 'a';
	before = world_mark(&w);
	assert_int_equal(world_deliver(&w, &l[0], &body), 400);
	assert_true(text_has(body, "BAD_SIGNATURE"));
	world_assert_unchanged(&w, before);
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_AGREED);
	value[20] = value[20] == 'a' ? 'b' : 'a';
}

/* ---- endings ---- */

static enum err terminate_fn(const struct turn *u, void *arg)
{
	Ds__Negotiation *n;

	return negotiation_terminate(u, str_of(arg), STR("TERMINATED"), STR("no longer wanted"), &n);
}

static void test_either_side_ends_it_after_each_message(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		for (unsigned k = 1; k < 4; k++) {
			const char *pid = world_negotiate(&w, "telemetry");
			Ds__Negotiation *b, *m;

			for (unsigned i = 0; i < k; i++) carry_one();
			if (side && k == 3) { /* FINALIZED is under way and may have arrived */
				assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, terminate_fn,
							    world_makers(&w, pid)->pid, NULL),
						 ERR_BAD_STATE);
				world_settle(&w);
				assert_finalized(pid);
				continue;
			}
			assert_int_equal(world_turn(&w, side ? "maker" : "buyer", NULL, STR_NONE,
						    terminate_fn,
						    side ? world_makers(&w, pid)->pid
							 : world_negotiation(&w, "buyer", pid)->pid,
						    NULL),
					 ERR_OK);
			world_settle(&w);
			b = world_negotiation(&w, "buyer", pid);
			m = world_makers(&w, pid);
			assert_int_equal(b->state, DSP_NEGOTIATION_TERMINATED);
			assert_int_equal(m->state, DSP_NEGOTIATION_TERMINATED);
			assert_string_equal(side ? m->reason : b->reason, "no longer wanted");
			/* a message that crossed the ending was refused: then that is the other's reason */
			assert_true(text_has(str_of(side ? b->reason : m->reason), "no longer wanted") ||
				    text_has(str_of(side ? b->reason : m->reason), "in state TERMINATED"));
			if (m->agreement[0])
				assert_int_equal(world_agreement(&w, "maker", m->agreement)->state,
						 DS__AGREEMENT_STATE__AGREEMENT_VOID);
			if (b->agreement[0])
				assert_int_equal(world_agreement(&w, "buyer", b->agreement)->state,
						 DS__AGREEMENT_STATE__AGREEMENT_VOID);
		}
	}
}

/* The provider has told no pid yet, so it cannot be told; it is when its answer comes. */
static void test_ends_what_was_not_answered_yet(void **state)
{
	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		const char *pid = world_negotiate(&w, "telemetry");
		struct letter_copy l[8];
		struct str body = STR_NONE;
		int status = 0;

		assert_int_equal(world_letters(&w, l, 8), 1);
		if (slow)
			status =
			    world_deliver(&w, &l[0], &body); /* it has the request; its answer is late */
		assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, terminate_fn,
					    world_negotiation(&w, "buyer", pid)->pid, NULL),
				 ERR_OK);
		if (slow) world_answer(&w, &l[0], status, body);
		world_settle(&w);
		assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_TERMINATED);
		assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_TERMINATED);
	}
}

static void test_shows_why_a_request_was_refused(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[8];
	Ds__Negotiation *n;

	(void)state;
	assert_int_equal(world_letters(&w, l, 8), 1);
	world_answer(&w, &l[0], 403,
		     STR("{\"@type\":\"ContractNegotiationError\",\"reason\":[\"not for you\"]}"));
	n = world_negotiation(&w, "buyer", pid);
	assert_int_equal(n->state, DSP_NEGOTIATION_TERMINATED);
	assert_string_equal(n->reason, "not for you");
	assert_int_equal(world_letters(&w, l, 8), 0);
}

static void test_tries_again_while_the_peer_is_away(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[8];
	usec_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		usec_t wait;

		assert_int_equal(world_letters(&w, l, 8), 1);
		if (l[0].due > w.now) w.now = l[0].due;
		world_answer(&w, &l[0], i % 2 ? 503 : 0, STR_NONE);
		assert_int_equal(world_letters(&w, l, 8), 1);
		assert_int_equal(l[0].attempts, i + 1);
		wait = l[0].due - w.now;
		assert_true(i ? wait >= last : wait >= 250 * USEC_PER_MSEC && wait < 320 * USEC_PER_MSEC);
		assert_true(wait <= 75 * USEC_PER_SEC);
		last = wait * 4 / 5;
	}
	world_settle(&w);
	assert_finalized(pid);
}

static void test_gives_up_a_message_after_a_day(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[8];

	(void)state;
	assert_int_equal(world_letters(&w, l, 8), 1);
	w.now += OUTBOX_AGE_MAX;
	world_answer(&w, &l[0], 0, STR_NONE);
	assert_int_equal(world_letters(&w, l, 8), 0);
	assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_TERMINATED);
}

static void test_writes_one_ledger_entry_for_each_side_of_each_move(void **state)
{
	struct world_mark before = world_mark(&w);

	(void)state;
	world_negotiate(&w, "telemetry");
	world_settle(&w);
	/* requested, agreed, verified, finalized; told by the side that does and the side that hears */
	assert_int_equal(world_mark(&w).ledger - before.ledger, 8);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_ends_finalized_and_signed_by_both),
	    T(test_survives_each_fault_at_each_message),
	    T(test_every_answer_may_be_lost),
	    T(test_names_what_differs_from_the_offer),
	    T(test_answers_a_repeated_request_alike_and_once),
	    T(test_leaves_a_changed_offer_to_the_consumer),
	    T(test_ends_a_counter_offer_it_did_not_make),
	    T(test_refuses_a_tampered_agreement),
	    T(test_takes_an_agreement_of_a_plain_peer_as_unsigned),
	    T(test_refuses_a_tampered_countersignature),
	    T(test_either_side_ends_it_after_each_message),
	    T(test_ends_what_was_not_answered_yet),
	    T(test_shows_why_a_request_was_refused),
	    T(test_tries_again_while_the_peer_is_away),
	    T(test_gives_up_a_message_after_a_day),
	    T(test_writes_one_ledger_entry_for_each_side_of_each_move),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
