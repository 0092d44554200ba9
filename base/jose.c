/* Compact serialization (RFC 7515 7.1): base64url(header) "." base64url(claims) "." base64url(signature).
 */
#include "base/jose.h"

#include "base/compact.h"
#include "base/text64.h"

enum { LEEWAY = 30 }; /* seconds that two nodes' clocks may differ by */

static const struct compact_rules taken = {
    .max = JWS_MAX,
    .too_long = "is longer than 16 KiB",
    .algs = {"EdDSA"},
    .alg_text = "must be EdDSA",
    .refused = {"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"}};

static struct str encode(struct arena *a, const json_t *j)
{
	struct str text = json_write(a, j, false);
	return text.p ? base64url_write(a, text) : STR_NONE;
}

/* A signer of either kind. */
struct signer {
	const struct sign_key *ed;
	const struct es256_key *ec; /* when not NULL */
};

static enum err token_write(struct arena *a, struct signer by, const char *kid, const char *typ,
			    const json_t *claims, struct str *ret)
{
	unsigned char sig[SIGN_SIGNATURE];
	json_t *header = json_keep(a, json_object());
	enum err e = ERR_OK;
	if (!header) return ERR_NO_MEMORY;
	json_put_str(header, "alg", by.ec ? STR("ES256") : STR("EdDSA"));
	json_put_str(header, "kid", str_of(kid));
	json_put_str(header, "typ", str_of(typ));
	struct str head = encode(a, header), body = encode(a, claims);
	struct str input = arena_printf(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
	if (arena_overflowed(a) || !head.p || !body.p) return ERR_NO_MEMORY;
	if (by.ec)
		e = es256_sign(by.ec, input, sig);
	else
		sign_make(by.ed, "", input, sig);
	if (e) return e;
	struct str tail = base64url_write(a, str_n(sig, sizeof sig));
	struct str token = arena_printf(a, "%.*s.%.*s", STR_ARG(input), STR_ARG(tail));
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	if (token.n > JWS_WRITE_MAX) return ERR_TOO_LARGE;
	*ret = token;
	return ERR_OK;
}

enum err jws_write(struct arena *a, const struct sign_key *k, const char *kid, const char *typ,
		   const json_t *claims, struct str *ret)
{
	return token_write(a, (struct signer){.ed = k}, kid, typ, claims, ret);
}

enum err jws_write_es256(struct arena *a, const struct es256_key *k, const char *kid, const char *typ,
			 const json_t *claims, struct str *ret)
{
	return token_write(a, (struct signer){.ec = k}, kid, typ, claims, ret);
}

enum err jws_parse(struct arena *a, struct str token, struct flaw *f, struct jws *ret)
{
	struct compact c;
	enum err e = compact_parse(a, token, &taken, f, &c);
	if (e) return e;
	*ret = (struct jws){c.kid, c.typ, c.header, c.claims, c.signing_input, {0}};
	memcpy(ret->signature, c.signature, SIGN_SIGNATURE);
	return ERR_OK;
}

enum err jws_verify(const struct jws *j, const unsigned char pub[SIGN_PUBLIC])
{
	return sign_verify(pub, "", j->signing_input, j->signature);
}

static enum err refuse_claim(struct flaw *f, enum err e, const char *claim, const char *why)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, claim, "claim", "%s %s", claim, why);
}

/* Seconds since 1970 (NumericDate, RFC 7519 2). False when absent or not a number. */
static bool date(const struct jws *j, const char *claim, double *ret)
{
	const json_t *v = json_object_get(j->claims, claim);
	if (!json_is_number(v)) return false;
	*ret = json_number_value(v);
	return true;
}

static bool aud_holds(const json_t *claim, struct str aud)
{
	size_t i;
	const json_t *item;
	if (json_is_string(claim)) return str_eq(json_text(claim), aud);
	json_array_foreach(claim, i,
			   item) if (json_is_string(item) && str_eq(json_text(item), aud)) return true;
	return false;
}

enum err jwt_check(const struct jws *j, struct str aud, usec_t now, struct flaw *f)
{
	static const char *const not_before[] = {"nbf", "iat"};
	double at, seconds = (double)now / (double)USEC_PER_SEC;
	if (!date(j, "exp", &at))
		return refuse_claim(f, ERR_UNAUTHORISED, "exp", "must be there, a number");
	if (seconds >= at + LEEWAY) return refuse_claim(f, ERR_EXPIRED, "exp", "has passed");
	for (int i = 0; i < 2; i++) {
		if (!json_object_get(j->claims, not_before[i])) continue;
		if (!date(j, not_before[i], &at))
			return refuse_claim(f, ERR_UNAUTHORISED, not_before[i], "must be a number");
		if (seconds + LEEWAY < at)
			return refuse_claim(f, ERR_UNAUTHORISED, not_before[i], "lies in the future");
	}
	if (!aud.n || !aud_holds(json_object_get(j->claims, "aud"), aud))
		return refuse_claim(f, ERR_UNAUTHORISED, "aud", "does not name this receiver");
	return ERR_OK;
}
