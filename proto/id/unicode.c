#include "proto/id/unicode.h"

#include <stdio.h>
#include <utf8proc.h>

#include "proto/id/scheme.h"

#define NFC ((utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE))

/* Eight octets at a time while there are as many: is one below 0x20, 0x7f or above? */
bool id__plain(struct str s)
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

size_t id__ascii_end(struct str s)
{
	size_t i = 0;
	while (i < s.n && s.p[i] > 0x20 && s.p[i] < 0x7f) i++;
	return i;
}

/* The character at s, which is well-formed and not empty; its octets. */
static size_t next(struct str s, utf8proc_int32_t *ret)
{
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, ret);
	must(n > 0);
	return (size_t)n;
}

static bool unsafe(utf8proc_int32_t c)
{
	const utf8proc_property_t *p = utf8proc_get_property(c);
	bool noncharacter = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
	return noncharacter || p->ignorable || p->category == UTF8PROC_CATEGORY_CC ||
	       p->category == UTF8PROC_CATEGORY_CF || p->category == UTF8PROC_CATEGORY_ZL ||
	       p->category == UTF8PROC_CATEGORY_ZP;
}

/* Where the text leaves normalization form C; s.n when it does not. */
static enum err nfc_end(struct arena *a, struct str s, size_t *ret)
{
	struct arena_mark mark = arena_mark(a);
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s.p;
	utf8proc_int32_t c, *to = NULL;
	utf8proc_ssize_t n = utf8proc_decompose(p, (utf8proc_ssize_t)s.n, NULL, 0, NFC);
	must(n >= 0);
	to = ARENA_ARRAY(a, utf8proc_int32_t, (size_t)n + 1);
	if (!to) return ERR_NO_MEMORY;
	n = utf8proc_decompose(p, (utf8proc_ssize_t)s.n, to, n, NFC);
	n = utf8proc_normalize_utf32(to, n, NFC);
	must(n >= 0);
	size_t at = 0;
	for (utf8proc_ssize_t i = 0; at < s.n && i < n; i++) {
		size_t octets = next(str_skip(s, at), &c);
		if (c != to[i]) break;
		at += octets;
	}
	*ret = at;
	arena_rollback(a, mark);
	return ERR_OK;
}

enum err id__text_check(struct arena *a, struct str text, size_t from, struct flaw *f)
{
	size_t at = 0;
	struct str s = str_skip(text, from);
	utf8proc_int32_t c;
	if (id__plain(s)) return ERR_OK;
	if (!str_utf8_ok(s, &at))
		return flaw_set(f, ERR_BAD_ID, from + at, "", "utf-8",
				"the octet is not well-formed UTF-8");
	for (size_t i = 0, n; i < s.n; i += n) {
		n = next(str_skip(s, i), &c);
		if (unsafe(c))
			return flaw_set(f, ERR_BAD_ID, from + i, "",
					n == 1 ? "control" : "unsafe-character",
					"control, direction and invisible characters are not allowed");
	}
	if (nfc_end(a, s, &at)) return id__no_memory(f);
	if (at < s.n)
		return flaw_set(f, ERR_BAD_ID, from + at, "", "not-nfc",
				"the text is not in Unicode normalization form C from here on");
	return ERR_OK;
}

size_t id__mixed_at(struct str s)
{
	static const struct {
		utf8proc_int32_t first, last;
	} alike[] = {
	    {0x0370, 0x03ff}, {0x1f00, 0x1fff},   /* Greek */
	    {0x0400, 0x052f}, {0x1c80, 0x1c8f},   /* Cyrillic */
	    {0x2de0, 0x2dff}, {0xa640, 0xa69f},   /* more of it */
	    {0x0530, 0x058f}, {0x13a0, 0x13ff},   /* Armenian, Cherokee */
	    {0xab30, 0xabbf}, {0xff00, 0xffef},   /* Latin and Cherokee letters apart, fullwidth */
	    {0x2100, 0x214f}, {0x1d400, 0x1d7ff}, /* letterlike, mathematical */
	};
	bool ascii = false;
	for (size_t i = 0; i < s.n && !ascii; i++)
		ascii = (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z');
	utf8proc_int32_t c;
	for (size_t i = 0, n; ascii && i < s.n; i += n) {
		n = next(str_skip(s, i), &c);
		for (size_t k = 0; k < sizeof alike / sizeof *alike; k++)
			if (c >= alike[k].first && c <= alike[k].last) return i;
	}
	return s.n;
}

size_t id_columns(struct str text)
{
	size_t columns = 0;
	utf8proc_int32_t c;
	for (size_t i = 0; i < text.n;) {
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.p + i,
						      (utf8proc_ssize_t)(text.n - i), &c);
		columns += n > 0 ? (size_t)utf8proc_charwidth(c) : 1;
		i += n > 0 ? (size_t)n : 1;
	}
	return columns;
}

size_t id_character(struct str text)
{
	for (size_t n = 1; n <= 4 && n <= text.n; n++)
		if (str_utf8_ok(str_first(text, n), NULL)) return n;
	return text.n ? 1 : 0;
}

struct str id_shown(struct str c, char room[ID_SHOWN_MAX])
{
	bool octet = c.n == 1 && (unsigned char)c.p[0] >= 0x80;
	bool control = c.n == 1 && ((unsigned char)c.p[0] < 0x20 || c.p[0] == 0x7f);
	if (!octet && !control && id_columns(c) > 0) return c;
	must(4 * c.n < ID_SHOWN_MAX);
	for (size_t i = 0; i < c.n; i++) snprintf(room + 4 * i, 5, "\\x%02x", (unsigned char)c.p[i]);
	return str_n(room, 4 * c.n);
}
