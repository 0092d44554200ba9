/* Commands of a running answer: state, policy, meter, grant; and what was sent. */
#include <stdio.h>

#include "dataspace/meter.h"
#include "dataspace/provide.h"
#include "proto/dsp/state.h"

enum err provide_state(const Ds__Transfer *x, const Ds__Agreement *g, struct flaw *f)
{
	bool open = x->pending ? x->pending == DSP_TRANSFER_STARTED : x->state == DSP_TRANSFER_STARTED;
	bool final = dsp_transfer_final((enum dsp_transfer_state)x->state);

	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_REVOKED)
		return flaw_set(f, ERR_REVOKED, FLAW_NO_OFFSET, "agreement", "revoked",
				"the agreement was revoked: %s", g->reason);
	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_EXPIRED)
		return flaw_set(f, ERR_EXPIRED, FLAW_NO_OFFSET, "agreement", "expired",
				"the agreement has expired: %s", g->reason);
	if (final || g->state != DS__AGREEMENT_STATE__AGREEMENT_ACTIVE)
		return flaw_set(f, ERR_GONE, FLAW_NO_OFFSET, "transfer", "state", "the transfer is %s",
				dsp_transfer_state_name((enum dsp_transfer_state)x->state));
	if (!open)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "transfer", "state", "the transfer is %s",
				dsp_transfer_state_name((enum dsp_transfer_state)x->state));
	return ERR_OK;
}

static void refuse(struct stream *s, enum err e, struct str reason)
{
	s->got.refused = e;
	snprintf(s->got.reason, sizeof s->got.reason, "%.*s", STR_ARG(reason));
}

static struct ds_event event_of(const struct stream *s, enum ds_event_kind kind)
{
	struct ds_event ev = {.kind = kind,
			      .participant = s->item.participant,
			      .who = s->party,
			      .agreement = s->item.agreement,
			      .transfer = s->item.pid,
			      .dataset = str_of(s->agreement->dataset),
			      .peer = s->party,
			      .detail = json_object()};

	must(ev.detail);
	return ev;
}

/* Before the first octet of a request leaves. */
static enum err granted_event(struct stream *s, struct writer_txn *t)
{
	struct ds_event ev = event_of(s, DS_EVENT_DATA_GRANTED);

	if (s->number) json_put_u64(ev.detail, "request", s->number);
	json_put_u64(ev.detail, "from", s->from);
	return ds_event_append(t, &ev, NULL);
}

static enum err refused_event(struct stream *s, struct writer_txn *t, json_t *report)
{
	struct ds_event ev = event_of(s, DS_EVENT_DATA_REFUSED);

	json_put_str(ev.detail, "reason", str_of(s->got.reason));
	if (report) json_put(ev.detail, "report", json_incref(report));
	return ds_event_append(t, &ev, NULL);
}

/* How far the policy lets this request go now; ERR_OK with s->refused set when nowhere. */
static enum err policy_reach(struct stream *s, struct writer_txn *t, const Ds__Transfer *x,
			     const struct meter_use *u, const Ds__Meter *m, uint64_t from)
{
	uint64_t end = s->to - from > PROVIDE_GRANT ? from + PROVIDE_GRANT : s->to;
	uint64_t fresh = spans_missing(&u->granted, from, end);
	struct dp_facts f = {.agreement = s->agreement,
			     .purpose = str_of(x->purpose),
			     .claims = str_of(x->claims),
			     .party = str_of(x->peer),
			     .now = t->now,
			     .count = s->got.count,
			     .count_asked = 1,
			     .octets = m->granted};
	struct dp_verdict v;
	uint64_t allowed = 0;
	enum err e = dp_policy_ask(s->work, &s->policy, &f, &v);

	if (e) return e;
	s->got.octets = m->granted;
	if (v.allowed) allowed = fresh ? dp_policy_octets(s->work, &s->policy, &f, fresh) : 0;
	if (v.allowed && (!fresh || allowed)) {
		s->got.granted = spans_reach(&u->granted, from, end, allowed);
		s->got.limited = allowed < fresh;
		if (s->got.granted > from || from == s->to) return ERR_OK;
	}
	if (v.allowed) { /* not one octet more: the sentence that says so */
		f.octets_asked = 1;
		e = dp_policy_ask(s->work, &s->policy, &f, &v);
		if (e) return e;
	}
	refuse(s, dp_policy_denial(&v), v.reason);
	s->got.limited = true;
	return s->first ? refused_event(s, t, v.report) : ERR_OK;
}

enum err stream_grant(struct stream *s, struct writer_txn *t)
{
	struct flaw f = {0};
	Ds__Transfer *x;
	Ds__Agreement *g;
	Ds__Meter *m;
	struct meter_use u;
	uint64_t from = s->first ? s->from : s->granted;
	enum err e = ds_transfer_find(t->store, s->work, s->item.participant, s->item.pid, &x);

	s->got = (struct grant){.granted = from};
	if (!e) e = ds_agreement_find(t->store, s->work, s->item.participant, s->item.agreement, &g);
	if (e) return e;
	if (provide_state(x, g, &f)) {
		refuse(s, f.err, str_of(f.text));
		return ERR_OK;
	}
	e = meter_use_open(t->store, s->work, s->item.participant, s->item.agreement, s->item.pid,
			   DS__SIDE__SIDE_PROVIDER, &u);
	if (!e) e = meter_find(t->store, s->work, s->item.participant, s->item.agreement, &m);
	if (e) return e;
	if (meter_settled(u.row) || u.row->ended) {
		refuse(s, ERR_GONE, STR("the transfer is over and its counts are settled"));
		return ERR_OK;
	}
	s->got.count = g->transfers ? g->transfers - 1 : 0; /* this one was counted when it was accepted */
	e = policy_reach(s, t, x, &u, m, from);
	if (e || s->got.refused) return e;
	if (s->first && meter_request(&u, s->number, s->from, &f)) {
		refuse(s, ERR_BAD_INPUT, str_of(f.text));
		return ERR_OK;
	}
	if (meter_grant(&u, from, s->got.granted)) {
		refuse(s, ERR_QUOTA, STR("too many separate ranges of one transfer"));
		return ERR_OK;
	}
	e = meter_use_close(t, s->item.participant, &u);
	return e || !s->first ? e : granted_event(s, t);
}

enum err stream_record(struct stream *s, struct writer_txn *t)
{
	enum err cut = (enum err)s->cut;
	struct ds_event ev;
	struct meter_use u;
	Ds__Transfer *x;
	enum err e = ds_transfer_find(t->store, s->work, s->item.participant, s->item.pid, &x);

	if (!e)
		e = meter_use_open(t->store, s->work, s->item.participant, s->item.agreement, s->item.pid,
				   DS__SIDE__SIDE_PROVIDER, &u);
	if (e) return e;
	meter_sent(&u, s->from, s->out.at);
	e = meter_use_close(t, s->item.participant, &u);
	if (e) return e;
	x->octets = spans_total(&u.sent);
	x->requests = u.row->requests;
	e = ds_transfer_put(t, s->item.participant, x);
	if (e) return e;
	ev = event_of(s, cut ? DS_EVENT_DATA_CUT : DS_EVENT_DATA_SERVED);
	if (s->number) json_put_u64(ev.detail, "request", s->number);
	json_put_u64(ev.detail, "from", s->from);
	json_put_u64(ev.detail, "octets", s->out.at - s->from);
	if (cut) json_put_str(ev.detail, "reason", str_of(s->reason[0] ? s->reason : err_text(cut)));
	if (!cut && s->out.at < s->to) json_put_str(ev.detail, "end", STR("the consumer left"));
	return ds_event_append(t, &ev, NULL);
}
