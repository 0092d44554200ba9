#include "net/mailbox.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FIRST = 64 };

static void on_bell(uv_poll_t *p, int status, int events)
{
	struct mailbox *m = p->data;
	uint64_t rung;
	(void)status, (void)events;
	while (read(m->bell, &rung, sizeof rung) < 0 && errno == EINTR) continue;
	m->due(m->arg);
}

enum err mailbox_open(struct mailbox *m, uv_loop_t *loop, void (*due)(void *arg), void *arg)
{
	pthread_mutex_init(&m->lock, NULL);
	m->due = due;
	m->arg = arg;
	m->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->bell < 0 || uv_poll_init(loop, &m->poll, m->bell)) return ERR_IO;
	m->poll.data = m;
	return uv_poll_start(&m->poll, UV_READABLE, on_bell) ? ERR_IO : ERR_OK;
}

static enum err add(struct mailbox *m, struct post p)
{
	if (m->ended) return ERR_STOPPING;
	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : FIRST;
		struct post *more = room > MAILBOX_MAX ? NULL : realloc(m->posts, room * sizeof *more);
		if (!more) return ERR_NO_MEMORY;
		m->posts = more;
		m->room = room;
	}
	m->posts[m->n++] = p;
	return ERR_OK;
}

/* Outside the lock: who is woken by it needs that at once. */
static void ring(const struct mailbox *m)
{
	static const uint64_t once = 1;
	while (write(m->bell, &once, sizeof once) < 0 && errno == EINTR) continue;
}

enum err mailbox_put(struct mailbox *m, void (*fn)(void *arg), void *arg)
{
	atomic_fetch_add(&m->ringing, 1); /* before `ended` is looked at: the bell stays */
	pthread_mutex_lock(&m->lock);
	enum err e = add(m, (struct post){fn, arg});
	bool first = !e && m->n == 1;
	pthread_mutex_unlock(&m->lock);
	if (first) ring(m);
	atomic_fetch_sub(&m->ringing, 1);
	return e;
}

struct post *mailbox_take(struct mailbox *m, size_t *ret_n)
{
	pthread_mutex_lock(&m->lock);
	struct post *posts = m->posts;
	*ret_n = m->n;
	m->posts = NULL;
	m->n = m->room = 0;
	pthread_mutex_unlock(&m->lock);
	return posts;
}

void mailbox_end(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->ended = true;
	pthread_mutex_unlock(&m->lock);
}

void mailbox_close(struct mailbox *m)
{
	while (atomic_load(&m->ringing)) sched_yield();
	if (m->bell >= 0) close(m->bell);
	m->bell = -1;
	free(m->posts);
	m->posts = NULL;
	pthread_mutex_destroy(&m->lock);
}
