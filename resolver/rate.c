#include "resolver/rate.h"

#include <stdlib.h>

#include "base/sign.h"

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_SEC (NSEC_PER_USEC * USEC_PER_SEC)

struct bucket {
	uint64_t client; /* 0: free */
	int64_t full;    /* when it will be full, nanoseconds, monotonic */
};

struct pool {
	struct bucket (*sets)[RATE_WAYS];
	size_t mask;
	int64_t each, reach; /* nanoseconds of one token; of all but one of a full bucket */
};

struct rates {
	uint64_t seed;
	struct pool pools[RATE_CLASSES_N];
};

static bool open_pool(struct pool *p, const struct rate_rule *rule, size_t clients)
{
	size_t sets = 1;
	if (!rule->per_second) return true;
	uint32_t burst = rule->burst ? rule->burst : rule->per_second;
	while (sets * RATE_WAYS < clients) sets *= 2;
	p->sets = calloc(sets, sizeof *p->sets);
	p->mask = sets - 1;
	p->each = NSEC_PER_SEC / rule->per_second;
	p->reach = p->each * (int64_t)(burst - 1);
	return p->sets;
}

struct rates *rates_new(const struct rate_rule rules[RATE_CLASSES_N], size_t clients)
{
	struct rates *r = calloc(1, sizeof *r);
	if (!r) return NULL;
	random_bytes(&r->seed, sizeof r->seed);
	for (size_t i = 0; i < RATE_CLASSES_N; i++)
		if (!open_pool(&r->pools[i], &rules[i], clients)) {
			rates_free(r);
			return NULL;
		}
	return r;
}

void rates_free(struct rates *r)
{
	if (!r) return;
	for (size_t i = 0; i < RATE_CLASSES_N; i++) free(r->pools[i].sets);
	free(r);
}

bool rates_on(const struct rates *r, enum rate_class c)
{
	return r->pools[c].sets;
}

uint64_t rates_client(const struct rates *r, struct str octets)
{
	uint64_t h = r->seed;
	for (size_t i = 0; i < octets.n; i++) {
		h = (h ^ (unsigned char)octets.p[i]) * UINT64_C(0x9fb21c651e98df25);
		h ^= h >> 29;
	}
	return h ? h : 1;
}

/* The client's bucket, or the one that is given to it: a full one. */
static struct bucket *bucket_of(struct pool *p, uint64_t client)
{
	struct bucket *set = p->sets[client & p->mask], *oldest = set;
	for (size_t i = 0; i < RATE_WAYS; i++) {
		if (set[i].client == client) return &set[i];
		if (set[i].full < oldest->full) oldest = &set[i];
	}
	*oldest = (struct bucket){client, 0};
	return oldest;
}

bool rates_enter(struct rates *r, enum rate_class c, uint64_t client, usec_t now, usec_t *ret_wait)
{
	struct pool *p = &r->pools[c];
	int64_t at = now * NSEC_PER_USEC;
	if (!p->sets) return true;
	struct bucket *b = bucket_of(p, client);
	int64_t full = b->full > at ? b->full : at;
	if (full - at > p->reach) {
		*ret_wait = (full - at - p->reach + NSEC_PER_USEC - 1) / NSEC_PER_USEC;
		return false;
	}
	b->full = full + p->each;
	return true;
}

void rates_charge(struct rates *r, enum rate_class c, uint64_t client, usec_t now, uint32_t more)
{
	struct pool *p = &r->pools[c];
	int64_t at = now * NSEC_PER_USEC;
	if (!p->sets || !more) return;
	struct bucket *b = bucket_of(p, client);
	b->full = (b->full > at ? b->full : at) + p->each * (int64_t)more;
}
