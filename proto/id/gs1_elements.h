/* Element strings, read. Private to proto/id. */
#ifndef PROTO_ID_GS1_ELEMENTS_H
#define PROTO_ID_GS1_ELEMENTS_H

#include "proto/id/gs1_message.h"

enum err gs1__bracketed_parse(const struct gs1_reading *r) MUST_USE;
/* A barcode without its FNC1, as readers send that are set to say nothing about the symbol: a GTIN or an
 * SSCC with its AI in front and the right check digit, which is what tells it from any other number. */
bool gs1__unmarked(struct str text);
/* from: after a symbology identifier. */
enum err gs1__barcode_parse(const struct gs1_reading *r, size_t from) MUST_USE;
enum err gs1__plain_parse(const struct gs1_reading *r, size_t from) MUST_USE;

#endif
