/* /registry: changes of identifiers. Who may change an
 * identifier: a credential whose scope covers it, at the node that is authoritative for it and has not
 * given its prefix to a child. */
#include "resolver/face_registry.h"

#include <stdio.h>

#include "resolver/delegation.h"

enum {
	RECORD_MAX_OCTETS = 16 << 20,
	ANSWER_MAX_OCTETS = IDEMPOTENCY_BODY_MAX,
};

/* ---- who may ---------------------------------------------------------------------------- */

enum err registry_may_change(const struct rs_shard *s, const struct scope *scope, const struct id *id,
			     struct flaw *f, struct str *ret_authority)
{
	return registry_may_change_in(s->zones, scope, id, f, ret_authority);
}

enum err registry_may_change_in(const struct zones *zones, const struct scope *scope, const struct id *id,
				struct flaw *f, struct str *ret_authority)
{
	return registry_may_change_at(zones_find(zones, id), scope, id, f, ret_authority);
}

enum err registry_may_change_at(const struct zone *z, const struct scope *scope, const struct id *id,
				struct flaw *f, struct str *ret_authority)
{
	if (!z)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "id", "authority",
				"this node is not authoritative for the identifier");
	if (z->parent)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "id", "delegated",
				"the prefix %.*s is delegated to another node", STR_ARG(z->text));
	if (!scope_covers(scope, id->key))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "id", "scope",
				"the credential's scope does not cover the identifier");
	*ret_authority = z->prefix;
	return ERR_OK;
}

enum err registry_no_series(const struct record *r, struct flaw *f)
{
	if (!r->series) return ERR_OK;
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "series", "series-place",
			"a series is registered by PUT /series, or as a line of an import");
}

static enum err revision_of(struct str tag, uint64_t *ret)
{
	if (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"') tag = str_n(tag.p + 1, tag.n - 2);
	return str_u64(tag, ret);
}

enum err registry_read_condition(struct net_req *r, struct flaw *f, struct registry_set *s)
{
	struct str match = net_header(r, "if-match"), none = net_header(r, "if-none-match");
	if (match.p && none.p)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-match", "one-condition",
				"if-match and if-none-match exclude each other");
	if (match.p) {
		if (revision_of(match, &s->revision))
			return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-match", "revision",
					"expected the revision, as in the etag: \"3\"");
		s->condition = REGISTRY_REVISION;
	} else if (none.p) {
		if (!str_is(none, "*"))
			return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-none-match", "any",
					"only * is understood");
		s->condition = REGISTRY_ABSENT;
	}
	return ERR_OK;
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err apply_change(struct writer_cmd *c, struct writer_txn *t)
{
	struct change *g = (struct change *)c;
	bool stale = g->job.shard->rs->zones_applied != g->set.zones_version;
	g->set.no_series = !atomic_load(&g->job.shard->rs->series_any);
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	enum err e = idempotency_look(&g->once, t, g->job.arena, &g->job.flaw);
	if (e || g->once.repeated) return e;
	e = registry_apply(&g->set, t, g->job.arena, stale, &g->job.flaw);
	if (!e && g->once.keyed) e = g->tell(g, g->job.arena, &g->once.told);
	return e ? e : idempotency_keep(&g->once, t);
}

static void count_change(struct job *j)
{
	struct change *g = (struct change *)j;
	if (j->err || g->once.repeated) return;
	atomic_fetch_add_explicit(&j->shard->counters.changes, g->set.n, memory_order_relaxed);
}

struct change *registry_change_new(struct net_req *r, size_t arena_cap)
{
	struct change *g = job_begin(r, sizeof *g, arena_cap);
	if (!g) return NULL;
	g->job.cmd.apply = apply_change;
	g->job.settled = count_change;
	g->set.who = g->job.who;
	g->set.roles = ((const struct principal *)r->principal)->roles;
	g->set.zones_version = g->job.shard->zones_version;
	return g;
}

void registry_refuse(struct change *g, enum err e, const struct flaw *f)
{
	RS_COUNT(&g->job.shard->counters, changes_refused);
	job_refuse(&g->job, e, f);
}

bool registry_answer_failure(struct job *j)
{
	if (!j->err) return false;
	RS_COUNT(&j->shard->counters, changes_refused);
	net_reply_err(j->req, j->err, &j->flaw);
	return true;
}

void registry_answer(struct job *j)
{
	struct change *g = (struct change *)j;
	struct told told = g->once.told;
	char tag[32];
	if (registry_answer_failure(j)) return;
	enum err e = g->once.keyed ? ERR_OK : g->tell(g, j->req->arena, &told);
	struct str body = e ? STR_NONE : arena_dup(j->req->arena, told.body);
	if (!body.p) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	if (g->once.repeated) {
		RS_COUNT(&j->shard->counters, repeated);
		net_set(j->req, "idempotency-replayed", STR("true"));
	}
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)told.revision);
	if (told.revision) net_set(j->req, "etag", str_of(tag));
	net_reply(j->req, told.status, MEDIA_JSON, body);
}

static enum err tell_one(const struct change *g, struct arena *a, struct told *ret)
{
	const struct registry_change *c = &g->one;
	struct buf out = BUF_INIT(ANSWER_MAX_OCTETS);
	buf_add(&out, STR("{\"id\":"));
	buf_json(&out, c->id.text);
	buf_printf(&out, ",\"revision\":%llu", (unsigned long long)c->revision);
	if (c->act == REGISTRY_RETIRE) buf_add(&out, STR(",\"status\":\"retired\""));
	if (c->series.n) {
		buf_add(&out, STR(",\"series\":"));
		buf_json(&out, c->series);
	}
	if (c->act == REGISTRY_AMEND) buf_add(&out, STR(",\"indexes\":["));
	for (size_t i = 0; i < c->amendments.n; i++)
		buf_printf(&out, "%s%u", i ? "," : "", c->amendments.list[i].index);
	if (c->act == REGISTRY_AMEND) buf_byte(&out, ']');
	buf_byte(&out, '}');
	struct told told = {c->created ? 201 : 200, c->revision, arena_dup(a, buf_str(&out))};
	enum err e = buf_err(&out);
	buf_done(&out);
	if (!e && !told.body.p) e = ERR_NO_MEMORY;
	if (!e) *ret = told;
	return e;
}

static enum err read_record_json(struct arena *a, struct str body, const struct id *id, struct flaw *f,
				 struct record *ret)
{
	json_t *j;
	enum err e = json_read(a, body, f, &j);
	if (e) return e;
	if (json_is_object(j) && !json_object_get(j, "id")) json_put_str(j, "id", id->text);
	return record_parse_json(a, j, f, ret);
}

static enum err read_record(struct net_req *r, struct arena *a, const struct id *id, struct flaw *f,
			    struct record *ret)
{
	struct id own;
	enum err e;
	if (face_content(r, MEDIA_RECORD)) {
		struct str copy = arena_dup(a, r->body);
		if (r->body.n && !copy.p) return ERR_NO_MEMORY;
		e = face_proto_err(record_unpack(a, copy, f, ret), f);
		if (!e) e = registry_no_series(ret, f);
	} else if (face_content(r, MEDIA_JSON)) {
		e = read_record_json(a, r->body, id, f, ret);
	} else {
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s or %s", MEDIA_JSON, MEDIA_RECORD);
	}
	if (!e) e = id_parse(a, ret->id, f, &own);
	if (!e && !str_eq(own.key, id->key))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "id", "id-path",
			     "the body names another identifier than the path");
	return e;
}

static enum err read_operations(struct net_req *r, struct change *g, struct flaw *f)
{
	json_t *j;
	if (!face_content(r, MEDIA_JSON))
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s", MEDIA_JSON);
	enum err e = json_read(g->job.arena, r->body, f, &j);
	return e ? e : amendments_parse(g->job.arena, j, f, &g->one.amendments);
}

enum err registry_read_reason(struct net_req *r, struct arena *a, struct flaw *f, struct str *ret)
{
	struct str reason;
	if (!net_query(r, "reason", &reason)) return ERR_OK;
	bool ok = reason.n <= RETIRE_REASON_MAX && str_utf8_ok(reason, NULL);
	for (size_t i = 0; ok && i < reason.n; i++)
		ok = (unsigned char)reason.p[i] >= ' ' && reason.p[i] != 0x7f;
	if (!ok)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "reason", "reason",
				"a reason is one line of at most %d octets of UTF-8", RETIRE_REASON_MAX);
	*ret = arena_dup(a, reason);
	return ret->p || !reason.n ? ERR_OK : ERR_NO_MEMORY;
}

static enum err prepare_one(struct net_req *r, struct change *g, enum registry_act act, struct flaw *f)
{
	struct scope scope;
	struct registry_change *c = &g->one;
	struct str text, authority;
	c->act = act;
	g->set.changes = c;
	g->set.n = 1;
	enum err e = net_decode(g->job.arena, r->param[0], f, &text);
	if (!e) e = id_parse(g->job.arena, text, f, &c->id);
	if (!e) e = face_scope(r, &scope);
	if (!e) e = registry_may_change(g->job.shard, &scope, &c->id, f, &authority);
	if (!e) e = registry_read_condition(r, f, &g->set);
	if (!e) e = idempotency_read(r, g->job.who, f, &g->once);
	if (!e && act == REGISTRY_PUT) e = read_record(r, g->job.arena, &c->id, f, &c->record);
	if (!e && act == REGISTRY_AMEND) e = read_operations(r, g, f);
	if (!e && act == REGISTRY_RETIRE) e = registry_read_reason(r, g->job.arena, f, &g->one.reason);
	if (e) return e;
	c->authority = arena_dup(g->job.arena, authority); /* zones may be renewed meanwhile */
	return c->authority.p ? ERR_OK : ERR_NO_MEMORY;
}

static void change_one(struct net_req *r, enum registry_act act)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct change *g = registry_change_new(r, CHANGE_ARENA);
	if (!g) return;
	enum err e = prepare_one(r, g, act, &f);
	if (e) {
		registry_refuse(g, e, &f);
		return;
	}
	g->job.answer = registry_answer;
	g->tell = tell_one;
	job_submit(&g->job);
}

static void put_registry(struct net_req *r)
{
	change_one(r, REGISTRY_PUT);
}

static void delete_registry(struct net_req *r)
{
	change_one(r, REGISTRY_RETIRE);
}

static void patch_registry(struct net_req *r)
{
	change_one(r, REGISTRY_AMEND);
}

/* ---- reading ---------------------------------------------------------------------------- */

enum err registry_may_read(struct net_req *r, struct str key, struct flaw *f)
{
	struct scope scope;
	enum err e = face_scope(r, &scope);
	if (e || scope_covers(&scope, key)) return e;
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
			"the credential's scope does not cover this");
}

static void get_registered(struct net_req *r)
{
	struct rs_shard *s = rs__shard(r);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct record_head head;
	struct str packed;
	struct id id;
	char tag[32];
	struct buf *out = face_buf(r, RECORD_MAX_OCTETS);
	enum err e = face_id(r, &f, &id);
	if (!e) e = registry_may_read(r, id.key, &f);
	if (!e) e = registry_find(s->txn, &id, &packed);
	if (e == ERR_NOT_FOUND) e = face_member(r, &id, &packed, NULL);
	if (e == ERR_NOT_FOUND)
		flaw_set(&f, e, FLAW_NO_OFFSET, "id", "registered", "no such identifier is registered");
	if (!e) e = record_peek(packed, &head);
	if (!e && !out) e = ERR_NO_MEMORY;
	if (!e) e = record_write_json(packed, RECORD_ADMIN, out);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)head.revision);
	net_set(r, "etag", str_of(tag));
	net_reply(r, 200, MEDIA_JSON, buf_str(out));
}

enum { CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, READERS = REGISTRY_READERS };

const struct net_route face_registry_rows[] = {
    {NET_PUT, "/registry/{id...}", put_registry, CHANGERS, FACE_RECORD_BODY, 0,
     "registers or replaces an identifier"},
    {NET_PATCH, "/registry/{id...}", patch_registry, CHANGERS, FACE_RECORD_BODY, 0,
     "adds, modifies and removes single values, all or none"},
    {NET_DELETE, "/registry/{id...}", delete_registry, CHANGERS, 0, 0, "retires an identifier"},
    {NET_GET, "/registry/{id...}", get_registered, READERS, 0, 0, "a record with all its values"},
    {NET_POST, "/registry", post_registry, CHANGERS, FACE_RECORDS_BODY, 0,
     "registers up to 2,000 identifiers, all or none"},
};
const size_t face_registry_rows_n = sizeof face_registry_rows / sizeof *face_registry_rows;
