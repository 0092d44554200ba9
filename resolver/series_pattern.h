/* Patterns of series: which identifiers one record stands for.
 *
 * Purpose: read `88.118.8/SN-{0000000..9999999}` or `01/0950600{13400..13499}{check}`, in any printed form
 * of the identifier, and decide exactly which identifiers it means.
 *
 *   pattern   an identifier with a range, or up to four, in place of some of its characters, and {check} in
 *             place of the check digit if that depends on them
 *   range     {FROM..TO} or {FROM..TO:ALPHABET}: letters, digits, - and _, FROM as long as TO
 *   ALPHABET  characters and spans of them in ascending order: 0-9A-F, 0-9A-HJ-NP-Z; or one for each
 *             place, with commas
 *
 * A member has in place of the range as many characters, that stand between FROM and TO in order of ASCII,
 * each from its place's alphabet: the one given, else digits, capitals or small letters as FROM and TO have
 * them there (0 and 9: digits; 0 and Z: digits and capitals). - and _ stand for themselves.
 *
 * With several ranges a member has any of the characters of each, whatever it has in the others:
 * LOT{2023..2025}-{0001..9999} has three times 9,999 members, and no number 0000.
 *
 * Where the range stands in the identifier's key, and where the check digit, is found by trying
 * identifiers that differ in one place; so nothing here knows a scheme, and what a scheme refuses or
 * folds is refused here too.
 * Ownership: texts live in the arena given. Threads: any. Pure. */
#ifndef RESOLVER_SERIES_PATTERN_H
#define RESOLVER_SERIES_PATTERN_H

#include "proto/id/id.h"

enum {
	SERIES_WIDTH_MAX = 40,            /* characters of a range; GS1 serials have 20 */
	SERIES_RANGES_MAX = 4,            /* of a pattern: year, line, lot, number */
	SERIES_WINDOW_MAX = 96,           /* octets of the key from the first range to the last */
	SERIES_KEY_MAX = ID_KEY_MAX - 12, /* a row's key adds 4 octets, its history 8 more */
	SERIES_ALPHABET_MAX = 62,
};
/* Sums over a node's series stay below 2^64, and nobody has as many things. */
#define SERIES_MEMBERS_MAX UINT64_C(1000000000000000)

struct series_part {
	uint8_t at, n; /* of a window's octets */
};

/* The characters of a range: what a member is decided by. Of several ranges the window of the key from the
 * first to the last: its octets of the first and of the last member. */
struct series_range {
	struct str from, to;
	struct str alphabet; /* as written; empty: what FROM and TO say, place by place */
	struct series_part parts[SERIES_RANGES_MAX];
	size_t parts_n; /* 0: one range */
};

struct series_pattern {
	struct str text; /* canonical: the first member's text with the range in it */
	struct id first, last;
	struct series_range range;
	size_t scope; /* octets of the key that rows of series share to lie together */
	size_t head;  /* octets of the key before the range */
	size_t rest;  /* octets of the key after the range up to the check digit, it included; 0: none */
	struct series_range ranges[SERIES_RANGES_MAX]; /* as they are written */
	size_t ranges_n;
	size_t text_at[SERIES_RANGES_MAX], check_at; /* in the first member's text; check_at 0: none */
	uint64_t members;
};

/* ERR_BAD_ID with offset and rule; ERR_NO_MEMORY. */
enum err series_pattern_parse(struct arena *a, struct str text, struct flaw *f,
			      struct series_pattern *ret) MUST_USE;
/* The member with these characters in place of the range; ERR_NOT_FOUND when they are not of the range. */
enum err series_pattern_member(struct arena *a, const struct series_pattern *p, struct str serial,
			       struct id *ret) MUST_USE;
/* Takes a serial or an identifier; ERR_NOT_FOUND: not of the pattern; ERR_BAD_ID. */
enum err series_pattern_find(struct arena *a, const struct series_pattern *p, struct str member,
			     struct flaw *f, struct str *ret_serial) MUST_USE;
/* Cuts before the serial, which becomes the second's first: in that of several ranges in which it is not
 * the first member's. ERR_NOT_FOUND: not of the range; ERR_BAD_INPUT: it is the first member, or differs
 * from it in more than one range, for each half has to be a pattern. */
enum err series_pattern_split(struct arena *a, const struct series_pattern *p, struct str serial,
			      struct flaw *f, struct series_pattern ret[2]) MUST_USE;

/* How many serials there are from FROM to TO; 0: more than SERIES_MEMBERS_MAX. */
uint64_t series_range_count(const struct series_range *r);
/* The characters of the i-th of its ranges. */
struct str series_range_part(const struct series_range *r, struct str serial, size_t i);
bool series_range_has(const struct series_range *r, struct str serial);
/* Makes the serial, which is of the range, the next one. False: it is the last. */
bool series_range_next(const struct series_range *r, char *serial);
/* Only digits everywhere: a member has a number. */
bool series_range_numeric(const struct series_range *r);
/* Whether the alphabet of that place has the character. */
bool series_range_allows(const struct series_range *r, size_t place, char c);
/* The part of a key of this scheme by which series lie together: of Handles all up to the slash. */
size_t series_scope(enum id_scheme scheme, struct str key);

#endif
