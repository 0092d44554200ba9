#include "dataspace/identity.h"

#include <stdio.h>

#include "dataspace/document.h"
#include "dataspace/face_dsp.h"
#include "proto/did/document.h"
#include "proto/did/name.h"

/* "DID=rest": the rest. DIDs hold no '='. */
static bool pin_rest(const char *pin, struct str did, struct str *ret)
{
	struct str s = str_of(pin);
	size_t at = str_find(s, '=');

	if (at == s.n || !str_eq(str_first(s, at), did)) return false;
	*ret = str_skip(s, at + 1);
	return true;
}

static void pin_key(struct ds_did *doc, size_t i, struct str did, const char *fragment,
		    const unsigned char key[SIGN_PUBLIC])
{
	memcpy(doc->key[i].method, did.p, did.n);
	memcpy(doc->key[i].method + did.n, fragment, strlen(fragment) + 1);
	memcpy(doc->key[i].key, key, SIGN_PUBLIC);
	doc->key[i].purposes = DID_AUTHENTICATION | DID_INVOCATION | DID_ASSERTION;
}

bool identity_pin_parse(struct str did, struct str key, struct ds_did *ret)
{
	char name[DS_DID_MAX];
	unsigned char ed[SIGN_PUBLIC];

	*ret = (struct ds_did){.pinned = true};
	if (!sign_public_parse(key, ed)) {
		ret->keys_n = 2;
		pin_key(ret, 0, did, "#key-1", ed);
		pin_key(ret, 1, did, "#token-1", ed);
		return true;
	}
	if (snprintf(name, sizeof name, "did:key:%.*s", STR_ARG(key)) >= (int)sizeof name ||
	    did_key_parse_p256(str_of(name), NULL, ret->ec[0].pub))
		return false;
	(void)snprintf(ret->ec[0].method, sizeof ret->ec[0].method, "%.*s#key-1", STR_ARG(did));
	ret->ec[0].purposes = DID_AUTHENTICATION | DID_INVOCATION | DID_ASSERTION;
	ret->ec_n = 1;
	return true;
}

/* One key of each kind: of both, P-256 signs the tokens, Ed25519 the agreements, as a participant with
 * `tokens = ES256` has it. The first of a kind counts, and the first address. */
static void pin_merge(struct ds_did *ret, const struct ds_did *one, struct str did, struct str dsp)
{
	if (one->ec_n && !ret->ec_n) {
		ret->ec[0] = one->ec[0];
		ret->ec_n = 1;
	}
	if (one->keys_n && !ret->keys_n) {
		memcpy(ret->key, one->key, sizeof ret->key);
		ret->keys_n = one->keys_n;
	}
	if (ret->ec_n && ret->keys_n) {
		ret->keys_n = 1;
		(void)snprintf(ret->ec[0].method, sizeof ret->ec[0].method, "%.*s#token-1", STR_ARG(did));
	}
	document_base_take(dsp, ret);
}

bool identity_pinned(struct ds *d, struct str did, struct ds_did *ret)
{
	const struct ds_identity *o = &d->o.identity;
	struct ds_did one;
	struct str rest;

	if (did.n > DS_DID_MAX || !(o->modes & DS_BY_PIN)) return false;
	*ret = (struct ds_did){.pinned = true};
	for (size_t i = 0; i < o->partners_n; i++) {
		if (!pin_rest(o->partners[i], did, &rest)) continue;
		size_t at = str_find(rest, '@');

		if (!identity_pin_parse(did, str_first(rest, at), &one)) continue;
		pin_merge(ret, &one, did, str_skip(rest, at + 1));
	}
	return ret->keys_n || ret->ec_n;
}

bool identity_by_certificate(struct ds *d, const struct net_req *r, struct str *ret_did)
{
	const struct ds_identity *o = &d->o.identity;
	unsigned char wanted[32];

	if (!r->client_cert.p || !(o->modes & DS_BY_TLS)) return false;
	for (size_t i = 0; i < o->partners_n; i++) {
		struct str s = str_of(o->partners[i]);
		size_t at = str_find(s, '=');
		struct str rest = str_skip(s, at + 1);

		if (!str_starts(rest, STR("sha256:")) || hex_parse(str_skip(rest, 7), wanted, 32)) continue;
		if (!secret_eq(str_n(wanted, 32), r->client_cert)) continue;
		*ret_did = str_first(s, at);
		return true;
	}
	return false;
}

static enum err flaw_at(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static unsigned modes_of(const struct ds_identity *o)
{
	return o->modes ? o->modes : DS_BY_DID;
}

enum err identity_expects(struct ds *d, struct str did, struct str token, struct flaw *f)
{
	const struct ds_identity *o = &d->o.identity;
	unsigned modes = modes_of(o);
	struct ds_did pinned;

	if (identity_pinned(d, did, &pinned)) return ERR_OK;
	if (modes & DS_BY_DCP && token.n) return ERR_OK;
	if (modes & DS_BY_DCP && o->required_n)
		return flaw_at(f, "token", "access-token",
			       "credentials are required here: the token gives no access token");
	if (modes & DS_BY_DID) return ERR_OK;
	return flaw_at(f, "authorization", "identity-mode",
		       "this node does not admit partners by their key alone");
}

void identity_admit(struct net_req *r, struct ds_peer *peer, bool tls, bool plain, ds_peer_fn *then)
{
	struct ds *d = ds_of(r);
	struct flaw f = {0};

	if (plain || tls || peer->doc->pinned) {
		then(r, peer);
	} else if (identity_expects(d, peer->did, peer->token, &f)) {
		d->stat.auth_refused++;
		net_set(r, "www-authenticate", STR("Bearer"));
		ds_dsp_refuse(r, f.err, &f);
	} else if (modes_of(&d->o.identity) & DS_BY_DCP && peer->token.n) {
		identity_verify(r, peer, then);
	} else {
		then(r, peer);
	}
}
