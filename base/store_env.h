/* Inside the store: what store*.c share with the writer and the feed. Nobody else includes this.
 *
 * The gate: a reader marks its own transaction live before it touches the map and looks at
 * `closed` after; whoever must move the map (growth, reopening) sets `closed` and waits until no
 * transaction is live. So a reader pays two stores to its own cache line and one load of a line
 * that hardly ever changes, and the rare closing pays for all. A closing gives up after a while
 * and tries again, so that a thread that holds one snapshot and begins another cannot stop it
 * for good. */
#ifndef BASE_STORE_ENV_H
#define BASE_STORE_ENV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/store.h"

struct MDB_env;
struct MDB_txn;

struct store {
	struct MDB_env *env; /* NULL while an environment that broke could not be opened again */
	char *folder;
	int lock_fd;
	char *names[STORE_APP + STORE_TABLES_MAX];
	unsigned dbi[STORE_APP + STORE_TABLES_MAX];
	unsigned tables_n;
	unsigned readers_max;
	size_t map_max;
	_Atomic size_t map;       /* octets mapped now */
	_Atomic unsigned opening; /* how often the environment was opened */
	atomic_bool closed;
	pthread_mutex_t lock; /* of the list of readers, and of waiting at the gate */
	pthread_cond_t opened;
	struct store_txn *readers;
	/* the writing thread's */
	size_t record_at;  /* offset of the record slots in data.mdb; 0: none (store_record.c) */
	size_t laid, used; /* octets of the file that have blocks; that held pages at the last look */
	usec_t calm_again; /* monotonic time of the next try to grow before it is needed */
	bool writing, want_growth;
};

struct store_txn {
	struct store *store;
	struct MDB_txn *mdb; /* NULL: begun at the next renewal */
	_Alignas(64) atomic_bool live;
	bool write, full; /* full: the map is, so that growing helps */
	enum err poison;
	uint64_t changes;
	struct buf *collect; /* where each change is noted as a feed operation, or NULL */
	struct store_txn *next, *prev;
};

struct store_cursor;

/* store_txn.c */
enum err store__err(int rc);
/* Of this write transaction: what it was poisoned with, whether growing the map helps, how many
 * changes it has made. */
enum err store__poison(const struct store_txn *t);
bool store__full(const struct store_txn *t);
uint64_t store__changes(const struct store_txn *t);
/* From now on each change (not of STORE_FEED) is added to *ops as base/feed_op.h says; NULL stops.
 * A buffer that overflows poisons the transaction. */
void store__collect(struct store_txn *t, struct buf *ops);

/* The last transaction ended because the map is full: after a commit, which ends it. */
bool store__wants_growth(const struct store *s);

/* recorded: the transaction's record is written, so one flush is enough (store_record.c). */
enum err store__commit(struct store_txn *t, bool recorded);

/* store_record.c */
int store__put_record_row(struct MDB_txn *t, unsigned meta,
			  size_t page); /* unless it is there; LMDB's codes */
int store__find_record(struct store *s);
void store__void_record(struct store *s, uint64_t txn);
/* A commit whose whole effect is the row of STORE_FEED that it ends with. Ends it, as store_commit. */
enum err store__commit_recorded(struct store_txn *t, struct str key, struct str value) MUST_USE;
enum err store__replay(struct store *s) MUST_USE;
enum err store__void_copied_records(struct store *s, const char *data) MUST_USE;

/* store_gate.c */
void store__enter(struct store_txn *t); /* waits while the gate is closed */
void store__leave(struct store_txn *t);
void store__enlist(struct store_txn *t);
void store__delist(struct store_txn *t);
bool store__close_gate(struct store *s, usec_t patience); /* false: somebody still reads; open again */
void store__open_gate(struct store *s);

/* store_folder.c */
enum err store__refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *text);
enum err store__refuse_errno(struct flaw *f, const char *at);
char *store__path(const char *folder, const char *name); /* free() it; NULL without memory */
enum err store__make_folder(const char *folder, struct flaw *f);
enum err store__empty_folder(const char *folder); /* made when absent; ERR_EXISTS: not empty */
enum err store__lock_folder(struct store *s, struct flaw *f);
enum err store__check_data(struct store *s, struct flaw *f);
enum err store__note_made(struct store *s, struct flaw *f);
enum err store__sync_folder(const char *folder);
enum err store__sync_copy(const char *folder, const char *data);

/* store.c. Both on the thread that writes, outside a transaction. */
enum err store__grow(struct store *s, usec_t patience) MUST_USE; /* ERR_NO_SPACE at map_max, ERR_BUSY */
enum err store__reopen(struct store *s) MUST_USE;
/* Grows before the map is full and lays disk blocks ahead: cheap when there is nothing to do. */
void store__prepare(struct store *s);

#endif
