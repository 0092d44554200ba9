/* What the data space uses of DID documents (DCP 1.0.1 4).
 *
 * Purpose: the documents of our participants, and of a partner's (proto/did) what is kept of it: its
 * keys and its DSP base. Threads: any; pure. */
#ifndef DATASPACE_DOCUMENT_H
#define DATASPACE_DOCUMENT_H

#include "dataspace/space.h"
#include "proto/did/name.h"

/* A subject here is a did:web or did:key of at most DS_DID_MAX octets. ERR_BAD_INPUT. */
enum err document_subject_check(struct str did, struct flaw *f) MUST_USE;

/* The document of one of our participants, compact JSON; empty when the arena is full. */
struct str document_write(struct arena *a, const struct ds *d, const struct ds_self *self);
/* The same as others read it; path: of its DSP base. */
void document_of_self(const struct ds_self *self, const char *path, struct ds_did *ret);
/* Of a did:key, whose name is all there is to know: one key for every purpose, no services. False for
 * another name. */
bool document_of_key(struct str did, struct ds_did *ret);
/* The first DS_DID_KEYS Ed25519 keys and the DSP base; the id must be did. ERR_BAD_JSON,
 * ERR_BAD_MESSAGE (also without any such key), ERR_NO_MEMORY. */
enum err document_parse(struct arena *a, struct str text, struct str did, struct flaw *f,
			struct ds_did *ret) MUST_USE;
/* An address of a partner's connector: the base itself, or the catalog below it, or where its versions are
 * told (DS_VERSIONS_PATH). The first of each kind counts. */
void document_base_take(struct str url, struct ds_did *ret);
/* For partners whose documents only list keys, or only those for authentication: each purpose that the
 * document has no member for is every such key's. An empty member says that no key has it. */
void document_purposes_fill(struct ds_did *doc);

#endif
