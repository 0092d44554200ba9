#include "dataspace/wallet.h"

#include "dataspace/face_manage.h"
#include "dataspace/held.h"
#include "dataspace/turn.h"
#include "net/access.h"
#include "proto/dcp/message.h"
#include "proto/vc/credential.h"
#include "proto/vc/status.h"

enum { ISSUE_BODY_MAX = 16 << 10 };

enum err wallet_each(struct store_txn *t, struct arena *a, struct str participant, const char *kind,
		     wallet_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, str_of(kind), STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	json_t *row;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_credential, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = json_read(a, value, NULL, &row);
		if (e == ERR_BAD_JSON) e = ERR_CORRUPT;
		if (!e) e = fn(arg, row);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err wallet_find(struct store_txn *t, struct arena *a, struct str participant, const char *kind,
		     struct str id, json_t **ret)
{
	struct ds_key k;
	struct str value;
	enum err e;

	if (!id.n || id.n > DS_PID_MAX || memchr(id.p, 0, id.n)) return ERR_NOT_FOUND;
	k = ds_key(participant, str_of(kind), id);
	e = store_get(t, DS_TABLE_credential, ds_key_str(&k), &value);
	if (!e) e = json_read(a, value, NULL, ret);
	return e == ERR_BAD_JSON ? ERR_CORRUPT : e;
}

enum err wallet_drop(struct writer_txn *t, struct str participant, const char *kind, struct str id)
{
	struct ds_key k = ds_key(participant, str_of(kind), id);

	return store_del(t->store, DS_TABLE_credential, ds_key_str(&k));
}

enum err wallet_put(struct writer_txn *t, struct arena *a, struct str participant, const char *kind,
		    json_t *row)
{
	struct ds_key k = ds_key(participant, str_of(kind), json_text(json_object_get(row, "id")));
	struct str text = json_write(a, row, false);

	return text.p ? store_put(t->store, DS_TABLE_credential, ds_key_str(&k), text) : ERR_NO_MEMORY;
}

enum err wallet_note(struct writer_txn *t, enum ds_event_kind kind, struct str participant, struct str who,
		     json_t *row)
{
	static const char *const told[] = {"id",     "type",      "types",  "issuer", "subject",
					   "holder", "holderPid", "status", "reason", "open"};
	struct ds_event ev = {
	    .kind = kind, .participant = participant, .who = who, .detail = json_object()};

	must(ev.detail);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (json_object_get(row, told[i]))
			json_put(ev.detail, told[i], json_incref(json_object_get(row, told[i])));
	return ds_event_append(t, &ev, NULL);
}

static json_t *types_of(const struct vc_credential *c)
{
	json_t *types = json_array();

	must(types);
	for (size_t i = 0; i < c->types_n; i++)
		must(!json_array_append_new(types, json_stringn(c->types[i].p, c->types[i].n)));
	return types;
}

/* ---- holding ---- */

enum err wallet_check(struct arena *a, const struct ds_self *self, struct str jwt, struct flaw *f,
		      struct vc_credential *ret)
{
	struct vc_jwt j;
	enum err e = ERR_OK;

	if (jwt.n > WALLET_JWT_MAX)
		return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "jwt", "size",
				"a credential has at most 16 KiB");
	e = vc_jwt_parse(a, jwt, f, &j);
	if (!e) e = vc_credential_read(&j, f, ret);
	if (!e && !str_eq(ret->subject, self->did))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "credentialSubject.id", "holder-binding",
			     "the credential is about another subject");
	if (!e && (!ret->id.n || ret->id.n > DS_PID_MAX || memchr(ret->id.p, 0, ret->id.n)))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "id", "length",
			     "a credential needs an id of 1 to %d octets", DS_PID_MAX);
	if (!e) e = vc_credential_time(ret, clock_wall(), f);
	/* what is wrong is the credential, not who hands it in */
	if (e == ERR_EXPIRED || e == ERR_UNAUTHORISED) e = f ? (f->err = ERR_BAD_MESSAGE) : ERR_BAD_MESSAGE;
	return e;
}

static enum err count_one(void *arg, json_t *row)
{
	(void)row;
	return ++*(size_t *)arg < WALLET_HELD_MAX ? ERR_OK : ERR_TOO_LARGE;
}

enum err wallet_add(struct ds_job *j, struct writer_txn *t, const struct wallet_adding *x)
{
	const struct ds_self *self;
	size_t held = 0;
	enum err e = ds_self_find(j->d, t->store, x->participant, &self);

	if (!e) e = wallet_each(t->store, j->arena, x->participant, "held", count_one, &held);
	for (size_t i = 0; !e && i < x->n; i++) {
		struct vc_credential *c = ARENA_NEW(j->arena, struct vc_credential);
		json_t *row = json_keep(j->arena, json_object());

		e = c && row ? wallet_check(j->arena, self, x->jwts[i], &j->flaw, c) : ERR_NO_MEMORY;
		if (e) break;
		json_put_str(row, "id", c->id);
		json_put(row, "type", types_of(c));
		json_put_str(row, "issuer", c->issuer);
		json_put_str(row, "jwt", x->jwts[i]);
		if (x->unchecked) json_put(row, "unverified", json_true());
		e = wallet_put(t, j->arena, x->participant, "held", row);
		if (!e) e = wallet_note(t, DS_EVENT_CREDENTIAL_STORED, x->participant, x->who, row);
		j->body = json_write(j->arena, row, false);
	}
	if (!e) ds_fx_held(&j->fx, x->participant);
	return e;
}

static enum err add_work(struct ds_job *j, struct writer_txn *t)
{
	return wallet_add(j, t, j->in);
}

void wallet_add_submit(struct ds_job *j, struct wallet_adding *x)
{
	j->in = x;
	j->work = add_work;
	(void)ds_job_submit(j);
}

static enum err act_remove(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	enum err e = wallet_find(u->t->store, u->a, u->self->id, "held", w->pid, ret);

	if (!e) e = wallet_drop(u->t, u->self->id, "held", w->pid);
	e = manage_none(u->flaw, e, "credential", "no credential %.*s is held", w->pid);
	return e ? e : wallet_note(u->t, DS_EVENT_CREDENTIAL_REMOVED, u->self->id, u->who, *ret);
}

static void wallet_delete(struct net_req *r)
{
	manage_wish_act(r, act_remove);
}

/* ---- issuing ---- */

static enum err index_take(struct writer_txn *t, struct arena *a, struct str participant, struct flaw *f,
			   uint64_t *ret)
{
	struct ds_key k = ds_key(participant, STR("next"), STR_NONE);
	struct str old, text;
	uint64_t n = 0;
	enum err e = store_get(t->store, DS_TABLE_credential, ds_key_str(&k), &old);

	if (!e && str_u64(old, &n)) e = ERR_CORRUPT;
	if (e && e != ERR_NOT_FOUND) return e;
	if (n >= VC_STATUS_BITS)
		return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "credentials", "status-list-full",
				"an issuer has at most %d credentials", VC_STATUS_BITS);
	text = arena_printf(a, "%llu", (unsigned long long)n + 1);
	*ret = n;
	return text.p ? store_put(t->store, DS_TABLE_credential, ds_key_str(&k), text) : ERR_NO_MEMORY;
}

/* The entry of the list that fits the model. */
static json_t *status_make(const struct wallet_issue *x, uint64_t index)
{
	int list = x->v2 ? 2 : 1;

	return json_pack("{s:o,s:s,s:s,s:o,s:o}", "id",
			 json_sprintf("%s" DS_DCP_PATH "/status/%d#%llu", x->self->base, list,
				      (unsigned long long)index),
			 "type", x->v2 ? "BitstringStatusListEntry" : "StatusList2021Entry",
			 "statusPurpose", "revocation", "statusListIndex",
			 json_sprintf("%llu", (unsigned long long)index), "statusListCredential",
			 json_sprintf("%s" DS_DCP_PATH "/status/%d", x->self->base, list));
}

/* Of 1.1 the credential is the claim "vc", of 2.0 the claims themselves. */
static json_t *credential_make(const struct wallet_issue *x, const char *id, usec_t now, uint64_t index)
{
	char from[CLOCK_TEXT], until[CLOCK_TEXT];
	usec_t end = now + (usec_t)(x->days * 86400) * USEC_PER_SEC;
	json_t *subject = x->claims ? json_deep_copy(x->claims) : json_object(), *vc, *j;

	must(subject);
	json_put_str(subject, "id", x->subject);
	vc = json_pack("{s:[s],s:s,s:[s,s%],s:s%,s:s,s:s,s:o,s:o}", "@context",
		       x->v2 ? VC_20_CONTEXT : VC_11_CONTEXT, "id", id, "type", "VerifiableCredential",
		       x->type.p, x->type.n, "issuer", x->self->did.p, x->self->did.n,
		       x->v2 ? "validFrom" : "issuanceDate", clock_print(now, false, from),
		       x->v2 ? "validUntil" : "expirationDate", clock_print(end, false, until),
		       "credentialSubject", subject, "credentialStatus", status_make(x, index));
	must(vc);
	j = json_pack("{s:s%,s:s%,s:s,s:I,s:I}", "iss", x->self->did.p, x->self->did.n, "sub", x->subject.p,
		      x->subject.n, "jti", id, "nbf", (json_int_t)(now / USEC_PER_SEC), "exp",
		      (json_int_t)(end / USEC_PER_SEC));
	must(j);
	if (!x->v2) {
		json_put(j, "vc", vc);
	} else {
		must(!json_object_update(j, vc));
		json_decref(vc);
	}
	return j;
}

enum err wallet_profile(json_t *body, struct flaw *f, bool *ret_v2)
{
	struct str profile = STR(DCP_PROFILE_11);
	enum err e = json_str_opt(body, "", "profile", f, &profile);

	if (e) return e;
	*ret_v2 = str_is(profile, DCP_PROFILE_20);
	return *ret_v2 || str_is(profile, DCP_PROFILE_11)
		   ? ERR_OK
		   : flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "profile", "value",
			      "known are vc11-sl2021/jwt and vc20-bssl/jwt");
}

enum err wallet_issue(struct writer_txn *t, struct arena *a, const struct wallet_issue *x, struct flaw *f,
		      json_t **ret_row)
{
	json_t *row = json_keep(a, json_object()), *claims;
	char id[UUID_URN];
	uint64_t index;
	struct str jwt;
	enum err e = row ? index_take(t, a, x->self->id, f, &index) : ERR_NO_MEMORY;

	if (e) return e;
	claims = json_keep(a, credential_make(x, uuid_urn(id), t->now, index));
	e = ds_jwt_write_as(a, x->self, x->v2 ? "vc+jwt" : "JWT", claims, &jwt);
	if (e) return e;
	json_put_str(row, "id", str_of(id));
	json_put_u64(row, "index", index);
	json_put_str(row, "type", x->type);
	json_put_str(row, "subject", x->subject);
	json_put_str(row, "jwt", jwt);
	e = wallet_put(t, a, x->self->id, "issued", row);
	if (!e) e = wallet_note(t, DS_EVENT_CREDENTIAL_ISSUED, x->self->id, x->who, row);
	if (!e) *ret_row = row;
	return e;
}

static enum err issuing_read(const struct turn *u, json_t *body, struct wallet_issue *x)
{
	enum err e = json_str(body, "", "subject", u->flaw, &x->subject);

	if (!e) e = json_str(body, "", "type", u->flaw, &x->type);
	if (!e) e = json_u64_opt(body, "", "days", u->flaw, &x->days);
	if (!e && json_object_get(body, "claims")) e = json_obj(body, "", "claims", u->flaw, &x->claims);
	if (!e) e = wallet_profile(body, u->flaw, &x->v2);
	if (e) return e;
	if (!str_starts(x->subject, STR("did:")) || x->subject.n > DS_DID_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "subject", "did",
				"the subject must be a DID");
	if (!x->type.n || x->type.n > 100 || str_is(x->type, "VerifiableCredential"))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "type", "length",
				"a type has 1 to 100 octets");
	/* it is asked for by a scope, and those are parted by blanks */
	e = turn_name_check(x->type, 100, "type", u->flaw);
	if (e) return e;
	if (!x->days || x->days > WALLET_DAYS_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "days", "range", "1 to %d days",
				WALLET_DAYS_MAX);
	return ERR_OK;
}

static enum err act_issue(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct wallet_issue x = {.self = u->self, .who = u->who, .days = WALLET_DAYS};
	enum err e = issuing_read(u, w->body, &x);

	w->status = 201;
	return e ? e : wallet_issue(u->t, u->a, &x, u->flaw, ret);
}

static void issue_post(struct net_req *r)
{
	manage_wish_act(r, act_issue);
}

/* Revoking it again changes nothing. */
static enum err act_revoke(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	char when[CLOCK_TEXT];
	enum err e = wallet_find(u->t->store, u->a, u->self->id, "issued", w->pid, ret);

	e = manage_none(u->flaw, e, "credential", "no credential %.*s was issued", w->pid);
	if (e || json_object_get(*ret, "revoked")) return e;
	json_put_str(*ret, "revoked", str_of(clock_print(u->t->now, false, when)));
	e = wallet_put(u->t, u->a, u->self->id, "issued", *ret);
	return e ? e : wallet_note(u->t, DS_EVENT_CREDENTIAL_REVOKED, u->self->id, u->who, *ret);
}

static void revoke_post(struct net_req *r)
{
	manage_wish_act(r, act_revoke);
}

/* ---- listing ---- */

struct listing {
	struct arena *a;
	json_t *all;
	bool held;
};

static enum err list_one(void *arg, json_t *row)
{
	struct listing *l = arg;

	if (l->held) held_show(l->a, row);
	must(!json_array_append(l->all, row));
	return ERR_OK;
}

static void list_get(struct net_req *r)
{
	static const char *const kinds[] = {"held", "issued"};
	json_t *out = json_keep(r->arena, json_object());
	struct str participant;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	for (int i = 0; !e && out && i < 2; i++) {
		struct listing l = {r->arena, json_array(), i == 0};

		must(l.all);
		json_put(out, kinds[i], l.all);
		e = wallet_each(ds_txn_fresh(r->shard), r->arena, participant, kinds[i], list_one, &l);
	}
	if (e || !out)
		net_reply_err(r, e ? e : ERR_NO_MEMORY, NULL);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

const struct net_route wallet_routes[] = {
    {NET_POST, "/participants/{p}/credentials", issue_post, ROLE_OWNER, ISSUE_BODY_MAX, 0,
     "issue a credential"},
    {NET_GET, "/participants/{p}/credentials", list_get, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "credentials held and issued"},
    {NET_POST, "/participants/{p}/credentials/{id}/revoke", revoke_post, ROLE_OWNER, 1024, 0,
     "revoke a credential"},
    {NET_POST, "/participants/{p}/wallet", wallet_on_hand, ROLE_OWNER, WALLET_JWT_MAX + 1024, 0,
     "put a credential into the wallet"},
    {NET_DELETE, "/participants/{p}/wallet/{id}", wallet_delete, ROLE_OWNER, 0, 0,
     "take a credential out of the wallet"},
};
const size_t wallet_routes_n = sizeof wallet_routes / sizeof *wallet_routes;
