#include "proto/id/scheme.h"

#include "base/hash.h"

static const struct id_scheme_ops *const schemes[] = {
#define X(name, octet, text, code, leads) &id__ops_##code,
    ID_SCHEMES(X)
#undef X
};

static const struct id_scheme_ops *const by_octet[] = {
#define X(name, octet, text, code, leads) [octet] = &id__ops_##code,
    ID_SCHEMES(X)
#undef X
};

static const char known[] =
#define X(name, octet, text, code, leads) " " text
    ID_SCHEMES(X)
#undef X
    ;

enum { SCHEMES = sizeof schemes / sizeof *schemes };

static const struct id_scheme_ops *scheme_find(unsigned octet)
{
	return octet < sizeof by_octet / sizeof *by_octet ? by_octet[octet] : NULL;
}

enum {
#define X(name, octet, text, code, leads) ROW_##name,
	ID_SCHEMES(X)
#undef X
};

/* A bit for each row that a text with this lead is asked of. */
enum {
#define X(name, octet, text, code, leads) | ((leads)&ID_DIGIT ? 1 << ROW_##name : 0)
	ROWS_OF_DIGIT = 0 ID_SCHEMES(X),
#undef X
#define X(name, octet, text, code, leads) | ((leads)&ID_LETTER ? 1 << ROW_##name : 0)
	ROWS_OF_LETTER = 0 ID_SCHEMES(X),
#undef X
#define X(name, octet, text, code, leads) | ((leads)&ID_OTHER ? 1 << ROW_##name : 0)
	ROWS_OF_OTHER = 0 ID_SCHEMES(X),
#undef X
};

static unsigned rows_of(struct str text)
{
	unsigned char c = text.n ? (unsigned char)text.p[0] : 0;
	if (c >= '0' && c <= '9') return ROWS_OF_DIGIT;
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ? ROWS_OF_LETTER : ROWS_OF_OTHER;
}

static const struct id_scheme_ops *detect(struct str text, bool prefix, enum id_claim *ret)
{
	const struct id_scheme_ops *maybe = NULL;
	for (unsigned rows = rows_of(text); rows; rows &= rows - 1) {
		const struct id_scheme_ops *s = schemes[__builtin_ctz(rows)];
		enum id_claim c = prefix ? s->detect_prefix(text) : s->detect(text);
		if (c == ID_SURE) {
			*ret = c;
			return s;
		}
		if (c == ID_MAYBE && !maybe) maybe = s;
	}
	*ret = maybe ? ID_MAYBE : ID_NOT;
	return maybe;
}

enum id_scheme id__detect(struct str text, enum id_claim *ret)
{
	const struct id_scheme_ops *s = detect(text, false, ret);
	return s ? s->scheme : ID_NONE;
}

enum id_scheme id_detect(struct str text)
{
	enum id_claim claim;
	return id__detect(text, &claim);
}

enum id_scheme id__detect_prefix(struct str text)
{
	enum id_claim claim;
	const struct id_scheme_ops *s = detect(text, true, &claim);
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

enum err id__length_check(struct str text, size_t from, struct flaw *f)
{
	if (text.n - from <= ID_TEXT_MAX) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, from + ID_TEXT_MAX, "", "too-long",
			"an identifier has at most %d octets", ID_TEXT_MAX);
}

enum err id__own_check(enum id_scheme own, struct str canonical, struct flaw *f)
{
	enum id_scheme other = id_detect(canonical);
	if (other == own) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, 0, "", "other-scheme", "this is an identifier of the scheme %s",
			id_scheme_name(other));
}

size_t id__marked(struct str text, const struct str *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts_nocase(text, marks[i])) return marks[i].n;
	return 0;
}

struct str id__joined(struct arena *a, struct str first, struct str second)
{
	char *p = arena_bytes(a, first.n + second.n + 1);
	if (!p) return STR_NONE;
	if (first.n) memcpy(p, first.p, first.n);
	if (second.n) memcpy(p + first.n, second.p, second.n);
	return str_n(p, first.n + second.n);
}

size_t id__ends(struct str key, size_t from, char end, size_t max, size_t *ret)
{
	size_t n = 0;
	for (size_t i = from; i < key.n && i < ID_KEY_HEAD && n < max; i++)
		if (key.p[i] == end) ret[n++] = i + 1;
	return n;
}

/* What nobody claims: often a prefix. Digits alone are a Handle's by courtesy only, and are not told as
 * such. */
static enum err nobodys(struct arena *a, struct str text, struct flaw *f)
{
	struct id_prefix p;
	size_t n = 0;
	while (n < text.n && (text.p[n] == '.' || (text.p[n] >= '0' && text.p[n] <= '9'))) n++;
	if (n == text.n && !id_prefix_parse(a, text, NULL, &p) &&
	    (p.scheme != ID_HANDLE || str_find(text, '.') < text.n))
		return flaw_set(f, ERR_BAD_ID, 0, "", "prefix",
				"this is a prefix of the scheme %s, not an identifier",
				id_scheme_name(p.scheme));
	return flaw_set(f, ERR_BAD_ID, 0, "", "scheme", "this is not an identifier of a known scheme:%s",
			known);
}

static enum err parse_by(const struct id_scheme_ops *s, struct arena *a, struct str text, struct flaw *f,
			 struct id *ret)
{
	if (!text.n) return flaw_set(f, ERR_BAD_ID, 0, "", "empty", "the identifier is empty");
	if (!s) return nobodys(a, text, f);
	struct id id = {.scheme = s->scheme};
	enum err e = s->parse(a, text, f, &id);
	if (!e && id.text.n > ID_CANONICAL_MAX)
		e = flaw_set(f, ERR_BAD_ID, text.n, "", "too-long",
			     "with its mark it has more than %d octets", ID_CANONICAL_MAX);
	if (!e) *ret = id;
	return e;
}

enum err id_parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	enum id_claim claim;
	return parse_by(detect(text, false, &claim), a, text, f, ret);
}

/* A text that another scheme claims, read as if it had the mark of s in front. */
static enum err parse_marked(const struct id_scheme_ops *s, struct arena *a, struct str text,
			     struct flaw *f, struct id *ret)
{
	struct str marked = id__joined(a, s->mark, text);
	if (!marked.p) return id__no_memory(f);
	enum err e = parse_by(s, a, marked, f, ret);
	if (e && f && f->offset != FLAW_NO_OFFSET)
		f->offset -= f->offset < s->mark.n ? f->offset : s->mark.n;
	return e;
}

enum err id_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id *ret)
{
	const struct id_scheme_ops *s = scheme_find(scheme);
	if (s && text.n && s->mark.n && id_detect(text) != scheme) return parse_marked(s, a, text, f, ret);
	return parse_by(s, a, text, f, ret);
}

static enum err prefix_parse_by(const struct id_scheme_ops *s, struct arena *a, struct str text,
				struct flaw *f, struct id_prefix *ret)
{
	if (!text.n) return flaw_set(f, ERR_BAD_ID, 0, "", "empty", "the prefix is empty");
	if (!s)
		return flaw_set(f, ERR_BAD_ID, 0, "", "scheme", "this is not a prefix of a known scheme:%s",
				known);
	struct id_prefix p = {.scheme = s->scheme};
	enum err e = s->prefix_parse(a, text, f, &p);
	if (!e) *ret = p;
	return e;
}

enum err id_prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	enum id_claim claim;
	return prefix_parse_by(detect(text, true, &claim), a, text, f, ret);
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

static void part_add(struct id_parts *parts, struct id_part part)
{
	must(parts->n < ID_PARTS_MAX);
	parts->part[parts->n++] = part;
}

void id__part_text(struct id_parts *parts, const char *name, struct str text)
{
	if (text.p) part_add(parts, (struct id_part){.name = name, .kind = ID_PART_TEXT, .text = text});
}

void id__part_number(struct id_parts *parts, const char *name, uint64_t number)
{
	part_add(parts, (struct id_part){.name = name, .kind = ID_PART_NUMBER, .number = number});
}

void id__part_list(struct id_parts *parts, const char *name, const struct str *list, size_t n)
{
	part_add(parts, (struct id_part){.name = name, .kind = ID_PART_LIST, .list = list, .list_n = n});
}

enum err id_explain(struct arena *a, struct str text, const struct id *id, struct flaw *f,
		    struct id_parts *ret)
{
	const struct id_scheme_ops *s = scheme_find(id->scheme);
	struct id_parts parts = {.n = 0};
	if (s && s->parts) s->parts(a, text, id, &parts);
	if (arena_overflowed(a)) return id__no_memory(f);
	*ret = parts;
	return ERR_OK;
}

enum err id_describe(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id_description *ret)
{
	struct id_description d = {.id.scheme = scheme ? scheme : id_detect(text)};
	const struct id_scheme_ops *s = scheme_find(d.id.scheme);
	bool nameless = false;
	enum err e = ERR_OK;
	if (s && s->carrier_check && text.n) e = s->carrier_check(a, text, f, &nameless);
	if (!e && !nameless)
		e = scheme ? id_parse_as(scheme, a, text, f, &d.id) : id_parse(a, text, f, &d.id);
	if (!e) e = id_explain(a, text, &d.id, f, &d.parts);
	if (!e && s && s->alias_parts && d.id.scheme != s->scheme) s->alias_parts(a, text, &d.parts);
	if (!e && arena_overflowed(a)) e = id__no_memory(f);
	if (!e) *ret = d;
	return e;
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
