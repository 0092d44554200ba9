/* What the dictionary asks of a part of a value beyond its characters and length: by name, and as a check.
 * Pure, any thread. Private to proto/id. */
#ifndef PROTO_ID_GS1_LINT_H
#define PROTO_ID_GS1_LINT_H

#include "base/str.h"

/* The dictionary's linters: its name for it, the rule's name in a flaw, what the value must be. */
#define GS1_LINTS(X)                                                                                       \
	X(csum, "check-digit", "ends with the digit that checks the others")                               \
	X(csumalpha, "check-pair", "ends with the two characters that check the others")                   \
	X(gcppos1, "company-prefix", "begins with a company prefix of at least four digits")               \
	X(gcppos2, "company-prefix", "has a company prefix of at least four digits after its first digit") \
	X(yymmd0, "date", "has a date YYMMDD, DD being 00 when only the month is meant")                   \
	X(yymmdd, "date", "has a date YYMMDD")                                                             \
	X(yyyymmdd, "date", "has a date YYYYMMDD")                                                         \
	X(hhmi, "time", "has a time of day HHMM")                                                          \
	X(hh, "time", "has an hour of 00 to 23")                                                           \
	X(mi, "time", "has minutes of 00 to 59")                                                           \
	X(ss, "time", "has seconds of 00 to 59")                                                           \
	X(iso3166, "country", "has a three-digit country code of ISO 3166")                                \
	X(iso3166999, "country", "has a three-digit country code of ISO 3166, or 999")                     \
	X(iso3166alpha2, "country", "has a two-letter country code of ISO 3166")                           \
	X(iso4217, "currency", "has a three-digit currency code of ISO 4217")                              \
	X(iso5218, "sex", "is 0, 1, 2 or 9 as in ISO 5218")                                                \
	X(iban, "iban", "is an International Bank Account Number with its check digits")                   \
	X(latitude, "latitude", "has a latitude of at most 1800000000")                                    \
	X(longitude, "longitude", "has a longitude of at most 3600000000")                                 \
	X(pieceoftotal, "piece-of-total", "has a piece of 01 or more and a total not below it")            \
	X(posinseqslash, "position", "has a position, a slash and an end not before it")                   \
	X(pcenc, "percent-encoding", "has two hexadecimal digits after each percent sign")                 \
	X(couponcode, "coupon", "follows the North American coupon code")                                  \
	X(couponposoffer, "coupon", "follows the coupon code for positive offer files")                    \
	X(importeridx, "importer-index", "has a letter, digit, hyphen or underscore in this place")        \
	X(packagetype, "package-type", "is a code of the package type list")                               \
	X(mediatype, "media-type", "is a code of the AIDC media type list")                                \
	X(nonzero, "nonzero", "is not zero here")                                                          \
	X(zero, "zero", "has zeros here")                                                                  \
	X(nozeroprefix, "zero-start", "does not begin with zero")                                          \
	X(hasnondigit, "non-digit", "has a character that is no digit")                                    \
	X(winding, "winding", "has a winding direction of 0, 1 or 9")                                      \
	X(yesno, "yes-no", "is 0 or 1")                                                                    \
	X(hyphen, "hyphen", "has a hyphen here")

enum gs1_lint {
	GS1_NO_LINT,
#define X(name, rule, text) GS1_LINT_##name,
	GS1_LINTS(X)
#undef X
	    GS1_LINTS_N
};

/* Does the part hold to the linter? *ret_at, which is 0 before: where it does not. */
bool gs1_lint_holds(enum gs1_lint lint, struct str part, size_t *ret_at);

#endif
