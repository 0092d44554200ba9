/* Of the registry's own two files: keys of the table history, and the row of a record. */
#ifndef RESOLVER_REGISTRY_HISTORY_H
#define RESOLVER_REGISTRY_HISTORY_H

#include "base/hash.h"
#include "resolver/registry.h"

struct history_key {
	char octets[STORE_KEY_MAX];
	size_t stem_n;
};

void history_stem(struct str key, struct history_key *k);
/* The key of a change, valid until the next call with k. */
struct str history_row(struct history_key *k, uint64_t leaf);

/* The record and the leaf of its last change. ERR_NOT_FOUND, ERR_CORRUPT, or of the store. */
enum err registry_row(struct store_txn *t, const struct id *id, uint64_t *ret_leaf,
		      struct str *ret_packed) MUST_USE;

#endif
