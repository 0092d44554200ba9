/* The data plane's own state, and what its modules share. Private to them.
 *
 * Threads: struct dp is constant from dp_open on, but for what locks and atomics guard. */
#ifndef DATASPACE_PLANE_H
#define DATASPACE_PLANE_H

#include <stdatomic.h>

#include "dataspace/dataplane.h"
#include "dataspace/disk.h"
#include "dataspace/running.h"

enum {
	DP_PATH_MAX = 4096,  /* of the operating system */
	DP_ARENA = 16 << 20, /* of one command of ours: two rows with their texts, a policy and a report */
};

/* name, help: /metrics */
#define DP_COUNTERS(X)                                                                                     \
	X(octets_served, "payload octets handed to consumers")                                             \
	X(octets_pulled, "payload octets received from providers")                                         \
	X(contents_stored, "dataset contents stored")                                                      \
	X(data_requests, "data requests granted")                                                          \
	X(data_refused, "data requests refused by policy")                                                 \
	X(data_cut, "running answers cut by policy, revocation or termination")                            \
	X(pulls_attempted, "data requests sent to providers")                                              \
	X(pulls_mismatched, "contents that were not what was promised")                                    \
	X(receipts_agreed, "meter statements signed by both sides")                                        \
	X(receipts_disputed, "meter statements that differ")                                               \
	X(pushes_attempted, "contents sent to sinks, attempts")                                            \
	X(octets_pushed, "payload octets that sinks have taken")                                           \
	X(tokens_renewed, "access tokens given anew to their holders")                                     \
	X(renewals_refused, "renewals of tokens that were refused")

struct dp_stat {
#define X(name, help) _Atomic uint64_t name;
	DP_COUNTERS(X)
#undef X
};

struct leader;
struct led_kind;
struct readying;

struct dp {
	struct ds *d;
	struct disk *disk;
	struct running running; /* answers and pulls that a cut must reach */
	struct leader *pulls, *pushes;
	struct readying *ready;
	struct dp_stat stat;
};

/* ---- policy.c: what the agreement's policy says ---- */

struct dp_facts {
	const Ds__Agreement *agreement;
	struct str purpose, party;
	struct str claims; /* of the party: identity.h */
	usec_t now;
	uint64_t count, count_asked;
	uint64_t octets, octets_asked;
};
struct pol_report;
/* The policy of an agreement taken apart once, for many questions. */
struct dp_policy {
	struct pol_policy *policy;
	usec_t agreed;
};
enum err dp_policy_open(struct arena *a, const Ds__Agreement *g, struct dp_policy *ret) MUST_USE;
enum err dp_policy_ask(struct arena *a, const struct dp_policy *p, const struct dp_facts *f,
		       struct dp_verdict *ret) MUST_USE;
/* Before an agreement: whether what the policy asks of credentials is met. ERR_POLICY_DENIED with the
 * premise's path below "offer" and the rule "credential". */
enum err dp_policy_claims(struct arena *a, json_t *policy, struct str party, struct str claims, usec_t now,
			  struct flaw *f) MUST_USE;
/* Facts of an identity_claims text behind the n that are there, until there is no room. */
struct pol_fact;
void dp_claims_fill(struct arena *a, struct str claims, size_t room, struct pol_fact *named, size_t *n);
/* ERR_EXPIRED when time has run out, else ERR_POLICY_DENIED. */
enum err dp_policy_denial(const struct dp_verdict *v);
uint64_t dp_policy_octets(struct arena *a, const struct dp_policy *p, const struct dp_facts *f,
			  uint64_t want);

/* ---- paths ---- */

/* "<folder>/blobs/<hex>" and "<folder>/pulled/<participant>/<name>"; false when it does not fit. */
bool dp_blob_path(const struct ds *d, const unsigned char digest[32], char out[DP_PATH_MAX]);
bool dp_pulled_path(const struct ds *d, struct str participant, struct str pid, const char *suffix,
		    char out[DP_PATH_MAX]);
/* Makes the folder when it is absent (0700). */
enum err dp_folder_make(const char *path, struct flaw *f) MUST_USE;
/* Flushes the folder's entries. */
enum err dp_folder_sync(const char *path) MUST_USE;

/* ---- modules ---- */

extern const struct led_kind pulls, pushes; /* pull.c, push.c */

void content_put(struct net_req *r);     /* content.c */
void content_sweep(struct ds *d);        /* removes what an upload left behind when it was cut */
void data_get(struct net_req *r);        /* provide.c */
void pulled_get(struct net_req *r);      /* pulled.c */
void pulled_flow_get(struct net_req *r); /* pulled.c: of a data flow */
void receipt_post(struct net_req *r);    /* receipt.c */
void meters_get(struct net_req *r);      /* meters.c */
void audit_get(struct net_req *r);       /* audit.c */
void proof_get(struct net_req *r);       /* bundle_make.c */

#endif
