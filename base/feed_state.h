/* What the writer needs of the feed besides its interface. */
#ifndef BASE_FEED_STATE_H
#define BASE_FEED_STATE_H

#include "base/feed.h"

enum { FEED_ROW_HEAD = 1 + 8 + 8 + 32 }; /* octets of a row before its operations */

/* After a commit: wakes who waits. */
void feed_announce(struct feed *f, uint64_t head);

/* Applies an entry, given as its row of STORE_FEED (key and value) with all operations, to the environment
 * that made it and appends it: base/store_recover.c. ERR_CORRUPT: it is none, or not the next. */
enum err feed_replay(struct store_txn *t, struct str row) MUST_USE;

#endif
