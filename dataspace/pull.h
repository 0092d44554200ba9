/* Pulls: the consumer fetches what an agreement gives it, however often it takes.
 *
 * One thread leads all pulls; it may wait for the writer and for files. Octets come on the courier's
 * thread and go straight into the file's page cache there; the digest is made on a thread of the disk.
 *
 *   WAIT ── due ──► ask (command: number, where from) ──► FETCH ──► done?
 *    ▲                                                     │  no: backoff, from what is on disk
 *    └─────────────────────────────────────────────────────┤
 *                                                          └─ all there: CHECK (flush, digest) ──► record
 * ──► over
 *
 * Invariants: 1. a request's number is durable before the request (meter.h). 2. the file grows only while
 * the pull runs, and is quiet before counts are stated. 3. "finished" is reported after the file has its
 * final name and the row says so. 4. what is not what was promised is put aside and fetched once more,
 * then given up. 5. the transfer's row decides whether to go on: it is read before each attempt.
 * Files: pulled/<participant>/<uuid>.part while it comes, .bad when it did not hold, <uuid> when it does.
 */
#ifndef DATASPACE_PULL_H
#define DATASPACE_PULL_H

#include "dataspace/led.h"
#include "dataspace/meter.h"
#include "dataspace/plane.h"
#include "net/courier.h"

enum {
	PULL_REFUSALS_MAX = 6, /* answers 401, 403, 404, 410 in a row: the transfer's end is on its way */
	PULL_MISFITS_MAX = 2,  /* contents that were not what was promised */
	PULL_ERROR_MAX = 2048, /* of a refusal's body, for the reason */
	PULL_REPLY_MAX = 16 << 10, /* of renewed tokens */
};
#define PULL_RETRY_FIRST (100 * USEC_PER_MSEC)
#define PULL_RETRY_LAST (30 * USEC_PER_SEC)
#define PULL_SILENCE (20 * USEC_PER_SEC) /* no data for this long: asked for anew */
#define PULL_POLL USEC_PER_SEC           /* between questions whether there is more of what does not end */
#define PULL_PROGRESS (250 * USEC_PER_MSEC) /* between records of how far it is */

enum pull_state { PULL_WAIT = LED_WAIT, PULL_FETCH, PULL_FETCHED, PULL_CHECK, PULL_CHECKED };

struct pull {
	union {
		struct led led;
		struct {
			LED_MEMBERS
		};
	};
	struct disk_job job;
	unsigned refusals;
	/* the attempt; the courier's thread while FETCH, else the leader's */
	int fd;
	uint64_t start, at, size;
	bool promised;
	int status;
	enum err err;
	char error[PULL_ERROR_MAX + 1];
	size_t error_n;
	usec_t told;      /* when progress was last recorded */
	uint64_t told_at; /* how far it was then */
	bool telling;     /* under the lock of all */
	bool answered;
	bool endless;  /* it does not end: more is asked for behind what came (piece.h) */
	bool renewing; /* what is under way asks for new tokens */
	bool troubled; /* the owner is told why it is not fetched */
	bool denied;   /* the provider did not know the token */
	bool lasting;  /* the address has a token to renew it with */
	char reply[PULL_REPLY_MAX];
	size_t reply_n;
	/* of the check */
	unsigned char digest[32], want[32];
};

/* What the asking command finds: all in its arena. */
struct pull_ask {
	struct str participant, pid;
	uint64_t on_disk;
	bool answered;
	/* out */
	bool go;       /* the transfer is to be pulled */
	bool finished; /* it is here already: report it again */
	bool here;     /* as many octets as promised are on the disk: nothing is to be asked for */
	const Ds__Transfer *x;
	const Ds__Agreement *g;
	uint64_t number; /* 0: none is sent */
};

/* pull_row.c: commands, each waits for the writer. */
enum err pull_ask(struct ds *d, struct arena *a, struct pull_ask *q) MUST_USE;
struct pull_result {
	struct str participant, pid;
	uint64_t size;
	const unsigned char *digest;
	/* out */
	Ds__DigestState state;
	uint32_t misfits;
};
/* Compares with what was promised and records it. */
enum err pull_record(struct ds *d, struct pull_result *r) MUST_USE;
/* How far it is: returns at once; pull_told(p) when the command has run, also when it failed. */
void pull_tell(struct ds *d, struct str participant, struct str pid, uint64_t at, struct pull *p);

void pull_told(struct pull *p); /* pull.c; any thread */

/* Under way from now on; pull_done, or what calls it, is its done. */
enum err pull_submit(struct pull *p, const struct courier_req *r) MUST_USE;
void pull_done(void *arg, const struct courier_result *r); /* the courier's thread */

void pulls_find(struct dp *dp); /* pull_find.c: enters what is unfinished */

/* pull_renew.c: tokens that have ended, or soon will. The leader's. */
bool pull_renew_due(struct arena *a, struct pull *p, const struct pull_ask *q);
/* ERR_BAD_MESSAGE: the address cannot be renewed. */
enum err pull_renew_send(struct pull *p, struct ds *d, struct arena *a, const struct pull_ask *q) MUST_USE;
/* Records what came. ERR_BAD_*: it is none. */
enum err pull_renewed(struct pull *p, struct ds *d) MUST_USE;

/* pull_file.c */
enum err pull_file_open(struct ds *d, struct pull *p) MUST_USE; /* sets fd and at */
void pull_file_close(struct pull *p);
enum err pull_file_check(struct pull *p) MUST_USE;               /* flushes, sets digest and at */
enum err pull_file_keep(struct ds *d, struct pull *p) MUST_USE;  /* under its final name, durably */
enum err pull_file_aside(struct ds *d, struct pull *p) MUST_USE; /* as .bad */

#endif
