/* Access: who calls, and which roles that gives (DESIGN 7).
 *
 * Purpose: credentials are bearer tokens ("kt_" and 43 base64url characters, 256 random bits) or
 * client certificates; only their SHA-256 is stored, in one table of the registry environment
 * that this module owns. Each credential has one or more roles, a scope and an end. Granting and
 * revoking are ledger entries of their own.
 * Threads: access_find with the shard's read transaction; the commands through the writer. */
#ifndef NET_ACCESS_H
#define NET_ACCESS_H

#include "base/buf.h"
#include "base/writer.h"
#include "net/net.h"

/* name, bit, meaning. The bits are those of net_route.roles. */
#define ACCESS_ROLES(X)                                                                                    \
	X(OPERATOR, operator, 1, "runs the node; sees no contents")                                        \
	X(REGISTRAR, registrar, 2, "admits enterprises, delegates and registers prefixes in scope")        \
	X(ENTERPRISE, enterprise, 4, "registers identifiers under its own prefixes")                       \
	X(OWNER, owner, 8, "its own participant: publishes, negotiates, pulls, revokes")                   \
	X(AUDITOR, auditor, 16, "reads evidence")                                                          \
	X(AGENT, agent, 32, "what its principal allows, and no more")

enum access_role {
#define X(up, low, bit, text) ROLE_##up = bit,
	ACCESS_ROLES(X)
#undef X
};

enum {
	ACCESS_TOKEN_TEXT = 48,
	ACCESS_NAME_MAX = 64,    /* stands in ledger entries and log lines */
	ACCESS_SCOPE_MAX = 2048, /* some hundred prefixes: an enterprise has a few */
};

struct principal {
	uint32_t roles;
	struct str name;  /* "maker-registrar", shown in ledger and logs */
	struct str scope; /* "*", or items separated by blanks: prefixes ("88.118.8") and participants
			     ("@maker") */
	usec_t expires;   /* wall; 0 = never */
};

bool access_scope_has(const struct principal *p, struct str item); /* exact item, or "*" */

/* By token text or certificate hash. ERR_UNAUTHORISED (unknown), ERR_EXPIRED. Slices in the arena. */
enum err access_find(struct store_txn *t, unsigned table, struct arena *a, struct str token,
		     struct str cert_sha256, struct principal *ret) MUST_USE;
/* By name, for faces that keep sessions of a credential: its secret's SHA-256 too. ERR_UNAUTHORISED (none
 * of that name), ERR_EXPIRED. */
enum err access_find_name(struct store_txn *t, unsigned table, struct arena *a, struct str name,
			  struct principal *ret, unsigned char ret_secret_sha256[32]) MUST_USE;
/* The guard of net_hooks: takes "Authorization: Bearer", else the client certificate; sets
 * r->principal (struct principal *) and compares roles. Routes with roles 0 pass untouched.
 * ERR_UNAUTHORISED (answer carries WWW-Authenticate: Bearer), ERR_FORBIDDEN naming the roles needed. */
enum err access_guard(struct store_txn *t, unsigned table, struct net_req *r, struct flaw *f) MUST_USE;

/* Inside a writer command: stores the credential and appends the ledger entry. who: the granting
 * principal's name. ERR_EXISTS. */
enum err access_grant(struct writer_txn *t, unsigned table, struct str who, struct str secret_sha256,
		      const struct principal *p) MUST_USE;
enum err access_revoke(struct writer_txn *t, unsigned table, struct str who, struct str name) MUST_USE;
/* What access_grant must() have: a name of 1 to ACCESS_NAME_MAX characters A-Z a-z 0-9 . _ @ -, roles,
 * a scope of items "*", "@participant" or prefixes. ERR_BAD_MESSAGE naming the field. */
enum err access_check(const struct principal *p, struct flaw *f) MUST_USE;
/* Each credential in order of name; an error of fn ends the walk and is returned. Slices live
 * until fn returns. */
typedef enum err access_each_fn(void *arg, const struct principal *p, struct str secret_sha256);
enum err access_each(struct store_txn *t, unsigned table, access_each_fn *fn, void *arg) MUST_USE;
/* The credential of that name, expired or not: ERR_NOT_FOUND. Slices in the arena. */
enum err access_named(struct store_txn *t, unsigned table, struct arena *a, struct str name,
		      struct principal *ret) MUST_USE;
void access_token_make(char out[ACCESS_TOKEN_TEXT]); /* NUL-terminated */
void access_token_hash(struct str token, unsigned char out[32]);
enum err access_roles_parse(struct str text, uint32_t *ret) MUST_USE; /* "owner auditor" */
void access_roles_print(uint32_t roles, struct buf *out);

#endif
