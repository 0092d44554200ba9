/* Protobuf octets: strict checks by protobuf-c's descriptors, unpacking into an arena, a cursor for
 * reading without unpacking, and writers into a buffer. Private to proto/pb, and with the generated
 * code the only place that knows protobuf-c.
 *
 * Strict means: known fields have the type of kanhe.proto and stand once unless repeated, lengths fit,
 * integers fit their width, strings are well-formed UTF-8 without NUL, no groups. Unknown fields are
 * skipped. Threads: any. Specification: Protocol Buffers, "Encoding". */
#ifndef PROTO_PB_MESSAGE_H
#define PROTO_PB_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buf.h"

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

/* One field as it stands on the wire. */
struct pb_field {
	uint32_t id;
	unsigned wire;    /* PB_VARINT … */
	uint64_t number;  /* unless PB_BYTES */
	struct str bytes; /* PB_BYTES */
	size_t at;        /* offset of the tag in what the cursor began with */
};

struct pb_cursor {
	struct str rest;
	size_t at;
};

static inline struct pb_cursor pb_cursor(struct str octets)
{
	return (struct pb_cursor){octets, 0};
}

/* Takes the next field off. ERR_NOT_FOUND at the end, ERR_BAD_PROTO. */
enum err pb_next(struct pb_cursor *c, struct pb_field *ret) MUST_USE;

/* Version (field 1 of every versioned message) and limit first, then the walk. ERR_UNSUPPORTED,
 * ERR_TOO_LARGE, ERR_BAD_PROTO with offset and path ("values[2].type"). version 0: not versioned. */
enum err pb_check(const ProtobufCMessageDescriptor *d, struct str octets, uint32_t version, size_t max,
		  struct flaw *f) MUST_USE;
/* pb_check, then protobuf-c's unpacking with the arena for memory. ERR_NO_MEMORY. */
enum err pb_unpack(struct arena *a, const ProtobufCMessageDescriptor *d, struct str octets,
		   uint32_t version, size_t max, struct flaw *f, void *ret_message) MUST_USE;

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
