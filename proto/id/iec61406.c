/* Identification links (IEC 61406-1): the http or https URI on a product's label. So also the URIs that
 * are AAS globalAssetIds.
 *
 * Key octets: 0x06, the canonical text (uri.h). A prefix key ends after the authority's slash or a later
 * slash of the path. A link that would be read as another scheme's prints with `iec61406:` in front.
 *
 * The standard's text is sold; held to here: http or https, characters of RFC 3986 only, a host. Its
 * guidance on length is known at second hand, so a longer link is taken, with a warning in its parts. */
#include "proto/id/gs1.h"
#include "proto/id/uri.h"

enum { LABEL_LENGTH = 100 /* characters recommended at most for a printed link */ };

#define MARK STR("iec61406:")

/* GS1 primary keys (GS1 Digital Link URI Syntax 1.3, 4.3): a segment of the path that is one of these
 * and is followed by another makes the link GS1's. */
static const char *const primary_keys[] = {"00",  "01",   "253",  "255",  "401",  "402",  "414",  "415",
					   "417", "8003", "8004", "8006", "8010", "8013", "8017", "8018"};

static bool is_primary(struct str segment)
{
	for (size_t i = 0; i < sizeof primary_keys / sizeof *primary_keys; i++)
		if (str_is(segment, primary_keys[i])) return true;
	return false;
}

static bool is_gs1(struct str text)
{
	struct str host = id__uri_host(text), rest, segment;
	if (str_eq_nocase(host, STR("id.gs1.org"))) return true;
	if (!host.n) return false;
	size_t at = (size_t)(host.p - text.p) + host.n, end = at;
	while (end < text.n && text.p[end] != '?' && text.p[end] != '#') end++;
	rest = str_n(text.p + at, end - at);
	for (bool primary = false; str_split(&rest, '/', &segment);) {
		if (primary && segment.n) return true;
		primary = is_primary(segment);
	}
	return false;
}

static enum id_claim detect(struct str text)
{
	if (str_starts_nocase(text, MARK)) return ID_SURE;
	return id__uri_is_http(text) && !is_gs1(text) ? ID_SURE : ID_NOT;
}

static size_t marked(struct str text)
{
	return str_starts_nocase(text, MARK) ? MARK.n : 0;
}

static enum err key_read(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t from = marked(text);
	struct str bare = str_skip(text, from);
	if (!id__uri_is_http(bare))
		return flaw_set(f, ERR_BAD_ID, from, "", "uri-scheme",
				"an identification link begins with http:// or https://");
	if (!str_starts(str_skip(bare, id__uri_colon(bare) + 1), STR("//")))
		return flaw_set(f, ERR_BAD_ID, from + id__uri_colon(bare) + 1, "", "no-host",
				"two slashes and a host follow the scheme");
	return id__uri_key(a, ID_IEC61406, text, from, f, ret);
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct str key;
	enum err e = key_read(a, text, f, &key);
	if (e) return e;
	ret->text = str_skip(key, 1);
	if (id_detect(ret->text) != ID_IEC61406) ret->text = id__joined(a, MARK, ret->text);
	if (!ret->text.p || id__key_fit(a, key, ret)) return id__no_memory(f);
	return ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	return id__uri_boundaries(key, URI_FOLDERS_MAX, ret);
}

static struct str prefix_print(struct arena *a, struct str key)
{
	struct str text = str_skip(key, 1);
	if (key.n == 1) return arena_dup(a, MARK);
	return id__detect_prefix(text) == ID_IEC61406 ? arena_dup(a, text) : id__joined(a, MARK, text);
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	static const char all[] = {ID_IEC61406};
	size_t ends[URI_FOLDERS_MAX], n;
	ret->key = str_n(all, 1);
	if (!str_eq_nocase(text, MARK)) {
		enum err e = key_read(a, text, f, &ret->key);
		if (e) return e;
		n = boundaries(ret->key, ends);
		if (!n || ends[n - 1] != ret->key.n)
			return flaw_set(f, ERR_BAD_ID, text.n, "", "boundary",
					"a prefix ends with a slash of the path");
	}
	ret->text = prefix_print(a, ret->key);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

/* Key of a prefix or of an identifier: the same text, and the same question of who else claims it. */
static struct str print(struct arena *a, struct str key)
{
	return prefix_print(a, key);
}

/* What the link says to whom reads it as a compressed GS1 Digital Link of the host's own resolver. */
static struct str as_gs1(struct arena *a, struct str link)
{
	struct gs1_message m;
	struct str s;
	if (!gs1_claims(link) || gs1_parse(a, link, 0, NULL, &m) || gs1_write_link(a, &m, STR_NONE, &s))
		return STR_NONE;
	return s;
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	static const struct str warnings[] = {{"over-100-characters", 19}};
	struct str link = str_skip(id->text, marked(id->text));
	(void)text;
	id__part_text(ret, "link", link);
	id__part_text(ret, "host", id__uri_host(link));
	id__part_number(ret, "length", link.n);
	id__part_text(ret, "gs1_canonical_uri", as_gs1(a, link));
	id__part_list(ret, "warnings", warnings, link.n > LABEL_LENGTH);
}

const struct id_scheme_ops id__ops_iec61406 = {
    .scheme = ID_IEC61406,
    .name = "iec61406",
    .mark = {"iec61406:", 9},
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
