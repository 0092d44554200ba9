#include "net/h2.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "net/h2_budget.h"
#include "net/hpack.h"
#include "net/route.h"

enum {
	FIRST_UNKNOWN = 10,   /* frame types of RFC 9113 end at 9 */
	PRIORITY_UPDATE = 16, /* RFC 9218 7.1: browsers send them */
	FRAME_HEADER = 9,
	DATA_LEAST = 1024, /* octets of DATA worth a frame of their own */
	STATUS_200 = 0x88, /* ":status: 200" in the static table (RFC 7541 appendix A) */
	FRAME_MOST = 16384 /* what every peer takes (RFC 9113 4.2) */
};

struct h2 {
	struct conn *conn;
	nghttp2_session *session;
	struct request *current;            /* its header section is coming in */
	struct request *answering;          /* its header section is going out */
	struct request *ready, **ready_end; /* whole, and to be served when all that came has been read */
	struct out *out;                    /* set while h2_fill runs */
	struct h2_budget budget;
	bool calmed;   /* GOAWAY for a flood was submitted */
	bool answered; /* the stream of `answering` closed with its header section */
	bool noticed, final;
	uint32_t invalid; /* frames whose RST_STREAM is still to be sent */
	struct hpack hpack;
};

static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

/* ---- served after reading ---------------------------------------------------------------- */

static void get_ready(struct h2 *h, struct request *r)
{
	r->is_ready = true;
	r->next_ready = NULL;
	*h->ready_end = r;
	h->ready_end = &r->next_ready;
}

static void unready(struct h2 *h, struct request *r)
{
	struct request **at = &h->ready;
	while (*at != r) at = &(*at)->next_ready;
	*at = r->next_ready;
	if (!*at) h->ready_end = at;
	r->is_ready = false;
}

static void serve_ready(struct h2 *h)
{
	struct request *r;
	for (r = h->ready; r; r = r->next_ready) request_look(r);
	while ((r = h->ready)) {
		h->ready = r->next_ready;
		r->is_ready = false;
		request_serve(r);
	}
	h->ready_end = &h->ready;
}

/* ---- floods ------------------------------------------------------------------------------ */

static void calm(struct h2 *h)
{
	if (h->calmed) return;
	h->calmed = true;
	serve_ready(h); /* it came before the last straw; nothing is sent after GOAWAY */
	nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void spend(struct h2 *h, enum h2_budget_kind kind)
{
	if (!h2_budget_spend(&h->budget, kind, shard_now(h->conn->shard))) calm(h);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	struct h2 *h = user;
	(void)session;
	switch (hd->type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION: /* nghttp2 counts these itself */
	case NGHTTP2_GOAWAY: break;
	case NGHTTP2_RST_STREAM: spend(h, H2_BUDGET_RESET_BY_PEER); break;
	case NGHTTP2_DATA:
		if (hd->length == 0) spend(h, H2_BUDGET_EMPTY_DATA);
		break;
	case NGHTTP2_SETTINGS:
		if (!(hd->flags & NGHTTP2_FLAG_ACK)) spend(h, H2_BUDGET_SETTINGS);
		break;
	case NGHTTP2_PING: spend(h, H2_BUDGET_PING); break;
	case NGHTTP2_PRIORITY: spend(h, H2_BUDGET_PRIORITY); break;
	case NGHTTP2_WINDOW_UPDATE: spend(h, H2_BUDGET_WINDOW); break;
	case PRIORITY_UPDATE: spend(h, H2_BUDGET_PRIORITY); break;
	default: spend(h, H2_BUDGET_UNKNOWN); break;
	}
	return 0;
}

/* Frames we do not know are dropped, but must be seen to be counted. */
static int on_unknown(nghttp2_session *session, void **payload, const nghttp2_frame_hd *hd, void *user)
{
	(void)session;
	(void)payload;
	(void)hd;
	(void)user;
	return NGHTTP2_ERR_CANCEL;
}

/* A stream is about to be reset for this: counted now and not when the frame is sent, so that one
 * read cannot bring more of them than the budget. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user)
{
	struct h2 *h = user;
	(void)session;
	(void)frame;
	(void)code;
	h->invalid++;
	spend(h, H2_BUDGET_RESET_BY_US);
	return 0;
}

static int before_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	if (frame->hd.type == NGHTTP2_HEADERS)
		h->answering = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		struct request *r = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
		bool ours = frame->rst_stream.error_code == NGHTTP2_NO_ERROR || (r && r->answer.cut);
		if (ours) return 0;
		if (h->invalid)
			h->invalid--;
		else
			spend(h, H2_BUDGET_RESET_BY_US);
	} else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
		shard_count(&h->conn->shard->counters.protocol_errors, 1);
	}
	return 0;
}

/* ---- in ---------------------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
	struct request *r = request_take(h->conn);
	if (!r) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	r->stream = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, r);
	h->current = r;
	return 0;
}

static enum net_method method_of(struct str m)
{
	if (m.n == 3 && memcmp(m.p, "GET", 3) == 0) return NET_GET;
	for (int i = 0; i < NET_METHODS; i++)
		if (str_is(m, route_method_name((enum net_method)i))) return (enum net_method)i;
	return NET_METHODS;
}

static void pseudo_header(struct request *r, struct str name, struct str value)
{
	/* :path :method :scheme :authority; nghttp2 refuses others, and each twice */
	switch (name.p[1]) {
	case 'm':
		r->pub.method = method_of(value);
		r->method_text = r->pub.method == NET_METHODS ? arena_dup(r->arena, value)
							      : str_of(route_method_name(r->pub.method));
		break;
	case 'p':
		if (value.n > NET_PATH_MAX)
			request_refuse(r, ERR_URI_TOO_LONG, "target-length");
		else
			r->pub.path = arena_dup(r->arena, value);
		break;
	case 's': r->pub.scheme = str_eq(value, STR("https")) ? STR("https") : STR("http"); break;
	default: r->pub.authority = arena_dup(r->arena, value); break;
	}
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2 *h = user;
	struct request *r = h->current;
	(void)session;
	(void)flags;
	if (!r || r->stream != frame->hd.stream_id) return 0; /* a trailer: dropped */
	/* RFC 9113 6.5.2: name, value and 32 octets each count */
	r->header_octets += (uint32_t)(name_n + value_n + 32);
	if (r->header_octets > NET_HEADERS_MAX) {
		request_refuse(r, ERR_HEADERS_TOO_LARGE, "header-section-size");
		return 0;
	}
	struct str n = str_n(name, name_n), v = str_n(value, value_n);
	if (name_n && name[0] == ':')
		pseudo_header(r, n, v);
	else
		request_header(r, n, v);
	return 0;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
	struct h2 *h = user;
	(void)session;
	(void)name;
	(void)name_n;
	(void)value;
	(void)value_n;
	(void)flags;
	if (h->current && h->current->stream == frame->hd.stream_id)
		request_refuse(h->current, ERR_BAD_INPUT, "field-value");
	return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h = user;
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		struct request *r = h->current;
		if (!r || r->stream != frame->hd.stream_id) return 0;
		h->current = NULL;
		if (end)
			get_ready(h, r);
		else
			request_begin(r, false);
	} else if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) && end) {
		struct request *r = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
		if (r) request_end(r);
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *p, size_t n,
		   void *user)
{
	struct request *r = nghttp2_session_get_stream_user_data(session, stream);
	(void)flags;
	(void)user;
	nghttp2_session_consume_connection(session, n);
	if (r && r->begun)
		request_data(r, str_n(p, n));
	else
		nghttp2_session_consume_stream(session, stream, n);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct h2 *h = user;
	struct request *r = nghttp2_session_get_stream_user_data(session, stream);
	(void)code;
	if (!r) return 0;
	if (h->current == r) h->current = NULL;
	if (r->is_ready) unready(h, r);
	if (h->answering == r)
		h->answered = true; /* put_headers still needs it */
	else
		request_give(r);
	return 0;
}

void h2_consumed(struct request *r, size_t n)
{
	nghttp2_session_consume_stream(r->conn->h2->session, r->stream, n);
}

enum err h2_input(struct h2 *h, const char *p, size_t n)
{
	ssize_t took = nghttp2_session_mem_recv(h->session, (const uint8_t *)p, n);
	serve_ready(h);
	if (took >= 0) return ERR_OK;
	bool flood = took == NGHTTP2_ERR_FLOODED || took == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
	nghttp2_session_terminate_session(h->session,
					  flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
	return ERR_BAD_INPUT;
}

/* ---- out --------------------------------------------------------------------------------- */

/* Writes the octets of a DATA frame to their place in the shard's buffer, 9 octets behind its
 * header, which on_send_data puts in front right after. */
static ssize_t on_read_data(nghttp2_session *session, int32_t stream, uint8_t *to, size_t length,
			    uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct h2 *h = user;
	struct request *r = source->ptr;
	struct out *o = h->out;
	(void)session;
	(void)stream;
	(void)to;
	size_t room = o->room - o->n - FRAME_HEADER, n = 0;
	bool end = false;
	if (o->n + FRAME_HEADER + DATA_LEAST > o->room) return NGHTTP2_ERR_PAUSE;
	enum err e = request_pull(r, o->p + o->n + FRAME_HEADER, room < length ? room : length, &n, &end);
	if (e == ERR_BUSY) return NGHTTP2_ERR_DEFERRED;
	if (e) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (end) *flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t n,
			nghttp2_data_source *source, void *user)
{
	struct h2 *h = user;
	struct out *o = h->out;
	(void)session;
	(void)source;
	memcpy(o->p + o->n, header, FRAME_HEADER);
	o->n += FRAME_HEADER + n;
	(void)frame;
	h2_budget_credit(&h->budget, H2_BUDGET_WINDOW, 2);
	return 0;
}

/* What the library says about the size of its table stands first in a header section (RFC 7541 4.2):
 * octets of it. */
static size_t size_updates(const unsigned char *p, size_t n)
{
	size_t i = 0;
	while (i < n && (p[i] & 0xe0) == 0x20) {
		bool more = (p[i++] & 0x1f) == 0x1f;
		while (more && i < n) more = p[i++] & 0x80;
	}
	return i;
}

static char *answer_fields(struct h2 *h, struct request *r, char *to)
{
	const struct answer *a = &r->answer;
	struct hpack *k = &h->hpack;
	unsigned place = 0;
	to = hpack_status(to, a->status_text);
	to = hpack_field(k, to, place++, STR("date"), shard_date(h->conn->shard));
	if (a->content_type) to = hpack_field(k, to, place++, STR("content-type"), str_of(a->content_type));
	if (a->length_n)
		to = hpack_field(k, to, place++, STR("content-length"), str_n(a->length_text, a->length_n));
	for (unsigned i = 0; i < a->fields_n; i++)
		to = hpack_field(k, to, place++, r->fields[i].name, r->fields[i].value);
	return hpack_id(k, to, STR("x-request-id"), r->pub.id);
}

/* A HEADERS frame of the library's: where it says no more than 200, our fields take its place. */
static size_t put_headers(struct h2 *h, const unsigned char *p, size_t n, char *to)
{
	size_t updates = size_updates(p + FRAME_HEADER, n - FRAME_HEADER), head = FRAME_HEADER + updates;
	memcpy(to, p, n);
	if (updates)
		hpack_reset(&h->hpack, nghttp2_session_get_remote_settings(
					   h->session, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE));
	if (n != head + 1 || p[head] != STATUS_200) return n;
	must(h->answering && h->answering->answer.begun);
	size_t length = (size_t)(answer_fields(h, h->answering, to + head) - to) - FRAME_HEADER;
	must(length <= FRAME_MOST);
	to[0] = (char)(length >> 16);
	to[1] = (char)(length >> 8);
	to[2] = (char)length;
	return FRAME_HEADER + length;
}

static void end_headers(struct h2 *h)
{
	if (h->answered) request_give(h->answering);
	h->answered = false;
	h->answering = NULL;
}

void h2_fill(struct h2 *h, struct out *o)
{
	h->out = o;
	while (o->n < SHARD_OUT_FULL) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(h->session, &p);
		if (n < 0) conn_doom(h->conn, true);
		if (n <= 0) break;
		/* control frames and header sections: one frame each, at most 16 KiB and a header */
		must((size_t)n <= o->room - o->n);
		if (n > FRAME_HEADER && p[3] == NGHTTP2_HEADERS) {
			o->n += put_headers(h, p, (size_t)n, o->p + o->n);
			end_headers(h);
			continue;
		}
		memcpy(o->p + o->n, p, (size_t)n);
		o->n += (size_t)n;
	}
	h->out = NULL;
}

static nghttp2_nv status_field(const char *digits, uint8_t flags)
{
	static char name[] = ":status";
	return (nghttp2_nv){
	    (uint8_t *)name, (uint8_t *)(uintptr_t)digits, sizeof name - 1, 3,
	    (uint8_t)(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)};
}

/* The library keeps the books of streams, windows and frames; that an answer begins it hears as a bare
 * 200, which leaves its table of fields and the peer's alone, and put_headers writes what is meant. */
void h2_answer(struct request *r)
{
	nghttp2_session *session = r->conn->h2->session;
	nghttp2_nv nv = status_field("200", 0);
	nghttp2_data_provider body = {{.ptr = r}, on_read_data};
	bool bodiless = request_bodiless(r) || (!r->answer.source && !r->answer.body.n);
	if (bodiless) r->answer.ended = true;
	if (nghttp2_submit_response(session, r->stream, &nv, 1, bodiless ? NULL : &body))
		nghttp2_submit_rst_stream(session, 0, r->stream, NGHTTP2_INTERNAL_ERROR);
}

void h2_resume(struct request *r)
{
	nghttp2_session_resume_data(r->conn->h2->session, r->stream);
}

void h2_cut(struct request *r)
{
	r->answer.cut = true;
	/* RFC 9113 8.1: after a whole answer, only the rest of the request is not wanted */
	bool whole = r->answer.ended;
	nghttp2_submit_rst_stream(r->conn->h2->session, 0, r->stream,
				  whole ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
}

void h2_continue(struct request *r)
{
	nghttp2_nv nv = status_field("100", NGHTTP2_NV_FLAG_NO_INDEX);
	nghttp2_submit_headers(r->conn->h2->session, 0, r->stream, NULL, &nv, 1, NULL);
}

/* ---- session ----------------------------------------------------------------------------- */

enum err h2_setup(void)
{
	if (callbacks) return ERR_OK;
	if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&options)) return ERR_NO_MEMORY;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, before_frame_send);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
	nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, on_unknown);
	for (int type = FIRST_UNKNOWN; type <= UINT8_MAX; type++)
		nghttp2_option_set_user_recv_extension_type(options, (uint8_t)type);
	nghttp2_option_set_no_auto_window_update(options, 1);
	nghttp2_option_set_no_closed_streams(options, 1);
	nghttp2_option_set_max_settings(options, H2_SETTINGS_MAX);
	nghttp2_option_set_max_outbound_ack(options, H2_ACKS_MAX);
	nghttp2_option_set_stream_reset_rate_limit(options, H2_RESETS_BURST, H2_RESETS_RATE);
	nghttp2_option_set_max_continuations(options, H2_CONTINUATIONS);
	return ERR_OK;
}

enum err h2_open(struct conn *c, struct h2 **ret)
{
	struct h2 *h = calloc(1, sizeof *h);
	if (!h) return ERR_NO_MEMORY;
	h->conn = c;
	h->ready_end = &h->ready;
	h->budget.since = shard_now(c->shard);
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->shard->options->streams_max},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, NET_HEADERS_MAX},
	    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
	nghttp2_mem mem = {&c->shard->pool, pool_malloc, pool_free, pool_calloc, pool_realloc};
	if (nghttp2_session_server_new3(&h->session, callbacks, h, options, &mem) ||
	    nghttp2_submit_settings(h->session, 0, settings, sizeof settings / sizeof *settings) ||
	    nghttp2_session_set_local_window_size(h->session, 0, 0, H2_CONNECTION_WINDOW)) {
		h2_close(h);
		return ERR_NO_MEMORY;
	}
	if (c->shard->draining) h2_drain(h, false);
	*ret = h;
	return ERR_OK;
}

void h2_close(struct h2 *h)
{
	if (!h) return;
	nghttp2_session_del(h->session);
	free(h);
}

bool h2_over(const struct h2 *h)
{
	return !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

bool h2_partial(const struct h2 *h)
{
	return h->current;
}

bool h2_choked(const struct h2 *h)
{
	return nghttp2_session_get_remote_window_size(h->session) <= 0;
}

bool h2_stream_choked(struct request *r)
{
	return nghttp2_session_get_stream_remote_window_size(r->conn->h2->session, r->stream) <= 0;
}

/* RFC 9113 6.8: first a notice, so that requests under way are served, then the real last stream. */
void h2_drain(struct h2 *h, bool hard)
{
	if (!h->noticed) {
		h->noticed = true;
		nghttp2_submit_shutdown_notice(h->session);
	}
	if (!hard || h->final) return;
	h->final = true;
	nghttp2_submit_goaway(h->session, 0, nghttp2_session_get_last_proc_stream_id(h->session),
			      NGHTTP2_NO_ERROR, NULL, 0);
}
