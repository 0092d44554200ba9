/* What a scheme gives to id.c: one row of functions. A new scheme is a row in ID_SCHEMES, a file that
 * defines its id__ops_<code>, and nothing else. Private to proto/id. */
#ifndef PROTO_ID_SCHEME_H
#define PROTO_ID_SCHEME_H

#include "proto/id/id.h"

/* How sure a scheme is that a text is its own; the first SURE in table order wins, else the first MAYBE. */
enum id_claim { ID_NOT, ID_MAYBE, ID_SURE };

struct id_scheme_ops {
	enum id_scheme scheme;
	const char *name;
	enum id_claim (*detect)(struct str text);
	enum id_claim (*detect_prefix)(struct str text);
	enum err (*parse)(struct arena *a, struct str text, struct flaw *f, struct id *ret);
	enum err (*prefix_parse)(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret);
	/* The text of an unhashed key or prefix key; p = NULL when it is neither, or the arena is full. */
	struct str (*print)(struct arena *a, struct str key);
	/* After the scheme octet, which id.c adds; at most ID_BOUNDARIES_MAX - 1. */
	size_t (*boundaries)(struct str key, size_t *ret);
};

#define X(name, octet, text, code) extern const struct id_scheme_ops id__ops_##code;
ID_SCHEMES(X)
#undef X

/* The key for natural key octets in the arena: themselves, or head, mark and digest. */
enum err id__key_fit(struct arena *a, struct str natural, struct id *ret) MUST_USE;
enum id_scheme id__detect_prefix(struct str text);
/* An arena that is full, as an answer. */
enum err id__no_memory(struct flaw *f);

#endif
