#include "dataspace/evidence.h"

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/dialect.h"
#include "dataspace/evidence_check.h"

enum { EVIDENCE_FORMAT = 1, RECORD_MAX = 16 << 10, SHA_TEXT = 7 + 64 };

static void put_sha(json_t *j, const char *key, const unsigned char digest[HASH_SHA256])
{
	char text[SHA_TEXT];

	memcpy(text, "sha256:", 7);
	hex_write(digest, HASH_SHA256, text + 7);
	json_put_str(j, key, str_n(text, sizeof text));
}

static void put_sha_of(json_t *j, const char *key, struct str octets)
{
	unsigned char digest[HASH_SHA256];

	hash_sha256(octets, digest);
	put_sha(j, key, digest);
}

/* ---- coming in ---- */

static void put_credentials(json_t *caller, json_t *all)
{
	json_t *out = json_array(), *c;
	size_t i;

	must(out);
	json_array_foreach(all, i, c)
	{
		json_t *one = json_object();

		must(one);
		json_put(one, "type", json_deep_copy(json_object_get(c, "type")));
		json_put_str(one, "issuer", json_text(json_object_get(c, "issuer")));
		must(!json_array_append_new(out, one));
	}
	json_put(caller, "credentials", out);
}

static void put_caller(json_t *caller, const struct ds_peer *peer)
{
	char key[EVIDENCE_KEY_TEXT];

	if (peer->tls) {
		json_put_str(caller, "by", STR("tls"));
		put_sha(caller, "certificate", peer->certificate);
		return;
	}
	if (!peer->bearer.n) {
		json_put_str(caller, "by", STR("test"));
		return;
	}
	json_put_str(caller, "by",
		     peer->doc->pinned   ? STR("pinned")
		     : peer->credentials ? STR("dcp")
					 : STR("did"));
	put_sha_of(caller, "token", peer->bearer);
	if (peer->method.n) json_put_str(caller, "method", peer->method);
	json_put_str(caller, "key", str_of(evidence_key_print(&peer->key, key)));
	if (peer->credentials) put_credentials(caller, peer->credentials);
}

enum err evidence_receive(struct arena *a, const struct ds_peer *peer, const char *type, struct str body,
			  struct evidence_in *ret)
{
	struct evidence_in in = {.type = type, .size = body.n, .caller = json_keep(a, json_object())};

	if (!in.caller) return ERR_NO_MEMORY;
	put_caller(in.caller, peer);
	if (body.n <= EVIDENCE_MESSAGE_MAX) in.octets = arena_dup(a, body);
	in.token = arena_dup(a, peer->bearer);
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	*ret = in;
	return ERR_OK;
}

/* ---- in the command ---- */

enum err evidence_make(const struct turn *u, const Ds__Negotiation *n, const char *state, struct str *ret)
{
	const struct evidence_in *in = u->evidence;
	struct buf b = BUF_INIT(RECORD_MAX);
	char when[CLOCK_TEXT];
	json_t *j = json_deep_copy(in->caller);
	enum err e;

	must(j);
	json_put_u64(j, "v", 1);
	json_put_str(j, "type", str_of(in->type));
	json_put_str(j, "state", str_of(state));
	json_put_str(j, "time", str_of(clock_print(u->t->now, true, when)));
	json_put_str(j, "negotiation", str_of(n->pid));
	json_put_str(j, "partner_negotiation", str_of(n->peer_pid));
	json_put_str(j, "from", str_of(n->peer));
	json_put_str(j, "to", u->self->did);
	json_put_str(j, "version", str_of(ds_dialect_name(u->dialect)));
	put_sha(j, "message", u->digest);
	json_put_u64(j, "size", in->size);
	e = json_jcs(j, &b);
	if (!e) e = buf_err(&b);
	json_decref(j);
	if (!e) *ret = arena_dup(u->a, buf_str(&b));
	buf_done(&b);
	return !e && !ret->p ? ERR_NO_MEMORY : e;
}

void evidence_cite(struct str record, json_t *detail)
{
	put_sha_of(detail, "evidence", record);
}

enum err evidence_put(const struct turn *u, Ds__Negotiation *n, struct str record, uint64_t leaf)
{
	const struct evidence_in *in = u->evidence;
	struct ds_key k = ds_key(u->self->id, str_of(n->pid), STR_NONE);
	size_t more = in->octets.n + in->token.n;
	Ds__Evidence row;
	enum err e;

	ds__evidence__init(&row);
	row.format = EVIDENCE_FORMAT;
	row.record = turn_text(u, record);
	row.leaf = leaf;
	if (n->evidence_octets + more <= EVIDENCE_OCTETS_MAX) {
		row.message = (ProtobufCBinaryData){in->octets.n, (uint8_t *)(uintptr_t)in->octets.p};
		row.token = turn_text(u, in->token);
		n->evidence_octets += more;
	}
	ds_key_u64(&k, n->evidence);
	e = ds_row_put(u->t, DS_TABLE_evidence, &k, &row.base);
	if (e) return e;
	n->evidence++;
	n->by = turn_text(u, json_text(json_object_get(in->caller, "by")));
	return ERR_OK;
}

/* ---- afterwards ---- */

enum err evidence_each(struct store_txn *t, struct arena *a, struct str participant, struct str negotiation,
		       evidence_fn *fn, void *arg)
{
	struct ds_key k;
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e;

	if (turn_name_check(negotiation, DS_PID_MAX, "negotiation", NULL)) return ERR_OK;
	k = ds_key(participant, negotiation, STR_NONE);
	e = ds_row_scan_open(&scan, t, DS_TABLE_evidence, &k, STR_NONE);
	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__evidence__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Evidence *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

json_t *evidence_show(struct arena *a, const Ds__Evidence *e)
{
	json_t *j = json_object(), *record = json_loads(e->record, 0, NULL);

	must(j);
	json_put(j, "record", record ? record : json_null());
	if (e->message.len)
		json_put_str(j, "message",
			     base64_write(a, str_n((const char *)e->message.data, e->message.len)));
	if (e->token[0]) json_put_str(j, "token", str_of(e->token));
	return j;
}
