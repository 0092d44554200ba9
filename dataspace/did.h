/* did:web and the DID documents of the data space (W3C did:web method; DCP 1.0.1 4).
 *
 * did:web:<host>[%3A<port>][:segment…] ⇄ <scheme>://<host>[:port]/segment…/did.json
 * A node that serves clear text (its own public URL is http://) looks documents up over http, for
 * tests and closed networks; any other node uses https only.
 * Threads: any; pure. */
#ifndef DATASPACE_DID_H
#define DATASPACE_DID_H

#include "dataspace/space.h"

/* The DID of a base URL without trailing slash. ERR_BAD_INPUT. */
enum err did_from_url(struct arena *a, struct str url, struct flaw *f, struct str *ret) MUST_USE;
/* The base URL a did:web stands for, without "/did.json". ERR_BAD_INPUT naming what is wrong. */
enum err did_to_url(struct arena *a, struct str did, const char *scheme, struct flaw *f,
		    struct str *ret) MUST_USE;
/* A provider as people name it: a did:web, or the URL of a participant or of its DSP base. */
enum err did_from_text(struct arena *a, struct str text, struct flaw *f, struct str *ret) MUST_USE;

/* The document of one of our participants, compact JSON. */
struct str did_document_write(struct arena *a, const struct ds_self *self);
/* Keys (Multikey and JsonWebKey2020 with Ed25519; others are left out) and the DSP base. The id
 * must be did, and methods must be its own. ERR_BAD_JSON, ERR_BAD_MESSAGE. */
enum err did_document_parse(struct arena *a, struct str text, struct str did, struct flaw *f,
			    struct ds_did *ret) MUST_USE;

#endif
