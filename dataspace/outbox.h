/* Outbox: messages to partners, sent at least once.
 *
 * Purpose: an entry is written by the command that decides to send it and deleted by the command
 * that handles the peer's answer; between the two it is sent, again and again with backoff, also
 * after a crash. Entries are sent by shard 0 through the courier, with a fresh token each time.
 *
 * An acknowledgement that the partner's next message will presume anyway (negotiation.h) is held
 * back for OUTBOX_PRESUME: most of them then need no commit of their own, and none stands in the way
 * of the message.
 *
 * What the peer answers: 2xx: delivered. 401, 404 and 409: perhaps it has not got so far yet (EDC acts on
 * our answer to its message after we do); a few more attempts. 408, 425, 429, 5xx, no answer: again until
 * the letter is OUTBOX_AGE_MAX old, or, to a data plane that was removed, a few more attempts. The bounds
 * are standards of the settings (ds_options). Anything else: refused for good. Delivered and refused
 * entries go to the function of their kind (DS_OUTBOX_KINDS).
 *
 * Threads: outbox_wake any; open, start and close on the main thread; the rest on shard 0, the
 * courier's and the writer's thread. */
#ifndef DATASPACE_OUTBOX_H
#define DATASPACE_OUTBOX_H

#include "dataspace/space.h"

enum {
	OUTBOX_SENDING_MAX = 512, /* under way at once; the courier bounds each host */
	OUTBOX_TRIES_EARLY = 7,   /* for 401, 404 and 409: 16 s with the backoff below */
	OUTBOX_ANSWER_MAX = 256 << 10,
};
#define OUTBOX_PRESUME (10 * USEC_PER_MSEC)
#define OUTBOX_RETRY_FIRST (250 * USEC_PER_MSEC)
#define OUTBOX_RETRY_LAST (60 * USEC_PER_SEC)
#define OUTBOX_AGE_MAX USEC_PER_DAY

enum err outbox_open(struct ds *d, struct outbox **ret) MUST_USE;
enum err outbox_start(struct outbox *o, struct net_shard *s) MUST_USE; /* finds what is left to send */
void outbox_close(struct outbox *o);                                   /* NULL is allowed */
void outbox_wake(struct outbox *o, struct str participant, uint64_t seq, usec_t due);

/* In a command: what follows from the peer's answer to an entry, or from there being none
 * (status 0, error in words). Nothing when the entry is gone. */
enum err outbox_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			 struct str participant, uint64_t seq, int status, struct str body,
			 struct str error) MUST_USE;
enum err outbox_find(struct store_txn *t, struct arena *a, struct str participant, uint64_t seq,
		     Ds__Outbox **ret) MUST_USE;
/* Calls fn for each entry of the environment. */
typedef enum err outbox_fn(void *arg, const Ds__Outbox *e);
enum err outbox_each(struct store_txn *t, struct arena *a, outbox_fn *fn, void *arg) MUST_USE;

/* Hands an entry that has left the table to the function of its kind. */
enum err outbox_settle(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
		       const Ds__Outbox *e, int status, struct str body) MUST_USE;

/* ---- dead letters (outbox_dead.c) ----
 * What was refused for good, or had no answer for OUTBOX_AGE_MAX, stays in table `dead` with the last
 * answer until its owner has it sent again or drops it; at most OUTBOX_DEAD_MAX of a participant, the
 * oldest go first. */
enum { OUTBOX_DEAD_MAX = 10000 };
enum err outbox_bury(struct writer_txn *t, struct arena *a, Ds__Outbox *e, int status,
		     struct str why) MUST_USE;
struct turn;
/* Waiting: due at once. Dead: sent again, if it ends a process or delivers a credential; what else died has
 * ended its process, and a new one must be begun (ERR_BAD_STATE). ERR_NOT_FOUND. */
enum err outbox_retry(const struct turn *u, uint64_t seq, json_t **ret) MUST_USE;
/* Waiting: given up; its process ends with the reason, as if the partner had refused it. Dead: removed. */
enum err outbox_give_up(const struct turn *u, uint64_t seq, struct str reason, json_t **ret) MUST_USE;
json_t *outbox_show(const Ds__Outbox *e, bool whole); /* new reference */
/* Of one participant, waiting (DS_TABLE_outbox) or dead (DS_TABLE_dead). */
enum err outbox_list(struct store_txn *t, struct arena *a, enum ds_table table, struct str participant,
		     outbox_fn *fn, void *arg) MUST_USE;
enum err outbox_dead_find(struct store_txn *t, struct arena *a, struct str participant, uint64_t seq,
			  Ds__Outbox **ret) MUST_USE;

/* How a negotiation, transfer or issuance handles an answered entry: dataspace/space.h, DS_OUTBOX_KINDS. */
enum err ds_issuance_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			      const Ds__Outbox *e, int status, struct str body) MUST_USE;
enum err ds_negotiation_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
				 const Ds__Outbox *e, int status, struct str body) MUST_USE;
enum err ds_transfer_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			      const Ds__Outbox *e, int status, struct str body) MUST_USE;
/* The same of signals to outside data planes: dataspace/signal.h. */
enum err ds_signal_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			    const Ds__Outbox *e, int status, struct str body) MUST_USE;

#endif
