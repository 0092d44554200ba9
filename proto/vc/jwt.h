/* Tokens of others: compact JWS (RFC 7515) by Ed25519 or P-256 keys.
 *
 * Purpose: read without trust, verify with a key found elsewhere. The algorithm is bound to the key: a
 * token whose header names another than its key's does not verify (RFC 8725 3.1). Header parameters that
 * bring or point to a key, or change what is signed, are refused.
 * Ownership: slices live as long as the arena and the token. Pure; threads: any. */
#ifndef PROTO_VC_JWT_H
#define PROTO_VC_JWT_H

#include "base/es256.h"
#include "base/json.h"
#include "base/sign.h"

enum {
	VC_JWT_MAX = 256 << 10, /* octets: a presentation holds several credentials */
	VC_KEY_OCTETS = ES256_PUBLIC,
	VC_SIGNATURE = 64 /* of both algorithms */
};

enum vc_alg { VC_EDDSA, VC_ES256 };

struct vc_key {
	enum vc_alg alg;
	unsigned char pub[VC_KEY_OCTETS]; /* Ed25519: the first 32 */
};

struct vc_jwt {
	enum vc_alg alg;
	struct str kid, typ;
	json_t *header, *claims;
	struct str signing_input;
	unsigned char signature[VC_SIGNATURE];
};

/* ERR_BAD_INPUT, ERR_BAD_JSON, ERR_NO_MEMORY. */
enum err vc_jwt_parse(struct arena *a, struct str token, struct flaw *f, struct vc_jwt *ret) MUST_USE;
/* ERR_BAD_SIGNATURE. */
enum err vc_jwt_verify(const struct vc_jwt *j, const struct vc_key *key) MUST_USE;
/* A NumericDate as microseconds; false when absent. ERR_BAD_MESSAGE in *ret_err for another kind. */
bool vc_jwt_date(const struct vc_jwt *j, const char *claim, int64_t *ret_usec, enum err *ret_err);

#endif
