#include "net/bound.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/socket.h"

enum { SHARDS_MAX = 256 };

struct net_bound {
	unsigned shards;
	size_t listeners_n;
	uint16_t *ports; /* of each listener */
	int *fds;        /* shard by shard; -1: not bound, or taken */
};

unsigned bound_shards(unsigned asked)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (!asked) asked = cores > 0 ? (unsigned)cores : 1;
	return asked < SHARDS_MAX ? asked : SHARDS_MAX;
}

unsigned bound_count(const struct net_bound *b)
{
	return b->shards;
}

int bound_take(struct net_bound *b, unsigned shard, size_t listener, uint16_t *ret_port)
{
	must(shard < b->shards && listener < b->listeners_n);
	int *at = &b->fds[shard * b->listeners_n + listener], fd = *at;
	must(fd >= 0);
	*at = -1;
	*ret_port = b->ports[listener];
	return fd;
}

static enum err bind_each(struct net_bound *b, const struct net_listener *l, struct flaw *f)
{
	for (unsigned i = 0; i < b->shards; i++) {
		for (size_t k = 0; k < b->listeners_n; k++) {
			enum err e = socket_bind(&l[k], &b->ports[k], f, &b->fds[i * b->listeners_n + k]);
			if (e) return e;
		}
	}
	return ERR_OK;
}

enum err net_bind(const struct net_listener *l, size_t n, unsigned shards, struct flaw *f,
		  struct net_bound **ret)
{
	struct net_bound *b = calloc(1, sizeof *b);
	if (!b) return ERR_NO_MEMORY;
	*b = (struct net_bound){.shards = bound_shards(shards), .listeners_n = n};
	b->ports = calloc(n + 1, sizeof *b->ports);
	b->fds = calloc(b->shards * n + 1, sizeof *b->fds);
	enum err e = b->ports && b->fds ? ERR_OK : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < b->shards * n; i++) b->fds[i] = -1;
	for (size_t k = 0; !e && k < n; k++) b->ports[k] = l[k].port;
	if (!e) e = bind_each(b, l, f);
	if (e) {
		net_unbind(b);
		return e;
	}
	*ret = b;
	return ERR_OK;
}

void net_unbind(struct net_bound *b)
{
	if (!b) return;
	for (size_t i = 0; b->fds && i < b->shards * b->listeners_n; i++)
		if (b->fds[i] >= 0) close(b->fds[i]);
	free(b->ports);
	free(b->fds);
	free(b);
}
