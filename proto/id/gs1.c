/* GS1 keys as identifiers (GS1 Digital Link URI Syntax 1.3, General Specifications 3).
 *
 * Key octets:
 *   0x02, body, 0x1d, AI of the primary key, lead, 0x1d, then for each qualifier AI, 0x1d, value, 0x1d
 * The value of a primary key is lead ‖ body: lead is the digit before the company prefix (indicator of
 * 01 and 8006, extension of 00, zero of 8003), empty for the other keys. So the company prefix comes
 * first, digit by digit, and all keys of one company lie together. 0x1d stands in no value.
 * A prefix key ends after 4 to 12 digits of the body, after the key's second 0x1d, or after a
 * qualifier's second 0x1d. */
#include "proto/id/gs1_name.h"

#include "base/buf.h"

enum { END = 0x1d, NATURAL_MAX = 1 + 30 + 1 + 4 + 1 + 1 + GS1_QUALIFIERS_MAX * (4 + 1 + 28 + 1) };

_Static_assert((int)NATURAL_MAX <= (int)ID_KEY_MAX, "GS1 keys are never shortened");

static const struct str canonical_root = {"https://id.gs1.org/", 19};

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!gs1_set_has(GS1_N, (unsigned char)s.p[i])) return false;
	return s.n > 0;
}

static bool is_uri(struct str text)
{
	return str_starts_nocase(text, STR("http://")) || str_starts_nocase(text, STR("https://"));
}

static bool is_path(struct str text)
{
	if (text.n && text.p[0] == '/') text = str_skip(text, 1);
	size_t slash = str_find(str_first(text, 5), '/');
	if (slash < 2 || slash > 4 || slash == text.n) return false;
	const struct gs1_ai *ai = gs1_ai_find(str_first(text, slash));
	return ai && ai->qualifiers;
}

static bool marked(struct str text)
{
	return str_starts_nocase(text, STR("gs1:"));
}

static enum id_claim detect(struct str text)
{
	if (!text.n) return ID_NOT;
	if (text.p[0] == '(' || is_path(text)) return ID_SURE;
	/* all other forms begin with a letter, nearly all other identifiers with a digit */
	return text.p[0] >= 'A' && (is_uri(text) || marked(text)) ? ID_SURE : ID_NOT;
}

static enum id_claim detect_prefix(struct str text)
{
	bool company = text.n >= GS1_COMPANY_MIN && text.n <= GS1_COMPANY_MAX && all_digits(text);
	return company ? ID_SURE : detect(text);
}

static void key_add(char *key, size_t *n, struct str s)
{
	memcpy(key + *n, s.p, s.n);
	*n += s.n;
}

static struct str key_make(struct arena *a, const struct gs1_name *m)
{
	char *key = arena_bytes(a, NATURAL_MAX);
	if (!key) return STR_NONE;
	const struct str end = str_n((const char[]){END}, 1);
	size_t n = 0, lead = m->key.ai->company_at;
	key[n++] = ID_GS1;
	key_add(key, &n, str_skip(m->key.value, lead));
	key_add(key, &n, end);
	key_add(key, &n, str_of(m->key.ai->ai));
	key_add(key, &n, str_first(m->key.value, lead));
	key_add(key, &n, end);
	for (size_t i = 0; i < m->qualifiers_n; i++) {
		key_add(key, &n, str_of(m->qualifiers[i].ai->ai));
		key_add(key, &n, end);
		key_add(key, &n, m->qualifiers[i].value);
		key_add(key, &n, end);
	}
	return str_n(key, n);
}

/* RFC 3986 2.3: everything but the unreserved characters is percent-encoded. */
static size_t percent_encode(char *to, struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (gs1_set_has(GS1_N, c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c && strchr("-._~", c))) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '%';
		to[n++] = "0123456789ABCDEF"[c >> 4];
		to[n++] = "0123456789ABCDEF"[c & 15];
	}
	return n;
}

static size_t element_print(char *to, const struct gs1_element *e)
{
	size_t n = strlen(e->ai->ai);
	memcpy(to, e->ai->ai, n);
	to[n++] = '/';
	return n + percent_encode(to + n, e->value);
}

static struct str text_make(struct arena *a, const struct gs1_name *m)
{
	size_t room = canonical_root.n + 6 + 3 * m->key.value.n;
	for (size_t i = 0; i < m->qualifiers_n; i++) room += 6 + 3 * m->qualifiers[i].value.n;
	char *p = arena_bytes(a, room);
	if (!p) return STR_NONE;
	size_t n = canonical_root.n;
	memcpy(p, canonical_root.p, n);
	n += element_print(p + n, &m->key);
	for (size_t i = 0; i < m->qualifiers_n; i++) {
		p[n++] = '/';
		n += element_print(p + n, &m->qualifiers[i]);
	}
	return str_n(p, n);
}

static enum err name_parse(struct arena *a, struct str text, struct flaw *f, struct gs1_name *ret)
{
	struct str bare = marked(text) ? str_skip(text, 4) : text;
	enum err e = bare.n && bare.p[0] == '(' ? gs1_elements_parse(a, bare, f, ret)
						: gs1_link_parse(a, bare, f, ret);
	if (e && f && f->offset != FLAW_NO_OFFSET) f->offset += text.n - bare.n;
	return e;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct gs1_name m = {0};
	enum err e = name_parse(a, text, f, &m);
	if (e) return e;
	struct str key = key_make(a, &m);
	ret->text = text_make(a, &m);
	if (!key.p || !ret->text.p) return id__no_memory(f);
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

/* The elements of a whole key; slices into it. */
static bool key_read(struct arena *a, struct str key, struct gs1_name *ret)
{
	struct str rest = str_skip(key, 1), body, ai;
	if (!str_ends(key, str_n((const char[]){END}, 1)) || !str_split(&rest, END, &body) ||
	    !str_split(&rest, END, &ai))
		return false;
	for (size_t n = 2; n <= 4 && n <= ai.n && !ret->key.ai; n++)
		ret->key.ai = gs1_ai_find(str_first(ai, n));
	if (!ret->key.ai || !ret->key.ai->qualifiers) return false;
	struct str lead = str_skip(ai, strlen(ret->key.ai->ai));
	ret->key.value = arena_printf(a, "%.*s%.*s", STR_ARG(lead), STR_ARG(body));
	while (rest.p && rest.n) {
		struct gs1_element *q = &ret->qualifiers[ret->qualifiers_n];
		if (ret->qualifiers_n++ == GS1_QUALIFIERS_MAX || !str_split(&rest, END, &ai)) return false;
		q->ai = gs1_ai_find(ai);
		if (!q->ai || !str_split(&rest, END, &q->value)) return false;
	}
	return ret->key.value.p;
}

static struct str print(struct arena *a, struct str key)
{
	struct gs1_name m = {0};
	struct str body = str_skip(key, 1);
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
		if (digits < i - 1 || !gs1_set_has(GS1_N, (unsigned char)key.p[i])) continue;
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
};
