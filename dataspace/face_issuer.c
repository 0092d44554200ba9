/* What holders ask of an issuer (DCP 1.0.1 6.4, 6.7, 6.8), below <url>/p/{p}/issuer: its IssuerService. */
#include "dataspace/face_dsp.h"
#include "dataspace/issuance.h"
#include "dataspace/wallet.h"

enum { REQUEST_BODY_MAX = 64 << 10 };

/* One request on its way through the writer; everything in the job's arena. */
struct letter {
	struct ds_peer peer;
	struct dcp_request m;
	struct str service, token;
};

static json_t *status_write(struct arena *a, json_t *row)
{
	struct dcp_status s = {.issuer_pid = json_text(json_object_get(row, "id")),
			       .holder_pid = json_text(json_object_get(row, "holderPid")),
			       .status = json_text(json_object_get(row, "status"))};

	return dcp_status_write(a, &s);
}

static enum err request_work(struct ds_job *j, struct writer_txn *t)
{
	struct letter *l = j->in;
	struct turn u = turn_of_partner(j, t, &l->peer);
	json_t *row, *status;
	enum err e;

	u.partner = true;
	e = issuer_receive(&u, &l->m, l->service, l->token, &row);
	if (e) return e;
	status = status_write(j->arena, row);
	if (!status) return ERR_NO_MEMORY;
	j->status = 201;
	j->body = json_write(j->arena, status, false);
	j->location = arena_printf(j->arena, "%s" DS_ISSUER_PATH "/requests/%.*s", l->peer.self->base,
				   STR_ARG(json_text(json_object_get(row, "id"))));
	return ds_jti_spend(t, l->peer.self->id, &l->peer);
}

static void then_request(struct net_req *r, const struct ds_peer *peer)
{
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct letter *l = j ? ARENA_NEW(j->arena, struct letter) : NULL;
	struct flaw f = {0};
	json_t *m;
	enum err e;

	if (!j) return;
	must(l);
	l->peer = *peer;
	l->peer.did = arena_dup(j->arena, peer->did);
	l->service = arena_dup(j->arena, str_of(peer->doc->credentials));
	l->token = arena_dup(j->arena, peer->token);
	e = json_read(j->arena, r->body, &f, &m);
	if (!e) e = dcp_request_read(m, &f, &l->m);
	if (!e && !l->service.n)
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "iss", "no-credential-service",
			     "the DID document names no CredentialService to deliver to");
	j->in = l;
	j->work = request_work;
	ds_job_submit_or_refuse(j, e, &f);
}

static void request_post(struct net_req *r)
{
	ds_peer_require_plain(r, then_request);
}

/* Only who asked may know. */
static void then_status(struct net_req *r, const struct ds_peer *peer)
{
	struct flaw f = {0};
	struct str id;
	json_t *row, *out = NULL;
	enum err e = net_decode(r->arena, r->param[1], &f, &id);

	if (!e) e = wallet_find(ds_txn_fresh(r->shard), r->arena, peer->self->id, "request", id, &row);
	if (!e && !str_eq(json_text(json_object_get(row, "holder")), peer->did)) e = ERR_NOT_FOUND;
	if (!e) out = status_write(r->arena, row);
	if (e || !out)
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

static void status_get(struct net_req *r)
{
	ds_peer_require_plain(r, then_status);
}

static void metadata_get(struct net_req *r)
{
	struct dcp_objects *m = ARENA_NEW(r->arena, struct dcp_objects);
	const struct ds_self *self;
	struct flaw f = {0};
	json_t *out = NULL;
	struct str id;
	enum err e = m ? net_decode(r->arena, r->param[0], &f, &id) : ERR_NO_MEMORY;

	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), id, &self);
	if (!e) e = issuer_objects(ds_txn_fresh(r->shard), r->arena, self, m);
	/* a schema is a required member: what is not described by one of its own has the issuer's base */
	for (size_t i = 0; !e && i < m->items_n; i++)
		if (!m->items[i].schema.n) m->items[i].schema = str_of(self->base);
	if (!e) out = dcp_metadata_write(r->arena, m);
	if (e || !out)
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

#define ISSUER "/p/{p}" DS_ISSUER_PATH

const struct net_route face_issuer_routes[] = {
    {NET_POST, ISSUER "/credentials", request_post, 0, REQUEST_BODY_MAX, 0,
     "ask for credentials (holder's token)"},
    {NET_GET, ISSUER "/requests/{id}", status_get, 0, 0, NET_READ, "status of a request (holder's token)"},
    {NET_GET, ISSUER "/metadata", metadata_get, 0, 0, NET_METERED, "credentials issued here"},
};
const size_t face_issuer_routes_n = sizeof face_issuer_routes / sizeof *face_issuer_routes;
