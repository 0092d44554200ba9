/* Timeline: identifiers in order of their last change, and what a record was, out of the change feed.
 *
 * Purpose: "what has changed since" is answered from the feed (base/feed.h), which is there anyway, instead
 * of from one more row for every identifier. Its cost is that of the changes in the time asked for, not
 * that of the registry; a call looks at TIMELINE_LOOKS operations at most and says where to go on.
 * A place names an entry of the feed, which never changes: it stays good while writes go on. What
 * changes meanwhile moves to the newest end.
 * Threads: any, with a read transaction.
 * Invariants: 1. an identifier is told at its last change only. 2. what the feed does not have any more is
 * an error (ERR_GONE), never an incomplete answer. */
#ifndef RESOLVER_TIMELINE_H
#define RESOLVER_TIMELINE_H

#include "base/feed.h"

enum {
	TIMELINE_LOOKS = 10000, /* operations of one call: some milliseconds of a loop's thread */
};

struct timeline_place {
	uint64_t position; /* of the feed's entry; 0: begin */
	uint32_t offset;   /* octets of its operations that were looked at */
};

struct timeline {
	struct feed *feed;
	struct store_txn *txn;
	struct str prefix;   /* key octets */
	usec_t since, until; /* from since on, before until */
	bool newest;         /* first; else the oldest */
};

/* false: enough; this one is not taken and will be the first of the next call. */
typedef bool timeline_fn(void *arg, struct str key, struct str packed);
/* *ret_next is set when *ret_more. ERR_GONE: the feed begins after `since`; ERR_BAD_INPUT: no place of
 * this feed. */
enum err timeline_walk(const struct timeline *l, struct timeline_place from, timeline_fn *fn, void *arg,
		       struct timeline_place *ret_next, bool *ret_more) MUST_USE;

/* The packed record that the change with this leaf left; l->prefix is the whole key. next: leaf of the
 * identifier's next change, UINT64_MAX when there is none. ERR_GONE: the feed does not have it any more. */
enum err timeline_record(const struct timeline *l, uint64_t leaf, uint64_t next,
			 struct str *ret_packed) MUST_USE;
/* The same of a series that has changed since: its row; l->prefix is the row's key, next the leaf of the
 * change after it. */
enum err timeline_series(const struct timeline *l, uint64_t leaf, uint64_t next,
			 struct str *ret_row) MUST_USE;

#endif
