/* RSA, for partners that have nothing newer: verification of SHA-256 signatures (PKCS #1 v1.5), by
 * libcrypto. Threads: any. Specification: RFC 8017 8.2.2. */
#ifndef BASE_RSA_H
#define BASE_RSA_H

#include "base/str.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 /* a verification stays below a millisecond */ };

/* n, e: big-endian; leading zeros are allowed. ERR_BAD_KEY: not a key of those sizes; ERR_BAD_SIGNATURE. */
enum err rsa_verify_sha256(struct str n, struct str e, struct str msg, struct str sig) MUST_USE;

#endif
