#include "dataspace/flow_fetch.h"

bool flow_fetched(struct str pid)
{
	return str_starts(pid, STR(FLOW_ITEM_PREFIX));
}

struct str flow_fetched_id(struct str pid)
{
	return str_skip(pid, sizeof FLOW_ITEM_PREFIX - 1);
}

bool flow_fetches(const Ds__Flow *x)
{
	return x->consumer && x->state == DPS_STARTED_STATE && !flow_pushed(x) && x->address[0];
}

enum err flow_fetch_ask(struct store_txn *t, struct arena *a, struct pull_ask *q)
{
	Ds__Transfer *as_transfer = ARENA_NEW(a, Ds__Transfer);
	Ds__Agreement *none = ARENA_NEW(a, Ds__Agreement);
	Ds__Flow *x;
	enum err e = flow_find(t, a, q->participant, flow_fetched_id(q->pid), &x);

	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!as_transfer || !none) return ERR_NO_MEMORY;
	ds__transfer__init(as_transfer);
	ds__agreement__init(none);
	as_transfer->address = x->address;
	as_transfer->address_taken = x->address_taken;
	as_transfer->peer = x->counter_party;
	q->x = as_transfer;
	q->g = none;
	q->go = flow_fetches(x);
	q->finished = x->received.len == 32;
	return ERR_OK;
}

enum err flow_fetch_tell(struct writer_txn *t, struct arena *a, struct str participant, struct str pid,
			 uint64_t at)
{
	Ds__Flow *x;
	enum err e = flow_find(t->store, a, participant, flow_fetched_id(pid), &x);

	if (e) return e;
	x->octets = at;
	return flow_put(t, participant, x);
}

enum err flow_fetch_record(struct writer_txn *t, struct arena *a, struct pull_result *r)
{
	struct ds_event ev;
	char sha[64];
	Ds__Flow *x;
	enum err e = flow_find(t->store, a, r->participant, flow_fetched_id(r->pid), &x);

	if (e) return e;
	r->state = DS__DIGEST_STATE__DIGEST_UNPROMISED;
	r->misfits = 0;
	x->octets = r->size;
	x->requests++;
	x->received = (ProtobufCBinaryData){32, arena_alloc(a, 32)};
	if (!x->received.data) return ERR_NO_MEMORY;
	memcpy(x->received.data, r->digest, 32);
	e = flow_put(t, r->participant, x);
	if (e) return e;
	ev = flow_data_event(r->participant, x, DS_EVENT_DATA_RECEIVED);
	hex_write(r->digest, 32, sha);
	json_put(ev.detail, "digest", json_sprintf("sha256:%.64s", sha));
	json_put_u64(ev.detail, "octets", r->size);
	return ds_event_append(t, &ev, NULL);
}

static enum err ended(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, enum err e, struct str why)
{
	if (!flow_fetches(x)) return ERR_OK; /* ended meanwhile */
	if (!e) {
		e = flow_move(u, p, x, DPS_COMPLETED_STATE);
		return e ? e : flow_notify(u, p, x, "completed");
	}
	x->error = turn_text(u, str_cut(why, TURN_REASON_MAX));
	e = flow_put(u->t, u->self->id, x);
	return e ? e : flow_notify(u, p, x, "errored");
}

enum err flow_fetch_end(struct ds *d, struct str participant, struct str pid, enum err e, struct str reason)
{
	return flow_report(d, participant, flow_fetched_id(pid), e, reason, ended);
}

/* ---- addresses ---- */

static enum err wrong(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

enum err flow_address_check(const struct dsp_data_address *d, struct flaw *f)
{
	struct str token, refresh;
	uint64_t term;
	enum err e = turn_name_check(d->endpoint, DS_URL_MAX, "dataAddress.endpoint", f);

	if (e) return e;
	if (!str_starts(d->endpoint, STR("https://")) && !str_starts(d->endpoint, STR("http://")))
		return wrong(f, "dataAddress.endpoint", "url", "it must be an http or https URL");
	if (str_is(d->endpoint_type, DPS_PROFILE_PUSH))
		return wrong(f, "dataAddress.endpointType", "value", "a push has no address to fetch from");
	token = dsp_data_address_text(d->root, "authorization");
	refresh = dsp_data_address_text(d->root, "refreshToken");
	if (!token.n)
		return wrong(f, "dataAddress.endpointProperties", "authorization", "a token is needed");
	/* one goes into a header, the other into a form */
	e = turn_name_check(token, PULL_REPLY_MAX, "dataAddress.endpointProperties", f);
	if (!e && refresh.n > PULL_REPLY_MAX)
		return wrong(f, "dataAddress.endpointProperties", "limit", "the refresh token is too long");
	if (e || !str_is(d->endpoint_type, DPS_PROFILE_PULL)) return e;
	/* An address of the HTTP profile that cannot be renewed is refused, as the conformance kit has it
	 * (DP_C_HTTP_PULL:02-01); those of other kinds are used until their token ends. */
	if (!refresh.n)
		return wrong(f, "dataAddress.endpointProperties", "refreshToken",
			     "the address cannot be renewed: refreshToken is missing");
	if (str_u64(dsp_data_address_text(d->root, "expiresIn"), &term))
		return wrong(f, "dataAddress.endpointProperties", "expiresIn",
			     "the address cannot be renewed: expiresIn is no number");
	return ERR_OK;
}
