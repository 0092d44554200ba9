/* Bound: sockets bound before the server starts (net_bind). Ownership: a socket belongs to the set until
 * a server takes it. Threads: the one that binds and starts.
 *
 * Invariants: 1. a listener has at least a socket for each shard, and where that takes no more than
 * BOUND_MAX as many for each: the kernel deals connections out to sockets. 2. while an address stays, its
 * sockets stay: connections wait in them. */
#ifndef NET_BOUND_H
#define NET_BOUND_H

#include "net/net.h"

enum { BOUND_MAX = 256 /* sockets of a listener, and shards: a core each of the largest machines */ };

/* How many shards `asked` means: 0 is one per core. */
unsigned bound_shards(unsigned asked);
unsigned bound_count(const struct net_bound *b);
/* How many sockets of a listener are a shard's; and each of them, with its port: the caller's from now on.
 */
size_t bound_share(const struct net_bound *b, unsigned shard, size_t listener);
int bound_take(struct net_bound *b, unsigned shard, size_t listener, size_t i, uint16_t *ret_port);

#endif
