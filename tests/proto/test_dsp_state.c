#include "tests/proto/cases.h"

#include "proto/dsp/state.h"

static void final_states_have_no_way_out(void **state)
{
	(void)state;
	for (int s = 0; s < DSP_NEGOTIATION_STATE_COUNT; s++) {
		size_t ways = 0;
		for (int m = 0; m < DSP_MOVE_COUNT; m++)
			for (int r = DSP_CONSUMER; r <= DSP_PROVIDER; r++) {
				enum dsp_negotiation_state to;
				if (dsp_negotiation_next(s, m, r, NULL, &to)) continue;
				ways++;
				if (m == DSP_MOVE_TERMINATE)
					assert_int_equal(to, DSP_NEGOTIATION_TERMINATED);
			}
		assert_true((ways == 0) == dsp_negotiation_final(s));
	}
	for (int s = 0; s < DSP_TRANSFER_STATE_COUNT; s++) {
		size_t ways = 0;
		for (int m = 0; m < DSP_TRANSFER_MOVE_COUNT; m++)
			for (int r = DSP_CONSUMER; r <= DSP_PROVIDER; r++) {
				enum dsp_transfer_state to;
				ways += !dsp_transfer_next(s, m, r, NULL, &to);
			}
		assert_true((ways == 0) == dsp_transfer_final(s));
	}
}

static void names_go_both_ways(void **state)
{
	(void)state;
	enum dsp_negotiation_state n;
	enum dsp_transfer_state t;
	for (int s = 1; s < DSP_NEGOTIATION_STATE_COUNT; s++) {
		assert_int_equal(dsp_negotiation_state_parse(str_of(dsp_negotiation_state_name(s)), &n),
				 ERR_OK);
		assert_int_equal(n, s);
	}
	for (int s = 1; s < DSP_TRANSFER_STATE_COUNT; s++) {
		assert_int_equal(dsp_transfer_state_parse(str_of(dsp_transfer_state_name(s)), &t), ERR_OK);
		assert_int_equal(t, s);
	}
	assert_int_equal(dsp_negotiation_state_parse(STR("NONE"), &n), ERR_BAD_MESSAGE);
	assert_int_equal(dsp_negotiation_state_parse(STR("requested"), &n), ERR_BAD_MESSAGE);
	assert_int_equal(dsp_transfer_state_parse(STR("FINALIZED"), &t), ERR_BAD_MESSAGE);
}

static void what_is_not_allowed_is_said(void **state)
{
	(void)state;
	struct flaw f;
	enum dsp_negotiation_state to = DSP_NEGOTIATION_OFFERED;
	assert_int_equal(
	    dsp_negotiation_next(DSP_NEGOTIATION_OFFERED, DSP_MOVE_AGREE, DSP_PROVIDER, &f, &to),
	    ERR_BAD_STATE);
	assert_int_equal(to, DSP_NEGOTIATION_OFFERED);
	assert_string_equal(f.text, "in state OFFERED the provider may not AGREE");
	/* the right move by the wrong side */
	assert_int_equal(
	    dsp_negotiation_next(DSP_NEGOTIATION_AGREED, DSP_MOVE_VERIFY, DSP_PROVIDER, &f, &to),
	    ERR_BAD_STATE);
	assert_int_equal(
	    dsp_negotiation_next(DSP_NEGOTIATION_AGREED, DSP_MOVE_VERIFY, DSP_CONSUMER, &f, &to), ERR_OK);
	assert_int_equal(to, DSP_NEGOTIATION_VERIFIED);
}

/* message of the test kit → move; -1: not one of this machine */
static int move_of(struct str message, bool negotiation)
{
	static const struct {
		const char *message;
		bool negotiation;
		int move;
	} table[] = {
	    {"ContractRequestMessage", true, DSP_MOVE_REQUEST},
	    {"ContractOfferMessage", true, DSP_MOVE_OFFER},
	    {"ContractNegotiationEventMessage:accepted", true, DSP_MOVE_ACCEPT},
	    {"ContractAgreementMessage", true, DSP_MOVE_AGREE},
	    {"ContractAgreementVerificationMessage", true, DSP_MOVE_VERIFY},
	    {"ContractVerificationMessage", true, DSP_MOVE_VERIFY},
	    {"ContractNegotiationEventMessage:finalized", true, DSP_MOVE_FINALIZE},
	    {"ContractNegotiationTerminationMessage", true, DSP_MOVE_TERMINATE},
	    {"TransferRequestMessage", false, DSP_TRANSFER_MOVE_REQUEST},
	    {"TransferStartMessage", false, DSP_TRANSFER_MOVE_START},
	    {"TransferCompletionMessage", false, DSP_TRANSFER_MOVE_COMPLETE},
	    {"TransferSuspensionMessage", false, DSP_TRANSFER_MOVE_SUSPEND},
	    {"TransferTerminationMessage", false, DSP_TRANSFER_MOVE_TERMINATE},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].negotiation == negotiation && str_is(message, table[i].message))
			return table[i].move;
	return -1;
}

/* One step of a conformance case: "TCK->>CUT: Message"; whether the answer is an error. Returns false
 * when the case goes on after its end, which one of the published diagrams does. */
static bool step(bool negotiation, struct str line, bool error, bool kit_is_provider, int *at)
{
	struct str message = str_trim(str_skip(line, str_find(line, ':') + 1));
	bool from_kit = str_starts_nocase(line, STR("TCK"));
	enum dsp_role by = from_kit == kit_is_provider ? DSP_PROVIDER : DSP_CONSUMER;
	int move = move_of(message, negotiation);
	if (move < 0) fail_msg("unknown message %.*s", STR_ARG(message));
	enum dsp_negotiation_state n = DSP_NEGOTIATION_NONE;
	enum dsp_transfer_state t = DSP_TRANSFER_NONE;
	struct flaw f = {0};
	if (negotiation && dsp_negotiation_final(*at) && !error) return false;
	enum err e = negotiation ? dsp_negotiation_next(*at, move, by, &f, &n)
				 : dsp_transfer_next(*at, move, by, &f, &t);
	if (!e == error) fail_msg("%.*s: %s", STR_ARG(line), e ? f.text : "allowed");
	if (!e) *at = negotiation ? (int)n : (int)t;
	return true;
}

static void conformance_cases_walk_the_tables(void **state)
{
	json_t *j = shared_json("dataspace/dsp/tck/tck-cases.json"), *c;
	size_t i, cases = 0, steps = 0;
	(void)state;
	if (!j) return;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		struct str id = member(c, "id");
		bool negotiation = str_starts(id, STR("CN"));
		if (!negotiation && !str_starts(id, STR("TP"))) continue;
		json_t *lines = json_object_get(c, "sequence");
		bool kit_is_provider = str_is(member(c, "cutRole"), "consumer");
		int at = 0;
		for (size_t k = 0; k < json_array_size(lines); k++) {
			json_t *one = json_array_get(lines, k), *next = json_array_get(lines, k + 1);
			struct str line = str_n(json_string_value(one), json_string_length(one));
			if (memmem(line.p, line.n, "-->>", 4) || memmem(line.p, line.n, "Signal", 6))
				continue;
			bool error = next && strstr(json_string_value(next), "-->>") &&
				     strstr(json_string_value(next), "4xx");
			if (!step(negotiation, line, error, kit_is_provider, &at)) {
				printf("  %.*s: the diagram goes on after its end\n", STR_ARG(id));
				continue;
			}
			steps++;
		}
		cases++;
	}
	printf("%zu conformance cases, %zu steps\n", cases, steps);
	assert_true(cases > 50);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(final_states_have_no_way_out),
	    cmocka_unit_test(names_go_both_ways),
	    cmocka_unit_test(what_is_not_allowed_is_said),
	    cmocka_unit_test(conformance_cases_walk_the_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
