/* Accounts: the credentials of enterprises.
 *
 * Purpose: an account is a credential of net/access.h with the role enterprise, and here the knowledge
 * whose it is, what it may do besides reading, and who issued it. An enterprise issues accounts itself:
 * never with a wider scope, more rights or a later end than the account that issues them.
 * Names are CODE.LABEL. Threads: reading with any transaction; the rest inside writer commands.
 * Invariants: 1. revoking an account revokes those that it issued, and theirs. 2. a credential that the
 * operator revoked is no account any more, whatever stands here. */
#ifndef RESOLVER_ACCOUNT_H
#define RESOLVER_ACCOUNT_H

#include "net/access.h"
#include "resolver/enterprise.h"

/* name, bit, word */
#define ACCOUNT_RIGHTS(X)                                                                                  \
	X(CHANGE, 1, "change") /* registers, replaces, retires identifiers */                              \
	X(ISSUE, 2, "issue")   /* gives and takes accounts, changes the enterprise's contact and key */

enum account_right {
#define X(name, bit, word) ACCOUNT_##name = bit,
	ACCOUNT_RIGHTS(X)
#undef X
};

enum {
	ACCOUNT_LABEL_MAX = 32,
	ACCOUNT_NAME_MAX = CREDIT_CODE + 1 + ACCOUNT_LABEL_MAX,
	ACCOUNTS_MAX =
	    256, /* of one enterprise: a plant has some dozens of systems; revoking looks at all */
};

struct account {
	struct str name, code;
	unsigned rights;
	bool by_key;       /* its holder proved a key: gone when that key goes */
	struct str parent; /* name of the account that issued it; "": the registrar, or the key */
};

/* A row of the table, wherever it was kept. ERR_CORRUPT. */
enum err account_row_read(struct str name, struct str row, struct account *ret) MUST_USE;
/* ERR_NOT_FOUND: no enterprise's account. Borrowed from the transaction. */
enum err account_find(struct store_txn *t, struct str name, struct account *ret) MUST_USE;
typedef enum err account_each_fn(void *arg, const struct account *x);
enum err account_each(struct store_txn *t, struct str code, account_each_fn *fn, void *arg) MUST_USE;

/* "change issue"; "" and "read" are none. ERR_BAD_INPUT. */
enum err account_rights_parse(struct str text, unsigned *ret) MUST_USE;
void account_rights_print(unsigned rights, struct buf *out);
bool account_label_ok(struct str label);

struct account_issue {
	struct str code, label, who;
	struct str issuer; /* its account; "": a registrar, or a proof */
	bool by_key;       /* replaces the account of the same label, when that was by key too */
	bool has_rights;   /* else: change, and issue as well when a registrar gives it */
	unsigned rights;
	struct str scope;         /* prefixes; "": all that the issuer has */
	usec_t expires;           /* wall; 0: that of the issuer */
	unsigned char digest[32]; /* of the secret */
	/* set by account_issue; in the arena */
	struct principal given;
};
/* ERR_EXISTS, ERR_FORBIDDEN (rules account-right, account-scope, account-rights, account-term),
 * ERR_QUOTA (accounts-number). */
enum err account_issue(struct account_issue *i, const struct enterprise *x, struct writer_txn *t,
		       struct arena *a, struct flaw *f) MUST_USE;
/* Whether `name` is `above` or was issued by it, directly or not. */
bool account_descends(struct store_txn *t, struct arena *a, struct str name, struct str above);
/* Itself and what it issued. ERR_NOT_FOUND. */
enum err account_revoke(struct writer_txn *t, struct arena *a, struct str who, struct str name) MUST_USE;
/* All of an enterprise, or only those by key with what they issued. */
enum err account_revoke_all(struct writer_txn *t, struct arena *a, struct str who, struct str code,
			    bool by_key_only) MUST_USE;

#endif
