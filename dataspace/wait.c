#include "dataspace/wait.h"

#include <stdlib.h>

enum { WAIT_BUCKETS = 512 };

struct wait {
	struct waits *all;
	struct net_shard *shard;
	struct net_req *req; /* the shard's: NULL once the client has gone */
	struct net_timer *timer;
	wait_fn *fn;
	void *arg;
	bool listed; /* guarded by the lock; off the list: a wake-up is on its way, or it has ended */
	uint32_t hash;
	char participant[DS_ID_MAX + 1];
	char pid[DS_PID_MAX + 1];
	struct wait *next;
};

struct waits {
	struct ds *d;
	pthread_mutex_t lock;
	struct wait *bucket[WAIT_BUCKETS];
	size_t n;
};

enum err waits_open(struct ds *d, struct waits **ret)
{
	struct waits *w = calloc(1, sizeof *w);

	if (!w) return ERR_NO_MEMORY;
	w->d = d;
	must(!pthread_mutex_init(&w->lock, NULL));
	*ret = w;
	return ERR_OK;
}

void waits_close(struct waits *w)
{
	if (!w) return;
	for (size_t i = 0; i < WAIT_BUCKETS; i++) {
		for (struct wait *x = w->bucket[i], *next; x; x = next) {
			next = x->next;
			free(x);
		}
	}
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static uint32_t hash_of(struct str pid)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < pid.n; i++) h = (h ^ (unsigned char)pid.p[i]) * 16777619u;
	return h;
}

/* On the shard: the end of a wait that is off the list. */
static void wait_fire(void *arg)
{
	struct wait *x = arg;
	struct net_req *r = x->req;
	wait_fn *fn = x->fn;
	void *fn_arg = x->arg;

	net_timer_stop(x->timer);
	free(x);
	if (r) fn(r, fn_arg);
}

/* Takes it off the list; false when somebody else has. */
static bool unlist(struct wait *x)
{
	struct waits *w = x->all;
	bool was;

	pthread_mutex_lock(&w->lock);
	was = x->listed;
	if (was) {
		struct wait **p = &w->bucket[x->hash % WAIT_BUCKETS];

		while (*p != x) p = &(*p)->next;
		*p = x->next;
		x->listed = false;
		w->n--;
	}
	pthread_mutex_unlock(&w->lock);
	return was;
}

static void wait_late(void *arg)
{
	struct wait *x = arg;

	x->timer = NULL;
	if (unlist(x)) wait_fire(x);
}

static void wait_gone(void *arg)
{
	struct wait *x = arg;

	x->req = NULL;
	if (unlist(x)) wait_fire(x);
}

enum err waits_add(struct waits *w, struct net_req *r, struct str participant, struct str pid, usec_t until,
		   wait_fn *fn, void *arg, struct wait **ret)
{
	usec_t now = clock_mono();
	struct wait *x = calloc(1, sizeof *x);
	enum err e = x ? ERR_OK : ERR_NO_MEMORY;

	if (e) return e;
	must(participant.n <= DS_ID_MAX && pid.n <= DS_PID_MAX);
	memcpy(x->participant, participant.p, participant.n);
	memcpy(x->pid, pid.p, pid.n);
	x->all = w;
	x->shard = r->shard;
	x->req = r;
	x->fn = fn;
	x->arg = arg;
	x->hash = hash_of(pid);
	x->timer = net_timer_start(r->shard, until > now ? until - now : 0, wait_late, x);
	if (!x->timer) e = ERR_NO_MEMORY;
	pthread_mutex_lock(&w->lock);
	if (!e && w->n >= WAITS_MAX) e = ERR_BUSY;
	if (!e) {
		x->next = w->bucket[x->hash % WAIT_BUCKETS];
		w->bucket[x->hash % WAIT_BUCKETS] = x;
		x->listed = true;
		w->n++;
	}
	pthread_mutex_unlock(&w->lock);
	if (e) {
		net_timer_stop(x->timer);
		free(x);
		return e;
	}
	net_hold(r, wait_gone, x);
	*ret = x;
	return ERR_OK;
}

void waits_cancel(struct wait *x)
{
	net_hold(x->req, NULL, NULL);
	x->req = NULL;
	if (unlist(x)) wait_fire(x); /* else its wake-up frees it */
}

/* Moves what matches off the list of one bucket. */
static struct wait *take_matching(struct waits *w, size_t bucket, struct str participant, struct str pid)
{
	struct wait *taken = NULL;

	for (struct wait **p = &w->bucket[bucket], *x; (x = *p);) {
		if (pid.p && !(str_is(pid, x->pid) && str_is(participant, x->participant))) {
			p = &x->next;
			continue;
		}
		*p = x->next;
		x->listed = false;
		w->n--;
		x->next = taken;
		taken = x;
	}
	return taken;
}

static void fire_all(struct ds *d, struct wait *x)
{
	for (struct wait *next; x; x = next) {
		next = x->next;
		if (ds_post(d, x->shard, wait_fire, x))
			free(x); /* the loop has ended, its timers with it */
	}
}

void waits_wake(struct waits *w, struct str participant, struct str pid)
{
	struct wait *x;

	if (!pid.n || pid.n > DS_PID_MAX) return;
	pthread_mutex_lock(&w->lock);
	x = w->n ? take_matching(w, hash_of(pid) % WAIT_BUCKETS, participant, pid) : NULL;
	pthread_mutex_unlock(&w->lock);
	fire_all(w->d, x);
}

void waits_wake_all(struct waits *w)
{
	for (size_t i = 0; i < WAIT_BUCKETS; i++) {
		struct wait *x;

		pthread_mutex_lock(&w->lock);
		x = take_matching(w, i, STR_NONE, STR_NONE);
		pthread_mutex_unlock(&w->lock);
		fire_all(w->d, x);
	}
}
