/* The plain functions of libcrypto, which 3.0 calls deprecated and keeps: what the others look up, lock and
 * check at each message takes half as long again as hashing a record. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <stdlib.h>

#include <openssl/sha.h>

struct hash {
	SHA256_CTX ctx;
};

static void start(SHA256_CTX *c)
{
	must(SHA256_Init(c) == 1);
}

void hash_sha256(struct str s, unsigned char out[HASH_SHA256])
{
	SHA256_CTX c;
	start(&c);
	must(SHA256_Update(&c, s.p, s.n) == 1 && SHA256_Final(out, &c) == 1);
}

void hash_sha256_both(struct str s, struct str then, unsigned char out[HASH_SHA256])
{
	SHA256_CTX c;
	start(&c);
	must(SHA256_Update(&c, s.p, s.n) == 1 && SHA256_Update(&c, then.p, then.n) == 1 &&
	     SHA256_Final(out, &c) == 1);
}

struct hash *hash_new(void)
{
	struct hash *h = malloc(sizeof *h);
	if (h) start(&h->ctx);
	return h;
}

void hash_add(struct hash *h, struct str s)
{
	must(SHA256_Update(&h->ctx, s.p, s.n) == 1);
}

void hash_finish(struct hash *h, unsigned char out[HASH_SHA256])
{
	must(SHA256_Final(out, &h->ctx) == 1);
	start(&h->ctx);
}

struct hash *hash_copy(const struct hash *h)
{
	struct hash *fork = malloc(sizeof *fork);
	if (fork) *fork = *h;
	return fork;
}

void hash_free(struct hash *h)
{
	free(h);
}
