/* Asset links as JSON, with the offsets that aas.c needs for its own flaws. Private to proto/id. */
#ifndef PROTO_ID_AAS_LINK_H
#define PROTO_ID_AAS_LINK_H

#include "proto/id/aas.h"
#include "proto/id/scheme.h"

enum { ID__LINK_TEXT_MAX = 4 * ID_TEXT_MAX /* with escapes and spacing */ };

struct id__link {
	struct aas_link link;
	size_t name_at, value_at; /* where their texts begin, behind the quotation mark */
};

/* As aas_link_parse; with `open`, the value may be absent (STR_NONE): a prefix. */
enum err id__link_read(struct arena *a, struct str text, bool open, struct flaw *f,
		       struct id__link *ret) MUST_USE;
/* Octets of `bare` are written as escapes, for places that split at them; without the value when that
 * is STR_NONE. */
struct str id__link_write(struct arena *a, const struct aas_link *link, const char *bare);
/* Offset of the octet `index` of the JSON text that begins at `at`. */
size_t id__json_at(struct str text, size_t at, size_t index);
/* Offset of the first octet that is no digit of base64url; text.n when there is none. */
size_t id__base64url_end(struct str text);

#endif
