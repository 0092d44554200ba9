#include "proto/bulk/csv.h"

#include <stdio.h>
#include <stdlib.h>

enum { CELL_JSON_MAX = 4 << 20 /* values of one record, every octet escaped, fit twice */ };

/* ---- cells ------------------------------------------------------------------------------ */

/* Takes one cell off the line; p = NULL: the line is used up. Quoted cells with marks inside are copied. */
static enum err take_cell(struct arena *a, struct str whole, struct str *line, struct flaw *f,
			  struct str *ret)
{
	if (!line->n || line->p[0] != '"') {
		str_split(line, ',', ret);
		if (str_find(*ret, '"') == ret->n) return ERR_OK;
		return flaw_set(f, ERR_BAD_INPUT, (size_t)(ret->p - whole.p) + str_find(*ret, '"'), "",
				"quotes", "a cell with a quotation mark in it has to be quoted");
	}
	size_t i = 1, marks = 0, from = (size_t)(line->p - whole.p);
	for (; i < line->n; i++) {
		if (line->p[i] != '"') continue;
		if (i + 1 == line->n || line->p[i + 1] != '"') break;
		marks++;
		i++;
	}
	if (i >= line->n)
		return flaw_set(f, ERR_BAD_INPUT, from, "", "quotes", "a quoted cell is not closed");
	if (i + 1 < line->n && line->p[i + 1] != ',')
		return flaw_set(f, ERR_BAD_INPUT, from + i + 1, "", "quotes",
				"a comma or the end of the line has to follow a quoted cell");
	struct str cell = str_n(line->p + 1, i - 1);
	*line = i + 1 < line->n ? str_skip(*line, i + 2) : STR_NONE;
	if (marks) {
		char *to = arena_bytes(a, cell.n - marks);
		if (!to) return ERR_NO_MEMORY;
		for (size_t k = 0, at = 0; k < cell.n; k++) {
			to[at++] = cell.p[k];
			if (cell.p[k] == '"') k++;
		}
		cell = str_n(to, cell.n - marks);
	}
	*ret = cell;
	return ERR_OK;
}

/* ---- columns ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum bulk_column_kind kind;
} reserved[] = {{"id", BULK_ID},
		{"ttl", BULK_TTL},
		{"timestamp", BULK_TIMESTAMP},
		{"values", BULK_VALUES},
		{"record-status", BULK_STATUS},
		{"pattern", BULK_PATTERN}};

static enum err bad_column(struct flaw *f, size_t i, const char *rule, const char *text)
{
	char at[32];
	snprintf(at, sizeof at, "header[%zu]", i);
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, rule, "column %zu %s", i + 1, text);
}

static enum err read_column(struct str name, size_t i, struct flaw *f, struct bulk_column *ret)
{
	uint64_t index = 0;
	size_t colon = str_find(name, ':');
	for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
		if (str_is(name, reserved[k].name)) {
			*ret = (struct bulk_column){.kind = reserved[k].kind};
			return ERR_OK;
		}
	if (colon && colon < name.n && !str_u64(str_first(name, colon), &index)) {
		if (!index || index > UINT32_MAX)
			return bad_column(f, i, "index", "has an index that is not from 1 to 2^32-1");
		name = str_skip(name, colon + 1);
	}
	if (!name.n || name.n > RECORD_TYPE_MAX || memchr(name.p, 0, name.n) || !str_utf8_ok(name, NULL))
		return bad_column(f, i, "type", "has no type of 1 to 128 octets of UTF-8");
	*ret = (struct bulk_column){BULK_VALUE, (uint32_t)index, name};
	return ERR_OK;
}

static bool index_used(const struct bulk_columns *c, uint32_t index)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->all[i].kind == BULK_VALUE && c->all[i].index == index) return true;
	return false;
}

static enum err check_columns(struct bulk_columns *c, struct flaw *f)
{
	size_t ids = 0;
	for (size_t i = 0; i < c->n; i++) {
		ids += c->all[i].kind == BULK_ID || c->all[i].kind == BULK_PATTERN;
		for (size_t k = 0; k < i; k++) {
			bool value = c->all[i].kind == BULK_VALUE && c->all[i].index;
			if (c->all[i].kind != c->all[k].kind) continue;
			if (c->all[i].kind != BULK_VALUE)
				return bad_column(f, i, "column-twice", "stands twice");
			if (value && c->all[i].index == c->all[k].index)
				return bad_column(f, i, "duplicate-index", "has the index of another one");
		}
	}
	if (!ids)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "header", "id-column",
				"the header has no column id, and none called pattern");
	uint32_t next = 1;
	for (size_t i = 0; i < c->n; i++) {
		if (c->all[i].kind != BULK_VALUE || c->all[i].index) continue;
		while (index_used(c, next)) next++;
		c->all[i].index = next;
	}
	return ERR_OK;
}

enum err bulk_columns_parse(struct arena *a, struct str header, struct flaw *f, struct bulk_columns *ret)
{
	struct str rest, name;
	struct bulk_columns c = {.all = ARENA_ARRAY(a, struct bulk_column, BULK_COLUMNS_MAX)};
	if (header.n > BULK_HEADER_MAX)
		return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "header", "header-length",
				"the header has at most %d octets", BULK_HEADER_MAX);
	if (str_starts(header, STR("\xef\xbb\xbf"))) header = str_skip(header, 3);
	header = arena_dup(a, header);
	if (!c.all || !header.p) return ERR_NO_MEMORY;
	for (rest = header; rest.p; c.n++) {
		if (c.n == BULK_COLUMNS_MAX)
			return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "header", "columns",
					"a line has at most %d columns", BULK_COLUMNS_MAX);
		enum err e = take_cell(a, header, &rest, f, &name);
		if (!e) e = read_column(name, c.n, f, &c.all[c.n]);
		if (e) return e;
	}
	enum err e = check_columns(&c, f);
	if (!e) *ret = c;
	return e;
}

enum err bulk__status(struct str word, const char *at, struct flaw *f, struct record *r)
{
	if (!str_is(word, "active") && !str_is(word, "retired"))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, "status",
				"the status is active or retired");
	r->status = str_is(word, "retired") ? RECORD_RETIRED : RECORD_ACTIVE;
	return ERR_OK;
}

/* ---- a line read ------------------------------------------------------------------------ */

struct reading {
	struct arena *a;
	struct flaw *f;
	struct record *r;
	struct str more; /* the cell `values` */
	uint64_t ttl, timestamp;
	bool pattern_column;
};

static enum err bad_cell(struct reading *d, const char *at, size_t offset, const char *rule,
			 const char *text)
{
	return flaw_set(d->f, ERR_BAD_INPUT, offset, at, rule, "%s", text);
}

static enum err take_value(struct reading *d, const struct bulk_column *c, struct str cell)
{
	char at[sizeof d->f->at];
	size_t bad = FLAW_NO_OFFSET;
	bool text = str_utf8_ok(cell, &bad);
	if (!text || cell.n > RECORD_DATA_MAX) {
		snprintf(at, sizeof at, "%u:%.*s", c->index, c->type.n > 60 ? 60 : (int)c->type.n,
			 c->type.p);
		return text ? flaw_set(d->f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, "length",
				       "the cell has %zu octets, at most %d are allowed", cell.n,
				       RECORD_DATA_MAX)
			    : bad_cell(d, at, bad, "utf-8", "the cell is not UTF-8");
	}
	d->r->values[d->r->values_n++] = (struct value){
	    .index = c->index, .type = c->type, .data = cell, .permissions = VALUE_PERMISSIONS};
	return ERR_OK;
}

static enum err take_shared(struct reading *d, const struct bulk_column *c, struct str cell)
{
	usec_t t;
	switch (c->kind) {
	case BULK_TTL:
		if (str_u64(cell, &d->ttl) || d->ttl > UINT32_MAX)
			return bad_cell(d, "ttl", FLAW_NO_OFFSET, "number",
					"the cell is not a number of seconds");
		return ERR_OK;
	case BULK_TIMESTAMP:
		if (clock_parse(cell, &t) || t < 0)
			return bad_cell(d, "timestamp", FLAW_NO_OFFSET, "time",
					"the cell is not an RFC 3339 time since 1970");
		d->timestamp = (uint64_t)(t / USEC_PER_SEC);
		return ERR_OK;
	case BULK_VALUES: d->more = cell; return ERR_OK;
	case BULK_STATUS: return bulk__status(cell, "record-status", d->f, d->r);
	default: return ERR_OK; /* the identifier: taken already */
	}
}

/* An identifier, or the pattern of a series. */
static enum err take_id(struct reading *d, struct str cell, bool pattern)
{
	size_t bad = str_find(cell, 0);
	const char *at = pattern ? "pattern" : "id";
	if (!cell.n && (d->pattern_column || d->r->id.n)) return ERR_OK;
	if (d->r->id.n)
		return bad_cell(d, at, FLAW_NO_OFFSET, "id-or-pattern",
				"a line has an identifier or a pattern, not both");
	if (bad < cell.n || !str_utf8_ok(cell, &bad))
		return bad_cell(d, at, bad, "utf-8", "the identifier is not UTF-8");
	d->r->id = cell;
	d->r->series = pattern;
	return ERR_OK;
}

static enum err read_cells(struct reading *d, const struct bulk_columns *columns, struct str line)
{
	struct str rest = line, cell;
	size_t i = 0;
	for (; rest.p; i++) {
		if (i == columns->n)
			return bad_cell(d, "", FLAW_NO_OFFSET, "columns",
					"the line has more cells than the header");
		const struct bulk_column *c = &columns->all[i];
		enum err e = take_cell(d->a, line, &rest, d->f, &cell);
		if (!e && (c->kind == BULK_ID || c->kind == BULK_PATTERN))
			e = take_id(d, cell, c->kind == BULK_PATTERN);
		if (!e && cell.n)
			e = c->kind == BULK_VALUE ? take_value(d, c, cell) : take_shared(d, c, cell);
		if (e) return e;
	}
	if (i < columns->n)
		return bad_cell(d, "", FLAW_NO_OFFSET, "columns",
				"the line has fewer cells than the header");
	return ERR_OK;
}

/* Those of the cell `values` behind those of the columns. */
static enum err read_more(struct reading *d)
{
	struct record *r = d->r, more;
	json_t *list, *o;
	enum err e = json_read(d->a, d->more, d->f, &list);
	if (e) {
		if (d->f && d->f->err == e) snprintf(d->f->at, sizeof d->f->at, "values");
		return e;
	}
	o = json_keep(d->a, json_object());
	if (!o) return ERR_NO_MEMORY;
	json_put_str(o, "id", STR("-"));
	json_put(o, "values", json_incref(list));
	e = record_parse_json(d->a, o, d->f, &more);
	if (e) return e;
	struct value *all = ARENA_ARRAY(d->a, struct value, r->values_n + more.values_n + 1);
	if (!all) return ERR_NO_MEMORY;
	if (r->values_n) memcpy(all, r->values, r->values_n * sizeof *all);
	if (more.values_n) memcpy(all + r->values_n, more.values, more.values_n * sizeof *all);
	r->values = all;
	r->values_n += more.values_n;
	return ERR_OK;
}

enum err bulk__csv_record(struct arena *a, const struct bulk_columns *columns, struct str line,
			  struct flaw *f, struct record *ret)
{
	struct reading d = {.a = a, .f = f, .r = ret, .ttl = VALUE_TTL};
	*ret = (struct record){.values = ARENA_ARRAY(a, struct value, columns->n + 1)};
	if (!ret->values) return ERR_NO_MEMORY;
	for (size_t i = 0; i < columns->n; i++) d.pattern_column |= columns->all[i].kind == BULK_PATTERN;
	enum err e = read_cells(&d, columns, line);
	if (e) return e;
	for (size_t i = 0; i < ret->values_n; i++) {
		ret->values[i].ttl = (uint32_t)d.ttl;
		ret->values[i].timestamp = d.timestamp;
	}
	if (d.more.n) e = read_more(&d);
	return e ? e : record_check(a, ret, f);
}

/* ---- a line written --------------------------------------------------------------------- */

static void put_cell(struct buf *out, struct str s)
{
	bool quote = false;
	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
	/* blanks at the ends: not every reader keeps them */
	if (s.n) quote |= s.p[0] == ' ' || s.p[s.n - 1] == ' ';
	if (!quote) {
		buf_add(out, s);
		return;
	}
	buf_byte(out, '"');
	for (struct str part; s.p;) {
		bool more = str_find(s, '"') < s.n;
		str_split(&s, '"', &part);
		buf_add(out, part);
		if (more) buf_add(out, STR("\"\""));
	}
	buf_byte(out, '"');
}

bool bulk_plain(const struct value *v)
{
	return v->data.n && v->permissions == VALUE_PERMISSIONS && !v->ttl_absolute && !v->references_n &&
	       !memchr(v->data.p, 0, v->data.n) && str_utf8_ok(v->data, NULL);
}

void bulk_write_header(const struct bulk_columns *columns, struct buf *out)
{
	for (size_t i = 0; i < columns->n; i++) {
		const struct bulk_column *c = &columns->all[i];
		struct buf name = BUF_INIT(RECORD_TYPE_MAX + 16);
		if (c->kind == BULK_VALUE) buf_printf(&name, "%u:", c->index);
		buf_add(&name, c->type);
		for (size_t k = 0; k < sizeof reserved / sizeof *reserved && c->kind != BULK_VALUE; k++)
			if (reserved[k].kind == c->kind) buf_add(&name, str_of(reserved[k].name));
		if (i) buf_byte(out, ',');
		put_cell(out, buf_str(&name));
		buf_done(&name);
	}
	buf_byte(out, '\n');
}

/* The value that goes into the column, or NULL. */
static const struct value *value_of(const struct bulk_column *c, const struct record *r)
{
	for (size_t i = 0; i < r->values_n; i++)
		if (r->values[i].index == c->index)
			return str_eq(r->values[i].type, c->type) && bulk_plain(&r->values[i])
				   ? &r->values[i]
				   : NULL;
	return NULL;
}

static bool same_shared(const struct value *v, const struct value *first)
{
	return v->ttl == first->ttl && v->timestamp == first->timestamp;
}

/* The values that no column takes, as JSON: a record of them in its JSON form, cut down to the array. */
static enum err put_more(struct record *rest, struct buf *out)
{
	struct buf packed = BUF_INIT(RECORD_PACKED_MAX), text = BUF_INIT(CELL_JSON_MAX);
	static const char member[] = "\"values\":";
	rest->id = STR("-");
	enum err e = record_pack(rest, &packed);
	if (!e) e = record_write_json(buf_str(&packed), RECORD_ADMIN, &text);
	if (!e) {
		const char *at = memmem(text.p, text.n, member, sizeof member - 1);
		must(at != NULL);
		at += sizeof member - 1;
		put_cell(out, str_n(at, text.n - 1 - (size_t)(at - text.p)));
	}
	buf_done(&packed);
	buf_done(&text);
	return e;
}

static void put_shared(const struct bulk_column *c, const struct value *first, struct buf *out)
{
	char time[CLOCK_TEXT];
	if (!first) return;
	if (c->kind == BULK_TTL && first->ttl != VALUE_TTL) buf_u64(out, first->ttl);
	if (c->kind == BULK_TIMESTAMP && first->timestamp)
		buf_add(out, str_of(clock_print((usec_t)first->timestamp * USEC_PER_SEC, false, time)));
}

enum err bulk__csv_write(struct arena *a, const struct bulk_columns *columns, const struct record *r,
			 struct buf *out)
{
	const struct value *first = NULL, **in = ARENA_ARRAY(a, const struct value *, columns->n);
	struct record rest = {.values = ARENA_ARRAY(a, struct value, r->values_n + 1)};
	enum err e = ERR_OK;
	if (!in || !rest.values) return ERR_NO_MEMORY;
	for (size_t i = 0; i < columns->n; i++) {
		const struct value *v =
		    columns->all[i].kind == BULK_VALUE ? value_of(&columns->all[i], r) : NULL;
		if (!v || (first && !same_shared(v, first))) continue;
		if (!first) first = v;
		in[i] = v;
	}
	for (size_t i = 0; i < r->values_n; i++) {
		bool taken = false;
		for (size_t k = 0; k < columns->n; k++) taken |= in[k] == &r->values[i];
		if (!taken) rest.values[rest.values_n++] = r->values[i];
	}
	for (size_t i = 0; i < columns->n && !e; i++) {
		const struct bulk_column *c = &columns->all[i];
		if (i) buf_byte(out, ',');
		if (c->kind == (r->series ? BULK_PATTERN : BULK_ID)) put_cell(out, r->id);
		if (c->kind == BULK_STATUS && r->status == RECORD_RETIRED) buf_add(out, STR("retired"));
		if (in[i]) put_cell(out, in[i]->data);
		if (c->kind == BULK_TTL || c->kind == BULK_TIMESTAMP) put_shared(c, first, out);
		if (c->kind == BULK_VALUES && rest.values_n) e = put_more(&rest, out);
	}
	buf_byte(out, '\n');
	return e;
}
