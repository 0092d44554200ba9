/* Disk: a few threads that do what would block a shard: open, read, write, flush.
 *
 * A job is the caller's memory until done has run. work runs on a thread of the disk; done on the job's
 * shard, or, without a shard, on that thread. When the shard's loop has ended, done runs on the disk's
 * thread with `lost` set: it may only free.
 * Threads: submit from any. */
#ifndef DATASPACE_DISK_H
#define DATASPACE_DISK_H

#include "dataspace/space.h"

struct disk;

struct disk_job {
	void (*work)(struct disk_job *j);
	void (*done)(struct disk_job *j);
	struct ds *d; /* of the shard */
	struct net_shard *shard;
	bool lost;
	struct disk_job *next; /* the disk's */
};

enum { DISK_THREADS = 4 /* a slow flush must not hold up every read */ };

enum err disk_open(struct disk **ret) MUST_USE;
void disk_submit(struct disk *k, struct disk_job *j);
/* Does what is queued, then ends. NULL is allowed. */
void disk_close(struct disk *k);

#endif
