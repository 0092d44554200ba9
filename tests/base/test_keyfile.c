#include "tests/base/cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sign.h"

static char folder[] = "/tmp/kanhe-keyfile-XXXXXX", key_path[64], unlock_path[64], other_path[64];
static struct sign_lock unlock, other;
static const struct sign_lock phrase = {.passphrase = {"correct horse", 13}};

static int set_up(void **state)
{
	(void)state;
	if (sign_setup() || !mkdtemp(folder)) return -1;
	snprintf(key_path, sizeof key_path, "%s/node.key", folder);
	snprintf(unlock_path, sizeof unlock_path, "%s/unlock", folder);
	snprintf(other_path, sizeof other_path, "%s/other", folder);
	unlock.unlock_file = unlock_path;
	other.unlock_file = other_path;
	return sign_unlock_file_make(unlock_path, NULL) || sign_unlock_file_make(other_path, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(key_path);
	unlink(unlock_path);
	unlink(other_path);
	return rmdir(folder); /* fails when a draft was left behind */
}

static struct sign_key *save_new(const struct sign_lock *l)
{
	struct sign_key *k = sign_key_new();
	unlink(key_path);
	assert_int_equal(sign_key_save(k, key_path, l, NULL), ERR_OK);
	return k;
}

static size_t read_file(const char *path, char *out, size_t room)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(out, 1, room, f);
	fclose(f);
	return n;
}

static void write_file(const char *path, const char *p, size_t n)
{
	unlink(path);
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void a_saved_key_is_read_back(void **state)
{
	(void)state;
	const struct sign_lock *locks[] = {&unlock, &phrase};
	for (size_t i = 0; i < COUNT(locks); i++) {
		struct sign_key *k = save_new(locks[i]), *back = NULL;
		struct stat s;
		assert_int_equal(stat(key_path, &s), 0);
		assert_int_equal(s.st_mode & 07777, 0600);
		assert_int_equal(sign_key_load(key_path, locks[i], NULL, &back), ERR_OK);
		assert_memory_equal(sign_public(back), sign_public(k), 32);
		unsigned char one[64], two[64];
		sign_make(k, "", STR("m"), one);
		sign_make(back, "", STR("m"), two);
		assert_memory_equal(one, two, 64);
		sign_key_free(k);
		sign_key_free(back);
	}
}

static void nothing_is_overwritten(void **state)
{
	(void)state;
	struct flaw f = {0};
	struct sign_key *k = save_new(&unlock), *l = sign_key_new(), *back;
	assert_int_equal(sign_key_save(l, key_path, &unlock, &f), ERR_EXISTS);
	assert_string_equal(f.rule, "exists");
	assert_string_equal(f.at, key_path);
	assert_int_equal(sign_unlock_file_make(unlock_path, &f), ERR_EXISTS);
	assert_int_equal(sign_key_load(key_path, &unlock, &f, &back), ERR_OK);
	assert_memory_equal(sign_public(back), sign_public(k), 32);
	sign_key_free(k);
	sign_key_free(l);
	sign_key_free(back);
	assert_int_equal(sign_unlock_file_make("/nowhere/at/all", &f), ERR_NOT_FOUND);
}

static void assert_refused(const char *path, const struct sign_lock *l, const char *rule)
{
	struct flaw f = {0};
	struct sign_key *back = NULL;
	assert_int_equal(sign_key_load(path, l, &f, &back), ERR_BAD_KEY);
	assert_string_equal(f.rule, rule);
	assert_null(back);
}

static void another_secret_does_not_open_it(void **state)
{
	(void)state;
	const struct sign_lock wrong = {.passphrase = STR("correct horsf")};
	sign_key_free(save_new(&unlock));
	assert_refused(key_path, &other, "secret");
	assert_refused(key_path, &phrase, "lock");
	sign_key_free(save_new(&phrase));
	assert_refused(key_path, &wrong, "secret");
	assert_refused(key_path, &unlock, "lock");
}

static void every_flipped_byte_is_noticed(void **state)
{
	(void)state;
	char text[1024];
	sign_key_free(save_new(&unlock));
	size_t n = read_file(key_path, text, sizeof text);
	for (size_t i = 0; i < n; i++) {
		struct sign_key *back = NULL;
		text[i] ^= 1;
		write_file(key_path, text, n);
		assert_int_equal(sign_key_load(key_path, &unlock, NULL, &back), ERR_BAD_KEY);
		text[i] ^= 1;
	}
	for (size_t shorter = 0; shorter < n; shorter += 7) {
		write_file(key_path, text, shorter);
		assert_refused(key_path, &unlock, "format");
	}
	text[n] = '\n';
	write_file(key_path, text, n + 1);
	assert_refused(key_path, &unlock, "format");
	memset(text, 'x', sizeof text);
	write_file(key_path, text, sizeof text);
	assert_refused(key_path, &unlock, "format");
}

static void a_costly_derivation_is_not_begun(void **state)
{
	(void)state;
	static const char *const locks[] = {"passphrase 2 99999999999",
					    "passphrase 999999 67108864",
					    "passphrase 0 67108864",
					    "passphrase 2 1",
					    "passphrase 2",
					    "passphrase 2 67108864 1",
					    "passphrase",
					    "none"};
	char text[1024], changed[2048];
	sign_key_free(save_new(&phrase));
	size_t n = read_file(key_path, text, sizeof text - 1);
	text[n] = 0;
	char *lock = strstr(text, "\nlock "), *salt = strstr(text, "\nsalt ");
	for (size_t i = 0; i < COUNT(locks); i++) {
		int m = snprintf(changed, sizeof changed, "%.*s\nlock %s%s", (int)(lock - text), text,
				 locks[i], salt);
		write_file(key_path, changed, (size_t)m);
		assert_refused(key_path, &phrase, "format");
	}
}

static void files_that_others_may_use_are_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = {0644, 0640, 0660, 0604, 0601, 0610};
	sign_key_free(save_new(&unlock));
	for (size_t i = 0; i < COUNT(modes); i++) {
		assert_int_equal(chmod(key_path, modes[i]), 0);
		assert_refused(key_path, &unlock, "mode");
	}
	assert_int_equal(chmod(key_path, 0400), 0);
	struct sign_key *back;
	assert_int_equal(sign_key_load(key_path, &unlock, NULL, &back), ERR_OK);
	sign_key_free(back);
	assert_int_equal(chmod(unlock_path, 0644), 0);
	assert_refused(key_path, &unlock, "mode");
	assert_int_equal(chmod(unlock_path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(key_path, 12345, 12345), 0);
		assert_refused(key_path, &unlock, "owner");
	}
}

static void other_things_are_no_key_files(void **state)
{
	(void)state;
	struct sign_key *back;
	struct flaw f;
	assert_refused(folder, &unlock, "regular-file");
	unlink(key_path);
	assert_int_equal(mkfifo(key_path, 0600), 0);
	assert_refused(key_path, &unlock, "regular-file");
	unlink(key_path);
	assert_int_equal(sign_key_load(key_path, &unlock, &f, &back), ERR_NOT_FOUND);
	sign_key_free(save_new(&unlock));
	write_file(other_path, "0123456789012345678901234567890", 31);
	assert_refused(key_path, &other, "size");
	write_file(other_path, "012345678901234567890123456789012", 33);
	assert_refused(key_path, &other, "size");
}

static void keys_of_a_table_open_with_the_same_lock(void **state)
{
	(void)state;
	struct sign_sealer *s, *again;
	struct sign_key *k = sign_key_new(), *back = NULL;
	unsigned char sealed[32 + SIGN_SEAL], twice[32 + SIGN_SEAL];
	assert_int_equal(sign_sealer_open(&unlock, NULL, &s), ERR_OK);
	assert_int_equal(sign_sealer_open(&unlock, NULL, &again), ERR_OK);
	sign_key_seal(s, k, sealed);
	sign_key_seal(s, k, twice);
	assert_memory_not_equal(sealed, twice, sizeof sealed);
	assert_int_equal(sign_key_unseal(again, str_n(sealed, sizeof sealed), &back), ERR_OK);
	assert_memory_equal(sign_public(back), sign_public(k), 32);
	sign_key_free(back);
	back = NULL;
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 0x10;
		assert_int_equal(sign_key_unseal(s, str_n(sealed, sizeof sealed), &back), ERR_BAD_KEY);
		sealed[i] ^= 0x10;
	}
	assert_int_equal(sign_key_unseal(s, str_n(sealed, sizeof sealed - 1), &back), ERR_BAD_KEY);
	sign_sealer_close(again);
	assert_int_equal(sign_sealer_open(&phrase, NULL, &again), ERR_OK);
	assert_int_equal(sign_key_unseal(again, str_n(sealed, sizeof sealed), &back), ERR_BAD_KEY);
	assert_null(back);
	sign_sealer_close(again);
	sign_sealer_close(s);
	sign_sealer_close(NULL);
	sign_key_free(k);
}

/* A daemon starts within 100 ms: a slow hash on this path would take a third of it at least. */
static void the_unlock_file_opens_without_a_slow_hash(void **state)
{
	(void)state;
	struct sign_key *back;
	sign_key_free(save_new(&unlock));
	clock_t least =
	    CLOCKS_PER_SEC; /* of several, and the processor's time: others use this machine too */
	for (int i = 0; i < 10; i++) {
		clock_t began = clock(), took;
		assert_int_equal(sign_key_load(key_path, &unlock, NULL, &back), ERR_OK);
		took = clock() - began;
		if (took < least) least = took;
		sign_key_free(back);
	}
	assert_true(least < CLOCKS_PER_SEC * 30 / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_saved_key_is_read_back),
	    cmocka_unit_test(the_unlock_file_opens_without_a_slow_hash),
	    cmocka_unit_test(nothing_is_overwritten),
	    cmocka_unit_test(another_secret_does_not_open_it),
	    cmocka_unit_test(every_flipped_byte_is_noticed),
	    cmocka_unit_test(a_costly_derivation_is_not_begun),
	    cmocka_unit_test(files_that_others_may_use_are_refused),
	    cmocka_unit_test(keys_of_a_table_open_with_the_same_lock),
	    cmocka_unit_test(other_things_are_no_key_files),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
