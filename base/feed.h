/* Change feed: the ordered log of everything that changed an environment (DESIGN 6).
 *
 * Purpose: replicas, statistics and watchers read it; the writer appends to it from the first
 * day, in the transaction that makes the change. An entry is one batch: the puts and deletes of
 * its tables (not of STORE_FEED), and the ledger's size and root after it.
 * The interface is a driver table; `lmdb` is the embedded driver.
 *
 * Entry on disk (STORE_FEED, key be64 position from 1): see base/feed_lmdb.c.
 * Threads: append on the writer thread; read with any read transaction; wait from any thread. */
#ifndef BASE_FEED_H
#define BASE_FEED_H

#include "base/clock.h"
#include "base/store.h"

struct feed;

enum feed_op_kind {
	FEED_PUT = 1,
	FEED_DEL = 2,
	/* Of tables that are told by key (base/store.h): */
	FEED_WAS = 3, /* the value that the next change of the key replaces */
	FEED_KEY = 4, /* a put: value is the mark of what was put. If no later entry has a FEED_WAS with
			 this mark, it is what the table has */
};

struct feed_op {
	enum feed_op_kind kind;
	unsigned table;
	struct str key, value;
};

struct feed_entry {
	uint64_t position; /* dense, from 1 */
	usec_t time;
	uint64_t ledger_size;
	unsigned char ledger_root[32];
	struct str ops; /* encoded; walk with feed_next. Given to append: as feed_op_next takes them, or
			   as they are to be kept, if `kept` */
	bool kept;
};

/* Takes one operation off *ops as a transaction noted them; ERR_NOT_FOUND at the end, ERR_CORRUPT. */
enum err feed_op_next(struct str *ops, struct feed_op *ret) MUST_USE;

/* Walks the operations of an entry. */
struct feed_walk {
	struct str rest, mark;
	size_t key_n;
	char key[STORE_KEY_MAX]; /* of the last FEED_KEY */
	char octets[STORE_MARK]; /* of the mark, while an entry is made */
};
void feed_walk_begin(struct feed_walk *w, const struct feed_entry *entry);
/* ERR_NOT_FOUND at the end, ERR_CORRUPT. The key of a FEED_KEY lasts until the next call. */
enum err feed_next(struct feed_walk *w, struct feed_op *ret) MUST_USE;
/* To the operation that begins after so many octets; ERR_CORRUPT: none does. */
enum err feed_walk_skip(struct feed_walk *w, size_t octets) MUST_USE;

struct feed_driver {
	const char *name;
	/* expected_head: position of the last entry; ERR_PRECONDITION when it is not. */
	enum err (*append)(struct feed *f, struct store_txn *t, uint64_t expected_head,
			   const struct feed_entry *e);
	/* The entry at exactly this position; ERR_GONE when trimmed, ERR_NOT_FOUND beyond the head. */
	enum err (*read)(struct feed *f, struct store_txn *t, uint64_t position, struct feed_entry *ret);
	enum err (*head)(struct feed *f, struct store_txn *t, uint64_t *ret);
	/* Until the head is beyond position (ERR_OK) or the time has passed (ERR_TIMEOUT). */
	enum err (*wait)(struct feed *f, uint64_t position, usec_t at_most);
	/* A consistent copy of the whole environment with its position inside, into an empty folder. */
	enum err (*snapshot)(struct feed *f, const char *folder);
	void (*close)(struct feed *f);
};

struct feed {
	const struct feed_driver *driver;
};

enum err feed_lmdb_open(struct store *s, uint64_t keep, struct feed **ret) MUST_USE;
struct writer;
struct feed *writer_feed(struct writer *w);

#endif
