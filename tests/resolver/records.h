/* Records that tests of lists and finding make, and how many there are. At the desk. Threads: the test's.
 */
#ifndef TESTS_RESOLVER_RECORDS_H
#define TESTS_RESOLVER_RECORDS_H

#include "tests/resolver/desk.h"

/* Values for made(), separated by commas. */
#define PUBLIC(type, data) "{\"type\":\"" type "\",\"data\":\"" data "\"}"
#define HIDDEN(type, data) "{\"type\":\"" type "\",\"data\":\"" data "\",\"permissions\":\"1100\"}"

/* Registers or replaces, as the registrar. */
void made(const char *id, const char *values);
/* 88.118.8/c0, c1, …, a thousand in one request, each with a value COLOUR of its number's last three
 * digits. */
void load_colours(unsigned n);
void expect_count(const char *prefix, uint64_t active, uint64_t retired);
/* Of 88.118.8 and of 88.118.8.2: active, retired. */
void counts_now(uint64_t ret[2][2]);

/* What /find?query tells: "a b!" for {"id":a,"public":true},{"id":b,"public":false}. */
void expect_found(const char *token, const char *query, const char *want);

#endif
