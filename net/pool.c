#include "net/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { POOLED = 0 }; /* the sanitizer sees each block */
#else
enum { POOLED = 1 };
#endif

struct pool_block {
	size_t class;
	size_t size; /* of malloc's blocks: octets handed out */
	union {
		struct pool_block *next;
		_Alignas(16) char bytes[1];
	};
};

#define HEAD offsetof(struct pool_block, bytes)

static struct pool_block *block_of(void *p)
{
	return (struct pool_block *)(void *)((char *)p - HEAD);
}

void pool_done(struct pool *p)
{
	for (int i = 0; i < POOL_CLASSES; i++) {
		while (p->free[i]) {
			struct pool_block *b = p->free[i];
			p->free[i] = b->next;
			free(b);
		}
		p->count[i] = 0;
	}
}

void *pool_malloc(size_t n, void *pool)
{
	struct pool *p = pool;
	size_t class = POOLED ? (n + POOL_STEP - 1) / POOL_STEP : POOL_CLASSES + 1;
	if (class) class --;
	if (class < POOL_CLASSES && p->free[class]) {
		struct pool_block *b = p->free[class];
		p->free[class] = b->next;
		p->count[class]--;
		return b->bytes;
	}
	if (class >= POOL_CLASSES) class = POOL_CLASSES;
	size_t room = class < POOL_CLASSES ? (class + 1) * POOL_STEP : n;
	if (room > SIZE_MAX - HEAD) return NULL;
	struct pool_block *b = malloc(HEAD + (room < sizeof *b ? sizeof *b : room));
	if (!b) return NULL;
	b->class = class;
	b->size = room;
	return b->bytes;
}

void pool_free(void *block, void *pool)
{
	struct pool *p = pool;
	if (!block) return;
	struct pool_block *b = block_of(block);
	if (b->class == POOL_CLASSES || p->count[b->class] >= POOL_KEEP) {
		free(b);
		return;
	}
	b->next = p->free[b->class];
	p->free[b->class] = b;
	p->count[b->class]++;
}

void *pool_calloc(size_t count, size_t size, void *pool)
{
	size_t n;
	if (__builtin_mul_overflow(count, size, &n)) return NULL;
	void *p = pool_malloc(n, pool);
	if (p) memset(p, 0, n);
	return p;
}

void *pool_realloc(void *block, size_t n, void *pool)
{
	if (!block) return pool_malloc(n, pool);
	size_t had = block_of(block)->size;
	if (n <= had) return block;
	void *p = pool_malloc(n, pool);
	if (!p) return NULL;
	memcpy(p, block, had);
	pool_free(block, pool);
	return p;
}
