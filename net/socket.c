#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls.h"

struct sock {
	struct conn conn; /* first */
	uv_tcp_t uv;
	uv_write_t write;
	uv_shutdown_t shutdown;
	char *rest; /* what the kernel did not take */
	size_t rest_n;
	bool shut_waits;
	uint64_t read_in; /* turn of the shard in which it was read last */
};

static struct sock *sock_of(struct conn *c)
{
	return (struct sock *)(void *)c;
}

/* ---- carrier ----------------------------------------------------------------------------- */

static void on_written(uv_write_t *w, int status)
{
	struct sock *k = w->data;
	free(k->rest);
	k->rest = NULL;
	k->rest_n = 0;
	if (!k->conn.open) return;
	if (status < 0) conn_doom(&k->conn, false);
	conn_writable(&k->conn);
}

static void write_later(struct sock *k, const char *p, size_t n)
{
	/* rest is empty: conn_flush stops at `blocked`, only an end may add to it */
	char *copy = k->rest ? NULL : malloc(n);
	if (!copy) {
		conn_doom(&k->conn, true);
		return;
	}
	memcpy(copy, p, n);
	k->rest = copy;
	k->rest_n = n;
	uv_buf_t b = uv_buf_init(copy, (unsigned)n);
	if (uv_write(&k->write, (uv_stream_t *)&k->uv, &b, 1, on_written)) {
		free(copy);
		k->rest = NULL;
		conn_doom(&k->conn, true);
		return;
	}
	k->conn.blocked = true;
}

static void sock_write(struct conn *c, const char *p, size_t n)
{
	struct sock *k = sock_of(c);
	int sent = 0;
	if (!k->rest) {
		uv_buf_t b = {.base = (char *)(uintptr_t)p, .len = n};
		sent = uv_try_write((uv_stream_t *)&k->uv, &b, 1);
	}
	if (sent < 0 && sent != UV_EAGAIN) {
		conn_doom(c, false);
		return;
	}
	size_t done = sent > 0 ? (size_t)sent : 0;
	if (done < n) write_later(k, p + done, n - done);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	struct sock *k = h->data;
	struct net_shard *s = k->conn.shard;
	(void)hint;
	/* libuv reads again as long as reads are full: a client that sends much would hold the others up
	 * for a millisecond. Without a buffer it leaves the rest to the next turn. */
	bool again = k->read_in == s->turn;
	k->read_in = s->turn;
	*b = uv_buf_init(again ? NULL : s->read, again ? 0 : SHARD_READ);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct sock *k = stream->data;
	if (n > 0) {
		conn_input(&k->conn, b->base, (size_t)n);
	} else if (n == UV_EOF) {
		conn_eof(&k->conn);
	} else if (n < 0 && n != UV_ENOBUFS) {
		conn_doom(&k->conn, true);
		conn_flush(&k->conn);
	}
}

static void sock_read(struct conn *c, bool on)
{
	struct sock *k = sock_of(c);
	if (uv_is_closing((uv_handle_t *)&k->uv)) return;
	if (on)
		uv_read_start((uv_stream_t *)&k->uv, on_alloc, on_read);
	else
		uv_read_stop((uv_stream_t *)&k->uv);
}

static void on_shut(uv_shutdown_t *req, int status)
{
	(void)req;
	(void)status; /* the wait for the peer's FIN ends the connection in either case */
}

static void sock_shut(struct conn *c)
{
	struct sock *k = sock_of(c);
	if (uv_shutdown(&k->shutdown, (uv_stream_t *)&k->uv, on_shut)) conn_doom(c, true);
}

static size_t sock_waiting(const struct conn *c)
{
	const struct sock *k = (const struct sock *)(const void *)c;
	return uv_stream_get_write_queue_size((const uv_stream_t *)&k->uv);
}

static void on_closed(uv_handle_t *h)
{
	struct sock *k = h->data;
	struct net_shard *s = k->conn.shard;
	free(k->rest);
	free(k);
	socket_room(s);
}

static void sock_end(struct conn *c, bool reset)
{
	struct sock *k = sock_of(c);
	/* a reset is refused while a shutdown is under way: then the plain close must do */
	if (!reset || uv_tcp_close_reset(&k->uv, on_closed)) uv_close((uv_handle_t *)&k->uv, on_closed);
}

static const struct conn_carrier carrier = {sock_write, sock_read, sock_shut, sock_end, sock_waiting};

/* ---- listeners --------------------------------------------------------------------------- */

static enum err address_of(const struct net_listener *l, struct sockaddr_storage *a, socklen_t *n,
			   struct flaw *f)
{
	*a = (struct sockaddr_storage){0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
	if (inet_pton(AF_INET, l->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(l->port);
		*n = sizeof *v4;
	} else if (inet_pton(AF_INET6, l->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(l->port);
		*n = sizeof *v6;
	} else {
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, l->host, "address",
				"a listener needs an address, not a name");
	}
	return ERR_OK;
}

static enum err bind_failed(const struct net_listener *l, int fd, struct flaw *f)
{
	int why = errno;
	if (fd >= 0) close(fd);
	return flaw_set(f, why == EADDRINUSE ? ERR_EXISTS : ERR_IO, FLAW_NO_OFFSET, l->host, "listen",
			"cannot listen on %s port %u: %s", l->host, (unsigned)l->port, strerror(why));
}

static enum err bind_at(const struct net_listener *l, const struct sockaddr_storage *a, socklen_t n,
			bool shared, struct flaw *f, int *ret_fd)
{
	int one = 1, fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return bind_failed(l, fd, f);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	if (a->ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)a, n)) return bind_failed(l, fd, f);
	*ret_fd = fd;
	return ERR_OK;
}

enum err net_vacant(const struct net_listener *l, struct flaw *f)
{
	struct sockaddr_storage a;
	socklen_t n;
	int fd;
	enum err e = address_of(l, &a, &n, f);
	if (!e) e = bind_at(l, &a, n, false, f, &fd);
	if (!e) close(fd);
	return e;
}

enum err socket_bind(const struct net_listener *l, uint16_t *port, struct flaw *f, int *ret_fd)
{
	struct net_listener at = *l;
	struct sockaddr_storage a;
	socklen_t n;
	int fd;
	at.port = *port;
	enum err e = address_of(&at, &a, &n, f);
	/* every shard has its own queue of connections on the same port */
	if (!e) e = bind_at(&at, &a, n, true, f, &fd);
	if (e) return e;
	if (getsockname(fd, (struct sockaddr *)&a, &n)) return bind_failed(&at, fd, f);
	*port = ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
					     : ((struct sockaddr_in6 *)&a)->sin6_port);
	*ret_fd = fd;
	return ERR_OK;
}

static void peer_name(struct conn *c, const uv_tcp_t *uv)
{
	struct sockaddr_storage a;
	int n = sizeof a;
	char text[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;
	if (uv_tcp_getpeername(uv, (struct sockaddr *)&a, &n) == 0) {
		bool v4 = a.ss_family == AF_INET;
		const void *ip = v4 ? (void *)&((struct sockaddr_in *)&a)->sin_addr
				    : (void *)&((struct sockaddr_in6 *)&a)->sin6_addr;
		inet_ntop(a.ss_family, ip, text, sizeof text);
		port = ntohs(v4 ? ((struct sockaddr_in *)&a)->sin_port
				: ((struct sockaddr_in6 *)&a)->sin6_port);
	}
	const char *form = strchr(text, ':') ? "[%s]:%u" : "%s:%u";
	c->peer_n = (unsigned char)snprintf(c->peer, sizeof c->peer, form, text, port);
}

static void on_dropped(uv_handle_t *h)
{
	free(h);
}

static void drop_accepted(struct listener *l)
{
	/* no memory for it: take it off the queue all the same, else the loop spins */
	uv_tcp_t *uv = malloc(sizeof *uv);
	if (!uv) return;
	uv_tcp_init(&l->shard->loop, uv);
	if (uv_accept((uv_stream_t *)&l->uv, (uv_stream_t *)uv) == 0)
		uv_close((uv_handle_t *)uv, on_dropped);
}

static struct sock *sock_new(struct listener *l)
{
	struct sock *k = calloc(1, sizeof *k);
	if (!k) return NULL;
	uv_tcp_init(&l->shard->loop, &k->uv);
	k->uv.data = k->write.data = k;
	k->conn.carrier = &carrier;
	return k;
}

static void sock_begin(struct listener *l, struct sock *k)
{
	struct tls *tls = NULL;
	uv_tcp_nodelay(&k->uv, 1);
	peer_name(&k->conn, &k->uv);
	bool failed = l->tls && tls_new(l->tls, &l->shard->sealed, &tls);
	conn_open(&k->conn, l->shard, tls);
	if (failed) {
		conn_doom(&k->conn, true);
		return;
	}
	sock_read(&k->conn, true);
}

static void accept_one(struct listener *l)
{
	struct sock *k = sock_new(l);
	if (!k) {
		drop_accepted(l);
		return;
	}
	if (uv_accept((uv_stream_t *)&l->uv, (uv_stream_t *)&k->uv)) {
		k->conn.shard = l->shard;
		uv_close((uv_handle_t *)&k->uv, on_closed);
		return;
	}
	sock_begin(l, k);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;
	if (status < 0) return; /* no descriptor: libuv has shed the queue */
	if (l->shard->conns_n >= l->shard->options->connections_max) {
		l->held = true;
		return;
	}
	accept_one(l);
}

enum err socket_listen(struct listener *l)
{
	if (uv_tcp_init(&l->shard->loop, &l->uv)) return ERR_IO;
	l->uv.data = l;
	if (uv_tcp_open(&l->uv, l->fd)) return ERR_IO;
	l->fd = -1;
	return uv_listen((uv_stream_t *)&l->uv, SOCKET_BACKLOG, on_connection) ? ERR_IO : ERR_OK;
}

void socket_room(struct net_shard *s)
{
	for (size_t i = 0; i < s->listeners_n; i++) {
		struct listener *l = &s->listeners[i];
		if (!l->held || l->closed || s->conns_n >= s->options->connections_max) continue;
		l->held = false;
		accept_one(l);
	}
}

/* Connections the kernel has completed already would be reset by closing the listener. */
static void accept_rest(struct listener *l)
{
	uv_os_fd_t fd;
	if (uv_fileno((uv_handle_t *)&l->uv, &fd)) return;
	for (unsigned i = 0; i < SOCKET_BACKLOG; i++) {
		int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (got < 0) return;
		struct sock *k = sock_new(l);
		if (!k || uv_tcp_open(&k->uv, got)) {
			close(got);
			if (k) uv_close((uv_handle_t *)&k->uv, on_closed);
			continue;
		}
		sock_begin(l, k);
	}
}

void socket_unlisten(struct listener *l)
{
	if (l->closed) return;
	l->closed = true;
	if (l->held) accept_one(l);
	accept_rest(l);
	uv_close((uv_handle_t *)&l->uv, NULL);
}
