/* GET /participants/{p}/meters?agreement=: what we have counted, what both have signed.
 *
 * {"meters": [{"agreement", "role", "transfers", "requests", "octets", "state", "settled": {sums that are
 * signed}, "outside": {"transfers", "said", "requests", "octets"}, "first", "last"}…], "next": cursor or
 * null}; outside: what outside data planes moved is not in the counts, and what they say of it (said.h). Of
 * one agreement also "use": [{"transfer", …}] and "receipts": [{"sequence", "transfer", "own_signed",
 * "peer_signed", "note", "statement", "peer_statement"}]. state: "open" (something runs, or a statement is
 * on its way), "agreed", "disputed", "alone" (the partner signs no statements), "unused". */
#include "dataspace/face_manage.h"
#include "dataspace/receipt.h"
#include "dataspace/said.h"

static const char *state_of(const Ds__Meter *m)
{
	if (m->open) return "open";
	if (m->disputed) return "disputed";
	if (m->lone) return "alone";
	return m->transfers ? "agreed" : "unused";
}

static json_t *counts_json(uint64_t transfers, uint64_t requests, uint64_t octets)
{
	json_t *j = json_object();

	must(j);
	json_put_u64(j, "transfers", transfers);
	json_put_u64(j, "requests", requests);
	json_put_u64(j, "octets", octets);
	return j;
}

static json_t *meter_json(const Ds__Meter *m)
{
	json_t *j = counts_json(m->transfers, m->requests, m->octets);
	char when[CLOCK_TEXT];

	json_put_str(j, "agreement", str_of(m->agreement));
	json_put_str(j, "state", str_of(state_of(m)));
	json_put(j, "settled", counts_json(m->settled_transfers, m->settled_requests, m->settled_octets));
	if (m->outside) json_put(j, "outside", said_meter(m));
	if (m->first) json_put_str(j, "first", str_of(clock_print(m->first, true, when)));
	if (m->last) json_put_str(j, "last", str_of(clock_print(m->last, true, when)));
	return j;
}

static enum err meter_row(void *arg, const Ds__Meter *m)
{
	struct manage_list *l = arg;

	if (!m->transfers && !m->outside) return ERR_OK;
	if (!manage_list_room(l)) return ERR_NOT_FOUND;
	l->last = m->agreement;
	must(json_array_append_new(l->rows, meter_json(m)) == 0);
	return ERR_OK;
}

/* ---- one agreement ---- */

static enum err use_row(void *arg, const Ds__Usage *u)
{
	static const char *const states[] = {"open", "stated", "agreed", "disputed", "alone"};
	json_t *j = json_object();

	must(j);
	json_put_str(j, "transfer", str_of(u->pid));
	json_put_u64(j, "requests", u->requests);
	json_put_u64(j, "octets", u->octets);
	json_put_str(j, "state", str_of((unsigned)u->settlement < 5 ? states[u->settlement] : "?"));
	if (u->sequence) json_put_u64(j, "sequence", u->sequence);
	must(json_array_append_new(arg, j) == 0);
	return ERR_OK;
}

static enum err receipt_row(void *arg, const Ds__Receipt *r)
{
	json_t *j = json_object();

	must(j);
	json_put_u64(j, "sequence", r->sequence);
	json_put_str(j, "transfer", str_of(r->pid));
	json_put(j, "own_signed", json_boolean(r->own_signed));
	json_put(j, "peer_signed", json_boolean(r->peer_signed));
	if (r->note[0]) json_put_str(j, "note", str_of(r->note));
	json_put(j, "statement", json_loads(r->json, 0, NULL));
	if (r->peer_json[0]) json_put(j, "peer_statement", json_loads(r->peer_json, 0, NULL));
	must(json_array_append_new(arg, j) == 0);
	return ERR_OK;
}

static void meters_of_one(struct net_req *r, struct str participant, struct str agreement)
{
	struct store_txn *t = ds_txn(r->shard);
	json_t *out = json_keep(r->arena, json_object()), *list = json_array(), *use = json_array();
	json_t *receipts = json_array(), *one;
	Ds__Agreement *g;
	Ds__Meter *m;
	enum err e = ds_agreement_find(t, r->arena, participant, agreement, &g);

	must(list && use && receipts);
	if (!e) e = meter_find(t, r->arena, participant, agreement, &m);
	if (!e) e = meter_use_each(t, r->arena, participant, agreement, use_row, use);
	if (!e) e = receipt_each(t, r->arena, participant, agreement, receipt_row, receipts);
	if (!e && !out) e = ERR_NO_MEMORY;
	if (e) {
		json_decref(list);
		json_decref(use);
		json_decref(receipts);
		net_reply_err(r, e, NULL);
		return;
	}
	one = meter_json(m);
	json_put_str(one, "role", g->side == DS__SIDE__SIDE_PROVIDER ? STR("provider") : STR("consumer"));
	json_put(one, "use", use);
	json_put(one, "receipts", receipts);
	must(json_array_append_new(list, one) == 0);
	json_put(out, "meters", list);
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

void meters_get(struct net_req *r)
{
	struct str participant, after, agreement;
	struct manage_list l;

	if (manage_list_start(r, &l, &participant, &after)) return;
	if (net_query(r, "agreement", &agreement)) {
		meters_of_one(r, participant, agreement);
		return;
	}
	manage_list_answer(r, &l, "meters",
			   meter_each(ds_txn(r->shard), r->arena, participant, after, meter_row, &l));
}
