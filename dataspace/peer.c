#include "dataspace/peer.h"

#include <stdlib.h>

#include "dataspace/dialect.h"
#include "dataspace/document.h"
#include "dataspace/identity.h"
#include "dataspace/participant.h"
#include "proto/did/document.h"

enum { PEER_BUCKETS = 1024, PEER_ARENA = 1 << 20 };

struct waiter {
	struct net_shard *shard;
	peer_fn *fn;
	void *arg;
	enum err err;
	struct ds_did doc;
	struct waiter *next;
};

struct entry {
	char did[DS_DID_MAX + 1];
	struct ds_did doc;
	bool have, fetching;
	enum err err; /* of the last fetch */
	char why[PEER_WHY];
	usec_t at; /* monotonic time of the last answer */
	struct waiter *waiters;
	struct entry *next;
};

struct peers {
	struct ds *d;
	pthread_mutex_t lock;
	struct entry *bucket[PEER_BUCKETS];
	size_t n, fetches;
	uint64_t seed; /* of the bucket hash: issuers are chosen by strangers */
};

struct fetch {
	struct peers *p;
	char did[DS_DID_MAX + 1], why[PEER_WHY];
};

bool peer_err_passes(enum err e)
{
	return e == ERR_UPSTREAM || e == ERR_TIMEOUT || e == ERR_BUSY || e == ERR_STOPPING ||
	       e == ERR_NO_MEMORY;
}

enum err peers_open(struct ds *d, struct peers **ret)
{
	struct peers *p = calloc(1, sizeof *p);

	if (!p) return ERR_NO_MEMORY;
	p->d = d;
	random_bytes(&p->seed, sizeof p->seed);
	must(!pthread_mutex_init(&p->lock, NULL));
	*ret = p;
	return ERR_OK;
}

static void waiters_free(struct waiter *w)
{
	for (struct waiter *next; w; w = next) {
		next = w->next;
		free(w);
	}
}

void peers_close(struct peers *p)
{
	if (!p) return;
	for (size_t i = 0; i < PEER_BUCKETS; i++) {
		for (struct entry *e = p->bucket[i], *next; e; e = next) {
			next = e->next;
			waiters_free(e->waiters);
			free(e);
		}
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct entry **bucket_of(struct peers *p, struct str did)
{
	uint64_t h = 14695981039346656037u ^ p->seed;

	for (size_t i = 0; i < did.n; i++) h = (h ^ (unsigned char)did.p[i]) * 1099511628211u;
	return &p->bucket[(h ^ (h >> 32)) % PEER_BUCKETS];
}

static struct entry *entry_find(struct peers *p, struct str did)
{
	struct entry *e = *bucket_of(p, did);

	while (e && !str_is(did, e->did)) e = e->next;
	return e;
}

static void entry_evict(struct peers *p)
{
	struct entry **oldest = NULL, *gone;

	for (size_t i = 0; i < PEER_BUCKETS; i++)
		for (struct entry **e = &p->bucket[i]; *e; e = &(*e)->next)
			if (!(*e)->fetching && (!oldest || (*e)->at < (*oldest)->at)) oldest = e;
	if (!oldest) return;
	gone = *oldest;
	*oldest = gone->next;
	free(gone);
	p->n--;
}

static struct entry *entry_make(struct peers *p, struct str did)
{
	struct entry *e = calloc(1, sizeof *e), **b = bucket_of(p, did);

	if (!e) return NULL;
	if (p->n >= PEER_MAX) entry_evict(p);
	memcpy(e->did, did.p, did.n);
	e->next = *b;
	*b = e;
	p->n++;
	return e;
}

static void waiter_back(void *arg)
{
	struct waiter *w = arg;

	w->fn(w->arg, w->err, w->err ? NULL : &w->doc);
	free(w);
}

static void waiters_answer(struct ds *d, struct waiter *w, enum err err, const struct ds_did *doc)
{
	for (struct waiter *next; w; w = next) {
		next = w->next;
		w->err = err;
		if (!err) w->doc = *doc;
		if (ds_post(d, w->shard, waiter_back, w))
			free(w); /* the shard has ended, and its requests */
	}
}

static void fetch_end(struct fetch *f, enum err err, const struct ds_did *doc)
{
	struct peers *p = f->p;
	struct waiter *w = NULL;
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	p->fetches--;
	e = entry_find(p, str_of(f->did));
	if (e) {
		w = e->waiters;
		e->waiters = NULL;
		e->fetching = false;
		e->err = err;
		memcpy(e->why, f->why, sizeof e->why);
		e->at = clock_mono();
		e->have = !err || (e->have && peer_err_passes(err));
		if (!err) e->doc = *doc;
	}
	pthread_mutex_unlock(&p->lock);
	waiters_answer(p->d, w, err, doc);
	free(f);
}

/* What the courier says of an address, a URL or a size will be the same next time. */
static enum err fetch_failure(enum err e)
{
	switch (e) {
	case ERR_TIMEOUT:
	case ERR_STOPPING:
	case ERR_FORBIDDEN:
	case ERR_BAD_INPUT:
	case ERR_TOO_LARGE: return e;
	default: return ERR_UPSTREAM;
	}
}

static enum err fetch_read(struct fetch *f, const struct courier_result *r, struct ds_did *ret)
{
	struct flaw why = {0};
	struct arena *a;
	enum err e;

	if (r->err)
		(void)snprintf(f->why, sizeof f->why, "%s", r->text[0] ? r->text : err_text(r->err));
	else if (r->status != 200)
		(void)snprintf(f->why, sizeof f->why, "its host answered %d", r->status);
	if (r->err) return fetch_failure(r->err);
	if (r->status >= 500 || r->status == 429) return ERR_UPSTREAM;
	if (r->status != 200) return ERR_NOT_FOUND;
	a = arena_new(PEER_ARENA);
	if (!a) return ERR_NO_MEMORY;
	e = document_parse(a, r->body, str_of(f->did), &why, ret);
	if (e) (void)snprintf(f->why, sizeof f->why, "%s", why.err && why.text[0] ? why.text : err_text(e));
	if (!e && f->p->d->o.identity.lenient) document_purposes_fill(ret);
	arena_free(a);
	return e;
}

void peers_why(struct ds *d, struct str did, char ret[PEER_WHY])
{
	const struct entry *e;

	pthread_mutex_lock(&d->peers->lock);
	e = entry_find(d->peers, did);
	memcpy(ret, e ? e->why : "", e ? PEER_WHY : 1);
	pthread_mutex_unlock(&d->peers->lock);
}

static void fetch_done(void *arg, const struct courier_result *r)
{
	struct fetch *f = arg;
	struct ds_did doc;
	enum err e = fetch_read(f, r, &doc);

	f->p->d->stat.did_fetches++;
	fetch_end(f, e, e ? NULL : &doc);
}

static void fetch_start(struct peers *p, struct str did)
{
	const char *scheme = str_starts(str_of(p->d->o.url), STR("http://")) ? "http" : "https";
	struct fetch *f = calloc(1, sizeof *f);
	struct arena *a = arena_new(16 << 10);
	struct courier_req q = {.method = "GET", .deadline = 10 * USEC_PER_SEC, .body_max = PEER_DOC_MAX};
	struct courier_header accept = {"accept", "application/did+json, application/json"};
	uint64_t ticket;
	struct str url;
	enum err e;

	must(f);
	f->p = p;
	memcpy(f->did, did.p, did.n);
	e = a ? did_web_document_url(a, did, scheme, NULL, &url) : ERR_NO_MEMORY;
	if (!e) {
		q.url = url.p;
		q.headers = &accept;
		q.headers_n = 1;
		q.done = fetch_done;
		q.arg = f;
		e = !p->d->stopping ? courier_submit(p->d->o.courier, &q, &ticket) : ERR_STOPPING;
	}
	arena_free(a);
	if (e) fetch_end(f, e, NULL);
}

static bool has_method(const struct ds_did *doc, struct str method)
{
	struct vc_key key;
	return ds_did_key_for(doc, method, ~0u, &key) != ERR_NOT_FOUND;
}

/* With the lock held: true when *ret_err and *ret say all there is to say now. */
static bool entry_answers(const struct entry *e, bool kit, struct str method, enum err *ret_err,
			  struct ds_did *ret)
{
	usec_t age = clock_mono() - e->at;
	usec_t renew = kit ? 0 : PEER_RENEW_AFTER; /* a conformance kit's key is another in each case */

	if (e->have && age < PEER_FRESH_FOR && (!method.n || age < renew || has_method(&e->doc, method))) {
		*ret = e->doc;
		*ret_err = ERR_OK;
		return true;
	}
	*ret_err = e->err;
	return e->err && !e->fetching && age < PEER_FAILED_FOR;
}

void peers_find(struct ds *d, struct net_shard *s, struct str did, struct str method, peer_fn *fn,
		void *arg)
{
	struct peers *p = d->peers;
	const struct ds_self *self;
	struct entry *e;
	struct waiter *w;
	struct ds_did doc;
	enum err err = ERR_BUSY;
	bool start = false, answered = true;

	if (identity_pinned(d, did, &doc)) {
		fn(arg, ERR_OK, &doc);
		return;
	}
	if (document_subject_check(did, NULL)) {
		fn(arg, ERR_BAD_INPUT, NULL);
		return;
	}
	if (document_of_key(did, &doc)) {
		fn(arg, ERR_OK, &doc);
		return;
	}
	if (!participant_by_did(d, ds_txn(s), did, &self)) {
		document_of_self(self, ds_dialect_path(ds_dialect_preferred(d)), &doc);
		fn(arg, ERR_OK, &doc);
		return;
	}
	pthread_mutex_lock(&p->lock);
	e = entry_find(p, did);
	if (!e || !entry_answers(e, d->kit, method, &err, &doc)) {
		if (!e || !e->fetching) start = p->fetches < PEER_FETCHES;
		if (!e && start) e = entry_make(p, did);
		w = e && (start || e->fetching) ? calloc(1, sizeof *w) : NULL;
		start = start && w;
		if (w) {
			*w = (struct waiter){.shard = s, .fn = fn, .arg = arg, .next = e->waiters};
			e->waiters = w;
			e->fetching = true;
			p->fetches += start;
			answered = false;
		} else {
			err = ERR_BUSY;
		}
	}
	pthread_mutex_unlock(&p->lock);
	if (answered) fn(arg, err, err ? NULL : &doc);
	if (start) fetch_start(p, did);
}
