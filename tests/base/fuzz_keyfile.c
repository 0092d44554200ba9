/* A key file of any octets is refused with a reason, or is the one key that the lock opens. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char unlock_path[32];
static const struct sign_lock lock = {.unlock_file = unlock_path};

static int file_of(const void *p, size_t n, char path[32])
{
	int fd = memfd_create("key", MFD_CLOEXEC);
	must(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, p, n) == (ssize_t)n);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char secret[33] = "an unlock file that everyone has";
	struct flaw f = {0};
	struct sign_key *key = NULL;
	char path[32];
	if (!unlock_path[0]) {
		must(!sign_setup());
		file_of(secret, 32, unlock_path);
	}
	int fd = file_of(data, n, path);
	enum err e = sign_key_load(path, &lock, &f, &key);
	must(e ? e == ERR_BAD_KEY && f.rule[0] && !key : key != NULL);
	sign_key_free(key);
	close(fd);
	return 0;
}
