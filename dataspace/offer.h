/* Offers: the policy part of offers and agreements, compared.
 *
 * Two policies are the same when their rules (permission, prohibition, obligation; an empty array is
 * an absent one) have the same JCS form. What differs is told member by member. Pure; any thread. */
#ifndef DATASPACE_OFFER_H
#define DATASPACE_OFFER_H

#include "base/json.h"

enum { OFFER_DIFFS_MAX = 20 /* reasons told: the first few are what a person needs */ };

/* The rules of an offer, agreement or published policy as a new object kept by the arena; NULL
 * without memory. */
json_t *offer_rules(struct arena *a, json_t *policy);
/* A copy of the rules in the form that travels: numbers and truth values on the right side of a
 * constraint become texts, because the protocol's schema takes only texts, objects and arrays there. */
json_t *offer_rules_plain(struct arena *a, json_t *rules);
/* Prefixed left operands of EDC as IRIs, in place: sent back under no context but the protocol's, a prefix
 * would mean nothing, and EDC refuses it. */
void offer_spell_out(json_t *offer);
/* A left operand "name" is the same as "edc:name" and "odrl:name": EDC makes the one of the other. */
bool offer_same(json_t *rules1, json_t *rules2);
/* Array of sentences "permission[0].constraint[1].rightOperand: offered 3, asked 5"; kept by the
 * arena. Empty when the rules are the same. */
json_t *offer_diff(struct arena *a, json_t *offered, json_t *asked);
/* The message offer for a request: rules, @id, target, assigner (may be empty). */
json_t *offer_write(struct arena *a, json_t *rules, struct str id, struct str target, struct str assigner);

#endif
