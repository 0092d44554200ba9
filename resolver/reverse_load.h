/* The reverse index of a load: made afterwards, in the order of its keys.
 *
 * Purpose: rows that an import into an empty registry would put all over the table are left out while it
 * runs (REVERSE_LOADING), and made once no import runs: the records are read from one snapshot, their rows
 * sorted in bounded memory (resolver/reverse_runs.h), and put in order, some thousands in each command of
 * the writer. So each page is written once, and full. Changes made meanwhile note their rows as always
 * (REVERSE_SORTING). What they replaced is told by the change feed: rows of the snapshot that no longer
 * hold are left out, or taken away with the next command. After a kill the rows are dropped and sorted
 * again. Where that fails, they are made step by step (resolver/reverse_build.h). Threads: start and stop
 * on the main thread, kick on any. One thread of its own, of low priority. Ownership: stopped before the
 * writer ends, freed when nobody kicks any more. */
#ifndef RESOLVER_REVERSE_LOAD_H
#define RESOLVER_REVERSE_LOAD_H

#include "resolver/reverse.h"

enum {
	REVERSE_LOAD_ROWS = 4000, /* of one command: some 5 ms of the writer */
	REVERSE_LOAD_QUIET =
	    5, /* seconds without an import that is not finished, after which it was given up */
};

struct reverse_load;
struct writer;
struct imports;
struct reverse_builder;

struct reverse_load_options {
	struct store *store;
	struct writer *writer;
	struct imports *imports;         /* while one runs, nothing is begun */
	struct reverse_builder *builder; /* takes over what cannot be sorted */
	size_t run_octets;               /* 0: REVERSE_RUN_OCTETS */
};

enum err reverse_load_start(const struct reverse_load_options *o, struct reverse_load **ret) MUST_USE;
/* An import is at its end, or (not `finished`) a request for it, which others may follow soon. NULL is
 * allowed. */
void reverse_load_kick(struct reverse_load *l, bool finished);
void reverse_load_stop(struct reverse_load *l); /* NULL is allowed; a kick later does nothing */
void reverse_load_free(struct reverse_load *l); /* after the stop; NULL is allowed */

#endif
