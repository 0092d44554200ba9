/* GS1 Application Identifiers: the table and the checks of values.
 *
 * Holds the 16 primary keys of GS1 Digital Link and their qualifiers, in the terms of the GS1 Barcode
 * Syntax Dictionary (release 2026-01-27), of which further rows can be added in the same form.
 * Private to proto/id. Specification: GS1 General Specifications 3 and 7.9, 7.11. */
#ifndef PROTO_ID_GS1_AI_H
#define PROTO_ID_GS1_AI_H

#include "base/str.h"

enum { GS1_PARTS_MAX = 3, GS1_QUALIFIERS_MAX = 3, GS1_VALUE_MAX = 90 /* the longest AI */ };

/* N digits, X character set 82, Y character set 39. */
enum gs1_set { GS1_N, GS1_X, GS1_Y };

enum gs1_check {
	GS1_ANY,
	GS1_MOD10,          /* last digit checks the part */
	GS1_PAIR,           /* last two characters check the part (modulo 1021) */
	GS1_ZERO,           /* all zeros */
	GS1_PIECE,          /* two digits piece, two digits total, 01..total */
	GS1_IMPORTER_INDEX, /* one letter, digit, hyphen or underscore in the last place */
	GS1_NO_ZERO_START,
};

struct gs1_part {
	enum gs1_set set;
	unsigned char min, max; /* min 0: the part may be absent */
	enum gs1_check check;
};

struct gs1_ai {
	const char *ai;
	/* Primary keys: allowed qualifiers, alternatives split by '|', each in order by ','; "" for none.
	 * Other AIs: NULL. */
	const char *qualifiers;
	unsigned char company_at; /* primary keys: octets before the company prefix */
	struct gs1_part parts[GS1_PARTS_MAX];
};

enum { GS1_COMPANY_MIN = 4, GS1_COMPANY_MAX = 12 }; /* digits of a company prefix */

const struct gs1_ai *gs1_ai_find(struct str ai); /* NULL: not in the table */
bool gs1_set_has(enum gs1_set set, unsigned char c);
/* *ret_at: the octet of the value that breaks the rule; the rule's name and text go to the flaw with
 * that offset. */
enum err gs1_value_check(const struct gs1_ai *ai, struct str value, struct flaw *f,
			 size_t *ret_at) MUST_USE;
/* Place (from 0) of a qualifier in the first alternative of `key` that has it and all of `others`;
 * -1: none has. */
int gs1_qualifier_rank(const struct gs1_ai *key, const struct gs1_ai *qualifier,
		       const struct gs1_ai *const *others, size_t others_n);

#endif
