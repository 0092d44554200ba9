/* What a crawl has the writer do. */
#include "dataspace/crawl_run.h"

#include <stdlib.h>

#include "base/sign.h"
#include "proto/dsp/message.h"

static enum err source_count(struct writer_txn *t, struct ds_job *j, const struct deed *d)
{
	Ds__Source *s;
	enum err e = source_find(t->store, j->arena, d->participant, d->did, &s);

	if (e || d->added == d->gone) return e;
	s->entries = (uint64_t)((int64_t)s->entries + d->added - d->gone);
	return source_put(t, d->participant, s);
}

enum err crawl_page_work(struct ds_job *j, struct writer_txn *t)
{
	struct deed *d = j->in;
	Ds__Source *s;
	bool yes;
	enum err e = source_find(t->store, j->arena, d->participant, d->did, &s);

	d->added = d->gone = 0;
	if (!e && s->due == INT64_MAX) e = ERR_NOT_FOUND;
	if (!e && s->entries + d->put_n > FEDERATED_MAX + DSP_ITEMS_MAX) e = ERR_TOO_LARGE;
	for (size_t i = 0; !e && i < d->put_n; i++) {
		struct arena_mark m = arena_mark(j->arena);

		e = federated_put(t, j->arena, d->participant, d->did, &d->put[i], &yes);
		d->added += yes;
		arena_rollback(j->arena, m);
	}
	for (size_t i = 0; !e && i < d->drop_n; i++) {
		e = federated_drop(t, d->participant, d->did, d->drop[i], &yes);
		d->gone += yes;
	}
	return e ? e : source_count(t, j, d);
}

static usec_t backoff(uint32_t failures)
{
	usec_t s = failures > 7 ? CRAWL_BACKOFF_MAX : (usec_t)CRAWL_BACKOFF << (failures - 1);
	unsigned char r;

	if (s > CRAWL_BACKOFF_MAX) s = CRAWL_BACKOFF_MAX;
	random_bytes(&r, 1);
	return s * USEC_PER_SEC +
	       s * USEC_PER_SEC * r / 2560; /* up to a tenth more: partners are not hit in step */
}

enum err crawl_end_work(struct ds_job *j, struct writer_txn *t)
{
	struct deed *d = j->in;
	Ds__Source *s;
	enum err e = source_find(t->store, j->arena, d->participant, d->did, &s);

	if (e || s->due == INT64_MAX) return e;
	s->started = t->now;
	s->error = arena_strdup(j->arena, d->error);
	if (!s->error) return ERR_NO_MEMORY;
	if (!d->ok) {
		s->failures++;
		s->due = t->now + backoff(s->failures);
		return source_put(t, d->participant, s);
	}
	s->failures = 0;
	s->due = t->now + (usec_t)s->interval * USEC_PER_SEC;
	s->fresh = t->now;
	if (d->whole && !d->unchanged) s->whole = t->now;
	if (!d->unchanged) {
		s->feed = arena_strdup(j->arena, d->feed);
		s->etag = arena_strdup(j->arena, d->etag);
		s->endpoint = arena_strdup(j->arena, d->base);
		if (!s->feed || !s->etag || !s->endpoint) return ERR_NO_MEMORY;
	}
	return source_put(t, d->participant, s);
}

struct back {
	struct crawl *crawl;
	struct deed deed;
	enum err result;
};

static void deed_back(void *arg)
{
	struct back *b = arg;

	b->deed.then(b->crawl, b->result, &b->deed);
	free(b);
}

static void deed_answer(struct ds_job *j, enum err result)
{
	struct back *b = malloc(sizeof *b);
	const struct deed *d = j->in;
	struct crawler *c = d->crawl->c;

	must(b);
	*b = (struct back){d->crawl, *d, result};
	/* refused only when the node stops: crawl_close frees what still runs */
	if (ds_post(c->d, c->shard, deed_back, b)) free(b);
}

struct deed *crawl_deed_new(struct crawl *x, struct ds_job **ret)
{
	struct ds_job *j = ds_job_new(x->c->d, NULL);
	struct deed *d = j ? ARENA_NEW(j->arena, struct deed) : NULL;

	if (!d) {
		ds_job_free(j);
		return NULL;
	}
	d->crawl = x;
	d->participant = arena_dup(j->arena, x->participant);
	d->did = arena_dup(j->arena, x->did);
	j->in = d;
	j->answer = deed_answer;
	*ret = j;
	return d;
}
