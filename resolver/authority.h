/* Authority: which prefixes are this node's, and which of those it has given to children.
 *
 * Purpose: one immutable picture of both, made from the configuration and the delegation table, so
 * that a request finds its zone by one hash probe per boundary of its identifier, however many
 * children there are.
 * Ownership: the picture owns all its texts. Threads: each shard has its own, made again from its
 * own snapshot when delegations have changed.
 * Invariants: 1. the deepest zone that covers an identifier decides. 2. a prefix of ours is never a
 * child at the same time: the configuration wins. 3. every child lies under a prefix of ours. */
#ifndef RESOLVER_AUTHORITY_H
#define RESOLVER_AUTHORITY_H

#include "base/store.h"
#include "proto/id/id.h"

enum { AUTHORITY_PREFIXES_MAX = 256 };

struct zone {
	struct str prefix, text;   /* key octets; printed form */
	const struct zone *parent; /* of a child: the prefix of ours it lies under; NULL: it is ours */
	struct str delegation;     /* of a child: packed Signed Delegation */
	uint64_t hash;
	unsigned index; /* of a prefix of ours: its place in the configuration */
};

struct zones;

/* Reads prefixes as configured. ERR_BAD_CONF: malformed, twice, or one lies under another. */
enum err authority_parse(struct arena *a, const char *const *texts, size_t n, struct flaw *f,
			 struct id_prefix **ret) MUST_USE;
enum err zones_new(const struct id_prefix *ours, size_t ours_n, struct store_txn *t,
		   struct zones **ret) MUST_USE;
void zones_free(struct zones *z); /* NULL is allowed */
/* The deepest zone that covers the identifier; NULL: neither ours nor a child's. */
const struct zone *zones_find(const struct zones *z, const struct id *id);
/* The same for identifiers of which most begin as the one before. *near: of the same zones, {0} at first.
 */
struct zones_near {
	const struct zone *zone;
	size_t n; /* of octets: what decides about the zone; 0: nothing is known */
	char octets[ID_KEY_MAX];
};
const struct zone *zones_find_near(const struct zones *z, const struct id *id, struct zones_near *near);
/* The zone with exactly this prefix, or the deepest above it. */
const struct zone *zones_find_prefix(const struct zones *z, struct str prefix_key);
size_t zones_children(const struct zones *z);

#endif
