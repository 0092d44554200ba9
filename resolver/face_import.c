/* /imports: streams of records that are registered exactly once, however often one has to begin again.
 *
 * POST /imports?name=N&format=csv|ndjson|protobuf takes a body of any size and answers with the import's
 * state when all of it is durable. A client that was cut off asks GET /imports/N for `offset`, and sends
 * the rest with from=OFFSET and digest= of the octets before it (bulk_chain_digest). more=1: the input goes
 * on in a later request; octets of a line that has no end yet are left to it. existing=refuse: identifiers
 * that are registered are refused. An import belongs to its credential; others do not see it, but auditors
 * with of=. */
#include <stdio.h>

#include "base/retell.h"
#include "resolver/import_run.h"
#include "resolver/job.h"

enum { REMOVE_ARENA = 64 * 1024, ANSWER_OCTETS = 8 << 20 };

static const struct principal *caller(const struct net_req *r)
{
	return r->principal;
}

/* ---- sending ---------------------------------------------------------------------------- */

static enum err bad_query(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err read_form(struct net_req *r, struct flaw *f, enum bulk_form *ret)
{
	struct str text;
	if (!net_query(r, "format", &text)) {
		text = net_header(r, "content-type");
		text = str_trim(str_first(text, str_find(text, ';')));
	}
	if (!bulk_form_find(text, ret)) return ERR_OK;
	return bad_query(f, "format", "format", "the format is one of csv, ndjson, protobuf");
}

static enum err read_switch(struct net_req *r, const char *name, const char *off, const char *on,
			    struct flaw *f, bool *ret)
{
	struct str text;
	*ret = false;
	if (!net_query(r, name, &text) || str_is(text, off)) return ERR_OK;
	*ret = true;
	if (str_is(text, on)) return ERR_OK;
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, "value", "%s is %s or %s", name, off, on);
}

static enum err read_wish(struct net_req *r, struct flaw *f, struct import_wish *w)
{
	struct str digest;
	*w = (struct import_wish){
	    .who = caller(r)->name, .scope = caller(r)->scope, .roles = caller(r)->roles};
	if (!net_query(r, "name", &w->name) || !w->name.n)
		return bad_query(f, "name", "required", "the query parameter name is missing");
	enum err e = import_name_check(w->name, f);
	if (!e) e = read_form(r, f, &w->form);
	if (!e) e = net_query_number(r, "from", INT64_MAX, f, &w->from);
	if (!e) e = read_switch(r, "more", "0", "1", f, &w->more);
	if (!e) e = read_switch(r, "existing", "replace", "refuse", f, &w->only_new);
	if (e || !net_query(r, "digest", &digest)) return e;
	w->digest_given = true;
	if (!hex_parse(digest, w->digest, sizeof w->digest)) return ERR_OK;
	return bad_query(f, "digest", "sha256", "expected 64 hexadecimal digits");
}

static void post_import(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct import_wish w;
	enum err e = read_wish(r, &f, &w);
	if (!e) e = import_run_start(r, &w, &f);
	if (e) net_reply_err(r, e, &f);
}

/* ---- looking ---------------------------------------------------------------------------- */

/* Whose imports are meant: the caller's, or, for an auditor, those of the credential named. */
static enum err read_owner(struct net_req *r, struct flaw *f, struct str *ret)
{
	*ret = caller(r)->name;
	if (!net_query(r, "of", ret) || str_eq(*ret, caller(r)->name)) return ERR_OK;
	if (!(caller(r)->roles & ROLE_AUDITOR))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "of", "role",
				"only an auditor sees imports of others");
	return import_name_check(*ret, f);
}

static enum err find(struct net_req *r, struct flaw *f, struct import *ret)
{
	struct str who, name;
	enum err e = read_owner(r, f, &who);
	if (!e) e = net_decode(r->arena, r->param[0], f, &name);
	if (!e) e = import_name_check(name, f);
	return e ? e : import_find(rs__shard(r)->txn, who, name, ret);
}

static void get_import(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct import m;
	struct buf *out = face_buf(r, FACE_BODY);
	enum err e = out ? find(r, &f, &m) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	import_write_json(&m, out);
	net_set(r, "cache-control", STR("no-store"));
	net_reply(r, 200, MEDIA_JSON, buf_str(out));
}

struct listing {
	struct buf *out;
	uint64_t left, last;
	struct str last_name;
	bool any, more;
	struct arena *arena;
	enum say_language language; /* of messages */
};

/* False when the page is full. */
static bool next_item(struct listing *l)
{
	l->more = !l->left;
	if (l->more) return false;
	if (l->any) buf_byte(l->out, ',');
	l->any = true;
	l->left--;
	return true;
}

static bool put_import(void *arg, const struct import *m)
{
	struct listing *l = arg;
	if (!next_item(l)) return false;
	import_write_json(m, l->out);
	l->last_name = arena_dup(l->arena, m->name);
	return true;
}

static void get_imports(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.out = face_buf(r, ANSWER_OCTETS), .left = FACE_LIST, .arena = r->arena};
	struct str who, after = STR_NONE;
	enum err e = l.out ? read_owner(r, &f, &who) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "limit", FACE_LIST_MAX, &f, &l.left);
	if (!e && net_query(r, "cursor", &after) && after.n) e = import_name_check(after, &f);
	if (!e) {
		buf_add(l.out, STR("{\"imports\":["));
		e = import_list(rs__shard(r)->txn, who, after, put_import, &l);
		buf_byte(l.out, ']');
	}
	if (!e && l.more) {
		buf_add(l.out, STR(",\"next\":"));
		buf_json(l.out, l.last_name);
	}
	if (!e) buf_byte(l.out, '}');
	face_answer(r, e, &f, l.out);
}

static void put_text(struct buf *out, const char *name, struct str s)
{
	if (!s.n) return;
	buf_printf(out, ",\"%s\":", name);
	buf_json(out, s);
}

/* Kept in English; the identifier that refusals of the registry begin with stays as it is. */
static struct str told(const struct listing *l, const struct import_flaw *x)
{
	struct flaw f;
	struct str text = x->text;
	bool has_id = x->id.n && str_starts(text, x->id) && str_starts(str_skip(text, x->id.n), STR(": "));
	if (has_id) text = str_skip(text, x->id.n + 2);
	flaw_set(&f, x->err, x->position, "", "", "%.*s", STR_ARG(text));
	snprintf(f.rule, sizeof f.rule, "%.*s", STR_ARG(x->rule));
	text = retell_flaw(l->language, l->arena, &f);
	if (!has_id) return arena_dup(l->arena, text); /* it may stand in the flaw */
	return arena_printf(l->arena, "%.*s：%.*s", STR_ARG(x->id), STR_ARG(text));
}

static bool put_flaw(void *arg, const struct import_flaw *x)
{
	struct listing *l = arg;
	struct arena_mark mark = arena_mark(l->arena);
	if (!next_item(l)) return false;
	buf_printf(l->out, "{\"line\":%llu,\"offset\":%llu,\"error\":\"%s\",\"status\":%d",
		   (unsigned long long)x->line, (unsigned long long)x->offset, err_name(x->err),
		   err_http(x->err));
	put_text(l->out, "id", x->id);
	put_text(l->out, "field", x->at);
	put_text(l->out, "rule", x->rule);
	if (x->position != FLAW_NO_OFFSET) buf_printf(l->out, ",\"position\":%zu", x->position);
	put_text(l->out, "message", l->language == SAY_EN ? x->text : told(l, x));
	buf_byte(l->out, '}');
	arena_rollback(l->arena, mark);
	l->last = x->line;
	return true;
}

static void get_report(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.out = face_buf(r, ANSWER_OCTETS),
			    .left = FACE_LIST,
			    .arena = r->arena,
			    .language = say_accepted(net_header(r, "accept-language"))};
	struct import m;
	uint64_t after = 0;
	enum err e = l.out ? find(r, &f, &m) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "limit", FACE_LIST_MAX, &f, &l.left);
	if (!e) e = net_query_number(r, "cursor", INT64_MAX, &f, &after);
	if (!e) {
		buf_printf(l.out, "{\"refused\":%llu,\"errors_kept\":%llu,\"errors\":[",
			   (unsigned long long)m.refused, (unsigned long long)m.flaws);
		e = import_flaws(rs__shard(r)->txn, &m, after, put_flaw, &l);
		buf_byte(l.out, ']');
	}
	if (!e && l.more) buf_printf(l.out, ",\"next\":\"%llu\"", (unsigned long long)l.last);
	if (!e) buf_byte(l.out, '}');
	if (!e) {
		net_set(r, "content-language", l.language == SAY_ZH ? STR("zh") : STR("en"));
		net_set(r, "vary", STR("accept-language, authorization"));
	}
	face_answer(r, e, &f, l.out);
}

/* ---- removing --------------------------------------------------------------------------- */

struct removal {
	struct job job;
	struct str name;
};

static enum err apply_removal(struct writer_cmd *c, struct writer_txn *t)
{
	struct removal *m = (struct removal *)(void *)c;
	return import_remove(m->job.who, m->name, t);
}

static void answer_removal(struct job *j)
{
	if (j->err)
		net_reply_err(j->req, j->err, NULL);
	else
		net_reply(j->req, 204, NULL, STR(""));
}

static void delete_import(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct removal *m = job_begin(r, sizeof *m, REMOVE_ARENA);
	if (!m) return;
	enum err e = net_decode(m->job.arena, r->param[0], &f, &m->name);
	if (!e) e = import_name_check(m->name, &f);
	if (e) {
		job_refuse(&m->job, e, &f);
		return;
	}
	m->job.cmd.apply = apply_removal;
	m->job.answer = answer_removal;
	job_submit(&m->job);
}

enum { CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, READERS = CHANGERS | ROLE_AUDITOR };

const struct net_route face_import_rows[] = {
    {NET_POST, "/imports", post_import, CHANGERS, NET_BODY_ANY, NET_STREAM_IN,
     "registers a stream of records of any size, exactly once"},
    {NET_GET, "/imports", get_imports, READERS, 0, 0, "imports of the credential"},
    {NET_GET, "/imports/{name}", get_import, READERS, 0, 0, "how far an import has come"},
    {NET_GET, "/imports/{name}/report", get_report, READERS, 0, 0,
     "records that an import refused, by line"},
    {NET_DELETE, "/imports/{name}", delete_import, CHANGERS, 0, 0, "forgets an import; its records stay"},
};
const size_t face_import_rows_n = sizeof face_import_rows / sizeof *face_import_rows;
