/* /snms/api/v3|v5/template: the templates of face_template.c as this interface writes them. */
#include "resolver/face_snms.h"

static int version_of(const struct net_req *r)
{
	return strstr(r->route->pattern, "/v3/") ? 3 : 5;
}

void snms_get_template(struct net_req *r)
{
	struct session s;
	struct str prefix, version;
	struct scope scope;
	struct id_prefix p;
	struct template t;
	enum err e = china_session(r, CHINA_READERS, &s);
	if (!e) e = face_scope(r, &scope);
	if (e) {
		snms_refuse(r, e, NULL);
		return;
	}
	if (!net_query(r, "prefix", &prefix) || !prefix.n) {
		snms_reply(r, SNMS_FAILED, "缺少必要的请求参数: prefix", NULL);
		return;
	}
	if (!net_query(r, "version", &version) || !version.n) {
		snms_reply(r, SNMS_FAILED, "缺少必要的请求参数: version", NULL);
		return;
	}
	e = id_prefix_parse(r->arena, prefix, NULL, &p);
	if (!e && !template_covered(&scope, r->arena, prefix)) e = ERR_FORBIDDEN;
	if (!e) e = templates_find(rs__shard(r)->txn, r->arena, prefix, version, &t);
	if (e) {
		snms_refuse(r, e, e == ERR_NOT_FOUND ? "模板不存在" : "前缀格式异常");
		return;
	}
	json_t *data = snms_template_write(&t, version_of(r));
	if (data)
		snms_reply(r, SNMS_OK, "success", data);
	else
		/* The guide: a template that got attributes of other types cannot be asked for any more;
		 * the answer it prints for a failing query is this one. */
		snms_reply(r, SNMS_LOGIN, "系统繁忙", NULL);
}

/* What this interface does not know stays as it is. */
static enum err keep_more(struct templates_change *c, struct arena *a, const struct template *old,
			  struct flaw *f)
{
	struct template *t = &c->template;
	(void)a;
	(void)f;
	t->code = old->code;
	t->standard = old->standard;
	t->classification = old->classification;
	t->industry = old->industry;
	t->open = old->open;
	t->readers = old->readers;
	t->published = old->published;
	if (!t->title.n) t->title = old->title;
	for (size_t i = 0; i < t->attributes_n; i++) {
		struct template_attribute *x = &t->attributes[i];
		const struct template_attribute *was = template_at(old, x->index);
		if (!was || !str_eq(was->name, x->name)) continue;
		struct template_attribute now = *was;
		now.title = x->title;
		now.required = x->required;
		now.state = x->state;
		now.min_length = x->min_length;
		now.max_length = x->max_length;
		*x = now;
	}
	return ERR_OK;
}

static const char *sentence(const struct job *j)
{
	if (strcmp(j->flaw.rule, "template-in-use") == 0) return "模板已被使用";
	switch (j->err) {
	case ERR_EXISTS: return "模板已存在";
	case ERR_NOT_FOUND: return "模板不存在";
	default: return err_text_zh(j->err);
	}
}

static void answer(struct job *j)
{
	if (j->err)
		snms_refuse(j->req, j->err, sentence(j));
	else
		snms_reply(j->req, SNMS_OK, "success", json_true());
}

static void change(struct net_req *r, bool remove, enum templates_condition condition)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct scope scope;
	json_t *j;
	enum err e = china_session(r, CHINA_CHANGERS, &s);
	if (!e) e = face_scope(r, &scope);
	if (e) {
		snms_refuse(r, e, NULL);
		return;
	}
	struct template_job *g = template_job_new(r, remove);
	e = g ? china_body(r, g->job.arena, &j) : ERR_NO_MEMORY;
	if (!e)
		e = remove ? snms_template_key_read(j, &f, &g->change.template)
			   : snms_template_read(g->job.arena, j, &f, &g->change.template);
	if (!e) {
		e = template_may_change(g->job.shard, &scope, g->job.arena, g->change.template.prefix,
					NULL);
		flaw_set(&f, e, FLAW_NO_OFFSET, "prefix", "prefix", "非本企业前缀");
	}
	if (e) {
		snms_refuse(r, e, f.text);
		if (g) job_drop(&g->job);
		return;
	}
	g->change.condition = condition;
	if (condition == TEMPLATES_PRESENT && !remove) g->change.edit = keep_more;
	g->job.answer = answer;
	job_submit(&g->job);
}

void snms_post_template(struct net_req *r)
{
	change(r, false, TEMPLATES_ABSENT);
}

void snms_put_template(struct net_req *r)
{
	change(r, false, TEMPLATES_PRESENT);
}

void snms_delete_template(struct net_req *r)
{
	change(r, true, TEMPLATES_PRESENT);
}
