/* Negotiations in the store, on the wire and on the owner's screen. */
#include "dataspace/negotiation.h"
#include "dataspace/inbox.h"
#include "dataspace/offer.h"

enum dsp_role negotiation_role(const Ds__Negotiation *n)
{
	return n->side == DS__SIDE__SIDE_PROVIDER ? DSP_PROVIDER : DSP_CONSUMER;
}

enum dsp_negotiation_state negotiation_state(const Ds__Negotiation *n)
{
	return (enum dsp_negotiation_state)(n->state ? n->state : n->pending);
}

struct dsp_pids negotiation_pids(const Ds__Negotiation *n)
{
	struct str ours = str_of(n->pid), theirs = str_of(n->peer_pid);

	return n->side == DS__SIDE__SIDE_PROVIDER ? (struct dsp_pids){.consumer = theirs, .provider = ours}
						  : (struct dsp_pids){.consumer = ours, .provider = theirs};
}

enum err negotiation_find(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			  Ds__Negotiation **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(pid, DS_PID_MAX, "pid", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, pid, STR_NONE);
	e = ds_row_get(t, DS_TABLE_negotiation, &k, a, &ds__negotiation__descriptor, &m);
	if (!e) *ret = (Ds__Negotiation *)m;
	return e;
}

enum err negotiation_find_peer(struct store_txn *t, struct arena *a, struct str participant,
			       struct str peer, struct str peer_pid, Ds__Negotiation **ret)
{
	struct ds_key k = ds_key(participant, peer, peer_pid);
	struct str pid;
	enum err e = store_get(t, DS_TABLE_negotiation_peer, ds_key_str(&k), &pid);

	return e ? e : negotiation_find(t, a, participant, arena_dup(a, pid), ret);
}

enum err negotiation_put(const struct turn *u, const Ds__Negotiation *n)
{
	struct ds_key k = ds_key(u->self->id, str_of(n->pid), STR_NONE);
	enum err e = ds_row_put(u->t, DS_TABLE_negotiation, &k, &n->base);

	if (!e) e = inbox_keep(u, n);
	if (e || !n->peer_pid[0]) return e;
	k = ds_key(u->self->id, str_of(n->peer), str_of(n->peer_pid));
	return ds_row_keep(u->t, DS_TABLE_negotiation_peer, &k, str_of(n->pid));
}

enum err negotiation_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
			  negotiation_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_negotiation, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__negotiation__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Negotiation *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

json_t *negotiation_write(struct arena *a, const Ds__Negotiation *n)
{
	struct dsp_negotiation m = {.pids = negotiation_pids(n), .state = negotiation_state(n)};

	return dsp_negotiation_write(a, &m);
}

static const char *state_name(uint32_t s)
{
	return s < DSP_NEGOTIATION_STATE_COUNT ? dsp_negotiation_state_name((enum dsp_negotiation_state)s)
					       : "?";
}

static void show_offer(struct arena *a, const Ds__Negotiation *n, json_t *j)
{
	json_t *offer = json_keep(a, json_loads(n->offer, 0, NULL)), *rules;
	json_t *wanted = n->wanted[0] ? json_keep(a, json_loads(n->wanted, 0, NULL)) : NULL;

	if (!offer) return;
	json_put(j, "offer", json_incref(offer));
	json_put_str(j, "offer_by", n->offer_ours ? STR("us") : STR("peer"));
	rules = offer_rules(a, offer);
	if (rules && wanted && !offer_same(wanted, rules)) {
		json_t *diff = offer_diff(a, wanted, rules);

		if (diff) json_put(j, "differs", json_incref(diff));
	}
}

json_t *negotiation_show(struct arena *a, const Ds__Negotiation *n, bool whole)
{
	char when[CLOCK_TEXT];
	json_t *j = json_object();

	must(j);
	json_put_str(j, "pid", str_of(n->pid));
	json_put_str(j, "role", str_of(dsp_role_name(negotiation_role(n))));
	json_put_str(j, "state", str_of(state_name(negotiation_state(n))));
	json_put_str(j, "peer", str_of(n->peer));
	json_put_str(j, "dataset", str_of(n->dataset));
	json_put_str(j, "offer_id", str_of(n->offer_id));
	if (n->pending) json_put_str(j, "pending", str_of(state_name(n->pending)));
	if (n->peer_pid[0]) json_put_str(j, "peer_pid", str_of(n->peer_pid));
	if (n->agreement[0]) json_put_str(j, "agreement", str_of(n->agreement));
	if (n->code[0]) json_put_str(j, "code", str_of(n->code));
	if (n->reason[0]) json_put_str(j, "reason", str_of(n->reason));
	json_put_str(j, "created", str_of(clock_print(n->created, true, when)));
	json_put_str(j, "changed", str_of(clock_print(n->changed, true, when)));
	if (!whole) return j;
	show_offer(a, n, j);
	json_put(j, "history", turn_history_show(n->history, n->n_history, state_name));
	return j;
}
