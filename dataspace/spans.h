/* Sets of octets: spans in ascending order, apart from each other. Pure; any thread. */
#ifndef DATASPACE_SPANS_H
#define DATASPACE_SPANS_H

#include "base/str.h"

enum { SPANS_MAX = 64 /* a consumer that resumes needs one; more is fetching piecemeal */ };

struct spans {
	struct span {
		uint64_t from, to; /* to is exclusive */
	} s[SPANS_MAX];
	size_t n;
};

/* Adds [from, to); false (and unchanged) when the set would have more than SPANS_MAX spans. */
bool spans_add(struct spans *s, uint64_t from, uint64_t to);
uint64_t spans_total(const struct spans *s);
/* How many octets of [from, to) are not in the set. */
uint64_t spans_missing(const struct spans *s, uint64_t from, uint64_t to);
/* The largest end <= to such that at most `missing` octets of [from, end) are not in the set. */
uint64_t spans_reach(const struct spans *s, uint64_t from, uint64_t to, uint64_t missing);

#endif
