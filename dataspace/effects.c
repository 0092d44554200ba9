/* Effects: what a command causes outside the store, once it is durable. */
#include "dataspace/dataplane.h"
#include "dataspace/held.h"
#include "dataspace/kit.h"
#include "dataspace/outbox.h"
#include "dataspace/wait.h"

void ds_fx_init(struct ds_fx *fx, struct arena *a)
{
	*fx = (struct ds_fx){.arena = a};
	fx->last = &fx->first;
}

static struct ds_fx_item *fx_add(struct ds_fx *fx, enum ds_fx_kind kind, struct str participant,
				 struct str pid)
{
	struct ds_fx_item *i = ARENA_NEW(fx->arena, struct ds_fx_item);

	if (!i) {
		fx->err = ERR_NO_MEMORY;
		return NULL;
	}
	i->kind = kind;
	i->participant = arena_dup(fx->arena, participant);
	i->pid = arena_dup(fx->arena, pid);
	*fx->last = i;
	fx->last = &i->next;
	if (arena_overflowed(fx->arena)) fx->err = ERR_NO_MEMORY;
	return i;
}

void ds_fx_changed(struct ds_fx *fx, struct str participant, struct str pid)
{
	(void)fx_add(fx, DS_FX_CHANGED, participant, pid);
}

void ds_fx_pull(struct ds_fx *fx, struct str participant, struct str pid)
{
	(void)fx_add(fx, DS_FX_PULL, participant, pid);
}

void ds_fx_push(struct ds_fx *fx, struct str participant, struct str pid)
{
	(void)fx_add(fx, DS_FX_PUSH, participant, pid);
}

void ds_fx_cut(struct ds_fx *fx, struct str participant, struct str agreement, struct str pid, enum err why)
{
	struct ds_fx_item *i = fx_add(fx, DS_FX_CUT, participant, pid);

	if (!i) return;
	i->agreement = arena_dup(fx->arena, agreement);
	i->why = why;
}

void ds_fx_send(struct ds_fx *fx, struct str participant, uint64_t seq, usec_t due)
{
	struct ds_fx_item *i = fx_add(fx, DS_FX_SEND, participant, STR_NONE);

	if (!i) return;
	i->seq = seq;
	i->due = due;
}

void ds_fx_ready(struct ds_fx *fx, struct str participant, struct str id, usec_t until)
{
	struct ds_fx_item *i = fx_add(fx, DS_FX_READY, participant, id);

	if (i) i->due = until;
}

void ds_fx_held(struct ds_fx *fx, struct str participant)
{
	(void)fx_add(fx, DS_FX_HELD, participant, STR_NONE);
}

void ds_fx_run(struct ds *d, const struct ds_fx *fx)
{
	for (const struct ds_fx_item *i = fx->first; i; i = i->next) {
		switch (i->kind) {
		case DS_FX_SEND: outbox_wake(d->outbox, i->participant, i->seq, i->due); break;
		case DS_FX_CHANGED:
			waits_wake(d->waits, i->participant, i->pid);
			kit_changed(d, i->participant, i->pid);
			break;
		case DS_FX_PULL: dp_pull_start(d, i->participant, i->pid); break;
		case DS_FX_PUSH: dp_push_start(d, i->participant, i->pid); break;
		case DS_FX_READY: dp_ready_start(d, i->participant, i->pid, i->due); break;
		case DS_FX_HELD: held_forget(d); break;
		case DS_FX_CUT: dp_cut(d, i->participant, i->agreement, i->pid, i->why); break;
		}
	}
}
