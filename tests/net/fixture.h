/* A server with routes that show every way of answering, and clients made of plain sockets. */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/net.h"

/* What the handlers have seen, from any shard. */
struct seen {
	_Atomic uint64_t handled, gone, source_gone, sunk, sunk_ends, pulled, posted, starts, stops, idles;
	_Atomic uint64_t turns, soon;
	_Atomic bool pause, resume; /* of the sink: stops reading; goes on again */
};
extern struct seen seen;

struct fixture {
	struct net_server *server;
	uint16_t port, tls_port;
	char folder[64];
};

enum fixture_flags { FIXTURE_TLS = 1, FIXTURE_CLIENT_CA = 2 };

/* o: limits to use; may be NULL. One shard unless told otherwise. */
void fixture_start(struct fixture *x, const struct net_options *o, unsigned flags);
void fixture_stop(struct fixture *x, usec_t grace);
/* Runs a program; what it writes goes to *out (may be NULL). Its exit status. */
int run_program(const char *const *argv, struct buf *out);
void make_certificates(const char *folder);

/* ---- plain sockets ------------------------------------------------------------------------ */

int dial(uint16_t port);
void peer_say(int fd, struct str s); /* whole, or the test fails */
void say_z(int fd, const char *z);
/* Reads until the peer closes or resets, at most max octets and a minute. False: reset. */
bool hear_all(int fd, struct buf *b);
/* Reads one HTTP/1.1 answer. Status, or 0 when the connection ended before a whole one. */
struct answer_h1 {
	int status;
	struct buf head, body;
	bool closed; /* Connection: close */
};
int hear_answer(int fd, struct answer_h1 *a);
void answer_done(struct answer_h1 *a);
bool head_has(const struct answer_h1 *a, const char *line); /* a whole line, case matters */
/* Waits until *v reaches n; fails the test after a minute. */
void await(_Atomic uint64_t *v, uint64_t n);
/* Sends `request` on a new connection, reads until the end. */
void exchange(uint16_t port, const char *request, struct buf *all);

#endif
