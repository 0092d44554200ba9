/* lock: text: "pid NNNNNNNNNN\n" and, once the environment has been made, "made\n".
 * The process that has the folder open holds flock(2) on it, which the kernel drops with the
 * process. "made" without data.mdb means that somebody lost it: refused, never begun anew. */
#include "base/store_env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, LOCK_TEXT = 32 };

enum err store__refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%s: %s", at, text);
}

enum err store__refuse_errno(struct flaw *f, const char *at)
{
	enum err e = err_errno(errno);
	if (e != ERR_NO_SPACE && e != ERR_NO_MEMORY) e = ERR_IO;
	return store__refuse(f, e, at, "system", strerror(errno));
}

char *store__path(const char *folder, const char *name)
{
	char *p = NULL;
	return asprintf(&p, "%s/%s", folder, name) < 0 ? NULL : p;
}

/* Only the owner may change what the node answers and signs. */
static enum err check_rights(const char *path, const struct stat *st, struct flaw *f)
{
	if (st->st_uid != geteuid())
		return store__refuse(f, ERR_IO, path, "owner", "it belongs to another user");
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return store__refuse(f, ERR_IO, path, "permissions", "others may write to it");
	return ERR_OK;
}

enum err store__make_folder(const char *folder, struct flaw *f)
{
	struct stat st;
	if (mkdir(folder, FOLDER_MODE) && errno != EEXIST) return store__refuse_errno(f, folder);
	if (stat(folder, &st)) return store__refuse_errno(f, folder);
	if (!S_ISDIR(st.st_mode)) return store__refuse(f, ERR_IO, folder, "folder", "it is not a folder");
	return check_rights(folder, &st, f);
}

/* What `lock` says; NUL-terminated. */
static void read_lock(int fd, char out[LOCK_TEXT])
{
	ssize_t n = pread(fd, out, LOCK_TEXT - 1, 0);
	out[n > 0 ? n : 0] = 0;
}

static bool lock_says_made(const struct store *s)
{
	char text[LOCK_TEXT];
	read_lock(s->lock_fd, text);
	return strstr(text, "made\n") != NULL;
}

static enum err write_lock(struct store *s, bool made, struct flaw *f)
{
	char text[LOCK_TEXT];
	int n = snprintf(text, sizeof text, "pid %-10ld\n%s", (long)getpid(), made ? "made\n" : "");
	return pwrite(s->lock_fd, text, (size_t)n, 0) == n ? ERR_OK : store__refuse_errno(f, s->folder);
}

enum err store__lock_folder(struct store *s, struct flaw *f)
{
	char *path = store__path(s->folder, "lock"), text[LOCK_TEXT];
	if (!path) return ERR_NO_MEMORY;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	free(path);
	if (s->lock_fd < 0) return store__refuse_errno(f, s->folder);
	if (!flock(s->lock_fd, LOCK_EX | LOCK_NB)) return write_lock(s, lock_says_made(s), f);
	if (errno != EWOULDBLOCK) return store__refuse_errno(f, s->folder);
	read_lock(s->lock_fd, text);
	struct str pid = str_of(text);
	pid = str_trim(str_first(pid, str_find(pid, '\n')));
	return flaw_set(f, ERR_LOCKED, FLAW_NO_OFFSET, s->folder, "locked", "%s is in use by process %.*s",
			s->folder,
			STR_ARG(str_starts(pid, STR("pid ")) ? str_skip(pid, 4) : STR("unknown")));
}

enum err store__note_made(struct store *s, struct flaw *f)
{
	return lock_says_made(s) ? ERR_OK : write_lock(s, true, f);
}

enum err store__check_data(struct store *s, struct flaw *f)
{
	char *path = store__path(s->folder, "data.mdb");
	struct stat st;
	if (!path) return ERR_NO_MEMORY;
	enum err e = ERR_OK;
	bool there = !stat(path, &st);
	if (!there && errno != ENOENT)
		e = store__refuse_errno(f, path);
	else if ((!there || !st.st_size) && lock_says_made(s))
		e = store__refuse(f, ERR_CORRUPT, path, "lost", "it was there and is gone or empty");
	else if (there)
		e = check_rights(path, &st, f);
	free(path);
	return e;
}

enum err store__sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return ERR_IO;
	int rc = fsync(fd);
	close(fd);
	return rc ? ERR_IO : ERR_OK;
}

enum err store__sync_copy(const char *folder, const char *data)
{
	int fd = open(data, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return ERR_IO;
	int rc = fsync(fd);
	close(fd);
	return rc ? ERR_IO : store__sync_folder(folder);
}

enum err store__empty_folder(const char *folder)
{
	enum err e = store__make_folder(folder, NULL);
	if (e) return e;
	DIR *d = opendir(folder);
	if (!d) return ERR_IO;
	for (struct dirent *x = readdir(d); x && !e; x = readdir(d))
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0) e = ERR_EXISTS;
	closedir(d);
	return e;
}
