#include "proto/pb/message.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	VERSION_FIELD = 1,
	VARINT_MAX = 10,
	REPEATED_MAX = 2048, /* no message has more of anything; bounds what unpacking allocates */
};

/* Where a message stands inside others, for the path of a flaw. */
struct frame {
	const struct frame *up;
	const ProtobufCFieldDescriptor *field;
	size_t index;
};

static bool varint(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
	uint64_t v = 0;
	for (size_t i = 0; i < VARINT_MAX && *p + i < end; i++) {
		unsigned char c = (*p)[i];
		if (i == VARINT_MAX - 1 && c > 1) return false;
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80) continue;
		*p += i + 1;
		*ret = v;
		return true;
	}
	return false;
}

static bool fixed(const unsigned char **p, const unsigned char *end, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	if ((size_t)(end - *p) < n) return false;
	for (size_t i = n; i-- > 0;) v = v << 8 | (*p)[i];
	*p += n;
	*ret = v;
	return true;
}

enum err pb__next(struct pb_cursor *c, struct pb_field *ret)
{
	const unsigned char *p = c->p;
	uint64_t tag;
	if (!varint(&p, c->end, &tag) || tag >> 32 || !(tag >> 3)) return ERR_BAD_PROTO;
	struct pb_field f = {.id = (uint32_t)(tag >> 3), .wire = tag & 7, .at = pb_at(c)};
	bool ok = false;
	if (f.wire == PB_VARINT) ok = varint(&p, c->end, &f.number);
	if (f.wire == PB_FIXED64) ok = fixed(&p, c->end, 8, &f.number);
	if (f.wire == PB_FIXED32) ok = fixed(&p, c->end, 4, &f.number);
	if (f.wire == PB_BYTES && varint(&p, c->end, &f.number) && f.number <= (size_t)(c->end - p)) {
		f.bytes = str_n(p, (size_t)f.number);
		p += f.number;
		ok = true;
	}
	if (!ok) return ERR_BAD_PROTO;
	c->p = p;
	*ret = f;
	return ERR_OK;
}

static int path_print(char *to, size_t n, const struct frame *in)
{
	if (!in || !in->field) return 0;
	int at = path_print(to, n, in->up);
	if (at < 0 || (size_t)at >= n) return at;
	bool many = in->field->label == PROTOBUF_C_LABEL_REPEATED;
	int more =
	    many ? snprintf(to + at, n - (size_t)at, "%s%s[%zu]", at ? "." : "", in->field->name, in->index)
		 : snprintf(to + at, n - (size_t)at, "%s%s", at ? "." : "", in->field->name);
	return at + more;
}

static enum err bad(struct flaw *f, const struct frame *in, size_t offset, const char *rule,
		    const char *text)
{
	char path[sizeof f->at] = "";
	path_print(path, sizeof path, in);
	return flaw_set(f, ERR_BAD_PROTO, offset, path, rule, "%s", text);
}

static unsigned wire_of(ProtobufCType t)
{
	switch (t) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE: return PB_BYTES;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FLOAT: return PB_FIXED32;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE: return PB_FIXED64;
	default: return PB_VARINT;
	}
}

static uint64_t number_max(ProtobufCType t)
{
	return t == PROTOBUF_C_TYPE_BOOL     ? 1
	       : t == PROTOBUF_C_TYPE_UINT32 ? UINT32_MAX
	       : t == PROTOBUF_C_TYPE_ENUM   ? INT32_MAX
					     : UINT64_MAX;
}

static enum err walk(const ProtobufCMessageDescriptor *d, struct str octets, size_t base,
		     const struct frame *up, struct flaw *f);

static enum err field_check(const struct pb_field *p, size_t base, const struct frame *in, struct flaw *f)
{
	const ProtobufCFieldDescriptor *d = in->field;
	size_t offset, content = base + p->at;
	if (p->wire != wire_of(d->type))
		return bad(f, in, content, "wire-type", "the field has another type");
	if (p->wire != PB_BYTES)
		return p->number > number_max(d->type)
			   ? bad(f, in, content, "range", "the number does not fit the field")
			   : ERR_OK;
	if (d->type == PROTOBUF_C_TYPE_STRING) {
		if (!str_utf8_ok(p->bytes, &offset))
			return bad(f, in, content, "utf-8", "the text is not well-formed UTF-8");
		if (str_find(p->bytes, '\0') < p->bytes.n)
			return bad(f, in, content, "nul", "the text holds a NUL character");
	}
	if (d->type != PROTOBUF_C_TYPE_MESSAGE) return ERR_OK;
	return walk(d->descriptor, p->bytes, content, in, f);
}

/* Depth is bounded by kanhe.proto, in which no message holds itself. */
static enum err walk(const ProtobufCMessageDescriptor *d, struct str octets, size_t base,
		     const struct frame *up, struct flaw *f)
{
	struct pb_cursor c = pb_cursor(octets);
	struct pb_field p;
	size_t seen[32] = {0};
	must(d->n_fields <= 32);
	for (;;) {
		enum err e = pb_next(&c, &p);
		if (e == ERR_NOT_FOUND) return ERR_OK;
		if (e) return bad(f, up, base + pb_at(&c), "wire", "the octets are no protobuf field");
		const ProtobufCFieldDescriptor *fd = protobuf_c_message_descriptor_get_field(d, p.id);
		if (!fd) continue;
		struct frame in = {up, fd, seen[fd - d->fields]++};
		if (in.index && fd->label != PROTOBUF_C_LABEL_REPEATED)
			return bad(f, &in, base + p.at, "duplicate", "the field stands twice");
		if (in.index >= REPEATED_MAX)
			return bad(f, &in, base + p.at, "count", "there are too many");
		/* offsets of what lies inside count from the content, whose end the cursor has passed */
		size_t head = pb_at(&c) - p.at - p.bytes.n;
		size_t inside = base + (p.wire == PB_BYTES ? head : 0);
		e = field_check(&p, inside, &in, f);
		if (e) return e;
	}
}

enum err pb_check(const struct pb_kind *k, struct str octets, struct flaw *f)
{
	if (octets.n > k->max)
		return flaw_set(f, ERR_TOO_LARGE, k->max, k->d->short_name, "size",
				"the message has at most %zu octets", k->max);
	struct pb_cursor c = pb_cursor(octets);
	struct pb_field p;
	uint64_t found = 0;
	while (!pb_next(&c, &p)) {
		if (p.id != VERSION_FIELD || p.wire != PB_VARINT) continue;
		found = p.number;
		break;
	}
	if (found && found != k->version)
		return flaw_set(f, ERR_UNSUPPORTED, p.at, "version", "version",
				"version %llu of this message is not known", (unsigned long long)found);
	enum err e = walk(k->d, octets, 0, NULL, f);
	return !e && !found ? pb_flaw(f, "missing", "version") : e;
}

static void *arena_allocate(void *a, size_t n)
{
	return arena_alloc(a, n);
}

static void arena_release(void *a, void *p)
{
	(void)a;
	(void)p;
}

enum err pb_unpack(struct arena *a, const struct pb_kind *k, struct str octets, struct flaw *f,
		   void *ret_message)
{
	enum err e = pb_check(k, octets, f);
	if (e) return e;
	ProtobufCAllocator in_arena = {arena_allocate, arena_release, a};
	ProtobufCMessage *m =
	    protobuf_c_message_unpack(k->d, &in_arena, octets.n, (const uint8_t *)octets.p);
	if (!m) {
		if (arena_overflowed(a))
			return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, k->d->short_name, "memory", "%s",
					err_text(ERR_NO_MEMORY));
		return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, k->d->short_name, "wire",
				"the octets are no such message");
	}
	memcpy(ret_message, &m, sizeof m);
	return ERR_OK;
}

enum err pb_flaw(struct flaw *f, const char *rule, const char *fmt, ...)
{
	char path[sizeof f->at];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, path, rule, "%s breaks the rule %s", path, rule);
}

static size_t varint_write(char *to, uint64_t v)
{
	size_t n = 0;
	for (; v >= 0x80; v >>= 7) to[n++] = (char)(v | 0x80);
	to[n++] = (char)v;
	return n;
}

static void varint_put(struct buf *out, uint64_t v)
{
	char octets[VARINT_MAX];
	buf_add(out, str_n(octets, varint_write(octets, v)));
}

void pb_put_u64(struct buf *out, uint32_t id, uint64_t v)
{
	if (!v) return;
	varint_put(out, (uint64_t)id << 3 | PB_VARINT);
	varint_put(out, v);
}

void pb_put_element(struct buf *out, uint32_t id, struct str s)
{
	varint_put(out, (uint64_t)id << 3 | PB_BYTES);
	varint_put(out, s.n);
	buf_add(out, s);
}

void pb_put_bytes(struct buf *out, uint32_t id, struct str s)
{
	if (s.n) pb_put_element(out, id, s);
}

size_t pb_open(struct buf *out, uint32_t id)
{
	varint_put(out, (uint64_t)id << 3 | PB_BYTES);
	buf_byte(out, 0); /* of the length, which most often fits one octet */
	return out->n;
}

void pb_close(struct buf *out, size_t mark)
{
	char length[VARINT_MAX];
	if (buf_err(out)) return;
	size_t n = out->n - mark, more = varint_write(length, n) - 1;
	if (more) {
		if (!buf_room(out, more)) return;
		memmove(out->p + mark + more, out->p + mark, n);
		buf_grew(out, more);
	}
	memcpy(out->p + mark - 1, length, more + 1);
}

enum err pb_done(struct buf *out, size_t from, size_t max)
{
	if (!buf_err(out) && out->n - from > max) out->err = ERR_TOO_LARGE;
	if (buf_err(out)) out->n = from;
	return buf_err(out);
}
