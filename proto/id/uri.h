/* URIs in canonical form (RFC 3986): what the schemes of links and of plain URIs share.
 *
 * The canonical text has scheme and host in lower case, no default port of http and https, a path of
 * at least "/" behind an authority, percent-encodings in upper case and none of unreserved characters
 * (RFC 3986 6.2.2, 6.2.3). Query and fragment are kept: they belong to the text that names.
 * Refused: user information, dot segments (also encoded ones), controls and what unicode.h refuses
 * behind percent-encodings. Keys are the scheme octet and the canonical text.
 * Private to proto/id. Memory: the arena's. Threads: any. */
#ifndef PROTO_ID_URI_H
#define PROTO_ID_URI_H

#include "proto/id/scheme.h"

enum { URI_FOLDERS_MAX = 32 /* delegation boundaries that an answer may have to look up */ };

/* Reads text[from, end). *ret begins with the octet, which stands for `own`; the rest is the text. */
enum err id__uri_key(struct arena *a, enum id_scheme own, struct str text, size_t from, struct flaw *f,
		     struct str *ret) MUST_USE;
/* After the authority's slash and each later slash of the path; key as id__uri_key made it. A URI
 * without authority has none. */
size_t id__uri_boundaries(struct str key, size_t max, size_t *ret);
/* Offset of the colon behind the scheme name, or text.n when the text does not begin with one. */
size_t id__uri_colon(struct str text);
bool id__uri_is_http(struct str text); /* "http:" or "https:", in any case */
/* Host of an http(s) URI, as written. */
struct str id__uri_host(struct str text);

#endif
