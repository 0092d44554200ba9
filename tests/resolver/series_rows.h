/* Series in a store of the test's, without a node around them. Threads: the test's. */
#ifndef TESTS_RESOLVER_SERIES_ROWS_H
#define TESTS_RESOLVER_SERIES_ROWS_H

#include "tests/base/cases.h"

#include "resolver/series.h"

extern struct store *store;
extern struct writer *writer;
extern struct value one_value; /* what change gives a series */

/* Of the group. */
int begin(void **state);
int end(void **state);
/* As at a restart: close, then open. */
void open_all(void);
void close_all(void);

/* at: where to split, else NULL. */
enum err change(struct arena *a, enum series_act act, const char *pattern, const char *at, struct flaw *f);
/* The pattern of the series that has it, or "". */
struct str series_of(struct arena *a, struct store_txn *t, struct str text);

#endif
