/* Identifiers of the Asset Administration Shell in its interfaces (IDTA-01002): base64url of an
 * identifier in paths, asset links in queries. For whoever serves or asks those interfaces.
 *
 * Memory: the arena's. Threads: any. */
#ifndef PROTO_ID_AAS_H
#define PROTO_ID_AAS_H

#include "proto/id/id.h"

/* specificAssetId as it is looked up: `name` is "globalAssetId" for an asset's own identifier. */
struct aas_link {
	struct str name, value;
};

/* base64url without padding of any text; an empty one for an empty one. p = NULL when the arena is full. */
struct str aas_id_write(struct arena *a, struct str id);
/* ERR_BAD_ID: "base64url" with the offset, or what unicode.h refuses, with the offset of its digit. */
enum err aas_id_parse(struct arena *a, struct str text, struct flaw *f, struct str *ret) MUST_USE;

/* {"name":"…","value":"…"}, compact; p = NULL when the arena is full. */
struct str aas_link_write(struct arena *a, const struct aas_link *link);
/* JSON of any spacing with exactly the two members, in any order. ERR_BAD_ID: "asset-link", "too-long",
 * "mixed-script" of the name, and what unicode.h refuses. */
enum err aas_link_parse(struct arena *a, struct str text, struct flaw *f, struct aas_link *ret) MUST_USE;

#endif
