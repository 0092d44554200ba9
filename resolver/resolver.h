/* Resolver: registry, delegations, signed answers, referrals and recursion (DESIGN 2, 3).
 *
 * Purpose: the half that says what a thing is and where its data lives. tools/kanhed opens it with
 * what it needs and mounts its routes; it knows nothing of the data space.
 * Threads: rs_open and rs_close on the main thread; hooks and handlers on shards; everything else
 * as said. */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include "base/buf.h"
#include "base/sign.h"
#include "base/writer.h"
#include "net/courier.h"
#include "net/net.h"
#include "resolver/rate.h"

struct rs;

struct rs_anchor {          /* trust anchor: where a walk begins */
	const char *prefix; /* "88" */
	unsigned char public_key[SIGN_PUBLIC];
	const char *url; /* "https://127.0.0.1:7443" */
};

struct rs_report {                        /* reporting upwards (resolver/report.h); url NULL or "": none */
	const char *url, *token, *driver; /* driver NULL: the first */
	usec_t every;                     /* 0 = 1 h */
	bool sync;                        /* core data too */
};

struct rs_options {
	struct store *store; /* environment `registry`, opened with rs_tables */
	struct writer *writer;
	const struct sign_key *key;   /* the node's */
	const char *did, *name, *url; /* did:web:…, "maker", public base URL without a trailing slash */
	const char *const *authority; /* prefixes this node answers for: "88.118.8", "gs1:950600" */
	size_t authority_n;
	const struct rs_anchor *anchors;
	size_t anchors_n;
	bool recursive;
	struct courier *courier;
	size_t cache_octets;        /* for answers and delegations of others, all shards; 0 = 16 MiB */
	usec_t answer_validity;     /* of a signed answer; 0 = 1 h */
	uint32_t ttl, ttl_negative; /* seconds; 0 = 3600, 60 */
	/* value types that GET /find searches, without case; NULL: those of RS_FIND_TYPES. What was indexed
	 * and is not named any more is dropped. */
	const char *const *find_types;
	size_t find_types_n;
	bool applications; /* anybody may apply to be an enterprise here */
	uint64_t quota;    /* identifiers of an enterprise when none is set; 0 = no limit */
	struct rate_rule rates[RATE_CLASSES_N];
	size_t rate_clients; /* remembered per shard and class; 0 = 16,384 */
	bool china_off;      /* no SNMS and DOIP interfaces */
	struct rs_report report;
};

/* What people look for: where things point, whom to ask, and what belongs together. */
#define RS_FIND_TYPES                                                                                      \
	"URL EMAIL BATCH LOT BATCH_LOT SUPPLIER MANUFACTURER GLOBAL_ASSET_ID SPECIFIC_ASSET_ID ASSET_LINK"

/* Tables of the registry environment, resolver/tables.h. */
extern const struct store_table rs_tables[];
extern const size_t rs_tables_n;
enum store_told rs_table_told(unsigned table);
extern const unsigned rs_table_credential; /* for net/access.h */

/* For store_options.migrate: from format 2 to 5 to RS_FORMAT. */
enum { RS_FORMAT = 6 };
enum err rs_migrate(struct store_txn *t, uint32_t from) MUST_USE;

enum { RS_SHARD_SLOT = 0 };

/* What can be told without opening anything: prefixes, anchors, types and addresses that are none.
 * ERR_BAD_CONF, naming the setting. */
enum err rs_check(const struct rs_options *o, struct flaw *f) MUST_USE;
enum err rs_open(const struct rs_options *o, struct flaw *f, struct rs **ret) MUST_USE;
void rs_close(struct rs *r);   /* after the server and the writer have stopped */
void rs_quiesce(struct rs *r); /* ends reporting: before courier and writer stop */

enum err rs_shard_start(struct rs *r, struct net_shard *s) MUST_USE;
void rs_shard_turn(struct rs *r, struct net_shard *s); /* renews the read transaction */
void rs_shard_idle(struct rs *r, struct net_shard *s); /* resets it */
void rs_shard_stop(struct rs *r, struct net_shard *s);
struct store_txn *rs_shard_txn(struct net_shard *s); /* the shard's snapshot of the registry */

const struct net_routes *rs_routes(struct rs *r);
/* For net_options.admit: rate limits. ERR_QUOTA with Retry-After set. */
enum err rs_admit(struct net_req *r, struct flaw *f) MUST_USE;
/* Writes the counts of resolutions down: at an orderly stop, after the server and before the writer. */
enum err rs_flush(struct rs *r) MUST_USE;
void rs_metrics(struct rs *r, struct buf *out); /* Prometheus text */

/* For `kanhe init`, without a daemon: grants a credential in the registry at store/writer. */
enum err rs_credential_add(struct writer *w, struct str name, uint32_t roles, struct str scope,
			   struct str token) MUST_USE;

#endif
