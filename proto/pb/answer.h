/* Answers: what a node says about one identifier, positive or negative, and batches of them.
 *
 * The messages Answer, BatchRequest, BatchAnswer of kanhe.proto. A signed answer is an envelope of
 * kind ENVELOPE_ANSWER around one. The identifier stands inside the signed octets.
 * Ownership: unpacked slices live in the arena or in the packed octets, which must outlive them.
 * Threads: any. */
#ifndef PROTO_PB_ANSWER_H
#define PROTO_PB_ANSWER_H

#include "proto/pb/envelope.h"
#include "proto/pb/record.h"

enum {
	ANSWER_VERSION = 1,
	ANSWER_PACKED_MAX = 448 << 10, /* fits an envelope */
	ANSWER_DELEGATIONS_MAX = 8,    /* several children's copies of one prefix */
	BATCH_MAX = 1000,              /* identifiers per request */
	BATCH_REQUEST_MAX = 1 << 20,
	BATCH_ANSWER_MAX = 16 << 20,
};

enum answer_kind {
	ANSWER_RECORD = 1,
	ANSWER_NOT_FOUND = 2,
	ANSWER_REFERRAL = 3,
	ANSWER_RETIRED = 4,
};

struct answer {
	struct str key; /* of the identifier asked for */
	struct str id;  /* its canonical text */
	enum answer_kind kind;
	struct str record;       /* packed Record for RECORD and RETIRED, else empty */
	struct str *delegations; /* packed Signed messages, REFERRAL only, at least one */
	size_t delegations_n;
	struct str authority; /* key octets of the prefix this node answers for */
	struct str node;      /* DID */
	usec_t inception, expiry;
	uint32_t ttl; /* seconds */
	uint64_t feed_position;
};

const char *answer_kind_name(enum answer_kind k); /* "record", "not-found", "referral", "retired" */

enum err answer_pack(const struct answer *m, struct buf *out) MUST_USE;
/* The record inside is checked with record_unpack's strictness, the delegations as envelopes; the
 * key must begin with the authority. ERR_BAD_PROTO, ERR_UNSUPPORTED, ERR_TOO_LARGE. */
enum err answer_unpack(struct arena *a, struct str packed, struct flaw *f, struct answer *ret) MUST_USE;

struct batch_request {
	struct str *ids;
	size_t ids_n;
	bool signed_answers;
};

struct batch_item {
	struct str id;     /* as asked */
	enum err err;      /* ERR_OK: answer is there */
	struct str detail; /* for people */
	struct str answer; /* packed Answer, or packed Signed when the request asked for it */
};

struct batch_answer {
	struct batch_item *items; /* in the order asked */
	size_t items_n;
};

enum err batch_request_pack(const struct batch_request *m, struct buf *out) MUST_USE;
enum err batch_request_unpack(struct arena *a, struct str packed, struct flaw *f,
			      struct batch_request *ret) MUST_USE;
enum err batch_answer_pack(const struct batch_answer *m, struct buf *out) MUST_USE;
enum err batch_answer_unpack(struct arena *a, struct str packed, struct flaw *f,
			     struct batch_answer *ret) MUST_USE;
/* Hot path: one item of a BatchAnswer, appended after batch_answer_open. Errors are sticky in out. */
void batch_answer_open(struct buf *out);
void batch_answer_add(struct buf *out, const struct batch_item *item);

#endif
