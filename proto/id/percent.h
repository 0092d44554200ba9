/* Percent-encoding (RFC 3986 2) with offsets kept, for the schemes whose printed forms are URIs.
 * Private to proto/id. Memory: the arena's. Threads: any. */
#ifndef PROTO_ID_PERCENT_H
#define PROTO_ID_PERCENT_H

#include "proto/id/scheme.h"

/* Decodes text[from, end). ERR_BAD_ID "percent-encoding" at the sign. */
enum err id__percent_decode(struct arena *a, struct str text, size_t from, struct flaw *f,
			    struct str *ret) MUST_USE;
/* Offset in text of the decoded octet `index`. */
size_t id__percent_at(struct str text, size_t from, size_t index);
/* RFC 3986 6.2.2: digits in upper case, and with `unreserved` what needs no encoding decoded. Writes at
 * most text.n - from octets to `to`. ERR_BAD_ID "percent-encoding". */
enum err id__percent_normal(struct str text, size_t from, bool unreserved, char *to, struct flaw *f,
			    size_t *ret_n) MUST_USE;
/* Whatever is UTF-8 of what text[from, end) stands for is held to id__text_check; octets of other
 * encodings, as GBK, pass between. What passes, passes in part as well: prefixes rely on it. */
enum err id__percent_check(struct arena *a, struct str text, size_t from, struct flaw *f) MUST_USE;

bool id__unreserved(unsigned char c); /* RFC 3986 2.3 */
bool id__uri_char(unsigned char c);   /* RFC 3986 2: what stands in a URI, the percent sign included */

#endif
