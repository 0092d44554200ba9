/* SM2 with SM3 (GB/T 32918.2, GM/T 0009), for clients whose keys national rules ask for: verification of
 * signatures, by libcrypto. Threads: any. */
#ifndef BASE_SM2_H
#define BASE_SM2_H

#include "base/arena.h"

enum {
	SM2_POINT = 65,        /* 04, x and y, big-endian, 32 octets each */
	SM2_SIGNATURE_MAX = 72 /* DER of two integers of 33 octets */
};

/* The signer's name that GM/T 0009 sets where none was agreed on, and clients use. */
#define SM2_SIGNER "1234567812345678"

/* The point in a public key of X.509's form (SubjectPublicKeyInfo), DER, of this curve by its name and
 * nothing else. Borrows. ERR_BAD_KEY; whether the point lies on the curve sm2_verify looks. */
enum err sm2_key_read(struct str spki, struct str *ret_point) MUST_USE;

/* The other way. p NULL without memory. */
struct str sm2_key_write(struct arena *a, struct str point);

/* sig: DER. ERR_BAD_KEY: not a point of the curve; ERR_BAD_SIGNATURE. */
enum err sm2_verify(struct str point, struct str msg, struct str sig) MUST_USE;

#endif
