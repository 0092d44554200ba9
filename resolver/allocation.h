/* Allocations: which prefixes under this node's authority belong to which enterprise.
 *
 * Threads: reading with any transaction; the rest inside writer commands.
 * Invariants: 1. allocations do not overlap, and lie under one prefix of ours; one may be all of it, at the
 * node that took an enterprise over. 2. none under
 * which anything was registered is ever given up: what an enterprise left stays reserved. 3. each has a
 * slot of its own for statistics. */
#ifndef RESOLVER_ALLOCATION_H
#define RESOLVER_ALLOCATION_H

#include "base/writer.h"
#include "resolver/authority.h"
#include "resolver/credit_code.h"
#include "resolver/tables.h"

enum {
	/* Identifiers counted when a prefix that is in use already is allocated: the writer is held up for
	 * some 0.3 s by a million. */
	ALLOCATION_ADOPT_MAX = 1000000,
};

struct allocation {
	struct str prefix; /* key octets */
	struct str code;
	uint32_t slot; /* 0, 1, 2 … in order of allocation */
	bool withheld;
};

/* The allocation that covers the key, of its first `from` octets (those of the authority) at least.
 * ERR_NOT_FOUND. Borrowed from the transaction and from key. */
enum err allocation_find(struct store_txn *t, struct str key, size_t from, struct allocation *ret) MUST_USE;
bool allocation_any(struct store_txn *t);
typedef enum err allocation_each_fn(void *arg, const struct allocation *x);
enum err allocation_each(struct store_txn *t, allocation_each_fn *fn, void *arg) MUST_USE;

/* Which of the n prefixes of ours the key lies under, or is; NULL: none. */
const struct id_prefix *allocation_authority(const struct id_prefix *ours, size_t n, struct str key);

/* ERR_CONFLICT with the rule: prefix-allocated, prefix-delegated, prefix-in-use (some identifier or series
 * is registered there, and adopt is not wished). *ret_there: identifiers under it, retired ones too, a
 * series counting as one. */
enum err allocation_check(struct store_txn *t, const struct id_prefix *p, size_t from, bool adopt,
			  struct flaw *f, uint64_t *ret_there) MUST_USE;
/* `88.118.8` → `88.118.8.N`, N the least number that was never given out and is free; Handles only.
 * ERR_BAD_INPUT, rule next-number. Nothing is written before allocation_put. */
enum err allocation_next(struct store_txn *t, struct arena *a, const struct id_prefix *under,
			 struct flaw *f, struct id_prefix *ret) MUST_USE;
enum err allocation_put(struct writer_txn *t, struct str prefix, struct str code) MUST_USE;
/* After allocation_next: its number is not given out again. */
enum err allocation_taken(struct writer_txn *t, const struct id_prefix *under,
			  const struct id_prefix *taken) MUST_USE;
/* ERR_CONFLICT, rules prefix-in-use and prefix-delegated. */
enum err allocation_release(struct writer_txn *t, const struct id_prefix *p, struct flaw *f) MUST_USE;
enum err allocation_withhold(struct writer_txn *t, struct str prefix, bool withheld) MUST_USE;

#endif
