/* Jobs: a request that waits for the writer.
 *
 * Purpose: holds the request, runs a command, answers on the request's shard. All that the command
 * reads lives in the job's own arena, for the request may go before the command is done.
 * Threads: job_submit and what comes before it on the shard; apply and settled on the writer's thread;
 * answer on the shard, only if the client is still there. */
#ifndef RESOLVER_JOB_H
#define RESOLVER_JOB_H

#include "resolver/state.h"

struct job {
	struct writer_cmd cmd; /* first: a command is its job */
	struct rs_shard *shard;
	struct net_req *req; /* NULL once the client has gone */
	struct arena *arena; /* holds the job itself */
	struct str who;
	struct flaw flaw; /* set by apply */
	enum err err;
	void (*settled)(struct job *j); /* err is known, a change is durable; NULL: nothing */
	void (*answer)(struct job *j);
};

/* Zeroed, size octets, begins with a struct job. NULL without memory. */
void *job_new(struct net_req *r, size_t size, size_t arena_cap);
/* The same; when it is NULL, the request has its answer. */
void *job_begin(struct net_req *r, size_t size, size_t arena_cap);
void job_drop(struct job *j); /* before job_submit only */
/* Instead of job_submit: answers with the error, and drops the job. */
void job_refuse(struct job *j, enum err e, const struct flaw *f);
/* Holds the request and hands the command in; answers for itself when that fails. */
void job_submit(struct job *j);

#endif
