#include "dataspace/did.h"

#include "base/text64.h"

enum { DID_METHODS_MAX = 64 }; /* entries of one document we look at */

static const char did_prefix[] = "did:web:";

static bool did_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-' || c == '_' || c == '~' || c == '%';
}

static enum err did_octets(struct str s, size_t offset, struct flaw *f)
{
	for (size_t i = 0; i < s.n; i++)
		if (!did_octet(s.p[i]))
			return flaw_set(f, ERR_BAD_INPUT, offset + i, "", "did-octet",
					"a did:web holds letters, digits and . - _ ~ %% only");
	return s.n ? ERR_OK
		   : flaw_set(f, ERR_BAD_INPUT, offset, "", "did-segment",
			      "a segment of a did:web is empty");
}

enum err did_from_url(struct arena *a, struct str url, struct flaw *f, struct str *ret)
{
	struct buf b = BUF_INIT(DS_DID_MAX);
	struct str rest = url, part;
	bool first = true;
	enum err e = ERR_OK;

	if (str_starts(rest, STR("https://")))
		rest = str_skip(rest, 8);
	else if (str_starts(rest, STR("http://")))
		rest = str_skip(rest, 7);
	else
		return flaw_set(f, ERR_BAD_INPUT, 0, "", "url",
				"the URL begins with neither https:// nor http://");
	buf_add(&b, STR("did:web"));
	while (!e && str_split(&rest, '/', &part)) {
		size_t colon = first ? str_find(part, ':') : part.n;

		e = did_octets(str_first(part, colon), (size_t)(part.p - url.p), f);
		if (!e && colon < part.n)
			e = did_octets(str_skip(part, colon + 1), (size_t)(part.p - url.p), f);
		buf_byte(&b, ':');
		buf_add(&b, str_first(part, colon));
		if (colon < part.n) {
			buf_add(&b, STR("%3A"));
			buf_add(&b, str_skip(part, colon + 1));
		}
		first = false;
	}
	if (!e && buf_err(&b))
		e = flaw_set(f, ERR_BAD_INPUT, 0, "", "did-length", "the URL is too long for a DID");
	if (!e) {
		*ret = arena_dup(a, buf_str(&b));
		if (!ret->p) e = ERR_NO_MEMORY;
	}
	buf_done(&b);
	return e;
}

enum err did_to_url(struct arena *a, struct str did, const char *scheme, struct flaw *f, struct str *ret)
{
	struct buf b = BUF_INIT(DS_URL_MAX);
	struct str rest, part;
	bool first = true;
	enum err e = ERR_OK;

	if (did.n > DS_DID_MAX || !str_starts(did, str_of(did_prefix)))
		return flaw_set(f, ERR_BAD_INPUT, 0, "", "did-web",
				"only did:web identifiers are understood here");
	rest = str_skip(did, sizeof did_prefix - 1);
	buf_printf(&b, "%s://", scheme);
	while (!e && str_split(&rest, ':', &part)) {
		e = did_octets(part, (size_t)(part.p - did.p), f);
		if (!first) buf_byte(&b, '/');
		for (size_t i = 0; i < part.n; i++) {
			if (first && part.p[i] == '%' && str_starts_nocase(str_skip(part, i), STR("%3a"))) {
				buf_byte(&b, ':');
				i += 2;
			} else {
				buf_byte(&b, part.p[i]);
			}
		}
		first = false;
	}
	if (!e && buf_err(&b)) e = ERR_TOO_LARGE;
	if (!e) {
		*ret = arena_dup(a, buf_str(&b));
		if (!ret->p) e = ERR_NO_MEMORY;
	}
	buf_done(&b);
	return e;
}

enum err did_from_text(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	static const char *const tails[] = {"/", "/did.json", "/.well-known/dspace-version", DS_DSP_PATH};
	struct str url;

	if (str_starts(text, STR("did:"))) {
		enum err e = did_to_url(a, text, "https", f, &url);

		if (!e) *ret = text;
		return e;
	}
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if (str_ends(text, str_of(tails[i]))) text.n -= strlen(tails[i]);
	return did_from_url(a, text, f, ret);
}

static json_t *method_write(struct str id, const struct ds_self *self, const char *type)
{
	json_t *m = json_object();

	must(m);
	json_put_str(m, "id", id);
	json_put_str(m, "type", str_of(type));
	json_put_str(m, "controller", self->did);
	return m;
}

struct str did_document_write(struct arena *a, const struct ds_self *self)
{
	char multibase[SIGN_MULTIBASE];
	struct str method = str_of(self->method), kid = str_of(self->kid);
	struct str x = base64url_write(a, str_n(sign_public(self->key), SIGN_PUBLIC));
	struct str dsp = arena_printf(a, "%s" DS_DSP_PATH, self->base);
	struct str catalog_id = arena_printf(a, "%.*s#catalog", STR_ARG(self->did));
	json_t *doc = json_object(), *methods = json_array(), *key = method_write(method, self, "Multikey");
	json_t *jwk = method_write(kid, self, "JsonWebKey2020");

	must(doc && methods);
	sign_public_multibase(sign_public(self->key), multibase);
	json_put_str(key, "publicKeyMultibase", str_of(multibase));
	json_put(jwk, "publicKeyJwk",
		 json_pack("{s:s,s:s,s:s%}", "kty", "OKP", "crv", "Ed25519", "x", x.p, x.n));
	must(!json_array_append_new(methods, key) && !json_array_append_new(methods, jwk));
	json_put(doc, "@context",
		 json_pack("[s,s,s]", "https://www.w3.org/ns/did/v1",
			   "https://w3id.org/security/multikey/v1",
			   "https://w3id.org/security/suites/jws-2020/v1"));
	json_put_str(doc, "id", self->did);
	json_put(doc, "verificationMethod", methods);
	json_put(doc, "assertionMethod", json_pack("[s%]", method.p, method.n));
	json_put(doc, "authentication", json_pack("[s%]", kid.p, kid.n));
	json_put(doc, "capabilityInvocation", json_pack("[s%]", kid.p, kid.n));
	json_put(doc, "service",
		 json_pack("[{s:s%,s:s,s:s%}]", "id", catalog_id.p, catalog_id.n, "type", "DataService",
			   "serviceEndpoint", dsp.p, dsp.n));
	return json_write(a, json_keep(a, doc), false);
}

static enum err method_key(struct arena *a, json_t *m, unsigned char key[SIGN_PUBLIC])
{
	struct str text, octets;
	json_t *jwk;

	if (!json_str(m, "", "publicKeyMultibase", NULL, &text)) return sign_public_parse(text, key);
	if (json_obj(m, "", "publicKeyJwk", NULL, &jwk)) return ERR_NOT_FOUND;
	if (json_str(jwk, "", "crv", NULL, &text) || !str_is(text, "Ed25519")) return ERR_NOT_FOUND;
	if (json_str(jwk, "", "x", NULL, &text) || base64url_parse(a, text, &octets)) return ERR_NOT_FOUND;
	if (octets.n != SIGN_PUBLIC) return ERR_NOT_FOUND;
	memcpy(key, octets.p, SIGN_PUBLIC);
	return ERR_OK;
}

/* "did:web:x#key" or "#key" as the full method id; false when it belongs to another subject. */
static bool method_id(struct str id, struct str did, char out[DS_METHOD_MAX])
{
	struct str frag = id;

	if (str_starts(id, did)) frag = str_skip(id, did.n);
	if (frag.n < 2 || frag.p[0] != '#' || did.n + frag.n >= DS_METHOD_MAX) return false;
	memcpy(out, did.p, did.n);
	memcpy(out + did.n, frag.p, frag.n);
	out[did.n + frag.n] = 0;
	return true;
}

static void keys_read(struct arena *a, json_t *methods, struct str did, struct ds_did *ret)
{
	for (size_t i = 0; i < json_array_size(methods) && i < DID_METHODS_MAX; i++) {
		json_t *m = json_array_get(methods, i);
		struct str id;

		if (ret->keys_n == DS_DID_KEYS) return;
		if (!json_is_object(m) || json_str(m, "", "id", NULL, &id)) continue;
		if (!method_id(id, did, ret->key[ret->keys_n].method)) continue;
		if (!method_key(a, m, ret->key[ret->keys_n].key)) ret->keys_n++;
	}
}

static void service_read(json_t *services, struct ds_did *ret)
{
	for (size_t i = 0; i < json_array_size(services) && i < DID_METHODS_MAX; i++) {
		json_t *s = json_array_get(services, i);
		struct str type, endpoint;

		if (!json_is_object(s) || json_str(s, "", "type", NULL, &type) ||
		    json_str(s, "", "serviceEndpoint", NULL, &endpoint))
			continue;
		if (!str_is(type, "DataService") && !str_is(type, "CatalogService")) continue;
		if (str_ends(endpoint, STR("/catalog"))) endpoint.n -= 8;
		while (str_ends(endpoint, STR("/"))) endpoint.n--;
		if (!endpoint.n || endpoint.n >= sizeof ret->dsp) continue;
		memcpy(ret->dsp, endpoint.p, endpoint.n);
		ret->dsp[endpoint.n] = 0;
		return;
	}
}

enum err did_document_parse(struct arena *a, struct str text, struct str did, struct flaw *f,
			    struct ds_did *ret)
{
	struct ds_did doc = {.keys_n = 0};
	json_t *j, *methods = NULL, *services = NULL;
	struct str id;
	enum err e = json_read(a, text, f, &j);

	if (!e && !json_is_object(j))
		e = flaw_set(f, ERR_BAD_MESSAGE, 0, "", "type", "a DID document is an object");
	if (!e) e = json_str(j, "", "id", f, &id);
	if (!e && !str_eq(id, did))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "id", "did-subject",
			     "the document is about %.*s", STR_ARG(str_first(id, 100)));
	if (!e) e = json_arr_opt(j, "", "verificationMethod", f, &methods);
	if (!e) e = json_arr_opt(j, "", "service", f, &services);
	if (e) return e;
	keys_read(a, methods, did, &doc);
	service_read(services, &doc);
	if (!doc.keys_n)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "verificationMethod", "did-keys",
				"the document has no Ed25519 key");
	*ret = doc;
	return ERR_OK;
}

enum err ds_did_key(const struct ds_did *doc, struct str method, const unsigned char **ret)
{
	for (size_t i = 0; i < doc->keys_n; i++) {
		if (!str_is(method, doc->key[i].method)) continue;
		*ret = doc->key[i].key;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}
