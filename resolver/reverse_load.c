#include "resolver/reverse_load.h"

#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/writer.h"
#include "base/processor.h"
#include "resolver/import_run.h"
#include "resolver/registry.h"
#include "resolver/reverse_build.h"
#include "resolver/reverse_runs.h"

enum {
	NICE = 10,
	ARENA = 8 << 20,       /* targets of one record; names of types */
	STEP_OCTETS = 1 << 20, /* of rows in one command */
	CHANGED_MAX = 1 << 20, /* identifiers changed meanwhile: beyond, it is built step by step */
	STEP_ENTRIES = 256,    /* of the feed, looked at in one command */
	LOOK_EVERY = 256,      /* records between two looks at the clock */
};
static const usec_t QUIET = REVERSE_LOAD_QUIET * USEC_PER_SEC, RETRY = USEC_PER_SEC, NEVER = INT64_MAX;
static const usec_t SNAPSHOT = USEC_PER_SEC; /* how long one is kept */

struct reverse_load {
	struct writer_cmd cmd;
	struct reverse_load_options o;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	usec_t due; /* when to look; NEVER */
	atomic_bool stopping;
	/* the thread's, and its command's while it waits for that */
	struct arena *arena, *scratch;
	struct reverse_runs *runs;
	struct reverse_types types; /* those that are sorted */
	struct buf batch; /* rows of a command: u16 lengths of key, stem, value, then key and value */
	/* positions of the feed up to which changes are known; when the command was handed in */
	uint64_t seen, seen_before;
	void *changed; /* tree of struct str: identifier keys */
	size_t changed_n;
	bool more, found;
};

static struct reverse_load *of(struct writer_cmd *c)
{
	return (struct reverse_load *)c;
}

static enum err apply_rows(struct writer_cmd *c, struct writer_txn *t);

static enum err run(struct reverse_load *l, enum err (*apply)(struct writer_cmd *c, struct writer_txn *t))
{
	l->cmd = (struct writer_cmd){.apply = apply,
				     .way = apply == apply_rows ? WRITER_DIRECT : WRITER_PATIENT};
	l->seen_before = l->seen;
	return writer_run(l->o.writer, &l->cmd);
}

/* Of the machine: a test's clock does not wake anybody. */
static usec_t clock_mono_real(void)
{
	struct timespec t;
	must(!clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

/* ---- changes made meanwhile ---------------------------------------------------------------- */

static int by_octets(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	return str_cmp(*x, *y);
}

static enum err note_changed(struct reverse_load *l, struct str key)
{
	if (tfind(&key, &l->changed, by_octets)) return ERR_OK;
	if (l->changed_n == CHANGED_MAX) return ERR_TOO_LARGE;
	struct str *copy = malloc(sizeof *copy + key.n);
	if (!copy) return ERR_NO_MEMORY;
	*copy = str_n(memcpy(copy + 1, key.p, key.n), key.n);
	if (!tsearch(copy, &l->changed, by_octets)) {
		free(copy);
		return ERR_NO_MEMORY;
	}
	l->changed_n++;
	return ERR_OK;
}

/* Rows of what the record was that it has no more: a command of the same batch as the change may have put
 * them after it. */
static enum err repair(struct reverse_load *l, struct store_txn *t, const struct reverse_types *types,
		       const struct feed_op *op)
{
	struct str old_new[2] = {STR_NONE, STR_NONE};
	uint64_t leaf;
	enum err e = registry_row_split(op->value, &leaf, &old_new[0]);
	if (!e) e = registry_find_key(t, op->key, &leaf, &old_new[1]);
	if (e == ERR_NOT_FOUND) e = ERR_OK;
	return e ? e : reverse_note(t, types, l->scratch, op->key, old_new);
}

/* What the feed tells from the snapshot on. *ret_all: up to its head. */
static enum err catch_up(struct reverse_load *l, struct store_txn *t, const struct reverse_types *types,
			 bool *ret_all)
{
	struct feed *feed = writer_feed(l->o.writer);
	struct feed_entry entry;
	struct feed_walk ops;
	struct feed_op op;
	uint64_t head;
	enum err e = feed->driver->head(feed, t, &head);
	l->seen = l->seen_before;
	for (int n = 0; !e && l->seen < head && n < STEP_ENTRIES; n++) {
		e = feed->driver->read(feed, t, l->seen + 1, &entry);
		if (e) break;
		feed_walk_begin(&ops, &entry);
		while (!(e = feed_next(&ops, &op))) {
			if (op.kind != FEED_WAS || op.table != RS_TABLE_record) continue;
			e = note_changed(l, op.key);
			if (!e) e = repair(l, t, types, &op);
			if (e) break;
		}
		if (e == ERR_NOT_FOUND) e = ERR_OK;
		if (!e) l->seen++;
	}
	*ret_all = l->seen == head;
	return e;
}

/* ---- commands ------------------------------------------------------------------------------ */

/* Rows from before the load, or of a sorting that was cut short: some of them. */
static enum err drop_some(struct reverse_load *l, struct store_txn *t, const struct reverse_type *type)
{
	struct reverse_place at;
	bool more;
	/* nobody notes what is being dropped */
	enum err e = type->state == REVERSE_LOADING
			 ? ERR_OK
			 : reverse_type_move(t, l->arena, type->number, REVERSE_LOADING);
	if (!e) e = reverse_place_read(t, type->number, &at);
	if (!e) e = reverse_drop(t, type->number, l->arena, &at, &more);
	return !e && at.after.n ? reverse_place_write(t, type->number, &at) : e;
}

/* LOADING becomes SORTING once no type has rows. */
static enum err apply_begin(struct writer_cmd *c, struct writer_txn *t)
{
	struct reverse_load *l = of(c);
	struct reverse_types all;
	arena_reset(l->arena);
	enum err e = reverse_types_read(t->store, &all);
	l->more = l->found = false;
	for (size_t i = 0; i < all.n && !e && !l->more; i++) {
		struct reverse_type type = all.type[i];
		bool empty = true;
		if (type.state != REVERSE_LOADING && type.state != REVERSE_SORTING) continue;
		l->found = true;
		e = reverse_empty(t->store, type.number, &empty);
		l->more = !e && !empty;
		if (l->more) e = drop_some(l, t->store, &type);
	}
	if (e || l->more) return e;
	return reverse_types_shift(t->store, l->arena, REVERSE_LOADING, REVERSE_SORTING);
}

/* The types that are still to be sorted: somebody may have said otherwise. */
static enum err apply_rows(struct writer_cmd *c, struct writer_txn *t)
{
	struct reverse_load *l = of(c);
	struct reverse_types types;
	bool all;
	enum err e = reverse_types_read(t->store, &types);
	if (!e) e = catch_up(l, t->store, &types, &all);
	l->more = !e && !all;
	if (e || !all) return e;
	struct str rest = buf_str(&l->batch);
	for (size_t step = 0; rest.n && !e; step++) {
		struct reverse_row row;
		uint16_t n[3];
		processor_offer_each(step);
		memcpy(n, rest.p, sizeof n);
		row.key = str_n(rest.p + sizeof n, n[0]);
		row.value = str_n(row.key.p + n[0], n[2]);
		row.stem_n = n[1];
		rest = str_skip(rest, sizeof n + n[0] + n[2]);
		struct str id = reverse_row_id(&row);
		bool sorting = false;
		for (size_t i = 0; i < types.n; i++)
			sorting |= types.type[i].number == reverse_row_number(&row) &&
				   types.type[i].state == REVERSE_SORTING;
		if (sorting && !tfind(&id, &l->changed, by_octets)) e = reverse_put_row(t->store, &row);
	}
	return e;
}

static enum err apply_end(struct writer_cmd *c, struct writer_txn *t)
{
	struct reverse_load *l = of(c);
	struct reverse_types types;
	bool all;
	arena_reset(l->arena);
	enum err e = reverse_types_read(t->store, &types);
	if (!e) e = catch_up(l, t->store, &types, &all);
	l->more = !e && !all;
	if (e || !all) return e;
	return reverse_types_shift(t->store, l->arena, REVERSE_SORTING, REVERSE_READY);
}

static enum err apply_give_up(struct writer_cmd *c, struct writer_txn *t)
{
	arena_reset(of(c)->arena);
	return reverse_types_shift(t->store, of(c)->arena, REVERSE_SORTING, REVERSE_CLEARING);
}

/* On the writer's thread, as the builder wants it. */
static enum err apply_kick(struct writer_cmd *c, struct writer_txn *t)
{
	(void)t;
	reverse_builder_kick(of(c)->o.builder);
	return ERR_OK;
}

/* ---- gathering ----------------------------------------------------------------------------- */

struct gathering {
	struct reverse_load *l;
	enum err err;
	usec_t until; /* of this snapshot */
	bool more;
	char after[STORE_KEY_MAX]; /* key of the last record */
	size_t after_n, looked;
};

static enum err gather_row(void *arg, const struct reverse_row *row)
{
	struct reverse_load *l = arg;
	return reverse_runs_add(l->runs, row);
}

static bool gather_record(void *arg, struct str key, struct str packed)
{
	struct gathering *g = arg;
	if (atomic_load_explicit(&g->l->stopping, memory_order_relaxed)) g->err = ERR_STOPPING;
	if (!g->err) g->err = reverse_rows(&g->l->types, g->l->scratch, key, packed, gather_row, g->l);
	memcpy(g->after, key.p, key.n);
	g->after_n = key.n;
	processor_offer_each(g->looked);
	g->more = !g->err && ++g->looked % LOOK_EVERY == 0 && clock_mono_real() > g->until;
	return !g->err && !g->more;
}

/* An old snapshot keeps pages from being used again and the map from growing: so one after another. A
 * record that was changed since the first of them is noted by who changed it, and left out here; one that
 * came since has the same rows, whoever puts them. */
static enum err gather_all(struct reverse_load *l, struct store_txn *t)
{
	struct gathering g = {.l = l};
	enum err e;
	do {
		g.more = false;
		g.until = clock_mono_real() + SNAPSHOT;
		e = registry_list(t, STR(""), str_n(g.after, g.after_n), gather_record, &g);
		if (!e) e = g.err;
		if (e || !g.more) break;
		store_read_reset(t);
		e = store_read_renew(t);
	} while (!e);
	return e;
}

static enum err gather(struct reverse_load *l)
{
	struct store_txn *t;
	struct feed *feed = writer_feed(l->o.writer);
	enum err e = store_read(l->o.store, &t);
	if (e) return e;
	e = reverse_types_read(t, &l->types);
	if (!e) reverse_types_only(&l->types, REVERSE_SORTING);
	arena_reset(l->arena); /* no command uses it now */
	for (size_t i = 0; i < l->types.n && !e; i++) {
		l->types.type[i].name = arena_dup(l->arena, l->types.type[i].name);
		if (!l->types.type[i].name.p) e = ERR_NO_MEMORY;
	}
	if (!e) e = feed->driver->head(feed, t, &l->seen);
	if (!e) e = gather_all(l, t);
	store_read_end(t);
	return e;
}

static void add_to_batch(struct reverse_load *l, const struct reverse_row *row)
{
	uint16_t n[3] = {(uint16_t)row->key.n, (uint16_t)row->stem_n, (uint16_t)row->value.n};
	buf_add(&l->batch, str_n(n, sizeof n));
	buf_add(&l->batch, row->key);
	buf_add(&l->batch, row->value);
}

static enum err run_until_done(struct reverse_load *l,
			       enum err (*apply)(struct writer_cmd *, struct writer_txn *))
{
	enum err e;
	do {
		e = atomic_load(&l->stopping) ? ERR_STOPPING : run(l, apply);
	} while (!e && l->more);
	return e;
}

static enum err put_rows(struct reverse_load *l)
{
	struct reverse_row row;
	enum err e = ERR_OK;
	for (bool end = false; !end && !e;) {
		buf_clear(&l->batch);
		size_t n = 0;
		while (!e && n++ < REVERSE_LOAD_ROWS && l->batch.n < STEP_OCTETS) {
			processor_offer_each(n);
			e = reverse_runs_next(l->runs, &row);
			if (!e) add_to_batch(l, &row);
		}
		end = e == ERR_NOT_FOUND;
		if (end) e = ERR_OK;
		if (!e) e = buf_err(&l->batch);
		if (!e) e = run_until_done(l, apply_rows);
	}
	return e ? e : run_until_done(l, apply_end);
}

static enum err sort_all(struct reverse_load *l)
{
	enum err e = reverse_runs_new(store_folder(l->o.store), l->o.run_octets, &l->runs);
	if (!e) e = gather(l);
	if (!e) e = reverse_runs_merge(l->runs);
	if (!e) e = put_rows(l);
	reverse_runs_free(l->runs);
	tdestroy(l->changed, free);
	l->runs = NULL;
	l->changed = NULL;
	l->changed_n = 0;
	buf_done(&l->batch);
	buf_init(&l->batch, 2 * STEP_OCTETS);
	return e;
}

static enum err once(struct reverse_load *l)
{
	if (imports_running(l->o.imports)) return ERR_OK; /* kicks when it ends */
	enum err e = run_until_done(l, apply_begin);
	if (e || !l->found) return e;
	e = sort_all(l);
	if (!e || e == ERR_STOPPING) return e;
	/* step by step it gets there with any memory, any disk that takes the rows, any feed */
	e = run(l, apply_give_up);
	return e ? e : run(l, apply_kick);
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void set_due(struct reverse_load *l, usec_t from_now)
{
	pthread_mutex_lock(&l->lock);
	l->due = clock_mono_real() + from_now;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

static bool wait_due(struct reverse_load *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->due > clock_mono_real() && !atomic_load(&l->stopping)) {
		struct timespec at = {.tv_sec = l->due / USEC_PER_SEC,
				      .tv_nsec = l->due % USEC_PER_SEC * 1000};
		if (l->due == NEVER)
			pthread_cond_wait(&l->wake, &l->lock);
		else
			(void)pthread_cond_timedwait(&l->wake, &l->lock, &at);
	}
	l->due = NEVER;
	pthread_mutex_unlock(&l->lock);
	return !atomic_load(&l->stopping);
}

static void *live(void *arg)
{
	struct reverse_load *l = arg;
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	(void)pthread_setname_np(pthread_self(), "index-load");
	while (wait_due(l))
		if (once(l)) set_due(l, RETRY);
	return NULL;
}

void reverse_load_free(struct reverse_load *l)
{
	if (!l) return;
	arena_free(l->arena);
	arena_free(l->scratch);
	buf_done(&l->batch);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l);
}

enum err reverse_load_start(const struct reverse_load_options *o, struct reverse_load **ret)
{
	struct reverse_load *l = calloc(1, sizeof *l);
	if (!l) return ERR_NO_MEMORY;
	l->o = *o;
	if (!l->o.run_octets) l->o.run_octets = REVERSE_RUN_OCTETS;
	pthread_condattr_t clock;
	l->due = clock_mono_real() + QUIET; /* a load that was cut short may be gone on with soon */
	l->arena = arena_new(ARENA);
	l->scratch = arena_new(ARENA);
	buf_init(&l->batch, 2 * STEP_OCTETS);
	must(!pthread_condattr_init(&clock) && !pthread_condattr_setclock(&clock, CLOCK_MONOTONIC));
	must(!pthread_mutex_init(&l->lock, NULL) && !pthread_cond_init(&l->wake, &clock));
	pthread_condattr_destroy(&clock);
	if (!l->arena || !l->scratch || pthread_create(&l->thread, NULL, live, l)) {
		reverse_load_free(l);
		return ERR_NO_MEMORY;
	}
	*ret = l;
	return ERR_OK;
}

void reverse_load_kick(struct reverse_load *l, bool finished)
{
	if (l) set_due(l, finished ? 0 : QUIET);
}

void reverse_load_stop(struct reverse_load *l)
{
	if (!l || atomic_load(&l->stopping)) return;
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->stopping, true);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
}
