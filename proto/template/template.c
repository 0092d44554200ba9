/* The JSON form of templates: read and written side by side. */
#include "proto/template/template.h"

#include <stdio.h>

enum { PATH = 96 };

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *text)
{
	char at[PATH];
	snprintf(at, sizeof at, "%s%s%s", path, *path && *key ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s%s%s", at, *at ? " " : "", text);
}

/* ---- names of types --------------------------------------------------------------------- */

const char *template_type_name(enum template_type t)
{
	switch (t) {
#define X(up, low, number, zh)                                                                             \
	case TEMPLATE_##up: return #low;
		TEMPLATE_TYPES(X)
#undef X
	}
	return "";
}

const char *template_type_name_zh(enum template_type t)
{
	switch (t) {
#define X(up, low, number, zh)                                                                             \
	case TEMPLATE_##up: return zh;
		TEMPLATE_TYPES(X)
#undef X
	}
	return "";
}

enum err template_type_find(struct str name, enum template_type *ret)
{
#define X(up, low, number, zh)                                                                             \
	if (str_is(name, #low)) {                                                                          \
		*ret = TEMPLATE_##up;                                                                      \
		return ERR_OK;                                                                             \
	}
	TEMPLATE_TYPES(X)
#undef X
	return ERR_NOT_FOUND;
}

bool template_names_have(const struct template_names *n, struct str name)
{
	for (size_t i = 0; i < n->n; i++)
		if (str_eq(n->items[i], name)) return true;
	return false;
}

const struct template_attribute *template_find(const struct template *t, struct str name)
{
	for (size_t i = 0; i < t->attributes_n; i++)
		if (str_eq(t->attributes[i].name, name)) return &t->attributes[i];
	return NULL;
}

const struct template_attribute *template_at(const struct template *t, uint64_t index)
{
	for (size_t i = 0; i < t->attributes_n; i++)
		if (t->attributes[i].index == index) return &t->attributes[i];
	return NULL;
}

/* ---- members ---------------------------------------------------------------------------- */

/* One row a member: what reads it writes it. */
enum member_kind { TEXT, BOUND, NUMBER, SWITCH, NAMES, TIME };

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset, max;
	bool node; /* set by the node, not by people */
};

#define T(name, field, kind, max, node)                                                                    \
	{                                                                                                  \
		name, kind, offsetof(struct template, field), max, node                                    \
	}
static const struct member template_members[] = {
    T("prefix", prefix, TEXT, TEMPLATE_PREFIX_MAX, false),
    T("version", version, TEXT, TEMPLATE_VERSION_MAX, false),
    T("title", title, TEXT, TEMPLATE_TEXT_MAX, false),
    T("code", code, TEXT, TEMPLATE_VERSION_MAX, false),
    T("description", description, TEXT, TEMPLATE_TEXT_MAX, false),
    T("standard", standard, TEXT, TEMPLATE_TEXT_MAX, false),
    T("classification", classification, TEXT, TEMPLATE_VERSION_MAX, false),
    T("category", category, TEXT, 16, false),
    T("specific", specific, TEXT, 16, false),
    T("trade", trade, TEXT, 16, false),
    T("subclass", subclass, TEXT, 16, false),
    T("industry", industry, TEXT, TEMPLATE_TEXT_MAX, false),
    T("kind", kind, NUMBER, 2, false),
    T("published", published, SWITCH, 0, false),
    T("open", open, SWITCH, 0, false),
    T("readers", readers, NAMES, TEMPLATE_USERS_MAX, false),
    T("base", base, TEXT, TEMPLATE_PREFIX_MAX + 1 + TEMPLATE_VERSION_MAX, true),
    T("id", id, NUMBER, 0, true),
    T("revision", revision, NUMBER, 0, true),
    T("creator", creator, TEXT, 300, true),
    T("created", created, TIME, 0, true),
    T("modified", modified, TIME, 0, true),
    T("published_at", published_at, TIME, 0, true),
};
#undef T

#define A(name, field, kind, max, node)                                                                    \
	{                                                                                                  \
		name, kind, offsetof(struct template_attribute, field), max, node                          \
	}
static const struct member attribute_members[] = {
    A("index", index, NUMBER, TEMPLATE_INDEX_LAST, false),
    A("name", name, TEXT, TEMPLATE_NAME_MAX, false),
    A("title", title, TEXT, TEMPLATE_NAME_MAX, false),
    A("code", code, TEXT, TEMPLATE_NAME_MAX, false),
    A("definition", definition, TEXT, TEMPLATE_TEXT_MAX, false),
    A("comment", comment, TEXT, TEMPLATE_TEXT_MAX, false),
    A("required", required, SWITCH, 0, false),
    A("input", input, SWITCH, 0, false),
    A("listed", listed, SWITCH, 0, false),
    A("unique", unique, SWITCH, 0, false),
    A("open", open, SWITCH, 0, false),
    A("readers", readers, NAMES, TEMPLATE_USERS_MAX, false),
    A("writers", writers, NAMES, TEMPLATE_USERS_MAX, false),
    A("min_length", min_length, NUMBER, RECORD_DATA_MAX, false),
    A("max_length", max_length, NUMBER, RECORD_DATA_MAX, false),
    A("min", min, BOUND, 64, false),
    A("max", max, BOUND, 64, false),
    A("decimals", decimals, NUMBER, 64, false),
    A("pattern", pattern, TEXT, TEMPLATE_PATTERN_MAX, false),
    A("format", format, TEXT, 32, false),
    A("choices", choices, NAMES, TEMPLATE_CHOICES_MAX, false),
    A("reference", reference, TEXT, TEMPLATE_PREFIX_MAX + 1 + TEMPLATE_VERSION_MAX, false),
    A("file_types", file_types, TEXT, 200, false),
    A("files", files, NUMBER, 50, false),
    A("char_range", char_range, TEXT, TEMPLATE_TEXT_MAX, false),
    A("file_suffix", file_suffix, TEXT, 200, false),
    A("file_range", file_range, NUMBER, 2, false),
    A("reference_type", reference_type, NUMBER, 9, false),
    A("id", id, NUMBER, 0, true),
};
#undef A

#define ROWS(rows) (sizeof(rows) / sizeof *(rows))

static const struct member *member_find(const struct member *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0) return &rows[i];
	return NULL;
}

static enum err read_names(struct arena *a, json_t *v, const struct member *m, const char *path,
			   struct flaw *f, struct template_names *ret)
{
	struct template_names out = {.n = json_array_size(v)};
	if (!json_is_array(v)) return bad(f, path, m->name, "type", "is no list of texts");
	if (out.n > m->max) return bad(f, path, m->name, "count", "holds too many");
	out.items = ARENA_ARRAY(a, struct str, out.n + 1);
	if (!out.items) return ERR_NO_MEMORY;
	for (size_t i = 0; i < out.n; i++) {
		out.items[i] = json_text(json_array_get(v, i));
		if (!out.items[i].n || out.items[i].n > RECORD_ID_MAX)
			return bad(f, path, m->name, "type", "is no list of texts");
		for (size_t k = 0; k < i; k++)
			if (str_eq(out.items[i], out.items[k]))
				return bad(f, path, m->name, "twice", "says the same twice");
	}
	*ret = out;
	return ERR_OK;
}

static enum err read_text(json_t *v, const struct member *m, const char *path, struct flaw *f,
			  struct str *ret)
{
	struct str s = json_text(v);
	if (!json_is_string(v)) return bad(f, path, m->name, "type", "is no text");
	if (s.n > m->max || (s.n && memchr(s.p, 0, s.n)))
		return bad(f, path, m->name, "length", "is too long");
	*ret = s;
	return ERR_OK;
}

/* Also as a number of JSON, where that is exact. */
static enum err read_bound(struct arena *a, json_t *v, const struct member *m, const char *path,
			   struct flaw *f, struct str *ret)
{
	if (json_is_integer(v)) {
		*ret = arena_printf(a, "%lld", (long long)json_integer_value(v));
		return ret->p ? ERR_OK : ERR_NO_MEMORY;
	}
	if (json_is_string(v)) return read_text(v, m, path, f, ret);
	return bad(f, path, m->name, "type", "is a whole number, or a text such as \"0.5\"");
}

static enum err read_member(struct arena *a, json_t *v, const struct member *m, const char *path,
			    struct flaw *f, void *at)
{
	switch (m->kind) {
	case TEXT: return read_text(v, m, path, f, at);
	case BOUND: return read_bound(a, v, m, path, f, at);
	case NUMBER:
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    (m->max && (uint64_t)json_integer_value(v) > m->max))
			return bad(f, path, m->name, "number", "is no number in its range");
		*(uint64_t *)at = (uint64_t)json_integer_value(v);
		return ERR_OK;
	case SWITCH:
		if (!json_is_boolean(v)) return bad(f, path, m->name, "type", "is neither true nor false");
		*(bool *)at = json_is_true(v);
		return ERR_OK;
	case NAMES: return read_names(a, v, m, path, f, at);
	case TIME:
		if (!json_is_integer(v)) return bad(f, path, m->name, "type", "is no time");
		*(usec_t *)at = json_integer_value(v);
		return ERR_OK;
	}
	return ERR_INTERNAL;
}

struct reading {
	struct arena *a;
	bool stored;
	struct flaw *f;
};

/* Members of one object; those named in `own` are the caller's. A misspelt member would be lost silently.
 */
static enum err read_members(const struct reading *r, json_t *j, const struct member *rows, size_t n,
			     const char *own, const char *path, void *to)
{
	const char *key;
	json_t *v;
	json_object_foreach(j, key, v)
	{
		const struct member *m = member_find(rows, n, key);
		if (!m) {
			if (strcmp(key, own) == 0 || (own[0] == 't' && strcmp(key, "state") == 0)) continue;
			return bad(r->f, path, key, "unknown-member", "is not known");
		}
		if (m->node && !r->stored) return bad(r->f, path, key, "set-by-node", "is set by the node");
		enum err e = read_member(r->a, v, m, path, r->f, (char *)to + m->offset);
		if (e) return e;
	}
	return ERR_OK;
}

#define X(up, low, number, zh) " " #low
#define TYPE_NAMES TEMPLATE_TYPES(X)
static enum err read_attribute(const struct reading *r, json_t *j, const char *path,
			       struct template_attribute *x)
{
	static const char *const states[] = {"enabled", "disabled", "pending"};
	struct str state = STR_NONE, type = STR("string");
	if (!json_is_object(j)) return bad(r->f, path, "", "type", "is no object");
	*x = (struct template_attribute){.decimals = UINT64_MAX, .input = true};
	enum err e = read_members(r, j, attribute_members, ROWS(attribute_members), "type", path, x);
	if (!e) e = json_str_opt(j, path, "type", r->f, &type);
	if (!e) e = json_str_opt(j, path, "state", r->f, &state);
	if (e) return e;
	if (template_type_find(type, &x->type))
		return bad(r->f, path, "type", "attribute-type", "is none of" TYPE_NAMES);
	for (size_t i = 0; state.p && i < 3; i++)
		if (str_is(state, states[i])) {
			x->state = (enum template_state)i;
			return ERR_OK;
		}
	return state.p ? bad(r->f, path, "state", "attribute-state", "is not enabled, disabled or pending")
		       : ERR_OK;
}

static void fill_indexes(struct template *t)
{
	uint64_t next = TEMPLATE_INDEX_FIRST;
	for (size_t i = 0; i < t->attributes_n; i++) {
		if (t->attributes[i].index) continue;
		while (template_at(t, next)) next++;
		t->attributes[i].index = next;
	}
}

enum err template_read(struct arena *a, json_t *j, bool stored, struct flaw *f, struct template *ret)
{
	struct reading r = {a, stored, f};
	struct template t = {.kind = 2, .published = true};
	json_t *list = NULL;
	char path[PATH];
	if (!json_is_object(j)) return bad(f, "", "", "object", "the template is no object");
	enum err e = read_members(&r, j, template_members, ROWS(template_members), "attributes", "", &t);
	if (!e) e = json_arr(j, "", "attributes", f, &list);
	if (e) return e;
	if (!t.kind) t.kind = 2; /* zero is not written */
	t.attributes_n = json_array_size(list);
	if (t.attributes_n > TEMPLATE_ATTRIBUTES_MAX)
		return bad(f, "", "attributes", "count", "are too many");
	t.attributes = ARENA_ARRAY(a, struct template_attribute, t.attributes_n + 1);
	if (!t.attributes) return ERR_NO_MEMORY;
	for (size_t i = 0; i < t.attributes_n && !e; i++) {
		snprintf(path, sizeof path, "attributes[%zu]", i);
		e = read_attribute(&r, json_array_get(list, i), path, &t.attributes[i]);
	}
	if (e) return e;
	fill_indexes(&t);
	e = template_check_rules(&t, f);
	if (!e) *ret = t;
	return e;
}

static void write_member(json_t *o, const struct member *m, const void *at)
{
	const struct template_names *names = at;
	switch (m->kind) {
	case TEXT:
	case BOUND:
		if (((const struct str *)at)->n) json_put_str(o, m->name, *(const struct str *)at);
		return;
	case NUMBER: {
		uint64_t v = *(const uint64_t *)at;
		if (v && v != UINT64_MAX) json_put_u64(o, m->name, v);
		return;
	}
	case SWITCH: json_put(o, m->name, json_boolean(*(const bool *)at)); return;
	case TIME: json_put(o, m->name, json_integer(*(const usec_t *)at)); return;
	case NAMES:
		if (!names->n) return;
		json_put(o, m->name, json_array());
		for (size_t i = 0; i < names->n; i++)
			json_array_append_new(json_object_get(o, m->name),
					      json_stringn(names->items[i].p, names->items[i].n));
		return;
	}
}

static json_t *write_members(const void *from, const struct member *rows, size_t n, bool stored)
{
	json_t *o = json_object();
	for (size_t i = 0; i < n; i++)
		if (stored || !rows[i].node) write_member(o, &rows[i], (const char *)from + rows[i].offset);
	return o;
}

json_t *template_write(const struct template *t, bool stored)
{
	static const char *const states[] = {"enabled", "disabled", "pending"};
	json_t *o = write_members(t, template_members, ROWS(template_members), stored),
	       *list = json_array();
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		json_t *one = write_members(x, attribute_members, ROWS(attribute_members), stored);
		json_put_str(one, "type", str_of(template_type_name(x->type)));
		/* nothing behind the point is a rule too */
		if (!x->decimals) json_put_u64(one, "decimals", 0);
		if (x->state) json_put_str(one, "state", str_of(states[x->state]));
		must(!json_array_append_new(list, one));
	}
	json_put(o, "attributes", list);
	return o;
}

enum err template_number_read(const json_t *object, const char *key, uint64_t most, uint64_t *ret)
{
	const json_t *v = json_object_get(object, key);
	uint64_t n = 0;
	if (!v || json_is_null(v)) return ERR_OK;
	bool ok = json_is_string(v) ? !str_u64(json_text(v), &n)
				    : json_is_integer(v) && json_integer_value(v) >= 0;
	if (ok && json_is_integer(v)) n = (uint64_t)json_integer_value(v);
	if (!ok || n > most) return ERR_BAD_MESSAGE;
	*ret = n;
	return ERR_OK;
}
