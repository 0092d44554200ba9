/* /enterprises: applications, lists, and the registrar's decisions. */
#include "resolver/face_enterprise.h"

#include "base/ledger.h"
#include "base/text64.h"
#include "resolver/admission.h"
#include "resolver/allocation.h"
#include "resolver/delegation.h"
#include "resolver/registry.h"

enum { RECORDS_OCTETS = 4 << 20 /* a page of records is cut there; one record more fits behind it */ };

/* ---- applying --------------------------------------------------------------------------- */

static enum err read_contact(json_t *j, bool required, struct flaw *f, struct enterprise *x)
{
	json_t *c = json_object_get(j, "contact");
	if (!json_is_object(c))
		return required || c ? flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "contact", "object",
						"expected an object with person, phone, email")
				     : ERR_OK;
	enum err e = enterprise_text(c, "person", required, f, &x->person);
	if (!e) e = enterprise_text(c, "phone", false, f, &x->phone);
	if (!e) e = enterprise_text(c, "email", false, f, &x->email);
	if (!e && required && !x->phone.n && !x->email.n)
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "contact", "reachable",
			     "a contact needs a phone or an email");
	return e;
}

static enum err read_application(json_t *j, struct arena *a, struct flaw *f, struct enterprise *x)
{
	struct id_prefix wanted;
	struct str code;
	enum err e = json_str(j, "", "code", f, &code);
	if (!e) e = credit_code_parse(code, f, x->code);
	if (!e) e = enterprise_text(j, "name", true, f, &x->name);
	if (!e) e = read_contact(j, true, f, x);
	if (!e) e = enterprise_text(j, "prefix", false, f, &x->wanted);
	if (!e) e = enterprise_key(j, f, x->key, &x->has_key);
	if (e || !x->wanted.n) return e;
	e = id_prefix_parse(a, x->wanted, f, &wanted);
	if (e && e != ERR_NO_MEMORY) snprintf(f->at, sizeof f->at, "prefix");
	return e;
}

static void answer_applied(struct job *j)
{
	struct enterprise_job *g = (struct enterprise_job *)j;
	if (enterprise_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "code", enterprise_code(&g->act.x));
	json_put_str(o, "state", STR("applied"));
	face_json(j->req, 202, o);
}

static void take_application(struct net_req *r, struct str who)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise_job *g = enterprise_job_new(r, enterprise_take);
	json_t *j;
	if (!g) return;
	enum err e = enterprise_body(r, g->job.arena, &f, &j);
	if (!e) e = read_application(j, g->job.arena, &f, &g->act.x);
	if (e) {
		enterprise_refuse(g, e, &f);
		return;
	}
	if (who.p) g->act.who = who;
	g->act.x.open = who.p;
	g->act.step = STEP_APPLY;
	g->job.answer = answer_applied;
	enterprise_submit(g);
}

static void post_enterprises(struct net_req *r)
{
	take_application(r, STR_NONE);
}

static void post_application(struct net_req *r)
{
	struct flaw f;
	if (rs__shard(r)->rs->o.applications) {
		take_application(r, STR("applicant"));
		return;
	}
	flaw_set(&f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "", "applications-closed",
		 "this node takes applications at its registrar's desk only");
	net_reply_flaw(r, &f);
}

/* ---- deciding --------------------------------------------------------------------------- */

static enum err read_prefix(json_t *j, const char *key, struct arena *a, struct flaw *f,
			    struct id_prefix *ret)
{
	struct str text = STR_NONE;
	enum err e = json_str_opt(j, "", key, f, &text);
	if (e || !text.n) return e;
	e = id_prefix_parse(a, text, f, ret);
	if (e && e != ERR_NO_MEMORY) snprintf(f->at, sizeof f->at, "%s", key);
	return e;
}

static enum err read_switch(json_t *j, const char *key, struct flaw *f, bool *ret)
{
	const json_t *v = json_object_get(j, key);
	if (!v) return ERR_OK;
	if (!json_is_boolean(v))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, key, "boolean",
				"expected true or false");
	*ret = json_is_true(v);
	return ERR_OK;
}

static enum err read_allocation(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act)
{
	enum err e = read_prefix(j, "prefix", a, f, &act->prefix);
	if (!e) e = read_prefix(j, "under", a, f, &act->under);
	if (!e) e = read_switch(j, "adopt", f, &act->adopt);
	if (!e) e = read_switch(j, "whole", f, &act->whole);
	if (!e && act->prefix.key.n && act->under.key.n)
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "under", "one-prefix",
			     "prefix and under exclude each other");
	if (e || !act->under.key.n) return e;
	for (size_t i = 0; i < act->rs->o.authority_n; i++)
		if (str_eq(act->rs->ours[i].key, act->under.key)) return ERR_OK;
	return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "under", "authority",
			"numbers are given out under the prefixes that this node answers for");
}

static enum err read_approval(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act)
{
	enum err e = enterprise_text(j, "review", true, f, &act->review);
	act->has_quota = json_object_get(j, "quota");
	if (!e) e = json_u64_opt(j, "", "quota", f, &act->quota);
	if (!e) e = enterprise_key(j, f, act->x.key, &act->x.has_key);
	return e ? e : read_allocation(j, a, f, act);
}

static enum err read_end(json_t *j, struct flaw *f, struct enterprise_act *act)
{
	bool resolve = true;
	enum err e = enterprise_text(j, "reason", true, f, &act->reason);
	if (!e) e = read_switch(j, "resolve", f, &resolve);
	act->withhold = !resolve;
	return e;
}

/* The child as in POST /delegations, without a prefix: it gets all that the enterprise has. */
static enum err read_child(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act)
{
	act->to = ARENA_NEW(a, struct delegation);
	if (!act->to) return ERR_NO_MEMORY;
	json_put_str(j, "prefix", STR("0.NA"));
	return delegation_read_json(a, j, clock_wall(), f, act->to);
}

static enum err read_step(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act)
{
	switch (act->step) {
	case STEP_APPROVE: return read_approval(j, a, f, act);
	case STEP_REJECT: return enterprise_text(j, "reason", true, f, &act->reason);
	case STEP_SUSPEND:
	case STEP_CLOSE: return read_end(j, f, act);
	case STEP_HAND_OVER: return read_child(j, a, f, act);
	case STEP_REINSTATE:
	case STEP_APPLY: return ERR_OK;
	}
	return ERR_INTERNAL;
}

static void answer_enterprise(struct job *j)
{
	struct enterprise_job *g = (struct enterprise_job *)j;
	struct enterprise x;
	struct net_req *r = j->req;
	if (enterprise_answer_failure(j)) return;
	struct buf *out = face_buf(r, ENTERPRISE_LIST_OCTETS);
	enum err e =
	    out ? enterprise_find(j->shard->txn, r->arena, enterprise_code(&g->act.x), &x) : ERR_NO_MEMORY;
	if (!e) e = enterprise_write_json(j->shard->txn, r->arena, &x, out);
	face_answer(r, e, NULL, out);
}

typedef enum err read_fn(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act);

static void decide(struct net_req *r, enum enterprise_step step, act_fn *run, read_fn *read)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise_job *g = enterprise_job_new(r, run);
	json_t *j;
	if (!g) return;
	g->act.step = step;
	g->act.scope = &g->scope;
	g->allocates = run != enterprise_set_quota && step != STEP_REJECT;
	g->delegates = run == enterprise_take && step == STEP_HAND_OVER;
	enum err e = enterprise_param(r, &f, g->act.x.code);
	if (!e) e = enterprise_body(r, g->job.arena, &f, &j);
	if (!e) e = read(j, g->job.arena, &f, &g->act);
	if (e) {
		enterprise_refuse(g, e, &f);
		return;
	}
	g->job.answer = answer_enterprise;
	enterprise_submit(g);
}

/* The route's last segment is the step's word. */
static void post_step(struct net_req *r)
{
	struct str pattern = str_of(r->route->pattern);
	struct str word = str_skip(pattern, str_rfind(pattern, '/') + 1);
	enum enterprise_step step = STEP_APPROVE;
	while (!str_is(word, enterprise_step_word(step))) step++;
	decide(r, step, enterprise_take, read_step);
}

static void post_prefixes(struct net_req *r)
{
	decide(r, STEP_APPROVE, enterprise_allocate, read_allocation);
}

static enum err read_quota(json_t *j, struct arena *a, struct flaw *f, struct enterprise_act *act)
{
	(void)a;
	return json_u64(j, "", "identifiers", f, &act->quota);
}

static void put_quota(struct net_req *r)
{
	decide(r, STEP_APPROVE, enterprise_set_quota, read_quota);
}

static void delete_prefix(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise_job *g = enterprise_job_new(r, enterprise_release);
	struct str text;
	if (!g) return;
	enum err e = enterprise_param(r, &f, g->act.x.code);
	if (!e) e = net_decode(g->job.arena, r->param[1], &f, &text);
	if (!e) e = id_prefix_parse(g->job.arena, text, &f, &g->act.prefix);
	if (e) {
		enterprise_refuse(g, e, &f);
		return;
	}
	g->act.scope = &g->scope;
	g->allocates = true;
	g->job.answer = answer_enterprise;
	enterprise_submit(g);
}

static void patch_enterprise(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise_job *g = enterprise_job_new(r, enterprise_set_contact);
	struct caller c;
	json_t *j;
	if (!g) return;
	enum err e = enterprise_param(r, &f, g->act.x.code);
	if (!e) e = caller_of(r, &c);
	if (!e) e = caller_may_manage(&c, enterprise_code(&g->act.x), &f);
	if (!e) e = enterprise_body(r, g->job.arena, &f, &j);
	if (!e) e = read_contact(j, false, &f, &g->act.x);
	if (e) {
		enterprise_refuse(g, e, &f);
		return;
	}
	g->act.scope = c.registrar ? &g->scope : NULL;
	g->job.answer = answer_enterprise;
	enterprise_submit(g);
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum err find_visible(struct net_req *r, struct flaw *f, struct enterprise *ret)
{
	char code[CREDIT_CODE];
	struct caller c;
	enum err e = enterprise_param(r, f, code);
	if (!e) e = caller_of(r, &c);
	/* whether others exist is none of an enterprise's business */
	if (!e && !c.desk && !str_eq(c.own, str_n(code, CREDIT_CODE)))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "own-enterprise",
				"an enterprise sees itself only");
	if (!e) e = enterprise_find(rs__shard(r)->txn, r->arena, str_n(code, CREDIT_CODE), ret);
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "code", "enterprise",
				"no enterprise of this code has applied here");
	return e ? e : caller_may_see(&c, ret, f);
}

static void get_enterprise(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct enterprise x;
	struct buf *out = face_buf(r, ENTERPRISE_LIST_OCTETS);
	enum err e = out ? find_visible(r, &f, &x) : ERR_NO_MEMORY;
	if (!e) e = enterprise_write_json(rs__shard(r)->txn, r->arena, &x, out);
	face_answer(r, e, &f, out);
}

struct listing {
	struct net_req *req;
	struct caller caller;
	struct buf *out;
	enum enterprise_state state; /* ENTERPRISE_NONE: any */
	uint64_t left;
	char last[CREDIT_CODE];
	bool any, more;
	enum err err;
};

static bool list_one(void *arg, const struct enterprise *x)
{
	struct listing *l = arg;
	if (l->state && x->state != l->state) return true;
	if (caller_may_see(&l->caller, x, NULL)) return true;
	if (!l->left) {
		l->more = true;
		return false;
	}
	struct arena_mark mark = arena_mark(l->req->arena);
	if (l->any) buf_byte(l->out, ',');
	l->err = enterprise_write_json(rs__shard(l->req)->txn, l->req->arena, x, l->out);
	arena_rollback(l->req->arena, mark);
	l->any = true;
	l->left--;
	memcpy(l->last, x->code, CREDIT_CODE);
	return !l->err;
}

static enum err read_list(struct net_req *r, struct flaw *f, struct listing *l, struct str *ret_after)
{
	struct str text;
	*ret_after = STR("");
	l->left = FACE_LIST;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, &l->left);
	if (!e) e = caller_of(r, &l->caller);
	if (e) return e;
	if (net_query(r, "state", &text) && text.n && enterprise_state_parse(text, &l->state))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "state", "state",
				"expected applied, approved, rejected, suspended, handed-over or closed");
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	if (text.n != CREDIT_CODE)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
				"not a cursor that this list gave out");
	*ret_after = text;
	return ERR_OK;
}

static void get_enterprises(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.req = r, .out = face_buf(r, ENTERPRISE_LIST_OCTETS)};
	struct enterprise own;
	struct str after;
	enum err e = l.out ? read_list(r, &f, &l, &after) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	buf_add(l.out, STR("{\"enterprises\":["));
	if (l.caller.desk) {
		e = enterprise_each(rs__shard(r)->txn, after, list_one, &l);
	} else if (l.caller.own.n && str_cmp(after, l.caller.own) < 0) {
		e = enterprise_find(rs__shard(r)->txn, r->arena, l.caller.own, &own);
		if (!e) list_one(&l, &own);
	}
	if (!e) e = l.err;
	buf_byte(l.out, ']');
	if (l.more) buf_printf(l.out, ",\"next\":\"%.*s\"", CREDIT_CODE, l.last);
	buf_byte(l.out, '}');
	face_answer(r, e, NULL, l.out);
}

/* ---- its records, for the node that takes over -------------------------------------------- */

struct records {
	struct buf *out;
	uint64_t left;
	struct str last;
	bool any, more;
	enum err err;
};

static bool put_record(void *arg, struct str key, struct str packed)
{
	struct records *x = arg;
	if (!x->left || x->out->n > RECORDS_OCTETS) {
		x->more = true;
		return false;
	}
	if (x->any) buf_byte(x->out, ',');
	x->err = record_write_json(packed, RECORD_ADMIN, x->out);
	x->any = true;
	x->left--;
	x->last = key;
	return !x->err;
}

static enum err read_place(struct net_req *r, const struct enterprise *x, struct flaw *f,
			   struct str *ret_after, size_t *ret_from)
{
	struct str text;
	*ret_after = STR_NONE;
	*ret_from = 0;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	enum err e = base64url_parse(r->arena, text, ret_after);
	if (e == ERR_NO_MEMORY) return e;
	for (size_t i = 0; !e && ret_after->n <= STORE_KEY_MAX && i < x->prefixes_n; i++)
		if (str_starts(*ret_after, x->prefixes[i])) {
			*ret_from = i;
			return ERR_OK;
		}
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
			"not a cursor that this list gave out");
}

static void get_records(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct records out = {.out = face_buf(r, RECORDS_OCTETS + RS_SCRATCH_MAX), .left = FACE_LIST_MAX};
	struct enterprise x;
	struct str after;
	size_t from;
	enum err e = out.out ? find_visible(r, &f, &x) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "limit", FACE_LIST_MAX, &f, &out.left);
	if (!e) e = read_place(r, &x, &f, &after, &from);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	buf_add(out.out, STR("{\"records\":["));
	for (size_t i = from; i < x.prefixes_n && !e && !out.more; i++) {
		e = registry_list(rs__shard(r)->txn, x.prefixes[i], i == from ? after : STR_NONE,
				  put_record, &out);
		if (!e) e = out.err;
	}
	buf_byte(out.out, ']');
	if (out.more && out.last.p) {
		buf_add(out.out, STR(",\"next\":"));
		buf_json(out.out, base64url_write(r->arena, out.last));
	}
	buf_byte(out.out, '}');
	face_answer(r, e, NULL, out.out);
}

/* ---- its history ------------------------------------------------------------------------ */

struct history {
	struct store_txn *txn;
	struct buf *out;
	uint64_t left, next;
	bool any, more;
	enum err err;
};

static bool put_entry(void *arg, uint64_t leaf)
{
	struct history *h = arg;
	struct ledger_leaf entry;
	h->next = leaf;
	h->more = !h->left;
	if (h->more) return false;
	h->err = ledger_read(h->txn, leaf, &entry);
	if (h->err) return false;
	buf_add(h->out, h->any ? STR(",{\"index\":") : STR("{\"index\":"));
	buf_u64(h->out, leaf);
	buf_add(h->out, STR(",\"entry\":"));
	buf_add(h->out, entry.entry);
	buf_byte(h->out, '}');
	h->any = true;
	h->left--;
	return true;
}

static void get_history(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct history h = {
	    .txn = rs__shard(r)->txn, .out = face_buf(r, ENTERPRISE_LIST_OCTETS), .left = FACE_LIST};
	struct enterprise x;
	uint64_t from = 0;
	enum err e = h.out ? find_visible(r, &f, &x) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "limit", FACE_LIST_MAX, &f, &h.left);
	if (!e) e = net_query_number(r, "cursor", UINT64_MAX, &f, &from);
	if (!e) {
		buf_add(h.out, STR("{\"history\":["));
		e = enterprise_history(h.txn, enterprise_code(&x), from, put_entry, &h);
		if (!e) e = h.err;
		buf_byte(h.out, ']');
		if (h.more) buf_printf(h.out, ",\"next\":\"%llu\"", (unsigned long long)h.next);
		buf_byte(h.out, '}');
	}
	face_answer(r, e, &f, h.out);
}

enum {
	DESK = ROLE_REGISTRAR,
	READERS = ROLE_REGISTRAR | ROLE_AUDITOR | ROLE_ENTERPRISE,
	MANAGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE,
};

const struct net_route face_enterprise_rows[] = {
    {NET_POST, "/enterprises", post_enterprises, DESK, FACE_BODY, 0, "takes an application at the desk"},
    {NET_POST, "/enterprises/applications", post_application, 0, FACE_BODY, NET_METERED,
     "applies to be an enterprise here"},
    {NET_GET, "/enterprises", get_enterprises, READERS, 0, 0, "enterprises, by state"},
    {NET_GET, "/enterprises/{code}", get_enterprise, READERS, 0, 0, "an enterprise"},
    {NET_PATCH, "/enterprises/{code}", patch_enterprise, MANAGERS, FACE_BODY, 0, "changes its contact"},
    {NET_POST, "/enterprises/{code}/approve", post_step, DESK, FACE_BODY, 0, "admits it, with a prefix"},
    {NET_POST, "/enterprises/{code}/reject", post_step, DESK, FACE_BODY, 0, "rejects its application"},
    {NET_POST, "/enterprises/{code}/suspend", post_step, DESK, FACE_BODY, 0, "stops its changes"},
    {NET_POST, "/enterprises/{code}/reinstate", post_step, DESK, FACE_BODY, 0, "ends a suspension"},
    {NET_POST, "/enterprises/{code}/hand-over", post_step, DESK, FACE_BODY, 0,
     "delegates its prefixes to another node"},
    {NET_POST, "/enterprises/{code}/close", post_step, DESK, FACE_BODY, 0, "takes its credentials"},
    {NET_POST, "/enterprises/{code}/prefixes", post_prefixes, DESK, FACE_BODY, 0, "one prefix more"},
    {NET_DELETE, "/enterprises/{code}/prefixes/{prefix...}", delete_prefix, DESK, 0, 0,
     "takes a prefix back that was never used"},
    {NET_GET, "/enterprises/{code}/history", get_history, READERS, 0, 0,
     "what happened to it, by the ledger"},
    {NET_PUT, "/enterprises/{code}/quota", put_quota, DESK, FACE_BODY, 0,
     "how many identifiers it may register"},
    {NET_GET, "/enterprises/{code}/records", get_records, READERS, 0, 0,
     "its records with all their values"},
};
const size_t face_enterprise_rows_n = sizeof face_enterprise_rows / sizeof *face_enterprise_rows;
