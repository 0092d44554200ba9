/* The issuer: types it issues, requests and decisions, deliveries. */
#include "dataspace/issuance.h"

#include "dataspace/face_manage.h"
#include "dataspace/wallet.h"

static bool status_is(json_t *row, const char *status)
{
	return str_is(json_text(json_object_get(row, "status")), status);
}

/* ---- objects ---- */

struct listing {
	struct arena *a;
	struct dcp_objects *m;
};

static enum err object_one(void *arg, json_t *row)
{
	struct listing *l = arg;
	struct dcp_object *o = &l->m->items[l->m->items_n];

	if (l->m->items_n == DCP_ITEMS_MAX) return ERR_NOT_FOUND;
	*o = (struct dcp_object){.id = json_text(json_object_get(row, "id")),
				 .type = json_text(json_object_get(row, "type")),
				 .schema = json_text(json_object_get(row, "schema")),
				 .profile = json_text(json_object_get(row, "profile"))};
	l->m->items_n++;
	return ERR_OK;
}

enum err issuer_objects(struct store_txn *t, struct arena *a, const struct ds_self *self,
			struct dcp_objects *ret)
{
	struct listing l = {a, ret};

	*ret = (struct dcp_objects){.issuer = self->did};
	return wallet_each(t, a, self->id, "type", object_one, &l);
}

static enum err object_by_type(const struct turn *u, struct str name, struct dcp_object *ret)
{
	struct dcp_objects *all = ARENA_NEW(u->a, struct dcp_objects);
	enum err e = all ? issuer_objects(u->t->store, u->a, u->self, all) : ERR_NO_MEMORY;

	for (size_t i = 0; !e && i < all->items_n; i++) {
		if (!str_eq(all->items[i].type, name) && !str_eq(all->items[i].id, name)) continue;
		*ret = all->items[i];
		return ERR_OK;
	}
	return e ? e
		 : flaw_set(u->flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "type", "unknown",
			    "no credential of this type is issued here: kanhe credential type add");
}

/* ---- issuing what a request asks for ---- */

struct offered_find {
	struct str holder, object;
	json_t *found;
	size_t n;
};

static enum err offered_one(void *arg, json_t *row)
{
	struct offered_find *q = arg;

	q->n++;
	if (str_eq(json_text(json_object_get(row, "holder")), q->holder) &&
	    str_eq(json_text(json_object_get(row, "object")), q->object))
		q->found = row;
	return ERR_OK;
}

static enum err offered_find(const struct turn *u, struct str holder, struct str object, json_t **ret)
{
	struct offered_find q = {holder, object, NULL, 0};
	enum err e = wallet_each(u->t->store, u->a, u->self->id, "offered", offered_one, &q);

	*ret = q.found;
	return e;
}

static void claims_add(json_t *to, json_t *from)
{
	if (json_is_object(from)) must(!json_object_update(to, from));
}

/* One credential into the delivery. extra: the owner's, NULL. The offer that covers it is used up. */
static enum err issue_one(const struct turn *u, json_t *row, struct str object, json_t *extra,
			  struct dcp_delivery *m)
{
	struct wallet_issue x = {.self = u->self,
				 .who = u->who,
				 .subject = json_text(json_object_get(row, "holder")),
				 .claims = json_keep(u->a, json_object())};
	json_t *type, *offered, *issued;
	enum err e = wallet_find(u->t->store, u->a, u->self->id, "type", object, &type);

	if (e == ERR_NOT_FOUND)
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "credentials", "credential-unknown",
				"a credential asked for is no longer issued here");
	if (!e) e = offered_find(u, x.subject, object, &offered);
	if (e || !x.claims) return e ? e : ERR_NO_MEMORY;
	claims_add(x.claims, json_object_get(type, "claims"));
	claims_add(x.claims, json_object_get(offered, "claims"));
	claims_add(x.claims, extra);
	x.type = json_text(json_object_get(type, "type"));
	x.days = (uint64_t)json_integer_value(json_object_get(type, "days"));
	x.v2 = str_is(json_text(json_object_get(type, "profile")), DCP_PROFILE_20);
	e = wallet_issue(u->t, u->a, &x, u->flaw, &issued);
	if (!e && offered)
		e = wallet_drop(u->t, u->self->id, "offered", json_text(json_object_get(offered, "id")));
	if (e) return e;
	m->items[m->items_n].type = x.type;
	m->items[m->items_n].payload = json_text(json_object_get(issued, "jwt"));
	m->items[m->items_n++].format = x.v2 ? STR(DCP_PROFILE_20) : STR(DCP_PROFILE_11);
	return ERR_OK;
}

/* The message to the holder, and the row with its status. */
static enum err deliver(const struct turn *u, json_t *row, struct dcp_delivery *m)
{
	struct str service = json_text(json_object_get(row, "service"));
	struct ds_letter l = {.kind = DS_OUTBOX_CREDENTIAL,
			      .participant = u->self->id,
			      .pid = json_text(json_object_get(row, "id")),
			      .peer = json_text(json_object_get(row, "holder")),
			      .url = arena_printf(u->a, "%.*s/credentials", STR_ARG(service)),
			      .target = ISSUANCE_DELIVERY};
	json_t *body;
	enum err e;

	m->issuer_pid = l.pid;
	m->holder_pid = json_text(json_object_get(row, "holderPid"));
	body = dcp_delivery_write(u->a, m);
	l.body = body ? json_write(u->a, body, false) : STR_NONE;
	if (!l.url.p || !l.body.p) return ERR_NO_MEMORY;
	json_put_str(row, "status", m->issued ? STR("ISSUED") : STR("REJECTED"));
	issuance_stamp(u, row, "decided");
	e = wallet_put(u->t, u->a, u->self->id, "request", row);
	if (!e) e = ds_outbox_add(u->t, u->fx, &l, NULL);
	ds_fx_changed(u->fx, u->self->id, l.pid);
	return e;
}

static enum err grant(const struct turn *u, json_t *row, json_t *claims)
{
	struct dcp_delivery *m = ARENA_NEW(u->a, struct dcp_delivery);
	json_t *object;
	size_t i;
	enum err e = m ? ERR_OK : ERR_NO_MEMORY;

	if (e) return e;
	m->issued = true;
	json_array_foreach(json_object_get(row, "objects"), i, object)
	{
		if (!e) e = issue_one(u, row, json_text(object), claims, m);
	}
	return e ? e : deliver(u, row, m);
}

/* ---- a request comes ---- */

struct census {
	struct str holder, holder_pid;
	size_t all, open, of_holder;
	json_t *same, *done; /* the same request, not delivered; the first that is finished */
};

static enum err census_one(void *arg, json_t *row)
{
	struct census *c = arg;
	bool open = status_is(row, "RECEIVED"), theirs;

	theirs = str_eq(json_text(json_object_get(row, "holder")), c->holder);
	c->all++;
	c->open += open;
	c->of_holder += open && theirs;
	if (theirs && !json_object_get(row, "delivered") &&
	    str_eq(json_text(json_object_get(row, "holderPid")), c->holder_pid))
		c->same = row;
	if (!open && json_object_get(row, "delivered") && !c->done) c->done = row;
	return ERR_OK;
}

static enum err room_make(const struct turn *u, const struct dcp_request *m, json_t **ret_same)
{
	struct census c = {.holder = u->who, .holder_pid = m->holder_pid};
	enum err e = wallet_each(u->t->store, u->a, u->self->id, "request", census_one, &c);

	*ret_same = c.same;
	if (e || c.same) return e;
	if (c.open >= ISSUANCE_OPEN_MAX || c.of_holder >= ISSUANCE_HOLDER_MAX ||
	    (c.all >= ISSUANCE_REQUESTS_MAX && !c.done))
		return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "credentials", "limit",
				"too many requests wait for a decision");
	return c.all >= ISSUANCE_REQUESTS_MAX
		   ? wallet_drop(u->t, u->self->id, "request", json_text(json_object_get(c.done, "id")))
		   : ERR_OK;
}

/* Fills objects and types; whether each may be issued without asking anybody. */
static enum err objects_take(const struct turn *u, const struct dcp_request *m, json_t *row, bool *ret_free)
{
	json_t *objects = json_array(), *types = json_array(), *type, *offered;
	enum err e = ERR_OK;

	must(objects && types);
	json_put(row, "objects", objects);
	json_put(row, "types", types);
	*ret_free = true;
	for (size_t i = 0; !e && i < m->ids_n; i++) {
		e = wallet_find(u->t->store, u->a, u->self->id, "type", m->ids[i], &type);
		if (e == ERR_NOT_FOUND)
			return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "credentials",
					"credential-unknown", "no credential of this id is issued here");
		if (!e) e = offered_find(u, u->who, m->ids[i], &offered);
		if (e) break;
		must(!json_array_append_new(objects, json_stringn(m->ids[i].p, m->ids[i].n)));
		must(!json_array_append(types, json_object_get(type, "type")));
		*ret_free = *ret_free && (offered || json_is_true(json_object_get(type, "open")));
	}
	return e;
}

enum err issuer_receive(const struct turn *u, const struct dcp_request *m, struct str service,
			struct str token, json_t **ret_row)
{
	char pid[UUID_URN];
	json_t *row;
	bool free_of;
	enum err e = room_make(u, m, &row);

	if (e) return e;
	if (row) {
		*ret_row = row;
		return ERR_OK;
	}
	row = json_keep(u->a, json_object());
	if (!row) return ERR_NO_MEMORY;
	json_put_str(row, "id", str_of(uuid_urn(pid) + 9)); /* one segment of a URL, whatever reads it */
	json_put_str(row, "holder", u->who);
	json_put_str(row, "holderPid", m->holder_pid);
	json_put_str(row, "status", STR("RECEIVED"));
	json_put_str(row, "service", service);
	if (token.n <= ISSUANCE_TOKEN_MAX) json_put_str(row, "token", token);
	issuance_stamp(u, row, "created");
	e = objects_take(u, m, row, &free_of);
	if (!e) e = issuance_note(u, DS_EVENT_CREDENTIAL_REQUESTED, row);
	if (!e) e = free_of ? grant(u, row, NULL) : wallet_put(u->t, u->a, u->self->id, "request", row);
	if (!e) *ret_row = row;
	return e;
}

struct str issuer_given(struct store_txn *t, struct arena *a, const Ds__Outbox *e)
{
	json_t *row;

	if (e->kind != DS_OUTBOX_CREDENTIAL || e->target != ISSUANCE_DELIVERY ||
	    wallet_find(t, a, str_of(e->participant), "request", str_of(e->pid), &row))
		return STR_NONE;
	return json_text(json_object_get(row, "token"));
}

/* ---- the owner's wishes ---- */

static enum err claims_read(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	*ret = json_object_get(w->body, "claims");
	if (!*ret || json_is_object(*ret)) return ERR_OK;
	return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "claims", "type", "claims are an object");
}

static enum err open_find(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	enum err e = wallet_find(u->t->store, u->a, u->self->id, "request", w->pid, ret);

	e = manage_none(u->flaw, e, "request", "there is no credential request %.*s", w->pid);
	if (e) return e;
	return status_is(*ret, "RECEIVED") ? ERR_OK
					   : flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "status",
						      "decided", "this request has been decided");
}

static enum err act_approve(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	json_t *row, *claims;
	enum err e = open_find(u, w, &row);

	if (!e) e = claims_read(u, w, &claims);
	if (!e) e = grant(u, row, claims);
	if (!e) *ret = issuance_show(u->a, row);
	return e;
}

static enum err act_decline(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct dcp_delivery *m = ARENA_NEW(u->a, struct dcp_delivery);
	json_t *row;
	enum err e = m ? open_find(u, w, &row) : ERR_NO_MEMORY;

	if (e) return e;
	m->reason = w->text;
	json_put_str(row, "reason", w->text);
	e = deliver(u, row, m);
	if (!e) e = issuance_note(u, DS_EVENT_CREDENTIAL_REJECTED, row);
	if (!e) *ret = issuance_show(u->a, row);
	return e;
}

struct counting {
	size_t n;
};

static enum err count_one(void *arg, json_t *row)
{
	(void)row;
	((struct counting *)arg)->n++;
	return ERR_OK;
}

static enum err type_read(const struct turn *u, struct manage_wish *w, json_t *row)
{
	char id[UUID_URN];
	struct str type, object = str_of(uuid_urn(id) + 9);
	json_t *claims, *open = json_object_get(w->body, "open");
	uint64_t days = WALLET_DAYS;
	bool v2;
	enum err e = json_str(w->body, "", "type", u->flaw, &type);

	if (!e) e = turn_name_check(type, DCP_TYPE_MAX, "type", u->flaw);
	if (!e) e = json_str_opt(w->body, "", "id", u->flaw, &object);
	if (!e) e = turn_name_check(object, DCP_ID_MAX, "id", u->flaw);
	if (!e) e = json_u64_opt(w->body, "", "days", u->flaw, &days);
	if (!e) e = claims_read(u, w, &claims);
	if (!e) e = wallet_profile(w->body, u->flaw, &v2);
	if (e) return e;
	if (!days || days > WALLET_DAYS_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "days", "range", "1 to %d days",
				WALLET_DAYS_MAX);
	if (str_is(type, "VerifiableCredential") || (open && !json_is_boolean(open)))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "type", "value",
				"a type of one's own is needed, and open is true or false");
	json_put_str(row, "id", object);
	json_put_str(row, "type", type);
	json_put_u64(row, "days", days);
	json_put(row, "open", json_boolean(json_is_true(open)));
	json_put_str(row, "profile", v2 ? STR(DCP_PROFILE_20) : STR(DCP_PROFILE_11));
	if (claims) json_put(row, "claims", json_incref(claims));
	return ERR_OK;
}

/* A second object of a type is wished for by an id of its own: requests and offers by type mean the first.
 */
static enum err type_is_new(const struct turn *u, const struct manage_wish *w, struct str type)
{
	struct dcp_object known;
	enum err e = json_object_get(w->body, "id") ? ERR_NOT_FOUND : object_by_type(u, type, &known);

	if (e == ERR_NOT_FOUND) {
		*u->flaw = (struct flaw){.err = ERR_OK};
		return ERR_OK;
	}
	return e ? e
		 : flaw_set(
		       u->flaw, ERR_CONFLICT, FLAW_NO_OFFSET, "type", "exists",
		       "it is issued already: with --id %.*s it is replaced, with another id there are two",
		       STR_ARG(str_first(known.id, 64)));
}

/* Adding an id again replaces what it stands for. */
static enum err act_type_add(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	json_t *row = json_keep(u->a, json_object()), *old;
	struct counting c = {0};
	enum err e = row ? type_read(u, w, row) : ERR_NO_MEMORY;

	if (!e) e = type_is_new(u, w, json_text(json_object_get(row, "type")));
	if (!e) e = wallet_each(u->t->store, u->a, u->self->id, "type", count_one, &c);
	if (!e && c.n >= ISSUANCE_TYPES_MAX &&
	    wallet_find(u->t->store, u->a, u->self->id, "type", json_text(json_object_get(row, "id")),
			&old))
		return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "type", "limit", "at most %d types",
				ISSUANCE_TYPES_MAX);
	if (!e) e = wallet_put(u->t, u->a, u->self->id, "type", row);
	if (!e) e = issuance_note(u, DS_EVENT_CREDENTIAL_TYPE, row);
	w->status = 201;
	*ret = row;
	return e;
}

static enum err act_type_remove(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	enum err e = wallet_find(u->t->store, u->a, u->self->id, "type", w->pid, ret);

	if (!e) e = wallet_drop(u->t, u->self->id, "type", w->pid);
	e = manage_none(u->flaw, e, "type", "no type of the id %.*s is issued", w->pid);
	if (e) return e;
	json_put_str(*ret, "status", STR("removed"));
	return issuance_note(u, DS_EVENT_CREDENTIAL_TYPE, *ret);
}

/* w->text: the holder; w->code: its credential service */
static enum err act_offer(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct dcp_objects m = {.issuer = u->self->did, .items_n = 1};
	struct ds_letter l = {.kind = DS_OUTBOX_CREDENTIAL,
			      .participant = u->self->id,
			      .peer = w->text,
			      .url = arena_printf(u->a, "%.*s/offers", STR_ARG(w->code)),
			      .target = ISSUANCE_OFFER};
	json_t *row = json_keep(u->a, json_object()), *claims, *body;
	struct offered_find q = {.n = 0};
	char id[UUID_URN];
	struct str type;
	enum err e = row && l.url.p ? json_str(w->body, "", "type", u->flaw, &type) : ERR_NO_MEMORY;

	if (!e) e = claims_read(u, w, &claims);
	if (!e) e = object_by_type(u, type, &m.items[0]);
	if (!e) e = wallet_each(u->t->store, u->a, u->self->id, "offered", offered_one, &q);
	if (!e && q.n >= ISSUANCE_OFFERS_MAX)
		e = flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "holder", "limit",
			     "at most %d offers may be open", ISSUANCE_OFFERS_MAX);
	if (e) return e;
	json_put_str(row, "id", str_of(uuid_urn(id)));
	json_put_str(row, "holder", w->text);
	json_put_str(row, "object", m.items[0].id);
	json_put_str(row, "type", m.items[0].type);
	if (claims) json_put(row, "claims", json_incref(claims));
	issuance_stamp(u, row, "created");
	body = dcp_offer_write(u->a, &m);
	l.pid = json_text(json_object_get(row, "id"));
	l.body = body ? json_write(u->a, body, false) : STR_NONE;
	e = l.body.p ? wallet_put(u->t, u->a, u->self->id, "offered", row) : ERR_NO_MEMORY;
	if (!e) e = ds_outbox_add(u->t, u->fx, &l, NULL);
	if (!e) e = issuance_note(u, DS_EVENT_CREDENTIAL_OFFERED, row);
	w->status = 201;
	*ret = row;
	return e;
}

/* ---- routes ---- */

static void offer_found(struct net_req *r, struct str did, const struct ds_did *doc)
{
	struct manage_wish *w;
	struct flaw f = {0};
	struct ds_job *j;

	if (!doc->credentials[0]) {
		(void)flaw_set(&f, ERR_UPSTREAM, FLAW_NO_OFFSET, "holder", "no-credential-service",
			       "the holder's DID document names no CredentialService");
		net_reply_flaw(r, &f);
		return;
	}
	j = manage_wish_new(r, &w);
	if (!j) return;
	w->text = arena_dup(j->arena, did);
	w->code = arena_dup(j->arena, str_of(doc->credentials));
	w->act = act_offer;
	manage_wish_submit(j);
}

static void on_offer(struct net_req *r)
{
	issuance_partner(r, "holder", offer_found);
}

static void on_decline(struct net_req *r)
{
	struct manage_wish *w;
	struct flaw f = {0};
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act_decline;
	if (!manage_reason(w, "declined by the issuer", &f)) {
		manage_wish_submit(j);
		return;
	}
	net_reply_flaw(r, &f);
	ds_job_free(j);
}

static void on_approve(struct net_req *r)
{
	manage_wish_act(r, act_approve);
}

static void on_type_add(struct net_req *r)
{
	manage_wish_act(r, act_type_add);
}

static void on_type_remove(struct net_req *r)
{
	manage_wish_act(r, act_type_remove);
}

static void type_list(struct net_req *r)
{
	static const char *const kinds[] = {"type", "types"};

	issuance_list(r, kinds, 1);
}

enum { BODY_MAX = 16 << 10 };

#define P "/participants/{p}"

const struct net_route issuer_routes[] = {
    {NET_POST, P "/credential-types", on_type_add, ROLE_OWNER, BODY_MAX, 0, "issue a type of credential"},
    {NET_GET, P "/credential-types", type_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "types of credentials issued"},
    {NET_DELETE, P "/credential-types/{id}", on_type_remove, ROLE_OWNER, 0, 0, "issue it no more"},
    {NET_POST, P "/credential-offers", on_offer, ROLE_OWNER, BODY_MAX, 0, "offer a credential to a holder"},
    {NET_POST, P "/credential-requests/{id}/approve", on_approve, ROLE_OWNER, BODY_MAX, 0,
     "issue what was asked for"},
    {NET_POST, P "/credential-requests/{id}/decline", on_decline, ROLE_OWNER, BODY_MAX, 0, "decline it"},
};
const size_t issuer_routes_n = sizeof issuer_routes / sizeof *issuer_routes;
