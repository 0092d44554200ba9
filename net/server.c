#include "net/server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/bound.h"
#include "net/h2.h"
#include "net/socket.h"
#include "net/tls.h"
#include "base/processor.h"

enum { DEFAULT_ARENA = 2 << 20, DEFAULT_CONNECTIONS = 16384 };

static void fill_defaults(struct net_options *o)
{
	o->shards = o->bound ? bound_count(o->bound) : bound_shards(o->shards);
	if (!o->request_arena) o->request_arena = DEFAULT_ARENA;
	if (!o->connections_max) o->connections_max = DEFAULT_CONNECTIONS;
	if (!o->streams_max) o->streams_max = H2_STREAMS;
	if (!o->idle_timeout) o->idle_timeout = 120 * USEC_PER_SEC;
	if (!o->header_timeout) o->header_timeout = 10 * USEC_PER_SEC;
	if (!o->stall_timeout) o->stall_timeout = 30 * USEC_PER_SEC;
	/* never so many connections that descriptors run out: a process without them cannot even log */
	struct rlimit rl;
	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur == RLIM_INFINITY) return;
	rlim_t left = rl.rlim_cur > SOCKET_FDS_SPARE ? rl.rlim_cur - SOCKET_FDS_SPARE : 1;
	left = left / o->shards + 1;
	if (left < o->connections_max) o->connections_max = (unsigned)left;
}

void server_report(struct net_server *s, enum err e)
{
	pthread_mutex_lock(&s->lock);
	s->reported++;
	if (e && !s->failed) s->failed = e;
	pthread_cond_signal(&s->ready);
	pthread_mutex_unlock(&s->lock);
}

/* ---- threads ----------------------------------------------------------------------------- */

static void block_signals(void)
{
	/* the process's signals are its main thread's; SIGPIPE is nobody's */
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGPROF);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void *shard_thread(void *arg)
{
	struct net_shard *s = arg;
	const struct net_hooks *h = &s->options->hooks;
	block_signals();
	processor_short_turns();
	enum err e = h->start ? h->start(h->ctx, s) : ERR_OK;
	bool started = !e;
	for (size_t i = 0; !e && i < s->listeners_n; i++) e = socket_listen(&s->listeners[i]);
	server_report(s->server, e);
	if (e) {
		if (started && h->stop) h->stop(h->ctx, s);
		return NULL;
	}
	shard_run(s);
	return NULL;
}

/* One listener on one shard. */
static enum err bind_one(struct net_server *s, struct net_shard *sh, size_t k, struct flaw *f)
{
	const struct net_options *o = &s->options;
	size_t n = o->bound ? bound_share(o->bound, sh->index, k) : 1;
	for (size_t i = 0; i < n; i++) {
		struct listener *l = &sh->listeners[sh->listeners_n];
		enum err e = ERR_OK;
		if (o->bound)
			l->fd = bound_take(o->bound, sh->index, k, i, &s->ports[k]);
		else
			e = socket_bind(&o->listeners[k], &s->ports[k], f, &l->fd);
		if (e) return e;
		l->shard = sh;
		l->tls = o->listeners[k].tls ? s->tls : NULL;
		sh->listeners_n++;
	}
	return ERR_OK;
}

static enum err bind_all(struct net_server *s, struct flaw *f)
{
	enum err e = ERR_OK;
	for (unsigned i = 0; i < s->options.shards; i++)
		for (size_t k = 0; !e && k < s->options.listeners_n; k++)
			e = bind_one(s, &s->shards[i], k, f);
	return e;
}

static enum err start_threads(struct net_server *s)
{
	for (unsigned i = 0; i < s->options.shards; i++) {
		struct net_shard *sh = &s->shards[i];
		if (pthread_create(&sh->thread, NULL, shard_thread, sh)) return ERR_NO_MEMORY;
		s->running++;
	}
	pthread_mutex_lock(&s->lock);
	while (s->reported < s->running) pthread_cond_wait(&s->ready, &s->lock);
	enum err e = s->failed;
	pthread_mutex_unlock(&s->lock);
	return e;
}

/* ---- start and stop ---------------------------------------------------------------------- */

static void server_free(struct net_server *s)
{
	for (unsigned i = 0; s->shards && i < s->options.shards; i++) {
		struct net_shard *sh = &s->shards[i];
		for (size_t k = 0; k < sh->listeners_n; k++)
			if (sh->listeners[k].fd > 0) close(sh->listeners[k].fd);
		shard_done(sh);
	}
	route_free(s->routes);
	tls_context_close(s->tls);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->ready);
	free(s->shards);
	free(s->ports);
	free(s);
}

static bool wants_tls(const struct net_options *o)
{
	for (size_t i = 0; i < o->listeners_n; i++)
		if (o->listeners[i].tls) return true;
	return false;
}

static enum err prepare(struct net_server *s, struct flaw *f)
{
	struct net_options *o = &s->options;
	enum err e = h2_setup();
	if (!e) e = route_compile(o->routes, o->routes_n, f, &s->routes);
	if (!e && wants_tls(o)) e = tls_context_open(&o->tls, f, &s->tls);
	if (e) return e;
	s->ports = calloc(o->listeners_n + 1, sizeof *s->ports);
	if (!s->ports) return ERR_NO_MEMORY;
	for (size_t k = 0; k < o->listeners_n; k++) s->ports[k] = o->listeners[k].port;
	s->shards = calloc(o->shards, sizeof *s->shards);
	if (!s->shards) return ERR_NO_MEMORY;
	for (unsigned i = 0; !e && i < o->shards; i++) e = shard_init(&s->shards[i], s, o, i);
	if (!e) e = bind_all(s, f);
	return e;
}

enum err net_server_start(const struct net_options *o, struct flaw *f, struct net_server **ret)
{
	struct net_server *s = calloc(1, sizeof *s);
	if (!s) return ERR_NO_MEMORY;
	s->options = *o;
	fill_defaults(&s->options);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ready, NULL);
	enum err e = prepare(s, f);
	if (!e) e = start_threads(s);
	if (e) {
		net_server_stop(s, 0);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

struct stopping {
	struct net_shard *shard;
	uint64_t grace;
};

static void begin_stop(void *arg)
{
	struct stopping *st = arg;
	shard_drain(st->shard, st->grace);
}

void net_server_stop(struct net_server *s, usec_t grace)
{
	struct stopping *st = s->running ? calloc(s->running, sizeof *st) : NULL;
	must(st || !s->running);
	for (unsigned i = 0; i < s->running; i++) {
		st[i] = (struct stopping){&s->shards[i], (uint64_t)(grace / USEC_PER_MSEC)};
		/* a shard that could not start has no loop to tell */
		must(net_post(&s->shards[i], begin_stop, &st[i]) != ERR_NO_MEMORY);
	}
	for (unsigned i = 0; i < s->running; i++) pthread_join(s->shards[i].thread, NULL);
	free(st);
	server_free(s);
}

uint16_t net_server_port(const struct net_server *s, size_t listener)
{
	must(listener < s->options.listeners_n);
	return s->ports[listener];
}

unsigned net_server_shards(const struct net_server *s)
{
	return s->options.shards;
}

struct net_shard *net_server_shard(const struct net_server *s, unsigned i)
{
	must(i < s->options.shards);
	return &s->shards[i];
}

void net_server_stat(const struct net_server *s, struct net_stat *ret)
{
	*ret = (struct net_stat){0};
	for (unsigned i = 0; i < s->options.shards; i++) {
		const struct shard_counters *c = &s->shards[i].counters;
#define X(name, help) ret->name += atomic_load_explicit(&c->name, memory_order_relaxed);
		NET_COUNTERS(X)
#undef X
	}
}
