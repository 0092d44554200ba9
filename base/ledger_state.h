/* The ledger's inside, for base/ledger.c and base/writer.c. */
#ifndef BASE_LEDGER_STATE_H
#define BASE_LEDGER_STATE_H

#include "base/ledger.h"

struct ledger {
	char origin[LEDGER_ORIGIN_MAX + 1];
	/* Hashes of the complete subtrees that end at `size`, by level: what the next leaf joins. A copy of
	 * what STORE_NODE holds; thrown away when an aborted batch leaves it ahead of the store. */
	uint64_t size;
	bool known;
	struct merkle_hash edge[64];
};

enum err ledger_new(const char *origin, struct ledger **ret) MUST_USE; /* ERR_BAD_INPUT: origin */
void ledger_free(struct ledger *l);
/* Size and root after a batch, within its transaction. */
enum err ledger_head(struct ledger *l, struct store_txn *t, uint64_t *ret_size, struct merkle_hash *ret_root) MUST_USE;

#endif
