/* Links, read. Private to proto/id. */
#ifndef PROTO_ID_GS1_LINK_H
#define PROTO_ID_GS1_LINK_H

#include "proto/id/gs1_message.h"

enum err gs1__link_parse(const struct gs1_reading *r) MUST_USE;
/* The path of a URI has a primary key in its place, or its last segment is a compressed message. */
bool gs1__link_claims(struct str text);

#endif
