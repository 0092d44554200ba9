/* Token renewal: short-lived access tokens in data addresses, and how their holders get new ones.
 *
 * Purpose: Data Plane Signaling's Token Renewal profile (OAuth 2.0 refresh_token grant, the client proving
 * itself by a self-issued token). Tokens are JWS of the participant, made again from what the row keeps (an
 * id and an end) whenever they are told: the store, its change feed and the outbox hold none. A letter
 * that carries one has a mark in its place, which is filled in when the letter is sent.
 *
 * The provider's side: POST <endpoint>/token with grant_type=refresh_token and refresh_token, as form or
 * query, and "Authorization: Bearer" with a JWT of the consumer (iss = sub = its DID, aud = ours, claim
 * `token` = its present access token). Both tokens are new then. Refused as RFC 6749 5.2 says:
 * invalid_grant when the refresh token is not the present one, is another's, or when the transfer is
 * suspended, revoked, expired or over. The refresh token of before gives the present tokens once more for
 * RENEWAL_GRACE: the answer may have been lost.
 * The consumer's side: pull_renew.c, before an attempt.
 * Threads: making is pure; the face on shards. */
#ifndef DATASPACE_RENEWAL_H
#define DATASPACE_RENEWAL_H

#include "dataspace/turn.h"
#include "proto/dsp/transfer.h"

#define RENEWAL_ACCESS_MARK "kanhe:access-token"
#define RENEWAL_REFRESH_MARK "kanhe:refresh-token"
#define RENEWAL_TERM (3600 * USEC_PER_SEC) /* of an access token, unless the options say otherwise */
#define RENEWAL_GRACE (30 * USEC_PER_SEC)

/* What tokens are made of. */
struct renewal {
	const struct ds_self *self;
	struct str subject, agreement; /* transfer or flow */
	struct str endpoint;           /* where the data is */
	struct str id;                 /* of this pair of tokens */
	usec_t expires;
};

/* Always the same of the same. */
enum err renewal_access(struct arena *a, const struct renewal *r, struct str *ret) MUST_USE;
enum err renewal_refresh(struct arena *a, const struct renewal *r, struct str *ret) MUST_USE;
usec_t renewal_term(const struct ds *d);
/* Adds refreshToken, expiresIn and refreshEndpoint. */
enum err renewal_put(struct ds *d, struct arena *a, const struct renewal *r, struct str refresh,
		     struct dsp_data_address *address) MUST_USE;

struct renewal renewal_of_transfer(struct arena *a, const struct ds_self *self, const Ds__Transfer *x);
struct renewal renewal_of_flow(struct arena *a, const struct ds_self *self, const Ds__Flow *x);

/* Before a letter of a transfer, or a notice of a data flow, leaves: its body with the tokens for the
 * marks. */
enum err renewal_fill(struct ds *d, struct store_txn *t, struct arena *a, const Ds__Outbox *e,
		      struct str *ret) MUST_USE;

extern const struct net_route renewal_routes[];
extern const size_t renewal_routes_n;

#endif
