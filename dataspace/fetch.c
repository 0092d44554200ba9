#include "dataspace/fetch.h"

#include <stdlib.h>

enum { FETCH_ANSWER_MAX = JSON_SIZE_MAX };

struct fetching {
	struct net_req *req; /* NULL once the client has gone */
	struct ds *d;
	struct net_shard *shard;
	fetch_fn *then;
	void *arg;
	struct arena *arena;
	struct fetched got;
};

static void fetching_free(struct fetching *x)
{
	arena_free(x->arena);
	free(x);
}

static void fetching_gone(void *arg)
{
	struct fetching *x = arg;

	x->req = NULL;
}

static void fetching_back(void *arg)
{
	struct fetching *x = arg;

	if (x->req) x->then(x->req, x->arg, &x->got);
	fetching_free(x);
}

static void fetching_done(void *arg, const struct courier_result *r)
{
	struct fetching *x = arg;

	x->got = (struct fetched){.err = r->err, .status = r->status};
	x->got.body = arena_dup(x->arena, r->body);
	x->got.text = arena_dup(x->arena, str_of(r->text));
	x->got.link = arena_dup(x->arena, r->link);
	if (!x->got.err && arena_overflowed(x->arena)) x->got.err = ERR_TOO_LARGE;
	if (ds_post(x->d, x->shard, fetching_back, x)) fetching_free(x);
}

struct str fetch_segment(struct arena *a, struct str s)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:@!$&'()*+,;=";
	char *p = arena_bytes(a, s.n * 3 + 1);
	struct str out = {p, 0};

	if (!p) return STR_NONE;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr(plain, s.p[i])) {
			p[out.n++] = s.p[i];
			continue;
		}
		p[out.n++] = '%';
		p[out.n++] = "0123456789ABCDEF"[(unsigned char)s.p[i] >> 4];
		p[out.n++] = "0123456789ABCDEF"[(unsigned char)s.p[i] & 15];
	}
	return out;
}

enum err fetch_start(struct net_req *r, const struct fetch_ask *q)
{
	struct ds *d = ds_of(r);
	struct courier_header h[3] = {{"content-type", "application/json"},
				      {"accept", q->accept ? q->accept : "application/json"}};
	struct courier_req c = {.method = q->method,
				.headers = h,
				.headers_n = 3,
				.body = q->body,
				.deadline = 15 * USEC_PER_SEC,
				.body_max = FETCH_ANSWER_MAX,
				.done = fetching_done};
	struct fetching *x = calloc(1, sizeof *x);
	struct str token = STR_NONE;
	uint64_t ticket;
	enum err e;

	if (!x || !(x->arena = arena_new(FETCH_ANSWER_MAX + 32768))) {
		free(x);
		return ERR_NO_MEMORY;
	}
	x->req = r;
	x->d = ds_of(r);
	x->shard = r->shard;
	x->then = q->then;
	x->arg = q->arg;
	c.arg = x;
	c.url = arena_strdup(r->arena, q->url);
	e = c.url ? ERR_OK : ERR_NO_MEMORY;
	if (q->open) c.headers_n = 2;
	if (!e && !q->open) e = ds_token_make_with(d, q->self, q->audience, q->token, r->arena, &token);
	if (!e) {
		if (!q->open) h[2] = (struct courier_header){"authorization", token.p};
		net_hold(r, fetching_gone, x);
		e = courier_submit(d->o.courier, &c, &ticket);
	}
	if (e) {
		net_hold(r, NULL, NULL);
		fetching_free(x);
	}
	return e;
}
