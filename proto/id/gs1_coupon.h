/* Coupon codes of North America, whole values. *ret_at: where it is none. Private to proto/id. */
#ifndef PROTO_ID_GS1_COUPON_H
#define PROTO_ID_GS1_COUPON_H

#include "base/str.h"

bool gs1__coupon_holds(struct str s, size_t *ret_at);
bool gs1__coupon_offer_holds(struct str s, size_t *ret_at);

#endif
