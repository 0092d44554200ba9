/* Every file of the vectors for Data Integrity proofs by Ed25519 and for JCS: each holds something that is
 * looked at here, and a file that nobody looks at is a failure. */
#include "tests/base/cases.h"

#include <ftw.h>

#include "base/hash.h"
#include "base/proof.h"
#include "base/text64.h"
#include "tests/base/shared_file.h"

#define DI "dataspace/vc-di-eddsa/"
#define JCS "dataspace/jcs/"

static struct arena *a;
static char used[128][96];
static size_t used_n;
static size_t rows; /* comparisons made */

static int set_up(void **state)
{
	(void)state;
	if (sign_setup()) return -1;
	a = arena_new(16 << 20);
	return a ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

/* The file, remembered as looked at. */
static struct str vector(const char *folder, const char *name)
{
	char path[96];
	size_t i = 0;

	assert_in_range(snprintf(path, sizeof path, "%s%s", folder, name), 1, sizeof path - 1);
	while (i < used_n && strcmp(used[i], path)) i++;
	if (i == used_n) {
		assert_true(used_n < COUNT(used));
		memcpy(used[used_n++], path, sizeof path);
	}
	struct str s = shared_file(a, path);
	if (!s.p) skip();
	return s;
}

static json_t *vector_json(const char *folder, const char *name)
{
	json_t *j = NULL;
	assert_int_equal(json_read(a, vector(folder, name), NULL, &j), ERR_OK);
	return j;
}

static void same(const char *what, struct str got, struct str want)
{
	rows++;
	if (!str_eq(got, want)) fail_msg("%s: got %.*s, want %.*s", what, STR_ARG(got), STR_ARG(want));
}

static struct str hex_of(struct str octets)
{
	char *out = arena_bytes(a, 2 * octets.n);
	hex_write(octets.p, octets.n, out);
	return str_n(out, 2 * octets.n);
}

static struct str sha_hex(struct str octets)
{
	unsigned char d[HASH_SHA256];
	hash_sha256(octets, d);
	return hex_of(str_n(d, sizeof d));
}

static struct str jcs_of(const json_t *j)
{
	struct buf b = BUF_INIT(1 << 20);
	assert_int_equal(json_jcs(j, &b), ERR_OK);
	struct str s = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return s;
}

/* "did:key:z6Mk…#z6Mk…" names its own key. */
static void method_key(const json_t *proof, unsigned char pub[SIGN_PUBLIC])
{
	struct str m = json_text(json_object_get(proof, "verificationMethod"));
	assert_int_equal(sign_public_parse(str_skip(m, str_find(m, '#') + 1), pub), ERR_OK);
}

static struct sign_key *pair_key(const json_t *pair)
{
	struct str secret = json_text(json_object_get(pair, "privateKeyMultibase"));
	unsigned char seed[34]; /* multicodec 0x1300 as a varint, then the seed */
	char text[SIGN_MULTIBASE];
	assert_int_equal(base58_scan(str_skip(secret, 1), seed, sizeof seed), ERR_OK);
	struct sign_key *k = sign_key_from_seed(seed + 2);
	sign_public_multibase(sign_public(k), text);
	same("public key", str_of(text), json_text(json_object_get(pair, "publicKeyMultibase")));
	return k;
}

/* ---- the steps of one signature: canonical forms, hashes, signature, three spellings of it ---- */

struct steps {
	const char *folder, *tail, *document, *signed_name, *rule; /* rule NULL: the suite is ours */
};

static void steps_check(const struct steps *s)
{
	char name[64];
#define FILE_OF(prefix) (snprintf(name, sizeof name, prefix "%s.txt", s->tail), vector(s->folder, name))
	json_t *document = vector_json(DI, s->document), *doc = vector_json(s->folder, s->signed_name),
	       *config;
	json_t *proof = json_object_get(doc, "proof");
	struct str canon = FILE_OF("canonDoc"), proof_canon = FILE_OF("proofCanon"),
		   hash = FILE_OF("docHash"), proof_hash = FILE_OF("proofHash"),
		   both = FILE_OF("combinedHash"), sig_hex = FILE_OF("sigHex"), sig58 = FILE_OF("sigBTC58");
#undef FILE_OF
	unsigned char pub[SIGN_PUBLIC], sig[SIGN_SIGNATURE], digest[2 * HASH_SHA256];

	snprintf(name, sizeof name, "proofConfig%s.json", s->tail);
	config = vector_json(s->folder, name);
	same("hash of the document", sha_hex(canon), hash);
	same("hash of the proof's configuration", sha_hex(proof_canon), proof_hash);
	same("both hashes", both, arena_printf(a, "%.*s%.*s", STR_ARG(proof_hash), STR_ARG(hash)));
	assert_int_equal(hex_parse(both, digest, sizeof digest), ERR_OK);
	assert_int_equal(base58_scan(str_skip(sig58, 1), sig, sizeof sig), ERR_OK);
	same("signature in hexadecimal", hex_of(str_n(sig, sizeof sig)), sig_hex);
	same("signature in the document", json_text(json_object_get(proof, "proofValue")), sig58);
	method_key(proof, pub);
	rows++;
	assert_int_equal(sign_verify(pub, "", str_n(digest, sizeof digest), sig), ERR_OK);
	digest[40] ^= 1;
	assert_int_equal(sign_verify(pub, "", str_n(digest, sizeof digest), sig), ERR_BAD_SIGNATURE);
	if (!s->rule) {
		same("canonical document", jcs_of(document), canon);
		same("canonical configuration", jcs_of(config), proof_canon);
	}
	const char *method = json_string_value(json_object_get(proof, "verificationMethod"));
	struct flaw f = {0};
	rows++;
	assert_int_equal(proof_verify(doc, method, pub, &f), s->rule ? ERR_BAD_SIGNATURE : ERR_OK);
	if (s->rule) same("refused by", str_of(f.rule), str_of(s->rule));
	/* the configuration is the proof, but for its value */
	json_t *bare = json_keep(a, json_copy(proof));
	json_object_del(bare, "proofValue");
	json_object_del(config, "@context");
	json_object_del(bare, "@context");
	rows++;
	assert_true(json_equal(bare, config));
}

static void steps_of_signing(void **state)
{
	static const struct steps all[] = {
	    {DI "eddsa-jcs-2022/", "JCS", "unsigned.json", "signedJCS.json", NULL},
	    {DI "eddsa-rdfc-2022/", "DataInt", "unsigned.json", "signedDataInt.json", "suite"},
	    {DI "eddsa-rdfc-2022/employ/", "DataInt", "employmentAuth.json", "signedDataInt.json", "suite"},
	    {DI "Ed25519Signature2020/", "EdSig", "unsigned.json", "signedEdSig.json", "suite"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) steps_check(&all[i]);
}

/* What we sign is what the vector has, octet for octet. */
static void signing_gives_the_vector(void **state)
{
	(void)state;
	struct sign_key *k = pair_key(vector_json(DI, "keyPair.json"));
	json_t *want = vector_json(DI "eddsa-jcs-2022/", "signedJCS.json"),
	       *doc = vector_json(DI, "unsigned.json");
	usec_t created;
	assert_int_equal(clock_parse(STR("2023-02-24T23:36:38Z"), &created), ERR_OK);
	assert_int_equal(proof_add(doc, k,
				   json_string_value(json_object_get(json_object_get(want, "proof"),
								     "verificationMethod")),
				   "assertionMethod", created),
			 ERR_OK);
	same("signed document", jcs_of(doc), jcs_of(want));
	sign_key_free(k);
}

/* ---- sets and chains of proofs, of a suite that is not ours ---- */

static json_t *proof_by(const json_t *doc, const json_t *config)
{
	json_t *all = json_object_get(doc, "proof"), *p;
	size_t i;
	json_array_foreach(all, i, p) if (json_equal(p, config)) return p;
	return json_is_object(all) && json_equal(all, config) ? all : NULL;
}

static void refused(json_t *doc)
{
	json_t *all = json_object_get(doc, "proof"), *p;
	if (json_is_object(all)) all = json_keep(a, json_pack("[O]", all));
	assert_true(json_array_size(all) > 0);
	for (size_t i = 0; i < json_array_size(all); i++) {
		unsigned char pub[SIGN_PUBLIC];
		struct flaw f = {0};
		p = json_array_get(all, i);
		method_key(p, pub);
		rows++;
		assert_int_equal(
		    proof_verify(doc, json_string_value(json_object_get(p, "verificationMethod")), pub, &f),
		    ERR_BAD_SIGNATURE);
		assert_string_equal(f.rule, "suite");
	}
}

static void sets_and_chains_are_refused(void **state)
{
	static const char *const documents[] = {"signedProofSet1.json",    "signedProofSet2.json",
						"signedProofChain1.json",  "signedProofChain2.json",
						"proofChainTempDoc1.json", "proofChainTempDoc2.json"};
	static const struct {
		const char *config, *signed_config, *document;
	} configs[] = {
	    {"proofSetConfig1.json", "proofSetConfigSigned1.json", "signedProofSet1.json"},
	    {"proofSetConfig2.json", "proofSetConfigSigned2.json", "signedProofSet2.json"},
	    {"proofChainConfig1.json", "proofChainConfigSigned1.json", "signedProofChain1.json"},
	    {"proofChainConfig2.json", "proofChainConfigSigned2.json", "signedProofChain2.json"},
	};
	const char *folder = DI "proof-set-chain/";
	(void)state;
	json_t *bare = vector_json(folder, "unsigned.json");
	for (size_t i = 0; i < COUNT(documents); i++) {
		json_t *doc = vector_json(folder, documents[i]);
		refused(doc);
		/* nor as a proof of ours on the same document */
		json_t *copy = json_keep(a, json_copy(doc));
		json_object_del(copy, "proof");
		rows++;
		assert_true(json_equal(copy, bare));
	}
	for (size_t i = 0; i < COUNT(configs); i++) {
		json_t *config = vector_json(folder, configs[i].config);
		json_t *whole = vector_json(folder, configs[i].signed_config);
		rows++;
		assert_non_null(proof_by(vector_json(folder, configs[i].document), whole));
		json_object_del(whole, "proofValue");
		same("configuration", jcs_of(whole), jcs_of(config));
	}
	json_t *pairs = vector_json(folder, "multiKeyPairs.json"), *pair;
	const char *name;
	json_object_foreach(pairs, name, pair) sign_key_free(pair_key(pair));
}

/* ---- JCS ---- */

static void canonical_forms(void **state)
{
	static const char *const names[] = {"arrays", "french", "structures", "unicode", "values", "weird"};
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char in[32], out[32], hex[32];
		snprintf(in, sizeof in, "input/%s.json", names[i]);
		snprintf(out, sizeof out, "output/%s.json", names[i]);
		snprintf(hex, sizeof hex, "outhex/%s.txt", names[i]);
		struct str got = jcs_of(vector_json(JCS, in)), spaced = vector(JCS, hex);
		same(names[i], got, vector(JCS, out));
		same("again", jcs_of(vector_json(JCS, out)), got); /* a canonical form is its own */
		char *want = arena_bytes(a, spaced.n);
		size_t n = 0;
		for (size_t k = 0; k < spaced.n; k++)
			if (spaced.p[k] > ' ') want[n++] = spaced.p[k];
		same("in hexadecimal", hex_of(got), str_n(want, n));
	}
}

/* ---- the whole ---- */

static size_t files, unused;

static int file_seen(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind != FTW_F) return 0;
	const char *name = path + strlen(SHARED_DIR) + 1;
	size_t i = 0;
	while (i < used_n && strcmp(used[i], name)) i++;
	files++;
	if (i == used_n) {
		unused++;
		printf("nobody looks at %s\n", name);
	}
	return 0;
}

static void every_file_was_looked_at(void **state)
{
	(void)state;
	if (nftw(SHARED_DIR "/" DI, file_seen, 8, FTW_PHYS)) skip();
	assert_int_equal(nftw(SHARED_DIR "/" JCS, file_seen, 8, FTW_PHYS), 0);
	printf("%zu files of vectors, %zu comparisons\n", files, rows);
	assert_int_equal(unused, 0);
	assert_int_equal(files, used_n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_of_signing),
	    cmocka_unit_test(signing_gives_the_vector),
	    cmocka_unit_test(sets_and_chains_are_refused),
	    cmocka_unit_test(canonical_forms),
	    cmocka_unit_test(every_file_was_looked_at),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
