/* Mailbox: functions that any thread gives a loop's thread to run.
 *
 * Purpose: net_post. Not by uv_async: its receiver spins and yields while a sender that has lost its
 * processor is still inside, and beside long work on the same core that took milliseconds. Here who is
 * woken needs nothing more of the sender.
 * Ownership: the mailbox owns what was put and not run. Threads: mailbox_put any; the rest the loop's.
 * Invariants: 1. functions run in the order in which they were put. 2. after mailbox_end nothing can be
 * put; what waits then is in the next mailbox_take. */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

enum { MAILBOX_MAX = 1 << 20 /* functions waiting; more means that the loop hangs */ };

struct post {
	void (*fn)(void *arg);
	void *arg;
};

struct mailbox {
	pthread_mutex_t lock;
	/* under the lock */
	struct post *posts;
	size_t n, room;
	bool ended;

	int bell;               /* eventfd; -1: not open */
	atomic_uint ringing;    /* threads that use it */
	uv_poll_t poll;         /* data: the mailbox */
	void (*due)(void *arg); /* on the loop's thread, when there is something to run */
	void *arg;
};

/* ERR_IO. mailbox_close in any case. */
enum err mailbox_open(struct mailbox *m, uv_loop_t *loop, void (*due)(void *arg), void *arg) MUST_USE;
/* ERR_STOPPING, ERR_NO_MEMORY. */
enum err mailbox_put(struct mailbox *m, void (*fn)(void *arg), void *arg) MUST_USE;
/* Takes all that wait: *ret_n of them, the caller's to free. */
struct post *mailbox_take(struct mailbox *m, size_t *ret_n);
void mailbox_end(struct mailbox *m);
/* When the loop has closed its handles. */
void mailbox_close(struct mailbox *m);

#endif
