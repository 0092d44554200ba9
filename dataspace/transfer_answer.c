/* Answers to our messages, and what the data plane reports. */
#include "dataspace/dialect.h"
#include "dataspace/agreement.h"
#include "dataspace/fetch.h"
#include "dataspace/kit.h"
#include "dataspace/outbox.h"
#include "dataspace/partner.h"
#include "dataspace/transfer_act.h"

static enum err undelivered(const struct turn *u, const Ds__Transfer *x, int status, struct str reason)
{
	json_t *report = json_keep(u->a, json_object());

	if (!report) return ERR_NO_MEMORY;
	json_put_u64(report, "status", (uint64_t)status);
	return transfer_tell(u, x, DS_EVENT_MESSAGE_UNDELIVERED, true, reason, report);
}

/* What a TransferError, or a problem, says. */
static void refusal_read(const struct turn *u, Ds__Transfer *x, int status, struct str body,
			 struct str *ret_code, struct str *ret_reason)
{
	json_t *j, *code, *report;

	*ret_code = STR("MESSAGE_REFUSED");
	*ret_reason = body.n   ? str_cut(body, TURN_REASON_MAX)
		      : status ? arena_printf(u->a, "the peer answered %d", status)
			       : STR("no answer");
	if (json_read(u->a, body, NULL, &j)) return;
	code = json_object_get(j, "code");
	if (!code) code = json_object_get(j, "dspace:code");
	if (json_is_string(code)) *ret_code = json_text(code);
	if (partner_reason(j).n) *ret_reason = str_cut(partner_reason(j), TURN_REASON_MAX);
	report = json_object_get(j, TRANSFER_REPORT);
	if (json_is_object(report)) x->report = turn_json(u, report);
}

/* Ends it on our side; a partner that knows it is told. */
static enum err give_up(const struct turn *u, Ds__Transfer *x, struct str code, struct str reason)
{
	Ds__Transfer *ended;
	enum err e;

	x->pending = 0;
	x->pending_entry = 0;
	e = ds_transfer_put(u->t, u->self->id, x);
	if (e) return e;
	return transfer_terminate(u, str_of(x->pid), code, reason, &ended);
}

static enum err refused(const struct turn *u, Ds__Transfer *x, int status, struct str body)
{
	bool first = !x->state;
	struct str code, reason;
	enum err e;

	refusal_read(u, x, status, body, &code, &reason);
	e = first && status == 403 ? transfer_tell(u, x, DS_EVENT_TRANSFER_REFUSED, true, reason, NULL)
				   : undelivered(u, x, status, reason);
	if (!e && first)
		e = agreement_ended_by_peer(u, str_of(x->agreement), str_of(x->peer), code, reason);
	return e ? e : give_up(u, x, code, reason);
}

static enum err pid_read(const struct turn *u, Ds__Transfer *x, struct str body, struct flaw *f)
{
	struct dsp_transfer m;
	json_t *j;
	enum err e = json_read(u->a, body, f, &j);

	if (!e && kit_acts(u->d, u->self->id)) kit_spell_out(j);
	if (!e) e = ds_dialect_read(u->a, x->dialect, j, f, &j);
	if (!e) e = dsp_transfer_parse(j, f, &m);
	if (!e) e = turn_name_check(m.pids.provider, DS_PID_MAX, "providerPid", f);
	if (!e) x->peer_pid = turn_text(u, m.pids.provider);
	return e;
}

static enum err first_answer(const struct turn *u, Ds__Transfer *x, struct str body)
{
	struct flaw f = {0};
	enum err e = pid_read(u, x, body, &f);

	if (e == ERR_NO_MEMORY) return e;
	if (e)
		return give_up(u, x, STR("BAD_ANSWER"),
			       arena_printf(u->a, "the partner's answer: %s: %s", f.at, f.text));
	e = transfer_acknowledged(u, x);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

/* Our request was answered after we had ended it: now the partner can be told. */
static enum err ended_meanwhile(const struct turn *u, Ds__Transfer *x, struct str body)
{
	enum err e = pid_read(u, x, body, NULL);

	if (e) return e == ERR_NO_MEMORY ? e : ERR_OK;
	e = transfer_tell_end(u, x);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err ds_transfer_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			      const Ds__Outbox *entry, int status, struct str body)
{
	struct turn u = {.d = d, .t = t, .fx = fx, .a = a};
	bool good = status >= 200 && status < 300;
	struct str code, reason;
	Ds__Transfer *x;
	enum err e = ds_self_find(d, t->store, str_of(entry->participant), &u.self);

	if (!e) e = ds_transfer_find(t->store, a, u.self->id, str_of(entry->pid), &x);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	u.who = u.self->did;
	if (good && x->state == DSP_TRANSFER_TERMINATED && !x->peer_pid[0])
		return ended_meanwhile(&u, x, body);
	if (x->pending_entry != entry->seq) { /* a termination */
		if (good) return ERR_OK;
		refusal_read(&u, x, status, body, &code, &reason);
		return undelivered(&u, x, status, reason);
	}
	if (!good) return refused(&u, x, status, body);
	if (!x->state && !x->peer_pid[0]) return first_answer(&u, x, body);
	e = transfer_acknowledged(&u, x);
	return e ? e : ds_transfer_put(t, u.self->id, x);
}

/* ---- the data plane's reports ---- */

struct report {
	struct str participant, pid, code, reason;
	enum err err;
};

enum err transfer_finish(const struct turn *u, struct str pid)
{
	struct dsp_transfer_completion m;
	struct ds_letter l = {.kind = DS_OUTBOX_TRANSFER, .participant = u->self->id};
	json_t *message;
	Ds__Transfer *x;
	enum err e = ds_transfer_find(u->t->store, u->a, u->self->id, pid, &x);

	if (e == ERR_NOT_FOUND) return ERR_OK;
	if (e || x->state != DSP_TRANSFER_STARTED) return e; /* ended meanwhile */
	if (x->pending) return x->pending == DSP_TRANSFER_COMPLETED ? ERR_OK : ERR_BAD_STATE;
	m = (struct dsp_transfer_completion){.pids = transfer_pids(x)};
	l.pid = str_of(x->pid);
	l.peer = str_of(x->peer);
	l.target = x->pending = DSP_TRANSFER_COMPLETED;
	l.url = arena_printf(u->a, "%s/transfers/%.*s/completion", x->callback,
			     STR_ARG(fetch_segment(u->a, str_of(x->peer_pid))));
	message = dsp_transfer_completion_write(u->a, &m);
	if (!message) return ERR_NO_MEMORY;
	turn_name_message(message);
	message = ds_dialect_write(u->a, x->dialect, u->self, STR_NONE, message);
	if (!message) return ERR_NO_MEMORY;
	l.body = json_write(u->a, message, false);
	if (!l.url.p || !l.body.p) return ERR_NO_MEMORY;
	e = ds_outbox_add(u->t, u->fx, &l, &x->pending_entry);
	x->changed = u->t->now;
	if (!e) e = transfer_tell(u, x, DS_EVENT_TRANSFER_COMPLETED, false, STR_NONE, NULL);
	ds_fx_changed(u->fx, u->self->id, str_of(x->pid));
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

static enum err report_work(struct ds_job *j, struct writer_txn *t)
{
	const struct report *r = j->in;
	struct turn u = turn_of_job(j, t, NULL, STR("data plane"));
	Ds__Transfer *x;
	enum err e = ds_self_find(j->d, t->store, r->participant, &u.self);

	if (e) return e;
	if (!r->err) return transfer_finish(&u, r->pid);
	e = transfer_terminate(&u, r->pid, r->code, r->reason, &x);
	return e == ERR_BAD_STATE || e == ERR_NOT_FOUND ? ERR_OK : e; /* ended meanwhile */
}

static enum err report_submit(struct ds *d, const struct report *r)
{
	struct ds_job *j = ds_job_new(d, NULL);
	struct report *copy = j ? ARENA_NEW(j->arena, struct report) : NULL;

	if (!copy) return ERR_NO_MEMORY;
	*copy = *r;
	copy->participant = arena_dup(j->arena, r->participant);
	copy->pid = arena_dup(j->arena, r->pid);
	copy->code = arena_dup(j->arena, r->code);
	copy->reason = arena_dup(j->arena, r->reason);
	j->in = copy;
	j->work = report_work;
	return ds_job_submit(j);
}

enum err ds_transfer_finished(struct ds *d, struct str participant, struct str pid, enum err e,
			      struct str reason)
{
	struct report r = {participant, pid, str_of(e ? err_name(e) : ""), reason, e};

	return report_submit(d, &r);
}

enum err ds_transfer_stop(struct ds *d, struct str participant, struct str pid, struct str code,
			  struct str reason)
{
	struct report r = {participant, pid, code, reason, ERR_POLICY_DENIED};

	return report_submit(d, &r);
}
