/* RFC 6962 / 9162 Merkle trees over SHA-256: hashes and proofs, pure.
 *
 * Leaf hash SHA-256(0x00 ‖ data), node hash SHA-256(0x01 ‖ left ‖ right), empty tree SHA-256("").
 * Proofs are arrays of 32-octet hashes, lowest first (RFC 9162 2.1.3, 2.1.4). Threads: any. */
#ifndef BASE_MERKLE_H
#define BASE_MERKLE_H

#include "base/str.h"

enum { MERKLE_HASH = 32, MERKLE_PROOF_MAX = 64 };

struct merkle_hash {
	unsigned char b[MERKLE_HASH];
};

struct merkle_proof {
	struct merkle_hash hash[MERKLE_PROOF_MAX];
	size_t n;
};

struct merkle_hash merkle_leaf(struct str data);
struct merkle_hash merkle_node(const struct merkle_hash *left, const struct merkle_hash *right);
struct merkle_hash merkle_empty(void);

/* Gives the hash of a complete subtree: nodes of 2^level leaves, the index-th of its level. */
typedef enum err merkle_read_fn(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret);
typedef enum err merkle_write_fn(void *arg, unsigned level, uint64_t index, const struct merkle_hash *h);

/* Adds leaf number `size` (the tree had `size` leaves): writes each subtree it completes. */
enum err merkle_add(uint64_t size, const struct merkle_hash *leaf, merkle_read_fn *read,
		    merkle_write_fn *write, void *arg) MUST_USE;
enum err merkle_root(uint64_t size, merkle_read_fn *read, void *arg, struct merkle_hash *ret) MUST_USE;
/* ERR_NOT_FOUND when index >= size. */
enum err merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *arg,
				struct merkle_proof *ret) MUST_USE;
enum err merkle_prove_consistency(uint64_t old_size, uint64_t size, merkle_read_fn *read, void *arg,
				  struct merkle_proof *ret) MUST_USE;
/* ERR_BAD_SIGNATURE when the proof does not hold. */
enum err merkle_verify_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
				 const struct merkle_proof *p, const struct merkle_hash *root) MUST_USE;
/* old_size 0 never holds (RFC 9162 2.1.4: 0 < m): any tree follows the empty one, unproved. */
enum err merkle_verify_consistency(uint64_t old_size, uint64_t size, const struct merkle_proof *p,
				   const struct merkle_hash *old_root,
				   const struct merkle_hash *root) MUST_USE;

#endif
