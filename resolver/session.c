#include "resolver/session.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/jose.h"
#include "base/text64.h"
#include "proto/id/id.h"

enum { TAG = 16, WAYS = 8 };

struct challenge {
	unsigned char tag[TAG];
	char nonce[SESSION_NONCE];
	usec_t until; /* monotonic; 0: free */
};

struct challenges {
	pthread_mutex_t lock;
	struct challenge rows[CHALLENGES_MAX];
};

/* ---- names ------------------------------------------------------------------------------ */

struct str session_handle(struct arena *a, struct str name)
{
	size_t at = str_rfind(name, '@');
	if (at == name.n || !at) return name;
	struct str suffix = str_first(name, at), prefix = str_skip(name, at + 1);
	return arena_printf(a, "%.*s/%.*s", STR_ARG(prefix), STR_ARG(suffix));
}

struct str session_name(struct arena *a, struct str handle)
{
	size_t slash = str_find(handle, '/');
	if (slash == handle.n) return handle;
	struct str prefix = str_first(handle, slash), suffix = str_skip(handle, slash + 1);
	return arena_printf(a, "%.*s@%.*s", STR_ARG(suffix), STR_ARG(prefix));
}

/* ---- tokens ----------------------------------------------------------------------------- */

/* Tells one secret of a credential from another without telling its digest. */
static void bind(const unsigned char secret_sha256[32], char ret[2 * TAG])
{
	unsigned char out[HASH_SHA256];
	hash_sha256(str_n(secret_sha256, HASH_SHA256), out);
	hex_write(out, TAG, ret);
}

enum err session_find(struct store_txn *t, struct arena *a, struct str username, struct session *ret)
{
	struct session s;
	struct str name = session_name(a, username);
	if (!name.p) return ERR_NO_MEMORY;
	enum err e = access_find_name(t, rs_table_credential, a, name, &s.principal, s.secret_sha256);
	if (e) return e;
	s.handle = session_handle(a, s.principal.name);
	if (!s.handle.p) return ERR_NO_MEMORY;
	*ret = s;
	return ERR_OK;
}

enum err session_token(struct rs *rs, struct arena *a, const struct session *s, bool by_key,
		       struct str *ret)
{
	char tie[2 * TAG], id[UUID_URN];
	usec_t now = clock_wall(), end = now + SESSION_VALIDITY;
	if (s->principal.expires && s->principal.expires < end) end = s->principal.expires;
	json_t *claims = json_keep(a, json_object());
	if (!claims) return ERR_NO_MEMORY;
	bind(s->secret_sha256, tie);
	json_put_str(claims, "iss", rs->did);
	json_put_str(claims, "aud", rs->did);
	json_put_str(claims, "sub", s->principal.name);
	json_put_u64(claims, "iat", (uint64_t)(now / USEC_PER_SEC));
	json_put_u64(claims, "exp", (uint64_t)(end / USEC_PER_SEC));
	json_put_str(claims, "jti", str_of(uuid_urn(id)));
	json_put_str(claims, "use", by_key ? STR("session-by-key") : STR("session"));
	json_put_str(claims, "tie", str_n(tie, sizeof tie));
	return jws_write(a, rs->o.key, rs->kid.p, "JWT", claims, ret);
}

/* A session by key: the role enterprise, and what lies directly under the identity's prefix. */
static enum err narrow(struct net_req *r, struct session *s)
{
	struct principal *p = &s->principal;
	struct str prefix = str_first(s->handle, str_find(s->handle, '/')), rest = p->scope, part;
	struct str scope = arena_printf(r->arena, "%.*s/", STR_ARG(prefix));
	struct id_prefix own, one;
	bool covered = false;
	if (!scope.p) return ERR_NO_MEMORY;
	if (prefix.n == s->handle.n || id_prefix_parse(r->arena, scope, NULL, &own))
		return ERR_UNAUTHORISED;
	while (str_split(&rest, ' ', &part)) {
		if (!part.n || part.p[0] == '@') continue;
		covered |= str_is(part, "*") || (!id_prefix_parse(r->arena, part, NULL, &one) &&
						 id_prefix_covers(one.key, own.key));
	}
	p->scope = covered ? scope : STR("");
	p->roles &= ROLE_ENTERPRISE;
	return ERR_OK;
}

static enum err open_token(struct net_req *r, struct str token, struct session *ret)
{
	struct rs_shard *shard = rs__shard(r);
	struct rs *rs = shard->rs;
	struct jws j;
	struct session s;
	char tie[2 * TAG];
	if (token.n > SESSION_TOKEN_MAX || jws_parse(r->arena, token, NULL, &j)) return ERR_UNAUTHORISED;
	if (jws_verify(&j, sign_public(rs->o.key))) return ERR_UNAUTHORISED;
	enum err e = jwt_check(&j, rs->did, clock_wall(), NULL);
	struct str use = json_text(json_object_get(j.claims, "use"));
	bool by_key = str_is(use, "session-by-key");
	if (e) return e == ERR_EXPIRED ? e : ERR_UNAUTHORISED;
	/* other tokens that the node's key signs are no sessions */
	if (!by_key && !str_is(use, "session")) return ERR_UNAUTHORISED;
	e = session_find(shard->txn, r->arena, json_text(json_object_get(j.claims, "sub")), &s);
	if (e) return e;
	bind(s.secret_sha256, tie);
	if (!secret_eq(str_n(tie, sizeof tie), json_text(json_object_get(j.claims, "tie"))))
		return ERR_UNAUTHORISED;
	if (by_key) e = narrow(r, &s);
	if (!e) *ret = s;
	return e;
}

enum err session_open(struct net_req *r, struct session *ret)
{
	struct str header = net_header(r, "authorization"), token = STR_NONE;
	struct session s = {.handle = STR_NONE};
	enum err e;
	if (!header.p && !r->client_cert.p) return ERR_NOT_FOUND;
	if (header.p) {
		if (!str_starts_nocase(header, STR("Bearer "))) return ERR_UNAUTHORISED;
		token = str_trim(str_skip(header, sizeof "Bearer " - 1));
		if (!token.n) return ERR_UNAUTHORISED;
	}
	if (token.n && !str_starts(token, STR("kt_"))) {
		e = open_token(r, token, &s);
	} else {
		e = access_find(rs__shard(r)->txn, rs_table_credential, r->arena, token, r->client_cert,
				&s.principal);
		if (!e) s.handle = session_handle(r->arena, s.principal.name);
	}
	if (e) return e;
	struct principal *p = ARENA_NEW(r->arena, struct principal);
	if (!p || !s.handle.p) return ERR_NO_MEMORY;
	*p = s.principal;
	r->principal = p;
	*ret = s;
	return ERR_OK;
}

/* ---- challenges ------------------------------------------------------------------------- */

enum err challenges_new(struct challenges **ret)
{
	struct challenges *c = calloc(1, sizeof *c);
	if (!c) return ERR_NO_MEMORY;
	must(!pthread_mutex_init(&c->lock, NULL));
	*ret = c;
	return ERR_OK;
}

void challenges_free(struct challenges *c)
{
	if (!c) return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Under the lock. The row of that handle, or NULL; *ret_free the one to use for it. */
static struct challenge *row_find(struct challenges *c, struct str handle, unsigned char tag[TAG],
				  struct challenge **ret_free)
{
	unsigned char digest[HASH_SHA256];
	usec_t now = clock_mono();
	hash_sha256(handle, digest);
	memcpy(tag, digest, TAG);
	size_t set = (((size_t)digest[16] << 8) | digest[17]) % (CHALLENGES_MAX / WAYS) * WAYS;
	struct challenge *oldest = &c->rows[set];
	for (size_t i = 0; i < WAYS; i++) {
		struct challenge *row = &c->rows[set + i];
		if (row->until > now && memcmp(row->tag, tag, TAG) == 0) return row;
		if (row->until < oldest->until) oldest = row;
	}
	*ret_free = oldest;
	return NULL;
}

void challenge_give(struct challenges *c, struct str handle, char ret[SESSION_NONCE])
{
	unsigned char tag[TAG];
	uint64_t random;
	struct challenge *room;
	pthread_mutex_lock(&c->lock);
	struct challenge *row = row_find(c, handle, tag, &room);
	if (!row) {
		row = room;
		random_bytes(&random, sizeof random);
		memcpy(row->tag, tag, TAG);
		snprintf(row->nonce, sizeof row->nonce, "%llu", (unsigned long long)(random >> 4));
		row->until = clock_mono() + CHALLENGE_VALIDITY;
	}
	memcpy(ret, row->nonce, SESSION_NONCE);
	pthread_mutex_unlock(&c->lock);
}

enum err challenge_find(struct challenges *c, struct str handle, char ret[SESSION_NONCE])
{
	unsigned char tag[TAG];
	struct challenge *room;
	pthread_mutex_lock(&c->lock);
	struct challenge *row = row_find(c, handle, tag, &room);
	if (row) memcpy(ret, row->nonce, SESSION_NONCE);
	pthread_mutex_unlock(&c->lock);
	return row ? ERR_OK : ERR_EXPIRED;
}

bool challenge_use(struct challenges *c, struct str handle, const char *nonce)
{
	unsigned char tag[TAG];
	struct challenge *room;
	pthread_mutex_lock(&c->lock);
	struct challenge *row = row_find(c, handle, tag, &room);
	bool good = row && strcmp(row->nonce, nonce) == 0;
	if (good) row->until = 0;
	pthread_mutex_unlock(&c->lock);
	return good;
}
