/* Compact JWS (RFC 7515) with one algorithm, EdDSA over Ed25519 (RFC 8037): `alg` is never taken
 * from the token. Written with ES256 as well, for others to read; read in proto/vc/jwt.h. Threads: any. */
#ifndef BASE_JOSE_H
#define BASE_JOSE_H

#include "base/clock.h"
#include "base/es256.h"
#include "base/json.h"
#include "base/sign.h"

enum {
	JWS_MAX = 16 * 1024, /* of a token that is read */
	JWS_WRITE_MAX =
	    256 * 1024 /* of one that we make: a presentation holds credentials, a list many bits */
};

/* header gets alg, kid and typ; claims is any object. Text in the arena. */
enum err jws_write(struct arena *a, const struct sign_key *k, const char *kid, const char *typ,
		   const json_t *claims, struct str *ret) MUST_USE;
/* The same by a P-256 key (RFC 7518 3.4). */
enum err jws_write_es256(struct arena *a, const struct es256_key *k, const char *kid, const char *typ,
			 const json_t *claims, struct str *ret) MUST_USE;

struct jws {
	struct str kid, typ;
	json_t *header, *claims;
	struct str signing_input; /* header.payload as sent */
	unsigned char signature[SIGN_SIGNATURE];
};
/* Takes it apart without trusting it: alg must be "EdDSA", crit, jku, x5u, jwk, b64 are refused.
 * ERR_BAD_INPUT, ERR_BAD_JSON. */
enum err jws_parse(struct arena *a, struct str token, struct flaw *f, struct jws *ret) MUST_USE;
enum err jws_verify(const struct jws *j, const unsigned char pub[SIGN_PUBLIC]) MUST_USE;

/* exp (required), nbf and iat (optional), with 30 s of leeway; aud (string or array) holds aud.
 * ERR_EXPIRED or ERR_UNAUTHORISED with the claim named. */
enum err jwt_check(const struct jws *j, struct str aud, usec_t now, struct flaw *f) MUST_USE;

#endif
