/* /series: one record for many identifiers. Who may change a series: who may change all its members. A
 * single member is changed as any identifier is, by /registry: from then on its own record goes before
 * the series. */
#include <stdio.h>

#include "base/ledger.h"
#include "base/text64.h"
#include "resolver/delegation.h"
#include "resolver/face_registry.h"
#include "resolver/series.h"

enum {
	OVERRIDES_COUNTED = 1000, /* more are said to be more: who asks does not pay for millions */
	LIST_STEPS = 10000,       /* rows looked at for one page */
	LIST_OCTETS = 16 << 20,
	CURSOR_TEXT_MAX = 1024,
};

struct series_job {
	struct job job;
	struct series_change c;
};

enum err face_member(struct net_req *r, const struct id *id, struct str *ret_packed, uint64_t *ret_leaf)
{
	struct series s;
	struct record_head head;
	enum err e = series_find(rs__shard(r)->txn, id, &s);
	if (!e) e = series_fill(r->arena, &s, id, ret_packed, &head);
	if (!e && ret_leaf) *ret_leaf = s.leaf;
	return e;
}

enum err face_series_of(struct net_req *r, const struct id *id, struct str *ret_pattern)
{
	struct series s;
	struct record_head head;
	enum err e = series_find(rs__shard(r)->txn, id, &s);
	if (!e) e = record_peek(s.packed, &head);
	if (!e) *ret_pattern = head.id;
	return e;
}

/* ---- who may ---------------------------------------------------------------------------- */

/* What all members' keys begin with. */
static struct str shared_by(const struct series_pattern *p)
{
	size_t n = 0;
	while (n < p->first.key.n && p->first.key.p[n] == p->last.key.p[n]) n++;
	return str_first(p->first.key, n);
}

static enum err may_read(struct net_req *r, struct str key, struct flaw *f)
{
	struct scope scope;
	enum err e = face_scope(r, &scope);
	if (e || scope_covers(&scope, key)) return e;
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
			"the credential's scope does not cover this");
}

enum err series_may_change_in(const struct zones *zones, const struct scope *scope,
			      const struct series_pattern *p, struct flaw *f, struct str *ret_authority)
{
	struct str shared = shared_by(p), authority;
	enum err e = registry_may_change_in(zones, scope, &p->first, f, &authority);
	if (e) return e;
	if (authority.n > shared.n)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "pattern", "authority",
				"this node is not authoritative for all of the range");
	if (!scope_covers(scope, shared))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "pattern", "scope",
				"the credential's scope does not cover all of the range");
	*ret_authority = authority;
	return ERR_OK;
}

static enum err may_change(struct net_req *r, const struct series_pattern *p, struct flaw *f,
			   struct str *ret_authority)
{
	struct scope scope;
	enum err e = face_scope(r, &scope);
	return e ? e : series_may_change_in(rs__shard(r)->zones, &scope, p, f, ret_authority);
}

/* ---- telling ---------------------------------------------------------------------------- */

struct overrides {
	const struct series_pattern *p;
	uint64_t n, looked;
	bool more;
};

static bool count_override(void *arg, struct str key, struct str packed)
{
	struct overrides *o = arg;
	const struct series_pattern *p = o->p;
	(void)packed;
	if (str_cmp(key, p->last.key) > 0) return false;
	o->more = ++o->looked > OVERRIDES_COUNTED;
	if (o->more) return false;
	bool member = key.n == p->first.key.n && !memcmp(key.p, p->first.key.p, p->head) &&
		      series_range_has(&p->range, str_first(str_skip(key, p->head), p->range.from.n));
	size_t after = p->head + p->range.from.n, mid = p->rest ? p->rest - 1 : 0;
	o->n += member && !memcmp(key.p + after, p->first.key.p + after, mid) &&
		str_eq(str_skip(key, after + p->rest), str_skip(p->first.key, after + p->rest));
	return true;
}

/* Records of their own that members have: they go before the series. */
static enum err count_overrides(struct store_txn *t, const struct series_pattern *p, struct overrides *ret)
{
	struct overrides o = {.p = p};
	struct str packed;
	enum err e = registry_find(t, &p->first, &packed);
	o.n = !e;
	if (!e || e == ERR_NOT_FOUND) e = registry_list(t, shared_by(p), p->first.key, count_override, &o);
	if (!e) *ret = o;
	return e;
}

static enum err put_pattern(struct store_txn *t, const struct series_pattern *p, json_t *o)
{
	struct overrides own;
	enum err e = count_overrides(t, p, &own);
	if (e) return e;
	json_put_str(o, "pattern", p->text);
	json_put_str(o, "first", p->first.text);
	json_put_str(o, "last", p->last.text);
	json_put_u64(o, "members", p->members);
	json_put_u64(o, "overrides", own.n);
	if (own.more) json_put(o, "overrides_more", json_true());
	return ERR_OK;
}

static void set_etag(struct net_req *r, uint64_t revision)
{
	char tag[32];
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)revision);
	net_set(r, "etag", str_of(tag));
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct series_job *g = (struct series_job *)c;
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	/* before it is committed, so that no snapshot has a series that nobody looks for */
	if (g->c.act == SERIES_PUT) atomic_store(&g->job.shard->rs->series_any, true);
	return series_apply(&g->c, t, g->job.arena, &g->job.flaw);
}

static void count_change(struct job *j)
{
	if (!j->err) atomic_fetch_add_explicit(&j->shard->counters.changes, 1, memory_order_relaxed);
}

static void answer_change(struct job *j)
{
	const struct series_change *c = &((struct series_job *)j)->c;
	if (registry_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	enum err e = o ? put_pattern(j->shard->txn, &c->pattern, o) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(j->req, e, NULL);
		return;
	}
	set_etag(j->req, c->now);
	json_put_u64(o, "revision", c->now);
	if (c->act == SERIES_RETIRE) json_put_str(o, "status", STR("retired"));
	face_json(j->req, c->created ? 201 : 200, o);
}

static void answer_split(struct job *j)
{
	const struct series_change *c = &((struct series_job *)j)->c;
	if (registry_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object()), *halves = json_array();
	enum err e = o && halves ? ERR_OK : ERR_NO_MEMORY;
	for (size_t i = 0; i < 2 && !e; i++) {
		json_t *half = json_object();
		if (json_array_append_new(halves, half)) e = ERR_NO_MEMORY;
		if (!e) e = put_pattern(j->shard->txn, &c->halves[i], half);
	}
	if (e) {
		json_decref(halves);
		net_reply_err(j->req, e, NULL);
		return;
	}
	set_etag(j->req, c->now);
	json_put_str(o, "split", c->pattern.text);
	json_put(o, "series", halves);
	json_put_u64(o, "revision", c->now);
	face_json(j->req, 200, o);
}

static struct series_job *series_job_new(struct net_req *r, enum series_act act)
{
	struct series_job *g = job_begin(r, sizeof *g, CHANGE_ARENA);
	if (!g) return NULL;
	g->job.cmd.apply = apply;
	g->job.settled = count_change;
	g->job.answer = act == SERIES_SPLIT ? answer_split : answer_change;
	g->c.act = act;
	g->c.who = g->job.who;
	g->c.roles = ((const struct principal *)r->principal)->roles;
	return g;
}

static void finish(struct series_job *g, enum err e, const struct flaw *f)
{
	if (!e) {
		job_submit(&g->job);
		return;
	}
	RS_COUNT(&g->job.shard->counters, changes_refused);
	job_refuse(&g->job, e, f);
}

/* Pattern, right and condition. */
static enum err prepare(struct series_job *g, struct str pattern, struct flaw *f)
{
	struct registry_set condition = {.condition = REGISTRY_ANY};
	struct series_change *c = &g->c;
	struct str authority;
	enum err e = series_pattern_parse(g->job.arena, pattern, f, &c->pattern);
	if (!e) e = may_change(g->job.req, &c->pattern, f, &authority);
	if (!e) e = registry_read_condition(g->job.req, f, &condition);
	if (e) return e;
	c->condition = condition.condition;
	c->revision = condition.revision;
	c->authority = arena_dup(g->job.arena, authority); /* zones may be renewed meanwhile */
	return c->authority.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err read_json(struct series_job *g, struct flaw *f, struct str *ret_named)
{
	json_t *j;
	enum err e = json_read(g->job.arena, g->job.req->body, f, &j);
	if (e) return e;
	/* an id is tolerated as its name */
	struct str id = json_text(json_object_get(j, "id"));
	if (json_is_object(j) && !json_object_get(j, "pattern"))
		json_put_str(j, "pattern", id.p ? id : g->c.pattern.text);
	if (id.p) json_object_del(j, "id");
	e = record_parse_series_json(g->job.arena, j, f, &g->c.record);
	g->c.record.series = false; /* the table says so */
	if (!e) *ret_named = g->c.record.id;
	return e;
}

static enum err read_values(struct series_job *g, struct flaw *f)
{
	struct net_req *r = g->job.req;
	struct series_pattern named;
	struct str text = STR_NONE;
	enum err e;
	if (face_content(r, MEDIA_RECORD)) {
		struct str copy = arena_dup(g->job.arena, r->body);
		if (r->body.n && !copy.p) return ERR_NO_MEMORY;
		e = face_proto_err(record_unpack(g->job.arena, copy, f, &g->c.record), f);
		g->c.record.series = false;
		text = g->c.record.id;
	} else if (face_content(r, MEDIA_JSON)) {
		e = read_json(g, f, &text);
	} else {
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s or %s", MEDIA_JSON, MEDIA_RECORD);
	}
	if (e) return e;
	if (!str_eq(text, g->c.pattern.text)) {
		e = series_pattern_parse(g->job.arena, text, f, &named);
		if (!e && !str_eq(named.text, g->c.pattern.text))
			e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "pattern", "pattern-path",
				     "the body names another pattern than the path");
	}
	return e ? e : series_check_values(g->job.arena, &g->c.pattern, &g->c.record, f);
}

static void change(struct net_req *r, enum series_act act)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct series_job *g = series_job_new(r, act);
	struct str text;
	if (!g) return;
	enum err e = net_decode(g->job.arena, r->param[0], &f, &text);
	if (!e) e = prepare(g, text, &f);
	if (!e && act == SERIES_PUT) e = read_values(g, &f);
	if (!e && act == SERIES_RETIRE) e = registry_read_reason(r, g->job.arena, &f, &g->c.reason);
	finish(g, e, &f);
}

static void put_series(struct net_req *r)
{
	change(r, SERIES_PUT);
}

static void delete_series(struct net_req *r)
{
	change(r, SERIES_RETIRE);
}

/* {"pattern":…, NAME:…}: a serial of the range, or a member. */
static enum err read_point(struct arena *a, struct net_req *r, const char *name, struct flaw *f,
			   struct str ret[2])
{
	json_t *j;
	if (!face_content(r, MEDIA_JSON))
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s", MEDIA_JSON);
	enum err e = json_read(a, r->body, f, &j);
	if (!e && !json_is_object(j))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	if (!e) e = json_str(j, "", "pattern", f, &ret[0]);
	if (!e) e = json_str(j, "", name, f, &ret[1]);
	return e;
}

static void post_split(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct series_job *g = series_job_new(r, SERIES_SPLIT);
	struct str words[2], serial;
	if (!g) return;
	struct arena *a = g->job.arena;
	enum err e = read_point(a, r, "at", &f, words);
	if (!e) e = prepare(g, words[0], &f);
	if (!e) e = series_pattern_find(a, &g->c.pattern, words[1], &f, &serial);
	if (!e) e = series_pattern_split(a, &g->c.pattern, serial, &f, g->c.halves);
	finish(g, e, &f);
}

/* ---- a single member -------------------------------------------------------------------- */

static void answer_member(struct job *j)
{
	const struct registry_change *c = &((struct change *)j)->one;
	struct str pattern;
	if (registry_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	set_etag(j->req, c->revision);
	json_put_str(o, "id", c->id.text);
	json_put_u64(o, "revision", c->revision);
	json_put_str(o, "status", STR("retired"));
	if (!face_series_of(j->req, &c->id, &pattern)) json_put_str(o, "series", pattern);
	face_json(j->req, 200, o);
}

static enum err prepare_member(struct net_req *r, struct change *g, struct flaw *f)
{
	struct arena *a = g->job.arena;
	struct series_pattern p;
	struct series s;
	struct scope scope;
	struct str words[2], serial, authority;
	enum err e = read_point(a, r, "member", f, words);
	if (!e) e = series_pattern_parse(a, words[0], f, &p);
	if (!e) e = series_pattern_find(a, &p, words[1], f, &serial);
	if (!e) e = series_pattern_member(a, &p, serial, &g->one.id);
	if (!e) e = face_scope(r, &scope);
	if (!e) e = registry_may_change(g->job.shard, &scope, &g->one.id, f, &authority);
	if (!e) e = registry_read_condition(r, f, &g->set);
	if (!e) e = series_get(g->job.shard->txn, &p, &s);
	if (!e) e = registry_read_reason(r, a, f, &g->one.reason);
	if (e) return e;
	g->one.act = REGISTRY_RETIRE;
	g->set.changes = &g->one;
	g->set.n = 1;
	g->one.authority = arena_dup(a, authority);
	return g->one.authority.p ? ERR_OK : ERR_NO_MEMORY;
}

static void post_retire_member(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct change *g = registry_change_new(r, CHANGE_ARENA);
	if (!g) return;
	enum err e = prepare_member(r, g, &f);
	if (e) {
		registry_refuse(g, e, &f);
		return;
	}
	g->job.answer = answer_member;
	job_submit(&g->job);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* {pattern, first, last, members, overrides, then what a record has but its id}. */
static enum err put_whole(struct net_req *r, const struct series_pattern *p, const struct series *s,
			  struct buf *out)
{
	static const struct str from = {",\"scheme\":", 10};
	json_t *o = json_keep(r->arena, json_object());
	struct buf *record = face_buf(r, LIST_OCTETS);
	enum err e = o && record ? put_pattern(rs__shard(r)->txn, p, o) : ERR_NO_MEMORY;
	if (!e) e = record_write_json(s->packed, RECORD_ADMIN, record);
	if (e) return e;
	struct str head = json_write(r->arena, o, false), rest = buf_str(record);
	const char *tail = memmem(rest.p, rest.n, from.p, from.n);
	if (!head.p || !tail) return head.p ? ERR_INTERNAL : ERR_NO_MEMORY;
	buf_add(out, str_first(head, head.n - 1));
	buf_add(out, str_skip(rest, (size_t)(tail - rest.p)));
	return buf_err(out);
}

struct history {
	struct store_txn *txn;
	struct buf *out;
	bool any;
};

static enum err put_entry(void *arg, uint64_t leaf, struct str digests)
{
	struct history *h = arg;
	enum err e = face_put_change(h->txn, leaf, digests, !h->any, h->out);
	h->any = true;
	return e;
}

static enum err put_history(struct net_req *r, const struct series_pattern *p, const struct series *s,
			    struct buf *out)
{
	struct history h = {.txn = rs__shard(r)->txn, .out = out};
	buf_add(out, STR("{\"pattern\":"));
	buf_json(out, p->text);
	buf_add(out, STR(",\"history\":["));
	enum err e = series_history(h.txn, s, put_entry, &h);
	buf_add(out, STR("]}"));
	return e ? e : buf_err(out);
}

static void get_series(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct buf *out = face_buf(r, LIST_OCTETS);
	struct series_pattern p;
	struct record_head head;
	struct series s;
	struct str text;
	uint64_t history = 0;
	enum err e = out ? net_decode(r->arena, r->param[0], &f, &text) : ERR_NO_MEMORY;
	if (!e) e = series_pattern_parse(r->arena, text, &f, &p);
	if (!e) e = may_read(r, shared_by(&p), &f);
	if (!e) e = net_query_number(r, "history", 1, &f, &history);
	if (!e) e = series_get(rs__shard(r)->txn, &p, &s);
	if (!e) e = record_peek(s.packed, &head);
	if (!e) e = history ? put_history(r, &p, &s, out) : put_whole(r, &p, &s, out);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	if (!history) set_etag(r, head.revision);
	net_reply(r, 200, MEDIA_JSON, buf_str(out));
}

struct listing {
	struct buf *out;
	uint64_t left, steps;
	struct str last; /* key of a row: borrowed from the snapshot */
	bool any, more;
	enum err err;
};

static enum err put_row(struct listing *l, const struct series *s)
{
	struct record_head head;
	char time[CLOCK_TEXT];
	enum err e = record_peek(s->packed, &head);
	if (e) return e;
	buf_add(l->out, l->any ? STR(",{\"pattern\":") : STR("{\"pattern\":"));
	buf_json(l->out, head.id);
	buf_printf(l->out, ",\"members\":%llu,\"revision\":%llu,\"modified\":\"%s\",\"status\":\"%s\"}",
		   (unsigned long long)series_range_count(&s->range), (unsigned long long)head.revision,
		   clock_print(head.modified, false, time),
		   head.status == RECORD_RETIRED ? "retired" : "active");
	l->any = true;
	return ERR_OK;
}

static bool list_one(void *arg, const struct series *s, bool under)
{
	struct listing *l = arg;
	l->more = !l->left || l->steps++ == LIST_STEPS;
	if (l->more) return false;
	if (under) l->err = put_row(l, s);
	l->left -= under;
	l->last = s->key;
	return !l->err;
}

static enum err read_cursor(struct net_req *r, struct flaw *f, struct str *ret)
{
	struct str text;
	*ret = STR_NONE;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	if (text.n > CURSOR_TEXT_MAX || base64url_parse(r->arena, text, ret) || ret->n > STORE_KEY_MAX)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this list gave out");
	return ERR_OK;
}

static enum err list_prefix(struct net_req *r, struct listing *l, struct str text, struct flaw *f)
{
	struct id_prefix prefix;
	struct str after;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, &l->left);
	if (!e) e = id_prefix_parse(r->arena, text, f, &prefix);
	if (!e) e = may_read(r, prefix.key, f);
	if (!e) e = read_cursor(r, f, &after);
	if (!e) l->last = after;
	if (!e) e = series_list(rs__shard(r)->txn, prefix.key, after, list_one, l);
	return e ? e : l->err;
}

static enum err list_member(struct net_req *r, struct listing *l, struct str text, struct flaw *f)
{
	struct series s;
	struct id id;
	enum err e = id_parse(r->arena, text, f, &id);
	if (!e) e = may_read(r, id.key, f);
	if (!e) e = series_find(rs__shard(r)->txn, &id, &s);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	return put_row(l, &s);
}

static void get_list(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.out = face_buf(r, LIST_OCTETS), .left = FACE_LIST};
	struct str text;
	enum err e = ERR_NO_MEMORY;
	if (l.out) {
		buf_add(l.out, STR("{\"series\":["));
		if (net_query(r, "member", &text) && text.n)
			e = list_member(r, &l, text, &f);
		else if (net_query(r, "prefix", &text) && text.n)
			e = list_prefix(r, &l, text, &f);
		else
			e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "prefix", "required",
				     "the query parameter prefix, or member, is missing");
		buf_add(l.out, STR("]"));
	}
	if (!e && l.more) {
		buf_add(l.out, STR(",\"next\":"));
		buf_json(l.out, base64url_write(r->arena, l.last));
	}
	if (!e) buf_add(l.out, STR("}"));
	face_answer(r, e, &f, l.out);
}

enum { CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, READERS = CHANGERS | ROLE_AUDITOR };

const struct net_route face_series_rows[] = {
    {NET_PUT, "/series/{pattern...}", put_series, CHANGERS, FACE_RECORD_BODY, 0,
     "registers or replaces a series: many identifiers in one record"},
    {NET_GET, "/series/{pattern...}", get_series, READERS, 0, 0,
     "a series with its templates; or its history"},
    {NET_DELETE, "/series/{pattern...}", delete_series, CHANGERS, 0, 0,
     "retires a series; reason=TEXT is told to who asks for it or for a member"},
    {NET_GET, "/series", get_list, READERS, 0, 0, "series under a prefix, or that of a member"},
    {NET_POST, "/series/split", post_split, CHANGERS, FACE_BODY, 0, "cuts a series in two before a member"},
    {NET_POST, "/series/retire-member", post_retire_member, CHANGERS, FACE_BODY, 0,
     "retires one member of a series; reason=TEXT is told to who asks for it"},
};
const size_t face_series_rows_n = sizeof face_series_rows / sizeof *face_series_rows;
