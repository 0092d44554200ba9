/* Lists of the management routes, page by page. */
#include "dataspace/face_manage.h"
#include "dataspace/turn.h"

bool manage_list_room(struct manage_list *l)
{
	if (json_array_size(l->rows) < MANAGE_PAGE) return true;
	l->more = true;
	return false;
}

enum err manage_list_start(struct net_req *r, struct manage_list *l, struct str *ret_participant,
			   struct str *ret_after)
{
	struct str after = STR_NONE;
	struct flaw f = {0};
	enum err e = ds_req_participant(r, ret_participant);

	if (e) return e;
	*l = (struct manage_list){.a = r->arena, .rows = json_keep(r->arena, json_array())};
	(void)net_query(r, "cursor", &after);
	if (after.n && turn_name_check(after, DS_PID_MAX, "cursor", &f)) {
		e = f.err = ERR_BAD_INPUT;
		net_reply_err(r, e, &f);
		return e;
	}
	*ret_after = after;
	return ERR_OK;
}

void manage_list_answer(struct net_req *r, const struct manage_list *l, const char *name, enum err e)
{
	json_t *out = json_keep(r->arena, json_object());

	if (!e && (!out || !l->rows)) e = ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, NULL);
		return;
	}
	json_put(out, name, json_incref(l->rows));
	if (l->more && l->last) json_put_str(out, "next", str_of(l->last));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}
