#include "proto/vc/jwt.h"

#include "base/clock.h"
#include "base/compact.h"

/* Seconds beyond which a date could not be counted in microseconds. */
#define DATE_MAX 253402300799.0 /* the end of the year 9999 */

static const struct compact_rules taken = {
    .max = VC_JWT_MAX,
    .too_long = "is longer than 256 KiB",
    .algs = {"EdDSA", "ES256"},
    .alg_text = "must be EdDSA or ES256",
    .refused = {"crit", "jku", "jwk", "x5u", "x5c", "x5t", "b64", "zip", "enc"}};

enum err vc_jwt_parse(struct arena *a, struct str token, struct flaw *f, struct vc_jwt *ret)
{
	struct compact c;
	/* a credential of the other kind, not a broken one of this */
	if (token.n && token.p[0] == '{')
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "token", "format",
				"only JWT are read here: proofs embedded in JSON-LD are not supported");
	enum err e = compact_parse(a, token, &taken, f, &c);
	if (e) return e;
	*ret = (struct vc_jwt){.alg = str_is(c.alg, "ES256") ? VC_ES256 : VC_EDDSA,
			       .kid = c.kid,
			       .typ = c.typ,
			       .header = c.header,
			       .claims = c.claims,
			       .signing_input = c.signing_input};
	memcpy(ret->signature, c.signature, VC_SIGNATURE);
	return ERR_OK;
}

enum err vc_jwt_verify(const struct vc_jwt *j, const struct vc_key *key)
{
	if (j->alg != key->alg) return ERR_BAD_SIGNATURE;
	return key->alg == VC_ES256
		   ? (es256_verify(key->pub, j->signing_input, j->signature) ? ERR_BAD_SIGNATURE : ERR_OK)
		   : sign_verify(key->pub, "", j->signing_input, j->signature);
}

bool vc_jwt_date(const struct vc_jwt *j, const char *claim, int64_t *ret_usec, enum err *ret_err)
{
	const json_t *v = json_object_get(j->claims, claim);
	if (!v) return false;
	double at = json_number_value(v);
	if (!json_is_number(v) || !(at >= 0 && at <= DATE_MAX)) {
		*ret_err = ERR_BAD_MESSAGE;
		return false;
	}
	*ret_usec = (int64_t)(at * (double)USEC_PER_SEC);
	return true;
}
