/* Store: one LMDB environment with named tables, and journals that make its commits cheap
 * (base/store_env.h).
 *
 * Purpose: everything that lasts. A process opens an environment once; each table is one row of
 * the owner's X-macro table and is opened by its owner alone. Keys up to 511 octets sort by
 * memcmp; composite keys are used instead of duplicates.
 *
 * Transactions: any number of readers, each a snapshot bound to the thread that began it; one
 * write transaction, begun by the writer thread only (base/writer.h). Values are borrowed and
 * live until the transaction ends, is reset or, in a write transaction, until the next write to the
 * same table.
 *
 * Invariants: 1. nothing is acknowledged before store_commit returned 0 (fsync done). 2. a second
 * process that opens the folder gets ERR_LOCKED. 3. a failed commit leaves the last committed
 * state. 4. MDB_PANIC closes and reopens; the caller sees ERR_IO once. 5. the map grows by itself
 * (between transactions; a renewal may wait for it, 50 ms at most). 6. what a store_open finds in the
 * journals it puts back first: tens of milliseconds after a crash, nothing after store_close. */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include "base/str.h"

struct store;
struct store_txn;
struct store_cursor;

/* Tables every environment has; an owner's tables start at STORE_APP. */
enum store_reserved {
	STORE_META, /* text name → value: format version, heads, counters */
	STORE_FEED, /* be64 position → feed entry (base/feed.h) */
	STORE_LEAF, /* be64 index → salt, Merkle nodes and ledger entry (base/ledger.c) */
	STORE_APP
};

/* What the feed keeps of a table's changes (base/feed_kept.c). */
enum store_told {
	STORE_TOLD,        /* key and value */
	STORE_TOLD_BY_KEY, /* the key, and the mark that each value begins with: the value stands in the
			      table as long as it is the last one, and goes into the feed when another
			      follows */
	STORE_UNTOLD,      /* nothing: its rows follow from those of other tables */
};
enum { STORE_MARK = 8 }; /* octets, of no two values of one key the same */

struct store_table {
	const char *name; /* as in LMDB, at most 32 octets */
};

enum { STORE_KEY_MAX = 511, STORE_TABLES_MAX = 48, STORE_NAME_MAX = 32 };

struct store_options {
	const char *folder;               /* made with mode 0700 when absent */
	const struct store_table *tables; /* tables[i] has the number STORE_APP + i */
	size_t tables_n;
	enum store_told (*told)(unsigned table); /* NULL: all are told whole */
	uint32_t format; /* version of this environment's contents; older ones migrate, newer are refused */
	size_t map_initial; /* octets; 0 = 64 GiB; grows by doubling up to map_max */
	size_t map_max;     /* octets; 0 = 4 TiB */
	unsigned readers;   /* reader slots; 0 = 254 */
	/* Brings older contents to `format`, in the transaction that notes it; NULL: they are refused. */
	enum err (*migrate)(struct store_txn *t, uint32_t from);
};

/* ERR_LOCKED, ERR_IO, ERR_NO_SPACE, ERR_CORRUPT (not ours or newer format), with *f saying what. */
enum err store_open(const struct store_options *o, struct flaw *f, struct store **ret) MUST_USE;
const char *store_folder(const struct store *s);
void store_close(struct store *s); /* every transaction must have ended */

/* Readers. Reset gives the snapshot up but keeps the slot; renew takes the newest snapshot. */
enum err store_read(struct store *s, struct store_txn **ret) MUST_USE;
void store_read_reset(struct store_txn *t);
enum err store_read_renew(struct store_txn *t) MUST_USE;
void store_read_end(struct store_txn *t); /* NULL is allowed */
/* A number that grows with each commit since the store was opened: the snapshot this transaction reads. */
uint64_t store_txn_version(const struct store_txn *t);

/* Write transactions: for base/writer.c, migrations and tests. */
enum err store_write(struct store *s, struct store_txn **ret) MUST_USE;
/* For much that comes in the order of its keys: without journal and memtable, in one transaction of LMDB
 * whose two flushes want some megabytes to be worth it. ERR_BUSY: not now, begin the other way; so also
 * after ERR_NO_SPACE of this one. */
enum err store_write_directly(struct store *s, struct store_txn **ret) MUST_USE;
enum { STORE_DIRECT_OCTETS = 16 << 20 };             /* of keys and values: after so many, commit */
enum err store_commit(struct store_txn *t) MUST_USE; /* ends it, also on error */
void store_abort(struct store_txn *t);               /* NULL is allowed */
/* True once this transaction has changed anything: the writer's rule for failed commands. */
bool store_dirty(const struct store_txn *t);
struct store *store_of(const struct store_txn *t);
enum store_told store_told(const struct store_txn *t, unsigned table);

/* ERR_NOT_FOUND when absent. */
enum err store_get(struct store_txn *t, unsigned table, struct str key, struct str *ret) MUST_USE;
/* ERR_NO_SPACE, ERR_IO, ERR_TOO_LARGE (key over STORE_KEY_MAX or empty). After any error in a write
 * transaction the transaction is poisoned: every later call and the commit fail with it. */
enum err store_put(struct store_txn *t, unsigned table, struct str key, struct str value) MUST_USE;
/* Like put, for a table that is told by key, by who knows what it replaces: the value so far, or nothing.
 * store_put would look. */
enum err store_put_over(struct store_txn *t, unsigned table, struct str key, struct str was,
			struct str value) MUST_USE;
/* Like put, but ERR_EXISTS (not poisoning) when the key is there. */
enum err store_put_new(struct store_txn *t, unsigned table, struct str key, struct str value) MUST_USE;
/* Key larger than every key of the table: sequential fill at full pages. */
enum err store_append(struct store_txn *t, unsigned table, struct str key, struct str value) MUST_USE;
enum err store_del(struct store_txn *t, unsigned table, struct str key) MUST_USE; /* ERR_NOT_FOUND */
uint64_t store_count(struct store_txn *t, unsigned table);

/* Cursors end with store_cursor_close, before their transaction does. Moving past an end gives
 * ERR_NOT_FOUND. Key and value as borrowed as those of store_get. */
enum err store_cursor_open(struct store_txn *t, unsigned table, struct store_cursor **ret) MUST_USE;
void store_cursor_close(struct store_cursor *c); /* NULL is allowed */
enum err store_cursor_seek(struct store_cursor *c, struct str at_least, struct str *ret_key,
			   struct str *ret_value) MUST_USE; /* first key >= at_least; "" = first */
enum err store_cursor_next(struct store_cursor *c, struct str *ret_key, struct str *ret_value) MUST_USE;
enum err store_cursor_prev(struct store_cursor *c, struct str *ret_key, struct str *ret_value) MUST_USE;
enum err store_cursor_last(struct store_cursor *c, struct str *ret_key, struct str *ret_value) MUST_USE;

/* Consistent copy of the environment into an empty folder, while it serves: of all that is committed
 * when it is called, at least. Waits for the folding of it: not on a loop's thread. */
enum err store_copy(struct store *s, const char *folder) MUST_USE;

struct store_stat {
	uint64_t file_octets, map_octets, version; /* of data.mdb; mapped; number of the last commit */
	uint64_t
	    waiting_octets; /* in the journals, not folded yet: grows without end only if the disk fails */
	uint64_t folds, fold_failures;
	unsigned readers;
};
void store_stat(struct store *s, struct store_stat *ret);

/* What a change that failed with ERR_NO_SPACE wants. */
enum store_room {
	STORE_ROOMY,
	STORE_MAP_FULL,  /* of map_max little is left, or readers keep it from growing */
	STORE_DISK_FULL, /* under 1 MiB is free where the folder lies */
};
enum store_room store_room(struct store *s);

/* be64 keys: order by number. */
static inline struct str store_key_u64(unsigned char k[8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8) k[i] = (unsigned char)v;
	return str_n(k, 8);
}
uint64_t store_u64(struct str s); /* of an 8-octet big-endian slice; must() otherwise */

#endif
