/* Statistics: what was registered and asked under each prefix on each day.
 *
 * Purpose: counted are prefixes of ours, prefixes of enterprises, and what is neither ("": identifiers
 * of others, or malformed). Registrations are counted in the transaction of the change and are exact.
 * Resolutions are counted in memory by each shard: one relaxed addition for each answer, no lock, no
 * allocation. Once a minute, when somebody looks, and at an orderly stop, a writer command adds what is new
 * to the table: a crash loses the resolutions of at most that last minute.
 * Days are those of UTC; what is flushed after midnight counts for the new day.
 * Threads: tally_count on the shard; flush_take inside a writer command; statistics_read with any
 * transaction.
 * Invariants: 1. of the row of a prefix of ours, the rows of enterprises under it are a part. 2. a count is
 * written once: what was taken for a command that failed is given back. */
#ifndef RESOLVER_STATISTICS_H
#define RESOLVER_STATISTICS_H

#include <stdatomic.h>

#include "base/writer.h"
#include "resolver/authority.h"

/* name, whether it is a resolution, meaning */
#define STATISTICS(X)                                                                                      \
	X(registered, 0, "identifiers and series registered anew")                                         \
	X(replaced, 0, "records replaced")                                                                 \
	X(retired, 0, "identifiers retired")                                                               \
	X(records, 1, "answers with a record")                                                             \
	X(not_found, 1, "answers not found")                                                               \
	X(gone, 1, "answers with a retired record")                                                        \
	X(referrals, 1, "answers that led to another node")                                                \
	X(failed, 1, "no answer: malformed, unreachable or bogus")

enum statistic {
#define X(name, resolution, help) STATISTIC_##name,
	STATISTICS(X)
#undef X
	    STATISTICS_N
};

enum {
	TALLIES_N = STATISTICS_N - STATISTIC_records, /* those of resolutions */
	TALLY_OTHER = 0,
	TALLY_OURS = 1,                                        /* and the index of the prefix of ours */
	TALLY_ALLOCATED = TALLY_OURS + AUTHORITY_PREFIXES_MAX, /* and the slot of the allocation */
	TALLIES_MAX = 1 << 16, /* 65,536 prefixes; later ones count for the prefix of ours they lie under */
	TALLY_CHUNK = 64,
	FLUSH_SECONDS = 60,
};

struct tally {
	_Atomic uint64_t n[TALLIES_N];
};

/* One for each shard; chunks appear and stay. */
struct tallies {
	_Atomic(struct tally *) chunk[TALLIES_MAX / TALLY_CHUNK];
};

struct tallies *tallies_new(void); /* NULL without memory */
void tallies_free(struct tallies *t);
/* Makes room for the place. ERR_NO_MEMORY, ERR_TOO_LARGE: it will not be counted. */
enum err tallies_cover(struct tallies *t, size_t place) MUST_USE;
static inline bool tallies_has(const struct tallies *t, size_t place)
{
	return place < TALLIES_MAX &&
	       atomic_load_explicit(&t->chunk[place / TALLY_CHUNK], memory_order_relaxed);
}

static inline void tally_count(struct tallies *t, size_t place, enum statistic kind)
{
	struct tally *c = atomic_load_explicit(&t->chunk[place / TALLY_CHUNK], memory_order_relaxed);
	if (!c) return;
	_Atomic uint64_t *n = &c[place % TALLY_CHUNK].n[kind - STATISTIC_records];
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- the table ---------------------------------------------------------------------------- */

struct rs;
struct registry_set;

/* Inside the registering command, after the changes were written. */
enum err statistics_registered(const struct registry_set *s, struct writer_txn *t) MUST_USE;

struct statistics; /* what was taken so far: the writer's */
struct statistics *statistics_new(void);
/* Times that counts went to disk, each an entry of the feed and of no ledger. Any thread. */
uint64_t statistics_flushes(const struct statistics *s);
void statistics_free(struct statistics *s);

struct flush {
	struct rs *rs;
	struct delta *deltas;
	size_t n, room;
	bool taken;
};
/* In apply; may run again. ERR_NO_MEMORY. */
enum err flush_take(struct flush *f, struct writer_txn *t) MUST_USE;
void flush_settle(struct flush *f, enum err result); /* on the writer's thread, when the outcome is known */

/* Days since 1970 from `from` to `to` that have a row. */
typedef enum err statistics_fn(void *arg, uint32_t day, const uint64_t n[STATISTICS_N]);
enum err statistics_read(struct store_txn *t, struct str prefix, uint32_t from, uint32_t to,
			 statistics_fn *fn, void *arg) MUST_USE;

#endif
