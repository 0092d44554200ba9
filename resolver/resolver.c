#include "resolver/resolver.h"

#include <stdlib.h>

#include "net/access.h"
#include "resolver/answer.h"
#include "resolver/face.h"
#include "resolver/import_run.h"
#include "resolver/state.h"
#include "resolver/upstream.h"

const struct store_table rs_tables[] = {
#define X(name, owner, key, value) {#name},
    RS_TABLES(X)
#undef X
};
const size_t rs_tables_n = sizeof rs_tables / sizeof *rs_tables;
const unsigned rs_table_credential = RS_TABLE_credential;

enum { RS_ARENA = 1 << 20 }; /* a few hundred prefixes and anchors */

static enum err keep_texts(struct rs *r)
{
	char key[SIGN_MULTIBASE];
	sign_public_multibase(sign_public(r->o.key), key);
	r->did = arena_dup(r->arena, str_of(r->o.did));
	r->name = arena_dup(r->arena, str_of(r->o.name));
	r->url = arena_dup(r->arena, str_of(r->o.url));
	r->kid = arena_printf(r->arena, "%s#%s", r->o.did, key);
	return arena_overflowed(r->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err keep_anchors(struct rs *r, struct flaw *f)
{
	struct flaw why = {0};
	r->anchors = ARENA_ARRAY(r->arena, struct walk_anchor, r->o.anchors_n + 1);
	if (!r->anchors) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r->o.anchors_n; i++) {
		const struct rs_anchor *from = &r->o.anchors[i];
		struct walk_anchor *to = &r->anchors[i];
		struct str url = str_of(from->url);
		while (url.n && url.p[url.n - 1] == '/') url.n--;
		if (id_prefix_parse(r->arena, str_of(from->prefix), &why, &to->prefix))
			return flaw_set(f, ERR_BAD_CONF, why.offset, "resolver.anchors",
					why.rule[0] ? why.rule : "prefix", "\"%s\": %s", from->prefix,
					why.text);
		if (!delegation_url_ok(url))
			return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.anchors", "anchor-url",
					"\"%s\" is no http or https URL to append a path to", from->url);
		memcpy(to->key, from->public_key, sizeof to->key);
		to->url = arena_dup(r->arena, url);
	}
	return arena_overflowed(r->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static void set_defaults(struct rs_options *o)
{
	if (!o->cache_octets) o->cache_octets = RS_CACHE_OCTETS;
	if (!o->answer_validity) o->answer_validity = RS_ANSWER_VALIDITY;
	if (!o->ttl) o->ttl = RS_TTL;
	if (!o->ttl_negative) o->ttl_negative = RS_TTL_NEGATIVE;
}

enum err rs_open(const struct rs_options *o, struct flaw *f, struct rs **ret)
{
	struct rs *r = calloc(1, sizeof *r);
	if (!r) return ERR_NO_MEMORY;
	r->o = *o;
	set_defaults(&r->o);
	r->arena = arena_new(RS_ARENA);
	enum err e = r->arena ? keep_texts(r) : ERR_NO_MEMORY;
	if (!e) e = authority_parse(r->arena, o->authority, o->authority_n, f, &r->ours);
	if (!e) e = keep_anchors(r, f);
	if (!e) {
		r->cache = cache_new(r->o.cache_octets);
		if (!r->cache) e = ERR_NO_MEMORY;
	}
	if (!e) {
		r->imports = imports_new();
		if (!r->imports) e = ERR_NO_MEMORY;
	}
	if (!e) e = face_routes(r->arena, &r->routes);
	if (e) {
		rs_close(r);
		return e;
	}
	r->routes.ctx = r;
	*ret = r;
	return ERR_OK;
}

static void shard_free(struct rs_shard *s)
{
	if (!s) return;
	pthread_mutex_destroy(&s->gate);
	free(s);
}

void rs_close(struct rs *r)
{
	if (!r) return;
	for (size_t i = 0; i < RS_SHARDS_MAX; i++) shard_free(r->shards[i]);
	cache_free(r->cache);
	imports_free(r->imports);
	arena_free(r->arena);
	free(r);
}

const struct net_routes *rs_routes(struct rs *r)
{
	return &r->routes;
}

/* ---- shards ----------------------------------------------------------------------------- */

static enum err shard_new(struct rs *r, struct rs_shard **ret)
{
	struct rs_shard *s = calloc(1, sizeof *s);
	if (!s) return ERR_NO_MEMORY;
	must(!pthread_mutex_init(&s->gate, NULL));
	s->rs = r;
	buf_init(&s->scratch, RS_SCRATCH_MAX);
	*ret = s;
	return ERR_OK;
}

/* Ends what belongs to the shard's thread; the object itself stays until rs_close. */
static void shard_done(struct rs_shard *s)
{
	walker_free(s->walker);
	cache_free(s->signatures);
	zones_free(s->zones);
	store_read_end(s->txn);
	buf_done(&s->scratch);
	s->walker = NULL;
	s->signatures = NULL;
	s->zones = NULL;
	s->txn = NULL;
	s->live = false;
}

static enum err shard_fill(struct rs_shard *s)
{
	struct rs *r = s->rs;
	struct walker_options o = {.anchors = r->anchors,
				   .anchors_n = r->o.anchors_n,
				   .cache = r->cache,
				   .upstream =
				       r->upstream.ask ? r->upstream : (struct upstream){s, upstream_ask},
				   .counters = &s->counters,
				   .node = r->did,
				   .url = r->url};
	s->walker = walker_new(&o);
	s->signatures = cache_new(SIGNATURES_OCTETS);
	if (!s->walker || !s->signatures) return ERR_NO_MEMORY;
	s->zones_version = atomic_load(&r->zones_version);
	enum err e = store_read(r->o.store, &s->txn);
	if (e) return e;
	s->live = true;
	return zones_new(r->ours, r->o.authority_n, s->txn, &s->zones);
}

enum err rs__shard_open(struct rs *r, unsigned index, struct rs_shard **ret)
{
	struct rs_shard *s;
	must(index < RS_SHARDS_MAX && !r->shards[index]);
	enum err e = shard_new(r, &s);
	if (!e) e = shard_fill(s);
	if (e) {
		shard_done(s);
		shard_free(s);
		return e;
	}
	atomic_store(&r->shards[index], s);
	unsigned n = atomic_load(&r->shards_n);
	while (n <= index && !atomic_compare_exchange_weak(&r->shards_n, &n, index + 1)) continue;
	*ret = s;
	return ERR_OK;
}

enum err rs_shard_start(struct rs *r, struct net_shard *net)
{
	struct rs_shard *s;
	if (net_shard_index(net) >= RS_SHARDS_MAX) return ERR_UNSUPPORTED;
	enum err e = rs__shard_open(r, net_shard_index(net), &s);
	if (e) return e;
	pthread_mutex_lock(&s->gate);
	s->net = net;
	pthread_mutex_unlock(&s->gate);
	net_shard_set(net, RS_SHARD_SLOT, s);
	/* a shard that gets no work for hours must not hold the snapshot it began with */
	rs_shard_idle(r, net);
	return ERR_OK;
}

static void renew_zones(struct rs_shard *s, uint64_t version)
{
	struct zones *z;
	/* without memory the picture stays as it was and the next turn tries again */
	if (zones_new(s->rs->ours, s->rs->o.authority_n, s->txn, &z)) return;
	zones_free(s->zones);
	s->zones = z;
	s->zones_version = version;
}

/* The version is read before the snapshot is taken: a change it tells of is in the snapshot. */
void rs__shard_turn(struct rs_shard *s)
{
	uint64_t version = atomic_load(&s->rs->zones_version);
	if (s->live) store_read_reset(s->txn);
	must(!store_read_renew(s->txn)); /* a node that cannot read its registry is of no use */
	s->live = true;
	if (version != s->zones_version) renew_zones(s, version);
}

static struct rs_shard *of_net(const struct net_shard *s)
{
	return net_shard_get(s, RS_SHARD_SLOT);
}

void rs_shard_turn(struct rs *r, struct net_shard *net)
{
	(void)r;
	rs__shard_turn(of_net(net));
}

void rs_shard_idle(struct rs *r, struct net_shard *net)
{
	struct rs_shard *s = of_net(net);
	(void)r;
	if (s->live) store_read_reset(s->txn);
	s->live = false;
}

void rs_shard_stop(struct rs *r, struct net_shard *net)
{
	struct rs_shard *s = of_net(net);
	(void)r;
	if (!s) return;
	pthread_mutex_lock(&s->gate);
	s->net = NULL;
	pthread_mutex_unlock(&s->gate);
	imports_stop(s); /* they hand in to the writer, which ends after the shards */
	shard_done(s);
}

struct store_txn *rs_shard_txn(struct net_shard *s)
{
	return of_net(s)->txn;
}

struct rs_shard *rs__shard(const struct net_req *r)
{
	return of_net(r->shard);
}

enum err rs__post(struct rs_shard *s, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&s->gate);
	enum err e = s->net ? net_post(s->net, fn, arg) : ERR_STOPPING;
	pthread_mutex_unlock(&s->gate);
	return e;
}

/* ---- for tools -------------------------------------------------------------------------- */

struct grant_cmd {
	struct writer_cmd cmd;
	struct principal who;
	unsigned char digest[32];
};

static enum err apply_grant(struct writer_cmd *c, struct writer_txn *t)
{
	struct grant_cmd *g = (struct grant_cmd *)c;
	return access_grant(t, RS_TABLE_credential, STR("init"), str_n(g->digest, sizeof g->digest),
			    &g->who);
}

enum err rs_credential_add(struct writer *w, struct str name, uint32_t roles, struct str scope,
			   struct str token)
{
	struct grant_cmd g = {.cmd = {.apply = apply_grant}, .who = {roles, name, scope, 0}};
	access_token_hash(token, g.digest);
	enum err e = access_check(&g.who, NULL);
	return e ? e : writer_run(w, &g.cmd);
}
