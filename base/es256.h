/* ES256 (RFC 7518 3.4): verification of ECDSA signatures over P-256 with SHA-256, by libcrypto; for
 * partners whose keys are not Ed25519. Threads: any. */
#ifndef BASE_ES256_H
#define BASE_ES256_H

#include "base/str.h"

enum { ES256_PUBLIC = 64 /* x and y, big-endian, 32 octets each */, ES256_SIGNATURE = 64 /* r and s */ };

/* ERR_BAD_KEY: not a point of the curve. */
enum err es256_key_check(const unsigned char pub[ES256_PUBLIC]) MUST_USE;
/* ERR_BAD_KEY; ERR_BAD_SIGNATURE, also for r or s of zero or beyond the order. */
enum err es256_verify(const unsigned char pub[ES256_PUBLIC], struct str msg,
		      const unsigned char sig[ES256_SIGNATURE]) MUST_USE;

#endif
