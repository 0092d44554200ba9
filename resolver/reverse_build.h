/* Building of the reverse index beside the work of the node: types that were switched on, off, or are to be
 * made anew.
 *
 * Purpose: one step is one writer command with a bound on its work; the next one is handed in when it is
 * durable, so that changes of clients go between. What a step has done and where it stands are one
 * transaction: a stop or a kill loses nothing, and the next start goes on.
 * Threads: start on the main thread; steps on the writer's; kick on the writer's.
 * Ownership: the builder lives until reverse_builder_free, after the writer has stopped. */
#ifndef RESOLVER_REVERSE_BUILD_H
#define RESOLVER_REVERSE_BUILD_H

#include "base/writer.h"
#include "resolver/reverse.h"

enum { REVERSE_STEP_OCTETS = 4 << 20 /* of records looked at in one step, if they are large */ };

/* One step inside a writer command. *ret_more: there is another one to do. */
enum err reverse_build_step(struct writer_txn *t, struct arena *a, bool *ret_more) MUST_USE;

struct reverse_builder;
/* What is wrong with the wanted types by themselves. ERR_BAD_CONF. Pure. */
enum err reverse_types_check(const char *const *wanted, size_t n, struct flaw *f) MUST_USE;
/* Sets the types that are wanted and begins whatever is to be built. ERR_BAD_CONF, ERR_NO_MEMORY, store
 * errors. */
enum err reverse_builder_start(struct writer *w, const char *const *wanted, size_t wanted_n, struct flaw *f,
			       struct reverse_builder **ret) MUST_USE;
void reverse_builder_kick(struct reverse_builder *b); /* on the writer's thread: there is work */
void reverse_builder_free(struct reverse_builder *b); /* NULL is allowed */

#endif
