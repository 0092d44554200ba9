#include "net/request.h"

#include <stdio.h>

const char *reply_phrase(int status)
{
	/* RFC 9110 15 */
	switch (status) {
	case 200: return "OK";
	case 201: return "Created";
	case 202: return "Accepted";
	case 204: return "No Content";
	case 206: return "Partial Content";
	case 301: return "Moved Permanently";
	case 302: return "Found";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 307: return "Temporary Redirect";
	case 308: return "Permanent Redirect";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 411: return "Length Required";
	case 412: return "Precondition Failed";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 416: return "Range Not Satisfiable";
	case 421: return "Misdirected Request";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	case 505: return "HTTP Version Not Supported";
	case 507: return "Insufficient Storage";
	default: return "";
	}
}

/* A value cannot end its line: control characters become blanks. */
static bool clean(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f) return false;
	return true;
}

static struct str cleaned(struct arena *a, struct str v)
{
	char *p = arena_bytes(a, v.n);
	if (!p) return STR_NONE;
	for (size_t i = 0; i < v.n; i++)
		p[i] = (unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f ? ' ' : v.p[i];
	return str_n(p, v.n);
}

void net_set(struct net_req *pub, const char *name, struct str value)
{
	struct request *r = request_of(pub);
	struct answer *a = &r->answer;
	must(!a->begun && a->fields_n < REQUEST_ANSWER_MAX);
	value = str_trim(value); /* blanks at the ends are not part of a field value */
	a->fields_octets += (uint32_t)value.n;
	if (a->fields_octets > REQUEST_FIELDS_OCTETS) return; /* begin() answers 500 instead */
	struct str kept = clean(value) ? arena_dup(r->arena, value) : cleaned(r->arena, value);
	if (kept.p) r->fields[a->fields_n++] = (struct header){str_of(name), kept};
}

void net_set_own(struct net_req *pub, struct str name, struct str value)
{
	struct request *r = request_of(pub);
	struct answer *a = &r->answer;
	must(!a->begun && a->fields_n < REQUEST_ANSWER_MAX);
	a->fields_octets += (uint32_t)value.n;
	r->fields[a->fields_n++] = (struct header){name, value};
}

bool request_bodiless(const struct request *r)
{
	int s = r->answer.status;
	return r->pub.method == NET_HEAD || s == 204 || s == 304;
}

static void put_length(struct answer *a, uint64_t n)
{
	char digits[20];
	unsigned i = sizeof digits;
	do digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	a->length_n = (unsigned char)(sizeof digits - i);
	memcpy(a->length_text, digits + i, a->length_n);
}

static void begin(struct request *r, int status, const char *content_type, uint64_t length)
{
	struct answer *a = &r->answer;
	must(!a->begun && status >= 200 && status <= 599);
	if (a->fields_octets > REQUEST_FIELDS_OCTETS) {
		/* an answer with half its fields would say something else */
		a->body = STR_NONE;
		status = 500;
		length = 0;
	}
	a->begun = true;
	a->status = status;
	a->status_text[0] = (char)('0' + status / 100);
	a->status_text[1] = (char)('0' + status / 10 % 10);
	a->status_text[2] = (char)('0' + status % 10);
	a->content_type = content_type;
	a->length = length;
	/* RFC 9110 8.6: none with 204; 304 would have to tell the length of the 200 */
	if (length != UINT64_MAX && status != 204 && status != 304) put_length(a, length);
	r->stall_at = 0;
}

void net_reply(struct net_req *pub, int status, const char *content_type, struct str body)
{
	struct request *r = request_of(pub);
	r->answer.body = body;
	begin(r, status, content_type, body.n);
	conn_answer(r);
}

void net_reply_stream(struct net_req *pub, int status, const char *content_type, uint64_t length,
		      struct net_source *s)
{
	struct request *r = request_of(pub);
	r->answer.source = s;
	begin(r, status, content_type, length);
	conn_answer(r);
}

void net_resume(struct net_req *pub)
{
	struct request *r = request_of(pub);
	if (!r->answer.deferred) return;
	r->answer.deferred = false;
	r->stall_at = 0;
	conn_resume(r);
}

void net_cut(struct net_req *pub)
{
	conn_cut(request_of(pub));
}

static enum err pull_body(struct request *r, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct answer *a = &r->answer;
	size_t n = a->body.n - a->at < room ? a->body.n - a->at : room;
	memcpy(out, a->body.p + a->at, n);
	a->at += n;
	*ret_n = n;
	*ret_end = a->ended = a->at == a->body.n;
	return ERR_OK;
}

static enum err pull_source(struct request *r, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct answer *a = &r->answer;
	size_t n = 0;
	bool end = false;
	shard_turn(r->conn->shard);
	enum err e = a->source->pull(a->source, out, room, &n, &end);
	if (e) return e;
	must(n <= room);
	a->sent += n;
	if (a->sent == a->length) end = true;
	/* more or fewer octets than promised: the client must not take it for whole */
	if (a->length != UINT64_MAX && (a->sent > a->length || (end && a->sent != a->length)))
		return ERR_INTERNAL;
	a->deferred = !n && !end;
	a->ended = end;
	*ret_n = n;
	*ret_end = end;
	return a->deferred ? ERR_BUSY : ERR_OK;
}

enum err request_pull(struct request *r, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	if (r->answer.cut) return ERR_GONE;
	if (r->answer.deferred) return ERR_BUSY;
	enum err e = r->answer.source ? pull_source(r, out, room, ret_n, ret_end)
				      : pull_body(r, out, room, ret_n, ret_end);
	if (!e) r->moved += (uint32_t)*ret_n;
	return e;
}
