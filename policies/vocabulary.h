/* The words of a policy that the evaluator knows: operators, operands, actions (ODRL 2.2).
 *
 * Purpose: names in any of the spellings in use (plain, "odrl:", the full IRI, "edc:" and
 * "cx-policy:" with their IRIs) to one enum each. Threads: any; pure. */
#ifndef POLICIES_VOCABULARY_H
#define POLICIES_VOCABULARY_H

#include "base/str.h"

/* name, ODRL name. `term-lteq` of the DSP schema is read as lteq, `in` (EDC) as isAnyOf. */
#define POL_OPERATORS(X)                                                                                   \
	X(EQ, "eq")                                                                                        \
	X(NEQ, "neq")                                                                                      \
	X(LT, "lt")                                                                                        \
	X(LTEQ, "lteq")                                                                                    \
	X(GT, "gt")                                                                                        \
	X(GTEQ, "gteq")                                                                                    \
	X(IS_ANY_OF, "isAnyOf")                                                                            \
	X(IS_ALL_OF, "isAllOf")                                                                            \
	X(IS_NONE_OF, "isNoneOf")                                                                          \
	X(IS_A, "isA")                                                                                     \
	X(IS_PART_OF, "isPartOf")                                                                          \
	X(HAS_PART, "hasPart")

enum pol_operator {
#define X(name, text) POL_##name,
	POL_OPERATORS(X)
#undef X
	    POL_OPERATORS_END
};

/* How values compare.
 * TIME: microseconds; a plain date stands for its whole day in UTC: `lteq 2026-12-31` holds until
 *   that day ends, `lt` until it begins, `eq` within it. "contractAgreement+30d" (s, m, h, d)
 *   counts from the agreement.
 * END: the end of a term: `eq` and `lteq` hold until then (for a plain date: until the day ends).
 * SPAN: time since the agreement, ISO 8601 duration of days and smaller ("P30D", "PT12H").
 * NUMBER: what was used so far plus what is asked for now, against a whole number.
 * TERM: texts, compared octet by octet; isPartOf and hasPart also take "CN-31" for a part of "CN".
 * CREDENTIAL: a TERM of its own: what a verified credential says, see pol_credential.
 * OTHER: not known here; a TERM if the facts name it, else nobody can say. */
enum pol_kind { POL_TIME, POL_END, POL_SPAN, POL_NUMBER, POL_TERM, POL_OTHER };

/* name, name in reports, kind. The octets delivered have no operand in ODRL (absoluteSize is a
 * measure of the asset, not of its use): "kanhe:bytes". */
#define POL_OPERANDS(X)                                                                                    \
	X(DATE_TIME, "dateTime", TIME)                                                                     \
	X(END_DATE, "DataUsageEndDate", END)                                                               \
	X(PROVISION_END, "DataProvisioningEndDate", END)                                                   \
	X(ELAPSED, "elapsedTime", SPAN)                                                                    \
	X(COUNT, "count", NUMBER)                                                                          \
	X(BYTES, "kanhe:bytes", NUMBER)                                                                    \
	X(PURPOSE, "purpose", TERM)                                                                        \
	X(RECIPIENT, "recipient", TERM)                                                                    \
	X(SPATIAL, "spatial", TERM)                                                                        \
	X(CREDENTIAL, "", TERM)                                                                            \
	X(UNKNOWN, "", OTHER)

enum pol_operand {
#define X(name, text, kind) POL_##name,
	POL_OPERANDS(X)
#undef X
};

const char *pol_operator_text(enum pol_operator o);
const char *pol_operand_text(enum pol_operand o);
enum pol_kind pol_operand_kind(enum pol_operand o);

/* False when there is no such operator. */
bool pol_operator_find(struct str text, enum pol_operator *ret);
enum pol_operand pol_operand_find(struct str text); /* POL_UNKNOWN */
/* The fact that an operand about credentials stands for: "TypeCredential" (its value is "active") or
 * "TypeCredential.claim"; Catena-X's "Membership" is "MembershipCredential". Empty: it is none. */
struct str pol_credential(struct str name);
/* Without "odrl:", "edc:", "cx-policy:", "cx:" and the IRIs they stand for. */
struct str pol_local(struct str name);
/* Is `asked` the action `covering`, or one that ODRL includes in it ("read" in "use")? */
bool pol_action_covers(struct str covering, struct str asked);

#endif
