/* What registry.c shares with the making of rows ahead. Private to both. */
#ifndef RESOLVER_REGISTRY_MADE_H
#define RESOLVER_REGISTRY_MADE_H

#include "resolver/registry.h"

enum { REGISTRY_LEAF = 8 /* octets before the record in its row */ };

/* The row of the table record that a change leaves, with room for its leaf. */
struct str registry__row(const struct registry_change *c);
/* The values that a row was made of, which is not used. ERR_NO_MEMORY. */
enum err registry__unmake(struct registry_change *c, struct arena *a) MUST_USE;
/* Digest of the record after the change. */
struct str registry__after(const struct registry_change *c);
/* What will be looked at of a change that comes soon is sent for: the change; key and digest of what was
 * made; that row. To be called at each change of a set, in their order. */
enum registry_soon { REGISTRY_SOON_CHANGE, REGISTRY_SOON_DIGEST, REGISTRY_SOON_ROW };
void registry__send_for(const struct registry_set *s, size_t i, enum registry_soon what);
/* Of all changes but those that change nothing, and how many that are. ERR_NO_MEMORY. */
enum err registry__digest(const struct registry_set *s, uint64_t *ret_n,
			  unsigned char ret[HASH_SHA256]) MUST_USE;

#endif
