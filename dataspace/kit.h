/* Test mode for the conformance kits of the Dataspace Protocol (dsp-tck) and, of the control plane's role,
 * of Data Plane Signaling (dps-tck; kit_flow.c).
 *
 * The kit cannot sign: it calls as TCK_PARTICIPANT with whatever it likes in "Authorization"; and it
 * expects of the connector under test that it takes certain steps by itself, by dataset or agreement
 * (kit_script.c). One participant, named in `space.kit`, serves it: it accepts every caller as
 * TCK_PARTICIPANT, leaves the engines' own rules aside and does what the script says through the same
 * functions that an owner's wishes call. NEVER on a node that somebody relies on: it is off unless
 * named, and the log and /readyz tell of it.
 * Threads: kit_changed any; the rest as said. */
#ifndef DATASPACE_KIT_H
#define DATASPACE_KIT_H

#include "dataspace/negotiation.h"
#include "dataspace/transfer.h"

#define KIT_PARTNER "TCK_PARTICIPANT"

struct kit;

/* *ret is NULL when the options name no participant. */
enum err kit_open(struct ds *d, struct kit **ret) MUST_USE;
enum err kit_start(struct ds *d) MUST_USE; /* makes the agreements that the kit asks for */
void kit_close(struct kit *k);             /* after the server has stopped; NULL is allowed */
/* Whether this participant acts by the script: the engines then do nothing by themselves. */
bool kit_acts(const struct ds *d, struct str participant);
/* Lets the caller in as the kit when the route's participant is its; false: not the kit's business. */
bool kit_admit(struct net_req *r, ds_peer_fn *then);
/* A command of a kit's route, for the participant in it; NULL: it was answered. */
struct ds_job *kit_job_new(struct net_req *r, struct str *ret_participant);
/* A process has changed: after the delay the script is asked what comes next. */
void kit_changed(struct ds *d, struct str participant, struct str pid);

/* kit_script.c; in commands. Nothing to do is ERR_OK. */
enum err kit_negotiation_step(const struct turn *u, Ds__Negotiation *n) MUST_USE;
enum err kit_transfer_step(const struct turn *u, Ds__Transfer *x) MUST_USE;
/* kit_face.c: an agreement in force without a negotiation. */
enum err kit_agreement_put(const struct turn *u, struct str id, struct str dataset, bool provider,
			   struct str callback) MUST_USE;
enum err kit_agreements_seed(const struct turn *u) MUST_USE;

/* kit_flow.c: of the kit of Data Plane Signaling, whose data plane is registered under the name KIT_PLANE.
 */
#define KIT_PLANE "kit"
/* The dataset of the consumer's flow that ends by itself although no address came to pull from. */
#define KIT_ENDS "DPCPULL0301"
/* A flow has changed; in commands. Nothing to do is ERR_OK, that there is no such flow is not. */
enum err kit_flow_step(const struct turn *u, struct str id) MUST_USE;
/* What this kit's messages and answers of the Dataspace Protocol leave out: that "@context" is a list, and
 * the state of a transfer that it was asked for. Its pids, too, are not to be looked at: of the two only
 * the one in the path is the transfer's. */
void kit_spell_out(json_t *message);
void kit_on_agreement(struct net_req *r);
void kit_on_trigger(struct net_req *r);

extern const struct net_route kit_routes[];
extern const size_t kit_routes_n;

#endif
