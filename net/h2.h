/* HTTP/2 (RFC 9113) by nghttp2: one session per connection.
 *
 * Purpose: frames to requests and answers to frames, written straight into the shard's buffer;
 * budgets for everything a peer may send for free (h2_budget.c).
 * Ownership: the connection's. Threads: the shard's.
 *
 * Invariants: 1. a stream's user data is its request until on_stream_close; 2. answers are
 * submitted, never sent, inside callbacks; 3. the window of a stream is renewed when its request
 * has taken the octets, the window of the connection at once: a paused upload holds up no other; 4. a
 * request without a body is served when all octets at hand have been read: the library's code and ours
 * then stay in the processor's caches by turns, and what is reset in the same breath is not served. */
#ifndef NET_H2_H
#define NET_H2_H

#include "net/request.h"

struct h2;

enum {
	H2_STREAMS = 256,       /* concurrent streams when the options do not say */
	H2_WINDOW = 256 * 1024, /* of a stream: what a paused upload may hold */
	H2_CONNECTION_WINDOW = 1 << 20,
	H2_CONTINUATIONS = 8, /* frames after HEADERS: 16 KiB of fields need none */
	H2_SETTINGS_MAX = 32, /* entries in one SETTINGS frame */
	H2_ACKS_MAX = 256,    /* answers to PING and SETTINGS that wait for a slow reader */
	/* the library's own limit on streams a client resets (CVE-2023-44487) stands behind ours */
	H2_RESETS_BURST = 1000,
	H2_RESETS_RATE = 100
};

enum err h2_open(struct conn *c, struct h2 **ret) MUST_USE;
void h2_close(struct h2 *h);
/* ERR_BAD_INPUT: the peer broke the protocol and the connection cannot go on. */
enum err h2_input(struct h2 *h, const char *p, size_t n) MUST_USE;
void h2_fill(struct h2 *h, struct out *o);
bool h2_over(const struct h2 *h);    /* neither side has anything to say */
bool h2_partial(const struct h2 *h); /* in the middle of a header section */
bool h2_choked(const struct h2 *h);  /* answers wait for the connection's window */
void h2_drain(struct h2 *h, bool hard);

void h2_answer(struct request *r);
void h2_resume(struct request *r);
void h2_cut(struct request *r);
void h2_continue(struct request *r);
void h2_consumed(struct request *r, size_t n);
bool h2_stream_choked(struct request *r); /* its answer waits for the stream's window */

/* The library's options and callbacks, one set per process, made at start. ERR_NO_MEMORY. */
enum err h2_setup(void) MUST_USE;

#endif
