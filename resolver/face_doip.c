/* /api/v1/doip: logging in with a key, and the operations on identifiers (proto/doip/doip.h). */
#include "resolver/face_doip.h"

#include <stdio.h>

#include "base/text64.h"

enum {
	ONE_ARENA = 8 << 20,
	SIGNATURE_TEXT_MAX = 2048,
	KEYS_MAX = 8 /* of one identity: each costs a verification on the thread that serves all */
};

/* ---- answers ---------------------------------------------------------------------------- */

void doip_reply(struct net_req *r, enum doip_code code, const char *message, json_t *data)
{
	json_t *o = json_keep(r->arena, json_object());
	if (!o) {
		json_decref(data);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put(o, "code", json_integer(doip_code_number(code)));
	json_put_str(o, "message", str_of(message ? message : doip_code_text(code)));
	if (data) json_put(o, "data", data);
	face_json(r, 200, o);
}

static void reply_bind(struct net_req *r, const struct flaw *f)
{
	json_t *data = json_object(), *errors = json_array(), *one = json_object();
	json_put_str(one, "name", str_of(f->at));
	json_put_str(one, "errorMsg", str_of(f->text));
	must(!json_array_append_new(errors, one));
	json_put(data, "errors", errors);
	doip_reply(r, DOIP_BIND, NULL, data);
}

void doip_refuse(struct net_req *r, enum err e, const struct flaw *f)
{
	switch (e) {
	case ERR_UNAUTHORISED:
	case ERR_EXPIRED: doip_reply(r, DOIP_BAD_TOKEN, NULL, NULL); return;
	case ERR_FORBIDDEN: doip_reply(r, DOIP_UNAUTHORISED, NULL, NULL); return;
	case ERR_BAD_JSON: doip_reply(r, DOIP_BAD_REQUEST, NULL, NULL); return;
	case ERR_BAD_ID: doip_reply(r, DOIP_BAD_HANDLE, NULL, NULL); return;
	case ERR_NOT_RESPONSIBLE: doip_reply(r, DOIP_FOREIGN, NULL, NULL); return;
	case ERR_NOT_FOUND: doip_reply(r, DOIP_NOT_FOUND, NULL, NULL); return;
	case ERR_EXISTS: doip_reply(r, DOIP_EXISTS, NULL, NULL); return;
	case ERR_QUOTA: net_reply_err(r, e, NULL); return;
	case ERR_BAD_MESSAGE:
		if (f) {
			reply_bind(r, f);
			return;
		}
		break;
	default: break;
	}
	if (err_http(e) >= 500)
		doip_reply(r, DOIP_FAILED, err_text_zh(e), NULL);
	else
		doip_reply(r, DOIP_BAD_PARAMETER, err_text_zh(e), NULL);
}

void doip_refuse_parameter(struct net_req *r, const char *name)
{
	const char *text = arena_printf(r->arena, "%s：%s", doip_code_text(DOIP_BAD_PARAMETER), name).p;
	doip_reply(r, DOIP_BAD_PARAMETER, text, NULL);
}

/* ---- who asks --------------------------------------------------------------------------- */

enum err doip_session(struct net_req *r, uint32_t roles, struct session *ret)
{
	enum err e = session_open(r, ret);
	if (e == ERR_NOT_FOUND && !roles) {
		*ret = (struct session){.handle = STR("")};
		return ERR_OK;
	}
	if (e) return e == ERR_NOT_FOUND ? ERR_UNAUTHORISED : e;
	return !roles || ret->principal.roles & roles ? china_admit(r) : ERR_FORBIDDEN;
}

struct str doip_prefix(struct net_req *r, const struct session *s)
{
	struct scope scope;
	size_t slash = str_find(s->handle, '/');
	if (slash < s->handle.n) return str_first(s->handle, slash);
	if (face_scope(r, &scope) || scope.n != 1) return STR_NONE;
	return scope.prefixes[0].text;
}

bool doip_owns(struct net_req *r, const struct session *s, const struct template *t)
{
	struct scope scope;
	return r->principal && s->principal.roles & CHINA_READERS && !face_scope(r, &scope) &&
	       template_covered(&scope, r->arena, t->prefix);
}

bool doip_sees(struct net_req *r, const struct session *s, const struct template *t)
{
	if (t->open || (s->handle.n && template_names_have(&t->readers, s->handle))) return true;
	return doip_owns(r, s, t);
}

bool doip_identity_ok(struct net_req *r, struct str handle)
{
	struct rs_shard *shard = rs__shard(r);
	struct session s;
	struct id id;
	if (id_parse(r->arena, handle, NULL, &id) || id.scheme != ID_HANDLE) return false;
	const struct zone *z = zones_find(shard->zones, &id);
	return !z || z->parent || !session_find(shard->txn, r->arena, handle, &s);
}

struct str doip_identity_text(struct net_req *r, struct str handle, const char *type, struct str otherwise)
{
	struct record record;
	struct id id;
	if (china_record(r, handle, &id, &record)) return otherwise;
	for (size_t i = 0; i < record.values_n; i++)
		if (str_is(record.values[i].type, type) && record.values[i].data.n &&
		    str_utf8_ok(record.values[i].data, NULL))
			return record.values[i].data;
	return otherwise;
}

enum err doip_record_template(struct net_req *r, const struct id *id, const struct record *record,
			      struct str *ret_handle, struct template *ret)
{
	enum template_naming how;
	struct str name;
	*ret_handle = STR_NONE;
	if (template_named(record->values, record->values_n, NULL, &how, &name) || how == TEMPLATE_NONE)
		return ERR_OK;
	if (how == TEMPLATE_BY_VERSION)
		name = arena_printf(r->arena, "%.*s/%.*s",
				    STR_ARG(str_first(id->text, str_find(id->text, '/'))), STR_ARG(name));
	if (!name.p) return ERR_NO_MEMORY;
	*ret_handle = name;
	return templates_find_handle(rs__shard(r)->txn, r->arena, name, ret);
}

enum err doip_record_grant(struct arena *a, const struct record *record, struct doip_grant *ret)
{
	*ret = (struct doip_grant){.single = false};
	for (size_t i = 0; i < record->values_n; i++)
		if (record->values[i].index == TEMPLATE_INDEX_GRANT &&
		    str_is(record->values[i].type, "GRANT"))
			return doip_grant_read(a, record->values[i].data, ret);
	return ERR_OK;
}

/* ---- logging in ------------------------------------------------------------------------- */

/* An identity is one that has a credential here and a key in its record. */
static enum err identity(struct net_req *r, struct str handle, struct session *s, struct record *record)
{
	struct id id;
	enum err e = handle.n > DOIP_HANDLE_MAX ? ERR_BAD_ID : id_parse(r->arena, handle, NULL, &id);
	if (e || id.scheme != ID_HANDLE) return e ? e : ERR_BAD_ID;
	e = china_record(r, handle, &id, record);
	if (!e) e = session_find(rs__shard(r)->txn, r->arena, handle, s);
	return e == ERR_NO_MEMORY ? e : e ? ERR_UNAUTHORISED : ERR_OK;
}

static void get_challenge(struct net_req *r)
{
	struct str handle;
	struct session s;
	struct record record;
	char nonce[SESSION_NONCE];
	if (!net_query(r, "handle", &handle) || !handle.n) {
		doip_refuse_parameter(r, "handle");
		return;
	}
	enum err e = identity(r, handle, &s, &record);
	if (e == ERR_UNAUTHORISED) {
		doip_reply(r, DOIP_BAD_CLIENT, NULL, NULL);
		return;
	}
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	challenge_give(rs__shard(r)->rs->challenges, s.handle, nonce);
	net_set(r, "cache-control", STR("no-store"));
	doip_reply(r, DOIP_OK, "operation was successfully processed", json_string(nonce));
}

static bool signed_by(const struct record *record, struct str nonce, struct str signature)
{
	struct doip_key key;
	size_t tried = 0;
	for (size_t i = 0; i < record->values_n && tried < KEYS_MAX; i++) {
		if (!str_is(record->values[i].type, "HS_PUBKEY")) continue;
		tried++;
		if (!doip_key_read(record->values[i].data, &key) &&
		    !doip_key_verify(&key, nonce, signature))
			return true;
	}
	return false;
}

static void post_verify(struct net_req *r)
{
	struct challenges *c = rs__shard(r)->rs->challenges;
	struct session s;
	struct record record;
	struct str handle, text, signature, token;
	char nonce[SESSION_NONCE];
	json_t *j;
	enum err e = china_body(r, r->arena, &j);
	handle = e ? STR_NONE : json_text(json_object_get(j, "handle"));
	text = e ? STR_NONE : json_text(json_object_get(j, "signature"));
	if (!e && (!handle.n || !text.n)) {
		doip_refuse_parameter(r, handle.n ? "signature" : "handle");
		return;
	}
	if (!e) e = identity(r, handle, &s, &record);
	if (!e && (text.n > SIGNATURE_TEXT_MAX || base64_parse(r->arena, text, &signature)))
		e = ERR_UNAUTHORISED;
	if (!e) e = challenge_find(c, s.handle, nonce);
	if (!e && !signed_by(&record, str_of(nonce), signature)) e = ERR_UNAUTHORISED;
	if (!e && !challenge_use(c, s.handle, nonce)) e = ERR_UNAUTHORISED;
	if (!e) e = session_token(rs__shard(r)->rs, r->arena, &s, true, &token);
	if (e == ERR_UNAUTHORISED || e == ERR_EXPIRED) {
		doip_reply(r, DOIP_BAD_CLIENT, NULL, NULL);
		return;
	}
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	json_t *data = json_object();
	json_put_str(data, "token", token);
	net_set(r, "cache-control", STR("no-store"));
	doip_reply(r, DOIP_OK, "operation was successfully processed", data);
}

/* ---- retrieving ------------------------------------------------------------------------- */

struct looking {
	const struct session *s;
	struct doip_grant grant;
	bool covers;
};

static bool may_see(void *arg, const struct value *v, const struct template_attribute *x)
{
	const struct looking *l = arg;
	struct str me = l->s->handle;
	if (v->permissions & VALUE_PUBLIC_READ) return true;
	if (l->covers) return (v->permissions & VALUE_ADMIN_READ) != 0;
	if (!x) return false;
	if (l->grant.single)
		return l->grant.open || template_names_have(&l->grant.readers, me) ||
		       template_names_have(&l->grant.writers, me);
	return x->open || template_names_have(&x->readers, me) || template_names_have(&x->writers, me);
}

static void retrieve_record(struct net_req *r, const struct session *s, const struct id *id,
			    const struct record *record)
{
	struct looking l = {.s = s, .covers = china_covers(r, s, id->key)};
	struct doip_view view = {may_see, &l};
	struct template t;
	struct str handle;
	size_t hidden;
	enum err e = doip_record_grant(r->arena, record, &l.grant);
	if (e == ERR_BAD_MESSAGE) e = ERR_OK; /* what does not read opens nothing */
	if (!e) e = doip_record_template(r, id, record, &handle, &t);
	bool known = !e && handle.p;
	if (e == ERR_NOT_FOUND) e = ERR_OK;
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	json_t *data = doip_record_write(record, known ? &t : NULL, handle, &view, &hidden);
	if (hidden && !json_array_size(json_object_get(json_object_get(data, "attributes"), "elements"))) {
		json_decref(data);
		doip_reply(r, DOIP_NO_VIEW, NULL, NULL);
		return;
	}
	doip_reply(r, DOIP_OK, NULL, data);
}

void doip_clock_set(struct net_req *r, const struct template *t, struct doip_clock *ret)
{
	struct id_prefix p;
	struct str json, code, otherwise = STR("未分类");
	json_t *list;
	struct doip_times *w = &ret->times;
	china_time(t->created, ret->created);
	china_time(t->modified, ret->modified);
	ret->published[0] = 0;
	if (t->published_at) china_time(t->published_at, ret->published);
	*w = (struct doip_times){ret->created, ret->modified, ret->published,
				 session_handle(r->arena, t->creator), otherwise};
	if (!t->classification.n || id_prefix_parse(r->arena, t->prefix, NULL, &p) ||
	    templates_classes(rs__shard(r)->txn, p.key, &json) ||
	    json_read_large(r->arena, json, NULL, &list))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		code = json_text(json_object_get(json_array_get(list, i), "code"));
		if (str_eq(code, t->classification))
			w->class_name = json_text(json_object_get(json_array_get(list, i), "name"));
	}
}

static void retrieve_meta(struct net_req *r, const struct session *s, const struct template *t)
{
	struct doip_clock clock;
	if (!doip_sees(r, s, t)) {
		doip_reply(r, DOIP_NO_VIEW, NULL, NULL);
		return;
	}
	if (!t->published) {
		doip_reply(r, DOIP_NOT_PUBLISHED, NULL, NULL);
		return;
	}
	doip_clock_set(r, t, &clock);
	doip_reply(r, DOIP_OK, NULL, doip_meta_object_write(t, &clock.times));
}

static bool operation(struct net_req *r, struct str *target, struct str *op)
{
	if (!net_query(r, "targetId", target) || !target->n) {
		doip_refuse_parameter(r, "targetId");
		return false;
	}
	if (!net_query(r, "operationId", op) || !op->n) {
		doip_refuse_parameter(r, "operationId");
		return false;
	}
	return true;
}

static bool known_operation(struct str op)
{
	static const char *const all[] = {"0.DOIP/Op.Retrieve", "0.DOIP/Op.Create", "0.DOIP/Op.Update",
					  "0.DOIP/Op.Delete", "0.DOIP.EXTEND/Op.Update.Non.Overlay"};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (str_is(op, all[i])) return true;
	return false;
}

static void get_doip(struct net_req *r)
{
	struct session s;
	struct str target, op;
	struct record record;
	struct template t;
	struct id id;
	enum err e = doip_session(r, 0, &s);
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	if (!operation(r, &target, &op)) return;
	if (!str_is(op, "0.DOIP/Op.Retrieve")) {
		doip_reply(r, known_operation(op) ? DOIP_BAD_OPERATION : DOIP_NO_OPERATION, NULL, NULL);
		return;
	}
	e = china_record(r, target, &id, &record);
	if (!e) {
		retrieve_record(r, &s, &id, &record);
		return;
	}
	if (e == ERR_NOT_FOUND && !templates_find_handle(rs__shard(r)->txn, r->arena, target, &t))
		retrieve_meta(r, &s, &t);
	else
		doip_refuse(r, e, NULL);
}

/* ---- changing --------------------------------------------------------------------------- */

static void answer(struct job *j)
{
	struct china_job *g = (struct china_job *)j;
	const struct china_item *i = g->items;
	const struct doip_object *echo = g->more;
	enum err e = j->err ? j->err : i->err;
	if (!e)
		doip_reply(j->req, DOIP_DONE, NULL, echo ? doip_object_write(echo) : NULL);
	else if (!j->err && e == ERR_BAD_MESSAGE)
		doip_reply(j->req, DOIP_BAD_ITEM, china_message(i, true), NULL);
	else if (!j->err && e == ERR_BAD_STATE)
		doip_reply(j->req, DOIP_NOT_PUBLISHED, NULL, NULL);
	else if (!j->err && e == ERR_QUOTA)
		doip_reply(j->req, DOIP_NOT_ALLOWED, err_text_zh(e), NULL);
	else if (!j->err && e == ERR_FORBIDDEN)
		doip_reply(j->req, DOIP_FOREIGN, NULL, NULL);
	else
		doip_refuse(j->req, e, NULL);
}

/* Whether an identity whose scope does not cover the record may write every attribute that it names. */
static bool granted(struct net_req *r, const struct session *s, const struct china_item *i,
		    const struct template *t)
{
	struct record record;
	struct doip_grant g;
	struct id id;
	if (!s->handle.n || china_record(r, i->handle, &id, &record) ||
	    doip_record_grant(r->arena, &record, &g))
		return false;
	if (g.single) return template_names_have(&g.writers, s->handle);
	for (size_t k = 0; k < i->values_n; k++) {
		const struct template_attribute *x = template_at(t, i->values[k].index);
		if (x && !template_names_have(&x->writers, s->handle)) return false;
	}
	return true;
}

/* The template and the values at its indexes. The code of what is wrong, or DOIP_OK. */
static enum doip_code read_values(struct net_req *r, struct china_job *g, struct doip_object *o,
				  struct template *t, struct flaw *f, enum err *ret_err)
{
	struct china_item *i = g->items;
	*ret_err = templates_find_handle(rs__shard(r)->txn, g->job.arena, o->type, t);
	if (*ret_err == ERR_NOT_FOUND || *ret_err == ERR_BAD_MESSAGE) return DOIP_NO_META;
	if (*ret_err) return DOIP_FAILED;
	*ret_err = doip_object_values(g->job.arena, t, o, true, f, &i->values, &i->values_n);
	if (*ret_err == ERR_NOT_FOUND) return DOIP_NOT_OF_META;
	if (*ret_err == ERR_BAD_MESSAGE) return DOIP_BIND;
	return *ret_err ? DOIP_FAILED : DOIP_OK;
}

/* An update must name the template that the record has. */
static bool same_template(struct net_req *r, const struct china_item *i, struct str type)
{
	struct record record;
	struct template t;
	struct str handle;
	struct id id;
	if (china_record(r, i->handle, &id, &record)) return true; /* the command tells why */
	if (doip_record_template(r, &id, &record, &handle, &t) || !handle.p) return true;
	return str_eq(handle, type);
}

static enum doip_code prepare(struct net_req *r, struct china_job *g, const struct session *s,
			      struct flaw *f, enum err *ret_err)
{
	struct china_item *i = g->items;
	struct doip_object *o = ARENA_NEW(g->job.arena, struct doip_object);
	const struct scope everything = {.all = true};
	struct template t;
	struct scope scope;
	struct id id;
	json_t *j;
	*ret_err = o ? face_scope(r, &scope) : ERR_NO_MEMORY;
	if (*ret_err) return DOIP_FAILED;
	if (i->act != CHINA_DELETE) {
		*ret_err = china_body(r, g->job.arena, &j);
		if (*ret_err) return DOIP_BAD_REQUEST;
		*ret_err = doip_object_read(j, f, o);
		if (*ret_err) return DOIP_BIND;
		enum doip_code code = read_values(r, g, o, &t, f, ret_err);
		if (code != DOIP_OK) return code;
		if (i->act != CHINA_CREATE && !same_template(r, i, o->type)) return DOIP_NOT_ALLOWED;
		g->more = o;
	}
	*ret_err = id_parse(r->arena, i->handle, NULL, &id);
	if (*ret_err) return DOIP_BAD_HANDLE;
	bool covered = scope_covers(&scope, id.key);
	if (!covered && i->act == CHINA_DELETE) return DOIP_NO_DELETE;
	if (!covered && i->act != CHINA_CREATE) {
		if (!granted(r, s, i, &t)) return DOIP_NO_EDIT;
		i->act = CHINA_MERGE;
	}
	china_item_place(g, i, i->act == CHINA_MERGE && !covered ? &everything : &scope);
	*ret_err = i->err;
	return i->err == ERR_BAD_ID ? DOIP_BAD_HANDLE : i->err ? DOIP_FOREIGN : DOIP_OK;
}

static bool act_of(struct str op, enum china_act *ret)
{
	static const struct {
		const char *op;
		enum china_act act;
	} all[] = {{"0.DOIP/Op.Create", CHINA_CREATE},
		   {"0.DOIP/Op.Update", CHINA_REPLACE},
		   {"0.DOIP.EXTEND/Op.Update.Non.Overlay", CHINA_MERGE},
		   {"0.DOIP/Op.Delete", CHINA_DELETE}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (str_is(op, all[i].op)) {
			*ret = all[i].act;
			return true;
		}
	return false;
}

static void post_doip(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct session s;
	struct str target, op;
	enum china_act act;
	enum err e = doip_session(r, CHINA_CHANGERS, &s);
	if (e) {
		doip_refuse(r, e, NULL);
		return;
	}
	if (!operation(r, &target, &op)) return;
	if (!act_of(op, &act)) {
		doip_reply(r, known_operation(op) ? DOIP_BAD_OPERATION : DOIP_NO_OPERATION, NULL, NULL);
		return;
	}
	struct china_job *g = china_job_new(r, 1, ONE_ARENA);
	if (!g) {
		doip_refuse(r, ERR_NO_MEMORY, NULL);
		return;
	}
	g->n = 1;
	g->items[0] = (struct china_item){.act = act, .handle = arena_dup(g->job.arena, target)};
	enum doip_code code = prepare(r, g, &s, &f, &e);
	if (code != DOIP_OK) {
		if (code == DOIP_BIND)
			doip_refuse(r, e, &f);
		else
			doip_reply(r, code, code == DOIP_NOT_OF_META ? f.text : NULL, NULL);
		job_drop(&g->job);
		return;
	}
	g->job.answer = answer;
	job_submit(&g->job);
}

const struct net_route face_doip_rows[] = {
    {NET_GET, "/api/v1/doip/public/challenge", get_challenge, 0, 0, 0,
     "DOIP: a nonce for an identity to sign"},
    {NET_POST, "/api/v1/doip/public/verify-response", post_verify, 0, FACE_BODY, NET_METERED,
     "DOIP: a session for the signature of the nonce"},
    {NET_GET, "/api/v1/doip", get_doip, 0, 0, 0, "DOIP: retrieves an identifier or a metadata template"},
    {NET_POST, "/api/v1/doip", post_doip, 0, FACE_RECORD_BODY, 0,
     "DOIP: creates, updates, deletes an identifier"},
};
const size_t face_doip_rows_n = sizeof face_doip_rows / sizeof *face_doip_rows;
