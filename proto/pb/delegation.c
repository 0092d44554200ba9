#include "proto/pb/delegation.h"

#include "base/sign.h"
#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"

/* Field numbers of kanhe.proto. */
enum {
	VERSION = 1,
	SCHEME,
	PREFIX,
	PREFIX_TEXT,
	PARENT,
	CHILD,
	KEYS,
	ENDPOINTS,
	NOT_BEFORE,
	NOT_AFTER,
	SERIAL
};
enum { KEY_SUITE = 1, KEY_PUBLIC, KEY_KID };
enum { ENDPOINT_PROTOCOL = 1, ENDPOINT_URL };

static const struct pb_kind delegation_kind = {&kanhe__delegation__descriptor, DELEGATION_VERSION,
					       DELEGATION_PACKED_MAX};

static bool text_ok(struct str s)
{
	return s.n && s.n <= DELEGATION_TEXT_MAX;
}

static enum err keys_check(const struct delegation *d, struct flaw *f)
{
	if (!d->keys_n || d->keys_n > DELEGATION_KEYS_MAX) return pb_flaw(f, "count", "keys");
	for (size_t i = 0; i < d->keys_n; i++) {
		const struct node_key *k = &d->keys[i];
		if (!k->suite) return pb_flaw(f, "missing", "keys[%zu].suite", i);
		if (!k->public.n || k->public.n > DELEGATION_TEXT_MAX ||
		    (k->suite == SIGN_SUITE_ED25519 && k->public.n != SIGN_PUBLIC))
			return pb_flaw(f, "length", "keys[%zu].public", i);
		if (!text_ok(k->kid)) return pb_flaw(f, "length", "keys[%zu].kid", i);
	}
	return ERR_OK;
}

static bool protocol_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		      s.p[i] == '-'))
			return false;
	return s.n && s.n <= 32;
}

static enum err endpoints_check(const struct delegation *d, struct flaw *f)
{
	if (!d->endpoints_n || d->endpoints_n > DELEGATION_ENDPOINTS_MAX)
		return pb_flaw(f, "count", "endpoints");
	for (size_t i = 0; i < d->endpoints_n; i++) {
		if (!protocol_ok(d->endpoints[i].protocol))
			return pb_flaw(f, "value", "endpoints[%zu].protocol", i);
		if (!text_ok(d->endpoints[i].url)) return pb_flaw(f, "length", "endpoints[%zu].url", i);
	}
	return ERR_OK;
}

/* The prefix must be what its text says, octet for octet: people decide by the text. */
static enum err prefix_check(struct arena *a, const struct delegation *d, struct flaw *f)
{
	struct id_prefix p;
	enum err e = id_prefix_from_key(a, d->prefix, NULL, &p);
	if (e == ERR_NO_MEMORY)
		return flaw_set(f, e, FLAW_NO_OFFSET, "prefix", "memory", "%s", err_text(e));
	if (e) return pb_flaw(f, "boundary", "prefix");
	if (p.scheme != d->scheme) return pb_flaw(f, "scheme", "scheme");
	if (!str_eq(p.text, d->prefix_text)) return pb_flaw(f, "prefix-text", "prefix_text");
	return ERR_OK;
}

static enum err content_check(struct arena *a, const struct delegation *d, struct flaw *f)
{
	enum err e = prefix_check(a, d, f);
	if (e) return e;
	if (!text_ok(d->parent)) return pb_flaw(f, "length", "parent");
	if (!text_ok(d->child)) return pb_flaw(f, "length", "child");
	if (d->not_before < 0 || d->not_after <= d->not_before) return pb_flaw(f, "validity", "not_after");
	e = keys_check(d, f);
	return e ? e : endpoints_check(d, f);
}

enum err delegation_pack(const struct delegation *d, struct buf *out)
{
	size_t from = out->n;
	must(!keys_check(d, NULL) && !endpoints_check(d, NULL) && d->not_before >= 0);
	pb_put_u64(out, VERSION, DELEGATION_VERSION);
	pb_put_u64(out, SCHEME, d->scheme);
	pb_put_bytes(out, PREFIX, d->prefix);
	pb_put_bytes(out, PREFIX_TEXT, d->prefix_text);
	pb_put_bytes(out, PARENT, d->parent);
	pb_put_bytes(out, CHILD, d->child);
	for (size_t i = 0; i < d->keys_n; i++) {
		size_t mark = pb_open(out, KEYS);
		pb_put_u64(out, KEY_SUITE, d->keys[i].suite);
		pb_put_bytes(out, KEY_PUBLIC, d->keys[i].public);
		pb_put_bytes(out, KEY_KID, d->keys[i].kid);
		pb_close(out, mark);
	}
	for (size_t i = 0; i < d->endpoints_n; i++) {
		size_t mark = pb_open(out, ENDPOINTS);
		pb_put_bytes(out, ENDPOINT_PROTOCOL, d->endpoints[i].protocol);
		pb_put_bytes(out, ENDPOINT_URL, d->endpoints[i].url);
		pb_close(out, mark);
	}
	pb_put_u64(out, NOT_BEFORE, (uint64_t)d->not_before);
	pb_put_u64(out, NOT_AFTER, (uint64_t)d->not_after);
	pb_put_u64(out, SERIAL, d->serial);
	return pb_done(out, from, DELEGATION_PACKED_MAX);
}

enum err delegation_unpack(struct arena *a, struct str packed, struct flaw *f, struct delegation *ret)
{
	Kanhe__Delegation *m;
	enum err e = pb_unpack(a, &delegation_kind, packed, f, &m);
	if (e) return e;
	struct delegation d = {
	    .scheme = (enum id_scheme)m->scheme,
	    .prefix = pb_str(m->prefix),
	    .prefix_text = str_of(m->prefix_text),
	    .parent = str_of(m->parent),
	    .child = str_of(m->child),
	    .keys = ARENA_ARRAY(a, struct node_key, m->n_keys),
	    .keys_n = m->n_keys,
	    .endpoints = ARENA_ARRAY(a, struct endpoint, m->n_endpoints),
	    .endpoints_n = m->n_endpoints,
	    .not_before = m->not_before,
	    .not_after = m->not_after,
	    .serial = m->serial,
	};
	if (!d.keys || !d.endpoints)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "delegation", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	for (size_t i = 0; i < d.keys_n; i++)
		d.keys[i] = (struct node_key){m->keys[i]->suite, pb_str(m->keys[i]->public_),
					      str_of(m->keys[i]->kid)};
	for (size_t i = 0; i < d.endpoints_n; i++)
		d.endpoints[i] =
		    (struct endpoint){str_of(m->endpoints[i]->protocol), str_of(m->endpoints[i]->url)};
	e = content_check(a, &d, f);
	if (!e) *ret = d;
	return e;
}

struct str delegation_endpoint(const struct delegation *d, const char *protocol)
{
	for (size_t i = 0; i < d->endpoints_n; i++)
		if (str_is(d->endpoints[i].protocol, protocol)) return d->endpoints[i].url;
	return STR_NONE;
}
