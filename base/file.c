#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err refuse(struct flaw *f, enum err e, const char *path, const char *rule, const char *why)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, path, rule, "%s: %s", path, why);
}

static enum err refuse_errno(struct flaw *f, const char *path, int errnum)
{
	const char *rule = errnum == EEXIST ? "exists" : errnum == ENOENT ? "not-found" : "io";
	char why[128];
	return refuse(f, err_errno(errnum), path, rule, strerror_r(errnum, why, sizeof why));
}

static bool write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return false;
		s = str_skip(s, (size_t)n);
	}
	return fsync(fd) == 0;
}

/* The folder's entry is durable only when the folder is. */
static bool sync_folder(const char *path)
{
	char folder[PATH_MAX];
	size_t n = str_rfind(str_of(path), '/');
	if (!path[n])
		snprintf(folder, sizeof folder, ".");
	else
		snprintf(folder, sizeof folder, "%.*s", n ? (int)n : 1, path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return false;
	bool ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

enum err file_create(const char *path, unsigned mode, struct str contents, struct flaw *f)
{
	char draft[PATH_MAX];
	int n = snprintf(draft, sizeof draft, "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof draft) return refuse_errno(f, path, ENAMETOOLONG);
	if (access(path, F_OK) == 0) return refuse_errno(f, path, EEXIST);
	int fd = mkostemp(draft, O_CLOEXEC);
	if (fd < 0) return refuse_errno(f, path, errno);
	/* link(), unlike rename(), does not replace what came to be there meanwhile */
	bool ok = fchmod(fd, mode) == 0 && write_all(fd, contents) && link(draft, path) == 0;
	int errnum = errno;
	close(fd);
	unlink(draft);
	if (!ok) return refuse_errno(f, path, errnum);
	if (!sync_folder(path)) return refuse_errno(f, path, errno);
	return ERR_OK;
}

static enum err check_private(const struct stat *s, enum file_private kind, const char *path,
			      struct flaw *f)
{
	if (!S_ISREG(s->st_mode))
		return refuse(f, ERR_BAD_KEY, path, "regular-file", "is not a regular file");
	bool roots = kind == FILE_SECRET && s->st_uid == 0 && geteuid() != 0;
	if (s->st_uid != geteuid() && !roots)
		return refuse(f, ERR_BAD_KEY, path, "owner", "belongs to another user");
	if (s->st_mode & (roots ? 037 : 077))
		return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, path, "mode",
				"%s: others may use it (mode %04o); chmod 600 first", path,
				(unsigned)s->st_mode & 07777);
	return ERR_OK;
}

/* An errno; E2BIG when there is more than room. */
static int read_all(int fd, char *out, size_t room, size_t *ret_n)
{
	size_t at = 0;
	char more;
	for (;;) {
		ssize_t n = at < room ? read(fd, out + at, room - at) : read(fd, &more, 1);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return errno;
		if (n == 0) break;
		if (at == room) return E2BIG;
		at += (size_t)n;
	}
	*ret_n = at;
	return 0;
}

enum err file_read_private(const char *path, enum file_private kind, struct flaw *f, void *out, size_t room,
			   size_t *ret_n)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) return refuse_errno(f, path, errno);
	struct stat s;
	enum err e = fstat(fd, &s) ? refuse_errno(f, path, errno) : check_private(&s, kind, path, f);
	int errnum = e ? 0 : read_all(fd, out, room, ret_n);
	if (errnum == E2BIG)
		e = refuse(f, ERR_BAD_KEY, path, "size", "is longer than such a file is");
	else if (errnum)
		e = refuse_errno(f, path, errnum);
	close(fd);
	return e;
}
