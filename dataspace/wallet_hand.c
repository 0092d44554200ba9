/* A credential that its owner hands in: held when its issuer's key verifies it, or when the owner says that
 * it shall be held unchecked. */
#include <stdlib.h>

#include "dataspace/peer.h"
#include "dataspace/status_list.h"
#include "dataspace/wallet.h"
#include "proto/did/document.h"

/* In the job's arena, which waits for the issuer's document. */
struct handing {
	struct wallet_adding adding;
	struct vc_jwt jwt;
	struct vc_credential c;
	struct str method;
	struct ds_job *job;
	struct net_req *req; /* NULL once the client has gone */
};

static void handing_gone(void *arg)
{
	((struct handing *)arg)->req = NULL;
}

static enum err verified(struct ds *d, const struct handing *x, enum err e, const struct ds_did *doc,
			 struct flaw *f)
{
	char why[PEER_WHY];
	struct vc_key key;

	if (e) {
		peers_why(d, x->c.issuer, why);
		return flaw_set(
		    f, peer_err_passes(e) ? e : ERR_UPSTREAM, FLAW_NO_OFFSET, "issuer", "did-document",
		    "the issuer's DID document cannot be had: %s; --unchecked holds it all the same",
		    why[0] ? why : err_text(e));
	}
	if (ds_did_key_for(doc, x->method, DID_ASSERTION, &key))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "kid", "issuer-key", "%s",
				"the issuer has no such key for assertions");
	if (vc_jwt_verify(&x->jwt, &key))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "jwt", "credential-signature", "%s",
				"the signature of a credential does not verify");
	return ERR_OK;
}

static void issuer_found(void *arg, enum err e, const struct ds_did *doc)
{
	struct handing *x = arg;
	struct ds_job *j = x->job;
	struct flaw f = {0};

	if (x->req) e = verified(ds_of(x->req), x, e, doc, &f);
	if (x->req && !e) {
		wallet_add_submit(j, &x->adding);
		return;
	}
	if (x->req) net_reply_flaw(x->req, &f);
	ds_job_free(j);
}

static enum err handing_read(struct net_req *r, struct handing *x, bool *ret_unchecked, struct flaw *f)
{
	struct arena *a = x->job->arena;
	const struct ds_self *self;
	json_t *body, *unchecked;
	enum err e = json_read(a, r->body, f, &body);

	if (!e) e = json_str(body, "", "jwt", f, &x->adding.jwts[0]);
	if (e) return e;
	x->adding.jwts[0] = str_trim(x->adding.jwts[0]);
	unchecked = json_object_get(body, "unchecked");
	if (unchecked && !json_is_boolean(unchecked))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "unchecked", "type", "must be %s",
				"true or false");
	x->adding.unchecked = *ret_unchecked = json_is_true(unchecked);
	e = ds_self_find(ds_of(r), ds_txn(r->shard), x->adding.participant, &self);
	if (!e) e = wallet_check(a, self, x->adding.jwts[0], f, &x->c);
	if (!e) e = vc_jwt_parse(a, x->adding.jwts[0], f, &x->jwt);
	if (!e && status_method_of(a, &x->jwt, x->c.issuer, f, &x->method)) e = f->err = ERR_BAD_MESSAGE;
	return e;
}

void wallet_on_hand(struct net_req *r)
{
	struct str participant;
	struct handing *x;
	struct flaw f = {0};
	struct ds_job *j;
	bool unchecked = false;
	enum err e = ds_req_participant(r, &participant);

	if (e || !(j = ds_job_new(ds_of(r), r))) return;
	x = ARENA_NEW(j->arena, struct handing);
	must(x);
	*x = (struct handing){.job = j,
			      .req = r,
			      .adding = {.participant = arena_dup(j->arena, participant),
					 .who = arena_dup(j->arena, ds_who(r)),
					 .jwts = ARENA_NEW(j->arena, struct str),
					 .n = 1}};
	must(x->adding.jwts);
	e = handing_read(r, x, &unchecked, &f);
	if (e) {
		net_reply_err(r, e, &f);
		ds_job_free(j);
	} else if (unchecked) {
		wallet_add_submit(j, &x->adding);
	} else {
		net_hold(r, handing_gone, x);
		peers_find(ds_of(r), r->shard, x->c.issuer, x->method, issuer_found, x);
	}
}
