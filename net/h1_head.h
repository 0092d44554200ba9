/* The header section of an HTTP/1.1 request (RFC 9112 2 to 5).
 *
 * Purpose: refuse what smuggles, then split. Debian's http-parser is built lenient (blanks in
 * field names, bare LF, folded lines, stray octets in chunk framing pass), so our own check reads
 * every octet first; the library then splits what is left, and both must agree that it is well
 * formed. Where a distribution has llhttp, that is used instead (KANHE_LLHTTP).
 * The only file that includes the parser library. Pure. */
#ifndef NET_H1_HEAD_H
#define NET_H1_HEAD_H

#include "net/net.h"

struct h1_head {
	enum net_method method; /* NET_METHODS: a token, but none of ours */
	struct str method_text;
	struct str target;
	int minor; /* HTTP/1.0 or 1.1 */
	/* called for each field as it stands on the wire */
	void (*field)(void *arg, struct str name, struct str value);
	void *arg;
};

/* Octets of the header section with its empty line, or 0 when that has not come yet. */
size_t h1_head_find(struct str in);
/* Octets of empty lines before a request line (RFC 9112 2.2 allows for them). */
size_t h1_head_blank(struct str in);
/* head is whole. field and arg are set by the caller, the rest by this. ERR_BAD_INPUT with offset
 * and rule, ERR_URI_TOO_LONG, ERR_UNSUPPORTED (a version other than 1.0 and 1.1; answered 505). */
enum err h1_head_parse(struct str head, struct flaw *f, struct h1_head *h) MUST_USE;

#endif
