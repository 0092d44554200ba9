/* /delegations: prefixes given to child nodes. */
#include "base/text64.h"
#include "resolver/face.h"
#include "resolver/job.h"

enum { DELEGATION_ARENA = 1 << 20, DELEGATIONS_OCTETS = 64 << 20 };

struct grant {
	struct job job;
	struct delegation d;
	struct id_prefix prefix;
	struct buf packed; /* Signed */
};

/* The prefix must lie strictly under one of ours, and in the credential's scope. */
static enum err may_delegate(struct net_req *r, struct str prefix, struct flaw *f)
{
	struct rs_shard *s = rs__shard(r);
	struct scope scope;
	const struct zone *z = zones_find_prefix(s->zones, prefix);
	enum err e = face_scope(r, &scope);
	if (e) return e;
	if (!z || (!z->parent && z->prefix.n == prefix.n))
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix", "authority",
				"the prefix does not lie under one that this node answers for");
	if (!scope_covers(&scope, prefix))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "prefix", "scope",
				"the credential's scope does not cover the prefix");
	return ERR_OK;
}

/* The writer's count goes first: registrations of this batch must see it (face_registry.c). */
static enum err apply_grant(struct writer_cmd *c, struct writer_txn *t)
{
	struct grant *g = (struct grant *)c;
	struct rs *rs = g->job.shard->rs;
	struct delegation_signer s = {rs->o.key, rs->kid, rs->did};
	rs->zones_applied++;
	return delegation_put(t, &s, g->job.who, &g->d, &g->packed);
}

static enum err apply_withdraw(struct writer_cmd *c, struct writer_txn *t)
{
	struct grant *g = (struct grant *)c;
	g->job.shard->rs->zones_applied++;
	return delegation_withdraw(t, g->job.who, &g->prefix);
}

/* What was learned of the other children's identifiers may not hold any more. */
static void settled(struct job *j)
{
	struct grant *g = (struct grant *)j;
	struct rs *rs = j->shard->rs;
	if (!j->err) cache_forget(rs->cache, g->prefix.key);
	atomic_store(&rs->zones_version, rs->zones_applied);
}

static bool answer_failure(struct job *j)
{
	struct flaw f;
	if (!j->err) return false;
	if (j->err == ERR_CONFLICT) {
		flaw_set(&f, j->err, FLAW_NO_OFFSET, "prefix", "delegated",
			 "a prefix above it is delegated to another node");
		net_reply_err(j->req, j->err, &f);
	} else {
		net_reply_err(j->req, j->err, NULL);
	}
	return true;
}

static void answer_grant(struct job *j)
{
	struct grant *g = (struct grant *)j;
	if (answer_failure(j)) return;
	json_t *o = json_keep(j->req->arena, json_object());
	struct str text = base64_write(j->req->arena, buf_str(&g->packed));
	if (!o || !text.p) {
		net_reply_err(j->req, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "prefix", g->d.prefix_text);
	json_put_u64(o, "serial", g->d.serial);
	json_put_str(o, "delegation", text);
	face_json(j->req, 201, o);
}

static void answer_withdraw(struct job *j)
{
	if (!answer_failure(j)) net_reply(j->req, 204, NULL, STR(""));
}

static void free_packed(void *arg)
{
	buf_done(arg);
}

static struct grant *grant_new(struct net_req *r)
{
	struct grant *g = job_begin(r, sizeof *g, DELEGATION_ARENA);
	if (!g) return NULL;
	buf_init(&g->packed, ENVELOPE_PACKED_MAX);
	if (arena_on_reset(g->job.arena, free_packed, &g->packed)) {
		job_drop(&g->job);
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return NULL;
	}
	g->job.settled = settled;
	return g;
}

static void post_delegations(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct grant *g = grant_new(r);
	json_t *j;
	if (!g) return;
	enum err e = ERR_OK;
	if (!face_content(r, MEDIA_JSON))
		e = flaw_set(&f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type", "expected %s",
			     MEDIA_JSON);
	if (!e) e = json_read(g->job.arena, r->body, &f, &j);
	if (!e) e = delegation_read_json(g->job.arena, j, clock_wall(), &f, &g->d);
	if (!e) e = may_delegate(r, g->d.prefix, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->prefix = (struct id_prefix){g->d.scheme, g->d.prefix_text, g->d.prefix};
	g->job.cmd.apply = apply_grant;
	g->job.answer = answer_grant;
	job_submit(&g->job);
}

static void delete_delegation(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct grant *g = grant_new(r);
	struct str text;
	if (!g) return;
	enum err e = net_decode(g->job.arena, r->param[0], &f, &text);
	if (!e) e = id_prefix_parse(g->job.arena, text, &f, &g->prefix);
	if (!e) e = may_delegate(r, g->prefix.key, &f);
	if (e) {
		job_refuse(&g->job, e, &f);
		return;
	}
	g->job.cmd.apply = apply_withdraw;
	g->job.answer = answer_withdraw;
	job_submit(&g->job);
}

/* ---- the list --------------------------------------------------------------------------- */

struct listing {
	struct buf *out;
	struct arena *arena; /* emptied after each one */
	struct scope scope;
	bool any;
};

static void put_text(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, value);
}

static void put_delegation(struct buf *b, const struct delegation *d)
{
	char time[CLOCK_TEXT], key[SIGN_MULTIBASE];
	buf_add(b, STR("{\"prefix\":"));
	buf_json(b, d->prefix_text);
	put_text(b, "did", d->child);
	buf_printf(b, ",\"serial\":%llu,\"keys\":[", (unsigned long long)d->serial);
	for (size_t i = 0; i < d->keys_n; i++) {
		if (d->keys[i].public.n != SIGN_PUBLIC) continue;
		sign_public_multibase((const unsigned char *)d->keys[i].public.p, key);
		buf_printf(b, "%s\"%s\"", i ? "," : "", key);
	}
	buf_add(b, STR("],\"endpoints\":["));
	for (size_t i = 0; i < d->endpoints_n; i++) {
		buf_add(b, i ? STR(",{\"protocol\":") : STR("{\"protocol\":"));
		buf_json(b, d->endpoints[i].protocol);
		put_text(b, "url", d->endpoints[i].url);
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
	put_text(b, "not_before", str_of(clock_print(d->not_before, false, time)));
	put_text(b, "not_after", str_of(clock_print(d->not_after, false, time)));
	buf_byte(b, '}');
}

static enum err list_one(void *arg, struct str prefix, struct str packed)
{
	struct listing *l = arg;
	struct delegation d;
	if (!scope_covers(&l->scope, prefix)) return ERR_OK;
	enum err e = delegation_open(l->arena, packed, &d);
	if (e) return e;
	if (l->any) buf_byte(l->out, ',');
	l->any = true;
	put_delegation(l->out, &d);
	arena_reset(l->arena);
	return buf_err(l->out);
}

static void get_delegations(struct net_req *r)
{
	struct listing l = {.out = face_buf(r, DELEGATIONS_OCTETS), .arena = arena_new(DELEGATION_ARENA)};
	enum err e = l.out && l.arena ? face_scope(r, &l.scope) : ERR_NO_MEMORY;
	/* the operator sees which nodes there are whatever its scope */
	l.scope.all |= (((const struct principal *)r->principal)->roles & ROLE_OPERATOR) != 0;
	if (!e) {
		buf_add(l.out, STR("{\"delegations\":["));
		e = delegation_each(rs__shard(r)->txn, list_one, &l);
		buf_add(l.out, STR("]}"));
	}
	arena_free(l.arena);
	face_answer(r, e, NULL, l.out);
}

const struct net_route face_delegation_rows[] = {
    {NET_POST, "/delegations", post_delegations, ROLE_REGISTRAR, FACE_BODY, 0,
     "gives a prefix to a child node"},
    {NET_GET, "/delegations", get_delegations, ROLE_REGISTRAR | ROLE_AUDITOR | ROLE_OPERATOR, 0, 0,
     "prefixes given to child nodes"},
    {NET_DELETE, "/delegations/{prefix...}", delete_delegation, ROLE_REGISTRAR, 0, 0,
     "takes a prefix back"},
};
const size_t face_delegation_rows_n = sizeof face_delegation_rows / sizeof *face_delegation_rows;
