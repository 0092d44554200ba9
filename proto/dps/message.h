/* Messages of Data Plane Signaling 1.0-rc3: what a control plane and a data plane say to each other.
 *
 * Purpose: strict parse and write of every message by its published schema
 * (https://w3id.org/dspace-sig/v1.0). Plain JSON: the messages have neither @context nor @type. Unknown
 * members are tolerated. Ids, profiles and endpoints must not be empty; texts for people and the
 * context's name may be.
 *
 * A parser fills one struct for all types: members that the type has not, or that are absent, are
 * empty. It borrows from the json_t and lives as long as its arena. ERR_BAD_MESSAGE names the member in
 * flaw.at and the rule: "missing", "type", "empty", "value", "limit". The writer gives a new object
 * kept by the arena, or NULL without memory; what the schema requires must be there (a programming
 * error otherwise). Threads: a message belongs to one thread at a time. */
#ifndef PROTO_DPS_MESSAGE_H
#define PROTO_DPS_MESSAGE_H

#include "proto/dsp/transfer.h"

#define DPS_PROFILE_PUSH "https://w3id.org/dspace-sig/profile/http-push"
#define DPS_PROFILE_PULL "https://w3id.org/dspace-sig/profile/http-pull"
/* A member of ours in DataFlowStatusMessage, which others ignore: {"requests": n, "octets": n}, what the
 * data plane has counted of the flow so far. The schemas have nothing of the kind. */
#define DPS_USAGE "kanhe:usage"

enum {
	DPS_ITEMS_MAX = 100, /* labels, or profiles of one data plane */
};

/* name in C, schema */
#define DPS_TYPES(X)                                                                                       \
	X(PREPARE, "DataFlowPrepareMessage")                                                               \
	X(START, "DataFlowStartMessage")                                                                   \
	X(STARTED, "DataFlowStartedNotificationMessage")                                                   \
	X(SUSPEND, "DataFlowSuspendMessage")                                                               \
	X(RESUME, "DataFlowResumeMessage")                                                                 \
	X(TERMINATE, "DataFlowTerminateMessage")                                                           \
	X(STATUS, "DataFlowStatusMessage")                                                                 \
	X(STATUS_RESPONSE, "DataFlowStatusResponseMessage")                                                \
	X(DATA_PLANE, "DataPlaneRegistrationMessage")                                                      \
	X(CONTROL_PLANE, "ControlPlaneRegistrationMessage")

enum dps_type {
#define X(name, schema) DPS_##name,
	DPS_TYPES(X)
#undef X
	    DPS_TYPE_COUNT
};

/* name in C and on the wire */
#define DPS_STATES(X)                                                                                      \
	X(INITIALIZED)                                                                                     \
	X(PREPARING) X(PREPARED) X(STARTING) X(STARTED) X(COMPLETED) X(SUSPENDED) X(TERMINATED)

enum dps_state {
	DPS_NONE,
#define X(name) DPS_##name##_STATE,
	DPS_STATES(X)
#undef X
	    DPS_STATE_END
};

struct dps_authorization { /* every member may be empty; more may be in root */
	struct str type, token_endpoint, client_id, client_secret;
	json_t *root;
};

struct dps_usage {
	bool present;
	uint64_t requests, octets;
};

struct dps_message {
	struct str message_id, participant, counter_party, context, process, agreement, dataset, profile;
	struct str flow, reason, error; /* dataFlowId */
	struct str data_plane, control_plane, endpoint;
	json_t *claims, *metadata, *labels, *profiles; /* NULL: absent */
	struct dsp_data_address address;
	struct dps_usage usage;
	struct dps_authorization authorization;
	enum dps_state state; /* DPS_NONE: absent */
	json_t *root;
};

const char *dps_type_name(enum dps_type t);
const char *dps_state_name(enum dps_state s); /* "" for DPS_NONE */
bool dps_state_final(enum dps_state s);       /* COMPLETED or TERMINATED */

enum err dps_parse(enum dps_type t, json_t *j, struct flaw *f, struct dps_message *ret) MUST_USE;
/* A copy of a DataAddress whose members all have their @type, which signaling's examples leave out and the
 * Dataspace Protocol wants. */
enum err dps_address_type(struct arena *a, json_t *address, json_t **ret) MUST_USE;
json_t *dps_write(struct arena *a, enum dps_type t, const struct dps_message *m);

#endif
