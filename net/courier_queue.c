#include "net/courier_queue.h"

#include <stdlib.h>

struct courier_origin {
	struct courier_origin *next;                  /* in its bucket */
	struct courier_origin *ring_prev, *ring_next; /* in the ring */
	bool in_ring, rated;
	unsigned running, limit;
	struct courier_job *first, *last;
	size_t n;
	char key[]; /* n octets */
};

/* "https://host:port" of a URL, as it stands there. */
static struct str origin_of(struct str url)
{
	size_t n = 0;
	for (unsigned slashes = 0; n < url.n; n++) {
		if (url.p[n] == '/' && ++slashes == 3) break;
		if (url.p[n] == '?' || url.p[n] == '#') break;
	}
	return str_first(url, n);
}

static unsigned bucket_of(struct str key)
{
	uint32_t h = 2166136261u; /* FNV-1a: the hosts are our own partners, not an attacker's choice */
	for (size_t i = 0; i < key.n; i++) h = (h ^ (unsigned char)key.p[i]) * 16777619u;
	return h % COURIER_BUCKETS;
}

static struct courier_origin *origin_find(struct courier_queue *q, struct str key, bool rated)
{
	struct courier_origin *o = q->bucket[bucket_of(key)];
	while (o && (o->rated != rated || !str_eq(str_n(o->key, o->n), key))) o = o->next;
	return o;
}

static struct courier_origin *origin_new(struct courier_queue *q, struct str key, bool rated)
{
	struct courier_origin *o = calloc(1, sizeof *o + key.n), **at = &q->bucket[bucket_of(key)];
	if (!o) return NULL;
	o->rated = rated;
	o->limit = rated && q->rated_max < COURIER_ORIGIN_MAX ? q->rated_max : COURIER_ORIGIN_MAX;
	o->n = key.n;
	if (key.n) memcpy(o->key, key.p, key.n);
	o->next = *at;
	*at = o;
	return o;
}

static void ring_add(struct courier_queue *q, struct courier_origin *o)
{
	if (o->in_ring || !o->first || o->running >= o->limit) return;
	o->in_ring = true;
	o->ring_next = NULL;
	o->ring_prev = q->ring_last;
	*(q->ring_last ? &q->ring_last->ring_next : &q->ring_first) = o;
	q->ring_last = o;
}

static void ring_remove(struct courier_queue *q, struct courier_origin *o)
{
	if (!o->in_ring) return;
	o->in_ring = false;
	*(o->ring_prev ? &o->ring_prev->ring_next : &q->ring_first) = o->ring_next;
	*(o->ring_next ? &o->ring_next->ring_prev : &q->ring_last) = o->ring_prev;
}

/* Where o belongs after its numbers have changed: in the ring, out of it, or nowhere. */
static void settle(struct courier_queue *q, struct courier_origin *o)
{
	if (!o->first) ring_remove(q, o);
	ring_add(q, o);
	if (o->first || o->running) return;
	struct courier_origin **at = &q->bucket[bucket_of(str_n(o->key, o->n))];
	while (*at != o) at = &(*at)->next;
	*at = o->next;
	free(o);
}

enum err courier_queue_add(struct courier_queue *q, struct courier_job *j)
{
	struct str key = origin_of(str_of(j->url));
	bool rated = j->q.rate != 0;
	struct courier_origin *o = origin_find(q, key, rated);
	if (!o) o = origin_new(q, key, rated);
	if (!o) return ERR_NO_MEMORY;
	j->origin = o;
	j->state = COURIER_WAITING;
	j->line_next = NULL;
	j->line_prev = o->last;
	*(o->last ? &o->last->line_next : &o->first) = j;
	o->last = j;
	settle(q, o);
	return ERR_OK;
}

static void line_remove(struct courier_origin *o, struct courier_job *j)
{
	*(j->line_prev ? &j->line_prev->line_next : &o->first) = j->line_next;
	*(j->line_next ? &j->line_next->line_prev : &o->last) = j->line_prev;
}

struct courier_job *courier_queue_take(struct courier_queue *q)
{
	struct courier_origin *o = q->ring_first;
	if (!o) return NULL;
	struct courier_job *j = o->first;
	ring_remove(q, o); /* to the end of the ring, if it may go on */
	line_remove(o, j);
	o->running++;
	j->state = COURIER_RUNNING;
	settle(q, o);
	return j;
}

void courier_queue_leave(struct courier_queue *q, struct courier_job *j)
{
	struct courier_origin *o = j->origin;
	if (j->state == COURIER_WAITING)
		line_remove(o, j);
	else
		o->running--;
	j->origin = NULL;
	settle(q, o);
}
