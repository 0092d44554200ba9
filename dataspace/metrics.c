#include "dataspace/dataplane.h"

void ds_metrics(struct ds *d, struct buf *out)
{
#define X(name, help)                                                                                      \
	buf_printf(out,                                                                                    \
		   "# HELP kanhe_space_" #name "_total " help "\n# TYPE kanhe_space_" #name                \
		   "_total counter\nkanhe_space_" #name "_total %llu\n",                                   \
		   (unsigned long long)d->stat.name);
	DS_COUNTERS(X)
#undef X
	dp_metrics(d, out);
}
