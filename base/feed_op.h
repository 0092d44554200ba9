/* Operations inside a feed entry: how the store notes them and the feed gives them back.
 *
 * One operation: u8 kind (enum feed_op_kind), u8 table, be16 length of the key, the key; a put and a was
 * go on with be32 length of the value, the value. Operations follow one another without gaps.
 *
 * The feed keeps the same, but for tables that are not told whole (base/feed_kept.c). */
#ifndef BASE_FEED_OP_H
#define BASE_FEED_OP_H

#include "base/buf.h"
#include "base/feed.h"

void feed_op_write(struct buf *ops, const struct feed_op *op);
/* What the feed keeps of a transaction's operations. ERR_CORRUPT, ERR_NO_MEMORY. */
enum err feed_keep(const struct store_txn *t, struct str ops, struct buf *ret) MUST_USE;

/* The same one after another: what is kept of each follows from the one before it. */
void feed_keep_begin(struct feed_walk *last);
enum err feed_keep_op(struct feed_walk *last, enum store_told told, const struct feed_op *op,
		      struct buf *out) MUST_USE;

#endif
