/* Building a GS1 message: what the parsers of its forms share. Private to proto/id. */
#ifndef PROTO_ID_GS1_MESSAGE_H
#define PROTO_ID_GS1_MESSAGE_H

#include "proto/id/gs1.h"
#include "proto/id/gs1_ai.h"

_Static_assert((int)GS1_SPECIFIERS_MAX == (int)GS1_QUALIFIERS_MAX, "all qualifiers of a key fit");

enum { GS1_SEPARATOR = 0x1d /* what a reader sends for FNC1 */ };

/* A text being parsed. */
struct gs1_reading {
	struct arena *a;
	struct str text;
	unsigned options;
	struct flaw *f;
	struct gs1_message *m;
};

struct gs1_span {
	size_t at, n;
};

static inline struct str gs1__span(const struct gs1_reading *r, struct gs1_span s)
{
	return str_first(str_skip(r->text, s.at), s.n);
}

/* Adds an element without checking its value; ERR_BAD_ID when there are too many. */
enum err gs1__add(const struct gs1_reading *r, const struct gs1_ai *ai, struct str value,
		  size_t offset) MUST_USE;
/* An element string may repeat an AI with its value (General Specifications 4.14): the later one
 * becomes GS1_REPEATED. A link may not. ERR_BAD_ID. */
enum err gs1__repeats_find(const struct gs1_reading *r, bool allowed) MUST_USE;
/* Finds the key, its qualifiers and the roles of all others; never fails, says m->unlinkable. */
void gs1__roles_find(struct gs1_message *m);
/* Of a message that has a link and repeats nothing: key, qualifiers, attributes by number, those of
 * predefined length first, which is how gs1_write_link has them. */
void gs1__elements_sort(struct gs1_message *m);
/* The dictionary's ex= and, with GS1_WHOLE, req=. ERR_BAD_ID. */
enum err gs1__rules_check(const struct gs1_reading *r) MUST_USE;
enum err gs1__full(struct flaw *f); /* the arena is */

#endif
