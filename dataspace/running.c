#include "dataspace/running.h"

void running_init(struct running *r)
{
	r->first = NULL;
	must(!pthread_mutex_init(&r->lock, NULL));
}

void running_done(struct running *r)
{
	must(!r->first);
	pthread_mutex_destroy(&r->lock);
}

void running_add(struct running *r, struct running_item *i)
{
	pthread_mutex_lock(&r->lock);
	i->prev = NULL;
	i->next = r->first;
	if (i->next) i->next->prev = i;
	r->first = i;
	i->in = true;
	pthread_mutex_unlock(&r->lock);
}

void running_remove(struct running *r, struct running_item *i)
{
	pthread_mutex_lock(&r->lock);
	if (i->in) {
		if (i->prev)
			i->prev->next = i->next;
		else
			r->first = i->next;
		if (i->next) i->next->prev = i->prev;
		i->in = false;
	}
	pthread_mutex_unlock(&r->lock);
}

static bool matches(const struct running_item *i, struct str participant, struct str agreement,
		    struct str pid)
{
	if (!str_eq(i->participant, participant)) return false;
	return pid.n ? str_eq(i->pid, pid) : str_eq(i->agreement, agreement);
}

bool running_has(struct running *r, struct str participant, struct str pid)
{
	bool has = false;

	pthread_mutex_lock(&r->lock);
	for (struct running_item *i = r->first; i && !has; i = i->next)
		has = matches(i, participant, STR_NONE, pid);
	pthread_mutex_unlock(&r->lock);
	return has;
}

void running_cut(struct running *r, struct str participant, struct str agreement, struct str pid,
		 enum err why)
{
	pthread_mutex_lock(&r->lock);
	for (struct running_item *i = r->first; i; i = i->next)
		if (matches(i, participant, agreement, pid)) i->cut(i, why);
	pthread_mutex_unlock(&r->lock);
}
