#include "proto/dsp/filter_edc.h"

#include <stdio.h>

enum { LOOK_DEPTH = 6, /* nesting of values that are looked into */ AT_MAX = 96, NAME_MAX = 200 };

struct reading {
	struct flaw *f;
	struct dsp_filter *q;
	size_t i;
};

static enum err refuse(const struct reading *x, const char *key, const char *rule, const char *text)
{
	char at[AT_MAX];

	snprintf(at, sizeof at, *key ? "filter[%zu].%s" : "filter[%zu]", x->i, key);
	return flaw_set(x->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err text_read(const struct reading *x, json_t *o, const char *key, struct str *ret)
{
	json_t *v = json_object_get(o, key);

	if (!v) return refuse(x, key, "missing", "the member is missing");
	if (!json_is_string(v)) return refuse(x, key, "type", "a text is expected");
	*ret = str_n(json_string_value(v), json_string_length(v));
	if (!ret->n) return refuse(x, key, "empty", "the text is empty");
	if (ret->n > DSP_FILTER_TEXT_MAX) return refuse(x, key, "limit", "the text is too long");
	return ERR_OK;
}

static enum err once(const struct reading *x, json_t *o, const char *key, struct str *ret)
{
	if (ret->p) return refuse(x, key, "twice", "this criterion may stand once");
	return text_read(x, o, key, ret);
}

static enum err words_read(const struct reading *x, json_t *o)
{
	struct str all, word;
	size_t before = x->q->words_n;
	enum err e = text_read(x, o, "text", &all);

	while (!e && str_split(&all, ' ', &word)) {
		word = str_trim(word);
		if (!word.n) continue;
		if (x->q->words_n == DSP_FILTER_WORDS) return refuse(x, "text", "limit", "too many words");
		x->q->words[x->q->words_n++] = word;
	}
	return !e && x->q->words_n == before ? refuse(x, "text", "empty", "no word") : e;
}

static enum err date_read(const struct reading *x, json_t *o)
{
	struct str s;
	enum err e = text_read(x, o, "modifiedSince", &s);

	if (e) return e;
	if (x->q->dated) return refuse(x, "modifiedSince", "twice", "this criterion may stand once");
	if (clock_parse(s, &x->q->modified_since))
		return refuse(x, "modifiedSince", "date", "a date or a time of RFC 3339 is expected");
	x->q->dated = true;
	return ERR_OK;
}

static enum err property_read(const struct reading *x, json_t *o)
{
	struct dsp_filter_property p;
	enum err e = text_read(x, o, "property", &p.name);

	if (!e) e = text_read(x, o, "eq", &p.value);
	if (!e && x->q->properties_n == DSP_FILTER_MAX)
		return refuse(x, "property", "limit", "too many properties");
	if (!e) x->q->properties[x->q->properties_n++] = p;
	return e;
}

static enum err criterion_read(const struct reading *x, json_t *o)
{
	const char *key = json_object_iter_key(json_object_iter(o));
	bool property = json_object_get(o, "property") || json_object_get(o, "eq");
	char at[AT_MAX];

	snprintf(at, sizeof at, "filter[%zu]", x->i);
	if (!json_is_object(o)) return refuse(x, "", "type", "a criterion is an object");
	if (!key) return refuse(x, "", "empty", "a criterion has a member");
	if (dsp_filter_edc_is(o)) return dsp_filter_edc_read(o, at, x->f, x->q);
	if (property && json_object_size(o) <= 2) return property_read(x, o);
	if (json_object_size(o) != 1) return refuse(x, "", "unknown", "one criterion an object");
	if (!strcmp(key, "id")) return once(x, o, key, &x->q->id);
	if (!strcmp(key, "keyword")) return once(x, o, key, &x->q->keyword);
	if (!strcmp(key, "type")) return once(x, o, key, &x->q->type);
	if (!strcmp(key, "changedSince")) return once(x, o, key, &x->q->changed_since);
	if (!strcmp(key, "text")) return words_read(x, o);
	if (!strcmp(key, "modifiedSince")) return date_read(x, o);
	return refuse(x, "", "unknown",
		      "known are id, text, keyword, type, modifiedSince, property with eq, changedSince");
}

enum err dsp_filter_parse(json_t *filter, struct flaw *f, struct dsp_filter *ret)
{
	struct dsp_filter q = {.criteria = json_array_size(filter)};
	struct reading x = {f, &q, 0};
	enum err e = ERR_OK;

	if (filter && !json_is_array(filter))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "filter", "type",
				"an array is expected");
	if (q.criteria > DSP_FILTER_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "filter", "limit",
				"at most %d criteria", DSP_FILTER_MAX);
	for (x.i = 0; !e && x.i < q.criteria; x.i++) e = criterion_read(&x, json_array_get(filter, x.i));
	if (!e && q.changed_since.p && q.criteria > 1)
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "filter", "alone",
			     "changedSince stands with no other criterion");
	if (!e) *ret = q;
	return e;
}

/* ---- matching ---- */

static bool contains(struct str s, struct str word)
{
	for (size_t i = 0; i + word.n <= s.n; i++)
		if (str_eq_nocase(str_n(s.p + i, word.n), word)) return true;
	return false;
}

typedef bool text_fn(struct str s, struct str wanted);

static bool equals(struct str s, struct str wanted)
{
	return str_eq(s, wanted);
}

/* Any text (or number) of a value: itself, an array's, an object's @value, @id or languages. */
static bool any_text(const json_t *v, unsigned depth, text_fn *fn, struct str wanted)
{
	const char *key;
	char number[32];
	json_t *one;
	size_t i;

	if (depth > LOOK_DEPTH) return false;
	if (json_is_string(v)) return fn(json_text(v), wanted);
	if (json_is_integer(v)) {
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
		return fn(str_of(number), wanted);
	}
	json_array_foreach(v, i, one)
	{
		if (any_text(one, depth + 1, fn, wanted)) return true;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, one)
	{
		if (strcmp(key, "@language") && strcmp(key, "@type") &&
		    any_text(one, depth + 1, fn, wanted))
			return true;
	}
	return false;
}

static bool named(json_t *o, struct str name, text_fn *fn, struct str wanted)
{
	static const char *const prefixes[] = {"", "dct:", "dcat:", "kanhe:"};
	char key[NAME_MAX];

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		json_t *v;

		if (name.n + 8 > sizeof key) return false;
		snprintf(key, sizeof key, "%s%.*s", prefixes[i], STR_ARG(name));
		v = json_object_get(o, key);
		if (v && any_text(v, 0, fn, wanted)) return true;
	}
	return false;
}

static bool word_match(json_t *o, struct str word)
{
	return named(o, STR("@id"), contains, word) || named(o, STR("title"), contains, word) ||
	       named(o, STR("description"), contains, word) || named(o, STR("keyword"), contains, word);
}

static bool property_match(json_t *o, const struct dsp_filter_property *p)
{
	json_t *one;
	size_t i;

	if (named(o, p->name, equals, p->value)) return true;
	if (named(json_object_get(o, "kanhe:properties"), p->name, equals, p->value)) return true;
	json_array_foreach(json_object_get(o, "distribution"), i, one)
	{
		if (named(one, p->name, equals, p->value)) return true;
	}
	return false;
}

static bool date_match(json_t *o, usec_t since)
{
	json_t *v = json_object_get(o, "dct:modified");
	usec_t when;

	if (!v) v = json_object_get(o, "modified"); /* of a partner of 2024-1 */
	if (json_is_object(v)) v = json_object_get(v, "@value");
	return json_is_string(v) && !clock_parse(json_text(v), &when) && when >= since;
}

bool dsp_filter_match(const struct dsp_filter *q, json_t *o)
{
	if (q->id.p && !str_eq(json_text(json_object_get(o, "@id")), q->id)) return false;
	if (q->keyword.p && !named(o, STR("keyword"), str_eq_nocase, q->keyword)) return false;
	if (q->type.p && !named(o, STR("type"), equals, q->type)) return false;
	if (q->dated && !date_match(o, q->modified_since)) return false;
	for (size_t i = 0; i < q->words_n; i++)
		if (!word_match(o, q->words[i])) return false;
	for (size_t i = 0; i < q->properties_n; i++)
		if (!property_match(o, &q->properties[i])) return false;
	return true;
}
