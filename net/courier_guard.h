/* Where a courier may connect to. Pure; threads: any. */
#ifndef NET_COURIER_GUARD_H
#define NET_COURIER_GUARD_H

#include <sys/socket.h>

#include "base/str.h"

/* False for addresses that are not of the public Internet: this host, private and shared networks,
 * link-local, multicast, documentation and other special blocks (RFC 6890 and its registries),
 * also when an IPv6 address merely carries such an IPv4 address. False for other families. */
enum courier_place {
	COURIER_PUBLIC,
	COURIER_INNER,  /* loopback, private, shared and unique local: where allow_private opens them */
	COURIER_NOWHERE /* everything else, cloud metadata and link-local among it: never */
};
enum courier_place courier_guard_place(const struct sockaddr *a);
/* COURIER_PUBLIC */
bool courier_guard_public(const struct sockaddr *a);
enum { COURIER_GUARD_TEXT = 64 };
char *courier_guard_print(const struct sockaddr *a, char out[COURIER_GUARD_TEXT]); /* returns out */

#endif
