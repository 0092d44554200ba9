/* What the modules of dataspace/ share: the data space itself, its shards, commands, effects.
 *
 * Purpose: private to the folder; everybody else includes dataspace/dataspace.h.
 * Threads: struct ds is made on the main thread and constant from ds_start on, but for what its
 * own locks guard. Shards read with their snapshot; everything that changes is a command.
 * Invariants: 1. state, outbox entry and ledger leaf of one event are one command. 2. effects
 * (messages to send, waiters to wake, pulls, cuts) run after the commit only. 3. handlers never
 * touch a participant whose id is not in their route. */
#ifndef DATASPACE_SPACE_H
#define DATASPACE_SPACE_H

#include <pthread.h>

#include "base/es256.h"
#include "base/json.h"
#include "dataspace/dataspace.h"
#include "dataspace/event.h"
#include "dataspace/tables.h"
#include "net/access.h"
#include "proto/pb/space.pb-c.h"
#include "proto/vc/jwt.h"

enum {
	DS_ID_MAX = 63,         /* participant: one DNS label */
	DS_DATASET_MAX = 128,   /* dataset id: with participant and agreement well under STORE_KEY_MAX */
	DS_PID_MAX = 160,       /* a peer's pid or agreement id: urn:uuid is 45; peers have longer ones */
	DS_DID_MAX = 200,       /* did:web with host, port and path */
	DS_URL_MAX = 1024,      /* callback addresses and endpoints */
	DS_JOB_ARENA = 8 << 20, /* of one command: a message of 1 MiB as text, values and answer */
	DS_BODY_MAX = JSON_SIZE_MAX, /* of a DSP message */
	DS_SHARDS_MAX = 64,
	DS_ROW_MAX = 8 << 20, /* packed: a few messages of 1 MiB and a bounded history */
};

struct dp;
struct peers;
struct replays;
struct keyring;
struct outbox;
struct waits;
struct kit;
struct crawler;
struct offsets;
struct watcher;
struct holdings;

/* name, help: /metrics */
#define DS_COUNTERS(X)                                                                                     \
	X(messages_in, "DSP messages received and accepted")                                               \
	X(messages_refused, "DSP messages refused")                                                        \
	X(messages_out, "DSP messages acknowledged by the peer")                                           \
	X(messages_retried, "attempts of DSP messages that will be repeated")                              \
	X(messages_dead, "DSP messages the peer refused for good")                                         \
	X(auth_refused, "partner requests refused for their token")                                        \
	X(did_fetches, "DID documents fetched")                                                            \
	X(agreements, "agreements finalized")                                                              \
	X(transfers_refused, "transfer requests the policy refused")

struct ds_stat {
#define X(name, help) _Atomic uint64_t name;
	DS_COUNTERS(X)
#undef X
};

struct ds {
	struct ds_options o; /* texts copied */
	struct dp *dp;
	struct keyring *keyring; /* participants' keys, unsealed */
	struct peers *peers;     /* DID documents of others */
	struct replays *replays; /* token ids used */
	struct outbox *outbox;
	struct waits *waits;
	struct kit *kit;                   /* NULL unless the options name it: dataspace/kit.h */
	struct crawler *crawler;           /* NULL until ds_start */
	struct offsets *offsets;           /* dataspace/catalog_offset.h */
	struct refusals *refusals;         /* dataspace/under_way.h */
	struct watcher *watcher;           /* NULL until ds_start */
	struct holdings *_Atomic holdings; /* dataspace/held.h; NULL: what is held is not looked at */
	struct net_server *server;         /* from ds_start on */
	_Atomic bool stopping;
	pthread_rwlock_t shards_lock;
	struct net_shard *shards[DS_SHARDS_MAX]; /* those whose loop runs; see ds_post */
	struct ds_stat stat;
	struct net_routes routes[32];
	size_t routes_n;
};

struct ds_shard {
	struct ds *d;
	struct net_shard *shard;
	struct store_txn *txn;
	bool live; /* the snapshot is this turn's */
};

/* The shard's snapshot. fresh: of this very moment, not of the loop turn (drops borrowed values). */
struct store_txn *ds_txn(struct net_shard *s);
struct store_txn *ds_txn_fresh(struct net_shard *s);

/* net_post for threads that outlive the server (writer, courier, disk): the shard may be gone already,
 * memory and all. ERR_STOPPING then, and fn is not called. */
enum err ds_post(struct ds *d, struct net_shard *s, void (*fn)(void *arg), void *arg) MUST_USE;

/* ---- effects: what follows a commit --------------------------------------------------------- */

enum ds_fx_kind { DS_FX_SEND, DS_FX_CHANGED, DS_FX_PULL, DS_FX_CUT, DS_FX_PUSH, DS_FX_READY, DS_FX_HELD };

struct ds_fx_item {
	enum ds_fx_kind kind;
	struct str participant, pid, agreement;
	uint64_t seq; /* SEND: outbox entry */
	usec_t due;   /* READY: until when */
	enum err why; /* CUT */
	struct ds_fx_item *next;
};

struct ds_fx {
	struct arena *arena;
	struct ds_fx_item *first, **last;
	enum err err; /* sticky: ERR_NO_MEMORY */
};

void ds_fx_init(struct ds_fx *fx, struct arena *a); /* at the start of every apply */
void ds_fx_changed(struct ds_fx *fx, struct str participant, struct str pid); /* wakes waiters */
void ds_fx_pull(struct ds_fx *fx, struct str participant, struct str pid);
void ds_fx_push(struct ds_fx *fx, struct str participant, struct str pid);
void ds_fx_cut(struct ds_fx *fx, struct str participant, struct str agreement, struct str pid,
	       enum err why);
void ds_fx_ready(struct ds_fx *fx, struct str participant, struct str id, usec_t until);
void ds_fx_held(struct ds_fx *fx, struct str participant); /* the wallet has got something new */
void ds_fx_send(struct ds_fx *fx, struct str participant, uint64_t seq, usec_t due);
void ds_fx_run(struct ds *d, const struct ds_fx *fx); /* after the commit; any thread */

/* ---- commands from shards ------------------------------------------------------------------- */

/* One command with its own arena, so that it survives the client. With a request: the request is
 * held, and answer runs on its shard unless the client has gone. Without: answer runs on the writer
 * thread. The effects follow the answer. work may run more than once; before each run the arena is rolled
 * back to where it was at submit and fx, status and body are cleared. */
struct ds_job {
	struct writer_cmd cmd;
	struct ds *d;
	struct arena *arena;
	struct ds_fx fx;
	struct flaw flaw;
	struct net_req *req; /* NULL once the client has gone */
	struct net_shard *shard;
	enum err (*work)(struct ds_job *j, struct writer_txn *t);
	/* NULL: problem+json on error, else status, type and body. */
	void (*answer)(struct ds_job *j, enum err result);
	void *in;         /* the maker's input, in the arena */
	void *out;        /* set by work */
	int status;       /* set by work; 0 = 200 */
	const char *type; /* NULL: application/json */
	struct str body;
	struct str location; /* a Location header when not empty */
	enum err result;
	struct arena_mark mark;
};

/* req may be NULL. NULL without memory (req is then answered). */
struct ds_job *ds_job_new(struct ds *d, struct net_req *req);
/* Takes the job; on failure the request is answered and the job freed; the error is returned for
 * callers without a request. */
enum err ds_job_submit(struct ds_job *j);
/* After its input was read: submits it, or answers its request with what was wrong and frees it. */
void ds_job_submit_or_refuse(struct ds_job *j, enum err e, const struct flaw *f);
void ds_job_free(struct ds_job *j);
/* In answer: what the job says to its request, as without one. */
void ds_job_reply(struct ds_job *j);

/* Participant of the route's first parameter, decoded and checked against the principal's scope
 * (routes with roles). On error the request has been answered. The slice is in the request's arena. */
enum err ds_req_participant(struct net_req *r, struct str *ret);
struct ds *ds_of(const struct net_req *r);
/* Parameter i of the route's pattern; empty when it has fewer. */
struct str ds_req_param(const struct net_req *r, unsigned i);
/* Name of the principal, for `who`. */
struct str ds_who(const struct net_req *r);

/* ---- keys ----------------------------------------------------------------------------------- */

/* "<participant>\0<part1>\0<part2>\0": parts with p = NULL are left out. must() when it does not
 * fit: parts are bounded by the constants above, checked where they come in. */
struct ds_key {
	unsigned char b[STORE_KEY_MAX];
	size_t n;
};
struct ds_key ds_key(struct str participant, struct str part1, struct str part2);
void ds_key_u64(struct ds_key *k, uint64_t v); /* appends be64 */
static inline struct str ds_key_str(const struct ds_key *k)
{
	return str_n(k->b, k->n);
}
/* Takes the text up to the next NUL off *key; ERR_CORRUPT without one. */
enum err ds_key_part(struct str *key, struct str *ret) MUST_USE;

/* Packs and puts; unpacks into the arena (ERR_CORRUPT). desc: &ds__negotiation__descriptor */
enum err ds_row_put(struct writer_txn *t, enum ds_table table, const struct ds_key *k,
		    const ProtobufCMessage *m) MUST_USE;
/* Puts a short value unless it stands there already: no page is written for nothing. */
enum err ds_row_keep(struct writer_txn *t, enum ds_table table, const struct ds_key *k,
		     struct str value) MUST_USE;
enum err ds_row_get(struct store_txn *t, enum ds_table table, const struct ds_key *k, struct arena *a,
		    const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret) MUST_USE;
enum err ds_row_unpack(struct str value, struct arena *a, const ProtobufCMessageDescriptor *desc,
		       ProtobufCMessage **ret) MUST_USE;

/* Rows whose key begins with prefix, ascending; `after` (may be empty): go on behind the row whose key
 * ends with this text. ret_key is the rest of the key behind the prefix. ERR_NOT_FOUND at the end. */
struct ds_row_scan {
	struct store_cursor *cursor;
	struct ds_key from;
	size_t prefix;
	bool begun;
};
enum err ds_row_scan_open(struct ds_row_scan *s, struct store_txn *t, enum ds_table table,
			  const struct ds_key *prefix, struct str after) MUST_USE;
enum err ds_row_scan_next(struct ds_row_scan *s, struct str *ret_key, struct str *ret_value) MUST_USE;
void ds_row_scan_close(struct ds_row_scan *s);

/* ---- participants --------------------------------------------------------------------------- */

struct ds_self {
	struct str id, did, title;
	const struct sign_key *key;   /* lives as long as struct ds */
	const struct es256_key *p256; /* NULL: key signs all; else this one what others read as JWT */
	char *kid, *method;           /* key ids: in tokens ("<did>#token-1"), in proofs ("<did>#key-1") */
	char *base;                   /* "<url>/p/<id>": its root; DSP base is base + DS_DSP_PATH */
	struct str connector;         /* empty, or where DSP is spoken for it (dataspace/connector.h) */
};
#define DS_DSP_PATH "/dsp/2025-1"
#define DS_DSP_PATH_2024 "/dsp/2024-1" /* dataspace/dialect.h */
#define DS_DCP_PATH "/dcp"
#define DS_ISSUER_PATH "/issuer"
/* From the keyring; loaded with the transaction the first time. ERR_NOT_FOUND. Any thread. */
enum err ds_self_find(struct ds *d, struct store_txn *t, struct str id,
		      const struct ds_self **ret) MUST_USE;

/* ---- partners ------------------------------------------------------------------------------- */

enum { DS_DID_KEYS = 4, DS_DID_EC_KEYS = 2, DS_METHOD_MAX = DS_DID_MAX + 80 };
/* What we use of a DID document. */
struct ds_did {
	struct {
		char method[DS_METHOD_MAX]; /* "did:web:…#key-1" */
		unsigned char key[SIGN_PUBLIC];
		unsigned purposes; /* enum did_purpose */
	} key[DS_DID_KEYS];
	size_t keys_n;
	struct {
		char method[DS_METHOD_MAX];
		unsigned char pub[64];
		unsigned purposes;
	} ec[DS_DID_EC_KEYS]; /* P-256 */
	size_t ec_n;
	char credentials[DS_URL_MAX]; /* its CredentialService; "" when there is none */
	char issuer[DS_URL_MAX];      /* its IssuerService; the same */
	unsigned declared;            /* purposes that its document tells keys of (proto/did/document.h) */
	bool pinned;                  /* by the configuration, which is then all there is to know */
	char dsp[DS_URL_MAX]; /* DSP base of its DataService or CatalogService; "" when there is none */
	char versions[DS_URL_MAX]; /* of its DataService that tells the versions; "" when there is none */
};
/* ERR_NOT_FOUND */
enum err ds_did_key(const struct ds_did *doc, struct str method, const unsigned char **ret) MUST_USE;
/* A key of either kind that has one of these purposes; method empty: the only key there is. */
enum err ds_did_key_for(const struct ds_did *doc, struct str method, unsigned purposes,
			struct vc_key *ret) MUST_USE;

/* Authenticates the caller of a DSP route by its self-issued token, fetching its DID document when
 * needed (the request is held meanwhile), then calls then(r, peer) on the shard; peer->did is who
 * it is. Refusals are answered here: 401, 404 for an unknown participant, or 503 while the DID
 * document cannot be had. */
struct ds_peer {
	struct str did; /* in the request's arena, like doc: copy what a command needs */
	const struct ds_did *doc;
	unsigned char jti[16];      /* digest of (iss, jti): spend it in the command */
	int64_t jti_expires;        /* seconds */
	const struct ds_self *self; /* the participant addressed */
	struct str token;    /* claim of this name: opens its credential service for us; may be empty */
	json_t *credentials; /* array of what identity.h verified; NULL: nothing was asked for */
	/* What it came with: a token and its key, or a certificate. Neither: a test mode. */
	struct str bearer, method;
	struct vc_key key;
	bool tls;
	unsigned char certificate[32]; /* SHA-256 */
};
typedef void ds_peer_fn(struct net_req *r, const struct ds_peer *peer);
void ds_peer_require(struct net_req *r, ds_peer_fn *then);
/* The same without asking for credentials: for the routes by which credentials are exchanged. */
void ds_peer_require_plain(struct net_req *r, ds_peer_fn *then);
/* In the command that a partner's message causes: remembers the token across restarts. */
enum err ds_jti_spend(struct writer_txn *t, struct str participant, const struct ds_peer *peer) MUST_USE;

/* A fresh token of ours for that audience, ready for "Authorization": "Bearer …". */
enum err ds_token_make(struct ds *d, const struct ds_self *self, struct str audience, struct arena *a,
		       struct str *ret) MUST_USE;
/* The same with the token that the audience gave us for its credential service. */
enum err ds_token_make_with(struct ds *d, const struct ds_self *self, struct str audience, struct str given,
			    struct arena *a, struct str *ret) MUST_USE;

/* The same without "Bearer ". */
struct ds_token_wish {
	struct str audience;
	struct str given; /* the audience's token for its credential service; empty: none */
	struct str scope; /* types that the token opens, as scopes separated by blanks; empty: all */
	bool opens;       /* holds a token for our own credential service */
};
enum err ds_token_write(struct ds *d, const struct ds_self *self, const struct ds_token_wish *w,
			struct arena *a, struct str *ret) MUST_USE;
int64_t ds_token_term(const struct ds *d); /* seconds */

/* A JWT of ours for others to read: a token or presentation by the method kid, a credential by `method`;
 * by kid both where the participant has a P-256 key. ERR_NO_MEMORY, ERR_TOO_LARGE. */
enum err ds_jwt_write(struct arena *a, const struct ds_self *self, const json_t *claims,
		      struct str *ret) MUST_USE;
/* The same of another kind than "JWT". */
enum err ds_jwt_write_as(struct arena *a, const struct ds_self *self, const char *typ, const json_t *claims,
			 struct str *ret) MUST_USE;

/* ---- outbox --------------------------------------------------------------------------------- */

/* name, function called in the command that handles the answer */
#define DS_OUTBOX_KINDS(X)                                                                                 \
	X(NEGOTIATION, ds_negotiation_answered)                                                            \
	X(TRANSFER, ds_transfer_answered)                                                                  \
	X(RECEIPT, dp_receipt_answered)                                                                    \
	X(FLOW_NOTICE, dp_flow_noticed)                                                                    \
	X(FLOW_DATA, dp_flow_pushed)                                                                       \
	X(CREDENTIAL, ds_issuance_answered)                                                                \
	X(SIGNAL, ds_signal_answered)

enum ds_outbox_kind {
	DS_OUTBOX_NONE,
#define X(name, fn) DS_OUTBOX_##name,
	DS_OUTBOX_KINDS(X)
#undef X
	    DS_OUTBOX_END
};

/* In a command: a message to be POSTed, at least once, from now on. Texts are copied. *ret_seq may
 * be NULL. The entry is deleted when the peer has answered for good. */
struct ds_letter {
	enum ds_outbox_kind kind;
	struct str participant, pid, peer, url, body;
	uint32_t target;
};
enum err ds_outbox_add(struct writer_txn *t, struct ds_fx *fx, const struct ds_letter *l,
		       uint64_t *ret_seq) MUST_USE;
/* Forgets an entry that has become pointless; ERR_OK when it is not there. */
enum err ds_outbox_drop(struct writer_txn *t, struct str participant, uint64_t seq) MUST_USE;

#endif
