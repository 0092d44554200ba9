#include "dataspace/file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct file_out *file_out_of(struct disk_job *j)
{
	return (struct file_out *)(void *)((char *)j - offsetof(struct file_out, job));
}

static void finish(struct file_out *f)
{
	if (f->fd >= 0) close(f->fd);
	f->fd = -1;
	free(f->ready.p);
	free(f->ahead.p);
	f->ready.p = f->ahead.p = NULL;
	f->closed(f);
}

/* ---- opening ---- */

static void open_work(struct disk_job *j)
{
	struct file_out *f = file_out_of(j);
	struct stat st;

	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0 || fstat(f->fd, &st))
		f->err = errno == ENOENT ? ERR_NOT_FOUND : err_errno(errno);
	else if (!S_ISREG(st.st_mode))
		f->err = ERR_IO;
	else
		f->size = (uint64_t)st.st_size;
}

static void open_done(struct disk_job *j)
{
	struct file_out *f = file_out_of(j);

	f->working = false;
	if (j->lost || !f->req) {
		finish(f);
		return;
	}
	f->opened(f, f->err);
}

void file_out_open(struct file_out *f)
{
	f->fd = -1;
	f->job = (struct disk_job){.work = open_work, .done = open_done, .d = f->d, .shard = f->req->shard};
	f->working = true;
	disk_submit(f->disk, &f->job);
}

void file_out_drop(struct file_out *f)
{
	must(!f->working && !f->replied);
	finish(f);
}

/* ---- reading ahead ---- */

static void read_work(struct disk_job *j)
{
	struct file_out *f = file_out_of(j);
	struct file_piece *b = &f->ahead;
	uint64_t left = f->to - f->read_at;
	size_t want = left < FILE_OUT_BUFFER ? (size_t)left : FILE_OUT_BUFFER;
	ssize_t n;

	do n = pread(f->fd, b->p, want, (off_t)f->read_at);
	while (n < 0 && errno == EINTR);
	b->used = 0;
	b->n = n > 0 ? (size_t)n : 0;
	if (n <= 0) f->err = n < 0 ? err_errno(errno) : ERR_CORRUPT; /* shorter than it was */
}

static void read_done(struct disk_job *j)
{
	struct file_out *f = file_out_of(j);

	f->working = false;
	f->read_at += f->ahead.n;
	if (f->over || j->lost)
		finish(f);
	else
		net_resume(f->req);
}

static void read_more(struct file_out *f)
{
	if (f->working || f->ahead.n || f->read_at == f->to || f->err) return;
	f->job = (struct disk_job){.work = read_work, .done = read_done, .d = f->d, .shard = f->req->shard};
	f->working = true;
	disk_submit(f->disk, &f->job);
}

/* ---- sending ---- */

static enum err out_pull(struct net_source *s, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct file_out *f = (struct file_out *)(void *)s;
	enum err e = ERR_OK;
	size_t n;

	if (f->at == f->to) {
		*ret_end = true;
		return ERR_OK;
	}
	/* while it works, ahead and err are the disk's */
	if (!f->working && f->ready.used == f->ready.n && f->ahead.n) {
		struct file_piece empty = f->ready;

		f->ready = f->ahead;
		f->ahead = (struct file_piece){empty.p, 0, 0};
	}
	n = f->ready.n - f->ready.used;
	if (!n && !f->working && f->err) return f->err;
	if (n > room) n = room;
	if (n && f->pass) e = f->pass(f, n, &n);
	if (e) return e;
	if (n) memcpy(out, f->ready.p + f->ready.used, n);
	f->ready.used += n;
	f->at += n;
	read_more(f);
	*ret_n = n;
	*ret_end = f->at == f->to;
	return ERR_OK;
}

static void out_gone(struct net_source *s)
{
	struct file_out *f = (struct file_out *)(void *)s;

	f->over = true;
	f->req = NULL;
	if (f->ended) f->ended(f);
	if (!f->working) finish(f);
}

void file_out_reply(struct file_out *f, int status, const char *type, uint64_t from, uint64_t to)
{
	struct net_req *r = f->req;

	must(from <= to && to <= f->size && !f->replied);
	f->replied = true;
	f->at = f->read_at = from;
	f->to = to;
	f->ready.p = malloc(FILE_OUT_BUFFER);
	f->ahead.p = malloc(FILE_OUT_BUFFER);
	if (!f->ready.p || !f->ahead.p) f->err = ERR_NO_MEMORY; /* the first pull cuts it */
	f->source = (struct net_source){out_pull, out_gone};
	read_more(f);
	net_reply_stream(r, status, type, to - from, &f->source); /* f may have gone when it returns */
}

void file_out_go(struct file_out *f)
{
	if (f->replied && !f->over) net_resume(f->req);
}

static enum err head_pull(struct net_source *s, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	(void)s, (void)out, (void)room;
	*ret_n = 0;
	*ret_end = true;
	return ERR_OK;
}

void file_out_head(struct net_req *r, int status, const char *type, uint64_t length)
{
	static struct net_source none = {head_pull, NULL};

	net_reply_stream(r, status, type, length, &none);
}

void file_out_headers(struct net_req *r, bool part, uint64_t from, uint64_t to, uint64_t size)
{
	net_set(r, "accept-ranges", STR("bytes"));
	if (part)
		net_set(r, "content-range",
			arena_printf(r->arena, "bytes %llu-%llu/%llu", (unsigned long long)from,
				     (unsigned long long)to - 1, (unsigned long long)size));
}

void file_out_unsatisfied(struct net_req *r, uint64_t size)
{
	net_set(r, "content-range", arena_printf(r->arena, "bytes */%llu", (unsigned long long)size));
}
