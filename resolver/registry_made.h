/* What registry.c shares with the making of rows ahead. Private to both. */
#ifndef RESOLVER_REGISTRY_MADE_H
#define RESOLVER_REGISTRY_MADE_H

#include "resolver/registry.h"

enum { REGISTRY_LEAF = 8 /* octets before the record in its row */ };

/* The row that was made becomes the change's. */
void registry__take_made(struct registry_change *c);
/* The values that a row was made of, which is not used. ERR_NO_MEMORY. */
enum err registry__unmake(struct registry_change *c, struct arena *a) MUST_USE;
/* Digest of the record after the change. */
struct str registry__after(const struct registry_change *c);
/* At each change of a set, in their order: what will be wanted of those that follow is on its way. */
void registry__send_for(const struct registry_set *s, size_t i);
/* The same before the first look at a set. */
void registry__send_for_change(const struct registry_set *s, size_t i);
/* Of all changes but those that change nothing, and how many that are. ERR_NO_MEMORY. */
enum err registry__digest(const struct registry_set *s, uint64_t *ret_n,
			  unsigned char ret[HASH_SHA256]) MUST_USE;

#endif
