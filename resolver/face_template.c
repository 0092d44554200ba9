/* /templates and /classifications: which attributes the identifiers of an enterprise carry. */
#include "resolver/face_template.h"

#include <stdio.h>

#include "base/text64.h"

enum { TEMPLATES_OCTETS = 16 << 20, CURSOR_MAX = 1024 };

bool template_covered(const struct scope *scope, struct arena *a, struct str prefix)
{
	struct id_prefix p, under;
	if (id_prefix_parse(a, prefix, NULL, &p)) return false;
	if (scope_covers(scope, p.key)) return true;
	struct str text = arena_printf(a, "%.*s/", STR_ARG(prefix));
	return p.scheme == ID_HANDLE && text.p && !id_prefix_parse_as(ID_HANDLE, a, text, NULL, &under) &&
	       scope_covers(scope, under.key);
}

enum err template_may_change(const struct rs_shard *s, const struct scope *scope, struct arena *a,
			     struct str prefix, struct flaw *f)
{
	struct id_prefix p;
	enum err e = id_prefix_parse(a, prefix, f, &p);
	if (e) {
		if (f) snprintf(f->at, sizeof f->at, "prefix");
		return e;
	}
	const struct zone *z = zones_find_prefix(s->zones, p.key);
	if (!z || z->parent)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix",
				z ? "delegated" : "authority",
				"this node does not register identifiers under the prefix");
	if (!template_covered(scope, a, prefix))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "prefix", "scope",
				"the credential's scope does not cover the prefix");
	return ERR_OK;
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct template_job *g = (struct template_job *)c;
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return g->remove ? templates_delete(t, g->job.arena, &g->change, &g->job.flaw)
			 : templates_put(t, g->job.arena, &g->change, &g->job.flaw);
}

struct template_job *template_job_new(struct net_req *r, bool remove)
{
	struct template_job *g = job_new(r, sizeof *g, TEMPLATE_ARENA);
	if (!g) return NULL;
	g->job.cmd.apply = apply;
	g->change.who = g->job.who;
	g->remove = remove;
	return g;
}

static void put_tag(struct net_req *r, uint64_t revision)
{
	char tag[32];
	snprintf(tag, sizeof tag, "\"%llu\"", (unsigned long long)revision);
	net_set(r, "etag", str_of(tag));
}

static json_t *shown(const struct template *t, uint64_t uses, uint64_t series)
{
	char time[CLOCK_TEXT];
	json_t *o = template_write(t, false);
	if (t->base.n) json_put_str(o, "base", t->base);
	json_put_u64(o, "revision", t->revision);
	json_put_str(o, "creator", t->creator);
	json_put_str(o, "created", str_of(clock_print(t->created, false, time)));
	json_put_str(o, "modified", str_of(clock_print(t->modified, false, time)));
	json_put_u64(o, "uses", uses);
	json_put_u64(o, "series", series);
	return o;
}

static void answer(struct job *j)
{
	struct template_job *g = (struct template_job *)j;
	if (j->err) {
		net_reply_err(j->req, j->err, &j->flaw);
		return;
	}
	if (g->remove) {
		net_reply(j->req, 204, NULL, STR(""));
		return;
	}
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	put_tag(j->req, g->change.template.revision);
	json_put_str(o, "prefix", g->change.template.prefix);
	json_put_str(o, "version", g->change.template.version);
	json_put_u64(o, "revision", g->change.template.revision);
	face_json(j->req, g->change.created ? 201 : 200, o);
}

static enum err read_condition(struct net_req *r, struct templates_change *c, struct flaw *f)
{
	struct str match = net_header(r, "if-match"), none = net_header(r, "if-none-match");
	if (none.p) {
		c->condition = TEMPLATES_ABSENT;
		if (match.p || !str_is(none, "*"))
			return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-none-match", "any",
					"only * is understood, and without if-match");
	}
	if (match.n >= 2 && match.p[0] == '"' && match.p[match.n - 1] == '"')
		match = str_n(match.p + 1, match.n - 2);
	if (match.p && (str_u64(match, &c->revision) || !c->revision))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-match", "revision",
				"expected the revision, as in the etag: \"3\"");
	return ERR_OK;
}

/* The body; a path's prefix and version stand for members that are absent, and may not contradict them. */
static enum err read_body(struct net_req *r, struct template_job *g, struct flaw *f)
{
	struct arena *a = g->job.arena;
	struct str path[2] = {STR_NONE, STR_NONE};
	static const char *const names[] = {"prefix", "version"};
	json_t *j;
	if (!face_content(r, MEDIA_JSON))
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s", MEDIA_JSON);
	enum err e = json_read(a, r->body, f, &j);
	for (int i = 0; i < 2 && !e && r->param[0].p; i++) {
		e = net_decode(a, r->param[i], f, &path[i]);
		if (e || !json_is_object(j)) continue;
		struct str there = json_text(json_object_get(j, names[i]));
		if (there.p && !str_eq(there, path[i]))
			e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, names[i], "template-path",
				     "the body names another template than the path");
		else
			json_put_str(j, names[i], path[i]);
	}
	return e ? e : template_read(a, j, false, f, &g->change.template);
}

static void change(struct net_req *r, bool remove, enum templates_condition condition)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct scope scope;
	struct template_job *g = template_job_new(r, remove);
	if (!g) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	struct template *t = &g->change.template;
	g->change.condition = condition;
	enum err e = face_scope(r, &scope);
	if (!e) e = read_condition(r, &g->change, &f);
	if (!e && !remove) e = read_body(r, g, &f);
	if (!e && remove) e = net_decode(g->job.arena, r->param[0], &f, &t->prefix);
	if (!e && remove) e = net_decode(g->job.arena, r->param[1], &f, &t->version);
	if (!e) e = template_may_change(g->job.shard, &scope, g->job.arena, t->prefix, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.answer = answer;
	job_submit(&g->job);
}

static void post_templates(struct net_req *r)
{
	change(r, false, TEMPLATES_ABSENT);
}

static void put_template(struct net_req *r)
{
	change(r, false, TEMPLATES_ANY);
}

static void delete_template(struct net_req *r)
{
	change(r, true, TEMPLATES_PRESENT);
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum err may_read(struct net_req *r, struct str prefix, struct flaw *f)
{
	struct scope scope;
	enum err e = face_scope(r, &scope);
	if (e || template_covered(&scope, r->arena, prefix)) return e;
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
			"the credential's scope does not cover this");
}

static void get_template(struct net_req *r)
{
	struct store_txn *txn = rs__shard(r)->txn;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct str prefix, version;
	struct id_prefix p;
	struct template t;
	uint64_t uses, series;
	enum err e = net_decode(r->arena, r->param[0], &f, &prefix);
	if (!e) e = net_decode(r->arena, r->param[1], &f, &version);
	if (!e) e = id_prefix_parse(r->arena, prefix, &f, &p);
	if (!e) e = may_read(r, p.text, &f);
	if (!e) e = templates_find(txn, r->arena, prefix, version, &t);
	if (e == ERR_NOT_FOUND && !f.err)
		e = flaw_set(&f, e, FLAW_NO_OFFSET, "version", "template-known",
			     "there is no template %.*s/%.*s", STR_ARG(str_first(prefix, 64)),
			     STR_ARG(str_first(version, 64)));
	if (!e) e = templates_uses(txn, r->arena, &t, &uses);
	if (!e) e = templates_series_uses(txn, r->arena, &t, &series);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	put_tag(r, t.revision);
	face_json(r, 200, json_keep(r->arena, shown(&t, uses, series)));
}

struct listing {
	struct net_req *r;
	json_t *items;
	uint64_t left;
	struct str last;
	bool more;
	enum err err;
};

static bool list_one(void *arg, struct str key, struct str json)
{
	struct listing *l = arg;
	struct template t;
	uint64_t uses, series;
	json_t *j;
	if (!l->left) {
		l->more = true;
		return false;
	}
	l->err = json_read_large(l->r->arena, json, NULL, &j);
	if (!l->err) l->err = template_read(l->r->arena, j, true, NULL, &t);
	if (!l->err) l->err = templates_uses(rs__shard(l->r)->txn, l->r->arena, &t, &uses);
	if (!l->err) l->err = templates_series_uses(rs__shard(l->r)->txn, l->r->arena, &t, &series);
	if (l->err) return false;
	json_t *o = json_object();
	json_put_str(o, "prefix", t.prefix);
	json_put_str(o, "version", t.version);
	json_put_str(o, "title", t.title);
	json_put(o, "published", json_boolean(t.published));
	json_put_u64(o, "attributes", t.attributes_n);
	json_put_u64(o, "revision", t.revision);
	json_put_u64(o, "uses", uses);
	json_put_u64(o, "series", series);
	must(!json_array_append_new(l->items, o));
	l->last = key;
	l->left--;
	return true;
}

static enum err list_place(struct net_req *r, struct flaw *f, struct id_prefix *p, struct str *after,
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
	e = id_prefix_parse(r->arena, text, f, p);
	if (e || !net_query(r, "cursor", &text) || !text.n) return e;
	if (text.n > CURSOR_MAX || base64url_parse(r->arena, text, after) || after->n > STORE_KEY_MAX ||
	    !str_starts(*after, p->key))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this list gave out");
	return ERR_OK;
}

static void get_templates(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id_prefix p;
	struct str after;
	json_t *o = json_keep(r->arena, json_object());
	struct listing l = {.r = r, .items = json_array()};
	enum err e = o && l.items ? list_place(r, &f, &p, &after, &l.left) : ERR_NO_MEMORY;
	if (o) json_put(o, "templates", l.items);
	if (!e) e = may_read(r, p.text, &f);
	if (!e) e = templates_list(rs__shard(r)->txn, p.key, after, list_one, &l);
	if (!e) e = l.err;
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	if (l.more) json_put_str(o, "next", base64url_write(r->arena, l.last));
	face_json(r, 200, o);
}

/* ---- classifications -------------------------------------------------------------------- */

struct class_job {
	struct job job;
	struct id_prefix prefix;
	struct str json;
};

static enum err apply_classes(struct writer_cmd *c, struct writer_txn *t)
{
	struct class_job *g = (struct class_job *)c;
	return templates_classes_put(t, g->job.who, &g->prefix, g->json);
}

static void answer_classes(struct job *j)
{
	if (j->err)
		net_reply_err(j->req, j->err, NULL);
	else
		net_reply(j->req, 204, NULL, STR(""));
}

static enum err read_classes(struct net_req *r, struct class_job *g, struct flaw *f)
{
	struct scope scope;
	struct str text;
	json_t *j, *list;
	enum err e = face_scope(r, &scope);
	if (!e) e = net_decode(g->job.arena, r->param[0], f, &text);
	if (!e) e = template_may_change(g->job.shard, &scope, g->job.arena, text, f);
	if (!e) e = id_prefix_parse(g->job.arena, text, f, &g->prefix);
	if (!e) e = json_read(g->job.arena, r->body, f, &j);
	if (!e && !json_is_object(j))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	if (!e) e = json_arr(j, "", "classes", f, &list);
	if (!e) e = templates_classes_check(list, f);
	if (e) return e;
	g->json = json_write(g->job.arena, list, false);
	return g->json.p ? ERR_OK : ERR_NO_MEMORY;
}

static void put_classes(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct class_job *g = job_begin(r, sizeof *g, TEMPLATE_ARENA);
	if (!g) return;
	enum err e = read_classes(r, g, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_classes;
	g->job.answer = answer_classes;
	job_submit(&g->job);
}

static void get_classes(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct str text, json;
	struct id_prefix p;
	json_t *o = json_keep(r->arena, json_object()), *list;
	enum err e = o ? net_decode(r->arena, r->param[0], &f, &text) : ERR_NO_MEMORY;
	if (!e) e = id_prefix_parse(r->arena, text, &f, &p);
	if (!e) e = may_read(r, p.text, &f);
	if (!e) e = templates_classes(rs__shard(r)->txn, p.key, &json);
	if (!e) e = json_read_large(r->arena, json, NULL, &list);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	json_put_str(o, "prefix", p.text);
	json_put(o, "classes", json_incref(list));
	face_json(r, 200, o);
}

enum { CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE, READERS = CHANGERS | ROLE_AUDITOR };

const struct net_route face_template_rows[] = {
    {NET_POST, "/templates", post_templates, CHANGERS, TEMPLATE_JSON_MAX, 0, "makes a metadata template"},
    {NET_GET, "/templates", get_templates, READERS, 0, 0, "templates under a prefix"},
    {NET_PUT, "/templates/{prefix}/{version}", put_template, CHANGERS, TEMPLATE_JSON_MAX, 0,
     "makes or replaces a metadata template"},
    {NET_GET, "/templates/{prefix}/{version}", get_template, READERS, 0, 0, "a metadata template"},
    {NET_DELETE, "/templates/{prefix}/{version}", delete_template, CHANGERS, 0, 0,
     "deletes a metadata template that no identifier uses"},
    {NET_PUT, "/classifications/{prefix}", put_classes, CHANGERS, FACE_BODY, 0,
     "sets the tree of classes of an enterprise's templates"},
    {NET_GET, "/classifications/{prefix}", get_classes, READERS, 0, 0,
     "the classes of an enterprise's templates"},
};
const size_t face_template_rows_n = sizeof face_template_rows / sizeof *face_template_rows;
