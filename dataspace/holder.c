/* The holder: asks issuers for credentials, keeps their offers. */
#include "dataspace/issuance.h"

#include "dataspace/face_manage.h"
#include "dataspace/fetch.h"
#include "dataspace/partner.h"
#include "dataspace/wallet.h"

/* Room in a bounded list: the first row that may go, when it is full. */
struct census {
	bool (*over)(json_t *row);
	size_t n;
	json_t *first;
};

static enum err census_one(void *arg, json_t *row)
{
	struct census *c = arg;

	c->n++;
	if (!c->first && c->over(row)) c->first = row;
	return ERR_OK;
}

static enum err room_make(const struct turn *u, const char *kind, size_t most, bool (*over)(json_t *))
{
	struct census c = {.over = over};
	enum err e = wallet_each(u->t->store, u->a, u->self->id, kind, census_one, &c);

	if (e || c.n < most) return e;
	if (c.first) return wallet_drop(u->t, u->self->id, kind, json_text(json_object_get(c.first, "id")));
	return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "credentials", "limit",
			"too many of these are open already");
}

/* ---- asking ---- */

static bool asked_over(json_t *row)
{
	struct str s = json_text(json_object_get(row, "status"));

	return str_is(s, "ISSUED") || str_is(s, "REJECTED") || str_is(s, "FAILED");
}

struct asking {
	struct str did, service;
	struct dcp_objects *metadata;
};

/* What of the metadata is wanted, by type or by id. */
static enum err wanted_take(const struct turn *u, json_t *types, const struct dcp_objects *have,
			    struct dcp_request *m, json_t *row)
{
	json_t *names = json_array(), *objects = json_array(), *t;
	size_t i;

	must(names && objects);
	json_put(row, "types", names);
	json_put(row, "objects", objects);
	json_array_foreach(types, i, t)
	{
		size_t k = 0;

		while (k < have->items_n && !str_eq(have->items[k].type, json_text(t)) &&
		       !str_eq(have->items[k].id, json_text(t)))
			k++;
		if (k == have->items_n)
			return flaw_set(u->flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "types", "unknown",
					"the issuer does not issue %.*s",
					STR_ARG(str_first(json_text(t), 100)));
		m->ids[m->ids_n++] = have->items[k].id;
		must(!json_array_append_new(names,
					    json_stringn(have->items[k].type.p, have->items[k].type.n)));
		must(!json_array_append_new(objects,
					    json_stringn(have->items[k].id.p, have->items[k].id.n)));
	}
	return ERR_OK;
}

static enum err act_ask(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	const struct asking *x = w->more;
	struct ds_letter l = {.kind = DS_OUTBOX_CREDENTIAL,
			      .participant = u->self->id,
			      .peer = x->did,
			      .url = arena_printf(u->a, "%.*s/credentials", STR_ARG(x->service)),
			      .target = ISSUANCE_REQUEST};
	json_t *row = json_keep(u->a, json_object()), *types, *body;
	struct dcp_request m = {.ids_n = 0};
	char id[UUID_URN];
	enum err e = row && l.url.p ? json_arr(w->body, "", "types", u->flaw, &types) : ERR_NO_MEMORY;

	m.holder_pid = str_of(uuid_urn(id));
	if (!e) e = json_str_opt(w->body, "", "id", u->flaw, &m.holder_pid);
	if (!e) e = turn_name_check(m.holder_pid, DCP_ID_MAX, "id", u->flaw);
	if (e) return e;
	if (!json_array_size(types) || json_array_size(types) > DCP_ITEMS_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "types", "count",
				"1 to 32 types are needed");
	if (!wallet_find(u->t->store, u->a, u->self->id, "asked", m.holder_pid, &body))
		return flaw_set(u->flaw, ERR_EXISTS, FLAW_NO_OFFSET, "id", "exists",
				"there is a request of this id already");
	e = room_make(u, "asked", ISSUANCE_ASKED_MAX, asked_over);
	json_put_str(row, "id", m.holder_pid);
	json_put_str(row, "issuer", x->did);
	json_put_str(row, "status", STR("REQUESTED"));
	issuance_stamp(u, row, "created");
	if (!e) e = wanted_take(u, types, x->metadata, &m, row);
	if (e) return e;
	body = dcp_request_write(u->a, &m);
	l.pid = m.holder_pid;
	l.body = body ? json_write(u->a, body, false) : STR_NONE;
	e = l.body.p ? wallet_put(u->t, u->a, u->self->id, "asked", row) : ERR_NO_MEMORY;
	if (!e) e = ds_outbox_add(u->t, u->fx, &l, NULL);
	if (!e) e = issuance_note(u, DS_EVENT_CREDENTIAL_REQUESTED, row);
	w->status = 202;
	*ret = row;
	return e;
}

static void ask_metadata(struct net_req *r, void *arg, const struct fetched *got)
{
	struct asking *x = arg;
	struct str text = arena_dup(r->arena, got->body);
	struct manage_wish *w;
	struct flaw f = {0};
	struct ds_job *j;
	json_t *m;
	enum err e = partner_answer_check(got, &f);

	x->metadata = ARENA_NEW(r->arena, struct dcp_objects);
	if (!e && (!x->metadata || !text.p)) e = ERR_NO_MEMORY;
	if (!e && (json_read(r->arena, text, &f, &m) || dcp_metadata_read(m, &f, x->metadata)))
		e = f.err = ERR_UPSTREAM;
	if (!e && !str_eq(x->metadata->issuer, x->did))
		e = flaw_set(&f, ERR_UPSTREAM, FLAW_NO_OFFSET, "issuer", "value",
			     "the metadata is another issuer's");
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	j = manage_wish_new(r, &w);
	if (!j) return;
	/* the job outlives the request */
	struct asking *copy = ARENA_NEW(j->arena, struct asking);
	struct dcp_objects *objects = ARENA_NEW(j->arena, struct dcp_objects);

	must(copy && objects);
	*objects = *x->metadata;
	for (size_t i = 0; i < objects->items_n; i++) {
		objects->items[i].id = arena_dup(j->arena, objects->items[i].id);
		objects->items[i].type = arena_dup(j->arena, objects->items[i].type);
	}
	*copy = (struct asking){arena_dup(j->arena, x->did), arena_dup(j->arena, x->service), objects};
	w->more = copy;
	w->act = act_ask;
	manage_wish_submit(j);
}

static void ask_found(struct net_req *r, struct str did, const struct ds_did *doc)
{
	struct asking *x = ARENA_NEW(r->arena, struct asking);
	struct str participant;
	struct fetch_ask q = {
	    .audience = did, .method = "GET", .open = true, .then = ask_metadata, .arg = x};
	struct flaw f = {0};
	enum err e;

	if (!doc->issuer[0]) {
		(void)flaw_set(&f, ERR_UPSTREAM, FLAW_NO_OFFSET, "issuer", "no-issuer-service",
			       "the DID document names no IssuerService");
		net_reply_flaw(r, &f);
		return;
	}
	if (ds_req_participant(r, &participant)) return;
	e = x ? ds_self_find(ds_of(r), ds_txn(r->shard), participant, &q.self) : ERR_NO_MEMORY;
	q.url = arena_printf(r->arena, "%s/metadata", doc->issuer);
	if (!e && !q.url.p) e = ERR_NO_MEMORY;
	if (!e) *x = (struct asking){.did = did, .service = str_of(doc->issuer)};
	if (!e) e = fetch_start(r, &q);
	if (e) net_reply_err(r, e, NULL);
}

/* ---- what comes ---- */

enum err holder_asked(struct store_txn *t, struct arena *a, struct str participant, struct str holder_pid,
		      struct str issuer, struct flaw *f, json_t **ret)
{
	enum err e = wallet_find(t, a, participant, "asked", holder_pid, ret);

	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "holderPid", "unknown",
				"nothing was asked for by this pid");
	if (e) return e;
	return str_eq(json_text(json_object_get(*ret, "issuer")), issuer)
		   ? ERR_OK
		   : flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "holderPid", "issuer",
			      "this was asked of another issuer");
}

enum err holder_answered(const struct turn *u, json_t *asked, const struct dcp_delivery *m)
{
	enum err e;

	json_put_str(asked, "status", m->issued ? STR("ISSUED") : STR("REJECTED"));
	json_put_str(asked, "issuerPid", m->issuer_pid);
	if (!m->issued) json_put_str(asked, "reason", str_cut(m->reason, TURN_REASON_MAX));
	issuance_stamp(u, asked, "decided");
	e = wallet_put(u->t, u->a, u->self->id, "asked", asked);
	if (!e && !m->issued) e = issuance_note(u, DS_EVENT_CREDENTIAL_REJECTED, asked);
	ds_fx_changed(u->fx, u->self->id, json_text(json_object_get(asked, "id")));
	return e;
}

static bool always(json_t *row)
{
	(void)row;
	return true;
}

enum err holder_offered(const struct turn *u, const struct dcp_objects *m)
{
	json_t *row = json_keep(u->a, json_object()), *types = json_array(), *objects = json_array();
	char id[UUID_URN];
	enum err e;

	must(types && objects);
	if (!row) {
		json_decref(types);
		json_decref(objects);
		return ERR_NO_MEMORY;
	}
	json_put_str(row, "id", str_of(uuid_urn(id)));
	json_put_str(row, "issuer", m->issuer);
	json_put(row, "types", types);
	json_put(row, "objects", objects);
	issuance_stamp(u, row, "received");
	for (size_t i = 0; i < m->items_n; i++) {
		must(!json_array_append_new(types, json_stringn(m->items[i].type.p, m->items[i].type.n)));
		must(!json_array_append_new(objects, json_stringn(m->items[i].id.p, m->items[i].id.n)));
	}
	e = room_make(u, "offer", ISSUANCE_OFFERS_MAX, always);
	if (!e) e = wallet_put(u->t, u->a, u->self->id, "offer", row);
	return e ? e : issuance_note(u, DS_EVENT_CREDENTIAL_OFFERED, row);
}

/* ---- routes ---- */

static void on_ask(struct net_req *r)
{
	issuance_partner(r, "issuer", ask_found);
}

static enum err asked_look(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			   json_t **ret_json, const char **ret_state, bool *ret_final)
{
	json_t *row;
	enum err e = wallet_find(t, a, participant, "asked", pid, &row);

	if (e == ERR_NOT_FOUND) e = wallet_find(t, a, participant, "request", pid, &row);
	if (e) return e;
	*ret_json = issuance_show(a, row);
	*ret_state = json_string_value(json_object_get(row, "status"));
	*ret_final = asked_over(row);
	return *ret_json ? ERR_OK : ERR_NO_MEMORY;
}

static void asked_get(struct net_req *r)
{
	manage_get(r, asked_look, "there is no credential request %.*s");
}

static void request_list(struct net_req *r)
{
	static const char *const kinds[] = {"asked", "asked", "request", "received"};

	issuance_list(r, kinds, 2);
}

static void offer_list(struct net_req *r)
{
	static const char *const kinds[] = {"offered", "made", "offer", "received"};

	issuance_list(r, kinds, 2);
}

#define P "/participants/{p}"

const struct net_route holder_routes[] = {
    {NET_POST, P "/credential-requests", on_ask, ROLE_OWNER, 8192, 0, "ask an issuer for credentials"},
    {NET_GET, P "/credential-requests", request_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "credentials asked for, by us and of us"},
    {NET_GET, P "/credential-requests/{id}", asked_get, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "show one; ?wait=STATUS&timeout=seconds"},
    {NET_GET, P "/credential-offers", offer_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "credentials offered, by us and to us"},
};
const size_t holder_routes_n = sizeof holder_routes / sizeof *holder_routes;
