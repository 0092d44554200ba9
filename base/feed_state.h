/* What the writer needs of the feed besides its interface. */
#ifndef BASE_FEED_STATE_H
#define BASE_FEED_STATE_H

#include "base/buf.h"
#include "base/feed.h"

/* Adds an operation; value.p NULL is a delete. Octets as in base/feed.c. */
void feed_op_write(struct buf *out, unsigned table, struct str key, struct str value);
/* After a commit: wakes who waits. */
void feed_announce(struct feed *f, uint64_t head);

#endif
