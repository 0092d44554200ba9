#include "dataspace/dataset.h"

#include "dataspace/catalog_feed.h"
#include "dataspace/dataset_access.h"
#include "dataspace/dataset_meta.h"
#include "dataspace/dataset_publish.h"
#include "dataspace/piece.h"
#include "dataspace/turn.h"

enum {
	DATASET_PAGE = 1000,
};

enum err dataset_id_check(struct str id, struct flaw *f)
{
	if (!id.n || id.n > DS_DATASET_MAX)
		return flaw_set(f, ERR_BAD_INPUT, 0, "dataset", "length",
				"a dataset's id has 1 to %d characters", DS_DATASET_MAX);
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) continue;
		if (c != '.' && c != '-' && c != '_' && c != '~')
			return flaw_set(f, ERR_BAD_INPUT, i, "dataset", "letters",
					"a dataset's id has letters, digits and . - _ ~");
	}
	return ERR_OK;
}

bool dataset_held(const Ds__Dataset *s)
{
	return s->digest.len == 32 || s->plane[0] || s->non_finite;
}

bool dataset_published(const Ds__Dataset *s)
{
	return s->policy[0] && dataset_held(s);
}

bool ds__dataset_withdrawn(const Ds__Dataset *s)
{
	return !s->policy[0] && !dataset_held(s);
}

/* The row, withdrawn ones too. */
enum err dataset_row(struct store_txn *t, struct arena *a, struct str participant, struct str id,
		     Ds__Dataset **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (dataset_id_check(id, NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, id, STR_NONE);
	e = ds_row_get(t, DS_TABLE_dataset, &k, a, &ds__dataset__descriptor, &m);
	if (!e) *ret = (Ds__Dataset *)m;
	return e;
}

enum err ds_dataset_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			 Ds__Dataset **ret)
{
	Ds__Dataset *s;
	enum err e = dataset_row(t, a, participant, id, &s);

	if (e) return e;
	if (ds__dataset_withdrawn(s)) return ERR_NOT_FOUND;
	*ret = s;
	return ERR_OK;
}

enum err dataset_by_offer(struct store_txn *t, struct arena *a, struct str participant, struct str offer,
			  struct str partner, struct flaw *f, Ds__Dataset **ret)
{
	struct str id = offer;
	Ds__Dataset *s;
	enum err e = ERR_NOT_FOUND;

	if (str_starts(id, STR("offer:"))) {
		id = str_skip(id, 6);
		id.n = str_rfind(id, ':');
		e = ds_dataset_find(t, a, participant, id, &s);
	}
	if (!e && !dataset_published(s)) e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND) goto unknown;
	if (e) return e;
	/* an offer that the partner may not see is not there */
	if (partner.p && !dataset_visible(s, partner)) goto unknown;
	if (!str_is(offer, s->offer_id))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "offer.@id", "offer-outdated",
				"the offer has been replaced by %s", s->offer_id);
	*ret = s;
	return ERR_OK;
unknown:
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "offer.@id", "offer-unknown",
			"there is no such offer");
}

enum err dataset_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		      dataset_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	struct arena_mark mark = arena_mark(a);
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_dataset, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		arena_rollback(a, mark);
		e = ds_row_unpack(value, a, &ds__dataset__descriptor, &m);
		if (!e && !ds__dataset_withdrawn((const Ds__Dataset *)m))
			e = fn(arg, (const Ds__Dataset *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	arena_rollback(a, mark);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- changes ---- */

enum err ds__dataset_make(struct writer_txn *t, struct arena *a, struct str participant, struct str id,
			  Ds__Dataset **ret)
{
	enum err e = dataset_row(t->store, a, participant, id, ret);
	Ds__Dataset *s;

	if (e != ERR_NOT_FOUND) return e;
	s = ARENA_NEW(a, Ds__Dataset);
	if (!s) return ERR_NO_MEMORY;
	ds__dataset__init(s);
	s->format = DATASET_FORMAT;
	s->id = arena_strdup(a, id);
	s->created = t->now;
	if (!s->id) return ERR_NO_MEMORY;
	*ret = s;
	return ERR_OK;
}

enum err ds__dataset_put(struct writer_txn *t, struct str participant, Ds__Dataset *s)
{
	struct ds_key k = ds_key(participant, str_of(s->id), STR_NONE);
	enum err e = feed_change(t, participant, str_of(s->id), s->change, &s->change);

	if (e) return e;
	s->modified = t->now;
	return ds_row_put(t, DS_TABLE_dataset, &k, &s->base);
}

enum err ds__dataset_new_offer(struct arena *a, Ds__Dataset *s)
{
	s->revision++;
	s->offer_id =
	    arena_strdup(a, arena_printf(a, "offer:%s:%llu", s->id, (unsigned long long)s->revision));
	return s->offer_id ? ERR_OK : ERR_NO_MEMORY;
}

json_t *ds__dataset_detail(const Ds__Dataset *s)
{
	char sha[64];
	json_t *j = json_object();

	must(j);
	if (s->digest.len == 32) {
		hex_write(s->digest.data, 32, sha);
		json_put(j, "digest", json_sprintf("sha256:%.64s", sha));
		json_put_u64(j, "size", s->size);
	}
	if (s->plane[0]) json_put_str(j, "dataplane", str_of(s->plane));
	if (s->offer_id[0]) json_put_str(j, "offer", str_of(s->offer_id));
	return j;
}

/* What is put to a dataset that does not end goes behind what is there. Its offer, and with it the catalog,
 * stay as they are. */
static enum err content_append(struct writer_txn *t, struct arena *a, struct ds_event *ev, Ds__Dataset *s,
			       const unsigned char digest[32], uint64_t size)
{
	struct ds_key k = ds_key(ev->participant, str_of(s->id), STR_NONE);
	uint64_t from = s->size;
	char sha[64];
	enum err e = piece_add(t, a, ev->participant, s, digest, size);

	if (!e) e = ds_row_put(t, DS_TABLE_dataset, &k, &s->base);
	if (e) return e;
	ev->detail = json_object();
	must(ev->detail);
	hex_write(digest, 32, sha);
	json_put(ev->detail, "digest", json_sprintf("sha256:%.64s", sha));
	json_put_u64(ev->detail, "size", size);
	json_put_u64(ev->detail, "from", from);
	return ds_event_append(t, ev, NULL);
}

enum err ds_dataset_content_set(struct writer_txn *t, struct arena *a, struct str participant,
				struct str id, const unsigned char digest[32], uint64_t size,
				struct str media_type, struct str who)
{
	struct ds_event ev = {
	    .kind = DS_EVENT_DATASET_CONTENT, .participant = participant, .who = who, .dataset = id};
	Ds__Dataset *s;
	bool same, offered;
	enum err e = dataset_id_check(id, NULL);

	if (!e) e = ds__dataset_make(t, a, participant, id, &s);
	if (e) return e;
	if (s->plane[0]) return ERR_CONFLICT; /* an outside data plane holds it */
	if (s->non_finite) return content_append(t, a, &ev, s, digest, size);
	offered = dataset_published(s);
	same = s->digest.len == 32 && !memcmp(s->digest.data, digest, 32);
	if (same && (!media_type.n || str_is(media_type, s->media_type))) return ERR_OK;
	s->digest = (ProtobufCBinaryData){32, arena_alloc(a, 32)};
	if (!s->digest.data) return ERR_NO_MEMORY;
	memcpy(s->digest.data, digest, 32);
	s->size = size;
	if (media_type.n && !(s->media_type = arena_strdup(a, media_type))) return ERR_NO_MEMORY;
	if (!same && offered && (e = ds__dataset_new_offer(a, s))) return e;
	e = ds__dataset_put(t, participant, s);
	if (e) return e;
	ev.detail = ds__dataset_detail(s);
	return ds_event_append(t, &ev, NULL);
}

static enum err show(struct ds_job *j, const Ds__Dataset *s);

static enum err publish_work(struct ds_job *j, struct writer_txn *t)
{
	Ds__Dataset *s;
	bool fresh;
	enum err e = publishing_apply(t, j->arena, j->in, &j->flaw, &s, &fresh);

	if (e) return e;
	j->status = fresh ? 201 : 200;
	return show(j, s);
}

static enum err withdraw_work(struct ds_job *j, struct writer_txn *t)
{
	struct publishing *p = j->in;
	struct ds_event ev = {.kind = DS_EVENT_DATASET_WITHDRAWN,
			      .participant = p->participant,
			      .who = p->who,
			      .dataset = p->id};
	Ds__Dataset *s, empty;
	enum err e = ds_dataset_find(t->store, j->arena, p->participant, p->id, &s);

	if (e) return e;
	ds__dataset__init(&empty);
	empty.format = DATASET_FORMAT;
	empty.id = s->id;
	empty.revision = s->revision;
	empty.created = s->created;
	empty.change = s->change;
	/* who saw it may be told that it has gone */
	if (dataset_published(s) && (e = dataset_access_note(j->arena, s))) return e;
	empty.was = s->was;
	empty.n_was = s->n_was;
	e = ds__dataset_put(t, p->participant, &empty);
	if (!e) e = ds_event_append(t, &ev, NULL);
	j->status = 204;
	return e;
}

/* ---- routes ---- */

json_t *ds__dataset_json(struct arena *a, const Ds__Dataset *s)
{
	json_t *j = ds__dataset_detail(s), *ids = json_array(), *policy, *meta;
	char when[CLOCK_TEXT];

	must(ids);
	json_put_str(j, "id", str_of(s->id));
	json_put_str(j, "title", str_of(s->title));
	json_put_str(j, "description", str_of(s->description));
	json_put_str(j, "media_type", str_of(s->media_type));
	for (size_t i = 0; i < s->n_identifiers; i++)
		must(!json_array_append_new(ids, json_string(s->identifiers[i])));
	json_put(j, "identifiers", ids);
	if (s->policy[0] && !json_read(a, str_of(s->policy), NULL, &policy))
		json_put(j, "policy", json_incref(policy));
	if (s->access[0] && !json_read(a, str_of(s->access), NULL, &policy))
		json_put(j, "access", json_incref(policy));
	if ((meta = meta_open(a, s))) must(!json_object_update(j, meta));
	if (s->non_finite) json_put_u64(j, "size", s->size);
	json_put(j, "nonFinite", json_boolean(s->non_finite));
	json_put(j, "approval", json_boolean(s->approval));
	json_put_u64(j, "revision", s->revision);
	json_put(j, "published", json_boolean(dataset_published(s)));
	json_put_str(j, "modified", str_of(clock_print(s->modified, true, when)));
	return j;
}

static enum err show(struct ds_job *j, const Ds__Dataset *s)
{
	j->body = json_write(j->arena, json_keep(j->arena, ds__dataset_json(j->arena, s)), false);
	return j->body.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err job_start(struct net_req *r, struct ds_job **ret_job)
{
	struct str participant, id;
	struct flaw f = {0};
	struct publishing *p;
	struct ds_job *j;
	enum err e = ds_req_participant(r, &participant);

	if (e) return e;
	e = net_decode(r->arena, r->param[1], &f, &id);
	if (!e) e = dataset_id_check(id, &f);
	if (e) {
		net_reply_err(r, e, &f);
		return e;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return ERR_NO_MEMORY;
	p = ARENA_NEW(j->arena, struct publishing);
	must(p);
	p->participant = arena_dup(j->arena, participant);
	p->id = arena_dup(j->arena, id);
	p->who = arena_dup(j->arena, ds_who(r));
	j->in = p;
	*ret_job = j;
	return ERR_OK;
}

static void dataset_put(struct net_req *r)
{
	struct flaw f = {0};
	struct str check;
	struct ds_job *j;
	json_t *body;
	enum err e = job_start(r, &j);

	if (e) return;
	e = json_read(j->arena, r->body, &f, &body);
	if (!e) e = publishing_read(j->arena, body, &f, j->in);
	if (!e &&
	    net_query(r, "check", &check)) { /* only told whether it could be: before its content is sent */
		net_reply(r, 204, NULL, STR(""));
		ds_job_free(j);
		return;
	}
	j->work = publish_work;
	ds_job_submit_or_refuse(j, e, &f);
}

static void dataset_delete(struct net_req *r)
{
	struct ds_job *j;

	if (job_start(r, &j)) return;
	j->work = withdraw_work;
	(void)ds_job_submit(j);
}

static void dataset_get(struct net_req *r)
{
	struct str participant, id;
	struct flaw f = {0};
	Ds__Dataset *s;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = net_decode(r->arena, r->param[1], &f, &id);
	if (!e) e = ds_dataset_find(ds_txn(r->shard), r->arena, participant, id, &s);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	net_reply(r, 200, "application/json",
		  json_write(r->arena, json_keep(r->arena, ds__dataset_json(r->arena, s)), false));
}

struct listing {
	struct arena *a;
	json_t *list;
	const char *next;
};

static enum err list_one(void *arg, const Ds__Dataset *s)
{
	struct listing *l = arg;

	if (json_array_size(l->list) == DATASET_PAGE) {
		l->next =
		    json_string_value(json_object_get(json_array_get(l->list, DATASET_PAGE - 1), "id"));
		return ERR_NOT_FOUND;
	}
	must(!json_array_append_new(l->list, ds__dataset_json(l->a, s)));
	return ERR_OK;
}

static void dataset_list(struct net_req *r)
{
	struct listing l = {.a = r->arena, .list = json_keep(r->arena, json_array())};
	json_t *out = json_keep(r->arena, json_object());
	struct str participant, after = STR_NONE;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	(void)net_query(r, "cursor", &after);
	if (after.n && dataset_id_check(after, NULL)) e = ERR_BAD_INPUT;
	if (!e && (!l.list || !out)) e = ERR_NO_MEMORY;
	if (!e) e = dataset_each(ds_txn(r->shard), r->arena, participant, after, list_one, &l);
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, "datasets", json_incref(l.list));
	if (l.next) json_put_str(out, "next", str_of(l.next));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

const struct net_route dataset_routes[] = {
    {NET_PUT, "/participants/{p}/datasets/{d}", dataset_put, ROLE_OWNER, JSON_SIZE_MAX, 0,
     "describe and offer a dataset"},
    {NET_GET, "/participants/{p}/datasets", dataset_list, ROLE_OWNER | ROLE_AUDITOR, 0, 0, "list datasets"},
    {NET_GET, "/participants/{p}/datasets/{d}", dataset_get, ROLE_OWNER | ROLE_AUDITOR, 0, 0,
     "show a dataset"},
    {NET_POST, "/participants/{p}/datasets", batch_post, ROLE_OWNER, JSON_SIZE_MAX, 0,
     "publish many: one JSON object a line"},
    {NET_DELETE, "/participants/{p}/datasets/{d}", dataset_delete, ROLE_OWNER, 0, 0, "withdraw a dataset"},
};
const size_t dataset_routes_n = sizeof dataset_routes / sizeof *dataset_routes;
