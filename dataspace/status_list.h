/* An issuer's status list: is it the issuer's, and what does it say of a credential?
 *
 * Purpose: the one reading of lists, for the verifier (identity_verify.c) and for the holder who looks
 * after what it holds (held.h). Threads: any. */
#ifndef DATASPACE_STATUS_LIST_H
#define DATASPACE_STATUS_LIST_H

#include "dataspace/space.h"
#include "proto/vc/credential.h"

/* Issuers that have a list as JSON as well give that to whoever does not name the JWT. */
#define STATUS_LIST_ACCEPT "application/vc+jwt, application/jwt, */*;q=0.1"
/* Octets of an arena in which a list is unpacked. */
enum { STATUS_LIST_ARENA = 8 << 20 };

/* kid of a credential or presentation, made absolute when it is a fragment; it must be the issuer's, or
 * empty. In the arena. ERR_UNAUTHORISED. */
enum err status_method_of(struct arena *a, const struct vc_jwt *j, struct str issuer, struct flaw *f,
			  struct str *ret) MUST_USE;

struct status_source {
	struct str issuer;         /* of the credential: the list must be its */
	const struct ds_did *doc;  /* the issuer's */
	const struct vc_key *same; /* signs lists that name no key */
};
/* The list that the text is: signature, issuer, dates. The flaw's error is ERR_UNAUTHORISED or what the
 * text's form gives. */
enum err status_list_read(struct arena *a, const struct status_source *s, struct str text, struct flaw *f,
			  struct vc_credential *ret) MUST_USE;
/* What it says of an entry of credential c. ERR_OK: nothing against it; ERR_UNAUTHORISED, rule "revoked" or
 * "suspended"; other errors and rules: it says nothing that can be relied on. */
enum err status_list_ask(struct arena *a, const struct vc_credential *list, const struct vc_credential *c,
			 const struct vc_status_entry *s, struct flaw *f) MUST_USE;

#endif
