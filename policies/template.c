/* Shipped templates: policies with parameters, filled in for one dataset. */
#include "policies/evaluator.h"

struct filling {
	json_t *declared, *params;
	struct flaw *flaw;
};

/* "${name}" gives name; STR_NONE for any other text. */
static struct str placeholder(const json_t *v)
{
	struct str s = json_text(v);
	if (!str_starts(s, STR("${")) || !str_ends(s, STR("}")) || s.n < 4) return STR_NONE;
	return str_first(str_skip(s, 2), s.n - 3);
}

static bool type_fits(struct str type, const json_t *v)
{
	usec_t t;
	if (str_is(type, "number")) return json_is_integer(v) && json_integer_value(v) >= 0;
	if (str_is(type, "date")) return json_is_string(v) && !clock_parse(json_text(v), &t);
	return json_is_string(v) && json_string_length(v) > 0;
}

static enum err value_fill(const struct filling *w, struct str name, json_t **ret)
{
	json_t *declared = json_object_getn(w->declared, name.p, name.n);
	json_t *v = json_object_getn(w->params, name.p, name.n);
	char shown[64];
	snprintf(shown, sizeof shown, "%.*s", STR_ARG(name));
	if (!declared)
		return flaw_set(w->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, shown, "template",
				"the template does not declare this parameter");
	if (!v)
		return flaw_set(w->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, shown, "missing",
				"the template needs this parameter");
	struct str type = json_text(json_object_get(declared, "type"));
	if (!type_fits(type, v))
		return flaw_set(w->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, shown, "type",
				"the parameter must be a %.*s", STR_ARG(type));
	*ret = json_incref(v);
	return ERR_OK;
}

static enum err fill(const struct filling *w, json_t *v, unsigned depth, json_t **ret);

static enum err object_fill(const struct filling *w, json_t *v, unsigned depth, json_t *out)
{
	const char *key;
	json_t *inner, *filled = NULL;
	json_object_foreach(v, key, inner)
	{
		enum err e = fill(w, inner, depth, &filled);
		if (e) return e;
		json_put(out, key, filled);
	}
	return ERR_OK;
}

static enum err array_fill(const struct filling *w, json_t *v, unsigned depth, json_t *out)
{
	json_t *filled = NULL;
	for (size_t i = 0; i < json_array_size(v); i++) {
		enum err e = fill(w, json_array_get(v, i), depth, &filled);
		if (e) return e;
		must(json_array_append_new(out, filled) == 0);
	}
	return ERR_OK;
}

static enum err fill(const struct filling *w, json_t *v, unsigned depth, json_t **ret)
{
	struct str name = placeholder(v);
	if (name.p) return value_fill(w, name, ret);
	if (!json_is_object(v) && !json_is_array(v)) {
		*ret = json_incref(v);
		return ERR_OK;
	}
	if (depth > JSON_DEPTH_MAX)
		return flaw_set(w->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, "policy", "limit", "too deep");
	json_t *out = json_is_object(v) ? json_object() : json_array();
	must(out);
	enum err e =
	    json_is_object(v) ? object_fill(w, v, depth + 1, out) : array_fill(w, v, depth + 1, out);
	if (e) {
		json_decref(out);
		return e;
	}
	*ret = out;
	return ERR_OK;
}

enum err pol_template_fill(struct arena *a, json_t *template, json_t *params, struct flaw *f, json_t **ret)
{
	json_t *policy = json_object_get(template, "policy"), *out = NULL;
	struct filling w = {json_object_get(template, "parameters"), params, f};
	if (!json_is_object(policy))
		return flaw_set(f, ERR_BAD_POLICY, FLAW_NO_OFFSET, "policy", "missing",
				"a template has a member policy");
	enum err e = fill(&w, policy, 0, &out);
	if (e) return e;
	out = json_keep(a, out);
	if (!out) return ERR_NO_MEMORY;
	*ret = out;
	return ERR_OK;
}
