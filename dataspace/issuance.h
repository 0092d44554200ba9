/* Issuance of credentials between nodes (DCP 1.0.1 6): the issuer's side and the holder's.
 *
 * Purpose: a holder asks (CredentialRequestMessage), the issuer decides, at once or by its owner, and
 * delivers (CredentialMessage) to the holder's credential service; an issuer may offer first
 * (CredentialOfferMessage). All in table `credential`, as JSON, under
 *   type     issuer: a CredentialObject: {id, type, days, open, claims, profile}; open: issued to whoever
 * asks request  issuer: {id: issuerPid, holder, holderPid, objects, types, status, service, token,
 * delivered} offered  issuer: an offer made, which is a yes in advance: {id, holder, object, type, claims}
 *   asked    holder: {id: holderPid, issuer, objects, types, status, issuerPid, reason; issuerStatus: what
 *            the issuer answered to the request, if it said}
 *   offer    holder: an offer received: {id, issuer, credentials: [{id, type}]}
 * Status of a request: RECEIVED, ISSUED, REJECTED; of what was asked also REQUESTED (on its way) and FAILED
 * (the issuer refused the message).
 *
 * Invariants: 1. a credential, its request's status and the message that delivers it are one command.
 * 2. a holder stores only what it asked for, from whom it asked, about itself. 3. an offer gives one
 * issuance of its object to its holder.
 * Threads: "act" and "receive" in commands; routes on shards. */
#ifndef DATASPACE_ISSUANCE_H
#define DATASPACE_ISSUANCE_H

#include "dataspace/turn.h"
#include "proto/dcp/message.h"

enum {
	ISSUANCE_TYPES_MAX = 32,     /* of one issuer: all stand in its metadata */
	ISSUANCE_REQUESTS_MAX = 512, /* of one issuer; finished ones go first */
	ISSUANCE_OPEN_MAX = 256,   /* of these, waiting for a decision: who asks is not known beforehand */
	ISSUANCE_HOLDER_MAX = 8,   /* waiting, of one holder */
	ISSUANCE_OFFERS_MAX = 256, /* made and not yet taken up; and, apart, received */
	ISSUANCE_ASKED_MAX = 256,
	ISSUANCE_TOKEN_MAX = 4096 /* octets of a holder's token that are handed back */
};

/* Targets of outbox entries of kind CREDENTIAL. */
enum { ISSUANCE_DELIVERY = 1, ISSUANCE_REQUEST, ISSUANCE_OFFER };

/* Issuer, of a partner's request: *ret_row is the request's. Repeated while it has not been delivered: the
 * same row again. service: the holder's CredentialService; token: of its self-issued token. */
enum err issuer_receive(const struct turn *u, const struct dcp_request *m, struct str service,
			struct str token, json_t **ret_row) MUST_USE;
/* The holder's token that goes with a delivery; empty: none. */
struct str issuer_given(struct store_txn *t, struct arena *a, const Ds__Outbox *e);
/* The participant's objects, as metadata. */
enum err issuer_objects(struct store_txn *t, struct arena *a, const struct ds_self *self,
			struct dcp_objects *ret) MUST_USE;

/* What a partner may see, or its owner: without its token. New reference kept by the arena. */
json_t *issuance_show(struct arena *a, json_t *row);
/* Appends the event of a change of a row to the ledger. */
enum err issuance_note(const struct turn *u, enum ds_event_kind kind, json_t *row) MUST_USE;
/* The member becomes the command's time. */
void issuance_stamp(const struct turn *u, json_t *row, const char *member);
/* Holder: the request that this delivery answers. ERR_NOT_FOUND, ERR_FORBIDDEN (asked of another). */
enum err holder_asked(struct store_txn *t, struct arena *a, struct str participant, struct str holder_pid,
		      struct str issuer, struct flaw *f, json_t **ret) MUST_USE;
/* Holder, in the command that stores (or is told no): notes it. */
enum err holder_answered(const struct turn *u, json_t *asked, const struct dcp_delivery *m) MUST_USE;
enum err holder_offered(const struct turn *u, const struct dcp_objects *m) MUST_USE;

/* The partner that the member of the request's body names: then(r, did, doc) on the shard, or a refusal. */
typedef void issuance_found_fn(struct net_req *r, struct str did, const struct ds_did *doc);
void issuance_partner(struct net_req *r, const char *member, issuance_found_fn *then);
/* Answers with all rows of n kinds; kinds: the table's name and the answer's member of each in turn. */
void issuance_list(struct net_req *r, const char *const *kinds, size_t n);
extern const struct net_route issuer_routes[], holder_routes[], face_issuer_routes[], trust_routes[];
extern const size_t issuer_routes_n, holder_routes_n, face_issuer_routes_n, trust_routes_n;

#endif
