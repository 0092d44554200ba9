#include "resolver/resolver.h"

#include <stdlib.h>

#include "net/access.h"
#include "resolver/answer.h"
#include "resolver/face.h"
#include "resolver/flusher.h"
#include "resolver/series.h"
#include "resolver/report.h"
#include "resolver/session.h"
#include "resolver/import_run.h"
#include "resolver/reverse_load.h"
#include "resolver/state.h"
#include "resolver/upstream.h"

const struct store_table rs_tables[] = {
#define X(name, owner, key, value) {#name},
    RS_TABLES(X)
#undef X
};
const size_t rs_tables_n = sizeof rs_tables / sizeof *rs_tables;

/* A row of the table record begins with its leaf, which marks the change. */
enum store_told rs_table_told(unsigned table)
{
	if (table == RS_TABLE_record) return STORE_TOLD_BY_KEY;
	return table == RS_TABLE_reverse ? STORE_UNTOLD : STORE_TOLD;
}

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
	if (!o->rate_clients) o->rate_clients = RATE_CLIENTS;
}

/* "A B C" as a list in the arena. */
static enum err default_types(struct rs *r)
{
	struct str rest = str_of(RS_FIND_TYPES), one;
	const char **list = ARENA_ARRAY(r->arena, const char *, REVERSE_TYPES_MAX);
	if (!list) return ERR_NO_MEMORY;
	r->o.find_types_n = 0;
	while (str_split(&rest, ' ', &one)) list[r->o.find_types_n++] = arena_strdup(r->arena, one);
	r->o.find_types = list;
	return arena_overflowed(r->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err start_builder(struct rs *r, struct flaw *f)
{
	enum err e = r->o.find_types ? ERR_OK : default_types(r);
	if (e || !r->o.writer) return e;
	e = reverse_builder_start(r->o.writer, r->o.find_types, r->o.find_types_n, f, &r->builder);
	return e ? e
		 : reverse_load_start(&(struct reverse_load_options){.store = r->o.store,
								     .writer = r->o.writer,
								     .imports = r->imports,
								     .builder = r->builder},
				      &r->load);
}

enum err rs_check(const struct rs_options *o, struct flaw *f)
{
	struct rs r = {.o = *o, .arena = arena_new(RS_ARENA)};
	enum err e =
	    r.arena ? authority_parse(r.arena, o->authority, o->authority_n, f, &r.ours) : ERR_NO_MEMORY;
	if (!e) e = keep_anchors(&r, f);
	if (!e && o->find_types) e = reverse_types_check(o->find_types, o->find_types_n, f);
	if (!e) e = reporter_check(&o->report, f);
	arena_free(r.arena);
	return e;
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
		r->statistics = statistics_new();
		if (!r->cache || !r->statistics) e = ERR_NO_MEMORY;
	}
	if (!e) {
		r->imports = imports_new();
		if (!r->imports) e = ERR_NO_MEMORY;
	}
	if (!e) e = challenges_new(&r->challenges);
	if (!e) e = face_routes(r->arena, !r->o.china_off, &r->routes);
	if (!e) e = start_builder(r, f);
	if (!e) e = reporter_open(r, f, &r->reporter);
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
	tallies_free(s->tallies);
	free(s);
}

void rs_quiesce(struct rs *r)
{
	reporter_close(r->reporter);
	reverse_load_stop(r->load);
	r->reporter = NULL;
}

void rs_close(struct rs *r)
{
	if (!r) return;
	rs_quiesce(r);
	for (size_t i = 0; i < RS_SHARDS_MAX; i++) shard_free(r->shards[i]);
	reverse_load_free(r->load);
	reverse_builder_free(r->builder);
	cache_free(r->cache);
	statistics_free(r->statistics);
	challenges_free(r->challenges);
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
	prefixes_free(s->prefixes);
	top_free(s->top);
	rates_free(s->rates);
	store_read_end(s->txn);
	buf_done(&s->scratch);
	s->walker = NULL;
	s->signatures = NULL;
	s->zones = NULL;
	s->prefixes = NULL;
	s->top = NULL;
	s->rates = NULL;
	s->txn = NULL;
	s->live = false;
}

/* What counts and limits: statistics.h, top.h, rate.h. */
static enum err open_counting(struct rs_shard *s)
{
	struct rs *r = s->rs;
	s->tallies = tallies_new();
	s->top = top_new();
	s->rates = rates_new(r->o.rates, r->o.rate_clients);
	s->top_since = clock_wall();
	s->top_day = (uint32_t)(s->top_since / USEC_PER_DAY);
	if (!s->tallies || !s->top || !s->rates) return ERR_NO_MEMORY;
	enum err e = ERR_OK;
	for (size_t i = 0; i <= r->o.authority_n && !e; i++) e = tallies_cover(s->tallies, TALLY_OTHER + i);
	return e;
}

static enum err renew_prefixes(struct rs_shard *s, uint64_t version)
{
	struct prefixes *p;
	enum err e = prefixes_new(s->txn, &p);
	if (e) return e;
	prefixes_free(s->prefixes);
	s->prefixes = p;
	s->prefixes_version = version;
	/* what finds no room is counted for the prefix of ours above it */
	for (uint32_t i = 0; p && i < prefixes_slots(p); i++)
		if (tallies_cover(s->tallies, TALLY_ALLOCATED + (size_t)i)) break;
	return ERR_OK;
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
	uint64_t prefixes_version = atomic_load(&r->prefixes_version);
	enum err e = open_counting(s);
	if (!e) e = store_read(r->o.store, &s->txn);
	if (e) return e;
	s->live = true;
	if (series_any(s->txn)) atomic_store(&r->series_any, true);
	e = renew_prefixes(s, prefixes_version);
	if (e) return e;
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
	flusher_start(s, net);
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
	uint64_t prefixes_version = atomic_load(&s->rs->prefixes_version);
	if (s->live) store_read_reset(s->txn);
	must(!store_read_renew(s->txn)); /* a node that cannot read its registry is of no use */
	s->live = true;
	if (version != s->zones_version) renew_zones(s, version);
	/* without memory the picture stays as it was and the next turn tries again */
	if (prefixes_version != s->prefixes_version && renew_prefixes(s, prefixes_version)) return;
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
