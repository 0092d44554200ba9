/* Evidence: a partner's messages that moved a negotiation, as they came.
 *
 * A plain partner signs no agreement. What is kept of it is, for each of its messages that changed the
 * state, the octets, the bearer token, and a record of them:
 *   {"v": 1, "type", "state" reached, "time", "negotiation" ours, "partner_negotiation", "from", "to"
 * (DIDs), "version" of the protocol, "message": "sha256:…", "size", "by": "did" | "dcp" | "pinned" | "tls"
 * | "test", "token": "sha256:…", "method", "key": what the token was verified with (did, dcp, pinned),
 *    "credentials": [{"type", "issuer"}] (dcp), "certificate": "sha256:…" (tls)}
 * The ledger entry of the change holds the message's digest and, as detail.evidence, that of the record in
 * its JCS form.
 *
 * What it proves and what not: the token is signed by the partner and names us and a time, but not the
 * message. That these octets came with it is what our ledger says; a checkpoint that others have seen keeps
 * us from saying something else later. A certificate leaves nothing that can be verified afterwards.
 *
 * Bounds: EVIDENCE_OCTETS_MAX of octets and tokens per negotiation, EVIDENCE_MESSAGE_MAX a message; of what
 * is beyond them the record alone is kept. Rows: as many as a negotiation has steps (turn.h).
 * Threads: evidence_receive on the request's shard, _make and _put in its command, the rest any. */
#ifndef DATASPACE_EVIDENCE_H
#define DATASPACE_EVIDENCE_H

#include "dataspace/turn.h"

enum { EVIDENCE_OCTETS_MAX = 128 << 10, EVIDENCE_MESSAGE_MAX = 64 << 10 };

/* A message as it came in; everything in the job's arena. */
struct evidence_in {
	const char *type;  /* "ContractRequestMessage" */
	struct str octets; /* p = NULL: too large to be kept */
	size_t size;
	struct str token;
	json_t *caller; /* the record's members that tell who called and how that is known */
};
/* ERR_NO_MEMORY. */
enum err evidence_receive(struct arena *a, const struct ds_peer *peer, const char *type, struct str body,
			  struct evidence_in *ret) MUST_USE;
/* The record of the turn's message, in JCS, in the arena. */
enum err evidence_make(const struct turn *u, const Ds__Negotiation *n, const char *state,
		       struct str *ret) MUST_USE;
void evidence_cite(struct str record, json_t *detail); /* "evidence": its digest, for the ledger entry */
/* Keeps record and octets; leaf: of the ledger entry. Counts in n, which the caller writes. */
enum err evidence_put(const struct turn *u, Ds__Negotiation *n, struct str record, uint64_t leaf) MUST_USE;

/* In the order in which they came. */
typedef enum err evidence_fn(void *arg, const Ds__Evidence *e);
enum err evidence_each(struct store_txn *t, struct arena *a, struct str participant, struct str negotiation,
		       evidence_fn *fn, void *arg) MUST_USE;
/* {"record", "message" (base64, when it is kept), "token"}; new reference. */
json_t *evidence_show(struct arena *a, const Ds__Evidence *e);

#endif
