/* Inside the store: what store*.c share with the writer. Nobody else includes this.
 *
 * How it lasts. A commit goes into a journal (base/journal.h): one short write at the end of a file,
 * one flush. What it changed lies in a memtable over LMDB, where readers see it. When the journal is
 * full, or nobody has written for a while, memtable and journal are sealed, a second pair takes
 * their place, and the folding thread (store_fold.c) puts the sealed one into LMDB in one transaction,
 * in the order of the keys, with LMDB's own two flushes. Then its journal is free again. Row "folded"
 * of STORE_META tells, inside the same transaction, which commit LMDB has come to: a start puts the
 * commits after it back from the journals. So LMDB's file is whole at every moment, and a
 * page that a thousand commits touch is written once.
 *
 * A commit that is too large for the journal, or that may be more than the map at its maximum could
 * hold, is folded at once instead, with what lies in the memtable: LMDB's answer is its answer.
 *
 * What readers see. `layers` is an immutable pair of memtables, swapped by pointer; `visible` is the
 * last change that is durable. A snapshot is one of each and one of LMDB's with no transaction beyond
 * the limit of the layers: LMDB then holds nothing that they do not cover (it may already hold what is
 * in the sealed one). Layers that were replaced meanwhile are older, and whole all the same. A reader
 * marks the layers that it uses in its own transaction; who replaces them frees them once no mark is
 * left.
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
#include "base/journal.h"
#include "base/memtable.h"
#include "base/store.h"

struct MDB_env;
struct MDB_txn;

enum { LAYERS = 2 }; /* the one that is written, the sealed one */

struct layers {
	struct memtable *mem[LAYERS]; /* newest first; the second may be NULL */
	/* The last transaction of LMDB with which they make a whole: with a sealed memtable the one that
	 * folds it. A later one holds more than they cover, until they are replaced in a moment. */
	_Atomic uint64_t limit;
	struct layers *older; /* replaced before this one, still marked */
};

/* The last key of a table that is only appended to, so that the next append need not look for it. */
struct store_tail {
	unsigned char n; /* 0: not known */
	char key[15];
};

struct store {
	struct MDB_env *env; /* NULL while an environment that broke could not be opened again */
	char *folder;
	int lock_fd;
	char *names[STORE_APP + STORE_TABLES_MAX];
	unsigned dbi[STORE_APP + STORE_TABLES_MAX];
	enum store_told told[STORE_APP + STORE_TABLES_MAX];
	unsigned tables_n;
	unsigned readers_max;
	size_t map_max;
	_Atomic size_t map;       /* octets mapped now */
	_Atomic unsigned opening; /* how often the environment was opened */
	atomic_bool closed;
	pthread_mutex_t
	    lock; /* of the list of readers, of waiting at the gate, of all under "lock" below */
	pthread_cond_t opened;
	struct store_txn *readers;
	_Atomic(struct layers *) layers;
	_Atomic uint64_t visible;
	/* the writing thread's */
	struct store_txn *write, *direct;
	struct buf ops;  /* changes of this transaction, as base/feed_op.h says; of a direct one as the feed
			    keeps them */
	uint64_t change; /* number of the last change, committed or not */
	struct store_tail tail[STORE_APP + STORE_TABLES_MAX];
	struct journal journal[LAYERS];
	/* lock: */
	unsigned active; /* the journal of layers->mem[0]; the other one is the sealed one's */
	uint64_t number; /* of this store, in its journals */
	uint64_t commit, sealed_commit; /* the last one durable; the last one in the sealed memtable */
	uint64_t folded;                /* the last one in LMDB */
	bool writing, stopping,
	    running;         /* a write transaction is open; the folding thread is to end; is there */
	bool hurry;          /* fold now, not when it is quiet */
	bool idle;           /* the folding thread sleeps until it is woken */
	enum err fold_error; /* of the last try */
	uint64_t fold_tries, fold_failures;
	usec_t last_commit; /* monotonic */
	struct layers *replaced;
	pthread_t thread;
	pthread_cond_t wake, folded_once;
};

struct store_txn {
	struct store *store;
	struct store_direct *direct;     /* of a direct transaction (store_direct.c), else NULL */
	struct MDB_txn *mdb;             /* NULL: begun at the next renewal */
	_Atomic(struct layers *) layers; /* NULL: no snapshot */
	uint64_t snapshot;
	_Alignas(64) atomic_bool live;
	bool write;
	enum err poison;
	uint64_t changes, before; /* made; the store's number of the last one before them */
	bool by_row;
	const struct mem_entry *feed_row;
	struct store_txn *next, *prev;
};

/* store_txn.c */
enum err store__err(int rc);
/* Of this write transaction: what it was poisoned with, how many changes it has made, and which they
 * are (base/feed_op.h; of a direct one as the feed keeps them). */
enum err store__poison(const struct store_txn *t);
uint64_t store__changes(const struct store_txn *t);
struct str store__ops(const struct store_txn *t);
/* It has grown so large that it had better be committed. */
bool store__ample(const struct store_txn *t);
/* From here on only STORE_FEED changes, and the row that is put tells all that was changed before. */
void store__record_by_row(struct store_txn *t);
/* Ends it; its changes are seen from now on. For what the journals had already. */
void store__commit_replayed(struct store_txn *t);
void store__free_write(struct store *s); /* the transaction that is kept for writing */
void store__begin_changes(const struct store *s, struct store_txn *t); /* it is open for reading */
void store__init_ops(struct store *s);
void store__end_ops(struct store *s); /* empties them, and gives most of their memory back */

/* store_direct.c */
enum err store__change_directly(struct store_txn *t, const struct feed_op *op) MUST_USE;
enum err store__commit_this_directly(struct store_txn *t) MUST_USE; /* ends it, also on error */
void store__abort_directly(struct store_txn *t);
size_t store__direct_octets(const struct store_txn *t); /* of keys and values put so far */
void store__free_direct(struct store *s);

/* store_gate.c */
void store__enter(struct store_txn *t); /* waits while the gate is closed */
void store__leave(struct store_txn *t);
void store__enlist(struct store_txn *t);
void store__delist(struct store_txn *t);
bool store__close_gate(struct store *s, usec_t patience); /* false: somebody still reads; open again */
void store__open_gate(struct store *s);
usec_t store__now(void); /* monotonic, never faked: nothing here waits for a test's clock */

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

/* store_recover.c. Before anybody else uses the store. */
enum err store__recover(struct store *s, struct flaw *f) MUST_USE;

/* store_layers.c. All but the first under the lock. */
struct layers *store__layers_new(struct memtable *first, struct memtable *second); /* NULL: no memory */
void store__replace_layers(struct store *s, struct layers *fresh);
void store__set_limit(struct store *s, struct layers *l); /* by LMDB's last transaction */
void store__free_replaced(struct store *s);               /* those that no reader marks any more */
bool store__unfolded(struct store *s);                    /* there is something over LMDB */
bool store__sealed(struct store *s);
/* Memtable and journal make place for the other pair, which must be free. ERR_NO_MEMORY. */
enum err store__seal(struct store *s);

/* store_fold.c */
enum err store__fold_start(struct store *s) MUST_USE;
void store__fold_stop(struct store *s); /* folds what there is, if it can */
/* Puts a memtable into LMDB and notes the commit. ERR_NO_SPACE also when the map may not grow. On the
 * folding thread, or on another that knows it idle; outside the gate. */
enum err store__fold(struct store *s, const struct memtable *m, uint64_t commit) MUST_USE;
/* The same inside a transaction of LMDB that somebody else ends; and the note alone. LMDB's errors. */
int store__fold_into(struct store *s, struct MDB_txn *t, const struct memtable *m, uint64_t commit);
int store__note_folded(struct store *s, struct MDB_txn *t, uint64_t commit);
/* What a transaction's failing with that error of LMDB means; opens the environment again if it must. */
enum err store__failed(struct store *s, int rc) MUST_USE;
/* Until nothing is sealed. Holds the lock. */
enum err store__wait_folded(struct store *s) MUST_USE;
/* After each commit, under the lock. */
void store__committed(struct store *s);
/* Before a write transaction, under the lock: there is room in the journal, or the folding thread could
 * make none. */
enum err store__make_room(struct store *s) MUST_USE;
/* Everything that is committed now is in LMDB. */
enum err store__fold_all(struct store *s) MUST_USE;
/* A commit by folding: ends the wait for the folding thread, then takes its part. */
enum err store__commit_directly(struct store *s) MUST_USE;
/* Whether the next commit might be more than the map can take. */
bool store__tight(struct store *s);
bool store__disk_is_full(const struct store *s);

/* store.c. On the folding thread, or on another that knows it idle; outside the gate. */
enum err store__grow(struct store *s, usec_t patience) MUST_USE; /* ERR_NO_SPACE at map_max, ERR_BUSY */
enum err store__reopen(struct store *s) MUST_USE;
size_t store__used(struct store *s); /* octets of the map with pages in them */

#endif
