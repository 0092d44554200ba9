#include "proto/vc/schema.h"

#include <stdio.h>

#include "proto/vc/pattern.h"

enum { PATH_MAX_TEXT = 120 };
#define WHOLE_MAX                                                                                          \
	9007199254740992.0 /* 2^53: beyond it doubles are whole anyway, and no integers of JSON's */

struct run {
	json_t *root;
	struct flaw *f;
	unsigned depth, steps;
	unsigned *budget; /* of all patterns */
};

static enum err check(struct run *r, json_t *schema, json_t *v, const char *path);

static enum err refuse(struct run *r, const char *path, const char *keyword)
{
	return flaw_set(r->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, path, keyword,
			"%s does not keep to its schema: %s", path, keyword);
}

static enum err unfit(struct run *r, const char *rule, const char *what)
{
	return flaw_set(r->f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "credentialSchema", rule,
			"the schema cannot be evaluated here: %s", what);
}

/* Each comparison costs one. */
static enum err step(struct run *r)
{
	return ++r->steps > VC_SCHEMA_STEPS ? unfit(r, "schema-limit", "too much work") : ERR_OK;
}

static bool type_is(const json_t *v, struct str t)
{
	if (str_is(t, "object")) return json_is_object(v);
	if (str_is(t, "array")) return json_is_array(v);
	if (str_is(t, "string")) return json_is_string(v);
	if (str_is(t, "boolean")) return json_is_boolean(v);
	if (str_is(t, "null")) return json_is_null(v);
	if (str_is(t, "number")) return json_is_number(v);
	if (!str_is(t, "integer")) return false;
	/* 1.0 is an integer (since draft 6) */
	double d = json_number_value(v);
	return json_is_integer(v) ||
	       (json_is_real(v) && d > -WHOLE_MAX && d < WHOLE_MAX && d == (double)(int64_t)d);
}

static enum err on_type(struct run *r, json_t *arg, json_t *v, const char *path)
{
	json_t *t;
	size_t i;
	if (json_is_string(arg)) return type_is(v, json_text(arg)) ? ERR_OK : refuse(r, path, "type");
	json_array_foreach(arg, i, t)
	{
		if (type_is(v, json_text(t))) return ERR_OK;
	}
	return refuse(r, path, "type");
}

static enum err on_enum(struct run *r, json_t *arg, json_t *v, const char *path)
{
	json_t *t;
	size_t i;
	json_array_foreach(arg, i, t)
	{
		enum err e = step(r);
		if (e || json_equal(t, v)) return e;
	}
	return refuse(r, path, "enum");
}

static enum err on_const(struct run *r, json_t *arg, json_t *v, const char *path)
{
	return json_equal(arg, v) ? ERR_OK : refuse(r, path, "const");
}

static enum err on_required(struct run *r, json_t *arg, json_t *v, const char *path)
{
	json_t *t;
	size_t i;
	if (!json_is_object(v)) return ERR_OK;
	json_array_foreach(arg, i, t)
	{
		char member[PATH_MAX_TEXT];
		enum err e = step(r);
		if (e) return e;
		if (!json_is_string(t)) return unfit(r, "schema-form", "required holds what is no text");
		if (json_object_get(v, json_string_value(t))) continue;
		(void)snprintf(member, sizeof member, "%s.%s", path, json_string_value(t));
		return refuse(r, member, "required");
	}
	return ERR_OK;
}

static enum err on_properties(struct run *r, json_t *arg, json_t *v, const char *path)
{
	const char *name;
	json_t *schema;
	enum err e = ERR_OK;
	json_object_foreach(arg, name, schema)
	{
		json_t *member = json_object_get(v, name);
		char at[PATH_MAX_TEXT];
		if (!e) e = step(r);
		if (e || !member) continue;
		(void)snprintf(at, sizeof at, "%s.%s", path, name);
		e = check(r, schema, member, at);
	}
	return e;
}

/* Of the members that `properties` beside it does not name. */
static enum err additional(struct run *r, json_t *schema, json_t *v, const char *path)
{
	json_t *arg = json_object_get(schema, "additionalProperties"), *member;
	const char *name;
	enum err e = ERR_OK;
	if (!arg || !json_is_object(v)) return ERR_OK;
	json_object_foreach(v, name, member)
	{
		char at[PATH_MAX_TEXT];
		if (!e) e = step(r);
		if (e || json_object_get(json_object_get(schema, "properties"), name)) continue;
		(void)snprintf(at, sizeof at, "%s.%s", path, name);
		e = json_is_false(arg) ? refuse(r, at, "additionalProperties") : check(r, arg, member, at);
	}
	return e;
}

static enum err on_items(struct run *r, json_t *arg, json_t *v, const char *path)
{
	json_t *item;
	size_t i;
	enum err e = ERR_OK;
	if (json_is_array(arg)) return unfit(r, "schema-keyword", "items as a list");
	json_array_foreach(v, i, item)
	{
		char at[PATH_MAX_TEXT];
		(void)snprintf(at, sizeof at, "%s[%zu]", path, i);
		if (!e) e = check(r, arg, item, at);
	}
	return e;
}

/* ---- bounds ---- */

static size_t characters(const json_t *v)
{
	struct str s = json_text(v);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static enum err bound(struct run *r, json_t *arg, bool applies, double n, bool least, const char *path,
		      const char *keyword)
{
	if (!json_is_number(arg)) return unfit(r, "schema-form", "a bound is no number");
	if (!applies) return ERR_OK;
	return (least ? n >= json_number_value(arg) : n <= json_number_value(arg))
		   ? ERR_OK
		   : refuse(r, path, keyword);
}

#define BOUND(name, keyword, applies, n, least)                                                            \
	static enum err on_##name(struct run *r, json_t *arg, json_t *v, const char *path)                 \
	{                                                                                                  \
		return bound(r, arg, applies, (double)(n), least, path, keyword);                          \
	}
BOUND(min_length, "minLength", json_is_string(v), characters(v), true)
BOUND(max_length, "maxLength", json_is_string(v), characters(v), false)
BOUND(min_items, "minItems", json_is_array(v), json_array_size(v), true)
BOUND(max_items, "maxItems", json_is_array(v), json_array_size(v), false)
BOUND(min_members, "minProperties", json_is_object(v), json_object_size(v), true)
BOUND(max_members, "maxProperties", json_is_object(v), json_object_size(v), false)
BOUND(minimum, "minimum", json_is_number(v), json_number_value(v), true)
BOUND(maximum, "maximum", json_is_number(v), json_number_value(v), false)

static enum err on_pattern(struct run *r, json_t *arg, json_t *v, const char *path)
{
	const char *what = "";
	char said[PATH_MAX_TEXT];
	bool found = false;
	enum err e;

	if (!json_is_string(arg)) return unfit(r, "schema-form", "a pattern is no text");
	if (!json_is_string(v)) return ERR_OK;
	e = vc_pattern_find(json_text(arg), json_text(v), r->budget, &what, &found);
	if (e == ERR_TOO_LARGE) return unfit(r, "schema-limit", "patterns are too much work");
	if (e) {
		(void)snprintf(said, sizeof said, "pattern: %s", what);
		return unfit(r, "schema-keyword", said);
	}
	return found ? ERR_OK : refuse(r, path, "pattern");
}

/* ---- combinations ---- */

/* How many of the schemas the value keeps to; an error only for what cannot be evaluated. */
static enum err count(struct run *r, json_t *all, json_t *v, const char *path, size_t *ret)
{
	json_t *schema;
	size_t i;
	*ret = 0;
	if (!json_is_array(all)) return unfit(r, "schema-form", "a combination is no list");
	json_array_foreach(all, i, schema)
	{
		struct run part = *r;
		part.f = NULL;
		enum err e = check(&part, schema, v, path);
		r->steps = part.steps;
		if (e && e != ERR_BAD_MESSAGE) return unfit(r, "schema-keyword", "inside a combination");
		*ret += !e;
	}
	return ERR_OK;
}

static enum err on_all(struct run *r, json_t *arg, json_t *v, const char *path)
{
	json_t *schema;
	size_t i;
	enum err e = json_is_array(arg) ? ERR_OK : unfit(r, "schema-form", "a combination is no list");
	json_array_foreach(arg, i, schema)
	{
		if (!e) e = check(r, schema, v, path);
	}
	return e;
}

static enum err on_any(struct run *r, json_t *arg, json_t *v, const char *path)
{
	size_t n;
	enum err e = count(r, arg, v, path, &n);
	return e || n ? e : refuse(r, path, "anyOf");
}

static enum err on_one(struct run *r, json_t *arg, json_t *v, const char *path)
{
	size_t n;
	enum err e = count(r, arg, v, path, &n);
	return e || n == 1 ? e : refuse(r, path, "oneOf");
}

static enum err on_not(struct run *r, json_t *arg, json_t *v, const char *path)
{
	struct run part = *r;
	part.f = NULL;
	enum err e = check(&part, arg, v, path);
	r->steps = part.steps;
	if (e && e != ERR_BAD_MESSAGE) return unfit(r, "schema-keyword", "inside not");
	return e ? ERR_OK : refuse(r, path, "not");
}

/* "#" or "#/definitions/name": within the document only, nothing is fetched. */
static enum err on_ref(struct run *r, json_t *arg, json_t *v, const char *path)
{
	struct str rest = json_text(arg), part;
	json_t *at = r->root;
	if (!str_starts(rest, STR("#")))
		return unfit(r, "schema-reference", "a reference to another document");
	rest = str_skip(rest, 1);
	if (rest.n && rest.p[0] != '/') return unfit(r, "schema-reference", "a reference by name");
	if (rest.n) rest = str_skip(rest, 1);
	while (at && rest.n && str_split(&rest, '/', &part)) {
		char name[PATH_MAX_TEXT];
		(void)snprintf(name, sizeof name, "%.*s", STR_ARG(part));
		at = json_object_get(at, name);
	}
	return at ? check(r, at, v, path) : unfit(r, "schema-reference", "a reference that leads nowhere");
}

/* additionalProperties is looked at with its whole schema; NULL: an annotation, or a place for others */
static const struct {
	const char *name;
	enum err (*fn)(struct run *r, json_t *arg, json_t *v, const char *path);
} keywords[] = {
    {"type", on_type},
    {"enum", on_enum},
    {"const", on_const},
    {"required", on_required},
    {"properties", on_properties},
    {"items", on_items},
    {"minLength", on_min_length},
    {"maxLength", on_max_length},
    {"minItems", on_min_items},
    {"maxItems", on_max_items},
    {"minProperties", on_min_members},
    {"maxProperties", on_max_members},
    {"minimum", on_minimum},
    {"maximum", on_maximum},
    {"pattern", on_pattern},
    {"allOf", on_all},
    {"anyOf", on_any},
    {"oneOf", on_one},
    {"not", on_not},
    {"$ref", on_ref},
    {"additionalProperties", NULL},
    {"$schema", NULL},
    {"$id", NULL},
    {"id", NULL},
    {"$comment", NULL},
    {"$vocabulary", NULL},
    {"$anchor", NULL},
    {"$defs", NULL},
    {"definitions", NULL},
    {"title", NULL},
    {"description", NULL},
    {"default", NULL},
    {"examples", NULL},
    {"format", NULL},
    {"deprecated", NULL},
    {"readOnly", NULL},
    {"writeOnly", NULL},
    {"contentEncoding", NULL},
    {"contentMediaType", NULL},
};

static enum err keyword(struct run *r, const char *name, json_t *arg, json_t *v, const char *path)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (!strcmp(name, keywords[i].name))
			return keywords[i].fn ? keywords[i].fn(r, arg, v, path) : ERR_OK;
	return unfit(r, "schema-keyword", name);
}

static enum err check(struct run *r, json_t *schema, json_t *v, const char *path)
{
	const char *name;
	json_t *arg;
	enum err e = ERR_OK;
	if (json_is_true(schema)) return ERR_OK;
	if (json_is_false(schema)) return refuse(r, path, "false");
	if (!json_is_object(schema))
		return unfit(r, "schema-form", "a schema is neither an object nor a truth value");
	if (r->depth == VC_SCHEMA_DEPTH) return unfit(r, "schema-limit", "too deep");
	e = step(r);
	r->depth++;
	json_object_foreach(schema, name, arg)
	{
		if (!e) e = keyword(r, name, arg, v, path);
	}
	if (!e) e = additional(r, schema, v, path);
	r->depth--;
	return e;
}

enum err vc_schema_check(json_t *schema, json_t *value, const char *path, struct flaw *f)
{
	unsigned budget = VC_PATTERN_BUDGET;
	struct run r = {.root = schema, .f = f, .budget = &budget};
	return check(&r, schema, value, path);
}
