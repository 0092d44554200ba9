/* Memtable: recent changes of a store in memory, in the order of their keys, until they are folded
 * into LMDB (base/store_env.h).
 *
 * Purpose: a skip list of entries. Each change of a key is an entry of its own with the number of
 * the change; a reader sees of each key the newest entry that is not newer than its snapshot.
 *
 * Invariants: 1. entries are in the order of table, key, change descending. 2. an entry's octets do
 * not change once it is in the list, and stay until the memtable is freed, also after a removal: a
 * reader that stands on one may go on. 3. a deletion is an entry too.
 *
 * Threads: one adds and removes; any number read at the same time. Cost: a search of n entries looks
 * at about 2.7 log2(n) of them; an entry takes 24 octets and 10.7 of links beside key and value. */
#ifndef BASE_MEMTABLE_H
#define BASE_MEMTABLE_H

#include <stdatomic.h>

#include "base/feed.h"

struct memtable;

struct mem_entry {
	uint64_t change;
	uint32_t value_n;
	uint16_t key_n;
	uint8_t table, kind; /* enum feed_op_kind */
	uint8_t height;
	struct mem_entry *older; /* the one added before it: for removal */
	_Atomic(struct mem_entry *) next[];
	/* then key_n octets of the key, value_n of the value */
};

static inline const char *mem_octets(const struct mem_entry *e)
{
	return (const char *)e + offsetof(struct mem_entry, next) + e->height * sizeof e->next[0];
}

static inline struct str mem_key(const struct mem_entry *e)
{
	return str_n(mem_octets(e), e->key_n);
}

static inline struct str mem_value(const struct mem_entry *e)
{
	return str_n(mem_octets(e) + e->key_n, e->value_n);
}

static const uint64_t MEM_NEWEST = UINT64_MAX; /* a snapshot that sees everything */

struct memtable *memtable_new(void); /* NULL: no memory */
void memtable_free(struct memtable *m);

/* change: larger than all before. NULL: no memory. The operation's octets are copied. */
const struct mem_entry *memtable_add(struct memtable *m, const struct feed_op *op, uint64_t change);
/* Removes what was added with a change above `last`. */
void memtable_remove_after(struct memtable *m, uint64_t last);
bool memtable_empty(const struct memtable *m);    /* cheap; for any thread */
size_t memtable_octets(const struct memtable *m); /* of memory in use; for the adding thread */

/* Of one table, as a snapshot sees it: the entry of exactly this key; of the first key at or after
 * it; after it; of the last key before it (NULL: the last of all). NULL: none. Deletions are given
 * too. */
const struct mem_entry *memtable_find(const struct memtable *m, unsigned table, struct str key,
				      uint64_t snapshot);
const struct mem_entry *memtable_at_least(const struct memtable *m, unsigned table, struct str key,
					  uint64_t snapshot);
const struct mem_entry *memtable_after(const struct memtable *m, unsigned table, struct str key,
				       uint64_t snapshot);
const struct mem_entry *memtable_before(const struct memtable *m, unsigned table, const struct str *key,
					uint64_t snapshot);
/* The whole in order, newest entry of each key only: begin with NULL. */
const struct mem_entry *memtable_walk(const struct memtable *m, const struct mem_entry *e);

#endif
