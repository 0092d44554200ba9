#include "base/store_env.h"

#include <time.h>

/* How long the closer sleeps between two looks at the readers: shorter than a loop turn under load. */
enum { LOOK_USEC = 100 };

void store__enter(struct store_txn *t)
{
	struct store *s = t->store;
	for (;;) {
		atomic_store(&t->live, true);
		if (!atomic_load(&s->closed)) return;
		atomic_store(&t->live, false);
		pthread_mutex_lock(&s->lock);
		while (atomic_load(&s->closed)) pthread_cond_wait(&s->opened, &s->lock);
		pthread_mutex_unlock(&s->lock);
	}
}

void store__leave(struct store_txn *t)
{
	atomic_store_explicit(&t->live, false, memory_order_release);
}

void store__enlist(struct store_txn *t)
{
	struct store *s = t->store;
	pthread_mutex_lock(&s->lock);
	t->next = s->readers;
	if (t->next) t->next->prev = t;
	s->readers = t;
	pthread_mutex_unlock(&s->lock);
}

void store__delist(struct store_txn *t)
{
	struct store *s = t->store;
	pthread_mutex_lock(&s->lock);
	if (t->next) t->next->prev = t->prev;
	if (t->prev)
		t->prev->next = t->next;
	else
		s->readers = t->next;
	pthread_mutex_unlock(&s->lock);
}

static bool all_left(struct store *s)
{
	bool left = true;
	pthread_mutex_lock(&s->lock);
	for (struct store_txn *t = s->readers; t && left; t = t->next) left = !atomic_load(&t->live);
	pthread_mutex_unlock(&s->lock);
	return left;
}

usec_t store__now(void)
{
	struct timespec ts;
	must(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

bool store__close_gate(struct store *s, usec_t patience)
{
	usec_t until = store__now() + patience;
	atomic_store(&s->closed, true);
	while (!all_left(s)) {
		if (store__now() >= until) {
			store__open_gate(s);
			return false;
		}
		nanosleep(&(struct timespec){.tv_nsec = LOOK_USEC * 1000}, NULL);
	}
	return true;
}

void store__open_gate(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->closed, false);
	pthread_cond_broadcast(&s->opened);
	pthread_mutex_unlock(&s->lock);
}
