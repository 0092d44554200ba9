/* What the victim writes and the test looks for. */
#ifndef TESTS_BASE_VICTIM_H
#define TESTS_BASE_VICTIM_H

#include "base/str.h"

/* Commands, in groups of three: calm ones, those under which the disk may fail (small commits with
 * a record, one too large for a record, small ones again), and one group when it is well again. */
enum {
	VICTIM_CALM = 15,
	VICTIM_LARGE = 21,
	VICTIM_WELL = 27,
	VICTIM_ALL = 30,
	VICTIM_ROW_MAX = 160 * 1024
};

static inline size_t victim_row(unsigned i, char out[VICTIM_ROW_MAX])
{
	size_t n = i == VICTIM_LARGE ? VICTIM_ROW_MAX : 300 + i;
	for (size_t k = 0; k < n; k++) out[k] = (char)(i * 31 + k * 7);
	return n;
}

#endif
