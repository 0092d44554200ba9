/* A suspended transfer goes on only if the policy still allows it: asked again, by either side. */
#include "tests/dataspace/agreed.h"

struct wish {
	const char *pid;
	struct transfer_wish ask;
	char *ret;
};

static enum err start_fn(const struct turn *u, void *arg)
{
	struct wish *x = arg;
	Ds__Transfer *row;
	enum err e = transfer_start(u, &x->ask, &row);

	if (!e) x->ret = arena_strdup(w.arena, str_of(row->pid));
	return e;
}

static enum err suspend_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *row;
	struct wish *x = arg;

	return transfer_suspend(u, str_of(x->pid), STR("a pause"), &row);
}

static enum err resume_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *row;
	struct wish *x = arg;

	return transfer_resume(u, str_of(x->pid), &row);
}

static enum err wish(const char *who, enum err (*fn)(const struct turn *, void *), const char *pid)
{
	struct wish x = {.pid = pid};

	return world_turn(&w, who, NULL, STR_NONE, fn, &x, NULL);
}

static char *started(const char *sink)
{
	struct wish x = {.ask = {.agreement = str_of(agreement), .purpose = STR("maintenance")}};

	if (sink) x.ask.sink = (struct transfer_sink){.endpoint = str_of(sink), .authorization = STR("t")};
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, start_fn, &x, NULL), ERR_OK);
	world_settle(&w);
	return x.ret;
}

static void test_the_provider_may_not_resume_what_the_policy_forbids(void **state)
{
	char *pid = started(NULL);

	(void)state;
	assert_int_equal(wish("maker", suspend_fn, makers(pid)->pid), ERR_OK);
	world_settle(&w);
	fake_plane.purpose = "advertising";
	assert_int_equal(wish("maker", resume_fn, makers(pid)->pid), ERR_POLICY_DENIED);
	assert_int_equal(makers(pid)->state, DSP_TRANSFER_SUSPENDED);
	fake_plane.purpose = NULL;
	assert_int_equal(wish("maker", resume_fn, makers(pid)->pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(buyers(pid)->state, DSP_TRANSFER_STARTED);
}

static void test_the_consumer_may_not_either(void **state)
{
	char *pid = started(NULL);

	(void)state;
	assert_int_equal(wish("buyer", suspend_fn, pid), ERR_OK);
	world_settle(&w);
	fake_plane.purpose = "advertising";
	assert_int_equal(wish("buyer", resume_fn, pid), ERR_OK); /* it asks; the provider says no */
	world_settle(&w);
	assert_int_equal(buyers(pid)->state, DSP_TRANSFER_TERMINATED);
	assert_int_equal(makers(pid)->state, DSP_TRANSFER_TERMINATED);
}

/* The last of three was counted when it began: resuming is no fourth. */
static void test_resuming_is_not_counted(void **state)
{
	char *pid;

	(void)state;
	fake_plane.count_max = 1;
	pid = started(NULL);
	assert_int_equal(wish("maker", suspend_fn, makers(pid)->pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(wish("maker", resume_fn, makers(pid)->pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(buyers(pid)->state, DSP_TRANSFER_STARTED);
	assert_int_equal(world_agreement(&w, "maker", agreement)->transfers, 1);
}

static enum err unsign_fn(const struct turn *u, void *arg)
{
	Ds__Agreement *g;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(arg), &g);

	if (e) return e;
	g->consumer_signed = false;
	return ds_agreement_put(u->t, u->self->id, g);
}

/* How many of the maker's messages start the transfer again, once the buyer has gone on by itself. */
static size_t started_again(const char *pid)
{
	struct letter_copy all[8];
	size_t n, starts = 0;
	struct str body;

	assert_int_equal(wish("buyer", suspend_fn, pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(wish("buyer", resume_fn, pid), ERR_OK);
	assert_int_equal(world_letters(&w, all, 8), 1);
	assert_int_equal(world_deliver(&w, &all[0], &body), 200);
	world_answer(&w, &all[0], 200, body);
	n = world_letters(&w, all, 8);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].participant, "maker") && str_ends(str_of(all[i].url), STR("/start"))) {
			assert_non_null(strstr(all[i].body, "dataAddress"));
			starts++;
		}
	return starts;
}

/* An Eclipse connector waits for the provider's own start; ours goes on with the answer. */
static void test_a_consumer_that_signs_nothing_is_started_again(void **state)
{
	char *pid = started(NULL);
	struct letter_copy l;

	(void)state;
	assert_int_equal(started_again(pid), 0);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, unsign_fn, agreement, NULL), ERR_OK);
	assert_int_equal(started_again(pid), 1);
	/* one that wants none and refuses it goes on all the same */
	assert_int_equal(world_letters(&w, &l, 1), 1);
	world_answer(&w, &l, 400, STR("{}"));
	assert_int_equal(makers(pid)->state, DSP_TRANSFER_STARTED);
	assert_int_equal(buyers(pid)->state, DSP_TRANSFER_STARTED);
}

static void test_a_push_is_the_providers_to_make_and_to_make_again(void **state)
{
	char *pid = started("http://sink.example/in");

	(void)state;
	assert_int_equal(buyers(pid)->state, DSP_TRANSFER_STARTED);
	assert_int_equal(fake_plane.pulls, 0);
	assert_int_equal(fake_plane.pushes, 1);
	assert_non_null(strstr(makers(pid)->address, "http://sink.example/in"));
	assert_string_equal(buyers(pid)->address, "");
	assert_int_equal(makers(pid)->token_sha256.len, 0);
	assert_int_equal(wish("buyer", suspend_fn, pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(wish("buyer", resume_fn, pid), ERR_OK);
	world_settle(&w);
	assert_int_equal(makers(pid)->state, DSP_TRANSFER_STARTED);
	assert_int_equal(fake_plane.pushes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(test_the_provider_may_not_resume_what_the_policy_forbids),
	    T(test_the_consumer_may_not_either),
	    T(test_resuming_is_not_counted),
	    T(test_a_consumer_that_signs_nothing_is_started_again),
	    T(test_a_push_is_the_providers_to_make_and_to_make_again),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
