/* A resolver node and somebody of each role who calls it: what tests of registration and rights share.
 * Threads: the test's. */
#ifndef TESTS_RESOLVER_DESK_H
#define TESTS_RESOLVER_DESK_H

#include "tests/base/cases.h"

#include <stdio.h>

#include "tests/resolver/site.h"

/* Authoritative for 88.118.8 and gs1:950600. */
extern struct site node;
/* Tokens: registrar of both, enterprise of 88.118.8.2, the others of everything or of "maker". */
extern char registrar[ACCESS_TOKEN_TEXT], enterprise[ACCESS_TOKEN_TEXT], operator[ACCESS_TOKEN_TEXT],
    auditor[ACCESS_TOKEN_TEXT], owner[ACCESS_TOKEN_TEXT], agent[ACCESS_TOKEN_TEXT];

/* Of the group. */
int setup(void **state);
int teardown(void **state);

/* token: NULL for nobody; header: NULL for none. End the reply with http_done. */
struct http_reply put(const char *token, const char *path, const char *body, const char *header);
struct http_reply post(const char *token, const char *path, const char *body);
struct http_reply get(const char *token, const char *path);
struct http_reply del(const char *token, const char *path);

#define EXPECT(r, want)                                                                                    \
	do {                                                                                               \
		if ((r).status != (want)) fprintf(stderr, "%.*s\n", STR_ARG((r).body));                    \
		assert_int_equal((r).status, (want));                                                      \
	} while (0)

#endif
