/* Templates kept: their table, who uses them, classifications, notices.
 *
 * Purpose: storage of what proto/template describes, and the one call by which the registry holds records
 * to the template they name. A record names its template by handle (index 1000) or by version under its own
 * Handle prefix (index 1001). Which records name a template is an index of its own, so that a template in
 * use is neither deleted nor changed under its records, and so that they can be listed. A series whose
 * members name a template is one use.
 * Ownership: templates found live in the arena. Threads: put, delete and bond inside writer commands; the
 * rest with any transaction.
 * Invariants: 1. a template that records name exists. 2. the count of its records is that of its rows. 3.
 * no two records that name a template have the same value of an attribute of it that is unique. Ledger
 * entries: template.created, template.changed (prefix, template: its version, revision, digest of the
 * stored row), template.deleted (prefix, template), classification.changed (prefix, digest). */
#ifndef RESOLVER_TEMPLATES_H
#define RESOLVER_TEMPLATES_H

#include "base/writer.h"
#include "proto/id/id.h"
#include "proto/template/template.h"

enum {
	TEMPLATE_TAG = 16,         /* octets of a template's digest in the index */
	CLASSIFICATIONS_MAX = 500, /* of one prefix: a tree people can still read */
	NOTICES_KEPT = 1000,       /* of one identity; older ones go */
	TEMPLATES_SEEN_MAX = 64,   /* in one change set; further ones are read for each record */
};

/* A value that no other record of its template may have (templates_unique.c). */
enum { TEMPLATE_UNIQUE_KEY = 1 + TEMPLATE_TAG + 4 + 32 };
struct template_claim {
	unsigned char key[TEMPLATE_UNIQUE_KEY];
};
struct template_claims {
	struct template_claim *items;
	size_t n;
};

/* What a change of a record does to the index. */
struct template_bond {
	bool was, is;
	unsigned char old[TEMPLATE_TAG], new[TEMPLATE_TAG];
	struct template_claims gone, claimed; /* in the arena of the check */
};

/* Templates looked at in one change set: records of a batch mostly name the same few. In its arena. */
struct template_seen {
	struct str key;
	struct template template;
	struct template_seen *next;
};
struct templates_seen {
	struct template_seen *first;
	size_t n;
	struct arena *keep; /* where they live; NULL: in the arena of the check */
};

/* ---- templates -------------------------------------------------------------------------- */

/* ERR_NOT_FOUND; ERR_BAD_MESSAGE when the prefix is none. */
enum err templates_find(struct store_txn *t, struct arena *a, struct str prefix, struct str version,
			struct template *ret) MUST_USE;
enum err templates_find_handle(struct store_txn *t, struct arena *a, struct str handle,
			       struct template *ret) MUST_USE;

enum templates_condition { TEMPLATES_ABSENT, TEMPLATES_PRESENT, TEMPLATES_ANY };
struct templates_change {
	enum templates_condition condition;
	uint64_t revision; /* expected; 0: any */
	struct str who;
	struct template template;
	/* Makes the new template out of the old one, which must exist; anew each time. NULL: template is
	 * it. */
	enum err (*edit)(struct templates_change *c, struct arena *a, const struct template *old,
			 struct flaw *f);
	void *arg;
	bool created; /* set by templates_put, with the template's id, revision and times */
};
/* ERR_EXISTS, ERR_NOT_FOUND, ERR_PRECONDITION, ERR_CONFLICT (in use), with the flaw. */
enum err templates_put(struct writer_txn *t, struct arena *a, struct templates_change *c,
		       struct flaw *f) MUST_USE;
enum err templates_delete(struct writer_txn *t, struct arena *a, const struct templates_change *c,
			  struct flaw *f) MUST_USE;

/* Templates of that prefix and of those under it, in order; false: enough. after: a key that came before.
 */
typedef bool templates_list_fn(void *arg, struct str key, struct str json);
enum err templates_list(struct store_txn *t, struct str prefix_key, struct str after, templates_list_fn *fn,
			void *arg) MUST_USE;
enum err templates_uses(struct store_txn *t, struct arena *a, const struct template *x,
			uint64_t *ret) MUST_USE;
/* Series whose members name it; they stand in no list of identifiers. */
enum err templates_series_uses(struct store_txn *t, struct arena *a, const struct template *x,
			       uint64_t *ret) MUST_USE;
/* Identifiers that name the template, in order of key; skips the first `skip`. */
typedef bool templates_use_fn(void *arg, struct str id);
enum err templates_each_use(struct store_txn *t, struct arena *a, const struct template *x, uint64_t skip,
			    templates_use_fn *fn, void *arg) MUST_USE;

/* ---- records ---------------------------------------------------------------------------- */

struct templates_taken; /* unique values of one change set */
struct templates_record {
	const struct id *id;
	const struct value *values; /* of the new record; n 0: it goes */
	size_t values_n;
	struct str old;                 /* packed, or empty */
	bool series;                    /* as a member of a new series: no value can be unique */
	struct templates_taken **taken; /* NULL: a record alone. Starts with NULL, lives in the arena */
};
/* Holds a record to the template it names. ERR_BAD_MESSAGE with the attribute named in the flaw (and in
 * *fault, which may be NULL), ERR_NOT_FOUND: no such template; ERR_FORBIDDEN: of another enterprise. */
enum err templates_check(struct store_txn *t, struct arena *a, const struct templates_record *r,
			 struct templates_seen *seen, struct template_fault *fault, struct flaw *f,
			 struct template_bond *ret) MUST_USE;
/* The template that the values name, NULL if none; it lives as those of the check do. What templates_check
 * gives for its name. */
enum err templates_of(struct store_txn *t, struct arena *a, const struct id *id, const struct value *values,
		      size_t n, struct templates_seen *seen, const struct template **ret) MUST_USE;
/* Notes what the check found, when the record is written. */
enum err templates_bond(struct store_txn *t, const struct id *id, const struct template_bond *b) MUST_USE;
/* The same of a series, which its first member and its pattern stand for. */
enum err templates_bond_series(struct store_txn *t, const struct id *first, struct str pattern,
			       const struct template_bond *b) MUST_USE;

/* templates_unique.c, for templates_check and templates_bond. */
enum err templates_claims_old(struct arena *a, const struct template *x,
			      const unsigned char tag[TEMPLATE_TAG], struct str packed,
			      struct template_claims *ret) MUST_USE;
/* ERR_BAD_MESSAGE with the fault: another record has the value. */
enum err templates_claims_new(struct store_txn *t, struct arena *a, const struct template *x,
			      const unsigned char tag[TEMPLATE_TAG], const struct templates_record *r,
			      struct template_fault *fault, struct template_claims *ret) MUST_USE;
enum err templates_claim(struct store_txn *t, const struct id *id, const struct template_bond *b) MUST_USE;

/* ---- classifications and notices -------------------------------------------------------- */

/* JSON array [{"code","name","parent"?,"id"?,"sort"?}], or "[]". */
enum err templates_classes(struct store_txn *t, struct str prefix_key, struct str *ret) MUST_USE;
/* Codes unique, parents before their children. ERR_BAD_MESSAGE. */
enum err templates_classes_check(json_t *list, struct flaw *f) MUST_USE;
enum err templates_classes_put(struct writer_txn *t, struct str who, const struct id_prefix *prefix,
			       struct str json) MUST_USE;
/* A message to an identity: JSON. */
enum err templates_notice_put(struct store_txn *t, struct str handle, struct str json) MUST_USE;
/* Newest first. */
typedef bool templates_notice_fn(void *arg, uint64_t number, struct str json);
enum err templates_notices(struct store_txn *t, struct str handle, templates_notice_fn *fn,
			   void *arg) MUST_USE;

/* ---- between templates.c and template_use.c --------------------------------------------- */

/* The key of the template's row. ERR_BAD_MESSAGE, ERR_NO_MEMORY. */
enum err templates__key(struct arena *a, struct str prefix, struct str version, struct str *ret) MUST_USE;
void templates__tag(struct str key, unsigned char ret[TEMPLATE_TAG]);

#endif
