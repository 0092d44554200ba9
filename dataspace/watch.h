/* Transfers whose octets pass elsewhere: judged again on a schedule.
 *
 * What our own data plane serves is judged with each request and while it runs (provide.h). A transfer
 * that an outside data plane moves for us as the provider is judged every WATCH_EVERY while it is
 * STARTED: when time has run out or the agreement is not in force any more, it is terminated, and its
 * data plane is told. So is, in either role, the transfer of a data plane that has answered 202 and is not
 * PREPARED or STARTED within `space.flow_ready`. Owner of table watched. Threads: follow in commands; the
 * rest on shard 0. */
#ifndef DATASPACE_WATCH_H
#define DATASPACE_WATCH_H

#include "dataspace/transfer.h"

#define WATCH_EVERY (500 * USEC_PER_MSEC) /* half the second in which an end must come */

/* Keeps the table: on it while STARTED or awaited, off it otherwise. */
enum err watch_follow(const struct turn *u, const Ds__Transfer *x) MUST_USE;
enum err watch_start(struct ds *d, struct net_shard *s) MUST_USE;

#endif
