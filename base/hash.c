#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct hash {
	EVP_MD_CTX *ctx;
};

/* Looking the algorithm up costs more than hashing a leaf: it is fetched once, and each thread
 * keeps one context for whole messages. */
static EVP_MD *sha256;
static pthread_key_t contexts;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local EVP_MD_CTX *mine;

static void context_free(void *ctx)
{
	EVP_MD_CTX_free(ctx);
	mine = NULL;
}

static void set_up(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256);
	must(pthread_key_create(&contexts, context_free) == 0);
}

static void start(EVP_MD_CTX *ctx)
{
	must(EVP_DigestInit_ex2(ctx, sha256, NULL) == 1);
}

static void finish(EVP_MD_CTX *ctx, unsigned char out[HASH_SHA256])
{
	unsigned n = 0;
	must(EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == HASH_SHA256);
}

void hash_sha256(struct str s, unsigned char out[HASH_SHA256])
{
	if (!mine) {
		pthread_once(&once, set_up);
		mine = EVP_MD_CTX_new();
		must(mine);
		must(pthread_setspecific(contexts, mine) == 0);
	}
	start(mine);
	must(EVP_DigestUpdate(mine, s.p, s.n) == 1);
	finish(mine, out);
}

static struct hash *hash_empty(void)
{
	struct hash *h = calloc(1, sizeof *h);
	if (!h) return NULL;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx) return h;
	free(h);
	return NULL;
}

struct hash *hash_new(void)
{
	pthread_once(&once, set_up);
	struct hash *h = hash_empty();
	if (h) start(h->ctx);
	return h;
}

void hash_add(struct hash *h, struct str s)
{
	must(EVP_DigestUpdate(h->ctx, s.p, s.n) == 1);
}

void hash_finish(struct hash *h, unsigned char out[HASH_SHA256])
{
	finish(h->ctx, out);
	start(h->ctx);
}

struct hash *hash_copy(const struct hash *h)
{
	struct hash *fork = hash_empty();
	if (!fork) return NULL;
	if (EVP_MD_CTX_copy_ex(fork->ctx, h->ctx) == 1) return fork;
	hash_free(fork);
	return NULL;
}

void hash_free(struct hash *h)
{
	if (!h) return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}
