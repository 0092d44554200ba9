/* Long polls: requests that wait until a process changes.
 *
 * Purpose: a change of (participant, pid) that was committed wakes every waiter of it, on its shard;
 * nobody polls. A waiter is told once; it looks at the new state and may wait again.
 * Threads: waits_wake any; the rest on the request's shard. */
#ifndef DATASPACE_WAIT_H
#define DATASPACE_WAIT_H

#include "dataspace/space.h"

enum { WAITS_MAX = 65536 /* held requests of the node: each costs a connection as well */ };

enum err waits_open(struct ds *d, struct waits **ret) MUST_USE;
void waits_close(struct waits *w); /* NULL is allowed */
void waits_wake(struct waits *w, struct str participant, struct str pid);
void waits_wake_all(struct waits *w); /* before the server stops */

/* Holds r until the process changes or `until` (monotonic) has come, then calls fn(r, arg) on its
 * shard, unless the client has gone. arg lives in the request's arena. Register first, then look at
 * the newest snapshot, so that no change falls between. ERR_BUSY, ERR_NO_MEMORY. */
typedef void wait_fn(struct net_req *r, void *arg);
struct wait;
enum err waits_add(struct waits *w, struct net_req *r, struct str participant, struct str pid, usec_t until,
		   wait_fn *fn, void *arg, struct wait **ret) MUST_USE;
/* On the request's shard, before fn was called: it will not be. The request is held by nobody then. */
void waits_cancel(struct wait *x);

#endif
