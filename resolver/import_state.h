/* What import_run.c and import_read.c share: a run. Private to them.
 * Threads: as each member says. */
#ifndef RESOLVER_IMPORT_STATE_H
#define RESOLVER_IMPORT_STATE_H

#include "resolver/import_run.h"

enum {
	IMPORT_BATCHES = IMPORT_FLIGHTS + 1,
	IMPORT_WORK_MAX =
	    BULK_LINE_MAX + 2 * IMPORT_INPUT, /* a piece of the body may come beyond the limit */
};

struct flight {
	struct import_batch batch;
	struct import_run *run;
	bool busy; /* under the run's lock */
};

struct import_run {
	struct rs *rs;
	struct rs_shard *shard;
	struct net_req *req; /* the shard's; NULL once the client has gone */
	struct import_run *next_of_shard;
	bool settled; /* the thread is gone; the client, which still sends, gets its answer with the next
			 piece */
	usec_t guarded;
	struct arena *arena;
	struct import_wish wish;
	pthread_t thread;
	struct import_run *next, *prev; /* under the lock of imports */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	struct buf in;
	bool paused, ended, cancelled, taken_over;
	unsigned flying;
	enum err err; /* the first failure */
	struct flaw flaw;
	struct import state; /* after the last batch that is durable */
	bool loading;        /* so it was a first load, whose index comes afterwards */

	/* the thread's own: */
	struct flight flights[IMPORT_BATCHES];
	struct flight *open; /* the batch that is being read */
	const struct registry_change *undigested; /* in it: made, and waits for another to be digested with */
	struct buf
	    taken; /* what was `in`: changed for it in a moment, so that the shard never waits for a copy */
	struct buf work;
	size_t work_at;
	size_t
	    chained; /* octets of work that stand in the digest already, up to work_at once it is asked */
	bool last; /* all of the input is in work */
	struct bulk_split split;
	struct bulk_columns columns;
	struct arena *line; /* of one line while it is read */
	struct scope scope;
	struct zones *zones;
	uint64_t zones_version;
	struct zones_near near;               /* of the line before */
	struct str authority, authority_kept; /* the last one, of the zones and in the open batch's arena */
	struct import now;                    /* after the last line taken */
	bool begun;                           /* its row is there, or in a batch under way */
	struct str last_key;                  /* key of the last record sent, the largest so far; in: */
	char last_octets[STORE_KEY_MAX];
};

/* import_read.c: the thread's life, until it has posted import__finish. */
void *import__run(void *run);
/* Why a line's record is retired, which is all that it may say; borrowed from it. ERR_BAD_INPUT. */
enum err import__tombstone(const struct record *r, struct flaw *f, struct str *ret_reason) MUST_USE;

/* import_series.c */
/* A line of the open batch that describes a series; the caller keeps the authority for the change. */
enum err import__take_series(struct import_run *r, const struct record *line, struct str *ret_authority,
			     struct series_change **ret, struct flaw *f) MUST_USE;
/* On the writer's thread. Refusals are the lines'; an error is the batch's. */
enum err import__apply_series(struct import_batch *b, struct writer_txn *t) MUST_USE;
void import__count_series(struct import_batch *b);

/* import_apply.c */
bool import__is_ours(enum err e); /* not the record's fault: nothing of the batch can go in */
/* Whether the ledger entry of that index is of a batch or a series of this import. */
enum err import__is_of(const struct import *m, struct store_txn *t, uint64_t leaf, bool *ret) MUST_USE;

/* import_run.c */
void import__wait_for_older(struct import_run *r); /* until no older run of the same import is there */
void import__delist(struct import_run *r);
void import__finish(void *run); /* on the shard */

#endif
