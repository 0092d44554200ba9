/* Rate limits on requests: what rs_admit (resolver.h) and the faces share. Threads: the request's shard. */
#ifndef RESOLVER_LIMIT_H
#define RESOLVER_LIMIT_H

#include "net/net.h"

enum { LIMIT_ADDRESS = 8 };

/* What a request for n items costs beyond the one token it was let in for. */
void limit_charge(struct net_req *r, size_t items);
/* What tells clients without a credential apart: an IPv4 address, or the first 64 bits of an IPv6 address
 * in out. peer: "192.0.2.1:5", "[2001:db8::1]:5". */
struct str limit_address(struct str peer, char out[LIMIT_ADDRESS]);

#endif
