/* Bound: sockets bound before the server starts (net_bind). Ownership: a socket belongs to the set until
 * a server takes it. Threads: the one that binds and starts. */
#ifndef NET_BOUND_H
#define NET_BOUND_H

#include "net/net.h"

/* How many shards `asked` means: 0 is one per core. */
unsigned bound_shards(unsigned asked);
unsigned bound_count(const struct net_bound *b);
/* The socket of one shard and listener, and its port; the caller's from now on. */
int bound_take(struct net_bound *b, unsigned shard, size_t listener, uint16_t *ret_port);

#endif
