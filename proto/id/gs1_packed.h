/* The last segment of compressed links, read. Private to proto/id. */
#ifndef PROTO_ID_GS1_PACKED_H
#define PROTO_ID_GS1_PACKED_H

#include "proto/id/gs1_message.h"

enum { GS1_UNPACKED_MORE = 16 };
/* Segment of a compressed link → elements, whose values are unchecked and have `offset`, and foreign
 * parameters; texts are put into room, of 2 * segment.n + GS1_UNPACKED_MORE octets. False: it is no
 * compressed message. */
bool gs1__unpack(struct str segment, size_t offset, char *room, struct gs1_message *m);

#endif
