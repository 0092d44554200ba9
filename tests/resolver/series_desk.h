/* Series that tests make at the desk, and how their members answer. Threads: the test's. */
#ifndef TESTS_RESOLVER_SERIES_DESK_H
#define TESTS_RESOLVER_SERIES_DESK_H

#include "tests/resolver/desk.h"

/* Three values: a URL, a text, and one that the public may not read. */
#define TEMPLATE                                                                                           \
	"{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"https://m.example/i/{id}?n={number}\","     \
	"\"ttl\":600},{\"index\":2,\"type\":\"DESC\",\"data\":\"{{pump}} {serial} of "                     \
	"{id}\"},{\"index\":9,"                                                                            \
	"\"type\":\"KEY\",\"data\":\"hidden-{serial}\",\"permissions\":\"1100\"}]}"

/* The path of a series: braces are written %7B and %7D. Overwritten by the next call. */
const char *at(const char *pattern);
/* Registers it, anew, as the registrar. */
void add(const char *pattern, const char *body);
/* The text of the i-th value of a record that was answered. */
const char *value_of(const struct http_reply *r, size_t i);
int64_t number_of(const struct http_reply *r, const char *member);
/* Of /resolve, for nobody. */
int status_of(const char *id);

#endif
