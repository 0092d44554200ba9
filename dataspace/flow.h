/* Data flows: the built-in data plane in the service of outside control planes.
 *
 * Purpose: Data Plane Signaling 1.0-rc3, the data plane's side. A control plane that the participant has
 * let in (control_plane.c) moves data flows of the participant at <url>/p/{p}/signaling/v1; it alone
 * judges policies and speaks with the partner. A flow's id is the control plane's processId. It calls with
 * the credential that it was given, or, when its id is a DID, with tokens signed by that DID.
 * As the provider, of the participant's datasets (`start`):
 *   http-pull: started → a data address with a token of ours, served at <url>/p/{p}/flows/{id}
 *   http-push: started → the content goes to the sink of the start message, then `completed` to the
 *   control plane; a sink that refuses for good → `errored`, and the state stays (signaling: "errored
 *   does not cause a state transition"); suspension and resumption try once more.
 * As the consumer (`prepare`, then `started`):
 *   http-pull: started with an address → fetched, with its tokens renewed (flow_fetch.h), then `completed`
 *   http-push: prepared → a data address of ours to push to (flow_in.c), until the control plane says
 *   `completed`.
 * What `prepare` and `start` lead to may take its time: flow_ready.h.
 *
 * Invariants: 1. a state, its outbox entry and its ledger leaf are one command, durable before the
 * answer. 2. A message seen before (the same but for messageId when it begins a flow, the same
 * messageId when it steers one) changes nothing and gets the present state; a repeated start gets the
 * very same address. 3. Who leaves STARTED cuts what runs; a resumed pull has another token.
 * Threads: "in a command" as in dataplane.h; the rest as each function says. */
#ifndef DATASPACE_FLOW_H
#define DATASPACE_FLOW_H

#include "dataspace/turn.h"
#include "net/courier.h"
#include "proto/dps/message.h"

#define FLOW_PATH "/signaling/v1"

enum {
	FLOW_OPEN_MAX = 10000,  /* of one control plane, not ended: more are a runaway */
	FLOW_PLANES_MAX = 100,  /* of one participant: each call compares with all of their credentials */
	FLOW_MESSAGES_MAX = 32, /* remembered messageIds: repeats come soon after */
	FLOW_HEADERS = 4,
	FLOW_ITEM_MAX = DS_PID_MAX + 8,
};
#define FLOW_ITEM_PREFIX "flow:"

#define FLOW_PUSH_TERM (7 * USEC_PER_DAY)

enum flow_verb { FLOW_STARTED, FLOW_SUSPEND, FLOW_RESUME, FLOW_TERMINATE, FLOW_COMPLETED };

/* ---- rows: ERR_NOT_FOUND, ERR_CORRUPT; put in commands ---- */

enum err flow_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
		   Ds__Flow **ret) MUST_USE;
enum err flow_put(struct writer_txn *t, struct str participant, Ds__Flow *x) MUST_USE;
typedef enum err flow_fn(void *arg, const Ds__Flow *x);
/* Behind `after`; fn ends the walk with ERR_NOT_FOUND. */
enum err flow_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		   flow_fn *fn, void *arg) MUST_USE;
enum err control_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			    Ds__ControlPlane **ret) MUST_USE;
enum err control_plane_put(struct writer_txn *t, struct str participant,
			   const Ds__ControlPlane *p) MUST_USE;
void control_plane_admit(struct net_req *r); /* owner's routes */
void control_plane_list(struct net_req *r);
void control_plane_dismiss(struct net_req *r);

/* ---- in commands; u->who is the control plane's id ---- */

/* prepare or start. digest: of the message without its messageId. */
enum err flow_begin(const struct turn *u, Ds__ControlPlane *p, const struct dps_message *m, bool start,
		    const unsigned char digest[32], Ds__Flow **ret) MUST_USE;
/* m: of `completed`, which has no body, an empty one. ERR_NOT_FOUND also for flows of other planes. */
enum err flow_steer(const struct turn *u, Ds__ControlPlane *p, struct str id, enum flow_verb v,
		    const struct dps_message *m, Ds__Flow **ret) MUST_USE;
/* A state is reached: cuts or begins what follows from it, writes row and ledger. */
enum err flow_move(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum dps_state to) MUST_USE;
/* The DataFlowStatusMessage, with the address of a pull that is STARTED. */
json_t *flow_status(const struct turn *u, const Ds__Flow *x);
/* What has happened to a flow outside of commands: fn decides in one what follows, e and why as given. Any
 * thread; returns at once. */
typedef enum err flow_report_fn(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum err e,
				struct str why);
enum err flow_report(struct ds *d, struct str participant, struct str id, enum err e, struct str why,
		     flow_report_fn *fn) MUST_USE;
/* An entry of the ledger about a flow, with an empty detail; who: its counterparty. */
struct ds_event flow_event(struct str participant, const Ds__Flow *x, enum ds_event_kind kind);
/* The same of data that flowed. */
struct ds_event flow_data_event(struct str participant, const Ds__Flow *x, enum ds_event_kind kind);
/* Tells the control plane: what is "completed" or "errored". */
enum err flow_notify(const struct turn *u, const Ds__ControlPlane *p, const Ds__Flow *x,
		     const char *what) MUST_USE;

/* ---- data ---- */

bool flow_pushed(const Ds__Flow *x);
/* Its name among the running ones, apart from all transfers. */
struct str flow_item(struct arena *a, struct str id);
/* What is sent to the sink that the entry names. On the outbox's shard. */
enum err flow_push_fill(struct ds *d, struct store_txn *t, struct arena *a, const Ds__Outbox *e,
			struct courier_req *q, struct courier_header h[FLOW_HEADERS]) MUST_USE;
/* A sink that can be sent to. Pure. */
enum err flow_sink_check(const struct dsp_data_address *d, struct flaw *f) MUST_USE;
void flow_data_get(struct net_req *r);
void flow_data_put(struct net_req *r); /* flow_in.c */

extern const struct net_route flow_routes[];
extern const size_t flow_routes_n;

#endif
