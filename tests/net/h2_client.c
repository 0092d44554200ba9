#include "tests/net/h2_client.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void put_u32(struct buf *b, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8) buf_byte(b, (char)(v >> i));
}

static uint32_t u32(const char *p)
{
	uint32_t v = 0;
	for (int i = 0; i < 4; i++) v = v << 8 | (unsigned char)p[i];
	return v;
}

void h2c_frame(struct h2c *c, int type, int flags, uint32_t stream, struct str payload)
{
	struct buf b = BUF_INIT(payload.n + 9);
	put_u32(&b, (uint32_t)payload.n << 8 | (uint32_t)type);
	buf_byte(&b, (char)flags);
	put_u32(&b, stream);
	buf_add(&b, payload);
	peer_say(c->fd, buf_str(&b));
	buf_done(&b);
}

void h2c_u32_frame(struct h2c *c, int type, uint32_t stream, uint32_t v)
{
	struct buf b = BUF_INIT(4);
	put_u32(&b, v);
	h2c_frame(c, type, 0, stream, buf_str(&b));
	buf_done(&b);
}

struct h2c *h2c_open_with(uint16_t port, const uint32_t *settings, size_t n)
{
	struct h2c *c = calloc(1, sizeof *c);
	nghttp2_hd_inflater *inflater;
	assert_non_null(c);
	c->fd = dial(port);
	c->in = BUF_INIT(64 << 20);
	c->window_auto = true;
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	c->inflater = inflater;
	say_z(c->fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	struct buf b = BUF_INIT(6 * n + 1);
	for (size_t i = 0; i < n; i++) {
		buf_byte(&b, (char)(settings[2 * i] >> 8));
		buf_byte(&b, (char)settings[2 * i]);
		put_u32(&b, settings[2 * i + 1]);
	}
	h2c_frame(c, H2_SETTINGS, 0, 0, buf_str(&b));
	buf_done(&b);
	return c;
}

struct h2c *h2c_open(uint16_t port)
{
	return h2c_open_with(port, NULL, 0);
}

void h2c_close(struct h2c *c)
{
	close(c->fd);
	nghttp2_hd_inflate_del(c->inflater);
	buf_done(&c->in);
	free(c);
}

/* RFC 7541 5.1, 5.2: a plain string, length with a prefix of 7 bits. */
static void put_string(struct buf *b, struct str s)
{
	if (s.n < 127) {
		buf_byte(b, (char)s.n);
	} else {
		size_t n = s.n - 127;
		buf_byte(b, 127);
		for (; n >= 128; n /= 128) buf_byte(b, (char)(n % 128 | 128));
		buf_byte(b, (char)n);
	}
	buf_add(b, s);
}

void h2c_field(struct buf *b, struct str name, struct str value)
{
	buf_byte(b, 0);
	put_string(b, name);
	put_string(b, value);
}

void h2c_headers(struct h2c *c, uint32_t stream, int flags, const char *const *fields)
{
	struct buf b = BUF_INIT(1 << 20);
	for (; *fields; fields += 2) h2c_field(&b, str_of(fields[0]), str_of(fields[1]));
	h2c_frame(c, H2_HEADERS, flags, stream, buf_str(&b));
	buf_done(&b);
}

void h2c_request(struct h2c *c, uint32_t stream, const char *method, const char *path)
{
	const char *fields[] = {":method", method,       ":scheme", "http", ":path",
				path,      ":authority", "node",    NULL};
	bool body = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
	h2c_headers(c, stream, H2_END_HEADERS | (body ? 0 : H2_END_STREAM), fields);
}

void h2c_get(struct h2c *c, uint32_t stream, const char *path)
{
	h2c_request(c, stream, "GET", path);
}

static bool fill(struct h2c *c, size_t n)
{
	char piece[65536];
	while (c->in.n - c->at < n) {
		if (c->at > 1 << 20) {
			buf_drop(&c->in, c->at);
			c->at = 0;
		}
		ssize_t got = recv(c->fd, piece, sizeof piece, 0);
		if (got < 0 && errno == EAGAIN) fail_msg("no frame within 10 s");
		if (got <= 0) return false;
		buf_add(&c->in, str_n(piece, (size_t)got));
	}
	return true;
}

static void take_headers(struct h2c *c, struct h2c_stream *s, const char *p, size_t n)
{
	nghttp2_nv nv;
	int flags = 0;
	const uint8_t *in = (const uint8_t *)p;
	while (n || !(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		ssize_t used = nghttp2_hd_inflate_hd2(c->inflater, &nv, &flags, in, n, 1);
		assert_true(used >= 0);
		in += used;
		n -= (size_t)used;
		if (flags & NGHTTP2_HD_INFLATE_EMIT && nv.namelen == 7 &&
		    memcmp(nv.name, ":status", 7) == 0)
			s->status =
			    (nv.value[0] - '0') * 100 + (nv.value[1] - '0') * 10 + nv.value[2] - '0';
		if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
	}
	nghttp2_hd_inflate_end_headers(c->inflater);
	if (s->status >= 200) c->answers++;
}

static void take_data(struct h2c *c, struct h2c_stream *s, uint32_t stream, struct str p)
{
	for (size_t i = 0; i < p.n; i++) s->wrong += (unsigned char)p.p[i] != (s->octets + i) % 251;
	s->octets += p.n;
	if (!c->window_auto || !p.n) return;
	h2c_u32_frame(c, H2_WINDOW, 0, (uint32_t)p.n);
	h2c_u32_frame(c, H2_WINDOW, stream, (uint32_t)p.n);
}

bool h2c_read(struct h2c *c)
{
	if (c->closed || !fill(c, 9)) return !(c->closed = true);
	size_t n = u32(c->in.p + c->at) >> 8;
	if (!fill(c, 9 + n)) return !(c->closed = true);
	const char *head = c->in.p + c->at, *p = head + 9;
	int type = head[3], flags = head[4];
	uint32_t stream = u32(head + 5) & 0x7fffffff;
	struct h2c_stream *s = h2c_stream(c, stream);
	c->at += 9 + n;
	if (type == H2_HEADERS) take_headers(c, s, p, n);
	if (type == H2_DATA) take_data(c, s, stream, str_n(p, n));
	if ((type == H2_HEADERS || type == H2_DATA) && flags & H2_END_STREAM) {
		s->ended = true;
		c->ended_n++;
	}
	if (type == H2_RST) {
		s->reset = u32(p) + 1;
		c->resets++;
	}
	if (type == H2_PING) c->pings++;
	if (type == H2_SETTINGS && flags & H2_ACK)
		c->acks++;
	else if (type == H2_SETTINGS)
		h2c_frame(c, H2_SETTINGS, H2_ACK, 0, STR(""));
	if (type == H2_GOAWAY) {
		c->goaway = true;
		c->goaway_last = u32(p) & 0x7fffffff;
		c->goaway_code = u32(p + 4);
	}
	return true;
}

struct h2c_stream *h2c_wait(struct h2c *c, uint32_t stream)
{
	struct h2c_stream *s = h2c_stream(c, stream);
	while (!s->ended && !s->reset && h2c_read(c)) continue;
	return s;
}

void h2c_wait_end(struct h2c *c)
{
	while (h2c_read(c)) continue;
}
