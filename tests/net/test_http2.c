/* HTTP/2 through sockets: what must work, and attacks by their numbers. */
#include "tests/net/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALM = 11, PROTOCOL = 1, INTERNAL = 2, NO_ERROR = 0 };

static struct fixture x;

static int start(void **state)
{
	(void)state;
	struct net_options o = {.streams_max = 100};
	fixture_start(&x, &o, 0);
	return 0;
}

/* A server with less patience than the others', which a busy machine must not try. */
static int start_impatient(void **state)
{
	(void)state;
	struct net_options o = {.header_timeout = USEC_PER_SEC,
				.idle_timeout = 3 * USEC_PER_SEC,
				.stall_timeout = USEC_PER_SEC};
	fixture_start(&x, &o, 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&x, USEC_PER_SEC);
	return 0;
}

/* The connection is ended with the code; other clients are served all the while. */
static void expect_goaway(struct h2c *c, uint32_t code)
{
	h2c_wait_end(c);
	assert_true(c->goaway);
	assert_int_equal(c->goaway_code, code);
	h2c_close(c);
	struct h2c *other = h2c_open(x.port);
	h2c_get(other, 1, "/fixed");
	assert_int_equal(h2c_wait(other, 1)->status, 200);
	h2c_close(other);
}

/* ---- what must work ------------------------------------------------------------------------- */

static void serves(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	uint64_t handled = seen.handled;
	for (uint32_t i = 0; i < 90; i++) h2c_get(c, 1 + 2 * i, "/fixed");
	for (uint32_t i = 0; i < 90; i++) {
		struct h2c_stream *s = h2c_wait(c, 1 + 2 * i);
		assert_int_equal(s->status, 200);
		assert_int_equal(s->octets, 5);
		assert_true(s->ended);
	}
	assert_int_equal(seen.handled - handled, 90);
	h2c_request(c, 201, "HEAD", "/fixed");
	assert_int_equal(h2c_wait(c, 201)->status, 200);
	assert_int_equal(h2c_stream(c, 201)->octets, 0);
	h2c_get(c, 203, "/nope");
	assert_int_equal(h2c_wait(c, 203)->status, 404);
	h2c_request(c, 205, "POST", "/fixed");
	assert_int_equal(h2c_wait(c, 205)->status, 405);
	h2c_get(c, 207, "/hold?ms=1000");
	h2c_get(c, 209, "/fixed");
	/* the later one is answered first */
	assert_int_equal(h2c_wait(c, 209)->status, 200);
	assert_false(h2c_stream(c, 207)->ended);
	assert_int_equal(h2c_wait(c, 207)->status, 200);
	h2c_close(c);
}

static void set_table(struct h2c *c, uint32_t size)
{
	char setting[6] = {0, 1, 0, 0, (char)(size >> 8), (char)size};
	unsigned acks = c->acks;
	h2c_frame(c, H2_SETTINGS, 0, 0, str_n(setting, sizeof setting));
	while (c->acks == acks && h2c_read(c)) continue;
	/* from here on it must hear of the new size before it hears of a field */
	assert_int_equal(nghttp2_hd_inflate_change_table_size(c->inflater, size), 0);
}

/* The peer's table of fields shrinks, goes away and comes back, between answers and before a 100. */
static void keeps_to_the_peers_table(void **state)
{
	(void)state;
	static const uint32_t sizes[] = {4096, 100, 0, 3000, 2047, 2048, 0, 4096};
	static const char *const expects[] = {":method", "POST",         ":scheme",    "http",
					      ":path",   "/echo",        ":authority", "node",
					      "expect",  "100-continue", NULL};
	struct h2c *c = h2c_open(x.port);
	uint32_t stream = 1;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		set_table(c, sizes[i]);
		if (i % 2) {
			h2c_headers(c, stream, H2_END_HEADERS, expects);
			while (h2c_stream(c, stream)->status != 100 && h2c_read(c)) continue;
			h2c_frame(c, H2_DATA, H2_END_STREAM, stream, STR(""));
			assert_int_equal(h2c_wait(c, stream)->status, 200);
			stream += 2;
		}
		for (uint32_t k = 0; k < 6; k++, stream += 2) {
			h2c_get(c, stream, k % 2 ? "/show/a" : "/nope");
			h2c_wait(c, stream);
			assert_true(h2c_stream(c, stream)->ended && !c->goaway);
		}
	}
	h2c_close(c);
}

static void put_get(struct buf *to, char stream, const char *path)
{
	struct buf fields = BUF_INIT(1024);
	h2c_field(&fields, STR(":method"), STR("GET"));
	h2c_field(&fields, STR(":scheme"), STR("http"));
	h2c_field(&fields, STR(":path"), str_of(path));
	h2c_field(&fields, STR(":authority"), STR("node"));
	const char head[9] = {0, 0, (char)fields.n, H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 0,
			      0, 0, stream};
	buf_add(to, str_n(head, sizeof head));
	buf_add(to, buf_str(&fields));
	buf_done(&fields);
}

static void put_reset(struct buf *to, char stream)
{
	const char reset[13] = {0, 0, 4, H2_RST, 0, 0, 0, 0, stream, 0, 0, 0, 8};
	buf_add(to, str_n(reset, sizeof reset));
}

static void send_all(struct h2c *c, struct buf *b)
{
	assert_int_equal(send(c->fd, b->p, b->n, MSG_NOSIGNAL), b->n);
	buf_done(b);
}

/* A request that is taken back in the same breath is not served; its neighbours are. */
static void reset_at_once(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	struct buf b = BUF_INIT(4096);
	h2c_get(c, 1, "/fixed");
	h2c_wait(c, 1);
	uint64_t handled = seen.handled;
	put_get(&b, 3, "/fixed");
	put_reset(&b, 3);
	put_get(&b, 5, "/fixed");
	put_get(&b, 7, "/fixed");
	put_reset(&b, 7);
	put_get(&b, 9, "/fixed");
	send_all(c, &b);
	assert_int_equal(h2c_wait(c, 5)->status, 200);
	assert_int_equal(h2c_wait(c, 9)->status, 200);
	assert_int_equal(seen.handled - handled, 2);
	assert_int_equal(h2c_stream(c, 3)->status, 0);
	h2c_close(c);
}

/* Of requests that come together all are looked at before the first is answered. */
static void looks_before_it_answers(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	struct buf b = BUF_INIT(4096);
	h2c_get(c, 1, "/fixed");
	h2c_wait(c, 1);
	seen.soon = 0;
	put_get(&b, 3, "/twice");
	put_get(&b, 5, "/fixed");
	put_get(&b, 7, "/nope");
	put_get(&b, 9, "/twice");
	put_get(&b, 11, "/twice?reset");
	put_reset(&b, 11);
	put_get(&b, 13, "/twice");
	send_all(c, &b);
	assert_int_equal(h2c_wait(c, 13)->octets, 3);
	assert_int_equal(h2c_wait(c, 3)->octets, 3);
	assert_int_equal(h2c_wait(c, 9)->octets, 3);
	assert_int_equal(h2c_wait(c, 5)->octets, 5);
	assert_int_equal(h2c_wait(c, 7)->status, 404);
	assert_int_equal(seen.soon, 3);
	h2c_close(c);
}

static void takes_bodies(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	char body[10000];
	for (size_t i = 0; i < sizeof body; i++) body[i] = (char)(i % 251);
	h2c_request(c, 1, "POST", "/echo");
	h2c_frame(c, H2_DATA, 0, 1, str_n(body, 6000));
	h2c_frame(c, H2_DATA, 0, 1, str_n(body + 6000, 4000));
	static const char *const trailer[] = {"x-trailer", "1", NULL};
	h2c_headers(c, 1, H2_END_HEADERS | H2_END_STREAM, trailer);
	struct h2c_stream *s = h2c_wait(c, 1);
	assert_int_equal(s->status, 200);
	assert_int_equal(s->octets, 10000);
	assert_int_equal(s->wrong, 0);
	/* padded */
	h2c_request(c, 3, "POST", "/echo");
	h2c_frame(c, H2_DATA, H2_END_STREAM | H2_PADDED, 3, STR("\x02\x00\x01\x02zz"));
	assert_int_equal(h2c_wait(c, 3)->octets, 3);
	assert_int_equal(h2c_stream(c, 3)->wrong, 0);
	h2c_close(c);
}

/* Refused by the guard before the body has come: the answer, then, when none comes, "no more, please". */
static void refused_without_the_body(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	h2c_request(c, 1, "POST", "/guarded");
	assert_int_equal(h2c_wait(c, 1)->status, 401);
	while (!h2c_stream(c, 1)->reset && h2c_read(c)) continue;
	assert_int_equal(h2c_stream(c, 1)->reset, NO_ERROR + 1);
	h2c_close(c);
}

static void limits_bodies(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	static const char *const told[] = {":method",        "POST",    ":scheme",    "http",
					   ":path",          "/echo",   ":authority", "node",
					   "content-length", "1048577", NULL};
	h2c_headers(c, 1, H2_END_HEADERS, told);
	assert_int_equal(h2c_wait(c, 1)->status, 413);
	char body[101] = {0};
	h2c_request(c, 3, "PUT", "/both/1");
	h2c_frame(c, H2_DATA, 0, 3, str_n(body, 100));
	h2c_frame(c, H2_DATA, 0, 3, str_n(body, 1));
	assert_int_equal(h2c_wait(c, 3)->status, 413);
	/* fewer octets than promised: RFC 9113 8.1.1 */
	static const char *const fewer[] = {":method",        "POST",  ":scheme",    "http",
					    ":path",          "/echo", ":authority", "node",
					    "content-length", "10",    NULL};
	uint64_t handled = seen.handled;
	h2c_headers(c, 5, H2_END_HEADERS, fewer);
	h2c_frame(c, H2_DATA, H2_END_STREAM, 5, str_n(body, 9));
	assert_int_equal(h2c_wait(c, 5)->reset, PROTOCOL + 1);
	assert_int_equal(seen.handled, handled);
	h2c_close(c);
}

/* ---- malformed requests ------------------------------------------------------------------------ */

static void a8_authority_and_values(void **state)
{
	(void)state;
	static const struct {
		const char *fields[16];
		int status; /* 0: reset */
	} table[] = {
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "host", "A", NULL},
	     200},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "host", "b", NULL},
	     400},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", "host", "b@c", NULL}, 400},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "x", "b\r\nc: d",
	      NULL},
	     400},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "x", "b\nc", NULL},
	     400},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "x\r\ny", "b",
	      NULL},
	     400},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "X-Upper", "b",
	      NULL},
	     0},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a", "connection",
	      "close", NULL},
	     0},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":authority", "a",
	      "transfer-encoding", "chunked", NULL},
	     0},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed", ":path", "/nope", ":authority", "a",
	      NULL},
	     0},
	    {{":method", "GET", ":scheme", "http", ":path", "fixed", ":authority", "a", NULL}, 0},
	    {{":method", "GET", ":scheme", "http", ":path", "", ":authority", "a", NULL}, 0},
	    {{":method", "GET", ":scheme", "http", ":authority", "a", NULL}, 0},
	    {{":method", "GET", ":scheme", "http", ":path", "/fixed#x", ":authority", "a", NULL}, 400},
	    {{":method", "G T", ":scheme", "http", ":path", "/fixed", ":authority", "a", NULL}, 0},
	    {{":method", "BREW", ":scheme", "http", ":path", "/fixed", ":authority", "a", NULL}, 405},
	};
	uint64_t handled = seen.handled;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct h2c *c = h2c_open(x.port);
		h2c_headers(c, 1, H2_END_HEADERS | H2_END_STREAM, table[i].fields);
		struct h2c_stream *s = h2c_wait(c, 1);
		if (s->status != table[i].status) fail_msg("row %zu: %d", i, s->status);
		h2c_close(c);
	}
	assert_int_equal(seen.handled - handled, 1);
}

/* ---- attacks ------------------------------------------------------------------------------------ */

static void a1_rapid_reset(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	uint64_t handled = seen.handled, gone = seen.gone;
	for (uint32_t i = 0; i < 1000; i++) {
		h2c_get(c, 1 + 2 * i, "/hold?ms=0");
		h2c_u32_frame(c, H2_RST, 1 + 2 * i, 8);
	}
	expect_goaway(c, CALM);
	/* each that was served, which are those not read together with their reset, has heard of it; the
	 * other client's was one more */
	await(&seen.gone, gone + seen.handled - handled - 1);
	assert_true(seen.handled - handled <= 500);
}

/* Each way makes the server reset a stream that the client has not. */
static void make_reset(struct h2c *c, uint32_t stream, int way)
{
	h2c_get(c, stream, "/hold?ms=0");
	if (way == 0) h2c_u32_frame(c, H2_WINDOW, stream, 0x7fffffff); /* the window overflows */
	if (way == 1) h2c_frame(c, H2_DATA, 0, stream, STR("x"));      /* half-closed */
	if (way == 2)
		h2c_headers(c, stream, H2_END_HEADERS | H2_END_STREAM, (const char *[]){"a", "b", NULL});
}

static void a2_made_you_reset(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		struct h2c *c = h2c_open(x.port);
		uint64_t handled = seen.handled, gone = seen.gone;
		for (uint32_t i = 0; i < 300; i++) make_reset(c, 1 + 2 * i, way);
		h2c_wait_end(c);
		assert_true(c->goaway && c->goaway_code != NO_ERROR);
		assert_true(c->resets <= 101);
		/* nothing goes on behind streams that are gone */
		await(&seen.gone, gone + seen.handled - handled);
		/* DATA that comes late is only counted when it is answered: after the read */
		if (way != 1) assert_true(seen.handled - handled <= 101);
		h2c_close(c);
	}
}

static void a3_continuation_flood(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	static const char *const first[] = {":method", "GET", NULL};
	h2c_headers(c, 1, 0, first);
	for (int i = 0; i < 200; i++) h2c_frame(c, H2_CONTINUATION, 0, 1, STR(""));
	expect_goaway(c, CALM);
}

static void flood(int type, int flags, uint32_t stream, struct str payload)
{
	struct h2c *c = h2c_open(x.port);
	if (stream) {
		h2c_request(c, stream, "PUT", "/sink");
	}
	for (int i = 0; i < 2500; i++) h2c_frame(c, type, flags, stream, payload);
	expect_goaway(c, CALM);
}

static void a4_floods(void **state)
{
	(void)state;
	flood(H2_SETTINGS, 0, 0, STR(""));
	flood(H2_PING, 0, 0, STR("12345678"));
	flood(H2_PING, H2_ACK, 0, STR("12345678"));
	flood(H2_DATA, 0, 1, STR(""));
	flood(H2_WINDOW, 0, 0, STR("\0\0\0\1"));
	flood(H2_PRIORITY, 0, 1, STR("\0\0\0\0\1"));
	flood(0xfa, 0, 0, STR("grease"));
}

static void a5_header_bombs(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	char big[4000];
	memset(big, 'b', sizeof big);
	struct buf b = BUF_INIT(1 << 20);
	h2c_field(&b, STR(":method"), STR("GET"));
	h2c_field(&b, STR(":scheme"), STR("http"));
	h2c_field(&b, STR(":path"), STR("/fixed"));
	h2c_field(&b, STR(":authority"), STR("a"));
	/* once into the table (RFC 7541 6.2.1), then an octet for each 4,000 */
	size_t at = b.n;
	h2c_field(&b, STR("x"), str_n(big, sizeof big));
	b.p[at] = 0x40;
	for (int i = 0; i < 3000; i++) buf_byte(&b, (char)0xbe);
	h2c_frame(c, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 1, buf_str(&b));
	assert_int_equal(h2c_wait(c, 1)->status, 431);
	h2c_get(c, 3, "/fixed");
	assert_int_equal(h2c_wait(c, 3)->status, 200);
	buf_done(&b);
	/* a path that is too long, and fields without end */
	char path[9000];
	memset(path, 'p', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = 0;
	h2c_get(c, 5, path);
	assert_int_equal(h2c_wait(c, 5)->status, 414);
	h2c_close(c);
}

static void a6_slow_header_and_zero_window(void **state)
{
	(void)state;
	struct net_stat before, after;
	net_server_stat(x.server, &before);
	struct h2c *c = h2c_open(x.port);
	while (!c->acks && h2c_read(c)) continue; /* the answer to SETTINGS must not come in between */
	static const char *const first[] = {":method", "GET", NULL};
	h2c_headers(c, 1, 0, first); /* and never the rest */
	h2c_wait_end(c);
	assert_false(c->goaway);
	h2c_close(c);
	/* asks for a stream and gives no window for it */
	static const uint32_t no_window[] = {4, 0};
	uint64_t gone = seen.source_gone;
	c = h2c_open_with(x.port, no_window, 1);
	h2c_get(c, 1, "/stream?n=1000000");
	assert_int_equal(h2c_wait(c, 1)->reset, INTERNAL + 1);
	assert_int_equal(h2c_stream(c, 1)->status, 200);
	await(&seen.source_gone, gone + 1);
	/* a body that stops */
	h2c_request(c, 3, "PUT", "/sink");
	h2c_frame(c, H2_DATA, 0, 3, STR("abc"));
	assert_true(h2c_wait(c, 3)->reset);
	/* idle at last */
	h2c_wait_end(c);
	assert_true(c->goaway && c->goaway_code == NO_ERROR);
	h2c_close(c);
	net_server_stat(x.server, &after);
	assert_int_equal(after.timeouts - before.timeouts, 3);
}

static void a7_streams_are_limited(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	uint64_t handled = seen.handled, gone = seen.gone;
	while (!c->acks && h2c_read(c)) continue;
	/* our SETTINGS were read too: more streams than allowed are refused from here on */
	h2c_frame(c, H2_PING, 0, 0, STR("12345678"));
	while (!c->pings && h2c_read(c)) continue;
	for (uint32_t i = 0; i < 110; i++) h2c_get(c, 1 + 2 * i, "/hold?ms=0");
	/* a client that has acknowledged the limit and exceeds it breaks the protocol */
	h2c_wait_end(c);
	assert_int_equal(c->goaway_code, PROTOCOL);
	assert_int_equal(seen.handled - handled, 100);
	await(&seen.gone, gone + 100);
	h2c_close(c);
}

static void a9_feeding_after_goaway(void **state)
{
	(void)state;
	struct h2c *c = h2c_open(x.port);
	h2c_frame(c, H2_DATA, 0, 1, STR("on an idle stream"));
	for (uint32_t i = 0; i < 50; i++) h2c_get(c, 1 + 2 * i, "/fixed");
	h2c_frame(c, H2_SETTINGS, 0, 1, STR("x"));
	expect_goaway(c, PROTOCOL);
	c = h2c_open(x.port);
	static const char *const first[] = {":method", "GET", NULL};
	h2c_headers(c, 1, 0, first);
	h2c_frame(c, H2_HEADERS, H2_END_HEADERS, 3, STR("\xff\xff\xff"));
	h2c_frame(c, H2_CONTINUATION, H2_END_HEADERS, 1, STR("\xff\xff\xff\xff\xff"));
	h2c_wait_end(c);
	h2c_close(c);
}

static void bad_frames(void **state)
{
	(void)state;
	static const struct {
		int type, flags;
		uint32_t stream;
		struct str payload;
	} table[] = {
	    {H2_SETTINGS, 0, 0, {"\0\4\x80\0\0\0", 6}}, /* window over 2^31-1 */
	    {H2_SETTINGS, 0, 0, {"\0\5\0\0\0\1", 6}},   /* frames under 16 KiB */
	    {H2_SETTINGS, 0, 0, {"12345", 5}},
	    {H2_PING, 0, 0, {"1234567", 7}},
	    {H2_PING, 0, 1, {"12345678", 8}},
	    {H2_WINDOW, 0, 0, {"\0\0\0\0", 4}},
	    {H2_WINDOW, 0, 0, {"\x7f\xff\xff\xff", 4}},
	    {H2_PUSH, 0, 1, {"\0\0\0\2", 4}},
	    {H2_CONTINUATION, 0, 1, {"", 0}},
	    {H2_RST, 0, 0, {"\0\0\0\1", 4}},
	    {H2_DATA, H2_PADDED, 1, {"\xff", 1}},
	    {H2_HEADERS, H2_END_HEADERS, 2, {"\x82", 1}},
	    {H2_HEADERS, H2_END_HEADERS, 1, {"\x80", 1}}, /* index 0 */
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct h2c *c = h2c_open(x.port);
		h2c_frame(c, table[i].type, table[i].flags, table[i].stream, table[i].payload);
		h2c_wait_end(c);
		if (!c->goaway || c->goaway_code == NO_ERROR) fail_msg("row %zu", i);
		h2c_close(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(serves),
	    cmocka_unit_test(keeps_to_the_peers_table),
	    cmocka_unit_test(reset_at_once),
	    cmocka_unit_test(looks_before_it_answers),
	    cmocka_unit_test(takes_bodies),
	    cmocka_unit_test(limits_bodies),
	    cmocka_unit_test(a1_rapid_reset),
	    cmocka_unit_test(a2_made_you_reset),
	    cmocka_unit_test(a3_continuation_flood),
	    cmocka_unit_test(a4_floods),
	    cmocka_unit_test(a5_header_bombs),
	    cmocka_unit_test(a7_streams_are_limited),
	    cmocka_unit_test(a8_authority_and_values),
	    cmocka_unit_test(a9_feeding_after_goaway),
	    cmocka_unit_test(bad_frames),
	};
	const struct CMUnitTest slow[] = {
	    cmocka_unit_test(refused_without_the_body),
	    cmocka_unit_test(a6_slow_header_and_zero_window),
	};
	return cmocka_run_group_tests(tests, start, stop) +
	       cmocka_run_group_tests(slow, start_impatient, stop);
}
