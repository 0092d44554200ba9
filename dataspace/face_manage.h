/* Management routes of owners and agents: catalogs of partners, negotiations, transfers, agreements.
 * Threads: shards. */
#ifndef DATASPACE_FACE_MANAGE_H
#define DATASPACE_FACE_MANAGE_H

#include "dataspace/space.h"

extern const struct net_route face_manage_routes[];
extern const size_t face_manage_routes_n;
extern const struct net_route face_agreement_routes[];
extern const size_t face_agreement_routes_n;
extern const struct net_route face_inbox_routes[];
extern const size_t face_inbox_routes_n;
extern const struct net_route face_outbox_routes[];
extern const size_t face_outbox_routes_n;

/* ---- long polls (face_poll.c) ---- */

/* Finds the thing and shows it: *ret_json kept by the arena, its state, whether that is final. */
typedef enum err manage_look_fn(struct store_txn *t, struct arena *a, struct str participant,
				struct str pid, json_t **ret_json, const char **ret_state, bool *ret_final);
/* GET of one thing: at once, or with ?wait=STATE,STATE&timeout=seconds when its state is one of them,
 * when it is final, when the time is over or the node stops. */
/* none: what is said when it is not there, a printf form that takes its id (%.*s). */
void manage_get(struct net_req *r, manage_look_fn *look, const char *none);
/* ERR_NOT_FOUND with that text in the flaw (rule "unknown", at `what`); other errors stay as they are. */
enum err manage_none(struct flaw *f, enum err e, const char *what, const char *none,
		     struct str id) MUST_USE;

enum {
	POLL_DEFAULT = 30, /* seconds */
	POLL_MAX = 120,    /* proxies between cut longer silences */
	POLL_STATES = 10,
};

/* ---- lists (manage_list.c) ---- */

enum { MANAGE_PAGE = 200 };
struct manage_list {
	struct arena *a;
	json_t *rows;
	const char *last; /* key of the last row listed */
	bool more;
};
/* True when there was room: then append to rows and set last. */
bool manage_list_room(struct manage_list *l);
/* Starts a list: participant and cursor. On error the request has been answered. */
enum err manage_list_start(struct net_req *r, struct manage_list *l, struct str *ret_participant,
			   struct str *ret_after) MUST_USE;
void manage_list_answer(struct net_req *r, const struct manage_list *l, const char *name, enum err e);

/* ---- wishes (manage_wish.c) ---- */

struct turn;
/* A wish on its way through the writer; everything in the job's arena. */
struct manage_wish {
	const struct ds_self *self;
	struct str who, pid, text, code;
	json_t *body;
	/* The thing after it, to be shown; kept by the arena. */
	enum err (*act)(const struct turn *u, struct manage_wish *w, json_t **ret);
	int status;
	void *more;
};
/* Makes the job for the route's participant and second parameter, with the body (an object; absent is
 * an empty one). NULL: the request has been answered. */
struct ds_job *manage_wish_new(struct net_req *r, struct manage_wish **ret);
void manage_wish_submit(struct ds_job *j);
/* Both, for a wish that is its act alone. */
void manage_wish_act(struct net_req *r,
		     enum err (*act)(const struct turn *, struct manage_wish *, json_t **));
/* "reason" of the body: 1 to 500 octets, or the default when it is absent. */
enum err manage_reason(struct manage_wish *w, const char *absent, struct flaw *f) MUST_USE;

#endif
