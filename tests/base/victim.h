/* What the victim writes and the test looks for. */
#ifndef TESTS_BASE_VICTIM_H
#define TESTS_BASE_VICTIM_H

#include "base/str.h"

/* Commands, in groups of three: calm ones, those under which the disk may fail (small ones that the
 * journal takes, with a folding between them; one that is too large for it; small ones again), and one
 * group when it is well again. */
enum {
	VICTIM_CALM = 15,
	VICTIM_FOLD = 24,
	VICTIM_LARGE = 30,
	VICTIM_FOLD_AGAIN = 36,
	VICTIM_WELL = 42,
	VICTIM_ALL = 45,
	VICTIM_ROW_MAX = (4 << 20) + 1
};

/* Groups past the journal, between others; not those that a start has to put back. */
static inline bool victim_direct(unsigned first)
{
	return first % 6 == 3 && (first < VICTIM_CALM || first > VICTIM_FOLD);
}

static inline size_t victim_row(unsigned i, char out[VICTIM_ROW_MAX])
{
	size_t n = i == VICTIM_LARGE ? VICTIM_ROW_MAX : 300 + i;
	for (size_t k = 0; k < n; k++) out[k] = (char)(i * 31 + k * 7);
	return n;
}

#endif
