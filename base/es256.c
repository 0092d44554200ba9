#include "base/es256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

enum { HALF = 32, DER_MAX = 80 /* a sequence of two integers of 33 octets */ };

static EVP_PKEY *key_make(const unsigned char pub[ES256_PUBLIC])
{
	unsigned char point[1 + ES256_PUBLIC] = {4}; /* uncompressed, SEC 1 2.3.3 */
	char group[] = "P-256";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
	    OSSL_PARAM_construct_end(),
	};
	memcpy(point + 1, pub, ES256_PUBLIC);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

enum err es256_key_check(const unsigned char pub[ES256_PUBLIC])
{
	EVP_PKEY *key = key_make(pub);
	EVP_PKEY_free(key);
	return key ? ERR_OK : ERR_BAD_KEY;
}

enum err es256_point_parse(const unsigned char compressed[33], unsigned char ret[ES256_PUBLIC])
{
	unsigned char octets[1 + ES256_PUBLIC];
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = g ? EC_POINT_new(g) : NULL;
	bool good = p && (compressed[0] == 2 || compressed[0] == 3) &&
		    EC_POINT_oct2point(g, p, compressed, 33, NULL) == 1 &&
		    EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets, NULL) ==
			sizeof octets;
	EC_POINT_free(p);
	EC_GROUP_free(g);
	if (good) memcpy(ret, octets + 1, ES256_PUBLIC);
	return good ? ERR_OK : ERR_BAD_KEY;
}

/* libcrypto wants the pair in DER. 0: none could be made. */
static size_t der_make(const unsigned char sig[ES256_SIGNATURE], unsigned char out[DER_MAX])
{
	BIGNUM *r = BN_bin2bn(sig, HALF, NULL), *s = BN_bin2bn(sig + HALF, HALF, NULL);
	ECDSA_SIG *pair = ECDSA_SIG_new();
	int n = 0;
	if (r && s && pair && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair's now */
		n = i2d_ECDSA_SIG(pair, NULL);
		n = n > 0 && n <= DER_MAX ? i2d_ECDSA_SIG(pair, &out) : 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return n > 0 ? (size_t)n : 0;
}

enum err es256_verify(const unsigned char pub[ES256_PUBLIC], struct str msg,
		      const unsigned char sig[ES256_SIGNATURE])
{
	unsigned char der[DER_MAX];
	size_t n = der_make(sig, der);
	EVP_PKEY *key = key_make(pub);
	if (!key) return ERR_BAD_KEY;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = n && ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestVerify(ctx, der, n, (const unsigned char *)msg.p, msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_BAD_SIGNATURE;
}
