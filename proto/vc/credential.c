#include "proto/vc/credential.h"

#include "proto/vc/status.h"

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, why);
}

/* A text, or the id of an object. */
static struct str id_of(const json_t *j)
{
	return json_is_object(j) ? json_text(json_object_get(j, "id")) : json_text(j);
}

static enum err agree(struct str claim, struct str member, const char *at, struct flaw *f, struct str *ret)
{
	if (claim.n && member.n && !str_eq(claim, member))
		return refuse(f, at, "mismatch", "and the token's claim differ");
	*ret = claim.n ? claim : member;
	return ret->n ? ERR_OK : refuse(f, at, "missing", "is missing");
}

/* "The value of the @context property MUST be an ordered set where the first item is" that of the model
 * (VCDM 1.1 4.1, 2.0 4.3); a set of one may stand as a text. */
static enum err context_check(const json_t *vc, bool claims, struct flaw *f)
{
	const json_t *all = json_object_get(vc, "@context");
	struct str first = json_text(json_is_array(all) ? json_array_get(all, 0) : all);

	if (!all) return refuse(f, "@context", "missing", "is missing");
	if (str_is(first, VC_20_CONTEXT) || (!claims && str_is(first, VC_11_CONTEXT))) return ERR_OK;
	return refuse(f, "@context", "context",
		      claims ? "does not begin with that of credentials 2.0"
			     : "does not begin with that of credentials 1.1 or 2.0");
}

static enum err types_read(const json_t *vc, struct flaw *f, struct vc_credential *c)
{
	const json_t *all = json_object_get(vc, "type"), *item;
	bool credential = false;
	size_t i;
	if (json_is_string(all)) return refuse(f, "type", "value", "must be an array of types");
	json_array_foreach(all, i, item)
	{
		struct str t = json_text(item);
		if (!t.n) return refuse(f, "type", "type", "must hold texts");
		if (str_is(t, "VerifiableCredential")) {
			credential = true;
			continue;
		}
		if (c->types_n == VC_TYPES_MAX)
			return refuse(f, "type", "count", "holds more than 16 types");
		c->types[c->types_n++] = t;
	}
	return credential ? ERR_OK : refuse(f, "type", "value", "lacks VerifiableCredential");
}

static enum err when_read(const struct vc_jwt *j, const json_t *vc, const char *claim,
			  const char *const m[2], struct flaw *f, usec_t *ret)
{
	enum err e = ERR_OK;
	int64_t at;
	usec_t said;
	bool have = vc_jwt_date(j, claim, &at, &e);
	if (e) return refuse(f, claim, "type", "must be a date");
	if (have) *ret = at;
	for (int i = 0; i < 2; i++) {
		const json_t *v = json_object_get(vc, m[i]);
		if (!v) continue;
		if (!json_is_string(v) || clock_parse(json_text(v), &said))
			return refuse(f, m[i], "type", "must be a date and time");
		/* of a claim and a member the stricter counts */
		if (!have || (claim[0] == 'e' ? said < *ret : said > *ret)) *ret = said;
		have = true;
	}
	return ERR_OK;
}

static enum err status_entry(const json_t *s, struct flaw *f, struct vc_credential *c)
{
	struct str type = json_text(json_object_get(s, "type")), index;
	const json_t *i = json_object_get(s, "statusListIndex");
	struct vc_status_entry e = {.purpose = json_text(json_object_get(s, "statusPurpose")),
				    .list = json_text(json_object_get(s, "statusListCredential")),
				    .size = 1};
	const json_t *size = json_object_get(s, "statusSize");
	if (!json_is_object(s)) return refuse(f, "credentialStatus", "type", "must be an object");
	/* an entry of a kind we cannot check must not be taken for "not revoked" */
	if (!str_is(type, "BitstringStatusListEntry") && !str_is(type, "StatusList2021Entry"))
		return refuse(f, "credentialStatus", "type", "is of a kind that is not known here");
	if (c->status_n == VC_STATUSES_MAX)
		return refuse(f, "credentialStatus", "count", "has more than 8 entries");
	index = json_text(i);
	if (json_is_integer(i) && json_integer_value(i) >= 0)
		e.index = (uint64_t)json_integer_value(i);
	else if (!index.n || str_u64(index, &e.index))
		return refuse(f, "credentialStatus.statusListIndex", "type", "must be a number");
	if (size && (!json_is_integer(size) || json_integer_value(size) < 1 ||
		     json_integer_value(size) > VC_STATUS_SIZE_MAX))
		return refuse(f, "credentialStatus.statusSize", "range", "must be a number from 1 to 8");
	if (size) e.size = (unsigned)json_integer_value(size);
	if (!e.list.n || !e.purpose.n)
		return refuse(f, "credentialStatus", "missing", "lacks its list or its purpose");
	c->status[c->status_n++] = e;
	return ERR_OK;
}

static enum err status_read(const json_t *vc, struct flaw *f, struct vc_credential *c)
{
	const json_t *s = json_object_get(vc, "credentialStatus"), *item;
	enum err e = ERR_OK;
	size_t i;
	if (!s) return ERR_OK;
	if (!json_is_array(s)) return status_entry(s, f, c);
	json_array_foreach(s, i, item)
	{
		e = status_entry(item, f, c);
		if (e) break;
	}
	return e;
}

static enum err schema_entry(const json_t *s, struct flaw *f, struct vc_credential *c)
{
	struct str type = json_text(json_object_get(s, "type"));
	struct vc_schema_entry e = {.id = json_text(json_object_get(s, "id")),
				    .whole = str_is(type, "JsonSchema")};
	if (!json_is_object(s)) return refuse(f, "credentialSchema", "type", "must be an object");
	if (!e.whole && !str_is(type, "JsonSchemaValidator2018")) return ERR_OK;
	if (!e.id.n) return refuse(f, "credentialSchema", "missing", "lacks its id");
	if (c->schema_n == VC_SCHEMAS_MAX)
		return refuse(f, "credentialSchema", "count", "has more than 4 entries");
	c->schema[c->schema_n++] = e;
	return ERR_OK;
}

static enum err schemas_read(const json_t *vc, struct flaw *f, struct vc_credential *c)
{
	const json_t *s = json_object_get(vc, "credentialSchema"), *item;
	enum err e = ERR_OK;
	size_t i;
	if (!s) return ERR_OK;
	if (!json_is_array(s)) return schema_entry(s, f, c);
	json_array_foreach(s, i, item)
	{
		if (!e) e = schema_entry(item, f, c);
	}
	return e;
}

enum err vc_credential_read(const struct vc_jwt *j, struct flaw *f, struct vc_credential *ret)
{
	static const char *const from[2] = {"validFrom", "issuanceDate"};
	static const char *const until[2] = {"validUntil", "expirationDate"};
	struct vc_credential c = {0};
	json_t *vc = json_object_get(j->claims, "vc");
	c.v2 = !vc;
	if (!vc) vc = j->claims;
	if (!json_is_object(vc)) return refuse(f, "vc", "type", "must be an object");
	enum err e = context_check(vc, c.v2, f);
	if (e) return e;
	c.claims = json_object_get(vc, "credentialSubject");
	if (json_is_array(c.claims) && json_array_size(c.claims) == 1)
		c.claims = json_array_get(c.claims, 0);
	if (!json_is_object(c.claims)) return refuse(f, "credentialSubject", "type", "must be one object");
	c.id = json_text(json_object_get(vc, "id"));
	e = types_read(vc, f, &c);
	if (!e)
		e = agree(json_text(json_object_get(j->claims, "iss")),
			  id_of(json_object_get(vc, "issuer")), "issuer", f, &c.issuer);
	if (!e)
		e = agree(json_text(json_object_get(j->claims, "sub")), id_of(c.claims),
			  "credentialSubject.id", f, &c.subject);
	if (!e) e = when_read(j, vc, "nbf", from, f, &c.from);
	if (!e) e = when_read(j, vc, "exp", until, f, &c.until);
	if (!e) e = status_read(vc, f, &c);
	if (!e) e = schemas_read(vc, f, &c);
	c.document = vc;
	if (!e) *ret = c;
	return e;
}

enum err vc_credential_time(const struct vc_credential *c, usec_t now, struct flaw *f)
{
	if (c->until && now >= c->until)
		return flaw_set(f, ERR_EXPIRED, FLAW_NO_OFFSET, "validUntil", "expired",
				"the credential has expired");
	if (c->from && now + VC_LEEWAY * USEC_PER_SEC < c->from)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "validFrom", "not-yet-valid",
				"the credential is not valid yet");
	return ERR_OK;
}

bool vc_credential_is(const struct vc_credential *c, struct str type)
{
	for (size_t i = 0; i < c->types_n; i++)
		if (str_eq(c->types[i], type)) return true;
	return false;
}

/* ---- presentations ---------------------------------------------------------------------------- */

static bool aud_is(const json_t *aud, struct str wanted)
{
	const json_t *item;
	size_t i;
	if (json_is_string(aud)) return str_eq(json_text(aud), wanted);
	json_array_foreach(aud, i, item)
	{
		if (str_eq(json_text(item), wanted)) return true;
	}
	return false;
}

/* "data:application/vc+jwt,…" (VCDM 2.0, 4.13 Enveloped Verifiable Credentials) */
static struct str enveloped(const json_t *j)
{
	struct str url = json_text(json_object_get(j, "id"));
	if (!str_starts(url, STR("data:application/vc+")) && !str_starts(url, STR("data:application/jwt")))
		return STR_NONE;
	return str_skip(url, str_find(url, ',') + 1);
}

static enum err credential_take(const json_t *item, struct flaw *f, struct vc_presentation *p)
{
	struct str jwt = json_is_string(item) ? json_text(item) : enveloped(item);
	if (!jwt.n)
		return refuse(f, "verifiableCredential", "format",
			      "holds what is not a JWT; proofs embedded in JSON-LD are not supported");
	if (p->credentials_n == VC_CREDENTIALS_MAX)
		return refuse(f, "verifiableCredential", "count", "holds more than 32");
	p->credentials[p->credentials_n++] = jwt;
	return ERR_OK;
}

static enum err credentials_read(const json_t *all, struct flaw *f, struct vc_presentation *p)
{
	const json_t *item;
	enum err e = ERR_OK;
	size_t i;
	if (all && !json_is_array(all)) return credential_take(all, f, p);
	json_array_foreach(all, i, item)
	{
		if (!e) e = credential_take(item, f, p);
	}
	return e;
}

enum err vc_presentation_read(const struct vc_jwt *j, struct str audience, usec_t now, struct flaw *f,
			      struct vc_presentation *ret)
{
	const usec_t leeway = VC_LEEWAY * USEC_PER_SEC;
	json_t *vp = json_object_get(j->claims, "vp");
	struct vc_presentation p = {0};
	enum err e = ERR_OK;
	int64_t at;
	if (!vp) vp = j->claims;
	if (!json_is_object(vp)) return refuse(f, "vp", "type", "must be an object");
	e = agree(json_text(json_object_get(j->claims, "iss")), id_of(json_object_get(vp, "holder")),
		  "holder", f, &p.holder);
	if (e) return e;
	if (!aud_is(json_object_get(j->claims, "aud"), audience))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "aud", "audience",
				"the presentation is for somebody else");
	if (vc_jwt_date(j, "exp", &at, &e) && now >= at + leeway)
		return flaw_set(f, ERR_EXPIRED, FLAW_NO_OFFSET, "exp", "expired",
				"the presentation has expired");
	if (vc_jwt_date(j, "nbf", &at, &e) && now + leeway < at)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "nbf", "not-yet-valid",
				"the presentation is not valid yet");
	if (e) return refuse(f, "exp", "type", "and nbf must be dates");
	e = credentials_read(json_object_get(vp, "verifiableCredential"), f, &p);
	if (!e) *ret = p;
	return e;
}

static bool is_address(struct str s)
{
	return str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
}

enum err vc_status_list_read(const struct vc_credential *c, const struct vc_status_entry *s, struct flaw *f,
			     struct str *ret_encoded)
{
	const json_t *purpose = json_object_get(c->claims, "statusPurpose");
	struct str kind = json_text(json_object_get(c->claims, "type"));
	bool bitstring = vc_credential_is(c, STR("BitstringStatusListCredential"));
	if (!bitstring && !vc_credential_is(c, STR("StatusList2021Credential")))
		return refuse(f, "type", "value", "is not that of a status list");
	if (!str_is(kind, bitstring ? "BitstringStatusList" : "StatusList2021"))
		return refuse(f, "credentialSubject.type", "value", "is not that of a status list");
	if (is_address(c->id) && !str_eq(c->id, s->list))
		return refuse(f, "credentialStatus", "list-id",
			      "leads to a list that stands at another address");
	if (!purpose) return refuse(f, "statusPurpose", "missing", "is missing");
	if (!aud_is(purpose, s->purpose))
		return refuse(f, "statusPurpose", "value", "is another than the credential's");
	*ret_encoded = json_text(json_object_get(c->claims, "encodedList"));
	return ret_encoded->n ? ERR_OK : refuse(f, "encodedList", "missing", "is missing");
}

usec_t vc_status_list_ttl(const struct vc_credential *c)
{
	const json_t *ttl = json_object_get(c->claims, "ttl"); /* milliseconds */
	json_int_t ms = json_is_integer(ttl) ? json_integer_value(ttl) : 0;
	return ms > 0 && ms < INT32_MAX ? (usec_t)ms * 1000 : 0;
}
