/* The life of a data flow: what its control plane may ask of it, and what follows. */
#include "dataspace/flow.h"

#include "base/hash.h"
#include "dataspace/enrolled.h"
#include "dataspace/fetch.h"
#include "dataspace/flow_fetch.h"
#include "dataspace/flow_ready.h"
#include "dataspace/renewal.h"

static enum err wrong(const struct turn *u, const char *at, const char *rule, const char *text)
{
	return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err wrong_state(const struct turn *u, const Ds__Flow *x)
{
	return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "state", "the data flow is %s",
			dps_state_name((enum dps_state)x->state));
}

/* ---- what follows from a state ---- */

static enum err token_renew(const struct turn *u, Ds__Flow *x)
{
	struct str token;
	char id[UUID_URN];
	struct renewal r;
	enum err e;

	x->token_id = turn_text(u, str_of(uuid_urn(id)));
	/* a push is not renewed; with each request the state is looked at as well */
	x->token_expires = u->t->now + (flow_pushed(x) ? FLOW_PUSH_TERM : renewal_term(u->d));
	r = renewal_of_flow(u->a, u->self, x);
	e = renewal_access(u->a, &r, &token);
	if (e) return e;
	x->token_sha256 = (ProtobufCBinaryData){HASH_SHA256, arena_alloc(u->a, HASH_SHA256)};
	if (!x->token_sha256.data) return ERR_NO_MEMORY;
	hash_sha256(token, x->token_sha256.data);
	return ERR_OK;
}

static enum err push_begin(const struct turn *u, Ds__Flow *x)
{
	struct ds_letter l = {.kind = DS_OUTBOX_FLOW_DATA,
			      .participant = u->self->id,
			      .pid = str_of(x->id),
			      .peer = str_of(x->counter_party),
			      .body = str_of(x->address)};
	json_t *j;
	enum err e = json_read(u->a, l.body, NULL, &j);

	if (e) return ERR_CORRUPT;
	l.url = json_text(json_object_get(j, "endpoint"));
	return ds_outbox_add(u->t, u->fx, &l, &x->entry);
}

static enum err begin_data(const struct turn *u, Ds__Flow *x)
{
	struct str item = flow_item(u->a, str_of(x->id));

	x->error = turn_text(u, STR_NONE);
	if (!x->consumer) return flow_pushed(x) ? push_begin(u, x) : token_renew(u, x);
	if (!item.p) return ERR_NO_MEMORY;
	if (flow_fetches(x)) ds_fx_pull(u->fx, u->self->id, item);
	return ERR_OK;
}

/* Nothing of it runs on, and nothing is sent any more. */
static enum err stop(const struct turn *u, Ds__Flow *x)
{
	struct str item = flow_item(u->a, str_of(x->id));
	uint64_t entry = x->entry;

	if (!item.p) return ERR_NO_MEMORY;
	ds_fx_cut(u->fx, u->self->id, STR_NONE, item, ERR_BAD_STATE);
	x->entry = 0;
	return entry ? ds_outbox_drop(u->t, u->self->id, entry) : ERR_OK;
}

static enum err tell(const struct turn *u, const Ds__Flow *x)
{
	struct ds_event ev = flow_event(u->self->id, x, DS_EVENT_FLOW);

	ev.who = u->who;
	json_put_str(ev.detail, "state", str_of(dps_state_name((enum dps_state)x->state)));
	json_put_str(ev.detail, "profile", str_of(x->profile));
	if (x->reason[0]) json_put_str(ev.detail, "reason", str_of(x->reason));
	if (x->error[0]) json_put_str(ev.detail, "error", str_of(x->error));
	return ds_event_append(u->t, &ev, NULL);
}

enum err flow_move(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum dps_state to)
{
	bool unready = flow_unready(x);
	enum err e =
	    x->state == DPS_STARTED_STATE || (unready && dps_state_final(to)) ? stop(u, x) : ERR_OK;

	if (!e && unready) e = flow_ready_leave(u, x);
	x->state = to;
	if (!e && to == DPS_STARTED_STATE) e = begin_data(u, x);
	/* a push may come from now on: signaling, implementation notice of `started` */
	if (!e && to == DPS_PREPARED_STATE && flow_pushed(x)) e = token_renew(u, x);
	if (!e && dps_state_final(to)) {
		if (p->open) p->open--;
		e = control_plane_put(u->t, u->self->id, p);
	}
	if (!e) e = tell(u, x);
	if (!flow_unready(x))
		ds_fx_changed(u->fx, u->self->id, str_of(x->id)); /* who waits, waits for that */
	return e ? e : flow_put(u->t, u->self->id, x);
}

/* ---- beginning ---- */

static enum err address_check(const struct turn *u, const Ds__Flow *x, const struct dsp_data_address *d)
{
	if (x->consumer && d->present)
		return flow_pushed(x) ? wrong(u, "dataAddress", "not-allowed",
					      "a push comes to the address that was prepared")
				      : flow_address_check(d, u->flaw);
	if (x->consumer) return ERR_OK;
	if (flow_pushed(x)) {
		if (!d->present)
			return wrong(u, "dataAddress", "missing", "a push needs the address of its sink");
		return flow_sink_check(d, u->flaw);
	}
	if (d->present)
		return wrong(u, "dataAddress", "not-allowed", "a pull has its address from the provider");
	return ERR_OK;
}

static enum err dataset_pin(const struct turn *u, struct str dataset, Ds__Flow *x)
{
	Ds__Dataset *set;
	enum err e = ds_dataset_find(u->t->store, u->a, u->self->id, dataset, &set);

	if (e == ERR_NOT_FOUND || (!e && set->digest.len != 32))
		return wrong(u, "datasetId", "unknown", "the participant has no content of such a dataset");
	if (e) return e;
	x->digest = set->digest;
	x->size = set->size;
	x->media_type = turn_text(u, str_of(set->media_type));
	return ERR_OK;
}

static enum err names_check(const struct turn *u, const Ds__ControlPlane *p, const struct dps_message *m)
{
	enum err e = turn_name_check(m->process, DS_PID_MAX, "processId", u->flaw);

	if (!e) e = turn_name_check(m->agreement, DS_PID_MAX, "agreementId", u->flaw);
	if (!e) e = turn_name_check(m->counter_party, DS_DID_MAX, "counterPartyId", u->flaw);
	if (!e) e = turn_name_check(m->message_id, DS_PID_MAX, "messageId", u->flaw);
	if (e) return e;
	/* its own participant, whose data plane we are, or ours */
	if (!str_eq(m->participant, u->self->did) && !str_eq(m->participant, u->self->id) &&
	    !str_is(m->participant, p->id))
		return wrong(u, "participantId", "participant", "another participant is served here");
	if (!str_is(m->profile, DPS_PROFILE_PULL) && !str_is(m->profile, DPS_PROFILE_PUSH))
		return wrong(u, "profile", "unsupported",
			     "only " DPS_PROFILE_PULL " and " DPS_PROFILE_PUSH " are served");
	return ERR_OK;
}

static enum err make(const struct turn *u, Ds__ControlPlane *p, const struct dps_message *m, bool start,
		     Ds__Flow **ret)
{
	Ds__Flow *x = ARENA_NEW(u->a, Ds__Flow);
	enum err e;

	if (!x) return ERR_NO_MEMORY;
	if (p->open >= FLOW_OPEN_MAX)
		return flaw_set(u->flaw, ERR_QUOTA, FLAW_NO_OFFSET, "processId", "limit",
				"the control plane has %d flows that have not ended", FLOW_OPEN_MAX);
	ds__flow__init(x);
	x->id = turn_text(u, m->process);
	x->plane = turn_text(u, str_of(p->id));
	x->agreement = turn_text(u, m->agreement);
	x->dataset = turn_text(u, m->dataset);
	x->profile = turn_text(u, m->profile);
	x->counter_party = turn_text(u, m->counter_party);
	x->created = u->t->now;
	/* who prepares is mostly the consumer, of a dataset elsewhere */
	e = start ? dataset_pin(u, m->dataset, x) : ERR_OK;
	if (e) return e;
	p->open++;
	*ret = x;
	return control_plane_put(u->t, u->self->id, p);
}

/* start after prepare: it is the same flow. */
static enum err same_check(const struct turn *u, const Ds__Flow *x, const struct dps_message *m)
{
	const char *at = !str_is(m->agreement, x->agreement)           ? "agreementId"
			 : !str_is(m->dataset, x->dataset)             ? "datasetId"
			 : !str_is(m->profile, x->profile)             ? "profile"
			 : !str_is(m->counter_party, x->counter_party) ? "counterPartyId"
								       : NULL;

	return at ? wrong(u, at, "changed", "the flow was prepared for another") : ERR_OK;
}

static bool digest_is(ProtobufCBinaryData kept, const unsigned char digest[32])
{
	return kept.len == 32 && !memcmp(kept.data, digest, 32);
}

static enum err digest_keep(const struct turn *u, ProtobufCBinaryData *kept, const unsigned char digest[32])
{
	*kept = (ProtobufCBinaryData){32, arena_alloc(u->a, 32)};
	if (!kept->data) return ERR_NO_MEMORY;
	memcpy(kept->data, digest, 32);
	return ERR_OK;
}

enum err flow_begin(const struct turn *u, Ds__ControlPlane *p, const struct dps_message *m, bool start,
		    const unsigned char digest[32], Ds__Flow **ret)
{
	Ds__Flow *x = NULL;
	bool fresh;
	enum err e = names_check(u, p, m);

	if (!e) e = flow_find(u->t->store, u->a, u->self->id, m->process, &x);
	if (e && e != ERR_NOT_FOUND) return e;
	if (!e && !str_is(str_of(x->plane), p->id))
		return wrong(u, "processId", "taken", "another control plane has a flow of this name");
	if (!e && digest_is(start ? x->started : x->prepared, digest)) {
		*ret = x;
		return ERR_OK;
	}
	if (!e && (!start || x->state != DPS_PREPARED_STATE)) return wrong_state(u, x);
	fresh = e != ERR_OK;
	e = fresh ? make(u, p, m, start, &x) : same_check(u, x, m);
	if (!e && start && !fresh) e = dataset_pin(u, m->dataset, x);
	if (!e && start) e = address_check(u, x, &m->address);
	if (!e && start && m->address.present) x->address = turn_json(u, m->address.root);
	if (!e) e = digest_keep(u, start ? &x->started : &x->prepared, digest);
	if (!e) e = flow_ready_begin(u, p, x, start);
	if (!e) *ret = x;
	return e;
}

/* ---- steering ---- */

static void address_take(const struct turn *u, Ds__Flow *x, const struct dps_message *m)
{
	if (!m->address.present) return;
	x->address = turn_json(u, m->address.root);
	x->address_taken = u->t->now;
}

/* "This signal occurs exclusively on the consumer side." Said again with another address: the tokens of
 * before have ended. */
static enum err started(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, const struct dps_message *m)
{
	bool again = x->consumer && x->state == DPS_STARTED_STATE;
	enum err e;

	if (!again && x->state != DPS_PREPARED_STATE)
		return x->consumer ? wrong_state(u, x)
				   : wrong(u, "", "role", "this data plane provides: start starts it");
	x->consumer = true;
	e = address_check(u, x, &m->address);
	if (e) return e;
	address_take(u, x, m);
	if (!again) return flow_move(u, p, x, DPS_STARTED_STATE);
	e = begin_data(u, x);
	return e ? e : flow_put(u->t, u->self->id, x);
}

static enum err resume(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, const struct dps_message *m)
{
	enum err e = ERR_OK;

	if (x->state != DPS_SUSPENDED_STATE) return wrong_state(u, x);
	/* a push goes on to its sink unless another is named */
	if (m->address.present || !flow_pushed(x)) e = address_check(u, x, &m->address);
	if (!e) address_take(u, x, m);
	return e ? e : flow_move(u, p, x, DPS_STARTED_STATE);
}

static enum err apply(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum flow_verb v,
		      const struct dps_message *m)
{
	bool final = dps_state_final((enum dps_state)x->state);

	switch (v) {
	case FLOW_STARTED: return started(u, p, x, m);
	case FLOW_RESUME: return resume(u, p, x, m);
	case FLOW_SUSPEND:
		if (x->state != DPS_STARTED_STATE) return wrong_state(u, x);
		x->reason = turn_text(u, str_cut(m->reason, TURN_REASON_MAX));
		return flow_move(u, p, x, DPS_SUSPENDED_STATE);
	case FLOW_TERMINATE:
		if (final) return wrong_state(u, x);
		x->reason = turn_text(u, str_cut(m->reason, TURN_REASON_MAX));
		return flow_move(u, p, x, DPS_TERMINATED_STATE);
	case FLOW_COMPLETED:
		if (x->state != DPS_STARTED_STATE) return wrong_state(u, x);
		return flow_move(u, p, x, DPS_COMPLETED_STATE);
	}
	return ERR_INTERNAL;
}

enum err flow_steer(const struct turn *u, Ds__ControlPlane *p, struct str id, enum flow_verb v,
		    const struct dps_message *m, Ds__Flow **ret)
{
	static const enum dps_state reached[] = {DPS_STARTED_STATE, DPS_SUSPENDED_STATE, DPS_STARTED_STATE,
						 DPS_TERMINATED_STATE, DPS_COMPLETED_STATE};
	Ds__Flow *x;
	enum err e = flow_find(u->t->store, u->a, u->self->id, id, &x);

	if (!e && !str_is(str_of(x->plane), p->id)) e = ERR_NOT_FOUND;
	if (!e && m->message_id.n) e = turn_name_check(m->message_id, DS_PID_MAX, "messageId", u->flaw);
	if (e) return e;
	*ret = x;
	if (enrolled_seen(x->messages, x->n_messages, m->message_id)) return ERR_OK;
	/* said twice in other words; a resumption that names a sink is a wish of its own */
	if (x->state == reached[v] && !m->address.present && (v != FLOW_STARTED || x->consumer))
		return ERR_OK;
	if (m->message_id.n)
		e = enrolled_remember(u, m->message_id, FLOW_MESSAGES_MAX, &x->n_messages, &x->messages);
	return e ? e : apply(u, p, x, v, m);
}

/* ---- telling ---- */

/* In a letter, marks stand for the tokens: renewal.h. */
static enum err address_of(const struct turn *u, const Ds__Flow *x, bool letter,
			   struct dsp_data_address *ret)
{
	struct renewal r = renewal_of_flow(u->a, u->self, x);
	struct dsp_data_address d = {
	    .present = true, .endpoint_type = STR(DPS_PROFILE_PULL), .endpoint = r.endpoint};
	struct str token = STR(RENEWAL_ACCESS_MARK), refresh = STR(RENEWAL_REFRESH_MARK);
	enum err e = letter ? ERR_OK : renewal_access(u->a, &r, &token);

	if (flow_pushed(x)) d.endpoint_type = STR(DPS_PROFILE_PUSH);
	if (!e) e = dsp_data_address_add(u->a, &d, "authorization", token);
	if (!e) e = dsp_data_address_add(u->a, &d, "authType", STR("bearer"));
	if (!e && !flow_pushed(x) && !letter) e = renewal_refresh(u->a, &r, &refresh);
	if (!e && !flow_pushed(x)) e = renewal_put(u->d, u->a, &r, refresh, &d);
	if (!e) *ret = d;
	return e;
}

static json_t *status_make(const struct turn *u, const Ds__Flow *x, bool letter)
{
	char id[UUID_URN];
	struct dps_message m = {.message_id = str_of(uuid_urn(id)),
				.flow = str_of(x->id),
				.state = (enum dps_state)x->state,
				.error = str_of(x->error),
				.usage = {x->requests || x->octets, x->requests, x->octets}};

	bool ours =
	    flow_pushed(x) ? x->state == DPS_PREPARED_STATE : x->state == DPS_STARTED_STATE && !x->consumer;

	if (ours && address_of(u, x, letter, &m.address)) return NULL;
	return dps_write(u->a, DPS_STATUS, &m);
}

json_t *flow_status(const struct turn *u, const Ds__Flow *x)
{
	return status_make(u, x, false);
}

enum err flow_notify(const struct turn *u, const Ds__ControlPlane *p, const Ds__Flow *x, const char *what)
{
	struct ds_letter l = {.kind = DS_OUTBOX_FLOW_NOTICE,
			      .participant = u->self->id,
			      .pid = str_of(x->id),
			      .peer = str_of(p->id)};
	struct str id = fetch_segment(u->a, str_of(x->id));
	json_t *j = status_make(u, x, true);

	if (!j || !id.p) return ERR_NO_MEMORY;
	l.url = arena_printf(u->a, "%s/transfers/%.*s/dataflow/%s", p->endpoint, STR_ARG(id), what);
	l.body = json_write(u->a, j, false);
	if (!l.url.p || !l.body.p) return ERR_NO_MEMORY;
	return ds_outbox_add(u->t, u->fx, &l, NULL);
}
