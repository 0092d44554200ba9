/* The change feed of a participant's catalog: which datasets changed behind a given place.
 *
 * Each change of a dataset gets the next number; a dataset stands in the feed once, at its last change,
 * withdrawn ones too. The head names the catalog (8 random octets) and its last number, so an unchanged
 * catalog is known by one row. A place is told as "<hex of the catalog>.<number>" and validated when it
 * comes back: that of another catalog, or one in the future, is refused.
 * Owner of tables catalog_head and catalog_change. Threads: reading with any transaction; change in
 * commands. */
#ifndef DATASPACE_CATALOG_FEED_H
#define DATASPACE_CATALOG_FEED_H

#include "dataspace/space.h"

enum { FEED_PLACE_MAX = 40 };

struct feed_head {
	unsigned char catalog[8];
	uint64_t last; /* 0: nothing has ever changed */
};

/* An empty head (zeros) for a participant that has never published. */
enum err feed_head_find(struct store_txn *t, struct str participant, struct feed_head *ret) MUST_USE;
/* Notes a change of that dataset, which stood at `before` (0: nowhere); its new number. */
enum err feed_change(struct writer_txn *t, struct str participant, struct str dataset, uint64_t before,
		     uint64_t *ret) MUST_USE;
typedef enum err feed_fn(void *arg, uint64_t change, struct str dataset);
/* Ascending, behind `after`, until fn gives an error (ERR_NOT_FOUND: enough). */
enum err feed_each(struct store_txn *t, struct str participant, uint64_t after, feed_fn *fn,
		   void *arg) MUST_USE;

void feed_place_write(const struct feed_head *h, uint64_t place, char out[FEED_PLACE_MAX]);
/* ERR_BAD_MESSAGE, rule "place". */
enum err feed_place_parse(struct str s, const struct feed_head *h, const char *at, struct flaw *f,
			  uint64_t *ret) MUST_USE;

#endif
