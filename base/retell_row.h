/* Which row of the catalogue says a sentence: the search below retell.h.
 *
 * Purpose: a row is a pattern: literal octets, and conversions that stand for any text. Of the rows that
 * fit a sentence as a whole, the one with most literal octets is found, of equal ones the earlier (errors,
 * then the order of the catalogue). Conversions take as little as they can, from left to right; the last
 * one of a row that ends with it takes what is left. What it costs: rows lie sorted by the octets they
 * begin with (or end with, where they begin with a conversion), each knowing the row that is a prefix of
 * it, so that a sentence is compared with some ten of them, however many there are. Each octet looked at is
 * a step, taken from the caller's budget. Threads: any; the index is made at the first call. */
#ifndef BASE_RETELL_ROW_H
#define BASE_RETELL_ROW_H

#include "base/say.h"

enum { ROW_CONVERSIONS = 8 }; /* of one row; the catalogue has at most five */

enum row_kind {
	ROW_ERROR = 1, /* the sentences of base/err.h */
	ROW_SAID = 2,  /* SAID_…, POL_… */
	ROW_OF_ID = 4  /* FLAW_… */
};

struct row_fit {
	const char *text[2];                  /* by enum say_language; printf's own text */
	struct str argument[ROW_CONVERSIONS]; /* within the sentence */
	size_t arguments;
};

/* Is text + 0 a conversion, "%s", "%.*s", "%llu"? Behind it: */
bool row_is_conversion(const char *text);
const char *row_behind(const char *conversion);

/* kinds: enum row_kind, or-ed. False: none fits, or the steps ran out (then *steps, 0 or
 * more, is 0). */
bool row_find(unsigned kinds, struct str sentence, int *steps, struct row_fit *ret);

#endif
