#include "dataspace/led.h"

#include <stdlib.h>

#include "base/log.h"

/* ---- the leader ---- */

void led_wait_until(struct led *i, usec_t due)
{
	pthread_mutex_lock(&i->all->lock);
	i->due = due;
	i->state = LED_WAIT;
	pthread_mutex_unlock(&i->all->lock);
}

void led_wait(struct led *i)
{
	const struct led_kind *k = i->all->kind;

	i->backoff = i->backoff ? i->backoff * 2 : k->retry_first;
	if (i->backoff > k->retry_last) i->backoff = k->retry_last;
	led_wait_until(i, clock_mono() + i->backoff);
}

void led_over(struct led *i)
{
	struct leader *all = i->all;
	struct led **at = &all->first;
	bool stopping, again;

	running_remove(&all->dp->running, &i->item);
	pthread_mutex_lock(&all->lock);
	stopping = all->stopping;
	again = i->again && !stopping;
	if (again) {
		i->again = false;
		atomic_store(&i->cut, ERR_OK);
		i->backoff = 0;
		i->due = clock_mono();
		i->state = LED_WAIT;
		all->kind->anew(i);
	} else {
		while (*at != i) at = &(*at)->next;
		*at = i->next;
	}
	pthread_mutex_unlock(&all->lock);
	if (again) {
		running_add(&all->dp->running, &i->item);
		return;
	}
	if (!stopping) all->kind->gone(i);
	free(i);
}

static void *lead(void *arg)
{
	struct leader *all = arg;

	all->kind->find(all->dp);
	pthread_mutex_lock(&all->lock);
	for (;;) {
		usec_t due;
		struct led *i = all->kind->next(all, clock_mono(), &due);

		if (i) {
			int was = i->state;

			pthread_mutex_unlock(&all->lock);
			all->kind->step(i, was);
			pthread_mutex_lock(&all->lock);
			continue;
		}
		if (all->stopping && !all->first) break;
		struct timespec until = {due / USEC_PER_SEC, (long)(due % USEC_PER_SEC) * 1000};
		pthread_cond_timedwait(&all->wake, &all->lock, &until);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

void led_find(struct dp *dp, const char *who, leavings_fn *fn)
{
	enum { FIND_ARENA = 1 << 30 /* every transfer of the largest participant; used as needed */ };
	struct leavings l = {.d = dp->d, .a = arena_new(FIND_ARENA)};
	enum err e = l.a ? store_read(dp->d->o.store, &l.t) : ERR_NO_MEMORY;

	if (!e) e = fn(&l);
	if (e)
		log_line(LOG_ERROR, who, NULL, "error", err_name(e), "msg",
			 "cannot look for unfinished transfers", NULL);
	if (l.t) store_read_end(l.t);
	arena_free(l.a);
}

/* ---- from other threads ---- */

/* Under the lock of the running ones. */
static void item_cut(struct running_item *item, enum err why)
{
	struct led *i = (struct led *)(void *)item;
	int none = ERR_OK;

	(void)atomic_compare_exchange_strong(&i->cut, &none, (int)why);
	pthread_mutex_lock(&i->all->lock);
	i->again = false;
	pthread_cond_signal(&i->all->wake);
	pthread_mutex_unlock(&i->all->lock);
}

static struct led *make(struct leader *all, struct str participant, struct str pid)
{
	struct led *i = calloc(1, all->kind->size);

	if (!i || participant.n >= sizeof i->participant || pid.n >= sizeof i->pid) {
		free(i);
		return NULL;
	}
	memcpy(i->participant, participant.p, participant.n);
	memcpy(i->pid, pid.p, pid.n);
	i->item = (struct running_item){
	    .participant = str_of(i->participant), .pid = str_of(i->pid), .cut = item_cut};
	i->all = all;
	i->due = clock_mono();
	if (all->kind->made) all->kind->made(i);
	return i;
}

static struct led *find(struct leader *all, struct str participant, struct str pid)
{
	for (struct led *i = all->first; i; i = i->next)
		if (str_is(pid, i->pid) && str_is(participant, i->participant)) return i;
	return NULL;
}

void led_start(struct leader *all, struct str participant, struct str pid)
{
	struct led *i, *fresh = make(all, participant, pid);

	if (!fresh) return; /* the next start finds it */
	running_add(&all->dp->running, &fresh->item);
	pthread_mutex_lock(&all->lock);
	i = all->stopping ? NULL : find(all, participant, pid);
	if (i) {
		if (atomic_load(&i->cut)) i->again = true;
		if (all->kind->hurry && i->state == LED_WAIT) i->due = clock_mono();
	} else if (!all->stopping) {
		fresh->next = all->first;
		all->first = fresh;
		fresh = NULL;
	}
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	if (!fresh) return;
	running_remove(&all->dp->running, &fresh->item);
	free(fresh);
}

/* ---- life ---- */

enum err leader_open(struct dp *dp, const struct led_kind *kind, struct leader **ret)
{
	struct leader *all = calloc(1, sizeof *all);
	pthread_condattr_t attr;

	if (!all) return ERR_NO_MEMORY;
	all->dp = dp;
	all->kind = kind;
	must(!pthread_mutex_init(&all->lock, NULL) && !pthread_condattr_init(&attr));
	must(!pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) && !pthread_cond_init(&all->wake, &attr));
	pthread_condattr_destroy(&attr);
	*ret = all;
	return ERR_OK;
}

enum err leader_run(struct leader *all)
{
	if (pthread_create(&all->thread, NULL, lead, all)) return ERR_NO_MEMORY;
	all->started = true;
	return ERR_OK;
}

void leader_quiesce(struct leader *all)
{
	if (!all->started) return;
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	for (struct led *i = all->first; i; i = i->next) {
		int none = ERR_OK;

		(void)atomic_compare_exchange_strong(&i->cut, &none, ERR_STOPPING);
	}
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->thread, NULL);
	all->started = false;
}

void leader_close(struct leader *all)
{
	if (!all) return;
	pthread_cond_destroy(&all->wake);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
