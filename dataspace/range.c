#include "dataspace/range.h"

enum range_kind range_parse(struct str header, uint64_t size, uint64_t *ret_from, uint64_t *ret_to)
{
	struct str unit = STR("bytes="), spec, first, last;
	uint64_t from = 0, to = size, n;
	size_t dash;

	*ret_from = 0;
	*ret_to = size;
	if (!str_starts_nocase(header, unit)) return RANGE_WHOLE;
	spec = str_trim(str_skip(header, unit.n));
	dash = str_find(spec, '-');
	if (dash == spec.n || str_find(spec, ',') != spec.n) return RANGE_WHOLE;
	first = str_first(spec, dash);
	last = str_skip(spec, dash + 1);
	if (!first.n) { /* the last n octets */
		if (str_u64(last, &n)) return RANGE_WHOLE;
		if (!n || !size) return RANGE_NONE;
		from = n < size ? size - n : 0;
	} else {
		if (str_u64(first, &from)) return RANGE_WHOLE;
		if (last.n) {
			if (str_u64(last, &n) || n < from) return RANGE_WHOLE;
			if (n < size) to = n + 1;
		}
		if (from >= size) return RANGE_NONE;
	}
	*ret_from = from;
	*ret_to = to;
	return RANGE_PART;
}
