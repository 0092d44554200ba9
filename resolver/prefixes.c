#include "resolver/prefixes.h"

#include <stdlib.h>

#include "base/arena.h"
#include "resolver/allocation.h"

enum { TABLE_MIN = 16 };

struct entry {
	struct str prefix;
	uint64_t hash;
	struct prefix_mark mark;
};

struct prefixes {
	struct arena *arena;
	struct entry *table; /* open addressing, a power of two, at most half full; empty: prefix.p NULL */
	size_t table_n;
	uint32_t slots;
	uint16_t lengths[STORE_KEY_MAX]; /* those that occur, ascending */
	size_t lengths_n;
};

/* FNV-1a, so that one pass serves every length. Allocations are the registrar's own: nobody gains by
 * making them collide. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
static uint64_t hash_on(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static struct entry *place_of(const struct prefixes *p, uint64_t hash, struct str prefix)
{
	size_t mask = p->table_n - 1;
	for (size_t i = (hash ^ (hash >> 29)) & mask;; i = (i + 1) & mask) {
		struct entry *e = &p->table[i];
		if (!e->prefix.p || (e->hash == hash && str_eq(e->prefix, prefix))) return e;
	}
}

static void note_length(struct prefixes *p, size_t n)
{
	size_t i = 0;
	while (i < p->lengths_n && p->lengths[i] < n) i++;
	if (i < p->lengths_n && p->lengths[i] == n) return;
	memmove(p->lengths + i + 1, p->lengths + i, (p->lengths_n - i) * sizeof *p->lengths);
	p->lengths[i] = (uint16_t)n;
	p->lengths_n++;
}

static enum err add(void *arg, const struct allocation *x)
{
	struct prefixes *p = arg;
	uint64_t hash = hash_on(HASH_START, x->prefix.p, x->prefix.n);
	struct entry *e = place_of(p, hash, x->prefix);
	*e = (struct entry){arena_dup(p->arena, x->prefix), hash, {x->slot, x->withheld}};
	if (!e->prefix.p) return ERR_NO_MEMORY;
	if (x->slot >= p->slots) p->slots = x->slot + 1;
	note_length(p, x->prefix.n);
	return ERR_OK;
}

enum err prefixes_new(struct store_txn *t, struct prefixes **ret)
{
	uint64_t rows = store_count(t, RS_TABLE_allocation);
	*ret = NULL;
	if (!rows) return ERR_OK;
	struct prefixes *p = calloc(1, sizeof *p);
	if (!p) return ERR_NO_MEMORY;
	for (p->table_n = TABLE_MIN; p->table_n <= rows * 2;) p->table_n *= 2;
	p->table = calloc(p->table_n, sizeof *p->table);
	p->arena = arena_new((size_t)1 << 30); /* bounded by the allocation table, not by a request */
	enum err e = p->table && p->arena ? allocation_each(t, add, p) : ERR_NO_MEMORY;
	if (e)
		prefixes_free(p);
	else
		*ret = p;
	return e;
}

void prefixes_free(struct prefixes *p)
{
	if (!p) return;
	free(p->table);
	arena_free(p->arena);
	free(p);
}

const struct prefix_mark *prefixes_find(const struct prefixes *p, struct str key)
{
	uint64_t h = HASH_START;
	size_t at = 0;
	for (size_t i = 0; i < p->lengths_n && p->lengths[i] <= key.n; i++) {
		size_t n = p->lengths[i];
		h = hash_on(h, key.p + at, n - at);
		at = n;
		const struct entry *e = place_of(p, h, str_first(key, n));
		if (e->prefix.p) return &e->mark;
	}
	return NULL;
}

uint32_t prefixes_slots(const struct prefixes *p)
{
	return p->slots;
}
