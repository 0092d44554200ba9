/* Verifiable credentials and presentations as JWT: VCDM 1.1 (jwt_vc, jwt_vp: members "vc" and "vp") and
 * VCDM 2.0 (JOSE: the claims are the credential; credentials inside a presentation are enveloped).
 *
 * Purpose: what a verifier must look at, read out of the claims; checks that need nothing but the time.
 * Signatures, the issuer's trust and status lists are the caller's. Where a registered claim and a member
 * say the same (iss/issuer, nbf/validFrom, exp/validUntil, sub/credentialSubject.id), they must agree.
 * The first context must be that of the model: of 2.0 where the claims are the credential; of 1.1, or
 * of 2.0 as some products write it, inside a member "vc". Ownership: slices live as long as the JWT's
 * claims. Pure; threads: any. */
#ifndef PROTO_VC_CREDENTIAL_H
#define PROTO_VC_CREDENTIAL_H

#include "base/clock.h"
#include "proto/vc/jwt.h"

#define VC_11_CONTEXT "https://www.w3.org/2018/credentials/v1"
#define VC_20_CONTEXT "https://www.w3.org/ns/credentials/v2"

enum {
	VC_TYPES_MAX = 16,
	VC_STATUSES_MAX = 8,
	VC_SCHEMAS_MAX = 4,
	VC_CREDENTIALS_MAX = 32, /* in one presentation */
	VC_LEEWAY = 30           /* seconds that two clocks may differ by */
};

struct vc_status_entry {
	struct str purpose, list; /* "revocation", "suspension", …; URL of the list's credential */
	uint64_t index;
	unsigned size; /* bits of an entry */
};

/* A credentialSchema of type JsonSchema (of the whole credential) or JsonSchemaValidator2018 (of its
 * subject); those of other types are passed over. */
struct vc_schema_entry {
	struct str id;
	bool whole;
};

struct vc_credential {
	struct str id, issuer, subject; /* id may be empty */
	struct str types[VC_TYPES_MAX]; /* without "VerifiableCredential" */
	size_t types_n;
	usec_t from, until; /* wall time; 0: not said */
	struct vc_status_entry status[VC_STATUSES_MAX];
	size_t status_n;
	struct vc_schema_entry schema[VC_SCHEMAS_MAX];
	size_t schema_n;
	json_t *claims;   /* credentialSubject: an object */
	json_t *document; /* the credential itself */
	bool v2;
};

/* ERR_BAD_MESSAGE with the member named. */
enum err vc_credential_read(const struct vc_jwt *j, struct flaw *f, struct vc_credential *ret) MUST_USE;
/* ERR_EXPIRED, ERR_UNAUTHORISED (not yet valid). */
enum err vc_credential_time(const struct vc_credential *c, usec_t now, struct flaw *f) MUST_USE;
bool vc_credential_is(const struct vc_credential *c, struct str type);

struct vc_presentation {
	struct str holder;
	struct str credentials[VC_CREDENTIALS_MAX]; /* compact JWTs */
	size_t credentials_n;
};
/* iss is the holder; aud must name audience; exp and nbf are checked. ERR_BAD_MESSAGE, ERR_UNAUTHORISED,
 * ERR_EXPIRED. */
enum err vc_presentation_read(const struct vc_jwt *j, struct str audience, usec_t now, struct flaw *f,
			      struct vc_presentation *ret) MUST_USE;

/* The list inside the credential of a status list, and that it is the one the entry means: for its purpose
 * ("Verify that the status purpose … matches"), and, when its id is an address, at that address: an issuer
 * signs many lists, and another one of its must not answer in place of this one. (A list "MAY express an id
 * that matches"; an id that is no address, such as a UUID, says nothing.) */
enum err vc_status_list_read(const struct vc_credential *c, const struct vc_status_entry *s, struct flaw *f,
			     struct str *ret_encoded) MUST_USE;
/* How long the list may be kept by its ttl; 0: not said. */
usec_t vc_status_list_ttl(const struct vc_credential *c);

#endif
