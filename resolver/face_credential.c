/* /credentials: who may do what at this node. The token is shown once, and never again. */
#include <strings.h>

#include "base/hash.h"
#include "resolver/face.h"
#include "resolver/job.h"

enum { CREDENTIAL_ARENA = 256 * 1024, CREDENTIALS_OCTETS = 16 << 20 };

struct grant {
	struct job job;
	struct principal p;
	unsigned char digest[HASH_SHA256];
	char token[ACCESS_TOKEN_TEXT]; /* empty: a certificate instead */
	struct str certificate;
};

static enum err apply_grant(struct writer_cmd *c, struct writer_txn *t)
{
	struct grant *g = (struct grant *)c;
	return access_grant(t, rs_table_credential, g->job.who, str_n(g->digest, sizeof g->digest), &g->p);
}

static enum err apply_revoke(struct writer_cmd *c, struct writer_txn *t)
{
	struct grant *g = (struct grant *)c;
	return access_revoke(t, rs_table_credential, g->job.who, g->p.name);
}

static bool answer_failure(struct job *j)
{
	struct flaw f;
	if (!j->err) return false;
	flaw_set(&f, j->err, FLAW_NO_OFFSET, "name", j->err == ERR_EXISTS ? "name-taken" : "name",
		 j->err == ERR_EXISTS ? "a credential of that name or certificate exists" : "%s",
		 err_text(j->err));
	net_reply_err(j->req, j->err, &f);
	return true;
}

static void answer_grant(struct job *j)
{
	struct grant *g = (struct grant *)j;
	if (answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	if (!o) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "name", g->p.name);
	if (g->token[0])
		json_put_str(o, "token", str_of(g->token));
	else
		json_put_str(o, "certificate", g->certificate);
	net_set(j->req, "cache-control", STR("no-store"));
	face_json(j->req, 201, o);
	explicit_bzero(g->token, sizeof g->token);
}

static void answer_revoke(struct job *j)
{
	if (!answer_failure(j)) net_reply(j->req, 204, NULL, STR(""));
}

/* "88.1,88.2" is one prefix by its letters, and two by what was meant. */
static bool lists_by_commas(struct arena *a, struct str part)
{
	struct id_prefix prefix;
	size_t comma = str_find(part, ',');
	return comma < part.n && !id_prefix_parse(a, str_first(part, comma), NULL, &prefix) &&
	       !id_prefix_parse(a, str_skip(part, comma + 1), NULL, &prefix);
}

static enum err check_scope(struct arena *a, struct str scope, struct flaw *f)
{
	struct str rest = scope, part;
	while (str_split(&rest, ' ', &part)) {
		struct id_prefix prefix;
		struct flaw why = {.offset = FLAW_NO_OFFSET};
		if (!part.n || str_is(part, "*") || part.p[0] == '@') continue;
		if (lists_by_commas(a, part))
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "scope", "blanks",
					"the prefixes of a scope are parted by blanks, not by commas");
		enum err e = id_prefix_parse(a, part, &why, &prefix);
		if (e)
			return flaw_set(f, ERR_BAD_MESSAGE, why.offset, "scope", why.rule, "\"%.*s\": %s",
					STR_ARG(str_first(part, 60)), why.text);
	}
	return ERR_OK;
}

static enum err read_secret(json_t *j, struct flaw *f, struct grant *g)
{
	enum err e = json_str_opt(j, "", "certificate", f, &g->certificate);
	if (e) return e;
	if (!g->certificate.p) {
		access_token_make(g->token);
		access_token_hash(str_of(g->token), g->digest);
	} else if (hex_parse(g->certificate, g->digest, sizeof g->digest)) {
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "certificate", "sha256",
				"expected the SHA-256 of the certificate in 64 hexadecimal digits");
	}
	return ERR_OK;
}

static enum err read_grant(json_t *j, struct flaw *f, struct grant *g)
{
	struct str roles, expires = STR_NONE, scope = STR_NONE;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	enum err e = json_str(j, "", "name", f, &g->p.name);
	if (!e) e = json_str(j, "", "roles", f, &roles);
	if (!e) e = json_str_opt(j, "", "scope", f, &scope);
	if (!e) e = json_str_opt(j, "", "expires", f, &expires);
	if (e) return e;
	if (access_roles_parse(roles, &g->p.roles))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "roles", "roles",
				"expected roles of: operator registrar enterprise owner auditor agent");
	/* an operator has no scope: what it may do is not about anybody's prefix or participant */
	g->p.scope = !scope.n && g->p.roles == ROLE_OPERATOR ? STR("*") : scope;
	if (expires.p && (clock_parse(expires, &g->p.expires) || g->p.expires <= clock_wall()))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "expires", "time",
				"expected an RFC 3339 time or date that lies ahead");
	e = access_check(&g->p, f);
	if (!e) e = check_scope(g->job.arena, g->p.scope, f);
	return e ? e : read_secret(j, f, g);
}

static void post_credentials(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct grant *g = job_begin(r, sizeof *g, CREDENTIAL_ARENA);
	json_t *j;
	if (!g) return;
	enum err e = ERR_OK;
	if (!face_content(r, MEDIA_JSON))
		e = flaw_set(&f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type", "expected %s",
			     MEDIA_JSON);
	if (!e) e = json_read(g->job.arena, r->body, &f, &j);
	if (!e) e = read_grant(j, &f, g);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_grant;
	g->job.answer = answer_grant;
	job_submit(&g->job);
}

static void delete_credential(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct grant *g = job_begin(r, sizeof *g, CREDENTIAL_ARENA);
	if (!g) return;
	enum err e = net_decode(g->job.arena, r->param[0], &f, &g->p.name);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_revoke;
	g->job.answer = answer_revoke;
	job_submit(&g->job);
}

struct listing {
	struct buf *out;
	bool any;
};

static enum err list_one(void *arg, const struct principal *p, struct str secret_sha256)
{
	struct listing *l = arg;
	char time[CLOCK_TEXT];
	struct buf roles = BUF_INIT(256);
	(void)secret_sha256;
	access_roles_print(p->roles, &roles);
	buf_add(l->out, l->any ? STR(",{\"name\":") : STR("{\"name\":"));
	buf_json(l->out, p->name);
	buf_add(l->out, STR(",\"roles\":"));
	buf_json(l->out, buf_str(&roles));
	buf_add(l->out, STR(",\"scope\":"));
	buf_json(l->out, p->scope);
	if (p->expires) buf_printf(l->out, ",\"expires\":\"%s\"", clock_print(p->expires, false, time));
	buf_byte(l->out, '}');
	buf_done(&roles);
	l->any = true;
	return buf_err(l->out);
}

static void get_credentials(struct net_req *r)
{
	struct listing l = {.out = face_buf(r, CREDENTIALS_OCTETS)};
	enum err e = l.out ? ERR_OK : ERR_NO_MEMORY;
	if (!e) {
		buf_add(l.out, STR("{\"credentials\":["));
		e = access_each(rs__shard(r)->txn, rs_table_credential, list_one, &l);
		buf_add(l.out, STR("]}"));
	}
	face_answer(r, e, NULL, l.out);
}

const struct net_route face_credential_rows[] = {
    {NET_POST, "/credentials", post_credentials, ROLE_OPERATOR, FACE_BODY, 0, "grants a credential"},
    {NET_GET, "/credentials", get_credentials, ROLE_OPERATOR, 0, 0, "who may do what, without secrets"},
    {NET_DELETE, "/credentials/{name}", delete_credential, ROLE_OPERATOR, 0, 0, "revokes a credential"},
};
const size_t face_credential_rows_n = sizeof face_credential_rows / sizeof *face_credential_rows;
