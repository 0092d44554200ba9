/* What the last process left: pulls to go on with, data flows too, counts to state. */
#include "dataspace/flow_fetch.h"
#include "dataspace/pull.h"
#include "dataspace/receipt.h"
#include "proto/dsp/state.h"

struct finding {
	struct leavings *l;
	struct str participant;
};

static enum err transfer_seen(void *arg, struct str participant, const Ds__Transfer *x)
{
	struct finding *f = arg;

	if (x->side == DS__SIDE__SIDE_CONSUMER && x->state == DSP_TRANSFER_STARTED && !x->pending &&
	    !ds_transfer_pushed(x))
		dp_pull_start(f->l->d, participant, str_of(x->pid));
	return ERR_OK;
}

static enum err flow_seen(void *arg, const Ds__Flow *x)
{
	struct finding *f = arg;

	if (flow_fetches(x)) dp_pull_start(f->l->d, f->participant, flow_item(f->l->a, str_of(x->id)));
	return ERR_OK;
}

static enum err participant_seen(void *arg, struct str id)
{
	struct finding *f = arg;
	struct arena_mark m = arena_mark(f->l->a);
	enum err e = ds_transfer_each(f->l->t, f->l->a, id, STR_NONE, transfer_seen, f);

	arena_rollback(f->l->a, m);
	f->participant = id;
	if (!e) e = flow_each(f->l->t, f->l->a, id, STR_NONE, flow_seen, f);
	arena_rollback(f->l->a, m);
	return e;
}

static enum err open_seen(void *arg, struct str participant, struct str pid, struct str agreement)
{
	struct finding *f = arg;

	(void)agreement;
	dp_settle(f->l->d->dp, participant, pid);
	return ERR_OK;
}

static enum err leavings_see(struct leavings *l)
{
	struct finding f = {.l = l};
	enum err e = ds_participant_each(l->t, l->a, participant_seen, &f);

	return e ? e : meter_each_open(l->t, l->a, open_seen, &f);
}

void pulls_find(struct dp *dp)
{
	led_find(dp, "pull", leavings_see);
}
