/* The next page of a partner's catalog: Link fields (RFC 8288) of its answer.
 *
 * A partner decides where its next page is, so only addresses under the origin of its DSP endpoint are
 * followed: a catalog cannot send our token elsewhere. Pure. Threads: any. */
#ifndef DATASPACE_LINK_H
#define DATASPACE_LINK_H

#include "dataspace/space.h"

/* scheme, host and port of url are those of base; no user, no control characters, DS_URL_MAX at most. */
bool link_allowed(struct str url, struct str base);
/* The target with rel "next", absolute or from "/" on; empty: none. ERR_UPSTREAM, rule "link". */
enum err link_next(struct arena *a, struct str field, struct str base, struct flaw *f,
		   struct str *ret) MUST_USE;

#endif
