#include "proto/bulk/bulk.h"

#include <stdio.h>

enum {
	READABLE = VALUE_PUBLIC_READ | VALUE_ADMIN_READ,
	SERIES_JSON_MAX = 4 << 20, /* a series, every octet escaped */
};

const char *bulk_form_name(enum bulk_form f)
{
	switch (f) {
#define X(name, number, text, media)                                                                       \
	case BULK_##name: return text;
		BULK_FORMS(X)
#undef X
	default: return "";
	}
}

const char *bulk_form_media(enum bulk_form f)
{
	switch (f) {
#define X(name, number, text, media)                                                                       \
	case BULK_##name: return media;
		BULK_FORMS(X)
#undef X
	default: return "";
	}
}

enum err bulk_form_find(struct str name_or_media, enum bulk_form *ret)
{
#define X(name, number, text, media)                                                                       \
	if (str_is(name_or_media, text) || str_eq_nocase(name_or_media, STR(media))) {                     \
		*ret = BULK_##name;                                                                        \
		return ERR_OK;                                                                             \
	}
	BULK_FORMS(X)
#undef X
	return ERR_NOT_FOUND;
}

static enum err json_record(struct arena *a, struct str line, struct flaw *f, struct record *ret)
{
	json_t *j;
	*ret = (struct record){0};
	enum err e = json_read(a, line, f, &j);
	if (e) return e;
	json_t *pattern = json_object_get(j, "pattern");
	ret->id = json_text(pattern ? pattern : json_object_get(j, "id"));
	/* its member is taken out of the tree */
	if (pattern && ret->id.p) ret->id = arena_dup(a, ret->id);
	e = pattern ? record_parse_series_json(a, j, f, ret) : record_parse_json(a, j, f, ret);
	const json_t *status = json_object_get(j, "status");
	return e || !status ? e : bulk__status(json_text(status), "status", f, ret);
}

enum err bulk_record(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
		     struct str line, struct flaw *f, struct record *ret)
{
	if (form == BULK_NDJSON) return json_record(a, line, f, ret);
	if (form == BULK_CSV) {
		struct str copy = arena_dup(a, line);
		return line.n && !copy.p ? ERR_NO_MEMORY : bulk__csv_record(a, columns, copy, f, ret);
	}
	struct record_head head;
	*ret = (struct record){0};
	if (!line.n)
		return flaw_set(f, ERR_BAD_PROTO, FLAW_NO_OFFSET, "", "cut", "the last message is cut");
	enum err e = record_unpack_borrowed(a, line, f, ret);
	if (e && !record_peek(line, &head) && str_utf8_ok(head.id, NULL)) ret->id = head.id;
	return e;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void put_delimited(struct buf *out, struct str packed)
{
	for (size_t n = packed.n;; n >>= 7) {
		buf_byte(out, (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
		if (n <= 0x7f) break;
	}
	buf_add(out, packed);
}

static enum err all_readable(struct str packed, bool *ret)
{
	struct value v;
	struct str rest = packed;
	enum err e;
	*ret = true;
	while (!(e = record_next_value(&rest, &v))) *ret &= (v.permissions & READABLE) != 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void leave_out_hidden(struct record *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->values_n; i++)
		if (r->values[i].permissions & READABLE) r->values[n++] = r->values[i];
	r->values_n = n;
}

static enum err write_protobuf(struct arena *a, struct str packed, struct buf *out)
{
	bool all;
	struct record r;
	enum err e = all_readable(packed, &all);
	if (e) return e;
	if (all) {
		put_delimited(out, packed);
		return ERR_OK;
	}
	struct buf less = BUF_INIT(RECORD_PACKED_MAX);
	e = record_unpack(a, packed, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	leave_out_hidden(&r);
	e = record_pack(&r, &less);
	if (!e) put_delimited(out, buf_str(&less));
	buf_done(&less);
	return e;
}

enum err bulk_write(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
		    struct str packed, struct buf *out)
{
	struct record r;
	enum err e;
	if (form == BULK_PROTOBUF) return write_protobuf(a, packed, out);
	if (form == BULK_NDJSON) {
		e = record_write_json(packed, RECORD_ADMIN, out);
		if (!e) buf_byte(out, '\n');
		return e;
	}
	e = record_unpack(a, packed, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	leave_out_hidden(&r);
	return bulk__csv_write(a, columns, &r, out);
}

/* An object whose first member is the id: its name alone is another. */
static enum err write_series_json(struct str packed, struct buf *out)
{
	static const struct str id = {"{\"id\":", 6};
	struct buf text = BUF_INIT(SERIES_JSON_MAX);
	enum err e = record_write_json(packed, RECORD_ADMIN, &text);
	if (!e) e = buf_err(&text);
	if (!e) {
		must(str_starts(buf_str(&text), id));
		buf_add(out, STR("{\"pattern\":"));
		buf_add(out, str_skip(buf_str(&text), id.n));
		buf_byte(out, '\n');
	}
	buf_done(&text);
	return e;
}

enum err bulk_write_series(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
			   struct str packed, struct buf *out)
{
	struct record r;
	if (form == BULK_NDJSON) return write_series_json(packed, out);
	enum err e = record_unpack(a, packed, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	leave_out_hidden(&r);
	r.series = true;
	if (form == BULK_CSV) return bulk__csv_write(a, columns, &r, out);
	struct buf message = BUF_INIT(RECORD_PACKED_MAX);
	e = record_pack(&r, &message);
	if (!e) put_delimited(out, buf_str(&message));
	buf_done(&message);
	return e;
}
