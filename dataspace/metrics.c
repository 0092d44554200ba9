#include "dataspace/dataplane.h"
#include "dataspace/replay.h"

void ds_metrics(struct ds *d, struct buf *out)
{
#define X(name, help)                                                                                      \
	buf_printf(out,                                                                                    \
		   "# HELP kanhe_space_" #name "_total " help "\n# TYPE kanhe_space_" #name                \
		   "_total counter\nkanhe_space_" #name "_total %llu\n",                                   \
		   (unsigned long long)d->stat.name);
	DS_COUNTERS(X)
#undef X
	buf_printf(out,
		   "# HELP kanhe_space_token_ids_bytes memory of partners' token ids that were used\n"
		   "# TYPE kanhe_space_token_ids_bytes gauge\nkanhe_space_token_ids_bytes %zu\n",
		   replays_octets(d->replays));
	dp_metrics(d, out);
}
