/* Participants whose connector is another product: this node is their wallet, issuer and token service
 * (DCP 1.0.1), and their DID document; the Dataspace Protocol is spoken for them elsewhere.
 *
 * Purpose: `space.connectors` names them, each "participant=URL" with the base of the protocol there, which
 * the DID document tells in place of ours. Messages and versions that are asked for here are refused (404)
 * and say where to go; nothing is negotiated for them here.
 * Ownership: the configuration's; slices live as long as struct ds. Pure; threads: any. */
#ifndef DATASPACE_CONNECTOR_H
#define DATASPACE_CONNECTOR_H

#include "dataspace/space.h"

/* ERR_BAD_CONF, which names the entry: no id of a participant, no base of http or https, one named twice.
 */
enum err connectors_check(const struct ds_options *o, struct flaw *f) MUST_USE;
/* Without a slash at the end; empty: the participant's connector is this node. */
struct str connector_of(const struct ds_options *o, struct str participant);
/* ERR_NOT_FOUND when it is elsewhere; the flaw says where. */
enum err connector_here(const struct ds_self *self, struct flaw *f) MUST_USE;

#endif
