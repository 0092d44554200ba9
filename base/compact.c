#include "base/compact.h"

#include "base/text64.h"

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

static enum err check_header(const struct compact_rules *r, struct flaw *f, struct compact *c)
{
	const json_t *kid = json_object_get(c->header, "kid"), *typ = json_object_get(c->header, "typ");
	bool known = false;
	for (size_t i = 0; i < COMPACT_NAMES_MAX && r->refused[i]; i++)
		if (json_object_get(c->header, r->refused[i]))
			return refuse(f, r->refused[i], "header-parameter", "is not taken from a token");
	c->alg = json_text(json_object_get(c->header, "alg"));
	for (size_t i = 0; r->algs[i]; i++) known |= str_is(c->alg, r->algs[i]);
	if (!known) return refuse(f, "alg", "algorithm", r->alg_text);
	if (kid && !json_is_string(kid)) return refuse(f, "kid", "type", "must be a string");
	if (typ && !json_is_string(typ)) return refuse(f, "typ", "type", "must be a string");
	c->kid = json_text(kid);
	c->typ = json_text(typ);
	return ERR_OK;
}

enum err compact_parse(struct arena *a, struct str token, const struct compact_rules *r, struct flaw *f,
		       struct compact *ret)
{
	struct compact c = {0};
	struct str signature, part[3], rest = token;
	if (token.n > r->max) return refuse(f, "token", "size", r->too_long);
	for (int i = 0; i < 3; i++)
		if (!str_split(&rest, '.', &part[i]))
			return refuse(f, "token", "parts", "must have three parts");
	if (rest.p) return refuse(f, "token", "parts", "must have three parts");
	enum err e = decode_object(a, part[0], "header", f, &c.header);
	if (!e) e = check_header(r, f, &c);
	if (!e) e = decode_object(a, part[1], "claims", f, &c.claims);
	if (!e) e = decode(a, part[2], "signature", f, &signature);
	if (e) return e;
	if (signature.n != COMPACT_SIGNATURE) return refuse(f, "signature", "size", "must be 64 octets");
	memcpy(c.signature, signature.p, COMPACT_SIGNATURE);
	c.signing_input = str_first(token, part[0].n + 1 + part[1].n);
	*ret = c;
	return ERR_OK;
}
