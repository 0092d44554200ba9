/* What the resolver's files share: the resolver and its shards. Private to this folder.
 *
 * Threads: struct rs is set up on the main thread and then only read, but for its atomics and what
 * is marked as the writer's. A struct rs_shard belongs to its shard's thread; rs__post is for any.
 * Invariants: 1. rs_shard objects live until rs_close, so that the writer and the courier may still
 * hold them when the server has gone; `net` is NULL from then on. 2. `zones` is never older than
 * `txn` by more than one turn. */
#ifndef RESOLVER_STATE_H
#define RESOLVER_STATE_H

#include <pthread.h>

#include "resolver/authority.h"
#include "resolver/counters.h"
#include "resolver/prefixes.h"
#include "resolver/rate.h"
#include "resolver/recursion.h"
#include "resolver/resolver.h"
#include "resolver/reverse_build.h"
#include "resolver/statistics.h"
#include "resolver/tables.h"
#include "resolver/top.h"

enum {
	RS_SHARDS_MAX = 256,
	RS_CACHE_OCTETS = 16 << 20,
	RS_TTL = 3600,
	RS_TTL_NEGATIVE = 60,
	RS_SCRATCH_MAX = 2 << 20, /* one answer as text: a record of 256 KiB, every octet escaped, framed */
};
#define RS_ANSWER_VALIDITY (3600 * USEC_PER_SEC)

struct rs_shard {
	struct rs *rs;
	struct net_shard *net; /* under gate; NULL once the shard has stopped */
	pthread_mutex_t gate;
	struct store_txn *txn;
	bool live; /* txn holds a snapshot */
	struct zones *zones;
	uint64_t zones_version;
	struct prefixes *prefixes; /* of enterprises; NULL: none */
	uint64_t prefixes_version;
	struct tallies *tallies; /* until rs_close: the writer reads them */
	struct top *top;
	uint32_t top_day;
	usec_t top_since;
	struct rates *rates;
	struct walker *walker;
	struct cache *signatures; /* signed answers of our own, see answer.h */
	struct buf scratch;       /* text of one answer while it is made */

	struct import_run *imports; /* whose request came here */
	unsigned exports_n;         /* streams under way */
	struct rs_counters counters;
};

struct rs {
	struct rs_options o;
	struct arena *arena; /* of what follows */
	struct id_prefix *ours;
	struct walk_anchor *anchors;
	struct str did, name, url, kid;
	struct cache *cache;
	struct upstream upstream; /* a test's; ask NULL: the courier's */
	struct net_routes routes;
	struct challenges *challenges; /* session.h */
	struct reporter *reporter;     /* report.h; NULL: nobody above */
	struct imports *imports;       /* under way */
	_Atomic(struct rs_shard *) shards[RS_SHARDS_MAX];
	_Atomic unsigned shards_n;         /* highest index begun, plus one */
	_Atomic bool series_any;           /* a series was made, perhaps: else nobody has to look */
	_Atomic uint64_t zones_version;    /* delegation changes committed */
	uint64_t zones_applied;            /* the writer's: changes applied, committed or not */
	struct reverse_load *load;         /* the same for a large import; NULL without a writer */
	struct reverse_builder *builder;   /* of the reverse index; NULL without a writer */
	_Atomic uint64_t prefixes_version; /* the same for allocations */
	uint64_t prefixes_applied;
	struct statistics *statistics;
};

void rs__counters(struct rs *r, struct rs_counters *ret); /* of all shards (metrics.c) */
/* Shards of requests. */
struct rs_shard *rs__shard(const struct net_req *r);
/* Runs fn(arg) on the shard's thread. ERR_STOPPING: it has ended, fn will not run. */
enum err rs__post(struct rs_shard *s, void (*fn)(void *arg), void *arg) MUST_USE;
/* A shard without a server, for tests: with a snapshot and zones. */
enum err rs__shard_open(struct rs *r, unsigned index, struct rs_shard **ret) MUST_USE;
void rs__shard_turn(struct rs_shard *s);

#endif
