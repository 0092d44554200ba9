#include "proto/did/document.h"

#include <stdio.h>

#include "base/text64.h"
#include "proto/did/name.h"

enum { PATH_TEXT = 96 };

static const struct {
	const char *member;
	unsigned bit;
} purposes[] = {
#define X(name, bit, member) {member, bit},
    DID_PURPOSES(X)
#undef X
};

#define PURPOSES (sizeof purposes / sizeof *purposes)

/* Where the reader stands. */
struct reading {
	struct arena *a;
	struct flaw *f;
	struct did_document *d;
};

static enum err refuse(struct reading *r, const char *at, const char *rule, const char *why)
{
	return flaw_set(r->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s: %s", at, why);
}

static enum err read_text(struct reading *r, json_t *obj, const char *path, const char *key,
			  struct str *ret)
{
	struct str s = STR_NONE;
	enum err e = json_str(obj, path, key, r->f, &s);
	if (e) return e;
	if (!s.n || s.n > DID_URL_MAX) return refuse(r, path, "value", "a text is empty or too long");
	*ret = s;
	return ERR_OK;
}

/* An id inside the document: absolute, or a fragment of the document's own name. */
static enum err absolute(struct reading *r, struct str id, const char *at, struct str *ret)
{
	if (str_starts(id, STR("did:"))) {
		*ret = id;
		return ERR_OK;
	}
	if (!str_starts(id, STR("#")) || id.n < 2)
		return refuse(r, at, "value", "an id is neither a DID URL nor a fragment");
	if (r->d->id.n + id.n > DID_URL_MAX) return refuse(r, at, "value", "an id is too long");
	*ret = arena_printf(r->a, "%.*s%.*s", STR_ARG(r->d->id), STR_ARG(id));
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static enum err read_multibase(struct reading *r, json_t *m, const char *path, unsigned char *pub,
			       bool *ret_known)
{
	struct str text;
	enum err e = read_text(r, m, path, "publicKeyMultibase", &text);
	if (e) return e;
	/* z6Mk is how every Ed25519 key begins: its two octets of multicodec and the length fix that */
	*ret_known = str_starts(text, STR("z6Mk"));
	if (*ret_known && sign_public_parse(text, pub))
		return refuse(r, path, "key", "publicKeyMultibase is not an Ed25519 key");
	return ERR_OK;
}

static enum err read_jwk(struct reading *r, json_t *m, const char *path, unsigned char *pub,
			 bool *ret_known)
{
	json_t *jwk;
	struct str x, octets;
	enum err e = json_obj(m, path, "publicKeyJwk", r->f, &jwk);
	if (e) return e;
	if (json_object_get(jwk, "d")) return refuse(r, path, "key", "publicKeyJwk holds a private key");
	*ret_known = str_is(json_text(json_object_get(jwk, "kty")), "OKP") &&
		     str_is(json_text(json_object_get(jwk, "crv")), "Ed25519");
	if (!*ret_known) return ERR_OK;
	e = read_text(r, jwk, path, "x", &x);
	if (!e) e = base64url_parse(r->a, x, &octets);
	if (e == ERR_BAD_INPUT || (!e && octets.n != SIGN_PUBLIC))
		return refuse(r, path, "key", "publicKeyJwk is not an Ed25519 key");
	if (!e) memcpy(pub, octets.p, SIGN_PUBLIC);
	return e;
}

static enum err read_half(struct reading *r, json_t *jwk, const char *path, const char *key,
			  unsigned char *ret)
{
	struct str text, octets;
	enum err e = read_text(r, jwk, path, key, &text);
	if (!e) e = base64url_parse(r->a, text, &octets);
	if (e == ERR_BAD_INPUT || (!e && octets.n != 32))
		return refuse(r, path, "key", "publicKeyJwk is not a P-256 key");
	if (!e) memcpy(ret, octets.p, 32);
	return e;
}

static enum err read_ec(struct reading *r, json_t *m, const char *path, struct did_ec_key *ec,
			bool *ret_known)
{
	json_t *jwk = json_object_get(m, "publicKeyJwk");
	struct str text = json_text(json_object_get(m, "publicKeyMultibase"));
	/* zDn is how every P-256 key begins, for the same reason */
	if (str_starts(text, STR("zDn"))) {
		struct str name = arena_printf(r->a, "did:key:%.*s", STR_ARG(text));
		*ret_known = true;
		if (!name.p) return ERR_NO_MEMORY;
		return did_key_parse_p256(name, NULL, ec->pub)
			   ? refuse(r, path, "key", "publicKeyMultibase is not a P-256 key")
			   : ERR_OK;
	}
	*ret_known = str_is(json_text(json_object_get(jwk, "kty")), "EC") &&
		     str_is(json_text(json_object_get(jwk, "crv")), "P-256");
	if (!*ret_known) return ERR_OK;
	enum err e = read_half(r, jwk, path, "x", ec->pub);
	return e ? e : read_half(r, jwk, path, "y", ec->pub + 32);
}

static bool has_id(const struct did_document *d, struct str id)
{
	for (size_t i = 0; i < d->ec_n; i++)
		if (str_eq(d->ec[i].id, id)) return true;
	return did_key_find(d, id, 0) != NULL;
}

static enum err add_ec(struct reading *r, const struct did_key *key, json_t *m, const char *path)
{
	struct did_ec_key ec = {.id = key->id, .purposes = key->purposes};
	bool known;
	enum err e = read_ec(r, m, path, &ec, &known);
	if (e || !known) return e;
	if (r->d->ec_n == DID_KEYS_MAX) return refuse(r, path, "count", "more than 16 keys");
	r->d->ec[r->d->ec_n++] = ec;
	return ERR_OK;
}

static enum err read_material(struct reading *r, json_t *m, const char *path, struct did_key *key,
			      bool *ret_known)
{
	struct str type;
	enum err e = read_text(r, m, path, "type", &type);
	*ret_known = false;
	if (e) return e;
	if (str_is(type, "Multikey") || str_is(type, "Ed25519VerificationKey2020"))
		return read_multibase(r, m, path, key->pub, ret_known);
	if (!str_is(type, "JsonWebKey2020") && !str_is(type, "JsonWebKey")) return ERR_OK;
	key->form = DID_JWK;
	return read_jwk(r, m, path, key->pub, ret_known);
}

static bool is_own(const struct did_document *d, struct str id)
{
	return str_starts(id, d->id) && str_starts(str_skip(id, d->id.n), STR("#"));
}

/* bits: the purposes of a method that stands inside a relationship. */
static enum err read_method(struct reading *r, json_t *m, const char *path, unsigned bits)
{
	struct did_key key = {.purposes = bits};
	struct str id, controller;
	bool known = false;
	enum err e = read_text(r, m, path, "id", &id);
	if (!e) e = absolute(r, id, path, &key.id);
	if (!e) e = read_text(r, m, path, "controller", &controller);
	if (!e) e = read_material(r, m, path, &key, &known);
	if (e) return e;
	if (has_id(r->d, key.id)) return refuse(r, path, "value", "two methods have one id");
	if (!str_eq(controller, r->d->id) || !is_own(r->d, key.id)) return ERR_OK;
	if (!known) return add_ec(r, &key, m, path);
	if (r->d->keys_n == DID_KEYS_MAX) return refuse(r, path, "count", "more than 16 keys");
	r->d->keys[r->d->keys_n++] = key;
	return ERR_OK;
}

static enum err read_methods(struct reading *r, json_t *j)
{
	json_t *all = NULL, *m;
	char path[PATH_TEXT];
	size_t i;
	enum err e = json_arr_opt(j, "", "verificationMethod", r->f, &all);
	json_array_foreach(all, i, m)
	{
		if (e) break;
		snprintf(path, sizeof path, "verificationMethod[%zu]", i);
		e = read_method(r, m, path, 0);
	}
	return e;
}

static enum err read_reference(struct reading *r, json_t *m, const char *path, unsigned bit)
{
	struct str id;
	if (json_is_object(m)) return read_method(r, m, path, bit);
	if (!json_is_string(m)) return refuse(r, path, "type", "must be a string or an object");
	enum err e = absolute(r, json_text(m), path, &id);
	for (size_t i = 0; !e && i < r->d->keys_n; i++)
		if (str_eq(r->d->keys[i].id, id)) r->d->keys[i].purposes |= bit;
	for (size_t i = 0; !e && i < r->d->ec_n; i++)
		if (str_eq(r->d->ec[i].id, id)) r->d->ec[i].purposes |= bit;
	return e;
}

static enum err read_purpose(struct reading *r, json_t *j, const char *member, unsigned bit)
{
	json_t *all = NULL, *m;
	char path[PATH_TEXT];
	size_t i;
	enum err e = json_arr_opt(j, "", member, r->f, &all);
	if (all) r->d->declared |= bit;
	json_array_foreach(all, i, m)
	{
		if (e) break;
		snprintf(path, sizeof path, "%s[%zu]", member, i);
		e = read_reference(r, m, path, bit);
	}
	return e;
}

/* ---- services -------------------------------------------------------------------------------- */

static enum err add_service(struct reading *r, const struct did_service *s, json_t *type, const char *path)
{
	if (!json_is_string(type) || !json_string_length(type))
		return refuse(r, path, "type", "type must be a text or texts");
	if (r->d->services_n == DID_SERVICES_MAX) return refuse(r, path, "count", "more than 32 services");
	r->d->services[r->d->services_n] = *s;
	r->d->services[r->d->services_n++].type = json_text(type);
	return ERR_OK;
}

static enum err read_service(struct reading *r, json_t *j, const char *path)
{
	struct did_service s = {0};
	struct str id;
	size_t i;
	enum err e = read_text(r, j, path, "id", &id);
	if (e) return e;
	json_t *type = json_object_get(j, "type"), *endpoint = json_object_get(j, "serviceEndpoint"), *item;
	/* unlike a key's, it may be any URI */
	if (str_starts(id, STR("#")))
		e = absolute(r, id, path, &s.id);
	else
		s.id = id;
	if (e) return e;
	if (!type || !endpoint) return refuse(r, path, "missing", "type or serviceEndpoint is missing");
	if (json_is_object(endpoint) || json_is_array(endpoint)) return ERR_OK;
	e = read_text(r, j, path, "serviceEndpoint", &s.endpoint);
	if (!e && !json_is_array(type)) return add_service(r, &s, type, path);
	json_array_foreach(type, i, item)
	{
		if (e) break;
		e = add_service(r, &s, item, path);
	}
	return e;
}

static enum err read_services(struct reading *r, json_t *j)
{
	json_t *all = NULL, *s;
	char path[PATH_TEXT];
	size_t i;
	enum err e = json_arr_opt(j, "", "service", r->f, &all);
	json_array_foreach(all, i, s)
	{
		if (e) break;
		snprintf(path, sizeof path, "service[%zu]", i);
		e = read_service(r, s, path);
	}
	return e;
}

enum err did_doc_parse(struct arena *a, json_t *j, struct str did, struct flaw *f, struct did_document *ret)
{
	struct did_document d = {0};
	struct reading r = {a, f, &d};
	enum err e = read_text(&r, j, "", "id", &d.id);
	if (!e && !str_eq(d.id, did))
		return refuse(&r, "id", "value", "it is the document of another subject");
	if (!e) e = read_methods(&r, j);
	for (size_t i = 0; !e && i < PURPOSES; i++)
		e = read_purpose(&r, j, purposes[i].member, purposes[i].bit);
	if (!e) e = read_services(&r, j);
	if (!e) *ret = d;
	return e;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void append(json_t *array, json_t *stolen)
{
	must(json_array_append_new(array, stolen) == 0);
}

static json_t *new_text(struct str s)
{
	return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *make_jwk(struct arena *a, const struct did_key *k)
{
	json_t *jwk = json_object();
	json_put_str(jwk, "kty", STR("OKP"));
	json_put_str(jwk, "crv", STR("Ed25519"));
	json_put_str(jwk, "x", base64url_write(a, str_n(k->pub, SIGN_PUBLIC)));
	return jwk;
}

static json_t *make_method(struct arena *a, const struct did_document *d, const struct did_key *k)
{
	char multibase[SIGN_MULTIBASE];
	json_t *m = json_object();
	json_put_str(m, "id", k->id);
	json_put_str(m, "type", k->form == DID_JWK ? STR("JsonWebKey2020") : STR("Multikey"));
	json_put_str(m, "controller", d->id);
	if (k->form == DID_JWK) {
		json_put(m, "publicKeyJwk", make_jwk(a, k));
		return m;
	}
	sign_public_multibase(k->pub, multibase);
	json_put_str(m, "publicKeyMultibase", str_of(multibase));
	return m;
}

static json_t *make_ec_method(struct arena *a, const struct did_document *d, const struct did_ec_key *k)
{
	json_t *m = json_object(), *jwk = json_object();
	json_put_str(jwk, "kty", STR("EC"));
	json_put_str(jwk, "crv", STR("P-256"));
	json_put_str(jwk, "x", base64url_write(a, str_n(k->pub, 32)));
	json_put_str(jwk, "y", base64url_write(a, str_n(k->pub + 32, 32)));
	json_put_str(m, "id", k->id);
	json_put_str(m, "type", STR("JsonWebKey2020"));
	json_put_str(m, "controller", d->id);
	json_put(m, "publicKeyJwk", jwk);
	return m;
}

/* Only the contexts whose terms stand in the document. */
static void put_context(json_t *doc, const struct did_document *d)
{
	static const char *const suites[] = {
	    [DID_MULTIKEY] = "https://w3id.org/security/multikey/v1",
	    [DID_JWK] = "https://w3id.org/security/suites/jws-2020/v1",
	};
	json_t *context = json_array();
	append(context, json_string("https://www.w3.org/ns/did/v1"));
	for (size_t form = 0; form < sizeof suites / sizeof *suites; form++) {
		size_t i = 0;
		while (i < d->keys_n && d->keys[i].form != form) i++;
		if (i < d->keys_n || (form == DID_JWK && d->ec_n))
			append(context, json_string(suites[form]));
	}
	json_put(doc, "@context", context);
}

static void put_keys(struct arena *a, json_t *doc, const struct did_document *d)
{
	json_t *methods = json_array();
	for (size_t i = 0; i < d->keys_n; i++) append(methods, make_method(a, d, &d->keys[i]));
	for (size_t i = 0; i < d->ec_n; i++) append(methods, make_ec_method(a, d, &d->ec[i]));
	json_put(doc, "verificationMethod", methods);
	for (size_t p = 0; p < PURPOSES; p++) {
		json_t *ids = json_array();
		for (size_t i = 0; i < d->keys_n; i++)
			if (d->keys[i].purposes & purposes[p].bit) append(ids, new_text(d->keys[i].id));
		for (size_t i = 0; i < d->ec_n; i++)
			if (d->ec[i].purposes & purposes[p].bit) append(ids, new_text(d->ec[i].id));
		if (json_array_size(ids))
			json_put(doc, purposes[p].member, ids);
		else
			json_decref(ids);
	}
}

static void put_services(json_t *doc, const struct did_document *d)
{
	json_t *all = json_array();
	for (size_t i = 0; i < d->services_n; i++) {
		json_t *s = json_object();
		json_put_str(s, "id", d->services[i].id);
		json_put_str(s, "type", d->services[i].type);
		json_put_str(s, "serviceEndpoint", d->services[i].endpoint);
		append(all, s);
	}
	if (d->services_n)
		json_put(doc, "service", all);
	else
		json_decref(all);
}

json_t *did_doc_make(struct arena *a, const struct did_document *d)
{
	json_t *doc = json_object();
	put_context(doc, d);
	json_put_str(doc, "id", d->id);
	put_keys(a, doc, d);
	put_services(doc, d);
	return json_keep(a, doc);
}

const struct did_key *did_key_find(const struct did_document *d, struct str id, unsigned wanted)
{
	for (size_t i = 0; i < d->keys_n; i++)
		if (str_eq(d->keys[i].id, id))
			return (d->keys[i].purposes & wanted) == wanted ? &d->keys[i] : NULL;
	return NULL;
}

const struct did_service *did_service_find(const struct did_document *d, const char *type)
{
	for (size_t i = 0; i < d->services_n; i++)
		if (str_is(d->services[i].type, type)) return &d->services[i];
	return NULL;
}
