/* Pace: a stream that leaves no faster than its consumer wishes (header Kanhe-Rate, octets a second).
 *
 * Why at the provider: what has left lies in socket buffers that no revocation can empty. A paced stream is
 * cut within its pace, and a consumer that is slow on purpose does not make the kernel hold its data.
 * Threads: the stream's shard. Pure but for the clock handed in. */
#ifndef DATASPACE_PACE_H
#define DATASPACE_PACE_H

#include "base/clock.h"

struct pace {
	uint64_t rate; /* octets a second; 0: unbounded */
	uint64_t left; /* octets that have left */
	usec_t since;  /* monotonic; of the first octet */
};

/* A paced stream is looked at this often while it must wait. */
#define PACE_TICK (20 * USEC_PER_MSEC)

/* How many of the next `want` octets may leave now; counts them. */
size_t pace_take(struct pace *p, usec_t now, size_t want);

#endif
