/* Wire cursor: reads and writes big-endian fields in a fixed span, with a sticky error.
 *
 * Purpose: parsers and writers of binary messages; check wire_ok() once at the end. After the
 * first failure reads give 0 and empty slices, writes do nothing, and `at` stays at the offset of
 * the failure. Ownership: borrows the octets. Threads: one at a time. */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/str.h"

struct wire {
	unsigned char *p; /* only written through by the wire_put_ functions */
	size_t n, at;
	enum err err;
};

struct wire wire_reader(struct str s);
struct wire wire_writer(void *p, size_t n);

uint8_t wire_u8(struct wire *w);
uint16_t wire_u16(struct wire *w);
uint32_t wire_u32(struct wire *w);
uint64_t wire_u64(struct wire *w);
struct str wire_bytes(struct wire *w, size_t n);
/* int32 length, then octets; longer than max is ERR_TOO_LARGE. */
struct str wire_bytes32(struct wire *w, size_t max);

void wire_put_u8(struct wire *w, uint8_t v);
void wire_put_u16(struct wire *w, uint16_t v);
void wire_put_u32(struct wire *w, uint32_t v);
void wire_put_u64(struct wire *w, uint64_t v);
void wire_put(struct wire *w, struct str s);
void wire_put_bytes32(struct wire *w, struct str s);

static inline bool wire_ok(const struct wire *w)
{
	return !w->err;
}

static inline size_t wire_left(const struct wire *w)
{
	return w->n - w->at;
}

/* What was written so far. */
static inline struct str wire_str(const struct wire *w)
{
	return str_n(w->p, w->at);
}

#endif
