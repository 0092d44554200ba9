/* The page of an identifier, for a person with a browser: a table, no script. */
#include "base/retell.h"
#include "resolver/face_resolve.h"

enum { PAGE_MAX = 8 << 20, SHOWN_MAX = 4096 /* octets of one value; more is cut */ };

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && !strchr("\t\r\n", s.p[i])) return false;
	return str_utf8_ok(s, NULL);
}

static void put_data(struct buf *b, enum say_language l, struct str data)
{
	bool link = str_starts(data, STR("https://")) || str_starts(data, STR("http://"));
	if (!printable(data)) {
		buf_printf(b, say_in(l, SAY_PAGE_BINARY), (int)data.n);
		return;
	}
	if (link) {
		buf_add(b, STR("<a rel=\"noopener noreferrer nofollow\" href=\""));
		buf_html(b, data);
		buf_add(b, STR("\">"));
	}
	struct str shown = str_first(data, SHOWN_MAX);
	/* not within a character */
	while (shown.n < data.n && shown.n && ((unsigned char)data.p[shown.n] & 0xc0) == 0x80) shown.n--;
	buf_html(b, shown);
	if (shown.n < data.n) buf_add(b, STR("…"));
	if (link) buf_add(b, STR("</a>"));
}

/* The text of an identifier that may be none; `at`: the octet that is marked, s.n: behind it. */
static void put_refused(struct buf *b, struct str s, size_t at)
{
	char room[ID_SHOWN_MAX];
	for (size_t i = 0, n; i < s.n && i < SHOWN_MAX; i += n) {
		n = id_character(str_skip(s, i));
		bool here = at >= i && at < i + n;
		if (here) buf_add(b, STR("<mark>"));
		buf_html(b, id_shown(str_first(str_skip(s, i), n), room));
		if (here) buf_add(b, STR("</mark>"));
	}
	if (s.n > SHOWN_MAX) buf_add(b, STR("…"));
	if (at == s.n) buf_add(b, STR("<mark>&nbsp;</mark>"));
}

/* Up to the heading. */
static void put_title(struct buf *b, enum say_language l, struct str text)
{
	buf_printf(b,
		   "<!doctype html><html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
		   "content=\"width=device-width\"><title>",
		   l == SAY_ZH ? "zh" : "en");
	put_refused(b, text, FLAW_NO_OFFSET);
	buf_add(b, STR(" · Kanhe</title><link rel=\"stylesheet\" href=\"/style.css\"><main><h1>"));
}

static void put_scheme(struct buf *b, enum say_language l, enum id_scheme scheme)
{
	buf_printf(b, "<p>%s%s%s</p>", say_in(l, SAY_ID_SCHEME), say_in(l, SAY_ID_COLON),
		   id_scheme_name(scheme));
}

static void put_head(struct buf *b, enum say_language l, const struct id *id, const struct outcome *o)
{
	put_title(b, l, id->text);
	buf_html(b, id->text);
	const char *state = chain_state_name(o->state);
	buf_printf(b, "</h1><p class=\"%s\">", state);
	buf_add(b, str_of(say_in(l, o->state == CHAIN_SECURE          ? SAY_PAGE_SECURE
				    : o->state == CHAIN_AUTHORITATIVE ? SAY_PAGE_AUTHORITATIVE
				    : o->state == CHAIN_BOGUS         ? SAY_PAGE_BOGUS
								      : SAY_PAGE_NONE)));
	buf_add(b, STR("</p>"));
	put_scheme(b, l, id->scheme);
}

static enum err put_values(struct buf *b, enum say_language l, const struct outcome *o)
{
	struct str rest = o->record;
	struct value v;
	struct record_head head;
	char time[CLOCK_TEXT];
	enum err e = record_peek(o->record, &head);
	if (e) return e;
	buf_printf(b, "<table><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr>",
		   say_in(l, SAY_PAGE_INDEX), say_in(l, SAY_PAGE_TYPE), say_in(l, SAY_PAGE_DATA),
		   say_in(l, SAY_PAGE_TTL));
	while (!(e = record_next_value(&rest, &v))) {
		if (!(v.permissions & VALUE_PUBLIC_READ)) continue;
		buf_printf(b, "<tr><td>%u</td><td>", v.index);
		buf_html(b, v.type);
		buf_add(b, STR("</td><td>"));
		put_data(b, l, v.data);
		if (v.ttl_absolute)
			buf_add(b, STR("</td><td></td></tr>"));
		else
			buf_printf(b, "</td><td>%u</td></tr>", v.ttl);
	}
	buf_add(b, STR("</table><p>"));
	buf_printf(b, say_in(l, SAY_PAGE_REVISION), (unsigned long long)head.revision,
		   clock_print(head.modified, false, time));
	buf_add(b, STR("</p>"));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Why it was retired, when somebody said so. */
static void put_tombstone(struct buf *b, enum say_language l, struct str rest)
{
	struct value v;
	while (!record_next_value(&rest, &v)) {
		if (!(v.permissions & VALUE_PUBLIC_READ)) continue;
		buf_add(b, STR("<p>"));
		put_data(b, l, v.data);
		buf_add(b, STR("</p>"));
	}
}

static void put_why(struct buf *b, struct arena *a, enum say_language l, const struct flaw *f)
{
	if (!f->text[0]) return;
	buf_add(b, STR("<p>"));
	buf_html(b, retell_flaw(l, a, f));
	buf_add(b, STR("</p>"));
}

static void put_refusal(struct buf *b, struct arena *a, enum say_language l, const struct outcome *o)
{
	buf_add(b, STR("<p>"));
	buf_html(b, str_of(l == SAY_ZH ? err_text_zh(o->err) : err_text(o->err)));
	buf_add(b, STR("</p>"));
	if (o->err == ERR_GONE)
		put_tombstone(b, l, o->record);
	else
		put_why(b, a, l, &o->flaw);
	if (!o->prefix.n) return;
	buf_add(b, STR("<p>"));
	buf_add(b, str_of(say_in(l, SAY_PAGE_REFERRAL)));
	buf_byte(b, ' ');
	put_data(b, l, o->url);
	buf_add(b, STR("</p>"));
}

static void page_end(struct net_req *r, enum say_language l, struct buf *b, enum err e, int status)
{
	buf_add(b, STR("</main></html>\n"));
	if (!e) e = buf_err(b);
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	net_set(r, "content-security-policy",
		STR("default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"));
	net_set(r, "x-content-type-options", STR("nosniff"));
	net_set(r, "referrer-policy", STR("no-referrer"));
	net_set(r, "content-language", l == SAY_ZH ? STR("zh") : STR("en"));
	net_reply(r, status, "text/html; charset=utf-8", buf_str(b));
}

void page_refuse(struct net_req *r, struct str text, enum id_scheme scheme, const struct flaw *f)
{
	enum say_language l = say_accepted(net_header(r, "accept-language"));
	struct buf *b = face_buf(r, PAGE_MAX);
	if (!b) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	put_title(b, l, text);
	put_refused(b, text, f->offset);
	buf_printf(b, "</h1><p>%s</p>", l == SAY_ZH ? err_text_zh(f->err) : err_text(f->err));
	if (scheme) put_scheme(b, l, scheme);
	put_why(b, r->arena, l, f);
	net_set(r, "cache-control", STR("no-store"));
	net_set(r, "vary", STR("accept, accept-language"));
	page_end(r, l, b, ERR_OK, err_http(f->err));
}

void page_reply(struct net_req *r, const struct id *id, const struct outcome *o)
{
	enum say_language l = say_accepted(net_header(r, "accept-language"));
	struct buf *b = face_buf(r, PAGE_MAX);
	enum err e = ERR_OK;
	if (!b) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	put_head(b, l, id, o);
	if (o->kind == ANSWER_RECORD)
		e = put_values(b, l, o);
	else
		put_refusal(b, r->arena, l, o);
	page_end(r, l, b, e, err_http(o->err));
}
