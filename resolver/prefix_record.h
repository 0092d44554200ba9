/* The record of a prefix, as the Handle System keeps it: `0.NA/PREFIX` with who administers it.
 *
 * Values: 100 HS_ADMIN naming `0.NA/PREFIX`, index 300; and there, when the enterprise has shown a key,
 * HS_PUBKEY. Written with the allocation and with each new key, in the same transaction, through the
 * registry: with revision, history and ledger entry as any record. Threads: inside writer commands. */
#ifndef RESOLVER_PREFIX_RECORD_H
#define RESOLVER_PREFIX_RECORD_H

#include "resolver/enterprise.h"

/* Nothing for what is no Handle prefix. */
enum err prefix_record_write(const struct rs *rs, const struct enterprise *x, const struct id_prefix *p,
			     struct str who, struct writer_txn *t, struct arena *a) MUST_USE;
/* Retires it; nothing when there is none. */
enum err prefix_record_retire(const struct id_prefix *p, struct str who, struct writer_txn *t,
			      struct arena *a) MUST_USE;

#endif
