/* ES256 (RFC 7518 3.4): ECDSA over P-256 with SHA-256, by libcrypto; for partners whose keys are not
 * Ed25519, and for participants of ours whose partners know nothing else.
 *
 * Private keys live in sodium_malloc memory and are sealed for tables as those of sign.h are, with another
 * text of their own. Threads: any; keys are immutable once made. */
#ifndef BASE_ES256_H
#define BASE_ES256_H

#include "base/sign.h"

enum { ES256_SECRET = 32 };
enum { ES256_PUBLIC = 64 /* x and y, big-endian, 32 octets each */, ES256_SIGNATURE = 64 /* r and s */ };

/* ERR_BAD_KEY: not a point of the curve. */
enum err es256_key_check(const unsigned char pub[ES256_PUBLIC]) MUST_USE;
/* ERR_BAD_KEY; ERR_BAD_SIGNATURE, also for r or s of zero or beyond the order. */
enum err es256_verify(const unsigned char pub[ES256_PUBLIC], struct str msg,
		      const unsigned char sig[ES256_SIGNATURE]) MUST_USE;
/* The point whose x it is and whose y is odd or even as the first octet (3 or 2) says (SEC 1 2.3.4).
 * ERR_BAD_KEY. */
enum err es256_point_parse(const unsigned char compressed[33], unsigned char ret[ES256_PUBLIC]) MUST_USE;

struct es256_key;
struct es256_key *es256_key_new(void); /* random; NULL without memory */
/* ERR_BAD_KEY: zero, or beyond the order. ERR_NO_MEMORY. */
enum err es256_key_from_secret(const unsigned char secret[ES256_SECRET], struct es256_key **ret) MUST_USE;
void es256_key_free(struct es256_key *k);                     /* NULL is allowed */
const unsigned char *es256_public(const struct es256_key *k); /* ES256_PUBLIC octets */
/* ERR_NO_MEMORY */
enum err es256_sign(const struct es256_key *k, struct str msg, unsigned char sig[ES256_SIGNATURE]) MUST_USE;
void es256_key_seal(const struct sign_sealer *s, const struct es256_key *k,
		    unsigned char out[ES256_SECRET + SIGN_SEAL]);
/* ERR_BAD_KEY, ERR_NO_MEMORY */
enum err es256_key_unseal(const struct sign_sealer *s, struct str sealed, struct es256_key **ret) MUST_USE;

#endif
