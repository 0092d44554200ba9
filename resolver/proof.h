/* Proof of a key: a node's challenge and an enterprise's signature over it.
 *
 * A challenge is be64 time (microseconds, wall) ‖ 16 random octets ‖ the node's signature over both and the
 * enterprise's code, as base64url: the node keeps nothing until it is answered. The enterprise signs, in
 * the context "kanhe-proof-v1", the node's DID, its own code and the challenge's text, each but the last
 * followed by a zero octet: an answer to one node is of no use at another. Threads: any. */
#ifndef RESOLVER_PROOF_H
#define RESOLVER_PROOF_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/sign.h"
#include "resolver/credit_code.h"

enum {
	PROOF_SECONDS = 300, /* a person with a key on another machine gets by in five minutes */
	PROOF_SKEW_SECONDS = 5,
	PROOF_DAYS = 30, /* validity of the credential: a machine proves its key again each month */
};

#define PROOF_CONTEXT "kanhe-proof-v1"

/* Text in the arena; p = NULL on overflow. */
struct str proof_challenge(const struct sign_key *node, struct str code, usec_t now, struct arena *a);
/* ERR_FORBIDDEN, rule challenge or challenge-expired. *ret_made: when it was made. */
enum err proof_challenge_open(const unsigned char node[SIGN_PUBLIC], struct str code, struct str text,
			      usec_t now, struct flaw *f, usec_t *ret_made) MUST_USE;
/* What the enterprise signs; p = NULL on overflow. */
struct str proof_message(struct arena *a, struct str did, struct str code, struct str challenge);

#endif
