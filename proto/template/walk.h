/* An attribute's rule, one octet of a text after the other.
 *
 * Purpose: template_check_value looks at one text. Who has to know of a great many texts at once, as the
 * values of all members of a series are, goes through what they have in common once: two beginnings that
 * lead to the same state are followed by the same ends. What a walk takes is what template_check_value
 * takes of that rule, for texts of one octet at least; bounds of dates are part of it, those of numbers are
 * not, and no lengths.
 * Ownership: a walk lives in the arena and borrows the attribute. Threads: any; a walk at one time. Pure.
 */
#ifndef PROTO_TEMPLATE_WALK_H
#define PROTO_TEMPLATE_WALK_H

#include "proto/template/template.h"

enum {
	TEMPLATE_WALK_STATE_MAX = 256, /* octets: patterns of some 2,000 characters, repetition unfolded */
};

enum template_rule { TEMPLATE_RULE_TYPE, TEMPLATE_RULE_PATTERN };

struct template_walk;
/* ERR_UNSUPPORTED: the type is neither date nor number; the pattern is too long or has something whose
 * meaning differs among implementations. ERR_NO_MEMORY. */
enum err template_walk_new(struct arena *a, const struct template_attribute *x, enum template_rule rule,
			   struct template_walk **ret) MUST_USE;
size_t template_walk_state(const struct template_walk *w); /* octets of a state */
void template_walk_begin(const struct template_walk *w, unsigned char *state);
/* False: no text that the rule takes goes on with this octet. */
bool template_walk_step(const struct template_walk *w, const unsigned char *from, char c,
			unsigned char *to) MUST_USE;
/* Whether the rule takes the text that ends here. */
bool template_walk_ends(const struct template_walk *w, const unsigned char *state) MUST_USE;

/* ---- pattern.c, for walk.c --------------------------------------------------------------- */

struct pattern;
enum err pattern_new(struct arena *a, struct str text, struct pattern **ret) MUST_USE;
size_t pattern_state(const struct pattern *p);
void pattern_begin(const struct pattern *p, unsigned char *state);
bool pattern_step(const struct pattern *p, const unsigned char *from, char c, unsigned char *to) MUST_USE;
bool pattern_ends(const struct pattern *p, const unsigned char *state) MUST_USE;

#endif
