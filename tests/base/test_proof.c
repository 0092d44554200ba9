#include "tests/base/cases.h"

#include "base/proof.h"
#include "base/text64.h"
#include "tests/base/shared_file.h"

static struct arena *a;
static struct sign_key *maker, *buyer;
static const usec_t when = INT64_C(1790000000) * USEC_PER_SEC;

#define MAKER "did:web:maker.example#key-1"
#define BUYER "did:web:buyer.example#key-1"

static int set_up(void **state)
{
	(void)state;
	if (sign_setup()) return -1;
	a = arena_new(16 << 20);
	maker = sign_key_new();
	buyer = sign_key_new();
	return a && maker && buyer ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	sign_key_free(maker);
	sign_key_free(buyer);
	arena_free(a);
	return 0;
}

static json_t *read_json(struct str text)
{
	json_t *j = NULL;
	assert_int_equal(json_read(a, text, NULL, &j), ERR_OK);
	return j;
}

static json_t *agreement(void)
{
	return read_json(STR("{\"@context\":[\"https://w3id.org/dspace/2025/1/context.jsonld\"],"
			     "\"@id\":\"urn:uuid:1\",\"permission\":[{\"action\":\"use\",\"count\":3}],"
			     "\"price\":1.5,\"open\":true,\"note\":null}"));
}

static enum err verify(const json_t *doc, const char *method, const struct sign_key *k, const char *rule)
{
	struct flaw f = {0};
	enum err e = proof_verify(doc, method, sign_public(k), &f);
	if (rule) assert_string_equal(f.rule, rule);
	return e;
}

static void the_vector_verifies(void **state)
{
	(void)state;
	struct str text = shared_file(a, "dataspace/vc-di-eddsa/eddsa-jcs-2022/signedJCS.json");
	if (!text.p) skip();
	json_t *doc = read_json(text);
	unsigned char pub[32];
	assert_int_equal(sign_public_parse(STR("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"), pub),
			 ERR_OK);
	const char *method = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#"
			     "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
	assert_int_equal(proof_verify(doc, method, pub, NULL), ERR_OK);
	json_put_str(doc, "name", STR("Alumni credential"));
	assert_int_equal(proof_verify(doc, method, pub, NULL), ERR_BAD_SIGNATURE);
}

static void the_vector_is_written_octet_for_octet(void **state)
{
	(void)state;
	struct str text = shared_file(a, "dataspace/vc-di-eddsa/eddsa-jcs-2022/signedJCS.json");
	struct str secret = shared_file(a, "dataspace/vc-di-eddsa/keyPair.json");
	if (!text.p || !secret.p) skip();
	json_t *want = read_json(text), *doc = read_json(text), *pair = read_json(secret);
	struct str seed_text = json_text(json_object_get(pair, "privateKeyMultibase"));
	unsigned char seed[34];
	/* multicodec ed25519-priv 0x1300 as a varint, then the seed */
	assert_int_equal(base58_scan(str_skip(seed_text, 1), seed, 34), ERR_OK);
	struct sign_key *k = sign_key_from_seed(seed + 2);
	usec_t created;
	assert_int_equal(clock_parse(STR("2023-02-24T23:36:38Z"), &created), ERR_OK);
	json_object_del(doc, "proof");
	json_t *proof = json_object_get(want, "proof");
	const char *method = json_string_value(json_object_get(proof, "verificationMethod"));
	assert_int_equal(proof_add(doc, k, method, "assertionMethod", created), ERR_OK);
	assert_true(json_equal(doc, want));
	sign_key_free(k);
}

static void both_parties_sign_the_same_document(void **state)
{
	(void)state;
	json_t *doc = agreement();
	assert_int_equal(verify(doc, MAKER, maker, "missing"), ERR_NOT_FOUND);
	assert_int_equal(proof_add(doc, maker, MAKER, "assertionMethod", when), ERR_OK);
	assert_true(json_is_object(json_object_get(doc, "proof")));
	assert_int_equal(proof_add(doc, buyer, BUYER, "assertionMethod", when), ERR_OK);
	assert_int_equal(json_array_size(json_object_get(doc, "proof")), 2);
	assert_int_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
	assert_int_equal(verify(doc, BUYER, buyer, NULL), ERR_OK);
	assert_int_equal(verify(doc, BUYER, maker, "signature"), ERR_BAD_SIGNATURE);
	assert_int_equal(verify(doc, "did:web:maker.example#key-2", maker, "missing"), ERR_NOT_FOUND);
	/* and it survives being written and read */
	assert_int_equal(verify(read_json(json_write(a, doc, true)), BUYER, buyer, NULL), ERR_OK);
}

/* Every value in turn, at every depth, replaced or removed; and a member added. */
static void assert_changes_fail(json_t *doc, json_t *at)
{
	char *keys[16];
	size_t n = 0;
	const char *name;
	json_t *value;
	json_object_foreach(at, name, value) keys[n++] = arena_strdup(a, str_of(name));
	for (size_t i = 0; i < n; i++) {
		value = json_incref(json_object_get(at, keys[i]));
		json_object_set_new(at, keys[i], json_string("changed"));
		assert_int_not_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
		json_object_del(at, keys[i]);
		assert_int_not_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
		json_object_set_new(at, keys[i], value);
		if (json_is_array(value)) value = json_array_get(value, 0);
		if (json_is_object(value)) assert_changes_fail(doc, value);
	}
	json_object_set_new(at, "added", json_null());
	assert_int_not_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
	json_object_del(at, "added");
	assert_int_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
}

static void any_changed_member_fails(void **state)
{
	(void)state;
	json_t *doc = agreement();
	assert_int_equal(proof_add(doc, maker, MAKER, "assertionMethod", when), ERR_OK);
	assert_changes_fail(doc, doc);
}

static json_t *proof_of(json_t *doc)
{
	json_object_del(doc, "proof");
	assert_int_equal(proof_add(doc, maker, MAKER, "assertionMethod", when), ERR_OK);
	return json_object_get(doc, "proof");
}

static void other_suites_and_forms_are_refused(void **state)
{
	(void)state;
	json_t *doc = agreement();
	json_put_str(proof_of(doc), "cryptosuite", STR("eddsa-rdfc-2022"));
	assert_int_equal(verify(doc, MAKER, maker, "suite"), ERR_BAD_SIGNATURE);
	json_put_str(proof_of(doc), "type", STR("Ed25519Signature2020"));
	assert_int_equal(verify(doc, MAKER, maker, "suite"), ERR_BAD_SIGNATURE);
	json_put_str(proof_of(doc), "expires", STR("2020-01-01T00:00:00Z"));
	assert_int_equal(verify(doc, MAKER, maker, "chain"), ERR_BAD_SIGNATURE);
	json_put_str(proof_of(doc), "created", STR("yesterday"));
	assert_int_equal(verify(doc, MAKER, maker, "date-time"), ERR_BAD_SIGNATURE);
	json_t *p = proof_of(doc);
	char *value = arena_strdup(a, json_text(json_object_get(p, "proofValue")));
	json_put_str(p, "proofValue", str_of(value + 1));
	assert_int_equal(verify(doc, MAKER, maker, "multibase"), ERR_BAD_SIGNATURE);
	value[0] = 'u';
	json_put_str(p, "proofValue", str_of(value));
	assert_int_equal(verify(doc, MAKER, maker, "multibase"), ERR_BAD_SIGNATURE);
	/* a context added later would change what the words mean */
	proof_of(doc);
	json_array_append_new(json_object_get(doc, "@context"), json_string("https://evil.example"));
	assert_int_equal(verify(doc, MAKER, maker, "context"), ERR_BAD_SIGNATURE);
}

static void a_document_without_context_is_signed_too(void **state)
{
	(void)state;
	json_t *doc = read_json(STR("{\"entry\":1}"));
	assert_int_equal(proof_add(doc, maker, MAKER, "assertionMethod", when), ERR_OK);
	assert_null(json_object_get(json_object_get(doc, "proof"), "@context"));
	assert_int_equal(verify(doc, MAKER, maker, NULL), ERR_OK);
	json_put_str(doc, "@context", STR("x"));
	assert_int_equal(verify(doc, MAKER, maker, "signature"), ERR_BAD_SIGNATURE);
}

static void odd_documents_are_answered(void **state)
{
	(void)state;
	static const char *const odd[] = {"[]",
					  "{}",
					  "{\"proof\":[]}",
					  "{\"proof\":7}",
					  "{\"proof\":[7,null]}",
					  "{\"proof\":{\"verificationMethod\":7}}"};
	for (size_t i = 0; i < COUNT(odd); i++)
		assert_int_equal(verify(read_json(str_of(odd[i])), MAKER, maker, "missing"), ERR_NOT_FOUND);
	assert_int_equal(verify(NULL, MAKER, maker, "missing"), ERR_NOT_FOUND);
	json_t *doc = agreement(), *many = json_array();
	for (int i = 0; i < 17; i++) json_array_append_new(many, json_object());
	json_put(doc, "proof", many);
	assert_int_equal(verify(doc, MAKER, maker, "count"), ERR_BAD_SIGNATURE);
	/* a number with no canonical form cannot be signed, nor can it pass */
	json_t *big = read_json(STR("{\"n\":9007199254740993}"));
	assert_int_equal(proof_add(big, maker, MAKER, "assertionMethod", when), ERR_BAD_JSON);
	assert_null(json_object_get(big, "proof"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vector_verifies),
	    cmocka_unit_test(the_vector_is_written_octet_for_octet),
	    cmocka_unit_test(both_parties_sign_the_same_document),
	    cmocka_unit_test(any_changed_member_fails),
	    cmocka_unit_test(other_suites_and_forms_are_refused),
	    cmocka_unit_test(a_document_without_context_is_signed_too),
	    cmocka_unit_test(odd_documents_are_answered),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
