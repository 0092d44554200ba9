/* Spans, ranges, the meters' rules and their receipts on their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/proof.h"
#include "dataspace/meter.h"
#include "dataspace/range.h"
#include "dataspace/receipt.h"
#include "tests/base/folder_remove.h"

/* ---- spans: against a set of single octets ---- */

enum { OCTETS = 200 };

static uint64_t missing_slowly(const bool *set, uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < to; i++) n += !set[i];
	return n;
}

static void test_spans_are_the_set_they_stand_for(void **state)
{
	unsigned x = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct spans s = {.n = 0};
		bool set[OCTETS] = {false};

		for (int step = 0; step < 12; step++) {
			uint64_t a, b, lack, from, reach;

			x = x * 1103515245u + 12345u;
			a = (x >> 8) % OCTETS;
			b = a + (x >> 20) % 30;
			if (b > OCTETS) b = OCTETS;
			assert_true(spans_add(&s, a, b));
			for (uint64_t i = a; i < b; i++) set[i] = true;
			assert_int_equal(spans_total(&s), OCTETS - missing_slowly(set, 0, OCTETS));
			for (size_t i = 1; i < s.n; i++) assert_true(s.s[i].from > s.s[i - 1].to);
			from = (x >> 4) % OCTETS;
			assert_int_equal(spans_missing(&s, from, OCTETS),
					 missing_slowly(set, from, OCTETS));
			lack = (x >> 12) % 40;
			reach = spans_reach(&s, from, OCTETS, lack);
			assert_true(missing_slowly(set, from, reach) <= lack);
			assert_true(reach == OCTETS || missing_slowly(set, from, reach + 1) > lack);
		}
	}
}

static void test_spans_have_a_limit(void **state)
{
	struct spans s = {.n = 0};

	(void)state;
	for (uint64_t i = 0; i < SPANS_MAX; i++) assert_true(spans_add(&s, 10 * i, 10 * i + 5));
	assert_false(spans_add(&s, 10000, 10001));
	assert_int_equal(spans_total(&s), 5 * SPANS_MAX);
	assert_true(spans_add(&s, 5, 10)); /* one that melts two into one */
	assert_true(spans_add(&s, 10000, 10001));
}

/* ---- ranges ---- */

static void test_ranges(void **state)
{
	static const struct {
		const char *field;
		uint64_t size;
		enum range_kind kind;
		uint64_t from, to;
	} cases[] = {
	    {NULL, 100, RANGE_WHOLE, 0, 100},
	    {"bytes=0-", 100, RANGE_PART, 0, 100},
	    {"bytes=0-0", 100, RANGE_PART, 0, 1},
	    {"bytes=99-", 100, RANGE_PART, 99, 100},
	    {"bytes=100-", 100, RANGE_NONE, 0, 100},
	    {"bytes=10-19", 100, RANGE_PART, 10, 20},
	    {"bytes=10-1000", 100, RANGE_PART, 10, 100},
	    {"bytes=10-18446744073709551615", 100, RANGE_PART, 10, 100},
	    {"bytes=18446744073709551615-", 100, RANGE_NONE, 0, 100},
	    {"bytes=19-10", 100, RANGE_WHOLE, 0, 100},
	    {"bytes=-5", 100, RANGE_PART, 95, 100},
	    {"bytes=-500", 100, RANGE_PART, 0, 100},
	    {"bytes=-0", 100, RANGE_NONE, 0, 100},
	    {"bytes=0-", 0, RANGE_NONE, 0, 0},
	    {"bytes=-1", 0, RANGE_NONE, 0, 0},
	    {"bytes=-", 100, RANGE_WHOLE, 0, 100},
	    {"bytes=", 100, RANGE_WHOLE, 0, 100},
	    {"bytes=a-b", 100, RANGE_WHOLE, 0, 100},
	    {"bytes=1-2,4-5", 100, RANGE_WHOLE, 0, 100},
	    {"lines=1-2", 100, RANGE_WHOLE, 0, 100},
	    {"Bytes=1-2", 100, RANGE_PART, 1, 3},
	    {"bytes=1-99999999999999999999", 100, RANGE_WHOLE, 0, 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t from, to;

		assert_int_equal(range_parse(str_of(cases[i].field), cases[i].size, &from, &to),
				 cases[i].kind);
		assert_int_equal(from, cases[i].from);
		assert_int_equal(to, cases[i].to);
	}
}

/* ---- meters: commands on a store of their own ---- */

struct shop {
	char folder[40];
	struct store *store;
	struct writer *writer;
	struct arena *arena;
};

typedef void shop_fn(struct meter_use *u);

struct doing {
	struct writer_cmd cmd;
	struct arena *a;
	Ds__Side side;
	const char *pid;
	shop_fn *fn;
};

static enum err doing_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct doing *x = (struct doing *)c;
	struct meter_use u;
	enum err e =
	    meter_use_open(t->store, x->a, STR("me"), STR("urn:agreement"), str_of(x->pid), x->side, &u);

	assert_int_equal(e, ERR_OK);
	x->fn(&u);
	return meter_use_close(t, STR("me"), &u);
}

static void change(struct shop *s, Ds__Side side, const char *pid, shop_fn *fn)
{
	struct doing x = {.cmd = {.apply = doing_apply}, .a = s->arena, .side = side, .pid = pid, .fn = fn};

	assert_int_equal(writer_run(s->writer, &x.cmd), ERR_OK);
}

static const Ds__Meter *sums(struct shop *s)
{
	struct store_txn *t;
	Ds__Meter *m;

	assert_int_equal(store_read(s->store, &t), ERR_OK);
	assert_int_equal(meter_find(t, s->arena, STR("me"), STR("urn:agreement"), &m), ERR_OK);
	store_read_end(t);
	return m;
}

static enum err open_one(void *arg, struct str participant, struct str pid, struct str agreement)
{
	(void)pid;
	assert_true(str_is(participant, "me") && str_is(agreement, "urn:agreement"));
	++*(unsigned *)arg;
	return ERR_OK;
}

static unsigned open_ones(struct shop *s)
{
	struct store_txn *t;
	unsigned n = 0;

	assert_int_equal(store_read(s->store, &t), ERR_OK);
	assert_int_equal(meter_each_open(t, s->arena, open_one, &n), ERR_OK);
	store_read_end(t);
	return n;
}

static int shop_open(void **state)
{
	struct shop *s = calloc(1, sizeof *s);
	struct store_options so = {.tables = ds_tables, .tables_n = ds_tables_n, .format = DS_FORMAT};
	struct writer_options wo = {.origin = "meter.test/space"};
	struct flaw f = {0};

	snprintf(s->folder, sizeof s->folder, "/tmp/kanhe-meter-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	so.folder = s->folder;
	assert_int_equal(store_open(&so, &f, &s->store), ERR_OK);
	wo.store = s->store;
	assert_int_equal(writer_start(&wo, &s->writer), ERR_OK);
	s->arena = arena_new(64 << 20);
	*state = s;
	return 0;
}

static int shop_close(void **state)
{
	struct shop *s = *state;

	writer_stop(s->writer);
	store_close(s->store);
	arena_free(s->arena);
	folder_remove(s->folder);
	free(s);
	return 0;
}

static void first_request(struct meter_use *u)
{
	assert_int_equal(meter_request(u, 1, 0, NULL), ERR_OK);
	assert_int_equal(meter_grant(u, 0, 1000), ERR_OK);
}

static void the_same_again(struct meter_use *u)
{
	assert_int_equal(meter_request(u, 1, 0, NULL), ERR_OK);
	assert_int_equal(meter_grant(u, 0, 1000), ERR_OK);
}

static void resumed_at_400(struct meter_use *u)
{
	assert_int_equal(meter_request(u, 2, 400, NULL), ERR_OK);
	assert_int_equal(meter_grant(u, 400, 2000), ERR_OK);
}

static void claims_too_much(struct meter_use *u)
{
	assert_int_equal(meter_request(u, 3, 5000, NULL), ERR_OK);
}

static void skips_a_number(struct meter_use *u)
{
	struct flaw f = {0};

	assert_int_equal(meter_request(u, 5, 0, &f), ERR_BAD_INPUT);
	assert_string_equal(f.rule, "sequence");
}

static void settles_less_than_granted(struct meter_use *u)
{
	meter_settle(u, 3, 1700, DS__SETTLEMENT__SETTLEMENT_AGREED, 1);
}

static void test_the_provider_counts_what_is_confirmed(void **state)
{
	struct shop *s = *state;
	const Ds__Meter *m;

	change(s, DS__SIDE__SIDE_PROVIDER, "a", first_request);
	m = sums(s);
	assert_int_equal(m->transfers, 1);
	assert_int_equal(m->requests, 1);
	assert_int_equal(m->octets, 0); /* granted is not had */
	assert_int_equal(m->granted, 1000);
	assert_int_equal(m->open, 1);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", the_same_again); /* its answer was lost */
	assert_int_equal(sums(s)->requests, 1);
	assert_int_equal(sums(s)->granted, 1000);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", resumed_at_400);
	assert_int_equal(sums(s)->requests, 2);
	assert_int_equal(sums(s)->octets, 400);
	assert_int_equal(sums(s)->granted, 2000);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", claims_too_much); /* no more than was granted */
	assert_int_equal(sums(s)->octets, 2000);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", skips_a_number);
	assert_int_equal(sums(s)->requests, 3);
	assert_int_equal(open_ones(s), 1);
	change(s, DS__SIDE__SIDE_PROVIDER, "b", first_request); /* another transfer beside it */
	assert_int_equal(sums(s)->transfers, 2);
	assert_int_equal(open_ones(s), 2);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", settles_less_than_granted);
	m = sums(s);
	assert_int_equal(m->settled_transfers, 1);
	assert_int_equal(m->settled_octets, 1700);
	assert_int_equal(m->octets, 1700);
	assert_int_equal(m->granted, 2700); /* what was not had is free again */
	assert_int_equal(m->open, 1);
	assert_int_equal(m->sequence, 1);
	assert_int_equal(open_ones(s), 1);
}

static void plain_request(struct meter_use *u)
{
	assert_int_equal(meter_request(u, 0, 0, NULL), ERR_OK);
	assert_int_equal(meter_grant(u, 0, 1000), ERR_OK);
	meter_sent(u, 0, 600);
}

static void test_a_plain_consumer_has_what_was_sent(void **state)
{
	struct shop *s = *state;

	change(s, DS__SIDE__SIDE_PROVIDER, "a", plain_request);
	assert_int_equal(sums(s)->octets, 600);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", plain_request); /* the same octets again */
	assert_int_equal(sums(s)->requests, 2);
	assert_int_equal(sums(s)->octets, 600);
}

static void settles_what_was_sent(struct meter_use *u)
{
	meter_settle(u, 2, 600, DS__SETTLEMENT__SETTLEMENT_LONE, 1);
}

static void sends_the_rest(struct meter_use *u)
{
	meter_sent(u, 600, 1000);
}

static void test_what_is_settled_stays_as_it_is(void **state)
{
	struct shop *s = *state;

	change(s, DS__SIDE__SIDE_PROVIDER, "a", plain_request);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", settles_what_was_sent);
	change(s, DS__SIDE__SIDE_PROVIDER, "a", sends_the_rest); /* an answer that ended late */
	assert_int_equal(sums(s)->octets, 600);
	assert_int_equal(sums(s)->settled_octets, 600);
}

static void asks_at_0(struct meter_use *u)
{
	assert_int_equal(meter_number(u, 0, 0), 1);
}

static void asks_again_at_0(struct meter_use *u)
{
	assert_int_equal(meter_number(u, 0, 0), 1); /* no answer came */
}

static void asks_at_300(struct meter_use *u)
{
	assert_int_equal(meter_number(u, 300, 300), 2); /* octets came: it was answered */
}

static void answered_with_nothing(struct meter_use *u)
{
	u->row->answered = true;
	assert_int_equal(meter_number(u, 300, 300), 3);
}

static void starts_over(struct meter_use *u)
{
	meter_arrived(u, 900);
	u->row->answered = true;
	assert_int_equal(meter_number(u, 0, 0), 4);
}

static void test_the_consumer_numbers_its_requests(void **state)
{
	struct shop *s = *state;

	change(s, DS__SIDE__SIDE_CONSUMER, "a", asks_at_0);
	change(s, DS__SIDE__SIDE_CONSUMER, "a", asks_again_at_0);
	change(s, DS__SIDE__SIDE_CONSUMER, "a", asks_at_300);
	assert_int_equal(sums(s)->octets, 300);
	change(s, DS__SIDE__SIDE_CONSUMER, "a", answered_with_nothing);
	change(s, DS__SIDE__SIDE_CONSUMER, "a", starts_over);
	assert_int_equal(sums(s)->octets, 900); /* never goes back */
	assert_int_equal(sums(s)->requests, 4);
}

/* ---- receipts ---- */

/* The provider's DID begins like the consumer's: its proof is not the consumer's. */
static void test_a_proof_is_of_the_party_that_it_names(void **state)
{
	struct shop *s = *state;
	struct sign_key *key = sign_key_new();
	struct ds_self self = {.method = "did:web:node.example#key-1", .key = key};
	struct receipt_counts counts = {.requests = 1};
	Ds__Agreement g;
	json_t *doc;

	assert_non_null(key);
	ds__agreement__init(&g);
	g.id = "urn:agreement";
	g.consumer = "did:web:a.example";
	g.provider = "did:web:a.example:more";
	g.provider_method = "did:web:a.example:more#key-1";
	g.provider_key = (ProtobufCBinaryData){SIGN_PUBLIC, (uint8_t *)(uintptr_t)sign_public(key)};
	struct receipt_terms terms = {
	    .agreement = &g, .consumer_pid = STR("c"), .provider_pid = STR("p"), .sequence = 1};
	doc = receipt_write(s->arena, &terms, &counts);
	assert_non_null(doc);
	assert_int_equal(proof_add(doc, key, g.provider_method, "assertionMethod", 0), ERR_OK);
	assert_int_equal(receipt_verify(&self, &g, NULL, doc, str_of(g.provider), NULL), ERR_OK);
	assert_int_equal(receipt_verify(&self, &g, NULL, doc, str_of(g.consumer), NULL), ERR_BAD_SIGNATURE);
	sign_key_free(key);
}

int main(void)
{
#define SHOP(f) cmocka_unit_test_setup_teardown(f, shop_open, shop_close)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spans_are_the_set_they_stand_for),
	    cmocka_unit_test(test_spans_have_a_limit),
	    cmocka_unit_test(test_ranges),
	    SHOP(test_the_provider_counts_what_is_confirmed),
	    SHOP(test_a_plain_consumer_has_what_was_sent),
	    SHOP(test_what_is_settled_stays_as_it_is),
	    SHOP(test_the_consumer_numbers_its_requests),
	    SHOP(test_a_proof_is_of_the_party_that_it_names),
	};

	if (sign_setup()) return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
