#include "dataspace/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

enum { CHECK_READ = 1 << 20 };

static bool path_of(struct ds *d, const struct pull *p, const char *suffix, char out[DP_PATH_MAX])
{
	return dp_pulled_path(d, str_of(p->participant), str_of(p->pid), suffix, out);
}

static void folder_of(struct ds *d, const struct pull *p, char out[DP_PATH_MAX])
{
	snprintf(out, DP_PATH_MAX, "%s/pulled/%s", d->o.folder, p->participant);
}

enum err pull_file_open(struct ds *d, struct pull *p)
{
	char part[DP_PATH_MAX], whole[DP_PATH_MAX], folder[DP_PATH_MAX];
	struct stat st;
	enum err e;

	folder_of(d, p, folder);
	if (!path_of(d, p, ".part", part) || !path_of(d, p, "", whole)) return ERR_NOT_FOUND;
	e = dp_folder_make(folder, NULL);
	if (e) return e;
	/* kept, but we fell before that was recorded: look at it again */
	if (access(part, F_OK) && access(whole, F_OK) == 0 && rename(whole, part)) return err_errno(errno);
	p->fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0) return err_errno(errno);
	if (fstat(p->fd, &st)) {
		e = err_errno(errno);
		pull_file_close(p);
		return e;
	}
	p->at = (uint64_t)st.st_size;
	return ERR_OK;
}

void pull_file_close(struct pull *p)
{
	if (p->fd >= 0) close(p->fd);
	p->fd = -1;
}

static enum err hash_file(struct pull *p, struct hash *h, char *buf, uint64_t *ret_n)
{
	uint64_t at = 0;

	for (;;) {
		ssize_t n = pread(p->fd, buf, CHECK_READ, (off_t)at);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return err_errno(errno);
		if (!n) break;
		if (atomic_load(&p->cut)) return ERR_STOPPING;
		hash_add(h, str_n(buf, (size_t)n));
		at += (uint64_t)n;
	}
	*ret_n = at;
	return ERR_OK;
}

enum err pull_file_check(struct pull *p)
{
	struct hash *h = hash_new();
	char *buf = malloc(CHECK_READ);
	enum err e = h && buf ? ERR_OK : ERR_NO_MEMORY;

	if (!e && fdatasync(p->fd)) e = err_errno(errno);
	if (!e) e = hash_file(p, h, buf, &p->at);
	if (!e) hash_finish(h, p->digest);
	hash_free(h);
	free(buf);
	return e;
}

static enum err move(struct ds *d, struct pull *p, const char *suffix)
{
	char from[DP_PATH_MAX], to[DP_PATH_MAX], folder[DP_PATH_MAX];

	folder_of(d, p, folder);
	if (!path_of(d, p, ".part", from) || !path_of(d, p, suffix, to)) return ERR_NOT_FOUND;
	if (rename(from, to)) return err_errno(errno);
	return dp_folder_sync(folder);
}

enum err pull_file_keep(struct ds *d, struct pull *p)
{
	return move(d, p, "");
}

enum err pull_file_aside(struct ds *d, struct pull *p)
{
	return move(d, p, ".bad");
}
