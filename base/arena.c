#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

/* First block holds a usual request; later ones double up to a megabyte. */
enum { FIRST_BLOCK = 4096 - 64, LARGEST_BLOCK = 1 << 20, ALIGN = 16 };

struct block {
	struct block *prev;
	size_t size, used;
	_Alignas(ALIGN) char bytes[];
};

struct cleanup {
	struct cleanup *prev;
	arena_cleanup_fn *fn;
	void *arg;
};

struct arena {
	struct block *top;
	struct cleanup *cleanups;
	size_t cap, total;
	bool overflowed;
};

static struct block *block_new(struct block *prev, size_t size)
{
	struct block *b = malloc(sizeof *b + size);
	if (!b) return NULL;
	b->prev = prev;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *arena_new_with(size_t cap, size_t first)
{
	struct arena *a = calloc(1, sizeof *a);
	if (!a) return NULL;
	a->cap = cap;
	a->top = block_new(NULL, cap < first ? (cap + ALIGN) : first);
	if (!a->top) {
		free(a);
		return NULL;
	}
	return a;
}

struct arena *arena_new(size_t cap)
{
	return arena_new_with(cap, FIRST_BLOCK);
}

static void run_cleanups(struct arena *a, struct cleanup *until)
{
	while (a->cleanups != until) {
		struct cleanup *c = a->cleanups;
		a->cleanups = c->prev;
		c->fn(c->arg);
	}
}

static void drop_blocks(struct arena *a, struct block *until)
{
	while (a->top != until) {
		struct block *b = a->top;
		a->top = b->prev;
		free(b);
	}
}

void arena_free(struct arena *a)
{
	if (!a) return;
	run_cleanups(a, NULL);
	drop_blocks(a, NULL);
	free(a);
}

void arena_reset(struct arena *a)
{
	run_cleanups(a, NULL);
	while (a->top->prev) {
		struct block *b = a->top;
		a->top = b->prev;
		free(b);
	}
	a->top->used = 0;
	a->total = 0;
	a->overflowed = false;
}

static __attribute__((noinline)) char *take_block(struct arena *a, size_t n)
{
	struct block *top = a->top;
	size_t size = top->size * 2 > LARGEST_BLOCK ? LARGEST_BLOCK : top->size * 2;
	if (size < n + ALIGN) size = n + ALIGN;
	struct block *b = n > a->cap - a->total ? NULL : block_new(top, size);
	if (!b) {
		a->overflowed = true;
		return NULL;
	}
	a->top = b;
	b->used = n;
	a->total += n;
	return b->bytes;
}

/* What nearly every call does, apart from what is rare: a dozen of them make a request. */
static inline char *take(struct arena *a, size_t n, size_t align)
{
	struct block *b = a->top;
	size_t at = (b->used + align - 1) & ~(align - 1);
	if (n > a->cap - a->total || at > b->size || n > b->size - at) return take_block(a, n);
	b->used = at + n;
	a->total += n;
	return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	char *p = take(a, n, ALIGN);
	if (p) memset(p, 0, n);
	return p;
}

void *arena_array(struct arena *a, size_t size, size_t count)
{
	size_t n;
	if (__builtin_mul_overflow(size, count, &n)) {
		a->overflowed = true;
		return NULL;
	}
	return arena_alloc(a, n);
}

char *arena_bytes(struct arena *a, size_t n)
{
	return take(a, n, 1);
}

void *arena_raw(struct arena *a, size_t n)
{
	return take(a, n, ALIGN);
}

void arena_give_back(struct arena *a, size_t n)
{
	must(n <= a->top->used && n <= a->total);
	a->top->used -= n;
	a->total -= n;
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *p = arena_bytes(a, s.n);
	if (!p) return STR_NONE;
	if (s.n) memcpy(p, s.p, s.n);
	return str_n(p, s.n);
}

char *arena_strdup(struct arena *a, struct str s)
{
	char *p = arena_bytes(a, s.n + 1);
	if (!p) return NULL;
	if (s.n) memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return p;
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	char *p = arena_bytes(a, (size_t)n + 1);
	if (!p) return STR_NONE;
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return str_n(p, (size_t)n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

enum err arena_on_reset(struct arena *a, arena_cleanup_fn *fn, void *arg)
{
	struct cleanup *c = ARENA_NEW(a, struct cleanup);
	if (!c) return ERR_NO_MEMORY;
	c->prev = a->cleanups;
	c->fn = fn;
	c->arg = arg;
	a->cleanups = c;
	return ERR_OK;
}

struct arena_mark arena_mark(struct arena *a)
{
	return (struct arena_mark){a->top, a->top->used, a->total, a->cleanups};
}

void arena_rollback(struct arena *a, struct arena_mark m)
{
	run_cleanups(a, m.cleanups);
	drop_blocks(a, m.block);
	a->top->used = m.used;
	a->total = m.total;
}

bool arena_overflowed(const struct arena *a)
{
	return a->overflowed;
}

size_t arena_used(const struct arena *a)
{
	return a->total;
}
