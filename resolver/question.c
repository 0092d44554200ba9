#include "resolver/question.h"

#include <stdlib.h>

struct question {
	struct rs_shard *home, *owner;
	struct id id;
	question_done_fn *done;
	void *arg;
	struct finding *finding;
	char octets[]; /* of the identifier's text and key */
};

static struct finding without_memory = {.refs = 1, .err = ERR_NO_MEMORY};

struct finding *question_cached(struct rs_shard *s, const struct id *id)
{
	usec_t now = clock_mono();
	struct finding *f = cache_find(s->rs->cache, CACHE_POSITIVE, id->key, now);
	return f ? f : cache_find(s->rs->cache, CACHE_NEGATIVE, id->key, now);
}

static void come_home(void *arg)
{
	struct question *q = arg;
	q->done(q->arg, q->finding);
	free(q);
}

static void found(void *arg, struct finding *f)
{
	struct question *q = arg;
	q->finding = f;
	if (q->owner == q->home || rs__post(q->home, come_home, q)) come_home(q);
}

static struct finding *failure(const struct question *q, enum err e)
{
	struct finding parts = {
	    .err = e, .key = q->id.key, .text = str_of(err_text(e)), .made = clock_mono()};
	struct finding *f = finding_new(&parts);
	return f ? f : finding_use(&without_memory);
}

/* On the owner's thread. */
static void begin(void *arg)
{
	struct question *q = arg;
	struct rs_shard *s = q->owner;
	if (!s->walker) {
		found(q, failure(q, ERR_STOPPING));
		return;
	}
	/* another walk may have ended while the question was on its way */
	struct finding *f = q->owner == q->home ? NULL : question_cached(s, &q->id);
	if (f) {
		found(q, f);
		return;
	}
	const struct zone *z = zones_find(s->zones, &q->id);
	struct str own = z && z->parent ? z->delegation : STR_NONE;
	enum err e = walker_ask(s->walker, &q->id, own, found, q);
	if (e) found(q, failure(q, e));
}

static struct rs_shard *owner_of(struct rs_shard *s, struct str key)
{
	unsigned n = atomic_load_explicit(&s->rs->shards_n, memory_order_relaxed);
	uint32_t h = 2166136261;
	for (size_t i = 0; i < key.n; i++) h = (h ^ (unsigned char)key.p[i]) * 16777619;
	struct rs_shard *owner = n > 1 ? atomic_load(&s->rs->shards[(h ^ (h >> 15)) % n]) : s;
	return owner ? owner : s;
}

enum err question_ask(struct rs_shard *s, const struct id *id, question_done_fn *done, void *arg)
{
	struct question *q = malloc(sizeof *q + id->text.n + id->key.n);
	if (!q) return ERR_NO_MEMORY;
	*q = (struct question){
	    .home = s, .owner = owner_of(s, id->key), .id = *id, .done = done, .arg = arg};
	memcpy(q->octets, id->text.p, id->text.n);
	memcpy(q->octets + id->text.n, id->key.p, id->key.n);
	q->id.text = str_n(q->octets, id->text.n);
	q->id.key = str_n(q->octets + id->text.n, id->key.n);
	if (q->owner != s && !rs__post(q->owner, begin, q)) return ERR_OK;
	q->owner = s;
	begin(q);
	return ERR_OK;
}
