#include "dataspace/document.h"

#include <stdio.h>

#include "base/jose.h"
#include "dataspace/dialect.h"
#include "proto/did/document.h"

enum err document_subject_check(struct str did, struct flaw *f)
{
	if (did.n > DS_DID_MAX)
		return flaw_set(f, ERR_BAD_INPUT, DS_DID_MAX, "", "size",
				"a DID has at most %d octets here", DS_DID_MAX);
	return str_starts(did, STR("did:key:")) ? did_key_check(did, f) : did_web_check(did, f);
}

static void take_keys(const struct did_document *d, struct ds_did *ret)
{
	for (size_t i = 0; i < d->keys_n && ret->keys_n < DS_DID_KEYS; i++) {
		const struct did_key *k = &d->keys[i];

		if (k->id.n >= DS_METHOD_MAX) continue;
		memcpy(ret->key[ret->keys_n].method, k->id.p, k->id.n);
		ret->key[ret->keys_n].purposes = k->purposes;
		memcpy(ret->key[ret->keys_n++].key, k->pub, SIGN_PUBLIC);
	}
}

static void take_ec_keys(const struct did_document *d, struct ds_did *ret)
{
	for (size_t i = 0; i < d->ec_n && ret->ec_n < DS_DID_EC_KEYS; i++) {
		const struct did_ec_key *k = &d->ec[i];

		if (k->id.n >= DS_METHOD_MAX || es256_key_check(k->pub)) continue;
		memcpy(ret->ec[ret->ec_n].method, k->id.p, k->id.n);
		memcpy(ret->ec[ret->ec_n].pub, k->pub, sizeof k->pub);
		ret->ec[ret->ec_n++].purposes = k->purposes;
	}
}

bool document_of_key(struct str did, struct ds_did *ret)
{
	const unsigned all = DID_AUTHENTICATION | DID_ASSERTION | DID_INVOCATION;
	struct ds_did doc = {.keys_n = 0};
	bool ed, ec;

	if (!str_starts(did, STR("did:key:")) || did.n > DS_DID_MAX) return false;
	ed = !did_key_parse(did, NULL, doc.key[0].key);
	ec = !ed && !did_key_parse_p256(did, NULL, doc.ec[0].pub);
	if (!ed && !ec) return false;
	/* the fragment is the key once more */
	(void)snprintf(ed ? doc.key[0].method : doc.ec[0].method, DS_METHOD_MAX, "%.*s#%.*s", STR_ARG(did),
		       STR_ARG(str_skip(did, 8)));
	doc.keys_n = ed;
	doc.ec_n = ec;
	*(ed ? &doc.key[0].purposes : &doc.ec[0].purposes) = all;
	*ret = doc;
	return true;
}

/* One key for proofs, and one for what others read as JWT, in the form of a JWK, which is all that EDC
 * reads: the same, or one of P-256. */
static void own_keys(const struct ds_self *self, struct did_document *d)
{
	const unsigned jwt = DID_AUTHENTICATION | DID_INVOCATION | DID_ASSERTION;

	d->keys[0] = (struct did_key){.id = str_of(self->method), .purposes = DID_ASSERTION};
	memcpy(d->keys[0].pub, sign_public(self->key), SIGN_PUBLIC);
	d->keys_n = 1;
	if (self->p256) {
		d->ec[0] = (struct did_ec_key){.id = str_of(self->kid), .purposes = jwt};
		memcpy(d->ec[0].pub, es256_public(self->p256), ES256_PUBLIC);
		d->ec_n = 1;
		return;
	}
	d->keys[1] = (struct did_key){.id = str_of(self->kid), .purposes = jwt, .form = DID_JWK};
	memcpy(d->keys[1].pub, sign_public(self->key), SIGN_PUBLIC);
	d->keys_n = 2;
}

void document_of_self(const struct ds_self *self, const char *path, struct ds_did *ret)
{
	struct did_document d = {0};

	own_keys(self, &d);
	*ret = (struct ds_did){.keys_n = 0};
	take_keys(&d, ret);
	take_ec_keys(&d, ret);
	(void)snprintf(ret->credentials, sizeof ret->credentials, "%s" DS_DCP_PATH, self->base);
	(void)snprintf(ret->issuer, sizeof ret->issuer, "%s" DS_ISSUER_PATH, self->base);
	if (self->connector.n)
		(void)snprintf(ret->dsp, sizeof ret->dsp, "%.*s", STR_ARG(self->connector));
	else
		(void)snprintf(ret->dsp, sizeof ret->dsp, "%s%s", self->base, path);
}

static void service_add(struct arena *a, const struct ds_self *self, struct did_document *d,
			const char *name, const char *type, struct str endpoint)
{
	d->services[d->services_n++] = (struct did_service){
	    arena_printf(a, "%.*s#%s", STR_ARG(self->did), name), str_of(type), endpoint};
}

struct str document_write(struct arena *a, const struct ds *space, const struct ds_self *self)
{
	struct did_document d = {.id = self->did};
	json_t *j;

	own_keys(self, &d);
	if (self->connector.n) {
		service_add(a, self, &d, "catalog", "DataService", self->connector);
	} else {
		service_add(a, self, &d, "catalog", "DataService",
			    ds_dialect_base(a, self, ds_dialect_preferred(space)));
		service_add(a, self, &d, "versions", "DataService",
			    arena_printf(a, "%s" DS_VERSIONS_PATH, self->base));
	}
	service_add(a, self, &d, "credentials", "CredentialService",
		    arena_printf(a, "%s" DS_DCP_PATH, self->base));
	service_add(a, self, &d, "issuer", "IssuerService",
		    arena_printf(a, "%s" DS_ISSUER_PATH, self->base));
	j = did_doc_make(a, &d);
	return j ? json_write(a, j, false) : STR_NONE;
}

static void take_service(const struct did_document *d, const char *type, char ret[DS_URL_MAX])
{
	const struct did_service *s = did_service_find(d, type);
	struct str url = s ? s->endpoint : STR_NONE;

	while (str_ends(url, STR("/"))) url.n--;
	if (url.n < DS_URL_MAX) memcpy(ret, url.n ? url.p : "", url.n);
}

void document_base_take(struct str url, struct ds_did *ret)
{
	while (str_ends(url, STR("/"))) url.n--;
	if (str_ends(url, STR(DS_VERSIONS_PATH))) {
		if (!ret->versions[0] && url.n < sizeof ret->versions) memcpy(ret->versions, url.p, url.n);
		return;
	}
	if (str_ends(url, STR("/catalog"))) url.n -= 8;
	while (str_ends(url, STR("/"))) url.n--;
	if (!url.n || url.n >= sizeof ret->dsp || ret->dsp[0]) return;
	memcpy(ret->dsp, url.p, url.n);
}

static void take_base(const struct did_document *d, struct ds_did *ret)
{
	for (size_t i = 0; i < d->services_n; i++) {
		const struct did_service *s = &d->services[i];

		if (str_is(s->type, "DataService") || str_is(s->type, "CatalogService"))
			document_base_take(s->endpoint, ret);
	}
}

enum err document_parse(struct arena *a, struct str text, struct str did, struct flaw *f,
			struct ds_did *ret)
{
	struct did_document *d = ARENA_NEW(a, struct did_document);
	struct ds_did doc = {.keys_n = 0};
	json_t *j;
	enum err e = d ? json_read(a, text, f, &j) : ERR_NO_MEMORY;

	if (!e) e = did_doc_parse(a, j, did, f, d);
	if (e) return e;
	doc.declared = d->declared;
	take_keys(d, &doc);
	take_ec_keys(d, &doc);
	take_base(d, &doc);
	take_service(d, "CredentialService", doc.credentials);
	take_service(d, "IssuerService", doc.issuer);
	if (!doc.keys_n && !doc.ec_n)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "verificationMethod", "key",
				"the document has no key of Ed25519 or P-256");
	*ret = doc;
	return ERR_OK;
}

/* What a key that was told for some purposes is for besides. */
static unsigned undeclared(unsigned declared, unsigned purposes)
{
	const unsigned all = DID_AUTHENTICATION | DID_ASSERTION | DID_INVOCATION;

	return declared & DID_AUTHENTICATION && !(purposes & DID_AUTHENTICATION) ? 0 : all & ~declared;
}

void document_purposes_fill(struct ds_did *doc)
{
	for (size_t i = 0; i < doc->keys_n; i++)
		doc->key[i].purposes |= undeclared(doc->declared, doc->key[i].purposes);
	for (size_t i = 0; i < doc->ec_n; i++)
		doc->ec[i].purposes |= undeclared(doc->declared, doc->ec[i].purposes);
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

static bool named(const struct ds_did *doc, struct str method)
{
	bool found = false;

	for (size_t i = 0; i < doc->keys_n; i++) found = found || str_is(method, doc->key[i].method);
	for (size_t i = 0; i < doc->ec_n; i++) found = found || str_is(method, doc->ec[i].method);
	return found;
}

enum err ds_did_key_for(const struct ds_did *doc, struct str method, unsigned purposes, struct vc_key *ret)
{
	bool any = !method.n && doc->keys_n + doc->ec_n == 1;

	/* a pinned key is its owner's whatever its owner calls it */
	if (doc->pinned) any = !named(doc, method);
	for (size_t i = 0; i < doc->keys_n; i++) {
		if (!any && !str_is(method, doc->key[i].method)) continue;
		if (!doc->pinned && !(doc->key[i].purposes & purposes)) return ERR_UNAUTHORISED;
		*ret = (struct vc_key){.alg = VC_EDDSA};
		memcpy(ret->pub, doc->key[i].key, SIGN_PUBLIC);
		return ERR_OK;
	}
	for (size_t i = 0; i < doc->ec_n; i++) {
		if (!any && !str_is(method, doc->ec[i].method)) continue;
		if (!doc->pinned && !(doc->ec[i].purposes & purposes)) return ERR_UNAUTHORISED;
		*ret = (struct vc_key){.alg = VC_ES256};
		memcpy(ret->pub, doc->ec[i].pub, ES256_PUBLIC);
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

enum err ds_jwt_write_as(struct arena *a, const struct ds_self *self, const char *typ, const json_t *claims,
			 struct str *ret)
{
	if (self->p256) return jws_write_es256(a, self->p256, self->kid, typ, claims, ret);
	return jws_write(a, self->key, self->kid, typ, claims, ret);
}

enum err ds_jwt_write(struct arena *a, const struct ds_self *self, const json_t *claims, struct str *ret)
{
	return ds_jwt_write_as(a, self, "JWT", claims, ret);
}
