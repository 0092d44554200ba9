/* Looks: the row, the issuer's document, its status lists, one after the other. */
#include "dataspace/held_look.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataspace/peer.h"
#include "dataspace/status_list.h"
#include "dataspace/wallet.h"
#include "proto/did/document.h"

enum { LOOK_ARENA = 1 << 20 };

static void look_next(struct look *x);

/* ---- lists ---- */

static void list_free(struct status_list *l)
{
	free(l->url);
	free(l->text);
	free(l);
}

void held_lists_free(struct holdings *h)
{
	for (struct status_list *l = h->lists, *next; l; l = next) {
		next = l->next;
		list_free(l);
	}
	h->lists = NULL;
}

static void evict(struct holdings *h)
{
	struct status_list **oldest = NULL, *gone;

	for (struct status_list **l = &h->lists; *l; l = &(*l)->next)
		if (!(*l)->fetching && !(*l)->pinned && (!oldest || (*l)->at < (*oldest)->at)) oldest = l;
	if (!oldest) return;
	gone = *oldest;
	*oldest = gone->next;
	list_free(gone);
	h->lists_n--;
}

static struct status_list *list_of(struct holdings *h, struct str url)
{
	struct status_list *l = h->lists;

	while (l && !str_is(url, l->url)) l = l->next;
	if (l) return l;
	if (h->lists_n >= HELD_LISTS) evict(h);
	if (h->lists_n >= HELD_LISTS || !(l = calloc(1, sizeof *l))) return NULL;
	l->h = h;
	l->url = strndup(url.p, url.n);
	must(l->url);
	l->next = h->lists;
	h->lists = l;
	h->lists_n++;
	return l;
}

/* What the list says of the entry in hand. */
static void look_judge(struct look *x, struct status_list *l)
{
	const struct vc_status_entry *s = &x->c.status[x->at++];
	const struct status_source source = {x->c.issuer, &x->doc, &x->key};
	struct arena *a = l->text ? arena_new(STATUS_LIST_ARENA) : NULL;
	struct vc_credential *list = a ? ARENA_NEW(a, struct vc_credential) : NULL;
	struct flaw f = {0};
	usec_t ttl;
	enum err e;

	if (!list) {
		(void)snprintf(x->why, sizeof x->why, "%s", l->text ? err_text(ERR_NO_MEMORY) : l->why);
		arena_free(a);
		return;
	}
	e = status_list_read(a, &source, str_n(l->text, l->n), &f, list);
	ttl = e ? 0 : vc_status_list_ttl(list);
	if (ttl && ttl < l->fresh) l->fresh = ttl;
	if (!e) e = status_list_ask(a, list, &x->c, s, &f);
	arena_free(a);
	if (!e) return;
	if (!strcmp(f.rule, "revoked"))
		x->status = "revoked";
	else if (!strcmp(f.rule, "suspended"))
		x->status = "suspended";
	else
		(void)snprintf(x->why, sizeof x->why, "%s",
			       f.err && str_utf8_ok(str_of(f.text), NULL) ? f.text : err_text(e));
}

/* All that wait go on; a list too long to keep is let go of. */
static void list_arrived(struct status_list *l)
{
	struct look *w = l->waiting;

	l->fetching = false;
	l->waiting = NULL;
	l->at = clock_mono();
	l->fresh = l->h->fresh;
	l->pinned = true;
	for (struct look *next; w; w = next) {
		next = w->wait;
		look_judge(w, l);
		look_next(w);
	}
	l->pinned = false;
	if (l->n <= HELD_LIST_KEPT) return;
	free(l->text);
	l->text = NULL;
	l->n = 0;
	l->at = 0;
}

static void list_back(void *arg)
{
	list_arrived(arg);
}

/* On the courier's thread: nobody else touches the list while it is being fetched. */
static void list_fetched(void *arg, const struct courier_result *r)
{
	struct status_list *l = arg;

	free(l->text);
	l->text = NULL;
	l->n = 0;
	l->why[0] = 0;
	if (r->err)
		(void)snprintf(l->why, sizeof l->why, "the status list cannot be had: %s",
			       r->text[0] ? r->text : err_text(r->err));
	else if (r->status != 200)
		(void)snprintf(l->why, sizeof l->why, "the status list cannot be had (%d)", r->status);
	else if ((l->text = malloc(r->body.n + 1)))
		memcpy(l->text, r->body.p, l->n = r->body.n);
	(void)!ds_post(l->h->d, l->h->shard, list_back, l);
}

static enum err list_fetch(struct status_list *l)
{
	struct courier_header h = {"accept", STATUS_LIST_ACCEPT};
	struct courier_req q = {.method = "GET",
				.url = l->url,
				.headers = &h,
				.headers_n = 1,
				.deadline = HELD_DEADLINE,
				.body_max = JSON_SIZE_MAX,
				.done = list_fetched,
				.arg = l};
	uint64_t ticket;
	enum err e;

	l->fetching = true;
	e = courier_submit(l->h->d->o.courier, &q, &ticket);
	if (e) l->fetching = false;
	return e;
}

/* ---- looks ---- */

void held_look_free(struct look *x)
{
	arena_free(x->arena);
	free(x);
}

/* True: it waits for its list. */
static bool look_waits(struct look *x)
{
	struct status_list *l = list_of(x->h, x->c.status[x->at].list);

	if (l && !l->fetching && l->at && clock_mono() - l->at < l->fresh) {
		look_judge(x, l);
		return false;
	}
	if (!l || (!l->fetching && list_fetch(l))) {
		(void)snprintf(x->why, sizeof x->why, "%s", err_text(ERR_BUSY));
		x->at++;
		return false;
	}
	x->wait = l->waiting;
	l->waiting = x;
	return true;
}

static void look_next(struct look *x)
{
	while (!x->status && x->at < x->c.status_n)
		if (look_waits(x)) return;
	held_look_end(x);
}

static void look_issuer(void *arg, enum err e, const struct ds_did *doc)
{
	struct look *x = arg;
	struct str method;

	if (!e) {
		x->doc = *doc;
		e = status_method_of(x->arena, &x->jwt, x->c.issuer, NULL, &method);
		if (!e) e = ds_did_key_for(&x->doc, method, DID_ASSERTION, &x->key);
	}
	if (e) { /* whose lists nobody can believe */
		(void)snprintf(x->why, sizeof x->why, "the key of the issuer cannot be had: %s",
			       err_text(e));
		x->at = x->c.status_n;
	}
	look_next(x);
}

static enum err look_read(struct look *x)
{
	json_t *row;
	enum err e = wallet_find(ds_txn(x->h->shard), x->arena, x->participant, "held", x->id, &row);

	if (e) return e;
	x->was = held_status(row);
	x->unchecked = json_text(json_object_get(row, "unchecked"));
	e = vc_jwt_parse(x->arena, json_text(json_object_get(row, "jwt")), NULL, &x->jwt);
	return e ? e : vc_credential_read(&x->jwt, NULL, &x->c);
}

bool held_look_start(struct holdings *h, struct str participant, struct str id, look_fn *done, void *arg)
{
	struct look *x = h->looks_n < HELD_LOOKS ? calloc(1, sizeof *x) : NULL;
	struct str method;

	if (!x) return false;
	x->arena = arena_new(LOOK_ARENA);
	if (x->arena) {
		x->h = h;
		x->participant = arena_dup(x->arena, participant);
		x->id = arena_dup(x->arena, id);
		x->done = done;
		x->arg = arg;
	}
	if (!x->arena || arena_overflowed(x->arena) || look_read(x) || str_is(x->was, "expired")) {
		held_look_free(x);
		return false;
	}
	x->next = h->looks;
	h->looks = x;
	h->looks_n++;
	if (vc_credential_time(&x->c, clock_wall(), NULL) == ERR_EXPIRED) x->status = "expired";
	if (x->status || !x->c.status_n || status_method_of(x->arena, &x->jwt, x->c.issuer, NULL, &method))
		held_look_end(x);
	else
		peers_find(h->d, h->shard, x->c.issuer, method, look_issuer, x);
	return true;
}
