/* Led: transfers under way that one thread leads, and that other threads start and cut.
 *
 * Purpose: what pulls and pushes have in common. An item is a struct of its kind that begins with
 * LED_MEMBERS; it waits until it is due, then the kind's step does what its state asks for. A cut ends it;
 * one that is started again while a cut ends it begins anew.
 *
 * Invariants: 1. an item stands among the running ones before it may run: a cut from then on finds it. 2.
 * the order of locks: running, then the leader's. 3. state, due, again, ticket and next are under the
 * leader's lock; step runs without it. Threads: led_start and cuts any; open, run, quiesce and close on the
 * main thread; the rest on the leader's. */
#ifndef DATASPACE_LED_H
#define DATASPACE_LED_H

#include "dataspace/plane.h"

enum { LED_WAIT = 0 /* of each kind's states */ };

/* state: an enum of the kind's; due, backoff: of the monotonic clock. */
#define LED_MEMBERS                                                                                        \
	struct running_item item; /* first */                                                              \
	struct leader *all;                                                                                \
	char participant[DS_ID_MAX + 1], pid[DS_PID_MAX + 8]; /* of flows with their prefix */             \
	int state;                                                                                         \
	usec_t due, backoff;                                                                               \
	bool again;      /* started anew while it ended */                                                 \
	_Atomic int cut; /* enum err */                                                                    \
	uint64_t ticket; /* of the courier */                                                              \
	struct led *next;

struct led {
	LED_MEMBERS
};

struct led_kind {
	size_t size; /* of its struct */
	usec_t retry_first, retry_last;
	bool hurry;                  /* started again while it waits, it is due at once */
	void (*made)(struct led *i); /* the rest of it is zero; NULL: nothing is to be done */
	void (*anew)(struct led *i); /* it begins anew; under the lock */
	void (*gone)(struct led *i); /* it is off the list, and nothing stops: before it is freed */
	void (*find)(struct dp *dp); /* starts what the last process left */
	/* Under the lock: one that something is to be done for, or NULL and when to look again. */
	struct led *(*next)(struct leader *all, usec_t now, usec_t *ret_due);
	void (*step)(struct led *i, int was);
};

struct leader {
	struct dp *dp;
	const struct led_kind *kind;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the monotonic clock */
	struct led *first;
	pthread_t thread;
	bool started, stopping;
};

/* What the last process left, as `find` reads it. */
struct leavings {
	struct ds *d;
	struct store_txn *t;
	struct arena *a;
};
typedef enum err leavings_fn(struct leavings *l);
/* Has fn read in a transaction that ends with it; its error is logged under that name. */
void led_find(struct dp *dp, const char *who, leavings_fn *fn);

enum err leader_open(struct dp *dp, const struct led_kind *kind, struct leader **ret) MUST_USE;
enum err leader_run(struct leader *all) MUST_USE;
void leader_quiesce(struct leader *all); /* cuts all, and waits for the thread */
void leader_close(struct leader *all);   /* NULL is allowed */

void led_start(struct leader *all, struct str participant, struct str pid);
/* It waits: for the next attempt, twice as long as before. */
void led_wait(struct led *i);
/* The same until then. */
void led_wait_until(struct led *i, usec_t due);
/* Takes it off the list, unless it was started anew meanwhile. */
void led_over(struct led *i);

#endif
