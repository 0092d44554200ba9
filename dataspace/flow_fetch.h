/* The data plane's side as the consumer of a pull: data flows that are fetched by the engine of pulls.
 *
 * A flow stands among the pulls under the name "flow:<id>"; what an attempt asks and records is of its row
 * instead of a transfer's. Nothing is promised of its content, so what arrives whole is kept with its
 * digest, and the control plane is told `completed`; what cannot be had any more is told as `errored`, and
 * the state stays. Threads: in commands, but for flow_fetch_end: any. */
#ifndef DATASPACE_FLOW_FETCH_H
#define DATASPACE_FLOW_FETCH_H

#include "dataspace/flow.h"
#include "dataspace/pull.h"

bool flow_fetched(struct str pid);
struct str flow_fetched_id(struct str pid);
/* Whether it is to be fetched. */
bool flow_fetches(const Ds__Flow *x);
enum err flow_fetch_ask(struct store_txn *t, struct arena *a, struct pull_ask *q) MUST_USE;
enum err flow_fetch_tell(struct writer_txn *t, struct arena *a, struct str participant, struct str pid,
			 uint64_t at) MUST_USE;
enum err flow_fetch_record(struct writer_txn *t, struct arena *a, struct pull_result *r) MUST_USE;
/* e = OK: it is here. Returns at once; a command follows. */
enum err flow_fetch_end(struct ds *d, struct str participant, struct str pid, enum err e,
			struct str reason) MUST_USE;
/* A data address of a pull that can be fetched from. Pure. */
enum err flow_address_check(const struct dsp_data_address *d, struct flaw *f) MUST_USE;

#endif
