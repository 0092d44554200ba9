/* Policies: decides whether an action is allowed by an ODRL offer or agreement, and says why.
 *
 * Purpose: pol_parse takes the JSON apart, pol_evaluate compares it with facts and gives a report:
 * each rule, each premise with the actual value, the verdict. Pure: no clock, no store, no network.
 * Ownership: policy and report live in the arena they were made with; slices point into the JSON
 * value and the facts, which must live as long. Threads: any; a policy may be shared once made.
 *
 * Invariants:
 * 1. Closed world: what no permission allows is denied.
 * 2. A premise is satisfied, unsatisfied or undecidable (unknown operand, fact not given, value not
 *    comparable). A permission is active only when all its premises are satisfied; a prohibition is
 *    active unless one of its premises is unsatisfied. Undecidable never opens a door.
 * 3. An active prohibition beats every permission, whatever the policy's conflict strategy.
 * 4. Work is bounded by POL_STEPS_MAX; beyond it the verdict is a denial.
 * 5. The same policy and facts give the same report.
 *
 * `count` and `bytes` hold what was used before plus what is asked for now, so that
 * "count lteq 3" with three used refuses the fourth and "kanhe:bytes lteq 1000" lets exactly 1,000 pass. */
#ifndef POLICIES_EVALUATOR_H
#define POLICIES_EVALUATOR_H

#include "base/clock.h"
#include "base/json.h"
#include "base/say.h"
#include "policies/vocabulary.h"

enum {
	POL_SIZE_MAX = 64 << 10,   /* octets of the compact text: no contract between people is larger */
	POL_DEPTH_MAX = 16,        /* logical constraints inside each other: bounds the stack */
	POL_CONSTRAINTS_MAX = 256, /* of the whole policy, logical ones included */
	POL_RULES_MAX = 64,        /* permissions, prohibitions and obligations together */
	POL_STEPS_MAX = 4096, /* comparisons of one evaluation: microseconds, whatever the lists hold */
};

struct pol_policy;

/* policy: an object with permission, prohibition, obligation (Set, Offer, Agreement). path: where it
 * stands, "" for the root. ERR_BAD_POLICY with the path of the member in flaw.at and a rule: "type",
 * "missing", "empty", "one-of", "operator", "limit". Operands that are not known are accepted here
 * and undecidable later. ERR_NO_MEMORY. */
enum err pol_parse(struct arena *a, json_t *policy, const char *path, struct flaw *f,
		   struct pol_policy **ret) MUST_USE;
/* The same from text. ERR_BAD_JSON too. */
enum err pol_parse_text(struct arena *a, struct str text, struct flaw *f, struct pol_policy **ret) MUST_USE;
/* What an owner may publish: everything in it can be decided here, and something is permitted.
 * ERR_BAD_POLICY with rules "operand", "operator", "value", "reference", "duty", "refinement",
 * "inherit", "no-permission". */
enum err pol_check(const struct pol_policy *p, struct flaw *f) MUST_USE;

/* ---- facts -------------------------------------------------------------------------------------- */

struct pol_tally {
	bool known;
	uint64_t used, asked;
};

struct pol_fact {
	struct str name, value; /* an operand's name as reports give it ("purpose"), or any other's */
};

struct pol_facts {
	struct str action; /* "use" */
	struct str target; /* empty: targets are not compared */
	struct str party;  /* who acts: recipient and assignee; empty: not known */
	usec_t now;
	usec_t agreed; /* the agreement's time; 0: not known */
	struct pol_tally count, bytes;
	const struct pol_fact *named;
	size_t named_n;
};

/* ---- report ------------------------------------------------------------------------------------- */

enum pol_rule_kind { POL_PERMISSION, POL_PROHIBITION, POL_OBLIGATION };

/* name, text in reports */
#define POL_LOGICS(X) X(ATOM, "") X(AND, "and") X(OR, "or") X(XONE, "xone") X(SEQUENCE, "andSequence")
enum pol_logic {
#define X(name, text) POL_##name,
	POL_LOGICS(X)
#undef X
};

/* name, text in reports */
#define POL_VERDICTS(X)                                                                                    \
	X(NOT_PERMITTED, "not-permitted")                                                                  \
	X(PERMITTED, "permitted")                                                                          \
	X(PROHIBITED, "prohibited")                                                                        \
	X(OVER_BUDGET, "over-budget")
enum pol_verdict {
#define X(name, text) POL_##name,
	POL_VERDICTS(X)
#undef X
};

enum pol_truth { POL_FALSE, POL_TRUE, POL_UNDECIDED };

/* Why a premise is undecided: what is missing. */
enum pol_lack { POL_LACK_NONE, POL_LACK_OPERAND, POL_LACK_FACT, POL_LACK_VALUE, POL_LACK_OBSERVER };

struct pol_premise {
	struct str path;
	unsigned depth; /* below the rule: 0, or more inside logical constraints */
	enum pol_logic logic;
	struct str left, right; /* as text; left is "action", "target", "assignee" for those */
	const char *op;
	struct str actual; /* what it was compared with; p = NULL: not known */
	uint64_t asked;    /* of a tally: what was asked for beyond the actual value */
	enum pol_truth truth;
	enum pol_lack lack;
	bool credential; /* about one: settled by who asks, whatever comes later */
};

struct pol_rule_report {
	enum pol_rule_kind kind;
	struct str path;
	bool active;
	struct pol_premise *premises; /* in the order of the policy, logical ones before their parts */
	size_t premises_n;
};

struct pol_report {
	enum pol_verdict verdict;
	struct pol_rule_report *rules;
	size_t rules_n;
	unsigned steps;
	struct str asked; /* the action */
};

/* ERR_NO_MEMORY only. */
enum err pol_evaluate(struct arena *a, const struct pol_policy *p, const struct pol_facts *f,
		      struct pol_report **ret) MUST_USE;
bool pol_allows(const struct pol_report *r);
/* What closes every permission already now: the first premise about credentials alone that does not hold;
 * NULL when some permission has none. For the time before an agreement, when counts, dates and purposes are
 * yet to come. */
const struct pol_premise *pol_unmet_credential(const struct pol_report *r);
/* The premise as a sentence. */
void pol_premise_sentence(const struct pol_premise *p, enum say_language l, struct buf *out);
/* How many of `want` further octets are allowed at once: the largest facts.bytes.asked that the
 * policy permits, 0 when none. Leaves nothing in the arena. */
uint64_t pol_octets_allowed(struct arena *a, const struct pol_policy *p, const struct pol_facts *f,
			    uint64_t want);

/* One sentence: what decided ("count: limit 3, actual 3"). */
void pol_report_reason(const struct pol_report *r, enum say_language l, struct buf *out);
/* All of it, one line per premise. */
void pol_report_text(const struct pol_report *r, enum say_language l, struct buf *out);
/* {"verdict", "reason", "action", "rules":[{"rule","kind","active","premises":[{"path","leftOperand",
 * "operator","rightOperand","actual","asked","satisfied": true, false or null,"lack"}…]}…]}; logical
 * premises have "logic" and "depth" instead of operands. NULL without memory. */
json_t *pol_report_json(struct arena *a, const struct pol_report *r);

/* A shipped template (policies/templates): replaces each string "${name}" in its member "policy" by
 * the member `name` of params. ERR_BAD_POLICY: a parameter is missing or of the wrong type. */
enum err pol_template_fill(struct arena *a, json_t *template, json_t *params, struct flaw *f,
			   json_t **ret) MUST_USE;

#endif
