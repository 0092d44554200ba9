#include "proto/vc/jwt.h"

#include "base/clock.h"
#include "base/text64.h"

/* Seconds beyond which a date could not be counted in microseconds. */
#define DATE_MAX 253402300799.0 /* the end of the year 9999 */

static const char *const refused[] = {"crit", "jku", "jwk", "x5u", "x5c", "x5t", "b64", "zip", "enc"};

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, at, rule, "%s %s", at, why);
}

static enum err decode(struct arena *a, struct str part, const char *at, struct flaw *f, struct str *ret)
{
	enum err e = base64url_parse(a, part, ret);
	return e == ERR_BAD_INPUT ? refuse(f, at, "base64url", "is not base64url in its one form") : e;
}

static enum err decode_object(struct arena *a, struct str part, const char *at, struct flaw *f,
			      json_t **ret)
{
	struct str text;
	json_t *j;
	enum err e = decode(a, part, at, f, &text);
	if (!e) e = json_read(a, text, f, &j);
	if (e) return e;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_JSON, FLAW_NO_OFFSET, at, "type", "%s must be an object", at);
	*ret = j;
	return ERR_OK;
}

static enum err header_check(struct flaw *f, struct vc_jwt *j)
{
	struct str alg = json_text(json_object_get(j->header, "alg"));
	const json_t *kid = json_object_get(j->header, "kid"), *typ = json_object_get(j->header, "typ");
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_object_get(j->header, refused[i]))
			return refuse(f, refused[i], "header-parameter", "is not taken from a token");
	if (!str_is(alg, "EdDSA") && !str_is(alg, "ES256"))
		return refuse(f, "alg", "algorithm", "must be EdDSA or ES256");
	if ((kid && !json_is_string(kid)) || (typ && !json_is_string(typ)))
		return refuse(f, kid && !json_is_string(kid) ? "kid" : "typ", "type", "must be a string");
	j->alg = str_is(alg, "ES256") ? VC_ES256 : VC_EDDSA;
	j->kid = json_text(kid);
	j->typ = json_text(typ);
	return ERR_OK;
}

enum err vc_jwt_parse(struct arena *a, struct str token, struct flaw *f, struct vc_jwt *ret)
{
	struct str part[3], signature, rest = token;
	struct vc_jwt j = {0};
	if (token.n > VC_JWT_MAX) return refuse(f, "token", "size", "is longer than 256 KiB");
	for (int i = 0; i < 3; i++)
		if (!str_split(&rest, '.', &part[i]))
			return refuse(f, "token", "parts", "must have three parts");
	if (rest.p) return refuse(f, "token", "parts", "must have three parts");
	enum err e = decode_object(a, part[0], "header", f, &j.header);
	if (!e) e = header_check(f, &j);
	if (!e) e = decode_object(a, part[1], "claims", f, &j.claims);
	if (!e) e = decode(a, part[2], "signature", f, &signature);
	if (e) return e;
	if (signature.n != VC_SIGNATURE) return refuse(f, "signature", "size", "must be 64 octets");
	memcpy(j.signature, signature.p, VC_SIGNATURE);
	j.signing_input = str_first(token, part[0].n + 1 + part[1].n);
	*ret = j;
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
