/* What face_report.c takes from face_copy.c. Private to this folder. */
#ifndef RESOLVER_FACE_COPY_H
#define RESOLVER_FACE_COPY_H

#include "resolver/copies.h"
#include "resolver/face.h"

/* Whether a reporter with this scope may put the row into its copy. */
bool copies_op_covered(const struct scope *scope, const struct copy_op *op);
/* A key given out before, in base64url; empty without one. ERR_BAD_INPUT. */
enum err copies_read_after(struct net_req *r, const char *name, struct flaw *f, struct str *ret) MUST_USE;
void get_copy(struct net_req *r);

#endif
