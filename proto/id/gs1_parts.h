/* What `kanhe id` tells of GS1 messages: hooks of the scheme's row (scheme.h). Private to proto/id. */
#ifndef PROTO_ID_GS1_PARTS_H
#define PROTO_ID_GS1_PARTS_H

#include "proto/id/gs1.h"
#include "proto/id/scheme.h"

enum err gs1__carrier_check(struct arena *a, struct str text, struct flaw *f, bool *ret_nameless) MUST_USE;
void gs1__parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret);

#endif
