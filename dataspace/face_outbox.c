/* The outbox, as owners see and mend it. */
#include "dataspace/face_manage.h"
#include "dataspace/outbox.h"
#include "dataspace/turn.h"

static enum err outbox_row(void *arg, const Ds__Outbox *e)
{
	struct manage_list *l = arg;

	if (!manage_list_room(l)) return ERR_NOT_FOUND;
	must(!json_array_append_new(l->rows, outbox_show(e, false)));
	return ERR_OK;
}

/* The oldest of each kind: what is cut off comes up as these are dealt with. */
static void outbox_get_list(struct net_req *r)
{
	json_t *out = json_keep(r->arena, json_object());
	struct manage_list waiting, dead;
	struct str participant, after;
	enum err e;

	if (manage_list_start(r, &waiting, &participant, &after)) return;
	dead = (struct manage_list){.a = r->arena, .rows = json_keep(r->arena, json_array())};
	e = out && waiting.rows && dead.rows ? ERR_OK : ERR_NO_MEMORY;
	if (!e)
		e = outbox_list(ds_txn(r->shard), r->arena, DS_TABLE_outbox, participant, outbox_row,
				&waiting);
	if (!e) e = outbox_list(ds_txn(r->shard), r->arena, DS_TABLE_dead, participant, outbox_row, &dead);
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, "waiting", json_incref(waiting.rows));
	json_put(out, "dead", json_incref(dead.rows));
	json_put(out, "more", json_boolean(waiting.more || dead.more));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

static enum err outbox_look(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			    json_t **ret_json, const char **ret_state, bool *ret_final)
{
	Ds__Outbox *x;
	uint64_t seq;
	enum err e = str_u64(pid, &seq) ? ERR_NOT_FOUND : outbox_find(t, a, participant, seq, &x);

	if (e == ERR_NOT_FOUND && !str_u64(pid, &seq)) e = outbox_dead_find(t, a, participant, seq, &x);
	if (e) return e;
	*ret_json = json_keep(a, outbox_show(x, true));
	*ret_state = x->dead ? "dead" : "waiting";
	*ret_final = true;
	return *ret_json ? ERR_OK : ERR_NO_MEMORY;
}

static void outbox_get(struct net_req *r)
{
	manage_get(r, outbox_look, "there is no letter %.*s in the outbox: it was delivered or dropped");
}

static enum err letter_of(const struct turn *u, const struct manage_wish *w, uint64_t *ret)
{
	if (!str_u64(w->pid, ret)) return ERR_OK;
	return flaw_set(u->flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "letter", "unknown",
			"a letter's id is a number");
}

static enum err act_retry(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	uint64_t seq;
	enum err e = letter_of(u, w, &seq);

	return e ? e : outbox_retry(u, seq, ret);
}

static enum err act_drop(const struct turn *u, struct manage_wish *w, json_t **ret)
{
	uint64_t seq;
	enum err e = letter_of(u, w, &seq);

	if (!e) e = manage_reason(w, "the message was given up by the owner", u->flaw);
	return e ? e : outbox_give_up(u, seq, w->text, ret);
}

static void outbox_post_retry(struct net_req *r)
{
	manage_wish_act(r, act_retry);
}

static void outbox_post_drop(struct net_req *r)
{
	manage_wish_act(r, act_drop);
}

#define P "/participants/{p}"
enum { READS = ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR };

const struct net_route face_outbox_routes[] = {
    {NET_GET, P "/outbox", outbox_get_list, READS, 0, 0, "messages to partners: waiting and dead"},
    {NET_GET, P "/outbox/{letter}", outbox_get, READS, 0, 0, "show one"},
    {NET_POST, P "/outbox/{letter}/retry", outbox_post_retry, ROLE_OWNER, 4096, 0, "send it again, now"},
    {NET_POST, P "/outbox/{letter}/drop", outbox_post_drop, ROLE_OWNER, 4096, 0, "give it up"},
};
const size_t face_outbox_routes_n = sizeof face_outbox_routes / sizeof *face_outbox_routes;
