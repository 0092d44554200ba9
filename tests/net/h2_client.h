/* An HTTP/2 client made of single frames, so that it can break the rules. */
#ifndef TESTS_NET_H2_CLIENT_H
#define TESTS_NET_H2_CLIENT_H

#include "tests/net/fixture.h"

enum {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST,
	H2_SETTINGS,
	H2_PUSH,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW,
	H2_CONTINUATION
};
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4, H2_PADDED = 8 };
enum { H2C_STREAMS = 4096 };

struct h2c_stream {
	int status;
	uint64_t octets, wrong; /* wrong: octets that are not their index modulo 251 */
	uint32_t reset;         /* error code + 1 */
	bool ended;
};

struct h2c {
	int fd;
	struct buf in;
	size_t at;
	void *inflater;
	struct h2c_stream streams[H2C_STREAMS]; /* by stream number / 2 */
	unsigned resets, pings, acks, answers, ended_n;
	bool goaway, closed, window_auto;
	uint32_t goaway_code, goaway_last;
};

struct h2c *h2c_open(uint16_t port);
/* The same with SETTINGS of the caller's: pairs of id and value. */
struct h2c *h2c_open_with(uint16_t port, const uint32_t *settings, size_t n);
void h2c_close(struct h2c *c);
void h2c_frame(struct h2c *c, int type, int flags, uint32_t stream, struct str payload);
void h2c_u32_frame(struct h2c *c, int type, uint32_t stream, uint32_t v);
/* fields: name, value, …, NULL; literals without indexing. */
void h2c_headers(struct h2c *c, uint32_t stream, int flags, const char *const *fields);
void h2c_get(struct h2c *c, uint32_t stream, const char *path);
void h2c_request(struct h2c *c, uint32_t stream, const char *method, const char *path);
void h2c_field(struct buf *b, struct str name, struct str value);
/* Reads a frame; false when the connection has ended. */
bool h2c_read(struct h2c *c);
/* Reads until the stream has ended or was reset, or the connection has ended. */
struct h2c_stream *h2c_wait(struct h2c *c, uint32_t stream);
/* Reads until GOAWAY with an error or the end. */
void h2c_wait_end(struct h2c *c);
static inline struct h2c_stream *h2c_stream(struct h2c *c, uint32_t stream)
{
	return &c->streams[stream / 2 % H2C_STREAMS];
}

#endif
