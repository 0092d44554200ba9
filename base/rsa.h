/* RSA, for partners that have nothing newer: verification of SHA-256 signatures (PKCS #1 v1.5), by
 * libcrypto. Threads: any. Specification: RFC 8017 8.2.2. */
#ifndef BASE_RSA_H
#define BASE_RSA_H

#include "base/arena.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 /* a verification stays below a millisecond */ };

/* A public key in X.509's form (SubjectPublicKeyInfo), DER: n and e, big-endian, in the arena. ERR_BAD_KEY,
 * also of a size that rsa_verify_sha256 refuses; ERR_NO_MEMORY. */
enum err rsa_key_read(struct arena *a, struct str spki, struct str *ret_n, struct str *ret_e) MUST_USE;

/* n, e: big-endian; leading zeros are allowed. ERR_BAD_KEY: not a key of those sizes; ERR_BAD_SIGNATURE. */
enum err rsa_verify_sha256(struct str n, struct str e, struct str msg, struct str sig) MUST_USE;

#endif
