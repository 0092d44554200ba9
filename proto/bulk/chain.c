#include "proto/bulk/bulk.h"

static void block(const unsigned char digest[HASH_SHA256], struct str octets,
		  unsigned char out[HASH_SHA256])
{
	hash_sha256_both(str_n(digest, HASH_SHA256), octets, out);
}

void bulk_chain_add(struct bulk_chain *c, struct str octets)
{
	while (octets.n) {
		struct str part = str_first(octets, BULK_CHAIN_BLOCK - c->rest_n);
		octets = str_skip(octets, part.n);
		if (part.n == BULK_CHAIN_BLOCK) {
			block(c->digest, part, c->digest);
			continue;
		}
		memcpy(c->rest + c->rest_n, part.p, part.n);
		c->rest_n += part.n;
		if (c->rest_n < BULK_CHAIN_BLOCK) continue;
		block(c->digest, str_n(c->rest, c->rest_n), c->digest);
		c->rest_n = 0;
	}
}

void bulk_chain_digest(const struct bulk_chain *c, unsigned char out[HASH_SHA256])
{
	if (c->rest_n)
		block(c->digest, str_n(c->rest, c->rest_n), out);
	else
		memcpy(out, c->digest, HASH_SHA256);
}
