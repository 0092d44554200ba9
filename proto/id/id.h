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
 * Detection, in this order: `hdl:` and `info:hdl/` are Handles; `gs1:`, a bracket, an http(s) URI and a
 * path that begins with one of the 16 GS1 primary keys are GS1; anything else with a slash is a
 * Handle. A Handle that would be taken for GS1 prints with `hdl:` in front.
 * Ownership: text and key live in the arena given. Threads: any. Key layouts: handle.c, gs1.c.
 * Specifications: RFC 3651 3 (Handle), GS1 Digital Link URI Syntax 1.3+ and General Specifications. */
#ifndef PROTO_ID_ID_H
#define PROTO_ID_ID_H

#include "base/arena.h"

enum {
	ID_KEY_MAX = 511, /* LMDB's limit for a key */
	ID_KEY_MARK = 0xff,
	ID_KEY_HEAD = ID_KEY_MAX - 1 - 32, /* before the mark and the digest; holds every boundary */
	ID_TEXT_MAX = 2048,                /* the Handle System's limit; the longest GS1 URI is shorter */
	ID_BOUNDARIES_MAX = 40,            /* scheme, 32 Handle labels, slash; GS1 needs 14 */
};

/* name, scheme octet, name in interfaces, prefix of the code (see struct id_scheme_ops) */
#define ID_SCHEMES(X)                                                                                      \
	X(HANDLE, 1, "handle", handle)                                                                     \
	X(GS1, 2, "gs1", gs1)

enum id_scheme {
	ID_NONE = 0,
#define X(name, octet, text, code) ID_##name = octet,
	ID_SCHEMES(X)
#undef X
};

struct id {
	enum id_scheme scheme;
	bool hashed;     /* the key's tail is a digest (invariant 3) */
	struct str text; /* canonical printed form */
	struct str key;
};

/* A delegable prefix: of Handles `88.118` (with all derived prefixes), `88.118/` (only the Handles
 * directly under it), `hdl:` (all); of GS1 a company prefix of 4 to 12 digits `950600`, a key
 * `01/09506000134352`, a key with qualifiers `01/09506000134352/10/ABC`, `gs1:` (all). */
struct id_prefix {
	enum id_scheme scheme;
	struct str text;
	struct str key;
};

/* ERR_BAD_ID with the offset of the offending octet and the rule broken; ERR_NO_MEMORY. */
enum err id_parse(struct arena *a, struct str text, struct flaw *f, struct id *ret) MUST_USE;
enum err id_parse_as(enum id_scheme scheme, struct arena *a, struct str text, struct flaw *f,
		     struct id *ret) MUST_USE;

/* The scheme that id_parse would choose for the text, before it looks closer; ID_NONE: nobody claims it. */
enum id_scheme id_detect(struct str text);

/* Lengths of the key at each delegation boundary, shortest first, the scheme octet alone being the
 * first (1). Handle: after each label of the prefix, then after the slash. GS1: after 4 to 12 digits
 * of the company prefix, the key, each qualifier. Returns their number. */
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

const char *id_scheme_name(enum id_scheme s);                           /* "handle"; "" for ID_NONE */
enum err id_scheme_find(struct str name, enum id_scheme *ret) MUST_USE; /* ERR_NOT_FOUND */

#endif
