#include "resolver/delegation.h"

#include "base/hash.h"
#include "resolver/entry.h"

enum { PATH_MAX_TEXT = 64 };

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

/* Host, "[v6]", either with ":port". */
static bool authority_ok(struct str s)
{
	uint64_t port;
	size_t host = str_starts(s, STR("[")) ? str_find(s, ']') + 1 : str_find(s, ':');
	if (!host || host > s.n) return false;
	struct str rest = str_skip(s, host);
	if (!rest.n) return true;
	return rest.p[0] == ':' && !str_u64(str_skip(rest, 1), &port) && port > 0 && port <= 65535;
}

bool delegation_url_ok(struct str url)
{
	struct str rest;
	if (str_starts(url, STR("https://")))
		rest = str_skip(url, 8);
	else if (str_starts(url, STR("http://")))
		rest = str_skip(url, 7);
	else
		return false;
	if (url.n > DELEGATION_TEXT_MAX || !authority_ok(str_first(rest, str_find(rest, '/'))))
		return false;
	for (size_t i = 0; i < rest.n; i++) {
		unsigned char c = (unsigned char)rest.p[i];
		if (c <= ' ' || c >= 0x7f || strchr("?#@\\\"<>^`{|}", c)) return false;
	}
	return true;
}

static bool did_ok(struct str did)
{
	if (!str_starts(did, STR("did:")) || did.n < 8 || did.n > DELEGATION_TEXT_MAX - SIGN_MULTIBASE)
		return false;
	for (size_t i = 0; i < did.n; i++) {
		unsigned char c = (unsigned char)did.p[i];
		if (c <= ' ' || c >= 0x7f || c == '#' || c == '?' || c == '/') return false;
	}
	return true;
}

static enum err read_key(struct arena *a, json_t *item, size_t i, struct flaw *f, struct delegation *d)
{
	char at[PATH_MAX_TEXT];
	struct str text = json_text(item);
	unsigned char *pub = arena_alloc(a, SIGN_PUBLIC);
	if (!pub) return ERR_NO_MEMORY;
	snprintf(at, sizeof at, "keys[%zu]", i);
	if (!text.p || sign_public_parse(text, pub))
		return bad(f, at, "key", "expected an Ed25519 key in multibase form (z6Mk…)");
	struct str kid = arena_printf(a, "%.*s#%.*s", STR_ARG(d->child), STR_ARG(text));
	if (!kid.p) return ERR_NO_MEMORY;
	d->keys[i] = (struct node_key){SIGN_SUITE_ED25519, str_n(pub, SIGN_PUBLIC), kid};
	return ERR_OK;
}

static enum err read_keys(struct arena *a, json_t *j, struct flaw *f, struct delegation *d)
{
	json_t *list = NULL;
	enum err e = json_arr(j, "", "keys", f, &list);
	if (e) return e;
	d->keys_n = json_array_size(list);
	if (!d->keys_n || d->keys_n > DELEGATION_KEYS_MAX)
		return bad(f, "keys", "keys-number", "expected 1 to 8 keys");
	d->keys = ARENA_ARRAY(a, struct node_key, d->keys_n);
	if (!d->keys) return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->keys_n && !e; i++) e = read_key(a, json_array_get(list, i), i, f, d);
	return e;
}

static bool protocol_ok(struct str p)
{
	for (size_t i = 0; i < p.n; i++)
		if (!((p.p[i] >= 'a' && p.p[i] <= 'z') || (p.p[i] >= '0' && p.p[i] <= '9'))) return false;
	return p.n && p.n <= 16;
}

static enum err read_endpoint(json_t *item, size_t i, struct flaw *f, struct endpoint *ret)
{
	char at[PATH_MAX_TEXT];
	snprintf(at, sizeof at, "endpoints[%zu]", i);
	if (!json_is_object(item)) return bad(f, at, "endpoint", "expected an object");
	enum err e = json_str(item, at, "protocol", f, &ret->protocol);
	if (!e) e = json_str(item, at, "url", f, &ret->url);
	if (e) return e;
	if (!protocol_ok(ret->protocol))
		return bad(f, at, "protocol", "a protocol is 1 to 16 lower-case letters or digits");
	bool web = str_is(ret->protocol, "http") || str_is(ret->protocol, "https");
	while (web && ret->url.n && ret->url.p[ret->url.n - 1] == '/') ret->url.n--;
	if (web && (!delegation_url_ok(ret->url) || !str_starts(ret->url, ret->protocol) ||
		    ret->url.p[ret->protocol.n] != ':'))
		return bad(f, at, "url",
			   "expected an absolute URL of that protocol, without user, query or fragment");
	if (!ret->url.n || ret->url.n > DELEGATION_TEXT_MAX)
		return bad(f, at, "url", "expected 1 to 2,048 octets");
	return ERR_OK;
}

static enum err read_endpoints(struct arena *a, json_t *j, struct flaw *f, struct delegation *d)
{
	json_t *list = NULL;
	bool web = false;
	enum err e = json_arr(j, "", "endpoints", f, &list);
	if (e) return e;
	d->endpoints_n = json_array_size(list);
	if (!d->endpoints_n || d->endpoints_n > DELEGATION_ENDPOINTS_MAX)
		return bad(f, "endpoints", "endpoints-number", "expected 1 to 16 endpoints");
	d->endpoints = ARENA_ARRAY(a, struct endpoint, d->endpoints_n);
	if (!d->endpoints) return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->endpoints_n; i++) {
		e = read_endpoint(json_array_get(list, i), i, f, &d->endpoints[i]);
		if (e) return e;
		web |=
		    str_is(d->endpoints[i].protocol, "http") || str_is(d->endpoints[i].protocol, "https");
	}
	return web ? ERR_OK : bad(f, "endpoints", "endpoint-web", "one endpoint must be http or https");
}

static enum err read_time(json_t *j, const char *name, struct flaw *f, usec_t *ret)
{
	struct str text = STR_NONE;
	enum err e = json_str_opt(j, "", name, f, &text);
	if (!e && text.p && clock_parse(text, ret))
		e = bad(f, name, "time", "expected an RFC 3339 time or date");
	return e;
}

static enum err read_term(json_t *j, usec_t now, struct flaw *f, struct delegation *d)
{
	d->not_before = now;
	enum err e = read_time(j, "not_before", f, &d->not_before);
	d->not_after = d->not_before + DELEGATION_DAYS * USEC_PER_DAY;
	if (!e) e = read_time(j, "not_after", f, &d->not_after);
	if (!e && (d->not_after <= d->not_before || d->not_after <= now))
		e = bad(f, "not_after", "term",
			"the term must end later than it begins, and later than now");
	return e;
}

enum err delegation_read_json(struct arena *a, json_t *j, usec_t now, struct flaw *f,
			      struct delegation *ret)
{
	struct delegation d = {.serial = 0};
	struct id_prefix prefix;
	struct str text;
	if (!json_is_object(j)) return bad(f, "", "object", "expected a JSON object");
	enum err e = json_str(j, "", "prefix", f, &text);
	if (!e) e = json_str(j, "", "did", f, &d.child);
	if (e) return e;
	e = id_prefix_parse(a, text, f, &prefix);
	if (e) {
		if (f) snprintf(f->at, sizeof f->at, "prefix");
		return e;
	}
	d.scheme = prefix.scheme;
	d.prefix = prefix.key;
	d.prefix_text = prefix.text;
	if (!did_ok(d.child)) return bad(f, "did", "did", "expected a DID such as did:web:example.org");
	e = read_keys(a, j, f, &d);
	if (!e) e = read_endpoints(a, j, f, &d);
	if (!e) e = read_term(j, now, f, &d);
	if (!e) *ret = d;
	return e;
}

static enum err next_serial(struct writer_txn *t, struct str prefix, uint64_t *ret)
{
	struct str last;
	enum err e = store_get(t->store, RS_TABLE_serial, prefix, &last);
	if (e == ERR_NOT_FOUND) {
		*ret = 1;
		return ERR_OK;
	}
	if (!e && last.n != 8) e = ERR_CORRUPT;
	if (!e) *ret = store_u64(last) + 1;
	return e;
}

enum err delegation_check_free(struct store_txn *t, struct str key, size_t from)
{
	size_t ends[ID_BOUNDARIES_MAX];
	struct str value;
	size_t n = id_key_boundaries(key, ends);
	for (size_t i = 0; i < n; i++) {
		if (ends[i] <= from || ends[i] > key.n) continue;
		enum err e = store_get(t, RS_TABLE_delegation, str_first(key, ends[i]), &value);
		if (e != ERR_NOT_FOUND) return e ? e : ERR_NOT_RESPONSIBLE;
	}
	return ERR_OK;
}

enum err delegation_check_range(struct store_txn *t, struct str first, struct str last, size_t from)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = delegation_check_free(t, first, from);
	if (e) return e;
	e = store_cursor_open(t, RS_TABLE_delegation, &c);
	if (e) return e;
	/* a longer prefix covers none of the keys, which are of one length */
	for (e = store_cursor_seek(c, first, &key, &value); !e && str_cmp(key, last) <= 0;
	     e = store_cursor_next(c, &key, &value))
		if (key.n <= last.n) break;
	bool found = !e && str_cmp(key, last) <= 0;
	store_cursor_close(c);
	return found ? ERR_NOT_RESPONSIBLE : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Another child above it? Its own row does not count. */
static enum err check_no_child_above(struct store_txn *t, struct str prefix)
{
	size_t ends[ID_BOUNDARIES_MAX];
	struct str value;
	size_t n = id_key_boundaries(prefix, ends);
	for (size_t i = 0; i < n; i++) {
		if (ends[i] >= prefix.n) continue;
		enum err e = store_get(t, RS_TABLE_delegation, str_first(prefix, ends[i]), &value);
		if (e != ERR_NOT_FOUND) return e ? e : ERR_CONFLICT;
	}
	return ERR_OK;
}

static enum err note_granted(struct writer_txn *t, struct str who, const struct delegation *d,
			     struct str packed)
{
	unsigned char digest[HASH_SHA256];
	struct buf entry;
	hash_sha256(packed, digest);
	entry_open(&entry);
	entry_text(&entry, "child", d->child);
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "kind", STR("delegation.granted"));
	entry_text(&entry, "prefix", d->prefix_text);
	entry_number(&entry, "serial", d->serial);
	return entry_append(&entry, t, who, NULL);
}

enum err delegation_put(struct writer_txn *t, const struct delegation_signer *s, struct str who,
			struct delegation *d, struct buf *signed_out)
{
	unsigned char k[8];
	struct buf payload = BUF_INIT(DELEGATION_PACKED_MAX);
	enum err e = check_no_child_above(t->store, d->prefix);
	if (!e) e = next_serial(t, d->prefix, &d->serial);
	if (e) return e;
	d->parent = s->did;
	buf_clear(signed_out);
	e = delegation_pack(d, &payload);
	if (!e) e = envelope_sign(ENVELOPE_DELEGATION, buf_str(&payload), s->key, s->kid, signed_out);
	buf_done(&payload);
	if (!e) e = store_put(t->store, RS_TABLE_delegation, d->prefix, buf_str(signed_out));
	if (!e) e = store_put(t->store, RS_TABLE_serial, d->prefix, store_key_u64(k, d->serial));
	return e ? e : note_granted(t, who, d, buf_str(signed_out));
}

enum err delegation_withdraw(struct writer_txn *t, struct str who, const struct id_prefix *prefix)
{
	unsigned char digest[HASH_SHA256];
	struct str packed;
	struct buf entry;
	enum err e = store_get(t->store, RS_TABLE_delegation, prefix->key, &packed);
	if (e) return e;
	hash_sha256(packed, digest);
	e = store_del(t->store, RS_TABLE_delegation, prefix->key);
	if (e) return e;
	entry_open(&entry);
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "kind", STR("delegation.withdrawn"));
	entry_text(&entry, "prefix", prefix->text);
	return entry_append(&entry, t, who, NULL);
}

enum err delegation_each(struct store_txn *t, delegation_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, RS_TABLE_delegation, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, STR(""), &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		enum err stop = fn(arg, key, value);
		if (stop) {
			store_cursor_close(c);
			return stop;
		}
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err delegation_open(struct arena *a, struct str packed, struct delegation *ret)
{
	struct envelope env;
	enum err e = envelope_unpack(packed, NULL, &env);
	if (!e) e = delegation_unpack(a, env.payload, NULL, ret);
	return !e || e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
}

enum err trust_verify(const struct trust *t, const struct envelope *e, enum envelope_kind kind,
		      struct flaw *f)
{
	enum err r = ERR_BAD_SIGNATURE;
	for (size_t i = 0; i < t->keys_n && r; i++) r = envelope_verify(e, kind, t->keys[i], f);
	return r;
}

void trust_from_delegation(const struct delegation *d, struct trust *ret)
{
	*ret = (struct trust){.prefix = d->prefix};
	for (size_t i = 0; i < d->keys_n && i < DELEGATION_KEYS_MAX; i++) {
		const struct node_key *k = &d->keys[i];
		if (k->suite != SIGN_SUITE_ED25519 || k->public.n != SIGN_PUBLIC) continue;
		memcpy(ret->keys[ret->keys_n++], k->public.p, SIGN_PUBLIC);
	}
}

static enum err bogus(struct flaw *f, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BOGUS, FLAW_NO_OFFSET, "delegation", rule, "%s", text);
}

static enum err check_terms(const struct delegation *d, const struct expected *x, struct flaw *f)
{
	const usec_t skew = DELEGATION_SKEW_SEC * USEC_PER_SEC;
	struct trust child;
	if (!id_prefix_covers(x->trust.prefix, d->prefix))
		return bogus(f, "delegation-outside", "it gives away a prefix that is not the parent's");
	if (x->now + skew < d->not_before)
		return bogus(f, "delegation-early", "the delegation is not in force yet");
	if (x->now >= d->not_after) return bogus(f, "delegation-expired", "the delegation has expired");
	trust_from_delegation(d, &child);
	if (!child.keys_n) return bogus(f, "delegation-keys", "no key of a suite known here");
	for (size_t i = 0; i < d->endpoints_n; i++) {
		const struct endpoint *p = &d->endpoints[i];
		if ((str_is(p->protocol, "https") || str_is(p->protocol, "http")) &&
		    delegation_url_ok(p->url))
			return ERR_OK;
	}
	return bogus(f, "delegation-endpoint", "no http or https endpoint");
}

enum err delegation_verify(struct arena *a, struct str packed, const struct expected *x, struct flaw *f,
			   struct delegation *ret)
{
	struct envelope env;
	struct delegation d;
	struct flaw why = {0};
	enum err e = envelope_unpack(packed, &why, &env);
	if (!e && trust_verify(&x->trust, &env, ENVELOPE_DELEGATION, &why))
		return bogus(f, "delegation-signature", "the parent's key did not sign this delegation");
	if (!e) e = delegation_unpack(a, env.payload, &why, &d);
	if (e == ERR_NO_MEMORY) return e;
	if (e) return bogus(f, why.rule[0] ? why.rule : "delegation-form", why.text);
	e = check_terms(&d, x, f);
	if (!e) *ret = d;
	return e;
}
