/* Sessions: short-lived tokens of credentials, for China's interfaces, whose clients log in first.
 *
 * Purpose: a token is a JWS signed by the node's key that names a credential and is bound to its secret:
 * who loses the credential loses its sessions at once, on every shard and after a restart; nothing is
 * stored. Roles and scope are those that the credential has now. Two ways in: the credential's own secret,
 * and the RSA key that stands in the record of the identity (HS_PUBKEY) after a challenge.
 *
 * Identities are Handles like 88.608.8889/App_erp; their credential is named App_erp@88.608.8889, for names
 * have no slash. Whoever may write under 88.608.8889/ can put a key into that record; so a session by key
 * has no more than the role enterprise and identifiers directly under that prefix. Threads: the request's
 * shard; challenges are shared under a lock. */
#ifndef RESOLVER_SESSION_H
#define RESOLVER_SESSION_H

#include "net/access.h"
#include "resolver/state.h"

enum {
	SESSION_NONCE = 24,    /* "2305843009213693951": 60 random bits in digits, and NUL */
	CHALLENGES_MAX = 4096, /* identities that log in at the same moment */
	SESSION_TOKEN_MAX = 2048,
};
#define SESSION_VALIDITY (86400 * USEC_PER_SEC) /* as the interfaces are published */
#define CHALLENGE_VALIDITY (120 * USEC_PER_SEC)

struct session {
	struct principal principal;
	struct str handle; /* of the identity; or the credential's name when it is none */
	unsigned char secret_sha256[32];
};

/* The credential of a user name: its own name, or the identity's handle. ERR_UNAUTHORISED, ERR_EXPIRED. */
enum err session_find(struct store_txn *t, struct arena *a, struct str username,
		      struct session *ret) MUST_USE;
enum err session_token(struct rs *rs, struct arena *a, const struct session *s, bool by_key,
		       struct str *ret) MUST_USE;
/* Of a request: "Authorization: Bearer", a session's token or a credential's own, or a client certificate.
 * Sets r->principal. ERR_NOT_FOUND: there is none; ERR_UNAUTHORISED, ERR_EXPIRED. */
enum err session_open(struct net_req *r, struct session *ret) MUST_USE;
/* "88.608.8889/App_erp" ⇄ "App_erp@88.608.8889" */
struct str session_handle(struct arena *a, struct str name);
struct str session_name(struct arena *a, struct str handle);

struct challenges;
enum err challenges_new(struct challenges **ret) MUST_USE;
void challenges_free(struct challenges *c); /* NULL is allowed */
/* The nonce that stands for the handle, a new one when there is none: nobody can spoil another's login. */
void challenge_give(struct challenges *c, struct str handle, char ret[SESSION_NONCE]);
enum err challenge_find(struct challenges *c, struct str handle,
			char ret[SESSION_NONCE]) MUST_USE; /* ERR_EXPIRED */
/* False when it is gone: somebody else has used it. */
bool challenge_use(struct challenges *c, struct str handle, const char *nonce);

#endif
