/* The chunked transfer coding (RFC 9112 7.1), strictly: no bare LF, no octet after the size but
 * an extension, no trailer fields kept.
 *
 *   chunk = 1*HEXDIG [ ";" extension ] CRLF octets CRLF … "0" [ ";" extension ] CRLF *( field CRLF ) CRLF
 *
 * Pure; embedded in the connection's state. */
#ifndef NET_H1_CHUNK_H
#define NET_H1_CHUNK_H

#include "base/str.h"

enum {
	H1_CHUNK_LINE_MAX = 256,  /* octets of size and extension; extensions mean nothing here */
	H1_TRAILER_MAX = 4 * 1024 /* octets of all trailer fields, which are dropped */
};

enum h1_chunk_state {
	H1_CHUNK_SIZE,
	H1_CHUNK_EXTENSION,
	H1_CHUNK_SIZE_LF,
	H1_CHUNK_DATA,
	H1_CHUNK_DATA_CR,
	H1_CHUNK_DATA_LF,
	H1_CHUNK_TRAILER,      /* at the start of a line */
	H1_CHUNK_TRAILER_LINE, /* inside one */
	H1_CHUNK_TRAILER_LF,
	H1_CHUNK_LAST_LF,
	H1_CHUNK_DONE
};

struct h1_chunk {
	enum h1_chunk_state state;
	uint64_t left; /* octets of the chunk still to come */
	unsigned digits, line, trailer;
};

void h1_chunk_init(struct h1_chunk *c);
/* Takes framing off the front of *in until there are octets of the body, which are returned in
 * *ret_piece (empty: *in is used up, or state is H1_CHUNK_DONE). ERR_BAD_INPUT, ERR_TOO_LARGE. */
enum err h1_chunk_next(struct h1_chunk *c, struct str *in, struct str *ret_piece) MUST_USE;

#endif
