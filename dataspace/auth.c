/* Self-issued tokens between partners: made for our messages, demanded of theirs.
 *
 * A token is a JWT (EdDSA or ES256): iss = sub = the sender's DID, aud = the receiver's DID,
 * iat, exp at most AUTH_TERM ahead, jti never used before; header kid names a method of the sender's DID
 * document. (DCP 1.0.1, Self-Issued ID Token: "iss and sub MUST be equal", "jti MUST NOT have been used".)
 */
#include <stdlib.h>

#include "base/jose.h"
#include "dataspace/connector.h"
#include "dataspace/document.h"
#include "dataspace/face_dsp.h"
#include "dataspace/kit.h"
#include "dataspace/identity.h"
#include "dataspace/mock.h"
#include "dataspace/peer.h"
#include "dataspace/replay.h"
#include "proto/did/document.h"

enum {
	AUTH_TERM = 300,     /* seconds from now to exp in ours */
	AUTH_TERM_MAX = 600, /* and at most in theirs: others give ten minutes */
	AUTH_LEEWAY = 30,    /* clocks differ */
	AUTH_JTI_MAX = 200,
};

/* What opens our credential service to the audience; only ours to read. */
static enum err opener_make(const struct ds_self *self, const struct ds_token_wish *w, int64_t exp,
			    struct arena *a, json_t *claims)
{
	json_t *own = json_keep(a, json_object());
	struct str token;
	enum err e;

	if (!own) return ERR_NO_MEMORY;
	json_put_str(own, "iss", self->did);
	json_put_str(own, "sub", w->audience);
	json_put_str(own, "aud", self->did);
	json_put_u64(own, "exp", (uint64_t)exp);
	if (w->scope.n) json_put_str(own, "scope", w->scope);
	e = jws_write(a, self->key, self->kid, IDENTITY_ACCESS_TYPE, own, &token);
	if (!e) json_put_str(claims, "token", token);
	return e;
}

int64_t ds_token_term(const struct ds *d)
{
	return d->o.token_validity ? d->o.token_validity / USEC_PER_SEC : AUTH_TERM;
}

enum err ds_token_write(struct ds *d, const struct ds_self *self, const struct ds_token_wish *w,
			struct arena *a, struct str *ret)
{
	int64_t now = clock_wall() / USEC_PER_SEC, exp = now + ds_token_term(d);
	json_t *claims = json_keep(a, json_object());
	char jti[UUID_URN];
	enum err e = ERR_OK;

	if (!claims) return ERR_NO_MEMORY;
	json_put_str(claims, "iss", self->did);
	json_put_str(claims, "sub", self->did);
	json_put_str(claims, "aud", w->audience);
	json_put_u64(claims, "iat", (uint64_t)now);
	json_put_u64(claims, "exp", (uint64_t)exp);
	json_put_str(claims, "jti", str_of(uuid_urn(jti)));
	if (w->given.n)
		json_put_str(claims, "token", w->given);
	else if (w->opens)
		e = opener_make(self, w, exp, a, claims);
	return e ? e : ds_jwt_write(a, self, claims, ret);
}

enum err ds_token_make(struct ds *d, const struct ds_self *self, struct str audience, struct arena *a,
		       struct str *ret)
{
	return ds_token_make_with(d, self, audience, STR_NONE, a, ret);
}

/* What our own messages' tokens open: the types that the configuration names, or everything. */
static struct str disclosed(const struct ds *d, struct arena *a)
{
	const struct ds_identity *o = &d->o.identity;
	struct str all = STR_NONE;

	for (size_t i = 0; i < o->disclosed_n; i++)
		all = arena_printf(a, "%.*s%s" DCP_SCOPE_TYPE "%s:read", STR_ARG(all), i ? " " : "",
				   o->disclosed[i]);
	return all;
}

enum err ds_token_make_with(struct ds *d, const struct ds_self *self, struct str audience, struct str given,
			    struct arena *a, struct str *ret)
{
	struct ds_token_wish w = {.audience = audience, .given = given, .opens = d->o.identity.present};
	struct str token;
	enum err e;

	if (mock_is(d, audience)) return mock_token_make(self, audience, a, ret);
	w.scope = disclosed(d, a);
	if (d->o.identity.disclosed_n && !w.scope.p) return ERR_NO_MEMORY;
	e = ds_token_write(d, self, &w, a, &token);
	if (e) return e;
	*ret = arena_printf(a, "Bearer %.*s", STR_ARG(token));
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

/* A request that waits for a DID document. */
struct asking {
	struct net_req *req; /* NULL once the client has gone */
	struct vc_jwt jws;   /* in the request's arena, like iss and method */
	struct str iss, method;
	struct ds_peer peer;
	ds_peer_fn *then;
	bool plain;
	bool tls;  /* the certificate in place of a token */
	bool cert; /* the certificate besides */
	bool mock; /* nothing to verify: dataspace/mock.h */
};

static void asking_refuse(struct asking *w, enum err e, struct flaw *f)
{
	struct ds *d = ds_of(w->req);

	d->stat.auth_refused++;
	if (e == ERR_UNAUTHORISED) net_set(w->req, "www-authenticate", STR("Bearer"));
	if (e == ERR_BUSY) net_set(w->req, "retry-after", STR("1"));
	ds_dsp_refuse(w->req, e, f);
}

static void asking_gone(void *arg)
{
	struct asking *w = arg;

	w->req = NULL;
}

static enum err key_check(struct asking *w, const struct ds_did *doc, struct flaw *f)
{
	struct vc_key key;
	/* "MUST be in capabilityInvocation" (DCP 1.0.1 4.3.3) */
	enum err e = ds_did_key_for(doc, w->method, DID_INVOCATION, &key);

	if (e == ERR_NOT_FOUND && !w->method.n)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "kid", "key-unnamed",
				"the token names no key, and the issuer's DID document has several");
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "kid", "key-unknown",
				"the issuer's DID document has no such Ed25519 or P-256 key");
	if (e)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "kid", "key-purpose",
				"the key is not one for capability invocation (identity.purposes)");
	if (vc_jwt_verify(&w->jws, &key))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "signature",
				"the token's signature does not verify");
	w->peer.method = w->method;
	w->peer.key = key;
	return ERR_OK;
}

static enum err asking_verify(struct asking *w, enum err e, const struct ds_did *doc, struct flaw *f)
{
	struct ds *d = ds_of(w->req);

	if (peer_err_passes(e))
		return flaw_set(f, ERR_BUSY, FLAW_NO_OFFSET, "iss", "did-unreachable",
				"the issuer's DID document cannot be had now: %s", err_text(e));
	if (e == ERR_FORBIDDEN)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "iss", "did-address",
				"the issuer's DID names a host that is not called from here");
	if (e)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "iss", "did-document",
				"the issuer has no valid DID document: %s", err_text(e));
	if (w->mock) return ERR_OK;
	e = w->tls ? ERR_OK : key_check(w, doc, f);
	if (e) return e;
	e = replays_use(d->replays, w->peer.jti, w->peer.jti_expires, clock_wall() / USEC_PER_SEC);
	if (e == ERR_UNAUTHORISED)
		return flaw_set(f, e, FLAW_NO_OFFSET, "jti", "replay", "the token was used before");
	return e;
}

static void asking_answer(void *arg, enum err e, const struct ds_did *doc)
{
	struct asking *w = arg;
	struct net_req *r = w->req;
	struct ds_peer *peer;
	struct ds_did *copy;
	struct flaw f = {0};

	if (r) {
		e = asking_verify(w, e, doc, &f);
		peer = ARENA_NEW(r->arena, struct ds_peer);
		copy = ARENA_NEW(r->arena, struct ds_did);
		if (!e && (!peer || !copy)) e = ERR_NO_MEMORY;
		if (e) {
			asking_refuse(w, e, &f);
		} else {
			*copy = *doc;
			*peer = w->peer;
			peer->doc = copy;
			if (w->mock)
				w->then(r, peer);
			else
				identity_admit(r, peer, w->tls || w->cert, w->plain, w->then);
		}
	}
	free(w);
}

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err token_claims(struct asking *w, struct str aud, struct flaw *f)
{
	int64_t now = clock_wall() / USEC_PER_SEC;
	struct str sub, jti;
	uint64_t exp;
	json_t *c = w->jws.claims;

	if (w->jws.typ.n && !str_eq_nocase(w->jws.typ, STR("JWT")))
		return refuse(f, "typ", "type", "the token is of another kind");
	if (json_str(c, "", "iss", f, &w->iss) || json_str(c, "", "sub", f, &sub) || !str_eq(w->iss, sub))
		return refuse(f, "iss", "iss-sub", "iss and sub must be there and equal");
	if (w->iss.n > DS_DID_MAX || document_subject_check(w->iss, NULL))
		return refuse(f, "iss", "did", "the issuer must be a did:web or a did:key");
	if (json_str(c, "", "jti", f, &jti) || !jti.n || jti.n > AUTH_JTI_MAX)
		return refuse(f, "jti", "jti", "a token id of 1 to 200 octets must be there");
	if (json_u64(c, "", "exp", f, &exp))
		return refuse(f, "exp", "missing", "the token must have an end");
	if (exp > (uint64_t)(now + AUTH_TERM_MAX + AUTH_LEEWAY))
		return refuse(f, "exp", "term", "the token is valid for too long: ten minutes at most");
	if (jwt_check(&(struct jws){.claims = c}, aud, clock_wall(), f)) {
		f->err = ERR_UNAUTHORISED;
		return ERR_UNAUTHORISED;
	}
	w->peer.token = json_text(json_object_get(c, "token"));
	replay_digest(w->iss, jti, w->peer.jti);
	w->peer.jti_expires = (int64_t)exp + AUTH_LEEWAY + 1;
	return ERR_OK;
}

/* kid: the full method, or its fragment; it must be the issuer's. */
static enum err token_method(struct asking *w, struct arena *a, struct flaw *f)
{
	struct str kid = w->jws.kid;

	if (!kid.n) return ERR_OK;
	if (kid.n < DS_METHOD_MAX && str_starts(kid, w->iss) && kid.n > w->iss.n &&
	    kid.p[w->iss.n] == '#') {
		w->method = kid;
		return ERR_OK;
	}
	if (str_find(kid, ':') == kid.n && kid.n < 80) {
		if (kid.p[0] == '#') kid = str_skip(kid, 1);
		w->method = arena_printf(a, "%.*s#%.*s", STR_ARG(w->iss), STR_ARG(kid));
		return w->method.p ? ERR_OK : ERR_NO_MEMORY;
	}
	return refuse(f, "kid", "kid-issuer", "the key is not one of the issuer's");
}

static enum err token_read(struct asking *w, struct net_req *r, struct str aud, struct flaw *f)
{
	struct str h = net_header(r, "authorization");
	enum err e;

	if (!h.n) return refuse(f, "authorization", "missing", "a partner's token is needed");
	if (!str_starts_nocase(h, STR("Bearer ")))
		return refuse(f, "authorization", "scheme", "the scheme must be Bearer");
	w->peer.bearer = str_trim(str_skip(h, 7));
	e = vc_jwt_parse(r->arena, w->peer.bearer, f, &w->jws);
	if (e == ERR_NO_MEMORY) return e;
	if (e) {
		f->err = ERR_UNAUTHORISED;
		return ERR_UNAUTHORISED;
	}
	e = token_claims(w, aud, f);
	return e ? e : token_method(w, r->arena, f);
}

/* Mutual TLS in place of a token: a connection cannot be replayed, so each request gets an id of its own.
 */
static bool by_certificate(struct asking *w, struct net_req *r)
{
	if (net_header(r, "authorization").n || !identity_by_certificate(ds_of(r), r, &w->iss))
		return false;
	random_bytes(w->peer.jti, sizeof w->peer.jti);
	w->peer.jti_expires = clock_wall() / USEC_PER_SEC + 1;
	w->tls = w->peer.tls = true;
	must(r->client_cert.n == sizeof w->peer.certificate);
	memcpy(w->peer.certificate, r->client_cert.p, sizeof w->peer.certificate);
	return true;
}

/* A token that is right says who calls; the certificate of the same partner admits it. */
static bool certified(struct asking *w, struct net_req *r)
{
	struct str did;

	return identity_by_certificate(ds_of(r), r, &did) && str_eq(did, w->iss);
}

static enum err token_take(struct asking *w, struct net_req *r, struct flaw *f)
{
	const struct ds_self *self = w->peer.self;
	struct str h = net_header(r, "authorization");

	w->mock = mock_token_seen(ds_of(r), h);
	if (!w->mock) return token_read(w, r, self->did, f);
	random_bytes(w->peer.jti, sizeof w->peer.jti);
	w->peer.jti_expires = clock_wall() / USEC_PER_SEC + AUTH_LEEWAY;
	return mock_token_read(ds_of(r), self, h, r->arena, f, &w->iss);
}

static void require(struct net_req *r, ds_peer_fn *then, bool plain)
{
	struct ds *d = ds_of(r);
	struct asking *w;
	struct flaw f = {0};
	struct str id;
	enum err e;

	if (!plain && kit_admit(r, then)) return;
	w = calloc(1, sizeof *w);
	must(w);
	w->req = r;
	w->then = then;
	w->plain = plain;
	e = net_decode(r->arena, r->param[0], &f, &id);
	if (!e) e = ds_self_find(d, ds_txn(r->shard), id, &w->peer.self);
	if (!e && !plain) e = connector_here(w->peer.self, &f);
	if (!e && !by_certificate(w, r)) {
		e = token_take(w, r, &f);
		w->cert = !e && !w->mock && certified(w, r);
		if (!e && !plain && !w->mock && !w->cert)
			e = identity_expects(d, w->iss, w->peer.token, &f);
	}
	if (e) {
		asking_refuse(w, e, &f);
		free(w);
		return;
	}
	w->peer.did = w->iss;
	net_hold(r, asking_gone, w);
	peers_find(d, r->shard, w->iss, w->method, asking_answer, w);
}

void ds_peer_require(struct net_req *r, ds_peer_fn *then)
{
	require(r, then, false);
}

void ds_peer_require_plain(struct net_req *r, ds_peer_fn *then)
{
	require(r, then, true);
}
