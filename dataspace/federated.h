/* Datasets of other participants' catalogs, as crawled: kept, found, forgotten.
 *
 * An entry is the dataset in plain form as it came, with its origin (participantId of the catalog it
 * stands in). Entries of a source are one range; a source knows how fresh they are (federation.h).
 * Owner of table federated. Threads: reading with any transaction; changes in commands. */
#ifndef DATASPACE_FEDERATED_H
#define DATASPACE_FEDERATED_H

#include "dataspace/space.h"
#include "proto/dsp/filter.h"

enum {
	FEDERATED_MAX = 1000000,          /* entries of one source */
	FEDERATED_DATASET_MAX = 64 << 10, /* octets of one entry */
	FEDERATED_PAGE = 100,
	FEDERATED_SCAN = 1000,
};

struct federated_entry {
	struct str id, origin, json;
	unsigned char key[16]; /* federated_key(origin, id) */
};
void federated_key(struct str origin, struct str id, unsigned char out[16]);

/* Writes it unless it stands there just so; *ret_new: it was not there. */
enum err federated_put(struct writer_txn *t, struct arena *a, struct str participant, struct str source,
		       const struct federated_entry *x, bool *ret_new) MUST_USE;
/* ERR_OK and false when it is not there. */
enum err federated_drop(struct writer_txn *t, struct str participant, struct str source,
			const unsigned char key[16], bool *ret_gone) MUST_USE;
/* Keys of up to max entries of the source behind `after` (NULL: from the first). */
enum err federated_keys(struct store_txn *t, struct str participant, struct str source,
			const unsigned char *after, size_t max, unsigned char (*ret)[16],
			size_t *ret_n) MUST_USE;

void federated_search(struct net_req *r); /* GET /participants/{p}/federated */

#endif
