/* What the last process left: pulls to go on with, data flows too, counts to state. */
#include "base/log.h"
#include "dataspace/flow_fetch.h"
#include "dataspace/pull.h"
#include "dataspace/receipt.h"
#include "proto/dsp/state.h"

struct finding {
	struct ds *d;
	struct store_txn *t;
	struct arena *a;
	struct str participant;
};

static enum err transfer_seen(void *arg, struct str participant, const Ds__Transfer *x)
{
	struct finding *f = arg;

	if (x->side == DS__SIDE__SIDE_CONSUMER && x->state == DSP_TRANSFER_STARTED && !x->pending &&
	    !ds_transfer_pushed(x))
		dp_pull_start(f->d, participant, str_of(x->pid));
	return ERR_OK;
}

static enum err flow_seen(void *arg, const Ds__Flow *x)
{
	struct finding *f = arg;

	if (flow_fetches(x)) dp_pull_start(f->d, f->participant, flow_item(f->a, str_of(x->id)));
	return ERR_OK;
}

static enum err participant_seen(void *arg, struct str id)
{
	struct finding *f = arg;
	struct arena_mark m = arena_mark(f->a);
	enum err e = ds_transfer_each(f->t, f->a, id, STR_NONE, transfer_seen, f);

	arena_rollback(f->a, m);
	f->participant = id;
	if (!e) e = flow_each(f->t, f->a, id, STR_NONE, flow_seen, f);
	arena_rollback(f->a, m);
	return e;
}

static enum err open_seen(void *arg, struct str participant, struct str pid, struct str agreement)
{
	struct finding *f = arg;

	(void)agreement;
	dp_settle(f->d->dp, participant, pid);
	return ERR_OK;
}

void pulls_find(struct dp *dp)
{
	enum { FIND_ARENA = 1 << 30 /* every transfer of the largest participant; used as needed */ };
	struct finding f = {.d = dp->d, .a = arena_new(FIND_ARENA)};
	enum err e = f.a ? store_read(f.d->o.store, &f.t) : ERR_NO_MEMORY;

	if (!e) e = ds_participant_each(f.t, f.a, participant_seen, &f);
	if (!e) e = meter_each_open(f.t, f.a, open_seen, &f);
	if (e)
		log_line(LOG_ERROR, "pull", NULL, "error", err_name(e), "msg",
			 "cannot look for unfinished transfers", NULL);
	if (f.t) store_read_end(f.t);
	arena_free(f.a);
}
