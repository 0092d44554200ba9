/* The two files of the face /registry: single changes and lists, batches. Private to this folder. */
#ifndef RESOLVER_FACE_REGISTRY_H
#define RESOLVER_FACE_REGISTRY_H

#include "resolver/face.h"
#include "resolver/job.h"
#include "resolver/registry.h"

enum {
	CHANGE_ARENA = 8 << 20,  /* one body of 1 MiB as a JSON tree, and the record packed */
	BATCH_ARENA = 128 << 20, /* a body of 8 MiB, its values, the records packed */
};

struct change {
	struct job job;
	struct registry_set set;
	struct registry_change one;
};

void post_registry(struct net_req *r); /* face_registry_batch.c */

/* A job that applies a set. Answers for itself and gives NULL without memory. */
struct change *registry_change_new(struct net_req *r, size_t arena_cap);
/* Answers with the error and drops the job, before it was submitted. */
void registry_refuse(struct change *g, enum err e, const struct flaw *f);
/* True when the job failed: it is answered. */
bool registry_answer_failure(struct job *j);
/* ERR_NOT_RESPONSIBLE, ERR_FORBIDDEN. The authority is borrowed from the shard's zones. */
enum err registry_may_change(const struct rs_shard *s, const struct scope *scope, const struct id *id,
			     struct flaw *f, struct str *ret_authority) MUST_USE;
/* The same with zones that are not a shard's. */
enum err registry_may_change_in(const struct zones *zones, const struct scope *scope, const struct id *id,
				struct flaw *f, struct str *ret_authority) MUST_USE;
enum err registry_read_condition(struct net_req *r, struct flaw *f, struct registry_set *s) MUST_USE;

#endif
