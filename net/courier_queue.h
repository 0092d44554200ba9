/* Lines of jobs, one for each origin (scheme, host, port), served in turn, so that a slow or a
 * busy host does not keep the others waiting. Streams with a bounded rate, which hold a connection
 * each for long, have a line and a limit of their own. Private to net/courier*.c.
 *
 * Invariants: 1. an origin exists while it has jobs waiting or running; 2. it is in the ring when
 * jobs wait and fewer than its limit run. Threads: the courier's. */
#ifndef NET_COURIER_QUEUE_H
#define NET_COURIER_QUEUE_H

#include "net/courier_job.h"

enum {
	COURIER_ORIGIN_MAX = 128, /* with libcurl at once for one origin; a usual limit of HTTP/2 streams */
	COURIER_BUCKETS = 512     /* of the table of origins; a node talks to some hundred */
};

struct courier_queue {
	struct courier_origin *bucket[COURIER_BUCKETS];
	struct courier_origin *ring_first, *ring_last;
	unsigned rated_max; /* streams with a bounded rate at once for one origin */
};

/* Puts j, new or after a backoff, at the end of its origin's line. ERR_NO_MEMORY. */
enum err courier_queue_add(struct courier_queue *q, struct courier_job *j) MUST_USE;
/* The next job to run, which then counts as running; NULL when none may. */
struct courier_job *courier_queue_take(struct courier_queue *q);
/* j, taken before, runs no more; or j, still waiting, leaves the line. */
void courier_queue_leave(struct courier_queue *q, struct courier_job *j);

#endif
