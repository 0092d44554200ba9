/* The token service (DCP 1.0.1, 4.3.1 and the OpenAPI of its STS): self-issued tokens of a participant for
 * programs of its owner's that speak with partners themselves, by OAuth 2.0 client credentials (RFC 6749
 * 4.4). A client is let in by the owner with the types of credentials that its tokens may open; of its
 * secret only the digest is kept, in table `credential` under "client". */
#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/document.h"
#include "dataspace/face_manage.h"
#include "dataspace/identity.h"
#include "dataspace/turn.h"
#include "dataspace/wallet.h"
#include "proto/dcp/message.h"

enum { STS_BODY_MAX = 64 << 10, CLIENTS_MAX = 100, CLIENT_NAME_MAX = 64, SECRET = 32, SCOPES_MAX = 32 };

static enum err client_find(struct store_txn *t, struct arena *a, struct str participant, struct str name,
			    json_t **ret)
{
	return name.n > CLIENT_NAME_MAX ? ERR_NOT_FOUND
					: wallet_find(t, a, participant, "client", name, ret);
}

/* ---- the token endpoint ---- */

/* RFC 6749 5.2 */
static void refuse(struct net_req *r, int status, const char *error, const char *text)
{
	json_t *j = json_keep(r->arena, json_pack("{s:s,s:s}", "error", error, "error_description", text));

	ds_of(r)->stat.auth_refused++;
	net_set(r, "cache-control", STR("no-store"));
	net_reply(r, status, "application/json", j ? json_write(r->arena, j, false) : STR_NONE);
}

static bool field_decode(struct arena *a, struct str s, struct str *ret)
{
	char *p = arena_bytes(a, s.n + 1);

	if (!p) return false;
	for (size_t i = 0; i < s.n; i++) p[i] = s.p[i] == '+' ? ' ' : s.p[i];
	return !net_decode(a, str_n(p, s.n), NULL, ret) && str_utf8_ok(*ret, NULL) &&
	       !(ret->n && memchr(ret->p, 0, ret->n));
}

struct form {
	struct str grant_type, client_id, client_secret, audience, scope, token;
};

/* application/x-www-form-urlencoded; what is not known is ignored, what comes twice is refused
 * (RFC 6749 3.2). */
static bool form_read(struct arena *a, struct str body, struct form *f)
{
	const struct {
		const char *name;
		struct str *to;
	} fields[] = {{"grant_type", &f->grant_type},       {"client_id", &f->client_id},
		      {"client_secret", &f->client_secret}, {"audience", &f->audience},
		      {"bearer_access_scope", &f->scope},   {"token", &f->token}};
	struct str rest = body, pair;

	while (rest.p && str_split(&rest, '&', &pair)) {
		size_t at = str_find(pair, '=');

		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
			if (!str_is(str_first(pair, at), fields[i].name)) continue;
			if (fields[i].to->p || !field_decode(a, str_skip(pair, at + 1), fields[i].to))
				return false;
		}
	}
	return true;
}

/* The client's own password or another's: as long in either case, but for the look-up. */
static bool client_admit(struct net_req *r, const struct ds_self *self, const struct form *f,
			 json_t **ret_client)
{
	unsigned char digest[HASH_SHA256], kept[HASH_SHA256];
	enum err e = client_find(ds_txn_fresh(r->shard), r->arena, self->id, f->client_id, ret_client);

	if (!e) e = hex_parse(json_text(json_object_get(*ret_client, "secret")), kept, sizeof kept);
	if (e) return false;
	hash_sha256(f->client_secret, digest);
	return secret_eq(str_n(digest, sizeof digest), str_n(kept, sizeof kept));
}

/* Each scope asked for must be one of the client's types, for reading; a client of no types may have all.
 */
static bool scopes_allowed(struct str scope, json_t *types)
{
	struct str rest = scope, one;
	size_t n = 0, i;
	json_t *t;

	while (rest.p && str_split(&rest, ' ', &one)) {
		bool known = false;

		if (!one.n) continue;
		one = dcp_scope_type(one);
		if (++n > SCOPES_MAX || !str_ends(one, STR(":read"))) return false;
		one.n -= 5;
		json_array_foreach(types, i, t)
		{
			known = known || str_eq(json_text(t), one);
		}
		if (!one.n || (!known && json_array_size(types))) return false;
	}
	return n > 0;
}

static void token_answer(struct net_req *r, const struct ds_self *self, const struct form *f)
{
	struct ds_token_wish w = {.audience = f->audience, .given = f->token, .scope = f->scope};
	struct str token;
	json_t *j;
	enum err e;

	w.opens = f->scope.n > 0;
	e = ds_token_write(ds_of(r), self, &w, r->arena, &token);
	j = e ? NULL
	      : json_keep(r->arena,
			  json_pack("{s:s%,s:I,s:s}", "access_token", token.p, token.n, "expires_in",
				    (json_int_t)ds_token_term(ds_of(r)), "token_type", "Bearer"));
	if (e || !j) {
		net_reply_err(r, e ? e : ERR_NO_MEMORY, NULL);
		return;
	}
	net_set(r, "cache-control", STR("no-store"));
	net_reply(r, 200, "application/json", json_write(r->arena, j, false));
}

static void token_post(struct net_req *r)
{
	struct form f = {.grant_type = STR_NONE};
	const struct ds_self *self;
	struct str id;
	json_t *client;
	enum err e = net_decode(r->arena, r->param[0], NULL, &id);

	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), id, &self);
	if (e)
		net_reply_err(r, ERR_NOT_FOUND, NULL);
	else if (!str_starts_nocase(net_header(r, "content-type"),
				    STR("application/x-www-form-urlencoded")) ||
		 !form_read(r->arena, r->body, &f))
		refuse(r, 400, "invalid_request", "a form is needed, each of its fields once");
	else if (!client_admit(r, self, &f, &client))
		refuse(r, 401, "invalid_client", "no client of this name has this secret");
	else if (!str_is(f.grant_type, "client_credentials"))
		refuse(r, 400, "unsupported_grant_type", "grant_type must be client_credentials");
	else if (document_subject_check(f.audience, NULL))
		refuse(r, 400, "invalid_request", "audience must be the DID that the token is for");
	else if (f.scope.n && f.token.n)
		refuse(r, 400, "invalid_request", "bearer_access_scope and token exclude each other");
	else if (f.token.n > STS_BODY_MAX / 8)
		refuse(r, 400, "invalid_request", "token is too long");
	else if (f.scope.p && !scopes_allowed(f.scope, json_object_get(client, "types")))
		refuse(r, 400, "invalid_scope",
		       "scopes are " DCP_SCOPE_TYPE "TYPE:read of types that the client may open");
	else
		token_answer(r, self, &f);
}

/* ---- the owner lets clients in ---- */

static enum err count_one(void *arg, json_t *row)
{
	(void)row;
	return ++*(size_t *)arg < CLIENTS_MAX ? ERR_OK : ERR_QUOTA;
}

static enum err tell(const struct turn *u, struct str name, const char *what)
{
	struct ds_event ev = {.kind = DS_EVENT_TOKEN_CLIENT,
			      .participant = u->self->id,
			      .who = u->who,
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "client", name);
	json_put_str(ev.detail, "what", str_of(what));
	return ds_event_append(u->t, &ev, NULL);
}

static enum err name_check(struct str name, struct flaw *f)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || (unsigned char)name.p[i] > '~') name.n = 0;
	if (name.n && name.n <= CLIENT_NAME_MAX) return ERR_OK;
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "client_id", "length",
			"a client's name has 1 to %d visible characters of ASCII", CLIENT_NAME_MAX);
}

/* Of what its tokens may open; empty: of everything held. */
static enum err types_read(const struct turn *u, json_t *body, json_t **ret)
{
	json_t *all = NULL, *item;
	size_t i;
	enum err e = json_arr_opt(body, "", "types", u->flaw, &all);

	if (e) return e;
	if (json_array_size(all) > SCOPES_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "types", "count",
				"at most %d types", SCOPES_MAX);
	json_array_foreach(all, i, item)
	{
		if (!json_text(item).n || json_text(item).n > 100)
			return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "types", "type",
					"types are texts of 1 to 100 octets");
		e = turn_name_check(json_text(item), 100, "types", u->flaw);
		if (e) return e;
	}
	*ret = all ? all : json_keep(u->a, json_array());
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

/* The secret and its digest, in hexadecimal. */
static struct str secret_make(struct arena *a, char ret_hex[2 * HASH_SHA256 + 1])
{
	unsigned char octets[SECRET], digest[HASH_SHA256];
	struct str secret;

	random_bytes(octets, sizeof octets);
	secret = base64url_write(a, str_n(octets, sizeof octets));
	if (!secret.p) return secret;
	hash_sha256(secret, digest);
	hex_write(digest, sizeof digest, ret_hex);
	ret_hex[2 * sizeof digest] = 0;
	return secret;
}

/* Admitting it again gives it another secret. */
static enum err act_admit(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	char hex[2 * HASH_SHA256 + 1];
	json_t *row = json_keep(u->a, json_object()), *types;
	struct str name, secret, text;
	struct ds_key k;
	size_t n = 0;
	enum err e = row ? json_str(w->body, "", "client_id", u->flaw, &name) : ERR_NO_MEMORY;

	if (!e) e = name_check(name, u->flaw);
	if (!e) e = types_read(u, w->body, &types);
	if (!e) e = wallet_each(u->t->store, u->a, u->self->id, "client", count_one, &n);
	if (e == ERR_QUOTA)
		return flaw_set(u->flaw, e, FLAW_NO_OFFSET, "client", "limit",
				"a participant has at most %d clients", CLIENTS_MAX);
	if (e) return e;
	secret = secret_make(u->a, hex);
	if (!secret.p) return ERR_NO_MEMORY;
	json_put_str(row, "client_id", name);
	json_put(row, "types", json_incref(types));
	json_put_str(row, "secret", str_of(hex));
	text = json_write(u->a, row, false);
	k = ds_key(u->self->id, STR("client"), name);
	e = text.p ? store_put(u->t->store, DS_TABLE_credential, ds_key_str(&k), text) : ERR_NO_MEMORY;
	if (!e) e = tell(u, name, "admitted");
	json_object_del(row, "secret");
	json_put_str(row, "client_secret", secret);
	json_put(row, "token_url", json_sprintf("%s/sts/token", u->self->base));
	w->status = 201;
	*ret = row;
	return e;
}

static enum err act_dismiss(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	json_t *row;
	enum err e = name_check(w->pid, u->flaw);

	if (!e) e = client_find(u->t->store, u->a, u->self->id, w->pid, &row);
	if (!e) e = wallet_drop(u->t, u->self->id, "client", w->pid);
	*ret = NULL;
	return e ? e : tell(u, w->pid, "dismissed");
}

static void client_post(struct net_req *r)
{
	manage_wish_act(r, act_admit);
}

static void client_delete(struct net_req *r)
{
	manage_wish_act(r, act_dismiss);
}

static enum err list_one(void *arg, json_t *row)
{
	json_object_del(row, "secret");
	must(!json_array_append(arg, row));
	return ERR_OK;
}

static void client_list(struct net_req *r)
{
	json_t *out = json_keep(r->arena, json_pack("{s:[]}", "clients"));
	struct str participant;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = out ? wallet_each(ds_txn_fresh(r->shard), r->arena, participant, "client", list_one,
			      json_object_get(out, "clients"))
		: ERR_NO_MEMORY;
	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

const struct net_route sts_routes[] = {
    {NET_POST, "/p/{p}/sts/token", token_post, 0, STS_BODY_MAX, NET_METERED,
     "self-issued token (client's secret)"},
    {NET_POST, "/participants/{p}/token-clients", client_post, ROLE_OWNER, 8192, 0,
     "let a client of the token service in"},
    {NET_GET, "/participants/{p}/token-clients", client_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "clients of the token service"},
    {NET_DELETE, "/participants/{p}/token-clients/{client}", client_delete, ROLE_OWNER, 0, 0,
     "dismiss a client of the token service"},
};
const size_t sts_routes_n = sizeof sts_routes / sizeof *sts_routes;
