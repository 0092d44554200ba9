/* A lane: libcurl's transfers of one HTTP version, driven by epoll. Private to net/courier*.c.
 *
 * A courier has two, HTTP/1.1 and HTTP/2. They share nothing in libcurl: up to 7.88 at least it
 * takes a host's connections to be all alike, and sends a request over an HTTP/1.1 connection in use
 * when another connection to the host can multiplex.
 * Threads: the courier's. */
#ifndef NET_COURIER_LANE_H
#define NET_COURIER_LANE_H

#include <curl/curl.h>
#include <sys/epoll.h>

#include "base/clock.h"

struct courier_lane {
	CURLM *multi;
	int epoll;
	unsigned index; /* in the epoll data of its sockets, above the descriptor */
	usec_t timer;   /* monotonic time at which libcurl wants to be called, or 0 */
};

/* False: no memory. A lane that was not opened is zero, and may be closed. */
bool courier_lane_open(struct courier_lane *l, int epoll, unsigned index, long per_host);
void courier_lane_close(struct courier_lane *l);
/* An event of epoll for one of its sockets. */
void courier_lane_event(struct courier_lane *l, const struct epoll_event *e);
/* Calls libcurl when its time has come. */
void courier_lane_tick(struct courier_lane *l, usec_t now);

static inline unsigned courier_lane_of(const struct epoll_event *e)
{
	return (unsigned)(e->data.u64 >> 32);
}

#endif
