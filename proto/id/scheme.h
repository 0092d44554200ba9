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
	/* What stands before a text of this scheme that another would claim; "" where there is no such
	 * mark. */
	struct str mark;
	enum id_claim (*detect)(struct str text);
	enum id_claim (*detect_prefix)(struct str text);
	/* A scheme that has a mark gets no text of another scheme's without it.
	 * Sets text, key, hashed; and scheme, where a text is an alias of an identifier of another. */
	enum err (*parse)(struct arena *a, struct str text, struct flaw *f, struct id *ret);
	enum err (*prefix_parse)(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret);
	/* The text of an unhashed key or prefix key; p = NULL when it is neither, or the arena is full. */
	struct str (*print)(struct arena *a, struct str key);
	/* After the scheme octet, which id.c adds; at most ID_BOUNDARIES_MAX - 1. */
	size_t (*boundaries)(struct str key, size_t *ret);
	/* NULL: parse says all. Looks at all that the text says, which may be more than parse asks;
	 * nameless: it is well-formed and names no one thing. */
	enum err (*carrier_check)(struct arena *a, struct str text, struct flaw *f, bool *ret_nameless);
	/* NULL: tells nothing. id is of this scheme; `text` is what it was parsed from, maybe by another
	 * scheme (an alias) and then not to be read: look before relying on its form. A part that could
	 * not be made for lack of memory has text.p = NULL; id_explain finds the arena overflowed. */
	void (*parts)(struct arena *a, struct str text, const struct id *id, struct id_parts *ret);
	/* NULL: tells nothing. Of a text of this scheme that names an identifier of another: what this one
	 * has to say, behind that one's parts. */
	void (*alias_parts)(struct arena *a, struct str text, struct id_parts *ret);
};

#define X(name, octet, text, code, leads) extern const struct id_scheme_ops id__ops_##code;
ID_SCHEMES(X)
#undef X

/* The key for natural key octets in the arena: themselves, or head, mark and digest. */
enum err id__key_fit(struct arena *a, struct str natural, struct id *ret) MUST_USE;
/* id_detect, telling how sure; and the same for prefixes. */
enum id_scheme id__detect(struct str text, enum id_claim *ret);
enum id_scheme id__detect_prefix(struct str text);
/* An arena that is full, as an answer. */
enum err id__no_memory(struct flaw *f);
/* "too-long" when the text from `from` on has more than ID_TEXT_MAX octets. */
enum err id__length_check(struct str text, size_t from, struct flaw *f) MUST_USE;
/* `canonical` would be read as another scheme's: "other-scheme". For schemes without a mark. */
enum err id__own_check(enum id_scheme own, struct str canonical, struct flaw *f) MUST_USE;
/* Length of the first mark that the text begins with, ASCII case ignored; 0 without. */
size_t id__marked(struct str text, const struct str *marks, size_t n);
/* The two put together in the arena; p = NULL when it is full. */
struct str id__joined(struct arena *a, struct str first, struct str second);
/* Boundaries after each `end` in key[from, to): the first `max` that lie in the head. */
size_t id__ends(struct str key, size_t from, char end, size_t max, size_t *ret);

/* Parts: added in order of reading; one without a text (p = NULL) is left out. */
void id__part_text(struct id_parts *parts, const char *name, struct str text);
void id__part_number(struct id_parts *parts, const char *name, uint64_t number);
void id__part_list(struct id_parts *parts, const char *name, const struct str *list, size_t n);

#endif
