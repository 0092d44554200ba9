#include "resolver/cache.h"

#include <pthread.h>
#include <stdlib.h>

/* Stripes keep shards from waiting for each other; buckets are sized for entries of about 1 KiB. */
enum { STRIPES = 8, BUCKETS_MIN = 64, ENTRY_USUAL = 1024, ENTRY_COST = 64 };

/* Parts of 16 that each class may fill. */
static const size_t shares[CACHE_CLASSES] = {
    [CACHE_POSITIVE] = 10, [CACHE_NEGATIVE] = 4, [CACHE_DELEGATION] = 2};

struct entry {
	struct entry *chain;         /* of the bucket */
	struct entry *newer, *older; /* by use */
	uint64_t hash;
	struct finding *finding;
};

struct shelf { /* one class of one stripe */
	struct entry **buckets;
	size_t buckets_n, octets, octets_max, entries;
	struct entry *newest, *oldest;
	uint64_t evicted;
};

struct stripe {
	pthread_mutex_t lock;
	struct shelf shelves[CACHE_CLASSES];
};

struct cache {
	uint64_t seed; /* keys come from outside: the hash must not be guessable */
	struct stripe stripes[STRIPES];
};

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

static uint64_t hash_key(uint64_t seed, struct str key)
{
	uint64_t h = seed ^ key.n;
	for (; key.n >= 8; key = str_skip(key, 8)) {
		uint64_t part;
		memcpy(&part, key.p, 8);
		h = mix(h ^ part);
	}
	uint64_t tail = 0;
	if (key.n) memcpy(&tail, key.p, key.n);
	return mix(h ^ tail);
}

static size_t cost(const struct finding *f)
{
	return f->size + sizeof(struct entry) + ENTRY_COST;
}

static struct entry **slot_of(struct shelf *s, uint64_t hash)
{
	return &s->buckets[(hash >> 8) & (s->buckets_n - 1)];
}

static void unlink_use(struct shelf *s, struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		s->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
}

static void link_newest(struct shelf *s, struct entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

static void drop(struct shelf *s, struct entry *e)
{
	struct entry **at = slot_of(s, e->hash);
	while (*at != e) at = &(*at)->chain;
	*at = e->chain;
	unlink_use(s, e);
	s->octets -= cost(e->finding);
	s->entries--;
	finding_release(e->finding);
	free(e);
}

static struct entry *find(struct shelf *s, uint64_t hash, struct str key)
{
	for (struct entry *e = *slot_of(s, hash); e; e = e->chain)
		if (e->hash == hash && str_eq(e->finding->key, key)) return e;
	return NULL;
}

struct cache *cache_new(size_t octets)
{
	struct cache *c = calloc(1, sizeof *c);
	if (!c) return NULL;
	random_bytes(&c->seed, sizeof c->seed);
	for (size_t i = 0; i < STRIPES; i++) {
		must(!pthread_mutex_init(&c->stripes[i].lock, NULL));
		for (size_t j = 0; j < CACHE_CLASSES; j++) {
			struct shelf *s = &c->stripes[i].shelves[j];
			s->octets_max = octets / STRIPES / 16 * shares[j];
			for (s->buckets_n = BUCKETS_MIN; s->buckets_n < s->octets_max / ENTRY_USUAL;)
				s->buckets_n *= 2;
			s->buckets = calloc(s->buckets_n, sizeof *s->buckets);
			if (!s->buckets) {
				cache_free(c);
				return NULL;
			}
		}
	}
	return c;
}

void cache_free(struct cache *c)
{
	if (!c) return;
	for (size_t i = 0; i < STRIPES; i++) {
		for (size_t j = 0; j < CACHE_CLASSES; j++) {
			struct shelf *s = &c->stripes[i].shelves[j];
			while (s->oldest) drop(s, s->oldest);
			free(s->buckets);
		}
	}
	free(c);
}

void cache_put(struct cache *c, enum cache_class class, struct finding *f)
{
	uint64_t hash = hash_key(c->seed, f->key);
	struct stripe *stripe = &c->stripes[hash % STRIPES];
	struct shelf *s = &stripe->shelves[class];
	if (cost(f) > s->octets_max) return;
	struct entry *e = malloc(sizeof *e);
	if (!e) return;
	*e = (struct entry){.hash = hash, .finding = finding_use(f)};
	pthread_mutex_lock(&stripe->lock);
	struct entry *old = find(s, hash, f->key);
	if (old) drop(s, old);
	s->octets += cost(f);
	s->entries++;
	e->chain = *slot_of(s, hash);
	*slot_of(s, hash) = e;
	link_newest(s, e);
	while (s->octets > s->octets_max) {
		drop(s, s->oldest);
		s->evicted++;
	}
	pthread_mutex_unlock(&stripe->lock);
}

struct finding *cache_find(struct cache *c, enum cache_class class, struct str key, usec_t now)
{
	uint64_t hash = hash_key(c->seed, key);
	struct stripe *stripe = &c->stripes[hash % STRIPES];
	struct shelf *s = &stripe->shelves[class];
	struct finding *f = NULL;
	pthread_mutex_lock(&stripe->lock);
	struct entry *e = find(s, hash, key);
	if (e && now >= e->finding->until) {
		drop(s, e);
	} else if (e) {
		unlink_use(s, e);
		link_newest(s, e);
		f = finding_use(e->finding);
	}
	pthread_mutex_unlock(&stripe->lock);
	return f;
}

void cache_forget(struct cache *c, struct str prefix)
{
	for (size_t i = 0; i < STRIPES; i++) {
		pthread_mutex_lock(&c->stripes[i].lock);
		for (size_t j = 0; j < CACHE_CLASSES; j++) {
			struct shelf *s = &c->stripes[i].shelves[j];
			for (struct entry *e = s->newest, *next; e; e = next) {
				next = e->older;
				if (str_starts(e->finding->key, prefix)) drop(s, e);
			}
		}
		pthread_mutex_unlock(&c->stripes[i].lock);
	}
}

void cache_stat(struct cache *c, struct cache_stat *ret)
{
	*ret = (struct cache_stat){.evicted = 0};
	for (size_t i = 0; i < STRIPES; i++) {
		pthread_mutex_lock(&c->stripes[i].lock);
		for (size_t j = 0; j < CACHE_CLASSES; j++) {
			const struct shelf *s = &c->stripes[i].shelves[j];
			ret->entries[j] += s->entries;
			ret->octets[j] += s->octets;
			ret->evicted += s->evicted;
		}
		pthread_mutex_unlock(&c->stripes[i].lock);
	}
}

size_t cache_share(const struct cache *c, enum cache_class class)
{
	return c->stripes[0].shelves[class].octets_max * STRIPES;
}
