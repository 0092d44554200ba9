/* Types of the reverse index: which value types are looked up by their data, and how far each one is.
 *
 * Purpose: what changes must keep up to date (resolver/reverse.h). The table, not the configuration, says
 * which types that are: a type that was switched on is complete only once every record was looked at,
 * and one that was switched off keeps its rows until they are gone.
 * Ownership: names are borrowed from the table's row, until the transaction ends or writes to it.
 * Threads: reading with any transaction; changing inside a writer command.
 * Invariants: 1. numbers are unique, and free again only when no row of the index has them. 2. names are
 * lower case; types are compared without case, as resolvers do. */
#ifndef RESOLVER_REVERSE_TYPE_H
#define RESOLVER_REVERSE_TYPE_H

#include "base/arena.h"
#include "base/store.h"
#include "proto/pb/record.h"

enum { REVERSE_TYPES_MAX = 32 /* each costs every change a comparison, and matching ones a row */ };

/* state, word in interfaces */
#define REVERSE_STATES(X)                                                                                  \
	X(READY, "ready")       /* exact */                                                                \
	X(BUILDING, "building") /* changes are noted; older records are being looked at */                 \
	X(CLEARING, "clearing") /* its rows are being dropped; then it is built */                         \
	X(LEAVING, "leaving")   /* its rows are being dropped; then it is forgotten */                     \
	X(LOADING,                                                                                         \
	  "loading") /* an import fills the registry: its rows come afterwards (reverse_load.h) */         \
	X(SORTING, "sorting") /* they come now; changes are noted */

enum reverse_state {
	REVERSE_NONE,
#define X(name, word) REVERSE_##name,
	REVERSE_STATES(X)
#undef X
};

struct reverse_type {
	struct str name;
	unsigned char number; /* from 1 */
	enum reverse_state state;
};

struct reverse_types {
	size_t n;
	uint64_t lengths[RECORD_TYPE_MAX / 64 + 1]; /* of names of types whose changes are noted */
	struct reverse_type type[REVERSE_TYPES_MAX];
};

const char *reverse_state_word(enum reverse_state s);
/* ERR_CORRUPT. None when nothing was ever configured. */
enum err reverse_types_read(struct store_txn *t, struct reverse_types *ret) MUST_USE;
/* The type whose changes are noted (READY, BUILDING or SORTING), or NULL. */
const struct reverse_type *reverse_type_noted(const struct reverse_types *types, struct str type);
bool reverse_types_any_noted(const struct reverse_types *types);
/* Of any state, or NULL. */
const struct reverse_type *reverse_type_find(const struct reverse_types *types, struct str type);

/* Inside a writer command. Makes the wanted types (any case) those of the table: new ones are BUILDING, or
 * READY when there are no records yet; those not wanted any more LEAVING. *ret_work: something has to
 * be built or dropped. ERR_TOO_LARGE. */
enum err reverse_types_set(struct store_txn *t, struct arena *a, const char *const *wanted, size_t wanted_n,
			   bool *ret_work) MUST_USE;
/* All of one state get another. */
enum err reverse_types_shift(struct store_txn *t, struct arena *a, enum reverse_state from,
			     enum reverse_state to) MUST_USE;
/* Before many records come: what is READY becomes LOADING, if there are no more records than so many. */
enum err reverse_types_load(struct store_txn *t, struct arena *a, uint64_t records) MUST_USE;
/* Leaves those of one state, which is one whose changes are noted. */
void reverse_types_only(struct reverse_types *types, enum reverse_state s);

/* Starts READY and BUILDING types anew: the one, or all when type is empty. ERR_NOT_FOUND. */
enum err reverse_types_rebuild(struct store_txn *t, struct arena *a, struct str type) MUST_USE;
/* The state of one; NONE forgets it. */
enum err reverse_type_move(struct store_txn *t, struct arena *a, unsigned char number,
			   enum reverse_state to) MUST_USE;

/* How far a type is: after this key of the table record when it is BUILDING, of the table reverse when its
 * rows are being dropped; so many done. */
struct reverse_place {
	struct str after;
	uint64_t records;
};
enum err reverse_place_read(struct store_txn *t, unsigned char number, struct reverse_place *ret) MUST_USE;
enum err reverse_place_write(struct store_txn *t, unsigned char number,
			     const struct reverse_place *p) MUST_USE;

#endif
