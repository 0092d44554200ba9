/* What the files of the face /enterprises share: who asks, texts of people, jobs. */
#include <stdio.h>

#include "resolver/admission.h"
#include "resolver/face_enterprise.h"

/* ---- who may ---------------------------------------------------------------------------- */

enum err caller_of(struct net_req *r, struct caller *ret)
{
	const struct principal *p = r->principal;
	struct caller c = {.registrar = p->roles & ROLE_REGISTRAR,
			   .desk = p->roles & (ROLE_REGISTRAR | ROLE_AUDITOR | ROLE_OPERATOR)};
	struct account own;
	enum err e = face_scope(r, &c.scope);
	if (!e && !c.desk) {
		e = account_find(rs__shard(r)->txn, p->name, &own);
		if (!e) {
			c.account = p->name;
			c.own = str_first(p->name, CREDIT_CODE);
			c.rights = own.rights;
		}
		if (e == ERR_NOT_FOUND)
			e = ERR_OK; /* a credential of the operator's making: nobody's account */
	}
	if (!e) *ret = c;
	return e;
}

enum err caller_may_see(const struct caller *c, const struct enterprise *x, struct flaw *f)
{
	if (!c->desk && str_eq(c->own, enterprise_code(x))) return ERR_OK;
	if (!c->desk)
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "own-enterprise",
				"an enterprise sees itself only");
	for (size_t i = 0; i < x->prefixes_n; i++)
		if (scope_covers(&c->scope, x->prefixes[i])) return ERR_OK;
	if (!x->prefixes_n) return ERR_OK;
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
			"the credential's scope does not cover the enterprise's prefixes");
}

enum err caller_may_manage(const struct caller *c, struct str code, struct flaw *f)
{
	if (c->registrar) return ERR_OK;
	if (!str_eq(c->own, code))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "own-enterprise",
				"an enterprise manages itself only");
	if (!(c->rights & ACCOUNT_ISSUE))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "account-right",
				"this account may not manage the enterprise");
	return ERR_OK;
}

/* ---- reading ---------------------------------------------------------------------------- */

enum err enterprise_param(const struct net_req *r, struct flaw *f, char ret[CREDIT_CODE])
{
	return credit_code_parse(r->param[0], f, ret);
}

enum err enterprise_body(struct net_req *r, struct arena *a, struct flaw *f, json_t **ret)
{
	json_t *j;
	if (!face_content(r, MEDIA_JSON))
		return flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
				"expected %s", MEDIA_JSON);
	enum err e = json_read(a, r->body.n ? r->body : STR("{}"), f, &j);
	if (e) return e;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	*ret = j;
	return ERR_OK;
}

enum err enterprise_text(json_t *j, const char *key, bool required, struct flaw *f, struct str *ret)
{
	struct str text = STR_NONE;
	enum err e = required ? json_str(j, "", key, f, &text) : json_str_opt(j, "", key, f, &text);
	if (e || !text.p) return e;
	text = str_trim(text);
	bool clean = true;
	for (size_t i = 0; i < text.n; i++) clean &= (unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f;
	if (!clean || text.n > ENTERPRISE_TEXT_MAX || (required && !text.n))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, key, "text",
				"expected %s%d octets without control characters",
				required ? "1 to " : "at most ", ENTERPRISE_TEXT_MAX);
	*ret = text;
	return ERR_OK;
}

enum err enterprise_key(json_t *j, struct flaw *f, unsigned char key[SIGN_PUBLIC], bool *ret_has)
{
	struct str text = STR_NONE;
	enum err e = json_str_opt(j, "", "key", f, &text);
	*ret_has = false;
	if (e || !text.n) return e;
	if (sign_public_parse(text, key))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "key", "key",
				"expected an Ed25519 key in multibase form (z6Mk…)");
	*ret_has = true;
	return ERR_OK;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, value);
}

static void put_contact(struct buf *b, const struct enterprise *x)
{
	buf_add(b, STR(",\"contact\":{\"person\":"));
	buf_json(b, x->person);
	put_text(b, "phone", x->phone);
	put_text(b, "email", x->email);
	buf_byte(b, '}');
}

static enum err put_prefixes(struct buf *b, struct arena *a, const struct enterprise *x)
{
	struct id_prefix p;
	enum err e = ERR_OK;
	buf_add(b, STR(",\"prefixes\":["));
	for (size_t i = 0; i < x->prefixes_n && !e; i++) {
		e = id_prefix_from_key(a, x->prefixes[i], NULL, &p);
		if (i) buf_byte(b, ',');
		if (!e) buf_json(b, p.text);
	}
	buf_byte(b, ']');
	return e;
}

enum err enterprise_write_json(struct store_txn *t, struct arena *a, const struct enterprise *x,
			       struct buf *out)
{
	char time[CLOCK_TEXT], key[SIGN_MULTIBASE];
	uint64_t used;
	enum err e = admission_usage(t, enterprise_code(x), &used);
	if (e) return e;
	buf_add(out, STR("{\"code\":"));
	buf_json(out, enterprise_code(x));
	put_text(out, "state", str_of(enterprise_state_word(x->state)));
	put_text(out, "name", x->name);
	put_contact(out, x);
	if (x->wanted.n) put_text(out, "wanted", x->wanted);
	e = put_prefixes(out, a, x);
	buf_printf(out, ",\"resolve\":%s,\"used\":", x->withheld ? "false" : "true");
	buf_u64(out, used);
	buf_add(out, STR(",\"quota\":"));
	if (x->quota)
		buf_u64(out, x->quota);
	else
		buf_add(out, STR("null"));
	if (x->has_key) {
		sign_public_multibase(x->key, key);
		put_text(out, "key", str_of(key));
	}
	if (x->review.n) put_text(out, "review", x->review);
	if (x->reason.n) put_text(out, "reason", x->reason);
	if (x->node.n) put_text(out, "node", x->node);
	put_text(out, "applied", str_of(clock_print(x->applied, false, time)));
	put_text(out, "changed", str_of(clock_print(x->changed, false, time)));
	buf_byte(out, '}');
	return e ? e : buf_err(out);
}

/* ---- jobs ------------------------------------------------------------------------------- */

/* The writer's counts go first: registrations of this batch must see them (face_registry.c). */
static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct enterprise_job *g = (struct enterprise_job *)c;
	struct rs *rs = g->job.shard->rs;
	if (g->allocates) rs->prefixes_applied++;
	if (g->delegates) rs->zones_applied++;
	g->job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return g->run(&g->act, t, g->job.arena, &g->job.flaw);
}

static void settled(struct job *j)
{
	struct enterprise_job *g = (struct enterprise_job *)j;
	struct rs *rs = j->shard->rs;
	for (size_t i = 0; !j->err && g->delegates && i < g->act.after.prefixes_n; i++)
		cache_forget(rs->cache, g->act.after.prefixes[i]);
	if (g->allocates) atomic_store(&rs->prefixes_version, rs->prefixes_applied);
	if (g->delegates) atomic_store(&rs->zones_version, rs->zones_applied);
}

struct enterprise_job *enterprise_job_new(struct net_req *r, act_fn *run)
{
	struct enterprise_job *g = job_new(r, sizeof *g, ENTERPRISE_ARENA);
	enum err e = g ? ERR_OK : ERR_NO_MEMORY;
	if (!e && r->principal) {
		e = face_scope(r, &g->scope);
		/* the scope must outlive the request */
		struct id_prefix *own =
		    e ? NULL : ARENA_ARRAY(g->job.arena, struct id_prefix, g->scope.n + 1);
		if (!e && !own) e = ERR_NO_MEMORY;
		for (size_t i = 0; !e && i < g->scope.n; i++) {
			own[i] = g->scope.prefixes[i];
			own[i].key = arena_dup(g->job.arena, own[i].key);
			own[i].text = arena_dup(g->job.arena, own[i].text);
			if (!own[i].key.p || !own[i].text.p) e = ERR_NO_MEMORY;
		}
		g->scope.prefixes = own;
	}
	if (e) {
		if (g) job_drop(&g->job);
		net_reply_err(r, e, NULL);
		return NULL;
	}
	g->run = run;
	g->job.cmd.apply = apply;
	g->job.settled = settled;
	g->act.who = g->job.who;
	g->act.rs = g->job.shard->rs;
	return g;
}

void enterprise_refuse(struct enterprise_job *g, enum err e, const struct flaw *f)
{
	job_refuse(&g->job, e, f);
}

void enterprise_submit(struct enterprise_job *g)
{
	job_submit(&g->job);
}

bool enterprise_answer_failure(struct job *j)
{
	if (!j->err) return false;
	net_reply_err(j->req, j->err, &j->flaw);
	return true;
}
