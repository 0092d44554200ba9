/* Prefixes of enterprises, as a shard sees them: for each identifier answered, whose it is.
 *
 * One probe per length that some allocation has; they do not overlap, so that the first hit is the one.
 * Ownership: the picture owns its keys. Threads: each shard has its own, made again from its own snapshot
 * when allocations have changed. */
#ifndef RESOLVER_PREFIXES_H
#define RESOLVER_PREFIXES_H

#include "base/store.h"

struct prefixes;

struct prefix_mark {
	uint32_t slot; /* of allocation.h */
	bool withheld; /* its identifiers are not told */
};

/* *ret is NULL when nothing is allocated. */
enum err prefixes_new(struct store_txn *t, struct prefixes **ret) MUST_USE;
void prefixes_free(struct prefixes *p); /* NULL is allowed */
/* NULL: the key lies under no enterprise's prefix. p must not be NULL. */
const struct prefix_mark *prefixes_find(const struct prefixes *p, struct str key);
uint32_t prefixes_slots(const struct prefixes *p); /* the highest slot, plus one */

#endif
