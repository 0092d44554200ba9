/* The walker against a hierarchy in memory: what is found, what is refused, what is asked again. */
#include "tests/base/cases.h"
#include "tests/resolver/hierarchy.h"

static int setup(void **state)
{
	struct fake_net *n = fake_net_new(4 << 20);
	fake_four_levels(n);
	*state = n;
	return 0;
}

static int teardown(void **state)
{
	fake_net_free(*state);
	return 0;
}

static unsigned asked_in_all(const struct fake_net *n)
{
	unsigned all = 0;
	for (size_t i = 0; i < n->nodes_n; i++) all += n->nodes[i].asked;
	return all;
}

static void walks_four_levels(void **state)
{
	struct fake_net *n = *state;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	const struct finding *f = r.finding;
	assert_int_equal(r.called, 1);
	assert_int_equal(f->err, ERR_OK);
	assert_int_equal(f->kind, ANSWER_RECORD);
	assert_int_equal(f->state, CHAIN_SECURE);
	assert_int_equal(f->hops_n, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(f->hops[i].state, CHAIN_SECURE);
		assert_int_equal(f->hops[i].kind, i == 3 ? ANSWER_RECORD : ANSWER_REFERRAL);
		assert_int_equal(f->hops[i].took, 3 * USEC_PER_MSEC);
		assert_str(f->hops[i].node, n->nodes[i].did);
		assert_str(f->hops[i].url, n->nodes[i].url);
		assert_false(f->hops[i].cached);
	}
	struct record_head head;
	assert_int_equal(record_peek(f->record, &head), ERR_OK);
	assert_str(head.id, "88.118.8.1/pump");
	fake_result_done(&r);
}

static void next_walk_begins_at_deepest_delegation(void **state)
{
	struct fake_net *n = *state;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	fake_result_done(&r);
	r = fake_ask(n, "88.118.8.1/absent");
	assert_int_equal(r.finding->err, ERR_NOT_FOUND);
	assert_int_equal(r.finding->state, CHAIN_SECURE);
	assert_int_equal(n->nodes[3].asked, 2);
	assert_int_equal(asked_in_all(n), 5); /* only the last one a second time */
	assert_int_equal(r.finding->hops_n, 4);
	assert_true(r.finding->hops[0].cached && r.finding->hops[2].cached);
	assert_false(r.finding->hops[3].cached);
	fake_result_done(&r);
	/* a sibling begins one step higher */
	r = fake_ask(n, "88.118.8/lathe");
	assert_int_equal(r.finding->err, ERR_OK);
	assert_int_equal(n->nodes[2].asked, 2);
	assert_int_equal(n->nodes[0].asked, 1);
	fake_result_done(&r);
}

static void retired_is_told_and_verified(void **state)
{
	struct fake_result r = fake_ask(*state, "88.118.8/scrap");
	assert_int_equal(r.finding->err, ERR_GONE);
	assert_int_equal(r.finding->kind, ANSWER_RETIRED);
	assert_int_equal(r.finding->state, CHAIN_SECURE);
	fake_result_done(&r);
}

/* The fault at the authority, and what it must come to. */
static void faults_are_refused(void **state)
{
	static const struct {
		enum fake_fault fault;
		enum err err;
		const char *rule;
	} cases[] = {
	    {FAKE_WRONG_KEY, ERR_BOGUS, "answer-signature"},
	    {FAKE_FLIPPED, ERR_BOGUS, NULL},
	    {FAKE_GARBAGE, ERR_BOGUS, NULL},
	    {FAKE_OTHER_ID, ERR_BOGUS, "answer-id"},
	    {FAKE_OTHER_RECORD, ERR_BOGUS, NULL},
	    {FAKE_RETIRED_ALIVE, ERR_BOGUS, "other-status"},
	    {FAKE_OLD_ANSWER, ERR_BOGUS, "answer-expired"},
	    {FAKE_EARLY_ANSWER, ERR_BOGUS, "answer-early"},
	    {FAKE_DELEGATION_AS_ANSWER, ERR_BOGUS, "answer-signature"},
	    {FAKE_REFUSES, ERR_UPSTREAM, "status"},
	    {FAKE_HTML, ERR_UPSTREAM, "media-type"},
	    {FAKE_SILENT, ERR_TIMEOUT, NULL},
	};
	struct fake_net *n = *state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char id[64];
		snprintf(id, sizeof id, "88.118.8.1/case%zu", i);
		n->nodes[3].records[0] = id;
		n->nodes[3].fault = cases[i].fault;
		struct fake_result r = fake_ask(n, id);
		assert_int_equal(r.called, 1);
		assert_int_equal(r.finding->err, cases[i].err);
		assert_int_equal(r.finding->octets.n, 0); /* nothing of it is served */
		assert_int_equal(r.finding->record.n, 0);
		assert_int_equal(r.finding->state, cases[i].err == ERR_BOGUS ? CHAIN_BOGUS : CHAIN_NONE);
		if (cases[i].rule) assert_str(r.finding->rule, cases[i].rule);
		const struct hop *last = &r.finding->hops[r.finding->hops_n - 1];
		assert_str(last->url, n->nodes[3].url); /* the failing hop is named */
		assert_true(last->detail.n > 0);
		fake_result_done(&r);
	}
}

static void bogus_is_kept_briefly_and_never_longer(void **state)
{
	struct fake_net *n = *state;
	n->nodes[3].fault = FAKE_WRONG_KEY;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	struct id id = fake_id(n, "88.118.8.1/pump");
	fake_result_done(&r);
	struct finding *f = cache_find(n->cache, CACHE_NEGATIVE, id.key, n->now);
	assert_non_null(f);
	assert_int_equal(f->err, ERR_BOGUS);
	assert_null(cache_find(n->cache, CACHE_POSITIVE, id.key, n->now));
	assert_null(cache_find(n->cache, CACHE_NEGATIVE, id.key, n->now + WALK_BOGUS_TTL));
	finding_release(f);
	/* mended: the next question after the pause is answered */
	n->nodes[3].fault = FAKE_SOUND;
	n->now += WALK_BOGUS_TTL;
	r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_OK);
	fake_result_done(&r);
}

static void forged_delegation_is_bogus(void **state)
{
	struct fake_net *n = *state;
	n->nodes[1].children[0].signer = n->stranger;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	assert_str(r.finding->rule, "delegation-signature");
	assert_int_equal(n->nodes[2].asked, 0); /* nobody goes where a forgery points */
	fake_result_done(&r);
}

static void delegation_terms_are_kept(void **state)
{
	struct fake_net *n = *state;
	n->nodes[1].children[0].not_after = n->now - 1;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	assert_str(r.finding->rule, "delegation-expired");
	fake_result_done(&r);
	n->now += WALK_BOGUS_TTL;
	n->nodes[1].children[0].not_after = 0;
	n->nodes[1].children[0].not_before = n->now + 3600 * USEC_PER_SEC;
	r = fake_ask(n, "88.118.8.1/pump");
	assert_str(r.finding->rule, "delegation-early");
	fake_result_done(&r);
}

static void answer_does_not_outlive_its_chain(void **state)
{
	struct fake_net *n = *state;
	struct id id = fake_id(n, "88.118.8.1/pump");
	n->nodes[1].children[0].not_after = n->now + 10 * USEC_PER_SEC;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_OK);
	assert_true(r.finding->until <= n->now + 10 * USEC_PER_SEC);
	fake_result_done(&r);
	n->now += 10 * USEC_PER_SEC;
	assert_null(cache_find(n->cache, CACHE_POSITIVE, id.key, n->now));
	n->nodes[1].children[0].not_after = n->now - 1;
	r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_BOGUS); /* the delegation itself was forgotten, too */
	fake_result_done(&r);
}

/* The later question begins at a delegation that is in force for long; the one above it ends soon. */
static void answer_from_the_middle_does_not_outlive_what_is_above(void **state)
{
	struct fake_net *n = *state;
	n->nodes[1].children[0].not_after = n->now + 10 * USEC_PER_SEC;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	fake_result_done(&r);
	r = fake_ask(n, "88.118.8.1/absent");
	assert_int_equal(n->nodes[0].asked, 1);
	assert_int_equal(r.finding->err, ERR_NOT_FOUND);
	assert_true(r.finding->until <= n->now + 10 * USEC_PER_SEC);
	fake_result_done(&r);
}

static void referral_upwards_aside_or_to_itself_ends(void **state)
{
	struct fake_net *n = *state;
	struct fake_node *maker = &n->nodes[2];
	/* up: the maker gives 88 away, which is not its own to give */
	maker->children[0] = (struct fake_child){.prefix = "88", .node = &n->nodes[0]};
	struct fake_result r = fake_ask(n, "88.118.8.1/up");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	assert_str(r.finding->rule, "delegation-outside");
	fake_result_done(&r);
	/* to its own prefix: a circle */
	maker->children[0] = (struct fake_child){.prefix = "88.118.8", .node = &n->nodes[2]};
	r = fake_ask(n, "88.118.8.1/circle");
	assert_int_equal(r.finding->err, ERR_LOOP);
	assert_str(r.finding->rule, "referral-depth");
	fake_result_done(&r);
	/* aside: a prefix of its own that does not cover the question */
	maker->children[0] = (struct fake_child){.prefix = "88.118.8.7", .node = &n->nodes[3]};
	maker->fault = FAKE_OTHER_PREFIX;
	r = fake_ask(n, "88.118.8.1/aside");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	assert_str(r.finding->rule, "referral-aside");
	fake_result_done(&r);
	assert_int_equal(n->nodes[3].asked, 0);
}

static void authority_must_be_the_delegated_prefix(void **state)
{
	struct fake_net *n = *state;
	n->nodes[3].prefix = "88.118.8"; /* signs with its key, but for the parent's prefix */
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	assert_str(r.finding->rule, "answer-authority");
	fake_result_done(&r);
}

static void too_many_referrals_end(void **state)
{
	static char prefixes[FAKE_NODES][128];
	char id[160];
	struct fake_net *n = fake_net_new(1 << 20);
	(void)state;
	for (size_t i = 0; i < 20; i++) {
		snprintf(prefixes[i], sizeof prefixes[i], "%s%s1", i ? prefixes[i - 1] : "8", i ? "." : "");
		struct fake_node *node = fake_node_add(n, prefixes[i]);
		if (i) fake_delegate(&n->nodes[i - 1], prefixes[i], node);
	}
	fake_walker(n, &n->nodes[0]);
	snprintf(id, sizeof id, "%s/x", prefixes[19]);
	struct fake_result r = fake_ask(n, id);
	assert_int_equal(r.finding->err, ERR_LOOP);
	assert_str(r.finding->rule, "walk-referrals");
	assert_int_equal(n->asked, WALK_REFERRALS + 1);
	fake_result_done(&r);
	fake_net_free(n);
}

static void silence_ends_in_time(void **state)
{
	struct fake_net *n = *state;
	usec_t began = n->now;
	/* two endpoints of the maker, neither answers; every hop above is slow */
	n->nodes[0].takes = n->nodes[1].takes = USEC_PER_SEC;
	n->nodes[2].fault = FAKE_SILENT;
	n->nodes[1].children[0].second_url = "https://dead.example";
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_TIMEOUT);
	assert_true(n->now - began <= WALK_DEADLINE);
	assert_int_equal(r.finding->hops_n, 4);
	fake_result_done(&r);
}

static void second_endpoint_is_tried(void **state)
{
	struct fake_net *n = *state;
	n->nodes[2].children[0].second_url = "https://dead.example"; /* stands first */
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_OK);
	assert_int_equal(r.finding->hops_n, 5);
	assert_str(r.finding->hops[3].url, "https://dead.example");
	assert_int_equal(r.finding->hops[3].state, CHAIN_NONE);
	assert_int_equal(r.finding->hops[4].state, CHAIN_SECURE);
	fake_result_done(&r);
}

static void forgery_outweighs_silence(void **state)
{
	struct fake_net *n = *state;
	n->nodes[2].children[0].second_url = "https://dead.example";
	n->nodes[3].fault = FAKE_WRONG_KEY;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.finding->err, ERR_BOGUS);
	fake_result_done(&r);
}

static void negative_answers_are_kept_for_their_term(void **state)
{
	struct fake_net *n = *state;
	struct id id = fake_id(n, "88.118.8.1/absent");
	struct fake_result r = fake_ask(n, "88.118.8.1/absent");
	assert_int_equal(r.finding->err, ERR_NOT_FOUND);
	assert_true(r.finding->octets.n > 0); /* the proof */
	fake_result_done(&r);
	struct finding *f = cache_find(n->cache, CACHE_NEGATIVE, id.key, n->now + 59 * USEC_PER_SEC);
	assert_non_null(f);
	finding_release(f);
	assert_null(cache_find(n->cache, CACHE_NEGATIVE, id.key, n->now + 60 * USEC_PER_SEC));
}

static void equal_questions_share_one_fetch(void **state)
{
	enum { MANY = 100 };
	struct fake_net *n = *state;
	struct id id = fake_id(n, "88.118.8.1/pump");
	struct fake_result all[MANY] = {{0}};
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(walker_ask(n->walker, &id, STR_NONE, fake_done, &all[i]), ERR_OK);
	assert_int_equal(walker_under_way(n->walker), 1);
	fake_run(n);
	assert_int_equal(asked_in_all(n), 4);
	assert_int_equal(atomic_load(&n->counters.walks_shared), MANY - 1);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(all[i].called, 1);
		assert_ptr_equal(all[i].finding, all[0].finding);
	}
	for (size_t i = 0; i < MANY; i++) fake_result_done(&all[i]);
	assert_int_equal(walker_under_way(n->walker), 0);
}

static void those_who_wait_for_one_answer_are_bounded(void **state)
{
	struct fake_net *n = *state;
	struct id id = fake_id(n, "88.118.8.1/pump");
	struct fake_result r = {0};
	for (size_t i = 0; i < WALK_WAITERS_MAX; i++)
		assert_int_equal(walker_ask(n->walker, &id, STR_NONE, fake_done, &r), ERR_OK);
	assert_int_equal(walker_ask(n->walker, &id, STR_NONE, fake_done, &r), ERR_BUSY);
	fake_run(n);
	assert_int_equal(r.called, WALK_WAITERS_MAX);
	fake_result_done(&r);
}

static void flood_of_random_names_stays_bounded(void **state)
{
	struct fake_net *n = fake_net_new(512 << 10);
	struct cache_stat st;
	(void)state;
	fake_four_levels(n);
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	fake_result_done(&r);
	for (unsigned i = 0; i < 2000; i++) {
		char id[64];
		snprintf(id, sizeof id, "88.118.8.1/r%08x", i * 2654435761u);
		r = fake_ask(n, id);
		assert_int_equal(r.finding->err, ERR_NOT_FOUND);
		fake_result_done(&r);
	}
	cache_stat(n->cache, &st);
	assert_true(st.octets[CACHE_NEGATIVE] <= cache_share(n->cache, CACHE_NEGATIVE));
	assert_true(st.evicted > 0);
	/* neither the record nor the delegations were pushed out */
	struct id id = fake_id(n, "88.118.8.1/pump");
	struct finding *f = cache_find(n->cache, CACHE_POSITIVE, id.key, n->now);
	assert_non_null(f);
	finding_release(f);
	assert_int_equal(n->nodes[0].asked, 1);
	fake_net_free(n);
}

static void unknown_prefix_has_no_anchor(void **state)
{
	struct fake_net *n = *state;
	struct fake_result r = fake_ask(n, "10.1000/182");
	assert_int_equal(r.refused, ERR_NOT_RESPONSIBLE);
	assert_int_equal(r.called, 0);
	assert_int_equal(n->asked, 0);
	fake_result_done(&r);
}

static void late_and_stray_replies_are_ignored(void **state)
{
	struct fake_net *n = *state;
	struct id id = fake_id(n, "88.118.8.1/pump");
	struct fake_result r = {0};
	struct upstream_reply stray = {.status = 200,
				       .content_type = STR("application/vnd.kanhe.answer+protobuf")};
	assert_int_equal(walker_ask(n->walker, &id, STR_NONE, fake_done, &r), ERR_OK);
	walker_reply(n->walker, 999, 1, &stray);
	walker_reply(n->walker, n->waiting[0].walk, 77, &stray);
	assert_int_equal(r.called, 0);
	fake_run(n);
	assert_int_equal(r.finding->err, ERR_OK);
	fake_result_done(&r);
}

/* A parent that recurses for names below its own child begins with what it signed itself. */
static void own_delegation_is_where_a_walk_begins(void **state)
{
	struct fake_net *n = *state;
	struct buf out = BUF_INIT(ENVELOPE_PACKED_MAX);
	struct envelope env;
	struct answer m;
	struct id id = fake_id(n, "88.118.8.1/pump"), other = fake_id(n, "88.118.8.1/absent");
	fake_answer(n, &n->nodes[1], id.text, &out); /* the second's referral holds its delegation */
	assert_int_equal(envelope_unpack(buf_str(&out), NULL, &env), ERR_OK);
	assert_int_equal(answer_unpack(n->arena, env.payload, NULL, &m), ERR_OK);
	struct fake_result r = {0};
	assert_int_equal(walker_ask(n->walker, &id, m.delegations[0], fake_done, &r), ERR_OK);
	fake_run(n);
	assert_int_equal(r.finding->err, ERR_OK);
	assert_int_equal(n->nodes[0].asked + n->nodes[1].asked, 0);
	assert_int_equal(r.finding->hops_n, 3);
	assert_int_equal(r.finding->hops[0].state, CHAIN_AUTHORITATIVE);
	assert_str(r.finding->hops[0].node, "did:web:here.example");
	/* the grandchild is known by now */
	assert_int_equal(walker_ask(n->walker, &other, m.delegations[0], fake_done, &r), ERR_OK);
	fake_run(n);
	assert_int_equal(r.finding->err, ERR_NOT_FOUND);
	assert_int_equal(n->nodes[2].asked, 1);
	assert_int_equal(r.finding->hops[0].state, CHAIN_AUTHORITATIVE);
	fake_result_done(&r);
	buf_done(&out);
}

static void stopping_answers_everybody(void **state)
{
	struct fake_net *n = fake_net_new(1 << 20);
	struct fake_result r = {0};
	(void)state;
	fake_four_levels(n);
	struct id id = fake_id(n, "88.118.8.1/pump");
	assert_int_equal(walker_ask(n->walker, &id, STR_NONE, fake_done, &r), ERR_OK);
	walker_free(n->walker);
	n->walker = NULL;
	assert_int_equal(r.called, 1);
	assert_int_equal(r.finding->err, ERR_STOPPING);
	fake_result_done(&r);
	fake_net_free(n);
}

static void courier_that_is_busy_is_told(void **state)
{
	struct fake_net *n = *state;
	n->refuse = ERR_BUSY;
	struct fake_result r = fake_ask(n, "88.118.8.1/pump");
	assert_int_equal(r.called, 1);
	assert_int_equal(r.finding->err, ERR_UPSTREAM);
	fake_result_done(&r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
	    CASE(walks_four_levels),
	    CASE(next_walk_begins_at_deepest_delegation),
	    CASE(retired_is_told_and_verified),
	    CASE(faults_are_refused),
	    CASE(bogus_is_kept_briefly_and_never_longer),
	    CASE(forged_delegation_is_bogus),
	    CASE(delegation_terms_are_kept),
	    CASE(answer_does_not_outlive_its_chain),
	    CASE(answer_from_the_middle_does_not_outlive_what_is_above),
	    CASE(referral_upwards_aside_or_to_itself_ends),
	    CASE(authority_must_be_the_delegated_prefix),
	    cmocka_unit_test(too_many_referrals_end),
	    CASE(silence_ends_in_time),
	    CASE(second_endpoint_is_tried),
	    CASE(forgery_outweighs_silence),
	    CASE(negative_answers_are_kept_for_their_term),
	    CASE(equal_questions_share_one_fetch),
	    CASE(those_who_wait_for_one_answer_are_bounded),
	    cmocka_unit_test(flood_of_random_names_stays_bounded),
	    CASE(unknown_prefix_has_no_anchor),
	    CASE(late_and_stray_replies_are_ignored),
	    cmocka_unit_test(stopping_answers_everybody),
	    CASE(courier_that_is_busy_is_told),
	    CASE(own_delegation_is_where_a_walk_begins),
	};
	return cmocka_run_group_tests(cases, NULL, NULL);
}
