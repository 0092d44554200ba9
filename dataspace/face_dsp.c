#include "dataspace/face_dsp.h"

#include "base/hash.h"
#include "dataspace/catalog.h"
#include "dataspace/connector.h"
#include "dataspace/dataplane.h"
#include "dataspace/dialect.h"
#include "dataspace/document.h"
#include "dataspace/evidence.h"
#include "dataspace/identity.h"
#include "dataspace/kit.h"
#include "dataspace/negotiation.h"
#include "dataspace/offer.h"
#include "dataspace/transfer.h"
#include "dataspace/under_way.h"
#include "proto/dsp/v2024.h"
#include "proto/dsp/version.h"

/* What a partner must bring (auth.c): a token that it issued itself, by the key of its DID document. */
#define AUTH_PROTOCOL "DCP"
#define AUTH_VERSION "1.0"

/* One message on its way through the writer; everything in the job's arena. */
struct letter {
	struct str pid; /* of the route; empty for first messages */
	struct ds_peer peer;
	uint32_t dialect;
	struct str claims;
	unsigned char digest[HASH_SHA256];
	struct evidence_in evidence;
	struct negotiation_message negotiation;
	struct transfer_message transfer;
	json_t *answer;
};

static void letter_answer(struct ds_job *j, enum err result)
{
	struct net_req *r = j->req;
	struct str body = arena_dup(r->arena, j->body);

	if (result) {
		ds_dsp_refuse(r, result, j->flaw.err == result ? &j->flaw : NULL);
		return;
	}
	j->d->stat.messages_in++;
	refusals_forget(r);
	if (!body.p)
		ds_dsp_refuse(r, ERR_NO_MEMORY, NULL);
	else
		net_reply(r, j->status, DSP_MEDIA_TYPE, body);
}

static struct turn turn_of(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of_partner(j, t, &l->peer);

	u.doc = l->peer.doc;
	u.digest = l->digest;
	u.dialect = l->dialect;
	u.claims = l->claims;
	return u;
}

static enum err letter_end(struct ds_job *j, struct writer_txn *t, json_t *answer, bool fresh)
{
	struct letter *l = j->in;

	answer = ds_dialect_write(j->arena, l->dialect, l->peer.self, STR_NONE, answer);
	if (!answer) return ERR_NO_MEMORY;
	j->status = fresh ? 201 : 200;
	j->body = json_write(j->arena, answer, false);
	return ds_jti_spend(t, l->peer.self->id, &l->peer);
}

static enum err negotiation_work(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of(j, t);
	Ds__Negotiation *n;
	bool fresh;

	u.evidence = &l->evidence;
	enum err e = negotiation_receive(&u, l->pid, &l->negotiation, &n, &fresh);

	return e ? e : letter_end(j, t, negotiation_write(j->arena, n), fresh);
}

static json_t *denial_write(struct ds_job *j, const struct letter *l, const struct transfer_denial *denial)
{
	struct dsp_transfer_notice m = {.pids = {l->transfer.pids.consumer, STR("unknown")},
					.reason = {.code = denial->code}};

	m.reason.reasons = json_keep(j->arena, json_pack("[s%]", denial->reason.p, denial->reason.n));
	m.extra = json_keep(j->arena, json_object());
	if (!m.extra || !m.reason.reasons) return NULL;
	if (denial->report) json_put(m.extra, TRANSFER_REPORT, json_incref(denial->report));
	return dsp_transfer_error_write(j->arena, &m);
}

static enum err transfer_work(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of(j, t);
	struct transfer_denial denial;
	Ds__Transfer *x;
	bool fresh;
	enum err e = transfer_receive(&u, l->pid, &l->transfer, &x, &fresh, &denial);

	if (e) return e;
	if (!denial.err) return letter_end(j, t, transfer_write(j->arena, x), fresh);
	e = letter_end(j, t, denial_write(j, l, &denial), false);
	j->status = err_http(denial.err);
	return e;
}

/* Parses on the shard, so that the writer sees only messages that are well formed. */
static enum err letter_read(struct ds_job *j, struct net_req *r, enum dsp_type type, bool transfer,
			    bool first, struct flaw *f)
{
	struct letter *l = j->in;
	json_t *body;
	enum err e = ERR_OK;

	if (!first) e = net_decode(j->arena, r->param[1], f, &l->pid);
	if (!e && !first && !l->pid.n) e = ERR_NOT_FOUND;
	if (!e) e = json_read(j->arena, r->body, f, &body);
	if (!e && kit_acts(j->d, l->peer.self->id)) kit_spell_out(body);
	if (!e) e = ds_dialect_read(j->arena, l->dialect, body, f, &body);
	if (e) return e;
	hash_sha256(r->body, l->digest);
	if (transfer) return transfer_message_parse(body, type, f, &l->transfer);
	/* an agreement stays as its proofs have it */
	offer_spell_out(json_object_get(body, "offer"));
	return negotiation_message_parse(body, type, f, &l->negotiation);
}

static void letter_take(struct net_req *r, const struct ds_peer *peer, enum dsp_type type, bool transfer,
			bool first)
{
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct letter *l = j ? ARENA_NEW(j->arena, struct letter) : NULL;
	struct ds_did *doc = l ? ARENA_NEW(j->arena, struct ds_did) : NULL;
	struct flaw f = {0};
	enum err e;

	if (!j) return;
	must(l && doc);
	*doc = *peer->doc;
	l->peer = *peer;
	l->peer.doc = doc;
	l->dialect = ds_dialect_of(r);
	l->peer.did = arena_dup(j->arena, peer->did);
	l->claims = identity_claims(j->arena, peer);
	l->peer.credentials = NULL; /* the request's */
	j->in = l;
	e = letter_read(j, r, type, transfer, first, &f);
	if (!e && !transfer)
		e = evidence_receive(j->arena, peer, dsp_type_name(type), r->body, &l->evidence);
	if (e) {
		ds_dsp_refuse(r, e, &f);
		ds_job_free(j);
		return;
	}
	j->work = transfer ? transfer_work : negotiation_work;
	j->answer = letter_answer;
	(void)ds_job_submit(j);
}

#define BASE "/p/{p}" DS_DSP_PATH
#define BASE_2024 "/p/{p}" DS_DSP_PATH_2024

/* A version that the node is not to speak is not there. */
static bool spoken(struct net_req *r)
{
	bool ok = ds_dialect_spoken(ds_of(r), ds_dialect_of(r));

	if (!ok) ds_dsp_refuse(r, ERR_NOT_FOUND, NULL);
	return ok;
}

static void peer_require(struct net_req *r, ds_peer_fn *then)
{
	if (spoken(r)) ds_peer_require(r, then);
}

static void on_catalog(struct net_req *r)
{
	if (spoken(r)) catalog_on_request(r);
}

static void on_dataset(struct net_req *r)
{
	if (spoken(r)) catalog_on_dataset(r);
}

/* name, path, message, transfer?, first of its process?, summary */
#define MESSAGES(X)                                                                                        \
	X(cn_request, "/negotiations/request", CONTRACT_REQUEST, false, true, "ask for an offer")          \
	X(cn_rerequest, "/negotiations/{pid}/request", CONTRACT_REQUEST, false, false, "counter-offer")    \
	X(cn_offer, "/negotiations/offers", CONTRACT_OFFER, false, true, "make an offer")                  \
	X(cn_reoffer, "/negotiations/{pid}/offers", CONTRACT_OFFER, false, false, "offer again")           \
	X(cn_event, "/negotiations/{pid}/events", NEGOTIATION_EVENT, false, false, "accept or finalize")   \
	X(cn_agreement, "/negotiations/{pid}/agreement", CONTRACT_AGREEMENT, false, false, "agree")        \
	X(cn_verification, "/negotiations/{pid}/agreement/verification", AGREEMENT_VERIFICATION, false,    \
	  false, "verify the agreement")                                                                   \
	X(cn_termination, "/negotiations/{pid}/termination", NEGOTIATION_TERMINATION, false, false,        \
	  "end the negotiation")                                                                           \
	X(tp_request, "/transfers/request", TRANSFER_REQUEST, true, true, "ask for a transfer")            \
	X(tp_start, "/transfers/{pid}/start", TRANSFER_START, true, false, "start or resume")              \
	X(tp_completion, "/transfers/{pid}/completion", TRANSFER_COMPLETION, true, false, "complete")      \
	X(tp_suspension, "/transfers/{pid}/suspension", TRANSFER_SUSPENSION, true, false, "suspend")       \
	X(tp_termination, "/transfers/{pid}/termination", TRANSFER_TERMINATION, true, false, "terminate")

#define X(name, path, type, transfer, first, summary)                                                      \
	static void then_##name(struct net_req *r, const struct ds_peer *peer)                             \
	{                                                                                                  \
		letter_take(r, peer, DSP_##type, transfer, first);                                         \
	}                                                                                                  \
	static void on_##name(struct net_req *r)                                                           \
	{                                                                                                  \
		peer_require(r, then_##name);                                                              \
	}
MESSAGES(X)
#undef X

/* ---- reading ---- */

static void state_answer(struct net_req *r, const struct ds_self *self, enum err e, json_t *j,
			 const struct flaw *f)
{
	if (!e && !j) e = ERR_NO_MEMORY;
	if (e)
		ds_dsp_refuse(r, e, f);
	else
		ds_dialect_reply(r, self, 200, j);
}

static void then_negotiation(struct net_req *r, const struct ds_peer *peer)
{
	struct flaw f = {0};
	Ds__Negotiation *n = NULL;
	struct str pid;
	enum err e = net_decode(r->arena, r->param[1], &f, &pid);

	if (!e) e = negotiation_find(ds_txn_fresh(r->shard), r->arena, peer->self->id, pid, &n);
	/* The document must name both pids; until the partner's answer is here, it is not there for it. */
	if (!e && (!str_is(peer->did, n->peer) || !n->peer_pid[0])) e = ERR_NOT_FOUND;
	state_answer(r, peer->self, e, e ? NULL : negotiation_write(r->arena, n), &f);
}

static void then_transfer(struct net_req *r, const struct ds_peer *peer)
{
	struct flaw f = {0};
	Ds__Transfer *x = NULL;
	struct str pid;
	enum err e = net_decode(r->arena, r->param[1], &f, &pid);

	if (!e) e = ds_transfer_find(ds_txn_fresh(r->shard), r->arena, peer->self->id, pid, &x);
	if (!e && (!str_is(peer->did, x->peer) || !x->peer_pid[0])) e = ERR_NOT_FOUND;
	state_answer(r, peer->self, e, e ? NULL : transfer_write(r->arena, x), &f);
}

static void on_negotiation(struct net_req *r)
{
	peer_require(r, then_negotiation);
}

static void on_transfer(struct net_req *r)
{
	peer_require(r, then_transfer);
}

static const struct ds_self *public_self(struct net_req *r)
{
	const struct ds_self *self;
	struct flaw f = {0};
	struct str id;
	enum err e = net_decode(r->arena, r->param[0], &f, &id);

	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), id, &self);
	if (!e) return self;
	net_reply_err(r, e == ERR_NOT_FOUND ? e : ERR_NOT_FOUND, NULL);
	return NULL;
}

static void on_did(struct net_req *r)
{
	const struct ds_self *self = public_self(r);

	if (self) net_reply(r, 200, "application/did+json", document_write(r->arena, ds_of(r), self));
}

/* "protocolVersions", and the @context that version 2024-1 wants beside it. prefix: from the root that was
 * asked to the participant's. */
static void versions_answer(struct net_req *r, const struct ds_self *self, const char *prefix)
{
	struct dsp_version v[DS_DIALECT_END] = {0};
	struct dsp_versions all = {.versions = v};
	json_t *j;

	for (uint32_t i = 0; i < DS_DIALECT_END; i++) {
		if (!ds_dialect_spoken(ds_of(r), i)) continue;
		v[all.versions_n++] =
		    (struct dsp_version){.version = str_of(ds_dialect_name(i)),
					 .path = arena_printf(r->arena, "%s%s", prefix, ds_dialect_path(i)),
					 .binding = STR("HTTPS"),
					 .service_id = self->did,
					 .identifier_type = STR("did:web")};
		if (!(ds_of(r)->o.identity.modes & DS_BY_DCP))
			continue; /* told only where it is accepted */
		v[all.versions_n - 1].auth_protocol = STR(AUTH_PROTOCOL);
		v[all.versions_n - 1].auth_version = STR(AUTH_VERSION);
	}
	j = dsp_versions_write(r->arena, &all);
	if (!j) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(j, "@context", STR(DSP_V2024_CONTEXT));
	net_reply(r, 200, DSP_MEDIA_TYPE, json_write(r->arena, j, false));
}

static void on_version(struct net_req *r)
{
	const struct ds_self *self = public_self(r);
	struct flaw f = {0};

	if (self && connector_here(self, &f))
		net_reply_flaw(r, &f);
	else if (self)
		versions_answer(r, self, "");
}

struct only {
	struct str id;
	size_t n;
};

static enum err only_one(void *arg, struct str id)
{
	struct only *o = arg;

	o->id = id;
	return ++o->n > 1 ? ERR_NOT_FOUND : ERR_OK;
}

/* At the root of the node, where connectors look first: the versions of its only participant. A node of
 * several has a root for each, and does not tell strangers who they are. */
static void on_root_version(struct net_req *r)
{
	const struct ds_self *self;
	struct only o = {.n = 0};
	struct flaw f = {0};
	enum err e = ds_participant_each(ds_txn(r->shard), r->arena, only_one, &o);

	if (!e && o.n != 1) e = ERR_NOT_FOUND;
	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), o.id, &self);
	if (!e) e = connector_here(self, &f);
	if (e)
		net_reply_err(r, e, &f);
	else
		versions_answer(r, self, arena_printf(r->arena, "/p/%.*s", STR_ARG(o.id)).p);
}

const struct net_route face_dsp_routes[] = {
    {NET_GET, "/p/{p}/did.json", on_did, 0, 0, 0, "DID document of a participant"},
    {NET_GET, "/p/{p}/.well-known/dspace-version", on_version, 0, 0, 0,
     "versions of the Dataspace Protocol"},
    {NET_POST, BASE "/catalog/request", on_catalog, 0, DS_BODY_MAX, 0, "catalog (partner's token)"},
    {NET_GET, BASE "/catalog/datasets/{d}", on_dataset, 0, 0, 0, "one dataset (partner's token)"},
    {NET_GET, BASE "/negotiations/{pid}", on_negotiation, 0, 0, 0,
     "state of a negotiation (partner's token)"},
    {NET_GET, BASE "/transfers/{pid}", on_transfer, 0, 0, 0, "state of a transfer (partner's token)"},
#define X(name, path, type, transfer, first, summary)                                                      \
	{NET_POST, BASE path, on_##name, 0, DS_BODY_MAX, 0, summary},
    MESSAGES(X)
#undef X
	{NET_GET, "/.well-known/dspace-version", on_root_version, 0, 0, 0,
	 "versions of the Dataspace Protocol, of the only participant"},
    {NET_POST, BASE_2024 "/catalog/request", on_catalog, 0, DS_BODY_MAX, 0, "catalog, in 2024-1"},
    {NET_GET, BASE_2024 "/catalog/datasets/{d}", on_dataset, 0, 0, 0, "one dataset, in 2024-1"},
    {NET_GET, BASE_2024 "/negotiations/{pid}", on_negotiation, 0, 0, 0,
     "state of a negotiation, in 2024-1"},
    {NET_GET, BASE_2024 "/transfers/{pid}", on_transfer, 0, 0, 0, "state of a transfer, in 2024-1"},
#define X(name, path, type, transfer, first, summary)                                                      \
	{NET_POST, BASE_2024 path, on_##name, 0, DS_BODY_MAX, 0, summary ", in 2024-1"},
    MESSAGES(X)
#undef X
};
const size_t face_dsp_routes_n = sizeof face_dsp_routes / sizeof *face_dsp_routes;
