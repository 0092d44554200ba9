/* What the configuration says of identity, looked at before anything is opened. */
#include "dataspace/identity.h"

#include "dataspace/document.h"
#include "proto/did/document.h"

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *what, struct str item)
{
	return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, at, rule, "%s: %.*s", what,
			STR_ARG(str_first(item, 200)));
}

static enum err issuers_check(const struct ds_identity *o, struct flaw *f)
{
	struct flaw why = {0};

	for (size_t i = 0; i < o->issuers_n; i++) {
		struct str s = str_of(o->issuers[i]), did = str_first(s, str_find(s, '='));

		if (document_subject_check(did, &why))
			return refuse(f, "identity.issuers", "did", "DID or DID=TYPE is wanted", s);
		if (str_skip(s, did.n).n == 1)
			return refuse(f, "identity.issuers", "type", "the type after = is missing", s);
	}
	return ERR_OK;
}

static enum err partner_check(struct str s, struct flaw *f, unsigned *ret_mode)
{
	size_t at = str_find(s, '=');
	struct str rest = str_skip(s, at + 1), url;
	unsigned char digest[32];
	struct ds_did doc;

	if (at == s.n || !str_starts(s, STR("did:")) || at > DS_DID_MAX)
		return refuse(f, "identity.partners", "did",
			      "a DID, = and its key or its certificate's digest are wanted", s);
	if (str_starts(rest, STR("sha256:"))) {
		*ret_mode = DS_BY_TLS;
		if (!hex_parse(str_skip(rest, 7), digest, 32)) return ERR_OK;
		return refuse(f, "identity.partners", "fingerprint",
			      "after sha256 and a colon come the certificate's digest, 64 hexadecimal "
			      "digits without colons",
			      s);
	}
	*ret_mode = DS_BY_PIN;
	at = str_find(rest, '@');
	if (!identity_pin_parse(str_first(s, str_find(s, '=')), str_first(rest, at), &doc))
		return refuse(f, "identity.partners", "key", "a key is z6Mk… (Ed25519) or zDn… (P-256)", s);
	url = str_skip(rest, at + 1);
	if (at == rest.n || str_starts(url, STR("https://")) || str_starts(url, STR("http://")))
		return ERR_OK;
	return refuse(f, "identity.partners", "url", "behind @ stands the partner's DSP URL", s);
}

enum err ds_identity_check(const struct ds_identity *o, struct flaw *f)
{
	unsigned named = 0;
	enum err e = issuers_check(o, f);

	for (size_t i = 0; !e && i < o->partners_n; i++) {
		unsigned mode = 0;

		e = partner_check(str_of(o->partners[i]), f, &mode);
		named |= mode;
	}
	if (e) return e;
	if (!o->modes)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "identity.accept", "empty",
				"no partner could be admitted");
	if (o->required_n && !(o->modes & DS_BY_DCP))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "identity.require", "mode",
				"credentials are asked for by dcp, which identity.accept does not name");
	if ((o->modes & DS_BY_PIN) && !(named & DS_BY_PIN))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "identity.partners", "pinned",
				"identity.accept says pinned: no partner's key (DID=z6Mk…) is named");
	if ((o->modes & DS_BY_TLS) && !(named & DS_BY_TLS))
		return flaw_set(
		    f, ERR_BAD_CONF, FLAW_NO_OFFSET, "identity.partners", "tls",
		    "identity.accept says tls: no partner's certificate (DID=sha256:…) is named");
	return ERR_OK;
}
