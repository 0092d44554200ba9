/* Delegations: made, signed and kept for our children; verified when they come from parents.
 *
 * Purpose: the rules of who may delegate what. The message itself is proto/pb/delegation.h.
 * Threads: parsing and verifying any; put and withdraw inside writer commands.
 * Invariants: 1. what is stored was signed by this node's key. 2. serials of a prefix only grow, also
 * past a withdrawal. 3. a child's prefix lies strictly under ours and under no other child's. */
#ifndef RESOLVER_DELEGATION_H
#define RESOLVER_DELEGATION_H

#include "base/json.h"
#include "base/writer.h"
#include "proto/pb/delegation.h"
#include "proto/pb/envelope.h"
#include "resolver/tables.h"

enum {
	DELEGATION_DAYS = 365,    /* term when the request names none */
	DELEGATION_SKEW_SEC = 60, /* clocks of nodes differ */
};

/* Who may speak for a prefix. */
struct trust {
	struct str prefix; /* key octets */
	unsigned char keys[DELEGATION_KEYS_MAX][SIGN_PUBLIC];
	size_t keys_n;
};

/* What an answer must match. */
struct expected {
	struct trust trust; /* who may give it */
	struct id question;
	usec_t now; /* wall */
};

/* {"prefix","did","keys":["z6Mk…"],"endpoints":[{"protocol","url"}],"not_before","not_after"}; the
 * serial and the parent are left empty. ERR_BAD_MESSAGE, ERR_BAD_ID with the member named. */
enum err delegation_read_json(struct arena *a, json_t *j, usec_t now, struct flaw *f,
			      struct delegation *ret) MUST_USE;
/* An http or https URL that paths can be appended to: no query, fragment, blank or user. */
bool delegation_url_ok(struct str url);

struct delegation_signer {
	const struct sign_key *key;
	struct str kid, did;
};
/* Sets serial and parent, signs, stores, appends the ledger entry. ERR_CONFLICT: under another
 * child's prefix. *signed_out gets the packed Signed message; the arena is the command's. */
enum err delegation_put(struct writer_txn *t, const struct delegation_signer *s, struct str who,
			struct delegation *d, struct buf *signed_out) MUST_USE;
enum err delegation_withdraw(struct writer_txn *t, struct str who,
			     const struct id_prefix *prefix) MUST_USE; /* ERR_NOT_FOUND */
/* ERR_NOT_RESPONSIBLE when some prefix of the key longer than `from` octets is a child's. */
enum err delegation_check_free(struct store_txn *t, struct str key, size_t from) MUST_USE;
/* The same for all keys of their length from `first` to `last`. */
enum err delegation_check_range(struct store_txn *t, struct str first, struct str last,
				size_t from) MUST_USE;

typedef enum err delegation_each_fn(void *arg, struct str prefix, struct str packed);
enum err delegation_each(struct store_txn *t, delegation_each_fn *fn, void *arg) MUST_USE;
/* Takes one of ours apart without verifying it: it came from our own table. */
enum err delegation_open(struct arena *a, struct str packed, struct delegation *ret) MUST_USE;

/* From another node: signed by a key of x->trust, in force, under its prefix, with an endpoint we can
 * ask. ERR_BOGUS with the rule broken; ERR_NO_MEMORY. */
enum err delegation_verify(struct arena *a, struct str packed, const struct expected *x, struct flaw *f,
			   struct delegation *ret) MUST_USE;
/* Whether an Ed25519 key of *t signed the envelope. */
enum err trust_verify(const struct trust *t, const struct envelope *e, enum envelope_kind kind,
		      struct flaw *f) MUST_USE;
/* What the holder of a delegation may speak for. */
void trust_from_delegation(const struct delegation *d, struct trust *ret);

#endif
