/* Series among the lines of an import: read by the run's thread, applied with the batch they stand in,
 * before its records, each with a ledger entry of its own that names the import. */
#include <stdio.h>

#include "resolver/face_registry.h"
#include "resolver/import_state.h"

static enum err at_pattern(struct flaw *f, enum err e)
{
	if (f->err == e) snprintf(f->at, sizeof f->at, "pattern");
	return e;
}

static enum err judge(struct series_change *c, struct store_txn *t, uint64_t old_leaf, struct flaw *f)
{
	struct import_series *s = (struct import_series *)(void *)c;
	bool again = false;
	enum err e = old_leaf < s->batch->after.first_leaf
			 ? ERR_OK
			 : import__is_of(&s->batch->after, t, old_leaf, &again);
	if (e || !again) return e;
	return flaw_set(f, ERR_EXISTS, FLAW_NO_OFFSET, "pattern", "id-twice",
			"this import has changed the series already");
}

enum err import__take_series(struct import_run *r, const struct record *line, struct str *ret_authority,
			     struct series_change **ret, struct flaw *f)
{
	struct import_batch *b = &r->open->batch;
	struct import_series *s = ARENA_NEW(b->arena, struct import_series);
	if (!s) return ERR_NO_MEMORY;
	s->batch = b;
	s->place = b->lines_n;
	struct series_change *c = &s->c;
	*c = (struct series_change){.act = SERIES_PUT,
				    .record = *line,
				    .who = r->now.who,
				    .roles = b->set.roles,
				    .import = r->now.name,
				    .condition = r->now.only_new ? REGISTRY_ABSENT : REGISTRY_ANY,
				    .judge = judge};
	c->record.series = false; /* the table says so */
	c->record.status = RECORD_ACTIVE;
	enum err e = at_pattern(f, series_pattern_parse(b->arena, line->id, f, &c->pattern));
	if (!e && line->status == RECORD_RETIRED) {
		c->act = SERIES_RETIRE;
		c->tombstone = true;
		e = import__tombstone(&c->record, f, &c->reason);
	}
	if (!e && c->act == SERIES_PUT) e = series_check_values(b->arena, &c->pattern, &c->record, f);
	if (!e) e = at_pattern(f, series_may_change_in(r->zones, &r->scope, &c->pattern, f, ret_authority));
	if (e) return e;
	*b->series_end = s;
	b->series_end = &s->next;
	b->series_n++;
	*ret = c;
	return ERR_OK;
}

enum err import__apply_series(struct import_batch *b, struct writer_txn *t)
{
	/* before it is committed, so that no snapshot has a series that nobody looks for */
	if (b->series_n) atomic_store(&b->rs->series_any, true);
	for (struct import_series *s = b->series; s; s = s->next) {
		struct import_line *l = &b->lines[s->place];
		struct flaw f;
		flaw_init(&f);
		enum err e = series_apply(&s->c, t, b->scratch, &f);
		if (import__is_ours(e)) return e;
		if (!e) continue;
		l->judged = true;
		e = import_batch_refuse(b, l, e, &f);
		if (e) return e;
	}
	return ERR_OK;
}

void import__count_series(struct import_batch *b)
{
	for (const struct import_series *s = b->series; s; s = s->next) {
		if (b->lines[s->place].err) continue;
		if (s->c.unchanged)
			b->after.unchanged++;
		else if (s->c.created)
			b->after.created++;
		else
			b->after.replaced++;
	}
}
