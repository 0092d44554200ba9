/* What outside data planes move is not metered here; what they say of it is kept, as said by them.
 *
 * Purpose: Data Plane Signaling has no message for usage. Our own data planes add DPS_USAGE to what they
 * tell their control planes (flow_status, flow_notify); of any data plane that does so, the last that it
 * said stands in the transfer's row, the sums of an agreement in its Meter, apart from what is counted.
 * Nothing of it is signed, settled or held against a policy: it is another's word. Threads: in commands. */
#ifndef DATASPACE_SAID_H
#define DATASPACE_SAID_H

#include "dataspace/turn.h"
#include "proto/dps/message.h"

/* Its data plane has STARTED: the agreement has a transfer that is not metered. Once. The caller puts the
 * row. */
enum err said_outside(const struct turn *u, Ds__Transfer *x) MUST_USE;
/* Its data plane says so, or nothing (not present). The caller puts the row. */
enum err said_take(const struct turn *u, Ds__Transfer *x, const struct dps_usage *g) MUST_USE;
/* {"requests", "octets", "at"} of a transfer, NULL while nothing is said. A new reference. */
json_t *said_show(const Ds__Transfer *x);
/* {"transfers", "said", "requests", "octets"} of an agreement, NULL without such transfers. */
json_t *said_meter(const Ds__Meter *m);

#endif
