/* What issuers bring to a holder (DCP 1.0.1 6.5, 6.6): deliveries and offers, below its CredentialService.
 */
#include "dataspace/face_dsp.h"
#include "dataspace/fetch.h"
#include "dataspace/identity.h"
#include "dataspace/issuance.h"
#include "dataspace/wallet.h"
#include "proto/did/document.h"
#include "proto/vc/credential.h"

enum { STORAGE_BODY_MAX = 256 << 10 };

/* One message on its way through the writer; everything in the job's arena. */
struct letter {
	struct ds_peer peer;
	struct dcp_delivery *delivery;
	struct dcp_objects *offer;
	struct wallet_adding adding;
};

static enum err refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static struct turn turn_of(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;

	return turn_of_partner(j, t, &l->peer);
}

static struct ds_job *letter_new(struct net_req *r, const struct ds_peer *peer, struct letter **ret)
{
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct letter *l = j ? ARENA_NEW(j->arena, struct letter) : NULL;

	if (!j) return NULL;
	must(l);
	l->peer = *peer;
	l->peer.did = arena_dup(j->arena, peer->did);
	j->in = *ret = l;
	return j;
}

/* ---- deliveries ---- */

static bool listed(json_t *types, const struct vc_credential *c)
{
	json_t *t;
	size_t i;

	json_array_foreach(types, i, t)
	{
		if (vc_credential_is(c, json_text(t))) return true;
	}
	return false;
}

/* By the issuer's own hand, about us, of a type that was asked for. */
static enum err item_check(struct ds_job *j, const struct ds_peer *peer, struct str jwt, json_t *types,
			   struct flaw *f)
{
	struct vc_credential *c = ARENA_NEW(j->arena, struct vc_credential);
	struct vc_key key;
	struct vc_jwt t;
	enum err e = c ? wallet_check(j->arena, peer->self, jwt, f, c) : ERR_NO_MEMORY;

	if (!e) e = vc_jwt_parse(j->arena, jwt, f, &t);
	if (e) return e;
	if (!str_eq(c->issuer, peer->did))
		return refuse(f, ERR_FORBIDDEN, "issuer", "sender", "the credential is not the sender's");
	if (!listed(types, c))
		return refuse(f, ERR_FORBIDDEN, "credentialType", "unasked", "this was not asked for");
	if (ds_did_key_for(peer->doc, t.kid, DID_ASSERTION, &key) || vc_jwt_verify(&t, &key))
		return refuse(f, ERR_BAD_MESSAGE, "payload", "signature",
			      "the credential's signature does not verify");
	return ERR_OK;
}

static enum err delivery_read(struct net_req *r, struct ds_job *j, struct letter *l,
			      const struct ds_peer *peer, struct flaw *f)
{
	struct dcp_delivery *m = ARENA_NEW(j->arena, struct dcp_delivery);
	json_t *body, *asked;
	enum err e = m ? json_read(j->arena, r->body, f, &body) : ERR_NO_MEMORY;

	if (!e) e = dcp_delivery_read(body, f, m);
	if (!e)
		e = holder_asked(ds_txn_fresh(r->shard), j->arena, peer->self->id, m->holder_pid, peer->did,
				 f, &asked);
	if (e) return e;
	l->delivery = m;
	l->adding = (struct wallet_adding){.participant = peer->self->id, .who = l->peer.did};
	l->adding.jwts = ARENA_ARRAY(j->arena, struct str, DCP_ITEMS_MAX);
	if (!l->adding.jwts) return ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < m->items_n; i++) {
		e = item_check(j, peer, m->items[i].payload, json_object_get(asked, "types"), f);
		l->adding.jwts[l->adding.n++] = m->items[i].payload;
	}
	return e;
}

static enum err store_work(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of(j, t);
	json_t *asked;
	enum err e =
	    holder_asked(t->store, j->arena, u.self->id, l->delivery->holder_pid, u.who, u.flaw, &asked);

	if (!e) e = wallet_add(j, t, &l->adding);
	if (!e) e = holder_answered(&u, asked, l->delivery);
	j->body = STR("{}");
	return e ? e : ds_jti_spend(t, u.self->id, &l->peer);
}

static void then_store(struct net_req *r, const struct ds_peer *peer)
{
	struct flaw f = {0};
	struct letter *l;
	struct ds_job *j = letter_new(r, peer, &l);
	enum err e;

	if (!j) return;
	e = delivery_read(r, j, l, peer, &f);
	j->work = store_work;
	ds_job_submit_or_refuse(j, e, &f);
}

static void store_post(struct net_req *r)
{
	ds_peer_require_plain(r, then_store);
}

/* ---- offers ---- */

static enum err offer_work(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of(j, t);
	enum err e = holder_offered(&u, l->offer);

	j->body = STR("{}");
	return e ? e : ds_jti_spend(t, u.self->id, &l->peer);
}

/* An offer that has all it needs; m may be in the request's arena. */
static void offer_submit(struct net_req *r, const struct ds_peer *peer, const struct dcp_objects *m)
{
	struct identity_trust trust;
	struct flaw f = {0};
	struct letter *l;
	struct ds_job *j;
	enum err e =
	    identity_trust_load(ds_of(r), ds_txn_fresh(r->shard), r->arena, peer->self->id, &trust);

	for (size_t i = 0; !e && i < m->items_n; i++)
		if (!identity_trusts(&trust, m->issuer, m->items[i].type))
			e = refuse(&f, ERR_FORBIDDEN, "issuer", "trusted",
				   "the issuer is not trusted here for what it offers");
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	j = letter_new(r, peer, &l);
	if (!j) return;
	l->offer = ARENA_NEW(j->arena, struct dcp_objects);
	must(l->offer);
	*l->offer = *m;
	l->offer->issuer = l->peer.did;
	for (size_t i = 0; i < m->items_n; i++) {
		l->offer->items[i].id = arena_dup(j->arena, m->items[i].id);
		l->offer->items[i].type = arena_dup(j->arena, m->items[i].type);
	}
	j->work = offer_work;
	(void)ds_job_submit(j);
}

struct resolving {
	const struct ds_peer *peer;
	struct dcp_objects *offer;
};

/* "the Credential Service MUST resolve" an id that stands alone against the issuer's metadata (6.6.1) */
static void offer_metadata(struct net_req *r, void *arg, const struct fetched *got)
{
	struct resolving *x = arg;
	struct dcp_objects *all = ARENA_NEW(r->arena, struct dcp_objects), *m = x->offer;
	struct str text = arena_dup(r->arena, got->body);
	struct flaw f = {0};
	json_t *j;
	enum err e = all && text.p ? ERR_OK : ERR_NO_MEMORY;

	if (!e && (got->err || got->status != 200 || json_read(r->arena, text, NULL, &j) ||
		   dcp_metadata_read(j, NULL, all)))
		e = refuse(&f, ERR_BAD_MESSAGE, "credentials", "metadata",
			   "the issuer's metadata, which the ids stand for, cannot be had");
	for (size_t i = 0; !e && i < m->items_n; i++) {
		size_t k = 0;

		while (k < all->items_n && !str_eq(all->items[k].id, m->items[i].id)) k++;
		if (m->items[i].type.n) continue;
		if (k == all->items_n)
			e = refuse(&f, ERR_BAD_MESSAGE, "credentials.id", "credential-unknown",
				   "the issuer's metadata has no credential of this id");
		else
			m->items[i].type = all->items[k].type;
	}
	if (e)
		net_reply_err(r, e, &f);
	else
		offer_submit(r, x->peer, m);
}

static void offer_resolve(struct net_req *r, const struct ds_peer *peer, struct dcp_objects *m)
{
	struct resolving *x = ARENA_NEW(r->arena, struct resolving);
	struct fetch_ask q = {.self = peer->self,
			      .audience = peer->did,
			      .method = "GET",
			      .url = arena_printf(r->arena, "%s/metadata", peer->doc->issuer),
			      .open = true,
			      .then = offer_metadata,
			      .arg = x};
	struct flaw f = {0};
	enum err e = x && q.url.p ? ERR_OK : ERR_NO_MEMORY;

	if (!e && !peer->doc->issuer[0])
		e = refuse(&f, ERR_BAD_MESSAGE, "credentials", "metadata",
			   "the sender's DID document names no IssuerService");
	if (!e) {
		*x = (struct resolving){peer, m};
		e = fetch_start(r, &q);
	}
	if (e) net_reply_err(r, e, &f);
}

static void then_offer(struct net_req *r, const struct ds_peer *peer)
{
	struct dcp_objects *m = ARENA_NEW(r->arena, struct dcp_objects);
	struct flaw f = {0};
	struct identity_trust trust;
	bool sparse = false;
	json_t *body;
	enum err e = m ? json_read(r->arena, r->body, &f, &body) : ERR_NO_MEMORY;

	if (!e) e = dcp_offer_read(body, &f, m);
	if (!e && !str_eq(m->issuer, peer->did))
		e = refuse(&f, ERR_FORBIDDEN, "issuer", "sender", "the offer is another issuer's");
	for (size_t i = 0; !e && i < m->items_n; i++) sparse = sparse || !m->items[i].type.n;
	if (!e) e = identity_trust_load(ds_of(r), ds_txn_fresh(r->shard), r->arena, peer->self->id, &trust);
	/* nobody is asked for anything on behalf of strangers */
	if (!e && sparse && !identity_trusts(&trust, peer->did, STR_NONE))
		e = refuse(&f, ERR_FORBIDDEN, "issuer", "trusted", "the issuer is not trusted here");
	if (e)
		net_reply_err(r, e, &f);
	else if (sparse)
		offer_resolve(r, peer, m);
	else
		offer_submit(r, peer, m);
}

static void offer_post(struct net_req *r)
{
	ds_peer_require_plain(r, then_offer);
}

#define DCP "/p/{p}" DS_DCP_PATH

const struct net_route face_storage_routes[] = {
    {NET_POST, DCP "/credentials", store_post, 0, STORAGE_BODY_MAX, 0,
     "deliver credentials (issuer's token)"},
    {NET_POST, DCP "/offers", offer_post, 0, STORAGE_BODY_MAX, 0, "offer credentials (issuer's token)"},
};
const size_t face_storage_routes_n = sizeof face_storage_routes / sizeof *face_storage_routes;
