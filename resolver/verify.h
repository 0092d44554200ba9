/* Verification of another node's answer: pure, the whole rule in one place (DESIGN 3).
 *
 * An answer is accepted when 1. a key that the delegation to this node names signed it; 2. it is about
 * the identifier asked for, key and text; 3. it is given for exactly the delegated prefix; 4. now lies
 * in its term; 5. its kind fits: a record is that of the identifier, a referral holds a delegation that
 * verifies, leads strictly deeper and covers the identifier.
 * Threads: any. Ownership: slices in the arena or in the octets. */
#ifndef RESOLVER_VERIFY_H
#define RESOLVER_VERIFY_H

#include "proto/pb/answer.h"
#include "resolver/delegation.h"

struct verified {
	struct answer answer;
	struct delegation next; /* REFERRAL: the delegation to follow */
	struct str next_octets; /* and its Signed message */
};

/* ERR_BOGUS with the rule broken; ERR_LOOP: a referral that does not lead deeper; ERR_NO_MEMORY. */
enum err verify_answer(struct arena *a, struct str octets, const struct expected *x, struct flaw *f,
		       struct verified *ret) MUST_USE;

#endif
