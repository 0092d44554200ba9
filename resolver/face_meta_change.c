/* /api/v1/open/meta: metadata templates made, changed, published, copied and deleted. */
#include <stdio.h>

#include "base/sign.h"
#include "resolver/face_doip.h"

enum { META_ARENA = 16 << 20, MADE_NAME = 40 };

/* ---- jobs ------------------------------------------------------------------------------- */

static enum err try_item(struct meta_job *g, struct meta_item *i, struct writer_txn *t)
{
	i->flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	i->err = g->remove ? templates_delete(t, g->job.arena, &i->change, &i->flaw)
			   : templates_put(t, g->job.arena, &i->change, &i->flaw);
	return err_http(i->err) >= 500 ? i->err : ERR_OK;
}

/* Whether each can go, before the first does. */
static enum err check_deletions(struct meta_job *g, struct writer_txn *t)
{
	for (size_t k = 0; k < g->n; k++) {
		struct meta_item *i = &g->items[k];
		struct template x;
		uint64_t uses = 0, series = 0;
		enum err e = i->err;
		const char *why = "元数据不是自己创建，不能删除";
		if (!e) e = templates_find_handle(t->store, g->job.arena, i->handle, &x);
		if (!e) e = templates_uses(t->store, g->job.arena, &x, &uses);
		if (!e) e = templates_series_uses(t->store, g->job.arena, &x, &series);
		if (e == ERR_NOT_FOUND) why = "元数据不存在";
		if (!e && x.published) {
			e = ERR_CONFLICT;
			why = "元数据已发布，不能删除";
		} else if (!e && uses + series) {
			e = ERR_CONFLICT;
			why = "元数据已被使用，不能删除";
		}
		if (e && err_http(e) < 500)
			return flaw_set(&g->job.flaw, ERR_CONFLICT, FLAW_NO_OFFSET, "metaHandleList",
					"meta-delete", "元数据删除失败:[%.*s]%s",
					STR_ARG(str_first(i->handle, 100)), why);
		if (e) return e;
	}
	return ERR_OK;
}

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct meta_job *g = (struct meta_job *)c;
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	enum err e = g->remove ? check_deletions(g, t) : ERR_OK;
	bool any = false;
	for (size_t k = 0; k < g->n && !e; k++) {
		struct meta_item *i = &g->items[k];
		if (!i->change.template.prefix.p) continue; /* refused before */
		e = try_item(g, i, t);
		any |= !i->err;
		if (!e && i->err && g->together) {
			g->job.flaw = i->flaw;
			e = i->err;
		}
	}
	for (size_t k = 0; k < g->notices_n && !e && any; k++)
		e = templates_notice_put(t->store, g->notices[k].handle, g->notices[k].json);
	return e;
}

struct meta_job *meta_job_new(struct net_req *r, size_t items)
{
	struct meta_job *g = job_new(r, sizeof *g, META_ARENA);
	if (!g) return NULL;
	g->items = ARENA_ARRAY(g->job.arena, struct meta_item, items + 1);
	if (!g->items) {
		job_drop(&g->job);
		return NULL;
	}
	g->n = items;
	g->job.cmd.apply = apply;
	for (size_t k = 0; k < items; k++) g->items[k].change.who = g->job.who;
	return g;
}

void meta_refuse(struct net_req *r, struct meta_job *g, enum err e, const struct flaw *f)
{
	if (e == ERR_GONE)
		doip_reply(r, DOIP_META_MISSING, NULL, NULL);
	else if (e == ERR_FORBIDDEN && g)
		doip_reply(r, DOIP_NO_META_RIGHT, NULL, NULL);
	else
		doip_refuse(r, e, f);
	if (g) job_drop(&g->job);
}

enum err meta_may_change(struct net_req *r, struct meta_job *g, struct template *t)
{
	struct scope scope;
	struct template old;
	enum err e = face_scope(r, &scope);
	/* what is not there is told as the interface tells it, whoever asks */
	if (!e) e = templates_find(rs__shard(r)->txn, g->job.arena, t->prefix, t->version, &old);
	if (e == ERR_NOT_FOUND || e == ERR_BAD_MESSAGE) return ERR_GONE;
	return e ? e : template_may_change(g->job.shard, &scope, g->job.arena, t->prefix, NULL);
}

static void reply_failure(struct job *j)
{
	if (strcmp(j->flaw.rule, "meta-delete") == 0)
		doip_reply(j->req, DOIP_META_NOT_DELETED, j->flaw.text, NULL);
	else if (j->err == ERR_CONFLICT)
		doip_reply(j->req, DOIP_BAD_ITEM, "元数据已被使用，不能修改已有属性", NULL);
	else if (j->err == ERR_NOT_FOUND)
		doip_reply(j->req, DOIP_META_MISSING, NULL, NULL);
	else if (strcmp(j->flaw.rule, "meta-copy") == 0)
		doip_reply(j->req, DOIP_NO_META_RIGHT, "元数据副本不可编辑", NULL);
	else
		doip_refuse(j->req, j->err, &j->flaw);
}

void meta_answer_done(struct job *j)
{
	if (j->err)
		reply_failure(j);
	else
		doip_reply(j->req, DOIP_DONE, NULL, NULL);
}

static void answer_handle(struct job *j)
{
	struct meta_job *g = (struct meta_job *)j;
	if (j->err) {
		reply_failure(j);
		return;
	}
	json_t *data = json_object();
	json_put_str(data, "metaHandle", g->items[0].handle);
	doip_reply(j->req, DOIP_OK, NULL, data);
}

/* ---- making ----------------------------------------------------------------------------- */

static enum err made_name(struct arena *a, struct str *ret)
{
	unsigned char random[8];
	char hex[16];
	random_bytes(random, sizeof random);
	hex_write(random, sizeof random, hex);
	*ret = arena_printf(a, "META_%.15s", hex);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

static struct str handle_of(struct arena *a, const struct template *t)
{
	return arena_printf(a, "%.*s/%.*s", STR_ARG(t->prefix), STR_ARG(t->version));
}

/* Under the caller's prefix, which its identity or its scope names. */
static enum err made_handle(struct net_req *r, struct meta_job *g, const struct session *s,
			    struct template *t)
{
	struct str prefix = doip_prefix(r, s);
	t->prefix = prefix.p ? arena_dup(g->job.arena, prefix) : STR("");
	return made_name(g->job.arena, &t->version);
}

static enum err begin(struct net_req *r, size_t items, struct session *s, struct meta_job **ret,
		      json_t **ret_body)
{
	enum err e = doip_session(r, CHINA_CHANGERS, s);
	if (e) return e;
	*ret = meta_job_new(r, items);
	if (!*ret) return ERR_NO_MEMORY;
	(*ret)->together = true;
	return ret_body ? china_body(r, (*ret)->job.arena, ret_body) : ERR_OK;
}

static void submit(struct net_req *r, struct meta_job *g, enum err e, const struct flaw *f,
		   void (*answer)(struct job *j))
{
	/* the session failed: a right to change is not what is missing */
	if (e == ERR_FORBIDDEN && !g) {
		doip_refuse(r, e, f);
		return;
	}
	if (e) {
		meta_refuse(r, g, e, f);
		return;
	}
	g->job.answer = answer;
	job_submit(&g->job);
}

void doip_post_meta(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct scope scope;
	struct meta_job *g = NULL;
	json_t *j;
	enum err e = begin(r, 1, &s, &g, &j);
	if (!e) {
		struct template *t = &g->items[0].change.template;
		g->items[0].change.condition = TEMPLATES_ABSENT;
		e = made_handle(r, g, &s, t);
		if (!e) e = doip_meta_read(g->job.arena, j, &f, t);
		if (!e) e = face_scope(r, &scope);
		if (!e) e = template_may_change(g->job.shard, &scope, g->job.arena, t->prefix, NULL);
		if (e == ERR_FORBIDDEN) e = ERR_NOT_RESPONSIBLE; /* 701: not of this enterprise */
		g->items[0].handle = handle_of(g->job.arena, t);
		if (!e && !g->items[0].handle.p) e = ERR_NO_MEMORY;
	}
	submit(r, g, e, &f, answer_handle);
}

void doip_post_meta_copy(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct scope scope;
	struct meta_job *g = NULL;
	struct template from = {.kind = 0}, *t;
	json_t *j = NULL;
	enum err e = begin(r, 1, &s, &g, &j);
	if (!e) e = doip_meta_handle_read(j, "baseonHandle", &f, &from);
	if (e) {
		submit(r, g, e, &f, answer_handle);
		return;
	}
	t = &g->items[0].change.template;
	e = templates_find(rs__shard(r)->txn, g->job.arena, from.prefix, from.version, t);
	if (e || !doip_sees(r, &s, t)) {
		doip_reply(r, e ? DOIP_NO_META : DOIP_META_HIDDEN, NULL, NULL);
		job_drop(&g->job);
		return;
	}
	json_t *info = json_object_get(j, "baseInfo");
	t->base = json_text(json_object_get(j, "baseonHandle"));
	t->code = json_text(json_object_get(info, "metaCode"));
	t->classification = json_text(json_object_get(info, "classifyCode"));
	if (!t->code.n || t->code.n > TEMPLATE_VERSION_MAX)
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "baseInfo.metaCode", "required",
			     "入参baseInfo.metaCode不能为空");
	else if (!t->classification.n || t->classification.n > TEMPLATE_VERSION_MAX)
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "baseInfo.classifyCode", "required",
			     "入参baseInfo.classifyCode不能为空");
	t->open = t->published = false;
	t->readers.n = 0;
	for (size_t i = 0; i < t->attributes_n; i++) {
		t->attributes[i].open = false;
		t->attributes[i].readers.n = t->attributes[i].writers.n = 0;
	}
	if (!e) e = made_handle(r, g, &s, t);
	if (!e) e = face_scope(r, &scope);
	if (!e) e = template_may_change(g->job.shard, &scope, g->job.arena, t->prefix, NULL);
	if (e == ERR_FORBIDDEN) e = ERR_NOT_RESPONSIBLE;
	g->items[0].change.condition = TEMPLATES_ABSENT;
	g->items[0].handle = handle_of(g->job.arena, t);
	submit(r, g, e, &f, answer_handle);
}

/* ---- changing --------------------------------------------------------------------------- */

/* arg: the members read. All else stays. */
static enum err edit_basic(struct templates_change *c, struct arena *a, const struct template *old,
			   struct flaw *f)
{
	const struct template *new = c->arg;
	struct template t = *old;
	(void)a;
	(void)f;
	t.classification = new->classification;
	t.title = new->title;
	t.code = new->code;
	t.category = new->category;
	t.specific = new->specific;
	t.trade = new->trade;
	t.subclass = new->subclass;
	t.standard = new->standard;
	t.description = new->description;
	c->template = t;
	return ERR_OK;
}

static enum err edit_items(struct templates_change *c, struct arena *a, const struct template *old,
			   struct flaw *f)
{
	const struct template *new = c->arg;
	struct template t = *old;
	if (old->base.n)
		return flaw_set(f, ERR_BAD_STATE, FLAW_NO_OFFSET, "metaHandle", "meta-copy",
				"a copy keeps its items");
	t.attributes = ARENA_ARRAY(a, struct template_attribute, new->attributes_n + 1);
	if (!t.attributes) return ERR_NO_MEMORY;
	t.attributes_n = new->attributes_n;
	for (size_t i = 0; i < t.attributes_n; i++) {
		struct template_attribute *x = &t.attributes[i];
		*x = new->attributes[i];
		const struct template_attribute *was = template_at(old, x->index);
		if (!was || !str_eq(was->name, x->name)) continue;
		x->open = was->open;
		x->readers = was->readers;
		x->writers = was->writers;
	}
	c->template = t;
	return ERR_OK;
}

static void put_meta(struct net_req *r, bool items)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	json_t *j = NULL;
	enum err e = begin(r, 1, &s, &g, &j);
	if (!e) {
		struct templates_change *c = &g->items[0].change;
		struct template *new = ARENA_NEW(g->job.arena, struct template);
		c->condition = TEMPLATES_PRESENT;
		c->edit = items ? edit_items : edit_basic;
		c->arg = new;
		e = new ? doip_meta_handle_read(j, "metaHandle", &f, &c->template) : ERR_NO_MEMORY;
		/* the guide spells it so in one of its tables */
		if (e == ERR_BAD_MESSAGE && json_object_get(j, "metaHanlde"))
			e = doip_meta_handle_read(j, "metaHanlde", &f, &c->template);
		if (!e) e = meta_may_change(r, g, &c->template);
		if (!e && !items) e = doip_meta_basic_read(j, &f, new);
		if (!e && items)
			e = doip_meta_items_read(g->job.arena, json_object_get(j, "metaItemDTOS"),
						 "metaItemDTOS", &f, new);
		if (!e && items) {
			new->prefix = c->template.prefix;
			new->version = c->template.version;
			e = template_check_rules(new, &f);
		}
	}
	submit(r, g, e, &f, meta_answer_done);
}

void doip_put_meta_basic(struct net_req *r)
{
	put_meta(r, false);
}

void doip_put_meta_items(struct net_req *r)
{
	put_meta(r, true);
}

/* ---- publishing ------------------------------------------------------------------------- */

static enum err edit_state(struct templates_change *c, struct arena *a, const struct template *old,
			   struct flaw *f)
{
	struct template t = *old;
	(void)a;
	(void)f;
	t.published = c->arg != NULL;
	c->template = t;
	return ERR_OK;
}

static void answer_states(struct job *j)
{
	struct meta_job *g = (struct meta_job *)j;
	if (j->err) {
		reply_failure(j);
		return;
	}
	json_t *list = json_array();
	for (size_t k = 0; k < g->n; k++) {
		const struct meta_item *i = &g->items[k];
		char reason[200] = "";
		json_t *o = json_object();
		if (i->err == ERR_NOT_FOUND || i->err == ERR_GONE)
			snprintf(reason, sizeof reason, "元数据标识%.*s不存在",
				 STR_ARG(str_first(i->handle, 100)));
		else if (i->err)
			snprintf(reason, sizeof reason, "%s", doip_code_text(DOIP_NO_META_RIGHT));
		json_put_str(o, "metaHandle", i->handle);
		json_put_str(o, "state", i->err ? STR("failed") : STR("success"));
		json_put_str(o, "reason", str_of(reason));
		must(!json_array_append_new(list, o));
	}
	doip_reply(j->req, DOIP_DONE, NULL, list);
}

static enum err list_missing(struct flaw *f)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "metaHandleList", "required",
			"入参元数据标识列表metaHandleList不能为空");
}

static void place_state(struct net_req *r, struct meta_job *g, struct meta_item *i, struct str handle,
			bool publish)
{
	struct templates_change *c = &i->change;
	i->handle = handle.p ? handle : STR("");
	c->condition = TEMPLATES_PRESENT;
	c->edit = edit_state;
	c->arg = publish ? g : NULL;
	i->err =
	    template_handle_split(i->handle, &c->template.prefix, &c->template.version) ? ERR_GONE : ERR_OK;
	if (!i->err) i->err = meta_may_change(r, g, &c->template);
	if (i->err) c->template.prefix = STR_NONE;
}

void doip_put_meta_state(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	json_t *j = NULL;
	enum err e = begin(r, DOIP_MANY, &s, &g, &j);
	json_t *list = e ? NULL : json_object_get(j, "metaHandleList");
	struct str type = e ? STR_NONE : json_text(json_object_get(j, "opType"));
	bool publish = str_is(type, "publish");
	if (!e && !json_array_size(list)) e = list_missing(&f);
	if (!e && json_array_size(list) > DOIP_MANY)
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "metaHandleList", "count",
			     "入参metaHandleList过多");
	if (!e && !publish && !str_is(type, "withdraw"))
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "opType", "operation",
			     "操作类型不合符（publish或withdraw）");
	if (!e) {
		g->together = false;
		g->n = json_array_size(list);
		for (size_t k = 0; k < g->n; k++)
			place_state(r, g, &g->items[k], json_text(json_array_get(list, k)), publish);
	}
	submit(r, g, e, &f, answer_states);
}

/* ---- deleting --------------------------------------------------------------------------- */

/* ?metaHandleList=A&metaHandleList=B, or with commas. */
static enum err read_list(struct net_req *r, struct meta_job *g, struct flaw *f)
{
	struct str rest = r->query, part, item, text;
	g->n = 0;
	while (str_split(&rest, '&', &part)) {
		if (!str_starts(part, STR("metaHandleList="))) continue;
		enum err e =
		    net_decode(g->job.arena, str_skip(part, sizeof "metaHandleList=" - 1), NULL, &text);
		if (e) return e;
		while (str_split(&text, ',', &item)) {
			if (!item.n) continue;
			if (g->n == DOIP_MANY)
				return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "metaHandleList",
						"count", "入参metaHandleList过多");
			g->items[g->n++].handle = item;
		}
	}
	return g->n ? ERR_OK : list_missing(f);
}

void doip_delete_meta(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	enum err e = begin(r, DOIP_MANY, &s, &g, NULL);
	if (!e) e = read_list(r, g, &f);
	for (size_t k = 0; !e && k < g->n; k++) {
		struct meta_item *i = &g->items[k];
		struct template *t = &i->change.template;
		i->change.condition = TEMPLATES_PRESENT;
		i->err = template_handle_split(i->handle, &t->prefix, &t->version) ? ERR_NOT_FOUND : ERR_OK;
		if (!i->err) i->err = meta_may_change(r, g, t);
		if (i->err == ERR_GONE) i->err = ERR_NOT_FOUND;
	}
	if (!e) g->remove = true;
	submit(r, g, e, &f, meta_answer_done);
}
