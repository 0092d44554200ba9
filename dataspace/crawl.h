/* The crawler: visits the sources that are due, page by page, and keeps what they offer.
 *
 * A source whose catalog tells its change feed ("kanhe:feed") is asked for what changed since (filter
 * changedSince); it is crawled whole the first time, once a day, and when it refuses the place. Any other
 * is crawled whole, with If-None-Match when its catalog is one page with an ETag. After a whole crawl what
 * did not come is forgotten; until then everything stays, and a crawl that fails changes no freshness.
 * Each page is one command. Failures back off to an hour.
 * Limits: CRAWLS at once; CRAWL_PAGES, CRAWL_BARREN, CRAWL_OCTETS and FEDERATED_MAX entries of one crawl;
 * pages that go in a circle are noticed; CRAWL_BODY_MAX octets of one page, unfolded; links under the
 * partner's origin only; messages checked as everywhere. Threads: one shard; the courier and the writer
 * come back to it. */
#ifndef DATASPACE_CRAWL_H
#define DATASPACE_CRAWL_H

#include "dataspace/space.h"

enum {
	CRAWLS = 4,
	CRAWL_PAGES = 100000,
	CRAWL_BARREN = 1100, /* pages in a row without a dataset: of a million that we may not see */
	CRAWL_BODY_MAX = 2 << 20,
	CRAWL_BACKOFF = 30, /* seconds, doubled with each failure */
	CRAWL_BACKOFF_MAX = 3600,
};
#define CRAWL_OCTETS (UINT64_C(2) << 30) /* of one crawl: a million datasets of two thousand octets */
#define CRAWL_DEADLINE (60 * USEC_PER_SEC)
#define CRAWL_EVERY (USEC_PER_SEC / 2) /* looks for sources that are due */

enum err crawl_start(struct ds *d, struct net_shard *s) MUST_USE;
void crawl_close(struct crawler *c); /* NULL is allowed; after server, courier and writer have stopped */

#endif
