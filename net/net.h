/* Server: HTTP/2 and HTTP/1.1 on one shard per core.
 *
 * Purpose: accept, parse, route, answer. Each shard is a thread with its own libuv loop, its own
 * listeners (SO_REUSEPORT), connections and arenas. HTTP/2 by nghttp2, over TLS 1.3/1.2 (ALPN h2)
 * or in clear text with prior knowledge; HTTP/1.1 (http-parser) on the same ports: a clear-text
 * connection that opens with the HTTP/2 preface is HTTP/2, else HTTP/1.1.
 *
 * A handler runs on its shard, must not block, and answers with exactly one of the net_reply
 * calls: at once, or later after net_hold (from the same shard; other threads come back with
 * net_post). The request, its arena and all slices in it live until the answer is sent or the
 * client has gone.
 *
 * Every answer carries X-Request-Id; errors are application/problem+json (RFC 9457) with
 * members type, title, status, detail, request_id and, where known, offset, field and rule.
 *
 * Threads: everything with a struct net_req belongs to its shard; net_post is for any thread. */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/arena.h"
#include "base/clock.h"

struct net_server;
struct net_bound;
struct net_shard;
struct buf;
struct net_req;

enum net_method { NET_GET, NET_HEAD, NET_POST, NET_PUT, NET_PATCH, NET_DELETE, NET_OPTIONS, NET_METHODS };

typedef void net_handler_fn(struct net_req *r);

#define NET_BODY_ANY UINT32_MAX

enum net_route_flags {
	NET_STREAM_IN = 1, /* the handler runs after the header section; the body comes by net_on_body */
	/* The handler may be called twice: first with r->soon for each of the requests that came together,
	 * to send for what it will read, then to answer. What it found it leaves in r->early. */
	NET_TWICE = 2,
	NET_READ = 4,      /* for admit: a POST that changes nothing */
	NET_UNMETERED = 8, /* for admit: never refused for coming too often */
	NET_METERED = 16,  /* for admit: costs the node something, and anybody may call it */
};

/* A route is static data. Pattern: "/resolve/{id...}" (the rest of the path, slashes and percent
 * signs as sent), "/p/{participant}/dsp/2025-1/catalog/request". A literal segment is preferred to
 * a parameter. A trailing slash of the request is tolerated. HEAD is served by the GET route. */
struct net_route {
	enum net_method method;
	const char *pattern;
	net_handler_fn *handler;
	uint32_t roles;    /* for the guard: who may call; 0 = anybody. Opaque here (net/access.h) */
	uint32_t body_max; /* octets; 0 = a body is refused; NET_BODY_ANY with NET_STREAM_IN: the handler
			      counts */
	uint32_t flags;
	const char *summary; /* one line, for the documentation of the interface */
};

enum { NET_PARAMS_MAX = 6, NET_ID_MAX = 40, NET_PATH_MAX = 8192, NET_HEADERS_MAX = 16384 };

struct net_req {
	enum net_method method;
	struct str path, query;           /* as sent; query without the '?' */
	struct str authority, scheme;     /* Host or :authority; "http", "https" */
	struct str param[NET_PARAMS_MAX]; /* of the pattern, in order, as sent (percent-encoded) */
	struct str body;                  /* whole, unless NET_STREAM_IN */
	const struct net_route *route;
	struct net_shard *shard;
	struct arena *arena; /* cap: the server's request_arena */
	void *principal;     /* set by the guard */
	void *early;         /* NET_TWICE: of the first call; NULL when there was none */
	bool soon;           /* NET_TWICE: the answer is not wanted yet */
	struct str id;       /* request id: the client's X-Request-Id if proper, else made */
	bool h2, tls;
	struct str peer; /* "127.0.0.1:50312" */
	/* SHA-256 of the client's certificate, or p = NULL */
	struct str client_cert;
};

/* First header of that lower-case name; STR_NONE when absent. */
struct str net_header(const struct net_req *r, const char *name);
/* Decoded value of a query parameter; false when absent. ERR_BAD_INPUT text stays as sent. */
bool net_query(struct net_req *r, const char *name, struct str *ret);
/* A query parameter as a number; ret stays when it is absent. ERR_BAD_INPUT, rule "number". */
enum err net_query_number(struct net_req *r, const char *name, uint64_t most, struct flaw *f,
			  uint64_t *ret) MUST_USE;
/* Percent-decoded copy in the arena. ERR_BAD_INPUT with the offset. '+' stays '+'. */
enum err net_decode(struct arena *a, struct str s, struct flaw *f, struct str *ret) MUST_USE;
/* Quality (0..1000) the Accept header gives to a media type "type/subtype"; no header: 1000. */
int net_accepts(const struct net_req *r, const char *media_type);

/* ---- answers ---------------------------------------------------------------------------- */

/* Adds a header to the coming answer: name lower-case and static, value copied to the arena. The
 * same name twice gives two fields. Control characters become blanks: a value cannot end its line.
 * At most 24 fields (must()); values beyond 8 KiB in all turn the answer into a bare 500. */
void net_set(struct net_req *r, const char *name, struct str value);
/* The same for the hot path: a value of the caller's making, without control characters or blanks at its
 * ends, that lives as long as the body has to. Neither checked nor copied. */
void net_set_own(struct net_req *r, struct str name, struct str value);
/* body must live until the answer is sent: in the request's arena, or static. */
void net_reply(struct net_req *r, int status, const char *content_type, struct str body);
/* problem+json from an error, in the language that the client prefers. f: what is wrong, told when it is of
 * that error; may be NULL. */
void net_reply_err(struct net_req *r, enum err e, const struct flaw *f);
void net_reply_flaw(struct net_req *r, const struct flaw *f);
/* The members of such an object without the braces, for items of other documents; without the request's
 * id. */
void net_problem_members(const struct net_req *r, enum err e, int status, const struct flaw *f,
			 struct buf *out);

/* A body that is produced as it is sent, with back-pressure. */
struct net_source {
	/* Fills up to room octets at out: *ret_n > 0; or *ret_n = 0 and *ret_end true at the end;
	 * or 0 and false: nothing now, net_resume() when there is. An error cuts the body: the
	 * stream is reset, the client cannot take it for complete. */
	enum err (*pull)(struct net_source *s, char *out, size_t room, size_t *ret_n, bool *ret_end);
	void (*gone)(struct net_source *s); /* always called once: sent, cut, or client gone */
};
/* length: octets in all, or UINT64_MAX when unknown. */
void net_reply_stream(struct net_req *r, int status, const char *content_type, uint64_t length,
		      struct net_source *s);
/* The source that had nothing has something: pull comes soon, not within this call. Only after
 * pull has returned; without effect unless it returned 0 and false. */
void net_resume(struct net_req *r);
/* Cuts a streamed answer in the middle (RST_STREAM, or closing an HTTP/1.1 connection). */
void net_cut(struct net_req *r);

/* ---- answering later -------------------------------------------------------------------- */

/* The handler returns without an answer. gone(arg) runs on the shard if the client leaves before
 * the answer; after it the request must not be touched. Without hold, returning unanswered is a bug.
 * A client that closes its sending side while it is held counts as gone. */
void net_hold(struct net_req *r, void (*gone)(void *arg), void *arg);

/* ---- bodies that stream in (NET_STREAM_IN) ------------------------------------------------ */

/* data is called with each piece, then once with n = 0 at the end; returning an error answers with
 * it. net_pause stops reading from the peer (flow control) until net_unpause. The handler replies
 * when it has what it needs; gone(arg) as for net_hold, may be NULL. A piece lives during the call.
 * data is not called from within net_unpause, but soon after. */
typedef enum err net_body_fn(struct net_req *r, void *arg, struct str piece, bool end, struct flaw *f);
void net_on_body(struct net_req *r, net_body_fn *data, void (*gone)(void *arg), void *arg);
void net_pause(struct net_req *r);
void net_unpause(struct net_req *r);

/* ---- shards ----------------------------------------------------------------------------- */

/* Runs fn(arg) on the shard's thread, soon. ERR_STOPPING once the loop has ended, ERR_NO_MEMORY (also
 * when a million wait): fn is not called. The shard lives until net_server_stop returns. */
enum err net_post(struct net_shard *s, void (*fn)(void *arg), void *arg) MUST_USE;
unsigned net_shard_index(const struct net_shard *s);
/* A pointer of the application per shard: caches, read transactions. Set in hooks.start. */
void net_shard_set(struct net_shard *s, unsigned slot, void *p); /* slots 0..7 */
void *net_shard_get(const struct net_shard *s, unsigned slot);
/* One-shot timer on the shard's thread; returns a handle that stays valid until it has fired or
 * was stopped. NULL without memory. */
struct net_timer;
struct net_timer *net_timer_start(struct net_shard *s, usec_t in, void (*fn)(void *arg), void *arg);
void net_timer_stop(struct net_timer *t); /* NULL is allowed */

struct net_hooks {
	void *ctx;
	enum err (*start)(void *ctx, struct net_shard *s); /* on the shard's thread, before it listens */
	void (*turn)(void *ctx,
		     struct net_shard *s); /* before the first work of each loop turn and of each read */
	void (*idle)(void *ctx, struct net_shard *s); /* before it sleeps: give read snapshots up */
	void (*stop)(void *ctx, struct net_shard *s);
	/* Decides whether r may call r->route and sets r->principal. An error is the answer. */
	enum err (*guard)(void *ctx, struct net_req *r, struct flaw *f);
};

struct net_listener {
	const char *host; /* address, not a name */
	uint16_t port;    /* 0: any free one; see net_server_port */
	bool tls;
};

struct net_tls_options {
	const char *certificate, *key; /* PEM files; key mode checked */
	const char *client_ca;         /* PEM; clients may present a certificate of it; NULL: none asked */
};

/* A table of routes; several tables may be given. */
struct net_routes {
	const struct net_route *rows;
	size_t n;
	void *ctx; /* net_ctx(r) inside the handlers */
};
void *net_ctx(const struct net_req *r);

struct net_options {
	const struct net_listener *listeners;
	size_t listeners_n;
	struct net_tls_options tls;
	unsigned shards; /* 0: one per core */
	const struct net_routes *routes;
	size_t routes_n;
	struct net_hooks hooks;
	/* After the guard, on every route: whether the client may ask just now. hooks.ctx is its ctx; an
	 * error is the answer. NULL: always. */
	enum err (*admit)(void *ctx, struct net_req *r, struct flaw *f);
	size_t request_arena;     /* octets per request besides the body; 0 = 2 MiB */
	unsigned connections_max; /* per shard; 0 = 16,384 */
	unsigned streams_max;     /* concurrent per connection; 0 = 256 */
	usec_t idle_timeout;      /* 0 = 120 s */
	usec_t header_timeout;    /* handshake, preface, header section; 0 = 10 s */
	usec_t stall_timeout;     /* a body or an answer that does not move; 0 = 30 s */
	/* Of the same listeners: the server takes these sockets, each shard its share. NULL: it binds. */
	struct net_bound *bound;
};

/* Binds without listening, for a process that outlives its server: a child forked from it takes the
 * sockets, and once it has listened, connections wait in the kernel while one child has ended and the next
 * has not begun. The caller unbinds. ERR_EXISTS: the port is another user's; ERR_BAD_CONF, ERR_IO,
 * ERR_NO_MEMORY. */
enum err net_bind(const struct net_listener *l, size_t n, unsigned shards, struct flaw *f,
		  struct net_bound **ret) MUST_USE;
/* The same for a set that is held already and no server has taken from (*held NULL: none): an address that
 * stays keeps its sockets, however many shards there will be, since connections wait in them; a shard may
 * then take several. What is no longer named is closed. After an error all is as it was. */
enum err net_rebind(struct net_bound **held, const struct net_listener *l, size_t n, unsigned shards,
		    struct flaw *f) MUST_USE;
/* ERR_EXISTS: somebody listens there, be it a process of the same user, with which net_bind would share the
 * connections. Else as net_bind. */
enum err net_vacant(const struct net_listener *l, struct flaw *f) MUST_USE;
/* Closes what no server has taken. Frees; NULL is allowed. */
void net_unbind(struct net_bound *b);

enum err net_server_start(const struct net_options *o, struct flaw *f, struct net_server **ret) MUST_USE;
uint16_t net_server_port(const struct net_server *s, size_t listener);
/* No new connections or streams (GOAWAY, Connection: close); running requests are answered; after
 * `grace` what is left is cut. Returns when all shards have ended. Frees. */
void net_server_stop(struct net_server *s, usec_t grace);
unsigned net_server_shards(const struct net_server *s);
struct net_shard *net_server_shard(const struct net_server *s, unsigned i);

/* Counters, summed over the shards: X-macro so that /metrics can list them. */
#define NET_COUNTERS(X)                                                                                    \
	X(connections, "connections accepted")                                                             \
	X(connections_open, "connections open now")                                                        \
	X(tls_handshakes, "TLS handshakes completed")                                                      \
	X(tls_failures, "TLS handshakes failed")                                                           \
	X(requests, "requests answered")                                                                   \
	X(requests_h1, "requests over HTTP/1.1")                                                           \
	X(answers_4xx, "answers 400 to 499")                                                               \
	X(answers_5xx, "answers 500 to 599")                                                               \
	X(octets_in, "octets read from sockets")                                                           \
	X(octets_out, "octets written to sockets")                                                         \
	X(protocol_errors, "connections closed for a protocol error or a flood")                           \
	X(timeouts, "connections closed for slowness")
struct net_stat {
#define X(name, help) uint64_t name;
	NET_COUNTERS(X)
#undef X
};
void net_server_stat(const struct net_server *s, struct net_stat *ret);

#endif
