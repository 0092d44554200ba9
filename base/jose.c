/* Compact serialization (RFC 7515 7.1): base64url(header) "." base64url(claims) "." base64url(signature).
 */
#include "base/jose.h"

#include "base/text64.h"

enum { LEEWAY = 30 }; /* seconds that two nodes' clocks may differ by */

/* Header parameters that would let a token name or bring its own key, or change what is signed. */
static const char *const refused[] = {"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"};

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

static enum err check_header(json_t *header, struct flaw *f, struct jws *ret)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_object_get(header, refused[i]))
			return refuse(f, refused[i], "header-parameter", "is not taken from a token");
	if (!str_eq(json_text(json_object_get(header, "alg")), STR("EdDSA")))
		return refuse(f, "alg", "algorithm", "must be EdDSA");
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "typ" : "kid";
		const json_t *v = json_object_get(header, key);
		if (v && !json_is_string(v)) return refuse(f, key, "type", "must be a string");
		*(i ? &ret->typ : &ret->kid) = json_text(v);
	}
	return ERR_OK;
}

enum err jws_parse(struct arena *a, struct str token, struct flaw *f, struct jws *ret)
{
	struct jws j = {0};
	struct str signature, part[3], rest = token;
	if (token.n > JWS_MAX) return refuse(f, "token", "size", "is longer than 16 KiB");
	for (int i = 0; i < 3; i++)
		if (!str_split(&rest, '.', &part[i]))
			return refuse(f, "token", "parts", "must have three parts");
	if (rest.p) return refuse(f, "token", "parts", "must have three parts");
	enum err e = decode_object(a, part[0], "header", f, &j.header);
	if (!e) e = check_header(j.header, f, &j);
	if (!e) e = decode_object(a, part[1], "claims", f, &j.claims);
	if (!e) e = decode(a, part[2], "signature", f, &signature);
	if (e) return e;
	if (signature.n != SIGN_SIGNATURE) return refuse(f, "signature", "size", "must be 64 octets");
	memcpy(j.signature, signature.p, SIGN_SIGNATURE);
	j.signing_input = str_first(token, part[0].n + 1 + part[1].n);
	*ret = j;
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
