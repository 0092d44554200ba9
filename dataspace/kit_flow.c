/* What the conformance kit of Data Plane Signaling needs of a control plane: agreements that are there
 * already, and a route that makes it begin a transfer through the kit's data plane. */
#include "dataspace/flow.h"
#include "dataspace/kit.h"

struct wish {
	struct str participant, agreement, dataset, base;
	bool provider;
};

static enum err wish_work(struct ds_job *j, struct writer_txn *t)
{
	const struct wish *w = j->in;
	struct turn u = turn_of_job(j, t, NULL, STR("conformance kit"));
	struct transfer_wish q = {.agreement = w->agreement, .plane = STR(KIT_PLANE)};
	Ds__Transfer *x;
	enum err e = ds_self_find(j->d, t->store, w->participant, &u.self);

	j->body = STR("{}");
	if (!e) e = kit_agreement_put(&u, w->agreement, w->dataset, w->provider, w->base);
	if (e || w->provider) return e;
	e = transfer_start(&u, &q, &x);
	if (!e) j->body = arena_printf(j->arena, "{\"id\":\"%s\"}", x->pid);
	return e;
}

static enum err wish_read(struct ds_job *j, struct net_req *r, struct wish *w, struct flaw *f)
{
	struct str url;
	json_t *body;
	enum err e = json_read(j->arena, r->body, f, &body);

	if (!e) e = json_str(body, "", "agreementId", f, &w->agreement);
	if (!e) e = json_str(body, "", "datasetId", f, &w->dataset);
	if (!e) e = turn_name_check(w->dataset, DS_DATASET_MAX, "datasetId", f);
	if (e || w->provider) return e;
	e = json_str(body, "", "dspUrl", f, &url);
	return e ? e : turn_url_check(url, "dspUrl", f, &w->base);
}

static void take(struct net_req *r, bool provider)
{
	struct flaw f = {0};
	struct str id;
	struct ds_job *j = kit_job_new(r, &id);
	struct wish *w = j ? ARENA_NEW(j->arena, struct wish) : NULL;
	enum err e;

	if (!j) return;
	must(w);
	w->provider = provider;
	w->participant = id;
	j->in = w;
	j->work = wish_work;
	e = wish_read(j, r, w, &f);
	ds_job_submit_or_refuse(j, e, &f);
}

void kit_on_agreement(struct net_req *r)
{
	take(r, true);
}

void kit_on_trigger(struct net_req *r)
{
	take(r, false);
}

enum err kit_flow_step(const struct turn *u, struct str id)
{
	Ds__ControlPlane *p;
	Ds__Flow *x;
	enum err e = flow_find(u->t->store, u->a, u->self->id, id, &x);

	if (!e) e = control_plane_find(u->t->store, u->a, u->self->id, str_of(x->plane), &p);
	if (e || strcmp(x->dataset, KIT_ENDS) != 0 || !x->consumer) return e;
	if (x->state != DPS_STARTED_STATE || x->address[0]) return ERR_OK;
	e = flow_move(u, p, x, DPS_COMPLETED_STATE);
	return e ? e : flow_notify(u, p, x, "completed");
}

void kit_spell_out(json_t *message)
{
	json_t *context = json_object_get(message, "@context");

	if (json_is_string(context)) json_put(message, "@context", json_pack("[O]", context));
	if (str_is(json_text(json_object_get(message, "@type")), "TransferProcess") &&
	    !json_object_get(message, "state"))
		json_put_str(message, "state", STR("REQUESTED"));
}
