/* Messages of 2024-1 as JSON-LD processors compact them, by prefixes that the message itself defines: what
 * they write follows from the context, not from the published schemas. An Eclipse connector writes so. */
#include "proto/dsp/fields.h"
#include "proto/dsp/v2024.h"
#include "proto/dsp/v2024_names.h"

enum {
	NAMES_MAX = 32,  /* prefixes of one message; connectors define about six */
	PREFIX_MAX = 32, /* octets of one: it may be put before every name of its vocabulary */
	IRI_MAX = 200,   /* octets of what it stands for: it may be put before every term */
};

static const struct {
	const char *prefix, *iri;
} ours[] = {
    {"dspace", "https://w3id.org/dspace/2024/1/"},
    {"dcat", "http://www.w3.org/ns/dcat#"},
    {"dct", "http://purl.org/dc/terms/"},
    {"odrl", "http://www.w3.org/ns/odrl/2/"},
};

enum { OURS = sizeof ours / sizeof *ours };

struct name {
	struct str prefix, iri;
};

/* One walk over a message. The first failure stays. */
struct compact {
	struct arena *a;
	struct flaw *f;
	enum err err;
	struct name names[NAMES_MAX];
	size_t names_n;
	struct str vocab;    /* of names without prefix; empty: they say nothing */
	struct str assigner; /* of the offers of a catalog */
};

static void fail(struct compact *c, const char *at, const char *rule, const char *text)
{
	if (!c->err)
		c->err = flaw_set(c->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s",
				  *at ? at : "the message", text);
}

/* ---- names ---- */

static void name_add(struct compact *c, struct str prefix, struct str iri)
{
	if (prefix.n > PREFIX_MAX || iri.n > IRI_MAX) return; /* of no vocabulary that is read here */
	if (c->names_n == NAMES_MAX)
		fail(c, "@context", "limit", "defines too many prefixes");
	else
		c->names[c->names_n++] = (struct name){prefix, iri};
}

/* What stands later counts. Definitions that are no strings say how values are typed, which is known here.
 */
static void names_read(struct compact *c, json_t *context)
{
	const char *key;
	json_t *v;

	if (str_is(json_text(context), DSP_V2024_CONTEXT))
		for (size_t i = 0; i < OURS; i++) name_add(c, str_of(ours[i].prefix), str_of(ours[i].iri));
	json_object_foreach(context, key, v)
	{
		if (!strcmp(key, "@vocab"))
			c->vocab = json_text(v);
		else if (*key != '@' && json_is_string(v))
			name_add(c, str_of(key), json_text(v));
	}
}

static const struct name *name_find(const struct compact *c, struct str prefix)
{
	for (size_t i = c->names_n; i-- > 0;)
		if (str_eq(c->names[i].prefix, prefix)) return &c->names[i];
	return NULL;
}

/* "dspace:state" of the vocabulary and the name in it; STR_NONE: the vocabulary is none of ours. */
static struct str own_name(const struct compact *c, struct str iri, struct str local)
{
	for (size_t i = 0; i < OURS; i++)
		if (str_is(iri, ours[i].iri))
			return arena_printf(c->a, "%s:%.*s", ours[i].prefix, STR_ARG(local));
	return STR_NONE;
}

static struct str whole_name(const struct compact *c, struct str iri)
{
	for (size_t i = 0; i < OURS; i++)
		if (str_starts(iri, str_of(ours[i].iri)))
			return own_name(c, str_of(ours[i].iri), str_skip(iri, strlen(ours[i].iri)));
	return STR_NONE;
}

static bool own_prefix(struct str prefix)
{
	bool is = false;

	for (size_t i = 0; i < OURS; i++) is |= str_is(prefix, ours[i].prefix);
	return is;
}

/* A name without prefix, of the vocabulary that the message says: under a prefix, as it would stand without
 * that saying. */
static struct str bare_name(const struct compact *c, struct str name)
{
	struct str own = own_name(c, c->vocab, name);

	for (size_t i = c->names_n; !own.p && c->vocab.n && i-- > 0;)
		if (str_eq(c->names[i].iri, c->vocab))
			own = arena_printf(c->a, "%.*s:%.*s", STR_ARG(c->names[i].prefix), STR_ARG(name));
	return own;
}

/* The name as the published form has it. STR_NONE: it names nothing here, as one of our prefixes that the
 * message does not define, or defines as something else. */
static struct str published_name(const struct compact *c, struct str name)
{
	size_t colon = str_find(name, ':');
	struct str prefix = str_first(name, colon), own;
	const struct name *n;

	if (colon == name.n) return bare_name(c, name);
	own = whole_name(c, name);
	if (own.p) return own;
	n = name_find(c, prefix);
	own = n ? own_name(c, n->iri, str_skip(name, colon + 1)) : STR_NONE;
	return own.p || own_prefix(prefix) ? own : name;
}

/* A term of a policy. Those of other vocabularies by their IRI, so that the prefix does not matter. */
static struct str published_term(const struct compact *c, struct str term)
{
	size_t colon = str_find(term, ':');
	struct str own = whole_name(c, term);
	const struct name *n;

	if (own.p || colon == term.n) return own.p ? own : term;
	n = name_find(c, str_first(term, colon));
	if (!n) return term;
	own = own_name(c, n->iri, str_skip(term, colon + 1));
	return own.p ? own
		     : arena_printf(c->a, "%.*s%.*s", STR_ARG(n->iri), STR_ARG(str_skip(term, colon + 1)));
}

/* ---- values ---- */

static json_t *object_publish(struct compact *c, enum shape s, json_t *j, const char *path);

/* "x" of {"@id": "x"}, {"@value": "x", "@type": …} and a list of one of these. Borrowed. */
static json_t *plain(json_t *v)
{
	json_t *id, *value;

	if (json_array_size(v) == 1) v = json_array_get(v, 0);
	id = json_object_get(v, "@id");
	value = json_object_get(v, "@value");
	return value ? value : json_object_size(v) == 1 && json_is_string(id) ? id : v;
}

/* What is no string is left, for the reader of the published form to name; so is a name without vocabulary.
 * One of ours that the message defines otherwise becomes none. */
static json_t *text_publish(const struct compact *c, json_t *v,
			    struct str (*turn)(const struct compact *, struct str))
{
	struct str s;

	v = plain(v);
	if (!json_is_string(v)) return json_incref(v);
	s = turn(c, json_text(v));
	if (s.p) return json_stringn(s.p, s.n);
	return str_find(json_text(v), ':') < json_text(v).n ? json_string("") : json_incref(v);
}

static json_t *operand_publish(json_t *v)
{
	json_t *out, *one;
	size_t i;

	if (!json_is_array(v)) return json_incref(plain(v));
	out = json_array();
	must(out);
	json_array_foreach(v, i, one) must(!json_array_append(out, plain(one)));
	return out;
}

/* A list, also of one thing that stands alone. */
static json_t *list_publish(struct compact *c, enum shape inner, json_t *v, const char *path)
{
	json_t *out = json_array(), *one, *changed;
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	must(out);
	for (size_t i = 0; !c->err && i < n; i++) {
		char at[DSP_PATH];

		one = json_is_array(v) ? json_array_get(v, i) : v;
		dsp__path_at(at, path, "", i);
		changed = inner == NONE ? json_incref(one) : object_publish(c, inner, one, at);
		if (changed) must(!json_array_append_new(out, changed));
	}
	return out;
}

static json_t *profile_publish(json_t *v)
{
	json_t *out = json_array(), *one;
	size_t n = json_is_array(v) ? json_array_size(v) : 1;

	must(out);
	for (size_t i = 0; i < n; i++) {
		one = json_is_array(v) ? json_array_get(v, i) : v;
		must(!json_array_append_new(out, json_pack("{s:O}", "@id", plain(one))));
	}
	return out;
}

static json_t *value_publish(struct compact *c, const struct row *r, json_t *v, const char *path)
{
	switch (r->change) {
	case SAME: return r->shape == CONSTRAINT ? operand_publish(v) : json_incref(plain(v));
	case ONE:
		return object_publish(c, r->inner, json_array_size(v) == 1 ? json_array_get(v, 0) : v,
				      path);
	case WORD: return text_publish(c, v, published_name);
	case TERM: return text_publish(c, v, published_term);
	case FORMAT: return json_incref(plain(v));
	case PROFILE: return profile_publish(v);
	case EACH:
	case ACCESS:
	case DUTY:
	case LIST:
	case THINGS: return list_publish(c, r->inner, v, path);
	case TEXTS:
	case DATE:
	case FIRST: return json_incref(v);
	}
	return NULL;
}

/* ---- objects ---- */

/* A list of nothing says nothing; in a policy and a catalog it is written all the same. */
static bool says_nothing(const struct row *r, json_t *v)
{
	bool set = r->shape == POLICY || r->shape == CATALOG || r->shape == DATASET ||
		   r->shape == DISTRIBUTION || r->shape == SERVICE;

	return set && json_is_array(v) && !json_array_size(v);
}

static void member_publish(struct compact *c, enum shape s, json_t *out, const char *key, json_t *v,
			   const char *path)
{
	struct str name = *key == '@' || s == NONE ? str_of(key) : published_name(c, str_of(key));
	const struct row *r = *key == '@' || !name.p ? NULL : dsp__v2024_row(s, name);
	char at[DSP_PATH], *old = name.p ? arena_strdup(c->a, name) : NULL;
	json_t *changed;

	if (!name.p) return;
	if (!old) c->err = ERR_NO_MEMORY;
	if (c->err || (r && says_nothing(r, v))) return;
	dsp__path(at, path, old);
	if (json_object_get(out, old)) fail(c, at, "twice", "stands there under two names");
	if (!strcmp(key, "@type") && s != RULE && s != CONSTRAINT)
		changed = text_publish(c, v, published_name);
	else
		changed = r ? value_publish(c, r, v, at) : json_incref(v);
	if (changed) json_put(out, old, changed);
}

/* The catalog tells once whose offers it holds. */
static struct str catalog_owner(const struct compact *c, json_t *j)
{
	const char *key;
	json_t *v;

	json_object_foreach(j, key, v)
	{
		struct str name = *key == '@' ? STR_NONE : published_name(c, str_of(key));

		if (name.p && str_is(name, "dspace:participantId")) return json_text(plain(v));
	}
	return STR_NONE;
}

static json_t *object_publish(struct compact *c, enum shape s, json_t *j, const char *path)
{
	struct str assigner = c->assigner;
	json_t *out, *v;
	const char *key;

	if (c->err) return NULL;
	if (!json_is_object(j)) return json_incref(j);
	out = json_object();
	must(out);
	if (s == CATALOG) c->assigner = catalog_owner(c, j);
	json_object_foreach(j, key, v)
	{
		member_publish(c, s, out, key, v, path);
		if (c->err) break;
	}
	c->assigner = assigner;
	if (s == POLICY && c->assigner.n && !json_object_get(out, "odrl:assigner"))
		json_put_str(out, "odrl:assigner", c->assigner);
	if (!c->err) return out;
	json_decref(out);
	return NULL;
}

bool dsp__v2024_is_compacted(json_t *j)
{
	json_t *context = json_object_get(j, "@context"), *one;
	bool is = json_is_object(context);
	size_t i;

	json_array_foreach(context, i, one) is |= json_is_object(one);
	return is;
}

enum err dsp__v2024_published(struct arena *a, json_t *j, struct flaw *f, json_t **ret)
{
	struct compact *c = ARENA_NEW(a, struct compact);
	json_t *context = json_object_get(j, "@context"), *out, *type, *one;
	enum shape s;
	size_t i;

	if (!c)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	*c = (struct compact){.a = a, .f = f};
	if (json_is_object(context)) names_read(c, context);
	json_array_foreach(context, i, one) names_read(c, one);
	for (i = 0; i < c->names_n && !str_is(c->names[i].iri, ours[0].iri);) i++;
	if (i == c->names_n) fail(c, "@context", "context", "defines no prefix for version " DSP_V2024);
	type = text_publish(c, json_object_get(j, "@type"), published_name);
	s = dsp__v2024_shape(json_text(type));
	json_decref(type);
	out = object_publish(c, s, j, "");
	if (out) json_put_str(out, "@context", STR(DSP_V2024_CONTEXT));
	out = out ? json_keep(a, out) : NULL;
	if (!out && !c->err) c->err = ERR_NO_MEMORY;
	if (c->err == ERR_NO_MEMORY)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	if (c->err) return c->err;
	*ret = out;
	return ERR_OK;
}
