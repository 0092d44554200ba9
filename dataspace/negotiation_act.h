/* What we do in a negotiation: steps, announcements, rules. Private to negotiation*.c; in commands.
 * The caller puts the row afterwards. */
#ifndef DATASPACE_NEGOTIATION_ACT_H
#define DATASPACE_NEGOTIATION_ACT_H

#include "dataspace/negotiation.h"

void negotiation_init(const struct turn *u, Ds__Negotiation *n, Ds__Side side);
/* A state is reached: history, ledger entry (for the partner's steps), waiters. */
enum err negotiation_step(const struct turn *u, Ds__Negotiation *n, enum dsp_negotiation_state to,
			  bool by_peer, struct str detail) MUST_USE;
/* The pending state is reached. */
enum err negotiation_acknowledged(const struct turn *u, Ds__Negotiation *n) MUST_USE;
/* The pending message has become pointless. */
enum err negotiation_forget(const struct turn *u, Ds__Negotiation *n) MUST_USE;
/* The rules for the state that the partner's message led to (not AGREED). */
enum err negotiation_react(const struct turn *u, Ds__Negotiation *n) MUST_USE;
/* AGREED: sends our verification with our proof. */
enum err negotiation_verify(const struct turn *u, Ds__Negotiation *n, json_t *proof) MUST_USE;
/* Provider, VERIFIED: sends FINALIZED; the agreement is in force. */
enum err negotiation_finalize(const struct turn *u, Ds__Negotiation *n) MUST_USE;

#endif
