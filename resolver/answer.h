/* Answers of this node: record, not found, referral, retired; signed when somebody wants the proof.
 *
 * Purpose: what our own registry and delegations say about an identifier. Signing costs as much as
 * ten requests, so that a signed answer is made on first demand and kept until what it says changes
 * or half its term is over.
 * Ownership: struct local borrows from the shard's snapshot: this loop turn only.
 * Threads: the shard's.
 * Invariants: 1. only values that the public may read leave in a signed answer. 2. a kept signature is
 * given only for the revision it was made of. */
#ifndef RESOLVER_ANSWER_H
#define RESOLVER_ANSWER_H

#include "resolver/state.h"

enum { SIGNATURES_OCTETS = 4 << 20 /* per shard: some 5,000 signed answers */ };

struct local { /* a record of a member of a series lives in the arena given */
	enum answer_kind kind;
	const struct zone *zone;
	uint32_t tally;          /* where it is counted, see statistics.h */
	bool withheld;           /* its enterprise is suspended: told as not found */
	struct str record;       /* packed: RECORD, RETIRED */
	struct record_head head; /* the same */
	uint32_t ttl;
};

/* Where an identifier belongs and where its record lies, not yet read. */
struct sought {
	const struct id *id;
	const struct zone *zone; /* NULL: the prefix is neither ours nor given away by us */
	enum err err;            /* of the registry; ERR_NOT_FOUND also when it is given away */
	struct str record;
};

void answer_seek(const struct rs_shard *s, const struct id *id, struct sought *ret);
/* ERR_NOT_RESPONSIBLE, ERR_CORRUPT and what the registry said. */
enum err answer_read(const struct rs_shard *s, struct arena *a, const struct sought *k,
		     struct local *ret) MUST_USE;
/* Both. */
enum err answer_find(const struct rs_shard *s, struct arena *a, const struct id *id,
		     struct local *ret) MUST_USE;
/* The packed Signed Answer, in the arena. */
enum err answer_sign(struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		     struct str *ret) MUST_USE;
/* The packed Answer without a signature, appended. */
enum err answer_plain(struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		      struct buf *out) MUST_USE;
/* The record with its public values only: the same octets when all are. */
enum err answer_public(struct arena *a, struct str packed, struct str *ret) MUST_USE;
/* "record", "not_found", "referral", "retired": as the interface writes it. */
const char *answer_word(enum answer_kind k);

#endif
