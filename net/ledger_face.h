/* Ledger face: a transparency log for everybody to read (C2SP tlog-checkpoint, RFC 6962 proofs).
 *
 *   GET /ledger/{name}/checkpoint             the signed checkpoint of the newest tree, text/plain
 *   GET /ledger/{name}/leaf/{n}?size=         {"index","size","leaf_hash","proof"}, of the present tree
 *                                             also "root", for auditors and operators "salt" and "entry"
 *   GET /ledger/{name}/consistency?from=&to=  {"from","to","proof"}
 * Hashes and salts are base64. size and to: at most, and without them, the present size. The ledger's
 * leaves are salted digests, so the public part tells nothing of an entry but its number.
 *
 * Ownership: the face borrows ledger and key; it must live until the server has stopped.
 * Threads: open and close on the main thread; handlers on shards. */
#ifndef NET_LEDGER_FACE_H
#define NET_LEDGER_FACE_H

#include "base/ledger.h"
#include "base/sign.h"
#include "net/net.h"

struct ledger_face;

/* The shard's snapshot of the environment. */
typedef struct store_txn *ledger_face_txn_fn(struct net_shard *s);

/* name: "registry" or "space". ERR_NO_MEMORY. */
enum err ledger_face_open(const char *name, const struct ledger *l, ledger_face_txn_fn *txn,
			  const struct sign_key *key, struct ledger_face **ret) MUST_USE;
const struct net_routes *ledger_face_routes(const struct ledger_face *f); /* one table */
void ledger_face_close(struct ledger_face *f);                            /* NULL is allowed */

#endif
