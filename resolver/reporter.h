/* What the reporter's files share: its state, exchanges, handing up, comparing. Private to this folder.
 *
 * Threads: the reporter's, but for what is marked as under the lock. */
#ifndef RESOLVER_REPORTER_H
#define RESOLVER_REPORTER_H

#include <pthread.h>

#include "base/feed.h"
#include "resolver/report.h"
#include "resolver/state.h"

enum { STEP_ARENA = 4 << 20, TOKEN_HEADER = 80 };

struct exchange {
	bool over;
	enum err err;
	int status;
	struct buf body;
	char text[200];
};

struct reporter {
	struct rs *rs;
	const struct report_driver *driver;
	struct feed *feed;
	char url[REPORT_URL_MAX + 1], token[TOKEN_HEADER];
	usec_t every, since;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	/* under the lock */
	struct report_ask *asks, **asks_end;
	size_t asks_n;
	bool stopping, flying;
	uint64_t ticket;
	struct exchange exchange;
	struct report_status status;
	/* the thread's */
	bool placed;             /* it is known what the other side has */
	uint64_t acked, scanned; /* it has; looked at here without anything to hand up since */
	size_t offset;           /* octets of the operations of entry acked + 1 that it has in part */
	usec_t next_report, next_sync, report_pause, sync_pause;
};

struct reported_table {
	unsigned number, table; /* in messages; here */
};
extern const struct reported_table reported_tables[];
extern const size_t reported_tables_n;

/* Sends and waits; the call's body is freed. The answer's body is r->exchange.body until the next one. OK:
 * the status is 200 or 409. ERR_UPSTREAM with the status told in r->exchange.text for others. */
enum err reporter_exchange(struct reporter *r, struct report_call *call) MUST_USE;
/* What of a row goes up (reporter_rows.c). False: nothing of it. */
bool reporter_row_wanted(unsigned table, struct str key);
/* The value as it goes up: as it is, or less, in *room, which the caller ends with buf_done. */
enum err reporter_row(unsigned table, struct str key, struct str value, struct buf *room,
		      struct str *ret) MUST_USE;

/* Everything, whatever the other side has. */
enum err reporter_whole_copy(struct reporter *r) MUST_USE;
/* One message upwards. *ret_more: there is more to hand up. */
enum err reporter_hand_up(struct reporter *r, bool *ret_more) MUST_USE;
/* The superior's copy beside a snapshot of the registry. */
enum err reporter_compare(struct reporter *r, struct report_outcome *o) MUST_USE;

#endif
