/* Transfer process, both roles: the engine over proto/dsp/state.h.
 *
 * As in negotiation.h, `pending` is our own move that the partner has not acknowledged, and a message
 * that presumes it proves it; termination takes effect at once on our side.
 *
 * Rules: provider: a request is decided by the policy in the agreement, and counted, in the command
 * that accepts it; allowed → STARTED with a data address; denied → refused with the report, and the
 * denial is in the ledger. Consumer: STARTED → the pull begins; everything there → COMPLETED.
 * Only the side that suspended resumes.
 * Threads: in commands; finding and showing with any transaction. */
#ifndef DATASPACE_TRANSFER_H
#define DATASPACE_TRANSFER_H

#include "dataspace/turn.h"
#include "proto/dsp/transfer.h"

#define TRANSFER_PURPOSE "kanhe:purpose"
#define TRANSFER_REPORT "kanhe:report"
#define TRANSFER_PULL "HttpData-PULL"
#define TRANSFER_PUSH "HttpData-PUSH"

struct transfer_message {
	enum dsp_type type;
	enum dsp_transfer_move move;
	struct dsp_pids pids;
	struct str agreement, format, callback, purpose; /* request */
	struct dsp_data_address address;                 /* start */
	struct dsp_reason reason;
	json_t *root;
};
enum err transfer_message_parse(json_t *j, enum dsp_type type, struct flaw *f,
				struct transfer_message *ret) MUST_USE;

/* What the policy, or the state of the agreement, said to a request that was understood. */
struct transfer_denial {
	enum err err; /* ERR_OK: none; else the status to answer with */
	struct str code, reason;
	json_t *report; /* may be NULL */
};

/* pid: of the route; empty for a request. ERR_NOT_FOUND, ERR_BAD_STATE, ERR_BAD_MESSAGE: nothing
 * changed. A denial is ERR_OK with *ret_denial filled and *ret NULL: the decision is recorded. */
enum err transfer_receive(const struct turn *u, struct str pid, const struct transfer_message *m,
			  Ds__Transfer **ret, bool *ret_new, struct transfer_denial *ret_denial) MUST_USE;

/* Wishes. ERR_NOT_FOUND, ERR_BAD_STATE, ERR_REVOKED, ERR_EXPIRED. */
/* Where a push goes to: endpoint empty: none, the data is pulled. */
struct transfer_sink {
	struct str endpoint, authorization, method;
};
struct transfer_wish {
	struct str agreement, purpose;
	uint64_t rate; /* octets a second; 0: unbounded */
	struct transfer_sink sink;
	struct str plane, format; /* an outside data plane that takes the data, in that format */
};
enum err transfer_start(const struct turn *u, const struct transfer_wish *w, Ds__Transfer **ret) MUST_USE;
enum err transfer_suspend(const struct turn *u, struct str pid, struct str reason,
			  Ds__Transfer **ret) MUST_USE;
enum err transfer_resume(const struct turn *u, struct str pid, Ds__Transfer **ret) MUST_USE;
enum err transfer_terminate(const struct turn *u, struct str pid, struct str code, struct str reason,
			    Ds__Transfer **ret) MUST_USE;
/* Terminates every running transfer of an agreement. */
enum err transfer_end_all(const struct turn *u, struct str agreement, struct str code,
			  struct str reason) MUST_USE;

typedef enum err transfer_fn(void *arg, const Ds__Transfer *x);
enum err transfer_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		       transfer_fn *fn, void *arg) MUST_USE;
enum err transfer_find_peer(struct store_txn *t, struct arena *a, struct str participant, struct str peer,
			    struct str peer_pid, Ds__Transfer **ret) MUST_USE;

enum dsp_role transfer_role(const Ds__Transfer *x);
enum dsp_transfer_state transfer_state(const Ds__Transfer *x); /* what is shown */
struct dsp_pids transfer_pids(const Ds__Transfer *x);
json_t *transfer_write(struct arena *a, const Ds__Transfer *x);            /* TransferProcess */
json_t *transfer_show(struct arena *a, const Ds__Transfer *x, bool whole); /* new reference */

#endif
