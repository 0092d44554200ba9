#include "proto/dsp/v2024.h"

#include <stdio.h>

#include "proto/dsp/fields.h"
#include "proto/dsp/v2024_names.h"

static const struct {
	const char *type;
	enum shape shape;
	const char *name;
} demands[] = {
#define X(type, shape, name) {type, shape, name},
    V2024_DEMANDS(X)
#undef X
};

static const char *const types[][2] = {
#define X(type, prefix) {type, prefix},
    V2024_TYPES(X)
#undef X
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* One walk over a message. The first failure stays. */
struct walk {
	struct flaw *f;
	enum err err;
	bool back;  /* 2025-1 to 2024-1 */
	bool loose; /* rules of a policy alone, or compacted by a context: nothing more is demanded */
	const struct dsp_v2024_more *more;
};

static void fail(struct walk *w, const char *path, const char *key, const char *rule, const char *text)
{
	char at[DSP_PATH];

	if (w->err) return;
	dsp__path(at, path, key);
	w->err = flaw_set(w->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s",
			  *at ? at : "the message", text);
}

static json_t *object_change(struct walk *w, enum shape s, json_t *j, const char *path);

/* ---- values ---- */

static const char *type_prefix(struct str type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_is(type, types[i][0])) return types[i][1];
	return "dspace:";
}

static json_t *prefixed(const char *prefix, struct str s)
{
	return json_sprintf("%s%.*s", prefix, STR_ARG(s));
}

/* A constant of the protocol: the prefix must stand. */
static json_t *word_change(struct walk *w, const char *prefix, json_t *v, const char *path, const char *key)
{
	struct str s = json_text(v);

	if (!json_is_string(v)) return json_incref(v);
	if (w->back) return prefixed(prefix, s);
	if (!str_starts(s, str_of(prefix))) {
		fail(w, path, key, "value", "has not the prefix of version " DSP_V2024);
		return NULL;
	}
	s = str_skip(s, strlen(prefix));
	return json_stringn(s.p, s.n);
}

/* "odrl:use" and "use" are one term; IRIs and terms of other vocabularies stay as they are. */
static json_t *term_change(const struct walk *w, json_t *v)
{
	struct str s = json_text(v);
	size_t colon = s.n ? str_find(s, ':') : 0;

	if (!json_is_string(v) || !s.n) return json_incref(v);
	if (w->back) return colon == s.n ? prefixed("odrl:", s) : json_incref(v);
	if (!str_starts(s, STR("odrl:"))) return json_incref(v);
	s = str_skip(s, 5);
	if (!s.n || str_find(s, ':') < s.n) return json_incref(v);
	return json_stringn(s.p, s.n);
}

static json_t *each_change(struct walk *w, enum shape inner, json_t *v, const char *path, const char *key)
{
	json_t *out, *one;
	size_t i;

	if (!json_is_array(v)) return json_incref(v); /* the parser of 2025-1 names it */
	out = json_array();
	must(out);
	json_array_foreach(v, i, one)
	{
		char at[DSP_PATH];
		json_t *changed;

		dsp__path_at(at, path, key, i);
		changed = object_change(w, inner, one, at);
		if (!changed) break;
		must(!json_array_append_new(out, changed));
	}
	return out;
}

static json_t *reference(const char *type, json_t *id)
{
	json_t *j = json_object();

	must(j);
	json_put(j, "@id", json_incref(id));
	if (type) json_put_str(j, "@type", str_of(type));
	return j;
}

/* A list in 2024-1; 2025-1 has one service or only its name. Of several the first is taken. */
static json_t *access_change(struct walk *w, json_t *v, const char *path, const char *key)
{
	json_t *out, *first = json_array_get(v, 0), *changed;
	char at[DSP_PATH];

	if (w->back) {
		out = json_array();
		must(out);
		changed = json_is_string(v) ? reference("dcat:DataService", v)
					    : object_change(w, SERVICE, v, path);
		if (changed) must(!json_array_append_new(out, changed));
		return out;
	}
	if (!json_is_array(v) || !first) {
		fail(w, path, key, first ? "type" : "empty", "is not a list of one service or more");
		return NULL;
	}
	dsp__path_at(at, path, key, 0);
	if (json_is_object(first) && !json_object_get(first, "dcat:endpointURL") &&
	    json_is_string(json_object_get(first, "@id")))
		return json_incref(json_object_get(first, "@id"));
	return object_change(w, SERVICE, first, at);
}

static json_t *texts_change(const struct walk *w, json_t *v)
{
	if (!w->back || !json_is_string(v)) return json_incref(v);
	return json_pack("[{s:O,s:s}]", "@value", v, "@language", "und");
}

/* Typed in our catalogs, a text in 2024-1. */
static json_t *date_change(const struct walk *w, json_t *v)
{
	json_t *value = json_object_get(v, "@value");

	return json_incref(w->back && json_is_string(value) ? value : v);
}

/* 2024-1 has room for one. */
static json_t *first_change(const struct walk *w, json_t *v)
{
	return json_incref(w->back && json_array_size(v) ? json_array_get(v, 0) : v);
}

/* ["IRI"] here, [{"@id": "IRI"}] there. */
static json_t *things_change(const struct walk *w, json_t *v)
{
	json_t *out = json_array(), *one;
	size_t i;

	must(out);
	if (!json_is_array(v)) {
		json_decref(out);
		return json_incref(v);
	}
	json_array_foreach(v, i, one)
	{
		json_t *id = json_object_size(one) == 1 ? json_object_get(one, "@id") : NULL;

		if (w->back && json_is_string(one))
			must(!json_array_append_new(out, reference(NULL, one)));
		else
			must(!json_array_append(out, !w->back && json_is_string(id) ? id : one));
	}
	return out;
}

static json_t *profile_change(struct walk *w, json_t *v, const char *path, const char *key)
{
	json_t *out = json_array(), *one;
	size_t i;

	must(out);
	if (!w->back && !json_is_array(v)) fail(w, path, key, "type", "is not a list of references");
	if (w->back && json_is_string(v)) must(!json_array_append_new(out, reference(NULL, v)));
	json_array_foreach(v, i, one)
	{
		json_t *id = w->back ? one : json_object_get(one, "@id");

		if (!json_is_string(id)) fail(w, path, key, "type", "holds something that is no reference");
		if (w->err) break;
		must(!json_array_append_new(out, w->back ? reference(NULL, id) : json_incref(id)));
	}
	if (json_is_array(v) || (w->back && json_is_string(v))) return out;
	json_decref(out);
	return json_incref(v);
}

static json_t *value_change(struct walk *w, const struct row *r, json_t *v, const char *path)
{
	const char *key = w->back ? r->name : r->old;
	char at[DSP_PATH];

	dsp__path(at, path, key);
	switch (r->change) {
	case SAME:
	case LIST: return json_incref(v);
	case ONE: return object_change(w, r->inner, v, at);
	case EACH: return each_change(w, r->inner, v, path, key);
	case WORD: return word_change(w, "dspace:", v, path, key);
	case TERM: return term_change(w, v);
	case FORMAT:
		if (!w->back && json_is_object(v) && json_object_size(v) == 1 && json_object_get(v, "@id"))
			v = json_object_get(v, "@id");
		return json_incref(v);
	case ACCESS: return access_change(w, v, path, key);
	case TEXTS: return texts_change(w, v);
	case PROFILE: return profile_change(w, v, path, key);
	case DATE: return date_change(w, v);
	case FIRST: return first_change(w, v);
	case THINGS: return things_change(w, v);
	case DUTY:
		return json_is_object(v) ? object_change(w, r->inner, v, at)
					 : each_change(w, r->inner, v, path, key);
	}
	return NULL;
}

/* ---- objects ---- */

static json_t *type_change(struct walk *w, json_t *v, const char *path)
{
	struct str s = json_text(v);
	size_t colon = s.n ? str_find(s, ':') : 0;

	if (!json_is_string(v)) return json_incref(v);
	if (w->back) return colon == s.n ? prefixed(type_prefix(s), s) : json_incref(v);
	return word_change(w, type_prefix(colon < s.n ? str_skip(s, colon + 1) : s), v, path, "@type");
}

static bool known_type(struct str s)
{
	for (int t = 0; t < DSP_TYPE_COUNT; t++)
		if (str_is(s, dsp_type_name((enum dsp_type)t))) return true;
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_is(s, types[i][0])) return true;
	return str_is(s, "DataAddress") || str_is(s, "EndpointProperty");
}

static void demands_check(struct walk *w, enum shape s, json_t *out, const char *path)
{
	struct str type = json_text(json_object_get(out, "@type"));

	if (s == POLICY && !json_object_get(out, "@type")) fail(w, path, "@type", "missing", "is missing");
	for (size_t i = 0; i < COUNT(demands); i++) {
		const struct row *r = dsp__v2024_row(demands[i].shape, str_of(demands[i].name));

		if (demands[i].shape != s || !str_is(type, demands[i].type)) continue;
		if (!json_object_get(out, r->name))
			fail(w, path, r->old, "missing", "is missing");
		else if (!json_is_string(json_object_get(out, r->name)))
			fail(w, path, r->old, "type", "is not a string");
	}
}

static void member_change(struct walk *w, enum shape s, json_t *out, const char *key, json_t *v,
			  const char *path)
{
	const struct row *r = dsp__v2024_row(s, str_of(key));
	bool type = !strcmp(key, "@type");
	const char *name = !r ? key : w->back ? r->old : r->name;
	json_t *changed = NULL;

	if (json_object_get(out, name)) {
		/* ours may tell a title both ways: they say the same, one in each language */
		if (!w->back) fail(w, path, key, "twice", "stands there under two names");
		if (!w->back || !r || r->change != TEXTS || !json_is_array(v)) return;
	}
	if (r)
		changed = value_change(w, r, v, path);
	else if (type && s != NONE && (s != RULE && s != CONSTRAINT) &&
		 (!w->back || known_type(json_text(v))))
		changed = type_change(w, v, path);
	else
		changed = json_incref(v);
	if (changed) json_put(out, name, changed);
}

static json_t *object_change(struct walk *w, enum shape s, json_t *j, const char *path)
{
	json_t *out, *v;
	const char *key;

	if (w->err) return NULL;
	if (!json_is_object(j)) return json_incref(j);
	out = json_object();
	must(out);
	json_object_foreach(j, key, v)
	{
		member_change(w, s, out, key, v, path);
		if (w->err) break;
	}
	if (!w->back && s == SERVICE && !json_object_get(out, "@type"))
		json_put_str(out, "@type", STR("DataService")); /* not demanded by 2024-1 */
	if (w->back && s == POLICY && w->more && w->more->provider.n &&
	    !json_object_get(out, "odrl:assigner") &&
	    str_is(json_text(json_object_get(j, "@type")), "Offer"))
		json_put_str(out, "odrl:assigner", w->more->provider);
	if (!w->back && !w->loose) demands_check(w, s, out, path);
	if (!w->err) return out;
	json_decref(out);
	return NULL;
}

/* ---- messages ---- */

/* "@context": a string in 2024-1; what holds it in a list says the same. Never fetched. */
static void context_check(struct walk *w, json_t *j)
{
	json_t *v = json_object_get(j, "@context"), *one;
	bool found = str_is(json_text(v), DSP_V2024_CONTEXT);
	size_t i;

	json_array_foreach(v, i, one)
	{
		if (!json_is_string(one))
			fail(w, "", "@context", "type", "holds something that is no string");
		found |= str_is(json_text(one), DSP_V2024_CONTEXT);
	}
	if (!v) fail(w, "", "@context", "missing", "is missing");
	if (!json_is_string(v) && !json_is_array(v)) fail(w, "", "@context", "type", "is not a string");
	if (!found) fail(w, "", "@context", "context", "is not the context of version " DSP_V2024);
}

static json_t *context_2025(void)
{
	return json_pack("[s]", DSP_CONTEXT);
}

/* Later requests, offers and agreements repeat the callbackAddress; the one of the first message counts. */
static void callback_drop(json_t *out)
{
	struct str type = json_text(json_object_get(out, "@type"));
	bool both = json_object_get(out, "providerPid") && json_object_get(out, "consumerPid");

	if (str_is(type, "ContractAgreementMessage") ||
	    (both && (str_is(type, "ContractRequestMessage") || str_is(type, "ContractOfferMessage"))))
		json_object_del(out, "callbackAddress");
}

enum err dsp_v2024_read(struct arena *a, json_t *j, struct flaw *f, json_t **ret)
{
	struct walk w = {.f = f};
	json_t *out;

	if (!json_is_object(j)) fail(&w, "", "", "type", "is not an object");
	w.loose = !w.err && dsp__v2024_is_compacted(j);
	if (w.loose) w.err = dsp__v2024_published(a, j, f, &j);
	if (!w.err) context_check(&w, j);
	if (!w.err && !json_object_get(j, "@type")) fail(&w, "", "@type", "missing", "is missing");
	if (w.err) return w.err;
	out = object_change(&w, dsp__v2024_shape(json_text(json_object_get(j, "@type"))), j, "");
	if (!out) return w.err;
	json_put(out, "@context", context_2025());
	callback_drop(out);
	out = json_keep(a, out);
	if (!out)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	*ret = out;
	return ERR_OK;
}

static bool wants_callback(json_t *j)
{
	struct str type = json_text(json_object_get(j, "@type"));

	return str_is(type, "ContractRequestMessage") || str_is(type, "ContractOfferMessage") ||
	       str_is(type, "ContractAgreementMessage");
}

json_t *dsp_v2024_write(struct arena *a, json_t *j, const struct dsp_v2024_more *more)
{
	struct walk w = {.back = true, .more = more};
	struct str type = json_text(json_object_get(j, "@type"));
	json_t *out = json_is_object(j) ? object_change(&w, dsp__v2024_shape(type), j, "") : NULL;

	if (!out) return NULL;
	json_put_str(out, "@context", STR(DSP_V2024_CONTEXT));
	if (wants_callback(j) && more && more->callback.n &&
	    !json_object_get(out, "dspace:callbackAddress"))
		json_put_str(out, "dspace:callbackAddress", more->callback);
	return json_keep(a, out);
}

void dsp_v2024_refer(json_t *j)
{
	json_t *word = json_object_get(j, "dspace:eventType");

	if (json_is_string(word)) json_put(j, "dspace:eventType", reference(NULL, word));
}

json_t *dsp_v2024_rules(struct arena *a, json_t *rules)
{
	struct walk w = {.loose = true};

	return json_keep(a, object_change(&w, POLICY, rules, ""));
}

/* ---- flaws ---- */

static size_t segment_put(char *out, size_t n, size_t max, const char *s, struct str index)
{
	int k = snprintf(out + n, max - n, "%s%s%.*s", n ? "." : "", s, STR_ARG(index));

	return k < 0 || (size_t)k >= max - n ? max - 1 : n + (size_t)k;
}

void dsp_v2024_flaw(json_t *message_2025, struct flaw *f)
{
	enum shape s = dsp__v2024_shape(json_text(json_object_get(message_2025, "@type")));
	char at[sizeof f->at] = "", text[sizeof f->text];
	struct str rest = str_of(f->at), part;
	size_t n = 0, old = strlen(f->at);

	while (rest.n && str_split(&rest, '.', &part)) {
		size_t bracket = str_find(part, '[');
		struct str name = str_first(part, bracket), index = str_skip(part, bracket);
		const struct row *r = dsp__v2024_row(s, name);
		char plain[sizeof f->at];

		(void)snprintf(plain, sizeof plain, "%.*s", STR_ARG(name));
		if (r && r->change == ACCESS && rest.n) index = STR("[0]");
		n = segment_put(at, n, sizeof at, r ? r->old : plain, index);
		s = r ? r->inner : NONE;
	}
	if (old && !strncmp(f->text, f->at, old)) {
		(void)snprintf(text, sizeof text, "%s%s", at, f->text + old);
		memcpy(f->text, text, sizeof text);
	}
	memcpy(f->at, at, sizeof at);
}
