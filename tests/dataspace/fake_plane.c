#include "tests/dataspace/fake_plane.h"

#include "dataspace/outbox.h"

struct fake_plane fake_plane;

struct dp {
	int unused;
};
static struct dp plane;

const struct net_route dp_routes[1];
const size_t dp_routes_n = 0;

enum err dp_open(struct ds *d, struct flaw *f, struct dp **ret)
{
	(void)d, (void)f;
	*ret = &plane;
	return ERR_OK;
}

enum err dp_start(struct ds *d)
{
	(void)d;
	return ERR_OK;
}

void dp_quiesce(struct ds *d)
{
	(void)d;
}

void dp_close(struct dp *p)
{
	(void)p;
}

void dp_metrics(struct ds *d, struct buf *out)
{
	(void)d, (void)out;
}

enum err dp_policy_check(struct arena *a, json_t *policy, struct flaw *f)
{
	(void)a;
	if (json_is_array(json_object_get(policy, "permission"))) return ERR_OK;
	return flaw_set(f, ERR_BAD_POLICY, FLAW_NO_OFFSET, "policy.permission", "missing",
			"nothing is permitted");
}

enum err dp_allow_start(struct arena *a, const struct dp_ask *ask, struct dp_verdict *ret)
{
	if (fake_plane.undecidable) return ERR_CORRUPT;
	*ret = (struct dp_verdict){.allowed = true,
				   .report = json_keep(a, json_pack("{s:s}", "verdict", "permitted"))};
	if (fake_plane.count_max && ask->agreement->transfers >= fake_plane.count_max) {
		ret->allowed = false;
		ret->reason = arena_printf(a, "count: limit %llu, actual %llu",
					   (unsigned long long)fake_plane.count_max,
					   (unsigned long long)ask->agreement->transfers);
	} else if (fake_plane.purpose && !str_is(ask->purpose, fake_plane.purpose)) {
		ret->allowed = false;
		ret->reason = arena_printf(a, "purpose: %.*s", STR_ARG(ask->purpose));
	}
	return ERR_OK;
}

enum err dp_offer_address(struct ds *d, struct writer_txn *t, struct arena *a, struct str participant,
			  Ds__Transfer *x, json_t **ret)
{
	struct str url = arena_printf(a, "%s/p/%.*s/data/%s", d->o.url, STR_ARG(participant), x->pid);

	(void)t;
	*ret = json_keep(a, json_pack("{s:s,s:s,s:s%,s:[{s:s,s:s,s:s},{s:s,s:s,s:s}]}", "@type",
				      "DataAddress", "endpointType", "https://w3id.org/idsa/v4.1/HTTP",
				      "endpoint", url.p, url.n, "endpointProperties", "@type",
				      "EndpointProperty", "name", "authorization", "value", "secret",
				      "@type", "EndpointProperty", "name", "authType", "value", "bearer"));
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

void dp_pull_start(struct ds *d, struct str participant, struct str pid)
{
	fake_plane.pulls++;
	if (fake_plane.finish) (void)!ds_transfer_finished(d, participant, pid, ERR_OK, STR_NONE);
}

void dp_push_start(struct ds *d, struct str participant, struct str pid)
{
	(void)d, (void)participant, (void)pid;
	fake_plane.pushes++;
}

void dp_cut(struct ds *d, struct str participant, struct str agreement, struct str pid, enum err why)
{
	(void)d, (void)participant, (void)agreement, (void)pid, (void)why;
	fake_plane.cuts++;
}

enum err dp_receipt_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			     const Ds__Outbox *e, int status, struct str body)
{
	(void)d, (void)t, (void)fx, (void)a, (void)e, (void)status, (void)body;
	fake_plane.receipts++;
	return ERR_OK;
}

enum err dp_transfer_ended(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			   struct str participant, const Ds__Transfer *x)
{
	(void)d, (void)t, (void)fx, (void)a, (void)participant, (void)x;
	fake_plane.ended++;
	return ERR_OK;
}
