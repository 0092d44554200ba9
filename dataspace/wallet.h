/* Credentials of our participants: those they hold, and those they issue (DCP 1.0.1 5 and 6).
 *
 * Purpose: one table of both. A participant that issues is the small issuer by which a data space is
 * founded: each credential has a bit of the participant's status list, which is made anew from the table
 * whenever it is asked for, so that a revocation counts at once. One numbering, two forms of the list:
 * status/1 is StatusList2021 for credentials of VCDM 1.1 (profile vc11-sl2021/jwt), status/2 is a
 * BitstringStatusList for those of 2.0 (vc20-bssl/jwt). All are JWT. Threads: reading on shards, changes as
 * commands.
 */
#ifndef DATASPACE_WALLET_H
#define DATASPACE_WALLET_H

#include "dataspace/space.h"

enum {
	WALLET_JWT_MAX = 16 << 10,
	WALLET_HELD_MAX = 256 /* of one participant: each may go into a presentation */
};

/* fn for each row of that kind ("held", "issued"), its JSON in the arena. */
typedef enum err wallet_fn(void *arg, json_t *row);
enum err wallet_each(struct store_txn *t, struct arena *a, struct str participant, const char *kind,
		     wallet_fn *fn, void *arg) MUST_USE;

/* One row of a kind by its id; put takes the id from the row. ERR_NOT_FOUND. */
enum err wallet_find(struct store_txn *t, struct arena *a, struct str participant, const char *kind,
		     struct str id, json_t **ret) MUST_USE;
enum err wallet_put(struct writer_txn *t, struct arena *a, struct str participant, const char *kind,
		    json_t *row) MUST_USE;
enum err wallet_drop(struct writer_txn *t, struct str participant, const char *kind,
		     struct str id) MUST_USE;

/* Appends an event to the ledger that tells of a row what others may know of it: not its token or JWT. */
enum err wallet_note(struct writer_txn *t, enum ds_event_kind kind, struct str participant, struct str who,
		     json_t *row) MUST_USE;

/* In a command: signs a credential and keeps it. The row has id, type, subject, jwt and the index. */
struct wallet_issue {
	const struct ds_self *self;
	struct str who, subject, type;
	json_t *claims; /* an object, or NULL */
	uint64_t days;
	bool v2; /* VCDM 2.0 */
};
/* The member "profile" of an owner's wish; absent: that of VCDM 1.1. ERR_BAD_MESSAGE. */
enum err wallet_profile(json_t *body, struct flaw *f, bool *ret_v2) MUST_USE;
enum { WALLET_DAYS = 365, WALLET_DAYS_MAX = 3660 };
enum err wallet_issue(struct writer_txn *t, struct arena *a, const struct wallet_issue *x, struct flaw *f,
		      json_t **ret_row) MUST_USE;

/* Puts credentials into the wallet: a job for the request, which it answers. jwts: texts in the job's arena
 * that wallet_check accepted and whose signatures were verified, or else unchecked, which the rows then say
 * ("unverified"). */
struct wallet_adding {
	struct str participant, who, *jwts;
	size_t n;
	bool unchecked;
};
void wallet_add_submit(struct ds_job *j, struct wallet_adding *x);
/* The same inside a command: the job's body tells the last. */
enum err wallet_add(struct ds_job *j, struct writer_txn *t, const struct wallet_adding *x) MUST_USE;
/* The credential is about self. ERR_BAD_MESSAGE … with the member named. */
struct vc_credential;
enum err wallet_check(struct arena *a, const struct ds_self *self, struct str jwt, struct flaw *f,
		      struct vc_credential *ret) MUST_USE;

void wallet_on_hand(struct net_req *r); /* wallet_hand.c */

extern const struct net_route wallet_routes[], face_dcp_routes[], face_storage_routes[], sts_routes[];
extern const size_t wallet_routes_n, face_dcp_routes_n, face_storage_routes_n, sts_routes_n;

#endif
