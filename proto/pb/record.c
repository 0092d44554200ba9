#include "proto/pb/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/id/id.h"
#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"
#include "proto/pb/record_check.h"
#include "proto/pb/record_fields.h"

enum { PERMISSIONS_ALL = 0x0f };

_Static_assert((int)RECORD_ID_MAX == (int)ID_TEXT_MAX + 4, "every identifier fits a record");

static const struct pb_kind record_kind = {&kanhe__record__descriptor, RECORD_VERSION, RECORD_PACKED_MAX};

static int u32_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static enum err indexes_check(struct arena *a, const struct record *r, struct flaw *f)
{
	if (!r->values_n) return ERR_OK;
	uint32_t *all = ARENA_ARRAY(a, uint32_t, r->values_n);
	if (!all)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	for (size_t i = 0; i < r->values_n; i++) all[i] = r->values[i].index;
	qsort(all, r->values_n, sizeof *all, u32_order);
	for (size_t i = 0; i < r->values_n; i++) {
		if (!all[i])
			return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, "values.index", "index",
					"a value has no index, or 0");
		if (i && all[i] == all[i - 1]) {
			char at[sizeof f->at];
			snprintf(at, sizeof at, "values.index %u", all[i]);
			return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, at, "duplicate-index",
					"two values have the index %u", all[i]);
		}
	}
	return ERR_OK;
}

/* What is there and what may be: "values[0].data has 70000 octets, 0 to 65536 are allowed". */
static enum err size_flaw(struct flaw *f, const char *rule, size_t n, const unsigned bounds[2],
			  const char *fmt, ...)
{
	char path[sizeof f->at];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	if (strcmp(rule, "count") == 0)
		return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, path, rule,
				"%s has %zu elements, at most %u are allowed", path, n, bounds[1]);
	return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, path, rule,
			"%s has %zu octets, %u to %u are allowed", path, n, bounds[0], bounds[1]);
}

static enum err range_flaw(struct flaw *f, uint64_t found, unsigned most, const char *fmt, ...)
{
	char path[sizeof f->at];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, path, "range",
			"%s is %llu, at most %u is allowed", path, (unsigned long long)found, most);
}

static const unsigned id_size[] = {1, RECORD_ID_MAX}, type_size[] = {1, RECORD_TYPE_MAX},
		      data_size[] = {0, RECORD_DATA_MAX}, owner_size[] = {0, ID_KEY_MAX},
		      values_count[] = {0, RECORD_VALUES_MAX},
		      references_count[] = {0, RECORD_REFERENCES_MAX};

enum err record__value_check(const struct value *v, size_t i, struct flaw *f)
{
	if (!v->type.n || v->type.n > RECORD_TYPE_MAX)
		return size_flaw(f, "length", v->type.n, type_size, "values[%zu].type", i);
	if (v->data.n > RECORD_DATA_MAX)
		return size_flaw(f, "length", v->data.n, data_size, "values[%zu].data", i);
	if (v->permissions & ~PERMISSIONS_ALL)
		return range_flaw(f, v->permissions, PERMISSIONS_ALL, "values[%zu].permissions", i);
	if (v->references_n > RECORD_REFERENCES_MAX)
		return size_flaw(f, "count", v->references_n, references_count, "values[%zu].references",
				 i);
	for (size_t k = 0; k < v->references_n; k++) {
		size_t n = v->references[k].handle.n;
		if (!n || n > RECORD_ID_MAX)
			return size_flaw(f, "length", n, id_size, "values[%zu].references[%zu].handle", i,
					 k);
	}
	return ERR_OK;
}

enum err record_check(struct arena *a, const struct record *r, struct flaw *f)
{
	if (!r->id.n || r->id.n > RECORD_ID_MAX) return size_flaw(f, "length", r->id.n, id_size, "id");
	if (r->owner.n > ID_KEY_MAX) return size_flaw(f, "length", r->owner.n, owner_size, "owner");
	if (r->created < 0 || r->modified < 0)
		return pb_flaw(f, "range", r->created < 0 ? "created" : "modified");
	if (r->status != RECORD_ACTIVE && r->status != RECORD_RETIRED) return pb_flaw(f, "range", "status");
	if (r->values_n > RECORD_VALUES_MAX)
		return size_flaw(f, "count", r->values_n, values_count, "values");
	for (size_t i = 0; i < r->values_n; i++) {
		enum err e = record__value_check(&r->values[i], i, f);
		if (e) return e;
	}
	return indexes_check(a, r, f);
}

static bool value_take(struct arena *a, const Kanhe__Value *m, struct value *ret)
{
	*ret = (struct value){
	    .index = m->index,
	    .type = str_of(m->type),
	    .data = pb_str(m->data),
	    .ttl_absolute = m->ttl_type == 1,
	    .ttl = m->ttl,
	    .timestamp = m->timestamp,
	    .permissions = (uint8_t)m->permissions,
	    .references_n = m->n_references,
	};
	ret->references = ARENA_ARRAY(a, struct reference, m->n_references);
	for (size_t i = 0; ret->references && i < m->n_references; i++)
		ret->references[i] =
		    (struct reference){str_of(m->references[i]->handle), m->references[i]->index};
	return ret->references;
}

static enum err unpack_any(struct arena *a, struct str packed, struct flaw *f, struct record *ret)
{
	Kanhe__Record *m;
	enum err e = pb_unpack(a, &record_kind, packed, f, &m);
	if (e) return e;
	struct record r = {
	    .id = str_of(m->id),
	    .values_n = m->n_values,
	    .created = m->created,
	    .modified = m->modified,
	    .revision = m->revision,
	    .status = (enum record_status)m->status,
	    .owner = pb_str(m->owner),
	    .series = m->series,
	};
	r.values = ARENA_ARRAY(a, struct value, r.values_n);
	for (size_t i = 0; i < r.values_n && r.values; i++) {
		if (m->values[i]->ttl_type > 1)
			return range_flaw(f, m->values[i]->ttl_type, 1, "values[%zu].ttl_type", i);
		if (m->values[i]->permissions > PERMISSIONS_ALL)
			return range_flaw(f, m->values[i]->permissions, PERMISSIONS_ALL,
					  "values[%zu].permissions", i);
		if (!value_take(a, m->values[i], &r.values[i])) r.values = NULL;
	}
	if (!r.values)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "record", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	e = record_check(a, &r, f);
	if (!e) *ret = r;
	return e;
}

/* ---- reading without unpacking ------------------------------------------------------------
 *
 * First as record_pack writes: fields in the order of their numbers, each once, a value without references
 * at most. Then there is no choice at a field, only whether it stands. What is written in another way,
 * which protobuf allows, is read a second time by the cursor. */

#define TAG(id, wire) ((unsigned)(id) << 3 | (wire))

/* The number of the field with this tag, if that is what stands at *p. false: not to be read here. */
static inline __attribute__((always_inline)) bool
number_at(const struct pb_cursor *c, const unsigned char **p, unsigned tag, uint64_t *ret)
{
	const unsigned char *q = *p;
	if (q == c->end || *q != tag) return true;
	q++;
	if (q < c->end && *q < 0x80)
		*ret = *q++;
	else
		q = pb_number(c, q, ret);
	*p = q;
	return q;
}

static inline __attribute__((always_inline)) bool
bytes_at(const struct pb_cursor *c, const unsigned char **p, unsigned tag, struct str *ret)
{
	const unsigned char *q = *p;
	uint64_t n;
	if (q == c->end || *q != tag) return true;
	if (!number_at(c, &q, tag, &n) || n > (size_t)(c->end - q)) return false;
	*ret = str_n(q, (size_t)n);
	*p = q + n;
	return true;
}

/* start: of what the value lies in. */
static inline __attribute__((always_inline)) bool value_quick(struct str octets, const unsigned char *start,
							      struct value *ret)
{
	struct pb_cursor c = pb_cursor(octets);
	const unsigned char *p = c.p;
	uint64_t index = 0, absolute = 0, ttl = 0, timestamp = 0, permissions = 0;
	struct str type = STR_NONE, data = STR_NONE;
	c.start = start;
	bool ok = number_at(&c, &p, TAG(VAL_INDEX, PB_VARINT), &index) &&
		  bytes_at(&c, &p, TAG(VAL_TYPE, PB_BYTES), &type) &&
		  bytes_at(&c, &p, TAG(VAL_DATA, PB_BYTES), &data) &&
		  number_at(&c, &p, TAG(VAL_TTL_TYPE, PB_VARINT), &absolute) &&
		  number_at(&c, &p, TAG(VAL_TTL, PB_VARINT), &ttl) &&
		  number_at(&c, &p, TAG(VAL_TIMESTAMP, PB_VARINT), &timestamp) &&
		  number_at(&c, &p, TAG(VAL_PERMISSIONS, PB_VARINT), &permissions) && p == c.end;
	if (!ok) return false;
	*ret = (struct value){.index = (uint32_t)index,
			      .type = type,
			      .data = data,
			      .ttl_absolute = absolute == 1,
			      .ttl = (uint32_t)ttl,
			      .timestamp = timestamp,
			      .permissions = (uint8_t)permissions};
	return true;
}

/* Eight octets of ASCII, none of them NUL. */
static inline bool plain_word(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	return !((w | (w - ones)) & high);
}

/* Most text is plain ASCII: its words, of which the last may overlap the one before. */
static inline bool plain(struct str s)
{
	uint64_t w;
	if (s.n < sizeof w) return false;
	bool ok = true;
	for (size_t i = 0; i + sizeof w < s.n; i += sizeof w) {
		memcpy(&w, s.p + i, sizeof w);
		ok &= plain_word(w);
	}
	memcpy(&w, s.p + s.n - sizeof w, sizeof w);
	return ok & plain_word(w);
}

static inline bool short_plain(struct str s)
{
	bool ok = s.n < sizeof(uint64_t);
	for (size_t i = 0; ok && i < s.n; i++) ok = (signed char)s.p[i] > 0;
	return ok;
}

static inline bool text_ok(struct str s, size_t max)
{
	if (!s.n || s.n > max) return false;
	return short_plain(s) || plain(s) || (!memchr(s.p, 0, s.n) && str_utf8_ok(s, NULL));
}

/* The same, and it keeps to every rule for values. */
static bool value_strict(struct str octets, const unsigned char *start, struct value *ret)
{
	struct pb_cursor c = pb_cursor(octets);
	const unsigned char *p = c.p;
	uint64_t index = 0, absolute = 0, ttl = 0, timestamp = 0, permissions = 0;
	struct value v = {0};
	c.start = start;
	bool ok = number_at(&c, &p, TAG(VAL_INDEX, PB_VARINT), &index) &&
		  bytes_at(&c, &p, TAG(VAL_TYPE, PB_BYTES), &v.type) &&
		  bytes_at(&c, &p, TAG(VAL_DATA, PB_BYTES), &v.data) &&
		  number_at(&c, &p, TAG(VAL_TTL_TYPE, PB_VARINT), &absolute) &&
		  number_at(&c, &p, TAG(VAL_TTL, PB_VARINT), &ttl) &&
		  number_at(&c, &p, TAG(VAL_TIMESTAMP, PB_VARINT), &timestamp) &&
		  number_at(&c, &p, TAG(VAL_PERMISSIONS, PB_VARINT), &permissions) && p == c.end;
	if (!ok || !index || index > UINT32_MAX || !text_ok(v.type, RECORD_TYPE_MAX) ||
	    v.data.n > RECORD_DATA_MAX || absolute > 1 || ttl > UINT32_MAX || permissions > PERMISSIONS_ALL)
		return false;
	v.index = (uint32_t)index;
	v.ttl_absolute = absolute;
	v.ttl = (uint32_t)ttl;
	v.timestamp = timestamp;
	v.permissions = (uint8_t)permissions;
	*ret = v;
	return true;
}

static __attribute__((noinline)) enum err value_read(struct str octets, struct value *ret)
{
	struct pb_cursor c = pb_cursor(octets);
	struct pb_field p;
	struct value v = {0};
	enum err e;
	while (!(e = pb_next(&c, &p))) {
		switch (p.id) {
		case VAL_INDEX: v.index = (uint32_t)p.number; break;
		case VAL_TYPE: v.type = p.bytes; break;
		case VAL_DATA: v.data = p.bytes; break;
		case VAL_TTL_TYPE: v.ttl_absolute = p.number == 1; break;
		case VAL_TTL: v.ttl = (uint32_t)p.number; break;
		case VAL_TIMESTAMP: v.timestamp = p.number; break;
		case VAL_PERMISSIONS: v.permissions = (uint8_t)p.number; break;
		case VAL_REFERENCES: v.references_n++; break;
		default: break;
		}
	}
	if (e != ERR_NOT_FOUND) return ERR_CORRUPT;
	*ret = v;
	return ERR_OK;
}

enum { FEW = 16 }; /* values of nearly all records */

/* The record's values, FEW at most, and slices into packed. */
static bool read_quick(struct str packed, struct value *values, struct record *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	const unsigned char *p = c.p;
	uint64_t version = 0, created = 0, modified = 0, status = 0, last = 0;
	struct record r = {.values = values};
	if (packed.n > RECORD_PACKED_MAX || !number_at(&c, &p, TAG(REC_VERSION, PB_VARINT), &version) ||
	    version != RECORD_VERSION || !bytes_at(&c, &p, TAG(REC_ID, PB_BYTES), &r.id) ||
	    !text_ok(r.id, RECORD_ID_MAX))
		return false;
	for (; p < c.end && *p == TAG(REC_VALUES, PB_BYTES); r.values_n++) {
		struct value *v = &values[r.values_n];
		struct str octets;
		if (r.values_n == FEW || !bytes_at(&c, &p, TAG(REC_VALUES, PB_BYTES), &octets) ||
		    !value_strict(octets, c.start, v) || v->index <= last)
			return false;
		last = v->index;
	}
	if (!number_at(&c, &p, TAG(REC_CREATED, PB_VARINT), &created) ||
	    !number_at(&c, &p, TAG(REC_MODIFIED, PB_VARINT), &modified) ||
	    !number_at(&c, &p, TAG(REC_REVISION, PB_VARINT), &r.revision) ||
	    !number_at(&c, &p, TAG(REC_STATUS, PB_VARINT), &status) ||
	    !bytes_at(&c, &p, TAG(REC_OWNER, PB_BYTES), &r.owner) || p != c.end || created > INT64_MAX ||
	    modified > INT64_MAX || status > RECORD_RETIRED || r.owner.n > ID_KEY_MAX)
		return false;
	r.created = (usec_t)created;
	r.modified = (usec_t)modified;
	r.status = status ? RECORD_RETIRED : RECORD_ACTIVE;
	*ret = r;
	return true;
}

/* As unpack_any, for what is written as record_pack writes, its indexes ascending, and breaks no rule.
 * false: that one may tell what is wrong, if anything is. */
static bool unpack_quick(struct arena *a, struct str packed, struct record *ret)
{
	struct value *values = arena_raw(a, FEW * sizeof *values);
	if (!values) return false;
	bool ok = read_quick(packed, values, ret);
	arena_give_back(a, (FEW - (ok ? ret->values_n : 0)) * sizeof *values);
	return ok;
}

enum err record_unpack_borrowed(struct arena *a, struct str packed, struct flaw *f, struct record *ret)
{
	return unpack_quick(a, packed, ret) ? ERR_OK : unpack_any(a, packed, f, ret);
}

enum err record_unpack(struct arena *a, struct str packed, struct flaw *f, struct record *ret)
{
	struct arena_mark mark = arena_mark(a);
	struct str copy = packed.n <= RECORD_PACKED_MAX ? arena_dup(a, packed) : STR_NONE;
	if (copy.p && unpack_quick(a, copy, ret)) return ERR_OK;
	arena_rollback(a, mark);
	return unpack_any(a, packed, f, ret);
}

/* The value's TTL into *least if it is relative and smaller; *any when it is relative. */
static inline enum err least_ttl(struct str octets, const unsigned char *start, uint32_t *least, bool *any)
{
	struct value v;
	if (!value_quick(octets, start, &v) && value_read(octets, &v)) return ERR_CORRUPT;
	if (!v.ttl_absolute && v.ttl < *least) *least = v.ttl;
	*any |= !v.ttl_absolute;
	return ERR_OK;
}

static inline __attribute__((always_inline)) bool head_quick(struct str packed, bool ttl,
							     struct record_head *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	const unsigned char *p = c.p;
	uint64_t version, created = 0, modified = 0, revision = 0, status = 0;
	struct record_head h = {.ttl = UINT32_MAX};
	struct str octets;
	bool any = false;
	if (!number_at(&c, &p, TAG(REC_VERSION, PB_VARINT), &version) ||
	    !bytes_at(&c, &p, TAG(REC_ID, PB_BYTES), &h.id))
		return false;
	h.values.p = (const char *)p;
	while (p < c.end && *p == TAG(REC_VALUES, PB_BYTES)) {
		if (!bytes_at(&c, &p, TAG(REC_VALUES, PB_BYTES), &octets)) return false;
		if (ttl && least_ttl(octets, c.start, &h.ttl, &any)) return false;
	}
	h.values.n = (size_t)((const char *)p - h.values.p);
	bool ok = number_at(&c, &p, TAG(REC_CREATED, PB_VARINT), &created) &&
		  number_at(&c, &p, TAG(REC_MODIFIED, PB_VARINT), &modified) &&
		  number_at(&c, &p, TAG(REC_REVISION, PB_VARINT), &revision) &&
		  number_at(&c, &p, TAG(REC_STATUS, PB_VARINT), &status) &&
		  bytes_at(&c, &p, TAG(REC_OWNER, PB_BYTES), &h.owner) && p == c.end && h.id.n;
	if (!ok) return false;
	h.created = (usec_t)created;
	h.modified = (usec_t)modified;
	h.revision = revision;
	h.status = status ? RECORD_RETIRED : RECORD_ACTIVE;
	if (!any) h.ttl = VALUE_TTL;
	*ret = h;
	return true;
}

static void head_take(const struct pb_field *p, struct record_head *h)
{
	switch (p->id) {
	case REC_ID: h->id = p->bytes; break;
	case REC_CREATED: h->created = (usec_t)p->number; break;
	case REC_MODIFIED: h->modified = (usec_t)p->number; break;
	case REC_REVISION: h->revision = p->number; break;
	case REC_STATUS: h->status = p->number ? RECORD_RETIRED : RECORD_ACTIVE; break;
	case REC_OWNER: h->owner = p->bytes; break;
	default: break;
	}
}

static __attribute__((noinline)) enum err head_read(struct str packed, struct record_head *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	struct pb_field p;
	struct record_head h = {.ttl = UINT32_MAX};
	size_t from = 0, end = 0;
	bool any = false;
	enum err e;
	while (!(e = pb_next(&c, &p))) {
		head_take(&p, &h);
		if (p.id != REC_VALUES) continue;
		if (least_ttl(p.bytes, (const unsigned char *)p.bytes.p, &h.ttl, &any)) return ERR_CORRUPT;
		if (!end) from = p.at;
		end = pb_at(&c);
	}
	if (e != ERR_NOT_FOUND || !h.id.n) return ERR_CORRUPT;
	if (!any) h.ttl = VALUE_TTL;
	h.values = str_first(str_skip(packed, from), end - from);
	*ret = h;
	return ERR_OK;
}

enum err record__head(struct str packed, struct record_head *ret)
{
	return head_quick(packed, false, ret) ? ERR_OK : head_read(packed, ret);
}

enum err record_peek(struct str packed, struct record_head *ret)
{
	return head_quick(packed, true, ret) ? ERR_OK : head_read(packed, ret);
}

enum err record__next_value(struct str *rest, struct value *ret, struct str *ret_octets)
{
	struct pb_cursor c = pb_cursor(*rest);
	struct pb_field p;
	struct str octets;
	const unsigned char *at = c.p;
	enum err e;
	if (at < c.end && *at == TAG(REC_VALUES, PB_BYTES) && bytes_at(&c, &at, *at, &octets) &&
	    value_quick(octets, c.start, ret)) {
		*ret_octets = STR_NONE;
		*rest = str_n(at, (size_t)(c.end - at));
		return ERR_OK;
	}
	while (!(e = pb_next(&c, &p)))
		if (p.id == REC_VALUES) break;
	if (e) return e == ERR_NOT_FOUND ? e : ERR_CORRUPT;
	e = value_read(p.bytes, ret);
	if (e) return e;
	*ret_octets = ret->references_n ? p.bytes : STR_NONE;
	ret->references_n = 0;
	*rest = pb_rest(&c);
	return ERR_OK;
}

enum err record_next_value(struct str *rest, struct value *ret)
{
	struct str octets;
	return record__next_value(rest, ret, &octets);
}

enum err record__next_reference(struct str *octets, struct reference *ret)
{
	struct pb_cursor c = pb_cursor(*octets), inner;
	struct pb_field p;
	struct reference r = {0};
	enum err e;
	while (!(e = pb_next(&c, &p)))
		if (p.id == VAL_REFERENCES) break;
	if (e) return e == ERR_NOT_FOUND ? e : ERR_CORRUPT;
	for (inner = pb_cursor(p.bytes); !(e = pb_next(&inner, &p));) {
		if (p.id == REF_HANDLE) r.handle = p.bytes;
		if (p.id == REF_INDEX) r.index = (uint32_t)p.number;
	}
	if (e != ERR_NOT_FOUND) return ERR_CORRUPT;
	*octets = pb_rest(&c);
	*ret = r;
	return ERR_OK;
}
