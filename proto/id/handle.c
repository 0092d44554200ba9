/* Handles (RFC 3651 3, DO-IRP): prefix "/" suffix. VAA codes (`86.`, `88.`) and DOIs (`10.`, ISO 26324)
 * are Handles.
 *
 * Key octets:
 *   0x01, the prefix folded to upper case (ASCII), ".", "/", the suffix
 * so each label of the prefix ends with a dot and the handles directly under a prefix with "./".
 * The suffix keeps its case, except under the prefixes that begin "0." and under 10 and "10." (DOIs
 * compare without regard to ASCII case), where it is folded as well.
 * A prefix key is 0x01 alone, or ends after any label's dot, or after the slash.
 *
 * A prefix is ASCII, so that none passes for another; a suffix is any text that unicode.h allows. Forms
 * that are URIs are percent-decoded; of those of a proxy, what follows "?" or "#" is said to the proxy
 * and left out. */
#include "proto/id/percent.h"
#include "proto/id/unicode.h"

enum {
	PREFIX_MAX = 255, /* octets; a prefix must fit the head of a shortened key */
	LABELS_MAX = 32,  /* delegation boundaries that an answer may have to look up */
};

_Static_assert(1 + (int)PREFIX_MAX + 2 <= (int)ID_KEY_HEAD, "boundaries lie in the head");
_Static_assert(1 + (int)LABELS_MAX + 1 <= (int)ID_BOUNDARIES_MAX, "boundaries fit");

static unsigned char upper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* What stands before a handle proper. */
static const struct mark {
	struct str text;
	bool doi, uri, proxy;
} marks[] = {
    {{"hdl:", 4}, false, false, false},
    {{"info:hdl/", 9}, false, true, false},
    {{"doi:", 4}, true, false, false},
    {{"info:doi/", 9}, true, true, false},
    {{"https://doi.org/", 16}, true, true, true},
    {{"http://doi.org/", 15}, true, true, true},
    {{"https://dx.doi.org/", 19}, true, true, true},
    {{"http://dx.doi.org/", 18}, true, true, true},
    {{"https://www.doi.org/", 20}, true, true, true},
    {{"http://www.doi.org/", 19}, true, true, true},
    {{"https://hdl.handle.net/", 23}, false, true, true},
    {{"http://hdl.handle.net/", 22}, false, true, true},
};

static const struct mark *mark_of(struct str text)
{
	/* asked several times for each identifier, and nearly all begin with a digit */
	if (!text.n || text.p[0] < 'A') return NULL;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (str_starts_nocase(text, marks[i].text)) return &marks[i];
	return NULL;
}

static size_t marked(struct str text)
{
	const struct mark *m = mark_of(text);
	return m ? m->text.n : 0;
}

static enum id_claim detect(struct str text)
{
	if (marked(text)) return ID_SURE;
	return str_find(text, '/') < text.n ? ID_MAYBE : ID_NOT;
}

static enum id_claim detect_prefix(struct str text)
{
	return marked(text) ? ID_SURE : ID_MAYBE;
}

static bool is_doi(struct str prefix)
{
	return str_is(prefix, "10") || str_starts(prefix, STR("10."));
}

static enum err prefix_text_check(struct arena *a, struct str text, size_t from, size_t end, struct flaw *f)
{
	if (id__plain(str_skip(text, from))) return ERR_OK;
	enum err e = id__text_check(a, text, from, f);
	size_t at = from + id__ascii_end(str_n(text.p + from, end - from));
	if (!e && at < end)
		e = flaw_set(f, ERR_BAD_ID, at, "prefix", "prefix-characters",
			     "a prefix has ASCII characters only");
	return e;
}

/* text[from, end) is the prefix. */
static enum err labels_check(struct str text, size_t from, size_t end, struct flaw *f)
{
	size_t labels = 1, start = from;
	if (end - from > PREFIX_MAX)
		return flaw_set(f, ERR_BAD_ID, from + PREFIX_MAX, "prefix", "too-long",
				"a prefix has at most %d octets", PREFIX_MAX);
	for (size_t i = from; i < end; i++) {
		if (text.p[i] == ' ')
			return flaw_set(f, ERR_BAD_ID, i, "prefix", "blank", "a prefix has no blanks");
		if (text.p[i] != '.') continue;
		if (i == start)
			return flaw_set(f, ERR_BAD_ID, i, "prefix", "empty-label",
					"a label of the prefix is empty");
		start = i + 1;
		if (++labels > LABELS_MAX)
			return flaw_set(f, ERR_BAD_ID, i, "prefix", "too-many-labels",
					"a prefix has at most %d labels", LABELS_MAX);
	}
	if (start == end)
		return flaw_set(f, ERR_BAD_ID, end, "prefix", end == from ? "no-prefix" : "empty-label",
				end == from ? "the prefix is empty" : "a label of the prefix is empty");
	return ERR_OK;
}

static void fold(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++) to[i] = (char)upper((unsigned char)s.p[i]);
}

/* Key and text, without a mark, of what was found to be sound. */
static enum err make(struct arena *a, struct str prefix, struct str suffix, struct flaw *f, struct id *ret)
{
	size_t n = prefix.n + 1 + suffix.n;
	char *key = arena_bytes(a, 2 + n + n);
	if (!key) return id__no_memory(f);
	char *out = key + 2 + n;
	key[0] = ID_HANDLE;
	fold(key + 1, prefix);
	key[1 + prefix.n] = '.';
	key[2 + prefix.n] = '/';
	if (str_starts(prefix, STR("0.")) || is_doi(prefix))
		fold(key + 3 + prefix.n, suffix);
	else
		memcpy(key + 3 + prefix.n, suffix.p, suffix.n);
	memcpy(out, key + 1, prefix.n);
	memcpy(out + prefix.n, key + 2 + prefix.n, 1 + suffix.n);
	ret->text = str_n(out, n);
	return id__key_fit(a, str_n(key, 2 + n), ret) ? id__no_memory(f) : ERR_OK;
}

/* text[from, end) is a handle. */
static enum err read(struct arena *a, struct str text, size_t from, struct flaw *f, struct id *ret)
{
	size_t slash = from + str_find(str_skip(text, from), '/');
	enum err e = id__length_check(text, from, f);
	if (e) return e;
	if (slash == text.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "", "no-slash",
				"a Handle has a slash between prefix and suffix");
	e = labels_check(text, from, slash, f);
	if (e) return e;
	if (slash + 1 == text.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "suffix", "no-suffix", "the suffix is empty");
	e = prefix_text_check(a, text, from, slash, f);
	if (e) return e;
	return make(a, str_n(text.p + from, slash - from), str_skip(text, slash + 1), f, ret);
}

static bool ambiguous(struct str bare)
{
	return marked(bare) || id_detect(bare) != ID_HANDLE;
}

/* The mark in front of what would be read as something else without it. */
static enum err keep_mark(struct arena *a, struct flaw *f, struct id *ret)
{
	if (ambiguous(ret->text)) ret->text = id__joined(a, marks[0].text, ret->text);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

/* The handle in a text, decoded, without what stands before it; where it begins in *ret_from. */
static enum err bare_handle(struct arena *a, struct str text, struct flaw *f, size_t *ret_from,
			    struct str *ret)
{
	const struct mark *m = mark_of(text);
	size_t from = m ? m->text.n : 0;
	*ret_from = from;
	*ret = str_skip(text, from);
	if (!m || !m->uri) return ERR_OK;
	struct str s = m->proxy ? str_first(text, str_find(text, '#')) : text;
	if (m->proxy) s = str_first(s, str_find(s, '?'));
	return id__percent_decode(a, s, from, f, ret);
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	const struct mark *m = mark_of(text);
	size_t from;
	struct str bare;
	if (!m) {
		/* detected as it is; in capitals it may look like another's */
		enum err e = read(a, text, 0, f, ret);
		return e || str_eq(ret->text, text) ? e : keep_mark(a, f, ret);
	}
	enum err e = bare_handle(a, text, f, &from, &bare);
	if (e) return e;
	if (m->doi && !is_doi(str_first(bare, str_find(bare, '/'))))
		return flaw_set(f, ERR_BAD_ID, from, "prefix", "doi-prefix",
				"a DOI has the prefix 10, or one that begins with 10 and a dot");
	if (!m->uri) {
		e = read(a, text, from, f, ret);
		return e ? e : keep_mark(a, f, ret);
	}
	e = read(a, bare, 0, f, ret);
	if (!e) return keep_mark(a, f, ret);
	if (f && f->offset != FLAW_NO_OFFSET) f->offset = id__percent_at(text, from, f->offset);
	return e;
}

/* Prefix key octets → text. */
static struct str prefix_print(struct arena *a, struct str key)
{
	struct str body = str_skip(key, 1);
	if (!body.n) return arena_dup(a, STR("hdl:"));
	bool direct = str_ends(body, STR("./"));
	struct str label = str_first(body, body.n - 1 - direct);
	char *p = arena_bytes(a, 4 + label.n + 1);
	if (!p) return STR_NONE;
	memcpy(p, "hdl:", 4);
	memcpy(p + 4, label.p, label.n);
	p[4 + label.n] = '/';
	struct str bare = str_n(p + 4, label.n + direct);
	bool ambiguous = marked(bare) || id__detect_prefix(bare) != ID_HANDLE;
	return ambiguous ? str_n(p, 4 + bare.n) : bare;
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	size_t from = marked(text);
	size_t end = from + str_find(str_skip(text, from), '/');
	if (end + 1 < text.n)
		return flaw_set(f, ERR_BAD_ID, end + 1, "suffix", "prefix-only",
				"a Handle prefix ends before or with its slash");
	const struct mark *m = mark_of(text);
	bool all = from == text.n && m && !m->doi && !m->proxy;
	char *key = arena_bytes(a, 3 + (end - from));
	if (!key) return id__no_memory(f);
	key[0] = ID_HANDLE;
	ret->key = str_n(key, 1);
	if (!all) {
		enum err e = labels_check(text, from, end, f);
		if (!e) e = prefix_text_check(a, text, from, end, f);
		if (e) return e;
		fold(key + 1, str_n(text.p + from, end - from));
		key[1 + end - from] = '.';
		key[2 + end - from] = '/';
		ret->key.n = 2 + (end - from) + (end < text.n);
	}
	ret->text = prefix_print(a, ret->key);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

static struct str print(struct arena *a, struct str key)
{
	struct str body = str_skip(key, 1);
	size_t slash = str_find(body, '/');
	if (slash == body.n || slash + 1 == body.n) {
		if (body.n && slash == body.n && body.p[body.n - 1] != '.') return STR_NONE;
		if (slash < body.n && !str_ends(body, STR("./"))) return STR_NONE;
		return prefix_print(a, key);
	}
	if (!slash || body.p[slash - 1] != '.') return STR_NONE;
	struct str suffix = str_skip(body, slash);
	char *p = arena_bytes(a, 4 + slash - 1 + suffix.n);
	if (!p) return STR_NONE;
	memcpy(p, "hdl:", 4);
	memcpy(p + 4, body.p, slash - 1);
	memcpy(p + 4 + slash - 1, suffix.p, suffix.n);
	struct str bare = str_n(p + 4, slash - 1 + suffix.n);
	return ambiguous(bare) ? str_n(p, 4 + bare.n) : bare;
}

static size_t boundaries(struct str key, size_t *ret)
{
	size_t n = 0;
	for (size_t i = 1; i < key.n && n <= LABELS_MAX; i++) {
		if (key.p[i] == '.') ret[n++] = i + 1;
		if (key.p[i] != '/') continue;
		ret[n++] = i + 1;
		break;
	}
	return n;
}

static bool label_is(struct str prefix, const char *first)
{
	return str_is(str_first(prefix, str_find(prefix, '.')), first);
}

/* First n labels of the prefix; none when it has fewer. */
static struct str labels(struct str prefix, size_t n)
{
	for (size_t i = 0; i < prefix.n; i++)
		if (prefix.p[i] == '.' && !--n) return str_first(prefix, i);
	return n == 1 ? prefix : STR_NONE;
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	struct str bare = str_skip(id->text, str_starts(id->text, STR("hdl:")) ? 4 : 0), written;
	size_t slash = str_find(bare, '/'), from;
	struct str prefix = str_first(bare, slash);
	id__part_text(ret, "prefix", prefix);
	id__part_text(ret, "suffix", str_skip(bare, slash + 1));
	id__part_text(ret, "zero_na", id__joined(a, STR("0.NA/"), prefix));
	if (label_is(prefix, "86") ||
	    label_is(prefix, "88")) { /* VAA: country, industry or region, enterprise */
		id__part_text(ret, "country", labels(prefix, 1));
		id__part_text(ret, "secondary", labels(prefix, 2));
		id__part_text(ret, "enterprise", labels(prefix, 3));
	}
	if (!is_doi(prefix)) return;
	if (!bare_handle(a, text, NULL, &from, &written) && str_eq_nocase(written, bare))
		id__part_text(ret, "handle", written);
	id__part_text(ret, "case_insensitive_key", bare);
}

const struct id_scheme_ops id__ops_handle = {
    .scheme = ID_HANDLE,
    .name = "handle",
    .mark = {"hdl:", 4},
    .detect = detect,
    .detect_prefix = detect_prefix,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
