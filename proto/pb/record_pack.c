/* Writing a record: its octets go straight to where they stay, in one pass, once there is room for the most
 * that they can be. A length in front of a message is one octet where the most fits one, else it is counted
 * first. */
#include "proto/id/id.h"
#include "proto/pb/message.h"
#include "proto/pb/record.h"
#include "proto/pb/record_check.h"
#include "proto/pb/record_fields.h"

enum {
	NUMBER = 1 + 10, /* tag and number at most */
	HEAD = 1 + 5,    /* tag and length at most */
	ONE_OCTET = 128, /* lengths below it have one */
	VALUE_REST = 2 * HEAD + 5 * NUMBER,
	RECORD_REST = 2 * HEAD + 6 * NUMBER,
};

/* ---- how much --------------------------------------------------------------------------- */

static size_t varint_size(uint64_t v)
{
	size_t n = 1;
	for (; v >= 0x80; v >>= 7) n++;
	return n;
}

static size_t number_size(uint64_t v)
{
	return v ? 1 + varint_size(v) : 0;
}

static size_t message_size(size_t n)
{
	return 1 + varint_size(n) + n;
}

static size_t bytes_size(struct str s)
{
	return s.n ? message_size(s.n) : 0;
}

static size_t reference_size(const struct reference *r)
{
	return bytes_size(r->handle) + number_size(r->index);
}

static size_t value_size(const struct value *v)
{
	size_t n = number_size(v->index) + bytes_size(v->type) + bytes_size(v->data) +
		   number_size(v->ttl_absolute) + number_size(v->ttl) + number_size(v->timestamp) +
		   number_size(v->permissions);
	for (size_t i = 0; i < v->references_n; i++) n += message_size(reference_size(&v->references[i]));
	return n;
}

static size_t record_size(const struct record *r)
{
	size_t n = number_size(RECORD_VERSION) + bytes_size(r->id) + number_size((uint64_t)r->created) +
		   number_size((uint64_t)r->modified) + number_size(r->revision) + number_size(r->status) +
		   bytes_size(r->owner) + number_size(r->series);
	for (size_t i = 0; i < r->values_n; i++) n += message_size(value_size(&r->values[i]));
	return n;
}

/* Not less than its size, and soon known. */
static inline size_t value_most(const struct value *v)
{
	size_t n = VALUE_REST + v->type.n + v->data.n;
	for (size_t i = 0; i < v->references_n; i++) n += 2 * HEAD + NUMBER + v->references[i].handle.n;
	return n;
}

size_t record_room(const struct record *r)
{
	size_t n = RECORD_REST + r->id.n + r->owner.n;
	for (size_t i = 0; i < r->values_n; i++) n += HEAD + value_most(&r->values[i]);
	return n <= RECORD_PACKED_MAX ? n : record_size(r);
}

/* ---- writing ---------------------------------------------------------------------------- */

static inline char *varint_to(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7) *p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

static inline char *number_to(char *p, unsigned id, uint64_t v)
{
	if (!v) return p;
	*p++ = (char)(id << 3 | PB_VARINT);
	return varint_to(p, v);
}

static inline char *head_to(char *p, unsigned id, size_t n)
{
	*p++ = (char)(id << 3 | PB_BYTES);
	return varint_to(p, n);
}

static inline char *bytes_to(char *p, unsigned id, struct str s)
{
	if (!s.n) return p;
	p = head_to(p, id, s.n);
	memcpy(p, s.p, s.n);
	return p + s.n;
}

static inline char *fields_to(char *p, const struct value *v)
{
	p = number_to(p, VAL_INDEX, v->index);
	p = bytes_to(p, VAL_TYPE, v->type);
	p = bytes_to(p, VAL_DATA, v->data);
	p = number_to(p, VAL_TTL_TYPE, v->ttl_absolute);
	p = number_to(p, VAL_TTL, v->ttl);
	p = number_to(p, VAL_TIMESTAMP, v->timestamp);
	return number_to(p, VAL_PERMISSIONS, v->permissions);
}

static char *long_value_to(char *p, const struct value *v)
{
	p = fields_to(head_to(p, REC_VALUES, value_size(v)), v);
	for (size_t i = 0; i < v->references_n; i++) {
		const struct reference *r = &v->references[i];
		p = head_to(p, VAL_REFERENCES, reference_size(r));
		p = bytes_to(p, REF_HANDLE, r->handle);
		p = number_to(p, REF_INDEX, r->index);
	}
	return p;
}

static inline char *value_to(char *p, const struct value *v)
{
	if (v->references_n || value_most(v) >= ONE_OCTET) return long_value_to(p, v);
	char *from = head_to(p, REC_VALUES, 0), *end = fields_to(from, v);
	from[-1] = (char)(end - from);
	return end;
}

size_t record_pack_to(const struct record *r, char *to)
{
	char *p = number_to(to, REC_VERSION, RECORD_VERSION);
	must(r->id.n && r->id.n <= RECORD_ID_MAX && r->values_n <= RECORD_VALUES_MAX);
	must(r->created >= 0 && r->modified >= 0 && r->owner.n <= ID_KEY_MAX);
	p = bytes_to(p, REC_ID, r->id);
	for (size_t i = 0; i < r->values_n; i++) {
		must(!record__value_check(&r->values[i], i, NULL) && r->values[i].index);
		p = value_to(p, &r->values[i]);
	}
	p = number_to(p, REC_CREATED, (uint64_t)r->created);
	p = number_to(p, REC_MODIFIED, (uint64_t)r->modified);
	p = number_to(p, REC_REVISION, r->revision);
	p = number_to(p, REC_STATUS, r->status);
	p = bytes_to(p, REC_OWNER, r->owner);
	p = number_to(p, REC_SERIES, r->series);
	return (size_t)(p - to);
}

enum err record_pack(const struct record *r, struct buf *out)
{
	size_t room = record_room(r);
	if (room > out->max - out->n) room = record_size(r);
	if (!buf_err(out) && room > RECORD_PACKED_MAX) out->err = ERR_TOO_LARGE;
	char *p = buf_room(out, room);
	if (p) buf_grew(out, record_pack_to(r, p));
	return buf_err(out);
}
