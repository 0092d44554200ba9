/* Contract negotiation, both roles: the engine over proto/dsp/state.h.
 *
 * `state` is what both sides have acknowledged; `pending` is where our own message, still in the
 * outbox, will lead once the partner has acknowledged it. A partner's message that is only possible
 * after our pending one proves that it arrived: it counts as the acknowledgement. Termination takes
 * effect on our side at once and is told to the partner as long as it takes.
 *
 * Rules (what a side does by itself):
 *   provider  REQUESTED: the offer is ours → agreement, when auto_agree; a counter-offer that differs →
 *             termination with what differs, when auto_agree; otherwise the owner decides.
 *             ACCEPTED → agreement. VERIFIED → FINALIZED.
 *   consumer  OFFERED: what was asked for → acceptance; otherwise the owner decides.
 *             AGREED → verification.
 * A message that is refused changes nothing; a message seen before gets the same answer and changes
 * nothing. Threads: in commands; finding and showing with any transaction. */
#ifndef DATASPACE_NEGOTIATION_H
#define DATASPACE_NEGOTIATION_H

#include "dataspace/turn.h"
#include "proto/dsp/negotiation.h"

/* Any message of the family, taken apart. */
struct negotiation_message {
	enum dsp_type type;
	enum dsp_negotiation_move move;
	struct dsp_pids pids;
	struct str callback;       /* first request or offer */
	struct odrl_policy policy; /* offer or agreement */
	struct dsp_reason reason;
	json_t *root;
};
/* type: what the route takes. ERR_BAD_MESSAGE, ERR_BAD_POLICY. */
enum err negotiation_message_parse(json_t *j, enum dsp_type type, struct flaw *f,
				   struct negotiation_message *ret) MUST_USE;

/* pid: of the route; empty for the first request or offer (*ret_new tells whether it is new). The
 * row is as after the message. ERR_NOT_FOUND (also for a partner's that is not the caller),
 * ERR_BAD_STATE, ERR_BAD_MESSAGE, ERR_BAD_POLICY, ERR_BAD_SIGNATURE: nothing changed. */
enum err negotiation_receive(const struct turn *u, struct str pid, const struct negotiation_message *m,
			     Ds__Negotiation **ret, bool *ret_new) MUST_USE;

/* Wishes of the owner. */
struct negotiation_wish {
	struct str provider; /* DID */
	struct str base;     /* its DSP base URL */
	uint32_t dialect;    /* the version spoken there */
	struct str dataset;
	json_t *offer; /* as the provider's catalog has it */
	struct str offer_id;
};
enum err negotiation_start(const struct turn *u, const struct negotiation_wish *w,
			   Ds__Negotiation **ret) MUST_USE;
/* Consumer accepts the offer on the table; provider agrees to the request on the table; either ends
 * it. ERR_NOT_FOUND, ERR_BAD_STATE. */
enum err negotiation_accept(const struct turn *u, struct str pid, Ds__Negotiation **ret) MUST_USE;
enum err negotiation_agree(const struct turn *u, struct str pid, Ds__Negotiation **ret) MUST_USE;
enum err negotiation_terminate(const struct turn *u, struct str pid, struct str code, struct str reason,
			       Ds__Negotiation **ret) MUST_USE;
/* Provider: lays its published offer on the table, or consumer: asks again with these rules. */
enum err negotiation_counter(const struct turn *u, struct str pid, json_t *rules,
			     Ds__Negotiation **ret) MUST_USE;

/* Rows (negotiation_row.c). */
enum err negotiation_find(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			  Ds__Negotiation **ret) MUST_USE;
enum err negotiation_find_peer(struct store_txn *t, struct arena *a, struct str participant,
			       struct str peer, struct str peer_pid, Ds__Negotiation **ret) MUST_USE;
enum err negotiation_put(const struct turn *u, const Ds__Negotiation *n) MUST_USE; /* and its index */
typedef enum err negotiation_fn(void *arg, const Ds__Negotiation *n);
enum err negotiation_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
			  negotiation_fn *fn, void *arg) MUST_USE;

enum dsp_role negotiation_role(const Ds__Negotiation *n); /* ours */
/* What is shown: the acknowledged state; before the first acknowledgement the one asked for. */
enum dsp_negotiation_state negotiation_state(const Ds__Negotiation *n);
struct dsp_pids negotiation_pids(const Ds__Negotiation *n);
/* The ContractNegotiation to answer with; kept by the arena. */
json_t *negotiation_write(struct arena *a, const Ds__Negotiation *n);
json_t *negotiation_show(struct arena *a, const Ds__Negotiation *n, bool whole); /* new reference */

#endif
