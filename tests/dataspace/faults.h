/* What a bad network does to one message, in worlds. */
#ifndef TESTS_DATASPACE_FAULTS_H
#define TESTS_DATASPACE_FAULTS_H

#include "tests/dataspace/world.h"

enum fault {
	LOSE_MESSAGE,
	LOSE_ANSWER,
	TWICE,
	OVERTAKEN,   /* the newest goes first */
	ANSWER_LAST, /* what the message caused comes back before its answer does */
	CRASH_BEFORE,
	CRASH_BETWEEN, /* after the message, before its answer */
	FAULTS
};

/* The receiver handles the message; the sender hears its answer, or does not. */
void carry(struct world *w, const struct letter_copy *l, bool answer);
/* Does it to l[0] of n that wait; l has room for 32. */
void misbehave(struct world *w, enum fault fault, struct letter_copy *l, size_t n);

#endif
