/* The files of the face /registry: single changes, batches, lists, history. Private to this folder. */
#ifndef RESOLVER_FACE_REGISTRY_H
#define RESOLVER_FACE_REGISTRY_H

#include "resolver/face.h"
#include "resolver/idempotency.h"
#include "resolver/job.h"
#include "resolver/registry.h"

enum {
	CHANGE_ARENA = 8 << 20,  /* one body of 1 MiB as a JSON tree, and the record packed */
	BATCH_ARENA = 128 << 20, /* a body of 8 MiB, its values, the records packed */
	REGISTRY_READERS = ROLE_REGISTRAR | ROLE_ENTERPRISE | ROLE_AUDITOR, /* of what is in their scope */
};

struct change {
	struct job job;
	struct registry_set set;
	struct registry_change one;
	struct idempotency once;
	/* What the change answers, once applied: on the writer's thread when it is to be kept. */
	enum err (*tell)(const struct change *g, struct arena *a, struct told *ret);
};

void post_registry(struct net_req *r); /* face_registry_batch.c */

/* The record of a member of a series, in the request's arena, and the leaf of the series' last change
 * (may be NULL); ERR_NOT_FOUND. (face_series.c) */
enum err face_member(struct net_req *r, const struct id *id, struct str *ret_packed,
		     uint64_t *ret_leaf) MUST_USE;

/* The same as registry_may_change_in for all members of a pattern. (face_series.c) */
struct series_pattern;
enum err series_may_change_in(const struct zones *zones, const struct scope *scope,
			      const struct series_pattern *p, struct flaw *f,
			      struct str *ret_authority) MUST_USE;
/* ERR_BAD_MESSAGE: what was read describes a series. */
enum err registry_no_series(const struct record *r, struct flaw *f) MUST_USE;

/* The pattern of the series whose member it is, also where it has a record of its own. */
enum err face_series_of(struct net_req *r, const struct id *id, struct str *ret_pattern) MUST_USE;

/* A job that applies a set. Answers for itself and gives NULL without memory. */
struct change *registry_change_new(struct net_req *r, size_t arena_cap);
/* Answers with the error and drops the job, before it was submitted. */
void registry_refuse(struct change *g, enum err e, const struct flaw *f);
/* Answers with what was told, or with the failure. */
void registry_answer(struct job *j);
/* True when the job failed: it is answered. */
bool registry_answer_failure(struct job *j);
/* ERR_NOT_RESPONSIBLE, ERR_FORBIDDEN. The authority is borrowed from the shard's zones. */
enum err registry_may_change(const struct rs_shard *s, const struct scope *scope, const struct id *id,
			     struct flaw *f, struct str *ret_authority) MUST_USE;
/* ERR_FORBIDDEN unless the credential's scope covers the key. */
enum err registry_may_read(struct net_req *r, struct str key, struct flaw *f) MUST_USE;
/* The same with zones that are not a shard's. */
enum err registry_may_change_in(const struct zones *zones, const struct scope *scope, const struct id *id,
				struct flaw *f, struct str *ret_authority) MUST_USE;
/* The same where the zone is known; NULL: none of ours. */
enum err registry_may_change_at(const struct zone *z, const struct scope *scope, const struct id *id,
				struct flaw *f, struct str *ret_authority) MUST_USE;
enum err registry_read_condition(struct net_req *r, struct flaw *f, struct registry_set *s) MUST_USE;
/* The parameter reason of what retires something, in the arena; *ret stays where there is none.
 * ERR_BAD_INPUT. */
enum err registry_read_reason(struct net_req *r, struct arena *a, struct flaw *f, struct str *ret) MUST_USE;

/* One change of a history as an object: its ledger entry and the digests before and after it. */
enum err face_put_change(struct store_txn *t, uint64_t leaf, struct str digests, bool first,
			 struct buf *out) MUST_USE;

#endif
