/* Rates: how much each client may ask for, as token buckets in bounded memory.
 *
 * Purpose: a bucket holds `burst` tokens and gains `per_second`; a request needs one token to be let in
 * and may cost more (a batch): then the bucket is in debt and lets nothing in until that is paid.
 * A bucket is one number, the time at which it will be full again. Buckets lie in sets of eight; a new
 * client takes the place of the one that was full first, so that memory is bounded and who behaves is
 * forgotten first.
 * Threads: the shard's: a client that spreads its connections over n threads has n buckets. */
#ifndef RESOLVER_RATE_H
#define RESOLVER_RATE_H

#include "base/clock.h"

/* name, setting, meaning */
#define RATE_CLASSES(X)                                                                                    \
	X(READ, reads, "resolutions and other requests that change nothing")                               \
	X(CHANGE, changes, "changes with a credential")                                                    \
	X(ANONYMOUS, anonymous, "changes without one: applications and proofs")

enum rate_class {
#define X(name, setting, help) RATE_##name,
	RATE_CLASSES(X)
#undef X
	    RATE_CLASSES_N
};

enum {
	RATE_WAYS = 8,
	RATE_CLIENTS = 16384, /* buckets of a class, when nothing is set: 256 KiB */
};

struct rate_rule {
	uint32_t per_second; /* 0: no limit */
	uint32_t burst;      /* 0: that of one second */
};

struct rates;
/* NULL without memory. clients: buckets per class, rounded up to a power of two. */
struct rates *rates_new(const struct rate_rule rules[RATE_CLASSES_N], size_t clients);
void rates_free(struct rates *r); /* NULL is allowed */
bool rates_on(const struct rates *r, enum rate_class c);
/* Mixes the octets that tell clients apart with a secret of the process. */
uint64_t rates_client(const struct rates *r, struct str octets);
/* Whether the client is let in; then one token is taken. Else *ret_wait: until it would be. now: monotonic.
 */
bool rates_enter(struct rates *r, enum rate_class c, uint64_t client, usec_t now, usec_t *ret_wait);
/* What a request that was let in costs beyond the one token. */
void rates_charge(struct rates *r, enum rate_class c, uint64_t client, usec_t now, uint32_t more);

#endif
