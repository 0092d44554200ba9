/* GET /resolve/{id...}: JSON on the hot path, protobuf for nodes, a page for people. */
#include "resolver/face_resolve.h"

#include <stdlib.h>

#include "base/text64.h"
#include "resolver/question.h"
#include "resolver/upstream.h"

enum { DOCUMENT_MAX = 4 << 20, NUMBER_TEXT = 20 };

enum form { FORM_JSON, FORM_PROTO, FORM_PAGE };

struct wish {
	enum form form;
	bool no_recursion, trace, filtered;
	struct str type; /* STR_NONE: any */
	uint64_t index;  /* 0: any */
};

/* A request that waits for a walk. On the heap: the client may leave first. */
struct asking {
	struct net_req *req; /* NULL once it has left */
	struct id id;        /* in the request's arena */
	struct wish wish;
};

static enum form form_of(const struct net_req *r)
{
	struct str accept = net_header(r, "accept");
	if (!accept.n || str_is(accept, "*/*") || str_is(accept, MEDIA_JSON)) return FORM_JSON;
	int json = net_accepts(r, MEDIA_JSON), page = net_accepts(r, "text/html"),
	    proto = net_accepts(r, ANSWER_MEDIA_TYPE);
	if (proto > json && proto > page) return FORM_PROTO;
	return page > json ? FORM_PAGE : FORM_JSON;
}

static enum err read_wish(struct net_req *r, struct flaw *f, struct wish *ret)
{
	struct wish w = {.form = form_of(r), .type = STR_NONE};
	uint64_t rd = 1, trace = 0;
	if (r->query.n) {
		enum err e = net_query_number(r, "rd", 1, f, &rd);
		if (!e) e = net_query_number(r, "trace", 1, f, &trace);
		if (!e) e = net_query_number(r, "index", UINT32_MAX, f, &w.index);
		if (e) return e;
		if (!net_query(r, "type", &w.type)) w.type = STR_NONE;
	}
	w.no_recursion = !rd;
	w.trace = trace;
	w.filtered = w.type.p || w.index;
	*ret = w;
	return ERR_OK;
}

/* ---- headers ---------------------------------------------------------------------------- */

/* In the arena: the text must last until the answer is sent. Empty when the arena is full. */
static struct str with_number(struct arena *a, struct str before, uint64_t number, char after)
{
	char *p = arena_bytes(a, before.n + NUMBER_TEXT + 1);
	size_t n = 1;
	if (!p) return STR("");
	memcpy(p, before.p, before.n);
	for (uint64_t most = 10; n < NUMBER_TEXT && number >= most; most *= 10) n++;
	for (size_t i = n; i-- > 0; number /= 10) p[before.n + i] = (char)('0' + number % 10);
	n += before.n;
	if (after) p[n++] = after;
	return str_n(p, n);
}

static void set_headers(struct net_req *r, const struct rs_shard *s, const struct outcome *o)
{
	if (o->state != CHAIN_NONE) net_set_own(r, STR("kanhe-state"), str_of(chain_state_name(o->state)));
	net_set_own(r, STR("kanhe-node"), s->rs->name);
	if (o->kind && o->err != ERR_NOT_RESPONSIBLE)
		net_set_own(r, STR("cache-control"), with_number(r->arena, STR("max-age="), o->ttl, 0));
	else
		net_set_own(r, STR("cache-control"), STR("no-store"));
	net_set_own(r, STR("vary"), STR("accept, accept-language"));
}

/* ---- JSON ------------------------------------------------------------------------------- */

static enum err keep_wanted(struct arena *a, const struct wish *w, struct str packed, struct str *ret)
{
	struct record m;
	size_t kept = 0;
	enum err e = record_unpack(a, packed, NULL, &m);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	for (size_t i = 0; i < m.values_n; i++) {
		const struct value *v = &m.values[i];
		if ((w->index && v->index != w->index) || (w->type.p && !str_eq_nocase(v->type, w->type)))
			continue;
		m.values[kept++] = *v;
	}
	m.values_n = kept;
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	e = record_pack(&m, &out);
	if (!e) *ret = arena_dup(a, buf_str(&out));
	buf_done(&out);
	return !e && !ret->p ? ERR_NO_MEMORY : e;
}

static enum err put_record(struct net_req *r, const struct wish *w, const struct outcome *o,
			   struct buf *out)
{
	struct str packed;
	if (!w->filtered) return record_write_json_peeked(&o->head, RECORD_PUBLIC, out);
	enum err e = keep_wanted(r->arena, w, o->record, &packed);
	return e ? e : record_write_json(packed, RECORD_PUBLIC, out);
}

static bool unchanged(struct net_req *r, struct str etag)
{
	struct str known = net_header(r, "if-none-match");
	return known.n && (str_eq(known, etag) || str_is(known, "*"));
}

/* The hot path. */
static void reply_record(struct net_req *r, struct rs_shard *s, const struct wish *w,
			 const struct outcome *o)
{
	struct buf *out = &s->scratch;
	set_headers(r, s, o);
	if (!w->filtered) {
		struct str etag = with_number(r->arena, STR("\""), o->head.revision, '"');
		net_set_own(r, STR("etag"), etag);
		if (unchanged(r, etag)) {
			net_reply(r, 304, MEDIA_JSON, STR(""));
			return;
		}
	}
	buf_clear(out);
	enum err e = put_record(r, w, o, out);
	struct str body = e ? STR_NONE : arena_dup(r->arena, buf_str(out));
	if (body.p)
		net_reply(r, 200, MEDIA_JSON, body);
	else
		net_reply_err(r, e ? e : ERR_NO_MEMORY, NULL);
}

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, value);
}

static void put_hop(struct buf *b, const struct hop *h)
{
	buf_add(b, STR("{\"node\":"));
	buf_json(b, h->node);
	put_text(b, "url", h->url);
	buf_printf(b, ",\"ms\":%.1f", (double)h->took / USEC_PER_MSEC);
	put_text(b, "kind", h->kind ? str_of(answer_word(h->kind)) : STR("none"));
	put_text(b, "state", str_of(chain_state_name(h->state)));
	buf_printf(b, ",\"cached\":%s", h->cached ? "true" : "false");
	put_text(b, "detail", h->detail);
	buf_byte(b, '}');
}

static void put_trace(struct buf *b, const struct rs_shard *s, const struct outcome *o)
{
	buf_add(b, STR("\"trace\":["));
	if (o->ours && o->kind) {
		struct hop own = {
		    .node = s->rs->did, .url = s->rs->url, .kind = o->kind, .state = CHAIN_AUTHORITATIVE};
		put_hop(b, &own);
	}
	for (size_t i = 0; i < o->hops_n; i++) {
		struct hop h = o->hops[i];
		if (o->cached && !h.cached) {
			h.cached = true;
			h.took = 0;
		}
		if (i) buf_byte(b, ',');
		put_hop(b, &h);
	}
	buf_byte(b, ']');
}

static void reply_trace(struct net_req *r, struct rs_shard *s, const struct id *id, const struct wish *w,
			const struct outcome *o)
{
	struct buf *b = face_buf(r, DOCUMENT_MAX);
	enum err e = ERR_OK;
	if (!b) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	set_headers(r, s, o);
	buf_add(b, STR("{\"answer\":"));
	if (o->kind == ANSWER_RECORD)
		e = put_record(r, w, o, b);
	else
		buf_add(b, STR("null"));
	put_text(b, "scheme", str_of(id_scheme_name(id->scheme)));
	put_text(b, "kind", o->kind ? str_of(answer_word(o->kind)) : STR("none"));
	put_text(b, "state", str_of(chain_state_name(o->state)));
	buf_byte(b, ',');
	put_trace(b, s, o);
	if (o->err) {
		buf_byte(b, ',');
		face_problem_members(r, o->err, &o->flaw, b);
		put_text(b, "request_id", r->id);
	}
	buf_byte(b, '}');
	if (!e) e = buf_err(b);
	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, err_http(o->err), o->err ? "application/problem+json" : MEDIA_JSON,
			  buf_str(b));
}

/* Members of a problem that let the reader check it, or go on. */
static void reply_refusal(struct net_req *r, struct rs_shard *s, const struct id *id, struct outcome *o)
{
	struct buf *more = face_buf(r, DOCUMENT_MAX);
	enum err e = more ? outcome_sign(s, r->arena, id, o) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	set_headers(r, s, o);
	buf_printf(more, "\"scheme\":\"%s\"", id_scheme_name(id->scheme));
	if (o->octets.n) {
		buf_add(more, STR(",\"proof\":\""));
		buf_add(more, base64_write(r->arena, o->octets));
		buf_byte(more, '"');
	}
	if (o->prefix.n) {
		buf_add(more, STR(",\"referral\":{\"prefix\":"));
		buf_json(more, o->prefix);
		put_text(more, "url", o->url);
		buf_byte(more, '}');
	}
	face_problem(r, o->err, &o->flaw, buf_str(more));
}

static void reply_signed(struct net_req *r, struct rs_shard *s, const struct id *id, struct outcome *o)
{
	enum err e = outcome_sign(s, r->arena, id, o);
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	set_headers(r, s, o);
	if (o->octets.n)
		net_reply(r, 200, ANSWER_MEDIA_TYPE, o->octets);
	else
		face_problem(r, o->err, &o->flaw, STR(""));
}

static void reply_outcome(struct net_req *r, const struct id *id, const struct wish *w, struct outcome *o)
{
	struct rs_shard *s = rs__shard(r);
	outcome_count(s, o);
	if (w->form == FORM_PROTO)
		reply_signed(r, s, id, o);
	else if (w->form == FORM_PAGE) {
		set_headers(r, s, o);
		page_reply(r, id, o);
	} else if (w->trace)
		reply_trace(r, s, id, w, o);
	else if (o->err)
		reply_refusal(r, s, id, o);
	else
		reply_record(r, s, w, o);
}

/* ---- asking others ---------------------------------------------------------------------- */

static void release(void *arg)
{
	finding_release(arg);
}

/* Takes the reference: the request holds it until its answer is sent. */
static void reply_finding(struct net_req *r, const struct id *id, const struct wish *w, struct finding *f,
			  bool cached)
{
	struct outcome o;
	if (arena_on_reset(r->arena, release, f)) {
		finding_release(f);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	outcome_found(f, cached, &o);
	reply_outcome(r, id, w, &o);
}

static void on_found(void *arg, struct finding *f)
{
	struct asking *a = arg;
	if (a->req)
		reply_finding(a->req, &a->id, &a->wish, f, false);
	else
		finding_release(f);
	free(a);
}

static void on_gone(void *arg)
{
	struct asking *a = arg;
	a->req = NULL;
}

static void ask_others(struct net_req *r, struct rs_shard *s, const struct id *id, const struct wish *w)
{
	struct finding *f = question_cached(s, id);
	if (f) {
		RS_COUNT(&s->counters, cache_hits);
		reply_finding(r, id, w, f, true);
		return;
	}
	struct asking *a = malloc(sizeof *a);
	if (!a) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	*a = (struct asking){r, *id, *w};
	net_hold(r, on_gone, a);
	enum err e = question_ask(s, id, on_found, a);
	if (!e) return;
	free(a);
	net_reply_err(r, e, NULL);
}

/* A malformed request; of a malformed identifier, which scheme it was taken for. */
static void reply_malformed(struct net_req *r, enum err e, const struct flaw *f)
{
	struct str text = STR_NONE;
	enum id_scheme scheme = ID_NONE;
	RS_COUNT(&rs__shard(r)->counters, refused);
	tally_count(rs__shard(r)->tallies, TALLY_OTHER, STATISTIC_failed);
	if (e == ERR_BAD_ID && !net_decode(r->arena, r->param[0], NULL, &text)) scheme = id_detect(text);
	if (text.p && form_of(r) == FORM_PAGE)
		page_refuse(r, text, scheme, f);
	else if (scheme)
		face_problem(r, e, f, arena_printf(r->arena, "\"scheme\":\"%s\"", id_scheme_name(scheme)));
	else
		net_reply_err(r, e, f);
}

/* What the first call finds for the second, in the same loop turn. */
struct early {
	struct id id;
	struct sought found;
};

static enum err seek(struct net_req *r, struct rs_shard *s, struct flaw *f, struct early *ret)
{
	enum err e = face_id(r, f, &ret->id);
	if (!e) answer_seek(s, &ret->id, &ret->found);
	return e;
}

/* Nothing is kept of what fails: the second call finds out why. */
static void seek_early(struct net_req *r)
{
	struct early *y = ARENA_NEW(r->arena, struct early);
	if (y && !seek(r, rs__shard(r), NULL, y)) r->early = y;
}

static void get_resolve(struct net_req *r)
{
	struct rs_shard *s = rs__shard(r);
	struct flaw f;
	struct wish w;
	struct early here, *y = r->early;
	struct outcome o;
	if (r->soon) {
		seek_early(r);
		return;
	}
	flaw_init(&f);
	RS_COUNT(&s->counters, questions);
	enum err e = y ? ERR_OK : seek(r, s, &f, &here);
	if (!y) y = &here;
	if (!e) e = read_wish(r, &f, &w);
	if (e) {
		reply_malformed(r, e, &f);
		return;
	}
	e = outcome_sought(s, r->arena, &y->found, &o);
	if (e)
		net_reply_err(r, e, NULL);
	else if (!w.no_recursion && outcome_open(s, &o))
		ask_others(r, s, &y->id, &w);
	else
		reply_outcome(r, &y->id, &w, &o);
}

const struct net_route face_resolve_rows[] = {
    {NET_GET, "/resolve/{id...}", get_resolve, 0, 0, NET_TWICE, "what an identifier stands for"},
    {NET_POST, "/resolve", post_resolve, 0, BATCH_REQUEST_MAX, NET_READ,
     "the same for up to 1,000 identifiers"},
};
const size_t face_resolve_rows_n = sizeof face_resolve_rows / sizeof *face_resolve_rows;
