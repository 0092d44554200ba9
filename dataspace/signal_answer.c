/* What data planes answer, and what follows from it. */
#include "dataspace/signal.h"

#include "dataspace/outbox.h"
#include "dataspace/said.h"
#include "dataspace/transfer_act.h"
#include "dataspace/watch.h"

#define SIGNAL_CODE STR("DATA_PLANE")

static const char *signal_name(uint32_t s)
{
	static const char *const names[SIGNAL_END] = {"",
#define X(name, path, type) path,
						      SIGNALS(X)
#undef X
	};

	return s < SIGNAL_END ? names[s] : "";
}

/* ---- a state is reached ---- */

static enum err prepared(const struct turn *u, Ds__Transfer *x, json_t *address)
{
	if (x->side != DS__SIDE__SIDE_CONSUMER || x->state || x->pending) return ERR_OK;
	return transfer_ask(u, x, address);
}

/* The consumer went on by itself and holds the address of before. */
static bool readdresses(const Ds__Transfer *x, struct str address)
{
	return x->state == DSP_TRANSFER_STARTED && !x->pending && !ds_transfer_pushed(x) &&
	       !str_is(address, x->address);
}

static enum err started(const struct turn *u, Ds__Transfer *x, json_t *address)
{
	bool begins = x->state == DSP_TRANSFER_REQUESTED && !x->pending;
	bool resumes = x->state == DSP_TRANSFER_SUSPENDED && !x->suspended_by_peer && !x->pending;

	if (x->side != DS__SIDE__SIDE_PROVIDER) return ERR_OK;
	if (begins || resumes) {
		x->reason = turn_text(u, STR_NONE);
		return transfer_open_at(u, x, ds_transfer_pushed(x) ? NULL : address);
	}
	if (address && readdresses(x, str_of(turn_json(u, address))))
		return transfer_readdress(u, x, address);
	return ERR_OK;
}

enum err signal_reached(const struct turn *u, Ds__Transfer *x, enum dps_state s, json_t *address)
{
	enum err e = ERR_OK;

	x->flow_state = s;
	x->flow_error = turn_text(u, STR_NONE);
	if (s == DPS_STARTED_STATE) e = said_outside(u, x);
	if (s == DPS_PREPARED_STATE) e = prepared(u, x, address);
	if (!e && s == DPS_STARTED_STATE) e = started(u, x, address);
	if (s == DPS_PREPARING_STATE || s == DPS_STARTING_STATE)
		x->flow_by = u->t->now + u->d->o.flow_ready;
	x->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	if (!e) e = watch_follow(u, x);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err signal_address(const struct turn *u, const struct dps_message *m, json_t **ret)
{
	struct str text = m->address.present ? json_write(u->a, m->address.root, false) : STR_NONE;

	*ret = NULL;
	if (!m->address.present) return ERR_OK;
	if (!text.p) return ERR_NO_MEMORY;
	if (text.n > SIGNAL_ADDRESS_MAX)
		return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress", "limit",
				"a data address has at most %d octets", SIGNAL_ADDRESS_MAX);
	/* those of data planes may have no @type: what goes to a partner has */
	return dps_address_type(u->a, m->address.root, ret);
}

/* ---- answers ---- */

struct answer {
	enum dps_state state;
	json_t *address;
	struct dps_usage usage;
};

/* What an answer says that need not say anything. */
static enum err said_read(const struct turn *u, struct str body, struct answer *ret)
{
	struct dps_message m;
	json_t *j;
	enum err e = json_read(u->a, body, NULL, &j);

	if (!e) e = dps_parse(DPS_STATUS, j, NULL, &m);
	if (!e) ret->usage = m.usage;
	return e == ERR_NO_MEMORY ? e : ERR_OK;
}

/* prepare, start and resume must tell a state; of the others the status is enough. Some data planes leave
 * out the ids. */
static enum err answer_read(const struct turn *u, Ds__Transfer *x, uint32_t s, struct str body,
			    struct answer *ret)
{
	bool tells = s == SIGNAL_PREPARE || s == SIGNAL_START || s == SIGNAL_RESUME;
	struct dps_message m;
	json_t *j;
	enum err e;

	*ret = (struct answer){.state = DPS_NONE};
	if (!tells) return said_read(u, body, ret);
	e = json_read(u->a, body, u->flaw, &j);
	if (!e && !json_is_object(j))
		e = flaw_set(u->flaw, ERR_BAD_MESSAGE, 0, "", "type", "it is not an object");
	if (e) return e;
	if (!json_object_get(j, "messageId")) json_put_str(j, "messageId", STR("-"));
	if (!json_object_get(j, "dataFlowId")) json_put_str(j, "dataFlowId", str_of(x->pid));
	e = dps_parse(DPS_STATUS, j, u->flaw, &m);
	if (!e) e = turn_name_check(m.flow, DS_PID_MAX, "dataFlowId", u->flaw);
	if (!e) e = signal_address(u, &m, &ret->address);
	if (e) return e;
	ret->state = m.state;
	ret->usage = m.usage;
	if (!x->flow_state) x->flow = turn_text(u, m.flow);
	return ERR_OK;
}

static bool state_fits(uint32_t s, enum dps_state state)
{
	switch (s) {
	case SIGNAL_PREPARE: return state == DPS_PREPARED_STATE || state == DPS_PREPARING_STATE;
	case SIGNAL_START: return state == DPS_STARTED_STATE || state == DPS_STARTING_STATE;
	case SIGNAL_RESUME: return state == DPS_STARTED_STATE;
	default: return true;
	}
}

static enum dps_state state_after(uint32_t s, enum dps_state told)
{
	switch (s) {
	case SIGNAL_STARTED: return DPS_STARTED_STATE;
	case SIGNAL_SUSPEND: return DPS_SUSPENDED_STATE;
	case SIGNAL_TERMINATE: return DPS_TERMINATED_STATE;
	case SIGNAL_COMPLETED: return DPS_COMPLETED_STATE;
	default: return told;
	}
}

/* The data cannot flow, or cannot be stopped otherwise: the transfer ends. What the owner can try again
 * stays as it is, with the reason. */
static bool ends(const Ds__Transfer *x, uint32_t s)
{
	bool provider = x->side == DS__SIDE__SIDE_PROVIDER;

	switch (s) {
	case SIGNAL_PREPARE:
	case SIGNAL_START: return true;
	case SIGNAL_STARTED: return x->flow_state != DPS_STARTED_STATE; /* else only another address */
	case SIGNAL_SUSPEND: return provider;
	case SIGNAL_RESUME: return x->state == DSP_TRANSFER_STARTED;
	default: return false;
	}
}

static enum err refused(const struct turn *u, Ds__Transfer *x, uint32_t s, struct str why)
{
	struct str text =
	    arena_printf(u->a, "the data plane refuses %s: %.*s", signal_name(s), STR_ARG(why));
	bool end = ends(x, s) && !dsp_transfer_final((enum dsp_transfer_state)x->state) &&
		   x->pending != DSP_TRANSFER_COMPLETED;
	Ds__Transfer *ended;
	enum err e;

	x->flow_error = turn_text(u, text);
	if (s == SIGNAL_PREPARE ||
	    s == SIGNAL_START) { /* it knows of no flow: nothing more is told to it */
		x->n_signals = 0;
		x->flow_state = DPS_TERMINATED_STATE;
	}
	x->changed = u->t->now;
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	e = signal_tell(u, x, "refused", text);
	if (!e) e = ds_transfer_put(u->t, u->self->id, x);
	return e || !end ? e : transfer_terminate(u, str_of(x->pid), SIGNAL_CODE, text, &ended);
}

static struct str refusal_text(const struct turn *u, int status, struct str body)
{
	json_t *j;

	if (!status) return body.n ? str_cut(body, TURN_REASON_MAX / 2) : STR("no answer");
	if (!json_read(u->a, body, NULL, &j) && json_is_string(json_object_get(j, "detail")))
		body = json_text(json_object_get(j, "detail"));
	return arena_printf(u->a, "%d %.*s", status, STR_ARG(str_cut(body, TURN_REASON_MAX / 2)));
}

static enum err taken(const struct turn *u, Ds__Transfer *x, uint32_t s, struct str body)
{
	struct flaw f = {0};
	struct turn v = *u;
	struct answer got;
	enum err e;

	v.flaw = &f;
	e = answer_read(&v, x, s, body, &got);
	if (e == ERR_NO_MEMORY) return e;
	if (e) return refused(u, x, s, arena_printf(u->a, "its answer: %s: %s", f.at, f.text));
	if (!state_fits(s, got.state))
		return refused(u, x, s, arena_printf(u->a, "it is %s after it", dps_state_name(got.state)));
	e = said_take(u, x, &got.usage);
	if (!e) e = signal_reached(&v, x, state_after(s, got.state), got.address);
	if (e && f.err == e) /* what it gave cannot be used; nothing was written */
		return refused(u, x, s, arena_printf(u->a, "its answer: %s: %s", f.at, f.text));
	return e ? e : signal_tell(u, x, signal_name(s), STR_NONE);
}

enum err signal_go_on(const struct turn *u, struct str pid)
{
	Ds__Transfer *x;
	uint32_t next;
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, pid, &x);

	if (e || x->flow_entry || !x->n_signals) return e;
	next = x->signals[0];
	x->n_signals--;
	memmove(x->signals, x->signals + 1, x->n_signals * sizeof *x->signals);
	e = signal_send(u, x, (enum signal)next);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err ds_signal_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			    const Ds__Outbox *entry, int status, struct str body)
{
	struct flaw f = {0};
	struct turn u = {.d = d, .t = t, .fx = fx, .a = a, .flaw = &f, .who = STR("data plane")};
	Ds__Transfer *x;
	enum err e = ds_self_find(d, t->store, str_of(entry->participant), &u.self);

	if (!e) e = ds_transfer_find(t->store, a, u.self->id, str_of(entry->pid), &x);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (x->flow_entry != entry->seq) return ERR_OK;
	x->flow_entry = 0;
	e = status >= 200 && status < 300 ? taken(&u, x, entry->target, body)
					  : refused(&u, x, entry->target, refusal_text(&u, status, body));
	return e ? e : signal_go_on(&u, str_of(entry->pid));
}
