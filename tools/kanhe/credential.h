/* kanhe credential: what credential.c takes from credential_issuance.c. */
#ifndef TOOLS_KANHE_CREDENTIAL_H
#define TOOLS_KANHE_CREDENTIAL_H

#include "tools/kanhe/client.h"

struct credential_options {
	const char *days, *id, *reason, *profile, *who;
	bool open, no_wait, unchecked;
};

/* NAME=VALUE words from the i-th on; NULL when one is none, which is told. New reference. */
json_t *credential_claims(const struct cli *c, const struct words *w, size_t i);
/* type, offer, offers, request, requests, approve, decline, client, trust, distrust; -1: the verb is none
 * of them. */
int credential_issuance(struct cli *c, const struct words *w, const struct credential_options *o);

#endif
