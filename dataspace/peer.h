/* Partners' DID documents: fetched by the courier, kept for a while, one fetch in flight per DID.
 *
 * Own participants are answered from the keyring. A failed fetch is remembered shortly, so that a
 * flood of tokens with an unreachable issuer costs one request in PEER_FAILED_FOR.
 * Threads: any (a lock of its own); answers come on the shard that asked. */
#ifndef DATASPACE_PEER_H
#define DATASPACE_PEER_H

#include "dataspace/space.h"

enum {
	PEER_MAX = 4096,   /* documents kept: far more than a participant has partners */
	PEER_FETCHES = 64, /* under way at once; beyond it callers are told to come again */
	PEER_DOC_MAX = 64 << 10,
	PEER_WHY = 160, /* why there is no document, for an owner */
};
#define PEER_FRESH_FOR (300 * USEC_PER_SEC)
#define PEER_FAILED_FOR (2 * USEC_PER_SEC)
/* A method that a document does not have may be new: look again when it is older than this. */
#define PEER_RENEW_AFTER (5 * USEC_PER_SEC)

enum err peers_open(struct ds *d, struct peers **ret) MUST_USE;
void peers_close(struct peers *p); /* NULL is allowed; after the courier has stopped */

/* fn(arg, err, doc): at once or later, always on shard s. doc lives during the call. method (may be
 * empty): the verification method wanted. Errors: ERR_BAD_INPUT (neither a did:web nor a did:key),
 * ERR_NOT_FOUND and ERR_BAD_MESSAGE (there is no such document), ERR_FORBIDDEN (its host's address),
 * ERR_TOO_LARGE, ERR_UPSTREAM, ERR_TIMEOUT, ERR_BUSY (try again). */
typedef void peer_fn(void *arg, enum err e, const struct ds_did *doc);
void peers_find(struct ds *d, struct net_shard *s, struct str did, struct str method, peer_fn *fn,
		void *arg);
/* What went wrong with the last fetch, in words; only for the owner who named the partner: it tells of the
 * network here. "" when nothing is known. */
void peers_why(struct ds *d, struct str did, char ret[PEER_WHY]);
/* True for errors that will pass. */
bool peer_err_passes(enum err e);

#endif
