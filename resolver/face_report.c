/* Reporting upwards, both ends: /report is this node's own, towards its superior; /reports, /sync and
 * /copies are what nodes below hand up. */
#include <stdio.h>

#include "base/hash.h"
#include "base/text64.h"
#include "resolver/face_copy.h"
#include "resolver/job.h"

enum {
	SYNC_BODY = 8 << 20,
	SYNC_ARENA = 64 << 20, /* 8 MiB of JSON as a tree, and its octets */
	REPORT_ARENA = 1 << 20,
	REPORTS_SHOWN = 100,
	LIST_OCTETS = 16 << 20,
};

static void put_time(json_t *o, const char *name, usec_t t)
{
	char time[CLOCK_TEXT];
	if (t) json_put_str(o, name, str_of(clock_print(t, false, time)));
}

/* ---- this node's own -------------------------------------------------------------------- */

static struct reporter *reporter_of(struct net_req *r, struct flaw *f)
{
	struct reporter *p = rs__shard(r)->rs->reporter;
	if (!p)
		flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "report.to", "report-configured",
			 "this node reports to nobody: set report.to in its configuration");
	return p;
}

static void get_report(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct report_status s;
	struct reporter *p = reporter_of(r, &f);
	json_t *o = json_keep(r->arena, json_object());
	if (!p || !o) {
		net_reply_err(r, p ? ERR_NO_MEMORY : ERR_NOT_FOUND, &f);
		return;
	}
	reporter_status(p, rs__shard(r)->txn, &s);
	json_put_str(o, "to", str_of(s.url));
	json_put_str(o, "driver", str_of(s.driver));
	json_put(o, "sync", json_boolean(s.sync));
	json_put_u64(o, "position", s.position);
	json_put_u64(o, "head", s.head);
	json_put_u64(o, "reports", s.reports);
	json_put_u64(o, "batches", s.batches);
	json_put_u64(o, "failures", s.failures);
	put_time(o, "last_report", s.last_report);
	put_time(o, "last_sync", s.last_sync);
	if (s.error[0]) json_put_str(o, "error", str_of(s.error));
	face_json(r, 200, o);
}

/* A request that waits for the reporter. Lives on the heap: the request may go first. */
struct waiting {
	struct report_ask ask;
	struct rs_shard *shard;
	struct net_req *req; /* NULL once the client has gone */
	struct arena *arena; /* holds this */
};

static void answer_compare(struct net_req *r, const struct report_outcome *o)
{
	json_t *j = json_keep(r->arena, json_object()), *rows = json_object();
	if (!j || !rows) {
		json_decref(rows);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put(j, "same", json_boolean(o->same));
	json_put_u64(j, "position", o->position);
	for (unsigned i = 1; report_table_name(i); i++)
		json_put_u64(rows, report_table_name(i), o->rows[i - 1]);
	json_put(j, "rows", rows);
	if (!o->same) {
		json_put_str(j, "table", str_of(report_table_name(o->table)));
		json_put_str(j, "after", str_of(o->after));
	}
	face_json(r, 200, j);
}

static void finish(void *arg)
{
	struct waiting *w = arg;
	const struct report_outcome *o = &w->ask.outcome;
	struct flaw f;
	if (w->req && o->err) {
		flaw_set(&f, o->err, FLAW_NO_OFFSET, "report", "report", "%s", o->text);
		net_reply_flaw(w->req, &f);
	} else if (w->req && w->ask.work == REPORT_COMPARE) {
		answer_compare(w->req, o);
	} else if (w->req) {
		json_t *j = json_keep(w->req->arena, json_object());
		if (j) json_put_u64(j, "position", o->position);
		face_json(w->req, 200, j);
	}
	arena_free(w->arena);
}

/* On the reporter's thread. */
static void on_done(struct report_ask *k)
{
	struct waiting *w = (struct waiting *)k;
	if (rs__post(w->shard, finish, w)) arena_free(w->arena);
}

static void gone(void *arg)
{
	((struct waiting *)arg)->req = NULL;
}

static void ask(struct net_req *r, enum report_work work)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct reporter *p = reporter_of(r, &f);
	struct arena *a = p ? arena_new(sizeof(struct waiting) + 1024) : NULL;
	struct waiting *w = a ? ARENA_NEW(a, struct waiting) : NULL;
	if (!w) {
		arena_free(a);
		net_reply_err(r, p ? ERR_NO_MEMORY : ERR_NOT_FOUND, &f);
		return;
	}
	*w = (struct waiting){
	    .ask = {.work = work, .done = on_done}, .shard = rs__shard(r), .req = r, .arena = a};
	net_hold(r, gone, w);
	enum err e = reporter_ask(p, &w->ask);
	if (!e) return;
	net_reply_err(r, e, NULL);
	arena_free(a);
}

static void post_report(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	uint64_t full = 0;
	enum err e = net_query_number(r, "full", 1, &f, &full);
	if (e)
		net_reply_err(r, e, &f);
	else
		ask(r, full ? REPORT_SEND_WHOLE : REPORT_SEND);
}

static void post_compare(struct net_req *r)
{
	ask(r, REPORT_COMPARE);
}

/* ---- receiving -------------------------------------------------------------------------- */

struct received {
	struct job job;
	struct copy_message m;
	struct str json; /* of a report */
};

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, text);
}

static enum err apply_report(struct writer_cmd *c, struct writer_txn *t)
{
	struct received *g = (struct received *)c;
	return copies_report(t, g->job.who, g->json);
}

static void answer_report(struct job *j)
{
	if (j->err) {
		net_reply_err(j->req, j->err, NULL);
		return;
	}
	json_t *o = json_keep(j->req->arena, json_object());
	if (o) json_put_str(o, "reporter", j->who);
	face_json(j->req, 200, o);
}

/* A reporter tells of prefixes of its own only. */
static enum err read_report(struct net_req *r, struct received *g, struct flaw *f)
{
	struct scope scope;
	json_t *j, *list, *one;
	size_t i;
	enum err e = face_scope(r, &scope);
	if (!e) e = json_read(g->job.arena, r->body, f, &j);
	if (!e && !json_is_object(j)) e = bad(f, "", "object", "expected a JSON object");
	if (!e) e = json_arr(j, "", "prefixes", f, &list);
	if (e) return e;
	json_array_foreach(list, i, one)
	{
		struct id_prefix p;
		char at[64];
		uint64_t n;
		snprintf(at, sizeof at, "prefixes[%zu]", i);
		if (!json_is_object(one) || json_u64(one, at, "active", f, &n) ||
		    json_u64(one, at, "retired", f, &n))
			return bad(f, at, "prefix-count", "is no {prefix, active, retired}");
		if (id_prefix_parse(g->job.arena, json_text(json_object_get(one, "prefix")), NULL, &p))
			return bad(f, at, "prefix", "names no prefix");
		if (!scope_covers(&scope, p.key))
			return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, at, "scope",
					"the credential's scope does not cover %.*s", STR_ARG(p.text));
	}
	g->json = json_write(g->job.arena, j, false);
	return g->json.p ? ERR_OK : ERR_NO_MEMORY;
}

static void post_reports(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct received *g = job_begin(r, sizeof *g, REPORT_ARENA);
	if (!g) return;
	enum err e = read_report(r, g, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_report;
	g->job.answer = answer_report;
	job_submit(&g->job);
}

static enum err apply_sync(struct writer_cmd *c, struct writer_txn *t)
{
	return copies_apply(t, &((struct received *)c)->m);
}

static json_t *place(struct arena *a, struct store_txn *t, struct str reporter, enum err *ret_err)
{
	struct copy_state s = {.position = 0};
	json_t *o = json_keep(a, json_object());
	*ret_err = copies_state(t, reporter, &s);
	if (*ret_err == ERR_NOT_FOUND) *ret_err = ERR_OK;
	if (!o) *ret_err = ERR_NO_MEMORY;
	if (*ret_err) return NULL;
	json_put_u64(o, "position", s.position);
	json_put(o, "partial", json_boolean(s.partial));
	return o;
}

static void answer_sync(struct job *j)
{
	enum err e;
	if (j->err && j->err != ERR_PRECONDITION) {
		net_reply_err(j->req, j->err, NULL);
		return;
	}
	json_t *o = place(j->req->arena, j->shard->txn, j->who, &e);
	if (e)
		net_reply_err(j->req, e, NULL);
	else
		face_json(j->req, j->err ? 409 : 200, o);
}

/* Rows of a reporter's own prefixes only. */
static enum err check_scope(struct net_req *r, const struct copy_message *m, struct flaw *f)
{
	struct scope scope;
	char at[32];
	enum err e = face_scope(r, &scope);
	for (size_t i = 0; i < m->n && !e; i++) {
		if (copies_op_covered(&scope, &m->ops[i])) continue;
		snprintf(at, sizeof at, "ops[%zu]", i);
		e = flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, at, "scope",
			     "the credential's scope does not cover the row");
	}
	return e;
}

static enum err read_sync(struct net_req *r, struct received *g, struct flaw *f)
{
	json_t *j;
	enum err e = json_read_large(g->job.arena, r->body, f, &j);
	if (!e) e = report_message_read(g->job.arena, j, f, &g->m);
	if (!e) e = check_scope(r, &g->m, f);
	g->m.reporter = g->job.who;
	return e;
}

static void post_sync(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct received *g = job_begin(r, sizeof *g, SYNC_ARENA);
	if (!g) return;
	enum err e = read_sync(r, g, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_sync;
	g->job.answer = answer_sync;
	job_submit(&g->job);
}

static void get_sync(struct net_req *r)
{
	const struct principal *p = r->principal;
	enum err e;
	json_t *o = place(r->arena, rs__shard(r)->txn, p->name, &e);
	if (e)
		net_reply_err(r, e, NULL);
	else
		face_json(r, 200, o);
}

/* ---- digests and copies ----------------------------------------------------------------- */

struct page {
	struct hash *hash;
	uint64_t rows;
	size_t octets;
	struct str last;
	bool more;
};

static bool digest_row(void *arg, struct str key, struct str value)
{
	struct page *p = arg;
	if (p->rows == COPY_PAGE || p->octets >= COPY_PAGE_OCTETS) {
		p->more = true;
		return false;
	}
	report_digest_row(p->hash, key, value);
	p->rows++;
	p->octets += key.n + value.n;
	p->last = key; /* borrowed from the snapshot */
	return true;
}

static void get_digest(struct net_req *r)
{
	const struct principal *who = r->principal;
	struct store_txn *t = rs__shard(r)->txn;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct page p = {.hash = hash_new(), .last = STR("")};
	struct copy_state s;
	struct str text, after;
	unsigned table = 0;
	unsigned char digest[HASH_SHA256];
	char hex[64];
	enum err e = p.hash ? copies_read_after(r, "after", &f, &after) : ERR_NO_MEMORY;
	if (!e && (!net_query(r, "table", &text) || report_table_find(text, &table)))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "table", "table", "table names no table");
	if (!e) e = copies_state(t, who->name, &s);
	if (!e) e = copies_rows(t, who->name, table, after, digest_row, &p);
	if (!e) hash_finish(p.hash, digest);
	hash_free(p.hash);
	json_t *o = e ? NULL : json_keep(r->arena, json_object());
	if (!o) {
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
		return;
	}
	hex_write(digest, sizeof digest, hex);
	json_put_u64(o, "position", s.position);
	json_put_u64(o, "rows", p.rows);
	json_put_str(o, "digest", str_n(hex, sizeof hex));
	json_put_str(o, "last", base64url_write(r->arena, p.last));
	json_put(o, "end", json_boolean(!p.more));
	face_json(r, 200, o);
}

struct listing {
	struct net_req *r;
	struct buf *out;
	uint64_t left;
	bool any;
};

/* ---- who has reported ------------------------------------------------------------------- */

static bool last_report(void *arg, usec_t at, struct str json)
{
	json_t *o = arg, *j;
	char time[CLOCK_TEXT];
	struct arena *a = arena_new(REPORT_ARENA);
	if (a && !json_read(a, json, NULL, &j)) {
		json_put_str(o, "received", str_of(clock_print(at, false, time)));
		json_put(o, "report", json_incref(j));
	}
	arena_free(a);
	return false;
}

struct reporters {
	struct net_req *r;
	json_t *all;
	enum err err;
};

static bool one_reporter(void *arg, struct str name, const struct copy_state *s)
{
	struct reporters *l = arg;
	json_t *o = json_object();
	json_put_str(o, "reporter", name);
	json_put_u64(o, "position", s->position);
	json_put_u64(o, "ledger_size", s->ledger_size);
	put_time(o, "handed_up", s->at);
	l->err = copies_reports(rs__shard(l->r)->txn, name, last_report, o);
	must(!json_array_append_new(l->all, o));
	return !l->err;
}

static void get_reports(struct net_req *r)
{
	json_t *o = json_keep(r->arena, json_object());
	struct reporters l = {.r = r, .all = json_array()};
	enum err e = o && l.all ? ERR_OK : ERR_NO_MEMORY;
	if (!e) {
		json_put(o, "reporters", l.all);
		e = copies_each(rs__shard(r)->txn, one_reporter, &l);
	}
	if (!e) e = l.err;
	if (e)
		net_reply_err(r, e, NULL);
	else
		face_json(r, 200, o);
}

static bool one_report(void *arg, usec_t at, struct str json)
{
	struct listing *l = arg;
	char time[CLOCK_TEXT];
	if (!l->left--) return false;
	buf_printf(l->out, "%s{\"received\":\"%s\",\"report\":", l->any ? "," : "",
		   clock_print(at, false, time));
	buf_add(l->out, json);
	buf_byte(l->out, '}');
	l->any = true;
	return true;
}

static void get_reports_of(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.r = r, .out = face_buf(r, LIST_OCTETS), .left = REPORTS_SHOWN};
	struct copy_state s;
	struct str name;
	enum err e = l.out ? net_decode(r->arena, r->param[0], &f, &name) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "limit", REPORTS_KEPT, &f, &l.left);
	if (!e)
		e = name.n && name.n <= ACCESS_NAME_MAX ? copies_state(rs__shard(r)->txn, name, &s)
							: ERR_NOT_FOUND;
	if (!e) {
		buf_add(l.out, STR("{\"reports\":["));
		e = copies_reports(rs__shard(r)->txn, name, one_report, &l);
		buf_add(l.out, STR("]}"));
	}
	face_answer(r, e, &f, l.out);
}

enum { REPORTERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, LOOKERS = ROLE_OPERATOR | ROLE_AUDITOR };

const struct net_route face_report_rows[] = {
    {NET_GET, "/report", get_report, LOOKERS, 0, 0, "what this node has reported upwards"},
    {NET_POST, "/report", post_report, ROLE_OPERATOR, 0, 0,
     "reports and hands up now; full=1: a whole copy"},
    {NET_POST, "/report/compare", post_compare, LOOKERS, 0, 0,
     "compares the superior's copy with the registry"},
    {NET_POST, "/reports", post_reports, REPORTERS, FACE_BODY, 0, "takes a report of a node below"},
    {NET_GET, "/reports", get_reports, LOOKERS, 0, 0, "who has reported, and what last"},
    {NET_GET, "/reports/{reporter}", get_reports_of, LOOKERS, 0, 0, "reports of one node, newest first"},
    {NET_POST, "/sync", post_sync, REPORTERS, SYNC_BODY, 0, "takes core data that a node below hands up"},
    {NET_GET, "/sync", get_sync, REPORTERS, 0, 0, "how far the caller's copy reaches"},
    {NET_GET, "/sync/digest", get_digest, REPORTERS, 0, 0, "digest of rows of the caller's copy"},
    {NET_GET, "/copies/{reporter}", get_copy, REPORTERS | ROLE_AUDITOR, 0, 0,
     "records of a copy; table=series, table=enterprise"},
};
const size_t face_report_rows_n = sizeof face_report_rows / sizeof *face_report_rows;
