#include "dataspace/inbox.h"

enum { INBOX_EXPIRE_MAX = 64 /* of one command: the rest at the next look */ };

bool inbox_waits(const Ds__Negotiation *n)
{
	if (n->pending) return false;
	return n->side == DS__SIDE__SIDE_PROVIDER ? n->state == DSP_NEGOTIATION_REQUESTED
						  : n->state == DSP_NEGOTIATION_OFFERED;
}

usec_t inbox_until(struct store_txn *t, struct str participant, const Ds__Negotiation *n)
{
	struct ds_key k = ds_key(participant, str_of(n->pid), STR_NONE);
	struct str value;

	if (store_get(t, DS_TABLE_inbox, ds_key_str(&k), &value) || value.n != sizeof(uint64_t)) return 0;
	return (usec_t)store_u64(value);
}

enum err inbox_keep(const struct turn *u, const Ds__Negotiation *n)
{
	struct ds_key k = ds_key(u->self->id, str_of(n->pid), STR_NONE);
	uint64_t until = __builtin_bswap64((uint64_t)(n->changed + u->d->o.inbox_wait));
	enum err e;

	if (inbox_waits(n))
		e = ds_row_keep(u->t, DS_TABLE_inbox, &k, str_n(&until, sizeof until));
	else if ((e = store_del(u->t->store, DS_TABLE_inbox, ds_key_str(&k))) == ERR_NOT_FOUND)
		return ERR_OK;
	if (!e) ds_fx_changed(u->fx, u->self->id, STR(INBOX_POLL));
	return e;
}

/* ---- decisions ---- */

static enum err tell(const struct turn *u, const Ds__Negotiation *n, enum ds_event_kind kind,
		     struct str reason)
{
	struct ds_event ev = {.kind = kind,
			      .participant = u->self->id,
			      .who = u->who,
			      .negotiation = str_of(n->pid),
			      .dataset = str_of(n->dataset),
			      .peer = str_of(n->peer)};

	if (reason.n) {
		ev.detail = json_object();
		must(ev.detail);
		json_put_str(ev.detail, "reason", str_cut(reason, TURN_REASON_MAX));
	}
	return ds_event_append(u->t, &ev, NULL);
}

static enum err find_waiting(const struct turn *u, struct str pid, Ds__Negotiation **ret)
{
	enum err e = negotiation_find(u->t->store, u->a, u->self->id, pid, ret);

	if (e == ERR_NOT_FOUND || (!e && !inbox_waits(*ret)))
		return flaw_set(u->flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "pid", "unknown",
				"nothing of this id waits for a decision");
	return e;
}

enum err inbox_approve(const struct turn *u, struct str pid, struct str reason, Ds__Negotiation **ret)
{
	enum err e = find_waiting(u, pid, ret);

	if (!e && u->t->now >= inbox_until(u->t->store, u->self->id, *ret))
		return flaw_set(u->flaw, ERR_EXPIRED, FLAW_NO_OFFSET, "pid", "expired",
				"nobody decided in time");
	if (!e) e = tell(u, *ret, DS_EVENT_REQUEST_APPROVED, reason);
	if (e) return e;
	return (*ret)->side == DS__SIDE__SIDE_PROVIDER ? negotiation_agree(u, pid, ret)
						       : negotiation_accept(u, pid, ret);
}

enum err inbox_decline(const struct turn *u, struct str pid, struct str reason, Ds__Negotiation **ret)
{
	enum err e = find_waiting(u, pid, ret);

	if (!e) e = tell(u, *ret, DS_EVENT_REQUEST_DECLINED, reason);
	return e ? e : negotiation_terminate(u, pid, STR("DECLINED"), reason, ret);
}

/* ---- what nobody decides ---- */

struct late {
	struct str participant, pid;
};

static enum err late_find(struct store_txn *t, struct arena *a, usec_t now, struct late *out, size_t *ret_n)
{
	struct store_cursor *c;
	struct str key, value, participant;
	uint64_t until;
	size_t n = 0;
	enum err e = store_cursor_open(t, DS_TABLE_inbox, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e && n < INBOX_EXPIRE_MAX;
	     e = store_cursor_next(c, &key, &value)) {
		if (value.n != sizeof until) {
			e = ERR_CORRUPT;
			break;
		}
		memcpy(&until, value.p, sizeof until);
		if ((usec_t)__builtin_bswap64(until) > now) continue;
		key = arena_dup(a, key);
		if ((e = ds_key_part(&key, &participant))) break;
		out[n].participant = participant;
		if ((e = ds_key_part(&key, &out[n].pid))) break;
		n++;
	}
	store_cursor_close(c);
	*ret_n = n;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err inbox_expire(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a, size_t *ret_n)
{
	struct late late[INBOX_EXPIRE_MAX];
	size_t n;
	enum err e = late_find(t->store, a, t->now, late, &n);

	for (size_t i = 0; i < n && !e; i++) {
		struct turn u = {.d = d, .t = t, .fx = fx, .a = a, .who = STR("clock")};
		Ds__Negotiation *row;

		e = ds_self_find(d, t->store, late[i].participant, &u.self);
		if (!e)
			e = negotiation_terminate(&u, late[i].pid, STR("NOT_DECIDED"),
						  STR("nobody decided in time"), &row);
	}
	if (!e) *ret_n = n;
	return e;
}

static enum err expire_work(struct ds_job *j, struct writer_txn *t)
{
	size_t n;

	return inbox_expire(j->d, t, &j->fx, j->arena, &n);
}

static void look(void *arg)
{
	struct ds_shard *x = net_shard_get(arg, DS_SHARD_SLOT);
	struct arena *a = arena_new(1 << 20);
	struct late late[INBOX_EXPIRE_MAX];
	struct ds_job *j = NULL;
	size_t n = 0;

	if (!x || x->d->stopping) {
		arena_free(a);
		return;
	}
	if (a && !late_find(ds_txn(arg), a, clock_wall(), late, &n) && n) j = ds_job_new(x->d, NULL);
	if (j) {
		j->work = expire_work;
		(void)!ds_job_submit(j); /* else at the next look */
	}
	arena_free(a);
	(void)net_timer_start(arg, INBOX_LOOK, look, arg);
}

enum err inbox_start(struct ds *d, struct net_shard *s)
{
	return ds_post(d, s, look, s);
}

/* ---- showing ---- */

enum err inbox_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		    negotiation_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value, pid;
	Ds__Negotiation *n;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_inbox, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_key_part(&key, &pid);
		if (!e) e = negotiation_find(t, a, participant, pid, &n);
		if (!e) e = fn(arg, n);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* How the last message was known to be the partner's: evidence.h, "by". */
static const char *verified_by(const char *by)
{
	static const struct {
		const char *by, *text;
	} all[] = {{"did", "key of its DID document"},
		   {"dcp", "key of its DID document, and credentials"},
		   {"pinned", "pinned key"},
		   {"tls", "client certificate"},
		   {"test", "nothing: a test mode"}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(by, all[i].by)) return all[i].text;
	return all[0].text; /* of before it was kept */
}

/* As consumer what waits is an offer: in answer to a request of ours, or unasked. */
static struct str kind_of(const Ds__Negotiation *n)
{
	if (n->side == DS__SIDE__SIDE_PROVIDER) return STR("request");
	for (size_t i = 0; i < n->n_history; i++)
		if (n->history[i]->state == DSP_NEGOTIATION_REQUESTED) return STR("counter-offer");
	return STR("offer");
}

json_t *inbox_show(struct store_txn *t, struct arena *a, struct str participant, const Ds__Negotiation *n)
{
	json_t *j = negotiation_show(a, n, true);
	char when[CLOCK_TEXT];

	json_object_del(j, "history");
	json_put_str(j, "kind", kind_of(n));
	json_put_str(j, "verified_by", str_of(verified_by(n->by)));
	json_put_str(j, "since", str_of(clock_print(n->changed, true, when)));
	json_put_str(j, "until", str_of(clock_print(inbox_until(t, participant, n), true, when)));
	return j;
}
