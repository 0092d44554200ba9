/* Commands: from a shard to the writer and back. */
#include "dataspace/space.h"

struct ds_job *ds_job_new(struct ds *d, struct net_req *req)
{
	struct arena *a = arena_new(DS_JOB_ARENA);
	struct ds_job *j = a ? ARENA_NEW(a, struct ds_job) : NULL;

	if (!j) {
		arena_free(a);
		if (req) net_reply_err(req, ERR_NO_MEMORY, NULL);
		return NULL;
	}
	j->d = d;
	j->arena = a;
	j->req = req;
	j->shard = req ? req->shard : NULL;
	return j;
}

void ds_job_free(struct ds_job *j)
{
	if (j) arena_free(j->arena);
}

static void job_gone(void *arg)
{
	struct ds_job *j = arg;

	j->req = NULL;
}

void ds_job_reply(struct ds_job *j)
{
	struct net_req *r = j->req;
	struct str body = arena_dup(r->arena, j->body);

	if (j->result) {
		net_reply_err(r, j->result, &j->flaw);
		return;
	}
	if (j->body.n && !body.p) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	if (j->location.n) net_set(r, "location", j->location);
	net_reply(r, j->status ? j->status : 200, j->type ? j->type : "application/json", body);
}

/* The answer goes before the effects: a partner should have it before our next message. */
static void job_back(void *arg)
{
	struct ds_job *j = arg;

	if (j->req || !j->shard) {
		if (j->answer)
			j->answer(j, j->result);
		else if (j->req)
			ds_job_reply(j);
	}
	if (!j->result) ds_fx_run(j->d, &j->fx);
	ds_job_free(j);
}

static enum err job_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct ds_job *j = (struct ds_job *)c;
	enum err e;

	arena_rollback(j->arena, j->mark);
	ds_fx_init(&j->fx, j->arena);
	j->flaw = (struct flaw){0};
	j->out = NULL;
	j->status = 0;
	j->body = j->location = STR_NONE;
	e = j->work(j, t);
	if (!e) e = j->fx.err;
	if (!e && arena_overflowed(j->arena)) e = ERR_NO_MEMORY;
	return e;
}

static void job_done(struct writer_cmd *c, enum err result)
{
	struct ds_job *j = (struct ds_job *)c;

	j->result = result;
	if (j->shard && !ds_post(j->d, j->shard, job_back, j)) return;
	if (j->shard) { /* the loop has ended, and the request with it */
		j->req = NULL;
		j->answer = NULL;
	}
	job_back(j);
}

enum err ds_job_submit(struct ds_job *j)
{
	enum err e;

	must(j->work);
	j->cmd.apply = job_apply;
	j->cmd.done = job_done;
	j->mark = arena_mark(j->arena);
	if (j->req) net_hold(j->req, job_gone, j);
	e = arena_overflowed(j->arena) ? ERR_NO_MEMORY : writer_submit(j->d->o.writer, &j->cmd);
	if (!e) return ERR_OK;
	if (j->req) net_reply_err(j->req, e, NULL);
	ds_job_free(j);
	return e;
}

void ds_job_submit_or_refuse(struct ds_job *j, enum err e, const struct flaw *f)
{
	if (!e) {
		(void)ds_job_submit(j);
		return;
	}
	net_reply_err(j->req, e, f);
	ds_job_free(j);
}
