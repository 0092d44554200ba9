/* Registry: the identifiers registered here, their history, and how many there are.
 *
 * Purpose: changes are writer commands; each change is one ledger entry, and known as the
 * identifier's history, in the transaction of the change.
 * Ownership: what a change points to must live until the command is done.
 * Threads: registry_apply inside a writer command; the reading functions with any transaction.
 * Invariants: 1. a change set is applied whole or not at all. 2. revisions of an identifier count up
 * from 1, also past its retirement. 3. a retired identifier stays: it comes back only for who names
 * its revision. 4. a replacement by equal values changes nothing and gives the revision there is. */
#ifndef RESOLVER_REGISTRY_H
#define RESOLVER_REGISTRY_H

#include "base/hash.h"
#include "base/writer.h"
#include "proto/pb/record.h"
#include "resolver/amendment.h"
#include "resolver/authority.h"
#include "resolver/tables.h"
#include "resolver/census.h"
#include "resolver/templates.h"

enum {
	REGISTRY_BATCH_MAX = 2000, /* records per request, as SNMS clients know it */
	HISTORY_DIGEST = 2 * HASH_SHA256,
	RETIRE_REASON_MAX = 500, /* octets: a sentence or two; it stands in the ledger too */
};
#define RETIRE_REASON_TYPE "RETIRED" /* of the value that tells it */

enum registry_act { REGISTRY_PUT, REGISTRY_RETIRE, REGISTRY_AMEND };
enum registry_condition { REGISTRY_ANY, REGISTRY_ABSENT, REGISTRY_REVISION };

struct registry_change {
	enum registry_act act;
	struct id id;
	struct record record; /* PUT: the values; the rest is set here. AMEND: set by registry_apply */
	struct amendments amendments; /* AMEND */
	struct str reason;            /* RETIRE: kept as the tombstone's only value; may be empty */
	bool tombstone;       /* RETIRE: also what is not there, and nothing to do where a record is retired
				 already */
	struct str authority; /* key octets of the prefix of ours it lies under */
	size_t place;         /* in the request, for the flaw */
	struct str made;      /* set by registry_make, or none */
	/* set by registry_apply */
	bool created, unchanged, revived;
	struct str series; /* pattern of the series whose member it was so far; empty: of none. Its octets
			      are gone after registry_apply */
	struct str allocation; /* prefix of the enterprise it belongs to, a part of id.key; or none */
	uint64_t revision;
	unsigned char before[HASH_SHA256], after[HASH_SHA256]; /* zeros: none */
	uint64_t old_leaf;
	struct template_bond bond;
	struct str packed;
	unsigned char *row; /* of the table record: its leaf, then packed */
};

struct registry_set;
/* Looks at each change once it is known what would become of it (e). Leaves it out by setting `unchanged`
 * and giving ERR_OK; the others go in. */
typedef enum err registry_judge_fn(struct registry_set *s, struct registry_change *c, struct store_txn *t,
				   enum err e, struct flaw *f);

/* Whether a member of a retired series, whose last change has that ledger index, may have a record of its
 * own all the same, without its revision named. */
typedef enum err registry_beside_fn(struct registry_set *s, struct store_txn *t, uint64_t leaf, bool *ret);

struct registry_set {
	struct registry_change *changes; /* in order of key, no key twice: registry_sort */
	size_t n;
	bool batch; /* one ledger entry of kind record.batch */
	enum registry_condition condition;
	uint64_t revision; /* of REGISTRY_REVISION */
	struct str who;
	uint32_t roles; /* of the credential: a registrar changes what a suspended enterprise may not */
	uint64_t zones_version;        /* delegations that the caller's check has seen */
	bool no_series;                /* there is none at all: members need not be looked for */
	struct templates_seen *shared; /* with other sets of the same command; NULL: none */
	struct templates_seen seen;    /* registry_apply's */
	struct templates_taken *taken; /* registry_apply's */
	struct str import;             /* its name, for the ledger entry; or none */
	registry_judge_fn *judge;      /* NULL: none; the first error is the set's */
	registry_beside_fn *beside;    /* NULL: no */
};

/* Ahead of registry_apply, on any thread: the row of a PUT whose identifier is not there yet and in no
 * series, made with that time of registration. It is used if so; what asks for a look into the registry is
 * left to registry_apply. In the arena. Once `made` is set the change needs its record no more, but
 * registry_digest. ERR_NO_MEMORY. */
enum err registry_make(struct registry_change *c, usec_t now, struct arena *a) MUST_USE;
/* Completes what was made, two at once; also: may be NULL. */
void registry_digest(const struct registry_change *c, const struct registry_change *also);

/* ERR_EXISTS naming the place of the second one when an identifier stands there twice. */
enum err registry_sort(struct registry_set *s, struct flaw *f) MUST_USE;
/* What templates_check gives; ERR_PRECONDITION, ERR_EXISTS, ERR_NOT_FOUND, ERR_GONE, ERR_FORBIDDEN,
 * ERR_TOO_LARGE, ERR_NOT_RESPONSIBLE (delegated away meanwhile) with the record named, before anything is
 * written. The arena gets the packed records. check_delegations: ask the delegation table again, the
 * caller's picture is older. */
enum err registry_apply(struct registry_set *s, struct writer_txn *t, struct arena *a,
			bool check_delegations, struct flaw *f) MUST_USE;

/* The packed record, retired ones too; ERR_NOT_FOUND. Compares the text when the key is hashed. */
enum err registry_find(struct store_txn *t, const struct id *id, struct str *ret_packed) MUST_USE;

/* The same by exactly this key, with the leaf of its last change. */
enum err registry_find_key(struct store_txn *t, struct str key, uint64_t *ret_leaf,
			   struct str *ret_packed) MUST_USE;
/* A row of the table record, as the change feed tells it. ERR_CORRUPT. */
enum err registry_row_split(struct str row, uint64_t *ret_leaf, struct str *ret_packed) MUST_USE;

/* Records whose key begins with prefix, in order, after the key `after` (empty: from the first). */
typedef bool registry_list_fn(void *arg, struct str key, struct str packed); /* false: enough */
enum err registry_list(struct store_txn *t, struct str prefix, struct str after, registry_list_fn *fn,
		       void *arg) MUST_USE;

/* Ledger index of the last change of a record, from the octets that registry_list gave. */
uint64_t registry_leaf(struct str packed);

/* Changes of one identifier, oldest first. digests: HISTORY_DIGEST octets. */
typedef enum err registry_history_fn(void *arg, uint64_t leaf, struct str digests);
enum err registry_history(struct store_txn *t, const struct id *id, registry_history_fn *fn,
			  void *arg) MUST_USE;

/* Those after the change with this leaf. ERR_NOT_FOUND: none is as old as that. */
enum err registry_history_page(struct store_txn *t, const struct id *id, uint64_t after,
			       registry_history_fn *fn, void *arg) MUST_USE;

struct registry_moment {
	uint64_t leaf, next; /* next: of the change after it; UINT64_MAX when it is the last */
	unsigned char before[HASH_SHA256], after[HASH_SHA256];
};
/* The last change whose leaf is less than bound, in a few reads. ERR_NOT_FOUND: there is none; ret->next is
 * set all the same when the identifier was registered later. */
enum err registry_history_at(struct store_txn *t, const struct id *id, uint64_t bound,
			     struct registry_moment *ret) MUST_USE;

#endif
