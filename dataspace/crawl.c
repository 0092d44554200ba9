#include "dataspace/crawl_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataspace/catalog_page.h"
#include "dataspace/dialect.h"
#include "dataspace/link.h"
#include "dataspace/peer.h"
#include "proto/dsp/catalog.h"

enum { TICK_ARENA = 1 << 20, PAGE_ARENA = 6 << 20, SWEEP = 2000 };

static void crawl_free(struct crawl *x)
{
	arena_free(x->arena);
	arena_free(x->page);
	buf_done(&x->seen);
	free(x);
}

static void crawl_leave(struct crawl *x)
{
	for (struct crawl **p = &x->c->running; *p; p = &(*p)->next) {
		if (*p != x) continue;
		*p = x->next;
		x->c->n--;
		break;
	}
	crawl_free(x);
}

/* ---- the end ---- */

static void crawl_over(struct crawl *x, enum err e, const struct deed *d)
{
	(void)e, (void)d; /* the writer has refused: the source is still due */
	crawl_leave(x);
}

void crawl_end(struct crawl *x, const char *error)
{
	struct ds_job *j;
	struct deed *d = crawl_deed_new(x, &j);

	if (!d) {
		crawl_leave(x);
		return;
	}
	d->ok = !error;
	d->whole = x->whole;
	d->unchanged = x->unchanged;
	d->error = arena_dup(j->arena, str_first(str_of(error ? error : ""), SOURCE_ERROR_MAX));
	d->feed = arena_dup(j->arena, x->got_feed);
	d->etag = arena_dup(j->arena, x->one_page ? x->got_etag : STR(""));
	d->base = arena_dup(j->arena, x->base);
	d->then = crawl_over;
	j->work = crawl_end_work;
	if (ds_job_submit(j)) crawl_leave(x);
}

/* ---- what did not come in a whole crawl is forgotten ---- */

static int key_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void sweep(struct crawl *x);

static void sweep_done(struct crawl *x, enum err e, const struct deed *d)
{
	(void)d;
	if (e)
		crawl_end(x, err_text(e));
	else
		sweep(x);
}

static void sweep(struct crawl *x)
{
	unsigned char(*keys)[16];
	struct ds_job *j;
	struct deed *d = crawl_deed_new(x, &j);
	size_t n = 0;
	enum err e;

	if (!d) {
		crawl_end(x, err_text(ERR_NO_MEMORY));
		return;
	}
	if (!x->sweeping && x->seen.n) qsort(x->seen.p, x->seen.n / 16, 16, key_cmp);
	keys = arena_array(j->arena, sizeof *keys, SWEEP);
	must(keys);
	e = federated_keys(ds_txn(x->c->shard), x->participant, x->did, x->sweeping ? x->swept : NULL,
			   SWEEP, keys, &n);
	if (e || !n) {
		ds_job_free(j);
		crawl_end(x, e ? err_text(e) : NULL);
		return;
	}
	x->sweeping = true;
	memcpy(x->swept, keys[n - 1], 16);
	for (size_t i = 0; i < n; i++) {
		if (x->seen.n && bsearch(keys[i], x->seen.p, x->seen.n / 16, 16, key_cmp)) continue;
		memmove(keys[d->drop_n++], keys[i], 16);
	}
	d->drop = keys;
	d->then = sweep_done;
	j->work = crawl_page_work;
	if (ds_job_submit(j)) crawl_leave(x);
}

/* ---- pages ---- */

static void page_kept(struct crawl *x, enum err e, const struct deed *d)
{
	(void)d;
	if (e == ERR_NOT_FOUND)
		crawl_leave(x);
	else if (e)
		crawl_end(x, err_text(e));
	else if (x->url.n)
		crawl_page_ask(x);
	else if (x->whole)
		sweep(x);
	else
		crawl_end(x, NULL);
}

struct gathering {
	struct crawl *x;
	struct arena *a;
	struct deed *d;
	size_t room;
};

static size_t datasets_of(const struct dsp_catalog *c)
{
	size_t n = c->datasets_n;

	for (size_t i = 0; i < c->catalogs_n; i++) n += datasets_of(&c->catalogs[i]);
	return n;
}

static enum err dataset_gather(struct gathering *g, const struct dsp_dataset *s, struct str origin)
{
	struct federated_entry *x = &g->d->put[g->d->put_n];

	x->id = arena_dup(g->a, s->id);
	x->origin = arena_dup(g->a, origin);
	x->json = json_write(g->a, s->root, false);
	if (!x->id.p || !x->origin.p || !x->json.p) return ERR_NO_MEMORY;
	if (x->json.n > FEDERATED_DATASET_MAX) return ERR_TOO_LARGE;
	federated_key(origin, s->id, x->key);
	g->d->put_n++;
	if (!g->x->whole) return ERR_OK;
	buf_add(&g->x->seen, str_n(x->key, 16));
	return buf_err(&g->x->seen);
}

/* Catalogs inside catalogs have their own origin, or their parent's. */
static enum err catalog_gather(struct gathering *g, const struct dsp_catalog *c, struct str origin)
{
	enum err e = ERR_OK;

	if (c->participant_id.n) origin = c->participant_id;
	for (size_t i = 0; !e && i < c->datasets_n; i++) e = dataset_gather(g, &c->datasets[i], origin);
	for (size_t i = 0; !e && i < c->catalogs_n; i++) e = catalog_gather(g, &c->catalogs[i], origin);
	return e;
}

static enum err removed_gather(struct gathering *g, json_t *list, struct str origin)
{
	size_t n = json_array_size(list);

	if (g->x->whole || !n) return ERR_OK;
	if (n > DSP_ITEMS_MAX) return ERR_TOO_LARGE;
	g->d->drop = arena_array(g->a, 16, n);
	if (!g->d->drop) return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct str id = json_text(json_array_get(list, i));

		if (id.n && id.n <= DSP_TEXT_MAX) federated_key(origin, id, g->d->drop[g->d->drop_n++]);
	}
	return ERR_OK;
}

static enum err page_gather(struct crawl *x, struct gathering *g, struct flaw *f)
{
	struct dsp_catalog c;
	struct str feed;
	json_t *j;
	enum err e = json_read_large(x->page, x->body, f, &j);

	if (!e) e = ds_dialect_read(x->page, x->dialect, j, f, &j);
	if (!e) e = dsp_catalog_parse(x->page, j, f, &c);
	if (!e) e = link_next(x->arena, x->link, x->base, f, &x->url);
	if (e) return e;
	g->d->put = arena_array(g->a, sizeof *g->d->put, datasets_of(&c) + 1);
	if (!g->d->put) return ERR_NO_MEMORY;
	e = catalog_gather(g, &c, c.participant_id);
	if (!e) e = removed_gather(g, json_object_get(j, CATALOG_REMOVED), c.participant_id);
	x->barren = g->d->put_n || g->d->drop_n ? 0 : x->barren + 1;
	feed = json_text(json_object_get(j, CATALOG_FEED));
	/* a whole crawl goes on where it began; a feed where it ended */
	if (feed.n && feed.n <= FEED_PLACE_MAX && (!x->whole || x->pages == 1))
		x->got_feed = arena_dup(x->arena, feed);
	if (x->pages == 1) {
		x->one_page = !x->url.n;
		x->got_etag = x->tag.n <= 200 ? arena_dup(x->arena, x->tag) : STR_NONE;
	}
	return e;
}

static void page_take(struct crawl *x)
{
	struct gathering g = {.x = x};
	struct flaw f = {0};
	struct ds_job *j;
	enum err e;

	g.d = crawl_deed_new(x, &j);
	if (!g.d) {
		crawl_end(x, err_text(ERR_NO_MEMORY));
		return;
	}
	g.a = j->arena;
	e = page_gather(x, &g, &f);
	if (e) {
		char said[SOURCE_ERROR_MAX];

		snprintf(said, sizeof said, "page %zu: %s%s%s", x->pages, f.at, f.at[0] ? ": " : "",
			 f.err ? f.text : err_text(e));
		ds_job_free(j);
		crawl_end(x, said);
		return;
	}
	g.d->then = page_kept;
	j->work = crawl_page_work;
	if (ds_job_submit(j)) crawl_leave(x);
}

static void page_back(void *arg)
{
	struct crawl *x = arg;
	bool first = x->pages == 1;

	x->octets += x->body.n;
	if (x->err) {
		crawl_end(x, x->text);
	} else if (first && (x->status == 304 || x->status == 412) && x->whole && x->etag.n) {
		x->unchanged = true;
		crawl_end(x, NULL);
	} else if (first && x->status == 400 && !x->whole) {
		x->whole = true; /* its feed does not reach back to where we were */
		x->pages = 0;
		x->etag = STR_NONE;
		crawl_page_ask(x);
	} else if (x->status != 200) {
		snprintf(x->text, sizeof x->text, "the provider answered %d", x->status);
		crawl_end(x, x->text);
	} else {
		page_take(x);
	}
}

static void fetch_done(void *arg, const struct courier_result *r)
{
	struct crawl *x = arg;

	x->err = r->err;
	x->status = r->status;
	x->body = arena_dup(x->page, r->body);
	x->link = arena_dup(x->page, r->link);
	x->tag = arena_dup(x->page, r->etag);
	snprintf(x->text, sizeof x->text, "%s", r->text);
	(void)!ds_post(x->c->d, x->c->shard, x->then, x);
}

enum err crawl_fetch(struct crawl *x, struct courier_req *q, void (*then)(void *arg))
{
	uint64_t ticket;

	x->then = then;
	q->deadline = CRAWL_DEADLINE;
	q->gzip = true;
	q->body_max = CRAWL_BODY_MAX;
	q->done = fetch_done;
	q->arg = x;
	return courier_submit(x->c->d->o.courier, q, &ticket);
}

static struct str page_body(struct crawl *x)
{
	struct dsp_catalog_request m = {.filter = NULL};
	json_t *j;

	if (!x->whole)
		m.filter = json_keep(x->page, json_pack("[{s:s%}]", "changedSince", x->feed.p, x->feed.n));
	j = ds_dialect_write(x->page, x->dialect, NULL, STR_NONE, dsp_catalog_request_write(x->page, &m));
	return j ? json_write(x->page, j, false) : STR_NONE;
}

/* What keeps a partner from leading us on for ever; NULL: nothing does. */
static const char *led_on(struct crawl *x)
{
	if (++x->pages > CRAWL_PAGES || x->seen.n / 16 > FEDERATED_MAX)
		return "the catalog has too many pages or datasets";
	if (x->barren > CRAWL_BARREN) return "the catalog has too many pages in a row without a dataset";
	if (x->octets > CRAWL_OCTETS) return "the catalog is too large";
	if (x->url.n && str_eq(x->url, x->mark)) return "the pages of the catalog go in a circle";
	if (x->url.n && (x->pages & (x->pages - 1)) == 0) x->mark = x->url;
	return NULL;
}

void crawl_page_ask(struct crawl *x)
{
	struct courier_header h[4] = {{"content-type", "application/json"}, {"accept", "application/json"}};
	struct courier_req q = {.method = "POST", .headers = h, .headers_n = 3};
	const struct ds_self *self;
	const char *why = led_on(x);
	struct str token, url;
	enum err e;

	if (why) {
		crawl_end(x, why);
		return;
	}
	url = x->url.n ? x->url : arena_printf(x->arena, "%.*s/catalog/request", STR_ARG(x->base));
	arena_reset(x->page);
	q.url = arena_strdup(x->page, url);
	q.body = page_body(x);
	e = q.url && q.body.p ? ds_self_find(x->c->d, ds_txn(x->c->shard), x->participant, &self)
			      : ERR_NO_MEMORY;
	if (!e) e = ds_token_make(x->c->d, self, x->did, x->page, &token);
	if (e) {
		crawl_end(x, err_text(e));
		return;
	}
	h[2] = (struct courier_header){"authorization", token.p};
	if (x->pages == 1 && x->whole && x->etag.n)
		h[q.headers_n++] = (struct courier_header){"if-none-match", arena_strdup(x->page, x->etag)};
	e = crawl_fetch(x, &q, page_back);
	if (e) crawl_end(x, err_text(e));
}

static void crawl_peer(void *arg, enum err e, const struct ds_did *doc)
{
	struct crawl *x = arg;

	if (e) {
		snprintf(x->text, sizeof x->text, "its DID document: %s", err_text(e));
		crawl_end(x, x->text);
		return;
	}
	crawl_version_find(x, doc);
}

/* ---- what is due ---- */

struct ticking {
	struct crawler *c;
	usec_t now;
	struct crawl *fresh;
};

static bool running(const struct crawler *c, struct str participant, struct str did)
{
	for (const struct crawl *x = c->running; x; x = x->next)
		if (str_eq(x->participant, participant) && str_eq(x->did, did)) return true;
	return false;
}

static enum err source_due(void *arg, struct str participant, const Ds__Source *s)
{
	struct ticking *t = arg;
	struct crawl *x;

	if (t->c->n >= CRAWLS) return ERR_NOT_FOUND;
	if (s->due > t->now || running(t->c, participant, str_of(s->did))) return ERR_OK;
	x = calloc(1, sizeof *x);
	if (!x) return ERR_NO_MEMORY;
	x->arena = arena_new((size_t)256 << 20);
	x->page = arena_new(PAGE_ARENA);
	if (!x->arena || !x->page) {
		crawl_free(x);
		return ERR_NO_MEMORY;
	}
	buf_init(&x->seen, (size_t)16 * (FEDERATED_MAX + DSP_ITEMS_MAX));
	x->c = t->c;
	x->participant = arena_dup(x->arena, participant);
	x->did = arena_dup(x->arena, str_of(s->did));
	x->feed = arena_dup(x->arena, str_of(s->feed));
	x->etag = arena_dup(x->arena, str_of(s->etag));
	x->whole = !s->feed[0] || t->now - s->whole > USEC_PER_DAY;
	x->next = t->c->running;
	t->c->running = x;
	t->c->n++;
	return ERR_OK;
}

static void tick(void *arg)
{
	struct crawler *c = arg;
	struct ticking t = {.c = c, .now = clock_wall()};
	struct crawl *before = c->running, *fresh[CRAWLS];
	struct arena *a = c->d->stopping ? NULL : arena_new(TICK_ARENA);
	size_t n = 0;

	if (a) (void)!source_each(ds_txn(c->shard), a, STR_NONE, source_due, &t);
	arena_free(a);
	for (struct crawl *x = c->running; x != before; x = x->next) fresh[n++] = x;
	for (size_t i = 0; i < n; i++)
		peers_find(c->d, c->shard, fresh[i]->did, STR_NONE, crawl_peer, fresh[i]);
	if (!c->d->stopping) (void)net_timer_start(c->shard, CRAWL_EVERY, tick, c);
}

enum err crawl_start(struct ds *d, struct net_shard *s)
{
	struct crawler *c = calloc(1, sizeof *c);
	enum err e;

	if (!c) return ERR_NO_MEMORY;
	c->d = d;
	c->shard = s;
	e = net_post(s, tick, c);
	if (e)
		free(c);
	else
		d->crawler = c;
	return e;
}

void crawl_close(struct crawler *c)
{
	if (!c) return;
	for (struct crawl *x = c->running, *next; x; x = next) {
		next = x->next;
		crawl_free(x);
	}
	free(c);
}
