/* Opening, starting, closing; shards and their snapshots. */
#include <stdlib.h>

#include "dataspace/catalog.h"
#include "dataspace/catalog_offset.h"
#include "dataspace/connector.h"
#include "dataspace/crawl.h"
#include "dataspace/dataplane.h"
#include "dataspace/dataset.h"
#include "dataspace/face_dsp.h"
#include "dataspace/face_manage.h"
#include "dataspace/flow_ready.h"
#include "dataspace/held.h"
#include "dataspace/kit.h"
#include "dataspace/signal.h"
#include "dataspace/watch.h"
#include "dataspace/mock.h"
#include "dataspace/federation.h"
#include "dataspace/inbox.h"
#include "dataspace/outbox.h"
#include "dataspace/participant.h"
#include "dataspace/peer.h"
#include "dataspace/renewal.h"
#include "dataspace/replay.h"
#include "dataspace/under_way.h"
#include "dataspace/wait.h"
#include "dataspace/issuance.h"
#include "dataspace/wallet.h"

const struct store_table ds_tables[] = {
#define X(name, owner, key, value) {#name},
    DS_TABLES(X)
#undef X
};
const size_t ds_tables_n = sizeof ds_tables / sizeof *ds_tables;

static void routes_add(struct ds *d, const struct net_route *rows, size_t n)
{
	must(d->routes_n < sizeof d->routes / sizeof *d->routes);
	d->routes[d->routes_n++] = (struct net_routes){rows, n, d};
}

static enum err options_copy(struct ds *d, const struct ds_options *o)
{
	d->o = *o;
	if (!o->outbox_age) d->o.outbox_age = OUTBOX_AGE_MAX;
	if (!o->outbox_retry) d->o.outbox_retry = OUTBOX_RETRY_FIRST;
	if (!o->outbox_retry_max) d->o.outbox_retry_max = OUTBOX_RETRY_LAST;
	if (!o->outbox_tries) d->o.outbox_tries = OUTBOX_TRIES_EARLY;
	if (!o->inbox_wait) d->o.inbox_wait = INBOX_WAIT;
	if (!o->flow_ready) d->o.flow_ready = FLOW_READY;
	d->o.did = strdup(o->did);
	d->o.url = strdup(o->url);
	d->o.folder = strdup(o->folder);
	d->o.kit = strdup(o->kit ? o->kit : "");
	d->o.iam_mock = strdup(o->iam_mock ? o->iam_mock : "");
	return d->o.did && d->o.url && d->o.folder && d->o.kit && d->o.iam_mock ? ERR_OK : ERR_NO_MEMORY;
}

static enum err replays_fill(struct ds *d)
{
	struct store_txn *t;
	enum err e = store_read(d->o.store, &t);

	if (e) return e;
	e = replays_load(d->replays, t, clock_wall() / USEC_PER_SEC);
	store_read_end(t);
	return e;
}

enum err ds_open(const struct ds_options *o, struct flaw *f, struct ds **ret)
{
	struct ds *d = calloc(1, sizeof *d);
	enum err e = d ? options_copy(d, o) : ERR_NO_MEMORY;

	if (d) must(!pthread_rwlock_init(&d->shards_lock, NULL));
	if (!e) e = connectors_check(o, f);
	if (!e) e = keyring_open(d, &d->keyring);
	if (!e) e = peers_open(d, &d->peers);
	if (!e) e = replays_open(&d->replays);
	if (!e) e = outbox_open(d, &d->outbox);
	if (!e) e = waits_open(d, &d->waits);
	if (!e) e = offsets_open(&d->offsets);
	if (!e) e = refusals_open(&d->refusals);
	if (!e) e = replays_fill(d);
	if (!e) e = kit_open(d, &d->kit);
	if (!e) e = dp_open(d, f, &d->dp);
	if (e) {
		ds_close(d);
		return f && f->err ? e : flaw_set(f, e, FLAW_NO_OFFSET, "space", "open", "%s", err_text(e));
	}
	mock_announce(d);
	routes_add(d, participant_routes, participant_routes_n);
	routes_add(d, dataset_routes, dataset_routes_n);
	routes_add(d, face_manage_routes, face_manage_routes_n);
	routes_add(d, face_agreement_routes, face_agreement_routes_n);
	routes_add(d, face_dsp_routes, face_dsp_routes_n);
	routes_add(d, dp_routes, dp_routes_n);
	routes_add(d, flow_routes, flow_routes_n);
	if (d->kit) routes_add(d, kit_routes, kit_routes_n);
	routes_add(d, catalog_routes, catalog_routes_n);
	routes_add(d, federation_routes, federation_routes_n);
	routes_add(d, face_inbox_routes, face_inbox_routes_n);
	routes_add(d, face_outbox_routes, face_outbox_routes_n);
	routes_add(d, wallet_routes, wallet_routes_n);
	routes_add(d, face_dcp_routes, face_dcp_routes_n);
	routes_add(d, sts_routes, sts_routes_n);
	routes_add(d, face_storage_routes, face_storage_routes_n);
	routes_add(d, issuer_routes, issuer_routes_n);
	routes_add(d, holder_routes, holder_routes_n);
	routes_add(d, face_issuer_routes, face_issuer_routes_n);
	routes_add(d, trust_routes, trust_routes_n);
	routes_add(d, data_plane_routes, data_plane_routes_n);
	routes_add(d, face_signal_routes, face_signal_routes_n);
	routes_add(d, renewal_routes, renewal_routes_n);
	*ret = d;
	return ERR_OK;
}

enum err ds_start(struct ds *d, struct net_server *s)
{
	enum err e;

	d->server = s;
	e = outbox_start(d->outbox, net_server_shard(s, 0));
	if (!e) e = crawl_start(d, net_server_shard(s, 0));
	if (!e) e = inbox_start(d, net_server_shard(s, 0));
	if (!e) e = watch_start(d, net_server_shard(s, 0));
	if (!e) e = held_start(d, net_server_shard(s, 0));
	if (!e) e = dp_start(d);
	return e ? e : kit_start(d);
}

void ds_quiesce(struct ds *d)
{
	d->stopping = true;
	dp_quiesce(d);
	waits_wake_all(d->waits);
}

void ds_close(struct ds *d)
{
	if (!d) return;
	dp_close(d->dp);
	kit_close(d->kit);
	waits_close(d->waits);
	crawl_close(d->crawler);
	free(d->watcher);
	held_close(d->holdings);
	outbox_close(d->outbox);
	offsets_close(d->offsets);
	refusals_close(d->refusals);
	replays_close(d->replays);
	peers_close(d->peers);
	keyring_close(d->keyring);
	free((void *)(uintptr_t)d->o.did);
	free((void *)(uintptr_t)d->o.url);
	free((void *)(uintptr_t)d->o.folder);
	free((void *)(uintptr_t)d->o.kit);
	free((void *)(uintptr_t)d->o.iam_mock);
	pthread_rwlock_destroy(&d->shards_lock);
	free(d);
}

/* ---- shards ---- */

enum err ds_shard_start(struct ds *d, struct net_shard *s)
{
	struct ds_shard *x = calloc(1, sizeof *x);
	enum err e = x ? store_read(d->o.store, &x->txn) : ERR_NO_MEMORY;

	if (e) {
		free(x);
		return e;
	}
	/* A shard that nobody calls must not hold the first snapshot for ever: the store could not grow. */
	store_read_reset(x->txn);
	x->d = d;
	x->shard = s;
	net_shard_set(s, DS_SHARD_SLOT, x);
	must(net_shard_index(s) < DS_SHARDS_MAX);
	pthread_rwlock_wrlock(&d->shards_lock);
	d->shards[net_shard_index(s)] = s;
	pthread_rwlock_unlock(&d->shards_lock);
	return ERR_OK;
}

static struct ds_shard *shard_of(const struct net_shard *s)
{
	struct ds_shard *x = net_shard_get(s, DS_SHARD_SLOT);

	must(x);
	return x;
}

void ds_shard_turn(struct ds *d, struct net_shard *s)
{
	(void)d;
	(void)ds_txn_fresh(s);
}

void ds_shard_idle(struct ds *d, struct net_shard *s)
{
	struct ds_shard *x = shard_of(s);

	(void)d;
	if (x->live) store_read_reset(x->txn);
	x->live = false;
}

void ds_shard_stop(struct ds *d, struct net_shard *s)
{
	struct ds_shard *x = net_shard_get(s, DS_SHARD_SLOT);

	if (!x) return;
	pthread_rwlock_wrlock(&d->shards_lock);
	d->shards[net_shard_index(s)] = NULL;
	pthread_rwlock_unlock(&d->shards_lock);
	store_read_end(x->txn);
	net_shard_set(s, DS_SHARD_SLOT, NULL);
	free(x);
}

enum err ds_post(struct ds *d, struct net_shard *s, void (*fn)(void *arg), void *arg)
{
	enum err e = ERR_STOPPING;

	pthread_rwlock_rdlock(&d->shards_lock);
	for (size_t i = 0; i < DS_SHARDS_MAX && e; i++) {
		if (d->shards[i] != s) continue;
		e = net_post(s, fn, arg);
		break;
	}
	pthread_rwlock_unlock(&d->shards_lock);
	return e;
}

struct store_txn *ds_txn_fresh(struct net_shard *s)
{
	struct ds_shard *x = shard_of(s);

	if (x->live) store_read_reset(x->txn);
	must(!store_read_renew(x->txn)); /* the slot is ours: only a broken environment refuses */
	x->live = true;
	return x->txn;
}

struct store_txn *ds_txn(struct net_shard *s)
{
	struct ds_shard *x = shard_of(s);

	return x->live ? x->txn : ds_txn_fresh(s);
}

/* ---- requests ---- */

struct ds *ds_of(const struct net_req *r)
{
	return net_ctx(r);
}

struct str ds_req_param(const struct net_req *r, unsigned i)
{
	const char *p = r->route->pattern;

	for (unsigned k = 0; (p = strchr(p, '{')); k++, p++)
		if (k == i) return r->param[i];
	return STR("");
}

struct str ds_who(const struct net_req *r)
{
	const struct principal *p = r->principal;

	return p ? p->name : STR_NONE;
}

/* Scope before existence: a stranger learns nothing about who lives here. */
enum err ds_req_participant(struct net_req *r, struct str *ret)
{
	const struct principal *who = r->principal;
	const struct ds_self *self;
	struct flaw f = {0};
	struct str id, item;
	enum err e = net_decode(r->arena, r->param[0], &f, &id);

	if (!e) e = participant_id_check(id, &f);
	item = e ? STR_NONE : arena_printf(r->arena, "@%.*s", STR_ARG(id));
	if (!e && r->route->roles && !(who && access_scope_has(who, item)))
		e = flaw_set(&f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "participant", "scope",
			     "these credentials are not for @%.*s", STR_ARG(id));
	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), id, &self);
	if (e) {
		net_reply_err(r, e, &f);
		return e;
	}
	*ret = self->id;
	return ERR_OK;
}

const struct net_routes *ds_routes(struct ds *d, size_t *ret_n)
{
	*ret_n = d->routes_n;
	return d->routes;
}

struct store_txn *ds_shard_txn(struct net_shard *s)
{
	return ds_txn(s);
}
