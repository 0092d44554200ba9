/* Pushes: the provider sends a content to the sink that the consumer named in its request.
 *
 * One thread leads all pushes; it may wait for the writer. The courier sends the file and checks the sink's
 * address as it does for every partner's address (no private networks unless the node allows them).
 *
 *   WAIT ── due ──► ask (command: state, policy, grant of all octets) ──► SEND ──► SENT ──► 2xx: record,
 * over ▲                                                                              │ └────────────
 * backoff, from the beginning ◄── no answer, 408, 425, 429, 5xx ───┘   else: terminated
 *
 * The request: POST (or PUT, when the DataAddress has a property `method` that says so) to its endpoint,
 * with Authorization from its property `authorization`, Content-Type of the dataset, and Repr-Digest (RFC
 * 9530) for the sink to check. Invariants: 1. all octets are granted, durably, before the first leaves: a
 * policy's limit on octets holds.
 * 2. the policy is asked again every PUSH_LOOK while it runs; a cut ends it at once. 3. what the sink has
 * taken is durable before "finished" is reported; one that was taken is not sent again. 4. one push is one
 * request of the meter, however often it was tried; the provider settles alone (meter.h, 8). */
#ifndef DATASPACE_PUSH_H
#define DATASPACE_PUSH_H

#include "dataspace/plane.h"

enum {
	PUSH_TRIES_MAX = 10, /* two minutes with the backoff below: a sink that restarts */
	PUSH_REASON = 400,
	PUSH_ANSWER_MAX = 64 << 10, /* of what the sink says */
};
#define PUSH_RETRY_FIRST (250 * USEC_PER_MSEC)
#define PUSH_RETRY_LAST (30 * USEC_PER_SEC)
#define PUSH_LOOK (250 * USEC_PER_MSEC)
/* The whole exchange: a minute, and what the content takes at 64 KiB a second. */
#define PUSH_DEADLINE(size) (60 * USEC_PER_SEC + (usec_t)((size) >> 16) * USEC_PER_SEC)

/* What the asking command finds: all in its arena. */
struct push_ask {
	struct str participant, pid;
	/* out */
	bool go;       /* the transfer is to be pushed */
	bool finished; /* the sink has taken it: report it again */
	enum err refused;
	char reason[PUSH_REASON];
	const Ds__Transfer *x;
	const Ds__Agreement *g;
	struct str media_type;
	unsigned char digest[32];
	uint64_t size, count, octets; /* the last two: for asking the policy again */
};

/* push_row.c: commands, each waits for the writer. */
enum err push_ask(struct ds *d, struct arena *a, struct push_ask *q) MUST_USE;
enum err push_record(struct ds *d, struct str participant, struct str pid, uint64_t size) MUST_USE;

#endif
