#include "tests/net/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture x;

static int start(void **state)
{
	(void)state;
	fixture_start(&x, NULL, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&x, USEC_PER_SEC);
	return 0;
}

/* ---- what must be refused -------------------------------------------------------------------- */

struct attack {
	const char *name, *request;
	int status;
	const char *rule;
};

/* Every one must be answered once with the status, and the connection closed: an octet that one
 * server takes for the end of a request and another for its middle is how requests are smuggled. */
static const struct attack attacks[] = {
    {"CL and TE",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n",
     400, ""},
    {"TE and CL",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
     "4\r\n\r\n0\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n",
     400, ""},
    {"two lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
     400, ""},
    {"the same length twice",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400, ""},
    {"a list of lengths", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd", 400, ""},
    {"signed length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", 400, ""},
    {"length with blank", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4 4\r\n\r\nabcd", 400, ""},
    {"huge length", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400,
     ""},
    {"unknown coding", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
     400, ""},
    {"two codings", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     400, ""},
    {"coding twice",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     400, ""},
    {"identity", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400, ""},
    {"coding in 1.0", "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     ""},
    {"blank before colon", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     400, "field-name"},
    {"blank in name", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "field-name"},
    {"folded", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400,
     "folded-line"},
    {"bare LF", "GET /fixed HTTP/1.1\nHost: a\n\n", 400, "line-ending"},
    {"bare LF in fields", "GET /fixed HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, "line-ending"},
    {"bare CR", "GET /fixed HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, "control-character"},
    {"NUL-like control", "GET /fixed HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400, "control-character"},
    {"bad chunk size",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400,
     "chunk"},
    {"chunk with bare LF",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400,
     "chunk"},
    {"chunk ends late",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400,
     "chunk"},
    {"no host", "GET /fixed HTTP/1.1\r\n\r\n", 400, "host-missing"},
    {"two hosts", "GET /fixed HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "two-hosts"},
    {"host differs from target", "GET http://a/fixed HTTP/1.1\r\nHost: b\r\n\r\n", 400,
     "authority-mismatch"},
    {"host with path", "GET /fixed HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "authority"},
    {"user in host", "GET /fixed HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "authority"},
    {"fragment", "GET /fixed#x HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment"},
    {"no slash", "GET fixed HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
    {"version 2.0", "GET /fixed HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version"},
    {"version 1.2", "GET /fixed HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version"},
    {"version 0.9", "GET /fixed\r\n\r\n", 400, ""},
    {"TLS on the clear port", "\x16\x03\x01\x02\x01\x01\n\n", 400, ""},
    {"half a preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 505, "version"},
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
		const struct attack *t = &attacks[i];
		struct buf all = BUF_INIT(100000);
		uint64_t handled = seen.handled;
		char want[40], rule[80];
		exchange(x.port, t->request, &all);
		buf_byte(&all, 0);
		snprintf(want, sizeof want, "HTTP/1.1 %d ", t->status);
		snprintf(rule, sizeof rule, "\"rule\":\"%s", t->rule);
		if (strncmp(all.p, want, strlen(want)) != 0 || !strstr(all.p, rule) ||
		    strstr(all.p, "\nHTTP/1.1 ") || !strstr(all.p, "Connection: close"))
			fail_msg("%s: %s", t->name, all.p);
		if (seen.handled != handled) fail_msg("%s reached a handler", t->name);
		buf_done(&all);
	}
}

static void refuse_long(const char *before, size_t n, const char *after, int status)
{
	struct buf b = BUF_INIT(1 << 20);
	int fd = dial(x.port);
	struct answer_h1 a;
	buf_add(&b, str_of(before));
	for (size_t i = 0; i < n; i++) buf_byte(&b, 'a');
	buf_add(&b, str_of(after));
	peer_say(fd, buf_str(&b));
	assert_int_equal(hear_answer(fd, &a), status);
	answer_done(&a);
	close(fd);
	buf_done(&b);
}

static void lengths_are_limited(void **state)
{
	(void)state;
	refuse_long("GET /show?", 8000, " HTTP/1.1\r\nHost: a\r\n\r\n", 200);
	refuse_long("GET /show?", 8300, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
	refuse_long("GET /", 100000, "", 414);
	refuse_long("GET /show HTTP/1.1\r\nHost: a\r\nX: ", 15000, "\r\n\r\n", 200);
	refuse_long("GET /show HTTP/1.1\r\nHost: a\r\nX: ", 17000, "\r\n\r\n", 431);
	refuse_long("GET /show HTTP/1.1\r\nHost: a\r\nX: ", 100000, "", 431);
	refuse_long("GET /show HTTP/1.1\r\nHost: a\r\n", 200, ": x\r\n\r\n", 431);
	/* many short ones */
	struct buf b = BUF_INIT(1 << 20);
	for (int i = 0; i < 1000; i++) buf_add(&b, STR("A: b\r\n"));
	buf_byte(&b, 0);
	char *head = malloc(b.n + 100);
	snprintf(head, b.n + 100, "GET /show HTTP/1.1\r\nHost: a\r\n%s\r\n", b.p);
	refuse_long(head, 0, "", 431);
	free(head);
	buf_done(&b);
}

/* ---- what must work --------------------------------------------------------------------------- */

static int ask(int fd, const char *request, struct answer_h1 *a)
{
	say_z(fd, request);
	return hear_answer(fd, a);
}

static void keeps_alive(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n", &a), 200);
		assert_true(str_is(buf_str(&a.body), "fixed"));
		assert_false(a.closed);
		answer_done(&a);
	}
	assert_int_equal(ask(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", &a),
			 200);
	assert_true(a.closed);
	answer_done(&a);
	struct buf rest = BUF_INIT(10);
	assert_true(hear_all(fd, &rest));
	assert_int_equal(rest.n, 0);
	close(fd);
	/* HTTP/1.0 closes unless asked to stay */
	fd = dial(x.port);
	assert_int_equal(ask(fd, "GET /fixed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &a), 200);
	assert_true(head_has(&a, "Connection: keep-alive"));
	answer_done(&a);
	assert_int_equal(ask(fd, "GET /fixed HTTP/1.0\r\n\r\n", &a), 200);
	assert_true(a.closed);
	answer_done(&a);
	close(fd);
}

static void shows_the_request(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	assert_int_equal(
	    ask(fd,
		"\r\nGET http://Node.example:80/show/a%20b/x/c/d%2Fe/?q=%E5%8B%98+1&z HTTP/1.1\r\n"
		"Host: node.EXAMPLE:80\r\nUser-Agent:  me \r\nAccept: text/html;q=0.5, */*;q=0.25\r\n"
		"X-Request-Id: mine-1.2\r\n\r\n",
		&a),
	    200);
	buf_byte(&a.body, 0);
	assert_non_null(strstr(a.body.p, "path=/show/a%20b/x/c/d%2Fe/\nquery=q=%E5%8B%98+1&z\nq=勘+1\n"));
	assert_non_null(strstr(a.body.p, "authority=Node.example:80\nscheme=http\nagent=me\n"));
	assert_non_null(strstr(a.body.p, "first=a%20b\nsecond=c/d%2Fe/\nctx=context\nh2=0\ntls=0\n"));
	assert_non_null(strstr(a.body.p, "json=250\nhtml=500\n"));
	assert_true(head_has(&a, "X-Request-Id: mine-1.2"));
	/* a value cannot open a line of its own */
	assert_true(head_has(&a, "x-evil: a  x-injected: yes"));
	answer_done(&a);
	assert_int_equal(ask(fd, "GET /show HTTP/1.1\r\nHost: a\r\nX-Request-Id: not proper\r\n\r\n", &a),
			 200);
	buf_byte(&a.head, 0);
	assert_null(strstr(a.head.p, "not proper"));
	answer_done(&a);
	close(fd);
}

static void serves_methods(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	say_z(fd, "HEAD /fixed HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\n");
	struct buf all = BUF_INIT(100000);
	while (!all.n || !memmem(all.p, all.n, "}\n", 2)) {
		char piece[1000];
		ssize_t n = recv(fd, piece, sizeof piece, 0);
		assert_true(n > 0);
		buf_add(&all, str_n(piece, (size_t)n));
	}
	buf_byte(&all, 0);
	assert_non_null(strstr(all.p, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(all.p, "Content-Length: 5\r\n"));
	/* no body: the next answer begins right after the empty line */
	assert_non_null(strstr(all.p, "\r\n\r\nHTTP/1.1 404 Not Found\r\n"));
	assert_non_null(
	    strstr(all.p, "\"status\":404,\"detail\":\"nothing is served at /nope\",\"request_id\":\""));
	buf_done(&all);
	assert_int_equal(ask(fd, "GET /both/1 HTTP/1.1\r\nHost: a\r\n\r\n", &a), 405);
	assert_true(head_has(&a, "allow: PUT, DELETE, OPTIONS"));
	assert_true(head_has(&a, "Content-Type: application/problem+json"));
	answer_done(&a);
	assert_int_equal(ask(fd, "OPTIONS /fixed HTTP/1.1\r\nHost: a\r\n\r\n", &a), 204);
	assert_true(head_has(&a, "allow: GET, HEAD, OPTIONS"));
	answer_done(&a);
	assert_int_equal(ask(fd, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &a), 204);
	answer_done(&a);
	assert_int_equal(ask(fd, "PROPFIND /fixed HTTP/1.1\r\nHost: a\r\n\r\n", &a), 405);
	answer_done(&a);
	/* RFC 9113 3.1: the Upgrade of RFC 7540 is gone; it is ignored */
	assert_int_equal(
	    ask(fd,
		"GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		&a),
	    200);
	answer_done(&a);
	assert_int_equal(
	    ask(fd, "GET /nope HTTP/1.1\r\nHost: a\r\nAccept-Language: en;q=0.5, zh-CN\r\n\r\n", &a), 404);
	buf_byte(&a.body, 0);
	assert_non_null(strstr(a.body.p, "\"title\":\"未找到\""));
	answer_done(&a);
	close(fd);
}

static void takes_bodies(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	assert_int_equal(
	    ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", &a), 200);
	assert_true(str_is(buf_str(&a.body), "hello world"));
	answer_done(&a);
	assert_int_equal(ask(fd,
			     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
			     "5\r\nhello\r\n6;ext\r\n world\r\n0\r\nTrailer: x\r\n\r\n",
			     &a),
			 200);
	assert_true(str_is(buf_str(&a.body), "hello world"));
	answer_done(&a);
	assert_int_equal(ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &a), 200);
	assert_int_equal(a.body.n, 0);
	answer_done(&a);
	/* octet by octet */
	static const char slow[] =
	    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	for (size_t i = 0; i < sizeof slow - 1; i++) peer_say(fd, str_n(slow + i, 1));
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "abc"));
	answer_done(&a);
	close(fd);
}

static void continues(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	say_z(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 100);
	answer_done(&a);
	assert_int_equal(ask(fd, "abc", &a), 200);
	answer_done(&a);
	/* refused before the body is sent */
	say_z(fd, "POST /guarded HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 401);
	assert_true(a.closed);
	assert_true(head_has(&a, "www-authenticate: Bearer"));
	answer_done(&a);
	close(fd);
}

static void limits_bodies(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	/* told beforehand: refused before an octet is read */
	assert_int_equal(ask(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", &a),
			 413);
	assert_true(a.closed);
	answer_done(&a);
	close(fd);
	fd = dial(x.port);
	assert_int_equal(ask(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", &a), 413);
	answer_done(&a);
	close(fd);
	/* found out on the way */
	fd = dial(x.port);
	say_z(fd, "PUT /both/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++) say_z(fd, "28\r\n0123456789012345678901234567890123456789\r\n");
	assert_int_equal(hear_answer(fd, &a), 413);
	answer_done(&a);
	close(fd);
}

static void pipelines(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	int fd = dial(x.port);
	struct answer_h1 a;
	pid_t child = fork(); /* the sender: it blocks when the server stops reading */
	if (child == 0) {
		for (int i = 0; i < MANY; i++) say_z(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
		say_z(fd,
		      "GET /hold?ms=5 HTTP/1.1\r\nHost: a\r\n\r\nGET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
		_exit(0);
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(hear_answer(fd, &a), 200);
		answer_done(&a);
	}
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "at last"));
	answer_done(&a);
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "fixed"));
	answer_done(&a);
	close(fd);
}

/* ---- slowness ----------------------------------------------------------------------------------- */

/* A server with less patience than the others', which a busy machine must not try. */
static int start_impatient(void **state)
{
	(void)state;
	struct net_options o = {.header_timeout = USEC_PER_SEC,
				.idle_timeout = 2 * USEC_PER_SEC,
				.stall_timeout = USEC_PER_SEC};
	fixture_start(&x, &o, 0);
	return 0;
}

static void times_out(void **state)
{
	(void)state;
	static const char *const table[] = {
	    "", /* says nothing */
	    "GET /fixed HT",
	    "GET /fixed HTTP/1.1\r\nHost: a\r\n",
	    "PRI * HTTP/2.0\r\n\r\nS",
	    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
	    "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
	    "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n" /* then idle */};
	struct net_stat before, after;
	net_server_stat(x.server, &before);
	uint64_t gone = seen.gone;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf all = BUF_INIT(10000);
		int fd = dial(x.port);
		say_z(fd, table[i]);
		hear_all(fd, &all); /* fails if it does not end */
		close(fd);
		buf_done(&all);
	}
	net_server_stat(x.server, &after);
	assert_int_equal(after.timeouts - before.timeouts, 6);
	assert_int_equal(seen.gone - gone, 1);
}

static void trickled_header_times_out(void **state)
{
	(void)state;
	int fd = dial(x.port);
	char piece;
	bool ended = false;
	say_z(fd, "GET /fixed HTTP/1.1\r\n");
	/* an octet every 20 ms never looks idle, and must not help */
	struct timeval t = {.tv_usec = 20000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	for (int i = 0; i < 1000 && !ended; i++) {
		ended = recv(fd, &piece, 1, 0) >= 0 || (errno != EAGAIN && errno != EINTR);
		if (!ended) ended = send(fd, "X", 1, MSG_NOSIGNAL) < 0;
	}
	assert_true(ended);
	close(fd);
}

static void held_clients_may_leave(void **state)
{
	(void)state;
	uint64_t handled = seen.handled, gone = seen.gone;
	int fd = dial(x.port);
	say_z(fd, "GET /hold?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n");
	await(&seen.handled, handled + 1);
	assert_int_equal(seen.gone, gone);
	close(fd);
	await(&seen.gone, gone + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses),        cmocka_unit_test(lengths_are_limited),
	    cmocka_unit_test(keeps_alive),    cmocka_unit_test(shows_the_request),
	    cmocka_unit_test(serves_methods), cmocka_unit_test(takes_bodies),
	    cmocka_unit_test(continues),      cmocka_unit_test(limits_bodies),
	    cmocka_unit_test(pipelines),      cmocka_unit_test(held_clients_may_leave),
	};
	const struct CMUnitTest slow[] = {
	    cmocka_unit_test(times_out),
	    cmocka_unit_test(trickled_header_times_out),
	};
	return cmocka_run_group_tests(tests, start, stop) +
	       cmocka_run_group_tests(slow, start_impatient, stop);
}
