/* Reverse index: which identifiers have a value of this type with this data.
 *
 * Purpose: "which things point at this URL, this batch, this supplier" answered by walking exactly the
 * rows of the answer. Kept by reverse_note in the transaction of each change; which types it has is
 * said by resolver/reverse_type.h. Rows of values that the public may read stand apart from the others, so
 * that what somebody may not see costs him nothing and tells him nothing.
 * Threads: noting inside a writer command; finding with any transaction.
 * Invariants: 1. for a READY type, a row stands for each active record and each different data of that
 * type in it, and for nothing else; it is in the public part when one of the values is public. 2. rows
 * of one data sort by identifier key, but for those whose key was cut (see reverse.c). */
#ifndef RESOLVER_REVERSE_H
#define RESOLVER_REVERSE_H

#include "proto/pb/record.h"
#include "resolver/reverse_type.h"

enum {
	REVERSE_STEP = 2000 /* records looked at or rows dropped at once: some milliseconds of the writer */
};

/* The change of a record from old to new, each packed or empty (there was none, or there is none). The
 * arena is rolled back. */
enum err reverse_note(struct store_txn *t, const struct reverse_types *types, struct arena *a,
		      struct str id_key, const struct str old_new[2]) MUST_USE;
/* The rows that the record has of one type: for building. */
enum err reverse_build_one(struct store_txn *t, const struct reverse_types *types, unsigned char number,
			   struct arena *a, struct str id_key, struct str packed) MUST_USE;
/* What the table would have of a record, of all noted types. key, value: borrowed for the call. */
struct reverse_row {
	struct str key, value;
	size_t stem_n; /* octets of the key before the identifier */
};
typedef enum err reverse_row_fn(void *arg, const struct reverse_row *row);
enum err reverse_rows(const struct reverse_types *types, struct arena *a, struct str id_key,
		      struct str packed, reverse_row_fn *fn, void *arg) MUST_USE;
struct str reverse_row_id(const struct reverse_row *row);        /* the identifier's key */
unsigned char reverse_row_number(const struct reverse_row *row); /* of its type, hidden or not */
enum err reverse_put_row(struct store_txn *t, const struct reverse_row *row) MUST_USE;
enum err reverse_empty(struct store_txn *t, unsigned char number,
		       bool *ret) MUST_USE; /* a type has no rows */
/* Drops at most REVERSE_STEP rows of a type from *at on, which moves; *ret_more: there may be others. */
enum err reverse_drop(struct store_txn *t, unsigned char number, struct arena *a, struct reverse_place *at,
		      bool *ret_more) MUST_USE;

struct reverse_query {
	unsigned char number;
	struct str data;
	bool hidden;       /* the part that is not public */
	struct str prefix; /* identifiers under it only */
	struct str after;  /* identifier key; empty: from the first */
};

/* index: of the value, the lowest if there are several. false: enough. */
typedef bool reverse_find_fn(void *arg, struct str id_key, uint32_t index);
enum err reverse_find(struct store_txn *t, const struct reverse_query *q, reverse_find_fn *fn,
		      void *arg) MUST_USE;

/* All data that begin so, the shorter ones first. Costs a seek for each length of data that there is, 200
 * at most, and the rows of the answer; those of identifiers outside of prefix one for each data. */
struct reverse_beginning {
	unsigned char number;
	struct str beginning; /* not empty */
	bool hidden;
	struct str prefix, after; /* after: a row that was told */
};

struct reverse_hit {
	struct str row;    /* to go on behind */
	struct str id_key; /* borrowed, as all of it */
	struct str data;   /* p NULL: too long for the index; only its first 64 octets were compared */
	uint32_t index;
	bool under; /* the prefix; false: only looked at */
};

typedef bool reverse_beginning_fn(void *arg, const struct reverse_hit *hit); /* false: enough */
enum err reverse_find_beginning(struct store_txn *t, const struct reverse_beginning *q,
				reverse_beginning_fn *fn, void *arg) MUST_USE;
/* Whether the octets can be a row of this question: of a cursor that a client brings. */
bool reverse_is_row(const struct reverse_beginning *q, struct str key);

#endif
