/* Signals to outside data planes: Data Plane Signaling 1.0-rc3 as the control plane, both roles.
 *
 * Purpose: a transfer whose `plane` names a registered data plane (data_plane.h) is moved there. Here the
 * policy is judged and the partner spoken with; what the transfer's states mean for the data is told to
 * the data plane by the outbox: durable, again and again, a dead letter when it is refused for good.
 *   provider: request accepted → start → (answer or `started` callback) → TransferStartMessage with the
 *   address that the data plane gave. consumer: wish → prepare → (answer or `prepared` callback) →
 *   TransferRequestMessage, of a push with the address that it gave; TransferStartMessage → started.
 *   Either: suspension → suspend; going on → resume; completion by the partner → completed; an end →
 *   terminate. A `completed` callback completes the transfer; `errored` is kept for the owner to see and
 *   changes nothing (signaling: "MUST NOT propagate this event to the counterparty"), unless it says that a
 *   flow which was being prepared or started is TERMINATED: that ends the transfer.
 *
 * Invariants: 1. a transfer has one signal under way at most; the others wait in its row, in order, and
 * an end drops what was not sent before it. 2. A signal is made when its turn comes: it carries the row's
 * address of that moment. 3. Answers and callbacks take effect once: an answer whose entry is not the
 * row's, and a callback whose messageId was seen or whose state is reached, change nothing.
 * Threads: in commands; faces on shards. */
#ifndef DATASPACE_SIGNAL_H
#define DATASPACE_SIGNAL_H

#include "dataspace/data_plane.h"
#include "dataspace/transfer.h"

/* name, path below /dataflows (of prepare and start whole), schema or none */
#define SIGNALS(X)                                                                                         \
	X(PREPARE, "prepare", DPS_PREPARE)                                                                 \
	X(START, "start", DPS_START)                                                                       \
	X(STARTED, "started", DPS_STARTED)                                                                 \
	X(SUSPEND, "suspend", DPS_SUSPEND)                                                                 \
	X(RESUME, "resume", DPS_RESUME)                                                                    \
	X(TERMINATE, "terminate", DPS_TERMINATE)                                                           \
	X(COMPLETED, "completed", DPS_TYPE_COUNT)

enum signal {
	SIGNAL_NONE,
#define X(name, path, type) SIGNAL_##name,
	SIGNALS(X)
#undef X
	    SIGNAL_END
};

enum {
	SIGNALS_WAITING_MAX = 8, /* a partner that pauses and goes on faster than the data plane can is
				    held back */
	SIGNAL_ADDRESS_MAX = 16 << 10, /* of a data address: it goes on to the partner */
	SIGNAL_MESSAGES_MAX = 32,      /* callbacks remembered: repeats come soon after */
	SIGNAL_BODY_MAX = 64 << 10,
};

/* Sends it, or lets it wait for its turn. Nothing when the transfer is ours to move, or the data plane
 * was never told of it. The caller puts the row. ERR_BUSY: too many wait. */
enum err signal_send(const struct turn *u, Ds__Transfer *x, enum signal s) MUST_USE;
/* What the transfer's state, reached from `from`, means for its data plane. The caller puts the row. */
enum err signal_follow(const struct turn *u, Ds__Transfer *x, uint32_t from, bool by_peer) MUST_USE;
/* Whether the data plane is being asked, or about to be. */
bool signal_waits(const Ds__Transfer *x, enum signal s);
/* The data plane is PREPARED or STARTED, with or without an address (NULL): the partner is told what
 * follows from it. Puts the row. */
enum err signal_reached(const struct turn *u, Ds__Transfer *x, enum dps_state s, json_t *address) MUST_USE;
/* The next that waits has its turn, unless one is under way. Reads and puts the row. */
enum err signal_go_on(const struct turn *u, struct str pid) MUST_USE;
/* Into the ledger, with what it says. */
enum err signal_tell(const struct turn *u, const Ds__Transfer *x, const char *what,
		     struct str text) MUST_USE;
/* The data address of a status message: an object of bounded size. ERR_BAD_MESSAGE. */
enum err signal_address(const struct turn *u, const struct dps_message *m, json_t **ret) MUST_USE;

extern const struct net_route face_signal_routes[];
extern const size_t face_signal_routes_n;

#endif
