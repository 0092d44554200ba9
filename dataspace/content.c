/* Contents of datasets: PUT …/datasets/{d}/content; and of data flows (flow_in.c).
 *
 * Octets are gathered on the shard, written and hashed on the disk's threads, one buffer filling while
 * the other is written; the client is held back while both are full. The file is flushed, renamed to its
 * digest and the folder flushed before the command that records it, and that is durable before the answer.
 * A cut upload leaves "blobs/put-*", which the next start removes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "dataspace/content.h"
#include "dataspace/dataset.h"

enum {
	PUT_WRITE = 512 << 10, /* gathered before a write */
	PUT_FULL = 1 << 20,    /* waiting while a write runs: the client pauses beyond it */
	PUT_ROOM = 64 << 20,   /* what one protocol window may still add; never reached */
	TYPE_MAX = 200,
};

#define PUT_PREFIX "put-"
static const uint64_t content_unbounded = UINT64_C(1) << 40;

struct upload {
	struct disk_job job;
	struct ds *d;
	struct net_req *req; /* NULL once the client has gone or was answered */
	char participant[DS_ID_MAX + 1], name[DS_PID_MAX + 1], type[TYPE_MAX + 1];
	struct content_in in; /* its texts are these */
	struct buf fill, work;
	bool busy, ended, last, paused, misfit;
	int fd;
	char temp[DP_PATH_MAX];
	struct hash *hash;
	uint64_t size, seen;
	unsigned char digest[HASH_SHA256];
	enum err err;
};

static void upload_free(struct upload *u)
{
	buf_done(&u->fill);
	buf_done(&u->work);
	hash_free(u->hash);
	free(u);
}

/* ---- on the disk's threads ---- */

static struct upload *upload_of(struct disk_job *j)
{
	return (struct upload *)(void *)j;
}

static enum err write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return err_errno(errno);
		s = str_skip(s, (size_t)n);
	}
	return ERR_OK;
}

static enum err upload_keep(struct upload *u)
{
	char path[DP_PATH_MAX], folder[DP_PATH_MAX];

	hash_finish(u->hash, u->digest);
	u->misfit = u->in.promised && memcmp(u->in.want, u->digest, HASH_SHA256);
	if (u->misfit) return ERR_BAD_INPUT;
	if (fsync(u->fd)) return err_errno(errno);
	if (!dp_blob_path(u->d, u->digest, path)) return ERR_IO;
	if (rename(u->temp, path)) return err_errno(errno);
	u->temp[0] = 0;
	snprintf(folder, sizeof folder, "%s/blobs", u->d->o.folder);
	return dp_folder_sync(folder);
}

static void put_work(struct disk_job *j)
{
	struct upload *u = upload_of(j);

	if (u->fd < 0) {
		snprintf(u->temp, sizeof u->temp, "%s/blobs/" PUT_PREFIX "XXXXXX", u->d->o.folder);
		u->fd = mkostemp(u->temp, O_CLOEXEC);
		if (u->fd < 0) {
			u->temp[0] = 0;
			u->err = err_errno(errno);
			return;
		}
	}
	u->err = write_all(u->fd, buf_str(&u->work));
	hash_add(u->hash, buf_str(&u->work));
	u->size += u->work.n;
	buf_clear(&u->work);
	if (!u->err && u->last) u->err = upload_keep(u);
}

static void drop_work(struct disk_job *j)
{
	struct upload *u = upload_of(j);

	if (u->fd >= 0) close(u->fd);
	if (u->temp[0]) unlink(u->temp);
}

static void drop_done(struct disk_job *j)
{
	upload_free(upload_of(j));
}

static void upload_drop(struct upload *u)
{
	u->job = (struct disk_job){.work = drop_work, .done = drop_done};
	disk_submit(u->d->dp->disk, &u->job);
}

/* ---- the record ---- */

static enum err dataset_record(struct ds_job *j, struct writer_txn *t, const struct content_got *g)
{
	char hex[2 * HASH_SHA256 + 1] = {0};
	enum err e = ds_dataset_content_set(t, j->arena, g->participant, g->name, g->digest, g->size,
					    g->type, g->who);

	if (e) return e;
	hex_write(g->digest, HASH_SHA256, hex);
	j->body = arena_printf(j->arena, "{\"digest\":\"sha256:%s\",\"size\":%llu}", hex,
			       (unsigned long long)g->size);
	return ERR_OK;
}

/* Only a dataset that does not end is added to; another would be replaced. */
static enum err endless_check(struct store_txn *t, struct arena *a, struct str participant, struct str name,
			      struct flaw *f)
{
	Ds__Dataset *s;
	enum err e = ds_dataset_find(t, a, participant, name, &s);

	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "append", "unknown", "there is no dataset %.*s",
				STR_ARG(str_first(name, 100)));
	if (e || s->non_finite) return e;
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "append", "finite",
			"the dataset ends: only one that is published as non-finite is added to");
}

static enum err piece_record(struct ds_job *j, struct writer_txn *t, const struct content_got *g)
{
	enum err e = endless_check(t->store, j->arena, g->participant, g->name, &j->flaw);

	return e ? e : dataset_record(j, t, g);
}

struct recording {
	struct content_got got;
	content_record_fn *record;
};

static enum err record_work(struct ds_job *j, struct writer_txn *t)
{
	const struct recording *c = j->in;

	return c->record(j, t, &c->got);
}

static void upload_record(struct upload *u)
{
	struct ds_job *j = ds_job_new(u->d, u->req);
	struct recording *c = j ? ARENA_NEW(j->arena, struct recording) : NULL;

	if (!c) return; /* the request has been answered */
	c->record = u->in.record;
	c->got = (struct content_got){.size = u->size};
	c->got.participant = arena_dup(j->arena, str_of(u->participant));
	c->got.name = arena_dup(j->arena, str_of(u->name));
	c->got.type = arena_dup(j->arena, str_of(u->type));
	c->got.who = arena_dup(j->arena, ds_who(u->req));
	memcpy(c->got.digest, u->digest, sizeof c->got.digest);
	memcpy(c->got.key, u->in.key, sizeof c->got.key);
	j->in = c;
	j->work = record_work;
	atomic_fetch_add(&u->d->dp->stat.contents_stored, 1);
	(void)ds_job_submit(j);
}

/* ---- on the shard ---- */

static void put_pump(struct upload *u);

static void put_done(struct disk_job *j)
{
	struct upload *u = upload_of(j);

	u->busy = false;
	if (j->lost || !u->req) {
		upload_drop(u);
		return;
	}
	if (u->err) {
		struct flaw f = {0};

		if (u->misfit)
			(void)flaw_set(&f, u->err, FLAW_NO_OFFSET, "repr-digest", "digest",
				       "what came has another digest");
		net_reply_err(u->req, u->err, &f);
		upload_drop(u);
		return;
	}
	if (u->last) {
		upload_record(u);
		upload_drop(u);
		return;
	}
	put_pump(u);
}

static void put_pump(struct upload *u)
{
	if (u->busy) {
		if (u->fill.n < PUT_FULL || u->paused) return;
		u->paused = true;
		net_pause(u->req);
		return;
	}
	if (u->fill.n >= PUT_WRITE || u->ended) {
		struct buf full = u->fill;

		u->fill = u->work;
		u->work = full;
		u->last = u->ended;
		u->busy = true;
		u->job = (struct disk_job){
		    .work = put_work, .done = put_done, .d = u->d, .shard = u->req->shard};
		disk_submit(u->d->dp->disk, &u->job);
	}
	if (u->paused) {
		u->paused = false;
		net_unpause(u->req);
	}
}

static void put_gone(void *arg)
{
	struct upload *u = arg;

	u->req = NULL;
	if (!u->busy) upload_drop(u);
}

static enum err put_refuse(struct upload *u, enum err e)
{
	put_gone(u); /* the error we return is the answer */
	return e;
}

static enum err put_data(struct net_req *r, void *arg, struct str piece, bool end, struct flaw *f)
{
	struct upload *u = arg;
	uint64_t max = u->d->o.content_max ? u->d->o.content_max : content_unbounded;

	(void)r;
	u->seen += piece.n;
	if (u->seen > max)
		return put_refuse(u, flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "body", "content-size",
					      "a content may have %llu octets at most",
					      (unsigned long long)max));
	buf_add(&u->fill, piece);
	if (buf_err(&u->fill)) return put_refuse(u, buf_err(&u->fill));
	u->ended = end;
	put_pump(u);
	return ERR_OK;
}

void content_take(struct net_req *r, const struct content_in *in)
{
	struct str type = net_header(r, "content-type");
	struct flaw f = {0};
	struct upload *u = NULL;
	enum err e = ERR_NO_MEMORY;

	if (type.n > TYPE_MAX || !str_utf8_ok(type, NULL))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "content-type", "length",
			     "a media type has at most %d octets", TYPE_MAX);
	else
		u = calloc(1, sizeof *u);
	if (u && !(u->hash = hash_new())) {
		free(u);
		u = NULL;
	}
	if (!u) {
		net_reply_err(r, e, &f);
		return;
	}
	u->d = ds_of(r);
	u->req = r;
	u->fd = -1;
	u->in = *in;
	snprintf(u->participant, sizeof u->participant, "%.*s", STR_ARG(in->participant));
	snprintf(u->name, sizeof u->name, "%.*s", STR_ARG(in->name));
	snprintf(u->type, sizeof u->type, "%.*s", STR_ARG(type));
	buf_init(&u->fill, PUT_ROOM);
	buf_init(&u->work, PUT_ROOM);
	net_on_body(r, put_data, put_gone, u);
}

void content_put(struct net_req *r)
{
	struct content_in in = {.record = dataset_record};
	struct flaw f = {0};
	struct str append;
	enum err e = ds_req_participant(r, &in.participant);

	if (e) return;
	e = net_decode(r->arena, r->param[1], &f, &in.name);
	if (!e) e = dataset_id_check(in.name, &f);
	if (!e && net_query(r, "append", &append)) {
		in.record = piece_record;
		e = endless_check(ds_txn(r->shard), r->arena, in.participant, in.name, &f);
	}
	if (e)
		net_reply_err(r, e, &f);
	else
		content_take(r, &in);
}

void content_sweep(struct ds *d)
{
	char path[DP_PATH_MAX];
	DIR *dir;

	snprintf(path, sizeof path, "%s/blobs", d->o.folder);
	dir = opendir(path);
	if (!dir) return;
	for (struct dirent *e; (e = readdir(dir));)
		if (str_starts(str_of(e->d_name), STR(PUT_PREFIX))) unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}
