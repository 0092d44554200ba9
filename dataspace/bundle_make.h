/* Making proof bundles (format: bundle.h). Threads: any, with a transaction of its own. */
#ifndef DATASPACE_BUNDLE_MAKE_H
#define DATASPACE_BUNDLE_MAKE_H

#include "dataspace/bundle.h"
#include "dataspace/plane.h"

/* The bundle of an agreement as t sees it, into out (born with BUNDLE_SIZE_MAX). The arena is for work.
 * ERR_NOT_FOUND; ERR_BAD_STATE: it was never in force, or our own side has not signed it; ERR_TOO_LARGE
 * (rule "bundle-size": a brief one is not). */
enum err ds_bundle_make(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
			struct str agreement, bool brief, struct flaw *f, struct buf *out) MUST_USE;

#endif
