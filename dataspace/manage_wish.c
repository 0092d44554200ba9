/* Wishes of the management routes on their way through the writer. */
#include "dataspace/face_manage.h"
#include "dataspace/turn.h"

enum { REASON_MAX = 500 };

static enum err wish_work(struct ds_job *j, struct writer_txn *t)
{
	struct manage_wish *w = j->in;
	struct turn u = turn_of_job(j, t, w->self, w->who);
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
