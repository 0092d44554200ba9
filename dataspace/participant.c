#include "dataspace/participant.h"

#include <stdlib.h>

#include "base/text64.h"
#include "dataspace/connector.h"
#include "dataspace/dataplane.h"
#include "dataspace/document.h"

enum { KEYRING_BUCKETS = 1024, TITLE_MAX = 200, PARTICIPANT_FORMAT = 1, PARTICIPANT_ARENA = 64 << 10 };

struct keyring {
	struct ds *d;
	pthread_mutex_t lock;
	struct ring {
		struct ds_self self;
		struct sign_key *key;
		struct es256_key *p256;
		struct arena *arena;
		struct ring *next;
	} * bucket[KEYRING_BUCKETS];
};

enum err keyring_open(struct ds *d, struct keyring **ret)
{
	struct keyring *k = calloc(1, sizeof *k);

	if (!k) return ERR_NO_MEMORY;
	k->d = d;
	must(!pthread_mutex_init(&k->lock, NULL));
	*ret = k;
	return ERR_OK;
}

static void ring_free(struct ring *r)
{
	if (!r) return;
	sign_key_free(r->key);
	es256_key_free(r->p256);
	arena_free(r->arena);
	free(r);
}

void keyring_close(struct keyring *k)
{
	if (!k) return;
	for (size_t i = 0; i < KEYRING_BUCKETS; i++) {
		for (struct ring *r = k->bucket[i], *next; r; r = next) {
			next = r->next;
			ring_free(r);
		}
	}
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static size_t ring_bucket(struct str id)
{
	uint32_t h = 2166136261u; /* FNV-1a: ids are given by the operator, not by attackers */

	for (size_t i = 0; i < id.n; i++) h = (h ^ (unsigned char)id.p[i]) * 16777619u;
	return h % KEYRING_BUCKETS;
}

static const struct ds_self *ring_find(struct keyring *k, struct str id)
{
	for (struct ring *r = k->bucket[ring_bucket(id)]; r; r = r->next)
		if (str_eq(r->self.id, id)) return &r->self;
	return NULL;
}

static enum err ring_make(struct keyring *k, struct store_txn *t, struct str id, struct ring **ret)
{
	struct ring *r = calloc(1, sizeof *r);
	Ds__Participant *p;
	enum err e = r ? ERR_OK : ERR_NO_MEMORY;

	if (!e && !(r->arena = arena_new(PARTICIPANT_ARENA))) e = ERR_NO_MEMORY;
	if (!e) e = participant_find(t, r->arena, id, &p);
	if (!e) e = sign_key_unseal(k->d->o.sealer, str_n(p->sealed_key.data, p->sealed_key.len), &r->key);
	if (!e && p->sealed_p256.len)
		e = es256_key_unseal(k->d->o.sealer, str_n(p->sealed_p256.data, p->sealed_p256.len),
				     &r->p256);
	if (e) {
		ring_free(r);
		return e;
	}
	r->self = (struct ds_self){
	    .id = str_of(p->id),
	    .did = str_of(p->did),
	    .title = str_of(p->title),
	    .key = r->key,
	    .p256 = r->p256,
	    .kid = arena_strdup(r->arena, arena_printf(r->arena, "%s#token-1", p->did)),
	    .method = arena_strdup(r->arena, arena_printf(r->arena, "%s#key-1", p->did)),
	    .base = arena_strdup(r->arena, arena_printf(r->arena, "%s/p/%s", k->d->o.url, p->id))};
	r->self.connector = connector_of(&k->d->o, r->self.id);
	must(!arena_overflowed(r->arena));
	*ret = r;
	return ERR_OK;
}

enum err ds_self_find(struct ds *d, struct store_txn *t, struct str id, const struct ds_self **ret)
{
	struct keyring *k = d->keyring;
	const struct ds_self *self;
	struct ring *made;
	enum err e;

	pthread_mutex_lock(&k->lock);
	self = ring_find(k, id);
	pthread_mutex_unlock(&k->lock);
	if (!self) {
		if ((e = participant_id_check(id, NULL))) return ERR_NOT_FOUND;
		if ((e = ring_make(k, t, id, &made))) return e;
		pthread_mutex_lock(&k->lock);
		self = ring_find(k, id);
		if (!self) {
			made->next = k->bucket[ring_bucket(id)];
			k->bucket[ring_bucket(id)] = made;
			self = &made->self;
			made = NULL;
		}
		pthread_mutex_unlock(&k->lock);
		ring_free(made);
	}
	*ret = self;
	return ERR_OK;
}

enum err participant_by_did(struct ds *d, struct store_txn *t, struct str did, const struct ds_self **ret)
{
	const struct ds_self *self;
	enum err e = ds_self_find(d, t, str_skip(did, str_rfind(did, ':') + 1), &self);

	if (e) return e;
	if (!str_eq(self->did, did)) return ERR_NOT_FOUND;
	*ret = self;
	return ERR_OK;
}

enum err participant_id_check(struct str id, struct flaw *f)
{
	if (!id.n || id.n > DS_ID_MAX)
		return flaw_set(f, ERR_BAD_INPUT, 0, "id", "length",
				"a participant's id has 1 to %d characters", DS_ID_MAX);
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool edge = i == 0 || i == id.n - 1;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && !edge)) continue;
		return flaw_set(f, ERR_BAD_INPUT, i, "id", "letters",
				"a participant's id has a-z, 0-9 and, inside, '-'");
	}
	return ERR_OK;
}

enum err participant_find(struct store_txn *t, struct arena *a, struct str id, Ds__Participant **ret)
{
	struct ds_key k = ds_key(id, STR_NONE, STR_NONE);
	ProtobufCMessage *m;
	enum err e = ds_row_get(t, DS_TABLE_participant, &k, a, &ds__participant__descriptor, &m);

	if (!e) *ret = (Ds__Participant *)m;
	return e;
}

enum err participant_add(struct writer_txn *t, const Ds__Participant *p, struct str who)
{
	struct ds_key k = ds_key(str_of(p->id), STR_NONE, STR_NONE);
	struct ds_event ev = {.kind = DS_EVENT_PARTICIPANT_ADDED, .participant = str_of(p->id), .who = who};
	char multibase[SIGN_MULTIBASE];
	struct str old;
	enum err e = store_get(t->store, DS_TABLE_participant, ds_key_str(&k), &old);

	if (!e) return ERR_EXISTS;
	if (e != ERR_NOT_FOUND) return e;
	e = ds_row_put(t, DS_TABLE_participant, &k, &p->base);
	if (e) return e;
	sign_public_multibase(p->public_key.data, multibase);
	ev.detail = json_pack("{s:s,s:s,s:s}", "did", p->did, "key", multibase, "title", p->title);
	return ds_event_append(t, &ev, NULL);
}

enum err ds_participant_each(struct store_txn *t, struct arena *a, ds_participant_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, value, id;
	enum err e = store_cursor_open(t, DS_TABLE_participant, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		if ((e = ds_key_part(&key, &id))) break;
		id = arena_dup(a, id);
		if ((e = id.p ? fn(arg, id) : ERR_NO_MEMORY)) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- making one ---- */

struct adding {
	struct writer_cmd cmd;
	Ds__Participant p;
	struct str who;
};

static enum err p256_make(const struct sign_sealer *sealer, struct arena *a, Ds__Participant *p)
{
	struct es256_key *key = es256_key_new();

	if (!key) return ERR_NO_MEMORY;
	p->sealed_p256 =
	    (ProtobufCBinaryData){ES256_SECRET + SIGN_SEAL, arena_alloc(a, ES256_SECRET + SIGN_SEAL)};
	if (p->sealed_p256.data) es256_key_seal(sealer, key, p->sealed_p256.data);
	es256_key_free(key);
	return p->sealed_p256.data ? ERR_OK : ERR_NO_MEMORY;
}

/* Fills p from a fresh key; texts in the arena. */
static enum err participant_make(const struct sign_sealer *sealer, struct arena *a,
				 const struct ds_new_participant *n, struct flaw *f, Ds__Participant *p)
{
	struct str id = n->id, title = n->title, did;
	struct sign_key *key;
	enum err e = participant_id_check(id, f);

	if (!e && (!title.n || title.n > TITLE_MAX || !str_utf8_ok(title, NULL)))
		e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "title", "length",
			     "a title has 1 to %d octets of UTF-8", TITLE_MAX);
	if (!e) e = did_web_from_url(a, arena_printf(a, "%s/p/%.*s", n->node_url, STR_ARG(id)), f, &did);
	if (!e) e = document_subject_check(did, f);
	if (e) return e;
	key = sign_key_new();
	if (!key) return ERR_NO_MEMORY;
	ds__participant__init(p);
	p->format = PARTICIPANT_FORMAT;
	p->id = arena_strdup(a, id);
	p->title = arena_strdup(a, title);
	p->did = arena_strdup(a, did);
	p->created = clock_wall();
	p->sealed_key = (ProtobufCBinaryData){32 + SIGN_SEAL, arena_alloc(a, 32 + SIGN_SEAL)};
	p->public_key = (ProtobufCBinaryData){SIGN_PUBLIC, arena_alloc(a, SIGN_PUBLIC)};
	if (arena_overflowed(a)) {
		sign_key_free(key);
		return ERR_NO_MEMORY;
	}
	sign_key_seal(sealer, key, p->sealed_key.data);
	memcpy(p->public_key.data, sign_public(key), SIGN_PUBLIC);
	sign_key_free(key);
	return n->es256 ? p256_make(sealer, a, p) : ERR_OK;
}

static enum err adding_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct adding *x = (struct adding *)c;

	return participant_add(t, &x->p, x->who);
}

enum err ds_participant_add(struct writer *w, const struct sign_sealer *sealer,
			    const struct ds_new_participant *n, struct flaw *f)
{
	struct arena *a = arena_new(PARTICIPANT_ARENA);
	struct adding x = {.cmd = {.apply = adding_apply}, .who = STR("operator")};
	enum err e = a ? participant_make(sealer, a, n, f, &x.p) : ERR_NO_MEMORY;

	if (!e) e = writer_run(w, &x.cmd);
	if (e == ERR_EXISTS)
		(void)flaw_set(f, e, FLAW_NO_OFFSET, "id", "exists",
			       "there is a participant of this id already");
	arena_free(a);
	return e;
}

/* ---- routes ---- */

static void participant_show(json_t *j, struct ds *d, const Ds__Participant *p)
{
	struct str connector = connector_of(&d->o, str_of(p->id));
	char when[CLOCK_TEXT];

	json_put_str(j, "id", str_of(p->id));
	json_put_str(j, "title", str_of(p->title));
	json_put_str(j, "did", str_of(p->did));
	json_put_str(j, "tokens", p->sealed_p256.len ? STR("ES256") : STR("EdDSA"));
	if (connector.n)
		json_put_str(j, "dsp", connector);
	else
		json_put(j, "dsp", json_sprintf("%s/p/%s" DS_DSP_PATH, d->o.url, p->id));
	json_put_str(j, "created", str_of(clock_print(p->created, false, when)));
}

/* "z6Mk…" or "zDn…": the key of its tokens, as identity.partners takes it (multicodec, then base58btc). */
static void token_key_write(const struct ds_self *self, char out[BASE58_TEXT_MAX + 1])
{
	unsigned char raw[2 + 1 + ES256_PUBLIC / 2] = {0x80, 0x24}; /* p256-pub, 0x1200 as a varint */
	const unsigned char *pub;

	if (!self->p256) {
		sign_public_multibase(sign_public(self->key), out);
		return;
	}
	pub = es256_public(self->p256);
	raw[2] = (unsigned char)(2 + (pub[ES256_PUBLIC - 1] & 1));
	memcpy(raw + 3, pub, ES256_PUBLIC / 2);
	out[0] = 'z';
	out[1 + base58_print(str_n(raw, sizeof raw), out + 1)] = 0;
}

/* What a partner without wallet is given, to pin this one. */
static void participant_show_pin(json_t *j, struct ds *d, struct store_txn *t, const Ds__Participant *p)
{
	char key[BASE58_TEXT_MAX + 1], second[SIGN_MULTIBASE];
	const struct ds_self *self;

	if (ds_self_find(d, t, str_of(p->id), &self)) return;
	token_key_write(self, key);
	json_put_str(j, "key", str_of(key));
	sign_public_multibase(sign_public(self->key), second);
	/* the second key signs agreements */
	json_put(j, "pin",
		 self->p256 ? json_sprintf("%s=%s@%s/p/%s" DS_DSP_PATH " %s=%s", p->did, key, d->o.url,
					   p->id, p->did, second)
			    : json_sprintf("%s=%s@%s/p/%s" DS_DSP_PATH, p->did, key, d->o.url, p->id));
}

static enum err post_work(struct ds_job *j, struct writer_txn *t)
{
	struct adding *x = j->in;
	json_t *out = json_keep(j->arena, json_object());
	enum err e = participant_add(t, &x->p, x->who);

	if (e == ERR_EXISTS)
		return flaw_set(&j->flaw, e, FLAW_NO_OFFSET, "id", "exists",
				"there is a participant of this id already");
	if (e || !out) return e ? e : ERR_NO_MEMORY;
	participant_show(out, j->d, &x->p);
	j->body = json_write(j->arena, out, false);
	j->location = arena_printf(j->arena, "/participants/%s", x->p.id);
	j->status = 201;
	return ERR_OK;
}

static void participant_post(struct net_req *r)
{
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct adding *x = j ? ARENA_NEW(j->arena, struct adding) : NULL;
	struct ds_new_participant n = {.node_url = ds_of(r)->o.url};
	struct str tokens = STR("EdDSA");
	struct flaw f = {0};
	json_t *body;
	enum err e;

	if (!j) return;
	e = json_read(j->arena, r->body, &f, &body);
	if (!e) e = json_str(body, "", "id", &f, &n.id);
	n.title = n.id;
	if (!e) e = json_str_opt(body, "", "title", &f, &n.title);
	if (!e) e = json_str_opt(body, "", "tokens", &f, &tokens);
	n.es256 = str_is(tokens, "ES256");
	if (!e && !n.es256 && !str_is(tokens, "EdDSA"))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "tokens", "value",
			     "tokens are signed by EdDSA or ES256");
	if (!e) e = participant_make(j->d->o.sealer, j->arena, &n, &f, &x->p);
	x->who = arena_dup(j->arena, ds_who(r));
	j->in = x;
	j->work = post_work;
	ds_job_submit_or_refuse(j, e, &f);
}

struct listing {
	struct net_req *r;
	struct store_txn *t;
	json_t *list;
};

static enum err list_one(void *arg, struct str id)
{
	struct listing *l = arg;
	const struct principal *who = l->r->principal;
	char item[DS_ID_MAX + 2] = "@";
	Ds__Participant *p;
	json_t *j;
	enum err e;

	memcpy(item + 1, id.p, id.n);
	if (!(who->roles & ROLE_OPERATOR) && !access_scope_has(who, str_n(item, id.n + 1))) return ERR_OK;
	e = participant_find(l->t, l->r->arena, id, &p);
	if (e) return e;
	j = json_object();
	must(j);
	participant_show(j, ds_of(l->r), p);
	participant_show_pin(j, ds_of(l->r), l->t, p);
	must(!json_array_append_new(l->list, j));
	return ERR_OK;
}

static void participant_list(struct net_req *r)
{
	struct listing l = {.r = r, .t = ds_txn(r->shard), .list = json_keep(r->arena, json_array())};
	json_t *out = json_keep(r->arena, json_object());
	enum err e = l.list && out ? ds_participant_each(l.t, r->arena, list_one, &l) : ERR_NO_MEMORY;

	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, "participants", json_incref(l.list));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

static void participant_get(struct net_req *r)
{
	struct str id;
	Ds__Participant *p;
	json_t *out = json_keep(r->arena, json_object());
	enum err e = ds_req_participant(r, &id);

	if (e) return;
	e = out ? participant_find(ds_txn(r->shard), r->arena, id, &p) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	participant_show(out, ds_of(r), p);
	participant_show_pin(out, ds_of(r), ds_txn(r->shard), p);
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

const struct net_route participant_routes[] = {
    {NET_POST, "/participants", participant_post, ROLE_OPERATOR, 4096, 0, "add a participant"},
    {NET_GET, "/participants", participant_list, ROLE_OPERATOR | ROLE_AUDITOR, 0, 0, "list participants"},
    {NET_GET, "/participants/{p}", participant_get, ROLE_OWNER | ROLE_AUDITOR, 0, 0, "show a participant"},
};
const size_t participant_routes_n = sizeof participant_routes / sizeof *participant_routes;
