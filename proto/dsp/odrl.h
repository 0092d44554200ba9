/* The shape of policies in DSP messages: Offer, MessageOffer, Agreement (contract-schema.json).
 *
 * Checks members, types, operators and limits; decides nothing: policies are carried as json_t and
 * evaluated elsewhere. Unknown members are tolerated. ERR_BAD_POLICY with the path in flaw.at
 * ("offer.permission[0].constraint[1].operator") and a rule: "missing", "type", "value", "empty",
 * "one-of", "target", "limit". Threads: any. */
#ifndef PROTO_DSP_ODRL_H
#define PROTO_DSP_ODRL_H

#include "base/clock.h"
#include "base/json.h"

enum {
	ODRL_SIZE_MAX = 64 << 10, /* octets of the compact text: no contract between people is larger */
	ODRL_DEPTH_MAX = 16,      /* logical constraints inside each other: bounds the evaluator's stack */
	ODRL_CONSTRAINTS_MAX = 256,
	ODRL_RULES_MAX = 64, /* permissions, prohibitions and obligations together */
};

enum odrl_kind {
	ODRL_OFFER,         /* in a catalog: must not have a target */
	ODRL_MESSAGE_OFFER, /* in ContractRequestMessage: target optional */
	ODRL_TARGET_OFFER,  /* in ContractOfferMessage: target required */
	ODRL_AGREEMENT,
};

/* name in C, ODRL name */
#define ODRL_OPERATORS(X)                                                                                  \
	X(EQ, "eq")                                                                                        \
	X(GT, "gt")                                                                                        \
	X(GTEQ, "gteq")                                                                                    \
	X(LTEQ, "lteq")                                                                                    \
	X(HAS_PART, "hasPart")                                                                             \
	X(IS_A, "isA")                                                                                     \
	X(IS_ALL_OF, "isAllOf")                                                                            \
	X(IS_ANY_OF, "isAnyOf")                                                                            \
	X(IS_NONE_OF, "isNoneOf")                                                                          \
	X(IS_PART_OF, "isPartOf")                                                                          \
	X(LT, "lt")                                                                                        \
	X(TERM_LTEQ, "term-lteq")                                                                          \
	X(NEQ, "neq")

struct odrl_policy {
	struct str id;
	struct str target;                             /* empty: absent */
	struct str assigner, assignee;                 /* agreements */
	struct str timestamp;                          /* as written; empty: absent */
	json_t *permission, *prohibition, *obligation; /* arrays or NULL */
	json_t *root;
};

/* path: where the policy stands, for flaws ("offer", "dataset[0].hasPolicy[1]"). */
enum err odrl_check(json_t *policy, enum odrl_kind kind, const char *path, struct flaw *f,
		    struct odrl_policy *ret) MUST_USE;

#endif
