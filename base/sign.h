/* Ed25519 keys and signatures, by libsodium; and secrets at rest.
 *
 * Purpose: one module that sees private keys. Keys live in sodium_malloc memory. Every signature
 * is over a context string and the message, so that no signature can be taken for another kind:
 * signed octets = context ‖ 0x00 ‖ message (context "" signs the bare message, for formats that
 * define their own octets: JWS, signed notes, Data Integrity).
 *
 * Key file (text, mode 0600, refused otherwise or when another user owns it): described in sign.c.
 * It is encrypted (XChaCha20-Poly1305) with a key derived either from a 32-octet unlock file (made by
 * `kanhe init`, mode 0600; may live elsewhere, e.g. a systemd credential) or from a passphrase (Argon2id).
 * Threads: any; keys are immutable once made. */
#ifndef BASE_SIGN_H
#define BASE_SIGN_H

#include "base/str.h"

enum { SIGN_PUBLIC = 32, SIGN_SIGNATURE = 64, SIGN_SUITE_ED25519 = 1, SIGN_SUITE_SM2 = 2 /* reserved */ };

struct sign_key;

enum err sign_setup(void) MUST_USE; /* once per process, before anything else here */

struct sign_key *sign_key_new(void);                               /* random; NULL without memory */
struct sign_key *sign_key_from_seed(const unsigned char seed[32]); /* tests and vectors */
void sign_key_free(struct sign_key *k);                            /* NULL is allowed */
const unsigned char *sign_public(const struct sign_key *k);        /* SIGN_PUBLIC octets */
/* "z6Mk…": multibase base58btc of the multicodec key (did:key form), NUL-terminated. */
enum { SIGN_MULTIBASE = 64 };
void sign_public_multibase(const unsigned char pub[SIGN_PUBLIC], char out[SIGN_MULTIBASE]);
enum err sign_public_parse(struct str multibase, unsigned char out[SIGN_PUBLIC]) MUST_USE;

void sign_make(const struct sign_key *k, const char *context, struct str msg,
	       unsigned char sig[SIGN_SIGNATURE]);
/* ERR_BAD_SIGNATURE; small-order and non-canonical points are refused. */
enum err sign_verify(const unsigned char pub[SIGN_PUBLIC], const char *context, struct str msg,
		     const unsigned char sig[SIGN_SIGNATURE]) MUST_USE;

/* How key files are locked. Exactly one of the two is set. */
struct sign_lock {
	const char *unlock_file;
	struct str passphrase;
};
enum err sign_unlock_file_make(const char *path,
			       struct flaw *f) MUST_USE; /* random, 0600, never overwrites */
enum err sign_key_save(const struct sign_key *k, const char *path, const struct sign_lock *l,
		       struct flaw *f) MUST_USE;
enum err sign_key_load(const char *path, const struct sign_lock *l, struct flaw *f,
		       struct sign_key **ret) MUST_USE;
/* The same sealing for keys kept in a table: out holds n + SIGN_SEAL octets. */
enum { SIGN_SEAL = 24 + 16 };
struct sign_sealer;
enum err sign_sealer_open(const struct sign_lock *l, struct flaw *f, struct sign_sealer **ret) MUST_USE;
void sign_sealer_close(struct sign_sealer *s);
void sign_key_seal(const struct sign_sealer *s, const struct sign_key *k,
		   unsigned char out[32 + SIGN_SEAL]);
enum err sign_key_unseal(const struct sign_sealer *s, struct str sealed, struct sign_key **ret) MUST_USE;

void random_bytes(void *p, size_t n);
bool secret_eq(struct str a, struct str b); /* constant time in a.n; false when lengths differ */
/* "urn:uuid:xxxxxxxx-xxxx-4xxx-…", random (RFC 9562 5.4), NUL-terminated. */
enum { UUID_URN = 46 };
char *uuid_urn(char out[UUID_URN]);

#endif
