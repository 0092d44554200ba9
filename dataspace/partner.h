/* A partner that an owner names, found: its DID, its DSP base URL, and what it answers.
 * Threads: the request's shard. */
#ifndef DATASPACE_PARTNER_H
#define DATASPACE_PARTNER_H

#include "dataspace/fetch.h"

struct partner {
	const struct ds_self *self; /* the participant that asks */
	struct str did, base;
	uint32_t dialect; /* enum ds_dialect: the version that both speak */
};
typedef void partner_fn(struct net_req *r, void *arg, const struct partner *p);
/* A provider as people name it, a did:web or the URL of a participant, of its document or of its DSP
 * base: as a did:web, borrowed from text or in the arena. ERR_BAD_INPUT, ERR_NO_MEMORY. */
enum err partner_did(struct arena *a, struct str text, struct flaw *f, struct str *ret) MUST_USE;
/* provider: a DID or the URL of a participant. Looks its DID document up and calls then; refusals
 * (not a DID, itself, unreachable, no data service) are answered here. arg in the request's arena. */
void partner_find(struct net_req *r, struct str participant, struct str provider, partner_fn *then,
		  void *arg);

/* Whether its document alone tells the version spoken at its base, *ret. A base whose last segment names
 * one that we speak needs no asking; nor does one of a partner that tells no versions: it is of before
 * there were several. */
bool partner_base_says(const struct ds *d, const struct ds_did *doc, uint32_t *ret);

/* An answer of 2xx is ERR_OK; else what the owner is told: ERR_NOT_FOUND (404), ERR_UPSTREAM with the
 * partner's reason, ERR_TIMEOUT. */
enum err partner_answer_check(const struct fetched *got, struct flaw *f) MUST_USE;

/* The first reason of an error that a partner answered, a text or a JSON-LD value, in any version of the
 * protocol; else a problem's detail. Borrowed from the answer; empty: it says none. */
struct str partner_reason(const json_t *answer);

#endif
