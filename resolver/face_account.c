/* /enterprises/{code}/accounts, key, challenge, proof: credentials of enterprises. */
#include "base/text64.h"
#include "resolver/face_enterprise.h"
#include "resolver/proof.h"

#define PROOF_LABEL "key" /* of the account that a proof gives */

struct account_job {
	struct enterprise_job e;
	struct account_issue issue;
	struct str name; /* to be revoked */
	char token[ACCESS_TOKEN_TEXT];
	unsigned char key[SIGN_PUBLIC]; /* that the proof was verified with */
	usec_t made;
};

static void answer_token(struct job *j)
{
	struct account_job *g = (struct account_job *)j;
	const struct principal *p = &g->issue.given;
	char time[CLOCK_TEXT];
	struct buf rights = BUF_INIT(64);
	if (enterprise_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	account_rights_print(g->issue.rights, &rights);
	json_put_str(o, "name", p->name);
	json_put_str(o, "label", g->issue.label);
	json_put_str(o, "token", str_of(g->token));
	json_put_str(o, "rights", buf_str(&rights));
	json_put_str(o, "scope", p->scope);
	if (p->expires) json_put_str(o, "expires", str_of(clock_print(p->expires, false, time)));
	buf_done(&rights);
	net_set(j->req, "cache-control", STR("no-store"));
	face_json(j->req, 201, o);
	explicit_bzero(g->token, sizeof g->token);
}

static struct account_job *account_job_new(struct net_req *r)
{
	struct account_job *g = job_begin(r, sizeof *g, ENTERPRISE_ARENA);
	if (!g) return NULL;
	g->e.act.who = g->e.job.who;
	g->e.act.rs = g->e.job.shard->rs;
	g->issue.who = g->e.job.who;
	access_token_make(g->token);
	access_token_hash(str_of(g->token), g->issue.digest);
	return g;
}

/* Approved, or the answer why not. */
static enum err find_approved(struct account_job *g, struct store_txn *t, struct flaw *f,
			      struct enterprise *x)
{
	enum err e = enterprise_find(t, g->e.job.arena, enterprise_code(&g->e.act.x), x);
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "code", "enterprise",
				"no enterprise of that code has applied");
	if (e || x->state == ENTERPRISE_APPROVED) return e;
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "state", "enterprise-state",
			"the enterprise is %s; this needs: approved", enterprise_state_word(x->state));
}

/* A registrar gives and takes what lies in its scope. */
static enum err check_desk(struct net_req *r, const struct caller *c, const char code[CREDIT_CODE],
			   struct flaw *f)
{
	struct enterprise x;
	if (!c->registrar) return ERR_OK;
	enum err e = enterprise_find(rs__shard(r)->txn, r->arena, str_n(code, CREDIT_CODE), &x);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e; /* the command says so */
	for (size_t i = 0; i < x.prefixes_n; i++)
		if (!scope_covers(&c->scope, x.prefixes[i]))
			return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
					"the credential's scope does not cover the enterprise's prefixes");
	return ERR_OK;
}

static enum err read_manager(struct net_req *r, struct account_job *g, struct flaw *f, struct caller *ret)
{
	char *code = g->e.act.x.code;
	enum err e = enterprise_param(r, f, code);
	if (!e) e = caller_of(r, ret);
	if (!e) e = caller_may_manage(ret, str_n(code, CREDIT_CODE), f);
	if (!e) e = check_desk(r, ret, code, f);
	g->issue.code = str_n(code, CREDIT_CODE);
	if (!ret->registrar) g->issue.issuer = g->issue.who;
	return e;
}

/* ---- issuing ---------------------------------------------------------------------------- */

static enum err apply_issue(struct writer_cmd *c, struct writer_txn *t)
{
	struct account_job *g = (struct account_job *)c;
	struct flaw *f = &g->e.job.flaw;
	struct enterprise x;
	*f = (struct flaw){.offset = FLAW_NO_OFFSET};
	enum err e = find_approved(g, t->store, f, &x);
	return e ? e : account_issue(&g->issue, &x, t, g->e.job.arena, f);
}

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err read_issue(json_t *j, struct flaw *f, struct account_issue *i)
{
	struct str rights = STR_NONE, expires = STR_NONE;
	enum err e = json_str(j, "", "label", f, &i->label);
	if (!e) e = json_str_opt(j, "", "rights", f, &rights);
	if (!e) e = json_str_opt(j, "", "scope", f, &i->scope);
	if (!e) e = json_str_opt(j, "", "expires", f, &expires);
	if (e) return e;
	if (!account_label_ok(i->label) || str_is(i->label, PROOF_LABEL))
		return bad(f, "label", "label",
			   "a label has 1 to 32 letters, digits, hyphens and underscores, and is "
			   "not " PROOF_LABEL);
	if (i->scope.n > ACCESS_SCOPE_MAX)
		return bad(f, "scope", "scope", "a scope has at most 2,048 octets");
	i->has_rights = rights.p;
	if (account_rights_parse(rights, &i->rights))
		return bad(f, "rights", "rights", "expected some of: read change issue");
	if (expires.p && (clock_parse(expires, &i->expires) || i->expires <= clock_wall()))
		return bad(f, "expires", "time", "expected an RFC 3339 time or date that lies ahead");
	return ERR_OK;
}

static void post_accounts(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct account_job *g = account_job_new(r);
	struct caller c = {.desk = false};
	json_t *j;
	if (!g) return;
	enum err e = read_manager(r, g, &f, &c);
	if (!e) e = enterprise_body(r, g->e.job.arena, &f, &j);
	if (!e) e = read_issue(j, &f, &g->issue);
	if (e) {
		enterprise_refuse(&g->e, e, &f);
		return;
	}
	g->e.job.cmd.apply = apply_issue;
	g->e.job.answer = answer_token;
	job_submit(&g->e.job);
}

/* ---- revoking --------------------------------------------------------------------------- */

static enum err apply_revoke(struct writer_cmd *c, struct writer_txn *t)
{
	struct account_job *g = (struct account_job *)c;
	struct flaw *f = &g->e.job.flaw;
	struct arena *a = g->e.job.arena;
	struct enterprise x;
	struct account target;
	enum err e;
	*f = (struct flaw){.offset = FLAW_NO_OFFSET};
	e = g->issue.issuer.n ? find_approved(g, t->store, f, &x) : ERR_OK;
	if (!e) e = account_find(t->store, g->name, &target);
	if (e == ERR_NOT_FOUND && !f->rule[0])
		return flaw_set(f, e, FLAW_NO_OFFSET, "label", "account",
				"the enterprise has no account \"%.*s\"",
				STR_ARG(str_skip(g->name, CREDIT_CODE + 1)));
	if (e) return e;
	if (g->issue.issuer.n) {
		if (!account_descends(t->store, a, g->name, g->issue.issuer))
			return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "label", "account-right",
					"an account revokes itself and what it issued");
	}
	return account_revoke(t, a, g->issue.who, g->name);
}

static void answer_revoke(struct job *j)
{
	if (!enterprise_answer_failure(j)) net_reply(j->req, 204, NULL, STR(""));
}

static void delete_account(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct account_job *g = account_job_new(r);
	struct caller c = {.desk = false};
	if (!g) return;
	enum err e = read_manager(r, g, &f, &c);
	if (!e && !account_label_ok(r->param[1])) e = ERR_NOT_FOUND;
	if (!e) {
		g->name =
		    arena_printf(g->e.job.arena, "%.*s.%.*s", STR_ARG(g->issue.code), STR_ARG(r->param[1]));
		if (!g->name.p) e = ERR_NO_MEMORY;
	}
	if (e) {
		enterprise_refuse(&g->e, e, &f);
		return;
	}
	g->e.job.cmd.apply = apply_revoke;
	g->e.job.answer = answer_revoke;
	job_submit(&g->e.job);
}

/* ---- the list --------------------------------------------------------------------------- */

struct listing {
	struct net_req *req;
	struct buf *out;
	bool any;
};

static enum err list_one(void *arg, const struct account *x)
{
	struct listing *l = arg;
	struct principal p;
	char time[CLOCK_TEXT];
	struct buf rights = BUF_INIT(64);
	enum err e = access_named(rs__shard(l->req)->txn, RS_TABLE_credential, l->req->arena, x->name, &p);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e; /* the operator revoked it */
	account_rights_print(x->rights, &rights);
	buf_add(l->out, l->any ? STR(",{\"label\":") : STR("{\"label\":"));
	buf_json(l->out, str_skip(x->name, CREDIT_CODE + 1));
	buf_add(l->out, STR(",\"rights\":"));
	buf_json(l->out, buf_str(&rights));
	buf_add(l->out, STR(",\"scope\":"));
	buf_json(l->out, p.scope);
	buf_printf(l->out, ",\"by\":\"%s\"", x->by_key ? "key" : x->parent.n ? "account" : "registrar");
	if (x->parent.n) {
		buf_add(l->out, STR(",\"issuer\":"));
		buf_json(l->out, str_skip(x->parent, CREDIT_CODE + 1));
	}
	if (p.expires) buf_printf(l->out, ",\"expires\":\"%s\"", clock_print(p.expires, false, time));
	buf_byte(l->out, '}');
	buf_done(&rights);
	l->any = true;
	return buf_err(l->out);
}

static void get_accounts(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.req = r, .out = face_buf(r, ENTERPRISE_LIST_OCTETS)};
	char code[CREDIT_CODE];
	struct enterprise x = {.state = ENTERPRISE_NONE};
	struct caller c;
	enum err e = l.out ? enterprise_param(r, &f, code) : ERR_NO_MEMORY;
	memcpy(x.code, code, e ? 0 : CREDIT_CODE);
	if (!e) e = caller_of(r, &c);
	if (!e && c.desk) e = enterprise_find(rs__shard(r)->txn, r->arena, str_n(code, CREDIT_CODE), &x);
	if (!e) e = caller_may_see(&c, &x, &f);
	if (!e) {
		buf_add(l.out, STR("{\"accounts\":["));
		e = account_each(rs__shard(r)->txn, str_n(code, CREDIT_CODE), list_one, &l);
		buf_add(l.out, STR("]}"));
	}
	face_answer(r, e, &f, l.out);
}

/* ---- proofs of keys --------------------------------------------------------------------- */

static void post_challenge(struct net_req *r)
{
	const struct rs *rs = rs__shard(r)->rs;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	char code[CREDIT_CODE];
	struct str text = STR_NONE;
	enum err e = enterprise_param(r, &f, code);
	if (!e) {
		text = proof_challenge(rs->o.key, str_n(code, CREDIT_CODE), clock_wall(), r->arena);
		if (!text.p) e = ERR_NO_MEMORY;
	}
	json_t *o = e ? NULL : json_keep(r->arena, json_object());
	if (!o) {
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
		return;
	}
	json_put_str(o, "challenge", text);
	json_put_str(o, "did", rs->did);
	json_put_u64(o, "seconds", PROOF_SECONDS);
	net_set(r, "cache-control", STR("no-store"));
	face_json(r, 200, o);
}

static enum err unproved(struct flaw *f)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "signature", "proof",
			"the signature does not verify with the enterprise's key");
}

/* {"challenge","signature"} against the key given. */
static enum err read_proof(json_t *j, struct account_job *g, const unsigned char key[SIGN_PUBLIC],
			   struct flaw *f)
{
	const struct rs *rs = g->e.act.rs;
	struct arena *a = g->e.job.arena;
	struct str code = enterprise_code(&g->e.act.x), challenge, signature, octets;
	enum err e = json_str(j, "", "challenge", f, &challenge);
	if (!e) e = json_str(j, "", "signature", f, &signature);
	if (!e)
		e = proof_challenge_open(sign_public(rs->o.key), code, challenge, clock_wall(), f,
					 &g->made);
	if (e) return e;
	struct str message = proof_message(a, rs->did, code, challenge);
	if (!message.p) return ERR_NO_MEMORY;
	e = base64url_parse(a, signature, &octets);
	if (e == ERR_NO_MEMORY) return e;
	if (e || octets.n != SIGN_SIGNATURE ||
	    sign_verify(key, PROOF_CONTEXT, message, (const unsigned char *)octets.p))
		return unproved(f);
	memcpy(g->key, key, SIGN_PUBLIC);
	return ERR_OK;
}

static enum err apply_proof(struct writer_cmd *c, struct writer_txn *t)
{
	struct account_job *g = (struct account_job *)c;
	struct flaw *f = &g->e.job.flaw;
	struct enterprise x;
	*f = (struct flaw){.offset = FLAW_NO_OFFSET};
	enum err e = find_approved(g, t->store, f, &x);
	if (!e && (!x.has_key || memcmp(x.key, g->key, SIGN_PUBLIC) != 0)) e = unproved(f);
	if (!e && g->made <= x.proved)
		e = flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "challenge", "challenge-used",
			     "the challenge was answered before, or a newer one was: ask for another");
	if (e) return e;
	g->issue.expires = t->now + PROOF_DAYS * USEC_PER_DAY;
	e = account_issue(&g->issue, &x, t, g->e.job.arena, f);
	x.proved = g->made;
	return e ? e : enterprise_put(t, &x);
}

static void count_proof(struct job *j)
{
	if (!j->err) atomic_fetch_add_explicit(&j->shard->counters.proofs, 1, memory_order_relaxed);
}

static void post_proof(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct account_job *g = account_job_new(r);
	struct enterprise x;
	json_t *j;
	if (!g) return;
	enum err e = enterprise_param(r, &f, g->e.act.x.code);
	struct str code = enterprise_code(&g->e.act.x);
	if (!e) e = enterprise_body(r, g->e.job.arena, &f, &j);
	if (!e) e = enterprise_find(g->e.job.shard->txn, r->arena, code, &x);
	/* who cannot prove a key does not learn which enterprises there are */
	if (e == ERR_NOT_FOUND || (!e && !x.has_key)) e = unproved(&f);
	if (!e) e = read_proof(j, g, x.key, &f);
	if (e) {
		enterprise_refuse(&g->e, e, &f);
		return;
	}
	g->issue.code = code;
	g->issue.label = STR(PROOF_LABEL);
	g->issue.by_key = true;
	g->issue.who = code;
	g->e.job.cmd.apply = apply_proof;
	g->e.job.settled = count_proof;
	g->e.job.answer = answer_token;
	job_submit(&g->e.job);
}

static enum err apply_key(struct writer_cmd *c, struct writer_txn *t)
{
	struct account_job *g = (struct account_job *)c;
	g->e.job.flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	return enterprise_set_key(&g->e.act, t, g->e.job.arena, &g->e.job.flaw);
}

static void answer_key(struct job *j)
{
	struct account_job *g = (struct account_job *)j;
	char text[SIGN_MULTIBASE];
	if (enterprise_answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	sign_public_multibase(g->key, text);
	json_put_str(o, "code", enterprise_code(&g->e.act.x));
	json_put_str(o, "key", str_of(text));
	face_json(j->req, 200, o);
}

/* A new key: {"key","challenge","signature"}, the signature by that key. */
static void put_key(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct account_job *g = account_job_new(r);
	struct enterprise *x = g ? &g->e.act.x : NULL;
	struct caller c = {.desk = false};
	json_t *j;
	if (!g) return;
	enum err e = read_manager(r, g, &f, &c);
	if (!e) e = enterprise_body(r, g->e.job.arena, &f, &j);
	if (!e) e = enterprise_key(j, &f, x->key, &x->has_key);
	if (!e && !x->has_key) e = bad(&f, "key", "required", "the member key is missing");
	if (!e) e = read_proof(j, g, x->key, &f);
	if (e) {
		enterprise_refuse(&g->e, e, &f);
		return;
	}
	x->proved = g->made;
	g->e.job.cmd.apply = apply_key;
	g->e.job.answer = answer_key;
	job_submit(&g->e.job);
}

enum {
	MANAGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE,
	READERS = MANAGERS | ROLE_AUDITOR,
};

const struct net_route face_account_rows[] = {
    {NET_POST, "/enterprises/{code}/accounts", post_accounts, MANAGERS, FACE_BODY, 0, "issues an account"},
    {NET_GET, "/enterprises/{code}/accounts", get_accounts, READERS, 0, 0, "accounts, without secrets"},
    {NET_DELETE, "/enterprises/{code}/accounts/{label}", delete_account, MANAGERS, 0, 0,
     "revokes an account and those it issued"},
    {NET_POST, "/enterprises/{code}/challenge", post_challenge, 0, FACE_BODY, NET_METERED,
     "something to sign"},
    {NET_POST, "/enterprises/{code}/proof", post_proof, 0, FACE_BODY, NET_METERED,
     "a signature for a credential"},
    {NET_PUT, "/enterprises/{code}/key", put_key, MANAGERS, FACE_BODY, 0, "another key, proved"},
};
const size_t face_account_rows_n = sizeof face_account_rows / sizeof *face_account_rows;
