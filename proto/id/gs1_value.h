/* Values of Application Identifiers against the dictionary. Private to proto/id. */
#ifndef PROTO_ID_GS1_VALUE_H
#define PROTO_ID_GS1_VALUE_H

#include "proto/id/gs1_ai.h"

/* *ret_at: the octet of the value where it breaks the rule; the rule's name and text go to the flaw
 * with that offset. ERR_BAD_ID. */
enum err gs1_value_check(const struct gs1_ai *ai, struct str value, struct flaw *f,
			 size_t *ret_at) MUST_USE;

#endif
