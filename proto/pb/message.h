/* Protobuf octets: strict checks by protobuf-c's descriptors, unpacking into an arena, a cursor for
 * reading without unpacking, and writers into a buffer. Private to proto/pb, and with the generated
 * code the only place that knows protobuf-c.
 *
 * Strict means: known fields have the type of kanhe.proto and stand once unless repeated, lengths fit,
 * integers fit their width, strings are well-formed UTF-8 without NUL, no groups. Unknown fields are
 * skipped. Threads: any. Specification: Protocol Buffers, "Encoding". */
#ifndef PROTO_PB_MESSAGE_H
#define PROTO_PB_MESSAGE_H

#include <endian.h>
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buf.h"

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

/* One field as it stands on the wire. */
struct pb_field {
	uint32_t id;
	unsigned wire;    /* PB_VARINT … */
	uint64_t number;  /* of PB_BYTES: the length */
	struct str bytes; /* PB_BYTES */
	size_t at;        /* offset of the tag in what the cursor began with */
};

struct pb_cursor {
	const unsigned char *p, *end, *start;
};

static inline struct pb_cursor pb_cursor(struct str octets)
{
	const unsigned char *p = (const unsigned char *)octets.p;
	return (struct pb_cursor){p, p ? p + octets.n : p, p};
}

static inline struct str pb_rest(const struct pb_cursor *c)
{
	return str_n(c->p, (size_t)(c->end - c->p));
}

static inline size_t pb_at(const struct pb_cursor *c)
{
	return (size_t)(c->p - c->start);
}

enum err pb__next(struct pb_cursor *c, struct pb_field *ret) MUST_USE; /* any field */

/* A number of two to eight octets, of which a record has half a dozen. Eight octets are looked at at
 * once (they may be the message's last), and their groups of seven bits drawn together in three steps.
 * Returns what follows; NULL: longer, without an end, or in a message of less than eight octets. */
static inline const unsigned char *pb_number(const struct pb_cursor *c, const unsigned char *p,
					     uint64_t *ret)
{
	size_t left = (size_t)(c->end - p), n;
	uint64_t w, ends;
	if (!left || c->end - c->start < 8) return NULL;
	memcpy(&w, left < 8 ? c->end - 8 : p, sizeof w);
	w = le64toh(w);
	if (left < 8) w >>= 64 - 8 * left;
	ends = ~w & UINT64_C(0x8080808080808080);
	n = ends ? (size_t)(__builtin_ctzll(ends) + 1) / 8 : SIZE_MAX;
	if (n > left) return NULL;
	w &= ends ^ (ends - 1);
	w = (w & UINT64_C(0x7f007f007f007f00)) >> 1 | (w & UINT64_C(0x007f007f007f007f));
	w = (w & UINT64_C(0x3fff00003fff0000)) >> 2 | (w & UINT64_C(0x00003fff00003fff));
	*ret = (w & UINT64_C(0x0fffffff00000000)) >> 4 | (w & UINT64_C(0x0fffffff));
	return p + n;
}

/* Takes the next field off. ERR_NOT_FOUND at the end, ERR_BAD_PROTO. One-octet tags with numbers or
 * lengths below 2^56, which is nearly all, are read right here; pb__next gets copies, so that cursor and
 * field of the caller can stay in registers. */
static inline __attribute__((always_inline)) enum err pb_next(struct pb_cursor *c, struct pb_field *ret)
{
	const unsigned char *p = c->p;
	if (p == c->end) return ERR_NOT_FOUND;
	unsigned tag = *p++, wire = tag & 7;
	uint64_t v = 0;
	if (p < c->end && *p < 0x80)
		v = *p++;
	else
		p = pb_number(c, p, &v);
	if (!p || tag < 8 || tag >= 0x80 || (wire != PB_VARINT && wire != PB_BYTES)) {
		struct pb_cursor cursor = *c;
		struct pb_field field;
		enum err e = pb__next(&cursor, &field);
		if (e) return e;
		*c = cursor;
		*ret = field;
		return ERR_OK;
	}
	*ret = (struct pb_field){tag >> 3, wire, v, STR_NONE, (size_t)(c->p - c->start)};
	if (wire == PB_BYTES) {
		if (v > (size_t)(c->end - p)) return ERR_BAD_PROTO;
		ret->bytes = str_n(p, (size_t)v);
		p += v;
	}
	c->p = p;
	return ERR_OK;
}

/* A message at the top: its descriptor, the version in its field 1, the most octets it may have. */
struct pb_kind {
	const ProtobufCMessageDescriptor *d;
	uint32_t version;
	size_t max;
};

/* Limit and version first, then the walk. ERR_UNSUPPORTED, ERR_TOO_LARGE, ERR_BAD_PROTO with offset and
 * path ("values[2].type"). */
enum err pb_check(const struct pb_kind *k, struct str octets, struct flaw *f) MUST_USE;
/* pb_check, then protobuf-c's unpacking with the arena for memory. ERR_NO_MEMORY. */
enum err pb_unpack(struct arena *a, const struct pb_kind *k, struct str octets, struct flaw *f,
		   void *ret_message) MUST_USE;

/* A rule of the content was broken: the path printed, ERR_BAD_PROTO. */
enum err pb_flaw(struct flaw *f, const char *rule, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Writers; proto3 leaves zero and empty out. Errors are sticky in out. */
void pb_put_u64(struct buf *out, uint32_t id, uint64_t v);
void pb_put_bytes(struct buf *out, uint32_t id, struct str s);
/* An element of a repeated field, or a member that stands even when empty. */
void pb_put_element(struct buf *out, uint32_t id, struct str s);
/* A message inside: everything put between open and close. */
size_t pb_open(struct buf *out, uint32_t id);
void pb_close(struct buf *out, size_t mark);
/* ERR_TOO_LARGE when more than max octets were appended since `from`; what was appended is dropped. */
enum err pb_done(struct buf *out, size_t from, size_t max) MUST_USE;

static inline struct str pb_str(ProtobufCBinaryData b)
{
	return str_n(b.data, b.len);
}

#endif
