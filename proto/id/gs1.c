/* GS1 keys as identifiers (GS1 Digital Link URI Syntax 1.3, General Specifications 3).
 *
 * Key octets:
 *   0x02, body, 0x1d, AI of the primary key, lead, 0x1d, then for each qualifier AI, 0x1d, value, 0x1d
 * The value of a primary key is lead ‖ body: lead is the digit before the company prefix (indicator of
 * 01 and 8006, extension of 00, zero of 8003), empty for the other keys. So the company prefix comes
 * first, digit by digit, and all keys of one company lie together. 0x1d stands in no value.
 * A prefix key ends after 4 to 12 digits of the body, after the key's second 0x1d, or after a
 * qualifier's second 0x1d. */
#include "proto/id/gs1_elements.h"
#include "proto/id/gs1_parts.h"
#include "proto/id/scheme.h"

enum {
	END = 0x1d,
	/* whatever lengths the next dictionary has */
	NATURAL_MAX = 1 + GS1_VALUE_MAX + 1 + 4 + 1 + GS1_QUALIFIERS_MAX * (4 + 1 + GS1_VALUE_MAX + 1),
};

_Static_assert((int)NATURAL_MAX <= (int)ID_KEY_MAX, "GS1 keys are never shortened");

static const struct str canonical_root = {"https://id.gs1.org/", 19};

_Static_assert((int)GS1_TEXT_MAX == (int)ID_TEXT_MAX, "one limit for all identifiers");

static bool all_digits(struct str s)
{
	return s.n > 0 && gs1_set_has_all(GS1_N, s);
}

static bool is_uri(struct str text)
{
	return str_starts_nocase(text, STR("http://")) || str_starts_nocase(text, STR("https://"));
}

static bool is_path(struct str text)
{
	if (text.n && text.p[0] == '/') text = str_skip(text, 1);
	size_t slash = str_find(str_first(text, 5), '/');
	if (slash == text.n) return false;
	const struct gs1_ai *ai = gs1_ai_find(str_first(text, slash));
	return ai && ai->key;
}

static bool marked(struct str text)
{
	return str_starts_nocase(text, STR("gs1:"));
}

/* All URIs are claimed, also those that turn out to have no key; of a bare number as long as a GTIN that it
 * may be one: nobody else wants it, and a wrong check digit is told as such. */
static enum id_claim detect(struct str text)
{
	if (!text.n) return ID_NOT;
	if (text.p[0] == '(' || is_path(text) || gs1__unmarked(text)) return ID_SURE;
	if (text.p[0] >= 'A' && (is_uri(text) || marked(text))) return ID_SURE;
	bool fnc1 = text.p[0] == '^' || text.p[0] == GS1_SEPARATOR;
	if (fnc1) return gs1_ai_first(str_skip(text, 1)) ? ID_SURE : ID_NOT;
	if (text.p[0] == ']') return gs1_claims(text) ? ID_SURE : ID_NOT;
	bool gtin = text.n == 8 || (text.n >= 12 && text.n <= 14);
	return gtin && all_digits(text) ? ID_MAYBE : ID_NOT;
}

static enum id_claim detect_prefix(struct str text)
{
	bool company = text.n >= GS1_COMPANY_MIN && text.n <= GS1_COMPANY_MAX && all_digits(text);
	if (company) return ID_SURE;
	/* digits that go on are a Handle's */
	return gs1__unmarked(text) ? ID_NOT : detect(text);
}

static void key_add(char *key, size_t *n, struct str s)
{
	memcpy(key + *n, s.p, s.n);
	*n += s.n;
}

static void element_add(char *key, size_t *n, const struct gs1_element *e)
{
	const struct str end = str_n((const char[]){END}, 1);
	key_add(key, n, e->ai);
	key_add(key, n, end);
	key_add(key, n, e->value);
	key_add(key, n, end);
}

static struct str key_make(struct arena *a, const struct gs1_message *m)
{
	char *key = arena_bytes(a, NATURAL_MAX);
	if (!key) return STR_NONE;
	const struct gs1_element *e = &m->elements[m->key];
	const struct str end = str_n((const char[]){END}, 1);
	size_t n = 0, lead = e->row->company_at;
	key[n++] = ID_GS1;
	key_add(key, &n, str_skip(e->value, lead));
	key_add(key, &n, end);
	key_add(key, &n, e->ai);
	key_add(key, &n, str_first(e->value, lead));
	key_add(key, &n, end);
	for (size_t i = 0; i < m->qualifiers_n; i++) element_add(key, &n, &m->elements[m->qualifiers[i]]);
	arena_give_back(a, NATURAL_MAX - n);
	return str_n(key, n);
}

/* The link of key and qualifiers alone. */
static struct str text_make(struct arena *a, const struct gs1_message *m)
{
	struct str root = {canonical_root.p, canonical_root.n - 1}, text;
	struct gs1_message bare;
	bare.n = 0;
	bare.unlinkable = NULL;
	bare.elements[bare.n++] = m->elements[m->key];
	bare.key = 0;
	bare.qualifiers_n = m->qualifiers_n;
	for (size_t i = 0; i < m->qualifiers_n; i++) {
		bare.qualifiers[i] = bare.n;
		bare.elements[bare.n++] = m->elements[m->qualifiers[i]];
	}
	return gs1_write_link(a, &bare, root, &text) ? STR_NONE : text;
}

/* What the item is, not what is said about it: an attribute that no link can have is no matter. */
static enum err name_parse(struct arena *a, struct str text, struct flaw *f, struct gs1_message *ret)
{
	enum err e = gs1_parse(a, text, 0, f, ret);
	if (e || !ret->unlinkable || !strcmp(ret->unlinkable, "not-an-attribute")) return e;
	bool keyed = ret->key != GS1_NONE;
	return flaw_set(f, ERR_BAD_ID, ret->unlinkable_at, "", ret->unlinkable,
			keyed ? "the qualifiers do not go together" : "no element is a GS1 primary key");
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct gs1_message m;
	enum err e = name_parse(a, text, f, &m);
	if (e) return e;
	struct str key = key_make(a, &m);
	ret->text = text_make(a, &m);
	if (!key.p || !ret->text.p) return id__no_memory(f);
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static bool key_element(struct gs1_message *m, struct str ai, struct str value)
{
	const struct gs1_reading r = {.m = m};
	const struct gs1_ai *row = gs1_ai_find(ai);
	if (!row || !value.p || gs1__add(&r, row, value, 0)) return false;
	m->elements[m->n - 1].role = m->n == 1 ? GS1_KEY : GS1_QUALIFIER;
	return true;
}

/* The elements of a whole key; slices into it. */
static bool key_read(struct arena *a, struct str key, struct gs1_message *ret)
{
	struct str rest = str_skip(key, 1), body, ai, value;
	if (!str_ends(key, str_n((const char[]){END}, 1)) || !str_split(&rest, END, &body) ||
	    !str_split(&rest, END, &ai))
		return false;
	const struct gs1_ai *row = gs1_ai_first(ai);
	if (!row || !row->key) return false;
	value = arena_printf(a, "%.*s%.*s", STR_ARG(str_skip(ai, row->n)), STR_ARG(body));
	if (!key_element(ret, str_first(ai, row->n), value)) return false;
	while (rest.p && rest.n) {
		if (ret->qualifiers_n == GS1_QUALIFIERS_MAX || !str_split(&rest, END, &ai) ||
		    !str_split(&rest, END, &value))
			return false;
		ret->qualifiers[ret->qualifiers_n++] = ret->n;
		if (!key_element(ret, ai, value)) return false;
	}
	return true;
}

static struct str print(struct arena *a, struct str key)
{
	struct gs1_message m;
	struct str body = str_skip(key, 1);
	m.n = m.key = m.qualifiers_n = 0;
	m.unlinkable = NULL;
	if (!body.n) return arena_dup(a, STR("gs1:"));
	if (detect_prefix(body) == ID_SURE && all_digits(body)) return arena_dup(a, body);
	return key_read(a, key, &m) ? text_make(a, &m) : STR_NONE;
}

/* A printed prefix drops the root of the URI: "01/09506000134352". */
static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	struct str bare = marked(text) ? str_skip(text, 4) : text;
	if (!bare.n || (detect_prefix(bare) == ID_SURE && all_digits(bare))) {
		char *key = arena_bytes(a, 1 + bare.n);
		if (!key) return id__no_memory(f);
		key[0] = ID_GS1;
		if (bare.n) memcpy(key + 1, bare.p, bare.n);
		ret->key = str_n(key, 1 + bare.n);
		ret->text = bare.n ? str_n(key + 1, bare.n) : arena_dup(a, STR("gs1:"));
		return ret->text.p ? ERR_OK : id__no_memory(f);
	}
	if (all_digits(bare))
		return flaw_set(f, ERR_BAD_ID, text.n - bare.n, "", "company-prefix",
				"a company prefix has %d to %d digits", GS1_COMPANY_MIN, GS1_COMPANY_MAX);
	struct id id = {0};
	enum err e = parse(a, text, f, &id);
	if (e) return e;
	ret->key = id.key;
	ret->text = str_skip(id.text, canonical_root.n);
	return ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	size_t n = 0, i = 1, digits = 0;
	for (; i < key.n && key.p[i] != END; i++) {
		if (digits < i - 1 || !gs1_set_has(GS1_N, key.p[i])) continue;
		digits++;
		if (digits >= GS1_COMPANY_MIN && digits <= GS1_COMPANY_MAX) ret[n++] = i + 1;
	}
	/* the second end of every pair: body and key, AI and value */
	for (size_t ends = 0; i < key.n && n < ID_BOUNDARIES_MAX - 1; i++)
		if (key.p[i] == END && ++ends % 2 == 0) ret[n++] = i + 1;
	return n;
}

const struct id_scheme_ops id__ops_gs1 = {
    .scheme = ID_GS1,
    .name = "gs1",
    .detect = detect,
    .detect_prefix = detect_prefix,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .carrier_check = gs1__carrier_check,
    .parts = gs1__parts,
};
