/* Digests, by libcrypto (five times libsodium's SHA-256) but for pairs (hash_pair.c). Threads: any; a struct at one time. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

enum { HASH_SHA256 = 32 };

void hash_sha256(struct str s, unsigned char out[HASH_SHA256]);
/* Of each of two: where the processor has a unit for SHA-256, in not two thirds of the time. */
void hash_sha256_pair(struct str first, struct str second, unsigned char ret_first[HASH_SHA256],
		      unsigned char ret_second[HASH_SHA256]);
/* Of the one followed by the other. */
void hash_sha256_both(struct str s, struct str then, unsigned char out[HASH_SHA256]);

struct hash;                 /* a running SHA-256 */
struct hash *hash_new(void); /* NULL without memory */
void hash_add(struct hash *h, struct str s);
void hash_finish(struct hash *h, unsigned char out[HASH_SHA256]); /* and starts again */
struct hash *hash_copy(const struct hash *h); /* a fork of the running state; NULL without memory */
void hash_free(struct hash *h);

#endif
