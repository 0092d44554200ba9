/* What the files that check proof bundles share (bundle.h); nobody else includes it. The two functions that
 * are not named after a file are bundle_checking.c's. Pure. */
#ifndef DATASPACE_BUNDLE_CHECKING_H
#define DATASPACE_BUNDLE_CHECKING_H

#include "base/ledger.h"
#include "dataspace/bundle.h"

struct bundle_party {
	const char *name; /* "provider" */
	struct str did, method;
	unsigned char key[SIGN_PUBLIC];
	bool known; /* did, method and key could be read */
	bool plain; /* there is its did alone: it has not signed */
};

enum { BUNDLE_PROVIDER, BUNDLE_CONSUMER, BUNDLE_NODE, BUNDLE_PARTIES };

struct bundle_checking {
	struct arena *a;
	struct bundle_report *r;
	json_t *doc;
	struct str participant;
	struct bundle_party party[BUNDLE_PARTIES];
	struct checkpoint tree;
	bool has_tree;
	struct str negotiation; /* that the agreement came from, as the ledger tells */
	json_t *settled;        /* sequence as text → detail of the ledger entry that settled it */
};

static inline struct str bundle_text(const json_t *obj, const char *key)
{
	return json_text(json_object_get(obj, key));
}

/* A line of the report; returns ok. */
bool bundle_note(struct bundle_checking *k, bool ok, struct str name, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* NULL: the entry {"index", "salt", "entry", "proof"} stands where it says it does, behind *last, and is
 * the participant's; else what is wrong. */
const char *bundle_place_wrong(struct bundle_checking *k, const json_t *j, int64_t *last);
/* bundle_evidence.c: what a plain partner sent. */
void bundle_evidence(struct bundle_checking *k);

#endif
