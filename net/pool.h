/* Pool: memory of a few hundred octets that comes and goes with every stream.
 *
 * Purpose: the allocator handed to nghttp2, which takes and gives back half a dozen small blocks
 * per request: free lists by size, one thread, no locks. Larger blocks, and all blocks under a
 * sanitizer, are malloc's.
 * Ownership: the shard's; every session of the shard must be closed before pool_done.
 * Threads: the shard's.
 *
 * A block:  octets 0..15 size class (or POOL_CLASSES for malloc's), padding; then what is handed out. */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <stddef.h>

enum {
	POOL_STEP = 64,    /* octets between classes */
	POOL_CLASSES = 16, /* up to 1,024 octets */
	POOL_KEEP = 1024   /* free blocks kept per class: 1 MiB at most in the largest */
};

struct pool_block;

struct pool {
	struct pool_block *free[POOL_CLASSES];
	unsigned count[POOL_CLASSES];
};

void pool_done(struct pool *p);
/* The signatures are those of nghttp2_mem. */
void *pool_malloc(size_t n, void *pool);
void *pool_calloc(size_t count, size_t size, void *pool);
void *pool_realloc(void *block, size_t n, void *pool);
void pool_free(void *block, void *pool);

#endif
