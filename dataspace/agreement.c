#include "dataspace/agreement.h"

#include "base/proof.h"
#include "dataspace/dataset.h"
#include "dataspace/offer.h"
#include "dataspace/transfer.h"

enum { AGREEMENT_FORMAT = 1, AGREEMENT_TEXT_MAX = 512 << 10, SHA_TEXT = 7 + 64 };

#define AGREEMENT_PURPOSE "assertionMethod"

const char *agreement_state_name(Ds__AgreementState s)
{
	switch (s) {
	case DS__AGREEMENT_STATE__AGREEMENT_ACTIVE: return "ACTIVE";
	case DS__AGREEMENT_STATE__AGREEMENT_REVOKED: return "REVOKED";
	case DS__AGREEMENT_STATE__AGREEMENT_EXPIRED: return "EXPIRED";
	case DS__AGREEMENT_STATE__AGREEMENT_VOID: return "VOID";
	default: return "PENDING";
	}
}

/* ---- rows ---- */

enum err ds_agreement_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			   Ds__Agreement **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(id, DS_PID_MAX, "agreement", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, id, STR_NONE);
	e = ds_row_get(t, DS_TABLE_agreement, &k, a, &ds__agreement__descriptor, &m);
	if (!e) *ret = (Ds__Agreement *)m;
	return e;
}

enum err ds_agreement_put(struct writer_txn *t, struct str participant, const Ds__Agreement *g)
{
	struct ds_key k = ds_key(participant, str_of(g->id), STR_NONE);

	return ds_row_put(t, DS_TABLE_agreement, &k, &g->base);
}

enum err agreement_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
			agreement_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_agreement, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__agreement__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Agreement *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- the document ---- */

static enum err doc_text(const struct turn *u, json_t *doc, char **ret)
{
	struct buf b = BUF_INIT(AGREEMENT_TEXT_MAX);
	enum err e = json_jcs(doc, &b);

	if (!e) e = buf_err(&b);
	if (!e) *ret = turn_text(u, buf_str(&b));
	buf_done(&b);
	return e;
}

static void put_content(json_t *doc, const Ds__Dataset *s)
{
	char sha[SHA_TEXT];
	json_t *c = json_object();

	must(c);
	memcpy(sha, "sha256:", 7);
	hex_write(s->digest.data, 32, sha + 7);
	json_put_str(c, "digest", str_n(sha, sizeof sha));
	json_put_u64(c, "size", s->size);
	json_put_str(c, "mediaType", str_of(s->media_type));
	json_put(doc, AGREEMENT_CONTENT, c);
}

static json_t *doc_make(const struct turn *u, const Ds__Negotiation *n, const Ds__Dataset *s, json_t *rules)
{
	json_t *doc = json_keep(u->a, json_object()), *v;
	char id[UUID_URN], when[CLOCK_TEXT];
	const char *key;

	if (!doc) return NULL;
	json_put_str(doc, "@type", STR("Agreement"));
	json_put_str(doc, "@id", str_of(uuid_urn(id)));
	json_put_str(doc, "target", str_of(n->dataset));
	json_put_str(doc, "assigner", u->self->did);
	json_put_str(doc, "assignee", str_of(n->peer));
	json_put_str(doc, "timestamp", str_of(clock_print(u->t->now, false, when)));
	json_object_foreach(rules, key, v)
	{
		json_put(doc, key, json_incref(v));
	}
	json_put_str(doc, AGREEMENT_OFFER, str_of(n->offer_id));
	if (s->digest.len == 32) put_content(doc, s);
	return doc;
}

static void row_start(const struct turn *u, const Ds__Negotiation *n, Ds__Agreement *g)
{
	ds__agreement__init(g);
	g->format = AGREEMENT_FORMAT;
	g->side = n->side;
	g->dataset = n->dataset;
	g->negotiation = n->pid;
	g->callback = n->callback;
	g->dialect = n->dialect;
	g->created = g->changed = u->t->now;
	g->provider = n->side == DS__SIDE__SIDE_PROVIDER ? turn_text(u, u->self->did) : n->peer;
	g->consumer = n->side == DS__SIDE__SIDE_PROVIDER ? n->peer : turn_text(u, u->self->did);
}

static ProtobufCBinaryData octets(const struct turn *u, const void *p, size_t n)
{
	ProtobufCBinaryData b = {n, arena_alloc(u->a, n ? n : 1)};

	if (b.data && n)
		memcpy(b.data, p, n);
	else
		b.len = 0;
	return b;
}

enum err agreement_make(const struct turn *u, Ds__Negotiation *n, json_t **ret_doc)
{
	Ds__Agreement g;
	Ds__Dataset *s;
	json_t *offer, *rules, *doc;
	enum err e = ds_dataset_find(u->t->store, u->a, u->self->id, str_of(n->dataset), &s);

	if (e == ERR_NOT_FOUND || (!e && !dataset_held(s)))
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "target", "withdrawn",
				"the dataset is no longer offered");
	if (!e) e = json_read(u->a, str_of(n->offer), u->flaw, &offer);
	if (e) return e;
	rules = offer_rules(u->a, offer);
	doc = rules ? doc_make(u, n, s, rules) : NULL;
	if (!doc) return ERR_NO_MEMORY;
	e = proof_add(doc, u->self->key, u->self->method, AGREEMENT_PURPOSE, u->t->now);
	if (e) return e;
	row_start(u, n, &g);
	g.id = turn_text(u, json_text(json_object_get(doc, "@id")));
	g.provider_signed = true;
	g.provider_method = u->self->method;
	g.provider_key = octets(u, sign_public(u->self->key), SIGN_PUBLIC);
	g.digest = octets(u, s->digest.data, s->digest.len);
	g.size = s->size;
	g.media_type = s->media_type;
	n->agreement = g.id;
	e = doc_text(u, doc, &g.json);
	if (!e) e = ds_agreement_put(u->t, u->self->id, &g);
	if (!e) *ret_doc = doc;
	return e;
}

static enum err unlike(const struct turn *u, const char *at, const char *rule, struct str got,
		       struct str want)
{
	return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule,
			"it says %.*s; negotiated was %.*s", STR_ARG(str_first(got, 60)),
			STR_ARG(str_first(want, 60)));
}

static enum err terms_check(const struct turn *u, const Ds__Negotiation *n, const struct odrl_policy *p)
{
	json_t *offer, *rules, *theirs, *diff;
	enum err e = turn_name_check(p->id, DS_PID_MAX, "agreement.@id", u->flaw);

	if (e) return e;
	if (!str_is(p->target, n->dataset))
		return unlike(u, "agreement.target", "target", p->target, str_of(n->dataset));
	if (!str_is(p->assigner, n->peer))
		return unlike(u, "agreement.assigner", "assigner", p->assigner, str_of(n->peer));
	if (!str_eq(p->assignee, u->self->did))
		return unlike(u, "agreement.assignee", "assignee", p->assignee, u->self->did);
	e = json_read(u->a, str_of(n->offer), u->flaw, &offer);
	if (e) return e;
	rules = offer_rules(u->a, offer);
	theirs = offer_rules(u->a, p->root);
	if (!rules || !theirs) return ERR_NO_MEMORY;
	if (offer_same(rules, theirs)) return ERR_OK;
	diff = offer_diff(u->a, rules, theirs);
	return flaw_set(u->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, "agreement", "terms",
			"the agreement differs from the offer: %s",
			json_string_value(json_array_get(diff, 0)));
}

/* The method must be one of the DID's own; the key comes from its DID document. */
static enum err proof_check(const struct turn *u, json_t *doc, struct str method, struct str did,
			    const unsigned char **ret_key)
{
	enum err e;

	if (!str_starts(method, did) || method.n <= did.n || method.p[did.n] != '#' ||
	    method.n >= DS_METHOD_MAX)
		return flaw_set(u->flaw, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "proof.verificationMethod",
				"signer", "the proof is not by the partner");
	if (!u->doc || ds_did_key(u->doc, method, ret_key))
		return flaw_set(u->flaw, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "proof.verificationMethod",
				"key-unknown", "the partner's DID document has no such key");
	e = proof_verify(doc, turn_text(u, method), *ret_key, u->flaw);
	if (e && e != ERR_NO_MEMORY && u->flaw && !u->flaw->err)
		return flaw_set(u->flaw, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "proof", "signature",
				"the proof does not verify");
	return e;
}

static enum err content_read(const struct turn *u, json_t *doc, Ds__Agreement *g)
{
	json_t *c = json_object_get(doc, AGREEMENT_CONTENT);
	unsigned char digest[32];
	struct str text, media = STR_NONE;
	enum err e;

	if (!json_is_object(c)) return ERR_OK;
	e = json_str(c, "agreement." AGREEMENT_CONTENT, "digest", u->flaw, &text);
	if (!e) e = json_u64(c, "agreement." AGREEMENT_CONTENT, "size", u->flaw, &g->size);
	if (!e) e = json_str_opt(c, "agreement." AGREEMENT_CONTENT, "mediaType", u->flaw, &media);
	if (e) return e;
	if (!str_starts(text, STR("sha256:")) || hex_parse(str_skip(text, 7), digest, sizeof digest))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET,
				"agreement." AGREEMENT_CONTENT ".digest", "digest",
				"it must be sha256: and 64 hexadecimal digits");
	g->digest = octets(u, digest, sizeof digest);
	g->media_type = turn_text(u, media);
	return ERR_OK;
}

static enum err provider_proof(const struct turn *u, const Ds__Negotiation *n, json_t *doc,
			       Ds__Agreement *g)
{
	json_t *proof = json_object_get(doc, "proof");
	const unsigned char *key;
	struct str method;
	enum err e;

	if (!proof) return ERR_OK;
	e = json_str(proof, "agreement.proof", "verificationMethod", u->flaw, &method);
	if (!e) e = proof_check(u, doc, method, str_of(n->peer), &key);
	if (e) return e;
	g->provider_signed = true;
	g->provider_method = turn_text(u, method);
	g->provider_key = octets(u, key, SIGN_PUBLIC);
	return ERR_OK;
}

enum err agreement_verify(const struct turn *u, Ds__Negotiation *n, const struct odrl_policy *p,
			  json_t **ret_proof)
{
	Ds__Agreement g, *old;
	json_t *doc = json_keep(u->a, json_deep_copy(p->root)), *proof;
	enum err e = terms_check(u, n, p);

	if (e) return e;
	if (!doc) return ERR_NO_MEMORY;
	row_start(u, n, &g);
	g.id = turn_text(u, p->id);
	e = ds_agreement_find(u->t->store, u->a, u->self->id, p->id, &old);
	if (!e)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "agreement.@id", "exists",
				"there is an agreement of this id already");
	if (e != ERR_NOT_FOUND) return e;
	e = content_read(u, doc, &g);
	if (!e) e = provider_proof(u, n, doc, &g);
	if (!e) e = proof_add(doc, u->self->key, u->self->method, AGREEMENT_PURPOSE, u->t->now);
	if (e) return e;
	proof = json_object_get(doc, "proof");
	if (json_is_array(proof)) proof = json_array_get(proof, json_array_size(proof) - 1);
	g.consumer_signed = true;
	g.consumer_method = u->self->method;
	g.consumer_key = octets(u, sign_public(u->self->key), SIGN_PUBLIC);
	n->agreement = g.id;
	e = doc_text(u, doc, &g.json);
	if (!e) e = ds_agreement_put(u->t, u->self->id, &g);
	if (!e) *ret_proof = proof;
	return e;
}

static void proof_append(json_t *doc, json_t *proof)
{
	json_t *all = json_array(), *first = json_object_get(doc, "proof");

	must(all && !json_array_append(all, first) && !json_array_append(all, proof));
	json_put(doc, "proof", all);
}

enum err agreement_countersign(const struct turn *u, const Ds__Negotiation *n, json_t *proof)
{
	const unsigned char *key;
	Ds__Agreement *g;
	struct str method;
	json_t *doc;
	enum err e;

	if (!proof) return ERR_OK;
	if (!json_is_object(proof))
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, AGREEMENT_PROOF, "type",
				"a proof is an object");
	e = json_str(proof, AGREEMENT_PROOF, "verificationMethod", u->flaw, &method);
	if (!e) e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(n->agreement), &g);
	if (!e) e = json_read_large(u->a, str_of(g->json), u->flaw, &doc);
	if (e) return e;
	proof_append(doc, proof);
	e = proof_check(u, doc, method, str_of(n->peer), &key);
	if (e) return e;
	g->consumer_signed = true;
	g->consumer_method = turn_text(u, method);
	g->consumer_key = octets(u, key, SIGN_PUBLIC);
	e = doc_text(u, doc, &g->json);
	return e ? e : ds_agreement_put(u->t, u->self->id, g);
}

/* ---- states ---- */

static enum err state_set(const struct turn *u, const Ds__Negotiation *n, Ds__AgreementState s)
{
	Ds__Agreement *g;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(n->agreement), &g);

	if (e) return e;
	/* Also an active one: the provider activates when it sends FINALIZED, which may be refused. */
	if (g->state != DS__AGREEMENT_STATE__AGREEMENT_PENDING &&
	    !(s == DS__AGREEMENT_STATE__AGREEMENT_VOID &&
	      g->state == DS__AGREEMENT_STATE__AGREEMENT_ACTIVE))
		return ERR_OK;
	g->state = s;
	g->changed = u->t->now;
	if (s == DS__AGREEMENT_STATE__AGREEMENT_ACTIVE) g->finalized = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(g->id));
	return ds_agreement_put(u->t, u->self->id, g);
}

enum err agreement_activate(const struct turn *u, const Ds__Negotiation *n)
{
	u->d->stat.agreements++;
	return state_set(u, n, DS__AGREEMENT_STATE__AGREEMENT_ACTIVE);
}

enum err agreement_void(const struct turn *u, const Ds__Negotiation *n)
{
	return n->agreement[0] ? state_set(u, n, DS__AGREEMENT_STATE__AGREEMENT_VOID) : ERR_OK;
}

/* Ends an active agreement; its transfers end with it. */
static enum err agreement_end(const struct turn *u, Ds__Agreement *g, enum ds_event_kind kind,
			      struct str code, struct str reason)
{
	bool revoked = kind == DS_EVENT_AGREEMENT_REVOKED;
	struct ds_event ev = {.kind = kind,
			      .participant = u->self->id,
			      .who = u->who,
			      .agreement = str_of(g->id),
			      .dataset = str_of(g->dataset),
			      .peer =
				  str_of(g->side == DS__SIDE__SIDE_PROVIDER ? g->consumer : g->provider)};
	enum err e;

	g->state =
	    revoked ? DS__AGREEMENT_STATE__AGREEMENT_REVOKED : DS__AGREEMENT_STATE__AGREEMENT_EXPIRED;
	g->changed = u->t->now;
	g->reason = turn_text(u, reason);
	g->who = turn_text(u, u->who);
	e = ds_agreement_put(u->t, u->self->id, g);
	if (e) return e;
	ev.detail = json_object();
	must(ev.detail);
	json_put_str(ev.detail, "reason", reason);
	e = ds_event_append(u->t, &ev, NULL);
	if (!e) e = transfer_end_all(u, str_of(g->id), code, reason);
	ds_fx_cut(u->fx, u->self->id, str_of(g->id), STR_NONE, revoked ? ERR_REVOKED : ERR_EXPIRED);
	ds_fx_changed(u->fx, u->self->id, str_of(g->id));
	return e;
}

enum err agreement_revoke(const struct turn *u, Ds__Agreement *g, struct str reason)
{
	if (g->state != DS__AGREEMENT_STATE__AGREEMENT_ACTIVE)
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "agreement-state",
				"the agreement is %s: only an active one can be revoked",
				agreement_state_name(g->state));
	return agreement_end(u, g, DS_EVENT_AGREEMENT_REVOKED, STR("REVOKED"), reason);
}

enum err agreement_ended_by_peer(const struct turn *u, struct str id, struct str peer, struct str code,
				 struct str reason)
{
	bool revoked = str_is(code, "REVOKED");
	struct ds_event ev = {.kind = revoked ? DS_EVENT_AGREEMENT_REVOKED : DS_EVENT_AGREEMENT_EXPIRED,
			      .participant = u->self->id,
			      .who = peer,
			      .agreement = id,
			      .peer = peer,
			      .message = u->digest};
	Ds__Agreement *g;
	enum err e;

	if (!revoked && !str_is(code, "EXPIRED")) return ERR_OK;
	e = ds_agreement_find(u->t->store, u->a, u->self->id, id, &g);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (g->side != DS__SIDE__SIDE_CONSUMER || g->state != DS__AGREEMENT_STATE__AGREEMENT_ACTIVE ||
	    !str_is(peer, g->provider))
		return ERR_OK;
	g->state =
	    revoked ? DS__AGREEMENT_STATE__AGREEMENT_REVOKED : DS__AGREEMENT_STATE__AGREEMENT_EXPIRED;
	g->changed = u->t->now;
	g->reason = turn_text(u, str_cut(reason, TURN_REASON_MAX));
	g->who = turn_text(u, peer);
	ev.dataset = str_of(g->dataset);
	ev.detail = json_object();
	must(ev.detail);
	json_put_str(ev.detail, "reason", str_of(g->reason));
	ds_fx_changed(u->fx, u->self->id, id);
	e = ds_agreement_put(u->t, u->self->id, g);
	if (!e) return ds_event_append(u->t, &ev, NULL);
	json_decref(ev.detail);
	return e;
}

enum err ds_agreement_expire(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			     struct str participant, Ds__Agreement *g, struct str reason)
{
	struct turn u = {.d = d, .t = t, .fx = fx, .a = a, .who = STR("policy")};
	enum err e;

	if (g->state != DS__AGREEMENT_STATE__AGREEMENT_ACTIVE) return ERR_OK;
	e = ds_self_find(d, t->store, participant, &u.self);
	return e ? e : agreement_end(&u, g, DS_EVENT_AGREEMENT_EXPIRED, STR("EXPIRED"), reason);
}

/* ---- showing ---- */

/* Verification method → key that its proof was checked with, from the signer's DID document of that day. */
static void key_put(json_t *keys, bool is_signed, const char *method, ProtobufCBinaryData key)
{
	char text[SIGN_MULTIBASE];

	if (!is_signed || key.len != SIGN_PUBLIC) return;
	sign_public_multibase(key.data, text);
	json_put_str(keys, method, str_of(text));
}

static json_t *keys_show(const Ds__Agreement *g)
{
	json_t *keys = json_object();

	must(keys);
	key_put(keys, g->provider_signed, g->provider_method, g->provider_key);
	key_put(keys, g->consumer_signed, g->consumer_method, g->consumer_key);
	return keys;
}

json_t *agreement_show(const Ds__Agreement *g, bool whole)
{
	char when[CLOCK_TEXT], sha[SHA_TEXT];
	json_t *j = json_object();

	must(j);
	json_put_str(j, "id", str_of(g->id));
	json_put_str(j, "role", g->side == DS__SIDE__SIDE_PROVIDER ? STR("provider") : STR("consumer"));
	json_put_str(j, "state", str_of(agreement_state_name(g->state)));
	json_put_str(j, "provider", str_of(g->provider));
	json_put_str(j, "consumer", str_of(g->consumer));
	json_put_str(j, "peer", str_of(g->side == DS__SIDE__SIDE_PROVIDER ? g->consumer : g->provider));
	json_put_str(j, "dataset", str_of(g->dataset));
	json_put_str(j, "negotiation", str_of(g->negotiation));
	json_put(j, "signed_by_provider", json_boolean(g->provider_signed));
	json_put(j, "signed_by_consumer", json_boolean(g->consumer_signed));
	json_put_str(j, "created", str_of(clock_print(g->created, true, when)));
	if (g->finalized) json_put_str(j, "finalized", str_of(clock_print(g->finalized, true, when)));
	if (g->side == DS__SIDE__SIDE_PROVIDER) json_put_u64(j, "transfers", g->transfers);
	if (g->digest.len == 32) {
		memcpy(sha, "sha256:", 7);
		hex_write(g->digest.data, 32, sha + 7);
		json_put_str(j, "digest", str_n(sha, sizeof sha));
		json_put_u64(j, "size", g->size);
	}
	if (g->media_type[0]) json_put_str(j, "media_type", str_of(g->media_type));
	if (g->reason[0]) json_put_str(j, "reason", str_of(g->reason));
	if (g->who[0]) json_put_str(j, "ended_by", str_of(g->who));
	if (!whole) return j;
	json_put(j, "agreement", json_loads(g->json, 0, NULL));
	json_put(j, "keys", keys_show(g));
	return j;
}
