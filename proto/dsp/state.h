/* State machines of the Dataspace Protocol 2025-1, as data that engines, documents and tests share.
 *
 * Negotiation: DSP 2025-1 Contract Negotiation Protocol, "State Machine"; transfer: Transfer Process
 * Protocol, "State Machine". A transition takes effect when its message is acknowledged; a message that
 * no row allows is answered with 400 and changes nothing. Termination of a negotiation is allowed from
 * either side in every state that is not final: the figure draws fewer arrows than the text, which says
 * it may be sent at any state. Threads: any. */
#ifndef PROTO_DSP_STATE_H
#define PROTO_DSP_STATE_H

#include "base/str.h"

enum dsp_role { DSP_CONSUMER, DSP_PROVIDER };

const char *dsp_role_name(enum dsp_role r); /* "consumer", "provider" */
static inline enum dsp_role dsp_role_other(enum dsp_role r)
{
	return r == DSP_CONSUMER ? DSP_PROVIDER : DSP_CONSUMER;
}

/* name, final */
#define DSP_NEGOTIATION_STATES(X)                                                                          \
	X(REQUESTED, false)                                                                                \
	X(OFFERED, false)                                                                                  \
	X(ACCEPTED, false)                                                                                 \
	X(AGREED, false)                                                                                   \
	X(VERIFIED, false)                                                                                 \
	X(FINALIZED, true)                                                                                 \
	X(TERMINATED, true)

/* NONE is before the first message and never on the wire. */
enum dsp_negotiation_state {
	DSP_NEGOTIATION_NONE,
#define X(name, final) DSP_NEGOTIATION_##name,
	DSP_NEGOTIATION_STATES(X)
#undef X
	    DSP_NEGOTIATION_STATE_COUNT
};

/* What moves a negotiation: a message, or one of the two events. */
#define DSP_NEGOTIATION_MOVES(X)                                                                           \
	X(REQUEST)                                                                                         \
	X(OFFER)                                                                                           \
	X(ACCEPT)                                                                                          \
	X(AGREE)                                                                                           \
	X(VERIFY)                                                                                          \
	X(FINALIZE)                                                                                        \
	X(TERMINATE)

enum dsp_negotiation_move {
#define X(name) DSP_MOVE_##name,
	DSP_NEGOTIATION_MOVES(X)
#undef X
	    DSP_MOVE_COUNT
};

/* from, move, sent by, to */
#define DSP_NEGOTIATION_TRANSITIONS(X)                                                                     \
	X(NONE, REQUEST, CONSUMER, REQUESTED)                                                              \
	X(NONE, OFFER, PROVIDER, OFFERED)                                                                  \
	X(REQUESTED, OFFER, PROVIDER, OFFERED)                                                             \
	X(REQUESTED, AGREE, PROVIDER, AGREED)                                                              \
	X(OFFERED, REQUEST, CONSUMER, REQUESTED)                                                           \
	X(OFFERED, ACCEPT, CONSUMER, ACCEPTED)                                                             \
	X(ACCEPTED, AGREE, PROVIDER, AGREED)                                                               \
	X(AGREED, VERIFY, CONSUMER, VERIFIED)                                                              \
	X(VERIFIED, FINALIZE, PROVIDER, FINALIZED)                                                         \
	X(REQUESTED, TERMINATE, CONSUMER, TERMINATED)                                                      \
	X(REQUESTED, TERMINATE, PROVIDER, TERMINATED)                                                      \
	X(OFFERED, TERMINATE, CONSUMER, TERMINATED)                                                        \
	X(OFFERED, TERMINATE, PROVIDER, TERMINATED)                                                        \
	X(ACCEPTED, TERMINATE, CONSUMER, TERMINATED)                                                       \
	X(ACCEPTED, TERMINATE, PROVIDER, TERMINATED)                                                       \
	X(AGREED, TERMINATE, CONSUMER, TERMINATED)                                                         \
	X(AGREED, TERMINATE, PROVIDER, TERMINATED)                                                         \
	X(VERIFIED, TERMINATE, CONSUMER, TERMINATED)                                                       \
	X(VERIFIED, TERMINATE, PROVIDER, TERMINATED)

/* name, final */
#define DSP_TRANSFER_STATES(X)                                                                             \
	X(REQUESTED, false)                                                                                \
	X(STARTED, false)                                                                                  \
	X(SUSPENDED, false)                                                                                \
	X(COMPLETED, true)                                                                                 \
	X(TERMINATED, true)

enum dsp_transfer_state {
	DSP_TRANSFER_NONE,
#define X(name, final) DSP_TRANSFER_##name,
	DSP_TRANSFER_STATES(X)
#undef X
	    DSP_TRANSFER_STATE_COUNT
};

#define DSP_TRANSFER_MOVES(X)                                                                              \
	X(REQUEST)                                                                                         \
	X(START)                                                                                           \
	X(COMPLETE)                                                                                        \
	X(SUSPEND)                                                                                         \
	X(TERMINATE)

enum dsp_transfer_move {
#define X(name) DSP_TRANSFER_MOVE_##name,
	DSP_TRANSFER_MOVES(X)
#undef X
	    DSP_TRANSFER_MOVE_COUNT
};

/* from, move, sent by, to */
#define DSP_TRANSFER_TRANSITIONS(X)                                                                        \
	X(NONE, REQUEST, CONSUMER, REQUESTED)                                                              \
	X(REQUESTED, START, PROVIDER, STARTED)                                                             \
	X(REQUESTED, TERMINATE, CONSUMER, TERMINATED)                                                      \
	X(REQUESTED, TERMINATE, PROVIDER, TERMINATED)                                                      \
	X(STARTED, COMPLETE, CONSUMER, COMPLETED)                                                          \
	X(STARTED, COMPLETE, PROVIDER, COMPLETED)                                                          \
	X(STARTED, SUSPEND, CONSUMER, SUSPENDED)                                                           \
	X(STARTED, SUSPEND, PROVIDER, SUSPENDED)                                                           \
	X(STARTED, TERMINATE, CONSUMER, TERMINATED)                                                        \
	X(STARTED, TERMINATE, PROVIDER, TERMINATED)                                                        \
	X(SUSPENDED, START, CONSUMER, STARTED)                                                             \
	X(SUSPENDED, START, PROVIDER, STARTED)                                                             \
	X(SUSPENDED, TERMINATE, CONSUMER, TERMINATED)                                                      \
	X(SUSPENDED, TERMINATE, PROVIDER, TERMINATED)

/* ERR_BAD_STATE with the flaw saying what may not follow what; *ret is where the move leads. */
enum err dsp_negotiation_next(enum dsp_negotiation_state from, enum dsp_negotiation_move move,
			      enum dsp_role by, struct flaw *f, enum dsp_negotiation_state *ret) MUST_USE;
enum err dsp_transfer_next(enum dsp_transfer_state from, enum dsp_transfer_move move, enum dsp_role by,
			   struct flaw *f, enum dsp_transfer_state *ret) MUST_USE;

const char *dsp_negotiation_state_name(enum dsp_negotiation_state s); /* "REQUESTED"; "NONE" */
const char *dsp_negotiation_move_name(enum dsp_negotiation_move m);   /* "REQUEST" */
const char *dsp_transfer_state_name(enum dsp_transfer_state s);
const char *dsp_transfer_move_name(enum dsp_transfer_move m);
/* As on the wire; ERR_BAD_MESSAGE for anything else, "NONE" included. */
enum err dsp_negotiation_state_parse(struct str s, enum dsp_negotiation_state *ret) MUST_USE;
enum err dsp_transfer_state_parse(struct str s, enum dsp_transfer_state *ret) MUST_USE;
bool dsp_negotiation_final(enum dsp_negotiation_state s);
bool dsp_transfer_final(enum dsp_transfer_state s);

#endif
