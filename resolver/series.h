/* Series: many identifiers in one record (DESIGN 2).
 *
 * Purpose: a pattern with a template of values stands for all its members. A member's record is made
 * when it is asked for: the identifier, the template's values filled from it, revision and times of
 * the series; always the same octets, so that what was signed once can be given again.
 * Ownership: struct series borrows from the transaction; what a change points to must live until the
 * command is done.
 * Threads: series_apply inside a writer command; the reading functions with any transaction.
 * Invariants: 1. an identifier is a member of one series at most. 2. a record registered under a
 * member's identifier goes before the series, whichever came first. 3. revisions of an identifier count
 * up, also from member to record of its own. 4. a retired series stays, as a retired record does. 5. a
 * series lies wholly under one prefix of ours, and no delegated prefix begins in it when it is made.
 * 6. a split is whole or not at all, and leaves every member's record as it was. */
#ifndef RESOLVER_SERIES_H
#define RESOLVER_SERIES_H

#include "base/hash.h"
#include "resolver/registry.h"
#include "resolver/series_pattern.h"

enum {
	/* Lengths of what follows the range, among series that lie together and whose identifiers are
	 * equally long: each may cost a lookup. */
	SERIES_TAILS_MAX = 8,
	SERIES_RECORD_MAX = 64 << 10, /* of a member, which is made anew for every question */
	/* Rows looked at for an overlap, only those of another such length, near the new one: a few
	 * hundredths of a second of the writer. */
	SERIES_STEPS_MAX = 16384,
	/* Series whose last member lies between the first and the last of one of several ranges: a member
	 * is looked for in as many rows more, some 0.1 us each. */
	SERIES_AMONG_MAX = 32,
};

struct series {         /* a row, borrowed */
	struct str key; /* of the row: where its history is, and the cursor of lists */
	struct series_range range;
	size_t scope, head, rest,
	    tail; /* as in struct series_pattern; tail: octets after head, range, rest */
	size_t values_n;
	size_t among;      /* how many others have their first and last member around its last one */
	bool references;   /* some value has references */
	uint64_t leaf;     /* of its last change */
	struct str packed; /* Record: the pattern as its id, the templates as values */
};

/* The series that the identifier is a member of, retired ones too; ERR_NOT_FOUND. */
enum err series_find(struct store_txn *t, const struct id *id, struct series *ret) MUST_USE;
/* The words of a member, whose characters of the range these are. */
struct template_words;
void series_words(const struct series_range *r, struct str id, struct str serial,
		  struct template_words *ret);
/* The member's packed record, in the arena, and its head: retired when the series is. */
enum err series_fill(struct arena *a, const struct series *s, const struct id *id, struct str *ret_packed,
		     struct record_head *ret_head) MUST_USE;
/* By its pattern; ERR_NOT_FOUND. */
enum err series_get(struct store_txn *t, const struct series_pattern *p, struct series *ret) MUST_USE;
/* True when the table has a row: nothing else has to be asked. */
bool series_any(struct store_txn *t);

/* Series in order of their rows, after the row `after` (empty: from the first): those whose members all lie
 * under the prefix, and their neighbours, so that who asks may bound how many are looked at. */
typedef bool series_list_fn(void *arg, const struct series *s, bool under); /* false: enough */
enum err series_list(struct store_txn *t, struct str prefix, struct str after, series_list_fn *fn,
		     void *arg) MUST_USE;
/* Changes of one series, oldest first, with SHA-256 of its packed record before and after. */
enum err series_history(struct store_txn *t, const struct series *s, registry_history_fn *fn,
			void *arg) MUST_USE;

struct series_count {
	uint64_t active, members, retired, members_retired;
};
enum err series_count(struct store_txn *t, struct str authority, struct series_count *ret) MUST_USE;

/* ---- changing (series_change.c) --------------------------------------------------------- */

enum series_act { SERIES_PUT, SERIES_RETIRE, SERIES_SPLIT };

struct series_change {
	enum series_act act;
	struct series_pattern pattern;
	struct series_pattern halves[2]; /* SPLIT */
	struct record record;            /* PUT: the values; the rest is set here */
	struct str authority;            /* key octets of the prefix of ours it lies under */
	struct str who;
	uint32_t roles; /* of the credential, as in registry_set */
	enum registry_condition condition;
	uint64_t revision; /* of REGISTRY_REVISION */
	bool tombstone; /* RETIRE: also what is not there, and nothing to do where it is retired already */
	struct str import; /* its name, for the ledger entry; or none */
	struct str reason; /* RETIRE: kept as the only value, of all members; may be empty */
	/* May refuse to change what there is, before anything is written; old_leaf: of its last change.
	 * NULL: none. */
	enum err (*judge)(struct series_change *c, struct store_txn *t, uint64_t old_leaf, struct flaw *f);
	/* set by series_apply */
	bool created, unchanged;
	uint64_t now; /* revision */
};

/* The templates are well-formed for this pattern and a member's record keeps to the limits.
 * ERR_BAD_MESSAGE naming the value, ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err series_check_values(struct arena *a, const struct series_pattern *p, const struct record *r,
			     struct flaw *f) MUST_USE;
/* Every member's record keeps to the metadata template that the values name, decided by the first and the
 * last member where they decide, else by series_decide, else by a look at each; or refused (rule
 * template-series). What templates_check gives. old: the series' packed record, or empty. */
enum err series_check_metadata(const struct series_change *c, struct store_txn *t, struct str old,
			       struct arena *a, struct flaw *f, struct template_bond *ret) MUST_USE;
/* What the series uses and will not use any more. */
enum err series_bond_of(struct store_txn *t, struct str packed, const struct id *first, struct arena *a,
			struct template_bond *ret) MUST_USE;
/* ERR_CONFLICT naming the series it overlaps, ERR_PRECONDITION, ERR_NOT_FOUND, ERR_GONE, ERR_QUOTA (too
 * many shapes), what templates_check says of its first and last member, ERR_NOT_RESPONSIBLE (a delegated
 * prefix in it), and what admission_pass says of its enterprise, for which a series, and each part of
 * one that is cut, counts as one identifier; before anything is written. */
enum err series_apply(struct series_change *c, struct writer_txn *t, struct arena *a,
		      struct flaw *f) MUST_USE;

/* ---- rows: between series.c and series_change.c ----------------------------------------- */

enum {
	SERIES_KEY_HEAD = 4, /* the two lengths in a row's key */
	SERIES_ROW_LEAF = 8,
	SERIES_ROW_MAX = RECORD_PACKED_MAX + 4096, /* with what stands before the record */
};

struct series_key {
	char octets[STORE_KEY_MAX];
	size_t n;
};

void series_key_of(const struct series_pattern *p, struct series_key *ret);
/* The last member's key, which a row's key and the scope noted in the row make. ERR_CORRUPT: no row. */
enum err series_row_member(struct str key, struct str row, char room[STORE_KEY_MAX],
			   struct str *ret) MUST_USE;
/* ERR_CORRUPT. */
enum err series_row_read(struct str key, struct str row, struct series *ret) MUST_USE;
/* The octets in front of the packed record, leaf included (zero). */
void series_row_put(const struct series_pattern *p, const struct record *r, struct buf *out);
/* Places of a member's key: what stands at i, or which characters may. */
struct series_place {
	char literal; /* where range and check are not */
	bool check;
	size_t range; /* place in the range, or SIZE_MAX */
};
struct series_place series_place_at(const struct series *s, size_t i);
/* A pattern as if it were a row: what says of its places. Borrows from both. */
struct series series_of_pattern(const struct series_pattern *p, const struct series_key *k);
/* Notes in a row how many series its last member lies among. */
void series_row_among(char *row, size_t among);

/* ---- series among each other's members (series_among.c) ---------------------------------- */

/* ERR_CONFLICT naming the series it may have a member in common with, ERR_QUOTA: too many shapes. */
enum err series_check_free(struct store_txn *t, const struct series *own, struct flaw *f) MUST_USE;

struct series_among {
	size_t own[2]; /* of the new rows */
	struct series_among_row {
		struct str key; /* of another row, with its new number */
		size_t among;
	} * rows;
	size_t rows_n;
};
/* What new rows, one of which may take the place of an old one that is cut, change of the numbers. Before
 * anything is written: ERR_QUOTA when too many would lie among each other. */
enum err series_among_find(struct store_txn *t, struct arena *a, const struct series *gone,
			   const struct series *new, size_t n, struct flaw *f,
			   struct series_among *ret) MUST_USE;
enum err series_among_write(struct store_txn *t, const struct series_among *w) MUST_USE;

#endif
