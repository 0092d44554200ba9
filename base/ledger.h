/* Ledger: an append-only Merkle log in an environment's own tables.
 *
 * Purpose: each decision is one entry; its leaf is a salted digest, so that the tree can be public
 * while the contents stay private: leaf data = SHA-256("kanhe-leaf-v1" 0x00 ‖ salt(16) ‖ entry),
 * leaf hash = RFC 6962 leaf hash of those 32 octets. Entries are JCS JSON objects (RFC 8785) of
 * the owner's vocabulary; the ledger does not read them.
 *
 * Checkpoints are C2SP tlog-checkpoints: "origin\nsize\nbase64(root)\n", signed as a C2SP signed
 * note by the node's Ed25519 key under the name `origin`.
 *
 * Invariants: 1. an entry and the change it tells of are one transaction. 2. an entry never
 * changes. 3. the nodes of every complete subtree are stored.
 * Threads: append on the writer thread only; reading functions with any transaction. */
#ifndef BASE_LEDGER_H
#define BASE_LEDGER_H

#include "base/arena.h"
#include "base/merkle.h"
#include "base/store.h"

struct ledger;
struct sign_key;

enum { LEDGER_SALT = 16, LEDGER_ENTRY_MAX = 64 * 1024, LEDGER_ORIGIN_MAX = 200 };

struct ledger_leaf {
	uint64_t index; /* from 0 */
	unsigned char salt[LEDGER_SALT];
	struct str entry; /* borrowed from the transaction */
};

/* Within a write transaction. *ret_index may be NULL. ERR_TOO_LARGE, store errors. */
enum err ledger_append(struct ledger *l, struct store_txn *t, struct str entry,
		       uint64_t *ret_index) MUST_USE;

const char *ledger_origin(const struct ledger *l);
uint64_t ledger_size(struct store_txn *t);
enum err ledger_root(struct store_txn *t, struct merkle_hash *ret) MUST_USE;
enum err ledger_read(struct store_txn *t, uint64_t index, struct ledger_leaf *ret) MUST_USE;
enum err ledger_prove(struct store_txn *t, uint64_t index, uint64_t size,
		      struct merkle_proof *ret) MUST_USE;
enum err ledger_prove_consistency(struct store_txn *t, uint64_t old_size, uint64_t size,
				  struct merkle_proof *ret) MUST_USE;

/* Pure: the leaf hash of an entry with its salt. */
struct merkle_hash ledger_leaf_hash(const unsigned char salt[LEDGER_SALT], struct str entry);

/* The signed checkpoint of the tree as t sees it: a C2SP signed note, text in the arena. */
enum err ledger_checkpoint(const struct ledger *l, struct store_txn *t, const struct sign_key *key,
			   struct arena *a, struct str *ret_note) MUST_USE;

struct checkpoint {
	struct str origin;
	uint64_t size;
	struct merkle_hash root;
};
/* Reads a note and verifies its signature line of that name by that Ed25519 public key.
 * ERR_BAD_INPUT (not canonical: exactly what ledger_checkpoint writes is accepted, plus further
 * signature lines), ERR_BAD_SIGNATURE. Slices point into note. */
enum err checkpoint_verify(struct str note, const unsigned char public_key[32], struct flaw *f,
			   struct checkpoint *ret) MUST_USE;

#endif
