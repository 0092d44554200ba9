#include "tests/net/answering.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 64 * 1024 };

struct talk {
	struct answering *s;
	int fd;
	char in[HEAD_MAX];
	size_t n;
};

static bool peer_say(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0) return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* Waits for octets; false when the peer has gone or the server stops. */
static bool hear(struct talk *t)
{
	struct pollfd p = {t->fd, POLLIN, 0};
	while (!t->s->stopping) {
		if (poll(&p, 1, 20) <= 0) continue;
		ssize_t k = recv(t->fd, t->in + t->n, sizeof t->in - t->n, 0);
		if (k <= 0) return false;
		t->n += (size_t)k;
		return true;
	}
	return false;
}

static void until_gone(struct talk *t)
{
	while (hear(t)) t->n = 0;
}

static bool answer(struct talk *t, int status, const char *more, const char *body, size_t n)
{
	char head[256];
	int k = snprintf(head, sizeof head,
			 "HTTP/1.1 %d X\r\ncontent-type: text/plain\r\n%scontent-length: %zu\r\n\r\n",
			 status, more, n);
	return peer_say(t->fd, head, (size_t)k) && peer_say(t->fd, body, n);
}

static bool answer_big(struct talk *t, size_t n)
{
	char *body = malloc(n + 1);
	memset(body, 'b', n);
	bool ok = answer(t, 200, "", body, n);
	free(body);
	return ok;
}

static bool answer_chunks(struct talk *t, int n)
{
	static const char head[] = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
	bool ok = peer_say(t->fd, head, sizeof head - 1);
	for (int i = 0; ok && i < n && !t->s->stopping; i++) {
		ok = peer_say(t->fd, "a\r\n0123456789\r\n", 15);
		usleep(20000);
	}
	return ok && peer_say(t->fd, "0\r\n\r\n", 5);
}

/* False: the connection ends. */
static bool act(struct talk *t, struct str whole, const char *path)
{
	static const char partial[] = "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n0123456789";
	int n = 0;
	t->s->requests++;
	if (sscanf(path, "/status/%d", &n) == 1) return answer(t, n, "retry-after: 0\r\n", "no", 2);
	if (sscanf(path, "/big/%d", &n) == 1) return answer_big(t, (size_t)n);
	if (sscanf(path, "/chunks/%d", &n) == 1) return answer_chunks(t, n);
	if (!strcmp(path, "/flaky") && t->s->flaky-- > 0) return answer(t, 503, "", "later", 5);
	if (!strcmp(path, "/wait-retry")) return answer(t, 503, "retry-after: 3000\r\n", "later", 5);
	if (!strcmp(path, "/redirect")) return answer(t, 302, "location: /echo\r\n", "", 0);
	if (!strcmp(path, "/drop")) return false;
	if (!strcmp(path, "/silent")) return until_gone(t), false;
	if (!strcmp(path, "/short")) return peer_say(t->fd, partial, sizeof partial - 1), false;
	if (!strcmp(path, "/stall"))
		return peer_say(t->fd, partial, sizeof partial - 1), until_gone(t), false;
	if (!strcmp(path, "/interim") && !peer_say(t->fd, "HTTP/1.1 103 X\r\nlocation: /no\r\n\r\n", 33))
		return false;
	return answer(t, 200, "", whole.p, whole.n);
}

/* Takes one whole request off t->in. False when the connection ends. */
static bool serve_one(struct talk *t)
{
	char *end, path[256] = "";
	size_t length = 0;
	t->in[t->n] = 0;
	while (!(end = strstr(t->in, "\r\n\r\n"))) {
		if (!hear(t)) return false;
		t->in[t->n] = 0;
	}
	size_t head = (size_t)(end - t->in) + 4;
	char *field = strcasestr(t->in, "\r\ncontent-length:");
	if (field && field < end) length = (size_t)strtoul(field + 17, NULL, 10);
	sscanf(t->in, "%*s %255s", path);
	while (t->n < head + length)
		if (!hear(t)) return false;
	if (!act(t, str_n(t->in, head + length), path)) return false;
	memmove(t->in, t->in + head + length, t->n - head - length);
	t->n -= head + length;
	return true;
}

static void *talk(void *arg)
{
	struct talk *t = arg;
	struct answering *s = t->s;
	while (serve_one(t)) {
	}
	close(t->fd);
	free(t);
	s->open--;
	return NULL;
}

static void accept_one(struct answering *s)
{
	pthread_t thread;
	struct talk *t = calloc(1, sizeof *t);
	t->s = s;
	t->fd = accept(s->fd, NULL, NULL);
	must(t->fd >= 0 && setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0);
	s->connections++;
	int open = ++s->open;
	if (open > s->connections_most) s->connections_most = open;
	must(pthread_create(&thread, NULL, talk, t) == 0);
	pthread_detach(thread);
}

static void *listen_on(void *arg)
{
	struct answering *s = arg;
	struct pollfd p = {s->fd, POLLIN, 0};
	while (!s->stopping)
		if (poll(&p, 1, 20) > 0) accept_one(s);
	return NULL;
}

void answering_start(struct answering *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	pthread_t thread;
	memset(s, 0, sizeof *s);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&a, n) == 0 && listen(s->fd, 512) == 0);
	must(getsockname(s->fd, (struct sockaddr *)&a, &n) == 0);
	s->port = ntohs(a.sin_port);
	must(pthread_create(&thread, NULL, listen_on, s) == 0);
	s->thread = thread;
}

void answering_stop(struct answering *s)
{
	s->stopping = true;
	pthread_join(s->thread, NULL);
	while (s->open) usleep(1000);
	close(s->fd);
}
