/* Arenas: memory that lives as long as one request.
 *
 * Purpose: allocate by moving a pointer, free everything at once. An arena is born with a hard
 * cap; past it allocations return NULL and arena_overflowed() stays true, so that a chain of
 * steps may be checked once at its end.
 * Ownership: the caller owns the arena; the arena owns every block. Threads: one at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/str.h"

struct arena;
typedef void arena_cleanup_fn(void *arg);

struct arena_mark {
	void *block;
	size_t used, total;
	void *cleanups;
};

/* cap: octets that may be handed out in total. NULL when the system has no memory. */
struct arena *arena_new(size_t cap);
/* The same with a first block of so many octets, which is kept when it is reset. */
struct arena *arena_new_with(size_t cap, size_t first);
void arena_free(struct arena *a);  /* NULL is allowed; runs cleanups, newest first */
void arena_reset(struct arena *a); /* as new, but keeps its first block and clears overflow */

/* Zeroed, aligned for any type; NULL past the cap. */
void *arena_alloc(struct arena *a, size_t n);
/* Not zeroed, aligned to 1: for text. */
char *arena_bytes(struct arena *a, size_t n);
/* Not zeroed, aligned for any type. */
void *arena_raw(struct arena *a, size_t n);
/* The last n octets of the newest allocation, which took more than it needed. */
void arena_give_back(struct arena *a, size_t n);
struct str arena_dup(struct arena *a, struct str s); /* a copy; empty with p = NULL on overflow */
char *arena_strdup(struct arena *a, struct str s);   /* a NUL-terminated copy, NULL on overflow */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3); /* also NUL-terminated */
struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/* fn(arg) runs at reset or free. ERR_NO_MEMORY: not registered, run it yourself. */
enum err arena_on_reset(struct arena *a, arena_cleanup_fn *fn, void *arg) MUST_USE;

struct arena_mark arena_mark(struct arena *a);
void arena_rollback(struct arena *a, struct arena_mark m); /* runs cleanups registered since */
bool arena_overflowed(const struct arena *a);
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), sizeof(type), (count)))
void *arena_array(struct arena *a, size_t size, size_t count); /* overflow-safe product */

#endif
