#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name, *en, *zh;
	int http, dns, handle;
} table[ERR_COUNT] = {
#define X(n, h, r, c, e, z) [ERR_##n] = {.name = #n, .en = e, .zh = z, .http = h, .dns = r, .handle = c},
    ERR_TABLE(X)
#undef X
};

static enum err known(enum err e)
{
	return (unsigned)e < ERR_COUNT ? e : ERR_INTERNAL;
}

const char *err_name(enum err e)
{
	return table[known(e)].name;
}

const char *err_text(enum err e)
{
	return table[known(e)].en;
}

const char *err_text_zh(enum err e)
{
	return table[known(e)].zh;
}

int err_http(enum err e)
{
	return table[known(e)].http;
}

int err_dns(enum err e)
{
	return table[known(e)].dns;
}

int err_handle(enum err e)
{
	return table[known(e)].handle;
}

enum err err_errno(int errnum)
{
	switch (errnum) {
	case 0: return ERR_OK;
	case ENOSPC:
	case EDQUOT: return ERR_NO_SPACE;
	case ENOMEM: return ERR_NO_MEMORY;
	case ENOENT: return ERR_NOT_FOUND;
	case EEXIST: return ERR_EXISTS;
	default: return ERR_IO;
	}
}

/* A text that was cut ends with a whole character. */
static void trim_half(char *text, size_t n)
{
	size_t at = n;
	while (at && ((unsigned char)text[at - 1] & 0xc0) == 0x80) at--;
	unsigned char c = at ? (unsigned char)text[at - 1] : 0;
	size_t whole = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (at && n - (at - 1) < whole) text[at - 1] = 0;
}

enum err flaw_set(struct flaw *f, enum err e, size_t offset, const char *at, const char *rule,
		  const char *fmt, ...)
{
	if (!f) return e;
	f->err = e;
	f->offset = offset;
	if (snprintf(f->at, sizeof f->at, "%s", at ? at : "") >= (int)sizeof f->at)
		trim_half(f->at, sizeof f->at - 1);
	snprintf(f->rule, sizeof f->rule, "%s", rule ? rule : "");
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof f->text) trim_half(f->text, sizeof f->text - 1);
	return e;
}

void must_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "kanhe: invariant broken at %s:%d: %s\n", file, line, cond);
	abort();
}
