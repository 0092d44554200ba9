/* One look at one credential, as the files that make it share it (held.h). Threads: shard 0. */
#ifndef DATASPACE_HELD_LOOK_H
#define DATASPACE_HELD_LOOK_H

#include "dataspace/held.h"
#include "proto/vc/credential.h"

struct look;
typedef void look_fn(void *arg, const struct look *x);

/* A status list as it came, kept for a while. */
struct status_list {
	struct status_list *next;
	struct holdings *h;
	char *url;
	char *text; /* NULL: none */
	size_t n;
	usec_t at;             /* of the last answer, monotonic */
	usec_t fresh;          /* how long it may be kept: ours, or its ttl when that is less */
	char why[120];         /* there is none; "" when there is */
	bool fetching, pinned; /* pinned: it must not be let go of now */
	struct look *waiting;
};

struct look {
	struct holdings *h;
	struct look *next, *wait; /* of all; of those that wait for the same list */
	struct arena *arena;
	struct str participant, id;
	struct str was, unchecked; /* of the row, before */
	struct vc_jwt jwt;
	struct vc_credential c;
	struct ds_did doc; /* of the issuer */
	struct vc_key key;
	size_t at;          /* status entry in hand */
	const char *status; /* found; NULL: nothing against it */
	char why[200];      /* something could not be looked at */
	look_fn *done;
	void *arg;
};

struct holdings {
	struct ds *d;
	struct net_shard *shard;
	usec_t every, fresh;
	struct status_list *lists;
	struct look *looks;
	size_t lists_n, looks_n;
	/* the round on schedule */
	struct arena *arena;
	struct str *participants;
	size_t participants_n, participants_at;
	char after[DS_PID_MAX + 1]; /* the last credential looked at of the one in hand */
};

/* Looks at a credential, then calls done, now or later. False: it is not there, needs no looking at, or
 * too many are looked at; done is not called. */
bool held_look_start(struct holdings *h, struct str participant, struct str id, look_fn *done, void *arg);
void held_look_free(struct look *x);
void held_lists_free(struct holdings *h);
/* Has the writer note what was found, if it is new; then calls x->done and lets it go (held.c). */
void held_look_end(struct look *x);

#endif
