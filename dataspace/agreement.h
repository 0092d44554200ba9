/* Agreements: made and signed by the provider, verified and countersigned by the consumer.
 *
 * The signed document is the Agreement of DSP (ODRL) with members of our own: "kanheContent"
 * {digest, size, mediaType}: what the data is, so that the consumer can check what arrives; and
 * "kanheOffer": the offer's id. These names have no colon: a JSON-LD processor drops a term that no context
 * defines, but keeps what looks like an IRI, and EDC then finds that the agreement's policy is not the
 * offer's. Proofs (eddsa-jcs-2022, purpose assertionMethod) stand in "proof": the provider's first, then
 * the consumer's, which travels as "kanhe:proof" in the ContractAgreementVerificationMessage. Both sides
 * keep the same octets (JCS). A partner that knows no proofs leaves them out: the agreement then counts as
 * not signed by it. Threads: in commands, unless said. */
#ifndef DATASPACE_AGREEMENT_H
#define DATASPACE_AGREEMENT_H

#include "dataspace/turn.h"
#include "proto/dsp/negotiation.h"

#define AGREEMENT_PROOF "kanhe:proof"
#define AGREEMENT_CONTENT "kanheContent"
#define AGREEMENT_OFFER "kanheOffer"

/* Provider: makes, signs and stores it (pending). *ret_doc is what to send. ERR_BAD_STATE when the
 * dataset has gone. */
enum err agreement_make(const struct turn *u, Ds__Negotiation *n, json_t **ret_doc) MUST_USE;
/* Consumer: checks the provider's agreement against what was negotiated and its proof, signs it,
 * stores it (pending). *ret_proof: ours, to be sent. ERR_BAD_MESSAGE, ERR_BAD_POLICY,
 * ERR_BAD_SIGNATURE with the flaw. */
enum err agreement_verify(const struct turn *u, Ds__Negotiation *n, const struct odrl_policy *p,
			  json_t **ret_proof) MUST_USE;
/* Provider: adds the consumer's proof (NULL: it sent none). ERR_BAD_SIGNATURE, ERR_BAD_MESSAGE. */
enum err agreement_countersign(const struct turn *u, const Ds__Negotiation *n, json_t *proof) MUST_USE;
/* Either: FINALIZED; or ended before. */
enum err agreement_activate(const struct turn *u, const Ds__Negotiation *n) MUST_USE;
enum err agreement_void(const struct turn *u, const Ds__Negotiation *n) MUST_USE;
/* The owner ends it: REVOKED; transfers under it are terminated, the peer told, streams cut.
 * ERR_BAD_STATE unless it is active. */
enum err agreement_revoke(const struct turn *u, Ds__Agreement *g, struct str reason) MUST_USE;

/* Consumer: the provider says, ending or refusing a transfer, that it has ended the agreement (code REVOKED
 * or EXPIRED). Other codes, or an agreement that is not active here, change nothing. */
enum err agreement_ended_by_peer(const struct turn *u, struct str id, struct str peer, struct str code,
				 struct str reason) MUST_USE;

const char *agreement_state_name(Ds__AgreementState s);     /* "ACTIVE" */
json_t *agreement_show(const Ds__Agreement *g, bool whole); /* new reference */
typedef enum err agreement_fn(void *arg, const Ds__Agreement *g);
/* Ascending by id, behind `after` (may be empty), until fn gives an error (ERR_NOT_FOUND: enough). */
enum err agreement_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
			agreement_fn *fn, void *arg) MUST_USE;

#endif
