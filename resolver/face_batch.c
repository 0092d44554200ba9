/* POST /resolve: up to 1,000 identifiers, each answered with a status of its own.
 *
 * The batch lives in an arena of its own, for walks may end after the client has left: it is freed
 * when both the request and the last walk are done with it. */
#include "resolver/face_resolve.h"

#include <stdio.h>

#include "resolver/limit.h"
#include "resolver/question.h"

enum {
	BATCH_ARENA = 16 << 20, /* 1,000 identifiers of 2,048 octets, parsed */
	BATCH_WALKS = 32,       /* questions of one batch under way at once */
};

struct item {
	struct str asked;
	struct id id;
	enum err err; /* malformed */
	struct flaw *flaw;
	struct finding *finding; /* of others */
	bool cached;
};

struct batch {
	struct arena *arena; /* holds the batch */
	struct net_req *req; /* NULL once the client has left or was answered */
	struct rs_shard *shard;
	struct item *items;
	size_t n, next, open; /* next: the first not looked at yet; open: walks under way */
	bool proto, signed_answers, filling;
};

struct walk_ref { /* what a question carries: its batch and its place */
	struct batch *batch;
	struct item *item;
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) finding_release(b->items[i].finding);
	arena_free(b->arena);
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum err too_many(struct flaw *f)
{
	return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "ids", "ids-number",
			"a batch has at most %d identifiers", BATCH_MAX);
}

static enum err read_json(struct batch *b, struct str body, struct flaw *f)
{
	json_t *j, *list, *one;
	size_t i;
	enum err e = json_read_large(b->arena, body, f, &j);
	if (e) return e;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	e = json_arr(j, "", "ids", f, &list);
	if (e) return e;
	if (json_array_size(list) > BATCH_MAX) return too_many(f);
	b->n = 0;
	b->items = ARENA_ARRAY(b->arena, struct item, json_array_size(list) + 1);
	if (!b->items) return ERR_NO_MEMORY;
	json_array_foreach(list, i, one)
	{
		char at[32];
		snprintf(at, sizeof at, "ids[%zu]", i);
		if (!json_is_string(one))
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "string",
					"expected a string");
		b->items[b->n++].asked = json_text(one);
	}
	return ERR_OK;
}

static enum err read_proto(struct batch *b, struct str body, struct flaw *f)
{
	struct batch_request q;
	struct str copy = arena_dup(b->arena, body);
	if (body.n && !copy.p) return ERR_NO_MEMORY;
	enum err e = face_proto_err(batch_request_unpack(b->arena, copy, f, &q), f);
	if (e) return e;
	if (q.ids_n > BATCH_MAX) return too_many(f);
	b->items = ARENA_ARRAY(b->arena, struct item, q.ids_n + 1);
	if (!b->items) return ERR_NO_MEMORY;
	for (size_t i = 0; i < q.ids_n; i++) b->items[i].asked = q.ids[i];
	b->n = q.ids_n;
	b->signed_answers = q.signed_answers;
	return ERR_OK;
}

static enum err parse_ids(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];
		struct flaw f = {.offset = FLAW_NO_OFFSET};
		it->err = id_parse(b->arena, it->asked, &f, &it->id);
		if (it->err == ERR_NO_MEMORY) return it->err;
		if (!it->err) continue;
		it->flaw = ARENA_NEW(b->arena, struct flaw);
		if (!it->flaw) return ERR_NO_MEMORY;
		*it->flaw = f;
	}
	return ERR_OK;
}

/* ---- writing ---------------------------------------------------------------------------- */

/* What is known of an item by now; ours is read from the present snapshot. */
static enum err outcome_of(const struct batch *b, const struct item *it, struct outcome *ret)
{
	if (it->err) {
		*ret = (struct outcome){.err = it->err, .flaw = *it->flaw};
		return ERR_OK;
	}
	if (it->finding) {
		outcome_found(it->finding, it->cached, ret);
		return ERR_OK;
	}
	return outcome_local(b->shard, b->req->arena, &it->id, ret);
}

static enum err put_json_item(const struct batch *b, const struct item *it, const struct outcome *o,
			      struct buf *out)
{
	enum err e = ERR_OK;
	buf_add(out, STR("{\"id\":"));
	buf_json(out, it->err ? it->asked : it->id.text);
	enum id_scheme scheme = it->err ? id_detect(it->asked) : it->id.scheme;
	if (scheme) buf_printf(out, ",\"scheme\":\"%s\"", id_scheme_name(scheme));
	if (o->err) {
		buf_byte(out, ',');
		net_problem_members(b->req, o->err, err_http(o->err), &o->flaw, out);
	} else {
		buf_add(out, STR(",\"status\":200"));
	}
	buf_add(out, STR(",\"state\":\""));
	buf_add(out, str_of(chain_state_name(o->state)));
	buf_byte(out, '"');
	if (o->prefix.n) {
		buf_add(out, STR(",\"referral\":{\"prefix\":"));
		buf_json(out, o->prefix);
		buf_add(out, STR(",\"url\":"));
		buf_json(out, o->url);
		buf_byte(out, '}');
	}
	if (o->kind == ANSWER_RECORD) {
		buf_add(out, STR(",\"answer\":"));
		e = record_write_json_peeked(&o->head, RECORD_PUBLIC, out);
	}
	buf_byte(out, '}');
	return e ? e : buf_err(out);
}

static enum err answer_octets(const struct batch *b, const struct item *it, struct outcome *o,
			      struct str *ret)
{
	struct envelope env;
	struct local l;
	struct arena *a = b->req->arena;
	if (b->signed_answers) {
		enum err e = outcome_sign(b->shard, a, &it->id, o);
		if (!e) *ret = o->octets;
		return e;
	}
	if (o->octets.n) {
		enum err e = envelope_unpack(o->octets, NULL, &env);
		if (!e) *ret = env.payload;
		return e;
	}
	struct buf plain = BUF_INIT(ANSWER_PACKED_MAX);
	enum err e = answer_find(b->shard, a, &it->id, &l);
	if (!e) e = answer_plain(b->shard, a, &it->id, &l, &plain);
	if (!e) *ret = arena_dup(a, buf_str(&plain));
	buf_done(&plain);
	return e;
}

static enum err put_proto_item(const struct batch *b, const struct item *it, struct outcome *o,
			       struct buf *out)
{
	struct batch_item m = {.id = it->asked};
	enum err e = ERR_OK;
	if (o->kind) {
		e = answer_octets(b, it, o, &m.answer);
	} else {
		m.err = o->err;
		m.detail = str_of(o->flaw.text);
	}
	if (!e) batch_answer_add(out, &m);
	return e ? e : buf_err(out);
}

static enum err put_all(const struct batch *b, struct buf *out)
{
	enum err e = ERR_OK;
	if (b->proto)
		batch_answer_open(out);
	else
		buf_add(out, STR("{\"answers\":["));
	for (size_t i = 0; i < b->n && !e; i++) {
		struct arena_mark mark = arena_mark(b->req->arena);
		struct outcome o;
		e = outcome_of(b, &b->items[i], &o);
		if (!e) outcome_count(b->shard, &o);
		if (!e && !b->proto && i) buf_byte(out, ',');
		if (!e)
			e = b->proto ? put_proto_item(b, &b->items[i], &o, out)
				     : put_json_item(b, &b->items[i], &o, out);
		arena_rollback(b->req->arena, mark);
	}
	if (!b->proto) buf_add(out, STR("]}"));
	return e ? e : buf_err(out);
}

static void reply(struct batch *b)
{
	struct net_req *r = b->req;
	struct flaw f;
	struct buf *out = face_buf(r, BATCH_ANSWER_MAX);
	enum err e = out ? put_all(b, out) : ERR_NO_MEMORY;
	b->req = NULL;
	if (e == ERR_TOO_LARGE) {
		flaw_set(&f, e, FLAW_NO_OFFSET, "ids", "answer-size",
			 "the answers take more than %d octets; ask for fewer identifiers",
			 BATCH_ANSWER_MAX);
		net_reply_err(r, e, &f);
	} else if (e) {
		net_reply_err(r, e, NULL);
	} else {
		net_set(r, "cache-control", STR("no-store"));
		net_reply(r, 200, b->proto ? MEDIA_BATCH : MEDIA_JSON, buf_str(out));
	}
}

/* ---- asking others ---------------------------------------------------------------------- */

static void go_on(struct batch *b);

static void on_found(void *arg, struct finding *f)
{
	struct walk_ref *ref = arg;
	struct batch *b = ref->batch;
	ref->item->finding = f;
	b->open--;
	go_on(b);
}

static bool needs_others(const struct batch *b, const struct item *it)
{
	const struct zone *z;
	if (it->err || !b->shard->rs->o.recursive) return false;
	z = zones_find(b->shard->zones, &it->id);
	return !z || z->parent;
}

static void ask(struct batch *b, struct item *it)
{
	it->finding = question_cached(b->shard, &it->id);
	if (it->finding) {
		it->cached = true;
		RS_COUNT(&b->shard->counters, cache_hits);
		return;
	}
	struct walk_ref *ref = ARENA_NEW(b->arena, struct walk_ref);
	b->open++;
	if (ref) *ref = (struct walk_ref){b, it};
	if (ref && !question_ask(b->shard, &it->id, on_found, ref)) return;
	b->open--;
	it->flaw = ARENA_NEW(b->arena, struct flaw);
	it->err = it->flaw ? flaw_set(it->flaw, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s",
				      err_text(ERR_NO_MEMORY))
			   : ERR_OK;
}

/* Starts what may be started, answers when all is known, frees when nobody needs it any more. A
 * question may be answered before question_ask returns: `filling` keeps that from nesting. */
static void go_on(struct batch *b)
{
	if (b->filling) return;
	b->filling = true;
	while (b->req && b->next < b->n && b->open < BATCH_WALKS) {
		struct item *it = &b->items[b->next++];
		if (needs_others(b, it)) ask(b, it);
	}
	b->filling = false;
	if (b->open) return;
	if (b->req) reply(b);
	batch_free(b);
}

static void on_gone(void *arg)
{
	struct batch *b = arg;
	b->req = NULL;
}

static struct batch *batch_new(struct net_req *r)
{
	struct arena *a = arena_new(BATCH_ARENA);
	struct batch *b = a ? ARENA_NEW(a, struct batch) : NULL;
	if (!b) {
		arena_free(a);
		return NULL;
	}
	*b = (struct batch){
	    .arena = a, .req = r, .shard = rs__shard(r), .proto = face_content(r, MEDIA_BATCH)};
	return b;
}

void post_resolve(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct batch *b = batch_new(r);
	if (!b) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	enum err e = ERR_OK;
	if (b->proto)
		e = read_proto(b, r->body, &f);
	else if (face_content(r, MEDIA_JSON))
		e = read_json(b, r->body, &f);
	else
		e = flaw_set(&f, ERR_BAD_TYPE, FLAW_NO_OFFSET, "content-type", "media-type",
			     "expected %s or %s", MEDIA_JSON, MEDIA_BATCH);
	if (!e) e = parse_ids(b);
	if (e) {
		net_reply_err(r, e, &f);
		batch_free(b);
		return;
	}
	rs__count(&b->shard->counters.questions, b->n);
	limit_charge(r, b->n);
	net_hold(r, on_gone, b);
	go_on(b);
}
