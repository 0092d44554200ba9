/* What the management routes share: long polls, lists, wishes. */
#include "dataspace/face_manage.h"
#include "dataspace/turn.h"
#include "dataspace/under_way.h"
#include "dataspace/wait.h"

enum { REASON_MAX = 500 };

struct poll {
	struct str participant, pid;
	manage_look_fn *look;
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
		net_reply_err(r, e, NULL);
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

void manage_get(struct net_req *r, manage_look_fn *look)
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
	e = net_decode(r->arena, r->param[1], &f, &p->pid);
	if (!e && turn_name_check(p->pid, DS_PID_MAX, "pid", NULL)) e = ERR_NOT_FOUND;
	if (!e) e = poll_read(r, p, &f);
	if (e)
		net_reply_err(r, e, &f);
	else if (!poll_look(r, p, NULL))
		poll_wait(r, p);
}

/* ---- lists ---- */

bool manage_list_room(struct manage_list *l)
{
	if (json_array_size(l->rows) < MANAGE_PAGE) return true;
	l->more = true;
	return false;
}

enum err manage_list_start(struct net_req *r, struct manage_list *l, struct str *ret_participant,
			   struct str *ret_after)
{
	struct str after = STR_NONE;
	struct flaw f = {0};
	enum err e = ds_req_participant(r, ret_participant);

	if (e) return e;
	*l = (struct manage_list){.a = r->arena, .rows = json_keep(r->arena, json_array())};
	(void)net_query(r, "cursor", &after);
	if (after.n && turn_name_check(after, DS_PID_MAX, "cursor", &f)) {
		e = f.err = ERR_BAD_INPUT;
		net_reply_err(r, e, &f);
		return e;
	}
	*ret_after = after;
	return ERR_OK;
}

void manage_list_answer(struct net_req *r, const struct manage_list *l, const char *name, enum err e)
{
	json_t *out = json_keep(r->arena, json_object());

	if (!e && (!out || !l->rows)) e = ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, name, json_incref(l->rows));
	if (l->more && l->last) json_put_str(out, "next", str_of(l->last));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

/* ---- wishes ---- */

static enum err wish_work(struct ds_job *j, struct writer_txn *t)
{
	struct manage_wish *w = j->in;
	struct turn u = {.d = j->d,
			 .t = t,
			 .fx = &j->fx,
			 .a = j->arena,
			 .flaw = &j->flaw,
			 .self = w->self,
			 .who = w->who};
	json_t *out = NULL;
	enum err e = w->act(&u, w, &out);

	if (e) return e;
	j->status = w->status;
	j->body = out ? json_write(j->arena, out, false) : w->status == 204 ? STR("") : STR("{}");
	return ERR_OK;
}

struct ds_job *manage_wish_new(struct net_req *r, struct manage_wish **ret)
{
	struct str participant;
	struct manage_wish *w;
	struct flaw f = {0};
	struct ds_job *j;
	enum err e;

	if (ds_req_participant(r, &participant)) return NULL;
	j = ds_job_new(ds_of(r), r);
	if (!j) return NULL;
	w = ARENA_NEW(j->arena, struct manage_wish);
	must(w);
	e = ds_self_find(j->d, ds_txn(r->shard), participant, &w->self);
	if (!e) e = net_decode(j->arena, ds_req_param(r, 1), &f, &w->pid);
	if (!e && r->body.n) e = json_read(j->arena, r->body, &f, &w->body);
	if (!e && !r->body.n && !(w->body = json_keep(j->arena, json_object()))) e = ERR_NO_MEMORY;
	if (!e && !json_is_object(w->body))
		e = flaw_set(&f, ERR_BAD_MESSAGE, 0, "", "type", "an object is expected");
	if (e) {
		net_reply_err(r, e, &f);
		ds_job_free(j);
		return NULL;
	}
	w->who = arena_dup(j->arena, ds_who(r));
	w->status = 200;
	j->in = w;
	j->work = wish_work;
	*ret = w;
	return j;
}

void manage_wish_submit(struct ds_job *j)
{
	(void)ds_job_submit(j);
}

void manage_wish_act(struct net_req *r,
		     enum err (*act)(const struct turn *, struct manage_wish *, json_t **))
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act;
	manage_wish_submit(j);
}

enum err manage_reason(struct manage_wish *w, const char *absent, struct flaw *f)
{
	enum err e;

	w->text = str_of(absent);
	e = json_str_opt(w->body, "", "reason", f, &w->text);
	if (!e && (!w->text.n || w->text.n > REASON_MAX))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "reason", "length", "1 to %d octets",
			     REASON_MAX);
	return e;
}
