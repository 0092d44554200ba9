/* What the conformance kit needs besides the protocol: agreements that are there already, and two
 * routes that make us begin a negotiation or a transfer with it. */
#include "dataspace/agreement.h"
#include "dataspace/kit.h"

#define KIT_DATASET "CAT0101" /* what the seeded agreements are about */
#define KIT_POLICY "{\"@type\":\"Offer\",\"permission\":[{\"action\":\"use\"}]}"

static const char *const provided[] = {
    "ATP0101", "ATP0102", "ATP0103", "ATP0104", "ATP0105", "ATP0201", "ATP0202", "ATP0203",
    "ATP0204", "ATP0205", "ATP0301", "ATP0302", "ATP0303", "ATP0304", "ATP0305", "ATP0306",
};

enum err kit_agreement_put(const struct turn *u, struct str id, struct str dataset, bool provider,
			   struct str callback)
{
	json_t *doc = json_keep(u->a, json_object()), *policy;
	char when[CLOCK_TEXT];
	Ds__Agreement g;
	enum err e = json_read(u->a, STR(KIT_POLICY), u->flaw, &policy);

	if (e) return e;
	if (!doc) return ERR_NO_MEMORY;
	ds__agreement__init(&g);
	g.format = 1;
	g.id = turn_text(u, id);
	g.side = provider ? DS__SIDE__SIDE_PROVIDER : DS__SIDE__SIDE_CONSUMER;
	g.provider = turn_text(u, provider ? u->self->did : STR(KIT_PARTNER));
	g.consumer = turn_text(u, provider ? STR(KIT_PARTNER) : u->self->did);
	g.dataset = turn_text(u, dataset);
	g.callback = turn_text(u, callback);
	g.state = DS__AGREEMENT_STATE__AGREEMENT_ACTIVE;
	g.created = g.changed = g.finalized = u->t->now;
	json_put_str(doc, "@type", STR("Agreement"));
	json_put_str(doc, "@id", id);
	json_put_str(doc, "target", dataset);
	json_put_str(doc, "assigner", str_of(g.provider));
	json_put_str(doc, "assignee", str_of(g.consumer));
	json_put_str(doc, "timestamp", str_of(clock_print(u->t->now, false, when)));
	json_put(doc, "permission", json_incref(json_object_get(policy, "permission")));
	g.json = turn_json(u, doc);
	return ds_agreement_put(u->t, u->self->id, &g);
}

enum err kit_agreements_seed(const struct turn *u)
{
	Ds__Agreement *old;
	enum err e = ERR_OK;

	for (size_t i = 0; i < sizeof provided / sizeof *provided && !e; i++) {
		e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(provided[i]), &old);
		if (e == ERR_NOT_FOUND)
			e = kit_agreement_put(u, str_of(provided[i]), STR(KIT_DATASET), true, STR_NONE);
	}
	return e;
}

struct trigger {
	struct str participant, partner, agreement, base;
	struct negotiation_wish n;
};

static enum err trigger_work(struct ds_job *j, struct writer_txn *t)
{
	const struct trigger *g = j->in;
	struct turn u = turn_of_job(j, t, NULL, STR("conformance kit"));
	struct transfer_wish w = {.agreement = g->agreement};
	Ds__Negotiation *n;
	Ds__Transfer *x;
	enum err e = ds_self_find(j->d, t->store, g->participant, &u.self);

	j->status = 202;
	j->body = STR("{}");
	if (!e && !g->agreement.n) return negotiation_start(&u, &g->n, &n);
	if (!e) e = kit_agreement_put(&u, g->agreement, STR(KIT_DATASET), false, g->base);
	return e ? e : transfer_start(&u, &w, &x);
}

static enum err trigger_read(struct ds_job *j, struct net_req *r, bool transfer, struct trigger *g,
			     struct flaw *f)
{
	struct str base;
	json_t *body;
	enum err e = json_read(j->arena, r->body, f, &body);

	if (!e) e = json_str(body, "", "providerId", f, &g->partner);
	if (!e) e = json_str(body, "", "connectorAddress", f, &base);
	if (!e) e = turn_url_check(base, "connectorAddress", f, &g->base);
	if (!e && !str_is(g->partner, KIT_PARTNER))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "providerId", "kit",
			     "only " KIT_PARTNER " is dealt with here");
	if (!e && transfer) return json_str(body, "", "agreementId", f, &g->agreement);
	if (!e) e = json_str(body, "", "datasetId", f, &g->n.dataset);
	if (!e) e = turn_name_check(g->n.dataset, DS_DATASET_MAX, "datasetId", f);
	if (!e) e = json_str(body, "", "offerId", f, &g->n.offer_id);
	if (!e) e = json_read(j->arena, STR(KIT_POLICY), f, &g->n.offer);
	g->n.provider = g->partner;
	g->n.base = g->base;
	return e;
}

static void trigger_take(struct net_req *r, bool transfer)
{
	struct flaw f = {0};
	struct str id;
	struct ds_job *j = kit_job_new(r, &id);
	struct trigger *g = j ? ARENA_NEW(j->arena, struct trigger) : NULL;
	enum err e;

	if (!j) return;
	must(g);
	g->participant = id;
	j->in = g;
	j->work = trigger_work;
	e = trigger_read(j, r, transfer, g, &f);
	ds_job_submit_or_refuse(j, e, &f);
}

static void on_negotiation(struct net_req *r)
{
	trigger_take(r, false);
}

static void on_transfer(struct net_req *r)
{
	trigger_take(r, true);
}

const struct net_route kit_routes[] = {
    {NET_POST, "/p/{p}/kit/negotiations", on_negotiation, 0, DS_BODY_MAX, 0,
     "the conformance kit wants to be asked for an offer (space.kit)"},
    {NET_POST, "/p/{p}/kit/transfers", on_transfer, 0, DS_BODY_MAX, 0,
     "the conformance kit wants to be asked for a transfer (space.kit)"},
    {NET_POST, "/p/{p}/kit/agreements", kit_on_agreement, 0, DS_BODY_MAX, 0,
     "an agreement that the signaling kit asks for (space.kit)"},
    {NET_POST, "/p/{p}/kit/dataflows/trigger", kit_on_trigger, 0, DS_BODY_MAX, 0,
     "the signaling kit wants a data flow to be prepared (space.kit)"},
};
const size_t kit_routes_n = sizeof kit_routes / sizeof *kit_routes;
