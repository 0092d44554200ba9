/* Outcomes: one shape for what is told about an identifier, wherever it came from.
 *
 * Our own registry, our delegations and other nodes' verified answers all become an outcome, which the
 * faces write as JSON, protobuf or HTML.
 * Ownership: slices borrow from the shard's snapshot, from a finding that the request holds, or from
 * the request's arena. Threads: the request's shard. */
#ifndef RESOLVER_OUTCOME_H
#define RESOLVER_OUTCOME_H

#include "resolver/answer.h"

struct outcome {
	enum err err; /* OK: a record; NOT_FOUND, GONE; NOT_RESPONSIBLE: a referral, or nothing known */
	enum answer_kind kind; /* 0: no answer */
	enum chain_state state;
	struct str record;       /* packed; may hold values that are not public when it is ours */
	struct record_head head; /* of the record */
	struct str octets;       /* packed Signed Answer; empty when it is ours and not signed yet */
	uint32_t ttl;
	uint32_t tally;         /* where it is counted, see statistics.h */
	struct str prefix, url; /* of a referral */
	const struct hop *hops; /* of others */
	size_t hops_n;
	bool cached, ours;
	struct flaw flaw; /* why there is no answer */
};

/* What this node itself says. ERR_NO_MEMORY. */
enum err outcome_local(struct rs_shard *s, struct arena *a, const struct id *id,
		       struct outcome *ret) MUST_USE;
/* The same of what answer_seek has found. */
enum err outcome_sought(struct rs_shard *s, struct arena *a, const struct sought *k,
			struct outcome *ret) MUST_USE;
void outcome_found(const struct finding *f, bool cached, struct outcome *ret);
/* Whether somebody else has to be asked. */
bool outcome_open(const struct rs_shard *s, const struct outcome *o);
/* Signs one of ours that is not signed yet. */
enum err outcome_sign(struct rs_shard *s, struct arena *a, const struct id *id, struct outcome *o) MUST_USE;
void outcome_count(struct rs_shard *s, const struct outcome *o);

#endif
