/* Grants: metadata, attributes of a class, single identifiers opened to all or to identities; and the
 * messages that tell those of it. */
#include <stdio.h>

#include "resolver/face_doip.h"

enum { GRANT_ARENA = 8 << 20, SCOPE_ALL = 1, SCOPE_SOME = 2, VIEW = 1, EDIT = 2 };

/* ---- messages --------------------------------------------------------------------------- */

static enum err notice(struct net_req *r, struct meta_job *g, struct str company,
		       const struct meta_told *told, struct str handle)
{
	static const char *const kinds[] = {"", "元数据", "实例数据", "同类数据"};
	char time[CHINA_TIME];
	json_t *o = json_keep(g->job.arena, json_object());
	struct meta_notice *n = &g->notices[g->notices_n];
	struct str detail = arena_printf(
	    g->job.arena,
	    told->ends ? "%.*s已移除您对%s：%.*s的%s权限。" : "%.*s已向您授权%s：%.*s的%s权限。",
	    STR_ARG(company), kinds[told->kind], STR_ARG(told->what), told->edit ? "编辑" : "查看");
	if (!o || !detail.p) return ERR_NO_MEMORY;
	json_put_u64(o, "messageTitleType", (uint64_t)(told->kind + (told->ends ? 3 : 0)));
	json_put_u64(o, "messageType", told->ends ? 2 : 1);
	json_put_str(o, "messageDetail", detail);
	json_put_str(o, "createdTime", str_of(china_time(clock_wall(), time)));
	n->handle = arena_dup(g->job.arena, handle);
	n->json = json_write(g->job.arena, o, false);
	if (!n->handle.p || !n->json.p) return ERR_NO_MEMORY;
	g->notices_n++;
	(void)r;
	return ERR_OK;
}

enum err meta_notify(struct net_req *r, struct meta_job *g, const struct session *s,
		     const struct meta_told *told)
{
	struct str company = doip_identity_text(r, s->handle, "COMPANY", s->handle);
	size_t n = json_array_size(told->users);
	struct meta_notice *all = ARENA_ARRAY(g->job.arena, struct meta_notice, g->notices_n + n + 1);
	if (!all) return ERR_NO_MEMORY;
	if (g->notices_n) memcpy(all, g->notices, g->notices_n * sizeof *all);
	g->notices = all;
	for (size_t i = 0; i < n; i++) {
		enum err e = notice(r, g, company, told, json_text(json_array_get(told->users, i)));
		if (e) return e;
	}
	return ERR_OK;
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err read_choice(json_t *j, const char *path, const char *key, const char *text, struct flaw *f,
			    int *ret)
{
	char at[96];
	const json_t *v = json_object_get(j, key);
	snprintf(at, sizeof at, "%s%s%s", path, *path ? "." : "", key);
	*ret = json_is_integer(v) ? (int)json_integer_value(v) : 0;
	return *ret == 1 || *ret == 2 ? ERR_OK : bad(f, at, "choice", text);
}

/* ERR_REVOKED with the sentence: one that is no identity. */
static enum err check_users(struct net_req *r, json_t *list, struct str item, struct flaw *f)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct str handle = json_text(json_array_get(list, i));
		if (handle.n && doip_identity_ok(r, handle)) continue;
		return flaw_set(f, ERR_REVOKED, FLAW_NO_OFFSET, "handleUsers", "identity",
				"%.*s%s授权的标识用户%.*s不是应用身份", STR_ARG(str_first(item, 40)),
				item.n ? "实体" : "", STR_ARG(str_first(handle, 80)));
	}
	return ERR_OK;
}

static void refuse(struct net_req *r, struct meta_job *g, enum err e, const struct flaw *f)
{
	if (e == ERR_REVOKED && g) {
		doip_reply(r, DOIP_NOT_APP, f->text, NULL);
		job_drop(&g->job);
	} else if (e == ERR_NOT_FOUND && g) {
		doip_reply(r, DOIP_NOT_OF_META, f->text, NULL);
		job_drop(&g->job);
	} else if (e == ERR_FORBIDDEN && g) {
		doip_reply(r, DOIP_FOREIGN, NULL, NULL);
		job_drop(&g->job);
	} else if (g) {
		meta_refuse(r, g, e, f);
	} else {
		doip_refuse(r, e, f);
	}
}

static enum err begin(struct net_req *r, struct session *s, struct meta_job **ret, json_t **ret_body,
		      struct flaw *f)
{
	enum err e = doip_session(r, CHINA_CHANGERS, s);
	if (e) return e;
	struct meta_job *g = meta_job_new(r, 1);
	if (!g) return ERR_NO_MEMORY;
	*ret = g;
	g->together = true;
	g->items[0].change.condition = TEMPLATES_PRESENT;
	e = china_body(r, g->job.arena, ret_body);
	if (!e) e = doip_meta_handle_read(*ret_body, "metaHandle", f, &g->items[0].change.template);
	return e;
}

static void answer_ok(struct job *j)
{
	if (j->err)
		meta_answer_done(j);
	else
		doip_reply(j->req, DOIP_OK, NULL, NULL);
}

static void submit(struct net_req *r, struct meta_job *g, enum err e, const struct flaw *f,
		   void (*answer)(struct job *j))
{
	if (e) {
		refuse(r, g, e, f);
		return;
	}
	g->job.answer = answer;
	job_submit(&g->job);
}

/* ---- metadata --------------------------------------------------------------------------- */

static json_t *users_of(json_t *j)
{
	json_t *list = json_object_get(j, "handleUsers");
	/* the guide's table says handleUsers, its example handleList */
	return list ? list : json_object_get(j, "handleList");
}

static enum err edit_meta(struct templates_change *c, struct arena *a, const struct template *old,
			  struct flaw *f)
{
	json_t *j = c->arg;
	struct template t = *old;
	(void)f;
	t.open = json_integer_value(json_object_get(j, "scope")) == SCOPE_ALL;
	enum err e = doip_names_change(a, users_of(j), json_object_get(j, "removeHandleUsers"), &t.readers);
	if (!e) c->template = t;
	return e;
}

void doip_post_meta_grant(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	json_t *j = NULL;
	int scope;
	enum err e = begin(r, &s, &g, &j, &f);
	if (!e) e = read_choice(j, "", "scope", "授权范围不合符（1公开2指定范围）", &f, &scope);
	if (!e) e = meta_may_change(r, g, &g->items[0].change.template);
	if (!e) e = check_users(r, users_of(j), STR_NONE, &f);
	if (!e) {
		struct str what = json_text(json_object_get(j, "metaHandle"));
		g->items[0].change.edit = edit_meta;
		g->items[0].change.arg = j;
		e = meta_notify(r, g, &s, &(struct meta_told){users_of(j), what, 1, false, false});
		if (!e)
			e = meta_notify(r, g, &s,
					&(struct meta_told){json_object_get(j, "removeHandleUsers"), what,
							    1, true, false});
	}
	submit(r, g, e, &f, meta_answer_done);
}

/* ---- attributes of a class -------------------------------------------------------------- */

static enum err copy_attributes(struct arena *a, const struct template *old, struct template *ret)
{
	*ret = *old;
	ret->attributes = ARENA_ARRAY(a, struct template_attribute, old->attributes_n + 1);
	if (!ret->attributes) return ERR_NO_MEMORY;
	if (old->attributes_n)
		memcpy(ret->attributes, old->attributes, old->attributes_n * sizeof *old->attributes);
	return ERR_OK;
}

static struct template_attribute *attribute(struct template *t, json_t *name, struct flaw *f)
{
	for (size_t i = 0; i < t->attributes_n; i++)
		if (str_eq(t->attributes[i].name, json_text(name))) return &t->attributes[i];
	flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "item", "attribute", "实体%.*s不属于该元数据",
		 STR_ARG(str_first(json_text(name), 80)));
	return NULL;
}

static enum err edit_public(struct templates_change *c, struct arena *a, const struct template *old,
			    struct flaw *f)
{
	json_t *j = c->arg, *items = json_object_get(j, "items");
	bool open = json_integer_value(json_object_get(j, "scope")) == SCOPE_ALL;
	struct template t;
	enum err e = copy_attributes(a, old, &t);
	for (size_t i = 0; i < json_array_size(items) && !e; i++) {
		struct template_attribute *x = attribute(&t, json_array_get(items, i), f);
		if (x)
			x->open = open;
		else
			e = ERR_NOT_FOUND;
	}
	if (!e) c->template = t;
	return e;
}

/* The edit on the snapshot first: what the writer would refuse is told at once, by its name. */
static enum err rehearse(struct net_req *r, struct meta_job *g, struct flaw *f)
{
	struct templates_change c = g->items[0].change;
	struct template old;
	enum err e = meta_may_change(r, g, &c.template);
	if (!e)
		e = templates_find(rs__shard(r)->txn, r->arena, c.template.prefix, c.template.version,
				   &old);
	if (!e && !old.published) e = ERR_BAD_STATE;
	return e ? e : c.edit(&c, r->arena, &old, f);
}

static void answer_unpublished(struct net_req *r, struct meta_job *g)
{
	doip_reply(r, DOIP_NOT_PUBLISHED, NULL, NULL);
	job_drop(&g->job);
}

void doip_post_public(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	json_t *j = NULL;
	int scope;
	enum err e = begin(r, &s, &g, &j, &f);
	if (!e) e = read_choice(j, "", "scope", "授权范围不合符（1公开2撤销公开）", &f, &scope);
	if (!e && !json_array_size(json_object_get(j, "items")))
		e = bad(&f, "items", "required", "入参items不能为空");
	if (!e) {
		g->items[0].change.edit = edit_public;
		g->items[0].change.arg = j;
		e = rehearse(r, g, &f);
	}
	if (e == ERR_BAD_STATE)
		answer_unpublished(r, g);
	else
		submit(r, g, e, &f, answer_ok);
}

static enum err check_access(struct net_req *r, json_t *one, size_t i, struct flaw *f)
{
	char path[64];
	int type, scope;
	snprintf(path, sizeof path, "accessList[%zu]", i);
	if (!json_text(json_object_get(one, "item")).n) {
		snprintf(path, sizeof path, "accessList[%zu].item", i);
		return bad(f, path, "required", "入参item不能为空");
	}
	enum err e = read_choice(one, path, "authType", "授权类型不合符（1查看2编辑）", f, &type);
	if (!e) e = read_choice(one, path, "scope", "授权范围不合符（1公开2指定范围）", f, &scope);
	if (!e && type == EDIT && scope == SCOPE_ALL) {
		snprintf(path, sizeof path, "accessList[%zu].scope", i);
		e = bad(f, path, "scope", "编辑授权只能指定范围");
	}
	return e ? e
		 : check_users(r, json_object_get(one, "handleUsers"),
			       json_text(json_object_get(one, "item")), f);
}

static enum err edit_access(struct templates_change *c, struct arena *a, const struct template *old,
			    struct flaw *f)
{
	json_t *list = json_object_get(c->arg, "accessList"), *one;
	struct template t;
	size_t i;
	enum err e = copy_attributes(a, old, &t);
	if (e) return e;
	json_array_foreach(list, i, one)
	{
		struct template_attribute *x = attribute(&t, json_object_get(one, "item"), f);
		if (!x) return ERR_NOT_FOUND;
		bool edit = json_integer_value(json_object_get(one, "authType")) == EDIT;
		if (!edit) x->open = json_integer_value(json_object_get(one, "scope")) == SCOPE_ALL;
		e = doip_names_change(a, json_object_get(one, "handleUsers"),
				      json_object_get(one, "removeHandleUsers"),
				      edit ? &x->writers : &x->readers);
		if (e) return e;
	}
	c->template = t;
	return ERR_OK;
}

static enum err tell_access(struct net_req *r, struct meta_job *g, const struct session *s, json_t *j)
{
	struct str what = json_text(json_object_get(j, "metaHandle"));
	json_t *one;
	size_t i;
	json_array_foreach(json_object_get(j, "accessList"), i, one)
	{
		bool edit = json_integer_value(json_object_get(one, "authType")) == EDIT;
		enum err e = meta_notify(
		    r, g, s,
		    &(struct meta_told){json_object_get(one, "handleUsers"), what, 3, false, edit});
		if (!e)
			e = meta_notify(r, g, s,
					&(struct meta_told){json_object_get(one, "removeHandleUsers"), what,
							    3, true, edit});
		if (e) return e;
	}
	return ERR_OK;
}

void doip_post_class_grant(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct meta_job *g = NULL;
	json_t *j = NULL, *list, *one;
	size_t i;
	enum err e = begin(r, &s, &g, &j, &f);
	list = e ? NULL : json_object_get(j, "accessList");
	if (!e && (!json_array_size(list) || json_array_size(list) > TEMPLATE_ATTRIBUTES_MAX))
		e = bad(&f, "accessList", "required", "入参accessList不能为空");
	json_array_foreach(list, i, one) if (!e) e = check_access(r, one, i, &f);
	if (!e) {
		g->items[0].change.edit = edit_access;
		g->items[0].change.arg = j;
		e = rehearse(r, g, &f);
	}
	if (!e) e = tell_access(r, g, &s, j);
	if (e == ERR_BAD_STATE)
		answer_unpublished(r, g);
	else
		submit(r, g, e, &f, answer_ok);
}

/* ---- one identifier --------------------------------------------------------------------- */

static void answer_single(struct job *j)
{
	const struct china_item *i = ((struct china_job *)j)->items;
	enum err e = j->err ? j->err : i->err;
	if (e)
		doip_refuse(j->req, e, NULL);
	else
		doip_reply(j->req, DOIP_OK, NULL, NULL);
}

static enum err change_grant(struct net_req *r, struct arena *a, json_t *j, const struct record *record,
			     int type, struct flaw *f, struct str *ret)
{
	struct doip_grant grant;
	int scope = 0;
	enum err e = doip_record_grant(a, record, &grant);
	if (e == ERR_BAD_MESSAGE) grant = (struct doip_grant){.single = false};
	if (e && e != ERR_BAD_MESSAGE) return e;
	grant.single = type == EDIT;
	e = grant.single ? read_choice(j, "", "readerScope", "查看范围不合符（1公开2指定范围）", f, &scope)
			 : ERR_OK;
	if (!e) e = check_users(r, json_object_get(j, "handleUserReaders"), STR_NONE, f);
	if (!e) e = check_users(r, json_object_get(j, "handleUserWriters"), STR_NONE, f);
	grant.open = scope == SCOPE_ALL;
	if (!e)
		e = doip_names_change(a, json_object_get(j, "handleUserReaders"),
				      json_object_get(j, "delHandleUserReaders"), &grant.readers);
	if (!e)
		e = doip_names_change(a, json_object_get(j, "handleUserWriters"),
				      json_object_get(j, "delHandleUserWriters"), &grant.writers);
	if (e == ERR_BAD_MESSAGE && !f->err) e = bad(f, "handleUsers", "type", "入参不是标识列表");
	if (e) return e;
	*ret = doip_grant_write(a, &grant);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

/* The record stays as it is but for its grant: a value more, so that it is kept, signed and told like the
 * rest. */
static enum err prepare_single(struct net_req *r, struct china_job *g, struct flaw *f)
{
	struct china_item *i = g->items;
	struct record record;
	struct scope scope;
	struct id id;
	json_t *j;
	int type;
	struct str data;
	enum err e = china_body(r, g->job.arena, &j);
	if (!e) e = read_choice(j, "", "grantType", "授权类型不合符（1同类授权2单个授权）", f, &type);
	if (e) return e;
	i->handle = json_text(json_object_get(j, "handle"));
	if (!i->handle.n) return bad(f, "handle", "required", "入参handle不能为空");
	e = face_scope(r, &scope);
	if (!e) e = china_record(r, i->handle, &id, &record);
	if (!e && !scope_covers(&scope, id.key)) e = ERR_NOT_RESPONSIBLE;
	if (!e) e = change_grant(r, g->job.arena, j, &record, type, f, &data);
	if (e) return e;
	i->act = CHINA_MERGE;
	i->values = ARENA_ARRAY(g->job.arena, struct value, 2);
	if (!i->values) return ERR_NO_MEMORY;
	i->values[i->values_n++] = (struct value){.index = TEMPLATE_INDEX_GRANT,
						  .type = STR("GRANT"),
						  .data = data,
						  .ttl = VALUE_TTL,
						  .permissions = VALUE_ADMIN_READ | VALUE_ADMIN_WRITE};
	for (size_t k = 0; k < record.values_n; k++) {
		const struct value *v = &record.values[k];
		if (v->index != TEMPLATE_INDEX_ID && v->index != TEMPLATE_INDEX_VERSION) continue;
		i->values[i->values_n] = *v;
		i->values[i->values_n].type =
		    v->index == TEMPLATE_INDEX_ID ? STR("TEMPLATE_ID") : STR("TEMPLATE");
		i->values[i->values_n].data = arena_dup(g->job.arena, v->data);
		i->values[i->values_n].references_n = 0;
		i->values_n++;
		break;
	}
	china_item_place(g, i, &scope);
	return i->err;
}

void doip_post_single_grant(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	enum err e = doip_session(r, CHINA_CHANGERS, &s);
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	struct china_job *g = china_job_new(r, 1, GRANT_ARENA);
	if (!g) {
		doip_refuse(r, ERR_NO_MEMORY, NULL);
		return;
	}
	g->n = 1;
	e = prepare_single(r, g, &f);
	if (e) {
		if (e == ERR_REVOKED)
			doip_reply(r, DOIP_NOT_APP, f.text, NULL);
		else
			doip_refuse(r, e, &f);
		job_drop(&g->job);
		return;
	}
	g->job.answer = answer_single;
	job_submit(&g->job);
}
