/* A GS1 name: a primary key with its qualifiers, out of a Digital Link URI or an element string.
 * Private to proto/id. */
#ifndef PROTO_ID_GS1_NAME_H
#define PROTO_ID_GS1_NAME_H

#include "proto/id/gs1_ai.h"
#include "proto/id/scheme.h"

struct gs1_element {
	const struct gs1_ai *ai;
	struct str value; /* decoded */
};

struct gs1_name {
	struct gs1_element key;
	struct gs1_element qualifiers[GS1_QUALIFIERS_MAX]; /* in the order of the key's alternative */
	size_t qualifiers_n;
};

/* "https://host/stem/01/…?17=…", or from the path on: "/01/…", "01/…". Attributes in the query are
 * checked as far as they could change what is named, then left out. */
enum err gs1_link_parse(struct arena *a, struct str text, struct flaw *f, struct gs1_name *ret) MUST_USE;
/* "(01)…(10)…". */
enum err gs1_elements_parse(struct arena *a, struct str text, struct flaw *f,
			    struct gs1_name *ret) MUST_USE;

/* The AIs of n elements, for gs1_qualifier_rank. */
static inline void gs1_ais(const struct gs1_element *e, size_t n, const struct gs1_ai **ret)
{
	for (size_t i = 0; i < n; i++) ret[i] = e[i].ai;
}

#endif
