/* Between the control plane and the data plane.
 *
 * Purpose: the two halves of dataspace/ meet here and nowhere else. The control plane owns the
 * rows Negotiation, Agreement and Transfer and their states; the data plane owns blobs, meters,
 * receipts, running streams and pulls. A row is read, changed and put back within one writer
 * command, each half touching its own fields.
 * Threads: as each function says. "In a command" means: on the writer thread, inside apply; it may
 * run more than once for one command and must leave nothing outside the transaction but ds_fx. */
#ifndef DATASPACE_DATAPLANE_H
#define DATASPACE_DATAPLANE_H

#include "dataspace/space.h"

/* ==== the data plane, called by the control plane =========================================== */

struct dp;

/* d->dp holds what the data plane keeps. open before the server, start once it listens, quiesce
 * before it stops, close after. */
enum err dp_open(struct ds *d, struct flaw *f, struct dp **ret) MUST_USE;
enum err dp_start(struct ds *d) MUST_USE; /* unfinished pulls and receipts go on */
void dp_quiesce(struct ds *d);
void dp_close(struct dp *p); /* NULL is allowed */

/* Routes of the data plane: contents, /data, receipts, meters, audit, proofs. ctx is struct ds *. */
extern const struct net_route dp_routes[];
extern const size_t dp_routes_n;
void dp_metrics(struct ds *d, struct buf *out);

/* Checks a policy object ({"permission":[…],"prohibition":[…],"obligation":[…]}) that an owner
 * wants to publish: shape, limits, operands and operators the evaluator knows. ERR_BAD_POLICY.
 * Any thread, pure. */
enum err dp_policy_check(struct arena *a, json_t *policy, struct flaw *f) MUST_USE;

/* May this transfer start? Decided with the policy inside the agreement. In a command (pure
 * otherwise): count is agreement->transfers as the transaction sees it, this one not yet counted;
 * the caller counts it in the same command when allowed. */
struct dp_ask {
	struct str participant;         /* ours, the provider */
	const Ds__Agreement *agreement; /* with policy, dates, counts */
	struct str purpose;             /* as the consumer stated it, may be empty */
	struct str party;               /* the consumer's DID */
	struct str claims;              /* what its credentials say: identity.h */
	usec_t now;
};
struct dp_verdict {
	bool allowed;
	struct str reason; /* for people: the constraint and the actual value ("count lteq 3: 3 used") */
	json_t *report;    /* rule by rule; kept by the arena */
};
/* An error only when the stored agreement cannot be read (ERR_CORRUPT, ERR_NO_MEMORY). */
enum err dp_allow_start(struct arena *a, const struct dp_ask *ask, struct dp_verdict *ret) MUST_USE;

/* Provider, in the command that goes to STARTED (also when resuming): makes a fresh bearer token,
 * sets x->token_sha256, and gives the DataAddress (type, endpointType, endpoint
 * <url>/p/{p}/data/{pid}, endpointProperties authorization and authType). */
enum err dp_offer_address(struct ds *d, struct writer_txn *t, struct arena *a, struct str participant,
			  Ds__Transfer *x, json_t **ret) MUST_USE;

/* After the commit, any thread, quick. Consumer: the transfer is STARTED and x->address
 * is stored; pull it (or go on with it), then call ds_transfer_finished. */
void dp_pull_start(struct ds *d, struct str participant, struct str pid);
/* After the commit, any thread, quick. Provider: the push transfer is STARTED and x->address is the
 * consumer's sink; push to it, then call ds_transfer_finished. */
void dp_push_start(struct ds *d, struct str participant, struct str pid);

/* A data flow of an outside control plane is PREPARING or STARTING: it is made ready (flow_ready.h), until
 * then at the latest. Any thread, after the commit. */
void dp_ready_start(struct ds *d, struct str participant, struct str id, usec_t until);
/* After the commit, any thread, quick. Ends every running answer and pull of the transfer pid, or
 * of the agreement when pid is empty, within a second. err: ERR_REVOKED, ERR_EXPIRED,
 * ERR_POLICY_DENIED, ERR_BAD_STATE (suspended, completed or terminated: the rows know which). */
void dp_cut(struct ds *d, struct str participant, struct str agreement, struct str pid, enum err why);

/* A receipt entry of the outbox was answered (2xx or a final refusal; transport errors are retried
 * before). In a command. body: the peer's answer. */
enum err dp_receipt_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			     const Ds__Outbox *e, int status, struct str body) MUST_USE;

/* The same for the notices and the data of flows of outside control planes (dataspace/flow.h). */
enum err dp_flow_noticed(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			 const Ds__Outbox *e, int status, struct str body) MUST_USE;
enum err dp_flow_pushed(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			const Ds__Outbox *e, int status, struct str body) MUST_USE;

/* A transfer of ours reached an end (COMPLETED or TERMINATED), either role: sign and send what the
 * meters say. In a command. */
enum err dp_transfer_ended(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			   struct str participant, const Ds__Transfer *x) MUST_USE;

/* ==== the control plane, called by the data plane =========================================== */

/* Rows, unpacked into the arena. ERR_NOT_FOUND, ERR_CORRUPT. The put functions only in a command. */
enum err ds_dataset_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			 Ds__Dataset **ret) MUST_USE;
enum err ds_agreement_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			   Ds__Agreement **ret) MUST_USE;
enum err ds_agreement_put(struct writer_txn *t, struct str participant, const Ds__Agreement *g) MUST_USE;
enum err ds_transfer_find(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			  Ds__Transfer **ret) MUST_USE;
enum err ds_transfer_put(struct writer_txn *t, struct str participant, const Ds__Transfer *x) MUST_USE;
/* Calls fn for each transfer of the participant (of one agreement unless it is empty). */
typedef enum err ds_transfer_fn(void *arg, struct str participant, const Ds__Transfer *x);
enum err ds_transfer_each(struct store_txn *t, struct arena *a, struct str participant,
			  struct str agreement, ds_transfer_fn *fn, void *arg) MUST_USE;
/* Calls fn for each participant of the node. */
typedef enum err ds_participant_fn(void *arg, struct str id);
enum err ds_participant_each(struct store_txn *t, struct arena *a, ds_participant_fn *fn,
			     void *arg) MUST_USE;

/* In the command that ends an upload: the dataset's content is now that; makes the row when there
 * is none; a changed digest of a published dataset makes a new offer. media_type may be empty. */
enum err ds_dataset_content_set(struct writer_txn *t, struct arena *a, struct str participant,
				struct str id, const unsigned char digest[32], uint64_t size,
				struct str media_type, struct str who) MUST_USE;

/* Data may flow: STARTED, or START is announced and the consumer's first data request proves that
 * it has arrived before its acknowledgement did. */
bool ds_transfer_open(const Ds__Transfer *x);
/* The provider sends the data (HttpData-PUSH); otherwise the consumer fetches it. */
bool ds_transfer_pushed(const Ds__Transfer *x);

/* Consumer: the pull has ended. e = OK: everything arrived (the row says whether the digest held):
 * the completion message goes out. Otherwise the transfer is terminated with the reason, which the
 * peer is told. Any thread; returns at once (a command follows). ERR_BUSY, ERR_STOPPING. */
enum err ds_transfer_finished(struct ds *d, struct str participant, struct str pid, enum err e,
			      struct str reason) MUST_USE;
/* Either side: the policy ends a running transfer (expiry, exhaustion): TERMINATED, the peer is
 * told, streams are cut. Any thread; returns at once. code: "EXPIRED", "POLICY_DENIED". */
enum err ds_transfer_stop(struct ds *d, struct str participant, struct str pid, struct str code,
			  struct str reason) MUST_USE;
/* In a command: the agreement's term has ended: EXPIRED, its transfers are terminated and cut. */
enum err ds_agreement_expire(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			     struct str participant, Ds__Agreement *g, struct str reason) MUST_USE;

#endif
