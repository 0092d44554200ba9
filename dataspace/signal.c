/* The queue of one transfer's signals, and how each is made. */
#include "dataspace/signal.h"

#include "dataspace/fetch.h"
#include "dataspace/flow.h"
#include "dataspace/said.h"

#define SIGNAL_CONTEXT                                                                                     \
	"https://w3id.org/dspace/2025/1" /* dataspaceContext: one for all that we deal in                  \
					  */

static const struct {
	const char *path;
	enum dps_type type;
} kinds[SIGNAL_END] = {
#define X(name, path, type) [SIGNAL_##name] = {path, type},
    SIGNALS(X)
#undef X
};

enum err signal_tell(const struct turn *u, const Ds__Transfer *x, const char *what, struct str text)
{
	struct ds_event ev = {.kind = DS_EVENT_SIGNAL,
			      .participant = u->self->id,
			      .who = str_of(x->plane),
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->pid),
			      .peer = str_of(x->peer),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "what", str_of(what));
	json_put_str(ev.detail, "state", str_of(dps_state_name((enum dps_state)x->flow_state)));
	if (x->said_at) json_put(ev.detail, "said", said_show(x));
	if (text.n) json_put_str(ev.detail, "reason", str_cut(text, TURN_REASON_MAX));
	return ds_event_append(u->t, &ev, NULL);
}

/* ---- messages ---- */

static enum err base_fill(const struct turn *u, const Ds__Transfer *x, struct dps_message *m)
{
	Ds__Agreement *g;
	enum err e = ds_agreement_find(u->t->store, u->a, u->self->id, str_of(x->agreement), &g);

	if (e) return e;
	m->participant = u->self->did;
	m->counter_party = str_of(x->peer);
	m->context = STR(SIGNAL_CONTEXT);
	m->process = str_of(x->pid);
	m->agreement = str_of(x->agreement);
	m->dataset = str_of(g->dataset);
	m->profile = data_plane_profile(str_of(x->transfer_format));
	m->claims = json_keep(u->a, json_pack("{s:s}", "sub", x->peer));
	m->metadata = json_keep(u->a, json_object());
	if (!m->claims || !m->metadata) return ERR_NO_MEMORY;
	if (x->purpose[0]) json_put_str(m->metadata, "purpose", str_of(x->purpose));
	return ERR_OK;
}

/* Who gets the address: of a push the provider's data plane, of a pull the consumer's. */
static bool address_goes(const Ds__Transfer *x, enum signal s)
{
	bool provider = x->side == DS__SIDE__SIDE_PROVIDER, pushed = ds_transfer_pushed(x);

	if (!x->address[0] || provider != pushed) return false;
	return s == SIGNAL_START || s == SIGNAL_STARTED || s == SIGNAL_RESUME;
}

static enum err address_fill(const struct turn *u, const Ds__Transfer *x, struct dps_message *m)
{
	json_t *j;
	enum err e = json_read(u->a, str_of(x->address), NULL, &j);

	if (e) return ERR_CORRUPT;
	m->address =
	    (struct dsp_data_address){.present = true,
				      .endpoint_type = json_text(json_object_get(j, "endpointType")),
				      .endpoint = json_text(json_object_get(j, "endpoint")),
				      .properties = json_object_get(j, "endpointProperties"),
				      .root = j};
	return ERR_OK;
}

static enum err body_make(const struct turn *u, const Ds__Transfer *x, enum signal s, struct str *ret)
{
	char id[UUID_URN];
	struct dps_message m = {.message_id = str_of(uuid_urn(id)), .reason = str_of(x->reason)};
	bool begins = s == SIGNAL_PREPARE || s == SIGNAL_START;
	enum err e = begins ? base_fill(u, x, &m) : ERR_OK;
	json_t *j;

	*ret = STR("{}");
	if (s == SIGNAL_COMPLETED) return ERR_OK; /* signaling: "Empty body" */
	if (!e && address_goes(x, s)) e = address_fill(u, x, &m);
	if (e) return e;
	j = dps_write(u->a, kinds[s].type, &m);
	if (!j) return ERR_NO_MEMORY;
	/* where callbacks go, for data planes that serve more than one control plane */
	if (begins) json_put_str(j, "callbackAddress", arena_printf(u->a, "%s" FLOW_PATH, u->self->base));
	*ret = json_write(u->a, j, false);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err post(const struct turn *u, Ds__Transfer *x, enum signal s)
{
	struct ds_letter l = {.kind = DS_OUTBOX_SIGNAL,
			      .participant = u->self->id,
			      .pid = str_of(x->pid),
			      .peer = str_of(x->plane),
			      .target = s};
	Ds__DataPlane *p;
	struct str id = fetch_segment(u->a, str_of(x->flow[0] ? x->flow : x->pid));
	enum err e = data_plane_find(u->t->store, u->a, u->self->id, str_of(x->plane), &p);

	if (e == ERR_NOT_FOUND) { /* removed: there is nobody to tell */
		x->n_signals = 0;
		return ERR_OK;
	}
	if (!e) e = body_make(u, x, s, &l.body);
	if (e) return e;
	l.url = s == SIGNAL_PREPARE || s == SIGNAL_START
		    ? arena_printf(u->a, "%s/dataflows/%s", p->endpoint, kinds[s].path)
		    : arena_printf(u->a, "%s/dataflows/%.*s/%s", p->endpoint, STR_ARG(id), kinds[s].path);
	return l.url.p && id.p ? ds_outbox_add(u->t, u->fx, &l, &x->flow_entry) : ERR_NO_MEMORY;
}

/* ---- the queue ---- */

bool signal_waits(const Ds__Transfer *x, enum signal s)
{
	for (size_t i = 0; i < x->n_signals; i++)
		if (x->signals[i] == s) return true;
	return false;
}

static enum err wait(const struct turn *u, Ds__Transfer *x, enum signal s)
{
	uint32_t *all = ARENA_ARRAY(u->a, uint32_t, SIGNALS_WAITING_MAX + 1);

	if (!all) return ERR_NO_MEMORY;
	if (s == SIGNAL_TERMINATE || s == SIGNAL_COMPLETED) x->n_signals = 0;
	if (x->n_signals >= SIGNALS_WAITING_MAX)
		return flaw_set(u->flaw, ERR_BUSY, FLAW_NO_OFFSET, "state", "data-plane",
				"the data plane has %d signals to answer yet", SIGNALS_WAITING_MAX);
	for (size_t i = 0; i < x->n_signals; i++) all[i] = x->signals[i];
	all[x->n_signals++] = s;
	x->signals = all;
	return ERR_OK;
}

enum err signal_send(const struct turn *u, Ds__Transfer *x, enum signal s)
{
	bool known = x->flow_state || x->flow_entry || x->n_signals;

	if (!x->plane[0]) return ERR_OK;
	if (!known && s != SIGNAL_PREPARE && s != SIGNAL_START) return ERR_OK;
	if (dps_state_final((enum dps_state)x->flow_state)) return ERR_OK;
	return x->flow_entry ? wait(u, x, s) : post(u, x, s);
}

enum err signal_follow(const struct turn *u, Ds__Transfer *x, uint32_t from, bool by_peer)
{
	bool provider = x->side == DS__SIDE__SIDE_PROVIDER;

	switch (x->state) {
	case DSP_TRANSFER_STARTED:
		/* our own start follows from the data plane's */
		if (provider) return by_peer ? signal_send(u, x, SIGNAL_RESUME) : ERR_OK;
		return signal_send(u, x, from == DSP_TRANSFER_SUSPENDED ? SIGNAL_RESUME : SIGNAL_STARTED);
	case DSP_TRANSFER_SUSPENDED: return by_peer ? signal_send(u, x, SIGNAL_SUSPEND) : ERR_OK;
	case DSP_TRANSFER_COMPLETED: return by_peer ? signal_send(u, x, SIGNAL_COMPLETED) : ERR_OK;
	case DSP_TRANSFER_TERMINATED: return signal_send(u, x, SIGNAL_TERMINATE);
	default: return ERR_OK;
	}
}
