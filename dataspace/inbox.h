/* Inbox: what waits for a person of ours.
 *
 * Purpose: a negotiation waits for its owner when the partner has made its move, nothing of ours is on
 * its way, and no rule answers by itself: as provider in REQUESTED (the dataset asks for approval, or the
 * node agrees to nothing alone), as consumer in OFFERED (a counter-offer, or an offer unasked). Whether it
 * waits follows from its row, so that table `inbox` is an index of such rows, kept by the command that
 * writes them. Who does not decide within ds_options.inbox_wait (INBOX_WAIT) declines: the partner is told
 * so. What waits already when the setting changes keeps the time that it was given, which stands in the
 * index. The decision is in the ledger (request-approved, request-declined) with who made it and why.
 * Threads: in commands; inbox_start on the main thread, its timer on that shard. */
#ifndef DATASPACE_INBOX_H
#define DATASPACE_INBOX_H

#include "dataspace/negotiation.h"

#define INBOX_WAIT (7 * USEC_PER_DAY)
#define INBOX_LOOK (5 * USEC_PER_SEC) /* how late an expiry may be noticed */
#define INBOX_POLL "inbox"            /* what long polls of the whole inbox wait for */

bool inbox_waits(const Ds__Negotiation *n);
/* 0: it does not wait. */
usec_t inbox_until(struct store_txn *t, struct str participant, const Ds__Negotiation *n);
/* With each write of the row. */
enum err inbox_keep(const struct turn *u, const Ds__Negotiation *n) MUST_USE;

/* The owner's word. ERR_NOT_FOUND when nothing of that pid waits (any more), ERR_EXPIRED. */
enum err inbox_approve(const struct turn *u, struct str pid, struct str reason,
		       Ds__Negotiation **ret) MUST_USE;
enum err inbox_decline(const struct turn *u, struct str pid, struct str reason,
		       Ds__Negotiation **ret) MUST_USE;

/* In a command: ends what nobody has decided in time. *ret_n: how many. */
enum err inbox_expire(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
		      size_t *ret_n) MUST_USE;
enum err inbox_start(struct ds *d, struct net_shard *s) MUST_USE;

/* Each that waits, by pid. */
enum err inbox_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		    negotiation_fn *fn, void *arg) MUST_USE;
/* New reference. */
json_t *inbox_show(struct store_txn *t, struct arena *a, struct str participant, const Ds__Negotiation *n);

#endif
