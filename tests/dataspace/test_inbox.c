/* What waits for a person, and letters that nobody takes. */
#include "tests/dataspace/world.h"

#include "dataspace/inbox.h"

static struct world w;

static enum err approval_fn(const struct turn *u, void *arg)
{
	struct ds_key k = ds_key(u->self->id, STR("telemetry"), STR_NONE);
	Ds__Dataset *s;
	enum err e = ds_dataset_find(u->t->store, u->a, u->self->id, STR("telemetry"), &s);

	(void)arg;
	if (!e) s->approval = true;
	return e ? e : ds_row_put(u->t, DS_TABLE_dataset, &k, &s->base);
}

static int setup(void **state)
{
	(void)state;
	world_open(&w);
	world_publish(&w, "telemetry", "{\"permission\":[{\"action\":\"use\"}]}");
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, approval_fn, NULL, NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

struct deciding {
	const char *pid;
	bool yes;
	Ds__Negotiation *row;
};

static enum err decide_fn(const struct turn *u, void *arg)
{
	struct deciding *x = arg;

	return (x->yes ? inbox_approve : inbox_decline)(u, str_of(x->pid), STR("because"), &x->row);
}

static enum err decide(const char *who, const char *pid, bool yes)
{
	struct deciding x = {pid, yes, NULL};

	return world_turn(&w, who, NULL, STR_NONE, decide_fn, &x, NULL);
}

static enum err count_fn(void *arg, const Ds__Negotiation *n)
{
	(void)n;
	++*(size_t *)arg;
	return ERR_OK;
}

static size_t waiting(const char *who)
{
	struct store_txn *t;
	size_t n = 0;

	assert_int_equal(store_read(w.store, &t), ERR_OK);
	assert_int_equal(inbox_each(t, w.arena, str_of(who), STR_NONE, count_fn, &n), ERR_OK);
	store_read_end(t);
	return n;
}

static void test_request_waits_until_approved(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");

	(void)state;
	assert_int_equal(world_settle(&w), 1);
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_REQUESTED);
	assert_int_equal(waiting("maker"), 1);
	assert_int_equal(waiting("buyer") + waiting("thief"), 0);
	world_reopen(&w);
	assert_int_equal(decide("thief", world_makers(&w, pid)->pid, true), ERR_NOT_FOUND);
	assert_int_equal(decide("buyer", pid, true), ERR_NOT_FOUND);
	assert_int_equal(decide("maker", world_makers(&w, pid)->pid, true), ERR_OK);
	assert_int_equal(waiting("maker"), 0);
	assert_int_equal(decide("maker", world_makers(&w, pid)->pid, false), ERR_NOT_FOUND);
	world_settle(&w);
	assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_FINALIZED);
}

static void test_declined_request_ends_with_the_reason(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");

	(void)state;
	world_settle(&w);
	assert_int_equal(decide("maker", world_makers(&w, pid)->pid, false), ERR_OK);
	world_settle(&w);
	assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_TERMINATED);
	assert_string_equal(world_negotiation(&w, "buyer", pid)->code, "DECLINED");
	assert_string_equal(world_negotiation(&w, "buyer", pid)->reason, "because");
	assert_int_equal(waiting("maker"), 0);
}

static enum err expire_fn(const struct turn *u, void *arg)
{
	return inbox_expire(u->d, u->t, u->fx, u->a, arg);
}

static size_t expire(void)
{
	size_t n = 99;

	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, expire_fn, &n, NULL), ERR_OK);
	return n;
}

static void test_nobody_decides(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	usec_t since;

	(void)state;
	world_settle(&w);
	since = world_makers(&w, pid)->changed;
	w.now = since + INBOX_WAIT - 1;
	assert_int_equal(expire(), 0);
	w.now = since + INBOX_WAIT;
	assert_int_equal(decide("maker", world_makers(&w, pid)->pid, true), ERR_EXPIRED);
	assert_int_equal(expire(), 1);
	assert_int_equal(expire(), 0);
	world_settle(&w);
	assert_string_equal(world_negotiation(&w, "buyer", pid)->code, "NOT_DECIDED");
}

/* ---- letters ---- */

struct hand {
	uint64_t seq;
	bool retry;
};

static enum err hand_fn(const struct turn *u, void *arg)
{
	struct hand *h = arg;
	json_t *out;

	return h->retry ? outbox_retry(u, h->seq, &out) : outbox_give_up(u, h->seq, STR("hopeless"), &out);
}

static enum err hand(const char *who, uint64_t seq, bool retry)
{
	struct hand h = {seq, retry};

	return world_turn(&w, who, NULL, STR_NONE, hand_fn, &h, NULL);
}

static Ds__Outbox *dead(const char *who, uint64_t seq)
{
	struct store_txn *t;
	Ds__Outbox *x = NULL;

	assert_int_equal(store_read(w.store, &t), ERR_OK);
	(void)!outbox_dead_find(t, w.arena, str_of(who), seq, &x);
	store_read_end(t);
	return x;
}

static void test_letter_dies_and_is_sent_again(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[4];
	Ds__Outbox *x;

	(void)state;
	world_settle(&w);
	assert_int_equal(decide("maker", world_makers(&w, pid)->pid, false), ERR_OK);
	assert_int_equal(world_letters(&w, l, 4), 1);
	w.now += OUTBOX_AGE_MAX;
	world_answer(&w, &l[0], 0, STR_NONE);
	assert_int_equal(world_letters(&w, l + 1, 3), 0);
	x = dead("maker", l[0].seq);
	assert_non_null(x);
	assert_string_equal(x->last_error, "nobody answered");
	assert_int_equal(hand("buyer", l[0].seq, true), ERR_NOT_FOUND);
	assert_int_equal(hand("maker", l[0].seq, true), ERR_OK);
	assert_null(dead("maker", l[0].seq));
	assert_int_equal(world_settle(&w), 1);
	assert_string_equal(world_negotiation(&w, "buyer", pid)->code, "DECLINED");
}

static void test_dropped_letter_ends_its_process(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry");
	struct letter_copy l[4];

	(void)state;
	assert_int_equal(world_letters(&w, l, 4), 1);
	assert_int_equal(hand("maker", l[0].seq, false), ERR_NOT_FOUND);
	assert_int_equal(hand("buyer", l[0].seq, false), ERR_OK);
	assert_int_equal(world_letters(&w, l, 4), 0);
	assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_TERMINATED);
	assert_string_equal(world_negotiation(&w, "buyer", pid)->reason, "hopeless");
}

/* ---- as the settings say ---- */

static void test_patience_is_a_setting(void **state)
{
	const char *pid = world_negotiate(&w, "telemetry"), *later;
	struct letter_copy l[4];
	usec_t told;

	(void)state;
	world_settle(&w);
	told = world_makers(&w, pid)->changed + INBOX_WAIT;
	w.d->o.inbox_wait = 10 * USEC_PER_SEC;
	w.now += USEC_PER_SEC;
	later = world_negotiate(&w, "telemetry");
	world_settle(&w);
	w.now = world_makers(&w, later)->changed + 10 * USEC_PER_SEC - 1;
	assert_int_equal(expire(), 0);
	w.now++;
	assert_int_equal(expire(), 1); /* what waited before keeps the time that it was given */
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_REQUESTED);
	assert_int_equal(world_makers(&w, later)->state, DSP_NEGOTIATION_TERMINATED);
	world_settle(&w);
	w.now = told - 1;
	assert_int_equal(expire(), 0);
	w.now = told;
	assert_int_equal(expire(), 1);
	/* the letter that tells it: first pause, longest pause, age */
	w.d->o.outbox_retry = 2 * USEC_PER_SEC;
	w.d->o.outbox_retry_max = 5 * USEC_PER_SEC;
	w.d->o.outbox_age = 20 * USEC_PER_SEC;
	assert_int_equal(world_letters(&w, l, 4), 1);
	world_answer(&w, &l[0], 503, STR_NONE);
	assert_int_equal(world_letters(&w, l, 4), 1);
	assert_in_range(l[0].due - w.now, 2 * USEC_PER_SEC, 2 * USEC_PER_SEC * 5 / 4);
	for (int i = 0; i < 4; i++) {
		world_answer(&w, &l[0], 503, STR_NONE);
		assert_int_equal(world_letters(&w, l, 4), 1);
	}
	assert_in_range(l[0].due - w.now, 5 * USEC_PER_SEC, 5 * USEC_PER_SEC * 5 / 4);
	w.now += 20 * USEC_PER_SEC - 1;
	world_answer(&w, &l[0], 503, STR_NONE);
	assert_int_equal(world_letters(&w, l, 4), 1);
	w.now++;
	world_answer(&w, &l[0], 503, STR_NONE);
	assert_int_equal(world_letters(&w, l, 4), 0);
	assert_non_null(dead("maker", l[0].seq));
}

static void test_tries_are_a_setting(void **state)
{
	struct letter_copy l[4];
	const char *pid;

	(void)state;
	w.d->o.outbox_tries = 2;
	pid = world_negotiate(&w, "telemetry");
	assert_int_equal(world_letters(&w, l, 4), 1);
	world_answer(&w, &l[0], 404, STR_NONE);
	assert_int_equal(world_letters(&w, l, 4), 1);
	world_answer(&w, &l[0], 404, STR_NONE);
	assert_int_equal(world_letters(&w, l, 4), 0);
	assert_non_null(dead("buyer", l[0].seq));
	assert_string_equal(world_negotiation(&w, "buyer", pid)->reason, "the peer answered 404");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_request_waits_until_approved, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_declined_request_ends_with_the_reason, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nobody_decides, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_letter_dies_and_is_sent_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_dropped_letter_ends_its_process, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_patience_is_a_setting, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_tries_are_a_setting, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
