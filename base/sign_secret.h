/* What base/sign.c and base/keyfile.c share: the inside of a private key. Private to base. */
#ifndef BASE_SIGN_SECRET_H
#define BASE_SIGN_SECRET_H

#include "base/sign.h"

enum { SIGN_SEED = 32 };

struct sign_key {
	unsigned char pub[SIGN_PUBLIC];
	unsigned char *secret; /* seed ‖ public key, sodium_malloc, read-only */
};

static inline struct str sign__seed(const struct sign_key *k)
{
	return str_n(k->secret, SIGN_SEED);
}

#endif
