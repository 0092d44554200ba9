/* Between the files of records. Private to proto/pb. */
#ifndef PROTO_PB_RECORD_CHECK_H
#define PROTO_PB_RECORD_CHECK_H

#include "proto/pb/record.h"

/* The limits of value i: ERR_BAD_PROTO. */
enum err record__value_check(const struct value *v, size_t i, struct flaw *f) MUST_USE;
/* record_peek without the TTL, for which the values would have to be read. ERR_CORRUPT. */
enum err record__head(struct str packed, struct record_head *ret) MUST_USE;
/* record_next_value, with the value's own octets for its references, empty when it has none. */
enum err record__next_value(struct str *rest, struct value *ret, struct str *ret_octets) MUST_USE;
/* Takes the next reference off a value's octets; ERR_NOT_FOUND at the end, ERR_CORRUPT. */
enum err record__next_reference(struct str *octets, struct reference *ret) MUST_USE;

#endif
