#include "dataspace/evidence_check.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text64.h"

enum {
	SHA_TEXT = 7 + 64,
	RECORD_MAX = 16 << 10,
	LATE = 300 /* seconds between the token's times and the record's: clocks, and the queue */
};

#define P256 "p256:"

const char *evidence_key_print(const struct vc_key *key, char out[EVIDENCE_KEY_TEXT])
{
	if (key->alg == VC_EDDSA) {
		sign_public_multibase(key->pub, out);
		return out;
	}
	memcpy(out, P256, sizeof P256 - 1);
	hex_write(key->pub, ES256_PUBLIC, out + sizeof P256 - 1);
	out[sizeof P256 - 1 + 2 * ES256_PUBLIC] = 0;
	return out;
}

enum err evidence_key_parse(struct str text, struct vc_key *ret)
{
	struct vc_key k = {.alg = VC_EDDSA};

	if (!str_starts(text, STR(P256))) {
		if (sign_public_parse(text, k.pub)) return ERR_BAD_KEY;
	} else {
		k.alg = VC_ES256;
		if (hex_parse(str_skip(text, sizeof P256 - 1), k.pub, ES256_PUBLIC)) return ERR_BAD_KEY;
	}
	*ret = k;
	return ERR_OK;
}

static struct str member(const json_t *j, const char *key)
{
	return json_text(json_object_get(j, key));
}

static bool sha_is(struct str text, struct str octets)
{
	unsigned char digest[HASH_SHA256];
	char hex[SHA_TEXT];

	hash_sha256(octets, digest);
	memcpy(hex, "sha256:", 7);
	hex_write(digest, sizeof digest, hex + 7);
	return str_eq(text, str_n(hex, sizeof hex));
}

/* The record's own digest, as the ledger entry cites it. */
static bool record_digest(const json_t *record, unsigned char out[HASH_SHA256])
{
	struct buf b = BUF_INIT(RECORD_MAX);
	bool ok = !json_jcs(record, &b) && !buf_err(&b);

	if (ok) hash_sha256(buf_str(&b), out);
	buf_done(&b);
	return ok;
}

/* "dspace:ContractRequestMessage" (2024-1) is one too, and so it is by another prefix, by its IRI and in a
 * list of one: whoever received it has read its context. */
static bool type_is(const json_t *have, struct str type)
{
	struct str name = json_text(json_array_size(have) == 1 ? json_array_get(have, 0) : have);
	size_t start = name.n;

	while (start && !strchr(":/#", name.p[start - 1])) start--;
	return type.n && str_eq(str_skip(name, start), type);
}

static const char *message_wrong(struct arena *a, const json_t *item, struct evidence_report *r)
{
	const json_t *m = json_object_get(item, "message");

	if (!m) return NULL;
	if (base64_parse(a, json_text(m), &r->octets) || !r->octets.n) return "its octets are malformed";
	if (r->octets.n != r->size || !sha_is(r->digest, r->octets))
		return "its octets are not those that came in";
	if (json_read(a, r->octets, NULL, &r->message)) return "its octets are not a message";
	if (!type_is(json_object_get(r->message, "@type"), r->type)) return "it is another kind of message";
	return NULL;
}

/* As when it came in: dataspace/auth.c. The times of token and record belong together. */
static const char *claims_wrong(const struct vc_jwt *t, const struct evidence_report *r)
{
	json_t *aud = json_object_get(t->claims, "aud"), *one;
	usec_t then, exp, iat = 0;
	enum err e = ERR_OK;
	bool ours = json_is_string(aud) && str_eq(json_text(aud), r->to);
	size_t i;

	json_array_foreach(aud, i, one) ours = ours || str_eq(json_text(one), r->to);
	if (!str_eq(member(t->claims, "iss"), r->from) || !str_eq(member(t->claims, "sub"), r->from))
		return "its token is not the sender's";
	if (!ours) return "its token is for somebody else";
	if (clock_parse(r->time, &then)) return "its time is malformed";
	if (!vc_jwt_date(t, "exp", &exp, &e) || e || then > exp + LATE * USEC_PER_SEC)
		return "its token had ended when it came";
	if (vc_jwt_date(t, "iat", &iat, &e) && iat > then + LATE * USEC_PER_SEC)
		return "its token is younger than the message";
	return e ? "its token's times are malformed" : NULL;
}

static const char *token_wrong(struct arena *a, const json_t *item, struct evidence_report *r)
{
	struct str token = member(item, "token"), stated = member(json_object_get(item, "record"), "token");
	bool wanted = str_is(r->by, "did") || str_is(r->by, "dcp") || str_is(r->by, "pinned");
	struct vc_key key;
	struct vc_jwt t;
	const char *wrong;

	if (!wanted)
		return token.n || stated.n                             ? "it has a token beside its way in"
		       : str_is(r->by, "tls") || str_is(r->by, "test") ? NULL
								       : "its way in is unknown";
	if (!json_object_get(item, "token")) return NULL; /* beyond the bounds of what is kept */
	if (!sha_is(stated, token)) return "its token is not the one that came in";
	if (vc_jwt_parse(a, token, NULL, &t)) return "its token is malformed";
	if ((wrong = claims_wrong(&t, r))) return wrong;
	if (evidence_key_parse(r->key, &key)) return "the key of its token is malformed";
	if (vc_jwt_verify(&t, &key)) return "the signature of its token does not verify";
	r->token = true;
	return NULL;
}

enum err evidence_check(struct arena *a, const json_t *item, struct str from, struct str to,
			struct evidence_report *ret)
{
	const json_t *record = json_object_get(item, "record");
	struct evidence_report r = {.type = member(record, "type"),
				    .state = member(record, "state"),
				    .time = member(record, "time"),
				    .from = member(record, "from"),
				    .to = member(record, "to"),
				    .by = member(record, "by"),
				    .method = member(record, "method"),
				    .key = member(record, "key"),
				    .negotiation = member(record, "negotiation"),
				    .version = member(record, "version"),
				    .digest = member(record, "message"),
				    .certificate = member(record, "certificate")};

	r.size = (uint64_t)json_integer_value(json_object_get(record, "size"));
	if (json_integer_value(json_object_get(record, "v")) != 1 || !record_digest(record, r.record))
		r.wrong = "its record is malformed";
	else if ((from.n && !str_eq(from, r.from)) || (to.n && !str_eq(to, r.to)))
		r.wrong = "it is between other parties";
	if (!r.wrong) r.wrong = message_wrong(a, item, &r);
	if (!r.wrong) r.wrong = token_wrong(a, item, &r);
	*ret = r;
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	return r.wrong ? ERR_BAD_SIGNATURE : ERR_OK;
}

struct str evidence_says(struct arena *a, const struct evidence_report *r)
{
	const char *octets = r->octets.p ? "octets kept" : "octets not kept, only their digest";

	if (r->wrong) return arena_printf(a, "%s", r->wrong);
	if (r->token)
		return arena_printf(
		    a,
		    "%s; with a token of %.*s, which verifies with %.*s: it signs who called whom "
		    "and when, not the message",
		    octets, STR_ARG(r->from), STR_ARG(r->key));
	if (str_is(r->by, "tls"))
		return arena_printf(a, "%s; over mutual TLS, certificate %.*s: so this node says", octets,
				    STR_ARG(r->certificate));
	if (str_is(r->by, "test"))
		return arena_printf(a, "%s; in a test mode: anybody may have sent it", octets);
	return arena_printf(a, "%s; with a token that is not kept: so this node says", octets);
}
