/* Amendments: single values of a record added, modified or removed by their index.
 *
 * Purpose: the Handle System's operations on values (RFC 3652 3.4 to 3.6), several at once, in their
 * order, all or none. What one left is what the next one finds.
 * Ownership: values borrow from the text they were read from; results lie in the arena.
 * Threads: reading any; applying inside a writer command, more than once when it is applied again.
 * Invariants: 1. add refuses an index that is there, modify and remove one that is not. 2. a value that
 * administrators may not write (VALUE_ADMIN_WRITE) is neither modified nor removed here; only replacing
 * or retiring the whole record ends it. 3. values that no operation names stay as they were. */
#ifndef RESOLVER_AMENDMENT_H
#define RESOLVER_AMENDMENT_H

#include "proto/pb/record.h"

enum { AMENDMENTS_MAX = RECORD_VALUES_MAX /* each value of the largest record once */ };

/* kind, word in interfaces */
#define AMENDMENTS(X)                                                                                      \
	X(ADD, "add")                                                                                      \
	X(MODIFY, "modify")                                                                                \
	X(REMOVE, "remove")

enum amendment_kind {
#define X(kind, word) AMENDMENT_##kind,
	AMENDMENTS(X)
#undef X
};

struct amendment {
	enum amendment_kind kind;
	struct value value; /* REMOVE: its index only; ADD: index 0 takes the lowest free one */
	uint32_t index;     /* set by amendments_apply: the value it touched */
};

struct amendments {
	struct amendment *list;
	size_t n;
};

/* {"operations":[{"op":"add","value":{…}},{"op":"modify","value":{…}},{"op":"remove","index":4}]}.
 * ERR_BAD_MESSAGE, ERR_TOO_LARGE with the member named; ERR_NO_MEMORY. */
enum err amendments_parse(struct arena *a, json_t *j, struct flaw *f, struct amendments *ret) MUST_USE;
/* The values of *r, in order of their index, become those after all operations. ERR_EXISTS,
 * ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_TOO_LARGE naming the operation; *r is as it was then. */
enum err amendments_apply(struct arena *a, const struct amendments *m, struct flaw *f,
			  struct record *r) MUST_USE;

#endif
