/* P-256: keys of specifications, signatures that verify and none that do not, keys at rest. */
#include "tests/base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/es256.h"

static int set_up(void **state)
{
	(void)state;
	return (int)sign_setup();
}

/* RFC 7515 A.3.1: d, x and y in hexadecimal. */
static const char secret_hex[] = "8e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f57c213df84f4b2";
static const char public_hex[] = "7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"
				 "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";

static struct es256_key *key_of_rfc(void)
{
	unsigned char secret[ES256_SECRET];
	struct es256_key *k;
	assert_int_equal(hex_parse(str_of(secret_hex), secret, sizeof secret), ERR_OK);
	assert_int_equal(es256_key_from_secret(secret, &k), ERR_OK);
	return k;
}

static void the_public_key_follows_from_the_secret(void **state)
{
	(void)state;
	unsigned char want[ES256_PUBLIC];
	struct es256_key *k = key_of_rfc();
	assert_int_equal(hex_parse(str_of(public_hex), want, sizeof want), ERR_OK);
	assert_memory_equal(es256_public(k), want, sizeof want);
	es256_key_free(k);
}

static void secrets_that_are_none(void **state)
{
	(void)state;
	unsigned char secret[ES256_SECRET] = {0};
	struct es256_key *k;
	assert_int_equal(es256_key_from_secret(secret, &k), ERR_BAD_KEY);
	assert_int_equal(hex_parse(STR("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
				   secret, sizeof secret),
			 ERR_OK); /* the order itself */
	assert_int_equal(es256_key_from_secret(secret, &k), ERR_BAD_KEY);
	secret[31]--;
	assert_int_equal(es256_key_from_secret(secret, &k), ERR_OK);
	es256_key_free(k);
	es256_key_free(NULL);
}

static void what_is_signed_verifies_and_nothing_else(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) { /* short r and s come up among them */
		struct es256_key *k = round ? es256_key_new() : key_of_rfc();
		unsigned char sig[ES256_SIGNATURE], pub[ES256_PUBLIC];
		assert_non_null(k);
		memcpy(pub, es256_public(k), sizeof pub);
		assert_int_equal(es256_key_check(pub), ERR_OK);
		assert_int_equal(es256_sign(k, STR("message"), sig), ERR_OK);
		assert_int_equal(es256_verify(pub, STR("message"), sig), ERR_OK);
		assert_int_equal(es256_verify(pub, STR("massage"), sig), ERR_BAD_SIGNATURE);
		for (size_t i = 0; i < sizeof sig; i += 7) {
			sig[i] ^= 1;
			assert_int_equal(es256_verify(pub, STR("message"), sig), ERR_BAD_SIGNATURE);
			sig[i] ^= 1;
		}
		es256_key_free(k);
	}
}

static void points_in_their_short_form(void **state)
{
	(void)state;
	unsigned char octets[33], pub[ES256_PUBLIC];
	for (int round = 0; round < 20; round++) {
		struct es256_key *k = es256_key_new();
		assert_non_null(k);
		memcpy(octets + 1, es256_public(k), 32);
		octets[0] = (unsigned char)(2 + (es256_public(k)[63] & 1));
		assert_int_equal(es256_point_parse(octets, pub), ERR_OK);
		assert_memory_equal(pub, es256_public(k), sizeof pub);
		octets[0] ^= 1;
		assert_int_equal(es256_point_parse(octets, pub), ERR_OK);
		assert_memory_not_equal(pub, es256_public(k), sizeof pub);
		octets[0] = 4;
		assert_int_equal(es256_point_parse(octets, pub), ERR_BAD_KEY);
		es256_key_free(k);
	}
	memset(octets, 0xff, sizeof octets);
	octets[0] = 2;
	assert_int_equal(es256_point_parse(octets, pub), ERR_BAD_KEY);
}

static void sealed_keys_open_again(void **state)
{
	(void)state;
	char path[] = "/tmp/kanhe-es256-XXXXXX";
	unsigned char sealed[ES256_SECRET + SIGN_SEAL], other[32 + SIGN_SEAL];
	struct sign_sealer *s;
	struct sign_key *ed = sign_key_new();
	struct es256_key *k = key_of_rfc(), *again = NULL;
	assert_non_null(mkdtemp(path));
	char unlock[64];
	snprintf(unlock, sizeof unlock, "%s/unlock", path);
	assert_int_equal(sign_unlock_file_make(unlock, NULL), ERR_OK);
	assert_int_equal(sign_sealer_open(&(struct sign_lock){.unlock_file = unlock}, NULL, &s), ERR_OK);
	es256_key_seal(s, k, sealed);
	assert_int_equal(es256_key_unseal(s, str_n(sealed, sizeof sealed), &again), ERR_OK);
	assert_memory_equal(es256_public(again), es256_public(k), ES256_PUBLIC);
	es256_key_free(again);
	/* one kind of key is not taken for the other */
	sign_key_seal(s, ed, other);
	assert_int_equal(es256_key_unseal(s, str_n(other, sizeof other), &again), ERR_BAD_KEY);
	assert_int_equal(sign_key_unseal(s, str_n(sealed, sizeof sealed), &ed), ERR_BAD_KEY);
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 1;
		assert_int_equal(es256_key_unseal(s, str_n(sealed, sizeof sealed), &again), ERR_BAD_KEY);
		sealed[i] ^= 1;
	}
	assert_int_equal(es256_key_unseal(s, str_n(sealed, sizeof sealed - 1), &again), ERR_BAD_KEY);
	sign_sealer_close(s);
	sign_key_free(ed);
	es256_key_free(k);
	unlink(unlock);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_public_key_follows_from_the_secret),
	    cmocka_unit_test(secrets_that_are_none),
	    cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
	    cmocka_unit_test(points_in_their_short_form),
	    cmocka_unit_test(sealed_keys_open_again),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
