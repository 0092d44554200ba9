/* Writer: the one thread that changes an environment, with group commit.
 *
 * Purpose: shards and couriers hand in commands; the thread takes all that wait (up to a bound),
 * applies them in order in one write transaction, commits once (fsync), then calls each one's
 * `done`. A command that fails is answered with its error and leaves no trace, and does not hurt
 * its neighbours.
 *
 * Rule for `apply`: check first, write after. If it returns an error before its first write, only
 * the answer differs. If it returns an error after a write, the transaction is aborted and the
 * other commands of the batch are applied again in a new one (this one without): so apply may run
 * more than once and must set everything it hands out anew each time.
 *
 * Every change that a batch makes is appended to the change feed (base/feed.h) by the writer
 * itself, in the same transaction.
 *
 * Threads: writer_submit from any thread; apply and done run on the writer thread, or, while that waits
 * for it, on its patient one. done must be quick: it usually posts to a loop. Ownership: the command is the
 * caller's until done runs, and again from then on. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/clock.h"
#include "base/store.h"

struct writer;
struct ledger;

/* What apply may use. */
struct writer_txn {
	struct store_txn *store;
	struct ledger *ledger; /* append leaves here: same transaction (base/ledger.h) */
	usec_t now;            /* wall time of the batch, never earlier than that of the batch before */
};

/* How a command may be treated. Those of a batch are of one way. */
enum writer_way {
	WRITER_SOON,    /* somebody waits for it */
	WRITER_PATIENT, /* one of very many: on a thread that leaves the processor to others */
	WRITER_DIRECT,  /* patient, and its rows come in the order of their keys: past journal and memtable,
			   if  the store can (store_write_directly). It keeps nothing that it has read of a
			   table  over a write to the same table */
};

struct writer_cmd {
	enum err (*apply)(struct writer_cmd *c, struct writer_txn *t);
	void (*done)(struct writer_cmd *c, enum err result);
	enum writer_way way;
	struct writer_cmd *next; /* the writer's */
	enum err result;         /* the writer's */
};

struct writer_options {
	struct store *store;
	const char *origin; /* of the ledger's checkpoints, see base/ledger.h; copied */
	size_t queue_max;   /* commands waiting; 0 = 65,536; beyond it submit gives ERR_BUSY */
	size_t batch_max;   /* commands per commit; 0 = 1,024 */
	uint64_t feed_keep; /* feed entries kept; 0 = all */
	/* After each batch, before its commands are told, on the thread that ran it: what kept it from the
	 * disk, ERR_NO_SPACE, ERR_IO, ERR_CORRUPT or ERR_NO_MEMORY, else ERR_OK. NULL: nobody asks. */
	void (*settled)(void *arg, enum err e);
	void *settled_arg;
};

enum err writer_start(const struct writer_options *o, struct writer **ret) MUST_USE;
/* ERR_BUSY (queue full), ERR_STOPPING. On error done is not called. Otherwise it gets what apply
 * returned; ERR_TOO_LARGE for a command that changes more than 128 MiB; or, with its whole batch,
 * ERR_NO_SPACE or ERR_IO: nothing of it came to be, and later batches are tried again. */
enum err writer_submit(struct writer *w, struct writer_cmd *c) MUST_USE;
/* Submits and waits: for tools, tests and start-up; never on a loop thread. */
enum err writer_run(struct writer *w, struct writer_cmd *c) MUST_USE;
/* Applies what is queued, ends the thread and frees the writer. A submit meanwhile gives ERR_STOPPING;
 * none may come after it returned. */
void writer_stop(struct writer *w);

struct writer_stat {
	uint64_t commands, failed, batches, retried, largest_batch;
	uint64_t direct; /* batches past the journal */
	uint64_t queue;  /* waiting now */
	uint64_t commit_usec_total;
};
void writer_stat(struct writer *w, struct writer_stat *ret);
struct ledger *writer_ledger(struct writer *w); /* for reading: base/ledger.h says what is safe */

#endif
