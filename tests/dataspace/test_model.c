/* Negotiations and transfers explored exhaustively to a bounded depth, by tests/dataspace/model.h. */
#include "tests/dataspace/model.h"

#include "dataspace/inbox.h"
#include "dataspace/transfer_act.h"

/* ---- wishes ---- */

static enum err terminate_fn(const struct turn *u, void *arg)
{
	Ds__Negotiation *n;

	(void)arg;
	return negotiation_terminate(u, own_pid(u), STR("ENDED"), STR("enough"), &n);
}

static enum err approve_fn(const struct turn *u, void *arg)
{
	Ds__Negotiation *n;

	(void)arg;
	return inbox_approve(u, own_pid(u), STR("yes"), &n);
}

static enum err decline_fn(const struct turn *u, void *arg)
{
	Ds__Negotiation *n;

	(void)arg;
	return inbox_decline(u, own_pid(u), STR("no"), &n);
}

static enum err counter_fn(const struct turn *u, void *arg)
{
	static const char text[] = "{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":"
				   "\"count\",\"operator\":\"lteq\",\"rightOperand\":\"1\"}]}]}";
	Ds__Negotiation *n;
	json_t *rules;
	enum err e = json_read(u->a, str_of(text), NULL, &rules);

	(void)arg;
	return e ? e : negotiation_counter(u, own_pid(u), rules, &n);
}

static enum err end_transfer_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	(void)arg;
	return transfer_terminate(u, own_pid(u), STR("ENDED"), STR("enough"), &x);
}

static enum err suspend_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	(void)arg;
	return transfer_suspend(u, own_pid(u), STR("a pause"), &x);
}

static enum err resume_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	(void)arg;
	return transfer_resume(u, own_pid(u), &x);
}

static enum err finish_fn(const struct turn *u, void *arg)
{
	(void)arg;
	return transfer_finish(u, own_pid(u));
}

static enum err start_fn(const struct turn *u, void *arg)
{
	struct transfer_wish t = {.agreement = str_of((const char *)arg)};
	Ds__Transfer *x;

	return transfer_start(u, &t, &x);
}

/* ---- models ---- */

static void test_negotiation_that_either_side_may_end(void **state)
{
	static const struct wish wishes[] = {{"end", "buyer", terminate_fn},
					     {"end", "maker", terminate_fn}};

	(void)state;
	m = (struct model){.wish = wishes, .wishes = 2, .again_max = 1};
	(void)world_negotiate(&w, "telemetry");
	model_run("negotiation", 7);
}

static void test_negotiation_whose_partner_stays_away(void **state)
{
	static const struct wish wishes[] = {{"end", "buyer", terminate_fn}};

	(void)state;
	m = (struct model){.wish = wishes, .wishes = 1, .away_max = 2};
	(void)world_negotiate(&w, "telemetry");
	model_run("negotiation, a partner away", 7);
}

static enum err approval_fn(const struct turn *u, void *arg)
{
	Ds__Dataset *s;
	struct ds_key k = ds_key(u->self->id, STR("telemetry"), STR_NONE);
	enum err e = ds_dataset_find(u->t->store, u->a, u->self->id, STR("telemetry"), &s);

	(void)arg;
	if (!e) s->approval = true;
	return e ? e : ds_row_put(u->t, DS_TABLE_dataset, &k, &s->base);
}

static void test_negotiation_that_people_decide(void **state)
{
	static const struct wish wishes[] = {{"approve", "maker", approve_fn},
					     {"decline", "maker", decline_fn},
					     {"counter", "maker", counter_fn},
					     {"approve", "buyer", approve_fn},
					     {"decline", "buyer", decline_fn}};

	(void)state;
	m = (struct model){.wish = wishes, .wishes = 5, .again_max = 1};
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, approval_fn, NULL, NULL), ERR_OK);
	(void)world_negotiate(&w, "telemetry");
	model_run("negotiation that people decide", 7);
}

static void test_transfer(void **state)
{
	static const struct wish wishes[] = {
	    {"finish", "buyer", finish_fn},    {"suspend", "buyer", suspend_fn},
	    {"suspend", "maker", suspend_fn},  {"resume", "buyer", resume_fn},
	    {"end", "buyer", end_transfer_fn}, {"end", "maker", end_transfer_fn}};
	const char *pid = world_negotiate(&w, "telemetry");

	(void)state;
	world_settle(&w);
	m = (struct model){.wish = wishes, .wishes = 6, .again_max = 1, .transfer = true};
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, start_fn,
				    world_negotiation(&w, "buyer", pid)->agreement, NULL),
			 ERR_OK);
	model_run("transfer", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_negotiation_that_either_side_may_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_negotiation_whose_partner_stays_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_negotiation_that_people_decide, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_transfer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
