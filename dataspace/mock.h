/* Test mode for partners without an identity: an Eclipse EDC connector with the extension "iam-mock".
 *
 * Such a connector does not sign: its token is the JSON object {"region", "audience", "clientId"}, and it
 * believes ours of that form. One DID, named in `space.iam_mock`, may come with such a token to any
 * participant of the node, and gets such tokens from us; everybody else is held to signed tokens. Whoever
 * knows that DID can speak for it: NEVER on a node that somebody relies on. It is off unless named, and
 * the log and /readyz tell of it.
 * Threads: any. */
#ifndef DATASPACE_MOCK_H
#define DATASPACE_MOCK_H

#include "dataspace/space.h"

void mock_announce(const struct ds *d); /* once, at the start */
bool mock_is(const struct ds *d, struct str did);
/* A token of ours for that partner, ready for "Authorization". */
enum err mock_token_make(const struct ds_self *self, struct str audience, struct arena *a,
			 struct str *ret) MUST_USE;
/* Whether the header's text is to be read as a mock token: the mode is on and the text is JSON. */
bool mock_token_seen(const struct ds *d, struct str header);
/* *ret: the DID, in the arena. ERR_UNAUTHORISED when the token is for somebody else or of somebody else. */
enum err mock_token_read(const struct ds *d, const struct ds_self *self, struct str header, struct arena *a,
			 struct flaw *f, struct str *ret) MUST_USE;

#endif
