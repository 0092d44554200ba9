/* Decimal text of a double. Private to base. */
#ifndef BASE_JSON_NUMBER_H
#define BASE_JSON_NUMBER_H

#include "base/str.h"

/* The longest: sign, 17 digits, point, "0.00000" or an exponent of five characters. */
enum { JSON_NUMBER_TEXT = 32 };

/* As ECMAScript's Number::toString writes it (RFC 8785 3.2.2.3): the fewest digits that read back
 * as the same value, of those the nearest. v is finite. Returns the length; not terminated.
 * Independent of the locale. */
size_t json_number_print(double v, char out[JSON_NUMBER_TEXT]);

#endif
