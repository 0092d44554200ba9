/* Cache of verified findings: answers, negative answers, delegations.
 *
 * Purpose: an answer of another node is fetched and verified once for all shards while its term
 * lasts. Each class has its own share of the octets, so that a flood of random identifiers, which
 * fills the negative class, cannot push records or delegations out.
 * Ownership: the cache holds one reference of each finding; cache_find gives another one.
 * Threads: any; stripes with a short lock each, no callback under it.
 * Invariants: 1. the octets of all findings of a class never exceed its share. 2. a finding past
 * `until` is never given. 3. bogus findings are kept only so that they are not fetched again: they
 * carry no answer (finding.h). */
#ifndef RESOLVER_CACHE_H
#define RESOLVER_CACHE_H

#include "resolver/finding.h"

struct cache;

enum cache_class { CACHE_POSITIVE, CACHE_NEGATIVE, CACHE_DELEGATION, CACHE_CLASSES };

struct cache *cache_new(size_t octets); /* NULL without memory */
void cache_free(struct cache *c);       /* NULL is allowed */

/* Takes a reference of its own; replaces what stood there. A finding larger than its stripe's share
 * is not kept. */
void cache_put(struct cache *c, enum cache_class class, struct finding *f);
/* A reference for the caller, or NULL. now: monotonic. */
struct finding *cache_find(struct cache *c, enum cache_class class, struct str key, usec_t now);
/* Forgets everything whose key begins with prefix, in every class. */
void cache_forget(struct cache *c, struct str prefix);

struct cache_stat {
	uint64_t entries[CACHE_CLASSES], octets[CACHE_CLASSES], evicted;
};
void cache_stat(struct cache *c, struct cache_stat *ret);
size_t cache_share(const struct cache *c, enum cache_class class); /* octets, all stripes */

#endif
