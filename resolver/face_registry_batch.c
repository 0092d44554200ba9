/* POST /registry: up to 2,000 records in one body, registered together or not at all.
 *
 * JSON {"records":[{"id","values"}…]}, or a stream of packed Record messages, each after its length as
 * a protobuf varint (the delimited form that protobuf libraries read and write). */
#include <stdio.h>

#include "resolver/face_registry.h"
#include "resolver/limit.h"

enum { VARINT_MAX = 5 /* octets of a 32-bit length */ };

struct reading {
	struct net_req *req;
	struct change *g;
	struct scope scope;
	size_t room;
};

/* Puts the place in front of what the record's own reader says: "records[7].values[0].type". */
static enum err place(struct flaw *f, enum err e, size_t i)
{
	char at[sizeof f->at];
	if (f->err != e) return flaw_set(f, e, FLAW_NO_OFFSET, "records", "memory", "%s", err_text(e));
	snprintf(at, sizeof at, "records[%zu]%s%.70s", i, f->at[0] ? "." : "", f->at);
	memcpy(f->at, at, sizeof at);
	return e;
}

static enum err too_many(struct flaw *f)
{
	return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "records", "records-number",
			"a batch has at most %d records", REGISTRY_BATCH_MAX);
}

static enum err make_room(struct reading *d, size_t n, struct flaw *f)
{
	if (n > REGISTRY_BATCH_MAX) return too_many(f);
	d->room = n;
	d->g->set.changes = ARENA_ARRAY(d->g->job.arena, struct registry_change, n + 1);
	return d->g->set.changes ? ERR_OK : ERR_NO_MEMORY;
}

static enum err add(struct reading *d, const struct record *r, struct flaw *f)
{
	struct registry_set *s = &d->g->set;
	struct registry_change *c = &s->changes[s->n];
	*c = (struct registry_change){.act = REGISTRY_PUT, .record = *r, .place = s->n};
	enum err e = id_parse(d->g->job.arena, r->id, f, &c->id);
	if (e) snprintf(f->at, sizeof f->at, "id");
	if (!e) e = registry_may_change(d->g->job.shard, &d->scope, &c->id, f, &c->authority);
	if (!e) s->n++;
	return e;
}

static enum err read_json(struct reading *d, struct flaw *f)
{
	struct arena *a = d->g->job.arena;
	json_t *j, *list, *one;
	size_t i;
	enum err e = json_read_large(a, d->req->body, f, &j);
	if (e) return e;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	e = json_arr(j, "", "records", f, &list);
	if (!e) e = make_room(d, json_array_size(list), f);
	if (e) return e;
	json_array_foreach(list, i, one)
	{
		struct record r;
		e = record_parse_json(a, one, f, &r);
		if (!e) e = add(d, &r, f);
		if (e) return place(f, e, i);
	}
	return ERR_OK;
}

/* Takes one length and that many octets off. */
static enum err next_message(struct str *rest, struct str *ret)
{
	uint64_t n = 0;
	size_t i = 0;
	for (;; i++) {
		if (i == rest->n || i == VARINT_MAX) return ERR_BAD_PROTO;
		n |= (uint64_t)((unsigned char)rest->p[i] & 0x7f) << (7 * i);
		if (!((unsigned char)rest->p[i] & 0x80)) break;
	}
	*rest = str_skip(*rest, i + 1);
	if (n > rest->n) return ERR_BAD_PROTO;
	*ret = str_first(*rest, (size_t)n);
	*rest = str_skip(*rest, (size_t)n);
	return ERR_OK;
}

static enum err read_proto(struct reading *d, struct flaw *f)
{
	struct arena *a = d->g->job.arena;
	struct str body = arena_dup(a, d->req->body), rest = body, one;
	if (!body.p && d->req->body.n) return ERR_NO_MEMORY;
	enum err e = make_room(d, REGISTRY_BATCH_MAX, f);
	for (size_t i = 0; rest.n && !e; i++) {
		struct record r;
		size_t at = body.n - rest.n;
		if (i == REGISTRY_BATCH_MAX) return too_many(f);
		if (next_message(&rest, &one)) {
			flaw_set(f, ERR_BAD_PROTO, at, "", "length",
				 "a varint length and that many octets were expected");
			return place(f, ERR_BAD_PROTO, i);
		}
		e = face_proto_err(record_unpack(a, one, f, &r), f);
		if (e && f->offset != FLAW_NO_OFFSET) f->offset += (size_t)(one.p - body.p);
		if (!e) e = registry_no_series(&r, f);
		if (!e) e = add(d, &r, f);
		if (e) return place(f, e, i);
	}
	return e;
}

static enum err read_records(struct reading *d, struct flaw *f)
{
	struct registry_set *s = &d->g->set;
	enum err e = face_scope(d->req, &d->scope);
	if (!e) e = registry_read_condition(d->req, f, s);
	if (!e) e = idempotency_read(d->req, d->g->job.who, f, &d->g->once);
	if (e) return e;
	if (s->condition == REGISTRY_REVISION)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "if-match", "batch",
				"a batch has no single revision");
	if (face_content(d->req, MEDIA_RECORDS))
		e = read_proto(d, f);
	else if (face_content(d->req, MEDIA_JSON))
		e = read_json(d, f);
	else
		e = flaw_set(f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
			     "expected %s or %s", MEDIA_JSON, MEDIA_RECORDS);
	for (size_t i = 0; i < s->n && !e; i++) {
		/* zones may be renewed before the command is done */
		s->changes[i].authority = arena_dup(d->g->job.arena, s->changes[i].authority);
		if (!s->changes[i].authority.p) e = ERR_NO_MEMORY;
	}
	return e ? e : registry_sort(s, f);
}

static enum err tell_batch(const struct change *g, struct arena *a, struct told *ret)
{
	const struct registry_set *s = &g->set;
	unsigned long long created = 0, unchanged = 0;
	for (size_t i = 0; i < s->n; i++) {
		created += s->changes[i].created;
		unchanged += s->changes[i].unchanged;
	}
	struct str body = arena_printf(a, "{\"registered\":%zu,\"created\":%llu,\"unchanged\":%llu}", s->n,
				       created, unchanged);
	if (!body.p) return ERR_NO_MEMORY;
	*ret = (struct told){.status = 200, .body = body};
	return ERR_OK;
}

void post_registry(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct change *g = registry_change_new(r, BATCH_ARENA);
	if (!g) return;
	struct reading d = {.req = r, .g = g};
	g->set.batch = true;
	enum err e = read_records(&d, &f);
	if (e) {
		registry_refuse(g, e, &f);
		return;
	}
	limit_charge(r, g->set.n);
	g->job.answer = registry_answer;
	g->tell = tell_batch;
	job_submit(&g->job);
}
