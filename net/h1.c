#include "net/h1.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/h1_chunk.h"
#include "net/h1_head.h"

enum h1_state {
	H1_HEAD,    /* between requests, or in a header section */
	H1_LENGTH,  /* in a body of known length */
	H1_CHUNKED, /* in a chunked body */
	H1_WAIT,    /* the request is whole; its answer is awaited */
	H1_DEAD     /* nothing more is parsed */
};

enum {
	/* request line and header section, with some blanks */
	H1_HEAD_MAX = NET_PATH_MAX + NET_HEADERS_MAX + 256,
	H1_NAME_MAX = 128, /* of a field's name */
	/* a header section in parts, or one read of pipelined requests, and the next read */
	H1_IN_MAX = H1_HEAD_MAX + 3 * SHARD_READ,
	H1_CHUNK_OUT = 32 * 1024, /* octets of a chunk we write; four digits are enough */
	H1_CHUNK_FRAME = 6 + 2    /* "8000" CR LF … CR LF */
};

struct h1 {
	struct conn *conn;
	struct buf in; /* octets that wait: an incomplete header section, pipelined requests */
	struct request *r;
	enum h1_state state;
	uint64_t left; /* of H1_LENGTH */
	struct h1_chunk chunk;
	bool keep, head_due, chunked_out, continue_due, old; /* old: HTTP/1.0 */
};

enum err h1_open(struct conn *c, struct h1 **ret)
{
	struct h1 *h = calloc(1, sizeof *h);
	if (!h) return ERR_NO_MEMORY;
	h->conn = c;
	h->in = BUF_INIT(H1_IN_MAX);
	*ret = h;
	return ERR_OK;
}

void h1_close(struct h1 *h)
{
	if (!h) return;
	buf_done(&h->in);
	free(h);
}

/* ---- header section ---------------------------------------------------------------------- */

static void on_field(void *arg, struct str name, struct str value)
{
	struct h1 *h = arg;
	char low[H1_NAME_MAX];
	if (name.n > sizeof low) {
		request_refuse(h->r, ERR_HEADERS_TOO_LARGE, "field-name-length");
		return;
	}
	for (size_t i = 0; i < name.n; i++)
		low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
	request_header(h->r, str_n(low, name.n), value);
}

static bool list_has(struct str list, struct str item)
{
	struct str part;
	while (str_split(&list, ',', &part))
		if (str_eq_nocase(str_trim(part), item)) return true;
	return false;
}

static bool keeps_alive(const struct request *r, bool old)
{
	struct str list = net_header(&r->pub, "connection");
	if (list_has(list, STR("close"))) return false;
	return !old || list_has(list, STR("keep-alive"));
}

static size_t count_fields(const struct request *r, const char *name)
{
	size_t n = 0;
	for (unsigned i = 0; i < r->headers_n; i++) n += str_is(r->headers[i].name, name);
	return n;
}

/* RFC 9112 6.1 and 6.3: what delimits the body must be beyond doubt. */
static enum err check_framing(struct h1 *h, struct flaw *f, bool *ret_chunked)
{
	struct request *r = h->r;
	struct str te = net_header(&r->pub, "transfer-encoding");
	*ret_chunked = te.p;
	if (!h->old && !r->host.p)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "host", "host-missing",
				"HTTP/1.1 needs a Host field");
	if (!te.p) return ERR_OK;
	if (h->old || r->has_length)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "transfer-encoding", "two-lengths",
				"Transfer-Encoding is not allowed here");
	if (count_fields(r, "transfer-encoding") > 1 || !str_eq_nocase(te, STR("chunked")))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "transfer-encoding", "transfer-coding",
				"the only transfer coding understood is chunked");
	return ERR_OK;
}

static void reject(struct h1 *h, enum err e, const struct flaw *f)
{
	shard_count(&h->conn->shard->counters.protocol_errors, 1);
	h->keep = false;
	h->state = H1_DEAD;
	if (h->r->answer.begun)
		conn_cut(h->r);
	else
		request_reject(h->r, e, f);
}

/* What the handler or a check has done may have ended the reading. */
static void settle(struct h1 *h)
{
	if (h->r && h->r->answer.begun && !h->r->remote_end) {
		h->keep = false;
		h->state = H1_DEAD;
	}
}

static void begin_request(struct h1 *h, const struct h1_head *head)
{
	struct request *r = h->r;
	struct flaw f = {0};
	bool chunked;
	r->pub.method = head->method;
	r->method_text = arena_dup(r->arena, head->method_text);
	r->pub.path = arena_dup(r->arena, head->target);
	h->old = head->minor == 0;
	h->keep = keeps_alive(r, h->old) && !h->conn->shard->draining;
	if (h->old) r->expects = false;
	enum err e = r->refused ? ERR_OK : check_framing(h, &f, &chunked);
	if (e) {
		reject(h, e, &f);
		return;
	}
	bool body = !r->refused && (chunked || r->length);
	h->left = r->length;
	h1_chunk_init(&h->chunk);
	h->state = !body ? H1_WAIT : chunked ? H1_CHUNKED : H1_LENGTH;
	if (r->refused) h->keep = false;
	request_begin(r, !body);
	/* who is unclear about the authority may be so about the next request */
	if (r->answer.status == 400 && !r->pub.route) h->keep = false;
	settle(h);
}

static void refuse_long(struct h1 *h, struct str in)
{
	bool line = str_find(str_first(in, NET_PATH_MAX + 64), '\n') == NET_PATH_MAX + 64;
	struct flaw f;
	flaw_set(&f, line ? ERR_URI_TOO_LONG : ERR_HEADERS_TOO_LARGE, FLAW_NO_OFFSET,
		 line ? "request line" : "header section", "header-section-size",
		 "the header section may have %d octets at most", NET_HEADERS_MAX);
	reject(h, f.err, &f);
}

/* False: more octets are needed. */
static bool take_head(struct h1 *h, struct str *in)
{
	*in = str_skip(*in, h1_head_blank(*in));
	if (!in->n) return false;
	size_t n = h1_head_find(*in);
	size_t line = str_find(str_first(*in, n ? n : in->n), '\n');
	if (!n && in->n <= H1_HEAD_MAX) return false;
	h->r = request_take(h->conn);
	if (!h->r) {
		conn_doom(h->conn, true);
		h->state = H1_DEAD;
		return false;
	}
	if (!n || n - line > NET_HEADERS_MAX || line > NET_PATH_MAX + 64) {
		refuse_long(h, *in);
		return true;
	}
	struct h1_head head = {.field = on_field, .arg = h};
	struct flaw f = {0};
	enum err e = h1_head_parse(str_first(*in, n), &f, &head);
	*in = str_skip(*in, n);
	if (e)
		reject(h, e, &f);
	else
		begin_request(h, &head);
	return true;
}

/* ---- body -------------------------------------------------------------------------------- */

static void body_end(struct h1 *h)
{
	h->state = H1_WAIT;
	request_end(h->r);
}

static bool take_length(struct h1 *h, struct str *in)
{
	struct str piece = str_first(*in, h->left < in->n ? (size_t)h->left : in->n);
	*in = str_skip(*in, piece.n);
	h->left -= piece.n;
	request_data(h->r, piece);
	settle(h);
	if (h->state == H1_LENGTH && !h->left) body_end(h);
	return true;
}

static bool take_chunked(struct h1 *h, struct str *in)
{
	struct str piece;
	enum err e = h1_chunk_next(&h->chunk, in, &piece);
	if (e) {
		struct flaw f;
		flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "body", "chunk",
			 "the chunked body is malformed");
		reject(h, f.err, &f);
		return false;
	}
	if (piece.n) request_data(h->r, piece);
	settle(h);
	if (h->state == H1_CHUNKED && h->chunk.state == H1_CHUNK_DONE) body_end(h);
	return true;
}

static bool step(struct h1 *h, struct str *in)
{
	switch (h->state) {
	case H1_HEAD: return take_head(h, in);
	case H1_LENGTH: return !h->r->paused && take_length(h, in);
	case H1_CHUNKED: return !h->r->paused && take_chunked(h, in);
	case H1_WAIT: return false;
	case H1_DEAD: *in = STR_NONE; return false;
	}
	return false;
}

/* Octets taken. */
static size_t parse(struct h1 *h, struct str in)
{
	size_t all = in.n;
	while (in.n && step(h, &in)) continue;
	return all - in.n;
}

void h1_go_on(struct h1 *h)
{
	if (h->in.n) buf_drop(&h->in, parse(h, buf_str(&h->in)));
}

void h1_input(struct h1 *h, const char *p, size_t n)
{
	if (h->in.n) {
		buf_add(&h->in, str_n(p, n));
		h1_go_on(h);
	} else {
		size_t took = parse(h, str_n(p, n));
		buf_add(&h->in, str_n(p + took, n - took));
	}
	if (buf_err(&h->in)) conn_doom(h->conn, true);
	if (!h->in.n) buf_done(&h->in);
}

bool h1_partial(const struct h1 *h)
{
	return h->state == H1_HEAD && h->in.n;
}

bool h1_wants(const struct h1 *h)
{
	if (h->state == H1_WAIT) return !h->in.n;
	return h->state == H1_DEAD || !h->r || !h->r->paused;
}

bool h1_eof(struct h1 *h)
{
	h->keep = false;
	h->state = H1_DEAD;
	return h->r && h->r->answer.begun;
}

/* ---- answer ------------------------------------------------------------------------------ */

void h1_answer(struct request *r)
{
	struct h1 *h = r->conn->h1;
	bool unknown = r->answer.source && r->answer.length == UINT64_MAX;
	h->head_due = true;
	h->continue_due = false;
	h->chunked_out = unknown && !h->old && !request_bodiless(r);
	/* HTTP/1.0 ends a body of unknown length by closing */
	if (unknown && h->old) h->keep = false;
	if (!r->remote_end || h->conn->shard->draining) h->keep = false;
}

void h1_cut(struct request *r)
{
	struct h1 *h = r->conn->h1;
	r->answer.cut = true;
	/* a body that ends by closing looks whole after a FIN */
	conn_doom(h->conn, h->old);
}

void h1_continue(struct request *r)
{
	r->conn->h1->continue_due = true;
}

static void put(struct out *o, struct str s)
{
	must(s.n <= o->room - o->n);
	if (s.n) memcpy(o->p + o->n, s.p, s.n);
	o->n += s.n;
}

static void put_field(struct out *o, struct str name, struct str value)
{
	put(o, name);
	put(o, STR(": "));
	put(o, value);
	put(o, STR("\r\n"));
}

static void put_head(struct h1 *h, struct out *o)
{
	struct request *r = h->r;
	struct answer *a = &r->answer;
	put(o, STR("HTTP/1.1 "));
	put(o, str_n(a->status_text, 3));
	put(o, STR(" "));
	put(o, str_of(reply_phrase(a->status)));
	put(o, STR("\r\n"));
	put_field(o, STR("Date"), shard_date(h->conn->shard));
	if (a->content_type) put_field(o, STR("Content-Type"), str_of(a->content_type));
	if (a->length_n) put_field(o, STR("Content-Length"), str_n(a->length_text, a->length_n));
	if (h->chunked_out) put_field(o, STR("Transfer-Encoding"), STR("chunked"));
	if (!h->keep)
		put_field(o, STR("Connection"), STR("close"));
	else if (h->old)
		put_field(o, STR("Connection"), STR("keep-alive"));
	for (size_t i = 0; i < a->fields_n; i++) put_field(o, r->fields[i].name, r->fields[i].value);
	put_field(o, STR("X-Request-Id"), r->pub.id);
	put(o, STR("\r\n"));
	h->head_due = false;
	if (request_bodiless(r) || (!a->source && !a->body.n)) a->ended = true;
}

/* False: nothing more now. */
static bool put_plain(struct h1 *h, struct out *o)
{
	size_t n = 0;
	bool end = false;
	enum err e = request_pull(h->r, o->p + o->n, o->room - o->n, &n, &end);
	if (e && e != ERR_BUSY) h1_cut(h->r);
	o->n += n;
	return !e;
}

static bool put_chunk(struct h1 *h, struct out *o)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0, room = o->room - o->n - H1_CHUNK_FRAME - 5;
	bool end = false;
	char *p = o->p + o->n;
	enum err e = request_pull(h->r, p + 6, room < H1_CHUNK_OUT ? room : H1_CHUNK_OUT, &n, &end);
	if (e && e != ERR_BUSY) h1_cut(h->r);
	if (e) return false;
	if (n) {
		for (int i = 0; i < 4; i++) p[i] = digits[n >> (12 - 4 * i) & 15];
		memcpy(p + 4, "\r\n", 2);
		memcpy(p + 6 + n, "\r\n", 2);
		o->n += n + H1_CHUNK_FRAME;
	}
	if (end) put(o, STR("0\r\n\r\n"));
	return true;
}

static void answered(struct h1 *h)
{
	struct request *r = h->r;
	h->r = NULL;
	request_give(r);
	if (h->keep) {
		h->state = H1_HEAD;
		h1_go_on(h);
		return;
	}
	h->state = H1_DEAD;
	conn_finish(h->conn);
}

void h1_fill(struct h1 *h, struct out *o)
{
	while (o->n < SHARD_OUT_FULL && !h->conn->doomed) {
		if (h->continue_due) put(o, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		h->continue_due = false;
		struct request *r = h->r;
		if (!r || !r->answer.begun || r->answer.cut) return;
		if (h->head_due) put_head(h, o);
		bool more = r->answer.ended || (h->chunked_out ? put_chunk(h, o) : put_plain(h, o));
		if (r->answer.ended)
			answered(h);
		else if (!more)
			return;
	}
}
