/* GS1 Application Identifiers: the compiled dictionary, and the checks of values.
 *
 * The rows come from gs1-syntax-dictionary.txt and gs1-code-lists.txt, which gs1_compile.c turns into
 * C while building: a new release of the dictionary is a change of that file. What a release can ask
 * for that is not there yet is a row of GS1_LINTS with its function in gs1_lint.c; the compiler stops
 * with the line of the dictionary that asks. Constant data, any thread. Private to proto/id.
 * Specification: GS1 Barcode Syntax Dictionary; GS1 General Specifications 3 and 7. */
#ifndef PROTO_ID_GS1_AI_H
#define PROTO_ID_GS1_AI_H

#include "base/str.h"

enum {
	GS1_PART_LINTS_MAX = 3,
	GS1_QUALIFIERS_MAX = 3, /* the longest sequence of `dlpkey=` */
	GS1_VALUE_MAX = 90,     /* the longest AI */
	GS1_COMPANY_MIN = 4,    /* digits of a company prefix */
	GS1_COMPANY_MAX = 12,
	GS1_CHAIN_NEXT = 0xfffe, /* between the sequences of gs1_ai.chains */
	GS1_CHAIN_END = 0xffff,
};

/* Bits of gs1_chars: the sets that the dictionary calls N, X, Y and Z, and those of RFC 3986 2. */
enum gs1_set {
	GS1_N = 1,
	GS1_X = 2,
	GS1_Y = 4,
	GS1_Z = 8,
	GS1_URI = 16,        /* what may stand in a URI unencoded, and the percent sign */
	GS1_HOST = 32,       /* of these, in a host with its port */
	GS1_UNRESERVED = 64, /* what a printed URI leaves unencoded */
};

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

/* The code lists that linters look into, by the linter's name. */
#define GS1_LISTS(X) X(iso3166) X(iso3166alpha2) X(iso4217) X(packagetype) X(mediatype)

struct gs1_list {
	const char (*codes)[4]; /* sorted, NUL-terminated */
	size_t n;
};

struct gs1_part {
	unsigned char set, min, max; /* octets; a part of fixed length has min = max */
	bool optional;               /* may be absent, and then all after it are */
	unsigned char lints[GS1_PART_LINTS_MAX];
};

/* How a value is laid out in a compressed link (gs1_packed.c): parts of one kind joined. */
struct gs1_pack {
	bool digits, fixed;
	unsigned char max;
};

/* The rows first..last of gs1_ais, and how the next term joins: '+' is needed beside it, ',' would
 * do instead, ';' begins another condition, 0 is the last term. */
struct gs1_term {
	unsigned short first, last;
	char joint;
};

struct gs1_ai {
	char ai[5];
	unsigned char n; /* digits of ai */
	bool key;        /* a primary key of Digital Link */
	bool predefined; /* its length is, so no separator follows */
	bool attribute;  /* may stand in the query of a link */
	unsigned char min, max, parts_n, packs_n;
	unsigned char company_at; /* primary keys: octets before the company prefix */
	const struct gs1_part *parts;
	const struct gs1_pack *packs;
	const struct gs1_term *needs, *excludes; /* NULL: none */
	const char *needs_text, *excludes_text;  /* as the dictionary has them */
	const unsigned short *chains;            /* primary keys: rows of qualifiers in their order */
	const char *title;
};

/* Compiled: in order of the AI's text, so that a pattern such as 31nn is a range of rows. */
extern const struct gs1_ai gs1_ais[];
extern const size_t gs1_ais_n;
extern const char gs1_release[];            /* of the dictionary: "2026-01-27" */
extern const unsigned char gs1_digits[100]; /* digits of an AI by its first two; 0: none begins so */
extern const unsigned short gs1_rows2[100], gs1_rows3[1000], gs1_rows4[10000]; /* row + 1, 0: none */
extern const unsigned char gs1_chars[256];                                     /* bits of enum gs1_set */
#define X(name) extern const struct gs1_list gs1_list_##name;
GS1_LISTS(X)
#undef X

static inline bool gs1_set_has(enum gs1_set set, char c)
{
	return gs1_chars[(unsigned char)c] & set;
}

static inline bool gs1_set_has_all(enum gs1_set set, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!gs1_set_has(set, s.p[i])) return false;
	return true;
}

static inline size_t gs1_row(const struct gs1_ai *ai)
{
	return (size_t)(ai - gs1_ais);
}

const struct gs1_ai *gs1_ai_find(struct str ai); /* NULL: not in the dictionary */
/* The AI that the text begins with; NULL: none. */
const struct gs1_ai *gs1_ai_first(struct str text);

/* *ret_at: the octet of the value where it breaks the rule; the rule's name and text go to the flaw
 * with that offset. ERR_BAD_ID. */
enum err gs1_value_check(const struct gs1_ai *ai, struct str value, struct flaw *f,
			 size_t *ret_at) MUST_USE;
/* Does the part hold to the linter? *ret_at, which is 0 before: where it does not. */
bool gs1_lint_holds(enum gs1_lint lint, struct str part, size_t *ret_at);
bool gs1__coupon_holds(struct str s, size_t *ret_at);
bool gs1__coupon_offer_holds(struct str s, size_t *ret_at);
bool gs1__date_holds(struct str yymmdd, bool day_may_be_00, size_t *ret_at);

/* Place (from 0) of a qualifier in the first sequence of `key` that has it and all of `others`;
 * -1: none has. */
int gs1_qualifier_rank(const struct gs1_ai *key, const struct gs1_ai *qualifier,
		       const struct gs1_ai *const *others, size_t others_n);

#endif
