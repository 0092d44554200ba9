#include "dataspace/status_list.h"

#include "proto/did/document.h"
#include "proto/vc/status.h"

static enum err flaw_at(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, at, rule, "%s", text);
}

enum err status_method_of(struct arena *a, const struct vc_jwt *j, struct str issuer, struct flaw *f,
			  struct str *ret)
{
	struct str kid = j->kid;

	if (kid.n && (kid.p[0] == '#' || str_find(kid, ':') == kid.n))
		kid = arena_printf(a, "%.*s#%.*s", STR_ARG(issuer),
				   STR_ARG(kid.p[0] == '#' ? str_skip(kid, 1) : kid));
	if (kid.n >= DS_METHOD_MAX ||
	    (kid.n && !(str_starts(kid, issuer) && kid.n > issuer.n && kid.p[issuer.n] == '#')))
		return flaw_at(f, "kid", "kid-issuer", "the key is not one of the issuer's");
	*ret = kid;
	return ERR_OK;
}

enum err status_list_read(struct arena *a, const struct status_source *s, struct str text, struct flaw *f,
			  struct vc_credential *ret)
{
	struct str method;
	struct vc_key key;
	struct vc_jwt j;
	enum err e = vc_jwt_parse(a, str_trim(text), f, &j);

	if (!e) e = vc_credential_read(&j, f, ret);
	if (!e && !str_eq(ret->issuer, s->issuer))
		e = flaw_at(f, "credentialStatus", "list-issuer", "the status list is another issuer's");
	if (!e) e = status_method_of(a, &j, ret->issuer, f, &method);
	if (!e) {
		key = *s->same;
		if (method.n) e = ds_did_key_for(s->doc, method, DID_ASSERTION, &key);
		if (e || vc_jwt_verify(&j, &key))
			e = flaw_at(f, "credentialStatus", "list-signature",
				    "the status list's signature does not verify");
	}
	if (e) return e;
	e = vc_credential_time(ret, clock_wall(), NULL);
	if (e)
		return flaw_at(f, "credentialStatus", "list-time",
			       e == ERR_EXPIRED ? "the status list has expired"
						: "the status list is not valid yet");
	return ERR_OK;
}

/* "message" and "refresh" tell people something, nothing against the credential (Bitstring Status
 * List 1.0, 2.1). A purpose that nobody here knows may mean anything: only a zero is good. */
static enum err set_means(const struct vc_credential *c, const struct vc_status_entry *s, struct flaw *f)
{
	struct str name = c->types_n ? c->types[0] : c->id;
	const char *what = str_is(s->purpose, "revocation")   ? "revoked"
			   : str_is(s->purpose, "suspension") ? "suspended"
							      : NULL;

	if (str_is(s->purpose, "message") || str_is(s->purpose, "refresh")) return ERR_OK;
	if (what)
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "credentialStatus", what,
				"the credential %.*s was %s", STR_ARG(name), what);
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "credentialStatus", "status-unknown",
			"the credential %.*s has a status of a purpose that is not known here: %.*s",
			STR_ARG(str_cut(name, 64)), STR_ARG(str_cut(s->purpose, 64)));
}

enum err status_list_ask(struct arena *a, const struct vc_credential *list, const struct vc_credential *c,
			 const struct vc_status_entry *s, struct flaw *f)
{
	struct str encoded, octets;
	unsigned value = 0;
	enum err e = vc_status_list_read(list, s, f, &encoded);

	if (!e) e = vc_status_unpack(a, encoded, f, &octets);
	if (!e) e = vc_status_value(octets, s->index, s->size, f, &value);
	return e || !value ? e : set_means(c, s, f);
}
