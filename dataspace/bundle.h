/* Proof bundles: what happened under an agreement, verifiable by anybody without a network.
 *
 * A bundle is one JSON object in its JCS form (RFC 8785), octet for octet:
 *   {"@type": "kanhe:ProofBundle", "version": 1, "issued": time, "participant": id, "role",
 *    "agreement": the Agreement with both parties' proofs (eddsa-jcs-2022),
 *    "entries": [{"index", "salt", "entry" {…}, "proof" [hash…]}…], ascending,
 *    "checkpoint": the C2SP signed note of the tree that the proofs lead to,
 *    "receipts": [meter statements with the parties' proofs…],
 *    "keys": {"provider": {"did", "method", "key"}, "consumer": {…}, "node": {"did", "method", "key"}},
 *    "proof": the node's Data Integrity proof over all of it}
 * With a plain partner, whose "keys" member holds its "did" alone, also
 *    "evidence": [{"record", "message", "token" (evidence.h), "index", "salt", "entry", "proof"}…].
 * A brief one has "scope": "brief": of the receipts the last alone, whose totals count them all, and of the
 * entries those of the contract and of that receipt; its size does not grow with use.
 * Salts and hashes are base64, keys multibase.
 *
 * What a verifier learns: the parties signed this agreement and these counts; the node's ledger holds
 * exactly these entries at these places; the node vouches that they are all it has. Of a party that has not
 * signed: that its tokens are its own, and that the ledger told of its messages. Keys that are not
 * pinned are those that the bundle itself names: the report says which. Pure; any thread. */
#ifndef DATASPACE_BUNDLE_H
#define DATASPACE_BUNDLE_H

#include "base/clock.h"
#include "base/json.h"
#include "base/sign.h"

enum {
	BUNDLE_SIZE_MAX =
	    16 << 20,           /* some ten thousand entries; made and verified in memory, ten times that */
	BUNDLE_CHECKS_MAX = 64, /* lines of a report; further checks of a kind are summed up */
};

/* A key the verifier knows from elsewhere. */
struct bundle_pin {
	struct str did;
	unsigned char key[SIGN_PUBLIC];
};

struct bundle_check {
	struct str name;   /* "agreement signed by the provider" */
	struct str detail; /* what it was checked with, or why it failed */
	bool ok;
	bool open; /* ok, but it proves nothing: a party has not signed */
};

struct bundle_report {
	bool ok; /* every check held */
	bool provider_signed, consumer_signed, brief;
	struct bundle_check check[BUNDLE_CHECKS_MAX];
	size_t checks_n;
	struct str agreement, provider, consumer, node; /* id, DIDs; set when they could be read */
	size_t entries, receipts, evidence;
	uint64_t tree_size;
	uint64_t transfers, requests, octets; /* of the last receipt */
};

/* Does every check, but stops after the first two kinds when they fail: the canonical form, and the
 * node's signature over the whole. The report's texts live in
 * the arena (give it four times the bundle's size). ERR_OK with ret->ok true, or ERR_BAD_SIGNATURE
 * with ret->ok false and at least one check that failed; ERR_NO_MEMORY. */
enum err ds_bundle_verify(struct arena *a, struct str text, const struct bundle_pin *pins, size_t pins_n,
			  struct bundle_report *ret) MUST_USE;

#endif
