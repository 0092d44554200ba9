#include "proto/dsp/fields.h"

#include <stdio.h>

static const char *const type_names[DSP_TYPE_COUNT] = {
#define X(name, type) [DSP_##name] = type,
    DSP_TYPES(X)
#undef X
};

const char *dsp_type_name(enum dsp_type t)
{
	return (unsigned)t < DSP_TYPE_COUNT ? type_names[t] : "";
}

void dsp__path(char *out, const char *path, const char *key)
{
	snprintf(out, DSP_PATH, "%s%s%s", path, *path && *key ? "." : "", key);
}

void dsp__path_at(char *out, const char *path, const char *key, size_t i)
{
	snprintf(out, DSP_PATH, "%s%s%s[%zu]", path, *path && *key ? "." : "", key, i);
}

struct dsp_in dsp__in(json_t *obj, const char *path, enum err kind, struct flaw *f)
{
	struct dsp_in in = {.obj = obj, .path = path, .f = f, .kind = kind};
	if (!json_is_object(obj)) dsp__fail(&in, "", "type", "is not an object");
	return in;
}

void dsp__fail(struct dsp_in *in, const char *key, const char *rule, const char *text)
{
	char at[DSP_PATH];
	if (in->err) return;
	dsp__path(at, in->path, key);
	in->err =
	    flaw_set(in->f, in->kind, FLAW_NO_OFFSET, at, rule, "%s %s", *at ? at : "the message", text);
}

struct dsp_in dsp__root(json_t *j, enum dsp_type t, struct flaw *f)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	dsp__context(&in);
	dsp__const(&in, "@type", dsp_type_name(t));
	return in;
}

static json_t *member(struct dsp_in *in, const char *key, bool required)
{
	json_t *v = in->err ? NULL : json_object_get(in->obj, key);
	if (!v && required) dsp__fail(in, key, "missing", "is missing");
	return v;
}

bool dsp__has(const struct dsp_in *in, const char *key)
{
	return !in->err && json_object_get(in->obj, key);
}

/* "The value of @context MUST be an array of strings that contains the context of this version." */
void dsp__context(struct dsp_in *in)
{
	json_t *all = member(in, "@context", true), *one;
	size_t i;
	bool found = false;
	if (in->err) return;
	if (!json_is_array(all)) {
		dsp__fail(in, "@context", "type", "is not an array");
		return;
	}
	json_array_foreach(all, i, one)
	{
		if (!json_is_string(one))
			dsp__fail(in, "@context", "type", "holds something that is no string");
		found |= str_is(json_text(one), DSP_CONTEXT);
	}
	if (!found)
		dsp__fail(in, "@context", "context", "does not hold the context of version " DSP_VERSION);
}

static struct str text(struct dsp_in *in, const char *key, bool required, bool empty_ok)
{
	json_t *v = member(in, key, required);
	struct str s = json_text(v);
	if (!v) return STR_NONE;
	if (!json_is_string(v)) {
		dsp__fail(in, key, "type", "is not a string");
	} else if (!s.n && !empty_ok) {
		dsp__fail(in, key, "empty", "is empty");
	} else if (s.n > DSP_TEXT_MAX) {
		dsp__fail(in, key, "limit", "is too long");
	} else if (s.n && memchr(s.p, 0, s.n)) {
		dsp__fail(in, key, "value", "holds a NUL character");
	}
	return in->err ? STR_NONE : s;
}

struct str dsp__text(struct dsp_in *in, const char *key)
{
	return text(in, key, true, false);
}

struct str dsp__text_opt(struct dsp_in *in, const char *key)
{
	return text(in, key, false, false);
}

struct str dsp__text_any(struct dsp_in *in, const char *key)
{
	return text(in, key, false, true);
}

void dsp__const(struct dsp_in *in, const char *key, const char *value)
{
	char rule[64];
	struct str s = text(in, key, true, true);
	snprintf(rule, sizeof rule, "is not \"%s\"", value);
	if (!in->err && !str_is(s, value)) dsp__fail(in, key, "value", rule);
}

static json_t *array(struct dsp_in *in, const char *key, bool required, size_t min, size_t max)
{
	json_t *v = member(in, key, required);
	if (!v) return NULL;
	if (!json_is_array(v))
		dsp__fail(in, key, "type", "is not an array");
	else if (json_array_size(v) < min)
		dsp__fail(in, key, "empty", "is empty");
	else if (json_array_size(v) > max)
		dsp__fail(in, key, "limit", "has too many elements");
	return in->err ? NULL : v;
}

json_t *dsp__array(struct dsp_in *in, const char *key, size_t min, size_t max)
{
	return array(in, key, true, min, max);
}

json_t *dsp__array_opt(struct dsp_in *in, const char *key, size_t min, size_t max)
{
	return array(in, key, false, min, max);
}

json_t *dsp__object(struct dsp_in *in, const char *key)
{
	json_t *v = member(in, key, true);
	if (v && !json_is_object(v)) dsp__fail(in, key, "type", "is not an object");
	return in->err ? NULL : v;
}

void dsp__pids(struct dsp_in *in, struct dsp_pids *ret)
{
	ret->provider = dsp__text(in, "providerPid");
	ret->consumer = dsp__text(in, "consumerPid");
}

void dsp__reason(struct dsp_in *in, size_t min, struct dsp_reason *ret)
{
	json_t *one;
	size_t i;
	*ret = (struct dsp_reason){.code = dsp__text_any(in, "code")};
	ret->reasons = dsp__array_opt(in, "reason", min, DSP_REASONS_MAX);
	json_array_foreach(ret->reasons, i, one)
	{
		/* of 2024-1: a text and its language */
		if (json_is_object(one)) one = json_object_get(one, "@value");
		if (!ret->text.p) ret->text = json_text(one);
	}
}

enum err dsp_type_of(json_t *j, struct flaw *f, enum dsp_type *ret)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	dsp__context(&in);
	struct str s = dsp__text(&in, "@type");
	for (int t = 0; !in.err && t < DSP_TYPE_COUNT; t++) {
		if (!str_is(s, type_names[t])) continue;
		*ret = (enum dsp_type)t;
		return ERR_OK;
	}
	dsp__fail(&in, "@type", "value", "is not a message of this protocol");
	return in.err;
}

json_t *dsp__begin(enum dsp_type t)
{
	json_t *obj = json_object(), *context = json_array();
	must(obj && context);
	must(!json_array_append_new(context, json_string(DSP_CONTEXT)));
	json_put(obj, "@context", context);
	json_put_str(obj, "@type", str_of(dsp_type_name(t)));
	return obj;
}

void dsp__put(json_t *obj, const char *key, struct str s)
{
	if (s.n) json_put_str(obj, key, s);
}

void dsp__put_json(json_t *obj, const char *key, json_t *value)
{
	if (value) json_put(obj, key, json_incref(value));
}

void dsp__put_pids(json_t *obj, const struct dsp_pids *p)
{
	dsp__put(obj, "providerPid", p->provider);
	dsp__put(obj, "consumerPid", p->consumer);
}

void dsp__put_reason(json_t *obj, const struct dsp_reason *r)
{
	dsp__put(obj, "code", r->code);
	if (r->reasons && json_array_size(r->reasons)) {
		dsp__put_json(obj, "reason", r->reasons);
	} else if (r->text.n) {
		json_t *one = json_object(), *all = json_array();
		must(one && all);
		json_put_str(one, "text", r->text);
		must(!json_array_append(all, json_object_get(one, "text")));
		json_decref(one);
		json_put(obj, "reason", all);
	}
}

void dsp__put_others(json_t *obj, json_t *from, bool clash_allowed)
{
	const char *key;
	json_t *v;
	json_object_foreach(from, key, v)
	{
		bool clash = json_object_get(obj, key);
		must(!clash || clash_allowed);
		if (!clash) dsp__put_json(obj, key, v);
	}
}

json_t *dsp__end(struct arena *a, json_t *obj, json_t *extra)
{
	dsp__put_others(obj, extra, false);
	return json_keep(a, obj);
}
