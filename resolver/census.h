/* Census: how many identifiers there are under a prefix, kept as they come and go.
 *
 * Purpose: a count is one read, not a walk. Counted are each prefix this node is authoritative for and the
 * delegation boundaries below it, CENSUS_DEPTH of them: labels of a Handle's prefix and its slash, digits
 * of a GS1 company prefix. What was delegated away later stays counted where it was registered.
 * What it costs: changes of one command are summed up first, so that a batch in order of keys writes each
 * counter once; a single change writes one row for each boundary of its identifier.
 * Threads: adding inside a writer command; counting with any transaction. */
#ifndef RESOLVER_CENSUS_H
#define RESOLVER_CENSUS_H

#include "base/writer.h"
#include "proto/id/id.h"

enum {
	/* below an authority: company prefixes of a GS1 authority of six digits to their end, and more
	 * labels than enterprises of a Handle node have */
	CENSUS_DEPTH = 6,
};

struct registry_count {
	uint64_t active, retired;
};

/* Sums not written yet, for the boundaries of the identifier added last. */
struct census {
	struct store_txn *txn;
	struct str key; /* of the last one; borrowed */
	size_t ends[CENSUS_DEPTH + 1], ends_n;
	int64_t active[CENSUS_DEPTH + 1], retired[CENSUS_DEPTH + 1];
};

void census_open(struct census *y, struct store_txn *t);
/* Identifiers in order of key are cheapest. authority: the prefix of ours that covers key. */
enum err census_add(struct census *y, struct str key, struct str authority, int active,
		    int retired) MUST_USE;
enum err census_close(struct census *y) MUST_USE; /* writes what is left */

/* Zeros for what was never counted. Of a boundary that is an identifier too (a GTIN, an OID), the
 * identifiers strictly below; of an authority, all. */
enum err registry_count(struct store_txn *t, struct str prefix, struct registry_count *ret) MUST_USE;
/* Whether identifiers under the prefix, which the authority covers, are counted for it. */
bool census_counted(struct str authority, struct str prefix);

#endif
