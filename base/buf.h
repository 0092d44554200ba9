/* Growable octet buffer, born with its maximum.
 *
 * Purpose: build messages. Appending past the maximum, or without memory, sets a sticky error and
 * leaves the contents as they were; check buf_err() once at the end.
 * Ownership: the struct is the caller's, the octets are the buffer's until buf_done or buf_take.
 * Threads: one at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, room, max;
	enum err err;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* frees; the struct may be used again after buf_init */
void buf_clear(struct buf *b); /* empties, keeps the memory, clears the error */
void buf_add(struct buf *b, struct str s);
void buf_byte(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u64(struct buf *b, uint64_t v); /* decimal */
/* The JSON string literal of s, quotes included (RFC 8259 7); ill-formed UTF-8 becomes U+FFFD. */
void buf_json(struct buf *b, struct str s);
/* Text for HTML element content and attribute values: & < > " ' escaped. */
void buf_html(struct buf *b, struct str s);
/* Room for n more octets to be written at the returned place, then buf_grew(b, used). NULL on error. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);
void buf_drop(struct buf *b, size_t n); /* removes the first n octets */

static inline struct str buf_str(const struct buf *b)
{
	return str_n(b->p, b->n);
}

static inline enum err buf_err(const struct buf *b)
{
	return b->err;
}

/* Hands the octets over (free() them); the buffer is empty afterwards. */
char *buf_take(struct buf *b, size_t *ret_n);

#endif
