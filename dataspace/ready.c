/* The work of making data flows ready. One job a flow, on disks' threads of its own; a timer ends what
 * takes too long, whatever holds it up. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "dataspace/flow_ready.h"

enum {
	READY_READ = 1 << 20,
	READY_PROBE = 4096, /* written before PREPARED is said: a block */
	READY_KNOWN = 256,  /* files whose digest was found, remembered */
	READY_ARENA = 1 << 20,
	READY_TEXT = 256,
};
#define READY_TICK (250 * USEC_PER_MSEC)
#define READY_PREFIX "put-" /* a start removes what a crash left: content.c */

struct work {
	struct disk_job job; /* first */
	struct running_item item;
	struct readying *all;
	char participant[DS_ID_MAX + 1], id[DS_PID_MAX + 1], pid[FLOW_ITEM_MAX];
	usec_t until; /* of the wall clock */
	bool late;    /* under the lock */
	_Atomic bool cut;
	enum err err;
	char why[READY_TEXT];
	struct work *next;
};

/* What tells that a file is the one that was read through. */
struct known {
	unsigned char digest[HASH_SHA256];
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, modified;
};

struct readying {
	struct dp *dp;
	struct disk *disk;
	struct net_shard *shard;
	pthread_mutex_t lock;
	struct work *first;
	struct known known[READY_KNOWN];
	size_t known_n; /* ever: the oldest gives way */
	_Atomic bool stopping;
};

static bool stopped(const struct work *w)
{
	return atomic_load(&w->cut) || atomic_load(&w->all->stopping);
}

static void fail(struct work *w, enum err e, const char *what)
{
	w->err = e;
	snprintf(w->why, sizeof w->why, "%s: %s", what, err_text(e));
}

/* ---- as the provider: the content is what it should be ---- */

static struct known known_of(const struct stat *st, const unsigned char digest[HASH_SHA256])
{
	struct known k = {.dev = st->st_dev,
			  .ino = st->st_ino,
			  .size = st->st_size,
			  .changed = st->st_ctim,
			  .modified = st->st_mtim};

	memcpy(k.digest, digest, HASH_SHA256);
	return k;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct known *a, const struct known *b)
{
	return !memcmp(a->digest, b->digest, HASH_SHA256) && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && same_time(a->changed, b->changed) &&
	       same_time(a->modified, b->modified);
}

static bool known_has(struct readying *r, const struct known *k)
{
	bool has = false;
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->known_n < READY_KNOWN ? r->known_n : READY_KNOWN;
	for (size_t i = 0; i < n && !has; i++) has = same(&r->known[i], k);
	pthread_mutex_unlock(&r->lock);
	return has;
}

/* Not what was written just now: its time might be that of another write, too. */
static void known_add(struct readying *r, const struct known *k)
{
	if (clock_wall() / USEC_PER_SEC - k->changed.tv_sec < 2) return;
	pthread_mutex_lock(&r->lock);
	r->known[r->known_n++ % READY_KNOWN] = *k;
	pthread_mutex_unlock(&r->lock);
}

static enum err digest_read(struct work *w, int fd, unsigned char ret[HASH_SHA256])
{
	char *piece = malloc(READY_READ);
	struct hash *h = hash_new();
	enum err e = piece && h ? ERR_OK : ERR_NO_MEMORY;

	for (ssize_t n = 1; n && !e;) {
		n = read(fd, piece, READY_READ);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) e = err_errno(errno);
		if (n > 0) hash_add(h, str_n(piece, (size_t)n));
		if (stopped(w)) e = ERR_STOPPING;
	}
	if (!e) hash_finish(h, ret);
	hash_free(h);
	free(piece);
	return e;
}

static void file_check(struct work *w, const Ds__Flow *x, int fd)
{
	unsigned char digest[HASH_SHA256];
	struct stat st;
	struct known k;
	enum err e = fstat(fd, &st) ? err_errno(errno) : ERR_OK;

	if (!e && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != x->size)) e = ERR_CORRUPT;
	if (!e) k = known_of(&st, x->digest.data);
	if (!e && known_has(w->all, &k)) return;
	if (!e) e = digest_read(w, fd, digest);
	if (!e && memcmp(digest, x->digest.data, HASH_SHA256)) e = ERR_CORRUPT;
	if (!e)
		known_add(w->all, &k);
	else if (e == ERR_CORRUPT)
		fail(w, e, "the content is not what was published: restore it or publish it anew");
	else
		fail(w, e, "the content cannot be read");
}

static void content_check(struct work *w, const Ds__Flow *x)
{
	char path[DP_PATH_MAX];
	int fd;

	if (x->digest.len != HASH_SHA256 || !dp_blob_path(w->all->dp->d, x->digest.data, path)) {
		fail(w, ERR_CORRUPT, "the content is unknown");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fail(w, err_errno(errno), "the content cannot be read");
		return;
	}
	file_check(w, x, fd);
	close(fd);
}

/* ---- as the consumer: what will come can be kept ---- */

static void room_check(struct work *w)
{
	static const char probe[READY_PROBE];
	char path[DP_PATH_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "%s/blobs/" READY_PREFIX "XXXXXX", w->all->dp->d->o.folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0) n = write(fd, probe, sizeof probe);
	if (fd < 0 || n < 0 || fsync(fd))
		fail(w, err_errno(errno), "data could not be kept here");
	else if (n < READY_PROBE)
		fail(w, ERR_NO_SPACE, "data could not be kept here");
	if (fd < 0) return;
	unlink(path);
	close(fd);
}

/* ---- a job ---- */

static void work_do(struct disk_job *j)
{
	struct work *w = (struct work *)(void *)j;
	struct ds *d = w->all->dp->d;
	struct arena *a = arena_new(READY_ARENA);
	struct store_txn *t = NULL;
	Ds__Flow *x = NULL;
	enum err e = a ? store_read(d->o.store, &t) : ERR_NO_MEMORY;

	if (!e) e = flow_find(t, a, str_of(w->participant), str_of(w->id), &x);
	if (t) store_read_end(t);
	if (e == ERR_NOT_FOUND || (!e && !flow_unready(x)))
		atomic_store(&w->cut, true);
	else if (e)
		fail(w, e, "the data flow cannot be made ready");
	else if (x->state == DPS_STARTING_STATE)
		content_check(w, x);
	else
		room_check(w);
	arena_free(a);
}

static void work_done(struct disk_job *j)
{
	struct work *w = (struct work *)(void *)j;
	struct readying *r = w->all;
	struct work **p = &r->first;

	running_remove(&r->dp->running, &w->item);
	pthread_mutex_lock(&r->lock);
	while (*p != w) p = &(*p)->next;
	*p = w->next;
	pthread_mutex_unlock(&r->lock);
	/* what a stop cut off is begun anew by the next start */
	if (!stopped(w) &&
	    flow_ready_end(r->dp->d, str_of(w->participant), str_of(w->id), w->err, str_of(w->why)))
		log_line(LOG_ERROR, "flow", NULL, "participant", w->participant, "id", w->id, "msg",
			 "cannot record how it was made ready", NULL);
	free(w);
}

static void item_cut(struct running_item *i, enum err why)
{
	struct work *w = (struct work *)(void *)((char *)i - offsetof(struct work, item));

	(void)why;
	atomic_store(&w->cut, true);
}

void dp_ready_start(struct ds *d, struct str participant, struct str id, usec_t until)
{
	struct readying *r = d->dp->ready;
	struct work *w;

	if (atomic_load(&r->stopping)) return;
	w = calloc(1, sizeof *w);
	if (!w) {
		(void)!flow_ready_end(d, participant, id, ERR_NO_MEMORY, str_of(err_text(ERR_NO_MEMORY)));
		return;
	}
	*w = (struct work){.all = r, .until = until, .job = {.work = work_do, .done = work_done}};
	snprintf(w->participant, sizeof w->participant, "%.*s", STR_ARG(participant));
	snprintf(w->id, sizeof w->id, "%.*s", STR_ARG(id));
	snprintf(w->pid, sizeof w->pid, FLOW_ITEM_PREFIX "%.*s", STR_ARG(id));
	w->item = (struct running_item){
	    .participant = str_of(w->participant), .pid = str_of(w->pid), .cut = item_cut};
	running_add(&r->dp->running, &w->item);
	pthread_mutex_lock(&r->lock);
	w->next = r->first;
	r->first = w;
	pthread_mutex_unlock(&r->lock);
	disk_submit(r->disk, &w->job);
}

/* ---- time ---- */

static void tick(void *arg)
{
	struct readying *r = arg;
	usec_t now = clock_wall();

	if (atomic_load(&r->stopping)) return;
	pthread_mutex_lock(&r->lock);
	for (struct work *w = r->first; w; w = w->next) {
		if (w->late || now < w->until) continue;
		w->late = !flow_ready_end(r->dp->d, str_of(w->participant), str_of(w->id), ERR_TIMEOUT,
					  STR("it took longer than space.flow_ready allows"));
	}
	pthread_mutex_unlock(&r->lock);
	must(net_timer_start(r->shard, READY_TICK, tick, r));
}

/* ---- opening, starting ---- */

enum err ready_open(struct dp *p, struct readying **ret)
{
	struct readying *r = calloc(1, sizeof *r);
	enum err e;

	if (!r) return ERR_NO_MEMORY;
	r->dp = p;
	must(!pthread_mutex_init(&r->lock, NULL));
	e = disk_open(&r->disk);
	if (e)
		ready_close(r);
	else
		*ret = r;
	return e;
}

static enum err find(struct ds *d, struct store_txn *t, struct arena *a)
{
	struct store_cursor *c;
	struct str key, value, participant, id;
	Ds__Flow *x;
	enum err e = store_cursor_open(t, DS_TABLE_readying, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		struct arena_mark mark = arena_mark(a);

		e = ds_key_part(&key, &participant);
		if (!e) e = ds_key_part(&key, &id);
		if (e) break;
		if (!flow_find(t, a, participant, id, &x)) dp_ready_start(d, participant, id, x->ready_by);
		arena_rollback(a, mark);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err ready_start(struct readying *r, struct net_shard *s)
{
	struct arena *a = arena_new(READY_ARENA);
	struct store_txn *t = NULL;
	enum err e = a ? store_read(r->dp->d->o.store, &t) : ERR_NO_MEMORY;

	r->shard = s;
	if (!e) e = find(r->dp->d, t, a);
	if (t) store_read_end(t);
	arena_free(a);
	return e ? e : ds_post(r->dp->d, s, tick, r);
}

void ready_quiesce(struct readying *r)
{
	atomic_store(&r->stopping, true);
}

void ready_close(struct readying *r)
{
	if (!r) return;
	atomic_store(&r->stopping, true);
	disk_close(r->disk);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
