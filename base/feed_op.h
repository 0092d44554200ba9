/* Operations inside a feed entry: how the store notes them and the feed gives them back.
 *
 * One operation: u8 kind (enum feed_op_kind), u8 table, be16 length of the key, the key; a put
 * goes on with be32 length of the value, the value. Operations follow one another without gaps. */
#ifndef BASE_FEED_OP_H
#define BASE_FEED_OP_H

#include "base/buf.h"
#include "base/feed.h"

void feed_op_write(struct buf *ops, const struct feed_op *op);

#endif
