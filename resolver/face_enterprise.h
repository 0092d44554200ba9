/* The files of the face /enterprises: who sees and decides what. Private to this folder. Threads: the
 * request's shard. */
#ifndef RESOLVER_FACE_ENTERPRISE_H
#define RESOLVER_FACE_ENTERPRISE_H

#include "resolver/account.h"
#include "resolver/enterprise.h"
#include "resolver/face.h"
#include "resolver/job.h"

enum {
	ENTERPRISE_ARENA = 1 << 20, /* a body, the row before and after, 256 accounts */
	ENTERPRISE_LIST_OCTETS = 64 << 20,
};

/* Who asks, about which enterprise. */
struct caller {
	bool desk; /* a registrar or an auditor, not an enterprise's account */
	bool registrar;
	struct scope scope; /* of the credential */
	struct str account; /* name, when it is an enterprise's */
	struct str own;     /* that enterprise's code */
	unsigned rights;
};
enum err caller_of(struct net_req *r, struct caller *ret) MUST_USE;
/* Desks see what lies in their scope, enterprises themselves. ERR_FORBIDDEN, rule own-enterprise or scope.
 */
enum err caller_may_see(const struct caller *c, const struct enterprise *x, struct flaw *f) MUST_USE;
/* A registrar, or an account of that enterprise with the right to issue. ERR_FORBIDDEN. */
enum err caller_may_manage(const struct caller *c, struct str code, struct flaw *f) MUST_USE;

/* The route's first parameter. ERR_BAD_INPUT. */
enum err enterprise_param(const struct net_req *r, struct flaw *f, char ret[CREDIT_CODE]) MUST_USE;
/* The body as an object; an empty body is an empty one. Lives in the arena. */
enum err enterprise_body(struct net_req *r, struct arena *a, struct flaw *f, json_t **ret) MUST_USE;
/* A text a person wrote, at most ENTERPRISE_TEXT_MAX octets without control characters; *ret stays when it
 * is absent and not required. ERR_BAD_MESSAGE. */
enum err enterprise_text(json_t *j, const char *key, bool required, struct flaw *f,
			 struct str *ret) MUST_USE;
/* An Ed25519 key in multibase form; *ret_has says whether it is there. */
enum err enterprise_key(json_t *j, struct flaw *f, unsigned char key[SIGN_PUBLIC], bool *ret_has) MUST_USE;
/* {"code","state",…}, appended. */
enum err enterprise_write_json(struct store_txn *t, struct arena *a, const struct enterprise *x,
			       struct buf *out) MUST_USE;

/* A job that runs one act on an enterprise. */
typedef enum err act_fn(struct enterprise_act *act, struct writer_txn *t, struct arena *a, struct flaw *f);
struct enterprise_job {
	struct job job;
	struct enterprise_act act;
	struct scope scope;
	act_fn *run;
	bool allocates, delegates; /* what shards know of prefixes changes, and of zones */
};
/* Answers for itself and gives NULL without memory. code is the route's first parameter unless taken from
 * the body. */
struct enterprise_job *enterprise_job_new(struct net_req *r, act_fn *run);
/* Answers with the error and drops the job. */
void enterprise_refuse(struct enterprise_job *g, enum err e, const struct flaw *f);
void enterprise_submit(struct enterprise_job *g);
/* The flaw of a failed job as the answer; true when it failed. */
bool enterprise_answer_failure(struct job *j);

#endif
