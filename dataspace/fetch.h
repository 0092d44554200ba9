/* A request of ours to a partner on behalf of a client's request that is held meanwhile.
 *
 * Threads: fetch_start on the request's shard; then(…) comes back there, unless the client has gone. */
#ifndef DATASPACE_FETCH_H
#define DATASPACE_FETCH_H

#include "dataspace/space.h"

struct fetched {
	enum err err; /* ERR_UPSTREAM, ERR_TIMEOUT … : no answer; text says why */
	int status;
	struct str body, text, link;
};
typedef void fetch_fn(struct net_req *r, void *arg, const struct fetched *got);

struct fetch_ask {
	const struct ds_self *self; /* who asks: signs the token */
	struct str audience;        /* DID of the partner */
	const char *method;
	struct str url, body; /* body empty: none */
	struct str token;     /* the audience's, for its credential service */
	bool open;            /* without a token of ours: the resource is public */
	const char *accept;   /* NULL: application/json */
	fetch_fn *then;
	void *arg; /* in the request's arena */
};
/* On an error `then` is not called. */
enum err fetch_start(struct net_req *r, const struct fetch_ask *q) MUST_USE;

/* s as one segment of a path: what may not stand there is percent-encoded. */
struct str fetch_segment(struct arena *a, struct str s);

#endif
