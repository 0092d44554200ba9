/* Runs: records of a file, packed and put in order of their keys before they are sent.
 *
 * Purpose: a node stores identifiers in order. A batch whose records lie far apart rewrites a page for
 * each of them, a batch of neighbours a page for a dozen; files are seldom in order.
 * Ownership: a run owns copies of what is added. Threads: the main thread.
 * Invariant: records of one identifier keep their order. */
#ifndef TOOLS_KANHE_LOAD_RUN_H
#define TOOLS_KANHE_LOAD_RUN_H

#include "base/buf.h"
#include "base/json.h"

struct run_item;

struct run {
	struct run_item *items;
	size_t n, room;
	size_t full; /* octets from which on it is full; may be set lower */

	struct buf octets;   /* keys and packed records */
	struct buf packed;   /* one record */
	struct arena *arena; /* of one record */
};

void run_init(struct run *r);
void run_done(struct run *r);
void run_clear(struct run *r);
/* What is wrong with the record, in the flaw; or ERR_NO_MEMORY. Not to be called when the run is full. */
enum err run_add(struct run *r, json_t *record, struct flaw *f) MUST_USE;
/* A record that was read elsewhere. ERR_NO_MEMORY. */
enum err run_keep(struct run *r, struct str key, struct str packed) MUST_USE;
struct str run_key(const struct run *r, size_t i);
bool run_full(const struct run *r);
void run_sort(struct run *r);
/* The packed record after its length as a varint (the delimited form of protobuf libraries). */
struct str run_record(const struct run *r, size_t i);
/* Whether it is of the same identifier as the one before it. */
bool run_again(const struct run *r, size_t i);

#endif
