/* The ledger's inside, for base/ledger.c and base/writer.c. */
#ifndef BASE_LEDGER_STATE_H
#define BASE_LEDGER_STATE_H

#include "base/ledger.h"

struct ledger {
	char origin[LEDGER_ORIGIN_MAX + 1];
	/* Hashes of the complete subtrees that end at `size`, by level: what the next leaf joins; and of
	 * the last leaf. A copy of what the table holds, for the writer's thread. */
	uint64_t size;
	struct merkle_hash last, edge[64];
	unsigned char salts[64][LEDGER_SALT]; /* random, not used yet: the first salts_left */
	unsigned salts_left;
	unsigned char row[LEDGER_SALT + 1 + 64 * MERKLE_HASH + LEDGER_ENTRY_MAX];
};

enum err ledger_new(const char *origin, struct ledger **ret) MUST_USE; /* ERR_BAD_INPUT: origin */
void ledger_free(struct ledger *l);
/* Size and root after a batch, within its transaction. */
enum err ledger_head(struct ledger *l, struct store_txn *t, uint64_t *ret_size,
		     struct merkle_hash *ret_root) MUST_USE;

#endif
