/* Entries of the registry's ledger: JCS objects (RFC 8785) written member by member, in order of
 * name, because a batch of registrations must not pay for a JSON tree.
 *
 * kind                  members besides time and who
 * record.registered     id, revision, after          (SHA-256 of the packed record, lower-case hex)
 * record.replaced       id, revision, before, after
 * record.amended        id, revision, before, after  (single values added, modified, removed)
 * record.retired        id, revision, before, after; reason if one was given
 * record.batch          n, digest: SHA-256 over, for each record in order of key, be16 length and key,
 *                       SHA-256 before (zeros: none), SHA-256 after; import, if it is part of one
 * record.replaced, member.retired: also series, the pattern, where a member of it gets a record of its own
 * series.registered     pattern, members, revision, after (SHA-256 of the packed record with the templates)
 * series.replaced       pattern, members, revision, before, after
 * series.retired        pattern, members, revision, before, after
 * series.split          pattern, before, first, after_first, second, after_second: pattern and digest of
 * each import.started        format, import import.finished       created, digest (bulk_chain), import,
 * lines, octets, refused, replaced, same import.removed        import delegation.granted    prefix, child,
 * serial, digest (SHA-256 of the packed Signed message) delegation.withdrawn  prefix, digest
 * enterprise.KIND       code, digest (SHA-256 of the row of the table enterprise), name, and where there
 * are any node, prefixes, quota, reason, resolve ("no"), review. KIND: applied, approved, rejected,
 *                       suspended, reinstated, handed-over, closed, prefix-allocated,
 *                       prefix-released, quota, changed, key
 * Threads: a writer's. Errors are sticky in the buffer. */
#ifndef RESOLVER_ENTRY_H
#define RESOLVER_ENTRY_H

#include "base/buf.h"
#include "base/writer.h"

enum { ENTRY_MAX = 16 * 1024 }; /* an identifier of 2,048 octets, every one escaped, fits */

void entry_open(struct buf *b);
/* Names must ascend, and stay below "time"; a test compares with json_jcs. */
void entry_text(struct buf *b, const char *name, struct str value);
void entry_number(struct buf *b, const char *name, uint64_t value);
void entry_digest(struct buf *b, const char *name, const unsigned char sha256[32]);
/* Appends time and who, closes, appends to the ledger, frees b. *ret_index may be NULL. */
enum err entry_append(struct buf *b, struct writer_txn *t, struct str who, uint64_t *ret_index) MUST_USE;

#endif
