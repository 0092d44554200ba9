#include "dataspace/federated.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/federation.h"
#include "net/zip.h"

enum { FEDERATED_FORMAT = 1, HEX = 32, PLACE_MAX = DS_DID_MAX + HEX + 2, WANT_MAX = 4096 };

void federated_key(struct str origin, struct str id, unsigned char out[16])
{
	unsigned char digest[HASH_SHA256];
	struct hash *h = hash_new();

	must(h);
	hash_add(h, origin);
	hash_add(h, str_n("", 1));
	hash_add(h, id);
	hash_finish(h, digest);
	hash_free(h);
	memcpy(out, digest, 16);
}

static struct ds_key key_of(struct str participant, struct str source, const unsigned char key[16])
{
	char hex[HEX + 1] = {0};

	hex_write(key, 16, hex);
	return ds_key(participant, source, str_n(hex, HEX));
}

enum err federated_put(struct writer_txn *t, struct arena *a, struct str participant, struct str source,
		       const struct federated_entry *x, bool *ret_new)
{
	struct ds_key k = key_of(participant, source, x->key);
	unsigned char digest[HASH_SHA256];
	Ds__Federated row, *old;
	ProtobufCMessage *m;
	enum err e = ds_row_get(t->store, DS_TABLE_federated, &k, a, &ds__federated__descriptor, &m);

	hash_sha256(x->json, digest);
	*ret_new = e == ERR_NOT_FOUND;
	if (e && e != ERR_NOT_FOUND) return e;
	old = e ? NULL : (Ds__Federated *)m;
	if (old && old->digest.len == sizeof digest && !memcmp(old->digest.data, digest, sizeof digest))
		return ERR_OK;
	ds__federated__init(&row);
	row.format = FEDERATED_FORMAT;
	row.id = arena_strdup(a, x->id);
	row.origin = arena_strdup(a, x->origin);
	row.json = arena_strdup(a, x->json);
	row.fetched = t->now;
	row.digest = (ProtobufCBinaryData){sizeof digest, digest};
	if (!row.id || !row.origin || !row.json) return ERR_NO_MEMORY;
	return ds_row_put(t, DS_TABLE_federated, &k, &row.base);
}

enum err federated_drop(struct writer_txn *t, struct str participant, struct str source,
			const unsigned char key[16], bool *ret_gone)
{
	struct ds_key k = key_of(participant, source, key);
	enum err e = store_del(t->store, DS_TABLE_federated, ds_key_str(&k));

	*ret_gone = !e;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err federated_keys(struct store_txn *t, struct str participant, struct str source,
			const unsigned char *after, size_t max, unsigned char (*ret)[16], size_t *ret_n)
{
	struct ds_key k = ds_key(participant, source, STR_NONE);
	char hex[HEX + 1] = {0};
	struct ds_row_scan scan;
	struct str key, value;
	size_t n = 0;
	enum err e;

	if (after) hex_write(after, 16, hex);
	e = ds_row_scan_open(&scan, t, DS_TABLE_federated, &k, after ? str_n(hex, HEX) : STR_NONE);
	if (e) return e;
	while (n < max && !(e = ds_row_scan_next(&scan, &key, &value))) {
		if (key.n != HEX + 1 || hex_parse(str_first(key, HEX), ret[n], 16)) {
			e = ERR_CORRUPT;
			break;
		}
		n++;
	}
	ds_row_scan_close(&scan);
	*ret_n = n;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- search ---- */

struct search {
	struct net_req *r;
	struct str participant;
	struct dsp_filter q;
	struct ds_key seen; /* of the row looked at last: source, 0, hex, 0 */
	json_t *found;
	size_t scanned;
	bool more;
	/* the source of the rows just now */
	char source[DS_DID_MAX + 1];
	usec_t fresh;
};

/* The filter from the query: text, id, keyword, type, modifiedSince, property=name:value. */
static enum err filter_read(struct net_req *r, struct flaw *f, struct dsp_filter *ret)
{
	static const char *const names[] = {"text", "id", "keyword", "type", "modifiedSince"};
	json_t *filter = json_keep(r->arena, json_array());
	struct str v;

	if (!filter) return ERR_NO_MEMORY;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (net_query(r, names[i], &v))
			must(!json_array_append_new(filter,
						    json_pack("{s:s%}", names[i], v.p ? v.p : "", v.n)));
	if (net_query(r, "property", &v)) {
		size_t n = str_find(v, ':');
		struct str value = str_skip(v, n + 1);

		must(!json_array_append_new(filter, json_pack("{s:s%,s:s%}", "property", v.p ? v.p : "", n,
							      "eq", value.p ? value.p : "", value.n)));
	}
	if (json_array_size(filter) && !json_object_size(json_array_get(filter, 0)))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "query", "text", "it is not UTF-8");
	return dsp_filter_parse(filter, f, ret);
}

static void fresh_find(struct search *s, struct str source)
{
	Ds__Source *row;

	if (str_is(source, s->source)) return;
	snprintf(s->source, sizeof s->source, "%.*s", STR_ARG(source));
	s->fresh = 0;
	if (!source_find(ds_txn(s->r->shard), s->r->arena, s->participant, source, &row))
		s->fresh = row->fresh;
}

static enum err entry_show(struct search *s, const Ds__Federated *x)
{
	char when[CLOCK_TEXT];
	json_t *dataset, *o;
	enum err e = json_read(s->r->arena, str_of(x->json), NULL, &dataset);

	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	if (!dsp_filter_match(&s->q, dataset)) return ERR_OK;
	o = json_object();
	must(o);
	json_put_str(o, "origin", str_of(x->origin));
	json_put_str(o, "source", str_of(s->source));
	json_put_str(o, "fetched", str_of(clock_print(x->fetched, true, when)));
	if (s->fresh) json_put_str(o, "fresh", str_of(clock_print(s->fresh, true, when)));
	json_put(o, "dataset", json_incref(dataset));
	must(!json_array_append_new(s->found, o));
	return ERR_OK;
}

static enum err row_look(struct search *s, struct str key, struct str value)
{
	struct str rest = key, source;
	struct arena_mark mark;
	ProtobufCMessage *m;
	enum err e;

	if (json_array_size(s->found) >= FEDERATED_PAGE || s->scanned >= FEDERATED_SCAN) {
		s->more = true;
		return ERR_NOT_FOUND;
	}
	s->scanned++;
	memcpy(s->seen.b, key.p, key.n);
	s->seen.n = key.n;
	e = ds_key_part(&rest, &source);
	if (e) return e;
	mark = arena_mark(s->r->arena);
	fresh_find(s, source);
	e = ds_row_unpack(value, s->r->arena, &ds__federated__descriptor, &m);
	if (!e) e = entry_show(s, (const Ds__Federated *)m);
	arena_rollback(s->r->arena, mark);
	return e;
}

static enum err search_run(struct search *s, struct str after)
{
	struct ds_key k = ds_key(s->participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	enum err e = ds_row_scan_open(&scan, ds_txn(s->r->shard), DS_TABLE_federated, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = row_look(s, key, value);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void federated_search(struct net_req *r)
{
	struct search s = {.r = r};
	struct str cursor = STR_NONE, after = STR_NONE;
	struct flaw f = {0};
	json_t *out;
	enum err e = ds_req_participant(r, &s.participant);

	if (e) return;
	e = filter_read(r, &f, &s.q);
	if (!e && net_query(r, "cursor", &cursor) &&
	    (base64url_parse(r->arena, cursor, &after) || !after.n || after.n > PLACE_MAX))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
			     "it is no cursor of this list");
	s.found = json_keep(r->arena, json_array());
	out = json_keep(r->arena, json_object());
	if (!e && (!s.found || !out)) e = ERR_NO_MEMORY;
	if (!e) e = search_run(&s, after);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	json_put(out, "entries", json_incref(s.found));
	/* without its last NUL: the scan goes on behind that row */
	if (s.more) json_put_str(out, "next", base64url_write(r->arena, str_n(s.seen.b, s.seen.n - 1)));
	net_reply_zip(r, 200, "application/json", json_write(r->arena, out, false));
}
