/* The folder of an environment: data.mdb and lock.mdb as LMDB makes them, and `lock`.
 *
 * lock: one line of text, "pid NNNNNNNNNN\n" and, once the environment has been made, "made\n".
 * The process that has the folder open holds flock(2) on it, which the kernel drops with the
 * process. "made" without data.mdb means that somebody lost it: refused, never begun anew.
 *
 * Row "format" of STORE_META: be32 version of these conventions (1), be32 the owner's format. */
#include "base/store_env.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"

enum { STORE_VERSION = 1, FORMAT_SIZE = 8 };
enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };
enum { READERS = 254 };                      /* shards, couriers and tools of one node: a few dozen */
static const size_t MAP_INITIAL = 64u << 20; /* a young node; costs address space only */
static const size_t MAP_MAX = (size_t)4 << 40;
static const char *const reserved[] = {"meta", "feed", "leaf"};
_Static_assert(sizeof reserved / sizeof *reserved == STORE_APP, "each reserved table has its name");

static enum err refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%s: %s", at, text);
}

static enum err refuse_errno(struct flaw *f, const char *at)
{
	enum err e = err_errno(errno);
	if (e != ERR_NO_SPACE && e != ERR_NO_MEMORY) e = ERR_IO;
	return refuse(f, e, at, "system", strerror(errno));
}

static char *path_in(const char *folder, const char *name)
{
	char *p = NULL;
	return asprintf(&p, "%s/%s", folder, name) < 0 ? NULL : p;
}

/* Only the owner may change what the node answers and signs. */
static enum err check_rights(const char *path, const struct stat *st, struct flaw *f)
{
	if (st->st_uid != geteuid())
		return refuse(f, ERR_IO, path, "owner", "it belongs to another user");
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return refuse(f, ERR_IO, path, "permissions", "others may write to it");
	return ERR_OK;
}

static enum err make_folder(const char *folder, struct flaw *f)
{
	struct stat st;
	if (mkdir(folder, FOLDER_MODE) && errno != EEXIST) return refuse_errno(f, folder);
	if (stat(folder, &st)) return refuse_errno(f, folder);
	if (!S_ISDIR(st.st_mode)) return refuse(f, ERR_IO, folder, "folder", "it is not a folder");
	return check_rights(folder, &st, f);
}

/* What `lock` says; NUL-terminated. */
static void read_lock(int fd, char out[32])
{
	ssize_t n = pread(fd, out, 31, 0);
	out[n > 0 ? n : 0] = 0;
}

static bool lock_says_made(int fd)
{
	char text[32];
	read_lock(fd, text);
	return strstr(text, "made\n") != NULL;
}

static enum err write_lock(struct store *s, bool made, struct flaw *f)
{
	char text[32];
	int n = snprintf(text, sizeof text, "pid %-10ld\n%s", (long)getpid(), made ? "made\n" : "");
	return pwrite(s->lock_fd, text, (size_t)n, 0) == n ? ERR_OK : refuse_errno(f, s->folder);
}

static enum err lock_folder(struct store *s, struct flaw *f)
{
	char *path = path_in(s->folder, "lock"), text[32];
	if (!path) return ERR_NO_MEMORY;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	free(path);
	if (s->lock_fd < 0) return refuse_errno(f, s->folder);
	if (!flock(s->lock_fd, LOCK_EX | LOCK_NB)) return write_lock(s, lock_says_made(s->lock_fd), f);
	if (errno != EWOULDBLOCK) return refuse_errno(f, s->folder);
	read_lock(s->lock_fd, text);
	return flaw_set(f, ERR_LOCKED, FLAW_NO_OFFSET, s->folder, "locked", "%s is in use by process %s",
			s->folder, strncmp(text, "pid ", 4) ? "unknown" : strtok_r(text + 4, " \n", &(char *){0}));
}
