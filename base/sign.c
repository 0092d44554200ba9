#include "base/sign.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/sign_secret.h"
#include "base/text64.h"

/* Multicodec ed25519-pub (0xed) as an unsigned varint, before the key in a multibase text. */
static const unsigned char multicodec[2] = {0xed, 0x01};

enum { STACK_MESSAGE = 4096 }; /* what is usually signed fits here */

enum err sign_setup(void)
{
	return sodium_init() < 0 ? ERR_INTERNAL : ERR_OK;
}

struct sign_key *sign_key_from_seed(const unsigned char seed[32])
{
	struct sign_key *k = calloc(1, sizeof *k);
	if (!k) return NULL;
	k->secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
	if (!k->secret) {
		free(k);
		return NULL;
	}
	crypto_sign_seed_keypair(k->pub, k->secret, seed);
	sodium_mprotect_readonly(k->secret);
	return k;
}

unsigned char *sign__secret_new(void)
{
	return sodium_malloc(SIGN_SEED);
}

void sign__secret_free(unsigned char *secret)
{
	sodium_free(secret);
}

struct sign_key *sign_key_new(void)
{
	unsigned char seed[SIGN_SEED];
	random_bytes(seed, sizeof seed);
	struct sign_key *k = sign_key_from_seed(seed);
	sodium_memzero(seed, sizeof seed);
	return k;
}

void sign_key_free(struct sign_key *k)
{
	if (!k) return;
	sodium_free(k->secret); /* wipes */
	free(k);
}

const unsigned char *sign_public(const struct sign_key *k)
{
	return k->pub;
}

void sign_public_multibase(const unsigned char pub[SIGN_PUBLIC], char out[SIGN_MULTIBASE])
{
	unsigned char octets[sizeof multicodec + SIGN_PUBLIC];
	char text[BASE58_TEXT_MAX];
	memcpy(octets, multicodec, sizeof multicodec);
	memcpy(octets + sizeof multicodec, pub, SIGN_PUBLIC);
	size_t n = base58_print(str_n(octets, sizeof octets), text);
	must(n + 2 <= SIGN_MULTIBASE);
	out[0] = 'z';
	memcpy(out + 1, text, n);
	out[n + 1] = 0;
}

enum err sign_public_parse(struct str multibase, unsigned char out[SIGN_PUBLIC])
{
	unsigned char octets[sizeof multicodec + SIGN_PUBLIC];
	if (!str_starts(multibase, STR("z"))) return ERR_BAD_INPUT;
	if (base58_scan(str_skip(multibase, 1), octets, sizeof octets)) return ERR_BAD_INPUT;
	if (memcmp(octets, multicodec, sizeof multicodec) != 0) return ERR_BAD_INPUT;
	memcpy(out, octets + sizeof multicodec, SIGN_PUBLIC);
	return ERR_OK;
}

/* context ‖ 0x00 ‖ msg, in room or, when that is too small, in memory that *ret_heap then owns. */
static struct str with_context(const char *context, struct str msg, char room[STACK_MESSAGE],
			       char **ret_heap)
{
	size_t head = strlen(context) + 1, n;
	*ret_heap = NULL;
	if (head == 1) return msg;
	must(!__builtin_add_overflow(head, msg.n, &n));
	char *p = room;
	if (n > STACK_MESSAGE) {
		p = *ret_heap = malloc(n);
		must(p);
	}
	memcpy(p, context, head);
	if (msg.n) memcpy(p + head, msg.p, msg.n);
	return str_n(p, n);
}

void sign_make(const struct sign_key *k, const char *context, struct str msg,
	       unsigned char sig[SIGN_SIGNATURE])
{
	char room[STACK_MESSAGE], *heap;
	struct str m = with_context(context, msg, room, &heap);
	must(crypto_sign_detached(sig, NULL, (const unsigned char *)m.p, m.n, k->secret) == 0);
	free(heap);
}

enum err sign_verify(const unsigned char pub[SIGN_PUBLIC], const char *context, struct str msg,
		     const unsigned char sig[SIGN_SIGNATURE])
{
	char room[STACK_MESSAGE], *heap;
	struct str m = with_context(context, msg, room, &heap);
	int bad = crypto_sign_verify_detached(sig, (const unsigned char *)m.p, m.n, pub);
	free(heap);
	return bad ? ERR_BAD_SIGNATURE : ERR_OK;
}

void random_bytes(void *p, size_t n)
{
	randombytes_buf(p, n);
}

bool secret_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

char *uuid_urn(char out[UUID_URN])
{
	unsigned char r[16];
	random_bytes(r, sizeof r);
	r[6] = (unsigned char)(0x40 | (r[6] & 0x0f)); /* version 4 */
	r[8] = (unsigned char)(0x80 | (r[8] & 0x3f)); /* variant */
	memcpy(out, "urn:uuid:", 9);
	char *to = out + 9;
	for (size_t i = 0; i < sizeof r; i++, to += 2) {
		if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
		hex_write(&r[i], 1, to);
	}
	*to = 0;
	return out;
}
