/* Negotiations and transfers, as an owner or agent asks for them. */
#include "dataspace/face_manage.h"

#include "dataspace/catalog.h"
#include "dataspace/connector.h"
#include "dataspace/data_plane.h"
#include "dataspace/dialect.h"
#include "dataspace/held.h"
#include "dataspace/negotiation.h"
#include "dataspace/offer.h"
#include "dataspace/partner.h"
#include "dataspace/transfer.h"
#include "proto/dsp/catalog.h"

/* ---- a negotiation begins: the provider's document, its dataset, then the command ---- */

/* In the request's arena: the job dies with it unless it was handed on. */
struct begun {
	struct ds_job *job;
};

struct beginning {
	struct ds_job *job;
	struct begun *begun;
	struct manage_wish *wish;
	struct negotiation_wish n;
	struct str offer; /* wanted: its id; empty: the first */
};

static enum err act_begin(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct beginning *b = w->more;
	Ds__Negotiation *n;
	enum err e = negotiation_start(u, &b->n, &n);

	if (!e) *ret = json_keep(u->a, negotiation_show(u->a, n, false));
	return e;
}

static void begun_drop(void *arg)
{
	struct begun *x = arg;

	ds_job_free(x->job);
}

static void begin_refuse(struct net_req *r, struct beginning *b, enum err e, const struct flaw *f)
{
	struct ds_job *j = b->job;

	b->begun->job = NULL;
	net_reply_err(r, e, f);
	ds_job_free(j);
}

enum { DATASET_TOLD = 70 }; /* octets of a name or an address in a refusal */

static enum err offer_pick(struct beginning *b, const struct fetched *got, struct flaw *f)
{
	struct arena *a = b->job->arena;
	struct dsp_dataset s;
	struct odrl_policy p;
	json_t *j;
	enum err e = partner_answer_check(got, f);

	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "dataset", "unknown",
				"the provider offers us no dataset \"%.*s\": %.*s/catalog answered %d",
				STR_ARG(str_cut(b->n.dataset, DATASET_TOLD)),
				STR_ARG(str_cut(b->n.base, DATASET_TOLD)), got->status);
	if (e) return e;
	if (json_read(a, got->body, f, &j) || ds_dialect_read(a, b->n.dialect, j, f, &j) ||
	    dsp_dataset_parse(a, j, f, &s))
		return f->err = ERR_UPSTREAM;
	for (size_t i = 0; i < json_array_size(s.offers); i++) {
		json_t *offer = json_array_get(s.offers, i);

		if (odrl_check(offer, ODRL_OFFER, "hasPolicy", f, &p)) return f->err = ERR_UPSTREAM;
		if (b->offer.n && !str_eq(p.id, b->offer)) continue;
		offer_spell_out(offer);
		b->n.offer = offer;
		b->n.offer_id = p.id;
		return ERR_OK;
	}
	return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "offer", "unknown",
			"the provider has no offer \"%.*s\" for the dataset",
			STR_ARG(str_cut(b->offer, DATASET_TOLD)));
}

static void begin_dataset(struct net_req *r, void *arg, const struct fetched *got)
{
	struct beginning *b = arg;
	struct flaw f = {0};
	enum err e = offer_pick(b, got, &f);

	if (e) {
		held_excuse(r, b->wish->self->id, got, &f);
		begin_refuse(r, b, e, &f);
		return;
	}
	b->wish->act = act_begin;
	b->wish->more = b;
	b->wish->status = 202;
	b->begun->job = NULL;
	manage_wish_submit(b->job);
}

static void begin_partner(struct net_req *r, void *arg, const struct partner *p)
{
	struct beginning *b = arg;
	struct fetch_ask q = {
	    .self = p->self, .audience = p->did, .method = "GET", .then = begin_dataset, .arg = b};
	enum err e;

	b->n.provider = arena_dup(b->job->arena, p->did);
	b->n.base = arena_dup(b->job->arena, p->base);
	b->n.dialect = p->dialect;
	q.url = arena_printf(r->arena, "%.*s/catalog/datasets/%.*s", STR_ARG(p->base),
			     STR_ARG(fetch_segment(r->arena, b->n.dataset)));
	e = fetch_start(r, &q);
	if (e) begin_refuse(r, b, e, NULL);
}

static void negotiation_post(struct net_req *r)
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);
	struct beginning *b = j ? ARENA_NEW(j->arena, struct beginning) : NULL;
	struct str provider;
	struct flaw f = {0};
	enum err e;

	if (!j) return;
	must(b);
	b->job = j;
	b->wish = w;
	b->begun = ARENA_NEW(r->arena, struct begun);
	if (!b->begun || arena_on_reset(r->arena, begun_drop, b->begun)) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		ds_job_free(j);
		return;
	}
	b->begun->job = j;
	e = json_str(w->body, "", "provider", &f, &provider);
	if (!e) e = json_str(w->body, "", "dataset", &f, &b->n.dataset);
	if (!e) e = turn_name_check(b->n.dataset, DS_DATASET_MAX, "dataset", &f);
	if (!e) e = json_str_opt(w->body, "", "offer", &f, &b->offer);
	/* what the provider answers would not come here */
	if (!e) e = connector_here(w->self, &f);
	if (e)
		begin_refuse(r, b, e, &f);
	else
		partner_find(r, w->self->id, provider, begin_partner, b);
}

/* ---- negotiations ---- */

static enum err negotiation_look(struct store_txn *t, struct arena *a, struct str participant,
				 struct str pid, json_t **ret_json, const char **ret_state, bool *ret_final)
{
	Ds__Negotiation *n;
	enum err e = negotiation_find(t, a, participant, pid, &n);

	if (e) return e;
	*ret_json = json_keep(a, negotiation_show(a, n, true));
	*ret_state = dsp_negotiation_state_name(negotiation_state(n));
	*ret_final = dsp_negotiation_final(negotiation_state(n));
	return *ret_json ? ERR_OK : ERR_NO_MEMORY;
}

static void negotiation_get(struct net_req *r)
{
	manage_get(r, negotiation_look, "there is no negotiation %.*s");
}

static enum err negotiation_row(void *arg, const Ds__Negotiation *n)
{
	struct manage_list *l = arg;

	if (!manage_list_room(l)) return ERR_NOT_FOUND;
	must(!json_array_append_new(l->rows, negotiation_show(l->a, n, false)));
	l->last = n->pid;
	return ERR_OK;
}

static void negotiation_list(struct net_req *r)
{
	struct str participant, after;
	struct manage_list l;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(
	    r, &l, "negotiations",
	    negotiation_each(ds_txn(r->shard), r->arena, participant, after, negotiation_row, &l));
}

static enum err show_negotiation(const struct turn *u, enum err e, const Ds__Negotiation *n, json_t **ret)
{
	if (!e) *ret = json_keep(u->a, negotiation_show(u->a, n, false));
	return e;
}

static enum err act_accept(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Negotiation *n = NULL;
	enum err e = negotiation_accept(u, w->pid, &n);

	return show_negotiation(u, e, n, ret);
}

static enum err act_agree(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Negotiation *n = NULL;
	enum err e = negotiation_agree(u, w->pid, &n);

	return show_negotiation(u, e, n, ret);
}

static enum err act_counter(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	json_t *policy = json_object_get(w->body, "policy"), *rules = NULL;
	Ds__Negotiation *n = NULL;
	enum err e;

	if (policy) {
		if ((e = dp_policy_check(u->a, policy, u->flaw))) return e;
		if (!(rules = offer_rules(u->a, policy))) return ERR_NO_MEMORY;
	}
	e = negotiation_counter(u, w->pid, rules, &n);
	return show_negotiation(u, e, n, ret);
}

static enum err act_end_negotiation(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Negotiation *n = NULL;
	enum err e = manage_reason(w, "terminated by the owner", u->flaw);

	if (!e) e = negotiation_terminate(u, w->pid, STR("TERMINATED"), w->text, &n);
	return show_negotiation(u, e, n, ret);
}

/* ---- transfers ---- */

static enum err act_transfer(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	struct transfer_wish t = {.rate = 0};
	Ds__Transfer *x = NULL;
	enum err e = json_str(w->body, "", "agreement", u->flaw, &t.agreement);

	if (!e) e = json_str_opt(w->body, "", "purpose", u->flaw, &t.purpose);
	if (!e) e = json_u64_opt(w->body, "", "rate", u->flaw, &t.rate);
	if (!e) e = json_str_opt(w->body, "", "sink", u->flaw, &t.sink.endpoint);
	if (!e) e = json_str_opt(w->body, "", "sinkAuthorization", u->flaw, &t.sink.authorization);
	if (!e) e = json_str_opt(w->body, "", "sinkMethod", u->flaw, &t.sink.method);
	if (!e) e = json_str_opt(w->body, "", "dataplane", u->flaw, &t.plane);
	if (!e) e = json_str_opt(w->body, "", "format", u->flaw, &t.format);
	if (!e && t.format.n && !t.plane.n)
		e = flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "format", "data-plane",
			     "a format is chosen with an outside data plane");
	if (!e && t.format.n) e = turn_name_check(t.format, DATA_PLANE_WORD_MAX, "format", u->flaw);
	if (!e && t.sink.endpoint.n && t.rate)
		e = flaw_set(u->flaw, ERR_BAD_INPUT, FLAW_NO_OFFSET, "rate", "push",
			     "a rate is for data that is fetched, not for data that is pushed");
	if (!e && t.purpose.n) e = turn_name_check(t.purpose, DS_URL_MAX, "purpose", u->flaw);
	if (!e) e = transfer_start(u, &t, &x);
	if (!e) *ret = json_keep(u->a, transfer_show(u->a, x, false));
	w->status = 202;
	return e;
}

static enum err show_transfer(const struct turn *u, enum err e, const Ds__Transfer *x, json_t **ret)
{
	if (!e) *ret = json_keep(u->a, transfer_show(u->a, x, false));
	return e;
}

static enum err act_suspend(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Transfer *x = NULL;
	enum err e = manage_reason(w, "suspended by the owner", u->flaw);

	if (!e) e = transfer_suspend(u, w->pid, w->text, &x);
	return show_transfer(u, e, x, ret);
}

static enum err act_resume(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Transfer *x = NULL;
	enum err e = transfer_resume(u, w->pid, &x);

	return show_transfer(u, e, x, ret);
}

static enum err act_end_transfer(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Transfer *x = NULL;
	enum err e = manage_reason(w, "terminated by the owner", u->flaw);

	if (!e) e = transfer_terminate(u, w->pid, STR("TERMINATED"), w->text, &x);
	return show_transfer(u, e, x, ret);
}

static enum err transfer_look(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			      json_t **ret_json, const char **ret_state, bool *ret_final)
{
	Ds__Transfer *x;
	enum err e = ds_transfer_find(t, a, participant, pid, &x);

	if (e) return e;
	*ret_json = json_keep(a, transfer_show(a, x, true));
	*ret_state = dsp_transfer_state_name(transfer_state(x));
	*ret_final = dsp_transfer_final(transfer_state(x));
	return *ret_json ? ERR_OK : ERR_NO_MEMORY;
}

static void transfer_get(struct net_req *r)
{
	manage_get(r, transfer_look, "there is no transfer %.*s");
}

static enum err transfer_row(void *arg, const Ds__Transfer *x)
{
	struct manage_list *l = arg;

	if (!manage_list_room(l)) return ERR_NOT_FOUND;
	must(!json_array_append_new(l->rows, transfer_show(l->a, x, false)));
	l->last = x->pid;
	return ERR_OK;
}

static void transfer_list(struct net_req *r)
{
	struct str participant, after;
	struct manage_list l;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(r, &l, "transfers",
			   transfer_each(ds_txn(r->shard), r->arena, participant, after, transfer_row, &l));
}

/* ---- routes ---- */

/* Handlers that hand one wish to the writer. */
#define WISHES(X)                                                                                          \
	X(accept, act_accept)                                                                              \
	X(agree, act_agree)                                                                                \
	X(counter, act_counter)                                                                            \
	X(end_negotiation, act_end_negotiation)                                                            \
	X(transfer, act_transfer)                                                                          \
	X(suspend, act_suspend)                                                                            \
	X(resume, act_resume)                                                                              \
	X(end_transfer, act_end_transfer)

#define X(name, fn)                                                                                        \
	static void on_##name(struct net_req *r)                                                           \
	{                                                                                                  \
		manage_wish_act(r, fn);                                                                    \
	}
WISHES(X)
#undef X

#define P "/participants/{p}"
enum {
	ACTS = ROLE_OWNER | ROLE_AGENT,
	READS = ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR,
	WISH_MAX = 128 << 10, /* a policy of the largest size the evaluator takes, and some */
};

const struct net_route face_manage_routes[] = {
    {NET_POST, P "/catalog", catalog_on_ask, ACTS, 4096, 0, "a partner's catalog"},
    {NET_POST, P "/negotiations", negotiation_post, ACTS, 4096, 0, "negotiate for a dataset"},
    {NET_GET, P "/negotiations", negotiation_list, READS, 0, 0, "list negotiations"},
    {NET_GET, P "/negotiations/{pid}", negotiation_get, READS, 0, 0,
     "show one; ?wait=STATE&timeout=seconds"},
    {NET_POST, P "/negotiations/{pid}/accept", on_accept, ACTS, WISH_MAX, 0, "accept the provider's offer"},
    {NET_POST, P "/negotiations/{pid}/agree", on_agree, ROLE_OWNER, WISH_MAX, 0, "agree to the request"},
    {NET_POST, P "/negotiations/{pid}/counter", on_counter, ROLE_OWNER, WISH_MAX, 0, "make another offer"},
    {NET_POST, P "/negotiations/{pid}/terminate", on_end_negotiation, ACTS, WISH_MAX, 0, "end it"},
    {NET_POST, P "/transfers", on_transfer, ACTS, 4096, 0, "ask for a transfer"},
    {NET_GET, P "/transfers", transfer_list, READS, 0, 0, "list transfers"},
    {NET_GET, P "/transfers/{pid}", transfer_get, READS, 0, 0, "show one; ?wait=STATE&timeout=seconds"},
    {NET_POST, P "/transfers/{pid}/terminate", on_end_transfer, ACTS, WISH_MAX, 0, "end it"},
    {NET_POST, P "/transfers/{pid}/suspend", on_suspend, ACTS, WISH_MAX, 0, "pause it"},
    {NET_POST, P "/transfers/{pid}/resume", on_resume, ACTS, WISH_MAX, 0, "go on"},
};
const size_t face_manage_routes_n = sizeof face_manage_routes / sizeof *face_manage_routes;
