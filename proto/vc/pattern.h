/* The regular expressions of JSON Schema's `pattern` (ECMA-262 22.2.1, with Unicode code points): does a
 * text hold a match?
 *
 * Taken: alternatives, groups ("(…)", "(?:…)"), repetition ("*", "+", "?", "{n}", "{n,}", "{n,m}", each
 * also lazy), "^", "$", ".", classes, and the escapes \d \D \w \W \s \S \t \n \r \v \f \xHH \uHHHH \u{H…}
 * and of punctuation. What is not regular or means another thing elsewhere is ERR_UNSUPPORTED: back
 * references, looking ahead and behind, \b and \B, \p, names of groups, "{", "}" and "]" that stand for
 * themselves.
 *
 * There is no backtracking: all ways through the pattern are gone at once, one character after the other,
 * so that a text costs at most its length times the pattern's size. Bounded: VC_PATTERN_MAX octets,
 * VC_PATTERN_CODE steps with repetition unfolded, VC_PATTERN_DEPTH groups in each other, and the caller's
 * budget. Pure, nothing is allocated; threads: any. */
#ifndef PROTO_VC_PATTERN_H
#define PROTO_VC_PATTERN_H

#include "base/str.h"

enum {
	VC_PATTERN_MAX =
	    1024, /* a pattern that people still read has a tenth of it; code lists have more */
	VC_PATTERN_CODE = 2048, /* "{1000}" of one character, and something beside it */
	VC_PATTERN_RANGES = 512,
	VC_PATTERN_DEPTH = 32,
	VC_PATTERN_BUDGET = 250000 /* under a millisecond; what people write takes a thousand */
};

/* ERR_UNSUPPORTED: *ret_what names what is not taken; ERR_TOO_LARGE: the budget is used up. *budget is
 * counted down. text: UTF-8. */
enum err vc_pattern_find(struct str pattern, struct str text, unsigned *budget, const char **ret_what,
			 bool *ret_found) MUST_USE;

#endif
