/* Data Integrity proofs, cryptosuite eddsa-jcs-2022 (W3C VC-DI-EDDSA 3.3).
 *
 * Signed octets: SHA-256(JCS(proof configuration)) ‖ SHA-256(JCS(document)). The document is without
 * its "proof"; the configuration is the proof without "proofValue", with the document's @context when
 * it has one. proofValue: multibase base58btc of the 64 octets of the signature. */
#include "base/proof.h"

#include "base/hash.h"
#include "base/text64.h"

enum {
	DOCUMENT_MAX = 4 << 20, /* octets of canonical text: four times what is read from a peer */
	PROOFS_MAX = 16         /* by one document: parties and witnesses, not thousands to try */
};

#define TYPE "DataIntegrityProof"
#define SUITE "eddsa-jcs-2022"

/* A shallow copy without one member; a new reference, NULL without memory. */
static json_t *without(const json_t *obj, const char *member)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)obj); /* it is not changed, only not const */
	if (copy) json_object_del(copy, member);
	return copy;
}

static enum err hash_jcs(const json_t *j, unsigned char out[HASH_SHA256])
{
	struct buf b = BUF_INIT(DOCUMENT_MAX);
	enum err e = json_jcs(j, &b);
	if (!e) hash_sha256(buf_str(&b), out);
	buf_done(&b);
	return e;
}

static enum err hash_both(const json_t *doc, const json_t *proof, unsigned char out[2 * HASH_SHA256])
{
	json_t *config = without(proof, "proofValue"), *bare = without(doc, "proof");
	enum err e = config && bare ? ERR_OK : ERR_NO_MEMORY;
	if (!e) e = hash_jcs(config, out);
	if (!e) e = hash_jcs(bare, out + HASH_SHA256);
	json_decref(config);
	json_decref(bare);
	return e;
}

static enum err proof_sign(const json_t *doc, json_t *proof, const struct sign_key *k)
{
	unsigned char digest[2 * HASH_SHA256], sig[SIGN_SIGNATURE];
	char value[1 + BASE58_TEXT_MAX] = "z";
	enum err e = hash_both(doc, proof, digest);
	if (e) return e;
	sign_make(k, "", str_n(digest, sizeof digest), sig);
	size_t n = base58_print(str_n(sig, sizeof sig), value + 1);
	json_put_str(proof, "proofValue", str_n(value, n + 1));
	return ERR_OK;
}

/* Puts proof where it belongs in doc; steals it. */
static void attach(json_t *doc, json_t *proof)
{
	json_t *there = json_object_get(doc, "proof");
	if (json_is_array(there)) {
		must(json_array_append_new(there, proof) == 0);
	} else if (there) {
		json_t *list = json_array();
		must(json_array_append(list, there) == 0);
		must(json_array_append_new(list, proof) == 0);
		json_put(doc, "proof", list);
	} else {
		json_put(doc, "proof", proof);
	}
}

enum err proof_add(json_t *doc, const struct sign_key *k, const char *verification_method,
		   const char *purpose, usec_t created)
{
	char when[CLOCK_TEXT];
	must(json_is_object(doc));
	json_t *context = json_object_get(doc, "@context"), *proof = json_object();
	if (!proof) return ERR_NO_MEMORY;
	if (context) json_put(proof, "@context", json_deep_copy(context));
	json_put_str(proof, "type", STR(TYPE));
	json_put_str(proof, "cryptosuite", STR(SUITE));
	json_put_str(proof, "created", str_of(clock_print(created, false, when)));
	json_put_str(proof, "verificationMethod", str_of(verification_method));
	json_put_str(proof, "proofPurpose", str_of(purpose));
	enum err e = proof_sign(doc, proof, k);
	if (e)
		json_decref(proof);
	else
		attach(doc, proof);
	return e;
}

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, at, rule, "%s", why);
}

static bool member_is(const json_t *obj, const char *key, struct str text)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_string(v) && str_eq(json_text(v), text);
}

/* What the suite asks of a proof besides its signature. The standard lets a document gain further
 * contexts after it was signed; ours may not, since they would change what it says. */
static enum err check_form(const json_t *doc, const json_t *proof, struct flaw *f)
{
	usec_t created;
	const json_t *context = json_object_get(proof, "@context");
	if (!member_is(proof, "type", STR(TYPE)) || !member_is(proof, "cryptosuite", STR(SUITE)))
		return refuse(f, "proof.cryptosuite", "suite", "only " TYPE " of " SUITE " is taken");
	if (context && !json_equal(context, json_object_get(doc, "@context")))
		return refuse(f, "proof.@context", "context", "it differs from the document's");
	if (!json_is_string(json_object_get(proof, "proofPurpose")))
		return refuse(f, "proof.proofPurpose", "purpose", "the purpose is missing");
	if (json_object_get(proof, "created") &&
	    clock_parse(json_text(json_object_get(proof, "created")), &created))
		return refuse(f, "proof.created", "date-time", "it is not a date and time");
	/* nobody here would look at an end or at the proofs it builds on */
	if (json_object_get(proof, "expires") || json_object_get(proof, "previousProof"))
		return refuse(f, "proof", "chain", "expiring and chained proofs are not taken");
	return ERR_OK;
}

static enum err check(const json_t *doc, const json_t *proof, const unsigned char pub[SIGN_PUBLIC],
		      struct flaw *f)
{
	unsigned char digest[2 * HASH_SHA256], sig[SIGN_SIGNATURE];
	enum err e = check_form(doc, proof, f);
	if (e) return e;
	struct str value = json_text(json_object_get(proof, "proofValue"));
	if (!str_starts(value, STR("z")) || base58_scan(str_skip(value, 1), sig, sizeof sig))
		return refuse(f, "proof.proofValue", "multibase", "it is not a signature in base58btc");
	e = hash_both(doc, proof, digest);
	if (e == ERR_NO_MEMORY) return e;
	if (e) return refuse(f, "", "canonical", "the document has no canonical form");
	if (sign_verify(pub, "", str_n(digest, sizeof digest), sig))
		return refuse(f, "proof.proofValue", "signature",
			      "the signature does not fit the document");
	return ERR_OK;
}

enum err proof_verify(const json_t *doc, const char *verification_method,
		      const unsigned char pub[SIGN_PUBLIC], struct flaw *f)
{
	const json_t *proofs = json_is_object(doc) ? json_object_get(doc, "proof") : NULL;
	size_t n = json_is_array(proofs) ? json_array_size(proofs) : proofs ? 1 : 0;
	enum err e = ERR_NOT_FOUND;
	if (n > PROOFS_MAX) return refuse(f, "proof", "count", "more than 16 proofs");
	for (size_t i = 0; i < n; i++) {
		const json_t *proof = json_is_array(proofs) ? json_array_get(proofs, i) : proofs;
		if (!member_is(proof, "verificationMethod", str_of(verification_method))) continue;
		e = check(doc, proof, pub, f);
		if (!e) return ERR_OK;
	}
	if (e == ERR_NOT_FOUND)
		flaw_set(f, e, FLAW_NO_OFFSET, "proof", "missing", "no proof by %s", verification_method);
	return e;
}
