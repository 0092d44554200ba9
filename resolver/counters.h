/* Counters of the resolver, one set per shard, summed for /metrics. Relaxed: they order nothing. */
#ifndef RESOLVER_COUNTERS_H
#define RESOLVER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define RS_COUNTERS(X)                                                                                     \
	X(questions, "identifiers asked for, batches counted one by one")                                  \
	X(records, "answered with a record")                                                               \
	X(not_found, "answered with not found")                                                            \
	X(referrals, "answered with a referral")                                                           \
	X(retired, "answered with a retired record")                                                       \
	X(refused, "answered with an error: malformed or not our prefix")                                  \
	X(bogus, "not answered because a signature or its chain did not hold")                             \
	X(unreachable, "not answered because another node did not answer")                                 \
	X(cache_hits, "answered from the cache of verified answers")                                       \
	X(walks, "walks through the hierarchy begun")                                                      \
	X(walks_shared, "questions that joined a walk under way")                                          \
	X(asked_upstream, "questions sent to other nodes")                                                 \
	X(signatures, "answers signed")                                                                    \
	X(signatures_kept, "signed answers taken from those kept")                                         \
	X(changes, "identifiers registered, replaced or retired")                                          \
	X(changes_refused, "registrations refused")                                                        \
	X(repeated, "changes answered from their idempotency key")                                         \
	X(finds, "questions for the identifiers that have a value")                                        \
	X(limited_reads, "requests that change nothing refused for coming too often")                      \
	X(limited_changes, "changes refused for coming too often")                                         \
	X(limited_anonymous, "changes without a credential refused for coming too often")                  \
	X(proofs, "credentials given for the proof of a key")                                              \
	X(import_records, "records read by imports")                                                       \
	X(import_refused, "records that imports refused")                                                  \
	X(export_records, "records given by exports")

struct rs_counters {
#define X(name, help) _Atomic uint64_t name;
	RS_COUNTERS(X)
#undef X
};

#define RS_COUNT(set, name) rs__count(&(set)->name, 1)

static inline void rs__count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

#endif
