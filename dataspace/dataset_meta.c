#include "dataspace/dataset_meta.h"

#include <stdio.h>

enum kind { KIND_TEXTS, KIND_TEXT, KIND_LIST, KIND_DATE, KIND_PERIOD, KIND_PROPERTIES };

/* member, kind, name in catalogs */
static const struct row {
	const char *key;
	enum kind kind;
	const char *name;
} rows[] = {
    {"title", KIND_TEXTS, NULL},
    {"description", KIND_TEXTS, NULL},
    {"keywords", KIND_LIST, "dcat:keyword"},
    {"license", KIND_TEXT, "dct:license"},
    {"creator", KIND_TEXT, "dct:creator"},
    {"publisher", KIND_TEXT, "dct:publisher"},
    {"version", KIND_TEXT, "dcat:version"},
    {"spatial", KIND_TEXT, "dct:spatial"},
    {"type", KIND_TEXT, "dct:type"},
    {"landing_page", KIND_TEXT, "dcat:landingPage"},
    {"conforms_to", KIND_LIST, "dct:conformsTo"},
    {"theme", KIND_LIST, "dcat:theme"},
    {"language", KIND_LIST, "dct:language"},
    {"issued", KIND_DATE, "dct:issued"},
    {"temporal", KIND_PERIOD, NULL},
    {"properties", KIND_PROPERTIES, "kanhe:properties"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static bool text_ok(const json_t *v)
{
	size_t n = json_string_length(v);

	return json_is_string(v) && n && n <= META_TEXT_MAX;
}

static bool date_ok(const json_t *v)
{
	usec_t t;

	return json_is_string(v) && !clock_parse(json_text(v), &t);
}

/* BCP 47, roughly: letters, digits and '-'. */
static bool language_ok(const char *tag)
{
	size_t n = strlen(tag);

	for (size_t i = 0; i < n; i++) {
		char c = tag[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
	}
	return n >= 2 && n <= 35;
}

static enum err texts_check(const struct row *r, json_t *v, struct flaw *f)
{
	const char *tag;
	json_t *one;

	if (!json_is_object(v)) return bad(f, r->key, "type", "a text or an object of texts by language");
	if (!json_object_size(v) || json_object_size(v) > META_ITEMS_MAX)
		return bad(f, r->key, "limit", "1 to 100 languages");
	json_object_foreach(v, tag, one)
	{
		if (!language_ok(tag)) return bad(f, r->key, "language", "a member is no language tag");
		if (!text_ok(one))
			return bad(f, r->key, "type", "each language has a text of 1 to 4096 octets");
	}
	return ERR_OK;
}

static enum err list_check(const struct row *r, json_t *v, struct flaw *f)
{
	if (!json_is_array(v)) return bad(f, r->key, "type", "an array is expected");
	if (json_array_size(v) > META_ITEMS_MAX) return bad(f, r->key, "limit", "at most 100 elements");
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!text_ok(json_array_get(v, i)))
			return bad(f, r->key, "type", "each element is a text of 1 to 4096 octets");
	return ERR_OK;
}

static enum err period_check(const struct row *r, json_t *v, struct flaw *f)
{
	json_t *start = json_object_get(v, "start"), *end = json_object_get(v, "end");
	usec_t from = 0, to = 0;

	if (!json_is_object(v) || (!start && !end))
		return bad(f, r->key, "type", "an object with start, end or both");
	if ((start && !date_ok(start)) || (end && !date_ok(end)))
		return bad(f, r->key, "date", "start and end are dates or times of RFC 3339");
	if (start && end && !clock_parse(json_text(start), &from) && !clock_parse(json_text(end), &to) &&
	    to < from)
		return bad(f, r->key, "order", "it ends before it starts");
	return ERR_OK;
}

static enum err properties_check(const struct row *r, json_t *v, struct flaw *f)
{
	const char *key;
	json_t *one;

	if (!json_is_object(v)) return bad(f, r->key, "type", "an object is expected");
	if (json_object_size(v) > META_ITEMS_MAX) return bad(f, r->key, "limit", "at most 100 properties");
	json_object_foreach(v, key, one)
	{
		if (!key[0] || strlen(key) > 100)
			return bad(f, r->key, "length", "a name has 1 to 100 octets");
		if (!text_ok(one) && !json_is_number(one))
			return bad(f, r->key, "type", "a property is a text or a number");
	}
	return ERR_OK;
}

static enum err row_check(const struct row *r, json_t *v, struct flaw *f)
{
	switch (r->kind) {
	case KIND_TEXTS: return texts_check(r, v, f);
	case KIND_TEXT:
		return text_ok(v) ? ERR_OK
				  : bad(f, r->key, "type", "a text of 1 to 4096 octets is expected");
	case KIND_LIST: return list_check(r, v, f);
	case KIND_DATE:
		return date_ok(v) ? ERR_OK
				  : bad(f, r->key, "date", "a date or time of RFC 3339 is expected");
	case KIND_PERIOD: return period_check(r, v, f);
	case KIND_PROPERTIES: return properties_check(r, v, f);
	}
	return ERR_INTERNAL;
}

enum err meta_read(struct arena *a, json_t *body, struct flaw *f, json_t **ret)
{
	json_t *out = json_keep(a, json_object());

	if (!out) return ERR_NO_MEMORY;
	for (size_t i = 0; i < ROWS; i++) {
		json_t *v = json_object_get(body, rows[i].key);
		/* a plain title takes the languages of before away */
		bool plain = rows[i].kind == KIND_TEXTS && json_is_string(v);
		enum err e = !v || plain || json_is_null(v) ? ERR_OK : row_check(&rows[i], v, f);

		if (e) return e;
		if (v) json_put(out, rows[i].key, plain ? json_null() : json_incref(v));
	}
	*ret = out;
	return ERR_OK;
}

enum err meta_merge(struct arena *a, const char *old, json_t *more, struct flaw *f, struct str *ret)
{
	json_t *all = NULL, *v;
	struct buf b = BUF_INIT(META_MAX);
	const char *key;
	enum err e = ERR_OK;

	if (old[0])
		e = json_read(a, str_of(old), NULL, &all);
	else
		all = json_keep(a, json_object());
	if (e || !all) return e ? e : ERR_NO_MEMORY;
	json_object_foreach(more, key, v)
	{
		if (json_is_null(v))
			json_object_del(all, key);
		else
			json_put(all, key, json_incref(v));
	}
	*ret = STR("");
	if (!json_object_size(all)) return ERR_OK;
	e = json_jcs(all, &b);
	if (!e && buf_err(&b))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "limit",
			     "a dataset's metadata has at most %d octets", META_MAX);
	if (!e) *ret = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return e || ret->p ? e : ERR_NO_MEMORY;
}

json_t *meta_open(struct arena *a, const Ds__Dataset *s)
{
	json_t *j;

	if (!s->meta[0]) return json_keep(a, json_object());
	return json_read(a, str_of(s->meta), NULL, &j) ? NULL : j;
}

static json_t *typed(const char *value, const char *type)
{
	return json_pack("{s:s,s:s}", "@value", value, "@type", type);
}

static json_t *dated(const char *text)
{
	return typed(text, strlen(text) == 10 ? "xsd:date" : "xsd:dateTime");
}

void meta_write_texts(json_t *out, const char *name, const char *plain, json_t *by_language)
{
	json_t *list, *one;
	const char *tag;

	if (!json_object_size(by_language)) {
		if (plain[0]) json_put_str(out, name, str_of(plain));
		return;
	}
	list = json_array();
	must(list);
	json_object_foreach(by_language, tag, one)
	{
		must(!json_array_append_new(list, json_pack("{s:O,s:s}", "@value", one, "@language", tag)));
	}
	json_put(out, name, list);
}

static void period_write(json_t *out, json_t *v)
{
	json_t *o;

	if (!v) return;
	o = json_pack("{s:s}", "@type", "dct:PeriodOfTime");
	must(o);
	if (json_object_get(v, "start"))
		json_put(o, "dcat:startDate", dated(json_string_value(json_object_get(v, "start"))));
	if (json_object_get(v, "end"))
		json_put(o, "dcat:endDate", dated(json_string_value(json_object_get(v, "end"))));
	json_put(out, "dct:temporal", o);
}

void meta_write(json_t *out, const Ds__Dataset *s, json_t *meta)
{
	char when[CLOCK_TEXT];

	meta_write_texts(out, "dct:title", s->title, json_object_get(meta, "title"));
	meta_write_texts(out, "dct:description", s->description, json_object_get(meta, "description"));
	json_put_str(out, "dct:identifier", str_of(s->id));
	json_put(out, "dct:modified", dated(clock_print(s->modified, true, when)));
	for (size_t i = 0; i < ROWS; i++) {
		json_t *v = json_object_get(meta, rows[i].key);

		if (!v || !rows[i].name) continue;
		json_put(out, rows[i].name,
			 rows[i].kind == KIND_DATE ? dated(json_string_value(v)) : json_incref(v));
	}
	period_write(out, json_object_get(meta, "temporal"));
}
