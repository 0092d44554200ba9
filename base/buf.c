#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->max);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->err = ERR_OK;
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->err) return NULL;
	if (n > b->max - b->n) {
		b->err = ERR_TOO_LARGE;
		return NULL;
	}
	if (b->n + n > b->room) {
		size_t room = b->room ? b->room * 2 : FIRST_ROOM;
		if (room < b->n + n) room = b->n + n;
		if (room > b->max) room = b->max;
		char *p = realloc(b->p, room + 1); /* one more for the NUL of buf_printf */
		if (!p) {
			b->err = ERR_NO_MEMORY;
			return NULL;
		}
		b->p = p;
		b->room = room;
	}
	return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
	must(n <= b->room - b->n);
	b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
	if (!s.n) return;
	char *to = buf_room(b, s.n);
	if (!to) return;
	memcpy(to, s.p, s.n);
	b->n += s.n;
}

void buf_byte(struct buf *b, char c)
{
	buf_add(b, str_n(&c, 1));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	must(n >= 0);
	char *to = buf_room(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char d[20];
	size_t i = sizeof d;
	do d[--i] = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, str_n(d + i, sizeof d - i));
}

static void json_escape(struct buf *b, unsigned char c)
{
	static const char short_form[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
					  ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
	if (c < sizeof short_form && short_form[c]) {
		buf_add(b, str_n((char[]){'\\', short_form[c]}, 2));
	} else {
		char u[6] = {'\\', 'u', '0', '0'};
		hex_write(&c, 1, u + 4);
		buf_add(b, str_n(u, 6));
	}
}

static void json_run(struct buf *b, struct str s)
{
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\') continue;
		buf_add(b, str_n(s.p + from, i - from));
		json_escape(b, c);
		from = i + 1;
	}
	buf_add(b, str_skip(s, from));
}

void buf_json(struct buf *b, struct str s)
{
	size_t bad;
	buf_byte(b, '"');
	while (!str_utf8_ok(s, &bad)) {
		json_run(b, str_first(s, bad));
		buf_add(b, STR("\xef\xbf\xbd"));
		s = str_skip(s, bad + 1);
	}
	json_run(b, s);
	buf_byte(b, '"');
}

void buf_html(struct buf *b, struct str s)
{
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *e = s.p[i] == '&'    ? "&amp;"
				: s.p[i] == '<'  ? "&lt;"
				: s.p[i] == '>'  ? "&gt;"
				: s.p[i] == '"'  ? "&quot;"
				: s.p[i] == '\'' ? "&#39;"
						 : NULL;
		if (!e) continue;
		buf_add(b, str_n(s.p + from, i - from));
		buf_add(b, str_of(e));
		from = i + 1;
	}
	buf_add(b, str_n(s.p + from, s.n - from));
}

void buf_drop(struct buf *b, size_t n)
{
	must(n <= b->n);
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

char *buf_take(struct buf *b, size_t *ret_n)
{
	char *p = b->p;
	*ret_n = b->n;
	*b = BUF_INIT(b->max);
	return p;
}
