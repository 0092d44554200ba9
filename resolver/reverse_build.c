#include "resolver/reverse_build.h"

#include <stdlib.h>

#include "resolver/registry.h"
#include "resolver/reverse_series.h"

/* Keys of the rows dropped in one step, or the targets of one record at a time. */
enum { BUILD_ARENA = 8 << 20 };

struct reverse_builder {
	struct writer_cmd cmd;
	struct writer *writer;
	struct arena *arena;
	const char *const *wanted;
	size_t wanted_n;
	bool more, busy; /* the writer's, once started */
};

/* ---- one step --------------------------------------------------------------------------- */

struct walk {
	struct store_txn *txn;
	struct arena *arena;
	const struct reverse_types *types;
	unsigned char number;
	size_t left, octets;
	struct reverse_place place; /* after: borrowed from the table record */
	bool more;
	enum err err;
};

static bool look_at(void *arg, struct str key, struct str packed)
{
	struct walk *w = arg;
	if (!w->left || w->octets > REVERSE_STEP_OCTETS) {
		w->more = true;
		return false;
	}
	w->err = reverse_build_one(w->txn, w->types, w->number, w->arena, key, packed);
	w->left--;
	w->octets += packed.n;
	w->place.after = key;
	w->place.records++;
	return !w->err;
}

static enum err build(struct writer_txn *t, struct arena *a, const struct reverse_types *types,
		      unsigned char number)
{
	struct walk w = {
	    .txn = t->store, .arena = a, .types = types, .number = number, .left = REVERSE_STEP};
	enum err e = reverse_place_read(t->store, number, &w.place);
	struct str after = w.place.after.n ? arena_dup(a, w.place.after) : STR_NONE;
	if (!e && w.place.after.n && !after.p) e = ERR_NO_MEMORY;
	if (!e) e = registry_list(t->store, STR(""), after, look_at, &w);
	if (!e) e = w.err;
	if (e) return e;
	if (w.more) return reverse_place_write(t->store, number, &w.place);
	e = reverse_series_build(t->store, a, number, &w.more);
	return e || w.more ? e : reverse_type_move(t->store, a, number, REVERSE_READY);
}

static enum err clear(struct writer_txn *t, struct arena *a, unsigned char number, enum reverse_state then)
{
	struct reverse_place at;
	bool more;
	enum err e = reverse_place_read(t->store, number, &at);
	if (!e) e = reverse_drop(t->store, number, a, &at, &more);
	if (e) return e;
	if (more) return reverse_place_write(t->store, number, &at);
	e = reverse_series_drop(t->store, a, number, &more);
	return e || more ? e : reverse_type_move(t->store, a, number, then);
}

/* LOADING and SORTING are resolver/reverse_load.h's. */
static bool is_ours(enum reverse_state s)
{
	return s == REVERSE_BUILDING || s == REVERSE_CLEARING || s == REVERSE_LEAVING;
}

enum err reverse_build_step(struct writer_txn *t, struct arena *a, bool *ret_more)
{
	struct reverse_types types;
	struct arena_mark mark = arena_mark(a);
	enum err e = reverse_types_read(t->store, &types);
	size_t i = 0;
	*ret_more = false;
	while (!e && i < types.n && !is_ours(types.type[i].state)) i++;
	if (!e && i < types.n) {
		struct reverse_type type = types.type[i];
		*ret_more = true; /* the step after the last one finds nothing, and ends it */
		if (type.state == REVERSE_BUILDING)
			e = build(t, a, &types, type.number);
		else
			e = clear(t, a, type.number,
				  type.state == REVERSE_LEAVING ? REVERSE_NONE : REVERSE_BUILDING);
	}
	arena_rollback(a, mark);
	return e;
}

/* ---- step after step --------------------------------------------------------------------- */

static enum err apply_step(struct writer_cmd *c, struct writer_txn *t)
{
	struct reverse_builder *b = (struct reverse_builder *)c;
	return reverse_build_step(t, b->arena, &b->more);
}

static void go_on(struct reverse_builder *b)
{
	b->busy = true; /* before the thread may see it */
	if (writer_submit(b->writer, &b->cmd)) b->busy = false;
}

/* After a failure (a full disk, a stop) the next kick or start goes on. */
static void step_done(struct writer_cmd *c, enum err result)
{
	struct reverse_builder *b = (struct reverse_builder *)c;
	b->busy = false;
	if (!result && b->more) go_on(b);
}

void reverse_builder_kick(struct reverse_builder *b)
{
	if (!b->busy) go_on(b);
}

static enum err apply_types(struct writer_cmd *c, struct writer_txn *t)
{
	struct reverse_builder *b = (struct reverse_builder *)c;
	arena_reset(b->arena);
	return reverse_types_set(t->store, b->arena, b->wanted, b->wanted_n, &b->more);
}

enum err reverse_types_check(const char *const *wanted, size_t n, struct flaw *f)
{
	size_t different = 0;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(wanted[i]);
		bool again = false;
		if (!len || len > RECORD_TYPE_MAX)
			return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.find_types",
					"type-length", "\"%.40s\": a type has 1 to %d octets", wanted[i],
					RECORD_TYPE_MAX);
		for (size_t k = 0; k < i; k++) again |= str_eq_nocase(str_of(wanted[k]), str_of(wanted[i]));
		different += !again;
	}
	if (different > REVERSE_TYPES_MAX)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.find_types", "types-number",
				"more than %d types", REVERSE_TYPES_MAX);
	return ERR_OK;
}

enum err reverse_builder_start(struct writer *w, const char *const *wanted, size_t wanted_n, struct flaw *f,
			       struct reverse_builder **ret)
{
	enum err e = reverse_types_check(wanted, wanted_n, f);
	if (e) return e;
	struct reverse_builder *b = calloc(1, sizeof *b);
	if (!b) return ERR_NO_MEMORY;
	*b = (struct reverse_builder){.cmd = {.apply = apply_types},
				      .writer = w,
				      .arena = arena_new(BUILD_ARENA),
				      .wanted = wanted,
				      .wanted_n = wanted_n};
	e = b->arena ? writer_run(w, &b->cmd) : ERR_NO_MEMORY;
	if (e) {
		reverse_builder_free(b);
		return e == ERR_TOO_LARGE ? flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.find_types",
						     "types-number",
						     "with those that are still being dropped, more than "
						     "%d types",
						     REVERSE_TYPES_MAX)
					  : e;
	}
	b->cmd = (struct writer_cmd){.apply = apply_step, .done = step_done};
	*ret = b;
	if (b->more) go_on(b);
	return ERR_OK;
}

void reverse_builder_free(struct reverse_builder *b)
{
	if (!b) return;
	arena_free(b->arena);
	free(b);
}
