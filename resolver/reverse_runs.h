/* Sorted runs: rows of the reverse index in the order of their keys, however many, in bounded memory.
 *
 * Purpose: rows of a load come in the order of identifiers; put into the table like that, each touches a
 * page of its own. Here they are gathered, sorted as many at once as memory allows, kept in a file without
 * a name (gone with the process), and given back merged. Memory: REVERSE_RUN_OCTETS and a 40th while rows
 * are added, then REVERSE_READ_OCTETS for each run. Threads: one at a time. Ownership: rows given back last
 * until the next call. */
#ifndef RESOLVER_REVERSE_RUNS_H
#define RESOLVER_REVERSE_RUNS_H

#include "resolver/reverse.h"

enum {
	REVERSE_RUN_OCTETS = 32 << 20,  /* some 350,000 rows, sorted in a quarter of a second */
	REVERSE_READ_OCTETS = 64 << 10, /* of a run at once: disks like it */
	REVERSE_RUNS_MAX = 1024,        /* 32 GiB of rows, read back with 64 MiB */
};

struct reverse_runs;

/* ERR_NO_MEMORY, ERR_IO: the folder takes no file. */
enum err reverse_runs_new(const char *folder, size_t run_octets, struct reverse_runs **ret) MUST_USE;
void reverse_runs_free(struct reverse_runs *r); /* NULL is allowed */
/* ERR_NO_MEMORY, ERR_NO_SPACE, ERR_IO, ERR_TOO_LARGE: more than REVERSE_RUNS_MAX runs. */
enum err reverse_runs_add(struct reverse_runs *r, const struct reverse_row *row) MUST_USE;
/* No row is added any more; from here on they are read. */
enum err reverse_runs_merge(struct reverse_runs *r) MUST_USE;
enum err reverse_runs_next(struct reverse_runs *r,
			   struct reverse_row *ret) MUST_USE; /* ERR_NOT_FOUND: end */

#endif
