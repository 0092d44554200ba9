#include "proto/id/percent.h"

#include "proto/id/unicode.h"

bool id__unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

bool id__uri_char(unsigned char c)
{
	return id__unreserved(c) || (c && strchr(":/?#[]@!$&'()*+,;=%", c));
}

/* The octet that text[at, at + 3) stands for. */
static enum err octet(struct str text, size_t at, struct flaw *f, unsigned char *ret)
{
	if (at + 2 < text.n && !hex_parse(str_n(text.p + at + 1, 2), ret, 1)) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, at, "", "percent-encoding",
			"a percent sign is followed by two hexadecimal digits");
}

enum err id__percent_decode(struct arena *a, struct str text, size_t from, struct flaw *f, struct str *ret)
{
	char *to = arena_bytes(a, text.n - from + 1);
	size_t n = 0;
	if (!to) return id__no_memory(f);
	for (size_t i = from; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '%') {
			enum err e = octet(text, i, f, &c);
			if (e) return e;
			i += 2;
		}
		to[n++] = (char)c;
	}
	*ret = str_n(to, n);
	return ERR_OK;
}

size_t id__percent_at(struct str text, size_t from, size_t index)
{
	size_t at = from;
	while (index-- && at < text.n) at += text.p[at] == '%' ? 3 : 1;
	return at < text.n ? at : text.n;
}

enum err id__percent_normal(struct str text, size_t from, bool unreserved, char *to, struct flaw *f,
			    size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = from; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c != '%') {
			to[n++] = (char)c;
			continue;
		}
		enum err e = octet(text, i, f, &c);
		if (e) return e;
		i += 2;
		if (unreserved && id__unreserved(c)) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '%';
		to[n++] = "0123456789ABCDEF"[c >> 4];
		to[n++] = "0123456789ABCDEF"[c & 15];
	}
	*ret_n = n;
	return ERR_OK;
}

enum err id__percent_check(struct arena *a, struct str text, size_t from, struct flaw *f)
{
	struct str decoded, rest;
	if (str_find(str_skip(text, from), '%') == text.n - from) return ERR_OK;
	struct arena_mark mark = arena_mark(a);
	enum err e = id__percent_decode(a, text, from, f, &decoded);
	if (e) return e;
	for (rest = decoded; !e && rest.n;) {
		size_t bad = rest.n, at = decoded.n - rest.n;
		if (str_utf8_ok(rest, &bad)) bad = rest.n;
		e = id__text_check(a, str_first(rest, bad), 0, f);
		if (e == ERR_BAD_ID && f) f->offset = id__percent_at(text, from, at + f->offset);
		rest = str_skip(rest, bad + 1);
	}
	arena_rollback(a, mark);
	return e;
}
