/* Text forms of octets: base64url without padding (RFC 4648 5), base64 with padding (4), and
 * base58btc. Decoders are strict: no blanks, no wrong padding, no set bits beyond the last octet,
 * so each value has one text. Threads: any. */
#ifndef BASE_TEXT64_H
#define BASE_TEXT64_H

#include "base/arena.h"

struct str base64url_write(struct arena *a, struct str octets); /* NUL-terminated; p = NULL on overflow */
struct str base64_write(struct arena *a, struct str octets);
struct str base58_write(struct arena *a, struct str octets); /* at most 128 octets: it is quadratic */
enum err base64url_parse(struct arena *a, struct str text, struct str *ret) MUST_USE;
enum err base64_parse(struct arena *a, struct str text, struct str *ret) MUST_USE;
enum err base58_parse(struct arena *a, struct str text, struct str *ret) MUST_USE;

/* The same into the caller's memory, for keys and signatures, whose lengths are fixed. */
enum { BASE58_OCTETS_MAX = 128, BASE58_TEXT_MAX = 176 }; /* log 256 / log 58 = 1.366 */
/* Number of characters written, not terminated. must() have at most BASE58_OCTETS_MAX octets. */
size_t base58_print(struct str octets, char out[BASE58_TEXT_MAX]);
/* Exactly n octets (at most BASE58_OCTETS_MAX), or ERR_BAD_INPUT. */
enum err base58_scan(struct str text, void *ret, size_t n) MUST_USE;

#endif
