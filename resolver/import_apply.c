#include <stdlib.h>

#include "base/ledger.h"
#include "resolver/import_state.h"
#include "resolver/reverse_type.h"
#include "resolver/state.h"

enum {
	/* A cap: IMPORT_BATCH_OCTETS and one line of 1 MiB as rows made ahead, or as values and texts */
	BATCH_ARENA = 128 << 20,
	BATCH_USUAL = 4 << 20,    /* kept from batch to batch, so that its pages stay */
	SCRATCH_ARENA = 64 << 20, /* the same, packed */
	LOAD_BEGINS =
	    50000, /* records by which a large import is known as one: their rows are made again */
	TELLTALE_MAX = 2 * IMPORT_NAME_MAX + 64,
};

enum err import_batch_open(struct import_batch *b, struct rs *rs)
{
	*b = (struct import_batch){.arena = arena_new_with(BATCH_ARENA, BATCH_USUAL),
				   .scratch = arena_new(SCRATCH_ARENA),
				   .lines = calloc(IMPORT_BATCH_RECORDS, sizeof *b->lines),
				   .rs = rs};
	b->set.changes = calloc(IMPORT_BATCH_RECORDS, sizeof *b->set.changes);
	if (!b->arena || !b->scratch || !b->lines || !b->set.changes) return ERR_NO_MEMORY;
	import_batch_clear(b);
	return ERR_OK;
}

void import_batch_close(struct import_batch *b)
{
	arena_free(b->arena);
	arena_free(b->scratch);
	free(b->lines);
	free(b->set.changes);
}

void import_batch_clear(struct import_batch *b)
{
	arena_reset(b->arena);
	b->set.n = b->lines_n = b->refused = 0;
	b->time = clock_wall();
	b->series_n = 0;
	b->series = NULL;
	b->series_end = &b->series;
	b->read = 0;
	b->begin = b->finish = false;
	b->in_order = true;
}

enum err import_batch_refuse(struct import_batch *b, struct import_line *l, enum err e,
			     const struct flaw *f)
{
	bool told = f->err == e;
	b->refused += !l->err;
	l->err = e;
	l->position = told ? f->offset : FLAW_NO_OFFSET;
	l->at = told ? arena_dup(b->arena, str_of(f->at)) : STR_NONE;
	l->rule = told ? arena_dup(b->arena, str_of(f->rule)) : STR_NONE;
	l->text = told && f->text[0] ? arena_dup(b->arena, str_of(f->text)) : str_of(err_text(e));
	return arena_overflowed(b->arena) ? ERR_NO_MEMORY : ERR_OK;
}

/* ---- applying --------------------------------------------------------------------------- */

bool import__is_ours(enum err e)
{
	return e == ERR_NO_MEMORY || e == ERR_NO_SPACE || e == ERR_IO || e == ERR_CORRUPT ||
	       e == ERR_BUSY || e == ERR_STOPPING || e == ERR_INTERNAL;
}

enum err import__is_of(const struct import *m, struct store_txn *t, uint64_t leaf, bool *ret)
{
	char name[TELLTALE_MAX], who[TELLTALE_MAX];
	struct ledger_leaf entry;
	enum err e = ledger_read(t, leaf, &entry);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	int name_n = snprintf(name, sizeof name, ",\"import\":\"%.*s\",\"kind\":\"", STR_ARG(m->name));
	int who_n = snprintf(who, sizeof who, ",\"who\":\"%.*s\"}", STR_ARG(m->who));
	*ret = memmem(entry.entry.p, entry.entry.n, name, (size_t)name_n) &&
	       str_ends(entry.entry, str_n(who, (size_t)who_n));
	return ERR_OK;
}

static enum err judge(struct registry_set *s, struct registry_change *c, struct store_txn *t, enum err e,
		      struct flaw *f)
{
	struct import_batch *b =
	    (struct import_batch *)(void *)((char *)s - offsetof(struct import_batch, set));
	bool again = false;
	/* what a member of a series was so far is the series', and no line of its own */
	if (!e && !c->created && !c->unchanged && !c->series.n && c->old_leaf >= b->after.first_leaf)
		e = import__is_of(&b->after, t, c->old_leaf, &again);
	if (again)
		e = flaw_set(f, ERR_EXISTS, FLAW_NO_OFFSET, "id", "id-twice",
			     "this import has changed the identifier already");
	if (!e || import__is_ours(e)) return e;
	if (f->err == e) snprintf(f->at, sizeof f->at, "id");
	struct import_line *l = &b->lines[c->place];
	l->judged = true;
	c->unchanged = true;
	return import_batch_refuse(b, l, e, f);
}

/* An import that retires a series may say as well that some of its members go on: exports do. */
static enum err beside(struct registry_set *s, struct store_txn *t, uint64_t leaf, bool *ret)
{
	struct import_batch *b =
	    (struct import_batch *)(void *)((char *)s - offsetof(struct import_batch, set));
	if (leaf < b->after.first_leaf) return ERR_OK;
	return import__is_of(&b->after, t, leaf, ret);
}

/* Where the import stands, and that the batch begins there. */
static enum err take_stand(struct import_batch *b, struct writer_txn *t)
{
	struct import *m = &b->after, now = *m;
	enum err e;
	if (b->begin) {
		e = import_begin(&now, t, &b->flaw);
	} else {
		e = import_find(t->store, m->who, m->name, &now);
		if (!e && (now.offset != b->from || now.finished)) e = ERR_CONFLICT;
	}
	if (e == ERR_NOT_FOUND || e == ERR_EXISTS || e == ERR_CONFLICT)
		return flaw_set(&b->flaw, ERR_CONFLICT, FLAW_NO_OFFSET, "name", "import-moved",
				"the import was continued or removed by another request");
	if (e) return e;
	m->started = now.started;
	m->first_leaf = now.first_leaf;
	m->modified = t->now;
	m->read = now.read + b->read;
	m->created = now.created;
	m->replaced = now.replaced;
	m->unchanged = now.unchanged;
	m->refused = now.refused;
	m->flaws = now.flaws;
	return ERR_OK;
}

static enum err note_refusals(struct import_batch *b, struct store_txn *t)
{
	struct import *m = &b->after;
	enum err e = ERR_OK;
	for (size_t i = 0; i < b->lines_n && b->refused && !e; i++) {
		const struct import_line *l = &b->lines[i];
		if (!l->err) continue;
		m->refused++;
		if (m->flaws == IMPORT_FLAWS_MAX) continue;
		struct import_flaw x = {.line = l->line,
					.offset = l->offset,
					.err = l->err,
					.position = l->position,
					.id = l->id,
					.at = l->at,
					.rule = l->rule,
					.text = l->text};
		m->flaws++;
		e = import_put_flaw(m, &x, t);
	}
	return e;
}

static void count_changes(struct import_batch *b)
{
	for (size_t i = 0; i < b->set.n; i++) {
		const struct registry_change *c = &b->set.changes[i];
		if (b->refused && b->lines[c->place].err) continue;
		if (c->unchanged)
			b->after.unchanged++;
		else if (c->created)
			b->after.created++;
		else
			b->after.replaced++;
	}
}

/* The beginning of a large import: rows of the reverse index wait until all of it has come, if the registry
 * has nothing else. */
static enum err note_load(struct import_batch *b, struct store_txn *t)
{
	bool full = b->lines_n == IMPORT_BATCH_RECORDS || b->after.offset - b->from >= IMPORT_BATCH_OCTETS;
	if (b->finish || !full || b->after.created > LOAD_BEGINS) return ERR_OK;
	return reverse_types_load(t, b->scratch, b->after.created);
}

static enum err look_whether_loading(struct import_batch *b, struct store_txn *t)
{
	struct reverse_types types;
	enum err e = reverse_types_read(t, &types);
	b->loading = !e && !reverse_types_any_noted(&types);
	return e;
}

/* What an earlier attempt to apply it has refused. */
static void forget_judged(struct import_batch *b)
{
	for (size_t i = 0; i < b->lines_n && b->refused; i++) {
		struct import_line *l = &b->lines[i];
		if (!l->judged) continue;
		b->refused -= l->err != ERR_OK;
		l->err = ERR_OK;
		l->judged = false;
	}
}

/* All that can refuse comes before the first write but what ends the whole transaction anyway. */
static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct import_batch *b = (struct import_batch *)(void *)c;
	bool stale = b->rs->zones_applied != b->set.zones_version;
	b->flaw = (struct flaw){.offset = FLAW_NO_OFFSET};
	forget_judged(b);
	enum err e = take_stand(b, t);
	arena_reset(b->scratch);
	if (!e) e = note_load(b, t->store);
	if (!e) e = look_whether_loading(b, t->store);
	if (!e) e = import__apply_series(b, t);
	b->set.no_series = !atomic_load(&b->rs->series_any);
	if (!e && b->set.n) e = registry_apply(&b->set, t, b->scratch, stale, &b->flaw);
	if (!e) count_changes(b);
	if (!e) import__count_series(b);
	if (!e) e = note_refusals(b, t->store);
	if (!e && b->finish) e = import_finish(&b->after, t);
	if (!e) e = import_put(&b->after, t->store);
	return e;
}

static void done(struct writer_cmd *c, enum err result)
{
	struct import_batch *b = (struct import_batch *)(void *)c;
	b->done(b->arg, result);
}

/* The first of those with one identifier stays, the others are refused. The set is in order. */
static enum err refuse_twice(struct import_batch *b)
{
	struct registry_set *s = &b->set;
	size_t n = 1;
	for (size_t i = 1; i < s->n; i++) {
		struct import_line *l = &b->lines[s->changes[i].place];
		struct flaw f;
		if (!str_eq(s->changes[i].id.key, s->changes[n - 1].id.key)) {
			s->changes[n++] = s->changes[i];
			continue;
		}
		flaw_set(&f, ERR_EXISTS, FLAW_NO_OFFSET, "id", "id-twice",
			 "the identifier stands in line %llu already",
			 (unsigned long long)b->lines[s->changes[n - 1].place].line);
		enum err e = import_batch_refuse(b, l, f.err, &f);
		if (e) return e;
	}
	s->n = n;
	return ERR_OK;
}

enum err import_batch_submit(struct import_batch *b)
{
	struct registry_set *s = &b->set;
	enum err e = ERR_OK;
	s->batch = true;
	s->judge = judge;
	s->beside = beside;
	s->who = b->after.who;
	s->import = b->after.name;
	s->condition = b->after.only_new ? REGISTRY_ABSENT : REGISTRY_ANY;
	if (!b->in_order && registry_sort(s, NULL) == ERR_EXISTS) e = refuse_twice(b);
	if (e) return e;
	bool direct = b->follows && b->in_order && s->n && !b->begin && !b->finish;
	b->cmd = (struct writer_cmd){
	    .apply = apply, .done = done, .way = direct ? WRITER_DIRECT : WRITER_PATIENT};
	return writer_submit(b->rs->o.writer, &b->cmd);
}
