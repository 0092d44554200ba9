#include "resolver/import_run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "resolver/face_registry.h"

enum {
	OWN_ARENA = 1 << 20, /* names, scope, header */
	BATCHES = IMPORT_FLIGHTS + 1,
	WORK_MAX = BULK_LINE_MAX + 4 * IMPORT_INPUT,
	NICE = 5, /* who resolves comes first */
};
/* A batch goes off before it is full when nothing came for so long. */
#define LULL (50 * USEC_PER_MSEC)
#define GUARD_EVERY USEC_PER_SEC /* a credential that was revoked or has expired is noticed so soon */

struct imports {
	pthread_mutex_t lock;
	pthread_cond_t left;
	struct import_run *first;
	unsigned n;
};

struct flight {
	struct import_batch batch;
	struct import_run *run;
	bool busy; /* under the run's lock */
};

struct import_run {
	struct rs *rs;
	struct rs_shard *shard;
	struct net_req *req; /* the shard's; NULL once the client has gone */
	struct import_run *next_of_shard;
	bool settled; /* the thread is gone; the client, which still sends, gets its answer with the next
			 piece */
	usec_t guarded;
	struct arena *arena;
	struct import_wish wish;
	pthread_t thread;
	struct import_run *next, *prev; /* under the lock of imports */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	struct buf in;
	bool paused, ended, cancelled, taken_over;
	unsigned flying;
	enum err err; /* the first failure */
	struct flaw flaw;
	struct import state; /* after the last batch that is durable */

	/* the thread's own: */
	struct flight flights[BATCHES];
	struct flight *open; /* the batch that is being read */
	struct buf work;
	size_t work_at;
	bool last; /* all of the input is in work */
	struct bulk_split split;
	struct bulk_columns columns;
	struct scope scope;
	struct zones *zones;
	uint64_t zones_version;
	struct str authority, authority_kept; /* the last one, of the zones and in the open batch's arena */
	struct import now;                    /* after the last line taken */
	bool begun;                           /* its row is there, or in a batch under way */
};

/* ---- those that run --------------------------------------------------------------------- */

struct imports *imports_new(void)
{
	struct imports *i = calloc(1, sizeof *i);
	if (!i) return NULL;
	must(!pthread_mutex_init(&i->lock, NULL) && !pthread_cond_init(&i->left, NULL));
	return i;
}

void imports_free(struct imports *i)
{
	if (!i) return;
	must(!i->first);
	pthread_mutex_destroy(&i->lock);
	pthread_cond_destroy(&i->left);
	free(i);
}

unsigned imports_running(struct imports *i)
{
	pthread_mutex_lock(&i->lock);
	unsigned n = i->n;
	pthread_mutex_unlock(&i->lock);
	return n;
}

static void cancel(struct import_run *r, bool taken_over)
{
	pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	r->taken_over |= taken_over;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

static bool same_import(const struct import_run *x, const struct import_run *y)
{
	return str_eq(x->wish.name, y->wish.name) && str_eq(x->wish.who, y->wish.who);
}

/* Into the list; an older run of the same import is told to end. */
static enum err enlist(struct import_run *r, struct flaw *f)
{
	struct imports *i = r->rs->imports;
	unsigned own = 0;
	pthread_mutex_lock(&i->lock);
	for (struct import_run *x = i->first; x; x = x->next)
		own += str_eq(x->wish.who, r->wish.who) && !same_import(x, r);
	bool full = i->n == IMPORT_RUNS_MAX;
	if (!full && own < IMPORT_RUNS_CREDENTIAL) {
		for (struct import_run *x = i->first; x; x = x->next)
			if (same_import(x, r)) cancel(x, true);
		r->next = i->first;
		if (r->next) r->next->prev = r;
		i->first = r;
		i->n++;
	}
	pthread_mutex_unlock(&i->lock);
	if (!full && own < IMPORT_RUNS_CREDENTIAL) return ERR_OK;
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "name", "imports-running",
			full ? "%d imports run at this node" : "%d imports of this credential run",
			full ? IMPORT_RUNS_MAX : IMPORT_RUNS_CREDENTIAL);
}

static void delist(struct import_run *r)
{
	struct imports *i = r->rs->imports;
	pthread_mutex_lock(&i->lock);
	if (r->next) r->next->prev = r->prev;
	if (r->prev)
		r->prev->next = r->next;
	else
		i->first = r->next;
	i->n--;
	pthread_cond_broadcast(&i->left);
	pthread_mutex_unlock(&i->lock);
}

/* Runs of the same import that are older stand behind this one in the list. */
static void wait_for_older(struct import_run *r)
{
	struct imports *i = r->rs->imports;
	pthread_mutex_lock(&i->lock);
	for (;;) {
		struct import_run *x = r->next;
		while (x && !same_import(x, r)) x = x->next;
		if (!x) break;
		pthread_cond_wait(&i->left, &i->lock);
	}
	pthread_mutex_unlock(&i->lock);
}

/* ---- batches ---------------------------------------------------------------------------- */

static void fail(struct import_run *r, enum err e, const struct flaw *f)
{
	pthread_mutex_lock(&r->lock);
	if (!r->err) {
		r->err = e;
		r->flaw = f && f->err == e ? *f : (struct flaw){.err = ERR_OK};
	}
	pthread_mutex_unlock(&r->lock);
}

static void count_batch(struct rs_counters *n, const struct import_batch *b)
{
	uint64_t refused = 0;
	for (size_t i = 0; i < b->lines_n; i++) refused += b->lines[i].err != ERR_OK;
	atomic_fetch_add_explicit(&n->changes, b->read - refused, memory_order_relaxed);
	atomic_fetch_add_explicit(&n->import_records, b->read, memory_order_relaxed);
	atomic_fetch_add_explicit(&n->import_refused, refused, memory_order_relaxed);
}

static void on_done(void *arg, enum err e)
{
	struct flight *x = arg;
	struct import_run *r = x->run;
	if (e)
		fail(r, e, &x->batch.flaw);
	else
		count_batch(&r->shard->counters, &x->batch);
	pthread_mutex_lock(&r->lock);
	if (!e) r->state = x->batch.after;
	x->busy = false;
	r->flying--;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

/* Until no more than n batches are on their way. */
static enum err wait_flying(struct import_run *r, unsigned n)
{
	pthread_mutex_lock(&r->lock);
	while (r->flying > n) pthread_cond_wait(&r->wake, &r->lock);
	enum err e = r->err ? r->err : r->cancelled ? ERR_STOPPING : ERR_OK;
	pthread_mutex_unlock(&r->lock);
	return e;
}

static enum err renew_zones(struct import_run *r)
{
	struct store_txn *t;
	struct zones *z;
	uint64_t version = atomic_load(&r->rs->zones_version);
	if (r->zones && version == r->zones_version) return ERR_OK;
	enum err e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = zones_new(r->rs->ours, r->rs->o.authority_n, t, &z);
	store_read_end(t);
	if (e) return e;
	zones_free(r->zones);
	r->zones = z;
	r->zones_version = version;
	return ERR_OK;
}

/* A free batch is made the open one. */
static enum err open_batch(struct import_run *r)
{
	struct flight *x = NULL;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < BATCHES; i++)
		if (!r->flights[i].busy) x = &r->flights[i];
	pthread_mutex_unlock(&r->lock);
	must(x != NULL);
	r->open = x;
	r->authority = r->authority_kept = STR_NONE;
	enum err e = import_batch_clear(&x->batch);
	if (!e) e = renew_zones(r);
	x->batch.from = r->now.offset;
	x->batch.set.zones_version = r->zones_version;
	return e;
}

static enum err send_batch(struct import_run *r, bool finish)
{
	struct flight *x = r->open;
	enum err e = wait_flying(r, IMPORT_FLIGHTS - 1);
	if (e) return e;
	x->batch.after = r->now;
	x->batch.begin = !r->begun;
	x->batch.finish = finish;
	x->batch.done = on_done;
	x->batch.arg = x;
	pthread_mutex_lock(&r->lock);
	x->busy = true;
	r->flying++;
	pthread_mutex_unlock(&r->lock);
	e = import_batch_submit(&x->batch);
	if (e) {
		pthread_mutex_lock(&r->lock);
		x->busy = false;
		r->flying--;
		pthread_mutex_unlock(&r->lock);
		return e;
	}
	r->begun = true;
	return open_batch(r);
}

/* ---- lines ------------------------------------------------------------------------------ */

static enum err keep_authority(struct import_run *r, struct str authority, struct str *ret)
{
	/* zones may be renewed before the batch is applied */
	if (!r->authority_kept.p || authority.p != r->authority.p) {
		r->authority = authority;
		r->authority_kept = arena_dup(r->open->batch.arena, authority);
	}
	*ret = r->authority_kept;
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err read_record(struct import_run *r, struct str line, struct import_line *l,
			    struct registry_change *c, struct flaw *f)
{
	struct import_batch *b = &r->open->batch;
	struct str authority;
	enum err e = bulk_record(b->arena, r->now.form, &r->columns, line, f, &c->record);
	l->id = str_first(c->record.id, IMPORT_ID_SHOWN);
	if (e) {
		if (l->id.n) l->id = arena_dup(b->arena, l->id);
		return e;
	}
	e = id_parse(b->arena, c->record.id, f, &c->id);
	if (e && f->err == e) snprintf(f->at, sizeof f->at, "id");
	if (!e) e = registry_may_change_in(r->zones, &r->scope, &c->id, f, &authority);
	if (!e) e = keep_authority(r, authority, &c->authority);
	return e;
}

static enum err take_record(struct import_run *r, const struct bulk_line *line)
{
	struct import_batch *b = &r->open->batch;
	struct import_line *l = &b->lines[b->lines_n];
	struct registry_change *c = &b->set.changes[b->set.n];
	struct flaw f;
	enum err e = ERR_OK;
	flaw_init(&f);
	*l = (struct import_line){.line = r->now.lines + 1, .offset = r->now.offset};
	*c = (struct registry_change){.act = REGISTRY_PUT, .place = b->lines_n};
	if (line->too_long)
		e = flaw_set(&f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "", "line-length",
			     "a line has at most %d octets", BULK_LINE_MAX);
	else
		e = read_record(r, line->octets, l, c, &f);
	if (e == ERR_NO_MEMORY) return e;
	b->read++;
	b->lines_n++;
	if (e) return import_batch_refuse(b, l, e, &f);
	b->set.n++;
	return ERR_OK;
}

static enum err take_header(struct import_run *r, struct str line, struct flaw *f)
{
	enum err e = bulk_columns_parse(r->arena, line, f, &r->columns);
	if (!e) r->now.header = arena_dup(r->arena, line);
	return !e && !r->now.header.p ? ERR_NO_MEMORY : e;
}

static enum err take_line(struct import_run *r, const struct bulk_line *line, struct flaw *f)
{
	const struct import_batch *b = &r->open->batch;
	enum err e = ERR_OK;
	if (b->lines_n == IMPORT_BATCH_RECORDS || r->now.offset - b->from >= IMPORT_BATCH_OCTETS)
		e = send_batch(r, false);
	if (!e && !line->empty)
		e = r->now.form == BULK_CSV && !r->now.header.n ? take_header(r, line->octets, f)
								: take_record(r, line);
	if (e) return e;
	bulk_chain_add(&r->now.chain, str_n(r->work.p + r->work_at, line->n));
	r->work_at += line->n;
	r->now.offset += line->n;
	r->now.lines += line->lines;
	r->now.skipping = r->split.skipping;
	return ERR_OK;
}

/* ---- input ------------------------------------------------------------------------------ */

static void unpause(void *arg)
{
	struct import_run *r = arg;
	if (r->req) net_unpause(r->req);
}

static struct timespec lull_ends(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += LULL * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* Waits for more input, or until what there is had better go off. Under the lock. */
static bool wait_input(struct import_run *r)
{
	const struct timespec until = lull_ends();
	bool waits = r->open->batch.lines_n > 0;
	while (!r->in.n && !r->ended && !r->cancelled && !r->err) {
		if (!waits || r->flying)
			pthread_cond_wait(&r->wake, &r->lock);
		else if (pthread_cond_timedwait(&r->wake, &r->lock, &until) == ETIMEDOUT)
			return false;
	}
	return true;
}

static enum err take_input(struct import_run *r)
{
	bool paused = false;
	if (r->work_at) buf_drop(&r->work, r->work_at);
	r->work_at = 0;
	pthread_mutex_lock(&r->lock);
	bool lull = !wait_input(r);
	enum err e = r->err ? r->err : r->cancelled ? ERR_STOPPING : ERR_OK;
	if (!e && !lull) {
		buf_add(&r->work, buf_str(&r->in));
		buf_clear(&r->in);
		r->last = r->ended;
		paused = r->paused;
		r->paused = false;
		e = buf_err(&r->work);
	}
	pthread_mutex_unlock(&r->lock);
	/* in vain once the shard has stopped: then the client has gone as well */
	if (paused && rs__post(r->shard, unpause, r)) return ERR_STOPPING;
	return !e && lull ? send_batch(r, false) : e;
}

static enum err read_all(struct import_run *r, struct flaw *f)
{
	struct bulk_line line;
	for (;;) {
		struct str rest = str_skip(buf_str(&r->work), r->work_at);
		enum err e = bulk_next(&r->split, rest, r->last && !r->wish.more, f, &line);
		if (!e) {
			e = take_line(r, &line, f);
		} else if (e == ERR_NOT_FOUND) {
			if (r->last) return ERR_OK;
			e = take_input(r);
		} else if (f->offset != FLAW_NO_OFFSET) {
			f->offset += (size_t)r->now.offset;
		}
		if (e) return e;
	}
}

/* ---- beginning and ending --------------------------------------------------------------- */

static enum err conflict(struct flaw *f, const char *rule, const char *text)
{
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "name", rule, "%s", text);
}

static enum err go_on(struct import_run *r, const struct import *row, struct flaw *f)
{
	const struct import_wish *w = &r->wish;
	unsigned char digest[HASH_SHA256];
	if (row->finished) return conflict(f, "import-finished", "the import is finished");
	if (row->form != w->form) return conflict(f, "import-format", "the import began in another format");
	if (row->offset != w->from)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "from", "import-offset",
				"the import goes on at octet %llu", (unsigned long long)row->offset);
	bulk_chain_digest(&row->chain, digest);
	if (w->from && !w->digest_given)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "digest", "required",
				"who continues an import gives the digest of what was sent before");
	if (w->digest_given && memcmp(digest, w->digest, sizeof digest) != 0)
		return flaw_set(f, ERR_PRECONDITION, FLAW_NO_OFFSET, "digest", "import-digest",
				"the import began with other octets");
	r->now = *row;
	r->now.who = w->who;
	r->now.name = w->name;
	r->split.skipping = row->skipping;
	r->begun = true;
	r->now.header = STR_NONE;
	return row->header.n ? take_header(r, row->header, f) : ERR_OK;
}

static enum err begin(struct import_run *r, struct flaw *f)
{
	const struct import_wish *w = &r->wish;
	struct store_txn *t;
	struct import row;
	wait_for_older(r);
	enum err e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = import_find(t, w->who, w->name, &row);
	if (!e) {
		e = go_on(r, &row, f);
	} else if (e == ERR_NOT_FOUND) {
		e = w->from ? flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "from", "import-offset",
				       "there is no such import: it begins at octet 0")
			    : ERR_OK;
		r->now = (struct import){
		    .who = w->who, .name = w->name, .form = w->form, .only_new = w->only_new};
	}
	store_read_end(t);
	r->split.form = w->form;
	r->state = r->now;
	for (size_t i = 0; i < BATCHES && !e; i++) {
		r->flights[i].run = r;
		e = import_batch_open(&r->flights[i].batch, r->rs);
	}
	if (!e) e = scope_parse(r->arena, w->scope, &r->scope);
	return e ? e : open_batch(r);
}

static enum err end(struct import_run *r, struct flaw *f)
{
	const struct import_batch *b = &r->open->batch;
	if (!r->wish.more && r->now.form == BULK_CSV && !r->now.header.n)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "header", "header",
				"the input has no header line");
	if (r->wish.more && r->begun && r->now.offset == b->from) return ERR_OK;
	return send_batch(r, !r->wish.more);
}

static void run_free(struct import_run *r)
{
	for (size_t i = 0; i < BATCHES; i++) import_batch_close(&r->flights[i].batch);
	zones_free(r->zones);
	buf_done(&r->in);
	buf_done(&r->work);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	arena_free(r->arena);
	free(r);
}

static void answer(struct import_run *r)
{
	struct net_req *q = r->req;
	struct buf *out;
	if (r->taken_over) {
		struct flaw f;
		flaw_set(&f, ERR_CONFLICT, FLAW_NO_OFFSET, "name", "import-moved",
			 "another request continues the import");
		net_reply_flaw(q, &f);
	} else if (r->err) {
		net_reply_err(q, r->err, r->flaw.err == r->err ? &r->flaw : NULL);
	} else if (!(out = face_buf(q, FACE_BODY))) {
		net_reply_err(q, ERR_NO_MEMORY, NULL);
	} else {
		import_write_json(&r->state, out);
		net_reply(q, 200, MEDIA_JSON, buf_str(out));
	}
}

/* On the shard: nothing of the run runs any more, its thread is leaving. */
static void finish(void *arg)
{
	struct import_run *r = arg;
	struct import_run **at = &r->shard->imports;
	while (*at != r) at = &(*at)->next_of_shard;
	*at = r->next_of_shard;
	must(!pthread_join(r->thread, NULL));
	if (r->req && !r->ended) {
		r->settled = true;
		if (r->paused) net_unpause(r->req);
		return;
	}
	if (r->req) answer(r);
	run_free(r);
}

static void *run(void *arg)
{
	struct import_run *r = arg;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	enum err e = begin(r, &f);
	if (!e) e = read_all(r, &f);
	if (!e) e = end(r, &f);
	if (e) fail(r, e, &f);
	e = wait_flying(r, 0); /* told in r->err */
	delist(r);
	e = rs__post(r->shard, finish, r);
	(void)e; /* the shard has stopped: imports_stop ends it */
	return NULL;
}

void imports_stop(struct rs_shard *s)
{
	for (struct import_run *r = s->imports; r; r = r->next_of_shard) cancel(r, false);
	while (s->imports) {
		struct import_run *r = s->imports;
		s->imports = r->next_of_shard;
		must(!pthread_join(r->thread, NULL));
		run_free(r);
	}
}

/* ---- the request ------------------------------------------------------------------------ */

static void on_gone(void *arg)
{
	struct import_run *r = arg;
	r->req = NULL;
	if (r->settled)
		run_free(r);
	else
		cancel(r, false);
}

/* Whether the credential still holds, now and then. */
static enum err guard(struct import_run *r, struct flaw *f)
{
	struct net_req *q = r->req;
	usec_t now = clock_mono();
	if (now - r->guarded < GUARD_EVERY) return ERR_OK;
	r->guarded = now;
	void *principal = q->principal;
	struct arena_mark mark = arena_mark(q->arena);
	enum err e = access_guard(r->shard->txn, rs_table_credential, q, f);
	q->principal = principal;
	if (!e) arena_rollback(q->arena, mark);
	return e;
}

static enum err on_piece(struct net_req *q, void *arg, struct str piece, bool last, struct flaw *f)
{
	struct import_run *r = arg;
	if (r->settled) {
		answer(r);
		run_free(r);
		return ERR_OK;
	}
	enum err e = guard(r, f);
	if (!e) {
		pthread_mutex_lock(&r->lock);
		buf_add(&r->in, piece);
		e = buf_err(&r->in);
		r->ended = last;
		r->paused = !last && r->in.n >= IMPORT_INPUT;
		if (r->paused) net_pause(q);
		pthread_cond_broadcast(&r->wake);
		pthread_mutex_unlock(&r->lock);
	}
	if (e) on_gone(r); /* answered by the server */
	return e;
}

static struct import_run *run_new(struct net_req *q, const struct import_wish *w)
{
	struct import_run *r = calloc(1, sizeof *r);
	pthread_condattr_t clock;
	if (!r) return NULL;
	must(!pthread_condattr_init(&clock) && !pthread_condattr_setclock(&clock, CLOCK_MONOTONIC));
	must(!pthread_mutex_init(&r->lock, NULL) && !pthread_cond_init(&r->wake, &clock));
	pthread_condattr_destroy(&clock);
	r->shard = rs__shard(q);
	r->rs = r->shard->rs;
	r->req = q;
	r->guarded = clock_mono();
	r->wish = *w;
	buf_init(&r->in, WORK_MAX);
	buf_init(&r->work, 2 * WORK_MAX);
	r->arena = arena_new(OWN_ARENA);
	if (r->arena) {
		r->wish.who = arena_dup(r->arena, w->who);
		r->wish.scope = arena_dup(r->arena, w->scope);
		r->wish.name = arena_dup(r->arena, w->name);
	}
	if (r->arena && !arena_overflowed(r->arena)) return r;
	run_free(r);
	return NULL;
}

enum err import_run_start(struct net_req *q, const struct import_wish *w, struct flaw *f)
{
	struct import_run *r = run_new(q, w);
	if (!r) return ERR_NO_MEMORY;
	enum err e = enlist(r, f);
	if (!e && pthread_create(&r->thread, NULL, run, r)) {
		delist(r);
		e = ERR_NO_MEMORY;
	}
	if (e) {
		run_free(r);
		return e;
	}
	r->next_of_shard = r->shard->imports;
	r->shard->imports = r;
	net_on_body(q, on_piece, on_gone, r);
	return ERR_OK;
}
