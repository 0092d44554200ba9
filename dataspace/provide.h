/* Data requests of consumers: what a running answer is, and the command that lets it run.
 *
 *   GET /p/{participant}/data/{transfer}   Authorization: Bearer <token of the DataAddress>
 *   Range: one range; Kanhe-Request: n (meter.h); Kanhe-Rate: octets a second, at most (pace.h)
 *
 * Life of a stream: made and entered among the running ones → file opened → command: state, policy, meter,
 * grant → answer begins → further grants while it runs → command: what was sent. Each octet that leaves
 * has been granted before by a durable command.
 * A stream is cut by: a cut of the transfer or agreement (from any thread), the policy looked at again
 * every PROVIDE_LOOK, the end of what the policy grants, an error of the disk.
 * Threads: a stream belongs to its shard; stream_grant runs on the writer's thread while the shard waits.
 */
#ifndef DATASPACE_PROVIDE_H
#define DATASPACE_PROVIDE_H

#include "dataspace/file_out.h"
#include "dataspace/pace.h"
#include "dataspace/plane.h"

enum {
	PROVIDE_GRANT = 64 << 20, /* octets granted at a time: what a crash may leave granted and unsent */
	PROVIDE_RENEW = 16 << 20, /* granted octets left when more are asked for: some commits ahead */
	PROVIDE_ARENA = 8 << 20,  /* a stream's agreement and policy; mostly a few KiB */
	PROVIDE_REASON = 400,
};
#define PROVIDE_LOOK (250 * USEC_PER_MSEC) /* a quarter of the second in which a cut must come */

struct stream {
	struct file_out out; /* first */
	struct running_item item;
	struct writer_cmd cmd;
	struct dp *dp;
	struct net_shard *shard;
	struct net_timer *timer;
	struct net_timer *tick; /* while the pace holds it back */
	_Atomic int refs;
	_Atomic int cut;     /* enum err: why it must end */
	struct arena *arena; /* texts of the item, agreement and policy: for looking again */
	const Ds__Agreement *agreement;
	struct dp_policy policy;
	struct str media_type, purpose, party, claims;
	char path[DP_PATH_MAX];
	char etag[80];
	unsigned char digest[32];
	/* the request */
	uint64_t number, from, to;
	bool part;
	bool endless, waits; /* of pieces (piece.h); waits: at the end of what there is */
	uint64_t base;       /* where its piece begins in the stream: meters count there */
	struct pace pace;
	/* what the last command gave; the shard's */
	uint64_t granted;            /* octets of the file up to here may leave */
	bool limited;                /* the policy grants no more */
	uint64_t count, octets;      /* other transfers; octets granted under the agreement */
	char reason[PROVIDE_REASON]; /* of a refusal or cut, in words */
	/* the command under way: written on the writer's thread, taken over once it is durable */
	bool busy, first;
	struct arena *work;
	struct grant {
		uint64_t granted, count, octets;
		bool limited;
		enum err refused;
		char reason[PROVIDE_REASON];
	} got;
	bool over, recorded;
};

void stream_unref(struct stream *s);

/* In a command. Sets got. */
enum err stream_grant(struct stream *s, struct writer_txn *t) MUST_USE;
/* In a command: what was sent. */
enum err stream_record(struct stream *s, struct writer_txn *t) MUST_USE;
/* The transfer may be served: ERR_OK, ERR_REVOKED, ERR_EXPIRED, ERR_GONE, ERR_CONFLICT, with words. */
enum err provide_state(const Ds__Transfer *x, const Ds__Agreement *g, struct flaw *f) MUST_USE;

#endif
