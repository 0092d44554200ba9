/* Dates and numbers of digits that were checked to be such. *ret_at: where it is no date. Private to
 * proto/id. */
#ifndef PROTO_ID_GS1_DATE_H
#define PROTO_ID_GS1_DATE_H

#include "base/str.h"

/* The n digits from `at` on, or those that there are. */
unsigned gs1__number(struct str s, size_t at, size_t n);
bool gs1__date_holds(struct str yymmdd, bool day_may_be_00, size_t *ret_at);
bool gs1__full_date_holds(struct str yyyymmdd, size_t *ret_at);

#endif
