#include "dataspace/catalog_feed.h"

#include <stdio.h>

#include "base/sign.h"

enum { HEAD_OCTETS = 16 };

enum err feed_head_find(struct store_txn *t, struct str participant, struct feed_head *ret)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct str v;
	enum err e = store_get(t, DS_TABLE_catalog_head, ds_key_str(&k), &v);

	if (e && e != ERR_NOT_FOUND) return e;
	if (!e && v.n != HEAD_OCTETS) return ERR_CORRUPT;
	*ret = (struct feed_head){.last = e ? 0 : store_u64(str_skip(v, 8))};
	if (!e) memcpy(ret->catalog, v.p, 8);
	return ERR_OK;
}

static enum err head_put(struct writer_txn *t, struct str participant, const struct feed_head *h)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	unsigned char v[HEAD_OCTETS];

	memcpy(v, h->catalog, 8);
	(void)store_key_u64(v + 8, h->last);
	return store_put(t->store, DS_TABLE_catalog_head, ds_key_str(&k), str_n(v, sizeof v));
}

static struct ds_key change_key(struct str participant, uint64_t change)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);

	ds_key_u64(&k, change);
	return k;
}

enum err feed_change(struct writer_txn *t, struct str participant, struct str dataset, uint64_t before,
		     uint64_t *ret)
{
	struct feed_head h;
	struct ds_key k;
	enum err e = feed_head_find(t->store, participant, &h);

	if (e) return e;
	if (!h.last) random_bytes(h.catalog, sizeof h.catalog);
	h.last++;
	if (before) {
		k = change_key(participant, before);
		e = store_del(t->store, DS_TABLE_catalog_change, ds_key_str(&k));
		if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	}
	k = change_key(participant, h.last);
	e = store_put(t->store, DS_TABLE_catalog_change, ds_key_str(&k), dataset);
	if (!e) e = head_put(t, participant, &h);
	if (!e) *ret = h.last;
	return e;
}

enum err feed_each(struct store_txn *t, struct str participant, uint64_t after, feed_fn *fn, void *arg)
{
	struct ds_key prefix = ds_key(participant, STR_NONE, STR_NONE),
		      from = change_key(participant, after + 1);
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, DS_TABLE_catalog_change, &c);

	if (e) return e;
	e = store_cursor_seek(c, ds_key_str(&from), &key, &value);
	while (!e && str_starts(key, ds_key_str(&prefix)) && key.n == prefix.n + 8) {
		e = fn(arg, store_u64(str_skip(key, prefix.n)), value);
		if (!e) e = store_cursor_next(c, &key, &value);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void feed_place_write(const struct feed_head *h, uint64_t place, char out[FEED_PLACE_MAX])
{
	char hex[17] = {0};

	hex_write(h->catalog, 8, hex);
	snprintf(out, FEED_PLACE_MAX, "%.16s.%llu", hex, (unsigned long long)place);
}

enum err feed_place_parse(struct str s, const struct feed_head *h, const char *at, struct flaw *f,
			  uint64_t *ret)
{
	unsigned char catalog[8];
	uint64_t place;

	if (s.n < 18 || s.p[16] != '.' || hex_parse(str_first(s, 16), catalog, 8) ||
	    str_u64(str_skip(s, 17), &place) || memcmp(catalog, h->catalog, 8) || place > h->last)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "place",
				"it is no place in this catalog's change feed: begin anew");
	*ret = place;
	return ERR_OK;
}
