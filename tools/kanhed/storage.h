/* Storage: says in the log that a store takes no changes, why, and what to do about it.
 *
 * Purpose: a full map, a full disk or one that fails refuses every change, and each refusal would be a
 * line: it is said once, and once more when changes are taken again, which the caller of a single request
 * cannot tell. Threads: storage_settled on the writer's threads, one at a time. */
#ifndef TOOLS_KANHED_STORAGE_H
#define TOOLS_KANHED_STORAGE_H

#include "base/clock.h"
#include "base/store.h"

struct storage {
	struct store *store;
	const char *name;         /* registry, space */
	uint64_t map_max;         /* octets, store.map_max */
	bool told;                /* that it takes no changes */
	_Atomic bool refuses;     /* for any thread: so it is, whether told or not */
	usec_t failed, last_told; /* the last times, monotonic; 0: never */
};

/* For writer_options.settled; arg: a struct storage. */
void storage_settled(void *arg, enum err e);

#endif
