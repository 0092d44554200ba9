/* Pages of a participant's catalog: what one asker sees, in any format, from a cursor on.
 *
 * A page has at most CATALOG_PAGE datasets, CATALOG_OCTETS of rows, and looks at CATALOG_SCAN rows at most:
 * its cost does not grow with the catalog; a filtered page may be empty and still have a next one. The
 * cursor is opaque, tied to participant, asker and filter, and names the last row seen, so that what comes
 * and goes meanwhile neither repeats nor hides another dataset. In the change feed (filter changedSince) it
 * names the last change seen.
 * An offset (EDC) further in than CATALOG_SKIP rows behind a place that is remembered (catalog_offset.h) is
 * ERR_TOO_LARGE: whoever comes page by page, or by Link, gets anywhere.
 * The ETag is made of the catalog's last change and the question, without reading a dataset.
 * Threads: shards. */
#ifndef DATASPACE_CATALOG_PAGE_H
#define DATASPACE_CATALOG_PAGE_H

#include "dataspace/catalog_export.h"
#include "dataspace/catalog_feed.h"
#include "dataspace/catalog_offset.h"
#include "proto/dsp/filter.h"

enum {
	CATALOG_PAGE = 100,
	CATALOG_SCAN = 1000,
	CATALOG_SKIP = 5000,        /* rows passed over to reach an offset that nobody was near: 10 ms */
	CATALOG_OCTETS = 256 << 10, /* of rows; as JSON under the 1 MiB that a message may have */
	CATALOG_ETAG_MAX = 40,
};

#define CATALOG_FEED "kanhe:feed"       /* where the change feed goes on after this answer */
#define CATALOG_REMOVED "kanhe:removed" /* ids of datasets that are gone, in the feed */

struct catalog_ask {
	const struct ds_self *self;
	struct str asker; /* DID; STR_NONE: the owner, who sees everything offered */
	enum catalog_format format;
	json_t *filter; /* array or NULL */
	struct str cursor;
	struct offsets *offsets; /* NULL: nothing is remembered */
	/* set by catalog_ask_open */
	struct dsp_filter q;
	struct feed_head head;
	struct str after; /* dataset */
	uint64_t change;  /* feed: the last one seen */
	char etag[CATALOG_ETAG_MAX];
	unsigned char tie[8]; /* of cursors */
	unsigned char series[OFFSET_SERIES];
	size_t begun; /* what of the offset lies before `after` */
};

struct catalog_page {
	json_t *body;    /* kept by the arena */
	struct str next; /* cursor; empty: the last page */
};

/* Checks filter and cursor, makes the ETag. ERR_BAD_MESSAGE, ERR_BAD_INPUT (rule "cursor"). */
enum err catalog_ask_open(struct store_txn *t, struct arena *a, struct catalog_ask *q,
			  struct flaw *f) MUST_USE;
enum err catalog_page_make(struct store_txn *t, struct arena *a, const struct catalog_ask *q,
			   struct catalog_page *ret) MUST_USE;

#endif
