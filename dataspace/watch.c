#include "dataspace/watch.h"

#include <stdlib.h>

#include "base/log.h"
#include "dataspace/transfer_act.h"
#include "proto/dps/message.h"

enum { WATCH_ARENA = 64 << 20 };

/* Its data plane has promised to call back. */
static bool awaited(const Ds__Transfer *x)
{
	return (x->flow_state == DPS_PREPARING_STATE || x->flow_state == DPS_STARTING_STATE) &&
	       !dsp_transfer_final((enum dsp_transfer_state)x->state);
}

static bool runs(const Ds__Transfer *x)
{
	return x->side == DS__SIDE__SIDE_PROVIDER && x->state == DSP_TRANSFER_STARTED;
}

enum err watch_follow(const struct turn *u, const Ds__Transfer *x)
{
	struct ds_key k = ds_key(u->self->id, str_of(x->pid), STR_NONE);
	enum err e;

	if (!x->plane[0]) return ERR_OK;
	if (runs(x) || awaited(x)) return ds_row_keep(u->t, DS_TABLE_watched, &k, str_of(x->agreement));
	e = store_del(u->t->store, DS_TABLE_watched, ds_key_str(&k));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct watcher {
	struct ds *d;
	struct net_shard *shard;
};

static void judge(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
		  struct str pid)
{
	struct flaw f = {0};
	struct writer_txn reading = {.store = t, .now = clock_wall()};
	struct turn u = {.d = d, .t = &reading, .a = a, .flaw = &f};
	Ds__Transfer *x;
	enum err e = ds_self_find(d, t, participant, &u.self);

	if (!e) e = ds_transfer_find(t, a, participant, pid, &x);
	if (e) return;
	if (awaited(x) && reading.now >= x->flow_by)
		(void)!ds_transfer_stop(d, participant, pid, STR("DATA_PLANE"),
					STR("the data plane did not get ready within space.flow_ready"));
	if (!runs(x)) return;
	e = transfer_judge_again(&u, x);
	if (e == ERR_REVOKED || e == ERR_EXPIRED || e == ERR_POLICY_DENIED)
		(void)!ds_transfer_stop(d, participant, pid, str_of(err_name(e)), str_of(f.text));
	else if (e)
		log_line(LOG_ERROR, "space", NULL, "error", err_name(e), "msg",
			 "cannot judge a running transfer", NULL);
}

static enum err look(struct watcher *w, struct arena *a)
{
	struct store_txn *t = ds_txn_fresh(w->shard);
	struct store_cursor *c;
	struct str key, value, participant, pid;
	enum err e = store_cursor_open(t, DS_TABLE_watched, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		struct arena_mark mark = arena_mark(a);

		e = ds_key_part(&key, &participant);
		if (!e) e = ds_key_part(&key, &pid);
		if (e) break;
		judge(w->d, t, a, arena_dup(a, participant), arena_dup(a, pid));
		arena_rollback(a, mark);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void tick(void *arg)
{
	struct watcher *w = arg;
	struct arena *a;

	if (w->d->stopping) return;
	a = arena_new(WATCH_ARENA);
	if (a) (void)!look(w, a);
	arena_free(a);
	must(net_timer_start(w->shard, WATCH_EVERY, tick, w));
}

enum err watch_start(struct ds *d, struct net_shard *s)
{
	d->watcher = calloc(1, sizeof *d->watcher);
	if (!d->watcher) return ERR_NO_MEMORY;
	*d->watcher = (struct watcher){d, s};
	return ds_post(d, s, tick, d->watcher);
}
