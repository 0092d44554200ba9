/* Datasets and their offers.
 *
 * A dataset is published once it has a policy and a content; each change of either makes a new
 * revision and so a new offer, "offer:<dataset>:<revision>". A withdrawn dataset leaves an empty row
 * behind, so that revisions never repeat.
 * Threads: find with any transaction; changes in commands; routes on shards. */
#ifndef DATASPACE_DATASET_H
#define DATASPACE_DATASET_H

#include "dataspace/dataplane.h"

/* Letters, digits and . - _ ~, 1 to DS_DATASET_MAX: it stands in paths and IRIs as it is. */
enum err dataset_id_check(struct str id, struct flaw *f) MUST_USE;
/* There is something to be had: a content here, or a data plane outside that holds it. */
bool dataset_held(const Ds__Dataset *s);
bool dataset_published(const Ds__Dataset *s);
/* The dataset whose present offer has this id. partner (STR_NONE: whoever): who asks for it; an offer he
 * may not see is unknown. ERR_BAD_MESSAGE with rule "offer-unknown" or "offer-outdated". */
enum err dataset_by_offer(struct store_txn *t, struct arena *a, struct str participant, struct str offer,
			  struct str partner, struct flaw *f, Ds__Dataset **ret) MUST_USE;
/* The row, also of a withdrawn dataset. */
enum err dataset_row(struct store_txn *t, struct arena *a, struct str participant, struct str id,
		     Ds__Dataset **ret) MUST_USE;
typedef enum err dataset_fn(void *arg, const Ds__Dataset *s);
/* Ascending by id, behind `after` (may be empty), withdrawn ones left out, until fn gives an error
 * (ERR_NOT_FOUND: enough). What fn allocates in the arena lives until it returns. */
enum err dataset_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		      dataset_fn *fn, void *arg) MUST_USE;

extern const struct net_route dataset_routes[];
extern const size_t dataset_routes_n;

#endif
