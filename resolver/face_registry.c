/* /registry and /history: changes of identifiers, lists, and who changed what. Who may change an
 * identifier: a credential whose scope covers it, at the node that is authoritative for it and has not
 * given its prefix to a child. */
#include "resolver/face_registry.h"

#include <stdio.h>

#include "base/ledger.h"
#include "base/text64.h"
#include "resolver/delegation.h"

enum {
	LIST_MAX_OCTETS = 16 << 20,
	CURSOR_TEXT_MAX = 1024, /* base64url of the longest key */
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
	const struct zone *z = zones_find(zones, id);
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
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return registry_apply(&g->set, t, g->job.arena, stale, &g->job.flaw);
}

static void count_change(struct job *j)
{
	struct change *g = (struct change *)j;
	if (j->err) return;
	atomic_fetch_add_explicit(&j->shard->counters.changes, g->set.n, memory_order_relaxed);
}

struct change *registry_change_new(struct net_req *r, size_t arena_cap)
{
	struct change *g = job_new(r, sizeof *g, arena_cap);
	if (!g) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return NULL;
	}
	g->job.cmd.apply = apply_change;
	g->job.settled = count_change;
	g->set.who = g->job.who;
	g->set.zones_version = g->job.shard->zones_version;
	return g;
}

void registry_refuse(struct change *g, enum err e, const struct flaw *f)
{
	RS_COUNT(&g->job.shard->counters, changes_refused);
	net_reply_err(g->job.req, e, f);
	job_drop(&g->job);
}

bool registry_answer_failure(struct job *j)
{
	if (!j->err) return false;
	RS_COUNT(&j->shard->counters, changes_refused);
	net_reply_err(j->req, j->err, j->flaw.err == j->err ? &j->flaw : NULL);
	return true;
}

static void answer_one(struct job *j)
{
	struct change *g = (struct change *)j;
	const struct registry_change *c = &g->one;
	char tag[32];
	if (registry_answer_failure(j)) return;
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)c->revision);
	net_set(j->req, "etag", str_of(tag));
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "id", c->id.text);
	json_put_u64(o, "revision", c->revision);
	if (c->act == REGISTRY_RETIRE) json_put_str(o, "status", STR("retired"));
	face_json(j->req, c->created ? 201 : 200, o);
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
	if (!e && act == REGISTRY_PUT) e = read_record(r, g->job.arena, &c->id, f, &c->record);
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
		registry_refuse(g, e, f.err == e ? &f : NULL);
		return;
	}
	g->job.answer = answer_one;
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

/* ---- reading ---------------------------------------------------------------------------- */

static enum err may_read(struct net_req *r, struct str key, struct flaw *f)
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
	struct buf *out = face_buf(r, LIST_MAX_OCTETS);
	enum err e = face_id(r, &f, &id);
	if (!e) e = may_read(r, id.key, &f);
	if (!e) e = registry_find(s->txn, &id, &packed);
	if (!e) e = record_peek(packed, &head);
	if (!e && !out) e = ERR_NO_MEMORY;
	if (!e) e = record_write_json(packed, RECORD_ADMIN, out);
	if (e) {
		net_reply_err(r, e, f.err == e ? &f : NULL);
		return;
	}
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)head.revision);
	net_set(r, "etag", str_of(tag));
	net_reply(r, 200, MEDIA_JSON, buf_str(out));
}

struct listing {
	struct buf *out;
	uint64_t left;
	struct str last; /* key: borrowed from the snapshot */
	bool more;
	enum err err;
};

static bool list_one(void *arg, struct str key, struct str packed)
{
	struct listing *l = arg;
	struct record_head head;
	char time[CLOCK_TEXT];
	if (!l->left) {
		l->more = true;
		return false;
	}
	l->err = record_peek(packed, &head);
	if (l->err) return false;
	buf_add(l->out, l->last.p ? STR(",{\"id\":") : STR("{\"id\":"));
	buf_json(l->out, head.id);
	buf_printf(l->out, ",\"revision\":%llu,\"modified\":\"%s\",\"status\":\"%s\"}",
		   (unsigned long long)head.revision, clock_print(head.modified, false, time),
		   head.status == RECORD_RETIRED ? "retired" : "active");
	l->last = key;
	l->left--;
	return true;
}

static enum err list_place(struct net_req *r, struct flaw *f, struct id_prefix *prefix, struct str *after,
			   uint64_t *limit)
{
	struct str text;
	*after = STR_NONE;
	*limit = FACE_LIST;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, limit);
	if (e) return e;
	if (!net_query(r, "prefix", &text) || !text.n)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "prefix", "required",
				"the query parameter prefix is missing");
	e = id_prefix_parse(r->arena, text, f, prefix);
	if (e) return e;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	if (text.n > CURSOR_TEXT_MAX || base64url_parse(r->arena, text, after) ||
	    after->n > STORE_KEY_MAX || !str_starts(*after, prefix->key))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this list gave out");
	return ERR_OK;
}

static void get_list(struct net_req *r)
{
	struct rs_shard *s = rs__shard(r);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id_prefix prefix;
	struct str after;
	struct listing l = {.out = face_buf(r, LIST_MAX_OCTETS)};
	enum err e = l.out ? list_place(r, &f, &prefix, &after, &l.left) : ERR_NO_MEMORY;
	if (!e) e = may_read(r, prefix.key, &f);
	if (e) {
		net_reply_err(r, e, f.err == e ? &f : NULL);
		return;
	}
	buf_add(l.out, STR("{\"records\":["));
	e = registry_list(s->txn, prefix.key, after, list_one, &l);
	if (!e) e = l.err;
	buf_add(l.out, STR("]"));
	if (l.more) {
		buf_add(l.out, STR(",\"next\":"));
		buf_json(l.out, base64url_write(r->arena, l.last.p ? l.last : after));
	}
	buf_add(l.out, STR("}"));
	if (!e) e = buf_err(l.out);
	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, 200, MEDIA_JSON, buf_str(l.out));
}

struct history {
	struct store_txn *txn;
	struct buf *out;
	bool any;
};

static void put_digest(struct buf *b, const char *name, struct str sha256)
{
	char hex[64];
	bool none = true;
	for (size_t i = 0; i < sha256.n; i++) none &= !sha256.p[i];
	buf_printf(b, ",\"%s\":", name);
	if (none) {
		buf_add(b, STR("null"));
		return;
	}
	hex_write(sha256.p, sha256.n, hex);
	buf_json(b, str_n(hex, sizeof hex));
}

static enum err put_history(void *arg, uint64_t leaf, struct str digests)
{
	struct history *h = arg;
	struct ledger_leaf entry;
	enum err e = ledger_read(h->txn, leaf, &entry);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	buf_add(h->out, h->any ? STR(",{\"index\":") : STR("{\"index\":"));
	buf_u64(h->out, leaf);
	put_digest(h->out, "before", str_first(digests, HASH_SHA256));
	put_digest(h->out, "after", str_skip(digests, HASH_SHA256));
	buf_add(h->out, STR(",\"entry\":"));
	buf_add(h->out, entry.entry);
	buf_byte(h->out, '}');
	h->any = true;
	return buf_err(h->out);
}

static void get_history(struct net_req *r)
{
	struct rs_shard *s = rs__shard(r);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id id;
	struct history h = {.txn = s->txn, .out = face_buf(r, LIST_MAX_OCTETS)};
	enum err e = h.out ? face_id(r, &f, &id) : ERR_NO_MEMORY;
	if (!e) e = may_read(r, id.key, &f);
	if (!e) {
		buf_add(h.out, STR("{\"id\":"));
		buf_json(h.out, id.text);
		buf_add(h.out, STR(",\"history\":["));
		e = registry_history(s->txn, &id, put_history, &h);
		buf_add(h.out, STR("]}"));
	}
	if (!e && !h.any) e = ERR_NOT_FOUND;
	if (!e) e = buf_err(h.out);
	if (e)
		net_reply_err(r, e, f.err == e ? &f : NULL);
	else
		net_reply(r, 200, MEDIA_JSON, buf_str(h.out));
}

enum { CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, READERS = CHANGERS | ROLE_AUDITOR };

const struct net_route face_registry_rows[] = {
    {NET_PUT, "/registry/{id...}", put_registry, CHANGERS, FACE_RECORD_BODY, 0,
     "registers or replaces an identifier"},
    {NET_DELETE, "/registry/{id...}", delete_registry, CHANGERS, 0, 0, "retires an identifier"},
    {NET_GET, "/registry/{id...}", get_registered, READERS, 0, 0, "a record with all its values"},
    {NET_GET, "/registry", get_list, READERS, 0, 0, "identifiers under a prefix"},
    {NET_POST, "/registry", post_registry, CHANGERS, FACE_RECORDS_BODY, 0,
     "registers up to 2,000 identifiers, all or none"},
    {NET_GET, "/history/{id...}", get_history, READERS, 0, 0, "changes of an identifier"},
};
const size_t face_registry_rows_n = sizeof face_registry_rows / sizeof *face_registry_rows;
