/* Request: the life of one exchange, from the header section to the last octet of the answer.
 *
 * Purpose: what HTTP/1.1 and HTTP/2 have in common. The protocol fills in headers and feeds the
 * body; this module checks, routes, guards, calls the handler and keeps the answer, which the
 * protocol then serialises.
 *
 *   request_take → request_header… → request_begin → request_data… → request_end → answer → request_give
 *
 * Ownership: requests lie on the shard's free list with their arenas; a request in use is linked
 * in its connection. Threads: the shard's.
 *
 * Invariants: 1. a handler is called at most once; 2. exactly one answer is begun for each request
 * that is not cut off; 3. of `gone` (the holder's) and an answer exactly one happens; 4. a source
 * gets `gone` exactly once. */
#ifndef NET_REQUEST_H
#define NET_REQUEST_H

#include "base/buf.h"
#include "net/conn.h"

enum {
	REQUEST_HEADERS = 24,             /* fields kept without asking the arena */
	REQUEST_FIELDS_MAX = 256,         /* fields of one header section; more are an attack */
	REQUEST_ANSWER_MAX = 24,          /* fields a handler may add to an answer */
	REQUEST_FIELDS_OCTETS = 8 * 1024, /* of their values in all; clients take 8 to 16 KiB */
	REQUEST_BODY_KEEP = 16 * 1024     /* body memory kept with a request on the free list */
};

struct header {
	struct str name, value;
};

struct answer {
	int status;
	char status_text[3], length_text[20];
	unsigned char length_n;
	const char *content_type;
	struct str body;
	size_t at; /* octets of the body handed to the protocol */
	struct net_source *source;
	uint64_t length; /* UINT64_MAX: unknown */
	uint64_t sent;   /* octets of a source */
	bool begun, ended, deferred, cut;
	unsigned char fields_n;
	uint32_t fields_octets;
};

struct request {
	struct net_req pub; /* first: a net_req is its request */
	struct conn *conn;
	struct request *prev, *next; /* of the connection, or the free list */
	struct request *next_ready;  /* of those that HTTP/2 has read and not begun */
	bool is_ready, looked;
	const struct net_routes *table;
	int32_t stream; /* HTTP/2 */
	uint16_t headers_n, headers_room;
	uint32_t header_octets;
	bool begun, remote_end, called, held, discard, paused, end_told, expects;
	bool has_length;
	uint64_t length; /* of Content-Length */
	uint64_t body_seen;
	enum err refused; /* found while the header section came in */
	const char *refused_why;
	struct str method_text, host;
	net_body_fn *on_body;
	void (*gone)(void *arg);
	void *gone_arg, *body_arg;
	uint64_t stall_at; /* loop time when `moved` was last looked at */
	uint32_t moved;    /* octets since then */
	struct answer answer;
	struct header *headers;
	/* not cleared with the rest */
	struct buf body; /* collected, or waiting while paused */
	struct arena *arena;
	struct header first_headers[REQUEST_HEADERS];
	struct header fields[REQUEST_ANSWER_MAX]; /* of the answer */
	char id_text[NET_ID_MAX];
};

static inline struct request *request_of(struct net_req *r)
{
	return (struct request *)(void *)r;
}

/* NULL without memory. Linked into the connection. */
struct request *request_take(struct conn *c);
/* Ends it: tells holder and source that the client has gone if they still wait, unlinks, frees. */
void request_give(struct request *r);
void request_free(struct request *r); /* for the shard's free list */

/* A field, name in lower case; copied. Limits are noted and refused in request_begin. */
void request_header(struct request *r, struct str name, struct str value);
/* Notes why the request must be refused; the first reason stays. why: static. */
void request_refuse(struct request *r, enum err e, const char *why);
/* The header section cannot be understood: answers, nothing else will come. */
void request_reject(struct request *r, enum err e, const struct flaw *f);
/* The header section is whole; end: no body follows. Routes, guards, and calls the handler when
 * it need not wait for the body. */
void request_begin(struct request *r, bool end);
/* The same for a request without a body, in two steps: what can be refused at once, and the first call of
 * a handler with NET_TWICE; then the answer. */
void request_look(struct request *r);
void request_serve(struct request *r);
void request_data(struct request *r, struct str piece);
void request_end(struct request *r);
/* After net_unpause: hands over what waited. */
void request_deliver(struct request *r);

/* Next octets of the answer's body to `out` (room octets): ERR_OK with *ret_n and *ret_end, or
 * ERR_BUSY (nothing now), or the source's error (cut). */
enum err request_pull(struct request *r, char *out, size_t room, size_t *ret_n, bool *ret_end);
/* No body is sent: HEAD, 204, 304. */
bool request_bodiless(const struct request *r);

/* request_target.c: splits path and query, checks them and the authority. */
enum err request_target(struct request *r, struct flaw *f) MUST_USE;
/* Answers from problem.c with a status and Allow for the methods in the set. */
void request_method_refused(struct request *r, unsigned allow);
/* English reason phrase of a status, "" when there is none. */
const char *reply_phrase(int status);

#endif
