#include "proto/dsp/state.h"

struct negotiation_row {
	enum dsp_negotiation_state from;
	enum dsp_negotiation_move move;
	enum dsp_role by;
	enum dsp_negotiation_state to;
};

struct transfer_row {
	enum dsp_transfer_state from;
	enum dsp_transfer_move move;
	enum dsp_role by;
	enum dsp_transfer_state to;
};

static const struct negotiation_row negotiation_rows[] = {
#define X(from, move, by, to) {DSP_NEGOTIATION_##from, DSP_MOVE_##move, DSP_##by, DSP_NEGOTIATION_##to},
    DSP_NEGOTIATION_TRANSITIONS(X)
#undef X
};

static const struct transfer_row transfer_rows[] = {
#define X(from, move, by, to) {DSP_TRANSFER_##from, DSP_TRANSFER_MOVE_##move, DSP_##by, DSP_TRANSFER_##to},
    DSP_TRANSFER_TRANSITIONS(X)
#undef X
};

struct state_row {
	const char *name;
	bool final;
};

static const struct state_row negotiation_states[DSP_NEGOTIATION_STATE_COUNT] = {
    [DSP_NEGOTIATION_NONE] = {"NONE", false},
#define X(name, final) [DSP_NEGOTIATION_##name] = {#name, final},
    DSP_NEGOTIATION_STATES(X)
#undef X
};

static const struct state_row transfer_states[DSP_TRANSFER_STATE_COUNT] = {
    [DSP_TRANSFER_NONE] = {"NONE", false},
#define X(name, final) [DSP_TRANSFER_##name] = {#name, final},
    DSP_TRANSFER_STATES(X)
#undef X
};

static const char *const negotiation_moves[DSP_MOVE_COUNT] = {
#define X(name) [DSP_MOVE_##name] = #name,
    DSP_NEGOTIATION_MOVES(X)
#undef X
};

static const char *const transfer_moves[DSP_TRANSFER_MOVE_COUNT] = {
#define X(name) [DSP_TRANSFER_MOVE_##name] = #name,
    DSP_TRANSFER_MOVES(X)
#undef X
};

static enum err not_allowed(struct flaw *f, const char *state, const char *move, enum dsp_role by)
{
	return flaw_set(f, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "transition",
			"in state %s the %s may not %s", state, dsp_role_name(by), move);
}

enum err dsp_negotiation_next(enum dsp_negotiation_state from, enum dsp_negotiation_move move,
			      enum dsp_role by, struct flaw *f, enum dsp_negotiation_state *ret)
{
	for (size_t i = 0; i < sizeof negotiation_rows / sizeof *negotiation_rows; i++) {
		const struct negotiation_row *r = &negotiation_rows[i];
		if (r->from != from || r->move != move || r->by != by) continue;
		*ret = r->to;
		return ERR_OK;
	}
	return not_allowed(f, dsp_negotiation_state_name(from), dsp_negotiation_move_name(move), by);
}

enum err dsp_transfer_next(enum dsp_transfer_state from, enum dsp_transfer_move move, enum dsp_role by,
			   struct flaw *f, enum dsp_transfer_state *ret)
{
	for (size_t i = 0; i < sizeof transfer_rows / sizeof *transfer_rows; i++) {
		const struct transfer_row *r = &transfer_rows[i];
		if (r->from != from || r->move != move || r->by != by) continue;
		*ret = r->to;
		return ERR_OK;
	}
	return not_allowed(f, dsp_transfer_state_name(from), dsp_transfer_move_name(move), by);
}

const char *dsp_role_name(enum dsp_role r)
{
	return r == DSP_CONSUMER ? "consumer" : "provider";
}

const char *dsp_negotiation_state_name(enum dsp_negotiation_state s)
{
	return (unsigned)s < DSP_NEGOTIATION_STATE_COUNT ? negotiation_states[s].name : "";
}

const char *dsp_negotiation_move_name(enum dsp_negotiation_move m)
{
	return (unsigned)m < DSP_MOVE_COUNT ? negotiation_moves[m] : "";
}

const char *dsp_transfer_state_name(enum dsp_transfer_state s)
{
	return (unsigned)s < DSP_TRANSFER_STATE_COUNT ? transfer_states[s].name : "";
}

const char *dsp_transfer_move_name(enum dsp_transfer_move m)
{
	return (unsigned)m < DSP_TRANSFER_MOVE_COUNT ? transfer_moves[m] : "";
}

bool dsp_negotiation_final(enum dsp_negotiation_state s)
{
	return (unsigned)s < DSP_NEGOTIATION_STATE_COUNT && negotiation_states[s].final;
}

bool dsp_transfer_final(enum dsp_transfer_state s)
{
	return (unsigned)s < DSP_TRANSFER_STATE_COUNT && transfer_states[s].final;
}

enum err dsp_negotiation_state_parse(struct str s, enum dsp_negotiation_state *ret)
{
	for (int i = DSP_NEGOTIATION_NONE + 1; i < DSP_NEGOTIATION_STATE_COUNT; i++) {
		if (!str_is(s, negotiation_states[i].name)) continue;
		*ret = (enum dsp_negotiation_state)i;
		return ERR_OK;
	}
	return ERR_BAD_MESSAGE;
}

enum err dsp_transfer_state_parse(struct str s, enum dsp_transfer_state *ret)
{
	for (int i = DSP_TRANSFER_NONE + 1; i < DSP_TRANSFER_STATE_COUNT; i++) {
		if (!str_is(s, transfer_states[i].name)) continue;
		*ret = (enum dsp_transfer_state)i;
		return ERR_OK;
	}
	return ERR_BAD_MESSAGE;
}
