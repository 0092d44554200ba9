#include "tests/base/disk_fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SECTOR = 512, PENDING_MAX = 8192, PATH = 256 };

struct pending {
	off_t at;
	size_t n;
	char *octets;
};

struct file {
	dev_t dev;
	ino_t ino;
	int image;
	struct pending pending[PENDING_MAX];
	size_t n;
};

static struct {
	pthread_mutex_t lock; /* the store writes from two threads */
	unsigned calls, at, more;
	enum { NEVER, EXIT, FAIL, SHORT } kind;
	int err;
	uint64_t seed;
	int armed, healed;
	struct file file[DISK_FILES_N];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

static struct file *file_of(int fd)
{
	struct stat st;
	if (!disk.armed || fstat(fd, &st)) return NULL;
	for (int i = 0; i < DISK_FILES_N; i++)
		if (st.st_dev == disk.file[i].dev && st.st_ino == disk.file[i].ino) return &disk.file[i];
	return NULL;
}

static void write_image(const struct file *f, off_t at, const char *octets, size_t n)
{
	if (f->image >= 0 && REAL(pwrite)(f->image, octets, n, at) != (ssize_t)n) abort();
}

static void begin_image(struct file *f, const char *path, const char *image)
{
	char block[65536];
	ssize_t n;
	off_t at = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	f->image = open(image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || f->image < 0) abort();
	for (; (n = pread(fd, block, sizeof block, at)) > 0; at += n) write_image(f, at, block, (size_t)n);
	close(fd);
}

static void arm_file(struct file *f, const char *folder, const char *name, const char *images)
{
	char path[PATH], image[PATH];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (stat(path, &st)) abort();
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->image = -1;
	if (!images) return;
	snprintf(image, sizeof image, "%s/%s", images, name);
	begin_image(f, path, image);
}

__attribute__((visibility("default"))) void disk_fault_arm(const char *folder)
{
	static const char *const names[] = DISK_FILES;
	const char *what = getenv("FAULT"), *images = getenv("FAULT_IMAGE");
	disk.at = number("FAULT_AT");
	disk.more = number("FAULT_MORE");
	disk.seed = number("FAULT_SEED") + 1;
	disk.err = what && !strcmp(what, "ENOSPC") ? ENOSPC : EIO;
	disk.kind = !what ? NEVER : !strcmp(what, "exit") ? EXIT : !strcmp(what, "short") ? SHORT : FAIL;
	for (int i = 0; i < DISK_FILES_N; i++) arm_file(&disk.file[i], folder, names[i], images);
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
	for (struct file *f = disk.file; f < disk.file + DISK_FILES_N; f++)
		for (struct pending *p = f->pending; p < f->pending + f->n; p++)
			for (size_t k = 0; k < p->n; k += SECTOR) {
				size_t n = p->n - k < SECTOR ? p->n - k : SECTOR;
				if (toss() % 4 < odds) write_image(f, p->at + (off_t)k, p->octets + k, n);
			}
}

/* 0: go on; otherwise the call fails with that errno, or -1: writes half. */
static int judge(const struct file *f)
{
	if (disk.healed || !f) return 0;
	unsigned call = ++disk.calls;
	if (disk.kind == NEVER || !disk.at || call < disk.at || call > disk.at + disk.more) return 0;
	if (disk.kind == FAIL) return disk.err;
	if (disk.kind == SHORT) return -1;
	lose_power();
	_exit(DISK_FAULT_EXIT);
}

static void note_written(struct file *f, int fd, off_t at, struct iovec v)
{
	if (fcntl(fd, F_GETFL) & O_DSYNC) { /* a flush of these octets alone */
		write_image(f, at, v.iov_base, v.iov_len);
		return;
	}
	char *copy = malloc(v.iov_len);
	if (f->n == PENDING_MAX || !copy) abort();
	memcpy(copy, v.iov_base, v.iov_len);
	f->pending[f->n++] = (struct pending){at, v.iov_len, copy};
}

static void note_vector(struct file *f, int fd, off_t at, const struct iovec *v, ssize_t n)
{
	if (!f || f->image < 0) return;
	for (; n > 0; v++) {
		struct iovec part = {v->iov_base, v->iov_len < (size_t)n ? v->iov_len : (size_t)n};
		note_written(f, fd, at, part);
		at += (off_t)part.iov_len;
		n -= (ssize_t)part.iov_len;
	}
}

static void note_flushed(struct file *f)
{
	for (size_t i = 0; f && i < f->n; i++) {
		write_image(f, f->pending[i].at, f->pending[i].octets, f->pending[i].n);
		free(f->pending[i].octets);
	}
	if (f) f->n = 0;
}

static size_t total(const struct iovec *v, int count)
{
	size_t n = 0;
	for (int i = 0; i < count; i++) n += v[i].iov_len;
	return n;
}

static ssize_t write_at(int fd, const struct iovec *v, int count, off_t at)
{
	if (count > 1) return REAL(pwritev)(fd, v, count, at);
	return REAL(pwrite)(fd, v->iov_base, v->iov_len, at);
}

/* at < 0: where the file stands. */
static ssize_t do_write(int fd, const struct iovec *v, int count, off_t at)
{
	struct file *f = file_of(fd);
	int e = judge(f);
	if (e > 0) {
		errno = e;
		return -1;
	}
	struct iovec half = {v->iov_base, v->iov_len / 2};
	if (e < 0 && count > 1 && total(v, count))
		count /= 2;
	else if (e < 0)
		v = &half;
	if (at >= 0) {
		ssize_t rc = write_at(fd, v, count, at);
		note_vector(f, fd, at, v, rc);
		return rc;
	}
	at = f ? lseek(fd, 0, SEEK_CUR) : 0;
	ssize_t rc = REAL(writev)(fd, v, count);
	note_vector(f, fd, at, v, rc);
	return rc;
}

static ssize_t locked_write(int fd, const struct iovec *v, int count, off_t at)
{
	pthread_mutex_lock(&disk.lock);
	ssize_t rc = do_write(fd, v, count, at);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *octets, size_t n, off_t at)
{
	return locked_write(fd, &(struct iovec){(void *)(uintptr_t)octets, n}, 1, at);
}

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	return locked_write(fd, v, count, at);
}

__attribute__((visibility("default"))) ssize_t writev(int fd, const struct iovec *v, int count)
{
	return locked_write(fd, v, count, -1);
}

static int flush(int fd, int (*call)(int))
{
	pthread_mutex_lock(&disk.lock);
	struct file *f = file_of(fd);
	int e = judge(f), rc = -1;
	if (e)
		errno = e < 0 ? EIO : e;
	else
		rc = call(fd);
	if (!rc) note_flushed(f);
	pthread_mutex_unlock(&disk.lock);
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
