#include "dataspace/enrolled.h"

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/flow.h"
#include "dataspace/kit.h"
#include "dataspace/participant.h"

enum { CREDENTIAL_OCTETS = 32 };

/* ---- rows ---- */

static char *id_of(const struct enrolled_kind *k, const ProtobufCMessage *row)
{
	return *(char *const *)(const void *)((const char *)row + k->id);
}

static const ProtobufCBinaryData *token_of(const struct enrolled_kind *k, const ProtobufCMessage *row)
{
	return (const ProtobufCBinaryData *)(const void *)((const char *)row + k->token);
}

enum err enrolled_find(struct store_txn *t, struct arena *a, const struct enrolled_kind *k,
		       struct str participant, struct str id, ProtobufCMessage **ret)
{
	struct ds_key key;

	if (turn_name_check(id, DS_PID_MAX, k->member, NULL)) return ERR_NOT_FOUND;
	key = ds_key(participant, id, STR_NONE);
	return ds_row_get(t, k->table, &key, a, k->desc, ret);
}

enum err enrolled_put(struct writer_txn *t, const struct enrolled_kind *k, struct str participant,
		      const ProtobufCMessage *row)
{
	struct ds_key key = ds_key(participant, str_of(id_of(k, row)), STR_NONE);

	return ds_row_put(t, k->table, &key, row);
}

enum err enrolled_delete(struct writer_txn *t, const struct enrolled_kind *k, struct str participant,
			 struct str id)
{
	struct ds_key key = ds_key(participant, id, STR_NONE);

	return store_del(t->store, k->table, ds_key_str(&key));
}

enum err enrolled_each(struct store_txn *t, struct arena *a, const struct enrolled_kind *k,
		       struct str participant, enrolled_fn *fn, void *arg)
{
	struct ds_key prefix = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *row;
	enum err e = ds_row_scan_open(&scan, t, k->table, &prefix, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, k->desc, &row);
		if (!e) e = fn(arg, row);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- enrolling ---- */

enum err enrolled_check(const struct turn *u, const struct enrolled_kind *k, const struct dps_message *m,
			struct str id, struct str *ret_endpoint)
{
	enum err e = turn_name_check(id, DS_PID_MAX, k->member, u->flaw);

	if (!e) e = turn_url_check(m->endpoint, "endpoint", u->flaw, ret_endpoint);
	if (!e && m->authorization.type.n)
		e = flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "authorization.type", "unsupported",
			     "%s carry a token of the participant's; leave the type out", k->calls);
	return e;
}

static enum err count(void *arg, const ProtobufCMessage *row)
{
	(void)row;
	++*(size_t *)arg;
	return ERR_OK;
}

enum err enrolled_room(const struct turn *u, const struct enrolled_kind *k)
{
	size_t n = 0;
	enum err e = enrolled_each(u->t->store, u->a, k, u->self->id, count, &n);

	if (e || n < k->max) return e;
	return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, k->member, "limit",
			"a participant has at most %zu %ss", k->max, k->name);
}

enum err enrolled_credential(const struct turn *u, const struct enrolled_kind *k, ProtobufCMessage *row,
			     json_t *answer)
{
	unsigned char secret[CREDENTIAL_OCTETS], digest[HASH_SHA256];
	ProtobufCBinaryData *token = (ProtobufCBinaryData *)(void *)((char *)row + k->token);
	struct str credential;
	enum err e;

	random_bytes(secret, sizeof secret);
	credential = base64url_write(u->a, str_n(secret, sizeof secret));
	if (!credential.p) return ERR_NO_MEMORY;
	hash_sha256(credential, digest);
	*token = (ProtobufCBinaryData){sizeof digest, digest};
	e = enrolled_put(u->t, k, u->self->id, row);
	*token = (ProtobufCBinaryData){0};
	json_put_str(answer, "credential", credential);
	json_put_str(answer, "signaling", arena_printf(u->a, "%s" FLOW_PATH, u->self->base));
	return e;
}

enum err enrolled_tell(const struct turn *u, const struct enrolled_kind *k, const char *id,
		       const char *endpoint, const char *what)
{
	struct ds_event ev = {.kind = k->event,
			      .participant = u->self->id,
			      .who = u->who,
			      .peer = str_of(id),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "what", str_of(what));
	json_put_str(ev.detail, "endpoint", str_of(endpoint));
	return ds_event_append(u->t, &ev, NULL);
}

/* ---- calls ---- */

void enrolled_refuse(struct net_req *r, enum err e, const struct flaw *f)
{
	if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
	net_reply_err(r, e, f);
}

struct asking {
	const struct enrolled_kind *kind;
	unsigned char digest[HASH_SHA256];
	const char *found; /* its id */
};

static enum err compare(void *arg, const ProtobufCMessage *row)
{
	struct asking *q = arg;
	const ProtobufCBinaryData *token = token_of(q->kind, row);

	if (token->len == HASH_SHA256 &&
	    secret_eq(str_n(q->digest, HASH_SHA256), str_n(token->data, HASH_SHA256)))
		q->found = id_of(q->kind, row);
	return ERR_OK;
}

/* Whose credential the request carries. */
static enum err caller(struct net_req *r, const struct enrolled_kind *k, struct str participant,
		       struct flaw *f, struct str *ret)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer ");
	struct asking q = {.kind = k};
	enum err e;

	if (!str_starts_nocase(given, scheme))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
				"the credential of a %s is needed", k->name);
	hash_sha256(str_trim(str_skip(given, scheme.n)), q.digest);
	e = enrolled_each(ds_txn_fresh(r->shard), r->arena, k, participant, compare, &q);
	if (e) return e;
	if (!q.found)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown",
				"no %s has this credential", k->name);
	*ret = str_of(q.found);
	return ERR_OK;
}

void enrolled_signed(struct net_req *r, const struct enrolled_kind *k, const struct ds_peer *peer,
		     enrolled_call_fn *then)
{
	struct flaw f = {0};
	ProtobufCMessage *row;
	enum err e = enrolled_find(ds_txn(r->shard), r->arena, k, peer->self->id, peer->did, &row);

	if (!e) {
		then(r, peer->self, peer->did, peer);
		return;
	}
	if (e == ERR_NOT_FOUND)
		e = flaw_set(&f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "unknown", "%s",
			     k->unknown_did);
	enrolled_refuse(r, e, &f);
}

/* Credentials have no dots, tokens two. */
static bool looks_signed(struct str header)
{
	return str_find(header, '.') < header.n;
}

void enrolled_enter(struct net_req *r, const struct enrolled_kind *k, ds_peer_fn *signed_by,
		    enrolled_call_fn *then)
{
	struct flaw f = {0};
	const struct ds_self *self;
	struct str participant, plane;
	enum err e = net_decode(r->arena, r->param[0], &f, &participant);

	if (!e && participant_id_check(participant, NULL)) e = ERR_NOT_FOUND;
	if (!e) e = ds_self_find(ds_of(r), ds_txn_fresh(r->shard), participant, &self);
	if (!e && k->kit_unproven && kit_acts(ds_of(r), participant)) {
		then(r, self, STR_NONE, NULL);
		return;
	}
	if (!e && looks_signed(net_header(r, "authorization"))) {
		ds_peer_require_plain(r, signed_by);
		return;
	}
	if (!e) e = caller(r, k, participant, &f, &plane);
	if (e)
		enrolled_refuse(r, e, &f);
	else
		then(r, self, plane, NULL);
}

/* ---- repeats ---- */

bool enrolled_seen(char *const *messages, size_t n, struct str message)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(message, messages[i])) return true;
	return false;
}

enum err enrolled_remember(const struct turn *u, struct str message, size_t max, size_t *n,
			   char ***messages)
{
	size_t skip = *n >= max ? 1 : 0;
	char **all = ARENA_ARRAY(u->a, char *, max + 1);

	if (!all) return ERR_NO_MEMORY;
	for (size_t i = skip; i < *n; i++) all[i - skip] = (*messages)[i];
	all[*n - skip] = turn_text(u, message);
	*n += 1 - skip;
	*messages = all;
	return ERR_OK;
}
