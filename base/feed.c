#include "base/feed_op.h"

#include "base/wire.h"

enum { OP_HEAD = 4, OP_VALUE = 4 }; /* octets before the key; of the value's length */

void feed_op_write(struct buf *ops, const struct feed_op *op)
{
	bool has_value = op->kind == FEED_PUT || op->kind == FEED_WAS;
	size_t n = OP_HEAD + op->key.n + (has_value ? OP_VALUE + op->value.n : 0);
	char *p = buf_room(ops, n);
	if (!p) return;
	struct wire w = wire_writer(p, n);
	wire_put_u8(&w, (uint8_t)op->kind);
	wire_put_u8(&w, (uint8_t)op->table);
	wire_put_u16(&w, (uint16_t)op->key.n);
	wire_put(&w, op->key);
	if (has_value) wire_put_bytes32(&w, op->value);
	must(wire_ok(&w) && wire_left(&w) == 0);
	buf_grew(ops, n);
}

enum err feed_op_next(struct str *ops, struct feed_op *ret)
{
	if (!ops->n) return ERR_NOT_FOUND;
	struct wire w = wire_reader(*ops);
	struct feed_op op = {.kind = wire_u8(&w)};
	op.table = wire_u8(&w);
	op.key = wire_bytes(&w, wire_u16(&w));
	bool has_value = op.kind == FEED_PUT || op.kind == FEED_WAS;
	if (has_value) op.value = wire_bytes32(&w, ops->n);
	bool known = has_value || op.kind == FEED_DEL;
	if (!wire_ok(&w) || !known || !op.key.n || op.key.n > STORE_KEY_MAX) return ERR_CORRUPT;
	*ops = str_skip(*ops, w.at);
	*ret = op;
	return ERR_OK;
}
