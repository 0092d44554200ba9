/* HTTP/1.1 (RFC 9112): one request at a time on a connection, pipelined ones wait.
 *
 * Ownership: the connection's. Threads: the shard's.
 *
 * Invariants: 1. the octets of a request are parsed once, strictly (h1_head.h, h1_chunk.h): what
 * two parsers could read in two ways is refused and the connection ends; 2. while a request is
 * unanswered or paused, at most one read waits in `in` and the socket is not read; 3. after a
 * refusal nothing more is parsed. */
#ifndef NET_H1_H
#define NET_H1_H

#include "net/request.h"

struct h1;

enum err h1_open(struct conn *c, struct h1 **ret) MUST_USE;
void h1_close(struct h1 *h);
void h1_input(struct h1 *h, const char *p, size_t n);
/* Parses what has waited, if it may go on. */
void h1_go_on(struct h1 *h);
void h1_fill(struct h1 *h, struct out *o);
bool h1_partial(const struct h1 *h);
bool h1_wants(const struct h1 *h); /* octets of the peer are welcome now */
/* The peer sends no more. True when an answer is still on its way and deserves to be finished. */
bool h1_eof(struct h1 *h);

void h1_answer(struct request *r);
void h1_cut(struct request *r);
void h1_continue(struct request *r);

#endif
