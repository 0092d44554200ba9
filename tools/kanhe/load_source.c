#include "tools/kanhe/load.h"

enum { CELL_MAX = 64 * 1024, COLUMNS_MAX = 256 };

/* One line off the text; quoted CSV cells may hold line ends. False at the end. */
static bool take_line(struct load_source *s, bool csv, struct str *ret)
{
	bool quoted = false;
	if (!s->rest.n) return false;
	size_t i = csv ? 0 : str_find(s->rest, '\n');
	for (; i < s->rest.n; i++) {
		if (csv && s->rest.p[i] == '"') quoted = !quoted;
		if (s->rest.p[i] == '\n' && !quoted) break;
	}
	*ret = str_first(s->rest, i);
	s->rest = str_skip(s->rest, i + 1);
	if (str_ends(*ret, STR("\r"))) ret->n--;
	s->line++;
	return true;
}

/* One cell off the line (RFC 4180). False when the line is used up; ERR in *ret_err. */
static bool take_cell(struct str *line, struct buf *cell, enum err *ret_err)
{
	buf_clear(cell);
	*ret_err = ERR_OK;
	if (!line->p) return false;
	if (!line->n || line->p[0] != '"') {
		struct str plain;
		str_split(line, ',', &plain);
		buf_add(cell, plain);
		*ret_err = buf_err(cell);
		return true;
	}
	size_t i = 1;
	for (; i < line->n; i++) {
		if (line->p[i] != '"') {
			buf_byte(cell, line->p[i]);
		} else if (i + 1 < line->n && line->p[i + 1] == '"') {
			buf_byte(cell, '"');
			i++;
		} else {
			break;
		}
	}
	if (i >= line->n || (i + 1 < line->n && line->p[i + 1] != ',')) *ret_err = ERR_BAD_INPUT;
	*line = i + 1 < line->n ? str_skip(*line, i + 2) : STR_NONE;
	if (!*ret_err) *ret_err = buf_err(cell);
	return true;
}

static void add_value(json_t *values, const char *type, size_t type_n, struct str data)
{
	json_t *v = json_object(), *d = json_object();
	json_put_u64(v, "index", json_array_size(values) + 1);
	json_put_str(v, "type", str_n(type, type_n));
	json_put_str(d, "format", STR("string"));
	json_put_str(d, "value", data);
	json_put(v, "data", d);
	json_array_append_new(values, v);
}

static json_t *new_record(struct str id, json_t **ret_values)
{
	json_t *o = json_object();
	*ret_values = json_array();
	json_put_str(o, "id", id);
	json_put(o, "values", *ret_values);
	return o;
}

static enum err csv_next(struct load_source *s, struct flaw *f, json_t **ret)
{
	struct str line, types = s->header, type;
	struct buf cell = BUF_INIT(CELL_MAX);
	enum err e = ERR_OK;
	do
		if (!take_line(s, true, &line)) return ERR_NOT_FOUND;
	while (!line.n);
	json_t *values, *record = NULL;
	for (size_t column = 0; !e && take_cell(&line, &cell, &e) && !e; column++) {
		if (column == COLUMNS_MAX || !str_split(&types, ',', &type)) {
			e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "line", "columns",
				     "more cells than the header has");
		} else if (column == 0) {
			record = new_record(buf_str(&cell), &values);
		} else if (cell.n) {
			add_value(values, type.p, type.n, buf_str(&cell));
		}
	}
	if (e == ERR_BAD_INPUT && f && !f->err)
		flaw_set(f, e, FLAW_NO_OFFSET, "line", "quotes", "a quoted cell is not closed properly");
	buf_done(&cell);
	if (e)
		json_decref(record);
	else
		*ret = record;
	return e;
}

/* A series is no record, and a type of this name would be a series that was meant. */
static enum err refuse_series(struct flaw *f)
{
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "pattern", "series",
			"a series is registered by kanhe import, or kanhe series add");
}

static enum err ndjson_next(struct load_source *s, struct flaw *f, json_t **ret)
{
	struct str line;
	do
		if (!take_line(s, false, &line)) return ERR_NOT_FOUND;
	while (!str_trim(line).n);
	struct arena_mark mark = arena_mark(s->arena);
	enum err e = json_read(s->arena, line, f, ret);
	if (!e && !json_is_object(*ret))
		e = flaw_set(f, ERR_BAD_INPUT, 0, "", "object", "the line is not a JSON object");
	if (!e && json_object_get(*ret, "pattern")) e = refuse_series(f);
	if (!e) json_incref(*ret);
	arena_rollback(s->arena, mark);
	return e;
}

/* ---- GS1 resolver entries ---------------------------------------------------------------- */

static bool has_template(struct str s)
{
	return str_find(s, '{') < s.n;
}

static void add_link(json_t *values, const json_t *link)
{
	json_t *data = json_deep_copy(link);
	must(data != NULL);
	json_object_del(data, "linktype");
	char *text = json_dumps(data, JSON_COMPACT);
	struct str type = json_text(json_object_get(link, "linktype"));
	if (!type.n) type = STR("gs1:defaultLink");
	add_value(values, type.p, type.n, str_of(text));
	free(text);
	json_decref(data);
}

static enum err gs1_json_next(struct load_source *s, struct flaw *f, json_t **ret)
{
	for (;;) {
		const json_t *entry = json_array_get(s->entries, s->line);
		json_t *values, *link;
		size_t i;
		if (!entry) return ERR_NOT_FOUND;
		s->line++;
		struct str anchor = json_text(json_object_get(entry, "anchor"));
		if (!anchor.n)
			return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "anchor", "required",
					"the entry has no anchor");
		if (json_object_get(entry, "qualifiers") || has_template(anchor)) {
			s->left_out++;
			continue;
		}
		*ret = new_record(str_skip(anchor, anchor.p[0] == '/'), &values);
		struct str about = json_text(json_object_get(entry, "itemDescription"));
		if (about.n) add_value(values, "DESC", 4, about);
		json_array_foreach(json_object_get(entry, "links"), i, link) add_link(values, link);
		return ERR_OK;
	}
}

enum gs1_column {
	KEY_AI,
	KEY_VALUE,
	DESCRIPTION,
	QUALIFIERS,
	LINK_TYPE,
	LANGUAGE,
	MEDIA_TYPE,
	TITLE,
	TARGET,
	GS1_COLUMNS
};

static enum err gs1_cells(struct str line, struct arena *a, struct str cells[GS1_COLUMNS], struct flaw *f)
{
	struct buf cell = BUF_INIT(CELL_MAX);
	enum err e = ERR_OK;
	size_t n = 0;
	while (take_cell(&line, &cell, &e) && !e && n < GS1_COLUMNS)
		cells[n++] = arena_dup(a, buf_str(&cell));
	buf_done(&cell);
	if (e || n < GS1_COLUMNS)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "line", "columns",
				"the line has %zu of %d cells", n, GS1_COLUMNS);
	return ERR_OK;
}

static void gs1_csv_link(json_t *values, const struct str cells[GS1_COLUMNS])
{
	json_t *link = json_object(), *lang = json_array();
	json_put_str(link, "linktype", cells[LINK_TYPE]);
	json_put_str(link, "href", cells[TARGET]);
	json_put_str(link, "title", cells[TITLE]);
	if (cells[MEDIA_TYPE].n) json_put_str(link, "type", cells[MEDIA_TYPE]);
	if (cells[LANGUAGE].n)
		json_array_append_new(lang, json_stringn(cells[LANGUAGE].p, cells[LANGUAGE].n));
	json_put(link, "hreflang", lang);
	add_link(values, link);
	json_decref(link);
}

/* Lines of one key and qualifier path stand together and make one record. */
static enum err gs1_csv_next(struct load_source *s, struct flaw *f, json_t **ret)
{
	struct str first[GS1_COLUMNS] = {{0}}, cells[GS1_COLUMNS], line;
	json_t *record = NULL, *values = NULL;
	enum err e = ERR_OK;
	for (;;) {
		struct load_source before = *s;
		if (!take_line(s, true, &line)) break;
		if (!line.n) continue;
		e = gs1_cells(line, s->arena, cells, f);
		if (e) break;
		if (record &&
		    !(str_eq(cells[KEY_VALUE], first[KEY_VALUE]) && str_eq(cells[KEY_AI], first[KEY_AI]) &&
		      str_eq(cells[QUALIFIERS], first[QUALIFIERS]))) {
			*s = before;
			break;
		}
		if (has_template(cells[QUALIFIERS])) {
			s->left_out++;
			continue;
		}
		if (!record) {
			memcpy(first, cells, sizeof first);
			struct str more = str_is(cells[QUALIFIERS], "/") ? STR("") : cells[QUALIFIERS];
			struct str id = arena_printf(s->arena, "%.*s/%.*s%.*s", STR_ARG(cells[KEY_AI]),
						     STR_ARG(cells[KEY_VALUE]), STR_ARG(more));
			record = new_record(id, &values);
			if (cells[DESCRIPTION].n) add_value(values, "DESC", 4, cells[DESCRIPTION]);
		}
		gs1_csv_link(values, cells);
	}
	if (e) {
		json_decref(record);
		return e;
	}
	if (!record) return ERR_NOT_FOUND;
	*ret = record;
	return ERR_OK;
}

static bool entries_form(const json_t *j)
{
	return json_is_array(j) || (json_is_object(j) && json_object_get(j, "anchor"));
}

static enum err open_json(struct load_source *s, struct flaw *f)
{
	json_t *j;
	struct flaw ignored;
	struct arena_mark mark = arena_mark(s->arena);
	enum err e = json_read_large(s->arena, s->rest, &ignored, &j);
	if (e || !entries_form(j)) {
		/* not one document: lines of JSON */
		arena_rollback(s->arena, mark);
		s->form = LOAD_NDJSON;
		return ERR_OK;
	}
	s->form = LOAD_GS1_JSON;
	s->entries = j;
	if (json_is_object(j)) {
		s->entries = json_keep(s->arena, json_array());
		if (!s->entries || json_array_append(s->entries, j))
			return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "out of memory");
	}
	return ERR_OK;
}

static bool has_column(struct str header, const char *name)
{
	struct str cell;
	while (str_split(&header, ',', &cell))
		if (str_is(cell, name)) return true;
	return false;
}

enum err load_open(struct load_source *s, struct arena *a, struct str text, struct flaw *f)
{
	*s = (struct load_source){.rest = text, .arena = a};
	if (str_starts(s->rest, STR("\xef\xbb\xbf"))) s->rest = str_skip(s->rest, 3);
	struct str head = str_trim(s->rest);
	if (head.n && (head.p[0] == '{' || head.p[0] == '[')) return open_json(s, f);
	if (!take_line(s, true, &s->header) || !s->header.n)
		return flaw_set(f, ERR_BAD_INPUT, 0, "", "header", "the file is empty");
	if (str_starts(s->header, STR("key_ai,key_value,"))) {
		s->form = LOAD_GS1_CSV;
	} else if (has_column(s->header, "pattern")) {
		return refuse_series(f);
	} else if (str_starts(s->header, STR("id,"))) {
		s->form = LOAD_CSV;
		str_split(&s->header, ',', &head); /* the types follow the id */
		s->header = str_n(head.p, head.n + 1 + s->header.n);
	} else {
		return flaw_set(f, ERR_BAD_INPUT, 0, "header", "header",
				"the first line must begin with \"id,\"");
	}
	return ERR_OK;
}

enum err load_next(struct load_source *s, struct flaw *f, json_t **ret)
{
	*f = (struct flaw){.err = ERR_OK};
	switch (s->form) {
	case LOAD_CSV: return csv_next(s, f, ret);
	case LOAD_GS1_CSV: return gs1_csv_next(s, f, ret);
	case LOAD_NDJSON: return ndjson_next(s, f, ret);
	case LOAD_GS1_JSON: return gs1_json_next(s, f, ret);
	}
	return ERR_INTERNAL;
}
