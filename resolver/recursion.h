/* Recursion: walks from a trust anchor, or from the deepest delegation known, to the authority.
 *
 * Purpose: the protocol engine, without socket and thread: questions leave by a port, replies are
 * handed in, time is base/clock. One walker per shard; a question about an identifier under way joins
 * the walk.
 * Ownership: the walker owns its walks; a finding handed to a waiter is the waiter's reference.
 * Threads: one at a time. Waiters' done runs inside walker_ask, walker_reply or walker_free.
 * Invariants: 1. each waiter is answered exactly once. 2. nothing unverified enters the cache or a
 * finding's octets. 3. a walk takes at most WALK_REFERRALS referrals and options.deadline in all.
 * 4. each referral leads to a strictly longer prefix: no walk runs in a circle. */
#ifndef RESOLVER_RECURSION_H
#define RESOLVER_RECURSION_H

#include "resolver/cache.h"
#include "resolver/counters.h"
#include "resolver/delegation.h"

struct walker;

enum {
	WALK_REFERRALS = 16,      /* twice the deepest hierarchy seen in use */
	WALKS_MAX = 4096,         /* under way per shard; beyond it ERR_BUSY */
	WALK_WAITERS_MAX = 10000, /* of one walk: clients that ask the same thing at once */
	WALK_OCTETS = 4 << 20,    /* arena of one walk: answers of up to 512 KiB, unpacked */
};
#define WALK_DEADLINE (5 * USEC_PER_SEC)
#define WALK_BOGUS_TTL (5 * USEC_PER_SEC)   /* long enough to blunt a flood, short enough to mend */
#define WALK_FAILURE_TTL (1 * USEC_PER_SEC) /* the least that RFC 9520 3.2 asks for */

struct walk_anchor {
	struct id_prefix prefix;
	unsigned char key[SIGN_PUBLIC];
	struct str url;
};

struct upstream_reply {
	enum err err; /* OK: an HTTP answer arrived */
	int status;
	struct str content_type, body;
	const char *text; /* the failure in words */
};

struct upstream_question {
	struct walker *walker; /* the reply comes back to it by walker_reply, with these numbers */
	uint64_t walk;
	unsigned turn;
	struct str url;      /* whom to ask; borrowed for the call */
	const struct id *id; /* the same */
	usec_t deadline;     /* from now */
};

/* The port: how questions reach other nodes. */
struct upstream {
	void *ctx;
	/* Asks without recursion. The reply comes exactly once, not before ask returns, at the latest
	 * when the deadline is over; none comes after an error. */
	enum err (*ask)(void *ctx, const struct upstream_question *q);
};

struct walker_options {
	const struct walk_anchor *anchors;
	size_t anchors_n;
	struct cache *cache;
	struct upstream upstream;
	struct str node, url;         /* this node, in traces */
	usec_t deadline;              /* 0 = WALK_DEADLINE */
	struct rs_counters *counters; /* walks, walks_shared, asked_upstream */
};

struct walker *walker_new(const struct walker_options *o); /* NULL without memory */
void walker_free(struct walker *w);                        /* waiters get ERR_STOPPING; NULL is allowed */

/* Takes the reference. */
typedef void walk_done_fn(void *arg, struct finding *f);
/* own: the packed delegation of ours that covers id, or empty: where the walk begins. done may run
 * before this returns. ERR_NOT_RESPONSIBLE: no anchor covers it; ERR_BUSY; ERR_NO_MEMORY: done never
 * runs. */
enum err walker_ask(struct walker *w, const struct id *id, struct str own, walk_done_fn *done,
		    void *arg) MUST_USE;
/* The body is read only during the call. A walk that is gone is ignored. */
void walker_reply(struct walker *w, uint64_t walk, unsigned turn, const struct upstream_reply *r);

size_t walker_under_way(const struct walker *w);

#endif
