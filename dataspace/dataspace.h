/* Data space: participants, catalogs, negotiation, transfer, meters, evidence (DESIGN 5).
 *
 * Purpose: the half that decides who may have which data on which terms and proves what happened.
 * tools/kanhed opens it and mounts its routes; it knows nothing of the resolver.
 * Threads: ds_open and ds_close on the main thread; hooks and handlers on shards. */
#ifndef DATASPACE_DATASPACE_H
#define DATASPACE_DATASPACE_H

#include "base/sign.h"
#include "base/writer.h"
#include "net/courier.h"
#include "net/net.h"

struct ds;

/* How partners prove who they are, and what of themselves (dataspace/identity.h). All zero: by the key of
 * their DID document alone. Texts live as long as the data space. */
enum ds_identity_mode { DS_BY_DID = 1, DS_BY_DCP = 2, DS_BY_PIN = 4, DS_BY_TLS = 8 };
struct ds_identity {
	unsigned modes;              /* 0: DS_BY_DID */
	const char *const *issuers;  /* trusted: "DID", for any type, or "DID=Type" */
	const char *const *required; /* types of credentials that every partner must present */
	const char *const
	    *partners; /* pinned: "DID=z6Mk…[@DSP base]", "DID=zDn…" or "DID=sha256:hex" of a certificate */
	size_t issuers_n, required_n, partners_n;
	bool present;             /* our tokens open our credential service to their audience */
	const char *const *asked; /* types that partners are asked for besides, and admitted without */
	size_t asked_n;
	bool schemas; /* credentialSchema is evaluated */
	bool lenient; /* purposes of keys that a DID document says nothing of are not held against it */
	const char *const *disclosed; /* types of credentials that they open; none named: all */
	size_t disclosed_n;
	usec_t recheck; /* how often credentials held here are looked at (dataspace/held.h); 0: never */
};

struct ds_options {
	struct store *store; /* environment `space`, opened with ds_tables */
	struct writer *writer;
	const struct sign_key *key;       /* the node's: signs checkpoints */
	const struct sign_sealer *sealer; /* for participants' private keys in the store */
	const char *did, *url;            /* the node's DID; public base URL without a trailing slash */
	const char *folder;               /* for dataset contents (blobs/) and pulled data (pulled/) */
	struct courier *courier;
	bool auto_agree;       /* providers agree to requests that match an offer */
	usec_t token_validity; /* of self-issued tokens; 0 = 300 s */
	uint64_t content_max;  /* octets of one dataset; 0 = 1 TiB */
	const char *kit; /* participant that serves the conformance kit (dataspace/kit.h); NULL, "": none */
	usec_t kit_delay;  /* before each of its steps */
	usec_t data_token; /* validity of access tokens in data addresses; 0 = 1 h */
	const char *dsp; /* versions of the protocol: "both", "2025-1", "2024-1"; NULL = both; a constant or
			    of the caller */
	struct ds_identity identity;
	const char
	    *iam_mock; /* DID of a partner that is let in unproven (dataspace/mock.h); NULL, "": none */
	const char *const *connectors; /* "participant=URL": its connector is not this node
					  (dataspace/connector.h) */
	size_t connectors_n;
	/* How long and how often is tried, and waited; 0: dataspace/outbox.h and inbox.h say. */
	usec_t outbox_age, outbox_retry, outbox_retry_max, inbox_wait;
	unsigned outbox_tries;
	/* Data flows of outside control planes (dataspace/flow_ready.h): how long their prepare and start
	   are kept waiting before they are answered 202, and how long making ready may take, 0: FLOW_READY.
	 */
	usec_t flow_wait, flow_ready;
};

extern const struct store_table ds_tables[];
extern const size_t ds_tables_n;

enum { DS_SHARD_SLOT = 1 };

/* What can be told of it without opening anything: texts that are no DID, key, digest or URL, and modes by
 * which nobody could come. ERR_BAD_CONF, naming the setting. Pure; any thread. */
enum err ds_identity_check(const struct ds_identity *o, struct flaw *f) MUST_USE;

enum err ds_open(const struct ds_options *o, struct flaw *f, struct ds **ret) MUST_USE;
/* Starts what must wait for the listeners: the outbox, unfinished pulls. */
enum err ds_start(struct ds *d, struct net_server *s) MUST_USE;
/* Ends what uses the shards, before net_server_stop: no new messages leave. */
void ds_quiesce(struct ds *d);
void ds_close(struct ds *d); /* after the server, the courier and the writer have stopped */

enum err ds_shard_start(struct ds *d, struct net_shard *s) MUST_USE;
void ds_shard_turn(struct ds *d, struct net_shard *s);
void ds_shard_idle(struct ds *d, struct net_shard *s);
void ds_shard_stop(struct ds *d, struct net_shard *s);
struct store_txn *ds_shard_txn(struct net_shard *s); /* the shard's snapshot of the space */

const struct net_routes *ds_routes(struct ds *d, size_t *ret_n); /* several tables */
void ds_metrics(struct ds *d, struct buf *out);

/* For `kanhe init`, without a daemon: makes a participant with its key. */
struct ds_new_participant {
	const char *node_url;
	struct str id, title; /* id: a-z 0-9 '-', at most 63 */
	bool es256;           /* with a P-256 key besides: its tokens and credentials are ES256 */
};
enum err ds_participant_add(struct writer *w, const struct sign_sealer *sealer,
			    const struct ds_new_participant *n, struct flaw *f) MUST_USE;

#endif
