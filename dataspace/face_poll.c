/* GET of one thing, at once or when it is as it was waited for. */
#include "dataspace/face_manage.h"
#include "dataspace/turn.h"
#include "dataspace/under_way.h"
#include "dataspace/wait.h"

struct poll {
	struct str participant, pid;
	manage_look_fn *look;
	const char *none;
	struct str state[POLL_STATES];
	size_t states_n;
	usec_t until;
};

static bool poll_over(struct net_req *r, const struct poll *p, const char *state, bool final)
{
	if (!p->states_n || final || ds_of(r)->stopping || clock_mono() >= p->until) return true;
	for (size_t i = 0; i < p->states_n; i++)
		if (str_is(p->state[i], state)) return true;
	return false;
}

static void poll_again(struct net_req *r, void *arg);

/* Looks at the newest state; true when the request has been answered. */
static bool poll_look(struct net_req *r, struct poll *p, struct wait *w)
{
	struct arena_mark mark = arena_mark(r->arena);
	const char *state;
	struct flaw f = {0};
	bool final;
	json_t *j;
	enum err e = p->look(ds_txn_fresh(r->shard), r->arena, p->participant, p->pid, &j, &state, &final);

	if (!e && !poll_over(r, p, state, final)) {
		arena_rollback(r->arena, mark);
		return false;
	}
	if (w) waits_cancel(w);
	if (!e && !final && json_object_get(j, "pid"))
		under_way_explain(ds_of(r), ds_txn(r->shard), r->arena, p->participant, p->pid, j);
	if (e)
		net_reply_err(r, e, manage_none(&f, e, "id", p->none, p->pid) ? &f : NULL);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, j, false));
	return true;
}

static void poll_wait(struct net_req *r, struct poll *p)
{
	struct wait *w;
	enum err e = waits_add(ds_of(r)->waits, r, p->participant, p->pid, p->until, poll_again, p, &w);

	if (e)
		net_reply_err(r, e, NULL);
	else
		(void)poll_look(r, p, w); /* it may have changed before we were listed */
}

static void poll_again(struct net_req *r, void *arg)
{
	if (!poll_look(r, arg, NULL)) poll_wait(r, arg);
}

static enum err poll_read(struct net_req *r, struct poll *p, struct flaw *f)
{
	struct str list;
	uint64_t seconds = POLL_DEFAULT;
	enum err e;

	if (!net_query(r, "wait", &list)) return ERR_OK;
	e = net_query_number(r, "timeout", POLL_MAX, f, &seconds);
	if (e) return e;
	while (p->states_n < POLL_STATES && str_split(&list, ',', &p->state[p->states_n])) p->states_n++;
	p->until = clock_mono() + (usec_t)seconds * USEC_PER_SEC;
	return ERR_OK;
}

enum err manage_none(struct flaw *f, enum err e, const char *what, const char *none, struct str id)
{
	id = str_cut(id, 64);
	return e == ERR_NOT_FOUND ? flaw_set(f, e, FLAW_NO_OFFSET, what, "unknown", none, STR_ARG(id)) : e;
}

void manage_get(struct net_req *r, manage_look_fn *look, const char *none)
{
	struct poll *p = ARENA_NEW(r->arena, struct poll);
	struct flaw f = {0};
	enum err e;

	if (!p) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	if (ds_req_participant(r, &p->participant)) return;
	p->look = look;
	p->none = none;
	e = net_decode(r->arena, r->param[1], &f, &p->pid);
	if (!e && turn_name_check(p->pid, DS_PID_MAX, "pid", NULL))
		e = manage_none(&f, ERR_NOT_FOUND, "id", none, p->pid);
	if (!e) e = poll_read(r, p, &f);
	if (e)
		net_reply_err(r, e, &f);
	else if (!poll_look(r, p, NULL))
		poll_wait(r, p);
}
