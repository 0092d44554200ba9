/* The SNMS interface: logging in, records one by one and in batches (proto/snms/snms.h). Answers are
 * {"message","status","data"} with HTTP 200, whatever the outcome. */
#include "resolver/face_snms.h"

#include <stdio.h>

#include "resolver/limit.h"

enum {
	ONE_ARENA = 8 << 20,
	MANY_ARENA = 128 << 20, /* 8 MiB of JSON as a tree, and the records */
};

/* ---- answers ---------------------------------------------------------------------------- */

void snms_reply(struct net_req *r, enum snms_status status, const char *message, json_t *data)
{
	json_t *o = json_keep(r->arena, json_object());
	if (!o) {
		json_decref(data);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "message", str_of(message));
	json_put(o, "status", json_integer(status));
	json_put(o, "data", data ? data : json_null());
	face_json(r, 200, o);
}

void snms_refuse(struct net_req *r, enum err e, const char *message)
{
	switch (e) {
	case ERR_UNAUTHORISED:
	case ERR_EXPIRED: snms_reply(r, SNMS_LOGIN, "没有登录，需要验证", NULL); return;
	case ERR_FORBIDDEN: snms_reply(r, SNMS_FORBIDDEN, "没有权限", NULL); return;
	case ERR_QUOTA:
		if (message) break; /* an enterprise's, not that of requests */
		net_reply_err(r, e, NULL);
		return;
	case ERR_BAD_JSON:
	case ERR_TOO_LARGE:
		snms_reply(r, SNMS_FAILED, message && *message ? message : "请求参数格式错误", NULL);
		return;
	default: break;
	}
	if (err_http(e) >= 500 && e != ERR_BUSY && e != ERR_STOPPING)
		snms_reply(r, SNMS_INTERNAL, "系统内部错误", NULL);
	else if (e == ERR_BUSY || e == ERR_STOPPING)
		snms_reply(r, SNMS_LOGIN, "系统繁忙", NULL);
	else
		snms_reply(r, SNMS_FAILED, message && *message ? message : err_text_zh(e), NULL);
}

/* ---- logging in ------------------------------------------------------------------------- */

/* Clients count the days by their own clock: China's date and UTC's, some minutes around midnight too. */
static bool digest_of_today(const unsigned char secret[32], struct str sent)
{
	static const usec_t around[] = {-300 * USEC_PER_SEC, 300 * USEC_PER_SEC, -8 * 3600 * USEC_PER_SEC};
	char date[CHINA_TIME], want[64];
	bool good = false;
	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		snms_login_digest(secret, str_of(china_date(clock_wall() + around[i], date)), want);
		good |= secret_eq(str_n(want, sizeof want), sent);
	}
	return good;
}

static void log_in(struct net_req *r, bool digest)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct snms_login l;
	struct session s;
	struct str token;
	unsigned char own[32];
	json_t *j;
	enum err e = china_body(r, r->arena, &j);
	if (!e) e = snms_login_read(j, &f, &l);
	if (e) {
		snms_refuse(r, e, f.text);
		return;
	}
	e = session_find(rs__shard(r)->txn, r->arena, l.username, &s);
	if (!e && digest && !digest_of_today(s.secret_sha256, l.password)) e = ERR_UNAUTHORISED;
	if (!e && !digest) {
		access_token_hash(l.password, own);
		if (!secret_eq(str_n(own, sizeof own), str_n(s.secret_sha256, sizeof own)))
			e = ERR_UNAUTHORISED;
	}
	if (e == ERR_UNAUTHORISED || e == ERR_EXPIRED) {
		snms_reply(r, SNMS_FAILED, "用户名/密码错误！", NULL);
		return;
	}
	if (!e) e = session_token(rs__shard(r)->rs, r->arena, &s, false, &token);
	if (e) {
		snms_refuse(r, e, NULL);
		return;
	}
	json_t *data = json_object();
	json_put_str(data, "token", token);
	net_set(r, "cache-control", STR("no-store"));
	snms_reply(r, SNMS_OK, "success", data);
}

static void post_token(struct net_req *r)
{
	log_in(r, false);
}

static void post_token_v1(struct net_req *r)
{
	log_in(r, true);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void get_detail(struct net_req *r)
{
	struct session s;
	struct str handle;
	struct record record;
	struct id id;
	enum err e = china_session(r, CHINA_READERS, &s);
	if (e) {
		snms_refuse(r, e, NULL);
		return;
	}
	if (!net_query(r, "handle", &handle) || !handle.n) {
		snms_reply(r, SNMS_FAILED, "缺少必要的请求参数: handle", NULL);
		return;
	}
	e = china_record(r, handle, &id, &record);
	if (e) {
		struct china_item i = {.err = e};
		snms_refuse(r, e, china_message(&i, true));
		return;
	}
	snms_reply(r, SNMS_OK, "success", snms_record_write(&record, china_covers(r, &s, id.key)));
}

/* ---- changing --------------------------------------------------------------------------- */

/* Reads one record into the item; an index that no template can have is told as the interface tells it. */
static enum err read_item(struct china_job *g, json_t *j, struct china_item *i)
{
	struct snms_record rec;
	enum err e = snms_record_read(g->job.arena, j, &i->flaw, &rec);
	if (e) return e;
	i->handle = rec.handle;
	for (size_t k = 0; k < rec.values_n; k++) {
		if (rec.values[k].index >= TEMPLATE_INDEX_FIRST) continue;
		snprintf(i->fault.zh, sizeof i->fault.zh, "非法操作，索引%u在模板中不存在",
			 (unsigned)rec.values[k].index);
		return ERR_BAD_MESSAGE;
	}
	return snms_record_values(g->job.arena, &rec, &i->values, &i->values_n);
}

static void fill_item(struct china_job *g, json_t *j, enum china_act act, const struct scope *scope,
		      struct china_item *i)
{
	i->act = act;
	i->flaw.offset = FLAW_NO_OFFSET;
	struct str text = json_is_object(j) ? json_text(json_object_get(j, "handle")) : json_text(j);
	i->handle = text.p ? text : STR("");
	if (act != CHINA_DELETE)
		i->err = read_item(g, j, i);
	else if (!text.n)
		i->err = flaw_set(&i->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "handle", "required",
				  "缺少必要的请求参数: handle");
	if (!i->err) china_item_place(g, i, scope);
}

static void answer_one(struct job *j)
{
	struct china_job *g = (struct china_job *)j;
	const struct china_item *i = g->items;
	if (j->err)
		snms_refuse(j->req, j->err, NULL);
	else if (i->err)
		snms_refuse(j->req, i->err, china_message(i, true));
	else
		snms_reply(j->req, SNMS_OK, "success", json_true());
}

static void answer_many(struct job *j)
{
	struct china_job *g = (struct china_job *)j;
	if (j->err) {
		snms_refuse(j->req, j->err, NULL);
		return;
	}
	json_t *list = json_array();
	for (size_t k = 0; k < g->n; k++) {
		const struct china_item *i = &g->items[k];
		json_t *one = json_object();
		json_put_str(one, "handle", i->handle);
		if (i->act == CHINA_DELETE)
			json_put(one, "code", json_integer(i->err ? SNMS_FAILED : SNMS_OK));
		json_put_str(one, "msg", i->err ? str_of(china_message(i, false)) : STR("success"));
		must(!json_array_append_new(list, one));
	}
	snms_reply(j->req, SNMS_OK, "success", list);
}

static enum err read_many(struct net_req *r, struct arena *a, json_t **ret)
{
	json_t *j, *list;
	enum err e = china_body(r, a, &j);
	if (e) return e;
	/* the guide's table calls it {"handles":[…]}, its example a bare list */
	list = json_is_object(j) ? json_object_get(j, "handles") : j;
	if (!json_is_array(list) || !json_array_size(list)) return ERR_BAD_JSON;
	*ret = list;
	return json_array_size(list) > SNMS_BATCH_MAX ? ERR_TOO_LARGE : ERR_OK;
}

static void change(struct net_req *r, enum china_act act, bool many)
{
	struct session s;
	struct scope scope;
	json_t *j = NULL;
	enum err e = china_session(r, CHINA_CHANGERS, &s);
	if (!e) e = face_scope(r, &scope);
	if (e) {
		snms_refuse(r, e, NULL);
		return;
	}
	struct china_job *g = china_job_new(r, many ? SNMS_BATCH_MAX : 1, many ? MANY_ARENA : ONE_ARENA);
	e = !g ? ERR_NO_MEMORY : many ? read_many(r, g->job.arena, &j) : china_body(r, g->job.arena, &j);
	if (e) {
		snms_refuse(r, e, e == ERR_TOO_LARGE ? "批量操作最多支持2000条" : NULL);
		if (g) job_drop(&g->job);
		return;
	}
	g->n = many ? json_array_size(j) : 1;
	limit_charge(r, g->n);
	for (size_t k = 0; k < g->n; k++)
		fill_item(g, many ? json_array_get(j, k) : j, act, &scope, &g->items[k]);
	g->job.answer = many ? answer_many : answer_one;
	job_submit(&g->job);
}

static void post_data(struct net_req *r)
{
	change(r, CHINA_CREATE, false);
}

static void put_data(struct net_req *r)
{
	change(r, CHINA_REPLACE, false);
}

static void delete_data(struct net_req *r)
{
	change(r, CHINA_DELETE, false);
}

static void batch_create(struct net_req *r)
{
	change(r, CHINA_CREATE, true);
}

static void batch_update(struct net_req *r)
{
	change(r, CHINA_REPLACE, true);
}

static void batch_delete(struct net_req *r)
{
	change(r, CHINA_DELETE, true);
}

/* No roles here: the faces refuse for themselves, in the form that their clients read. */
const struct net_route face_snms_rows[] = {
    {NET_POST, "/identity/token", post_token, 0, FACE_BODY, NET_METERED,
     "SNMS: logs in with a credential's secret"},
    {NET_POST, "/identity/token/v1", post_token_v1, 0, FACE_BODY, NET_METERED,
     "SNMS: logs in with a digest of the day"},
    {NET_GET, "/identityv2/data/detail", get_detail, 0, 0, 0, "SNMS: a record"},
    {NET_POST, "/identityv2/data", post_data, 0, FACE_RECORD_BODY, 0, "SNMS: registers an identifier"},
    {NET_PUT, "/identityv2/data", put_data, 0, FACE_RECORD_BODY, 0,
     "SNMS: replaces an identifier's attributes"},
    {NET_DELETE, "/identityv2/data", delete_data, 0, FACE_BODY, 0, "SNMS: deletes an identifier"},
    {NET_POST, "/identityv2/data/batchCreate", batch_create, 0, FACE_RECORDS_BODY, 0,
     "SNMS: registers up to 2,000 identifiers, each on its own"},
    {NET_PUT, "/identityv2/data/batchUpdate", batch_update, 0, FACE_RECORDS_BODY, 0,
     "SNMS: replaces up to 2,000, each on its own"},
    {NET_DELETE, "/identityv2/data/batchDelete", batch_delete, 0, FACE_RECORDS_BODY, 0,
     "SNMS: deletes up to 2,000, each on its own"},
    {NET_GET, "/snms/api/v3/template", snms_get_template, 0, 0, 0, "SNMS: a template"},
    {NET_POST, "/snms/api/v3/template", snms_post_template, 0, TEMPLATE_JSON_MAX, 0,
     "SNMS: makes a template"},
    {NET_PUT, "/snms/api/v3/template", snms_put_template, 0, TEMPLATE_JSON_MAX, 0,
     "SNMS: changes a template"},
    {NET_DELETE, "/snms/api/v3/template", snms_delete_template, 0, FACE_BODY, 0,
     "SNMS: deletes a template"},
    {NET_GET, "/snms/api/v5/template", snms_get_template, 0, 0, 0, "SNMS: a template"},
    {NET_POST, "/snms/api/v5/template", snms_post_template, 0, TEMPLATE_JSON_MAX, 0,
     "SNMS: makes a template"},
    {NET_PUT, "/snms/api/v5/template", snms_put_template, 0, TEMPLATE_JSON_MAX, 0,
     "SNMS: changes a template"},
    {NET_DELETE, "/snms/api/v5/template", snms_delete_template, 0, FACE_BODY, 0,
     "SNMS: deletes a template"},
};
const size_t face_snms_rows_n = sizeof face_snms_rows / sizeof *face_snms_rows;
