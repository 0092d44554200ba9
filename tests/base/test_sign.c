#include "tests/base/cases.h"

#include "base/sign.h"

static int set_up(void **state)
{
	(void)state;
	return (int)sign_setup();
}

/* RFC 8032 7.1, TEST 2. */
static const char seed_hex[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char public_hex[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char signature_hex[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
				    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static struct sign_key *key_of_rfc(void)
{
	unsigned char seed[32];
	assert_int_equal(hex_parse(str_of(seed_hex), seed, 32), ERR_OK);
	struct sign_key *k = sign_key_from_seed(seed);
	assert_non_null(k);
	return k;
}

static void signatures_of_rfc_8032(void **state)
{
	(void)state;
	struct sign_key *k = key_of_rfc();
	unsigned char want[64], sig[64];
	assert_int_equal(hex_parse(str_of(public_hex), want, 32), ERR_OK);
	assert_memory_equal(sign_public(k), want, 32);
	assert_int_equal(hex_parse(str_of(signature_hex), want, 64), ERR_OK);
	sign_make(k, "", STR("\x72"), sig);
	assert_memory_equal(sig, want, 64);
	assert_int_equal(sign_verify(sign_public(k), "", STR("\x72"), sig), ERR_OK);
	sign_key_free(k);
}

static void any_flipped_bit_is_refused(void **state)
{
	(void)state;
	struct sign_key *k = key_of_rfc();
	unsigned char sig[64], pub[32];
	sign_make(k, "kind", STR("message"), sig);
	memcpy(pub, sign_public(k), 32);
	for (size_t i = 0; i < 64 * 8; i++) {
		sig[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(sign_verify(pub, "kind", STR("message"), sig), ERR_BAD_SIGNATURE);
		sig[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t i = 0; i < 32 * 8; i++) {
		pub[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(sign_verify(pub, "kind", STR("message"), sig), ERR_BAD_SIGNATURE);
		pub[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(sign_verify(pub, "kind", STR("message"), sig), ERR_OK);
	sign_key_free(k);
}

static void a_signature_is_of_one_kind_only(void **state)
{
	(void)state;
	struct sign_key *k = key_of_rfc();
	unsigned char sig[64];
	const unsigned char *pub = sign_public(k);
	sign_make(k, "answer", STR("x"), sig);
	assert_int_equal(sign_verify(pub, "answer", STR("x"), sig), ERR_OK);
	assert_int_equal(sign_verify(pub, "answe", STR("rx"), sig), ERR_BAD_SIGNATURE);
	assert_int_equal(sign_verify(pub, "answerx", STR(""), sig), ERR_BAD_SIGNATURE);
	assert_int_equal(sign_verify(pub, "delegation", STR("x"), sig), ERR_BAD_SIGNATURE);
	/* the octets signed are those the header promises */
	assert_int_equal(sign_verify(pub, "", STR("answer\0x"), sig), ERR_OK);
	char large[9000];
	memset(large, 'm', sizeof large);
	sign_make(k, "answer", str_n(large, sizeof large), sig);
	assert_int_equal(sign_verify(pub, "answer", str_n(large, sizeof large), sig), ERR_OK);
	assert_int_equal(sign_verify(pub, "answer", str_n(large, sizeof large - 1), sig),
			 ERR_BAD_SIGNATURE);
	sign_key_free(k);
}

/* A key of small order makes one signature fit every message: it must not count as a key. */
static void weak_keys_and_second_forms_are_refused(void **state)
{
	(void)state;
	unsigned char sig[64] = {1}, pub[32] = {1};
	assert_int_equal(sign_verify(pub, "", STR("anything"), sig), ERR_BAD_SIGNATURE);
	memset(pub, 0, 32);
	assert_int_equal(sign_verify(pub, "", STR("anything"), sig), ERR_BAD_SIGNATURE);
	/* S + L in place of S is the same number written twice */
	static const unsigned char order[32] = {
	    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
	struct sign_key *k = key_of_rfc();
	sign_make(k, "", STR("x"), sig);
	unsigned carry = 0;
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)sig[32 + i] + order[i];
		sig[32 + i] = (unsigned char)carry;
		carry >>= 8;
	}
	assert_int_equal(sign_verify(sign_public(k), "", STR("x"), sig), ERR_BAD_SIGNATURE);
	sign_key_free(k);
}

static void multibase_keys(void **state)
{
	(void)state;
	unsigned char pub[32], back[32] = {0};
	char text[SIGN_MULTIBASE];
	assert_int_equal(
	    hex_parse(STR("095f9a1a595dde755d82786864ad03dfa5a4fbd68832566364e2b65e13cc9e44"), pub, 32),
	    ERR_OK);
	sign_public_multibase(pub, text);
	assert_string_equal(text, "z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP");
	assert_int_equal(sign_public_parse(str_of(text), back), ERR_OK);
	assert_memory_equal(back, pub, 32);
	static const char *const bad[] = {
	    "",
	    "z",
	    "6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP",
	    "z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZx",
	    "z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxPP",
	    "z16Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP",
	    "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",  /* X25519 */
	    "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", /* P-256 */
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(sign_public_parse(str_of(bad[i]), back), ERR_BAD_INPUT);
	assert_memory_equal(back, pub, 32);
}

static void new_keys_differ(void **state)
{
	(void)state;
	struct sign_key *k = sign_key_new(), *l = sign_key_new();
	assert_memory_not_equal(sign_public(k), sign_public(l), 32);
	sign_key_free(k);
	sign_key_free(l);
	sign_key_free(NULL);
}

static void secrets_compare_whole(void **state)
{
	(void)state;
	assert_true(secret_eq(STR("same"), STR("same")));
	assert_false(secret_eq(STR("same"), STR("samf")));
	assert_false(secret_eq(STR("same"), STR("sam")));
	assert_false(secret_eq(STR_NONE, STR("x")));
	assert_true(secret_eq(STR_NONE, STR_NONE));
}

static void uuids_are_of_version_4(void **state)
{
	(void)state;
	char one[UUID_URN], two[UUID_URN];
	for (int i = 0; i < 64; i++) {
		assert_string_equal(uuid_urn(one) == one ? "same" : "", "same");
		assert_int_equal(strlen(one), 45);
		assert_memory_equal(one, "urn:uuid:", 9);
		for (int j = 0; j < 36; j++)
			assert_true(j == 8 || j == 13 || j == 18 || j == 23
					? one[9 + j] == '-'
					: strchr("0123456789abcdef", one[9 + j]) != NULL);
		assert_int_equal(one[9 + 14], '4');
		assert_non_null(strchr("89ab", one[9 + 19]));
		assert_string_not_equal(one, uuid_urn(two));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signatures_of_rfc_8032),
	    cmocka_unit_test(any_flipped_bit_is_refused),
	    cmocka_unit_test(a_signature_is_of_one_kind_only),
	    cmocka_unit_test(weak_keys_and_second_forms_are_refused),
	    cmocka_unit_test(multibase_keys),
	    cmocka_unit_test(new_keys_differ),
	    cmocka_unit_test(secrets_compare_whole),
	    cmocka_unit_test(uuids_are_of_version_4),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
