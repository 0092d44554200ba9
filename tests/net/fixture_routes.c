#include "tests/net/fixture_routes.h"

#include <stdlib.h>
#include <sys/stat.h>

struct seen seen;

int chmod_600(const char *path)
{
	return chmod(path, 0600);
}

static void on_fixed(struct net_req *r)
{
	atomic_fetch_add(&seen.handled, 1);
	net_reply(r, 200, "text/plain", STR("fixed"));
}

/* Refuses with what was noted of another error. */
static void on_stale(struct net_req *r)
{
	struct flaw f;
	(void)!flaw_set(&f, ERR_BAD_INPUT, 3, "q", "number", "this is a number");
	net_reply_err(r, ERR_NOT_FOUND, &f);
}

/* Says what it was asked, a line each. */
static void on_show(struct net_req *r)
{
	struct str q = STR("-"), agent = net_header(r, "user-agent");
	struct buf b = BUF_INIT(65536);
	atomic_fetch_add(&seen.handled, 1);
	net_query(r, "q", &q);
	buf_printf(&b, "path=%.*s\nquery=%.*s\nq=%.*s\nauthority=%.*s\nscheme=%.*s\nagent=%.*s\n",
		   STR_ARG(r->path), STR_ARG(r->query), STR_ARG(q), STR_ARG(r->authority),
		   STR_ARG(r->scheme), STR_ARG(agent));
	buf_printf(&b, "first=%.*s\nsecond=%.*s\nctx=%s\nh2=%d\ntls=%d\njson=%d\nhtml=%d\n",
		   STR_ARG(r->param[0]), STR_ARG(r->param[1]), (const char *)net_ctx(r), r->h2, r->tls,
		   net_accepts(r, "application/json"), net_accepts(r, "text/html"));
	if (r->client_cert.p) {
		char hex[64];
		hex_write(r->client_cert.p, 32, hex);
		buf_printf(&b, "cert=%.64s\n", hex);
	}
	struct str body = arena_dup(r->arena, buf_str(&b));
	buf_done(&b);
	net_set(r, "x-evil", STR("a\r\nx-injected: yes"));
	net_reply(r, 200, "text/plain", body);
}

static void on_echo(struct net_req *r)
{
	atomic_fetch_add(&seen.handled, 1);
	net_reply(r, 200, "application/octet-stream", r->body);
}

/* ---- streams out --------------------------------------------------------------------------- */

struct stream {
	struct net_source source;
	struct net_req *r;
	struct net_timer *timer;
	uint64_t at, n, cut, piece;
	bool slow, awake;
};

static void stream_wake(void *arg)
{
	struct stream *s = arg;
	s->timer = NULL;
	s->awake = true;
	net_resume(s->r);
}

/* Octet i of the stream is i % 251. */
static enum err stream_pull(struct net_source *source, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct stream *s = (struct stream *)source;
	if (s->cut && s->at >= s->cut) return ERR_REVOKED;
	if (s->slow && !s->awake) {
		s->timer = net_timer_start(s->r->shard, USEC_PER_MSEC, stream_wake, s);
		return ERR_OK;
	}
	size_t n = s->n - s->at < room ? (size_t)(s->n - s->at) : room;
	if (s->piece && n > s->piece) n = s->piece;
	for (size_t i = 0; i < n; i++) out[i] = (char)((s->at + i) % 251);
	s->at += n;
	atomic_fetch_add(&seen.pulled, n);
	*ret_n = n;
	*ret_end = s->at == s->n;
	s->awake = false;
	return ERR_OK;
}

static void stream_gone(struct net_source *source)
{
	struct stream *s = (struct stream *)source;
	net_timer_stop(s->timer);
	free(s);
	atomic_fetch_add(&seen.source_gone, 1);
}

static uint64_t number(struct net_req *r, const char *name)
{
	struct str s;
	uint64_t n = 0;
	if (net_query(r, name, &s) && str_u64(s, &n)) n = 0;
	return n;
}

/* ?n= octets, length=1: told before, slow=1: a millisecond between pieces, piece=, cut=: after. */
static void on_stream(struct net_req *r)
{
	struct stream *s = calloc(1, sizeof *s);
	assert_non_null(s);
	s->source = (struct net_source){stream_pull, stream_gone};
	s->r = r;
	s->n = number(r, "n");
	s->cut = number(r, "cut");
	s->piece = number(r, "piece");
	s->slow = number(r, "slow");
	atomic_fetch_add(&seen.handled, 1);
	net_reply_stream(r, 200, "application/octet-stream", number(r, "length") ? s->n : UINT64_MAX,
			 &s->source);
}

/* ---- streams in ---------------------------------------------------------------------------- */

struct sink {
	struct net_req *r;
	struct net_timer *timer;
	uint64_t n, wrong;
};

static void sink_look(void *arg)
{
	struct sink *s = arg;
	s->timer = NULL;
	if (atomic_load(&seen.resume))
		net_unpause(s->r);
	else
		s->timer = net_timer_start(s->r->shard, USEC_PER_MSEC, sink_look, s);
}

static void sink_gone(void *arg)
{
	struct sink *s = arg;
	net_timer_stop(s->timer);
	s->timer = NULL;
	atomic_fetch_add(&seen.gone, 1);
}

static enum err sink_data(struct net_req *r, void *arg, struct str piece, bool end, struct flaw *f)
{
	struct sink *s = arg;
	for (size_t i = 0; i < piece.n; i++) s->wrong += (unsigned char)piece.p[i] != (s->n + i) % 251;
	s->n += piece.n;
	atomic_fetch_add(&seen.sunk, piece.n);
	if (net_header(r, "x-refuse-after").p && s->n > 1000)
		return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "body", "enough", "no more than this");
	if (!end) {
		if (!atomic_load(&seen.pause) || s->timer) return ERR_OK;
		net_pause(r);
		s->timer = net_timer_start(r->shard, USEC_PER_MSEC, sink_look, s);
		return ERR_OK;
	}
	atomic_fetch_add(&seen.sunk_ends, 1);
	net_reply(r, 200, "text/plain",
		  arena_printf(r->arena, "%llu octets, %llu wrong", (unsigned long long)s->n,
			       (unsigned long long)s->wrong));
	return ERR_OK;
}

static void on_sink(struct net_req *r)
{
	struct sink *s = ARENA_NEW(r->arena, struct sink);
	s->r = r;
	atomic_fetch_add(&seen.handled, 1);
	net_on_body(r, sink_data, sink_gone, s);
}

/* ---- answers later -------------------------------------------------------------------------- */

struct held {
	struct net_req *r;
	struct net_timer *timer;
};

static void held_gone(void *arg)
{
	struct held *h = arg;
	net_timer_stop(h->timer);
	atomic_fetch_add(&seen.gone, 1);
}

static void held_answer(void *arg)
{
	struct held *h = arg;
	net_reply(h->r, 200, "text/plain", STR("at last"));
}

/* ?ms= until the answer; 0: never. */
static void on_hold(struct net_req *r)
{
	struct held *h = ARENA_NEW(r->arena, struct held);
	uint64_t ms = number(r, "ms");
	h->r = r;
	net_hold(r, held_gone, h);
	if (ms) h->timer = net_timer_start(r->shard, (usec_t)ms * USEC_PER_MSEC, held_answer, h);
	atomic_fetch_add(&seen.handled, 1);
}

/* As many octets as there were first calls, of all requests, before this answer; none without its own. */
static void on_twice(struct net_req *r)
{
	if (r->soon) {
		r->early = &seen;
		atomic_fetch_add(&seen.soon, 1);
		return;
	}
	net_reply(r, 200, "text/plain",
		  str_n("12345678", r->early == &seen ? atomic_load(&seen.soon) & 7 : 0));
}

static const struct net_route rows[] = {
    {NET_GET, "/fixed", on_fixed, 0, 0, 0, "five octets"},
    {NET_GET, "/stale", on_stale, 0, 0, 0, "an error beside a flaw of another"},
    {NET_GET, "/show/{first}/x/{second...}", on_show, 0, 0, 0, "what was asked"},
    {NET_GET, "/show", on_show, 0, 0, 0, "what was asked"},
    {NET_POST, "/show", on_show, 0, 1 << 20, 0, "what was asked, of a body"},
    {NET_POST, "/echo", on_echo, 0, 1 << 20, 0, "the body again"},
    {NET_PUT, "/sink", on_sink, 0, 1 << 30, NET_STREAM_IN, "takes a stream"},
    {NET_GET, "/stream", on_stream, 0, 0, 0, "gives a stream"},
    {NET_GET, "/twice", on_twice, 0, 0, NET_TWICE, "looks first"},
    {NET_GET, "/hold", on_hold, 0, 0, 0, "answers later"},
    {NET_POST, "/guarded", on_echo, 1, 1 << 20, 0, "with a guard"},
    {NET_PUT, "/both/{id}", on_echo, 0, 100, 0, "two methods"},
    {NET_DELETE, "/both/{id}", on_fixed, 0, 0, 0, "two methods"},
};
static char context[] = "context";
const struct net_routes fixture_routes = {rows, sizeof rows / sizeof *rows, context};
