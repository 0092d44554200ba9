/* Enterprises: who registers identifiers here, from application to closing.
 *
 * Purpose: one row for each enterprise, named by its unified social credit code, and the steps that
 * move it through its states. Each step is a ledger entry in the transaction of the change.
 * What lies beside: prefixes in allocation.h, credentials in account.h, quotas in admission.h.
 * Ownership: slices of a struct enterprise live in the arena given, or are borrowed by who packs.
 * Threads: reading with any transaction; steps inside writer commands.
 *
 * Invariants: 1. a state changes only by a step of ENTERPRISE_STEPS from a state that the step names.
 * 2. only an approved enterprise changes anything: identifiers, credentials, its own contact. 3. a prefix
 * under which anything was registered is never given to another enterprise, whatever becomes of its holder.
 */
#ifndef RESOLVER_ENTERPRISE_H
#define RESOLVER_ENTERPRISE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/sign.h"
#include "base/writer.h"
#include "proto/id/id.h"
#include "resolver/credit_code.h"
#include "resolver/tables.h"

enum {
	ENTERPRISE_TEXT_MAX = 512,    /* octets of each text a person wrote: a name, a reason, a review */
	ENTERPRISE_PREFIXES_MAX = 64, /* more than an enterprise has; a credential's scope names them all */
	ENTERPRISE_PACKED_MAX = 64 << 10, /* all of that at its longest */
	ENTERPRISE_WAITING_MAX =
	    1000, /* applications that wait: what a registrar's desk can look through */
};

/* name, word */
#define ENTERPRISE_STATES(X)                                                                               \
	X(APPLIED, "applied")         /* waits for the review of its real name */                          \
	X(APPROVED, "approved")       /* registers identifiers under its prefixes */                       \
	X(REJECTED, "rejected")       /* with a reason; may apply again */                                 \
	X(SUSPENDED, "suspended")     /* changes nothing until it is reinstated */                         \
	X(HANDED_OVER, "handed-over") /* another node has its prefixes; resolvers are led there */         \
	X(CLOSED, "closed")           /* without credentials; may apply again */

enum enterprise_state {
	ENTERPRISE_NONE = 0, /* there is no such enterprise */
#define X(name, word) ENTERPRISE_##name,
	ENTERPRISE_STATES(X)
#undef X
};

#define STATE_BIT(name) (1u << ENTERPRISE_##name)

/* name, word, states it may be taken from, state it leads to, kind of the ledger entry */
#define ENTERPRISE_STEPS(X)                                                                                \
	X(APPLY, "apply", STATE_BIT(NONE) | STATE_BIT(REJECTED) | STATE_BIT(CLOSED), APPLIED,              \
	  "enterprise.applied")                                                                            \
	X(APPROVE, "approve", STATE_BIT(APPLIED), APPROVED, "enterprise.approved")                         \
	X(REJECT, "reject", STATE_BIT(APPLIED), REJECTED, "enterprise.rejected")                           \
	X(SUSPEND, "suspend", STATE_BIT(APPROVED), SUSPENDED, "enterprise.suspended")                      \
	X(REINSTATE, "reinstate", STATE_BIT(SUSPENDED), APPROVED, "enterprise.reinstated")                 \
	X(HAND_OVER, "hand-over", STATE_BIT(APPROVED) | STATE_BIT(SUSPENDED) | STATE_BIT(HANDED_OVER),     \
	  HANDED_OVER, "enterprise.handed-over")                                                           \
	X(CLOSE, "close", STATE_BIT(APPLIED) | STATE_BIT(APPROVED) | STATE_BIT(SUSPENDED), CLOSED,         \
	  "enterprise.closed")

enum enterprise_step {
#define X(name, word, from, to, kind) STEP_##name,
	ENTERPRISE_STEPS(X)
#undef X
};

const char *enterprise_state_word(enum enterprise_state s); /* "" for none */
enum err enterprise_state_parse(struct str word, enum enterprise_state *ret) MUST_USE;
const char *enterprise_step_word(enum enterprise_step s);
/* ERR_CONFLICT, rule enterprise-state, saying from which states the step leads; ERR_NOT_FOUND for none. */
enum err enterprise_step_check(enum enterprise_step step, enum enterprise_state from,
			       struct flaw *f) MUST_USE;

struct enterprise {
	char code[CREDIT_CODE];
	enum enterprise_state state;
	bool withheld; /* its identifiers do not resolve */
	bool open; /* anybody may have sent the application: its key is not believed before it is confirmed
		    */
	bool has_key;
	unsigned char key[SIGN_PUBLIC];
	usec_t applied, changed;
	usec_t proved;  /* when the last challenge that was answered had been made */
	uint64_t quota; /* identifiers; 0: none set, as many as it likes */
	struct str name, person, phone, email;
	struct str wanted;                            /* prefix, as the applicant wrote it; "" */
	struct str review;                            /* what was looked at to know its real name */
	struct str reason;                            /* of the last rejection, suspension or closing */
	struct str node;                              /* DID of the node it was handed over to */
	struct str prefixes[ENTERPRISE_PREFIXES_MAX]; /* key octets */
	size_t prefixes_n;
};

static inline struct str enterprise_code(const struct enterprise *x)
{
	return str_n(x->code, CREDIT_CODE);
}

/* Appends to out; ERR_TOO_LARGE (sticky). */
enum err enterprise_pack(const struct enterprise *x, struct buf *out) MUST_USE;
/* Slices into packed. ERR_CORRUPT. */
enum err enterprise_unpack(struct str code, struct str packed, struct enterprise *ret) MUST_USE;

/* ERR_NOT_FOUND. A copy in the arena. */
enum err enterprise_find(struct store_txn *t, struct arena *a, struct str code,
			 struct enterprise *ret) MUST_USE;
/* In order of code, after `after` (empty: from the first); false: enough. Slices live during the call. */
typedef bool enterprise_each_fn(void *arg, const struct enterprise *x);
enum err enterprise_each(struct store_txn *t, struct str after, enterprise_each_fn *fn, void *arg) MUST_USE;
enum err enterprise_put(struct writer_txn *t, const struct enterprise *x) MUST_USE;

/* What happened to an enterprise: indexes of its ledger entries, from `from` on, oldest first. */
typedef bool enterprise_history_fn(void *arg, uint64_t leaf); /* false: enough */
enum err enterprise_history(struct store_txn *t, struct str code, uint64_t from, enterprise_history_fn *fn,
			    void *arg) MUST_USE;
enum err enterprise_note(struct writer_txn *t, struct str code, uint64_t leaf) MUST_USE;

/* ---- steps (enterprise_step.c) ------------------------------------------------------------ */

struct rs;
struct scope;
struct delegation;

/* A file of what an enterprise has, as it was written down. */
struct enterprise_file {
	uint64_t lines;
	unsigned char sha256[32];
};

struct enterprise_act {
	enum enterprise_step step;
	struct str who; /* of the credential, for the ledger; "applicant" */
	const struct rs *rs;
	const struct scope *scope; /* of a registrar; NULL: the enterprise itself, or an applicant */
	struct enterprise x;       /* APPLY: code and what the applicant says; else the code alone */
	struct str reason, review;
	bool withhold;  /* SUSPEND, CLOSE: its identifiers stop resolving */
	bool has_quota; /* APPROVE */
	uint64_t quota;
	struct id_prefix prefix; /* APPROVE: to allocate; empty key: the next number under `under` */
	struct id_prefix under;
	bool adopt;            /* APPROVE: identifiers are registered there already, count them */
	bool whole;            /* APPROVE: the prefix may be all of one of ours */
	struct delegation *to; /* HAND_OVER: all but prefix, serial and parent */
	struct enterprise_file records, templates; /* of enterprise_note_export */
	/* set by enterprise_take */
	struct enterprise after;
};

/* Checks the step, does what goes with it (allocation, delegations, credentials) and notes it. *f names
 * the rule. The arena is the command's. */
enum err enterprise_take(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			 struct flaw *f) MUST_USE;
/* One prefix more for an approved enterprise; ledger entry enterprise.prefix-allocated. */
enum err enterprise_allocate(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			     struct flaw *f) MUST_USE;
/* Takes the prefix act->prefix back while nothing was ever registered under it; enterprise.prefix-released.
 */
enum err enterprise_release(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			    struct flaw *f) MUST_USE;
/* Notes what of a suspended enterprise was written down, for the node that takes over: ledger entry
 * enterprise.exported, the last one about it until something else happens. */
enum err enterprise_note_export(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
				struct flaw *f) MUST_USE;
/* Ledger entries enterprise.quota, enterprise.changed, enterprise.key. */
enum err enterprise_set_quota(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			      struct flaw *f) MUST_USE;
enum err enterprise_set_contact(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
				struct flaw *f) MUST_USE;
enum err enterprise_set_key(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			    struct flaw *f) MUST_USE;

#endif
