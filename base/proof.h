/* Data Integrity proofs of JSON documents, cryptosuite eddsa-jcs-2022 (W3C VC-DI-EDDSA 3.3): signatures
 * that stand inside what they sign. Documents are the caller's. Threads: any. */
#ifndef BASE_PROOF_H
#define BASE_PROOF_H

#include "base/clock.h"
#include "base/json.h"
#include "base/sign.h"

/* Adds a proof {type DataIntegrityProof, cryptosuite eddsa-jcs-2022, created, verificationMethod,
 * proofPurpose, proofValue} to doc (member "proof": object, or array when there is one already).
 * What is signed is doc without its "proof" member. */
enum err proof_add(json_t *doc, const struct sign_key *k, const char *verification_method,
		   const char *purpose, usec_t created) MUST_USE;
/* Verifies the proof of that verification method. ERR_NOT_FOUND: none by it; ERR_BAD_SIGNATURE. */
enum err proof_verify(const json_t *doc, const char *verification_method,
		      const unsigned char pub[SIGN_PUBLIC], struct flaw *f) MUST_USE;

#endif
