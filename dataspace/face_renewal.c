/* The refresh_token grant (RFC 6749 6) for transfers and for data flows. */
#include <stdio.h>

#include "base/hash.h"
#include "dataspace/flow.h"
#include "dataspace/provide.h"
#include "dataspace/renewal.h"

enum { RENEWAL_BODY_MAX = 32 << 10, RENEWAL_TOKEN_MAX = 16 << 10 };

struct grant_ask {
	const struct ds_self *self;
	struct ds_peer peer;
	struct str id, refresh, access; /* access: claim `token` of the client's JWT */
	bool flow;
	const char *error; /* of RFC 6749 5.2; NULL: granted */
	char text[PROVIDE_REASON];
};

static void answer_error(struct net_req *r, const char *error, const char *text)
{
	json_t *j = json_keep(r->arena, json_pack("{s:s,s:s}", "error", error, "error_description", text));

	net_set(r, "cache-control", STR("no-store"));
	if (j)
		net_reply(r, 400, "application/json", json_write(r->arena, j, false));
	else
		net_reply_err(r, ERR_NO_MEMORY, NULL);
}

/* ---- in the command ---- */

static enum err deny(struct grant_ask *q, const char *text)
{
	q->error = "invalid_grant";
	snprintf(q->text, sizeof q->text, "%s", text);
	return ERR_OK;
}

/* What a row keeps of its tokens. */
struct kept {
	char **id, **before;
	int64_t *expires, *rotated;
	ProtobufCBinaryData *sha256;
};

static bool is(struct arena *a, struct renewal r, struct str id, struct str given)
{
	struct str made;

	r.id = id;
	return id.n && !renewal_refresh(a, &r, &made) && secret_eq(given, made);
}

static enum err rotate(const struct turn *u, struct renewal *r, struct kept *k)
{
	char id[UUID_URN];
	struct str access;
	enum err e;

	*k->before = *k->id;
	*k->id = turn_text(u, str_of(uuid_urn(id)));
	*k->expires = u->t->now + renewal_term(u->d);
	*k->rotated = u->t->now;
	r->id = str_of(*k->id);
	r->expires = *k->expires;
	e = renewal_access(u->a, r, &access);
	*k->sha256 = (ProtobufCBinaryData){HASH_SHA256, arena_alloc(u->a, HASH_SHA256)};
	if (!e && !k->sha256->data) e = ERR_NO_MEMORY;
	if (!e) hash_sha256(access, k->sha256->data);
	return e;
}

/* *ret_new: the row is to be put. */
static enum err judge(const struct turn *u, struct grant_ask *q, struct renewal *r, struct kept *k,
		      bool *ret_new)
{
	unsigned char digest[HASH_SHA256];

	*ret_new = false;
	if (is(u->a, *r, str_of(*k->id), q->refresh)) {
		hash_sha256(q->access, digest);
		if (k->sha256->len != HASH_SHA256 ||
		    !secret_eq(str_n(digest, HASH_SHA256), str_n(k->sha256->data, HASH_SHA256)))
			return deny(q, "the claim token is not the access token that goes with it");
		*ret_new = true;
		return rotate(u, r, k);
	}
	if (is(u->a, *r, str_of(*k->before), q->refresh) && u->t->now - *k->rotated < RENEWAL_GRACE)
		return ERR_OK;
	return deny(q, "this is not the present refresh token");
}

static enum err answer(const struct turn *u, const struct renewal *r, struct str *ret)
{
	struct str access, refresh;
	json_t *j = json_keep(u->a, json_object());
	usec_t left = r->expires - u->t->now;
	enum err e = j ? renewal_access(u->a, r, &access) : ERR_NO_MEMORY;

	if (!e) e = renewal_refresh(u->a, r, &refresh);
	if (e) return e;
	json_put_str(j, "access_token", access);
	json_put_str(j, "token_type", STR("bearer"));
	json_put_u64(j, "expires_in", left > 0 ? (uint64_t)(left / USEC_PER_SEC) : 0);
	json_put_str(j, "refresh_token", refresh);
	*ret = json_write(u->a, j, false);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err of_transfer(const struct turn *u, struct grant_ask *q, struct str *ret)
{
	struct flaw f = {0};
	struct renewal r;
	Ds__Transfer *x;
	Ds__Agreement *g;
	bool fresh;
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, q->id, &x);

	if (!e && (x->side != DS__SIDE__SIDE_PROVIDER || !str_is(q->peer.did, x->peer) || !x->token_id[0]))
		e = ERR_NOT_FOUND;
	if (!e) e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &g);
	if (e == ERR_NOT_FOUND) return deny(q, "there is no such transfer of this client");
	if (e) return e;
	if (provide_state(x, g, &f)) return deny(q, f.text);
	r = renewal_of_transfer(u->a, u->self, x);
	e = judge(u, q, &r,
		  &(struct kept){&x->token_id, &x->token_before, &x->token_expires, &x->token_rotated,
				 &x->token_sha256},
		  &fresh);
	if (!e && fresh) e = ds_transfer_put(u->t, u->self->id, x);
	return e || q->error ? e : answer(u, &r, ret);
}

static enum err of_flow(const struct turn *u, struct grant_ask *q, struct str *ret)
{
	struct renewal r;
	Ds__Flow *x;
	bool fresh;
	enum err e = flow_find(u->t->store, u->a, u->self->id, q->id, &x);

	if (!e && (!str_is(q->peer.did, x->counter_party) || flow_pushed(x) || !x->token_id[0]))
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND) return deny(q, "there is no such data flow of this client");
	if (e) return e;
	if (x->state != DPS_STARTED_STATE)
		return deny(
		    q,
		    arena_printf(u->a, "the data flow is %s", dps_state_name((enum dps_state)x->state)).p);
	r = renewal_of_flow(u->a, u->self, x);
	e = judge(u, q, &r,
		  &(struct kept){&x->token_id, &x->token_before, &x->token_expires, &x->token_rotated,
				 &x->token_sha256},
		  &fresh);
	if (!e && fresh) e = flow_put(u->t, u->self->id, x);
	return e || q->error ? e : answer(u, &r, ret);
}

static enum err grant_work(struct ds_job *j, struct writer_txn *t)
{
	struct grant_ask *q = j->in;
	struct turn u = turn_of_job(j, t, q->self, q->peer.did);
	enum err e = ds_jti_spend(t, q->self->id, &q->peer);

	u.partner = true;
	q->error = NULL;
	if (e) return e;
	return q->flow ? of_flow(&u, q, &j->body) : of_transfer(&u, q, &j->body);
}

static void grant_answer(struct ds_job *j, enum err e)
{
	const struct grant_ask *q = j->in;
	struct net_req *r = j->req;

	if (e) {
		if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
		net_reply_err(r, e, &j->flaw);
	} else if (q->error) {
		atomic_fetch_add(&j->d->dp->stat.renewals_refused, 1);
		answer_error(r, q->error, arena_strdup(r->arena, str_of(q->text)));
	} else {
		atomic_fetch_add(&j->d->dp->stat.tokens_renewed, 1);
		net_set(r, "cache-control", STR("no-store"));
		net_reply(r, 200, "application/json", arena_dup(r->arena, j->body));
	}
}

/* ---- on the shard ---- */

/* One parameter of a form; '+' is a blank there. */
static struct str form_find(struct net_req *r, struct str form, const char *name)
{
	struct str one, value, key;
	struct flaw f = {0};

	while (form.n && str_split(&form, '&', &one)) {
		size_t at = str_find(one, '=');

		key = str_first(one, at);
		if (at == one.n || !str_is(key, name)) continue;
		return net_decode(r->arena, str_skip(one, at + 1), &f, &value) ? STR_NONE : value;
	}
	return STR_NONE;
}

static struct str parameter(struct net_req *r, const char *name)
{
	struct str v = form_find(r, r->body, name);

	return v.n ? v : form_find(r, r->query, name);
}

static void then_grant(struct net_req *r, const struct ds_peer *peer)
{
	struct str grant = parameter(r, "grant_type"), refresh = parameter(r, "refresh_token"), id;
	struct grant_ask *q;
	struct flaw f = {0};
	struct ds_job *j;

	if (!str_is(grant, "refresh_token")) {
		answer_error(r, "unsupported_grant_type", "the only grant here is refresh_token");
		return;
	}
	if (!refresh.n || refresh.n > RENEWAL_TOKEN_MAX || net_decode(r->arena, r->param[1], &f, &id)) {
		answer_error(r, "invalid_request", "a refresh_token is needed");
		return;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return;
	q = ARENA_NEW(j->arena, struct grant_ask);
	must(q);
	*q = (struct grant_ask){.self = peer->self, .peer = *peer};
	q->flow = str_starts(str_of(r->route->pattern), STR("/p/{p}/flows/"));
	q->id = arena_dup(j->arena, id);
	q->refresh = arena_dup(j->arena, refresh);
	q->access = arena_dup(j->arena, peer->token);
	q->peer.did = arena_dup(j->arena, peer->did);
	j->in = q;
	j->work = grant_work;
	j->answer = grant_answer;
	(void)ds_job_submit(j);
}

static void on_grant(struct net_req *r)
{
	ds_peer_require_plain(r, then_grant);
}

const struct net_route renewal_routes[] = {
    {NET_POST, "/p/{p}/data/{pid}/token", on_grant, 0, RENEWAL_BODY_MAX, 0,
     "new tokens for a transfer: OAuth 2.0 refresh_token grant (partner's token)"},
    {NET_POST, "/p/{p}/flows/{id}/token", on_grant, 0, RENEWAL_BODY_MAX, 0,
     "new tokens for a data flow: OAuth 2.0 refresh_token grant (client's token)"},
};
const size_t renewal_routes_n = sizeof renewal_routes / sizeof *renewal_routes;
