/* Identifiers: one canonical key for every printed form of every scheme.
 *
 * Purpose: parse what people, scanners and protocols write into key octets that the registry sorts
 * by, and print them again. Schemes are rows of ID_SCHEMES; nothing else in the program knows one.
 *
 * Invariants:
 *  1. Two texts name the same thing exactly when their keys are equal octet for octet.
 *  2. A key is the scheme's octet, then the identifier root-first. A delegation is a key prefix that
 *     ends on a boundary; elements are terminated inside the key, so that the prefix 88.118 does
 *     not cover 88.1180 and str_starts(key, prefix.key) is the whole test.
 *  3. A key has at most ID_KEY_MAX octets. A longer one keeps its first ID_KEY_HEAD octets, all
 *     boundaries among them, then the octet 0xff, then SHA-256 of the whole natural key. 0xff stands in
 *     no natural key. Whoever finds a record by such a key compares the record's id text as well.
 *  4. id_parse(id.text) gives id again.
 *
 * Detection. A text is read by the first scheme that claims it, in the order of ID_SCHEMES. Case of
 * marks and of names of URI schemes is ignored:
 *  handle    `hdl:`, `doi:`, `info:hdl/`, `info:doi/`, http(s) URIs of doi.org, dx.doi.org, www.doi.org
 *            and hdl.handle.net
 *  aas       `aas:`, `{`, and base64url that begins with `eyJ` (which is `{"`)
 *  oid       `oid:`, `urn:oid:`; `/` and 0, 1, 2 or the name of a root; digits and dots that begin
 *            with 0, 1 or 2 and a dot
 *  urn       any other `urn:`, and 36 octets that have the form of a UUID
 *  did       `did:`
 *  ecode     `E=`, `ecode:`, http(s) URIs of iotroot.com whose path begins with E=
 *  iec61406  `iec61406:`, and http(s) URIs, unless their host is id.gs1.org or one segment of the path
 *            is one of the 16 GS1 primary keys and another follows it: those are GS1
 *  gs1       `gs1:`, a bracket, those URIs, a path that begins with a GS1 primary key, what a reader of
 *            barcodes sends (without FNC1: 01 and a GTIN, or 00 and an SSCC, with the right check digit),
 *            and 8, 12, 13 or 14 digits
 *  uri       anything else that begins with the name of a URI scheme and a colon
 *  handle    what is left and has a slash
 * Two kinds of text have nothing that tells them, and are read only when the scheme is named (id_parse_as):
 * a bare Ecode, and a compressed GS1 link of another host than id.gs1.org, which is a link.
 * A canonical text that another scheme would claim keeps its mark in front (`hdl:`, `iec61406:`); a
 * scheme without a mark refuses it (rule "other-scheme"). The same order holds for prefixes, where
 * 4 to 12 digits are a GS1 company prefix and what nobody claims is a Handle prefix.
 *
 * Aliases: an AAS globalAssetId that is an identifier of another scheme is that identifier, with that
 * scheme's key. DOIs are Handles whose suffix is folded as well.
 * Unicode: see unicode.h; one form, NFC, checked and never made.
 * Ownership: text and key live in the arena given. Threads: any. Key layouts, limits and specifications:
 * each scheme's file. */
#ifndef PROTO_ID_ID_H
#define PROTO_ID_ID_H

#include "base/arena.h"

enum {
	ID_KEY_MAX = 511, /* LMDB's limit for a key */
	ID_KEY_MARK = 0xff,
	ID_KEY_HEAD = ID_KEY_MAX - 1 - 32,  /* before the mark and the digest; holds every boundary */
	ID_TEXT_MAX = 2048,                 /* the Handle System's limit; the longest GS1 URI is shorter */
	ID_CANONICAL_MAX = ID_TEXT_MAX + 4, /* with the mark hdl: in front; records have room for it */
	ID_BOUNDARIES_MAX = 40,             /* scheme, 32 Handle labels, slash; GS1 needs 14 */
	ID_PARTS_MAX = 16,                  /* of one identifier, explained */
};

/* With what a text of a scheme may begin, so that the others are not asked: most identifiers begin with
 * a digit, and detection is on the hot path. */
enum id_lead { ID_DIGIT = 1, ID_LETTER = 2, ID_OTHER = 4, ID_ANY = ID_DIGIT | ID_LETTER | ID_OTHER };

/* In order of detection: name, scheme octet, name in interfaces, prefix of the code (see scheme.h), leads.
 * An octet, once given, stays: stored keys and delegations begin with it. */
#define ID_SCHEMES(X)                                                                                      \
	X(HANDLE, 1, "handle", handle, ID_ANY)                                                             \
	X(AAS, 7, "aas", aas, ID_LETTER | ID_OTHER)                                                        \
	X(OID, 3, "oid", oid, ID_ANY)                                                                      \
	X(URN, 8, "urn", urn, ID_DIGIT | ID_LETTER)                                                        \
	X(DID, 5, "did", did, ID_LETTER)                                                                   \
	X(ECODE, 4, "ecode", ecode, ID_LETTER)                                                             \
	X(IEC61406, 6, "iec61406", iec61406, ID_LETTER)                                                    \
	X(GS1, 2, "gs1", gs1, ID_ANY)                                                                      \
	X(URI, 9, "uri", uri, ID_LETTER)

enum id_scheme {
	ID_NONE = 0,
#define X(name, octet, text, code, leads) ID_##name = octet,
	ID_SCHEMES(X)
#undef X
};

struct id {
	enum id_scheme scheme;
	bool hashed;     /* the key's tail is a digest (invariant 3) */
	struct str text; /* canonical printed form */
	struct str key;
};

/* A delegable prefix, as printed and parsed; the first of each row stands for all of the scheme:
 *  handle    `hdl:`, `88.118` (with all derived prefixes), `88.118/` (only the Handles directly under it)
 *  gs1       `gs1:`, company prefix of 4 to 12 digits `950600`, key `01/09506000134352`, key with
 *            qualifiers `01/09506000134352/10/ABC`
 *  oid       `urn:oid:`, root `urn:oid:1`, arcs `1.2.156.3001` (the identifier of these arcs, and below)
 *  ecode     `E=`, version `E=1`, version and NSI `E=10036`
 *  did       `did:`, method `did:web`, parts `did:web:example.com` (that DID, and below)
 *  iec61406  `iec61406:`, host `https://example.com/`, folder `https://example.com/p/`
 *  urn       `urn:`, namespace `urn:uuid:`, up to any colon `urn:epc:id:`
 *  uri       `uri:`, scheme `coap:`, host `coap://example.com/`, folder
 *  aas       `aas:`, name of asset links `{"name":"serialNumber"}` */
struct id_prefix {
	enum id_scheme scheme;
	struct str text;
	struct str key;
};

/* ERR_BAD_ID with the offset of the offending octet and the rule broken; ERR_NO_MEMORY. id_parse_as reads
 * the text as that scheme's, whoever claims it; only an alias (AAS) gives an id of another scheme. */
enum err id_parse(struct arena *a, struct str text, struct flaw *f, struct id *ret) MUST_USE;
enum err id_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id *ret) MUST_USE;

/* The scheme that id_parse would choose for the text, before it looks closer; ID_NONE: nobody claims it. */
enum id_scheme id_detect(struct str text);

/* Lengths of the key at each delegation boundary, shortest first, the scheme octet alone being the
 * first (1); each is a prefix of those above. Returns their number. */
size_t id_boundaries(const struct id *id, size_t ret[ID_BOUNDARIES_MAX]);
/* The same for octets that came from id.key or id_prefix.key; 0 when they did not. */
size_t id_key_boundaries(struct str key, size_t ret[ID_BOUNDARIES_MAX]);

/* A single label of 4 to 12 digits is a GS1 company prefix; `hdl:4263537` is the Handle prefix. */
enum err id_prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret) MUST_USE;
enum err id_prefix_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
			    struct id_prefix *ret) MUST_USE;
/* From key octets out of a message or a table; ERR_BAD_ID unless they end on a boundary and are
 * what id_prefix_parse makes. */
enum err id_prefix_from_key(struct arena *a, struct str key, struct flaw *f,
			    struct id_prefix *ret) MUST_USE;
/* From key octets; ERR_UNSUPPORTED for a hashed key, whose text only the record knows. */
enum err id_from_key(struct arena *a, struct str key, struct flaw *f, struct id *ret) MUST_USE;

static inline bool id_prefix_covers(struct str prefix_key, struct str key)
{
	return str_starts(key, prefix_key);
}

/* ---- explaining ------------------------------------------------------------------------- */

enum id_part_kind { ID_PART_TEXT, ID_PART_NUMBER, ID_PART_LIST };

/* One named part of an identifier: `suffix`, `ors_fqdn`, `element_string`, … */
struct id_part {
	const char *name; /* static, snake_case; none is "input", "valid", "scheme", "canonical", "error" */
	enum id_part_kind kind;
	struct str text;        /* TEXT */
	uint64_t number;        /* NUMBER */
	const struct str *list; /* LIST of list_n texts, which may be 0 */
	size_t list_n;
};

struct id_parts {
	struct id_part part[ID_PARTS_MAX];
	size_t n;
};

/* What an identifier consists of and how else it is written, by the scheme it is of; none when the
 * scheme tells nothing. `text` is what id was parsed from: some parts are of the text (what of it was
 * left out), not of what it names. Slices live in the arena or in `text`. ERR_NO_MEMORY. */
enum err id_explain(struct arena *a, struct str text, const struct id *id, struct flaw *f,
		    struct id_parts *ret) MUST_USE;
struct id_description {
	struct id id; /* text and key are empty when the text is well-formed and names no one thing */
	struct id_parts parts;
};

/* For a person who asks what a text is: scheme, or ID_NONE for the one that claims it. Refuses what
 * id_parse refuses, but for texts of a scheme that may say something without naming one thing (GS1
 * elements without a key); and what such a text as a whole lacks. */
enum err id_describe(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id_description *ret) MUST_USE;
/* Columns that well-formed text takes on a terminal, wide characters as two. */
size_t id_columns(struct str text);
enum { ID_SHOWN_MAX = 17 };
/* Of a text that may have been refused: the octets of its first character, 1 for an octet that is none, 0
 * at the end. */
size_t id_character(struct str text);
/* The character as it may be shown: itself, or \xNN for each octet of controls, of what is invisible and of
 * what is none. */
struct str id_shown(struct str character, char room[ID_SHOWN_MAX]);

const char *id_scheme_name(enum id_scheme s);                           /* "handle"; "" for ID_NONE */
enum err id_scheme_find(struct str name, enum id_scheme *ret) MUST_USE; /* ERR_NOT_FOUND */

#endif
