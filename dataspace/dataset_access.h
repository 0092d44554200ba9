/* Access rules: which partners see a dataset's offer, and may ask for it.
 *
 * {"allow": ["did:web:a.example", "did:web:group.example:*"], "deny": [...]}: each pattern is a DID, or
 * the beginning of DIDs ended by '*'. Without `allow` everybody may; `deny` goes before `allow`. The rule
 * is not told to anybody but the owner: a partner that may not see an offer is answered as if it were not
 * there. Pure. Threads: any. */
#ifndef DATASPACE_DATASET_ACCESS_H
#define DATASPACE_DATASET_ACCESS_H

#include "dataspace/space.h"

enum {
	ACCESS_PATTERNS_MAX = 200,
	ACCESS_WAS_MAX = 16, /* former rules kept: enough for an owner who changes his mind now and then */
};

/* Checks the rule and writes its JCS; null is everybody (""). ERR_BAD_MESSAGE at "access…". */
enum err access_read(struct arena *a, json_t *rule, struct flaw *f, struct str *ret) MUST_USE;
/* rule: as stored; "" is everybody. An unreadable one is nobody. */
bool access_allows(const char *rule, struct str did);
bool dataset_visible(const Ds__Dataset *s, struct str did);
/* True when the partner may have seen the dataset under a former rule. */
bool dataset_was_visible(const Ds__Dataset *s, struct str did);
/* Sets the rule and remembers the one it replaces. offered: partners could have seen it until now. */
enum err dataset_access_set(struct arena *a, Ds__Dataset *s, struct str rule, bool offered) MUST_USE;
/* Remembers the present rule among the former ones. */
enum err dataset_access_note(struct arena *a, Ds__Dataset *s) MUST_USE;

#endif
