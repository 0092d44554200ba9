/* Running: the answers and pulls under way, so that a revocation reaches them at once.
 *
 * An item is entered before the command that decides whether it may run: either the command sees the
 * end of the agreement, or the cut that follows the end's commit sees the item.
 * Threads: any; cut runs under the lock and must be quick. */
#ifndef DATASPACE_RUNNING_H
#define DATASPACE_RUNNING_H

#include <pthread.h>

#include "base/str.h"

struct running_item {
	struct str participant, agreement, pid; /* live as long as the item is in */
	void (*cut)(struct running_item *i, enum err why);
	struct running_item *prev, *next;
	bool in;
};

struct running {
	pthread_mutex_t lock;
	struct running_item *first;
};

void running_init(struct running *r);
void running_done(struct running *r);
void running_add(struct running *r, struct running_item *i);
void running_remove(struct running *r, struct running_item *i); /* nothing when it is not in */
bool running_has(struct running *r, struct str participant, struct str pid);
/* pid empty: every item of the agreement. */
void running_cut(struct running *r, struct str participant, struct str agreement, struct str pid,
		 enum err why);

#endif
