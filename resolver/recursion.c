#include "resolver/recursion.h"

#include <stdio.h>
#include <stdlib.h>

#include "resolver/verify.h"

enum { BUCKETS = 1024, URLS_MAX = 4 /* endpoints of one child that are tried */ };

struct waiter {
	struct waiter *next;
	walk_done_fn *done;
	void *arg;
};

struct walk {
	struct walk *by_key, *by_number; /* chains */
	uint64_t number;
	struct arena *arena;
	struct waiter *waiters;
	unsigned waiters_n;
	usec_t began, deadline;   /* monotonic */
	usec_t chain_end;         /* wall: the first delegation of the chain to expire */
	struct expected expected; /* of the reply to the question that is out */
	struct str urls[URLS_MAX];
	size_t urls_n, url; /* url: the one asked */
	unsigned turn, referrals;
	usec_t asked;
	struct hop hops[HOPS_MAX];
	size_t hops_n;
	enum err worst; /* of the endpoints tried in this step */
	struct flaw flaw;
};

struct walker {
	struct walker_options o;
	struct walk *by_key[BUCKETS], *by_number[BUCKETS];
	uint64_t numbers;
	size_t under_way;
};

/* What waiters get when not even a finding can be made. Its first reference is never given back. */
static struct finding without_memory = {.refs = 1, .err = ERR_NO_MEMORY};
static struct finding stopping = {.refs = 1, .err = ERR_STOPPING};

struct walker *walker_new(const struct walker_options *o)
{
	struct walker *w = calloc(1, sizeof *w);
	if (!w) return NULL;
	w->o = *o;
	if (!w->o.deadline) w->o.deadline = WALK_DEADLINE;
	return w;
}

static size_t bucket_of(struct str key)
{
	uint32_t h = 2166136261;
	for (size_t i = 0; i < key.n; i++) h = (h ^ (unsigned char)key.p[i]) * 16777619;
	return (h ^ (h >> 16)) % BUCKETS;
}

static struct walk *find_key(const struct walker *w, struct str key)
{
	struct walk *k = w->by_key[bucket_of(key)];
	while (k && !str_eq(k->expected.question.key, key)) k = k->by_key;
	return k;
}

static struct walk *find_number(const struct walker *w, uint64_t number)
{
	struct walk *k = w->by_number[number % BUCKETS];
	while (k && k->number != number) k = k->by_number;
	return k;
}

static void link_walk(struct walker *w, struct walk *k)
{
	struct walk **a = &w->by_key[bucket_of(k->expected.question.key)],
		    **b = &w->by_number[k->number % BUCKETS];
	k->by_key = *a;
	*a = k;
	k->by_number = *b;
	*b = k;
	w->under_way++;
}

static void unlink_walk(struct walker *w, struct walk *k)
{
	struct walk **a = &w->by_key[bucket_of(k->expected.question.key)],
		    **b = &w->by_number[k->number % BUCKETS];
	while (*a != k) a = &(*a)->by_key;
	*a = k->by_key;
	while (*b != k) b = &(*b)->by_number;
	*b = k->by_number;
	w->under_way--;
}

/* Takes the walk out before anyone hears of it: a waiter may ask again at once. */
static void end_walk(struct walker *w, struct walk *k, struct finding *f)
{
	unlink_walk(w, k);
	for (struct waiter *n = k->waiters; n; n = n->next) n->done(n->arg, finding_use(f));
	finding_release(f);
	arena_free(k->arena);
}

void walker_free(struct walker *w)
{
	if (!w) return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (w->by_key[i]) end_walk(w, w->by_key[i], finding_use(&stopping));
	free(w);
}

static struct hop *hop_add(struct walk *k)
{
	must(k->hops_n < HOPS_MAX);
	struct hop *h = &k->hops[k->hops_n++];
	*h = (struct hop){.state = CHAIN_NONE};
	return h;
}

static void finish_failed(struct walker *w, struct walk *k, enum err e)
{
	struct finding parts = {.err = e,
				.state = e == ERR_BOGUS ? CHAIN_BOGUS : CHAIN_NONE,
				.key = k->expected.question.key,
				.rule = str_of(k->flaw.rule),
				.text = str_of(k->flaw.text),
				.made = clock_mono(),
				.hops = k->hops,
				.hops_n = k->hops_n};
	parts.until = parts.made + (e == ERR_BOGUS ? WALK_BOGUS_TTL : WALK_FAILURE_TTL);
	struct finding *f = finding_new(&parts);
	if (!f)
		f = finding_use(&without_memory);
	else if (e != ERR_NO_MEMORY)
		cache_put(w->o.cache, CACHE_NEGATIVE, f);
	end_walk(w, k, f);
}

/* The worst news of the endpoints decides: a forgery is told before a silence. */
static void note_failure(struct walk *k, enum err e, const struct flaw *f)
{
	bool worse = !k->worst || (e == ERR_BOGUS && k->worst != ERR_BOGUS) ||
		     (e == ERR_LOOP && k->worst != ERR_BOGUS);
	struct hop *h = &k->hops[k->hops_n - 1];
	h->took = clock_mono() - k->asked;
	h->state = e == ERR_BOGUS ? CHAIN_BOGUS : CHAIN_NONE;
	h->detail = arena_dup(k->arena, str_of(f->text));
	if (!worse) return;
	k->worst = e;
	k->flaw = *f;
}

/* Asks the next endpoint of the present authority; without one left the walk has failed. */
static void ask_next(struct walker *w, struct walk *k)
{
	for (; k->url < k->urls_n; k->url++) {
		struct flaw f;
		usec_t now = clock_mono(), left = k->deadline - now;
		if (k->hops_n == HOPS_MAX) {
			flaw_set(&k->flaw, ERR_LOOP, FLAW_NO_OFFSET, "walk", "walk-hops",
				 "more than %d hops", HOPS_MAX);
			finish_failed(w, k, ERR_LOOP);
			return;
		}
		struct hop *h = hop_add(k);
		h->url = k->urls[k->url];
		k->asked = now;
		k->turn++;
		enum err e = ERR_TIMEOUT;
		if (left > 0) {
			usec_t at_most = k->url + 1 < k->urls_n ? left / 2 : left;
			RS_COUNT(w->o.counters, asked_upstream);
			struct upstream_question q = {
			    w, k->number, k->turn, h->url, &k->expected.question, at_most};
			e = w->o.upstream.ask(w->o.upstream.ctx, &q);
			if (!e) return;
		}
		flaw_set(&f, e == ERR_TIMEOUT ? e : ERR_UPSTREAM, FLAW_NO_OFFSET, "walk",
			 e == ERR_TIMEOUT ? "walk-deadline" : "ask", "%s", err_text(e));
		note_failure(k, f.err, &f);
	}
	finish_failed(w, k, k->worst ? k->worst : ERR_UPSTREAM);
}

static usec_t lesser(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

static void finish_answered(struct walker *w, struct walk *k, const struct verified *v, struct str octets)
{
	const struct answer *m = &v->answer;
	usec_t wall = clock_wall(), left = lesser(m->expiry, k->chain_end) - wall;
	struct finding parts = {.kind = m->kind,
				.state = CHAIN_SECURE,
				.key = k->expected.question.key,
				.octets = octets,
				.record = m->record,
				.node = m->node,
				.made = clock_mono(),
				.hops = k->hops,
				.hops_n = k->hops_n};
	parts.err = m->kind == ANSWER_RECORD    ? ERR_OK
		    : m->kind == ANSWER_RETIRED ? ERR_GONE
						: ERR_NOT_FOUND;
	parts.until = parts.made + lesser(left, (usec_t)m->ttl * USEC_PER_SEC);
	struct finding *f = finding_new(&parts);
	if (f) cache_put(w->o.cache, m->kind == ANSWER_RECORD ? CACHE_POSITIVE : CACHE_NEGATIVE, f);
	end_walk(w, k, f ? f : finding_use(&without_memory));
}

/* Endpoints in the order they are tried: https before http, then as the parent listed them. */
static void set_urls(struct walk *k, const struct delegation *d)
{
	k->urls_n = k->url = 0;
	for (int secure = 1; secure >= 0; secure--) {
		for (size_t i = 0; i < d->endpoints_n && k->urls_n < URLS_MAX; i++) {
			const struct endpoint *p = &d->endpoints[i];
			if (str_is(p->protocol, secure ? "https" : "http") && delegation_url_ok(p->url))
				k->urls[k->urls_n++] = p->url;
		}
	}
}

static void enter(struct walk *k, const struct delegation *d)
{
	trust_from_delegation(d, &k->expected.trust);
	set_urls(k, d);
	k->chain_end = lesser(k->chain_end, d->not_after);
	k->worst = ERR_OK;
}

/* The next walk below this prefix begins there. */
static void keep_delegation(struct walker *w, struct walk *k, const struct verified *v)
{
	usec_t left = lesser(k->chain_end, v->answer.expiry) - clock_wall();
	struct finding parts = {.kind = ANSWER_REFERRAL,
				.state = CHAIN_SECURE,
				.key = v->next.prefix,
				.octets = v->next_octets,
				.node = v->next.child,
				.made = clock_mono(),
				.hops = k->hops,
				.hops_n = k->hops_n};
	parts.until = parts.made + lesser(left, (usec_t)v->answer.ttl * USEC_PER_SEC);
	struct finding *f = finding_new(&parts);
	if (!f) return;
	cache_put(w->o.cache, CACHE_DELEGATION, f);
	finding_release(f);
}

static enum err check_transport(const struct upstream_reply *r, struct flaw *f)
{
	if (r->err) {
		enum err e = r->err == ERR_TIMEOUT || r->err == ERR_STOPPING ? r->err : ERR_UPSTREAM;
		return flaw_set(f, e, FLAW_NO_OFFSET, "walk", "transport", "%s",
				r->text && r->text[0] ? r->text : err_text(r->err));
	}
	if (r->status != 200)
		return flaw_set(f, ERR_UPSTREAM, FLAW_NO_OFFSET, "walk", "status",
				"it answered with HTTP status %d", r->status);
	if (!str_starts_nocase(r->content_type, STR("application/vnd.kanhe.answer+protobuf")))
		return flaw_set(f, ERR_UPSTREAM, FLAW_NO_OFFSET, "walk", "media-type",
				"it answered with another media type than a signed answer");
	return ERR_OK;
}

static void take_answer(struct walker *w, struct walk *k, const struct verified *v, struct str octets)
{
	struct hop *h = &k->hops[k->hops_n - 1];
	h->took = clock_mono() - k->asked;
	h->state = CHAIN_SECURE;
	h->kind = v->answer.kind;
	h->node = v->answer.node;
	if (v->answer.kind != ANSWER_REFERRAL) {
		finish_answered(w, k, v, octets);
		return;
	}
	if (++k->referrals > WALK_REFERRALS) {
		flaw_set(&k->flaw, ERR_LOOP, FLAW_NO_OFFSET, "walk", "walk-referrals",
			 "more than %d referrals", WALK_REFERRALS);
		finish_failed(w, k, ERR_LOOP);
		return;
	}
	enter(k, &v->next);
	keep_delegation(w, k, v);
	ask_next(w, k);
}

void walker_reply(struct walker *w, uint64_t walk, unsigned turn, const struct upstream_reply *r)
{
	struct walk *k = find_number(w, walk);
	struct flaw f = {0};
	struct verified v;
	if (!k || k->turn != turn) return;
	enum err e = check_transport(r, &f);
	struct str octets = e ? STR_NONE : arena_dup(k->arena, r->body);
	if (!e && r->body.n && !octets.p) e = ERR_NO_MEMORY;
	k->expected.now = clock_wall();
	if (!e) e = verify_answer(k->arena, octets, &k->expected, &f, &v);
	if (e == ERR_NO_MEMORY || e == ERR_STOPPING) {
		note_failure(k, e, &f);
		finish_failed(w, k, e);
	} else if (e) {
		note_failure(k, e, &f);
		k->url++;
		ask_next(w, k);
	} else {
		take_answer(w, k, &v, octets);
	}
}

/* ---- where a walk begins ---------------------------------------------------------------- */

static const struct walk_anchor *anchor_of(const struct walker *w, struct str key)
{
	const struct walk_anchor *best = NULL;
	for (size_t i = 0; i < w->o.anchors_n; i++) {
		const struct walk_anchor *a = &w->o.anchors[i];
		if (id_prefix_covers(a->prefix.key, key) && (!best || a->prefix.key.n > best->prefix.key.n))
			best = a;
	}
	return best;
}

static struct finding *deepest_known(struct walker *w, const struct id *id, size_t deeper_than)
{
	size_t ends[ID_BOUNDARIES_MAX];
	for (size_t i = id_boundaries(id, ends); i-- > 0 && ends[i] > deeper_than;) {
		struct finding *f =
		    cache_find(w->o.cache, CACHE_DELEGATION, str_first(id->key, ends[i]), clock_mono());
		if (f) return f;
	}
	return NULL;
}

static enum err begin_at_known(struct walk *k, const struct finding *f)
{
	struct delegation d;
	struct str copy = arena_dup(k->arena, f->octets);
	enum err e = copy.p ? delegation_open(k->arena, copy, &d) : ERR_NO_MEMORY;
	if (e) return e;
	for (size_t i = 0; i < f->hops_n && k->hops_n < HOPS_MAX; i++) {
		struct hop *h = hop_add(k);
		*h = f->hops[i];
		h->cached = true;
		h->took = 0;
		h->node = arena_dup(k->arena, h->node);
		h->url = arena_dup(k->arena, h->url);
		h->detail = arena_dup(k->arena, h->detail);
		k->referrals += h->kind == ANSWER_REFERRAL;
	}
	enter(k, &d);
	k->chain_end = lesser(k->chain_end, clock_wall() + (f->until - clock_mono()));
	return ERR_OK;
}

static void begin_at_own(struct walker *w, struct walk *k, const struct delegation *d)
{
	struct hop *h = hop_add(k);
	*h = (struct hop){
	    .node = w->o.node, .url = w->o.url, .kind = ANSWER_REFERRAL, .state = CHAIN_AUTHORITATIVE};
	enter(k, d);
}

static void begin_at_anchor(struct walk *k, const struct walk_anchor *a)
{
	k->expected.trust = (struct trust){.prefix = a->prefix.key, .keys_n = 1};
	memcpy(k->expected.trust.keys[0], a->key, SIGN_PUBLIC);
	k->urls[0] = a->url;
	k->urls_n = 1;
}

static enum err begin(struct walker *w, struct walk *k, struct str own)
{
	struct delegation d;
	struct str copy = arena_dup(k->arena, own);
	const struct walk_anchor *a = own.n ? NULL : anchor_of(w, k->expected.question.key);
	if (!own.n && !a) return ERR_NOT_RESPONSIBLE;
	enum err e = !own.n ? ERR_OK : copy.p ? delegation_open(k->arena, copy, &d) : ERR_NO_MEMORY;
	if (e) return e;
	struct finding *f = deepest_known(w, &k->expected.question, own.n ? d.prefix.n : a->prefix.key.n);
	if (f) {
		e = begin_at_known(k, f);
		finding_release(f);
	} else if (own.n) {
		begin_at_own(w, k, &d);
	} else {
		begin_at_anchor(k, a);
	}
	return e;
}

static enum err join(struct walk *k, walk_done_fn *done, void *arg)
{
	if (k->waiters_n >= WALK_WAITERS_MAX) return ERR_BUSY;
	struct waiter *n = ARENA_NEW(k->arena, struct waiter);
	if (!n) return ERR_NO_MEMORY;
	*n = (struct waiter){k->waiters, done, arg};
	k->waiters = n;
	k->waiters_n++;
	return ERR_OK;
}

static enum err walk_new(struct walker *w, const struct id *id, struct walk **ret)
{
	struct arena *a = arena_new(WALK_OCTETS);
	struct walk *k = a ? ARENA_NEW(a, struct walk) : NULL;
	if (!k) {
		arena_free(a);
		return ERR_NO_MEMORY;
	}
	k->arena = a;
	k->expected.question = *id;
	k->expected.question.text = arena_dup(a, id->text);
	k->expected.question.key = arena_dup(a, id->key);
	k->number = ++w->numbers;
	k->began = clock_mono();
	k->deadline = k->began + w->o.deadline;
	k->chain_end = INT64_MAX;
	*ret = k;
	return ERR_OK;
}

enum err walker_ask(struct walker *w, const struct id *id, struct str own, walk_done_fn *done, void *arg)
{
	struct walk *k = find_key(w, id->key);
	if (k) {
		enum err e = join(k, done, arg);
		if (!e) RS_COUNT(w->o.counters, walks_shared);
		return e;
	}
	if (w->under_way >= WALKS_MAX) return ERR_BUSY;
	enum err e = walk_new(w, id, &k);
	if (e) return e;
	e = k->expected.question.key.p && k->expected.question.text.p ? begin(w, k, own) : ERR_NO_MEMORY;
	if (!e) e = join(k, done, arg);
	if (e) {
		arena_free(k->arena);
		return e;
	}
	RS_COUNT(w->o.counters, walks);
	link_walk(w, k);
	ask_next(w, k);
	return ERR_OK;
}

size_t walker_under_way(const struct walker *w)
{
	return w->under_way;
}
