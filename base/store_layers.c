#include "base/store_env.h"

#include <lmdb.h>
#include <stdlib.h>

struct layers *store__layers_new(struct memtable *first, struct memtable *second)
{
	struct layers *l = malloc(sizeof *l);
	if (l) *l = (struct layers){.mem = {first, second}};
	return l;
}

static struct layers *current(struct store *s)
{
	return atomic_load(&s->layers);
}

static bool marked(const struct store *s, const struct layers *l)
{
	for (struct store_txn *t = s->readers; t; t = t->next)
		if (atomic_load(&t->layers) == l) return true;
	return false;
}

static bool holds(const struct layers *l, const struct memtable *m)
{
	return l && (l->mem[0] == m || l->mem[1] == m);
}

static bool held(struct store *s, const struct memtable *m)
{
	if (holds(current(s), m)) return true;
	for (const struct layers *l = s->replaced; l; l = l->older)
		if (holds(l, m)) return true;
	return false;
}

void store__free_replaced(struct store *s)
{
	for (struct layers **at = &s->replaced, *l; (l = *at);) {
		if (marked(s, l)) {
			at = &l->older;
			continue;
		}
		*at = l->older;
		for (int i = 0; i < LAYERS; i++)
			if (l->mem[i] && !held(s, l->mem[i])) memtable_free(l->mem[i]);
		free(l);
	}
}

void store__set_limit(struct store *s, struct layers *l)
{
	MDB_envinfo info = {0};
	if (s->env)
		must(!mdb_env_info(s->env, &info)); /* without one nobody reads until it is open again */
	atomic_store(&l->limit, info.me_last_txnid + (l->mem[1] != NULL));
}

void store__replace_layers(struct store *s, struct layers *fresh)
{
	struct layers *old = current(s);
	store__set_limit(s, fresh);
	atomic_store(&s->layers, fresh);
	if (!old) return;
	old->older = s->replaced;
	s->replaced = old;
	store__free_replaced(s);
}

bool store__sealed(struct store *s)
{
	return current(s)->mem[1] != NULL;
}

bool store__unfolded(struct store *s)
{
	return store__sealed(s) || !memtable_empty(current(s)->mem[0]);
}

enum err store__seal(struct store *s)
{
	must(!store__sealed(s) && !s->writing);
	struct memtable *fresh = memtable_new(), *full = current(s)->mem[0];
	struct layers *l = fresh ? store__layers_new(fresh, full) : NULL;
	if (!l) {
		memtable_free(fresh);
		return ERR_NO_MEMORY;
	}
	s->sealed_commit = s->commit;
	s->active = !s->active;
	journal_restart(&s->journal[s->active]);
	store__replace_layers(s, l);
	return ERR_OK;
}
