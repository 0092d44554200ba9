#include "dataspace/federation.h"

#include "dataspace/federated.h"
#include "dataspace/partner.h"

enum { SOURCE_FORMAT = 1 };

enum err source_find(struct store_txn *t, struct arena *a, struct str participant, struct str did,
		     Ds__Source **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (!did.n || did.n > DS_DID_MAX || memchr(did.p, 0, did.n)) return ERR_NOT_FOUND;
	k = ds_key(participant, did, STR_NONE);
	e = ds_row_get(t, DS_TABLE_source, &k, a, &ds__source__descriptor, &m);
	if (!e) *ret = (Ds__Source *)m;
	return e;
}

enum err source_put(struct writer_txn *t, struct str participant, const Ds__Source *s)
{
	struct ds_key k = ds_key(participant, str_of(s->did), STR_NONE);

	return ds_row_put(t, DS_TABLE_source, &k, &s->base);
}

enum err source_each(struct store_txn *t, struct arena *a, struct str participant, source_fn *fn, void *arg)
{
	struct ds_key k = participant.n ? ds_key(participant, STR_NONE, STR_NONE) : (struct ds_key){.n = 0};
	struct arena_mark mark = arena_mark(a);
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, DS_TABLE_source, &c);

	if (e) return e;
	e = store_cursor_seek(c, ds_key_str(&k), &key, &value);
	while (!e && str_starts(key, ds_key_str(&k))) {
		struct str rest = key, who;
		ProtobufCMessage *m;

		arena_rollback(a, mark);
		e = ds_key_part(&rest, &who);
		if (!e) e = ds_row_unpack(value, a, &ds__source__descriptor, &m);
		if (!e) e = fn(arg, who, (const Ds__Source *)m);
		if (!e) e = store_cursor_next(c, &key, &value);
	}
	store_cursor_close(c);
	arena_rollback(a, mark);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- routes ---- */

static json_t *source_json(const Ds__Source *s)
{
	json_t *j = json_object();
	char when[CLOCK_TEXT];

	must(j);
	json_put_str(j, "source", str_of(s->did));
	json_put_u64(j, "interval", s->interval);
	json_put_u64(j, "entries", s->entries);
	if (s->fresh) json_put_str(j, "fresh", str_of(clock_print(s->fresh, true, when)));
	if (s->whole) json_put_str(j, "whole", str_of(clock_print(s->whole, true, when)));
	if (s->started) json_put_str(j, "tried", str_of(clock_print(s->started, true, when)));
	json_put(j, "incremental", json_boolean(s->feed[0]));
	json_put_u64(j, "failures", s->failures);
	if (s->error[0]) json_put_str(j, "error", str_of(s->error));
	return j;
}

struct wish {
	struct str participant, did;
	uint64_t interval;
};

static enum err counted(void *arg, struct str participant, const Ds__Source *s)
{
	size_t *n = arg;

	(void)participant, (void)s;
	return ++*n >= SOURCES_MAX ? ERR_NOT_FOUND : ERR_OK;
}

static enum err add_work(struct ds_job *j, struct writer_txn *t)
{
	const struct wish *w = j->in;
	Ds__Source fresh, *s = &fresh;
	size_t n = 0;
	enum err e = source_find(t->store, j->arena, w->participant, w->did, &s);

	if (e && e != ERR_NOT_FOUND) return e;
	j->status = e ? 201 : 200;
	if (e) {
		e = source_each(t->store, j->arena, w->participant, counted, &n);
		if (!e && n >= SOURCES_MAX)
			e = flaw_set(&j->flaw, ERR_TOO_LARGE, FLAW_NO_OFFSET, "provider", "limit",
				     "a participant crawls at most %d catalogs", SOURCES_MAX);
		if (e) return e;
		s = &fresh;
		ds__source__init(s);
		s->format = SOURCE_FORMAT;
		s->did = arena_strdup(j->arena, w->did);
		s->created = t->now;
		s->interval = SOURCE_INTERVAL;
		if (!s->did) return ERR_NO_MEMORY;
	}
	if (w->interval) s->interval = (uint32_t)w->interval;
	s->due = t->now; /* also the way to ask for a crawl now */
	e = source_put(t, w->participant, s);
	if (e) return e;
	j->body = json_write(j->arena, json_keep(j->arena, source_json(s)), false);
	return j->body.p ? ERR_OK : ERR_NO_MEMORY;
}

/* Entries go with their source, some thousands a command: 202 asks to call again. */
static enum err drop_work(struct ds_job *j, struct writer_txn *t)
{
	const struct wish *w = j->in;
	unsigned char(*keys)[16] = arena_array(j->arena, sizeof *keys, SOURCE_DROP);
	struct ds_key k;
	Ds__Source *s;
	size_t n;
	bool gone;
	enum err e = source_find(t->store, j->arena, w->participant, w->did, &s);

	if (e == ERR_NOT_FOUND)
		return flaw_set(&j->flaw, e, FLAW_NO_OFFSET, "provider", "unknown",
				"no catalog of %.*s is crawled", STR_ARG(w->did));
	if (!e && !keys) e = ERR_NO_MEMORY;
	if (!e) e = federated_keys(t->store, w->participant, w->did, NULL, SOURCE_DROP, keys, &n);
	for (size_t i = 0; !e && i < n; i++) e = federated_drop(t, w->participant, w->did, keys[i], &gone);
	if (e) return e;
	if (n == SOURCE_DROP) {
		s->due = INT64_MAX; /* not crawled any more */
		j->status = 202;
		j->body = STR("{\"removed\":false}");
		return source_put(t, w->participant, s);
	}
	k = ds_key(w->participant, w->did, STR_NONE);
	j->status = 204;
	return store_del(t->store, DS_TABLE_source, ds_key_str(&k));
}

static void wish_submit(struct net_req *r, const struct wish *w,
			enum err (*work)(struct ds_job *j, struct writer_txn *t))
{
	struct ds_job *j = ds_job_new(ds_of(r), r);
	struct wish *mine = j ? ARENA_NEW(j->arena, struct wish) : NULL;

	if (!j) return;
	must(mine);
	mine->participant = arena_dup(j->arena, w->participant);
	mine->did = arena_dup(j->arena, w->did);
	mine->interval = w->interval;
	j->in = mine;
	j->work = work;
	(void)ds_job_submit(j);
}

static void source_post(struct net_req *r)
{
	struct wish w = {.interval = 0};
	const struct ds_self *self;
	struct str provider;
	struct flaw f = {0};
	json_t *body;
	enum err e = ds_req_participant(r, &w.participant);

	if (e) return;
	e = json_read(r->arena, r->body, &f, &body);
	if (!e) e = json_str(body, "", "provider", &f, &provider);
	if (!e) e = json_u64_opt(body, "", "interval", &f, &w.interval);
	if (!e && w.interval && (w.interval < SOURCE_INTERVAL_MIN || w.interval > SOURCE_INTERVAL_MAX))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "interval", "range", "%d to %d seconds",
			     SOURCE_INTERVAL_MIN, SOURCE_INTERVAL_MAX);
	if (!e) e = partner_did(r->arena, provider, &f, &w.did);
	if (!e && w.did.n > DS_DID_MAX)
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "provider", "length",
			     "the DID is too long");
	if (!e) e = ds_self_find(ds_of(r), ds_txn(r->shard), w.participant, &self);
	if (!e && str_eq(self->did, w.did))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "provider", "self",
			     "the provider is the participant itself");
	if (e)
		net_reply_err(r, e, &f);
	else
		wish_submit(r, &w, add_work);
}

static void source_delete(struct net_req *r)
{
	struct wish w = {.interval = 0};
	struct flaw f = {0};
	enum err e = ds_req_participant(r, &w.participant);

	if (e) return;
	e = net_decode(r->arena, r->param[1], &f, &w.did);
	if (!e) e = partner_did(r->arena, w.did, &f, &w.did); /* named as for crawling */
	if (e)
		net_reply_err(r, e, &f);
	else
		wish_submit(r, &w, drop_work);
}

static enum err listed(void *arg, struct str participant, const Ds__Source *s)
{
	(void)participant;
	must(!json_array_append_new(arg, source_json(s)));
	return ERR_OK;
}

static void source_list(struct net_req *r)
{
	json_t *out = json_keep(r->arena, json_object()), *list = json_keep(r->arena, json_array());
	struct str participant;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = out && list ? source_each(ds_txn_fresh(r->shard), r->arena, participant, listed, list)
			: ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, "sources", json_incref(list));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

const struct net_route federation_routes[] = {
    {NET_POST, "/participants/{p}/sources", source_post, ROLE_OWNER, 4096, 0,
     "crawl a partner's catalog from now on, or now"},
    {NET_GET, "/participants/{p}/sources", source_list, ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR, 0, 0,
     "catalogs that are crawled"},
    {NET_DELETE, "/participants/{p}/sources/{did}", source_delete, ROLE_OWNER, 0, 0,
     "crawl it no more and forget what it offers"},
    {NET_GET, "/participants/{p}/federated", federated_search, ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR, 0, 0,
     "search the datasets of all crawled catalogs"},
};
const size_t federation_routes_n = sizeof federation_routes / sizeof *federation_routes;
