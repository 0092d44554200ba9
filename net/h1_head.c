#include "net/h1_head.h"

#ifdef KANHE_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

/* RFC 9110 5.6.2: what a token is made of. */
static bool is_token(unsigned char c)
{
	static const bool other[256] = {
	    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
	    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1};
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || other[c];
}

size_t h1_head_find(struct str in)
{
	const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
	/* Lines that end in LF alone never end the section: h1_head_parse must see them. */
	const char *bare = memmem(in.p, in.n, "\n\n", 2);
	if (bare && (!end || bare < end)) return (size_t)(bare - in.p) + 2;
	return end ? (size_t)(end - in.p) + 4 : 0;
}

size_t h1_head_blank(struct str in)
{
	size_t at = 0;
	while (at + 1 < in.n && in.p[at] == '\r' && in.p[at + 1] == '\n') at += 2;
	return at;
}

/* Takes one line with its CRLF off *rest. */
static enum err take_line(struct str head, struct str *rest, struct flaw *f, struct str *ret)
{
	size_t offset = head.n - rest->n, n = str_find(*rest, '\n');
	if (n == rest->n || n == 0 || rest->p[n - 1] != '\r')
		return flaw_set(f, ERR_BAD_INPUT, offset + n, "header section", "line-ending",
				"lines end in CR LF");
	*ret = str_first(*rest, n - 1);
	*rest = str_skip(*rest, n + 1);
	for (size_t i = 0; i < ret->n; i++) {
		unsigned char c = (unsigned char)ret->p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return flaw_set(f, ERR_BAD_INPUT, offset + i, "header section", "control-character",
					"a control character is not allowed");
	}
	return ERR_OK;
}

static enum err check_version(struct str v, size_t offset, struct flaw *f)
{
	bool form = v.n == 8 && memcmp(v.p, "HTTP/", 5) == 0 && v.p[5] >= '0' && v.p[5] <= '9' &&
		    v.p[6] == '.' && v.p[7] >= '0' && v.p[7] <= '9';
	if (!form)
		return flaw_set(f, ERR_BAD_INPUT, offset, "request line", "version",
				"the request line ends in HTTP/1.1");
	if (v.p[5] != '1' || v.p[7] > '1')
		return flaw_set(f, ERR_UNSUPPORTED, offset, "request line", "version",
				"this port speaks HTTP/1.1 and HTTP/2");
	return ERR_OK;
}

/* method SP request-target SP HTTP-version, single blanks. */
static enum err check_request_line(struct str line, struct flaw *f)
{
	size_t m = str_find(line, ' '), i = 0;
	while (i < m && is_token((unsigned char)line.p[i])) i++;
	if (i < m || m == 0 || m == line.n)
		return flaw_set(f, ERR_BAD_INPUT, i, "request line", "method", "the method is malformed");
	struct str rest = str_skip(line, m + 1);
	size_t t = str_find(rest, ' ');
	for (i = 0; i < t; i++) {
		if ((unsigned char)rest.p[i] > 0x20) continue;
		return flaw_set(f, ERR_BAD_INPUT, m + 1 + i, "request line", "target",
				"the request target is malformed");
	}
	if (t > NET_PATH_MAX)
		return flaw_set(f, ERR_URI_TOO_LONG, m + 1, "request line", "target-length",
				"the request target is longer than %d octets", NET_PATH_MAX);
	if (t == 0 || t == rest.n)
		return flaw_set(f, ERR_BAD_INPUT, m + 1, "request line", "target",
				"method, target and version are separated by one blank each");
	return check_version(str_skip(rest, t + 1), m + t + 2, f);
}

static enum err check_field_line(struct str line, size_t offset, struct flaw *f)
{
	if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		return flaw_set(f, ERR_BAD_INPUT, offset, "header section", "folded-line",
				"folded header lines are not allowed");
	size_t i = 0;
	while (i < line.n && is_token((unsigned char)line.p[i])) i++;
	if (i == 0 || i == line.n || line.p[i] != ':')
		return flaw_set(f, ERR_BAD_INPUT, offset + i, "header section", "field-name",
				"a field name is a token followed by a colon");
	return ERR_OK;
}

static enum err check_head(struct str head, struct flaw *f)
{
	struct str rest = head, line;
	enum err e = take_line(head, &rest, f, &line);
	if (!e) e = check_request_line(line, f);
	while (!e) {
		size_t offset = head.n - rest.n;
		e = take_line(head, &rest, f, &line);
		if (!e && line.n == 0) return rest.n ? ERR_BAD_INPUT : ERR_OK;
		if (!e) e = check_field_line(line, offset, f);
	}
	return e;
}

/* ---- the library ------------------------------------------------------------------------- */

#ifdef KANHE_LLHTTP
typedef llhttp_t parser;
typedef llhttp_settings_t settings;
#else
typedef http_parser parser;
typedef http_parser_settings settings;
#endif

struct split {
	struct h1_head *h;
	struct str name, value;
	bool complete;
};

static void grow(struct str *s, const char *p, size_t n)
{
	/* the section lies in one piece, so the parts of a datum do too */
	if (!s->p) s->p = p;
	s->n = (size_t)(p + n - s->p);
}

static void put_field(struct split *s)
{
	if (!s->name.p) return;
	s->h->field(s->h->arg, s->name, s->value.p ? str_trim(s->value) : STR(""));
	s->name = s->value = STR_NONE;
}

static int on_url(parser *p, const char *at, size_t n)
{
	struct split *s = p->data;
	grow(&s->h->target, at, n);
	return 0;
}

static int on_field(parser *p, const char *at, size_t n)
{
	struct split *s = p->data;
	if (s->value.p) put_field(s);
	grow(&s->name, at, n);
	return 0;
}

static int on_value(parser *p, const char *at, size_t n)
{
	struct split *s = p->data;
	grow(&s->value, at, n);
	return 0;
}

static int on_complete(parser *p)
{
	struct split *s = p->data;
	put_field(s);
	s->complete = true;
	return 1; /* the body is ours to read */
}

static enum net_method method_of(struct str m)
{
	static const char *const names[NET_METHODS] = {
	    [NET_GET] = "GET",     [NET_HEAD] = "HEAD",     [NET_POST] = "POST",      [NET_PUT] = "PUT",
	    [NET_PATCH] = "PATCH", [NET_DELETE] = "DELETE", [NET_OPTIONS] = "OPTIONS"};
	for (int i = 0; i < NET_METHODS; i++)
		if (str_is(m, names[i])) return (enum net_method)i;
	return NET_METHODS;
}

static enum err run_parser(struct str head, struct split *s)
{
	settings st;
	parser p;
#ifdef KANHE_LLHTTP
	llhttp_settings_init(&st);
#else
	http_parser_settings_init(&st);
#endif
	st.on_url = on_url;
	st.on_header_field = on_field;
	st.on_header_value = on_value;
	st.on_headers_complete = on_complete;
#ifdef KANHE_LLHTTP
	llhttp_init(&p, HTTP_REQUEST, &st);
	p.data = s;
	llhttp_errno_t e = llhttp_execute(&p, head.p, head.n);
	if (e != HPE_OK && e != HPE_PAUSED_UPGRADE) return ERR_BAD_INPUT;
#else
	http_parser_init(&p, HTTP_REQUEST);
	p.data = s;
	http_parser_execute(&p, &st, head.p, head.n);
	if (p.http_errno != HPE_OK) return ERR_BAD_INPUT;
#endif
	return s->complete ? ERR_OK : ERR_BAD_INPUT;
}

enum err h1_head_parse(struct str head, struct flaw *f, struct h1_head *h)
{
	enum err e = check_head(head, f);
	if (e) return e;
	h->method_text = str_first(head, str_find(head, ' '));
	h->method = method_of(h->method_text);
	h->minor = head.p[str_find(head, '\r') - 1] - '0';
	h->target = STR_NONE;
	struct split s = {.h = h};
	if (run_parser(head, &s))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "header section", "http",
				"the request is not well-formed HTTP/1.1");
	return ERR_OK;
}
