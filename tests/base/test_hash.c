#include "tests/base/cases.h"

#include <pthread.h>

#include "base/hash.h"

static void assert_digest(const unsigned char d[HASH_SHA256], const char *hex)
{
	char text[2 * HASH_SHA256];
	hex_write(d, HASH_SHA256, text);
	assert_str(str_n(text, sizeof text), hex);
}

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void whole_messages(void **state)
{
	(void)state;
	unsigned char d[HASH_SHA256];
	hash_sha256(STR_NONE, d);
	assert_digest(d, OF_NOTHING);
	hash_sha256(STR("abc"), d);
	assert_digest(d, OF_ABC);
}

static void running_digests_fork_and_start_again(void **state)
{
	(void)state;
	unsigned char d[HASH_SHA256];
	struct hash *h = hash_new();
	hash_add(h, STR("a"));
	struct hash *fork = hash_copy(h);
	hash_add(h, STR("bc"));
	hash_add(fork, STR("bd"));
	hash_finish(h, d);
	assert_digest(d, OF_ABC);
	hash_finish(h, d); /* it started again */
	assert_digest(d, OF_NOTHING);
	hash_add(h, STR("abc"));
	hash_finish(h, d);
	assert_digest(d, OF_ABC);
	hash_finish(fork, d);
	assert_digest(d, "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9");
	hash_free(h);
	hash_free(fork);
	hash_free(NULL);
}

/* Against libcrypto: every length up to three blocks beside others, in memory of exactly that size. */
static void pairs_are_as_if_alone(void **state)
{
	enum { MOST = 200 };
	static const size_t others[] = {0, 55, 56, 64, 119, 120, 1000, 5000};
	unsigned char octets[5000], want[2][HASH_SHA256], got[2][HASH_SHA256];
	(void)state;
	for (size_t i = 0; i < sizeof octets; i++) octets[i] = (unsigned char)(i * i >> 3);
	for (size_t n = 0; n <= MOST; n++)
		for (size_t k = 0; k < COUNT(others); k++) {
			char *copy = malloc(n + 1);
			must(copy);
			memcpy(copy + 1, octets + n, n);
			struct str one = str_n(copy + 1, n), other = str_n(octets, others[k]);
			hash_sha256(one, want[0]);
			hash_sha256(other, want[1]);
			hash_sha256_pair(one, other, got[0], got[1]);
			assert_memory_equal(got, want, sizeof want);
			hash_sha256_pair(other, one, got[1], got[0]);
			assert_memory_equal(got, want, sizeof want);
			free(copy);
		}
	unsigned char d[2][HASH_SHA256];
	hash_sha256_pair(STR_NONE, STR("abc"), d[0], d[1]);
	assert_digest(d[0], OF_NOTHING);
	assert_digest(d[1], OF_ABC);
}

static void *hash_many(void *arg)
{
	unsigned char d[HASH_SHA256];
	for (int i = 0; i < 1000; i++) hash_sha256(STR("abc"), d);
	memcpy(arg, d, sizeof d);
	return NULL;
}

static void each_thread_has_its_own(void **state)
{
	(void)state;
	pthread_t t[4];
	unsigned char d[4][HASH_SHA256];
	for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, hash_many, d[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_digest(d[i], OF_ABC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_messages),
	    cmocka_unit_test(pairs_are_as_if_alone),
	    cmocka_unit_test(running_digests_fork_and_start_again),
	    cmocka_unit_test(each_thread_has_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
