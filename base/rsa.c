#include "base/rsa.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { EXPONENT_MAX = 8 };

static struct str trim_zeros(struct str s)
{
	while (s.n && !s.p[0]) s = str_skip(s, 1);
	return s;
}

static EVP_PKEY *key_make(struct str n, struct str e)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
	OSSL_PARAM *params = NULL;
	if (ctx && build && bn && be && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be))
		params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(bn);
	BN_free(be);
	return key;
}

static struct str number(struct arena *a, const EVP_PKEY *key, const char *name)
{
	BIGNUM *bn = NULL;
	struct str s = STR_NONE;
	if (EVP_PKEY_get_bn_param(key, name, &bn) == 1) {
		size_t n = (size_t)BN_num_bytes(bn);
		char *to = arena_bytes(a, n);
		if (to) s = str_n(to, (size_t)BN_bn2bin(bn, (unsigned char *)to));
	}
	BN_free(bn);
	return s;
}

enum err rsa_key_read(struct arena *a, struct str spki, struct str *ret_n, struct str *ret_e)
{
	const unsigned char *at = (const unsigned char *)spki.p, *end = at + spki.n;
	if (!spki.n || spki.n > RSA_BITS_MAX) return ERR_BAD_KEY;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.n);
	enum err e = key && at == end && EVP_PKEY_is_a(key, "RSA") ? ERR_OK : ERR_BAD_KEY;
	struct str n = STR_NONE, x = STR_NONE;
	if (!e) n = number(a, key, OSSL_PKEY_PARAM_RSA_N);
	if (!e) x = number(a, key, OSSL_PKEY_PARAM_RSA_E);
	EVP_PKEY_free(key);
	if (e) return e;
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	if (n.n * 8 < RSA_BITS_MIN || n.n * 8 > RSA_BITS_MAX || !x.n || x.n > EXPONENT_MAX)
		return ERR_BAD_KEY;
	*ret_n = n;
	*ret_e = x;
	return ERR_OK;
}

enum err rsa_verify_sha256(struct str n, struct str e, struct str msg, struct str sig)
{
	n = trim_zeros(n);
	e = trim_zeros(e);
	if (n.n * 8 < RSA_BITS_MIN || n.n * 8 > RSA_BITS_MAX || !e.n || e.n > EXPONENT_MAX)
		return ERR_BAD_KEY;
	EVP_PKEY *key = key_make(n, e);
	if (!key) return ERR_BAD_KEY;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)msg.p,
				     msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_BAD_SIGNATURE;
}
