/* What the faces that change templates share: /templates, the SNMS and DOIP interfaces. Private to this
 * folder. Threads: the request's shard. */
#ifndef RESOLVER_FACE_TEMPLATE_H
#define RESOLVER_FACE_TEMPLATE_H

#include "resolver/face.h"
#include "resolver/job.h"
#include "resolver/templates.h"

enum {
	TEMPLATE_ARENA = 8 << 20, /* a body of 512 KiB as a tree, the old template beside the new */
};

struct template_job {
	struct job job;
	struct templates_change change;
	bool remove;
};

/* A job that puts or deletes change.template. NULL without memory: not answered. */
struct template_job *template_job_new(struct net_req *r, bool remove);
/* ERR_BAD_MESSAGE, ERR_NOT_RESPONSIBLE, ERR_FORBIDDEN: the prefix lies under one of ours, in the scope. */
enum err template_may_change(const struct rs_shard *s, const struct scope *scope, struct arena *a,
			     struct str prefix, struct flaw *f) MUST_USE;

/* A template of a Handle prefix is for the Handles under it: a scope of those is enough. */
bool template_covered(const struct scope *scope, struct arena *a, struct str prefix);

#endif
