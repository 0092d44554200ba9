/* Admission: whether the enterprises whose identifiers a change set touches may have it so.
 *
 * Purpose: the one question that registry_apply asks about enterprises, inside the registering command:
 * states, rights of accounts and quotas hold exactly, however many clients register at once.
 * Threads: writer commands; reading with any transaction.
 * Invariants: 1. usage counts every identifier ever registered under an enterprise's prefixes, retired
 * ones too: a tombstone takes its place for good. A series is one, with all its members: one that gets a
 * record of its own was registered with it. What had a record before its series came has counted by
 * itself. 2. usage never passes the quota by a registration. */
#ifndef RESOLVER_ADMISSION_H
#define RESOLVER_ADMISSION_H

#include "resolver/registry.h"

/* After every change was prepared, before anything of it is written. Finds each change's allocation,
 * checks, and counts what is new. ERR_FORBIDDEN (enterprise-suspended, enterprise-closed, account-right,
 * foreign-prefix), ERR_NOT_RESPONSIBLE (handed-over), ERR_QUOTA (enterprise-quota); of a set with a judge,
 * each change gets its own verdict. */
enum err admission_pass(struct registry_set *s, struct writer_txn *t, struct arena *a,
			struct flaw *f) MUST_USE;

enum err admission_usage(struct store_txn *t, struct str code, uint64_t *ret) MUST_USE;
/* Identifiers that were registered under a prefix before it was allocated. */
enum err admission_adopt(struct writer_txn *t, struct str code, uint64_t n) MUST_USE;
/* Applications that wait for their review. */
enum err admission_waiting(struct store_txn *t, uint64_t *ret) MUST_USE;
enum err admission_wait(struct writer_txn *t, int more) MUST_USE;

#endif
