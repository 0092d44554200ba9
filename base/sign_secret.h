/* What base/sign.c, base/keyfile.c and base/es256_key.c share: the inside of a private key. Private to
 * base. */
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

/* SIGN_SEED octets of sodium_malloc memory; NULL without. */
unsigned char *sign__secret_new(void);
void sign__secret_free(unsigned char *secret); /* wipes; NULL is allowed */

/* keyfile.c: data is authenticated with it. ERR_BAD_KEY */
void sign__seal(const struct sign_sealer *s, struct str data, const unsigned char secret[SIGN_SEED],
		unsigned char out[SIGN_SEED + SIGN_SEAL]);
enum err sign__unseal(const struct sign_sealer *s, struct str data, struct str sealed,
		      unsigned char secret[SIGN_SEED]) MUST_USE;

#endif
