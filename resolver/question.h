/* Questions: from a request to the walker and back.
 *
 * Purpose: each identifier has one owning shard, by the hash of its key, whose walker does all walks
 * for it: equal questions of all shards share one walk. A question goes there and comes home.
 * Threads: question_ask and done on the asking shard; done may run elsewhere only after that shard
 * has ended, when no request of it exists any more. */
#ifndef RESOLVER_QUESTION_H
#define RESOLVER_QUESTION_H

#include "resolver/state.h"

/* A verified answer, or a failure of a moment ago: a reference, or NULL. */
struct finding *question_cached(struct rs_shard *s, const struct id *id);

/* f is done's reference. */
typedef void question_done_fn(void *arg, struct finding *f);
/* done runs exactly once when this returns OK, perhaps before it returns. ERR_NO_MEMORY. */
enum err question_ask(struct rs_shard *s, const struct id *id, question_done_fn *done, void *arg) MUST_USE;

#endif
