/* Negotiations: what is refused changes nothing. */
#include "tests/dataspace/offered.h"

static const char *message_of(enum dsp_negotiation_move move, const struct dsp_pids *p)
{
	struct arena *a = w.arena;
	struct dsp_contract_request request = {.pids = *p};
	struct dsp_contract_offer offer = {.pids = *p};
	struct dsp_contract_agreement agreement = {.pids = *p};
	struct dsp_agreement_verification verification = {.pids = *p};
	struct dsp_negotiation_event event = {.pids = *p};
	struct dsp_negotiation_termination end = {.pids = *p};
	json_t *j = NULL, *terms = json_keep(a, json_loads(POLICY, 0, NULL));

	json_put_str(terms, "@id", str_of(world_offer(&w, "telemetry")));
	json_put_str(terms, "@type", STR("Offer"));
	json_put_str(terms, "target", STR("telemetry"));
	request.offer.root = offer.offer.root = terms;
	switch (move) {
	case DSP_MOVE_REQUEST: j = dsp_contract_request_write(a, &request); break;
	case DSP_MOVE_OFFER: j = dsp_contract_offer_write(a, &offer); break;
	case DSP_MOVE_AGREE:
		json_put_str(terms, "@type", STR("Agreement"));
		json_put_str(terms, "@id", STR("urn:uuid:00000000-0000-4000-8000-000000000001"));
		json_put_str(terms, "assigner", str_of(world_did(&w, "maker")));
		json_put_str(terms, "assignee", str_of(world_did(&w, "buyer")));
		json_put_str(terms, "timestamp", STR("2027-01-15T08:00:00Z"));
		agreement.agreement.root = terms;
		j = dsp_contract_agreement_write(a, &agreement);
		break;
	case DSP_MOVE_VERIFY: j = dsp_agreement_verification_write(a, &verification); break;
	case DSP_MOVE_ACCEPT:
	case DSP_MOVE_FINALIZE:
		event.event = move == DSP_MOVE_ACCEPT ? DSP_EVENT_ACCEPTED : DSP_EVENT_FINALIZED;
		j = dsp_negotiation_event_write(a, &event);
		break;
	case DSP_MOVE_TERMINATE: j = dsp_negotiation_termination_write(a, &end); break;
	case DSP_MOVE_COUNT: break;
	}
	assert_non_null(j);
	return arena_printf(a, "%.*s ", STR_ARG(json_write(a, j, false)))
	    .p; /* the blank: never sent before */
}

static const char *path_of(enum dsp_negotiation_move move, const char *pid)
{
	static const char *const ends[] = {
	    [DSP_MOVE_REQUEST] = "request",
	    [DSP_MOVE_OFFER] = "offers",
	    [DSP_MOVE_ACCEPT] = "events",
	    [DSP_MOVE_AGREE] = "agreement",
	    [DSP_MOVE_VERIFY] = "agreement/verification",
	    [DSP_MOVE_FINALIZE] = "events",
	    [DSP_MOVE_TERMINATE] = "termination",
	};

	return arena_printf(w.arena, "/negotiations/%s/%s", pid, ends[move]).p;
}

struct forcing {
	const char *pid;
	uint32_t state;
};

static enum err force_fn(const struct turn *u, void *arg)
{
	struct forcing *f = arg;
	Ds__Negotiation *n;
	enum err e = negotiation_find(u->t->store, u->a, u->self->id, str_of(f->pid), &n);

	if (e) return e;
	n->state = f->state;
	n->pending = 0;
	n->pending_entry = 0;
	return negotiation_put(u, n);
}

static void force(const char *participant, const char *pid, enum dsp_negotiation_state s)
{
	struct forcing f = {pid, s};

	assert_int_equal(world_turn(&w, participant, NULL, STR_NONE, force_fn, &f, NULL), ERR_OK);
}

/* Every state of either side, every message the partner can send: what the table does not allow is
 * answered with 400 and leaves no trace. */
static void test_refuses_every_transition_that_is_not_in_the_table(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	unsigned refused = 0;

	(void)state;
	world_settle(&w);
	for (int side = 0; side < 2; side++) {
		const char *us = side ? "maker" : "buyer", *them = side ? "buyer" : "maker";
		Ds__Negotiation *n = side ? world_makers(&w, pid) : world_negotiation(&w, "buyer", pid);
		struct dsp_pids pids = negotiation_pids(n);

		for (enum dsp_negotiation_state s = 1; s < DSP_NEGOTIATION_STATE_COUNT; s++) {
			force(us, n->pid, s);
			for (enum dsp_negotiation_move m = 0; m < DSP_MOVE_COUNT; m++) {
				enum dsp_negotiation_state to;
				struct world_mark before = world_mark(&w);
				struct str body;

				if (!dsp_negotiation_next(s, m, side ? DSP_CONSUMER : DSP_PROVIDER, NULL,
							  &to))
					continue;
				assert_int_equal(world_post(&w, us, them, path_of(m, n->pid),
							    message_of(m, &pids), &body),
						 400);
				assert_true(text_has(body, "BAD_STATE"));
				world_assert_unchanged(&w, before);
				refused++;
			}
		}
	}
	assert_true(refused > 60);
}

#define GOLD                                                                                               \
	"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"MembershipCredential."    \
	"level\","                                                                                         \
	"\"operator\":\"eq\",\"rightOperand\":\"gold\"}"

struct countering {
	const char *pid, *policy;
};

static enum err counter_fn(const struct turn *u, void *arg)
{
	struct countering *x = arg;
	Ds__Negotiation *n;

	return negotiation_counter(u, str_of(x->pid), json_keep(u->a, json_loads(x->policy, 0, NULL)), &n);
}

/* It lost its credential while the provider thought about it. */
static void test_a_counter_offer_needs_the_credential_again(void **state)
{
	const struct str member = STR("{\"MembershipCredential.level\":[\"gold\"]}");
	struct countering x = {
	    .policy = GOLD ",{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":\"9\"}]}]}"};
	struct letter_copy l[8];
	struct str body;
	const char *pid;
	size_t n;

	(void)state;
	w.d->o.auto_agree = false;
	w.claims = member;
	world_publish(&w, "members", GOLD "]}]}");
	pid = world_negotiate(&w, "members");
	world_settle(&w);
	x.pid = world_makers(&w, pid)->pid;
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, counter_fn, &x, NULL), ERR_OK);
	world_settle(&w);
	x = (struct countering){world_negotiation(&w, "buyer", pid)->pid, POLICY};
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, counter_fn, &x, NULL), ERR_OK);
	n = world_letters(&w, l, 8);
	w.claims = STR_NONE;
	assert_int_equal(world_deliver(&w, &l[n - 1], &body), 403);
	assert_true(text_has(body, "MembershipCredential.level"));
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_OFFERED);
	w.claims = member;
	assert_int_equal(world_deliver(&w, &l[n - 1], &body), 200);
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_REQUESTED);
}

static void test_hides_negotiations_from_others(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	Ds__Negotiation *n;
	struct dsp_pids pids;
	struct world_mark before;

	(void)state;
	world_settle(&w);
	n = world_makers(&w, pid);
	force("maker", n->pid, DSP_NEGOTIATION_AGREED);
	pids = negotiation_pids(n);
	before = world_mark(&w);
	for (enum dsp_negotiation_move m = 0; m < DSP_MOVE_COUNT; m++) {
		const char *body = message_of(m, &pids);

		assert_int_equal(world_post(&w, "maker", "thief", path_of(m, n->pid), body, NULL), 404);
		assert_int_equal(world_post(&w, "maker", "buyer", path_of(m, "urn:uuid:none"), body, NULL),
				 404);
		/* the right pid at the wrong participant */
		assert_int_equal(world_post(&w, "thief", "buyer", path_of(m, n->pid), body, NULL), 404);
	}
	world_assert_unchanged(&w, before);
}

static void test_refuses_pids_of_another_process(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	Ds__Negotiation *n;
	struct dsp_pids pids;
	struct world_mark before;
	struct str body;

	(void)state;
	world_settle(&w);
	n = world_makers(&w, pid);
	force("maker", n->pid, DSP_NEGOTIATION_AGREED);
	pids = negotiation_pids(n);
	pids.consumer = STR("urn:uuid:another");
	before = world_mark(&w);
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(DSP_MOVE_VERIFY, n->pid),
				    message_of(DSP_MOVE_VERIFY, &pids), &body),
			 400);
	assert_true(text_has(body, "consumerPid"));
	world_assert_unchanged(&w, before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_refuses_every_transition_that_is_not_in_the_table),
	    T(test_a_counter_offer_needs_the_credential_again),
	    T(test_hides_negotiations_from_others),
	    T(test_refuses_pids_of_another_process),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
