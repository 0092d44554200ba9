#include "proto/id/scheme.h"

#include "base/hash.h"

static const struct id_scheme_ops *const schemes[] = {
#define X(name, octet, text, code) &id__ops_##code,
    ID_SCHEMES(X)
#undef X
};

enum { SCHEMES = sizeof schemes / sizeof *schemes };

static const struct id_scheme_ops *scheme_find(unsigned octet)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if ((unsigned)schemes[i]->scheme == octet) return schemes[i];
	return NULL;
}

static const struct id_scheme_ops *detect(struct str text, bool prefix)
{
	const struct id_scheme_ops *maybe = NULL;
	for (size_t i = 0; i < SCHEMES; i++) {
		enum id_claim c = prefix ? schemes[i]->detect_prefix(text) : schemes[i]->detect(text);
		if (c == ID_SURE) return schemes[i];
		if (c == ID_MAYBE && !maybe) maybe = schemes[i];
	}
	return maybe;
}

enum id_scheme id_detect(struct str text)
{
	const struct id_scheme_ops *s = detect(text, false);
	return s ? s->scheme : ID_NONE;
}

enum id_scheme id__detect_prefix(struct str text)
{
	const struct id_scheme_ops *s = detect(text, true);
	return s ? s->scheme : ID_NONE;
}

enum err id__no_memory(struct flaw *f)
{
	return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s", err_text(ERR_NO_MEMORY));
}

enum err id__key_fit(struct arena *a, struct str natural, struct id *ret)
{
	ret->key = natural;
	ret->hashed = natural.n > ID_KEY_MAX;
	if (!ret->hashed) return ERR_OK;
	char *key = arena_bytes(a, ID_KEY_MAX);
	if (!key) return ERR_NO_MEMORY;
	memcpy(key, natural.p, ID_KEY_HEAD);
	key[ID_KEY_HEAD] = (char)ID_KEY_MARK;
	hash_sha256(natural, (unsigned char *)key + ID_KEY_HEAD + 1);
	ret->key = str_n(key, ID_KEY_MAX);
	return ERR_OK;
}

static enum err parse_by(const struct id_scheme_ops *s, struct arena *a, struct str text, struct flaw *f,
			 struct id *ret)
{
	if (!text.n) return flaw_set(f, ERR_BAD_ID, 0, "", "empty", "the identifier is empty");
	if (!s)
		return flaw_set(f, ERR_BAD_ID, 0, "", "scheme",
				"this is not an identifier of a known scheme (Handle or GS1)");
	struct id id = {.scheme = s->scheme};
	enum err e = s->parse(a, text, f, &id);
	if (!e) *ret = id;
	return e;
}

enum err id_parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	return parse_by(detect(text, false), a, text, f, ret);
}

enum err id_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id *ret)
{
	return parse_by(scheme_find(scheme), a, text, f, ret);
}

static enum err prefix_parse_by(const struct id_scheme_ops *s, struct arena *a, struct str text,
				struct flaw *f, struct id_prefix *ret)
{
	if (!text.n) return flaw_set(f, ERR_BAD_ID, 0, "", "empty", "the prefix is empty");
	if (!s)
		return flaw_set(f, ERR_BAD_ID, 0, "", "scheme",
				"this is not a prefix of a known scheme (Handle or GS1)");
	struct id_prefix p = {.scheme = s->scheme};
	enum err e = s->prefix_parse(a, text, f, &p);
	if (!e) *ret = p;
	return e;
}

enum err id_prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	return prefix_parse_by(detect(text, true), a, text, f, ret);
}

enum err id_prefix_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
			    struct id_prefix *ret)
{
	return prefix_parse_by(scheme_find(scheme), a, text, f, ret);
}

/* The text of key octets, with their scheme; what was refused fills the flaw. */
static enum err key_print(struct arena *a, struct str key, struct flaw *f,
			  const struct id_scheme_ops **ret_s, struct str *ret)
{
	const struct id_scheme_ops *s = key.n ? scheme_find((unsigned char)key.p[0]) : NULL;
	if (!s || key.n > ID_KEY_MAX)
		return flaw_set(f, ERR_BAD_ID, 0, "key", "scheme", "the key is of no known scheme");
	struct str text = s->print(a, key);
	if (arena_overflowed(a)) return id__no_memory(f);
	if (!text.p)
		return flaw_set(f, ERR_BAD_ID, FLAW_NO_OFFSET, "key", "key",
				"the key octets are not canonical");
	*ret_s = s;
	*ret = text;
	return ERR_OK;
}

enum err id_prefix_from_key(struct arena *a, struct str key, struct flaw *f, struct id_prefix *ret)
{
	const struct id_scheme_ops *s = NULL;
	struct id_prefix p;
	struct str text;
	enum err e = key_print(a, key, f, &s, &text);
	if (!e) e = prefix_parse_by(s, a, text, f, &p);
	if (e) return e;
	if (!str_eq(p.key, key))
		return flaw_set(f, ERR_BAD_ID, FLAW_NO_OFFSET, "key", "boundary",
				"the key octets do not end on a boundary");
	*ret = p;
	return ERR_OK;
}

static bool key_hashed(struct str key)
{
	return key.n == ID_KEY_MAX && (unsigned char)key.p[ID_KEY_HEAD] == ID_KEY_MARK;
}

enum err id_from_key(struct arena *a, struct str key, struct flaw *f, struct id *ret)
{
	const struct id_scheme_ops *s = NULL;
	struct id id;
	struct str text;
	if (key_hashed(key))
		return flaw_set(f, ERR_UNSUPPORTED, ID_KEY_HEAD, "key", "hashed",
				"the key is shortened; only the record knows the identifier");
	enum err e = key_print(a, key, f, &s, &text);
	if (!e) e = parse_by(s, a, text, f, &id);
	if (e) return e;
	if (!str_eq(id.key, key))
		return flaw_set(f, ERR_BAD_ID, FLAW_NO_OFFSET, "key", "key",
				"the key octets are not canonical");
	*ret = id;
	return ERR_OK;
}

size_t id_key_boundaries(struct str key, size_t ret[ID_BOUNDARIES_MAX])
{
	const struct id_scheme_ops *s = key.n ? scheme_find((unsigned char)key.p[0]) : NULL;
	if (!s) return 0;
	ret[0] = 1;
	return 1 + s->boundaries(key, ret + 1);
}

size_t id_boundaries(const struct id *id, size_t ret[ID_BOUNDARIES_MAX])
{
	return id_key_boundaries(id->key, ret);
}

const char *id_scheme_name(enum id_scheme scheme)
{
	const struct id_scheme_ops *s = scheme_find(scheme);
	return s ? s->name : "";
}

enum err id_scheme_find(struct str name, enum id_scheme *ret)
{
	for (size_t i = 0; i < SCHEMES; i++) {
		if (!str_is(name, schemes[i]->name)) continue;
		*ret = schemes[i]->scheme;
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}
