/* DID documents (W3C DID Core 1.0, 5): what of them a node uses.
 *
 * Purpose: write our own, and read a partner's strictly into keys with their purposes and services.
 * Keys of P-256 (publicKeyJwk of kty EC, or a Multikey zDn…) are kept apart, other kinds are passed over,
 * and so are those of another subject or that another subject controls; of Ed25519 these forms are read:
 * Multikey and Ed25519VerificationKey2020 (publicKeyMultibase), JsonWebKey2020 and JsonWebKey (publicKeyJwk
 * of kty OKP, crv Ed25519). Services whose endpoint is not a text are passed over.
 *
 * Ownership: the slices of a document that was read live as long as the arena and the json_t that
 * were handed in. Pure; threads: any. */
#ifndef PROTO_DID_DOCUMENT_H
#define PROTO_DID_DOCUMENT_H

#include "base/json.h"
#include "base/sign.h"

enum {
	DID_KEYS_MAX = 16,     /* verification methods of one document: a key and those it is changed for */
	DID_SERVICES_MAX = 32, /* service entries: one for each protocol it speaks */
	DID_URL_MAX = 2048     /* octets of an id or endpoint inside a document */
};

/* name, bit, member of the document (DID Core 5.3) */
#define DID_PURPOSES(X)                                                                                    \
	X(AUTHENTICATION, 1, "authentication")                                                             \
	X(ASSERTION, 2, "assertionMethod")                                                                 \
	X(INVOCATION, 4, "capabilityInvocation")

enum did_purpose {
#define X(name, bit, member) DID_##name = bit,
	DID_PURPOSES(X)
#undef X
};

/* Multikey or JsonWebKey2020 when written; all forms with publicKeyMultibase are read as the former. */
enum did_form { DID_MULTIKEY, DID_JWK };

struct did_key {
	struct str id; /* absolute: "did:web:example.com#key-1" */
	unsigned char pub[SIGN_PUBLIC];
	unsigned purposes; /* enum did_purpose */
	enum did_form form;
};

/* P-256: kept apart so that no reader takes it for the other kind. */
struct did_ec_key {
	struct str id;
	unsigned char pub[64]; /* x and y */
	unsigned purposes;
};

struct did_service {
	struct str id, type, endpoint; /* id absolute; an entry of several types stands once for each */
};

struct did_document {
	struct str id;
	struct did_key keys[DID_KEYS_MAX];
	size_t keys_n;
	struct did_ec_key ec[DID_KEYS_MAX];
	size_t ec_n;
	struct did_service services[DID_SERVICES_MAX];
	size_t services_n;
	unsigned declared; /* read: purposes whose member is there, if only as an empty array */
};

/* did: the name under which it was fetched; a document of another id is refused.
 * ERR_BAD_MESSAGE with the member's path and the rules "missing", "type", "value", "key", "count". */
enum err did_doc_parse(struct arena *a, json_t *j, struct str did, struct flaw *f,
		       struct did_document *ret) MUST_USE;
/* A new object kept by the arena, NULL when that is full. */
json_t *did_doc_make(struct arena *a, const struct did_document *d);

/* The key of that absolute id with all of these purposes; NULL when there is none. */
const struct did_key *did_key_find(const struct did_document *d, struct str id, unsigned purposes);
/* The first service of that type; NULL when there is none. */
const struct did_service *did_service_find(const struct did_document *d, const char *type);

#endif
