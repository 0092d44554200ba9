/* Idempotency keys: a change that is sent again gives the answer it gave, and is not made again.
 *
 * Purpose: a client that lost an answer sends the same request with the same Idempotency-Key. The key and
 * the answer are written in the transaction of the change, so that they survive whatever it survives. The
 * same key with another request is refused (ERR_CONFLICT, rule "idempotency-key").
 * What is the same: method, target, conditions, content type and body, octet for octet, and the name of
 * the credential. Only answers of changes that were made are kept: what was refused changed nothing, and
 * is decided anew. Who repeats a request must still be allowed to make it.
 * Kept for IDEMPOTENCY_TERM, or until IDEMPOTENCY_KEYS_MAX younger keys have come: a full table must not
 * stop writes, and a repetition past that finds what add, modify and If-Match say.
 * Threads: reading on the shard; looking and keeping inside the writer command. */
#ifndef RESOLVER_IDEMPOTENCY_H
#define RESOLVER_IDEMPOTENCY_H

#include "base/hash.h"
#include "base/writer.h"
#include "net/net.h"
#include "resolver/tables.h"

enum {
	IDEMPOTENCY_KEY_MAX = 255,      /* a UUID has 36; clients put an order number in front */
	IDEMPOTENCY_KEYS_MAX = 1 << 20, /* 12 changes a second for a day; some 200 MiB */
	IDEMPOTENCY_BODY_MAX =
	    64 << 10, /* an answer with the indexes of 2,048 values and a long identifier */
	IDEMPOTENCY_ROW = 1 + HASH_SHA256,
};
#define IDEMPOTENCY_TERM USEC_PER_DAY /* retries of a night's batch after a weekday's outage */

/* What a change answers. */
struct told {
	int status;
	uint64_t revision; /* its etag; 0: none */
	struct str body;   /* JSON */
};

struct idempotency {
	bool keyed;
	unsigned char row[IDEMPOTENCY_ROW], request[HASH_SHA256];
	/* set by idempotency_look */
	bool repeated;
	/* set by idempotency_look when repeated, else the caller's */
	struct told told;
};

/* From the header and the request; keyed stays false without one. ERR_BAD_INPUT. */
enum err idempotency_read(const struct net_req *r, struct str who, struct flaw *f,
			  struct idempotency *ret) MUST_USE;
/* Before the change: whether it was made already. The answer is copied to the arena. ERR_CONFLICT. */
enum err idempotency_look(struct idempotency *k, struct writer_txn *t, struct arena *a,
			  struct flaw *f) MUST_USE;
/* After it: keeps k->told. Nothing when there is no key. */
enum err idempotency_keep(const struct idempotency *k, struct writer_txn *t) MUST_USE;

#endif
