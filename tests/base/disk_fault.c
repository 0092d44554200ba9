#include "tests/base/disk_fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, PENDING_MAX = 4096 };

struct pending {
	off_t at;
	size_t n;
	char *octets;
};

static struct {
	unsigned calls, at, more;
	enum { NEVER, EXIT, FAIL, SHORT } kind;
	int err, image;
	uint64_t seed;
	dev_t dev;
	ino_t ino;
	int armed, healed;
	struct pending pending[PENDING_MAX];
	size_t n;
} disk = {.image = -1};

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f) abort();
	return f;
}

static unsigned number(const char *name)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static int is_data(int fd)
{
	struct stat st;
	return disk.armed && !fstat(fd, &st) && st.st_dev == disk.dev && st.st_ino == disk.ino;
}

static void write_image(off_t at, const char *octets, size_t n)
{
	if (disk.image >= 0 && REAL(pwrite)(disk.image, octets, n, at) != (ssize_t)n) abort();
}

static void begin_image(const char *data_file, const char *name)
{
	char block[65536];
	ssize_t n;
	off_t at = 0;
	int fd = open(data_file, O_RDONLY | O_CLOEXEC);
	disk.image = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || disk.image < 0) abort();
	for (; (n = pread(fd, block, sizeof block, at)) > 0; at += n) write_image(at, block, (size_t)n);
	close(fd);
}

__attribute__((visibility("default"))) void disk_fault_arm(const char *data_file)
{
	struct stat st;
	const char *what = getenv("FAULT"), *image = getenv("FAULT_IMAGE");
	if (stat(data_file, &st)) abort();
	disk.dev = st.st_dev;
	disk.ino = st.st_ino;
	disk.at = number("FAULT_AT");
	disk.more = number("FAULT_MORE");
	disk.seed = number("FAULT_SEED") + 1;
	disk.err = what && !strcmp(what, "ENOSPC") ? ENOSPC : EIO;
	disk.kind = !what ? NEVER : !strcmp(what, "exit") ? EXIT : !strcmp(what, "short") ? SHORT : FAIL;
	if (image) begin_image(data_file, image);
	disk.armed = 1;
}

__attribute__((visibility("default"))) void disk_fault_heal(void)
{
	disk.healed = 1;
}

__attribute__((visibility("default"))) unsigned disk_fault_calls(void)
{
	return disk.calls;
}

static unsigned toss(void)
{
	disk.seed = disk.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(disk.seed >> 33);
}

/* What was not flushed reaches the disk sector by sector, or does not. */
static void lose_power(void)
{
	unsigned odds = toss() % 5; /* of 4: none, some, most, all */
	for (size_t i = 0; i < disk.n; i++)
		for (size_t k = 0; k < disk.pending[i].n; k += SECTOR) {
			size_t n = disk.pending[i].n - k < SECTOR ? disk.pending[i].n - k : SECTOR;
			if (toss() % 4 < odds)
				write_image(disk.pending[i].at + (off_t)k, disk.pending[i].octets + k, n);
		}
}

/* 0: go on; otherwise the call fails with that errno, or -1: writes half. */
static int judge(int fd)
{
	if (disk.healed || !is_data(fd)) return 0;
	unsigned call = ++disk.calls;
	if (disk.kind == NEVER || !disk.at || call < disk.at || call > disk.at + disk.more) return 0;
	if (disk.kind == FAIL) return disk.err;
	if (disk.kind == SHORT) return -1;
	lose_power();
	_exit(DISK_FAULT_EXIT);
}

static void note_written(int fd, off_t at, const char *octets, size_t n)
{
	if (disk.image < 0 || !is_data(fd)) return;
	if (fcntl(fd, F_GETFL) & O_DSYNC) { /* a flush of these octets alone */
		write_image(at, octets, n);
		return;
	}
	if (disk.n == PENDING_MAX) abort();
	char *copy = malloc(n);
	if (!copy) abort();
	memcpy(copy, octets, n);
	disk.pending[disk.n++] = (struct pending){at, n, copy};
}

static void note_vector(int fd, off_t at, const struct iovec *v, int count, ssize_t n)
{
	for (int i = 0; i < count && n > 0; i++) {
		size_t part = v[i].iov_len < (size_t)n ? v[i].iov_len : (size_t)n;
		note_written(fd, at, v[i].iov_base, part);
		at += (off_t)part;
		n -= (ssize_t)part;
	}
}

static void note_flushed(int fd)
{
	if (!is_data(fd)) return;
	for (size_t i = 0; i < disk.n; i++) {
		write_image(disk.pending[i].at, disk.pending[i].octets, disk.pending[i].n);
		free(disk.pending[i].octets);
	}
	disk.n = 0;
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *octets, size_t n, off_t at)
{
	int e = judge(fd);
	if (e > 0) {
		errno = e;
		return -1;
	}
	ssize_t rc = REAL(pwrite)(fd, octets, e < 0 ? n / 2 : n, at);
	if (rc > 0) note_written(fd, at, octets, (size_t)rc);
	return rc;
}

static size_t total(const struct iovec *v, int count)
{
	size_t n = 0;
	for (int i = 0; i < count; i++) n += v[i].iov_len;
	return n;
}

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	int e = judge(fd);
	if (e > 0) {
		errno = e;
		return -1;
	}
	ssize_t rc = REAL(pwritev)(fd, v, e < 0 ? count / 2 : count, at);
	if (rc > 0) note_vector(fd, at, v, count, rc);
	return rc;
}

__attribute__((visibility("default"))) ssize_t writev(int fd, const struct iovec *v, int count)
{
	int e = judge(fd);
	if (e > 0) {
		errno = e;
		return -1;
	}
	off_t at = is_data(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t rc = REAL(writev)(fd, v, e < 0 && total(v, count) ? count / 2 : count);
	if (rc > 0) note_vector(fd, at, v, count, rc);
	return rc;
}

static int flush(int fd, int (*call)(int))
{
	int e = judge(fd);
	if (e) {
		errno = e < 0 ? EIO : e;
		return -1;
	}
	int rc = call(fd);
	if (!rc) note_flushed(fd);
	return rc;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	return flush(fd, REAL(fdatasync));
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	return flush(fd, REAL(fsync));
}
