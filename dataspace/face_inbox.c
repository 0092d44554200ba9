/* The inbox, as owners decide and auditors read it. */
#include "dataspace/face_manage.h"
#include "dataspace/inbox.h"
#include "dataspace/wait.h"

/* GET of the list: those that came after `since` (microseconds, "mark" of the last answer); with
 * timeout, held until there is one. */
struct watch {
	struct str participant, after;
	struct store_txn *t; /* of the look that is going on */
	uint64_t since;
	usec_t until;
	struct manage_list l;
	usec_t newest;
};

static enum err inbox_row(void *arg, const Ds__Negotiation *n)
{
	struct watch *w = arg;

	if ((uint64_t)n->changed <= w->since) return ERR_OK;
	if (!manage_list_room(&w->l)) return ERR_NOT_FOUND;
	must(!json_array_append_new(w->l.rows, inbox_show(w->t, w->l.a, w->participant, n)));
	w->l.last = n->pid;
	if (n->changed > w->newest) w->newest = n->changed;
	return ERR_OK;
}

/* True when the request has been answered. */
static bool watch_look(struct net_req *r, struct watch *w, struct wait *x)
{
	struct arena_mark mark = arena_mark(r->arena);
	json_t *out = json_keep(r->arena, json_object());
	enum err e = out ? ERR_OK : ERR_NO_MEMORY;

	w->t = ds_txn_fresh(r->shard);
	if (!e) e = inbox_each(w->t, r->arena, w->participant, w->after, inbox_row, w);
	if (!e && !json_array_size(w->l.rows) && !ds_of(r)->stopping && clock_mono() < w->until) {
		arena_rollback(r->arena, mark);
		return false;
	}
	if (x) waits_cancel(x);
	if (e) {
		net_reply_err(r, e, NULL);
		return true;
	}
	json_put(out, "inbox", json_incref(w->l.rows));
	json_put_u64(out, "mark", w->newest ? (uint64_t)w->newest : w->since);
	if (w->l.more && w->l.last) json_put_str(out, "next", str_of(w->l.last));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
	return true;
}

static void watch_again(struct net_req *r, void *arg);

static void watch_wait(struct net_req *r, struct watch *w)
{
	struct wait *x;
	enum err e =
	    waits_add(ds_of(r)->waits, r, w->participant, STR(INBOX_POLL), w->until, watch_again, w, &x);

	if (e)
		net_reply_err(r, e, NULL);
	else
		(void)watch_look(r, w, x);
}

static void watch_again(struct net_req *r, void *arg)
{
	if (!watch_look(r, arg, NULL)) watch_wait(r, arg);
}

static void inbox_list(struct net_req *r)
{
	struct watch *w = ARENA_NEW(r->arena, struct watch);
	uint64_t seconds = 0;
	struct flaw f = {0};
	enum err e;

	if (!w) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	if (manage_list_start(r, &w->l, &w->participant, &w->after)) return;
	e = w->l.rows ? net_query_number(r, "since", INT64_MAX, &f, &w->since) : ERR_NO_MEMORY;
	if (!e) e = net_query_number(r, "timeout", POLL_MAX, &f, &seconds);
	w->until = clock_mono() + (usec_t)seconds * USEC_PER_SEC;
	if (e)
		net_reply_err(r, e, &f);
	else if (!watch_look(r, w, NULL))
		watch_wait(r, w);
}

static enum err inbox_look(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			   json_t **ret_json, const char **ret_state, bool *ret_final)
{
	Ds__Negotiation *n;
	enum err e = negotiation_find(t, a, participant, pid, &n);

	if (e) return e;
	if (!inbox_waits(n)) return ERR_NOT_FOUND;
	*ret_json = json_keep(a, inbox_show(t, a, participant, n));
	*ret_state = dsp_negotiation_state_name(negotiation_state(n));
	*ret_final = true;
	return *ret_json ? ERR_OK : ERR_NO_MEMORY;
}

static void inbox_get(struct net_req *r)
{
	manage_get(r, inbox_look, "nothing called %.*s waits for a decision");
}

static enum err act_approve(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Negotiation *n;
	enum err e = manage_reason(w, "approved by the owner", u->flaw);

	if (!e) e = inbox_approve(u, w->pid, w->text, &n);
	if (!e) *ret = json_keep(u->a, negotiation_show(u->a, n, false));
	return e;
}

static enum err act_decline(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	Ds__Negotiation *n;
	enum err e = manage_reason(w, "declined by the owner", u->flaw);

	if (!e) e = inbox_decline(u, w->pid, w->text, &n);
	if (!e) *ret = json_keep(u->a, negotiation_show(u->a, n, false));
	return e;
}

static void inbox_post_approve(struct net_req *r)
{
	manage_wish_act(r, act_approve);
}

static void inbox_post_decline(struct net_req *r)
{
	manage_wish_act(r, act_decline);
}

#define P "/participants/{p}"
enum { READS = ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR };

/* An agent reads; a person decides. */
const struct net_route face_inbox_routes[] = {
    {NET_GET, P "/inbox", inbox_list, READS, 0, 0,
     "what waits for a decision; ?since=MARK&timeout=seconds"},
    {NET_GET, P "/inbox/{pid}", inbox_get, READS, 0, 0, "show what waits"},
    {NET_POST, P "/inbox/{pid}/approve", inbox_post_approve, ROLE_OWNER, 4096, 0, "say yes"},
    {NET_POST, P "/inbox/{pid}/decline", inbox_post_decline, ROLE_OWNER, 4096, 0, "say no"},
};
const size_t face_inbox_routes_n = sizeof face_inbox_routes / sizeof *face_inbox_routes;
