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

static struct ds_event event_of(struct str participant, const Ds__Flow *x, enum ds_event_kind kind)
{
	struct ds_event ev = {.kind = kind,
			      .participant = participant,
			      .who = str_of(x->counter_party),
			      .agreement = str_of(x->agreement),
			      .transfer = str_of(x->id),
			      .dataset = str_of(x->dataset),
			      .peer = str_of(x->counter_party),
			      .detail = json_object()};

	must(ev.detail);
	json_put_str(ev.detail, "way", STR("flow"));
	json_put_str(ev.detail, "plane", str_of(x->plane));
	return ev;
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
	ev = event_of(r->participant, x, DS_EVENT_DATA_RECEIVED);
	hex_write(r->digest, 32, sha);
	json_put(ev.detail, "digest", json_sprintf("sha256:%.64s", sha));
	json_put_u64(ev.detail, "octets", r->size);
	return ds_event_append(t, &ev, NULL);
}

struct ending {
	struct str participant, pid, reason;
	enum err err;
};

static enum err end_work(struct ds_job *j, struct writer_txn *t)
{
	const struct ending *n = j->in;
	struct turn u = {
	    .d = j->d, .t = t, .fx = &j->fx, .a = j->arena, .flaw = &j->flaw, .who = STR("data plane")};
	Ds__ControlPlane *p;
	Ds__Flow *x;
	enum err e = ds_self_find(j->d, t->store, n->participant, &u.self);

	if (!e) e = flow_find(t->store, j->arena, n->participant, flow_fetched_id(n->pid), &x);
	if (!e) e = control_plane_find(t->store, j->arena, n->participant, str_of(x->plane), &p);
	if (e || !flow_fetches(x)) return e == ERR_NOT_FOUND ? ERR_OK : e; /* ended meanwhile */
	if (!n->err) {
		e = flow_move(&u, p, x, DPS_COMPLETED_STATE);
		return e ? e : flow_notify(&u, p, x, "completed");
	}
	x->error = turn_text(&u, str_first(n->reason, TURN_REASON_MAX));
	e = flow_put(t, n->participant, x);
	return e ? e : flow_notify(&u, p, x, "errored");
}

enum err flow_fetch_end(struct ds *d, struct str participant, struct str pid, enum err e, struct str reason)
{
	struct ds_job *j = ds_job_new(d, NULL);
	struct ending *n = j ? ARENA_NEW(j->arena, struct ending) : NULL;

	if (!n) {
		ds_job_free(j);
		return ERR_NO_MEMORY;
	}
	*n = (struct ending){.participant = arena_dup(j->arena, participant),
			     .pid = arena_dup(j->arena, pid),
			     .reason = arena_dup(j->arena, reason),
			     .err = e};
	j->in = n;
	j->work = end_work;
	return ds_job_submit(j);
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
	/* the HTTP profile's addresses are renewable: one that is not would end in the middle */
	if (!refresh.n)
		return wrong(f, "dataAddress.endpointProperties", "refreshToken",
			     "the address cannot be renewed: refreshToken is missing");
	if (str_u64(dsp_data_address_text(d->root, "expiresIn"), &term))
		return wrong(f, "dataAddress.endpointProperties", "expiresIn",
			     "the address cannot be renewed: expiresIn is no number");
	return ERR_OK;
}
