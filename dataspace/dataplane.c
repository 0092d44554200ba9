/* The data plane: opening, starting, cutting, its routes. */
#include <stdio.h>
#include <stdlib.h>

#include "dataspace/flow_fetch.h"
#include "dataspace/flow_ready.h"
#include "dataspace/led.h"
#include "dataspace/plane.h"
#include "dataspace/receipt.h"

enum err dp_open(struct ds *d, struct flaw *f, struct dp **ret)
{
	static const char *const folders[] = {"blobs", "pulled"};
	struct dp *p = calloc(1, sizeof *p);
	char path[DP_PATH_MAX];
	enum err e = p ? dp_folder_make(d->o.folder, f) : ERR_NO_MEMORY;

	if (p) {
		p->d = d;
		running_init(&p->running);
	}
	for (size_t i = 0; !e && i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", d->o.folder, folders[i]);
		e = dp_folder_make(path, f);
	}
	if (!e) e = disk_open(&p->disk);
	if (!e) e = leader_open(p, &pulls, &p->pulls);
	if (!e) e = leader_open(p, &pushes, &p->pushes);
	if (!e) e = ready_open(p, &p->ready);
	if (e) {
		dp_close(p);
		return e;
	}
	content_sweep(d);
	*ret = p;
	return ERR_OK;
}

enum err dp_start(struct ds *d)
{
	enum err e = leader_run(d->dp->pulls);

	if (!e) e = leader_run(d->dp->pushes);
	return e ? e : ready_start(d->dp->ready, net_server_shard(d->server, 0));
}

void dp_quiesce(struct ds *d)
{
	leader_quiesce(d->dp->pulls);
	leader_quiesce(d->dp->pushes);
	ready_quiesce(d->dp->ready);
}

void dp_close(struct dp *p)
{
	if (!p) return;
	leader_close(p->pulls);
	leader_close(p->pushes);
	ready_close(p->ready);
	disk_close(p->disk);
	running_done(&p->running);
	free(p);
}

void dp_cut(struct ds *d, struct str participant, struct str agreement, struct str pid, enum err why)
{
	running_cut(&d->dp->running, participant, agreement, pid, why);
	if (pid.n && !flow_fetched(pid)) dp_settle(d->dp, participant, pid);
}

void dp_metrics(struct ds *d, struct buf *out)
{
#define X(name, help)                                                                                      \
	buf_printf(out,                                                                                    \
		   "# HELP kanhe_data_" #name " " help "\n# TYPE kanhe_data_" #name " counter\n"           \
		   "kanhe_data_" #name " %llu\n",                                                          \
		   (unsigned long long)atomic_load(&d->dp->stat.name));
	DP_COUNTERS(X)
#undef X
}

#define P "/participants/{p}"
enum {
	READS = ROLE_OWNER | ROLE_AUDITOR,
	RECEIPT_BODY = 32 << 10,
};

const struct net_route dp_routes[] = {
    {NET_PUT, P "/datasets/{d}/content", content_put, ROLE_OWNER, NET_BODY_ANY, NET_STREAM_IN,
     "store the content of a dataset"},
    {NET_GET, "/p/{p}/data/{pid}", data_get, 0, 0, 0, "the data of a transfer (token of the data address)"},
    {NET_GET, P "/transfers/{pid}/content", pulled_get, ROLE_OWNER | ROLE_AGENT, 0, 0, "what was pulled"},
    {NET_POST, "/p/{p}/dsp/2024-1/kanhe/receipts", receipt_post, 0, RECEIPT_BODY, 0,
     "a consumer's signed meter (partner's token), of a transfer in 2024-1"},
    {NET_POST, "/p/{p}/dsp/2025-1/kanhe/receipts", receipt_post, 0, RECEIPT_BODY, 0,
     "a partner's meter statement, to be countersigned"},
    {NET_GET, P "/meters", meters_get, READS, 0, 0, "what was used, and both sides' signatures"},
    {NET_GET, P "/audit", audit_get, READS, 0, 0, "who did what, when, under which agreement"},
    {NET_GET, P "/agreements/{id}/proof", proof_get, READS, 0, 0,
     "a proof bundle; ?brief=yes: the contract and the last statement alone"},
};
const size_t dp_routes_n = sizeof dp_routes / sizeof *dp_routes;
