/* A small HTTP/1.1 server for tests: one thread a connection, behaviour by path. */
#ifndef TESTS_NET_ANSWERING_H
#define TESTS_NET_ANSWERING_H

#include <stdatomic.h>

#include "base/str.h"

struct answering {
	int fd;
	int port;
	_Atomic int requests, connections, connections_most, open;
	_Atomic int flaky; /* how many more requests of /flaky get 503 */
	_Atomic bool stopping;
	unsigned long thread;
};

/*  /echo           200: method, headers and body as they came
 *  /status/N       that status, "retry-after: 0"
 *  /flaky          503 until `flaky` is used up
 *  /wait-retry     503 with "retry-after: 3000"
 *  /big/N          N octets, with their length
 *  /chunks/N       N chunks of 10 octets, one each 20 ms
 *  /short          promises 100 octets, sends 10, closes
 *  /silent         no answer at all
 *  /stall          header section and 10 octets, then nothing
 *  /drop           closes
 *  /redirect       302 to /echo
 *  /interim        103, then 200 */
void answering_start(struct answering *s);
void answering_stop(struct answering *s);

#endif
