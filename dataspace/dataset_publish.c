#include "dataspace/dataset_publish.h"

#include <stdio.h>

#include "dataspace/data_plane.h"
#include "dataspace/dataset_access.h"
#include "dataspace/dataset_meta.h"
#include "dataspace/offer.h"
#include "dataspace/turn.h"
#include "proto/dsp/odrl.h"

static enum err text_opt(json_t *body, const char *key, struct flaw *f, bool *ret_has, struct str *ret)
{
	json_t *v = json_object_get(body, key), *en = json_object_get(v, "en");
	enum err e = ERR_OK;

	if (json_is_object(v)) /* by language: English, else the first, stands where one text is wanted */
		*ret = json_text(en ? en : json_object_iter_value(json_object_iter(v)));
	else
		e = json_str_opt(body, "", key, f, ret);
	if (e) return e;
	*ret_has = json_object_get(body, key) != NULL;
	if (ret->n > DATASET_TEXT_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, key, "length",
				"it has at most %d octets", DATASET_TEXT_MAX);
	return ERR_OK;
}

static enum err identifiers_read(struct arena *a, json_t *body, struct flaw *f, struct publishing *p)
{
	json_t *list = NULL;
	enum err e = json_arr_opt(body, "", "identifiers", f, &list);

	if (e || !list) return e;
	p->identifiers_n = json_array_size(list);
	if (p->identifiers_n > DATASET_IDENTIFIERS_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "identifiers", "limit",
				"at most %d identifiers", DATASET_IDENTIFIERS_MAX);
	p->identifiers = ARENA_ARRAY(a, char *, p->identifiers_n + 1);
	if (!p->identifiers) return ERR_NO_MEMORY;
	for (size_t i = 0; i < p->identifiers_n; i++) {
		struct str s = json_text(json_array_get(list, i));

		if (!s.n || s.n > DATASET_TEXT_MAX)
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "identifiers", "type",
					"element %zu is not an identifier", i);
		if (!(p->identifiers[i] = arena_strdup(a, s))) return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

static enum err policy_read(struct arena *a, json_t *body, struct flaw *f, struct publishing *p)
{
	struct buf b = BUF_INIT(JSON_SIZE_MAX);
	struct odrl_policy offer;
	json_t *policy, *rules;
	enum err e;

	if (!json_object_get(body, "policy")) return ERR_OK;
	e = json_obj(body, "", "policy", f, &policy);

	if (!e) e = dp_policy_check(a, policy, f);
	if (e) return e;
	rules = offer_rules(a, policy);
	if (rules) rules = offer_rules_plain(a, rules);
	if (!rules) return ERR_NO_MEMORY;
	e = odrl_check(offer_write(a, rules, STR("offer"), STR_NONE, STR_NONE), ODRL_OFFER, "policy", f,
		       &offer);
	if (!e) e = json_jcs(rules, &b);
	if (!e) p->policy = arena_dup(a, buf_str(&b));
	if (!e && !p->policy.p) e = ERR_NO_MEMORY;
	buf_done(&b);
	return e;
}

static enum err non_finite_read(json_t *body, struct flaw *f, struct publishing *p)
{
	json_t *v = json_object_get(body, "nonFinite");

	if (v && !json_is_boolean(v))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "nonFinite", "type",
				"it must be true or false");
	p->has_non_finite = v != NULL;
	p->non_finite = json_is_true(v);
	return ERR_OK;
}

/* A content is either one that ends and is promised, or one that goes on. */
static enum err non_finite_apply(const struct publishing *p, struct flaw *f, Ds__Dataset *s)
{
	if (!p->has_non_finite || p->non_finite == s->non_finite) return ERR_OK;
	if (s->digest.len || s->size)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "nonFinite", "state",
				"the dataset has a content already: withdraw it first");
	s->non_finite = p->non_finite;
	return ERR_OK;
}

static enum err approval_read(json_t *body, struct flaw *f, struct publishing *p)
{
	json_t *v = json_object_get(body, "approval");

	if (v && !json_is_boolean(v))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "approval", "type",
				"it must be true or false");
	p->has_approval = v != NULL;
	p->approval = json_is_true(v);
	return ERR_OK;
}

enum err publishing_read(struct arena *a, json_t *body, struct flaw *f, struct publishing *p)
{
	json_t *access = json_object_get(body, "access");
	enum err e = ERR_OK;

	if (!json_is_object(body))
		return flaw_set(f, ERR_BAD_MESSAGE, 0, "", "type", "an object is expected");
	/* first: a title by languages is checked before one of them is taken */
	e = meta_read(a, body, f, &p->meta);
	if (!e) e = text_opt(body, "title", f, &p->has_title, &p->title);
	if (!e) e = text_opt(body, "description", f, &p->has_description, &p->description);
	if (!e) e = text_opt(body, "media_type", f, &p->has_media_type, &p->media_type);
	if (!e) e = identifiers_read(a, body, f, p);
	p->has_access = access != NULL;
	if (!e) e = approval_read(body, f, p);
	if (!e) e = non_finite_read(body, f, p);
	if (!e) e = json_str_opt(body, "", "dataplane", f, &p->plane);
	p->has_plane = json_object_get(body, "dataplane") != NULL;
	if (!e && access) e = access_read(a, access, f, &p->access);
	return e ? e : policy_read(a, body, f, p);
}

static enum err content_share(struct writer_txn *t, struct arena *a, const struct publishing *p,
			      struct flaw *f, Ds__Dataset *s, bool *ret_changed)
{
	Ds__Dataset *of;
	enum err e = ds_dataset_find(t->store, a, p->participant, p->content_of, &of);

	if (e == ERR_NOT_FOUND || (!e && of->digest.len != 32))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "content_of", "unknown",
				"there is no dataset %.*s with a content",
				STR_ARG(str_first(p->content_of, DS_DATASET_MAX)));
	if (!e && s->non_finite)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "content_of", "state",
				"the dataset does not end: it shares no content");
	if (e) return e;
	*ret_changed = s->digest.len != 32 || memcmp(s->digest.data, of->digest.data, 32) != 0;
	s->digest = of->digest;
	s->size = of->size;
	if (!s->media_type[0]) s->media_type = of->media_type;
	return ERR_OK;
}

static enum err texts_apply(struct arena *a, const struct publishing *p, struct flaw *f, Ds__Dataset *s)
{
	struct str meta;
	enum err e = meta_merge(a, s->meta, p->meta, f, &meta);

	if (e) return e;
	s->meta = arena_strdup(a, meta);
	if (p->has_title) s->title = arena_strdup(a, p->title);
	if (p->has_description) s->description = arena_strdup(a, p->description);
	if (p->has_media_type) s->media_type = arena_strdup(a, p->media_type);
	if (p->has_approval) s->approval = p->approval;
	if (p->identifiers) {
		s->identifiers = p->identifiers;
		s->n_identifiers = p->identifiers_n;
	}
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}

/* Its profiles are the dataset's formats from now on. */
static enum err plane_apply(struct writer_txn *t, struct arena *a, const struct publishing *p,
			    struct flaw *f, Ds__Dataset *s, bool *ret_changed)
{
	Ds__DataPlane *plane;
	enum err e;

	*ret_changed = *ret_changed || !str_is(p->plane, s->plane);
	s->n_profiles = 0;
	s->plane = arena_strdup(a, p->plane.n ? p->plane : STR(""));
	if (!s->plane) return ERR_NO_MEMORY;
	if (!p->plane.n) return ERR_OK;
	e = data_plane_named(t->store, a, p->participant, p->plane, "dataplane", f, &plane);
	if (e) return e;
	s->profiles = plane->profiles;
	s->n_profiles = plane->n_profiles;
	return ERR_OK;
}

enum err publishing_apply(struct writer_txn *t, struct arena *a, const struct publishing *p, struct flaw *f,
			  Ds__Dataset **ret, bool *ret_fresh)
{
	struct ds_event ev = {.kind = DS_EVENT_DATASET_PUBLISHED,
			      .participant = p->participant,
			      .who = p->who,
			      .dataset = p->id};
	bool offered, content = false;
	Ds__Dataset *s;
	enum err e = ds__dataset_make(t, a, p->participant, p->id, &s);

	if (e) return e;
	*ret_fresh = ds__dataset_withdrawn(s);
	offered = dataset_published(s);
	if (!p->policy.n && !s->policy[0])
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "policy", "missing",
				"a dataset that has no policy yet needs one");
	e = texts_apply(a, p, f, s);
	if (!e && p->has_access) e = dataset_access_set(a, s, p->access, offered);
	if (!e && p->content_of.n) e = content_share(t, a, p, f, s, &content);
	if (!e) e = non_finite_apply(p, f, s);
	if (!e && p->has_plane) e = plane_apply(t, a, p, f, s, &content);
	if (e) return e;
	if (p->policy.n && !str_is(p->policy, s->policy)) {
		s->policy = arena_strdup(a, p->policy);
		content = true;
	}
	if (content && (e = ds__dataset_new_offer(a, s))) return e;
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	e = ds__dataset_put(t, p->participant, s);
	if (e) return e;
	ev.detail = ds__dataset_detail(s);
	*ret = s;
	return ds_event_append(t, &ev, NULL);
}

/* ---- batches ---- */

struct batch {
	struct publishing *all;
	size_t n;
};

static enum err line_flaw(struct flaw *f, enum err e, size_t line)
{
	char at[sizeof f->at];

	snprintf(at, sizeof at, "line %zu%s%s", line, f->at[0] ? ": " : "", f->at);
	memcpy(f->at, at, sizeof at);
	return e;
}

static enum err batch_work(struct ds_job *j, struct writer_txn *t)
{
	const struct batch *b = j->in;
	size_t made = 0, empty = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct arena_mark m = arena_mark(j->arena);
		Ds__Dataset *s;
		bool fresh;
		enum err e = publishing_apply(t, j->arena, &b->all[i], &j->flaw, &s, &fresh);

		if (e) return line_flaw(&j->flaw, e, i + 1);
		empty += !dataset_published(s);
		made += fresh;
		arena_rollback(j->arena, m);
	}
	j->body = arena_printf(j->arena, "{\"published\":%zu,\"new\":%zu,\"without_content\":%zu}", b->n,
			       made, empty);
	return j->body.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err line_read(struct arena *a, struct str line, struct flaw *f, struct publishing *p)
{
	json_t *o;
	struct str id;
	enum err e = json_read(a, line, f, &o);

	if (!e) e = json_str(o, "", "id", f, &id);
	if (!e) e = dataset_id_check(id, f);
	if (!e) p->id = id;
	if (!e) e = json_str_opt(o, "", "content_of", f, &p->content_of);
	return e ? e : publishing_read(a, o, f, p);
}

static enum err batch_read(struct ds_job *j, struct net_req *r, struct str participant, struct flaw *f)
{
	struct str left = arena_dup(j->arena, r->body), line;
	struct str who = arena_dup(j->arena, ds_who(r)), self = arena_dup(j->arena, participant);
	struct batch *b = ARENA_NEW(j->arena, struct batch);
	size_t number = 0;
	enum err e = ERR_OK;

	if (b) b->all = ARENA_ARRAY(j->arena, struct publishing, BATCH_MAX);
	if (!b || !b->all || arena_overflowed(j->arena)) return ERR_NO_MEMORY;
	while (!e && left.n && str_split(&left, '\n', &line)) {
		number++;
		line = str_trim(line);
		if (!line.n) continue;
		if (b->n == BATCH_MAX)
			return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "body", "limit",
					"a batch has at most %d datasets", BATCH_MAX);
		b->all[b->n] = (struct publishing){.participant = self, .who = who};
		e = line_read(j->arena, line, f, &b->all[b->n++]);
		if (e) e = line_flaw(f, e, number);
	}
	j->in = b;
	return e;
}

void batch_post(struct net_req *r)
{
	struct str participant;
	struct flaw f = {0};
	struct ds_job *j;
	enum err e = ds_req_participant(r, &participant);

	if (e || !(j = ds_job_new(ds_of(r), r))) return;
	e = batch_read(j, r, participant, &f);
	j->work = batch_work;
	ds_job_submit_or_refuse(j, e, &f);
}
