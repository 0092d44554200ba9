/* Compact serialization (RFC 7515 7.1) taken apart, without trusting it: what readers of tokens share.
 * base64url(header) "." base64url(claims) "." base64url(signature). Threads: any. */
#ifndef BASE_COMPACT_H
#define BASE_COMPACT_H

#include "base/json.h"

enum { COMPACT_SIGNATURE = 64 /* octets, of Ed25519 as of P-256 */, COMPACT_NAMES_MAX = 10 };

/* What a reader takes. */
struct compact_rules {
	size_t max; /* octets of a token */
	const char *too_long;
	const char *algs[3]; /* NULL after the last */
	const char *alg_text;
	/* header parameters that would let a token name or bring its own key, or change what is signed */
	const char *refused[COMPACT_NAMES_MAX];
};

struct compact {
	json_t *header, *claims;
	struct str alg, kid, typ; /* kid and typ: p = NULL when absent */
	struct str signing_input; /* header.payload as sent */
	unsigned char signature[COMPACT_SIGNATURE];
};

/* ERR_BAD_INPUT, ERR_BAD_JSON with the part or parameter named; ERR_NO_MEMORY. */
enum err compact_parse(struct arena *a, struct str token, const struct compact_rules *r, struct flaw *f,
		       struct compact *ret) MUST_USE;

#endif
