/* Findings: what a walk through the hierarchy brought home, and how it got there.
 *
 * Purpose: one immutable object for the cache, for every waiter of a walk and for the trace shown to
 * people. A verified delegation met on the way is one too.
 * Ownership: counted references; the last release frees. One block of memory, size known.
 * Threads: any.
 * Invariants: 1. octets are set only if their whole chain of signatures was verified. 2. a finding
 * with err BOGUS, TIMEOUT, UPSTREAM or LOOP has no octets. */
#ifndef RESOLVER_FINDING_H
#define RESOLVER_FINDING_H

#include <stdatomic.h>

#include "base/clock.h"
#include "proto/pb/answer.h"

enum { HOPS_MAX = 24 }; /* 16 referrals, the start, and endpoints that were tried in vain */

/* name, word */
#define CHAIN_STATES(X)                                                                                    \
	X(NONE, "none")                   /* nothing to verify: no answer came */                          \
	X(SECURE, "secure")               /* verified from the trust anchor down */                        \
	X(AUTHORITATIVE, "authoritative") /* this node's own registry */                                   \
	X(BOGUS, "bogus")                 /* a signature, a term or a name did not hold */

enum chain_state {
#define X(name, word) CHAIN_##name,
	CHAIN_STATES(X)
#undef X
};

const char *chain_state_name(enum chain_state s);

struct hop {
	struct str node; /* DID; empty while unknown: it did not answer */
	struct str url;
	struct str detail; /* what went wrong, or "" */
	usec_t took;
	enum answer_kind kind; /* 0: none */
	enum chain_state state;
	bool cached;
};

struct finding {
	_Atomic unsigned refs;
	enum err err; /* OK: a record; NOT_FOUND, GONE: verified too; else why there is no answer */
	enum answer_kind kind;
	enum chain_state state;
	struct str key;        /* of the identifier, or of the prefix for a delegation */
	struct str octets;     /* packed Signed Answer or Signed Delegation */
	struct str record;     /* packed Record, kinds RECORD and RETIRED */
	struct str node;       /* DID of the authority that answered */
	struct str rule, text; /* of the failure */
	usec_t made, until;    /* monotonic */
	uint64_t stamp;        /* of our own signed answers: what they were made from */
	struct hop *hops;
	size_t hops_n;
	size_t size; /* octets of memory in all */
};

/* Copies everything of *parts but refs and size; one reference. NULL without memory. */
struct finding *finding_new(const struct finding *parts);
struct finding *finding_use(struct finding *f);
void finding_release(struct finding *f); /* NULL is allowed */

#endif
