#include "net/request.h"

#include <stdlib.h>

#include "net/route.h"
#include "net/server.h"

/* ---- life -------------------------------------------------------------------------------- */

static struct request *request_new(struct net_shard *s)
{
	struct request *r = calloc(1, sizeof *r);
	if (!r) return NULL;
	r->arena = arena_new(s->options->request_arena + NET_HEADERS_MAX);
	if (r->arena) return r;
	free(r);
	return NULL;
}

void request_free(struct request *r)
{
	arena_free(r->arena);
	buf_done(&r->body);
	free(r);
}

struct request *request_take(struct conn *c)
{
	struct net_shard *s = c->shard;
	struct request *r = s->free;
	if (r) {
		s->free = r->next;
		s->free_n--;
		memset(r, 0, offsetof(struct request, body));
	} else if (!(r = request_new(s))) {
		return NULL;
	}
	r->conn = c;
	r->next = c->requests;
	if (r->next) r->next->prev = r;
	c->requests = r;
	c->requests_n++;
	r->headers = r->first_headers;
	r->headers_room = REQUEST_HEADERS;
	r->pub.shard = s;
	r->pub.arena = r->arena;
	r->pub.h2 = c->kind == CONN_H2;
	r->pub.tls = c->tls;
	r->pub.scheme = c->tls ? STR("https") : STR("http");
	r->pub.peer = str_n(c->peer, c->peer_n);
	if (c->has_cert) r->pub.client_cert = str_n(c->cert, sizeof c->cert);
	return r;
}

/* The holder hears of it once, and only if it still owes an answer. */
static void tell_gone(struct request *r)
{
	void (*gone)(void *) = r->gone;
	r->gone = NULL;
	if (!gone || r->answer.begun) return;
	shard_turn(r->conn->shard);
	gone(r->gone_arg);
}

static void end_source(struct request *r)
{
	struct net_source *s = r->answer.source;
	r->answer.source = NULL;
	if (!s || !s->gone) return;
	shard_turn(r->conn->shard);
	s->gone(s);
}

static void count_answer(struct request *r)
{
	struct shard_counters *n = &r->conn->shard->counters;
	int status = r->answer.status;
	r->conn->served++;
	shard_count(&n->requests, 1);
	if (!r->pub.h2) shard_count(&n->requests_h1, 1);
	if (status >= 400 && status < 500) shard_count(&n->answers_4xx, 1);
	if (status >= 500) shard_count(&n->answers_5xx, 1);
}

void request_give(struct request *r)
{
	struct net_shard *s = r->conn->shard;
	if (r->answer.begun) count_answer(r);
	tell_gone(r);
	end_source(r);
	if (r->prev)
		r->prev->next = r->next;
	else
		r->conn->requests = r->next;
	if (r->next) r->next->prev = r->prev;
	r->conn->requests_n--;
	arena_reset(r->arena);
	if (r->body.room > REQUEST_BODY_KEEP)
		buf_done(&r->body);
	else
		buf_clear(&r->body);
	if (s->free_n >= SHARD_FREE_MAX) {
		request_free(r);
		return;
	}
	r->next = s->free;
	r->prev = NULL;
	s->free = r;
	s->free_n++;
}

/* ---- header section ---------------------------------------------------------------------- */

void request_refuse(struct request *r, enum err e, const char *why)
{
	if (r->refused) return;
	r->refused = e;
	r->refused_why = why;
}

static bool more_headers(struct request *r)
{
	unsigned room = r->headers_room * 2u;
	struct header *more = room > REQUEST_FIELDS_MAX ? NULL : ARENA_ARRAY(r->arena, struct header, room);
	if (!more) return false;
	memcpy(more, r->headers, r->headers_n * sizeof *more);
	r->headers = more;
	r->headers_room = (uint16_t)room;
	return true;
}

static void note_length(struct request *r, struct str value)
{
	uint64_t n;
	/* RFC 9112 6.3: anything but one number could be read in two ways */
	if (str_u64(value, &n) || r->has_length) {
		request_refuse(r, ERR_BAD_INPUT, "content-length");
		return;
	}
	r->has_length = true;
	r->length = n;
}

static void note_host(struct request *r, struct str value)
{
	if (r->host.p) request_refuse(r, ERR_BAD_INPUT, "two-hosts");
	r->host = value;
}

void request_header(struct request *r, struct str name, struct str value)
{
	if (r->headers_n == r->headers_room && !more_headers(r)) {
		request_refuse(r, ERR_HEADERS_TOO_LARGE, "header-count");
		return;
	}
	char *p = arena_bytes(r->arena, name.n + value.n);
	if (!p) {
		request_refuse(r, ERR_HEADERS_TOO_LARGE, "header-section-size");
		return;
	}
	memcpy(p, name.p, name.n);
	if (value.n) memcpy(p + name.n, value.p, value.n);
	struct header *h = &r->headers[r->headers_n++];
	h->name = str_n(p, name.n);
	h->value = str_n(p + name.n, value.n);
	switch (name.n) {
	case 4:
		if (memcmp(p, "host", 4) == 0) note_host(r, h->value);
		break;
	case 6:
		if (memcmp(p, "expect", 6) == 0) r->expects = str_eq_nocase(h->value, STR("100-continue"));
		break;
	case 14:
		if (memcmp(p, "content-length", 14) == 0) note_length(r, h->value);
		break;
	default: break;
	}
}

struct str net_header(const struct net_req *pub, const char *name)
{
	const struct request *r = (const struct request *)(const void *)pub;
	size_t n = strlen(name);
	for (unsigned i = 0; i < r->headers_n; i++)
		if (r->headers[i].name.n == n && memcmp(r->headers[i].name.p, name, n) == 0)
			return r->headers[i].value;
	return STR_NONE;
}

void *net_ctx(const struct net_req *pub)
{
	const struct request *r = (const struct request *)(const void *)pub;
	return r->table ? r->table->ctx : NULL;
}

static bool proper_id(struct str id)
{
	if (!id.n || id.n > NET_ID_MAX) return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  c == '-' || c == '_' || c == '.' || c == ':';
		if (!ok) return false;
	}
	return true;
}

static void choose_id(struct request *r)
{
	r->pub.id = net_header(&r->pub, "x-request-id");
	if (proper_id(r->pub.id)) return;
	shard_id(r->conn->shard, r->id_text);
	r->pub.id = str_n(r->id_text, SHARD_ID);
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static void refuse(struct request *r, enum err e, const struct flaw *f)
{
	r->discard = true;
	if (!r->answer.begun) net_reply_err(&r->pub, e, f);
}

static void call_handler(struct request *r)
{
	r->called = true;
	r->pub.body = buf_str(&r->body);
	r->pub.route->handler(&r->pub);
	/* a handler that returns without an answer holds the request or waits for its body */
	must(r->answer.begun || r->held || r->on_body);
	if (r->answer.begun) r->discard = true;
}

static bool find_route(struct request *r)
{
	struct route_match m;
	if (str_is(r->pub.path, "*")) {
		request_method_refused(r, (1u << NET_METHODS) - 1);
		return false;
	}
	enum err e = route_find(r->conn->shard->server->routes, r->pub.method, r->pub.path, &m);
	if (!e) {
		r->pub.route = m.route;
		r->table = m.table;
		memcpy(r->pub.param, m.param, sizeof m.param);
		return true;
	}
	r->discard = true;
	if (e == ERR_BAD_METHOD) {
		request_method_refused(r, m.allow);
		return false;
	}
	struct flaw f;
	flaw_set(&f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "path", "route", "nothing is served at %.*s",
		 (int)(r->pub.path.n > 120 ? 120 : r->pub.path.n), r->pub.path.p);
	refuse(r, ERR_NOT_FOUND, &f);
	return false;
}

static enum err check_length(const struct request *r, struct flaw *f)
{
	uint64_t max = r->pub.route->body_max;
	if (!r->has_length || r->length <= max || max == NET_BODY_ANY) return ERR_OK;
	if (!max)
		return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "body", "no-body",
				"this route takes no body");
	return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "body", "body-size",
			"the body may have %llu octets at most", (unsigned long long)max);
}

static enum err pass_guard(struct request *r, struct flaw *f)
{
	const struct net_hooks *hooks = &r->conn->shard->options->hooks;
	if (!r->pub.route->roles || !hooks->guard) return ERR_OK;
	return hooks->guard(hooks->ctx, &r->pub, f);
}

static enum err pass_admission(struct request *r, struct flaw *f)
{
	const struct net_options *o = r->conn->shard->options;
	return o->admit ? o->admit(o->hooks.ctx, &r->pub, f) : ERR_OK;
}

static enum err check_refused(struct request *r, struct flaw *f)
{
	if (!r->refused) return ERR_OK;
	return flaw_set(f, r->refused, FLAW_NO_OFFSET, "header section", r->refused_why, "%s",
			err_text(r->refused));
}

void request_reject(struct request *r, enum err e, const struct flaw *f)
{
	if (!r->begun) choose_id(r);
	r->begun = true;
	refuse(r, e, f);
}

/* Whether its handler is to be called; if not it has been answered. */
static bool check(struct request *r, bool end)
{
	struct flaw f;
	flaw_init(&f);
	r->begun = true;
	r->remote_end = end;
	choose_id(r);
	enum err e = check_refused(r, &f);
	if (!e) e = request_target(r, &f);
	if (e) {
		refuse(r, e, &f);
		return false;
	}
	if (!find_route(r)) return false;
	shard_turn(r->conn->shard);
	e = check_length(r, &f);
	if (!e) e = pass_guard(r, &f);
	if (!e) e = pass_admission(r, &f);
	if (e) refuse(r, e, &f);
	return !e;
}

static void start(struct request *r, bool end)
{
	r->body.max = r->pub.route->body_max;
	if (end || r->pub.route->flags & NET_STREAM_IN) call_handler(r);
	/* the handler has asked for the pieces: there are none, only the end */
	if (end && r->on_body && !r->discard) request_end(r);
}

void request_begin(struct request *r, bool end)
{
	if (!check(r, end)) return;
	if (r->expects && !end) conn_continue(r);
	start(r, end);
}

void request_look(struct request *r)
{
	r->looked = check(r, true);
	if (!r->looked || !(r->pub.route->flags & NET_TWICE)) return;
	r->pub.soon = true;
	r->pub.route->handler(&r->pub);
	r->pub.soon = false;
	must(!r->answer.begun && !r->held);
}

void request_serve(struct request *r)
{
	if (r->looked) start(r, true);
}

/* ---- body -------------------------------------------------------------------------------- */

static void hand_over(struct request *r, struct str piece, bool end)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	if (end && r->end_told) return;
	r->end_told = end;
	shard_turn(r->conn->shard);
	enum err e = r->on_body(&r->pub, r->body_arg, piece, end, &f);
	if (r->answer.begun)
		r->discard = true;
	else if (e)
		refuse(r, e, &f);
}

static void collect(struct request *r, struct str piece)
{
	buf_add(&r->body, piece);
	enum err e = buf_err(&r->body);
	if (!e) return;
	struct flaw f;
	flaw_set(&f, e, FLAW_NO_OFFSET, "body", "body-size", "the body may have %u octets at most",
		 r->pub.route->body_max);
	buf_clear(&r->body);
	refuse(r, e, &f);
}

void request_data(struct request *r, struct str piece)
{
	r->moved += (uint32_t)piece.n;
	r->body_seen += piece.n;
	bool wait = r->paused || r->body.n;
	if (r->discard) {
		/* a client that does not listen is stopped by its window */
		if (r->body_seen < CONN_LINGER_OCTETS) conn_consumed(r, piece.n);
	} else if (!(r->pub.route->flags & NET_STREAM_IN)) {
		collect(r, piece);
		conn_consumed(r, piece.n);
	} else if (r->pub.route->body_max != NET_BODY_ANY && r->body_seen > r->pub.route->body_max) {
		struct flaw f;
		flaw_set(&f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "body", "body-size",
			 "the body may have %u octets at most", r->pub.route->body_max);
		conn_consumed(r, piece.n);
		refuse(r, ERR_TOO_LARGE, &f);
	} else if (wait) {
		/* no more than the stream's window, or one read of HTTP/1.1, can come while paused */
		buf_add(&r->body, piece);
		if (buf_err(&r->body)) refuse(r, buf_err(&r->body), NULL);
	} else {
		hand_over(r, piece, false);
		conn_consumed(r, piece.n);
	}
}

void request_end(struct request *r)
{
	r->remote_end = true;
	if (r->discard || !r->begun) return;
	if (!(r->pub.route->flags & NET_STREAM_IN)) {
		shard_turn(r->conn->shard);
		call_handler(r);
	} else if (!r->paused && !r->body.n && r->on_body) {
		hand_over(r, STR(""), true);
	}
}

void request_deliver(struct request *r)
{
	if (r->paused || !r->on_body || r->discard) return;
	if (r->body.n) {
		size_t n;
		char *p = buf_take(&r->body, &n);
		hand_over(r, str_n(p, n), false);
		free(p);
		conn_consumed(r, n);
	}
	if (r->remote_end && !r->paused && !r->discard) hand_over(r, STR(""), true);
}

void net_on_body(struct net_req *pub, net_body_fn *data, void (*gone)(void *arg), void *arg)
{
	struct request *r = request_of(pub);
	must(pub->route->flags & NET_STREAM_IN && !r->on_body);
	r->on_body = data;
	r->body_arg = r->gone_arg = arg;
	r->gone = gone;
}

void net_pause(struct net_req *pub)
{
	request_of(pub)->paused = true;
}

void net_unpause(struct net_req *pub)
{
	struct request *r = request_of(pub);
	if (!r->paused) return;
	r->paused = false;
	r->stall_at = 0;
	conn_unpause(r);
}

void net_hold(struct net_req *pub, void (*gone)(void *arg), void *arg)
{
	struct request *r = request_of(pub);
	r->held = true;
	r->gone = gone;
	r->gone_arg = arg;
}
