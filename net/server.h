/* Server: the shards, the routes and the TLS context, from start to stop.
 *
 * Ownership: all of them are the server's; options are copied, what they point to (routes, paths,
 * hooks.ctx) must outlive it. Threads: made and ended by the application's thread; the rest is
 * read-only for the shards. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/route.h"
#include "net/shard.h"

struct tls_context;

struct net_server {
	struct net_options options; /* with defaults */
	struct route_tree *routes;
	struct tls_context *tls;
	struct net_shard *shards;
	uint16_t *ports;
	unsigned running;
	/* start-up: each shard reports once */
	pthread_mutex_t lock;
	pthread_cond_t ready;
	unsigned reported; /* under lock */
	enum err failed;   /* under lock */
};

/* A shard has set up (OK) or could not. */
void server_report(struct net_server *s, enum err e);

#endif
