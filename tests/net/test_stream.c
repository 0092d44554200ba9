/* Bodies that stream, both ways and over both protocols: whole, slow, cut, paused. */
#include "tests/net/h2_client.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { INTERNAL = 2, CANCEL = 8 };

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

static void assert_counted(struct str s, size_t n)
{
	assert_int_equal(s.n, n);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s.p[i] != i % 251) fail_msg("octet %zu", i);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void out_h1(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		size_t n;
	} table[] = {
	    {"GET /stream?n=3000000 HTTP/1.1\r\nHost: a\r\n\r\n", 3000000},
	    {"GET /stream?n=3000000&length=1 HTTP/1.1\r\nHost: a\r\n\r\n", 3000000},
	    {"GET /stream?n=5000&slow=1&piece=999 HTTP/1.1\r\nHost: a\r\n\r\n", 5000},
	    {"GET /stream?n=5000&slow=1&piece=999&length=1 HTTP/1.1\r\nHost: a\r\n\r\n", 5000},
	    {"GET /stream?n=0 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	    {"GET /stream?n=0&length=1 HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	    {"GET /stream?n=70000 HTTP/1.0\r\n\r\n", 70000}, /* ends by closing */
	};
	uint64_t gone = seen.source_gone;
	int fd = dial(x.port);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct answer_h1 a;
		say_z(fd, table[i].request);
		assert_int_equal(hear_answer(fd, &a), 200);
		assert_counted(buf_str(&a.body), table[i].n);
		answer_done(&a);
	}
	close(fd);
	await(&seen.source_gone, gone + sizeof table / sizeof *table);
}

static void out_h2(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	uint64_t gone = seen.source_gone;
	static const struct {
		const char *path;
		uint64_t n;
	} table[] = {{"/stream?n=3000000", 3000000},
		     {"/stream?n=3000000&length=1", 3000000},
		     {"/stream?n=5000&slow=1&piece=999", 5000},
		     {"/stream?n=0", 0},
		     {"/stream?n=0&length=1", 0},
		     {"/stream?n=70001&piece=1000", 70001}};
	for (uint32_t i = 0; i < 6; i++) h2c_get(c, 1 + 2 * i, table[i].path);
	for (uint32_t i = 0; i < 6; i++) {
		struct h2c_stream *s = h2c_wait(c, 1 + 2 * i);
		assert_true(s->ended);
		assert_int_equal(s->octets, table[i].n);
		assert_int_equal(s->wrong, 0);
	}
	await(&seen.source_gone, gone + 6);
	h2c_request(c, 21, "HEAD", "/stream?n=100");
	assert_int_equal(h2c_wait(c, 21)->status, 200);
	assert_int_equal(h2c_stream(c, 21)->octets, 0);
	await(&seen.source_gone, gone + 7);
	h2c_close(c);
}

/* A cut answer must not look whole. */
static void cut_h1(void **state)
{
	(void)state;
	static const struct {
		const char *request, *end;
		bool reset;
	} table[] = {
	    {"GET /stream?n=9000&cut=5000&piece=1000 HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n\r\n", false},
	    {"GET /stream?n=9000&cut=5000&piece=1000&length=1 HTTP/1.1\r\nHost: a\r\n\r\n", NULL, false},
	    {"GET /stream?n=9000&cut=5000&piece=1000 HTTP/1.0\r\n\r\n", NULL, true},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf all = BUF_INIT(100000);
		uint64_t gone = seen.source_gone;
		int fd = dial(x.port);
		say_z(fd, table[i].request);
		bool orderly = hear_all(fd, &all);
		assert_true(all.n < 9000);
		if (table[i].end) assert_false(str_ends(buf_str(&all), str_of(table[i].end)));
		if (table[i].reset) assert_false(orderly);
		await(&seen.source_gone, gone + 1);
		buf_done(&all);
		close(fd);
	}
}

static void cut_h2(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	h2c_get(c, 1, "/stream?n=9000&cut=5000&piece=1000");
	h2c_get(c, 3, "/stream?n=9000&cut=5000&piece=1000&length=1");
	for (uint32_t i = 1; i < 4; i += 2) {
		struct h2c_stream *s = h2c_wait(c, i);
		assert_false(s->ended);
		assert_int_equal(s->reset, INTERNAL + 1);
		assert_int_equal(s->wrong, 0);
	}
	/* the connection lives */
	h2c_get(c, 5, "/fixed");
	assert_int_equal(h2c_wait(c, 5)->status, 200);
	h2c_close(c);
}

static void client_leaves(void **state)
{
	(void)state;
	uint64_t gone = seen.source_gone;
	struct h2c *c = h2c_open(x.port);
	h2c_get(c, 1, "/stream?n=1000000000");
	while (h2c_stream(c, 1)->octets < 100000 && h2c_read(c)) continue;
	h2c_u32_frame(c, H2_RST, 1, CANCEL);
	await(&seen.source_gone, gone + 1);
	h2c_get(c, 3, "/stream?n=1000000000&slow=1");
	while (h2c_stream(c, 3)->status != 200 && h2c_read(c)) continue;
	h2c_close(c);
	await(&seen.source_gone, gone + 2);
	int fd = dial(x.port);
	char piece[1000];
	say_z(fd, "GET /stream?n=1000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(recv(fd, piece, sizeof piece, 0) > 0);
	close(fd);
	await(&seen.source_gone, gone + 3);
}

static uint64_t settled(_Atomic uint64_t *v)
{
	/* until it has not moved for 200 ms */
	for (uint64_t was = UINT64_MAX; was != atomic_load(v);) {
		was = atomic_load(v);
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
	return atomic_load(v);
}

/* What a reader does not take is not produced. */
static void slow_reader_is_waited_for(void **state)
{
	(void)state;
	enum { MUCH = 200 << 20, BOUND = 16 << 20 };
	int fd = dial(x.port), small = 32768;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	uint64_t pulled = seen.pulled;
	say_z(fd, "GET /stream?n=209715200&length=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	await(&seen.pulled, pulled + 10000);
	assert_true(settled(&seen.pulled) - pulled < BOUND);
	uint64_t got = 0;
	char piece[65536];
	for (ssize_t n; got < MUCH && (n = recv(fd, piece, sizeof piece, 0)) > 0;) got += (uint64_t)n;
	assert_true(got >= MUCH);
	close(fd);
	/* HTTP/2: no more than the window */
	struct h2c *c = h2c_open(x.port);
	c->window_auto = false;
	pulled = seen.pulled;
	h2c_get(c, 1, "/stream?n=209715200");
	while (h2c_stream(c, 1)->octets < 65535 && h2c_read(c)) continue;
	assert_int_equal(settled(&seen.pulled) - pulled, 65535);
	h2c_u32_frame(c, H2_WINDOW, 1, 1000);
	h2c_u32_frame(c, H2_WINDOW, 0, 1000);
	while (h2c_stream(c, 1)->octets < 66535 && h2c_read(c)) continue;
	assert_int_equal(settled(&seen.pulled) - pulled, 66535);
	h2c_close(c);
}

/* ---- in -------------------------------------------------------------------------------------- */

static void in_h1(void **state)
{
	(void)state;
	enum { N = 1000000 };
	static char body[N];
	for (size_t i = 0; i < N; i++) body[i] = (char)(i % 251);
	int fd = dial(x.port);
	struct answer_h1 a;
	say_z(fd, "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	peer_say(fd, str_n(body, N));
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "1000000 octets, 0 wrong"));
	assert_false(a.closed);
	answer_done(&a);
	say_z(fd, "PUT /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < N; i += 1000) {
		say_z(fd, "3E8\r\n");
		peer_say(fd, str_n(body + i, 1000));
		say_z(fd, "\r\n");
	}
	say_z(fd, "0\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "1000000 octets, 0 wrong"));
	answer_done(&a);
	say_z(fd, "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "0 octets, 0 wrong"));
	answer_done(&a);
	close(fd);
}

static void in_h2(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	char piece[2510];
	uint64_t sunk = seen.sunk, ends = seen.sunk_ends;
	for (size_t i = 0; i < sizeof piece; i++) piece[i] = (char)(i % 251);
	h2c_request(c, 1, "PUT", "/sink");
	for (int i = 0; i < 60; i++) h2c_frame(c, H2_DATA, 0, 1, str_n(piece, sizeof piece));
	h2c_frame(c, H2_DATA, H2_END_STREAM, 1, STR(""));
	assert_int_equal(h2c_wait(c, 1)->status, 200);
	assert_int_equal(seen.sunk - sunk, 60 * 2510);
	assert_int_equal(seen.sunk_ends - ends, 1);
	/* leaves in the middle */
	uint64_t gone = seen.gone;
	h2c_request(c, 3, "PUT", "/sink");
	h2c_frame(c, H2_DATA, 0, 3, STR("abc"));
	h2c_u32_frame(c, H2_RST, 3, CANCEL);
	await(&seen.gone, gone + 1);
	h2c_close(c);
}

/* While the application pauses, the peer is held up; nothing is lost. */
static void paused_h1(void **state)
{
	(void)state;
	enum { N = 64 << 20 };
	static char piece[251 * 256];
	for (size_t i = 0; i < sizeof piece; i++) piece[i] = (char)(i % 251);
	seen.pause = true;
	seen.resume = false;
	int fd = dial(x.port);
	uint64_t sunk = seen.sunk, sent = 0;
	struct timeval t = {.tv_usec = 300000};
	say_z(fd, "PUT /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	for (ssize_t n = 1; n > 0 && sent < N;) {
		size_t at = sent % sizeof piece,
		       left = sizeof piece - at < N - sent ? sizeof piece - at : N - sent;
		n = send(fd, piece + at, left, MSG_NOSIGNAL);
		if (n > 0) sent += (uint64_t)n;
	}
	assert_true(sent < N / 2); /* the kernel's buffers, and no more */
	assert_true(seen.sunk - sunk <= 256 * 1024);
	seen.resume = true;
	seen.pause = false;
	t.tv_usec = 0;
	t.tv_sec = 10;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	while (sent < N) {
		size_t at = sent % sizeof piece,
		       left = sizeof piece - at < N - sent ? sizeof piece - at : N - sent;
		ssize_t n = send(fd, piece + at, left, MSG_NOSIGNAL);
		assert_true(n > 0);
		sent += (uint64_t)n;
	}
	struct answer_h1 a;
	assert_int_equal(hear_answer(fd, &a), 200);
	assert_true(str_is(buf_str(&a.body), "67108864 octets, 0 wrong"));
	answer_done(&a);
	close(fd);
}

static void paused_h2(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	char piece[2510];
	for (size_t i = 0; i < sizeof piece; i++) piece[i] = (char)(i % 251);
	seen.pause = true;
	seen.resume = false;
	uint64_t sunk = seen.sunk;
	while (!c->acks && h2c_read(c)) continue; /* our windows hold from here on */
	h2c_request(c, 1, "PUT", "/sink");
	for (int i = 0; i < 100; i++) h2c_frame(c, H2_DATA, 0, 1, str_n(piece, sizeof piece));
	h2c_frame(c, H2_DATA, H2_END_STREAM, 1, STR(""));
	await(&seen.sunk, sunk + 1);
	/* others go on meanwhile, through the same connection */
	h2c_get(c, 3, "/fixed");
	assert_int_equal(h2c_wait(c, 3)->status, 200);
	assert_false(h2c_stream(c, 1)->ended);
	assert_true(seen.sunk - sunk < 100 * 2510);
	seen.pause = false;
	seen.resume = true;
	assert_int_equal(h2c_wait(c, 1)->status, 200);
	assert_int_equal(seen.sunk - sunk, 100 * 2510);
	h2c_close(c);
}

static void refused_in_the_middle(void **state)
{
	(void)state;
	int fd = dial(x.port);
	struct answer_h1 a;
	char body[4096] = {0};
	say_z(fd, "PUT /sink HTTP/1.1\r\nHost: a\r\nX-Refuse-After: 1\r\nContent-Length: 100000\r\n\r\n");
	peer_say(fd, str_n(body, sizeof body));
	assert_int_equal(hear_answer(fd, &a), 429);
	buf_byte(&a.body, 0);
	assert_non_null(strstr(a.body.p, "\"rule\":\"enough\""));
	assert_true(a.closed);
	answer_done(&a);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(out_h1),
	    cmocka_unit_test(out_h2),
	    cmocka_unit_test(cut_h1),
	    cmocka_unit_test(cut_h2),
	    cmocka_unit_test(client_leaves),
	    cmocka_unit_test(slow_reader_is_waited_for),
	    cmocka_unit_test(in_h1),
	    cmocka_unit_test(in_h2),
	    cmocka_unit_test(paused_h1),
	    cmocka_unit_test(paused_h2),
	    cmocka_unit_test(refused_in_the_middle),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
