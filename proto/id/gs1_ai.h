/* GS1 Application Identifiers: the compiled dictionary.
 *
 * The rows come from gs1-syntax-dictionary.txt and gs1-code-lists.txt, which gs1_compile.c turns into
 * C while building: a new release of the dictionary is a change of that file. What a release can ask
 * for that is not there yet is a row of GS1_LINTS (gs1_lint.h) with its function in gs1_lint.c; the
 * compiler stops with the line of the dictionary that asks. Constant data, any thread. Private to proto/id.
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

/* The code lists that linters look into, by the linter's name. */
#define GS1_LISTS(X) X(iso3166) X(iso3166alpha2) X(iso4217) X(packagetype) X(mediatype)

struct gs1_list {
	const char (*codes)[4]; /* sorted, NUL-terminated */
	size_t n;
};

struct gs1_part {
	unsigned char set, min, max;             /* octets; a part of fixed length has min = max */
	bool optional;                           /* may be absent, and then all after it are */
	unsigned char lints[GS1_PART_LINTS_MAX]; /* enum gs1_lint */
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

/* Place (from 0) of a qualifier in the first sequence of `key` that has it and all of `others`;
 * -1: none has. */
int gs1_qualifier_rank(const struct gs1_ai *key, const struct gs1_ai *qualifier,
		       const struct gs1_ai *const *others, size_t others_n);

#endif
