/* URNs (RFC 8141), UUIDs among them (RFC 9562 4, `urn:uuid:` or the bare 36 octets).
 *
 * Key octets: 0x08, namespace identifier in lower case, ":", namespace specific string. A prefix key
 * ends after any of the first COLONS_MAX colons that lie in the head.
 *
 * What names is URN-equivalent (RFC 8141 3): `urn` and the namespace fold their case, percent-encodings
 * theirs, and r-, q- and f-components ("?+", "?=", "#") are left out. UUIDs are folded to lower case.
 * `urn:oid:` belongs to the scheme of object identifiers. */
#include "proto/id/percent.h"

enum { NID_MAX = 32, COLONS_MAX = 32, UUID_TEXT = 36 };

#define MARK STR("urn:")
#define UUID STR("uuid:")

static bool hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Offset of the first octet that is none of a UUID's; UUID_TEXT for a whole one. */
static size_t uuid_end(struct str s)
{
	size_t i = 0;
	for (; i < s.n && i < UUID_TEXT; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? s.p[i] != '-' : !hex_digit(s.p[i])) break;
	}
	return i;
}

static bool bare_uuid(struct str text)
{
	return text.n == UUID_TEXT && uuid_end(text) == UUID_TEXT;
}

static enum id_claim detect(struct str text)
{
	if (bare_uuid(text)) return ID_SURE;
	return text.n && text.p[0] >= 'A' && str_starts_nocase(text, MARK) ? ID_SURE : ID_NOT;
}

static bool nid_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "urn:", the namespace and its colon; *ret is behind that. */
static enum err nid_read(struct str text, struct flaw *f, size_t *ret)
{
	size_t from = MARK.n, end = from;
	if (!str_starts_nocase(text, MARK))
		return flaw_set(f, ERR_BAD_ID, 0, "", "urn", "a URN begins with urn:");
	while (end < text.n && text.p[end] != ':') {
		bool inside = end > from && end + 1 < text.n && text.p[end + 1] != ':';
		if (!nid_char(text.p[end]) && !(text.p[end] == '-' && inside))
			return flaw_set(f, ERR_BAD_ID, end, "nid", "namespace",
					"a namespace has letters, digits, and hyphens inside");
		end++;
	}
	if (end - from < 2 || end - from > NID_MAX || end == text.n)
		return flaw_set(f, ERR_BAD_ID, end, "nid", "namespace",
				"a namespace has 2 to %d characters, and a colon behind it", NID_MAX);
	if (str_eq_nocase(str_n(text.p + from, end - from), STR("oid")))
		return flaw_set(f, ERR_BAD_ID, from, "nid", "other-scheme",
				"this is an identifier of the scheme oid");
	*ret = end + 1;
	return ERR_OK;
}

/* The specific string text[from, *ret), up to the components that do not name. */
static enum err nss_check(struct str text, size_t from, struct flaw *f, size_t *ret)
{
	size_t at = from;
	for (; at < text.n && text.p[at] != '#' && text.p[at] != '?'; at++) {
		char c = text.p[at];
		/* RFC 8141 2: pchar, and slashes but for the first */
		if (!id__uri_char((unsigned char)c) || c == '[' || c == ']' || (c == '/' && at == from))
			return flaw_set(f, ERR_BAD_ID, at, "nss", "urn-characters",
					"the character is not allowed here in a URN");
	}
	if (at < text.n && text.p[at] == '?' &&
	    (at + 1 == text.n || (text.p[at + 1] != '+' && text.p[at + 1] != '=')))
		return flaw_set(f, ERR_BAD_ID, at, "nss", "urn-component",
				"a question mark in a URN is followed by + or =");
	*ret = at;
	return ERR_OK;
}

static bool is_uuid(struct str text, size_t nss)
{
	return str_eq_nocase(str_n(text.p + MARK.n, nss - MARK.n), UUID);
}

static enum err uuid_check(struct str text, size_t nss, size_t end, struct flaw *f)
{
	size_t good = uuid_end(str_n(text.p + nss, end - nss));
	if (good == UUID_TEXT && end - nss == UUID_TEXT) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, nss + good, "nss", "uuid",
			"a UUID has 32 hexadecimal digits in groups of 8-4-4-4-12");
}

/* Octet, "nid:", specific string of text[0, end), of which [MARK.n, nss) is "nid:". */
static enum err make(struct arena *a, struct str text, size_t nss, struct flaw *f, struct str *ret)
{
	size_t n = 0;
	char *key = arena_bytes(a, 1 + text.n);
	if (!key) return id__no_memory(f);
	key[0] = ID_URN;
	enum err e = id__percent_normal(text, MARK.n, false, key + 1, f, &n);
	size_t folded = is_uuid(text, nss) ? n : nss - MARK.n;
	for (size_t i = 1; i <= folded; i++)
		if (key[i] >= 'A' && key[i] <= 'Z') key[i] = (char)(key[i] + 32);
	*ret = str_n(key, 1 + n);
	return e;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	size_t nss = 0, end = 0;
	struct str key, whole = bare_uuid(text) ? id__joined(a, STR("urn:uuid:"), text) : text;
	if (!whole.p) return id__no_memory(f);
	enum err e = id__length_check(whole, 0, f);
	if (!e) e = nid_read(whole, f, &nss);
	if (!e) e = nss_check(whole, nss, f, &end);
	if (!e && end == nss)
		e = flaw_set(f, ERR_BAD_ID, nss, "nss", "no-identifier", "nothing follows the namespace");
	if (!e && is_uuid(whole, nss)) e = uuid_check(whole, nss, end, f);
	if (!e) e = id__percent_check(a, str_first(whole, end), nss, f);
	if (!e) e = make(a, str_first(whole, end), nss, f, &key);
	if (e) return e;
	ret->text = id__joined(a, MARK, str_skip(key, 1));
	if (!ret->text.p || id__key_fit(a, key, ret)) return id__no_memory(f);
	return ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	return id__ends(key, 1, ':', COLONS_MAX, ret);
}

static enum err prefix_key(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t ends[COLONS_MAX], nss = 0, end = 0, n;
	enum err e = id__length_check(text, 0, f);
	if (!e) e = nid_read(text, f, &nss);
	if (!e) e = nss_check(text, nss, f, &end);
	if (!e && end == text.n) e = id__percent_check(a, text, nss, f);
	if (!e && end == text.n) e = make(a, text, nss, f, ret);
	if (e) return e;
	n = end == text.n ? boundaries(*ret, ends) : 0;
	/* nothing but a whole UUID is checked in that namespace, so nothing in it is a prefix */
	if (n && ends[n - 1] == ret->n && !(is_uuid(text, nss) && nss < text.n)) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, text.n, "", "boundary",
			"a prefix ends with one of the first %d colons", COLONS_MAX);
}

static struct str print(struct arena *a, struct str key)
{
	return id__joined(a, MARK, str_skip(key, 1));
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	static const char all[] = {ID_URN};
	ret->key = str_n(all, 1);
	enum err e = str_eq_nocase(text, MARK) ? ERR_OK : prefix_key(a, text, f, &ret->key);
	if (e) return e;
	ret->text = print(a, ret->key);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	struct str rest = str_skip(id->text, MARK.n), nid;
	(void)a;
	(void)text;
	if (!str_split(&rest, ':', &nid)) return;
	id__part_text(ret, "nid", nid);
	id__part_text(ret, "nss", rest);
	if (!str_is(nid, "uuid")) return;
	char version = rest.p[14];
	id__part_number(ret, "uuid_version",
			(uint64_t)(version <= '9' ? version - '0' : version - 'a' + 10));
}

const struct id_scheme_ops id__ops_urn = {
    .scheme = ID_URN,
    .name = "urn",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
