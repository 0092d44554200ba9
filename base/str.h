/* Slices: borrowed octets with a length. Nothing here allocates or owns; a slice lives as long as
 * what it points into. Not NUL-terminated. Thread-safe. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

static inline struct str str_n(const void *p, size_t n)
{
	return (struct str){p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The slice without its first n octets (all of it gone when n is larger). */
static inline struct str str_skip(struct str s, size_t n)
{
	if (n > s.n) n = s.n;
	return n ? (struct str){s.p + n, s.n - n} : s; /* NULL + 0 is undefined in C17 */
}

static inline struct str str_first(struct str s, size_t n)
{
	return (struct str){s.p, n < s.n ? n : s.n};
}

/* How many octets both begin with. */
static inline size_t str_shared(struct str a, struct str b)
{
	enum { EIGHT = 8 }; /* compared at once */
	size_t n = 0, most = a.n < b.n ? a.n : b.n;
	while (n + EIGHT <= most && !memcmp(a.p + n, b.p + n, EIGHT)) n += EIGHT;
	while (n < most && a.p[n] == b.p[n]) n++;
	return n;
}

int str_cmp(struct str a, struct str b);        /* memcmp order, shorter first */
bool str_eq_nocase(struct str a, struct str b); /* ASCII case only */
bool str_starts_nocase(struct str s, struct str prefix);
/* Index of the first c, or s.n when there is none. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c); /* of the last c, or s.n */
/* Takes the part before the first sep off *rest; false when *rest is used up.
 * "a,,b" gives "a", "", "b". Start with rest = whole; a NULL p marks the end. */
bool str_split(struct str *rest, char sep, struct str *ret_part);
struct str str_trim(struct str s); /* blanks, tabs, CR and LF at both ends */
/* At most n octets of UTF-8 text, without half a character at the end. */
static inline struct str str_cut(struct str s, size_t n)
{
	if (s.n <= n) return s;
	while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80) n--;
	return (struct str){s.p, n};
}
bool str_utf8_ok(struct str s, size_t *ret_bad); /* *ret_bad (may be NULL): first bad offset */
/* Decimal digits only, no sign, no blanks; ERR_BAD_INPUT otherwise or beyond 2^64-1. */
enum err str_u64(struct str s, uint64_t *ret) MUST_USE;
/* Lower-case hexadecimal; out holds 2*n octets, not terminated. */
void hex_write(const void *p, size_t n, char *out);
/* Exactly n octets from 2*n hexadecimal digits of either case. */
enum err hex_parse(struct str s, void *out, size_t n) MUST_USE;

#endif
