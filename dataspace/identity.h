/* How a partner is admitted, once its token or certificate says who it is (DCP 1.0.1 4 and 5).
 *
 * Modes, each accepted only when the configuration names it:
 *   did     the key of its DID document signed the token; nothing more is asked
 *   dcp     its credential service is asked for the credentials that are required; each is verified:
 *           signatures of holder and issuer, a trusted issuer, holder binding, dates, status list
 *   pinned  its key stands in the configuration; no DID document is fetched
 *   tls     its client certificate's SHA-256 stands in the configuration; no token is needed; one that is
 *           sent besides must be right and the same partner's
 * A partner whose token brings an access token is asked for credentials wherever dcp is accepted.
 *
 * Threads: the request's shard. The request is held while others are asked; refusals are answered here. */
#ifndef DATASPACE_IDENTITY_H
#define DATASPACE_IDENTITY_H

#include "dataspace/space.h"

#define IDENTITY_ACCESS_TYPE "dcp-access+jwt"
#define DCP_SCOPE_TYPE "org.eclipse.dspace.dcp.vc.type:"
#define DCP_SCOPE_ID "org.eclipse.dspace.dcp.vc.id:"

/* The document of a key that is pinned: "z6Mk…" or "zDn…", a did:key without its beginning. False: it is
 * none. */
bool identity_pin_parse(struct str did, struct str key, struct ds_did *ret);
/* The pinned partner's document, made from the configuration; false when it is not pinned by a key. */
bool identity_pinned(struct ds *d, struct str did, struct ds_did *ret);
/* The partner whose certificate this connection showed; the slice lives as long as the data space. */
bool identity_by_certificate(struct ds *d, const struct net_req *r, struct str *ret_did);
/* What no DID document could change, before one is fetched from where a stranger says: whether a partner of
 * this DID may come at all, by a token that opens its credential service or not. ERR_UNAUTHORISED */
enum err identity_expects(struct ds *d, struct str did, struct str token, struct flaw *f) MUST_USE;
/* Calls then(r, peer), now or later, or refuses. plain: who it is suffices. peer is in the request's arena.
 */
void identity_admit(struct net_req *r, struct ds_peer *peer, bool tls, bool plain, ds_peer_fn *then);
/* What the peer's verified credentials say, as facts for policies: {"TypeCredential": ["active"],
 * "TypeCredential.claim": ["value", …], …}, at most IDENTITY_CLAIMS_MAX values of at most
 * IDENTITY_CLAIM_MAX octets; longer ones and objects are left out. Compact JSON; empty: nothing. */
enum { IDENTITY_CLAIMS_MAX = 64, IDENTITY_CLAIM_MAX = 256 };
struct str identity_claims(struct arena *a, const struct ds_peer *peer);
/* Whom the participant trusts (trust.c); lives as long as the arena. */
struct identity_trust {
	const struct ds_identity *node;
	json_t *own; /* rows; none: the node's */
};
enum err identity_trust_load(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
			     struct identity_trust *ret) MUST_USE;
/* type empty: for any type at all. */
bool identity_trusts(const struct identity_trust *x, struct str issuer, struct str type);
/* identity_verify.c: asks the partner's credential service, verifies, then calls then. */
void identity_verify(struct net_req *r, struct ds_peer *peer, ds_peer_fn *then);

#endif
