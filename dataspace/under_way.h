/* Why a process does not go on: what of ours its partner has not acknowledged (outbox), and what of its
 * partner's was refused here, which nobody but the partner would see otherwise; and what keeps its data
 * from being fetched.
 *
 * Refusals are the memory of a node: of messages that name a process there is, the newest of each, the last
 * REFUSALS_KEPT of all. Threads: any (a lock of its own). */
#ifndef DATASPACE_UNDER_WAY_H
#define DATASPACE_UNDER_WAY_H

#include "dataspace/space.h"

enum {
	REFUSALS_KEPT = 64,     /* 45 KiB; the oldest goes */
	REFUSAL_TEXT = 400,     /* of the reason, cut there */
	UNDER_WAY_LETTERS = 256 /* of the outbox that are looked at for one process */
};

struct refusals;
enum err refusals_open(struct refusals **ret) MUST_USE;
void refusals_close(struct refusals *r); /* NULL is allowed */
/* A partner's message is refused; nothing is kept unless its path names a negotiation or transfer there is.
 */
void refusals_note(struct net_req *r, struct str reason);
/* A message of the partner's was taken: what was refused before is not what the process waits for. */
void refusals_forget(struct net_req *r);

/* The data of a transfer of ours cannot be fetched yet; takes the place of a refusal. An empty reason: it
 * can. */
void fetching_note(struct ds *d, struct str participant, struct str pid, struct str reason);

/* Adds to what is shown of a process: "waiting", its oldest letter in the outbox, with attempts and the
 * last answer; "refused", {"time", "message", "reason"} of its partner's last message that was refused; or
 * "fetching", {"time", "reason"}. */
void under_way_explain(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
		       struct str pid, json_t *j);

#endif
