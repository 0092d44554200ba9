#include "dataspace/pace.h"

/* What may be ahead of the pace: two ticks' worth, so that a late timer does not slow the stream. */
static uint64_t due(const struct pace *p, usec_t now)
{
	usec_t ran = now - p->since + 2 * PACE_TICK;
	uint64_t whole = (uint64_t)(ran / USEC_PER_SEC), rest = (uint64_t)(ran % USEC_PER_SEC), octets;
	if (__builtin_mul_overflow(p->rate, whole, &octets)) return UINT64_MAX;
	uint64_t part = (uint64_t)((double)p->rate * (double)rest / USEC_PER_SEC);
	return octets + part < octets ? UINT64_MAX : octets + part;
}

size_t pace_take(struct pace *p, usec_t now, size_t want)
{
	if (!p->rate) return want;
	if (!p->since) p->since = now;
	uint64_t may = due(p, now);
	uint64_t room = may > p->left ? may - p->left : 0;
	size_t n = room < want ? (size_t)room : want;
	p->left += n;
	return n;
}
