#include "base/memtable.h"

#include <stdlib.h>

/* HEIGHT levels with a quarter of the entries of the level below: enough for 16 million. Blocks grow
 * from small, since most stores are idle, to what keeps calls of malloc rare under load. */
enum { FINGERS = 16 }; /* tables in numbers that follow one another; others share one */
enum { HEIGHT = 12, BLOCK_LEAST = 16 << 10, BLOCK_MOST = 512 << 10 };

struct block {
	struct block *older;
	size_t used, room;
	_Alignas(16) char octets[];
};

struct memtable {
	struct block *blocks;
	size_t octets, next_block;
	uint64_t dice;
	struct mem_entry *newest;
	/* where the last entry of a table was added: on each level the last one up to it. Loads go on there
	 */
	struct mem_entry *finger[FINGERS][HEIGHT];
	_Atomic size_t n;
	struct mem_entry *head; /* before all: no key */
};

struct memtable *memtable_new(void)
{
	struct memtable *m = calloc(1, sizeof *m);
	if (!m) return NULL;
	m->head = calloc(1, sizeof *m->head + HEIGHT * sizeof m->head->next[0]);
	if (!m->head) {
		free(m);
		return NULL;
	}
	m->head->height = HEIGHT;
	m->dice = 0x9e3779b97f4a7c15;
	m->next_block = BLOCK_LEAST;
	return m;
}

void memtable_free(struct memtable *m)
{
	if (!m) return;
	for (struct block *b = m->blocks, *older; b; b = older) {
		older = b->older;
		free(b);
	}
	free(m->head);
	free(m);
}

bool memtable_empty(const struct memtable *m)
{
	return !atomic_load_explicit(&m->n, memory_order_acquire);
}

size_t memtable_octets(const struct memtable *m)
{
	return m->octets;
}

static void *take(struct memtable *m, size_t n)
{
	n = (n + 15) & ~(size_t)15;
	struct block *b = m->blocks;
	if (!b || b->room - b->used < n) {
		size_t room = n > m->next_block ? n : m->next_block;
		b = malloc(sizeof *b + room);
		if (!b) return NULL;
		b->used = 0;
		b->room = room;
		b->older = m->blocks;
		m->blocks = b;
		m->octets += sizeof *b + room;
		if (m->next_block < BLOCK_MOST) m->next_block *= 2;
	}
	void *p = b->octets + b->used;
	b->used += n;
	return p;
}

static unsigned toss_height(struct memtable *m)
{
	unsigned h = 1;
	m->dice ^= m->dice << 13; /* xorshift: balance, not secrecy */
	m->dice ^= m->dice >> 7;
	m->dice ^= m->dice << 17;
	for (uint64_t d = m->dice; h < HEIGHT && !(d & 3); d >>= 2) h++;
	return h;
}

/* ---- searching -------------------------------------------------------------------------- */

struct place {
	unsigned table;
	struct str key;
	bool end; /* after every key of the table */
	uint64_t change;
};

/* Does e come before the place? Of one key the newest change comes first. */
static bool precedes(const struct mem_entry *e, const struct place *p)
{
	if (e->table != p->table) return e->table < p->table;
	if (p->end) return true;
	int c = str_cmp(mem_key(e), p->key);
	return c ? c < 0 : e->change > p->change;
}

static struct mem_entry *next_of(const struct mem_entry *e, unsigned level)
{
	return atomic_load_explicit(&e->next[level], memory_order_acquire);
}

struct found {
	struct mem_entry *before, *after; /* the head, NULL: there is none */
};

/* The entries before and after the place; the one before on each level if asked. Whoever asked for the next
 * of `before` again might get one that was added meanwhile, of another key or another table. */
static struct found seek(const struct memtable *m, const struct place *p, struct mem_entry **ret_levels)
{
	struct found f = {m->head, NULL};
	for (unsigned level = HEIGHT; level-- > 0;) {
		while ((f.after = next_of(f.before, level)) && precedes(f.after, p)) f.before = f.after;
		if (ret_levels) ret_levels[level] = f.before;
	}
	return f;
}

/* From e on, the first entry of the table that the snapshot sees: also what lies behind the place that
 * was looked for may have been added since. */
static const struct mem_entry *first_seen(const struct mem_entry *e, unsigned table, uint64_t snapshot)
{
	while (e && e->table == table && e->change > snapshot) e = next_of(e, 0);
	return e && e->table == table ? e : NULL;
}

const struct mem_entry *memtable_find(const struct memtable *m, unsigned table, struct str key,
				      uint64_t snapshot)
{
	if (memtable_empty(m)) return NULL;
	const struct place p = {table, key, false, snapshot};
	/* the key's entry that the snapshot sees is there or the key has none: what is newer and of other
	 * keys is not walked over, and beside a load it is thousands */
	const struct mem_entry *e = seek(m, &p, NULL).after;
	return e && e->table == table && e->change <= snapshot && str_eq(mem_key(e), key) ? e : NULL;
}

const struct mem_entry *memtable_at_least(const struct memtable *m, unsigned table, struct str key,
					  uint64_t snapshot)
{
	if (memtable_empty(m)) return NULL;
	const struct place p = {table, key, false, snapshot};
	return first_seen(seek(m, &p, NULL).after, table, snapshot);
}

const struct mem_entry *memtable_after(const struct memtable *m, unsigned table, struct str key,
				       uint64_t snapshot)
{
	if (memtable_empty(m)) return NULL;
	const struct place p = {table, key, false, 0}; /* behind all of its changes */
	return first_seen(seek(m, &p, NULL).after, table, snapshot);
}

const struct mem_entry *memtable_before(const struct memtable *m, unsigned table, const struct str *key,
					uint64_t snapshot)
{
	if (memtable_empty(m)) return NULL;
	struct place p = {table, key ? *key : STR(""), !key, MEM_NEWEST};
	for (;;) {
		const struct mem_entry *e = seek(m, &p, NULL).before, *seen;
		if (e == m->head || e->table != table) return NULL;
		seen = memtable_find(m, table, mem_key(e), snapshot);
		if (seen) return seen;
		p = (struct place){table, mem_key(e), false, MEM_NEWEST}; /* all of its changes are newer */
	}
}

const struct mem_entry *memtable_walk(const struct memtable *m, const struct mem_entry *e)
{
	if (!e) return next_of(m->head, 0);
	const struct mem_entry *n = next_of(e, 0);
	while (n && n->table == e->table && str_eq(mem_key(n), mem_key(e))) n = next_of(n, 0);
	return n;
}

/* ---- changing --------------------------------------------------------------------------- */

/* As seek, from the table's finger when the place follows it. */
static void seek_on(struct memtable *m, const struct place *p, struct mem_entry *ret[HEIGHT])
{
	struct mem_entry *const *finger = m->finger[p->table % FINGERS], *at = NULL;
	if (!finger[0] || finger[0]->table != p->table || !precedes(finger[0], p)) {
		(void)seek(m, p, ret);
		return;
	}
	for (unsigned level = HEIGHT; level-- > 0;) {
		if (!at) at = finger[level];
		struct mem_entry *from = at;
		for (struct mem_entry *e; (e = next_of(at, level)) && precedes(e, p);) at = e;
		ret[level] = at;
		if (at == from && from == finger[level]) at = NULL; /* the finger is nearer below */
	}
}

const struct mem_entry *memtable_add(struct memtable *m, const struct feed_op *op, uint64_t change)
{
	unsigned height = toss_height(m);
	size_t value_n = op->kind == FEED_PUT ? op->value.n : 0;
	struct mem_entry *before[HEIGHT],
	    *e = take(m, sizeof *e + height * sizeof e->next[0] + op->key.n + value_n);
	if (!e) return NULL;
	e->change = change;
	e->value_n = (uint32_t)value_n;
	e->key_n = (uint16_t)op->key.n;
	e->table = (uint8_t)op->table;
	e->kind = (uint8_t)op->kind;
	e->height = (uint8_t)height;
	char *octets = (char *)(uintptr_t)mem_octets(e);
	memcpy(octets, op->key.p, op->key.n);
	if (value_n) memcpy(octets + op->key.n, op->value.p, value_n);
	e->older = m->newest;
	m->newest = e;
	seek_on(m, &(struct place){op->table, op->key, false, change}, before);
	for (unsigned i = 0; i < height; i++) {
		atomic_init(&e->next[i], next_of(before[i], i));
		atomic_store_explicit(&before[i]->next[i], e, memory_order_release);
		before[i] = e;
	}
	memcpy(m->finger[op->table % FINGERS], before, sizeof before);
	atomic_fetch_add_explicit(&m->n, 1, memory_order_release);
	return e;
}

void memtable_remove_after(struct memtable *m, uint64_t last)
{
	struct mem_entry *before[HEIGHT];
	memset(m->finger, 0, sizeof m->finger);
	for (struct mem_entry *e = m->newest; e && e->change > last; e = e->older) {
		(void)seek(m, &(struct place){e->table, mem_key(e), false, e->change}, before);
		for (unsigned i = 0; i < e->height; i++)
			atomic_store_explicit(&before[i]->next[i], next_of(e, i), memory_order_release);
		m->newest = e->older;
		atomic_fetch_sub_explicit(&m->n, 1, memory_order_release);
	}
}
