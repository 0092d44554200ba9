#include "resolver/face_china.h"

#include <stdio.h>

enum { CHINA_ZONE = 8 * 3600, SEEN_ARENA = 64 << 20 /* 64 templates, most of them small */ };

/* ---- sessions, bodies, times ------------------------------------------------------------ */

enum err china_session(struct net_req *r, uint32_t roles, struct session *ret)
{
	enum err e = session_open(r, ret);
	if (e) return e == ERR_NOT_FOUND ? ERR_UNAUTHORISED : e;
	return ret->principal.roles & roles ? china_admit(r) : ERR_FORBIDDEN;
}

/* A change is let in when it is known whose it is; a read was at the door. */
enum err china_admit(struct net_req *r)
{
	return r->method == NET_GET ? ERR_OK : rs_admit(r, NULL);
}

enum err china_body(struct net_req *r, struct arena *a, json_t **ret)
{
	return json_read_large(a, r->body, NULL, ret);
}

char *china_time(usec_t t, char out[CHINA_TIME])
{
	char text[CLOCK_TEXT];
	clock_print(t + CHINA_ZONE * USEC_PER_SEC, false, text);
	memcpy(out, text, CHINA_TIME - 1);
	out[10] = ' ';
	out[CHINA_TIME - 1] = 0;
	return out;
}

char *china_date(usec_t t, char out[CHINA_TIME])
{
	china_time(t, out);
	out[10] = 0;
	return out;
}

enum err china_time_parse(struct str s, usec_t *ret)
{
	char text[CHINA_TIME + 8];
	if (s.n != CHINA_TIME - 1 || s.p[10] != ' ') return ERR_BAD_INPUT;
	snprintf(text, sizeof text, "%.10sT%.8s+08:00", s.p, s.p + 11);
	return clock_parse(str_of(text), ret);
}

bool china_covers(struct net_req *r, const struct session *s, struct str key)
{
	struct scope scope;
	if (!r->principal || !(s->principal.roles & CHINA_READERS) || face_scope(r, &scope)) return false;
	return scope_covers(&scope, key);
}

enum err china_record(struct net_req *r, struct str handle, struct id *ret_id, struct record *ret)
{
	struct rs_shard *s = rs__shard(r);
	struct str packed;
	struct id id;
	enum err e = id_parse(r->arena, handle, NULL, &id);
	if (e) return e;
	const struct zone *z = zones_find(s->zones, &id);
	if (!z || z->parent) return ERR_NOT_RESPONSIBLE;
	e = registry_find(s->txn, &id, &packed);
	if (e == ERR_NOT_FOUND) e = face_member(r, &id, &packed, NULL);
	if (!e) e = record_unpack(r->arena, packed, NULL, ret);
	if (!e && ret->status == RECORD_RETIRED) e = ERR_NOT_FOUND;
	if (!e) *ret_id = id;
	return e;
}

/* ---- changes ---------------------------------------------------------------------------- */

static bool given(const struct china_item *i, uint32_t index)
{
	for (size_t k = 0; k < i->values_n; k++)
		if (i->values[k].index == index) return true;
	return false;
}

/* The new values, and of the old ones those that stay. */
static enum err join_values(const struct china_item *i, struct str packed, struct arena *a,
			    struct record *ret)
{
	struct record old;
	enum err e = record_unpack(a, packed, NULL, &old);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	struct value *all = ARENA_ARRAY(a, struct value, old.values_n + i->values_n + 1);
	size_t n = 0;
	if (!all) return ERR_NO_MEMORY;
	for (size_t k = 0; k < old.values_n; k++) {
		const struct value *v = &old.values[k];
		bool names = v->index == TEMPLATE_INDEX_ID || v->index == TEMPLATE_INDEX_VERSION;
		bool stays = !names && (v->index < TEMPLATE_INDEX_FIRST || i->act == CHINA_MERGE);
		if (stays && !given(i, v->index)) all[n++] = *v;
	}
	if (i->values_n) memcpy(all + n, i->values, i->values_n * sizeof *all);
	*ret = (struct record){.values = all, .values_n = n + i->values_n};
	return ret->values_n > RECORD_VALUES_MAX ? ERR_TOO_LARGE : ERR_OK;
}

static enum err prepare(const struct china_item *i, struct writer_txn *t, struct arena *a,
			struct registry_set *s)
{
	struct registry_change *c = s->changes;
	struct record_head head = {.status = RECORD_RETIRED};
	struct str packed = STR_NONE;
	enum err e = registry_find(t->store, &i->id, &packed);
	bool there = !e;
	if (e && e != ERR_NOT_FOUND) return e;
	e = there ? record_peek(packed, &head) : ERR_OK;
	if (e) return e;
	bool active = there && head.status == RECORD_ACTIVE;
	c->act = i->act == CHINA_DELETE ? REGISTRY_RETIRE : REGISTRY_PUT;
	c->record = (struct record){.values = i->values, .values_n = i->values_n};
	if (i->act == CHINA_CREATE) {
		if (active) return ERR_EXISTS;
		s->condition = there ? REGISTRY_REVISION : REGISTRY_ABSENT;
		s->revision = head.revision;
		return ERR_OK;
	}
	if (!active) return ERR_NOT_FOUND;
	return i->act == CHINA_DELETE ? ERR_OK : join_values(i, packed, a, &c->record);
}

/* A failure that is the item's own, not the store's. */
static bool items_own(enum err e)
{
	return err_http(e) < 500 || e == ERR_OK;
}

static enum err apply_item(struct china_job *g, struct china_item *i, struct writer_txn *t,
			   struct templates_seen *seen)
{
	bool stale = g->job.shard->rs->zones_applied != g->zones_version;
	struct registry_change c = {.id = i->id, .authority = i->authority};
	struct registry_set s = {
	    .changes = &c, .n = 1, .who = g->job.who, .roles = g->roles, .shared = seen};
	struct arena_mark mark = arena_mark(g->job.arena);
	struct template_bond b;
	s.no_series = !atomic_load(&g->job.shard->rs->series_any);
	i->flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	i->err = prepare(i, t, g->job.arena, &s);
	if (!i->err) i->err = registry_apply(&s, t, g->job.arena, stale, &i->flaw);
	/* once more for the sentence that the interface gives */
	if (i->err == ERR_BAD_MESSAGE && str_starts(str_of(i->flaw.rule), STR("template-"))) {
		struct templates_record r = {
		    .id = &i->id, .values = c.record.values, .values_n = c.record.values_n};
		if (!templates_check(t->store, g->job.arena, &r, seen, &i->fault, NULL, &b))
			i->err = ERR_INTERNAL;
	}
	arena_rollback(g->job.arena, mark);
	return items_own(i->err) ? ERR_OK : i->err;
}

static enum err apply(struct writer_cmd *cmd, struct writer_txn *t)
{
	struct china_job *g = (struct china_job *)cmd;
	/* each item gives its memory back; what they look at together lives as long as all of them */
	struct templates_seen seen = {.keep = arena_new(SEEN_ARENA)};
	enum err e = seen.keep ? ERR_OK : ERR_NO_MEMORY;
	for (size_t k = 0; k < g->n && !e; k++)
		if (g->items[k].authority.p) e = apply_item(g, &g->items[k], t, &seen);
	arena_free(seen.keep);
	return e;
}

static void settled(struct job *j)
{
	struct china_job *g = (struct china_job *)j;
	uint64_t changed = 0;
	for (size_t k = 0; k < g->n && !j->err; k++) changed += !g->items[k].err;
	atomic_fetch_add_explicit(&j->shard->counters.changes, changed, memory_order_relaxed);
	atomic_fetch_add_explicit(&j->shard->counters.changes_refused, j->err ? g->n : g->n - changed,
				  memory_order_relaxed);
}

struct china_job *china_job_new(struct net_req *r, size_t items, size_t arena_cap)
{
	struct china_job *g = job_new(r, sizeof *g, arena_cap);
	if (!g) return NULL;
	g->items = ARENA_ARRAY(g->job.arena, struct china_item, items + 1);
	if (!g->items) {
		job_drop(&g->job);
		return NULL;
	}
	g->zones_version = g->job.shard->zones_version;
	g->roles = ((const struct principal *)r->principal)->roles;
	g->job.cmd.apply = apply;
	g->job.settled = settled;
	return g;
}

void china_item_place(struct china_job *g, struct china_item *i, const struct scope *scope)
{
	struct str authority;
	i->err = id_parse(g->job.arena, i->handle, &i->flaw, &i->id);
	if (!i->err) i->err = registry_may_change(g->job.shard, scope, &i->id, &i->flaw, &authority);
	if (i->err) return;
	i->authority = arena_dup(g->job.arena, authority); /* zones may be renewed meanwhile */
	if (!i->authority.p) i->err = ERR_NO_MEMORY;
}

const char *china_message(const struct china_item *i, bool single)
{
	static const struct {
		const char *rule, *text;
	} rules[] = {{"template-known", "模板不存在"},
		     {"template-name", "模板不存在"},
		     {"template-reserved", "索引1000和1001为预留索引"}};
	if (i->err == ERR_BAD_MESSAGE && i->fault.zh[0]) return i->fault.zh;
	for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
		if (strcmp(i->flaw.rule, rules[k].rule) == 0) return rules[k].text;
	switch (i->err) {
	case ERR_EXISTS: return "标识已存在";
	case ERR_NOT_FOUND: return single ? "没有找到标识" : "标识不存在";
	case ERR_BAD_ID: return "标识格式异常";
	case ERR_NOT_RESPONSIBLE: return "非本企业标识";
	case ERR_FORBIDDEN: return "没有权限";
	case ERR_BAD_STATE: return "元数据未发布";
	case ERR_TOO_LARGE: return "标识数据过大";
	case ERR_BUSY:
	case ERR_STOPPING: return "系统繁忙";
	case ERR_BAD_MESSAGE: return i->flaw.text;
	default: return err_text_zh(i->err);
	}
}
