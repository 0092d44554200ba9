/* Token ids that partners have used, so that a token opens one door once.
 *
 * The memory of this process decides, at once for every shard; what state-changing messages spent is
 * in table jti as well, and is read back at start. An id is remembered until its token has expired.
 * Threads: any (a lock of its own). */
#ifndef DATASPACE_REPLAY_H
#define DATASPACE_REPLAY_H

#include "dataspace/space.h"

enum {
	REPLAY_MAX = 1 << 20, /* ids at once, 24 octets in 48 MiB: 3,000 messages a second for a token's
				 five minutes */
	REPLAY_ID = 16,
};

enum err replays_open(struct replays **ret) MUST_USE;
void replays_close(struct replays *r); /* NULL is allowed */
enum err replays_load(struct replays *r, struct store_txn *t, int64_t now) MUST_USE;
/* Digest of issuer and token id. */
void replay_digest(struct str iss, struct str jti, unsigned char out[REPLAY_ID]);
/* ERR_UNAUTHORISED when it was used before; ERR_BUSY beyond REPLAY_MAX. Times in seconds. */
enum err replays_use(struct replays *r, const unsigned char id[REPLAY_ID], int64_t expires,
		     int64_t now) MUST_USE;

size_t replays_octets(struct replays *r); /* of memory; follows what is alive */

#endif
