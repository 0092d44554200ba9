/* Receipts: meter statements that both sides sign.
 *
 * When a transfer has ended and nothing of it moves any more, the consumer signs
 *   {"@type": "kanhe:MeterStatement", "agreement", "sequence", "provider", "consumer" (DIDs),
 *    "transfer": {"consumerPid", "providerPid", "requests", "octets"},
 *    "totals": {"transfers", "requests", "octets"} over the settled transfers, this one included,
 *    "issued": time, "proof": Data Integrity proof, eddsa-jcs-2022, assertionMethod}
 * and POSTs it to <provider's DSP base>/kanhe/receipts. The provider compares (meter.h, invariant 6):
 *   200: the same statement with the provider's proof added: agreed
 *   409: the provider's own statement of the same sequence: disputed, and recorded as such by both
 *   503: statements before this one have not arrived yet
 * The same statement again gets the same answer. Sequences are dense, per agreement, from 1.
 *
 * Threads: as said. */
#ifndef DATASPACE_RECEIPT_H
#define DATASPACE_RECEIPT_H

#include "dataspace/meter.h"
#include "dataspace/plane.h"

enum {
	RECEIPT_FORMAT = 1,
	RECEIPT_TEXT_MAX = 16 << 10, /* a statement with two proofs is about 1,500 octets */
	RECEIPT_NOTE_MAX = 400,
};

struct receipt_counts {
	uint64_t requests, octets;
	uint64_t total_transfers, total_requests, total_octets;
};

struct receipt_terms {
	const Ds__Agreement *agreement;
	struct str consumer_pid, provider_pid;
	uint64_t sequence;
	usec_t issued;
};

/* A new statement, kept by the arena; NULL without memory. */
json_t *receipt_write(struct arena *a, const struct receipt_terms *r, const struct receipt_counts *c);
/* Reads one; ERR_BAD_MESSAGE with the member. Slices point into the document. */
struct receipt_said {
	struct str agreement, provider, consumer, consumer_pid, provider_pid;
	uint64_t sequence;
	struct receipt_counts counts;
};
enum err receipt_parse(json_t *doc, struct flaw *f, struct receipt_said *ret) MUST_USE;
/* The statements are the same but for their proofs. */
bool receipt_same(json_t *doc1, json_t *doc2);
/* The proof of some method of that DID. Keys: our own, those the agreement was checked with, and those of
 * doc_of (the partner's document, NULL: none). ERR_BAD_SIGNATURE: none, no key, or it does not hold. */
enum err receipt_verify(const struct ds_self *self, const Ds__Agreement *g, const struct ds_did *doc_of,
			json_t *doc, struct str did, struct flaw *f) MUST_USE;

/* In a command. */
enum err receipt_put(struct writer_txn *t, struct str participant, const Ds__Receipt *r) MUST_USE;
enum err receipt_find(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		      uint64_t sequence, Ds__Receipt **ret) MUST_USE;
typedef enum err receipt_fn(void *arg, const Ds__Receipt *r);
enum err receipt_each(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		      receipt_fn *fn, void *arg) MUST_USE;

/* After a commit or when a stream or pull has ended, any thread, quick: looks whether the transfer is
 * over and quiet, and then states (consumer) or, for a consumer that numbers nothing, settles alone
 * (provider). Nothing when something of it still runs: that calls again. */
void dp_settle(struct dp *p, struct str participant, struct str pid);

#endif
