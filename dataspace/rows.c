/* Keys and rows: see the table of dataspace/tables.h. */
#include "dataspace/space.h"

static void key_part(struct ds_key *k, struct str part)
{
	if (!part.p) return;
	must(part.n < sizeof k->b - k->n && !memchr(part.p, 0, part.n));
	memcpy(k->b + k->n, part.p, part.n);
	k->n += part.n;
	k->b[k->n++] = 0;
}

struct ds_key ds_key(struct str participant, struct str part1, struct str part2)
{
	struct ds_key k = {.n = 0};

	must(participant.n > 0 && participant.n <= DS_ID_MAX);
	key_part(&k, participant);
	key_part(&k, part1);
	key_part(&k, part2);
	return k;
}

void ds_key_u64(struct ds_key *k, uint64_t v)
{
	must(k->n + 8 <= sizeof k->b);
	store_key_u64(k->b + k->n, v);
	k->n += 8;
}

enum err ds_key_part(struct str *key, struct str *ret)
{
	size_t n = str_find(*key, '\0');

	if (n == key->n) return ERR_CORRUPT;
	*ret = str_first(*key, n);
	*key = str_skip(*key, n + 1);
	return ERR_OK;
}

enum err ds_row_put(struct writer_txn *t, enum ds_table table, const struct ds_key *k,
		    const ProtobufCMessage *m)
{
	struct buf b = BUF_INIT(DS_ROW_MAX);
	size_t n = protobuf_c_message_get_packed_size(m);
	char *room = buf_room(&b, n);
	enum err e = buf_err(&b);

	if (room) {
		buf_grew(&b, protobuf_c_message_pack(m, (uint8_t *)room));
		e = store_put(t->store, table, ds_key_str(k), buf_str(&b));
	}
	buf_done(&b);
	return e;
}

enum err ds_row_keep(struct writer_txn *t, enum ds_table table, const struct ds_key *k, struct str value)
{
	struct str old;
	enum err e = store_get(t->store, table, ds_key_str(k), &old);

	if (!e && str_eq(old, value)) return ERR_OK;
	return e && e != ERR_NOT_FOUND ? e : store_put(t->store, table, ds_key_str(k), value);
}

static void *row_alloc(void *arena, size_t n)
{
	return arena_alloc(arena, n ? n : 1);
}

static void row_free(void *arena, void *p)
{
	(void)arena, (void)p;
}

enum err ds_row_unpack(struct str value, struct arena *a, const ProtobufCMessageDescriptor *desc,
		       ProtobufCMessage **ret)
{
	ProtobufCAllocator alloc = {.alloc = row_alloc, .free = row_free, .allocator_data = a};
	ProtobufCMessage *m = protobuf_c_message_unpack(desc, &alloc, value.n, (const uint8_t *)value.p);

	if (!m) return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_CORRUPT;
	*ret = m;
	return ERR_OK;
}

enum err ds_row_get(struct store_txn *t, enum ds_table table, const struct ds_key *k, struct arena *a,
		    const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret)
{
	struct str v;
	enum err e = store_get(t, table, ds_key_str(k), &v);

	return e ? e : ds_row_unpack(v, a, desc, ret);
}

enum err ds_row_scan_next(struct ds_row_scan *s, struct str *ret_key, struct str *ret_value)
{
	struct str key, value;
	enum err e = s->begun ? store_cursor_next(s->cursor, &key, &value)
			      : store_cursor_seek(s->cursor, ds_key_str(&s->from), &key, &value);

	s->begun = true;
	if (e) return e;
	if (!str_starts(key, str_n(s->from.b, s->prefix))) return ERR_NOT_FOUND;
	*ret_key = str_skip(key, s->prefix);
	*ret_value = value;
	return ERR_OK;
}

enum err ds_row_scan_open(struct ds_row_scan *s, struct store_txn *t, enum ds_table table,
			  const struct ds_key *prefix, struct str after)
{
	*s = (struct ds_row_scan){.from = *prefix, .prefix = prefix->n};
	if (after.n) { /* just past that row: its key, then an octet that only a longer key would hold */
		must(s->from.n + after.n + 2 <= sizeof s->from.b);
		memcpy(s->from.b + s->from.n, after.p, after.n);
		s->from.n += after.n;
		s->from.b[s->from.n++] = 0;
		s->from.b[s->from.n++] = 0;
	}
	return store_cursor_open(t, table, &s->cursor);
}

void ds_row_scan_close(struct ds_row_scan *s)
{
	store_cursor_close(s->cursor);
	s->cursor = NULL;
}
