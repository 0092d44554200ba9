/* Dead letters, and what an owner may do with letters. */
#include "dataspace/issuance.h"
#include "dataspace/outbox.h"

#include "dataspace/dataplane.h"
#include "dataspace/face_manage.h"
#include "dataspace/signal.h"
#include "dataspace/turn.h"
#include "proto/dsp/state.h"

static struct ds_key entry_key(struct str participant, uint64_t seq)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);

	ds_key_u64(&k, seq);
	return k;
}

static enum err row_find(struct store_txn *t, struct arena *a, enum ds_table table, struct str participant,
			 uint64_t seq, Ds__Outbox **ret)
{
	struct ds_key k = entry_key(participant, seq);
	ProtobufCMessage *m;
	enum err e = ds_row_get(t, table, &k, a, &ds__outbox__descriptor, &m);

	if (!e) *ret = (Ds__Outbox *)m;
	return e;
}

enum err outbox_dead_find(struct store_txn *t, struct arena *a, struct str participant, uint64_t seq,
			  Ds__Outbox **ret)
{
	return row_find(t, a, DS_TABLE_dead, participant, seq, ret);
}

/* Keys ascend with time: the first of a participant is its oldest. */
static enum err make_room(struct writer_txn *t, struct str participant)
{
	struct ds_key prefix = ds_key(participant, STR_NONE, STR_NONE), oldest = prefix;
	struct ds_row_scan scan;
	struct str key, value;
	size_t n = 0;
	enum err e = ds_row_scan_open(&scan, t->store, DS_TABLE_dead, &prefix, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		if (!n++ && key.n == sizeof(uint64_t)) {
			memcpy(oldest.b + oldest.n, key.p, key.n);
			oldest.n += key.n;
		}
	}
	ds_row_scan_close(&scan);
	if (e != ERR_NOT_FOUND) return e;
	return n < OUTBOX_DEAD_MAX ? ERR_OK : store_del(t->store, DS_TABLE_dead, ds_key_str(&oldest));
}

enum err outbox_bury(struct writer_txn *t, struct arena *a, Ds__Outbox *e, int status, struct str why)
{
	struct ds_key k = entry_key(str_of(e->participant), e->seq);
	enum err err = make_room(t, str_of(e->participant));

	if (err) return err;
	e->dead = t->now;
	e->attempts++;
	e->last_error = arena_strdup(
	    a, status ? arena_printf(a, "%d %.*s", status, STR_ARG(str_cut(why, TURN_REASON_MAX)))
		      : str_cut(why, TURN_REASON_MAX));
	return e->last_error ? ds_row_put(t, DS_TABLE_dead, &k, &e->base) : ERR_NO_MEMORY;
}

enum err outbox_list(struct store_txn *t, struct arena *a, enum ds_table table, struct str participant,
		     outbox_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, table, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__outbox__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Outbox *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- the owner's hand ---- */

static enum err tell(const struct turn *u, const Ds__Outbox *e, enum ds_event_kind kind, struct str reason)
{
	struct ds_event ev = {
	    .kind = kind, .participant = u->self->id, .who = u->who, .peer = str_of(e->peer)};

	if (e->kind == DS_OUTBOX_NEGOTIATION) ev.negotiation = str_of(e->pid);
	if (e->kind == DS_OUTBOX_TRANSFER || e->kind == DS_OUTBOX_SIGNAL) ev.transfer = str_of(e->pid);
	ev.detail = json_object();
	must(ev.detail);
	json_put(ev.detail, "letter", json_sprintf("%llu", (unsigned long long)e->seq)); /* over 2^53 */
	if (reason.n) json_put_str(ev.detail, "reason", reason);
	return ds_event_append(u->t, &ev, NULL);
}

/* It ends a process, or has none: a credential is as good tomorrow. */
static bool may_retry(const Ds__Outbox *e)
{
	if (e->kind == DS_OUTBOX_SIGNAL) return e->target == SIGNAL_TERMINATE;
	return (e->kind == DS_OUTBOX_CREDENTIAL && e->target == ISSUANCE_DELIVERY) ||
	       (e->kind == DS_OUTBOX_NEGOTIATION && e->target == DSP_NEGOTIATION_TERMINATED) ||
	       (e->kind == DS_OUTBOX_TRANSFER && e->target == DSP_TRANSFER_TERMINATED);
}

static enum err unknown(const struct turn *u, enum err e, uint64_t seq)
{
	struct str id = arena_printf(u->a, "%llu", (unsigned long long)seq);

	return manage_none(u->flaw, e, "letter",
			   "there is no letter %.*s in the outbox: it was delivered or dropped", id);
}

enum err outbox_retry(const struct turn *u, uint64_t seq, json_t **ret)
{
	struct ds_key k = entry_key(u->self->id, seq);
	Ds__Outbox *x;
	enum err e = outbox_find(u->t->store, u->a, u->self->id, seq, &x);

	if (e == ERR_NOT_FOUND) {
		e = unknown(u, outbox_dead_find(u->t->store, u->a, u->self->id, seq, &x), seq);
		if (!e && !may_retry(x))
			return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "letter", "process-ended",
					"its process ended when the letter died: begin a new one");
		if (!e) e = store_del(u->t->store, DS_TABLE_dead, ds_key_str(&k));
		if (e) return e;
		x->created = u->t->now; /* its time begins anew */
		x->attempts = 0;
		x->dead = 0;
	}
	if (e) return e;
	x->due = u->t->now;
	e = ds_row_put(u->t, DS_TABLE_outbox, &k, &x->base);
	if (!e) e = tell(u, x, DS_EVENT_MESSAGE_RETRIED, STR_NONE);
	ds_fx_send(u->fx, u->self->id, seq, x->due);
	if (!e) *ret = json_keep(u->a, outbox_show(x, false));
	return e;
}

enum err outbox_give_up(const struct turn *u, uint64_t seq, struct str reason, json_t **ret)
{
	struct ds_key k = entry_key(u->self->id, seq);
	Ds__Outbox *x;
	enum err e = outbox_find(u->t->store, u->a, u->self->id, seq, &x);

	if (!e) {
		u->d->stat.messages_dead++;
		e = ds_outbox_drop(u->t, u->self->id, seq);
		if (!e) e = tell(u, x, DS_EVENT_MESSAGE_DROPPED, reason);
		if (!e) e = outbox_settle(u->d, u->t, u->fx, u->a, x, 0, reason);
	} else if (e == ERR_NOT_FOUND) {
		e = unknown(u, outbox_dead_find(u->t->store, u->a, u->self->id, seq, &x), seq);
		if (!e) e = store_del(u->t->store, DS_TABLE_dead, ds_key_str(&k));
		if (!e) e = tell(u, x, DS_EVENT_MESSAGE_DROPPED, reason);
	}
	if (!e) *ret = json_keep(u->a, outbox_show(x, false));
	return e;
}

/* ---- showing ---- */

static const char *kind_name(uint32_t kind)
{
	switch ((enum ds_outbox_kind)kind) {
#define X(name, fn)                                                                                        \
	case DS_OUTBOX_##name: return #name;
		DS_OUTBOX_KINDS(X)
#undef X
	case DS_OUTBOX_NONE:
	case DS_OUTBOX_END: break;
	}
	return "?";
}

json_t *outbox_show(const Ds__Outbox *e, bool whole)
{
	char when[CLOCK_TEXT];
	json_t *j = json_object(), *body;

	must(j);
	json_put(j, "letter", json_sprintf("%llu", (unsigned long long)e->seq));
	json_put_str(j, "state", e->dead ? STR("dead") : STR("waiting"));
	json_put_str(j, "kind", str_of(kind_name(e->kind)));
	if (e->kind == DS_OUTBOX_NEGOTIATION)
		json_put_str(j, "leads_to",
			     str_of(dsp_negotiation_state_name((enum dsp_negotiation_state)e->target)));
	if (e->kind == DS_OUTBOX_TRANSFER)
		json_put_str(j, "leads_to",
			     str_of(dsp_transfer_state_name((enum dsp_transfer_state)e->target)));
	json_put_str(j, "pid", str_of(e->pid));
	json_put_str(j, "peer", str_of(e->peer));
	json_put_str(j, "url", str_of(e->url));
	json_put_u64(j, "attempts", e->attempts);
	json_put_str(j, "created", str_of(clock_print(e->created, true, when)));
	if (e->dead)
		json_put_str(j, "dead_since", str_of(clock_print(e->dead, true, when)));
	else
		json_put_str(j, "next_attempt", str_of(clock_print(e->due, true, when)));
	json_put_str(j, "reason", e->last_error[0] ? str_of(e->last_error) : STR("not answered yet"));
	if (whole && (body = json_loads(e->body, 0, NULL))) json_put(j, "message", body);
	return j;
}
