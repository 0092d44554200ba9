/* Handles (RFC 3651 3, DO-IRP): prefix "/" suffix.
 *
 * Key octets:
 *   0x01, the prefix folded to upper case (ASCII), ".", "/", the suffix
 * so each label of the prefix ends with a dot and the handles directly under a prefix with "./".
 * The suffix keeps its case, except under prefixes that begin "0.", which are folded whole.
 * A prefix key is 0x01 alone, or ends after any label's dot, or after the slash. */
#include "proto/id/scheme.h"

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

/* Octets before the handle proper: a scheme in front is taken off. */
static size_t marked(struct str text)
{
	/* asked several times for each identifier, and nearly all begin with a digit */
	if (!text.n || text.p[0] < 'A') return 0;
	if (str_starts_nocase(text, STR("hdl:"))) return 4;
	if (str_starts_nocase(text, STR("info:hdl/"))) return 9;
	return 0;
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

/* Control characters (C0, DEL, C1, line separators) and those that turn the direction of writing can
 * make one identifier look like another. Length of the one at p, 0 if it is none. */
static size_t unsafe_len(const unsigned char *p, size_t n)
{
	if (p[0] < 0x20 || p[0] == 0x7f) return 1;
	if (n >= 2 && p[0] == 0xc2 && p[1] < 0xa0) return 2;  /* U+0080..9F */
	if (n >= 2 && p[0] == 0xd8 && p[1] == 0x9c) return 2; /* U+061C */
	if (n < 3 || p[0] != 0xe2) return 0;
	if (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f)) return 3; /* U+200E, 200F */
	if (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) return 3;   /* U+2028..202E */
	if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9) return 3;   /* U+2066..2069 */
	return 0;
}

/* Eight octets at a time while there are as many: is one below 0x20, 0x7f or above? */
static bool plain_ascii(struct str s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	unsigned char bad = 0;
	for (uint64_t w; s.n >= 8; s = str_skip(s, 8)) {
		memcpy(&w, s.p, 8);
		if ((w | (w - ones * 0x20) | (w + ones)) & high) return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bad |= (unsigned char)((unsigned char)(c - 0x20) > 0x5e);
	}
	return !bad;
}

static enum err text_check(struct str text, size_t from, struct flaw *f)
{
	size_t bad;
	struct str s = str_skip(text, from);
	if (plain_ascii(s)) return ERR_OK;
	if (!str_utf8_ok(s, &bad))
		return flaw_set(f, ERR_BAD_ID, from + bad, "", "utf-8",
				"the octet is not well-formed UTF-8");
	for (size_t i = 0; i < s.n; i++) {
		size_t len = unsafe_len((const unsigned char *)s.p + i, s.n - i);
		if (!len) continue;
		return flaw_set(f, ERR_BAD_ID, from + i, "", len == 1 ? "control" : "unsafe-character",
				"control and direction characters are not allowed");
	}
	return ERR_OK;
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

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	size_t from = marked(text), n = text.n - from;
	size_t slash = from + str_find(str_skip(text, from), '/');
	if (n > ID_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, from + ID_TEXT_MAX, "", "too-long",
				"a Handle has at most %d octets", ID_TEXT_MAX);
	if (slash == text.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "", "no-slash",
				"a Handle has a slash between prefix and suffix");
	enum err e = labels_check(text, from, slash, f);
	if (e) return e;
	if (slash + 1 == text.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "suffix", "no-suffix", "the suffix is empty");
	e = text_check(text, from, f);
	if (e) return e;

	struct str prefix = str_n(text.p + from, slash - from), suffix = str_skip(text, slash + 1);
	char *p = arena_bytes(a, 2 + n + 4 + n);
	if (!p) return id__no_memory(f);
	char *key = p, *out = p + 2 + n;
	key[0] = ID_HANDLE;
	fold(key + 1, prefix);
	key[1 + prefix.n] = '.';
	key[2 + prefix.n] = '/';
	if (str_starts(prefix, STR("0.")))
		fold(key + 3 + prefix.n, suffix);
	else
		memcpy(key + 3 + prefix.n, suffix.p, suffix.n);
	memcpy(out, "hdl:", 4);
	memcpy(out + 4, key + 1, prefix.n);
	memcpy(out + 4 + prefix.n, key + 2 + prefix.n, 1 + suffix.n);
	struct str bare = str_n(out + 4, n);
	bool ambiguous = marked(bare) || id_detect(bare) != ID_HANDLE;
	ret->text = ambiguous ? str_n(out, n + 4) : bare;
	return id__key_fit(a, str_n(key, 2 + n), ret) ? id__no_memory(f) : ERR_OK;
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
	bool all = from == text.n;
	char *key = arena_bytes(a, 3 + (end - from));
	if (!key) return id__no_memory(f);
	key[0] = ID_HANDLE;
	ret->key = str_n(key, 1);
	if (!all) {
		enum err e = labels_check(text, from, end, f);
		if (!e) e = text_check(text, from, f);
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
	return marked(bare) || id_detect(bare) != ID_HANDLE ? str_n(p, 4 + bare.n) : bare;
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

const struct id_scheme_ops id__ops_handle = {
    .scheme = ID_HANDLE,
    .name = "handle",
    .detect = detect,
    .detect_prefix = detect_prefix,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
};
