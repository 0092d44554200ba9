/* Making data flows ready: what may take its time before PREPARED and STARTED.
 *
 * Purpose: Data Plane Signaling, "Asynchronous Transitions": `prepare` and `start` MAY be answered 202 with
 * PREPARING or STARTING, and the state that follows is told by a callback. Before this data plane says
 * PREPARED it has written to the disk that the data will need; before it says STARTED it has read the
 * dataset's content through and found its digest, unless it has done so since the file last changed. Small
 * contents are read before anybody notices, large ones and those on slow disks are not.
 *   The control plane is kept waiting for `space.flow_wait` at most and answered 200 when the flow is ready
 * by then; else, or at once when that is 0, 202 with the Location of its status, and `prepared` or
 * `started` follows with what the answer would have had. What cannot be made ready, also not within
 * `space.flow_ready`, is TERMINATED with the reason: in the answer (400, rule "not-ready") as long as one
 * is due, else by `errored`.
 *
 * Invariants: 1. a flow stands in table `readying` from the command that makes it PREPARING or STARTING to
 * the one that ends that; what stands there after a crash is begun anew. 2. a callback follows exactly when
 * 202 was promised: the promise is in the row before the answer leaves. 3. the work writes nothing but the
 * outcome: who terminated the flow meanwhile has the last word.
 * Owner of table readying. Threads: begin, leave, promise in commands; the work on disks' threads of its
 * own, so that long reads hold up no other; the rest as each function says. */
#ifndef DATASPACE_FLOW_READY_H
#define DATASPACE_FLOW_READY_H

#include "dataspace/flow.h"
#include "dataspace/plane.h"

#define FLOW_WAIT (5 * USEC_PER_SEC)     /* half of what impatient HTTP clients wait */
#define FLOW_READY (3600 * USEC_PER_SEC) /* a terabyte at 300 MB/s */

bool flow_unready(const Ds__Flow *x); /* PREPARING or STARTING */
/* It could not be made ready: why is in its row. */
bool flow_failed_ready(const Ds__Flow *x);
/* x becomes PREPARING, or STARTING; the work begins when that is durable. */
enum err flow_ready_begin(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, bool start) MUST_USE;
/* It leaves PREPARING or STARTING for whatever state: nothing is left of the work. The caller puts the row.
 */
enum err flow_ready_leave(const struct turn *u, const Ds__Flow *x) MUST_USE;
/* 202 will be answered: a callback follows. */
enum err flow_ready_promise(const struct turn *u, Ds__Flow *x) MUST_USE;

/* How the work ended, e = OK: the flow is ready. Nothing when it has left its state meanwhile. Any thread;
 * returns at once, a command follows. */
enum err flow_ready_end(struct ds *d, struct str participant, struct str id, enum err e,
			struct str why) MUST_USE;

/* ---- the work (ready.c) ---- */

enum err ready_open(struct dp *p, struct readying **ret) MUST_USE;
/* Goes on with what the table holds, and watches the time on that shard. */
enum err ready_start(struct readying *r, struct net_shard *s) MUST_USE;
void ready_quiesce(struct readying *r);
void ready_close(struct readying *r); /* NULL is allowed */

#endif
