/* Agreements, as owners and auditors see them. */
#include "dataspace/agreement.h"
#include "dataspace/evidence.h"
#include "dataspace/face_manage.h"

struct kept {
	struct arena *a;
	json_t *list;
};

static enum err kept_add(void *arg, const Ds__Evidence *row)
{
	struct kept *k = arg;
	json_t *j = evidence_show(k->a, row);

	json_put_u64(j, "index", row->leaf);
	must(!json_array_append_new(k->list, j));
	return arena_overflowed(k->a) ? ERR_NO_MEMORY : ERR_OK;
}

/* "evidence": what the partner sent, and the places in the ledger that tell of it. */
static enum err kept_put(struct store_txn *t, struct arena *a, struct str participant,
			 const Ds__Agreement *g, json_t *j)
{
	struct kept k = {a, json_array()};

	must(k.list);
	json_put(j, "evidence", k.list);
	return evidence_each(t, a, participant, str_of(g->negotiation), kept_add, &k);
}

static enum err agreement_look(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			       json_t **ret_json, const char **ret_state, bool *ret_final)
{
	Ds__Agreement *g;
	enum err e = ds_agreement_find(t, a, participant, id, &g);

	if (e) return e;
	*ret_json = json_keep(a, agreement_show(g, true));
	*ret_state = agreement_state_name(g->state);
	*ret_final = g->state > DS__AGREEMENT_STATE__AGREEMENT_ACTIVE;
	return *ret_json ? kept_put(t, a, participant, g, *ret_json) : ERR_NO_MEMORY;
}

static void agreement_get(struct net_req *r)
{
	manage_get(r, agreement_look, "there is no agreement %.*s");
}

static enum err agreement_row(void *arg, const Ds__Agreement *g)
{
	struct manage_list *l = arg;

	if (!manage_list_room(l)) return ERR_NOT_FOUND;
	must(!json_array_append_new(l->rows, agreement_show(g, false)));
	l->last = g->id;
	return ERR_OK;
}

static void agreement_list(struct net_req *r)
{
	struct str participant, after;
	struct manage_list l;

	if (manage_list_start(r, &l, &participant, &after)) return;
	manage_list_answer(
	    r, &l, "agreements",
	    agreement_each(ds_txn(r->shard), r->arena, participant, after, agreement_row, &l));
}

static enum err act_revoke(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Agreement *g;
	enum err e = manage_reason(w, "revoked by the owner", u->flaw);

	if (!e) e = ds_agreement_find(u->t->store, u->a, u->self->id, w->pid, &g);
	if (!e) e = agreement_revoke(u, g, w->text);
	if (!e) *ret = json_keep(u->a, agreement_show(g, false));
	return e;
}

static void agreement_post_revoke(struct net_req *r)
{
	struct manage_wish *w;
	struct ds_job *j = manage_wish_new(r, &w);

	if (!j) return;
	w->act = act_revoke;
	manage_wish_submit(j);
}

#define P "/participants/{p}"
enum { READS = ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR };

const struct net_route face_agreement_routes[] = {
    {NET_GET, P "/agreements", agreement_list, READS, 0, 0, "list agreements"},
    {NET_GET, P "/agreements/{id}", agreement_get, READS, 0, 0, "show an agreement with its proofs"},
    {NET_POST, P "/agreements/{id}/revoke", agreement_post_revoke, ROLE_OWNER, 4096, 0, "revoke it"},
};
const size_t face_agreement_routes_n = sizeof face_agreement_routes / sizeof *face_agreement_routes;
