/* Transfer processes between two participants, message by message. */
#include "tests/dataspace/agreed.h"
#include "tests/dataspace/faults.h"

struct wish {
	const char *agreement, *purpose;
	char *pid;
};

static enum err start_fn(const struct turn *u, void *arg)
{
	struct wish *x = arg;
	struct transfer_wish t = {.agreement = str_of(x->agreement), .purpose = str_of(x->purpose)};
	Ds__Transfer *row;
	enum err e = transfer_start(u, &t, &row);

	if (!e) x->pid = arena_strdup(w.arena, str_of(row->pid));
	return e;
}

static char *start(const char *purpose)
{
	struct wish x = {agreement, purpose, NULL};

	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, start_fn, &x, NULL), ERR_OK);
	return x.pid;
}

static void assert_states(const char *pid, enum dsp_transfer_state s)
{
	assert_int_equal(buyers(pid)->state, s);
	assert_int_equal(makers(pid)->state, s);
	assert_int_equal(buyers(pid)->pending + makers(pid)->pending, 0);
}

/* What a job would do: the completion goes through the same engine. */
static void finish(const char *pid)
{
	struct letter_copy l[8];
	size_t before = world_letters(&w, l, 8);

	assert_int_equal(ds_transfer_finished(w.d, STR("buyer"), str_of(pid), ERR_OK, STR_NONE), ERR_OK);
	for (unsigned i = 0; i < 1000 && world_letters(&w, l, 8) == before; i++) {
		/* the writer works in order: an empty turn behind it is enough */
		struct world_mark m = world_mark(&w);

		(void)m;
		(void)!world_turn(&w, "buyer", NULL, STR_NONE, start_fn,
				  &(struct wish){"urn:none", "", NULL}, NULL);
	}
}

static void test_starts_and_completes(void **state)
{
	char *pid = start("maintenance");

	(void)state;
	assert_int_equal(world_settle(&w), 2);
	assert_states(pid, DSP_TRANSFER_STARTED);
	assert_int_equal(fake_plane.pulls, 1);
	assert_string_equal(makers(pid)->purpose, "maintenance");
	assert_non_null(strstr(buyers(pid)->address, "/p/maker/data/"));
	finish(pid);
	assert_int_equal(world_settle(&w), 1);
	assert_states(pid, DSP_TRANSFER_COMPLETED);
	assert_int_equal(fake_plane.ended, 2);
	assert_int_equal(world_agreement(&w, "maker", agreement)->transfers, 1);
}

static void test_survives_each_fault_at_each_message(void **state)
{
	uint64_t counted = 0;

	(void)state;
	for (enum fault fault = 0; fault < FAULTS; fault++) {
		for (unsigned k = 0; k < 3; k++) {
			char *pid = start("");
			struct letter_copy l[32];
			bool finished = false;

			for (unsigned carried = 0; world_letters(&w, l, 31) || !finished; carried++) {
				assert_true(carried < 50);
				w.now += USEC_PER_SEC;
				if (!world_letters(&w, l, 31)) {
					finish(pid);
					finished = true;
				}
				size_t n = world_letters(&w, l, 31);
				assert_true(n > 0);
				if (carried == k)
					misbehave(&w, fault, l, n);
				else
					carry(&w, l, true);
			}
			assert_states(pid, DSP_TRANSFER_COMPLETED);
			assert_int_equal(world_agreement(&w, "maker", agreement)->transfers, ++counted);
		}
	}
}

static void test_counts_and_refuses_the_one_too_many(void **state)
{
	char *pid[4];
	Ds__Transfer *x;
	struct world_mark before;

	(void)state;
	fake_plane.count_max = 3;
	for (int i = 0; i < 4; i++) pid[i] = start(""); /* all four asked before any is answered */
	before = world_mark(&w);
	world_settle(&w);
	for (int i = 0; i < 3; i++) assert_states(pid[i], DSP_TRANSFER_STARTED);
	x = buyers(pid[3]);
	assert_int_equal(x->state, DSP_TRANSFER_TERMINATED);
	assert_string_equal(x->code, "POLICY_DENIED");
	assert_string_equal(x->reason, "count: limit 3, actual 3");
	assert_int_equal(world_agreement(&w, "maker", agreement)->transfers, 3);
	assert_true(world_mark(&w).ledger > before.ledger); /* the refusal is on record */
}

static void test_tells_purpose_to_the_policy(void **state)
{
	char *good, *bad;

	(void)state;
	fake_plane.purpose = "maintenance";
	good = start("maintenance");
	bad = start("resale");
	world_settle(&w);
	assert_states(good, DSP_TRANSFER_STARTED);
	assert_string_equal(buyers(bad)->reason, "purpose: resale");
}

/* ---- refusals that change nothing ---- */

static const char *message_of(enum dsp_transfer_move move, const struct dsp_pids *p)
{
	struct dsp_transfer_start s = {.pids = *p};
	struct dsp_transfer_completion c = {.pids = *p};
	struct dsp_transfer_notice n = {.pids = *p};
	json_t *j = NULL;

	switch (move) {
	case DSP_TRANSFER_MOVE_START: j = dsp_transfer_start_write(w.arena, &s); break;
	case DSP_TRANSFER_MOVE_COMPLETE: j = dsp_transfer_completion_write(w.arena, &c); break;
	case DSP_TRANSFER_MOVE_SUSPEND: j = dsp_transfer_suspension_write(w.arena, &n); break;
	case DSP_TRANSFER_MOVE_TERMINATE: j = dsp_transfer_termination_write(w.arena, &n); break;
	default: break;
	}
	assert_non_null(j);
	return arena_printf(w.arena, "%.*s ", STR_ARG(json_write(w.arena, j, false))).p;
}

static const char *path_of(enum dsp_transfer_move move, const char *pid)
{
	static const char *const ends[] = {
	    [DSP_TRANSFER_MOVE_START] = "start",
	    [DSP_TRANSFER_MOVE_COMPLETE] = "completion",
	    [DSP_TRANSFER_MOVE_SUSPEND] = "suspension",
	    [DSP_TRANSFER_MOVE_TERMINATE] = "termination",
	};

	return arena_printf(w.arena, "/transfers/%s/%s", pid, ends[move]).p;
}

struct forcing {
	const char *pid;
	uint32_t state;
};

static enum err force_fn(const struct turn *u, void *arg)
{
	struct forcing *f = arg;
	Ds__Transfer *x;
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, str_of(f->pid), &x);

	if (e) return e;
	x->state = f->state;
	x->pending = 0;
	x->pending_entry = 0;
	return ds_transfer_put(u->t, u->self->id, x);
}

static void test_refuses_every_transition_that_is_not_in_the_table(void **state)
{
	char *pid = start("");
	unsigned refused = 0;

	(void)state;
	world_settle(&w);
	for (int side = 0; side < 2; side++) {
		const char *us = side ? "maker" : "buyer", *them = side ? "buyer" : "maker";
		Ds__Transfer *x = side ? makers(pid) : buyers(pid);
		struct dsp_pids pids = transfer_pids(x);

		for (enum dsp_transfer_state s = 1; s < DSP_TRANSFER_STATE_COUNT; s++) {
			struct forcing f = {x->pid, s};

			assert_int_equal(world_turn(&w, us, NULL, STR_NONE, force_fn, &f, NULL), ERR_OK);
			for (enum dsp_transfer_move m = DSP_TRANSFER_MOVE_START;
			     m < DSP_TRANSFER_MOVE_COUNT; m++) {
				enum dsp_transfer_state to;
				struct world_mark before = world_mark(&w);
				struct str body;

				if (!dsp_transfer_next(s, m, side ? DSP_CONSUMER : DSP_PROVIDER, NULL, &to))
					continue;
				assert_int_equal(world_post(&w, us, them, path_of(m, x->pid),
							    message_of(m, &pids), &body),
						 400);
				assert_true(text_has(body, "BAD_STATE"));
				world_assert_unchanged(&w, before);
				refused++;
			}
		}
	}
	assert_true(refused > 20);
}

static void test_hides_transfers_and_agreements_from_others(void **state)
{
	char *pid = start("");
	struct letter_copy l[8];
	struct world_mark before;
	Ds__Transfer *x;
	struct dsp_pids pids;
	const char *request;

	(void)state;
	assert_int_equal(world_letters(&w, l, 8), 1);
	request = l[0].body;
	world_settle(&w);
	x = makers(pid);
	pids = transfer_pids(x);
	before = world_mark(&w);
	for (enum dsp_transfer_move m = DSP_TRANSFER_MOVE_START; m < DSP_TRANSFER_MOVE_COUNT; m++) {
		assert_int_equal(
		    world_post(&w, "maker", "thief", path_of(m, x->pid), message_of(m, &pids), NULL), 404);
		assert_int_equal(
		    world_post(&w, "thief", "buyer", path_of(m, x->pid), message_of(m, &pids), NULL), 404);
	}
	/* somebody else's agreement, at its provider and elsewhere */
	assert_int_equal(world_post(&w, "maker", "thief", "/transfers/request", request, NULL), 404);
	assert_int_equal(world_post(&w, "thief", "buyer", "/transfers/request", request, NULL), 404);
	world_assert_unchanged(&w, before);
}

/* One word of a text for another as long. */
static void swap(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

/* A partner that lost our answer asks anew, in a message of its own (EDC does). */
static void test_answers_a_repeated_request_once(void **state)
{
	static const char *const others[][2] = {{"maintenance", "maintainers"},
						{TRANSFER_PULL, TRANSFER_PUSH}};
	char *pid = start("maintenance"), *request;
	struct letter_copy l[8];
	struct world_mark before;

	(void)state;
	assert_int_equal(world_letters(&w, l, 8), 1);
	world_settle(&w);
	before = world_mark(&w);
	request = arena_strdup(w.arena, str_of(l[0].body));
	swap(request, "\"@id\":\"urn:uuid:", "\"@id\":\"urn:else:");
	assert_int_equal(world_post(&w, "maker", "buyer", "/transfers/request", request, NULL), 201);
	world_assert_unchanged(&w, before);
	/* the same pid for something else is no repetition */
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		swap(request, others[i][0], others[i][1]);
		assert_int_equal(world_post(&w, "maker", "buyer", "/transfers/request", request, NULL),
				 400);
		world_assert_unchanged(&w, before);
		swap(request, others[i][1], others[i][0]);
	}
	assert_states(pid, DSP_TRANSFER_STARTED);
	assert_int_equal(world_agreement(&w, "maker", agreement)->transfers, 1);
}

/* ---- pausing, ending, revoking ---- */

static enum err suspend_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	return transfer_suspend(u, str_of(arg), STR("a pause"), &x);
}

static enum err resume_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	return transfer_resume(u, str_of(arg), &x);
}

static void test_a_pause_that_crosses_the_end_leaves_no_reason(void **state)
{
	char *pid = start(""), *maker;
	struct dsp_pids pids;

	(void)state;
	world_settle(&w);
	maker = makers(pid)->pid;
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, suspend_fn, maker, NULL), ERR_OK);
	pids = transfer_pids(makers(pid)); /* the letter is under way */
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(DSP_TRANSFER_MOVE_COMPLETE, maker),
				    message_of(DSP_TRANSFER_MOVE_COMPLETE, &pids), NULL),
			 200);
	assert_int_equal(makers(pid)->state, DSP_TRANSFER_COMPLETED);
	assert_string_equal(makers(pid)->reason, "");
}

static void test_only_the_side_that_suspended_resumes(void **state)
{
	char *pid = start(""), *maker;
	struct world_mark before;
	struct dsp_pids pids;

	(void)state;
	world_settle(&w);
	maker = makers(pid)->pid;
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, suspend_fn, maker, NULL), ERR_OK);
	assert_true(fake_plane.cuts > 0);
	world_settle(&w);
	assert_states(pid, DSP_TRANSFER_SUSPENDED);
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, resume_fn, pid, NULL), ERR_BAD_STATE);
	/* nor does a partner get through that says so all the same */
	pids = transfer_pids(makers(pid));
	before = world_mark(&w);
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(DSP_TRANSFER_MOVE_START, maker),
				    message_of(DSP_TRANSFER_MOVE_START, &pids), NULL),
			 400);
	world_assert_unchanged(&w, before);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, resume_fn, maker, NULL), ERR_OK);
	world_settle(&w);
	assert_states(pid, DSP_TRANSFER_STARTED);
	assert_int_equal(fake_plane.pulls, 2);
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, suspend_fn, pid, NULL), ERR_OK);
	world_settle(&w);
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, resume_fn, pid, NULL), ERR_OK);
	world_settle(&w);
	assert_states(pid, DSP_TRANSFER_STARTED);
	assert_int_equal(world_agreement(&w, "maker", agreement)->transfers,
			 1); /* resuming is not another one */
}

static enum err terminate_fn(const struct turn *u, void *arg)
{
	Ds__Transfer *x;

	return transfer_terminate(u, str_of(arg), STR("TERMINATED"), STR("no longer wanted"), &x);
}

static void test_ends_what_was_not_answered_yet(void **state)
{
	char *pid = start("");

	(void)state;
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, terminate_fn, pid, NULL), ERR_OK);
	world_settle(&w);
	assert_states(pid, DSP_TRANSFER_TERMINATED);
	assert_int_equal(fake_plane.pulls, 0);
}

static enum err revoke_fn(const struct turn *u, void *arg)
{
	Ds__Agreement *g;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(arg), &g);

	return e ? e : agreement_revoke(u, g, STR("breach of contract"));
}

static void test_revocation_ends_transfers_and_refuses_new_ones(void **state)
{
	char *running = start(""), *late;
	unsigned cuts = fake_plane.cuts;
	Ds__Transfer *x;

	(void)state;
	world_settle(&w);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, revoke_fn, agreement, NULL), ERR_OK);
	assert_true(fake_plane.cuts > cuts);
	late = start(""); /* before the buyer has heard of it */
	world_settle(&w);
	assert_states(running, DSP_TRANSFER_TERMINATED);
	assert_string_equal(buyers(running)->code, "REVOKED");
	assert_string_equal(buyers(running)->reason, "breach of contract");
	x = buyers(late);
	assert_int_equal(x->state, DSP_TRANSFER_TERMINATED);
	assert_string_equal(x->code, "REVOKED");
	assert_non_null(strstr(x->reason, "breach of contract"));
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, revoke_fn, agreement, NULL),
			 ERR_BAD_STATE);
	assert_int_equal(world_agreement(&w, "buyer", agreement)->state,
			 DS__AGREEMENT_STATE__AGREEMENT_REVOKED);
	assert_string_equal(world_agreement(&w, "buyer", agreement)->who, world_did(&w, "maker"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_starts_and_completes),
	    T(test_survives_each_fault_at_each_message),
	    T(test_answers_a_repeated_request_once),
	    T(test_counts_and_refuses_the_one_too_many),
	    T(test_tells_purpose_to_the_policy),
	    T(test_refuses_every_transition_that_is_not_in_the_table),
	    T(test_hides_transfers_and_agreements_from_others),
	    T(test_a_pause_that_crosses_the_end_leaves_no_reason),
	    T(test_only_the_side_that_suspended_resumes),
	    T(test_ends_what_was_not_answered_yet),
	    T(test_revocation_ends_transfers_and_refuses_new_ones),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
