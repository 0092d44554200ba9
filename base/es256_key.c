/* Private keys of P-256. Between signatures only the scalar is kept, where sign.c keeps its secrets. */
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "base/es256.h"
#include "base/sign_secret.h"

enum { HALF = 32, POINT = 1 + ES256_PUBLIC, DER_MAX = 80 };

#define SEAL_DATA "kanhe-sealed-p256-v1"

struct es256_key {
	unsigned char pub[ES256_PUBLIC];
	unsigned char *secret; /* the scalar, big-endian; sodium_malloc */
};

void es256_key_free(struct es256_key *k)
{
	if (!k) return;
	sign__secret_free(k->secret);
	free(k);
}

const unsigned char *es256_public(const struct es256_key *k)
{
	return k->pub;
}

/* The point of the scalar; false for a scalar of zero or beyond the order. */
static bool public_of(const EC_GROUP *g, const BIGNUM *d, unsigned char pub[ES256_PUBLIC])
{
	unsigned char octets[POINT];
	EC_POINT *p = EC_POINT_new(g);
	bool good = p && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(g)) < 0 &&
		    EC_POINT_mul(g, p, d, NULL, NULL, NULL) == 1 &&
		    EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets, NULL) ==
			sizeof octets;

	EC_POINT_free(p);
	if (good) memcpy(pub, octets + 1, ES256_PUBLIC);
	return good;
}

enum err es256_key_from_secret(const unsigned char secret[ES256_SECRET], struct es256_key **ret)
{
	struct es256_key *k = calloc(1, sizeof *k);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *d = BN_secure_new();
	bool room = k && g && d && BN_bin2bn(secret, ES256_SECRET, d) && (k->secret = sign__secret_new());
	bool good = room && public_of(g, d, k->pub);

	if (good) memcpy(k->secret, secret, ES256_SECRET);
	BN_clear_free(d);
	EC_GROUP_free(g);
	if (good)
		*ret = k;
	else
		es256_key_free(k);
	return good ? ERR_OK : room ? ERR_BAD_KEY : ERR_NO_MEMORY;
}

struct es256_key *es256_key_new(void)
{
	unsigned char *secret = sign__secret_new();
	struct es256_key *k = NULL;
	enum err e = secret ? ERR_BAD_KEY : ERR_NO_MEMORY;

	while (e == ERR_BAD_KEY) { /* one in 2^32 scalars is beyond the order */
		random_bytes(secret, ES256_SECRET);
		e = es256_key_from_secret(secret, &k);
	}
	sign__secret_free(secret);
	return e ? NULL : k;
}

/* A key of libcrypto's for one signature. */
static EVP_PKEY *key_make(const struct es256_key *k)
{
	unsigned char point[POINT] = {4};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *d = BN_secure_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	memcpy(point + 1, k->pub, ES256_PUBLIC);
	if (ctx && b && d && BN_bin2bn(k->secret, ES256_SECRET, d) &&
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
	    (params = OSSL_PARAM_BLD_to_param(b)) && EVP_PKEY_fromdata_init(ctx) > 0 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
	OSSL_PARAM_free(params); /* wipes what was secure */
	OSSL_PARAM_BLD_free(b);
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* RFC 7518 3.4: r and s, 32 octets each, in place of libcrypto's DER. */
static bool raw_of(const unsigned char *der, size_t n, unsigned char sig[ES256_SIGNATURE])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, HALF) == HALF &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + HALF, HALF) == HALF;

	ECDSA_SIG_free(pair);
	return good;
}

enum err es256_sign(const struct es256_key *k, struct str msg, unsigned char sig[ES256_SIGNATURE])
{
	unsigned char der[DER_MAX];
	size_t n = sizeof der;
	EVP_PKEY *key = key_make(k);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = key && ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestSign(ctx, der, &n, (const unsigned char *)msg.p, msg.n) == 1 &&
		    raw_of(der, n, sig);

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_NO_MEMORY;
}

void es256_key_seal(const struct sign_sealer *s, const struct es256_key *k,
		    unsigned char out[ES256_SECRET + SIGN_SEAL])
{
	sign__seal(s, STR(SEAL_DATA), k->secret, out);
}

enum err es256_key_unseal(const struct sign_sealer *s, struct str sealed, struct es256_key **ret)
{
	unsigned char *secret = sign__secret_new();
	enum err e = secret ? sign__unseal(s, STR(SEAL_DATA), sealed, secret) : ERR_NO_MEMORY;

	if (!e) e = es256_key_from_secret(secret, ret);
	sign__secret_free(secret);
	return e;
}
