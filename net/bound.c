#include "net/bound.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/socket.h"

/* The sockets of one listener; number i is the shard's that i is modulo their count. */
struct place {
	char host[INET6_ADDRSTRLEN];
	uint16_t asked, port; /* asked 0: port is what the kernel gave */
	size_t n, kept;       /* the first `kept` were another set's */
	bool claimed;         /* a new set has found it */
	int fds[BOUND_MAX];   /* -1: taken */
};

struct net_bound {
	unsigned shards;
	size_t places_n;
	struct place *places;
};

unsigned bound_shards(unsigned asked)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (!asked) asked = cores > 0 ? (unsigned)cores : 1;
	return asked < BOUND_MAX ? asked : BOUND_MAX;
}

unsigned bound_count(const struct net_bound *b)
{
	return b->shards;
}

size_t bound_share(const struct net_bound *b, unsigned shard, size_t listener)
{
	must(shard < b->shards && listener < b->places_n);
	return (b->places[listener].n - shard - 1) / b->shards + 1;
}

int bound_take(struct net_bound *b, unsigned shard, size_t listener, size_t i, uint16_t *ret_port)
{
	must(i < bound_share(b, shard, listener));
	struct place *p = &b->places[listener];
	int *at = &p->fds[shard + i * b->shards], fd = *at;
	must(fd >= 0);
	*at = -1;
	*ret_port = p->port;
	return fd;
}

static struct place *place_claim(struct net_bound *b, const struct net_listener *l)
{
	for (size_t i = 0; b && i < b->places_n; i++) {
		struct place *p = &b->places[i];
		if (p->claimed || p->asked != l->port || strcmp(p->host, l->host) != 0) continue;
		p->claimed = true;
		return p;
	}
	return NULL;
}

static size_t sockets_for(unsigned shards, size_t held)
{
	size_t even = (held + shards - 1) / shards * shards;
	if (even < shards) even = shards;
	if (even <= BOUND_MAX) return even;
	return held > shards ? held : shards;
}

/* What `held` has for the address is shared for now. */
static enum err place_bind(struct place *p, const struct net_listener *l, unsigned shards,
			   const struct place *held, struct flaw *f)
{
	enum err e = ERR_OK;
	*p = (struct place){.asked = l->port, .port = l->port};
	if (held) {
		*p = *held;
		p->kept = p->n;
		p->claimed = false;
	}
	snprintf(p->host, sizeof p->host, "%s", l->host);
	for (size_t n = sockets_for(shards, p->n); !e && p->n < n;) {
		e = socket_bind(l, &p->port, f, &p->fds[p->n]);
		p->n += !e;
	}
	return e;
}

static void place_close(struct place *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		if (p->fds[i] >= 0) close(p->fds[i]);
	p->n = from;
}

static enum err bind_all(struct net_bound *b, const struct net_listener *l, size_t n,
			 struct net_bound *held, struct flaw *f)
{
	enum err e = ERR_OK;
	b->places = calloc(n + 1, sizeof *b->places);
	if (!b->places) return ERR_NO_MEMORY;
	for (; !e && b->places_n < n; b->places_n++) {
		const struct net_listener *at = &l[b->places_n];
		e = place_bind(&b->places[b->places_n], at, b->shards, place_claim(held, at), f);
	}
	return e;
}

static void places_free(struct net_bound *b)
{
	free(b->places);
	free(b);
}

enum err net_rebind(struct net_bound **held, const struct net_listener *l, size_t n, unsigned shards,
		    struct flaw *f)
{
	struct net_bound *b = calloc(1, sizeof *b);
	if (!b) return ERR_NO_MEMORY;
	b->shards = bound_shards(shards);
	enum err e = bind_all(b, l, n, *held, f);
	for (size_t i = 0; e && i < b->places_n; i++) place_close(&b->places[i], b->places[i].kept);
	for (size_t i = 0; *held && i < (*held)->places_n; i++) {
		struct place *was = &(*held)->places[i];
		if (was->claimed && !e) was->n = 0; /* the new set's */
		was->claimed = false;
	}
	if (e) {
		places_free(b);
		return e;
	}
	net_unbind(*held);
	*held = b;
	return ERR_OK;
}

enum err net_bind(const struct net_listener *l, size_t n, unsigned shards, struct flaw *f,
		  struct net_bound **ret)
{
	struct net_bound *b = NULL;
	enum err e = net_rebind(&b, l, n, shards, f);
	if (!e) *ret = b;
	return e;
}

void net_unbind(struct net_bound *b)
{
	if (!b) return;
	for (size_t i = 0; i < b->places_n; i++) place_close(&b->places[i], 0);
	places_free(b);
}
