#include "dataspace/spans.h"

bool spans_add(struct spans *s, uint64_t from, uint64_t to)
{
	size_t first = 0, last;

	if (from >= to) return true;
	while (first < s->n && s->s[first].to < from) first++;
	/* [first, last) touch the new one and melt into it */
	for (last = first; last < s->n && s->s[last].from <= to; last++) {
		if (s->s[last].from < from) from = s->s[last].from;
		if (s->s[last].to > to) to = s->s[last].to;
	}
	if (first == last && s->n == SPANS_MAX) return false;
	memmove(&s->s[first + 1], &s->s[last], (s->n - last) * sizeof s->s[0]);
	s->n = s->n - (last - first) + 1;
	s->s[first].from = from;
	s->s[first].to = to;
	return true;
}

uint64_t spans_total(const struct spans *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) sum += s->s[i].to - s->s[i].from;
	return sum;
}

uint64_t spans_missing(const struct spans *s, uint64_t from, uint64_t to)
{
	uint64_t there = 0;

	if (from >= to) return 0;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t a = s->s[i].from > from ? s->s[i].from : from;
		uint64_t b = s->s[i].to < to ? s->s[i].to : to;

		if (a < b) there += b - a;
	}
	return to - from - there;
}

uint64_t spans_reach(const struct spans *s, uint64_t from, uint64_t to, uint64_t missing)
{
	uint64_t at = from;

	for (size_t i = 0; i <= s->n && at < to; i++) {
		/* the gap before span i, or behind the last one */
		uint64_t gap_end = i < s->n && s->s[i].from < to ? s->s[i].from : to;

		if (gap_end > at) {
			if (gap_end - at > missing) return at + missing;
			missing -= gap_end - at;
			at = gap_end;
		}
		if (i < s->n && s->s[i].to > at) at = s->s[i].to < to ? s->s[i].to : to;
	}
	return at < to ? at : to;
}
