/* A policy taken apart: private to the folder.
 *
 * Everything lives in the arena given to pol_parse. Threads: any; immutable once made. */
#ifndef POLICIES_POLICY_H
#define POLICIES_POLICY_H

#include "policies/evaluator.h"

/* Why a constraint can never be decided here; also the rule of a flaw. name, rule, sentence */
#define POL_UNUSABLES(X)                                                                                   \
	X(NONE, "", "")                                                                                    \
	X(OPERAND, "operand", "this left operand is not known here")                                       \
	X(OPERATOR, "operator", "this operator does not go with this left operand")                        \
	X(VALUE, "value", "the right operand is not of the kind that the left operand needs")              \
	X(REFERENCE, "reference", "right operands by reference are not fetched")                           \
	X(DUTY, "duty", "duties of a permission cannot be observed here")                                  \
	X(REFINEMENT, "refinement", "refined actions and parties cannot be observed here")

enum pol_unusable {
#define X(name, rule, text) POL_UNUSABLE_##name,
	POL_UNUSABLES(X)
#undef X
};

/* One value of a right operand. */
struct pol_right {
	struct str text;
	bool since_agreement; /* from, until are relative to it */
	usec_t from, until;   /* TIME, END: first and last instant; SPAN: from = the span */
	uint64_t number;
};

struct pol_constraint {
	enum pol_logic logic;
	struct str path; /* "permission[0].constraint[1].or[0]" */
	enum pol_unusable unusable;
	/* POL_ATOM */
	struct str left;
	enum pol_operand operand;
	enum pol_operator op;
	struct pol_right *right;
	size_t right_n;
	struct str right_text; /* for people: "3", "[a, b]" */
	/* the others */
	struct pol_constraint *of;
	size_t of_n;
};

struct pol_rule {
	enum pol_rule_kind kind;
	struct str path;
	struct str *actions;
	size_t actions_n;
	struct str target, assignee;        /* empty: none, or the policy's */
	struct pol_constraint *constraints; /* all must hold; duties and refinements stand here, unusable */
	size_t constraints_n;
};

struct pol_policy {
	struct str target, assignee;
	struct pol_rule *rules; /* permissions, prohibitions, obligations */
	size_t rules_n;
	bool unusable; /* inheritFrom, or a conflict strategy other than ours */
	struct str unusable_path;
};

/* right.c: fills operand kind's fields of each value from the JSON of the right operand. Sets
 * c->unusable when it cannot. ERR_NO_MEMORY. */
enum err pol__right_parse(struct arena *a, json_t *right, struct pol_constraint *c) MUST_USE;

const char *pol__unusable_rule(enum pol_unusable u);
const char *pol__unusable_text(enum pol_unusable u);

#endif
