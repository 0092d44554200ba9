/* The thread of a run: lines become changes, changes batches, batches commands of the writer. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/processor.h"
#include "resolver/face_registry.h"
#include "resolver/import_state.h"
#include "resolver/reverse_load.h"
#include "resolver/reverse_type.h"

enum {
	NICE = 10,             /* who resolves comes first */
	LINE_ARENA = 64 << 20, /* one line of 1 MiB as a JSON tree and as values */
};
/* A batch goes off before it is full when nothing came for so long. */
#define LULL (50 * USEC_PER_MSEC)

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
	r->loading = !e && x->batch.loading;
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
	r->near.n = 0;
	r->zones_version = version;
	return ERR_OK;
}

/* A free batch is made the open one. */
static enum err open_batch(struct import_run *r)
{
	struct flight *x = NULL;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < IMPORT_BATCHES; i++)
		if (!r->flights[i].busy) x = &r->flights[i];
	pthread_mutex_unlock(&r->lock);
	must(x != NULL);
	r->open = x;
	r->authority = r->authority_kept = STR_NONE;
	import_batch_clear(&x->batch);
	enum err e = renew_zones(r);
	x->batch.from = r->now.offset;
	x->batch.set.zones_version = r->zones_version;
	return e;
}

/* Whether the set begins behind all that was sent, in an import that fills the registry. */
static bool follows(struct import_run *r, const struct registry_set *s)
{
	pthread_mutex_lock(&r->lock);
	bool loading = r->loading;
	pthread_mutex_unlock(&r->lock);
	return loading && s->n && r->last_key.n && str_cmp(s->changes[0].id.key, r->last_key) > 0;
}

/* Before it is sent: afterwards it is the writer's. Out of order once, it is not trusted any more. */
static void note_last(struct import_run *r, const struct registry_set *s)
{
	struct str key = s->n ? s->changes[s->n - 1].id.key : STR_NONE;
	if (!key.n) return;
	memcpy(r->last_octets, key.p, key.n);
	r->last_key = str_n(r->last_octets, key.n);
}

/* Octets of many lines at once: most blocks are whole there, and no copy of them is needed. */
static void chain_taken(struct import_run *r)
{
	if (r->chained == r->work_at) return;
	bulk_chain_add(&r->now.chain, str_n(r->work.p + r->chained, r->work_at - r->chained));
	r->chained = r->work_at;
}

static enum err send_batch(struct import_run *r, bool finish)
{
	struct flight *x = r->open;
	enum err e = wait_flying(r, IMPORT_FLIGHTS - 1);
	if (e) return e;
	chain_taken(r);
	if (r->undigested) registry_digest(r->undigested, NULL);
	r->undigested = NULL;
	x->batch.after = r->now;
	x->batch.begin = !r->begun;
	x->batch.finish = finish;
	x->batch.follows = follows(r, &x->batch.set);
	note_last(r, &x->batch.set);
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

static struct str kept(struct arena *a, struct str s)
{
	return s.n ? arena_dup(a, s) : STR("");
}

/* A copy of what was read in the line's arena: trees of JSON are freed while they are still warm. */
static enum err keep_record(struct arena *a, const struct record *from, struct record *ret)
{
	*ret = (struct record){.id = kept(a, from->id),
			       .status = from->status,
			       .values_n = from->values_n,
			       .series = from->series};
	ret->values = ARENA_ARRAY(a, struct value, from->values_n);
	for (size_t i = 0; i < from->values_n && ret->values; i++) {
		const struct value *v = &from->values[i];
		struct value *w = &ret->values[i];
		*w = *v;
		w->type = kept(a, v->type);
		w->data = kept(a, v->data);
		w->references = v->references_n ? ARENA_ARRAY(a, struct reference, v->references_n) : NULL;
		for (size_t k = 0; k < v->references_n && w->references; k++)
			w->references[k] =
			    (struct reference){kept(a, v->references[k].handle), v->references[k].index};
	}
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}

/* As exports give what is retired: nothing but why. */
enum err import__tombstone(const struct record *r, struct flaw *f, struct str *ret_reason)
{
	struct str reason = r->values_n ? r->values[0].data : STR_NONE;
	if (r->values_n > 1 || (r->values_n && !str_is(r->values[0].type, RETIRE_REASON_TYPE)))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "values", "tombstone",
				"a retired record has no value but its reason, of type %s",
				RETIRE_REASON_TYPE);
	if (reason.n > RETIRE_REASON_MAX || !str_utf8_ok(reason, NULL))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "values[0].data", "reason",
				"a reason has at most %d octets of UTF-8", RETIRE_REASON_MAX);
	*ret_reason = reason;
	return ERR_OK;
}

static enum err take_tombstone(struct registry_change *c, struct flaw *f)
{
	c->act = REGISTRY_RETIRE;
	c->tombstone = true;
	return import__tombstone(&c->record, f, &c->reason);
}

static enum err read_series(struct import_run *r, const struct record *line, struct flaw *f)
{
	struct series_change *s;
	struct str authority;
	enum err e = import__take_series(r, line, &authority, &s, f);
	return e ? e : keep_authority(r, authority, &s->authority);
}

static void digest(struct import_run *r, const struct registry_change *c)
{
	if (r->undigested) registry_digest(r->undigested, c);
	r->undigested = r->undigested ? NULL : c;
}

/* Of what is made ahead only the row is kept: what it was made of has not left the cache yet, and ends
 * here. */
static enum err keep_change(struct import_run *r, const struct record *read, struct registry_change *c)
{
	struct import_batch *b = &r->open->batch;
	enum err e = ERR_OK;
	c->record = *read;
	/* what begins an import has its time from the ledger's clock */
	if (r->begun && c->act == REGISTRY_PUT) e = registry_make(c, b->time, b->arena);
	if (e) return e;
	if (c->made.n) {
		digest(r, c);
		c->record = (struct record){.values_n = 0};
		return ERR_OK;
	}
	c->reason = kept(b->arena, c->reason);
	return keep_record(b->arena, read, &c->record);
}

static enum err read_record(struct import_run *r, struct str line, struct import_line *l,
			    struct registry_change *c, struct flaw *f)
{
	struct import_batch *b = &r->open->batch;
	struct record read;
	struct str authority;
	arena_reset(r->line);
	enum err e = bulk_record(r->line, r->now.form, &r->columns, line, f, &read);
	if (e || read.series) read.id = kept(b->arena, e ? str_first(read.id, IMPORT_ID_SHOWN) : read.id);
	l->id = str_first(read.id, IMPORT_ID_SHOWN);
	if (e) return e;
	if (read.series) {
		e = keep_record(b->arena, &read, &c->record);
		return e ? e : read_series(r, &c->record, f);
	}
	e = id_parse(b->arena, read.id, f, &c->id);
	if (e && f->err == e) snprintf(f->at, sizeof f->at, "id");
	/* as it was written, which most often is the text that is kept anyway */
	l->id = str_first(!e && str_eq(read.id, c->id.text) ? c->id.text : kept(b->arena, read.id),
			  IMPORT_ID_SHOWN);
	c->record = read;
	if (!e && read.status == RECORD_RETIRED) e = take_tombstone(c, f);
	if (!e)
		e = registry_may_change_at(zones_find_near(r->zones, &c->id, &r->near), &r->scope, &c->id,
					   f, &authority);
	if (!e) e = keep_authority(r, authority, &c->authority);
	return e ? e : keep_change(r, &read, c);
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
	if (c->record.series) return ERR_OK;
	if (b->set.n && str_cmp(c[-1].id.key, c->id.key) >= 0) b->in_order = false;
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
	if (b->lines_n == IMPORT_BATCH_RECORDS || b->series_n == IMPORT_BATCH_SERIES ||
	    r->now.offset - b->from >= IMPORT_BATCH_OCTETS)
		e = send_batch(r, false);
	if (!e && !line->empty)
		e = r->now.form == BULK_CSV && !r->now.header.n ? take_header(r, line->octets, f)
								: take_record(r, line);
	if (e) return e;
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

/* Waits until there is enough input, or some of it after a lull. false: none came in one, and what there is
 * had better go off. Under the lock. */
static bool wait_input(struct import_run *r)
{
	struct timespec until = lull_ends();
	bool waits = r->open->batch.lines_n > 0;
	while (r->in.n < IMPORT_ENOUGH && !r->ended && !r->cancelled && !r->err) {
		if (pthread_cond_timedwait(&r->wake, &r->lock, &until) != ETIMEDOUT) continue;
		if (r->in.n) break;
		if (waits && !r->flying) return false;
		until = lull_ends();
	}
	return true;
}

static enum err take_input(struct import_run *r)
{
	bool paused = false;
	chain_taken(r);
	if (r->work_at) buf_drop(&r->work, r->work_at);
	r->work_at = r->chained = 0;
	pthread_mutex_lock(&r->lock);
	bool lull = !wait_input(r);
	enum err e = r->err ? r->err : r->cancelled ? ERR_STOPPING : ERR_OK;
	if (!e && !lull) {
		struct buf in = r->in;
		r->in = r->taken;
		r->taken = in;
		r->last = r->ended;
		paused = r->paused;
		r->paused = false;
	}
	pthread_mutex_unlock(&r->lock);
	buf_add(&r->work, buf_str(&r->taken));
	buf_clear(&r->taken);
	if (!e) e = buf_err(&r->work);
	/* in vain once the shard has stopped: then the client has gone as well */
	if (paused && rs__post(r->shard, unpause, r)) return ERR_STOPPING;
	return !e && lull ? send_batch(r, false) : e;
}

static enum err read_all(struct import_run *r, struct flaw *f)
{
	struct bulk_line line;
	for (size_t i = 0;; i++) {
		struct str rest = str_skip(buf_str(&r->work), r->work_at);
		processor_offer_each(i);
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

/* Where the registry ends, if it is being filled: what comes goes behind it. */
static enum err know_load(struct import_run *r, struct store_txn *t)
{
	struct reverse_types types;
	struct store_cursor *c;
	struct str row;
	enum err e = reverse_types_read(t, &types);
	if (e || reverse_types_any_noted(&types)) return e;
	r->loading = true;
	e = store_cursor_open(t, RS_TABLE_record, &c);
	if (e) return e;
	e = store_cursor_last(c, &r->last_key, &row);
	if (!e) r->last_key = str_n(memcpy(r->last_octets, r->last_key.p, r->last_key.n), r->last_key.n);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err begin(struct import_run *r, struct flaw *f)
{
	const struct import_wish *w = &r->wish;
	struct store_txn *t;
	struct import row;
	import__wait_for_older(r);
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
	if (!e) e = know_load(r, t);
	store_read_end(t);
	r->split.form = w->form;
	r->state = r->now;
	for (size_t i = 0; i < IMPORT_BATCHES && !e; i++) {
		r->flights[i].run = r;
		e = import_batch_open(&r->flights[i].batch, r->rs);
		r->flights[i].batch.set.roles = w->roles;
	}
	r->line = arena_new(LINE_ARENA);
	if (!e && !r->line) e = ERR_NO_MEMORY;
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

void *import__run(void *arg)
{
	struct import_run *r = arg;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	(void)pthread_setname_np(pthread_self(), "import");
	enum err e = begin(r, &f);
	if (!e) e = read_all(r, &f);
	if (!e) e = end(r, &f);
	if (e) fail(r, e, &f);
	e = wait_flying(r, 0); /* told in r->err */
	import__delist(r);
	reverse_load_kick(r->rs->load, r->state.finished);
	e = rs__post(r->shard, import__finish, r);
	(void)e; /* the shard has stopped: imports_stop ends it */
	return NULL;
}
