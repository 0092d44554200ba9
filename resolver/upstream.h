/* Upstream: the walker's port, filled by the courier.
 *
 * A question is GET <url>/resolve/<id>?rd=0 for a signed answer in protobuf. The reply comes back to the
 * shard that asked; a shard that has ended loses it.
 * Threads: upstream_ask on the shard; the rest on the courier's thread and back. */
#ifndef RESOLVER_UPSTREAM_H
#define RESOLVER_UPSTREAM_H

#include "resolver/recursion.h"

#define ANSWER_MEDIA_TYPE "application/vnd.kanhe.answer+protobuf"

/* ctx: struct rs_shard. */
enum err upstream_ask(void *ctx, const struct upstream_question *q) MUST_USE;
/* "<url>/resolve/<id>?rd=0", every octet that is not unreserved percent-encoded, slashes too: a
 * segment ".." would be taken for a step up. NUL-terminated. */
struct str upstream_url(struct arena *a, struct str url, struct str id);

#endif
