/* Flusher: writes the shards' counts of resolutions down, once a minute.
 *
 * Threads: flusher_start on a shard; its timer lives as long as the shard's loop. */
#ifndef RESOLVER_FLUSHER_H
#define RESOLVER_FLUSHER_H

#include "resolver/state.h"

/* Every shard begins a new list of top identifiers with each day; the first one flushes for all. Without
 * memory for a timer there is no flush but at a stop and when somebody looks. */
void flusher_start(struct rs_shard *s, struct net_shard *net);

#endif
