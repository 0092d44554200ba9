#include "resolver/job.h"

#include "net/access.h"

void *job_new(struct net_req *r, size_t size, size_t arena_cap)
{
	const struct principal *p = r->principal;
	struct arena *a = arena_new(arena_cap);
	struct job *j = a ? arena_alloc(a, size) : NULL;
	if (!j) {
		arena_free(a);
		return NULL;
	}
	j->arena = a;
	j->req = r;
	j->shard = rs__shard(r);
	j->who = p ? arena_dup(a, p->name) : STR("");
	return j;
}

void *job_begin(struct net_req *r, size_t size, size_t arena_cap)
{
	void *j = job_new(r, size, arena_cap);
	if (!j) net_reply_err(r, ERR_NO_MEMORY, NULL);
	return j;
}

void job_drop(struct job *j)
{
	arena_free(j->arena);
}

void job_refuse(struct job *j, enum err e, const struct flaw *f)
{
	net_reply_err(j->req, e, f);
	job_drop(j);
}

static void gone(void *arg)
{
	struct job *j = arg;
	j->req = NULL;
}

static void finish(void *arg)
{
	struct job *j = arg;
	if (j->req) j->answer(j);
	arena_free(j->arena);
}

static void done(struct writer_cmd *c, enum err result)
{
	struct job *j = (struct job *)c;
	j->err = result;
	if (j->settled) j->settled(j);
	if (rs__post(j->shard, finish, j)) arena_free(j->arena);
}

void job_submit(struct job *j)
{
	struct net_req *r = j->req;
	j->cmd.done = done;
	net_hold(r, gone, j);
	enum err e = writer_submit(j->shard->rs->o.writer, &j->cmd);
	if (e) job_refuse(j, e, NULL);
}
