#include "dataspace/piece.h"

/* Key: participant, dataset, be64 of its last octet's place: the first key from `at` on is the one. */
enum err piece_add(struct writer_txn *t, struct arena *a, struct str participant, Ds__Dataset *s,
		   const unsigned char digest[32], uint64_t size)
{
	struct ds_key k = ds_key(participant, str_of(s->id), STR_NONE);
	Ds__Piece p;

	if (!size) return ERR_BAD_INPUT;
	if (size > UINT64_MAX / 2 - s->size) return ERR_QUOTA;
	ds__piece__init(&p);
	p.format = 1;
	p.size = size;
	p.created = t->now;
	p.digest = (ProtobufCBinaryData){32, arena_alloc(a, 32)};
	if (!p.digest.data) return ERR_NO_MEMORY;
	memcpy(p.digest.data, digest, 32);
	s->size += size;
	ds_key_u64(&k, s->size - 1);
	return ds_row_put(t, DS_TABLE_piece, &k, &p.base);
}

enum err piece_find(struct store_txn *t, struct arena *a, struct str participant, struct str dataset,
		    uint64_t at, Ds__Piece **ret, uint64_t *ret_from)
{
	struct ds_key k = ds_key(participant, dataset, STR_NONE);
	size_t prefix = k.n;
	struct store_cursor *c;
	struct str key, value;
	ProtobufCMessage *m;
	uint64_t last = 0;
	enum err e = store_cursor_open(t, DS_TABLE_piece, &c);

	if (e) return e;
	ds_key_u64(&k, at);
	e = store_cursor_seek(c, ds_key_str(&k), &key, &value);
	if (!e && (key.n != k.n || memcmp(key.p, k.b, prefix))) e = ERR_NOT_FOUND;
	if (!e) e = ds_row_unpack(value, a, &ds__piece__descriptor, &m);
	for (size_t i = prefix; !e && i < key.n; i++) last = last << 8 | (unsigned char)key.p[i];
	store_cursor_close(c);
	if (e) return e;
	*ret = (Ds__Piece *)m;
	if ((*ret)->digest.len != 32 || (*ret)->size > last + 1) return ERR_CORRUPT;
	*ret_from = last + 1 - (*ret)->size;
	return ERR_OK;
}
