/* What the writer needs of the feed besides its interface. */
#ifndef BASE_FEED_STATE_H
#define BASE_FEED_STATE_H

#include "base/feed.h"

/* After a commit: wakes who waits. */
void feed_announce(struct feed *f, uint64_t head);

#endif
