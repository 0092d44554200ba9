/* kanhe audit: the options that the two ledgers share (evidence.c, audit_registry.c). Threads: the main
 * thread. */
#ifndef TOOLS_KANHE_AUDIT_H
#define TOOLS_KANHE_AUDIT_H

#include "tools/kanhe/client.h"

struct audit_options {
	const char *since, *cursor, *limit; /* NULL: not given */
};

/* The registry's ledger: the newest entries, or those from since or cursor on. CLI_BOGUS: an entry does not
 * stand in the signed tree. */
int audit_registry(struct cli *c, const struct audit_options *o);

#endif
