/* Contents that stream in: of datasets by their owners, of data flows by whoever pushes.
 *
 * The octets become a blob, named by their digest and durable, before `record` runs in a command; what it
 * does is durable before the answer. Threads: content_take on the request's shard; record in a command. */
#ifndef DATASPACE_CONTENT_H
#define DATASPACE_CONTENT_H

#include "dataspace/plane.h"

struct content_got {
	struct str participant, name, type, who; /* name: dataset or flow */
	unsigned char digest[32], key[32];
	uint64_t size;
};
typedef enum err content_record_fn(struct ds_job *j, struct writer_txn *t, const struct content_got *g);

struct content_in {
	struct str participant, name; /* at most DS_ID_MAX and DS_PID_MAX octets */
	content_record_fn *record;
	unsigned char key[32]; /* handed on to record: of the token it came with */
	bool promised;         /* the sender told the digest */
	unsigned char want[32];
};
/* Takes the body of a NET_STREAM_IN request and answers it. */
void content_take(struct net_req *r, const struct content_in *in);

#endif
