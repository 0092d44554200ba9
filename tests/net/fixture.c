#include "tests/net/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/net/fixture_routes.h"

enum { WAIT_SECONDS = 60 };

static enum err on_start(void *ctx, struct net_shard *s)
{
	(void)ctx;
	net_shard_set(s, 3, &seen);
	atomic_fetch_add(&seen.starts, 1);
	return ERR_OK;
}

static void on_stop(void *ctx, struct net_shard *s)
{
	(void)ctx;
	assert_ptr_equal(net_shard_get(s, 3), &seen);
	atomic_fetch_add(&seen.stops, 1);
}

static void on_turn(void *ctx, struct net_shard *s)
{
	(void)ctx;
	(void)s;
	atomic_fetch_add(&seen.turns, 1);
}

static void on_idle(void *ctx, struct net_shard *s)
{
	(void)ctx;
	(void)s;
	atomic_fetch_add(&seen.idles, 1);
}

/* Lets in who says "let me". */
static enum err on_guard(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx;
	if (str_is(net_header(r, "authorization"), "let me")) return ERR_OK;
	net_set(r, "www-authenticate", STR("Bearer"));
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "token", "say: let me");
}

int run_program(const char *const *argv, struct buf *out)
{
	int fds[2], status;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(child > 0);
	close(fds[1]);
	char piece[4096];
	for (ssize_t n; (n = read(fds[0], piece, sizeof piece)) > 0;)
		if (out) buf_add(out, str_n(piece, (size_t)n));
	close(fds[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void openssl(const char *folder, const char *const *args)
{
	char at[80];
	snprintf(at, sizeof at, "%s", folder);
	const char *argv[32] = {"env", "-C", at, "openssl"};
	size_t n = 4;
	for (; args[n - 4]; n++) argv[n] = args[n - 4];
	struct buf out = BUF_INIT(1 << 20);
	if (run_program(argv, &out)) fail_msg("openssl: %.*s", STR_ARG(buf_str(&out)));
	buf_done(&out);
}

void make_certificates(const char *folder)
{
	openssl(folder, (const char *[]){"req", "-x509", "-newkey", "ec", "-pkeyopt",
					 "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
					 "ca.pem", "-days", "30", "-subj", "/CN=test authority", NULL});
	openssl(folder, (const char *[]){"req",
					 "-x509",
					 "-CA",
					 "ca.pem",
					 "-CAkey",
					 "ca.key",
					 "-newkey",
					 "ec",
					 "-pkeyopt",
					 "ec_paramgen_curve:P-256",
					 "-nodes",
					 "-keyout",
					 "node.key",
					 "-out",
					 "node.pem",
					 "-days",
					 "30",
					 "-subj",
					 "/CN=localhost",
					 "-addext",
					 "subjectAltName=IP:127.0.0.1,DNS:localhost",
					 "-addext",
					 "basicConstraints=critical,CA:false",
					 NULL});
	openssl(folder, (const char *[]){"req",
					 "-x509",
					 "-CA",
					 "ca.pem",
					 "-CAkey",
					 "ca.key",
					 "-newkey",
					 "ec",
					 "-pkeyopt",
					 "ec_paramgen_curve:P-256",
					 "-nodes",
					 "-keyout",
					 "client.key",
					 "-out",
					 "client.pem",
					 "-days",
					 "30",
					 "-subj",
					 "/CN=client",
					 "-addext",
					 "basicConstraints=critical,CA:false",
					 NULL});
	openssl(folder,
		(const char *[]){"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
				 "-nodes", "-keyout", "stranger.key", "-out", "stranger.pem", "-days", "30",
				 "-subj", "/CN=stranger", NULL});
	char path[100];
	snprintf(path, sizeof path, "%s/node.key", folder);
	assert_int_equal(chmod_600(path), 0);
}

void fixture_start(struct fixture *x, const struct net_options *given, unsigned flags)
{
	*x = (struct fixture){0};
	memset(&seen, 0, sizeof seen);
	struct net_options o = given ? *given : (struct net_options){0};
	struct net_listener listeners[2] = {{"127.0.0.1", 0, false}, {"127.0.0.1", 0, true}};
	char pem[100], key[100], ca[100];
	snprintf(x->folder, sizeof x->folder, "/tmp/kanhe-net-XXXXXX");
	assert_non_null(mkdtemp(x->folder));
	snprintf(pem, sizeof pem, "%s/node.pem", x->folder);
	snprintf(key, sizeof key, "%s/node.key", x->folder);
	snprintf(ca, sizeof ca, "%s/ca.pem", x->folder);
	if (flags & FIXTURE_TLS) {
		make_certificates(x->folder);
		o.tls = (struct net_tls_options){pem, key, flags & FIXTURE_CLIENT_CA ? ca : NULL};
	}
	o.listeners = listeners;
	o.listeners_n = flags & FIXTURE_TLS ? 2 : 1;
	if (!o.shards) o.shards = 1;
	o.routes = &fixture_routes;
	o.routes_n = 1;
	o.hooks = (struct net_hooks){NULL, on_start, on_turn, on_idle, on_stop, on_guard};
	struct flaw f = {0};
	if (net_server_start(&o, &f, &x->server)) fail_msg("start: %s", f.text);
	x->port = net_server_port(x->server, 0);
	if (flags & FIXTURE_TLS) x->tls_port = net_server_port(x->server, 1);
}

void fixture_stop(struct fixture *x, usec_t grace)
{
	net_server_stop(x->server, grace);
	assert_int_equal(run_program((const char *[]){"rm", "-r", x->folder, NULL}, NULL), 0);
}

/* ---- plain sockets ------------------------------------------------------------------------ */

int dial(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	assert_true(fd >= 0);
	struct timeval t = {.tv_sec = WAIT_SECONDS};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

void peer_say(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		/* a server that has refused and closed already is the test's to judge */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
		assert_true(n > 0);
		s = str_skip(s, (size_t)n);
	}
}

void say_z(int fd, const char *z)
{
	peer_say(fd, str_of(z));
}

bool hear_all(int fd, struct buf *b)
{
	char piece[16384];
	for (;;) {
		ssize_t n = recv(fd, piece, sizeof piece, 0);
		if (n == 0) return true;
		if (n < 0) {
			if (errno == EAGAIN) fail_msg("the server neither answers nor closes");
			return false;
		}
		buf_add(b, str_n(piece, (size_t)n));
	}
}

void exchange(uint16_t port, const char *request, struct buf *all)
{
	int fd = dial(port);
	say_z(fd, request);
	hear_all(fd, all);
	close(fd);
}

static bool hear_some(int fd, struct buf *b, size_t most)
{
	char piece[16384];
	ssize_t n = recv(fd, piece, most < sizeof piece ? most : sizeof piece, 0);
	if (n < 0 && errno == EAGAIN) fail_msg("no answer within %d s", WAIT_SECONDS);
	if (n > 0) buf_add(b, str_n(piece, (size_t)n));
	return n > 0;
}

static bool hear_line(int fd, struct buf *line)
{
	buf_clear(line);
	while (line->n < 2 || memcmp(line->p + line->n - 2, "\r\n", 2) != 0)
		if (!hear_some(fd, line, 1)) return false;
	line->n -= 2;
	return true;
}

static bool hear_n(int fd, struct buf *b, size_t n)
{
	for (size_t end = b->n + n; b->n < end;)
		if (!hear_some(fd, b, end - b->n)) return false;
	return true;
}

static bool hear_chunks(int fd, struct buf *body)
{
	struct buf line = BUF_INIT(100), crlf = BUF_INIT(2);
	bool ok = true;
	for (size_t n = 1; ok && n;) {
		ok = hear_line(fd, &line);
		buf_byte(&line, 0);
		n = ok ? strtoul(line.p, NULL, 16) : 0;
		ok = ok && hear_n(fd, body, n);
		buf_clear(&crlf);
		ok = ok && hear_n(fd, &crlf, 2) && memcmp(crlf.p, "\r\n", 2) == 0;
	}
	buf_done(&line);
	buf_done(&crlf);
	return ok;
}

bool head_has(const struct answer_h1 *a, const char *line)
{
	struct str left = buf_str(&a->head), part;
	while (str_split(&left, '\n', &part))
		if (str_is(part, line)) return true;
	return false;
}

void answer_done(struct answer_h1 *a)
{
	buf_done(&a->head);
	buf_done(&a->body);
}

int hear_answer(int fd, struct answer_h1 *a)
{
	struct buf line = BUF_INIT(70000);
	uint64_t length = UINT64_MAX;
	bool ok, chunked = false;
	*a = (struct answer_h1){.head = BUF_INIT(1 << 20), .body = BUF_INIT(64 << 20)};
	while ((ok = hear_line(fd, &line)) && line.n) {
		buf_add(&a->head, buf_str(&line));
		buf_byte(&a->head, '\n');
		struct str s = buf_str(&line);
		if (str_starts(s, STR("HTTP/1.1 ")) && s.n > 12)
			a->status = (s.p[9] - '0') * 100 + (s.p[10] - '0') * 10 + s.p[11] - '0';
		if (str_starts(s, STR("Content-Length: ")))
			assert_int_equal(str_u64(str_skip(s, 16), &length), ERR_OK);
		if (str_is(s, "Transfer-Encoding: chunked")) chunked = true;
		if (str_is(s, "Connection: close")) a->closed = true;
	}
	buf_done(&line);
	if (ok && a->status >= 200) {
		if (chunked)
			ok = hear_chunks(fd, &a->body);
		else if (length != UINT64_MAX)
			ok = hear_n(fd, &a->body, length);
		else if (a->status != 204)
			hear_all(fd, &a->body);
	}
	return ok ? a->status : 0;
}

void await(_Atomic uint64_t *v, uint64_t n)
{
	usec_t end = clock_mono() + WAIT_SECONDS * USEC_PER_SEC;
	while (atomic_load(v) < n) {
		if (clock_mono() > end)
			fail_msg("waited in vain: %llu of %llu", (unsigned long long)atomic_load(v),
				 (unsigned long long)n);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}
