/* Federation: the catalogs that a participant crawls, and what is known of each.
 *
 * An owner names sources; the crawler (crawl.h) visits them, federated.h keeps what they offer.
 * Owner of table source. Threads: reading with any transaction; changes in commands; routes on shards. */
#ifndef DATASPACE_FEDERATION_H
#define DATASPACE_FEDERATION_H

#include "dataspace/space.h"

enum {
	SOURCE_INTERVAL = 300, /* seconds, unless said otherwise */
	SOURCE_INTERVAL_MIN = 5,
	SOURCE_INTERVAL_MAX = 7 * 86400,
	SOURCES_MAX = 1000,  /* of one participant */
	SOURCE_DROP = 20000, /* entries forgotten in one command */
	SOURCE_ERROR_MAX = 300,
};

enum err source_find(struct store_txn *t, struct arena *a, struct str participant, struct str did,
		     Ds__Source **ret) MUST_USE;
enum err source_put(struct writer_txn *t, struct str participant, const Ds__Source *s) MUST_USE;
/* Sources of all participants, until fn gives an error (ERR_NOT_FOUND: enough). */
typedef enum err source_fn(void *arg, struct str participant, const Ds__Source *s);
enum err source_each(struct store_txn *t, struct arena *a, struct str participant, source_fn *fn,
		     void *arg) MUST_USE; /* participant empty: of all */

extern const struct net_route federation_routes[];
extern const size_t federation_routes_n;

#endif
