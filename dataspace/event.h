/* The data space's vocabulary in the ledger.
 *
 * Purpose: every decision and exchange of a participant is one ledger entry, indexed per
 * participant and per agreement. An entry is the JCS form of
 *   {"v":1, "kind", "time" (RFC 3339, microseconds), "participant", "who" (principal or peer DID),
 *    "agreement", "negotiation", "transfer", "dataset", "peer", "message" ("sha256:hex" of the
 *    peer's message), "detail" {…}}
 * where absent members are left out.
 *
 * Invariant: the entry is appended in the transaction of the change it tells of.
 * Threads: append on the writer thread; reading with any transaction. */
#ifndef DATASPACE_EVENT_H
#define DATASPACE_EVENT_H

#include "base/json.h"
#include "base/writer.h"

/* name, text in the entry, meaning */
#define DS_EVENTS(X)                                                                                       \
	X(PARTICIPANT_ADDED, "participant-added", "a participant and its key were made")                   \
	X(DATASET_CONTENT, "dataset-content", "the content of a dataset was stored")                       \
	X(DATASET_PUBLISHED, "dataset-published", "a dataset is offered under a policy")                   \
	X(DATASET_WITHDRAWN, "dataset-withdrawn", "a dataset left the catalog")                            \
	X(NEGOTIATION_REQUESTED, "negotiation-requested", "the consumer asks for an offer")                \
	X(NEGOTIATION_OFFERED, "negotiation-offered", "the provider makes an offer")                       \
	X(NEGOTIATION_ACCEPTED, "negotiation-accepted", "the consumer accepts the offer")                  \
	X(NEGOTIATION_AGREED, "negotiation-agreed", "the provider has signed the agreement")               \
	X(NEGOTIATION_VERIFIED, "negotiation-verified", "the consumer has verified and signed it")         \
	X(NEGOTIATION_FINALIZED, "negotiation-finalized", "the agreement is in force")                     \
	X(NEGOTIATION_TERMINATED, "negotiation-terminated", "the negotiation ended without one")           \
	X(AGREEMENT_REVOKED, "agreement-revoked", "the owner ended the agreement")                         \
	X(AGREEMENT_EXPIRED, "agreement-expired", "the agreement's term ended")                            \
	X(TRANSFER_REQUESTED, "transfer-requested", "the consumer asks for a transfer")                    \
	X(TRANSFER_REFUSED, "transfer-refused", "the policy did not allow it")                             \
	X(TRANSFER_STARTED, "transfer-started", "the provider opened the data address")                    \
	X(TRANSFER_SUSPENDED, "transfer-suspended", "one side paused it")                                  \
	X(TRANSFER_COMPLETED, "transfer-completed", "the consumer has everything")                         \
	X(TRANSFER_TERMINATED, "transfer-terminated", "it ended before completion")                        \
	X(DATA_SERVED, "data-served", "octets went out at the provider")                                   \
	X(DATA_CUT, "data-cut", "a running answer was cut by policy or revocation")                        \
	X(DATA_REFUSED, "data-refused", "a data request was refused by policy")                            \
	X(DATA_RECEIVED, "data-received", "everything arrived and was checked")                            \
	X(METER_SIGNED, "meter-signed", "a meter statement was signed and sent")                           \
	X(METER_COUNTERSIGNED, "meter-countersigned", "both sides signed a meter statement")               \
	X(METER_DISPUTED, "meter-disputed", "the two sides' counts differ")                                \
	X(MESSAGE_UNDELIVERED, "message-undelivered", "the peer refused a message for good")               \
	X(PROOF_EXPORTED, "proof-exported", "a proof bundle was made")                                     \
	X(DATA_GRANTED, "data-granted", "a data request passed the policy; octets may leave")              \
	X(REQUEST_APPROVED, "request-approved", "the owner said yes to a request or counter-offer")        \
	X(REQUEST_DECLINED, "request-declined", "the owner said no to one")                                \
	X(MESSAGE_DROPPED, "message-dropped", "the owner gave up a message to a partner")                  \
	X(MESSAGE_RETRIED, "message-retried", "the owner had a message sent again")                        \
	X(CREDENTIAL_ISSUED, "credential-issued", "a credential was issued")                               \
	X(CREDENTIAL_REVOKED, "credential-revoked", "a credential of ours was revoked")                    \
	X(CREDENTIAL_STORED, "credential-stored", "a credential of another was put into the wallet")       \
	X(CONTROL_PLANE, "control-plane", "an outside control plane was let in or dismissed")              \
	X(FLOW, "data-flow", "a data flow of an outside control plane changed its state")                  \
	X(TOKEN_CLIENT, "token-client", "a client of the token service was let in or dismissed")           \
	X(CREDENTIAL_TYPE, "credential-type", "a type of credential is issued from now on, or no more")    \
	X(CREDENTIAL_OFFERED, "credential-offered", "a credential was offered to a partner, or to us")     \
	X(CREDENTIAL_REQUESTED, "credential-requested", "a credential was asked for, of us or by us")      \
	X(CREDENTIAL_REJECTED, "credential-rejected", "a request for a credential was declined")           \
	X(ISSUER_TRUST, "issuer-trust", "an issuer of credentials is trusted from now on, or no more")     \
	X(CREDENTIAL_REMOVED, "credential-removed", "a credential of another was taken out of the wallet") \
	X(CREDENTIAL_STATUS, "credential-status",                                                          \
	  "a credential that is held was found revoked, suspended, expired, or in force again")            \
	X(DATA_PLANE, "data-plane", "an outside data plane was registered or removed")                     \
	X(SIGNAL, "data-plane-signal", "what an outside data plane answered or reported of a transfer")

enum ds_event_kind {
	DS_EVENT_NONE,
#define X(name, text, meaning) DS_EVENT_##name,
	DS_EVENTS(X)
#undef X
	    DS_EVENT_END
};

const char *ds_event_text(enum ds_event_kind k);

/* Empty slices are left out of the entry; detail (an object, may be NULL) is stolen. */
struct ds_event {
	enum ds_event_kind kind;
	struct str participant; /* never empty */
	struct str who;
	struct str agreement, negotiation, transfer, dataset, peer;
	const unsigned char *message; /* SHA-256 of the peer's message, or NULL */
	json_t *detail;
};

/* Appends and indexes. *ret_index may be NULL. ERR_TOO_LARGE, store errors. detail is released
 * whatever the outcome. */
enum err ds_event_append(struct writer_txn *t, const struct ds_event *e, uint64_t *ret_index) MUST_USE;

/* Leaf indexes of one participant (agreement empty) or of one of its agreements, ascending, from
 * `from` on. *ret_next: where to go on, UINT64_MAX at the end. */
enum err ds_event_list(struct store_txn *t, struct str participant, struct str agreement, uint64_t from,
		       size_t max, uint64_t *ret_indexes, size_t *ret_n, uint64_t *ret_next) MUST_USE;

#endif
