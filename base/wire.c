#include "base/wire.h"

struct wire wire_reader(struct str s)
{
	union {
		const char *in;
		unsigned char *p;
	} borrowed = {.in = s.p};
	return (struct wire){.p = borrowed.p, .n = s.n};
}

struct wire wire_writer(void *p, size_t n)
{
	return (struct wire){.p = p, .n = n};
}

/* The place of the next n octets, or NULL with the error set. */
static unsigned char *next(struct wire *w, size_t n)
{
	if (w->err) return NULL;
	if (n > w->n - w->at) {
		w->err = ERR_BAD_INPUT;
		return NULL;
	}
	unsigned char *p = w->p ? w->p + w->at : NULL; /* NULL + 0 is undefined in C17 */
	w->at += n;
	return p;
}

static uint64_t get(struct wire *w, size_t n)
{
	const unsigned char *p = next(w, n);
	uint64_t v = 0;
	for (size_t i = 0; p && i < n; i++) v = v << 8 | p[i];
	return v;
}

static void put(struct wire *w, uint64_t v, size_t n)
{
	unsigned char *p = next(w, n);
	for (size_t i = n; p && i-- > 0; v >>= 8) p[i] = (unsigned char)v;
}

uint8_t wire_u8(struct wire *w)
{
	return (uint8_t)get(w, 1);
}

uint16_t wire_u16(struct wire *w)
{
	return (uint16_t)get(w, 2);
}

uint32_t wire_u32(struct wire *w)
{
	return (uint32_t)get(w, 4);
}

uint64_t wire_u64(struct wire *w)
{
	return get(w, 8);
}

struct str wire_bytes(struct wire *w, size_t n)
{
	unsigned char *p = next(w, n);
	return p ? str_n(p, n) : STR_NONE;
}

struct str wire_bytes32(struct wire *w, size_t max)
{
	uint32_t n = wire_u32(w);
	if (!w->err && n > max) w->err = ERR_TOO_LARGE;
	return wire_bytes(w, n);
}

void wire_put_u8(struct wire *w, uint8_t v)
{
	put(w, v, 1);
}

void wire_put_u16(struct wire *w, uint16_t v)
{
	put(w, v, 2);
}

void wire_put_u32(struct wire *w, uint32_t v)
{
	put(w, v, 4);
}

void wire_put_u64(struct wire *w, uint64_t v)
{
	put(w, v, 8);
}

void wire_put(struct wire *w, struct str s)
{
	unsigned char *p = next(w, s.n);
	if (p && s.n) memcpy(p, s.p, s.n);
}

void wire_put_bytes32(struct wire *w, struct str s)
{
	if (s.n > UINT32_MAX) w->err = ERR_TOO_LARGE;
	wire_put_u32(w, (uint32_t)s.n);
	wire_put(w, s);
}
