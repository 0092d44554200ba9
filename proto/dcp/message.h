/* Messages of the Decentralized Claims Protocol 1.0.1: presentations (5.4), storage, requests, offers and
 * metadata of credentials (6.4 to 6.8). Each is read strictly and written beside it.
 *
 * Purpose: bytes of strangers into checked structs, and back. "@context" must be an array that holds DCP's;
 * members that are not known are passed over. Flaws name the member.
 * Ownership: slices live as long as the JSON value. Written values are new and kept by the arena; NULL
 * without memory. Pure; threads: any. */
#ifndef PROTO_DCP_MESSAGE_H
#define PROTO_DCP_MESSAGE_H

#include "base/json.h"

#define DCP_CONTEXT "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
/* What is issued here (Appendix A.1): VCDM 1.1 with StatusList2021, or 2.0 with BitstringStatusList, as
 * JWT. */
#define DCP_PROFILE_11 "vc11-sl2021/jwt"
#define DCP_PROFILE_20 "vc20-bssl/jwt"

enum {
	DCP_ITEMS_MAX = 32,       /* credentials or scopes of one message */
	DCP_ID_MAX = 160,         /* octets of a pid or an object's id */
	DCP_TYPE_MAX = 100,       /* octets of a credential's type */
	DCP_PRESENTATIONS_MAX = 8 /* of one answer: one a kind of credential, and room */
};

/* Whether the message is of that type; pure JSON-LD writes it as "@type". */
bool dcp_type_is(json_t *j, const char *type);

/* Checks @context and type. ERR_BAD_MESSAGE */
enum err dcp_message_check(json_t *j, const char *type, struct flaw *f) MUST_USE;

/* A scope by which credentials of a type are asked for, without its alias: "TYPE:read". The alias is DCP's,
 * or what connectors of EDC and of Tractus-X are configured with from before it. Empty: another scope. */
struct str dcp_scope_type(struct str scope);

/* PresentationQueryMessage: scopes, or a presentationDefinition, which is only told of.
 * ERR_BAD_MESSAGE also when both or neither are there, or one is empty (5.4.1). */
struct dcp_query {
	struct str scopes[DCP_ITEMS_MAX];
	size_t scopes_n;
	bool definition;
};
enum err dcp_query_read(json_t *j, struct flaw *f, struct dcp_query *ret) MUST_USE;

/* PresentationResponseMessage (5.4.2). What others leave out of "@context" is let pass: its JWT are checked
 * one by one. */
struct dcp_response {
	struct str presentations[DCP_PRESENTATIONS_MAX]; /* JWT */
	size_t presentations_n;
};
enum err dcp_response_read(json_t *j, struct flaw *f, struct dcp_response *ret) MUST_USE;
json_t *dcp_response_write(struct arena *a, const struct dcp_response *m);

/* A CredentialObject (6.6.2). type is empty when only the id is there; profile: empty is written as
 * DCP_PROFILE_11. */
struct dcp_object {
	struct str id, type, schema, reason, profile;
};

/* CredentialRequestMessage (6.4) */
struct dcp_request {
	struct str holder_pid;
	struct str ids[DCP_ITEMS_MAX]; /* of objects; none twice */
	size_t ids_n;
};
enum err dcp_request_read(json_t *j, struct flaw *f, struct dcp_request *ret) MUST_USE;
json_t *dcp_request_write(struct arena *a, const struct dcp_request *m);

/* CredentialOfferMessage (6.6), and IssuerMetadata (6.7), which differ in names only. */
struct dcp_objects {
	struct str issuer;
	struct dcp_object items[DCP_ITEMS_MAX];
	size_t items_n;
};
enum err dcp_offer_read(json_t *j, struct flaw *f, struct dcp_objects *ret) MUST_USE;
enum err dcp_metadata_read(json_t *j, struct flaw *f, struct dcp_objects *ret) MUST_USE;
json_t *dcp_offer_write(struct arena *a, const struct dcp_objects *m);
json_t *dcp_metadata_write(struct arena *a, const struct dcp_objects *m);

/* CredentialMessage (6.5) */
struct dcp_delivery {
	struct str issuer_pid, holder_pid, reason;
	bool issued; /* or rejected: then there are no items */
	struct {
		struct str type, payload, format;
	} items[DCP_ITEMS_MAX];
	size_t items_n;
};
enum err dcp_delivery_read(json_t *j, struct flaw *f, struct dcp_delivery *ret) MUST_USE;
json_t *dcp_delivery_write(struct arena *a, const struct dcp_delivery *m);

/* CredentialStatus (6.8); status: RECEIVED, ISSUED or REJECTED. */
struct dcp_status {
	struct str issuer_pid, holder_pid, status;
};
enum err dcp_status_read(json_t *j, struct flaw *f, struct dcp_status *ret) MUST_USE;
json_t *dcp_status_write(struct arena *a, const struct dcp_status *m);

#endif
