#include "base/sm2.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

/* SEQUENCE { SEQUENCE { id-ecPublicKey, sm2p256v1 }, BIT STRING of 65 octets }: of a named curve and a
 * point that is not compressed there is one form only. */
static const char head[] =
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55"
    "\x01\x82\x2d\x03\x42\x00";

enum err sm2_key_read(struct str spki, struct str *ret_point)
{
	struct str start = str_n(head, sizeof head - 1);
	if (spki.n != start.n + SM2_POINT || !str_starts(spki, start) || spki.p[start.n] != 4)
		return ERR_BAD_KEY;
	*ret_point = str_skip(spki, start.n);
	return ERR_OK;
}

struct str sm2_key_write(struct arena *a, struct str point)
{
	size_t n = sizeof head - 1;
	char *to = arena_bytes(a, n + SM2_POINT);
	if (!to) return STR_NONE;
	must(point.n == SM2_POINT);
	memcpy(to, head, n);
	memcpy(to + n, point.p, SM2_POINT);
	return str_n(to, n + SM2_POINT);
}

static EVP_PKEY *key_make(struct str point)
{
	char group[] = "SM2";
	unsigned char octets[SM2_POINT];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof octets),
	    OSSL_PARAM_construct_end(),
	};
	memcpy(octets, point.p, sizeof octets);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool verify(EVP_PKEY *key, struct str msg, struct str sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of = NULL; /* ctx's */
	bool good = ctx && EVP_DigestVerifyInit_ex(ctx, &of, "SM3", NULL, NULL, key, NULL) == 1 &&
		    EVP_PKEY_CTX_set1_id(of, SM2_SIGNER, sizeof SM2_SIGNER - 1) == 1 &&
		    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)msg.p,
				     msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

enum err sm2_verify(struct str point, struct str msg, struct str sig)
{
	if (point.n != SM2_POINT) return ERR_BAD_KEY;
	EVP_PKEY *key = key_make(point);
	if (!key) return ERR_BAD_KEY;
	bool good = sig.n && sig.n <= SM2_SIGNATURE_MAX && verify(key, msg, sig);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_BAD_SIGNATURE;
}
