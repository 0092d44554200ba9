/* Whom a participant trusts to issue what. A participant that names issuers of its own trusts these alone;
 * one that names none trusts those of the node's configuration. Table `credential`, under "trust":
 * {id: hexadecimal SHA-256 of the issuer's DID, issuer, types: […]; empty: every type}. */
#include "base/hash.h"
#include "dataspace/document.h"
#include "dataspace/face_manage.h"
#include "dataspace/identity.h"
#include "dataspace/issuance.h"
#include "dataspace/wallet.h"

enum { TRUST_MAX = 64, TRUST_TYPES_MAX = 32, TRUST_ID = 2 * HASH_SHA256 };

static enum err load_one(void *arg, json_t *row)
{
	return json_array_append(arg, row) ? ERR_NO_MEMORY : ERR_OK;
}

enum err identity_trust_load(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
			     struct identity_trust *ret)
{
	struct identity_trust x = {&d->o.identity, json_keep(a, json_array())};
	enum err e = x.own ? wallet_each(t, a, participant, "trust", load_one, x.own) : ERR_NO_MEMORY;

	if (!e) *ret = x;
	return e;
}

/* Any type when the configuration or the row names none. */
static bool node_trusts(const struct ds_identity *o, struct str issuer, struct str type)
{
	for (size_t i = 0; i < o->issuers_n; i++) {
		struct str s = str_of(o->issuers[i]);
		size_t at = str_find(s, '=');

		if (!str_eq(str_first(s, at), issuer)) continue;
		if (!type.n || at == s.n || str_eq(str_skip(s, at + 1), type)) return true;
	}
	return false;
}

bool identity_trusts(const struct identity_trust *x, struct str issuer, struct str type)
{
	json_t *row, *t;
	size_t i, k;

	if (!json_array_size(x->own)) return node_trusts(x->node, issuer, type);
	json_array_foreach(x->own, i, row)
	{
		json_t *types = json_object_get(row, "types");

		if (!str_eq(json_text(json_object_get(row, "issuer")), issuer)) continue;
		if (!type.n || !json_array_size(types)) return true;
		json_array_foreach(types, k, t)
		{
			if (str_eq(json_text(t), type)) return true;
		}
	}
	return false;
}

/* ---- the owner's wishes ---- */

static void id_of(struct str issuer, char out[TRUST_ID + 1])
{
	unsigned char digest[HASH_SHA256];

	hash_sha256(issuer, digest);
	hex_write(digest, sizeof digest, out);
	out[TRUST_ID] = 0;
}

static enum err note(const struct turn *u, json_t *row, const char *what)
{
	struct ds_event ev = {.kind = DS_EVENT_ISSUER_TRUST,
			      .participant = u->self->id,
			      .who = u->who,
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "what", str_of(what));
	json_put(ev.detail, "issuer", json_incref(json_object_get(row, "issuer")));
	json_put(ev.detail, "types", json_incref(json_object_get(row, "types")));
	return ds_event_append(u->t, &ev, NULL);
}

static enum err types_read(const struct turn *u, json_t *body, json_t **ret)
{
	json_t *all = NULL, *item;
	size_t i;
	enum err e = json_arr_opt(body, "", "types", u->flaw, &all);

	if (!e && json_array_size(all) > TRUST_TYPES_MAX)
		e = flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "types", "count", "at most %d types",
			     TRUST_TYPES_MAX);
	json_array_foreach(all, i, item)
	{
		if (!e) e = turn_name_check(json_text(item), DCP_TYPE_MAX, "types", u->flaw);
	}
	if (!e) *ret = all ? json_incref(all) : json_array();
	return e;
}

static enum err act_trust(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	json_t *row = json_keep(u->a, json_object()), *all = json_keep(u->a, json_array()), *types, *old;
	char id[TRUST_ID + 1];
	struct str issuer;
	enum err e = row && all ? json_str(w->body, "", "issuer", u->flaw, &issuer) : ERR_NO_MEMORY;

	if (!e && document_subject_check(issuer, u->flaw))
		e = flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "issuer", "did", "it must be a DID");
	if (!e) e = types_read(u, w->body, &types);
	if (e) return e;
	id_of(issuer, id);
	json_put_str(row, "id", str_of(id));
	json_put_str(row, "issuer", issuer);
	json_put(row, "types", types);
	e = wallet_each(u->t->store, u->a, u->self->id, "trust", load_one, all);
	if (!e && json_array_size(all) >= TRUST_MAX &&
	    wallet_find(u->t->store, u->a, u->self->id, "trust", str_of(id), &old))
		e = flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "issuer", "limit", "at most %d issuers",
			     TRUST_MAX);
	if (!e) e = wallet_put(u->t, u->a, u->self->id, "trust", row);
	if (!e) e = note(u, row, "trusted");
	w->status = 201;
	*ret = row;
	return e;
}

static enum err act_distrust(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	char id[TRUST_ID + 1];
	enum err e;

	id_of(w->pid, id);
	e = wallet_find(u->t->store, u->a, u->self->id, "trust", str_of(id), ret);
	if (!e) e = wallet_drop(u->t, u->self->id, "trust", str_of(id));
	return e ? e : note(u, *ret, "distrusted");
}

static void on_trust(struct net_req *r)
{
	manage_wish_act(r, act_trust);
}

static void on_distrust(struct net_req *r)
{
	manage_wish_act(r, act_distrust);
}

static void trust_list(struct net_req *r)
{
	static const char *const kinds[] = {"trust", "issuers"};

	issuance_list(r, kinds, 1);
}

#define P "/participants/{p}"

const struct net_route trust_routes[] = {
    {NET_POST, P "/trusted-issuers", on_trust, ROLE_OWNER, 8192, 0, "trust an issuer of credentials"},
    {NET_GET, P "/trusted-issuers", trust_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "issuers trusted by this participant"},
    {NET_DELETE, P "/trusted-issuers/{did}", on_distrust, ROLE_OWNER, 0, 0, "trust it no more"},
};
const size_t trust_routes_n = sizeof trust_routes / sizeof *trust_routes;
