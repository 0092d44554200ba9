/* What others ask of our participants by DCP 1.0.1: presentations (5.4), status lists. */
#include "base/proof.h"
#include "base/jose.h"
#include "dataspace/face_dsp.h"
#include "dataspace/held.h"
#include "dataspace/identity.h"
#include "dataspace/wallet.h"
#include "proto/dcp/message.h"
#include "proto/vc/credential.h"
#include "proto/vc/status.h"

enum { DCP_BODY_MAX = 64 << 10, PRESENT_TERM = 300, LIST_TERM = 3600 };

static enum err refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%s", text);
}

/* ---- presentations ---- */

/* The token that we gave to this partner and no other. ret_scope: what it opens; empty: everything. */
static enum err opener_check(struct net_req *r, const struct ds_peer *peer, struct flaw *f,
			     struct str *ret_scope)
{
	const struct ds_self *self = peer->self;
	struct jws j;

	if (!peer->token.n)
		return refuse(f, ERR_UNAUTHORISED, "token", "missing", "an access token is needed");
	if (jws_parse(r->arena, peer->token, f, &j) || jws_verify(&j, sign_public(self->key)) ||
	    !str_is(j.typ, IDENTITY_ACCESS_TYPE) ||
	    !str_eq(json_text(json_object_get(j.claims, "sub")), peer->did))
		return refuse(f, ERR_UNAUTHORISED, "token", "access-token",
			      "the access token is not one for this caller");
	if (jwt_check(&j, self->did, clock_wall(), f)) return f->err = ERR_UNAUTHORISED;
	*ret_scope = json_text(json_object_get(j.claims, "scope"));
	return ERR_OK;
}

/* A scope names this credential: "org.eclipse.dspace.dcp.vc.type:TYPE" or "…vc.id:ID", which mean reading;
 * many say so with ":read" at the end. */
static bool scope_names(struct str scope, json_t *row)
{
	json_t *t;
	size_t i;

	if (str_ends(scope, STR(":read")))
		scope.n -= 5;
	else if (str_ends(scope, STR(":*")))
		scope.n -= 2;
	if (str_starts(scope, STR(DCP_SCOPE_ID)))
		return str_eq(str_skip(scope, strlen(DCP_SCOPE_ID)), json_text(json_object_get(row, "id")));
	scope = dcp_scope_type(scope);
	if (!scope.n) return false;
	json_array_foreach(json_object_get(row, "type"), i, t)
	{
		if (str_eq(json_text(t), scope)) return true;
	}
	return false;
}

/* scopes beyond what the token opens give fewer credentials, not a refusal (DCP 1.0.1 5.4.1) */
static bool opened(struct str scopes, json_t *row)
{
	struct str one;

	if (!scopes.n) return true;
	while (scopes.p && str_split(&scopes, ' ', &one))
		if (scope_names(one, row)) return true;
	return false;
}

static bool asked(const struct dcp_query *q, json_t *row)
{
	for (size_t i = 0; i < q->scopes_n; i++)
		if (scope_names(q->scopes[i], row)) return true;
	return false;
}

enum model { VC_11, VC_20, MODELS };

/* One that has ended would only close the door that another opens. */
static bool ended(struct arena *a, json_t *row, enum model *ret)
{
	struct vc_credential *c = ARENA_NEW(a, struct vc_credential);
	struct vc_jwt j;

	*ret = VC_11;
	if (!c || vc_jwt_parse(a, json_text(json_object_get(row, "jwt")), NULL, &j) ||
	    vc_credential_read(&j, NULL, c))
		return false;
	*ret = c->v2 ? VC_20 : VC_11;
	return vc_credential_time(c, clock_wall(), NULL) == ERR_EXPIRED;
}

/* A query on its way, in the request's arena. */
struct presenting {
	struct arena *a;
	const struct ds_peer *peer;
	struct dcp_query query;
	struct str opens;     /* by its token */
	bool judged;          /* what stands against a credential counts */
	json_t *jwts[MODELS]; /* a presentation holds credentials of one profile (DCP 1.0.1, A) */
	struct str ids[VC_CREDENTIALS_MAX];
	size_t n;
};

static enum err pick_one(void *arg, json_t *row)
{
	struct presenting *p = arg;
	enum model m;

	if (p->n == VC_CREDENTIALS_MAX || !asked(&p->query, row) || !opened(p->opens, row) ||
	    ended(p->a, row, &m) || (p->judged && held_status(row).n))
		return ERR_OK;
	p->ids[p->n++] = json_text(json_object_get(row, "id"));
	must(!json_array_append(p->jwts[m], json_object_get(row, "jwt")));
	return ERR_OK;
}

static enum err pick(struct net_req *r, struct presenting *p, bool judged)
{
	p->judged = judged && ds_of(r)->holdings;
	p->n = 0;
	for (int m = 0; m < MODELS; m++) p->jwts[m] = json_keep(r->arena, json_array());
	return p->jwts[VC_11] && p->jwts[VC_20]
		   ? wallet_each(ds_txn_fresh(r->shard), r->arena, p->peer->self->id, "held", pick_one, p)
		   : ERR_NO_MEMORY;
}

/* "EnvelopedVerifiableCredential": a JWT in a data: URL (VCDM 2.0, 4.13) */
static json_t *envelopes(struct arena *a, const json_t *jwts)
{
	json_t *out = json_array(), *jwt;
	size_t i;

	must(out);
	json_array_foreach(jwts, i, jwt)
	{
		struct str url = arena_printf(a, "data:application/vc+jwt,%.*s", STR_ARG(json_text(jwt)));

		if (!url.p) {
			json_decref(out);
			return NULL;
		}
		must(!json_array_append_new(out, json_pack("{s:s,s:s%,s:s}", "@context", VC_20_CONTEXT,
							   "id", url.p, url.n, "type",
							   "EnvelopedVerifiableCredential")));
	}
	return out;
}

static void term_put(json_t *claims)
{
	int64_t now = clock_wall() / USEC_PER_SEC;
	char jti[UUID_URN];

	json_put_str(claims, "jti", str_of(uuid_urn(jti)));
	json_put_u64(claims, "iat", (uint64_t)now);
	json_put_u64(claims, "nbf", (uint64_t)now);
	json_put_u64(claims, "exp", (uint64_t)(now + PRESENT_TERM));
}

/* Of 1.1 the presentation is the claim "vp", of 2.0 the claims themselves. */
static enum err present_one(struct net_req *r, const struct presenting *p, enum model m, struct str *ret)
{
	const struct ds_self *self = p->peer->self;
	json_t *vcs = m == VC_20 ? envelopes(r->arena, p->jwts[m]) : json_incref(p->jwts[m]);
	json_t *claims, *vp;

	if (!vcs) return ERR_NO_MEMORY;
	vp = json_keep(r->arena, json_pack("{s:[s],s:[s],s:s%,s:o}", "@context",
					   m == VC_20 ? VC_20_CONTEXT : VC_11_CONTEXT, "type",
					   "VerifiablePresentation", "holder", self->did.p, self->did.n,
					   "verifiableCredential", vcs));
	claims = m == VC_20 ? vp : json_keep(r->arena, json_pack("{s:O}", "vp", vp));
	if (!vp || !claims) return ERR_NO_MEMORY;
	json_put_str(claims, "iss", self->did);
	json_put_str(claims, "sub", self->did);
	json_put_str(claims, "aud", p->peer->did);
	term_put(claims);
	return ds_jwt_write_as(r->arena, self, m == VC_20 ? "vp+jwt" : "JWT", claims, ret);
}

static enum err present(struct net_req *r, const struct presenting *p, json_t **ret)
{
	struct dcp_response m = {.presentations_n = 0};
	enum err e = ERR_OK;

	for (enum model k = VC_11; !e && k < MODELS; k++)
		if (json_array_size(p->jwts[k]))
			e = present_one(r, p, k, &m.presentations[m.presentations_n++]);
	if (e) return e;
	*ret = dcp_response_write(r->arena, &m);
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

static void then_present(struct net_req *r, void *arg)
{
	struct presenting *p = arg;
	json_t *out;
	enum err e = pick(r, p, true);

	if (!e) e = present(r, p, &out);
	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

static void then_query(struct net_req *r, const struct ds_peer *peer)
{
	struct presenting *p = ARENA_NEW(r->arena, struct presenting);
	struct flaw f = {0};
	json_t *j;
	enum err e;

	must(p);
	p->a = r->arena;
	p->peer = peer;
	e = opener_check(r, peer, &f, &p->opens);
	if (!e) e = json_read(r->arena, r->body, &f, &j);
	if (!e) e = dcp_query_read(j, &f, &p->query);
	/* "it MUST return 501 Not Implemented" for what is not supported (DCP 1.0.1 5.4.1) */
	if (!e && p->query.definition)
		e = flaw_set(&f, ERR_UNSUPPORTED, FLAW_NO_OFFSET, "presentationDefinition", "unsupported",
			     "ask by scope: org.eclipse.dspace.dcp.vc.type:TYPE:read");
	if (!e) e = pick(r, p, false);
	if (e)
		net_reply_err(r, e, &f);
	else
		held_before(r, peer->self->id, p->ids, p->n, then_present, p);
}

static void query_post(struct net_req *r)
{
	ds_peer_require_plain(r, then_query);
}

/* ---- the status list of an issuer ---- */

static enum err bit_set(void *arg, json_t *row)
{
	uint64_t i = (uint64_t)json_integer_value(json_object_get(row, "index"));

	if (json_object_get(row, "revoked") && i < VC_STATUS_BITS)
		((unsigned char *)arg)[i / 8] |= (unsigned char)(0x80 >> (i % 8));
	return ERR_OK;
}

struct list {
	const struct ds_self *self;
	enum model model;
	usec_t now;
};

static json_t *list_write(struct arena *a, const struct list *l, struct str url, struct str encoded)
{
	char when[CLOCK_TEXT], end[CLOCK_TEXT];
	bool v2 = l->model == VC_20;
	json_t *vc =
	    json_pack("{s:[s],s:s,s:[s,s],s:s%,s:s,s:s,s:{s:o,s:s,s:s,s:s%}}", "@context",
		      v2 ? VC_20_CONTEXT : VC_11_CONTEXT, "id", url.p, "type", "VerifiableCredential",
		      v2 ? "BitstringStatusListCredential" : "StatusList2021Credential", "issuer",
		      l->self->did.p, l->self->did.n, v2 ? "validFrom" : "issuanceDate",
		      clock_print(l->now, false, when), v2 ? "validUntil" : "expirationDate",
		      clock_print(l->now + LIST_TERM * USEC_PER_SEC, false, end), "credentialSubject", "id",
		      json_sprintf("%s#list", url.p), "type", v2 ? "BitstringStatusList" : "StatusList2021",
		      "statusPurpose", "revocation", "encodedList", encoded.p, encoded.n);

	if (vc && !v2)
		must(!json_array_append_new(json_object_get(vc, "@context"),
					    json_string("https://w3id.org/vc/status-list/2021/v1")));
	return json_keep(a, vc);
}

static enum err list_make(struct net_req *r, struct arena *a, const struct list *l, json_t **ret)
{
	unsigned char *bits = arena_alloc(a, VC_STATUS_BITS / 8);
	struct str list,
	    url = arena_printf(a, "%s" DS_DCP_PATH "/status/%d", l->self->base, l->model == VC_20 ? 2 : 1);
	enum err e = bits && url.p
			 ? wallet_each(ds_txn_fresh(r->shard), a, l->self->id, "issued", bit_set, bits)
			 : ERR_NO_MEMORY;

	if (e) return e;
	list = vc_status_pack(a, str_n(bits, VC_STATUS_BITS / 8), l->model == VC_20);
	*ret = list.p ? list_write(a, l, url, list) : NULL;
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

static enum err list_jwt(struct arena *a, const struct list *l, json_t *vc, struct str *ret)
{
	json_int_t from = (json_int_t)(l->now / USEC_PER_SEC);
	json_t *claims = json_keep(a, json_pack("{s:s%,s:I,s:I}", "iss", l->self->did.p, l->self->did.n,
						"nbf", from, "exp", from + LIST_TERM));

	if (!claims) return ERR_NO_MEMORY;
	if (l->model == VC_20)
		must(!json_object_update(claims, vc));
	else
		json_put(claims, "vc", json_incref(vc));
	return ds_jwt_write_as(a, l->self, l->model == VC_20 ? "vc+jwt" : "JWT", claims, ret);
}

/* With an embedded proof in place of the envelope; the context of 2.0 has its terms. */
static enum err list_json(struct arena *a, const struct list *l, json_t *vc, struct str *ret)
{
	enum err e;

	if (l->model != VC_20)
		must(!json_array_append_new(json_object_get(vc, "@context"),
					    json_string("https://w3id.org/security/data-integrity/v2")));
	e = proof_add(vc, l->self->key, l->self->method, "assertionMethod", l->now);
	if (e) return e;
	*ret = json_write(a, vc, false);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

/* The profile has a JWT, but EDC asks for whatever there is and reads nothing but JSON. So the JWT is for
 * those who name it, or prefer it. */
static const char *list_type(const struct net_req *r)
{
	int json = net_accepts(r, "application/json"), plain = net_accepts(r, "application/vc+ld+json"),
	    jwt = net_accepts(r, "application/jwt"), vc = net_accepts(r, "application/vc+jwt");

	if (plain > json) json = plain;
	if (jwt <= json && vc <= json) return "application/json";
	return vc > jwt ? "application/vc+jwt" : "application/jwt";
}

static void status_get(struct net_req *r)
{
	struct arena *a = arena_new(512 << 20); /* 131,072 rows of the wallet, read once */
	const char *type = list_type(r);
	struct list l = {.model = str_is(r->param[1], "2") ? VC_20 : VC_11, .now = clock_wall()};
	struct flaw f = {0};
	struct str id, text, body = STR_NONE;
	json_t *vc;
	enum err e = a ? net_decode(r->arena, r->param[0], &f, &id) : ERR_NO_MEMORY;

	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), id, &l.self);
	if (!e && l.model == VC_11 && !str_is(r->param[1], "1")) e = ERR_NOT_FOUND;
	if (!e) e = list_make(r, a, &l, &vc);
	if (!e) e = (str_ends(str_of(type), STR("jwt")) ? list_jwt : list_json)(a, &l, vc, &text);
	if (!e) body = arena_dup(r->arena, text);
	arena_free(a);
	net_set(r, "vary", STR("accept"));
	if (e || !body.p)
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
	else
		net_reply(r, 200, type, body);
}

#define DCP "/p/{p}" DS_DCP_PATH

const struct net_route face_dcp_routes[] = {
    {NET_POST, DCP "/presentations/query", query_post, 0, DCP_BODY_MAX, NET_READ,
     "present credentials (partner's token)"},
    {NET_GET, DCP "/status/{n}", status_get, 0, 0, NET_METERED, "status list of the credentials issued"},
};
const size_t face_dcp_routes_n = sizeof face_dcp_routes / sizeof *face_dcp_routes;
