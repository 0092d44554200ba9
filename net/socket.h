/* Sockets: listeners and TCP connections on the shard's loop; the carrier of struct conn.
 *
 * Ownership: a socket owns its struct conn; libuv's close callback frees both. Threads: the
 * shard's, except socket_bind (the starter's).
 *
 * Invariants: 1. one write(2) is in flight per connection; what the kernel did not take is copied
 * once and written when it can; 2. at the connection cap the listener holds one accepted
 * connection back and so stops polling; it goes on when a connection has closed. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/conn.h"

enum {
	SOCKET_BACKLOG = 1024,
	SOCKET_FDS_SPARE = 64 /* descriptors kept for the rest of the process */
};

struct tls_context;

struct listener {
	uv_tcp_t uv;
	struct net_shard *shard;
	struct tls_context *tls; /* NULL: clear text */
	int fd;                  /* bound; -1 when the loop has it */
	bool held, closed;       /* a connection waits to be accepted */
};

/* A bound socket with SO_REUSEPORT. *port 0 is filled in. */
enum err socket_bind(const struct net_listener *l, uint16_t *port, struct flaw *f, int *ret_fd) MUST_USE;
/* In the shard's thread: begins to accept. */
enum err socket_listen(struct listener *l) MUST_USE;
/* Takes what the kernel has accepted already, then stops accepting. */
void socket_unlisten(struct listener *l);
/* A connection has closed: goes on accepting if the cap had stopped it. */
void socket_room(struct net_shard *s);

#endif
