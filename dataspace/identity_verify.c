/* The verifier: presentation query, presentation, credentials, issuers' keys, status lists; one after
 * another. */
#include <stdlib.h>

#include "dataspace/face_dsp.h"
#include "dataspace/fetch.h"
#include "dataspace/identity.h"
#include "dataspace/peer.h"
#include "dataspace/status_list.h"
#include "proto/dcp/message.h"
#include "proto/did/document.h"
#include "proto/vc/schema.h"

enum {
	SCHEMA_MAX = 64 << 10,
	SCHEMA_ARENA = 4 << 20,
	KEPT_MAX = 16 /* credentials that are looked at further: each costs two requests */
};

struct kept {
	struct vc_jwt jwt;
	struct vc_credential c;
	struct vc_key key; /* of its issuer */
	struct ds_did issuer;
};

/* Of one request, in its arena. */
struct verifying {
	struct ds_peer *peer;
	ds_peer_fn *then;
	struct identity_trust trust;
	struct kept *kept[KEPT_MAX];
	size_t kept_n, at;
	/* of the one in hand */
	bool issued;
	size_t status_at, schema_at;
};

/* Bridges a wait that ends in any case to a request that may have gone. */
struct bridge {
	struct net_req *req;
	struct verifying *v;
};

static void verify_next(struct net_req *r, struct verifying *v);

static void refuse(struct net_req *r, enum err e, struct flaw *f)
{
	struct ds *d = ds_of(r);

	d->stat.auth_refused++;
	if (e != ERR_BUSY && e != ERR_NO_MEMORY) f->err = e = ERR_UNAUTHORISED;
	if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
	ds_dsp_refuse(r, e, f);
}

static enum err flaw_at(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, at, rule, "%s", text);
}

/* What may be different when it is asked for again. */
static enum err fetched_err(const struct fetched *got)
{
	bool passes = got->err ? peer_err_passes(got->err) : got->status >= 500 || got->status == 429;

	return passes ? ERR_BUSY : ERR_UNAUTHORISED;
}

/* Why nothing came. A stranger named the address: it is told that it was not called, and not what our
 * network says of it. */
static struct str why_none(struct arena *a, const struct fetched *got)
{
	if (!got->err) return arena_printf(a, "%d", got->status);
	if (got->err == ERR_FORBIDDEN || got->err == ERR_BAD_INPUT)
		return STR("its address is not called from here");
	return str_of(err_text(got->err));
}

/* ---- status ---- */

static enum err status_check(struct arena *a, const struct kept *k, const struct vc_status_entry *s,
			     struct str text, struct flaw *f)
{
	const struct status_source source = {k->c.issuer, &k->issuer, &k->key};
	struct vc_credential *list = ARENA_NEW(a, struct vc_credential);
	enum err e = list ? status_list_read(a, &source, text, f, list) : ERR_NO_MEMORY;

	return e ? e : status_list_ask(a, list, &k->c, s, f);
}

static void status_answered(struct net_req *r, void *arg, const struct fetched *got)
{
	struct verifying *v = arg;
	const struct kept *k = v->kept[v->at];
	struct flaw f = {0};
	struct arena *a = arena_new(STATUS_LIST_ARENA);
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;

	if (got->err || got->status != 200)
		e = flaw_set(&f, fetched_err(got), FLAW_NO_OFFSET, "credentialStatus", "list-unreachable",
			     "the status list cannot be had (%.*s)", STR_ARG(why_none(r->arena, got)));
	else
		e = status_check(a, k, &k->c.status[v->status_at], got->body, &f);
	arena_free(a);
	if (e) {
		refuse(r, e, &f);
		return;
	}
	v->status_at++;
	verify_next(r, v);
}

/* ---- schemas ---- */

static enum err schema_check(struct arena *a, const struct kept *k, const struct vc_schema_entry *s,
			     struct str text, struct flaw *f)
{
	json_t *schema;

	if (text.n > SCHEMA_MAX)
		return flaw_at(f, "credentialSchema", "schema-limit", "the schema is longer than 64 KiB");
	if (json_read(a, text, NULL, &schema))
		return flaw_at(f, "credentialSchema", "schema-form", "the schema is not JSON");
	return vc_schema_check(schema, s->whole ? k->c.document : k->c.claims,
			       s->whole ? "vc" : "credentialSubject", f);
}

static void schema_answered(struct net_req *r, void *arg, const struct fetched *got)
{
	struct verifying *v = arg;
	const struct kept *k = v->kept[v->at];
	struct flaw f = {0};
	struct arena *a = arena_new(SCHEMA_ARENA);
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;

	if (!e && (got->err || got->status != 200))
		e = flaw_set(&f, fetched_err(got), FLAW_NO_OFFSET, "credentialSchema", "schema-unreachable",
			     "the schema of a credential cannot be had (%.*s)",
			     STR_ARG(why_none(r->arena, got)));
	else if (!e)
		e = schema_check(a, k, &k->c.schema[v->schema_at], got->body, &f);
	arena_free(a);
	if (e) {
		refuse(r, e, &f);
		return;
	}
	v->schema_at++;
	verify_next(r, v);
}

/* A list or a schema: public, at an address that the issuer chose. */
static void open_ask(struct net_req *r, struct verifying *v, struct str url, const char *accept,
		     fetch_fn *then)
{
	struct fetch_ask q = {.self = v->peer->self,
			      .method = "GET",
			      .url = url,
			      .open = true,
			      .accept = accept,
			      .then = then,
			      .arg = v};
	struct flaw f = {0};
	enum err e = fetch_start(r, &q);

	if (e) refuse(r, ERR_BUSY, &f);
}

/* ---- issuers ---- */

static enum err issuer_check(struct net_req *r, struct kept *k, struct flaw *f)
{
	struct str method;
	enum err e = status_method_of(r->arena, &k->jwt, k->c.issuer, f, &method);

	if (!e && ds_did_key_for(&k->issuer, method, DID_ASSERTION, &k->key))
		e = flaw_at(f, "kid", "issuer-key", "the issuer has no such key for assertions");
	if (!e && vc_jwt_verify(&k->jwt, &k->key))
		e = flaw_at(f, "verifiableCredential", "credential-signature",
			    "the signature of a credential does not verify");
	return e;
}

static void issuer_found(void *arg, enum err e, const struct ds_did *doc)
{
	struct bridge *b = arg;
	struct net_req *r = b->req;
	struct verifying *v = b->v;
	struct flaw f = {0};

	free(b);
	if (!r) return;
	if (e) {
		(void)flaw_set(&f, e, FLAW_NO_OFFSET, "issuer", "did-document",
			       "the DID document of a credential's issuer: %s", err_text(e));
		refuse(r, peer_err_passes(e) ? ERR_BUSY : ERR_UNAUTHORISED, &f);
		return;
	}
	v->kept[v->at]->issuer = *doc;
	e = issuer_check(r, v->kept[v->at], &f);
	if (e) {
		refuse(r, e, &f);
		return;
	}
	v->issued = true;
	verify_next(r, v);
}

static void bridge_gone(void *arg)
{
	((struct bridge *)arg)->req = NULL;
}

static void issuer_ask(struct net_req *r, struct verifying *v)
{
	struct kept *k = v->kept[v->at];
	struct bridge *b = calloc(1, sizeof *b);
	struct str method = STR_NONE;

	must(b);
	*b = (struct bridge){r, v};
	(void)!status_method_of(r->arena, &k->jwt, k->c.issuer, NULL, &method);
	net_hold(r, bridge_gone, b);
	peers_find(ds_of(r), r->shard, k->c.issuer, method, issuer_found, b);
}

/* ---- the whole ---- */

/* Of its types those that this issuer is trusted for. */
static json_t *credential_show(const struct verifying *v, const struct vc_credential *c)
{
	json_t *j = json_object(), *types = json_array();

	must(j && types);
	for (size_t i = 0; i < c->types_n; i++)
		if (identity_trusts(&v->trust, c->issuer, c->types[i]))
			must(!json_array_append_new(types, json_stringn(c->types[i].p, c->types[i].n)));
	json_put(j, "type", types);
	json_put_str(j, "issuer", c->issuer);
	json_put(j, "credentialSubject", json_incref(c->claims));
	return j;
}

static void verify_end(struct net_req *r, struct verifying *v)
{
	const struct ds_identity *o = &ds_of(r)->o.identity;
	struct flaw f = {0};
	json_t *all = json_keep(r->arena, json_array());

	for (size_t i = 0; i < o->required_n; i++) {
		size_t k = 0;

		while (k < v->kept_n &&
		       !(vc_credential_is(&v->kept[k]->c, str_of(o->required[i])) &&
			 identity_trusts(&v->trust, v->kept[k]->c.issuer, str_of(o->required[i]))))
			k++;
		if (k < v->kept_n) continue;
		(void)flaw_set(&f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "verifiableCredential",
			       "credential-missing", "a %s of a trusted issuer is required",
			       o->required[i]);
		refuse(r, ERR_UNAUTHORISED, &f);
		return;
	}
	for (size_t i = 0; all && i < v->kept_n; i++)
		must(!json_array_append_new(all, credential_show(v, &v->kept[i]->c)));
	v->peer->credentials = all;
	v->then(r, v->peer);
}

static void verify_next(struct net_req *r, struct verifying *v)
{
	while (v->at < v->kept_n) {
		const struct vc_credential *c = &v->kept[v->at]->c;

		if (!v->issued) {
			issuer_ask(r, v);
			return;
		}
		if (v->status_at < c->status_n) {
			open_ask(r, v, c->status[v->status_at].list, STATUS_LIST_ACCEPT, status_answered);
			return;
		}
		if (v->schema_at < c->schema_n && ds_of(r)->o.identity.schemas) {
			open_ask(r, v, c->schema[v->schema_at].id, NULL, schema_answered);
			return;
		}
		v->at++;
		v->issued = false;
		v->status_at = v->schema_at = 0;
	}
	verify_end(r, v);
}

static bool wanted(const struct verifying *v, const struct vc_credential *c)
{
	for (size_t i = 0; i < c->types_n; i++)
		if (identity_trusts(&v->trust, c->issuer, c->types[i])) return true;
	return false;
}

static enum err credential_take(struct net_req *r, struct verifying *v, struct str text, struct flaw *f)
{
	struct kept *k = ARENA_NEW(r->arena, struct kept);
	enum err e = k ? vc_jwt_parse(r->arena, text, f, &k->jwt) : ERR_NO_MEMORY;

	if (!e) e = vc_credential_read(&k->jwt, f, &k->c);
	/* what nobody here trusts is neither believed nor held against anyone */
	if (e || !wanted(v, &k->c)) return e;
	if (!str_eq(k->c.subject, v->peer->did))
		return flaw_at(f, "credentialSubject.id", "holder-binding",
			       "a credential is about somebody else");
	e = vc_credential_time(&k->c, clock_wall(), f);
	if (!e && v->kept_n == KEPT_MAX)
		e = flaw_at(f, "verifiableCredential", "count", "too many credentials");
	if (!e) v->kept[v->kept_n++] = k;
	return e;
}

static enum err presentation_take(struct net_req *r, struct verifying *v, struct str text, struct flaw *f)
{
	struct vc_presentation *p = ARENA_NEW(r->arena, struct vc_presentation);
	struct str method;
	struct vc_key key;
	struct vc_jwt j;
	enum err e = p ? vc_jwt_parse(r->arena, text, f, &j) : ERR_NO_MEMORY;

	if (!e) e = vc_presentation_read(&j, v->peer->self->did, clock_wall(), f, p);
	if (!e && !str_eq(p->holder, v->peer->did))
		e = flaw_at(f, "holder", "holder", "the presentation is of another holder");
	if (!e) e = status_method_of(r->arena, &j, p->holder, f, &method);
	if (!e &&
	    (ds_did_key_for(v->peer->doc, method, DID_AUTHENTICATION, &key) || vc_jwt_verify(&j, &key)))
		e = flaw_at(f, "presentation", "presentation-signature",
			    "the signature of the presentation does not verify");
	for (size_t i = 0; !e && i < p->credentials_n; i++) e = credential_take(r, v, p->credentials[i], f);
	return e;
}

static enum err answer_take(struct net_req *r, struct verifying *v, const struct fetched *got,
			    struct flaw *f)
{
	struct str body = arena_dup(r->arena, got->body);
	struct dcp_response m;
	json_t *j;
	enum err e = body.p ? json_read(r->arena, body, f, &j) : ERR_NO_MEMORY;

	if (!e) e = dcp_response_read(j, f, &m);
	for (size_t i = 0; !e && i < m.presentations_n; i++)
		e = presentation_take(r, v, m.presentations[i], f);
	return e;
}

static void query_answered(struct net_req *r, void *arg, const struct fetched *got)
{
	struct verifying *v = arg;
	struct flaw f = {0};
	enum err e = ERR_OK;

	if (got->err || got->status != 200)
		e = flaw_set(&f, fetched_err(got), FLAW_NO_OFFSET, "token", "credential-service",
			     "the credential service did not present anything (%.*s)",
			     STR_ARG(why_none(r->arena, got)));
	else
		e = answer_take(r, v, got, &f);
	if (e)
		refuse(r, e, &f);
	else
		verify_next(r, v);
}

static void scope_add(json_t *j, const char *type)
{
	must(!json_array_append_new(json_object_get(j, "scope"),
				    json_sprintf(DCP_SCOPE_TYPE "%s:read", type)));
}

static struct str query_write(struct net_req *r)
{
	const struct ds_identity *o = &ds_of(r)->o.identity;
	json_t *j = json_keep(r->arena, json_pack("{s:[s],s:s,s:[]}", "@context", DCP_CONTEXT, "type",
						  "PresentationQueryMessage", "scope"));

	if (!j) return STR_NONE;
	for (size_t i = 0; i < o->required_n; i++) scope_add(j, o->required[i]);
	for (size_t i = 0; i < o->asked_n; i++) scope_add(j, o->asked[i]);
	return json_write(r->arena, j, false);
}

void identity_verify(struct net_req *r, struct ds_peer *peer, ds_peer_fn *then)
{
	struct verifying *v = ARENA_NEW(r->arena, struct verifying);
	struct fetch_ask q = {.self = peer->self,
			      .audience = peer->did,
			      .method = "POST",
			      .token = peer->token,
			      .body = query_write(r),
			      .then = query_answered,
			      .arg = v};
	struct flaw f = {0};
	enum err e;

	if (!ds_of(r)->o.identity.required_n && !ds_of(r)->o.identity.asked_n) { /* nothing to ask for */
		then(r, peer);
		return;
	}
	if (!peer->doc->credentials[0]) {
		refuse(r,
		       flaw_at(&f, "iss", "no-credential-service",
			       "the DID document names no CredentialService"),
		       &f);
		return;
	}
	q.url = arena_printf(r->arena, "%s/presentations/query", peer->doc->credentials);
	e = v && q.body.p && q.url.p ? ERR_OK : ERR_NO_MEMORY;
	if (!e) {
		v->peer = peer;
		v->then = then;
		e = identity_trust_load(ds_of(r), ds_txn(r->shard), r->arena, peer->self->id, &v->trust);
	}
	if (!e) {
		e = fetch_start(r, &q);
	}
	if (e) refuse(r, e == ERR_NO_MEMORY ? e : ERR_BUSY, &f);
}
