/* Top: the identifiers asked for most, in bounded memory.
 *
 * Purpose: a space-saving sketch (Metwally, Agrawal, El Abbadi 2005) of 4,096 counters in 512 sets of 8:
 * an identifier that is not watched takes the place of the least one of its set and inherits its count as
 * its error, so that a count is never too small, and too large by `error` at most. Only answers with a
 * record are counted: a flood of identifiers that do not exist moves nothing.
 * Threads: the shard's. Nothing is allocated after top_new. */
#ifndef RESOLVER_TOP_H
#define RESOLVER_TOP_H

#include "base/str.h"

enum {
	TOP_SETS = 512,
	TOP_WAYS = 8,
	TOP_TEXT = 200, /* octets; longer identifiers are not watched: few are, and none is short of room */
	TOP_LIST_MAX = 1000,
};

struct top_entry {
	uint64_t count, error;
	unsigned char n;
	char text[TOP_TEXT];
};

struct top;
struct top *top_new(void); /* 0.9 MiB, touched as it fills; NULL without memory */
void top_free(struct top *t);
void top_add(struct top *t, struct str id);
void top_clear(struct top *t);
/* The greatest, at most max of them, in falling order. Returns their number. */
size_t top_list(const struct top *t, struct top_entry *ret, size_t max);
/* Makes one entry of those with the same text, keeps the greatest max, in falling order. */
size_t top_merge(struct top_entry *entries, size_t n, size_t max);

#endif
