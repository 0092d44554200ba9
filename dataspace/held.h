/* Credentials that our participants hold, looked after: does their issuer still stand by them?
 *
 * Every `identity.recheck` all that is held is looked at, and whatever a partner asks for is looked at
 * before it is presented: its dates, and the status lists of its issuer. What is found stands in the row of
 * the wallet: "status" ("revoked", "suspended", "expired"; without it nothing is known against it),
 * "noticed", and "unchecked" (why a list could not be had or believed). A change is a command with its leaf
 * in the ledger, and a line of the log. What has a status is not presented; what could not be looked at is:
 * the verifier looks for itself.
 *
 * Lists are kept for HELD_FRESH, or until something new is held: it may stand in for what was revoked just
 * now, which would be presented beside it. One fetch in flight per list. Limits: HELD_LISTS lists, each of
 * at most HELD_LIST_KEPT octets, longer ones are fetched each time; HELD_LOOKS credentials looked at at
 * once, one of them on schedule; a verifier waits HELD_DEADLINE at most. Threads: held_before on the
 * request's shard; all else on shard 0. */
#ifndef DATASPACE_HELD_H
#define DATASPACE_HELD_H

#include "dataspace/fetch.h"

enum { HELD_LISTS = 32, HELD_LIST_KEPT = 256 << 10, HELD_LOOKS = 256 };
#define HELD_RECHECK (900 * USEC_PER_SEC) /* unless the settings say otherwise */
#define HELD_FRESH (60 * USEC_PER_SEC)    /* or half of `identity.recheck`, if that is less */
#define HELD_DEADLINE (5 * USEC_PER_SEC)

enum err held_start(struct ds *d, struct net_shard *s) MUST_USE;
void held_close(struct holdings *h); /* NULL is allowed; after server, courier and writer have stopped */

/* Looks at n credentials of the participant by their ids, then calls then(r, arg), now or later, on the
 * request's shard; rows are to be read afresh. arg in the request's arena. */
typedef void held_fn(struct net_req *r, void *arg);
void held_before(struct net_req *r, struct str participant, const struct str *ids, size_t n, held_fn *then,
		 void *arg);
/* Lists that are kept are fetched again before they are believed. Any thread; nothing without holdings. */
void held_forget(struct ds *d);
/* What is known against a row of the wallet: "revoked", "suspended", "expired", or nothing. */
struct str held_status(const json_t *row);
/* Puts into a row that is shown until when it is valid ("validUntil"), and the status "expired" when that
 * has passed unnoticed. */
void held_show(struct arena *a, json_t *row);
/* A partner has answered 401: the owner is told in the flaw's text which of the participant's credentials
 * was not presented to it. */
void held_excuse(struct net_req *r, struct str participant, const struct fetched *got, struct flaw *f);

#endif
