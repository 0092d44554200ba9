#include "dataspace/under_way.h"

#include <pthread.h>
#include <stdlib.h>

#include "dataspace/negotiation.h"
#include "dataspace/outbox.h"
#include "dataspace/transfer.h"

struct refusal {
	char participant[DS_ID_MAX + 1], pid[DS_PID_MAX + 1], message[32], text[REFUSAL_TEXT];
	usec_t at;
};

struct refusals {
	pthread_mutex_t lock;
	struct refusal row[REFUSALS_KEPT];
};

enum err refusals_open(struct refusals **ret)
{
	struct refusals *x = calloc(1, sizeof *x);

	if (!x) return ERR_NO_MEMORY;
	must(!pthread_mutex_init(&x->lock, NULL));
	*ret = x;
	return ERR_OK;
}

void refusals_close(struct refusals *x)
{
	if (x) must(!pthread_mutex_destroy(&x->lock));
	free(x);
}

/* Under the lock. The process's own row, else the oldest; NULL: only its own is wanted, and there is none.
 */
static struct refusal *row_of(struct refusals *x, struct str participant, struct str pid, bool own)
{
	struct refusal *oldest = &x->row[0];

	for (size_t i = 0; i < REFUSALS_KEPT; i++) {
		struct refusal *row = &x->row[i];

		if (row->at && str_is(participant, row->participant) && str_is(pid, row->pid)) return row;
		if (row->at < oldest->at) oldest = row;
	}
	return own ? NULL : oldest;
}

static void copy(char *to, size_t room, struct str text)
{
	text = str_first(text, room - 1);
	while (text.n && !str_utf8_ok(text, NULL)) text.n--;
	memcpy(to, text.n ? text.p : "", text.n);
	to[text.n] = 0;
}

static bool there_is(struct net_req *r, struct str participant, struct str pid)
{
	Ds__Negotiation *n;
	Ds__Transfer *x;

	if (memmem(r->path.p, r->path.n, "/negotiations/", 14))
		return !negotiation_find(ds_txn(r->shard), r->arena, participant, pid, &n);
	return memmem(r->path.p, r->path.n, "/transfers/", 11) &&
	       !ds_transfer_find(ds_txn(r->shard), r->arena, participant, pid, &x);
}

void refusals_note(struct net_req *r, struct str reason)
{
	struct refusals *x = ds_of(r)->refusals;
	struct str participant = ds_req_param(r, 0), pid = ds_req_param(r, 1), message = r->path, part;
	struct refusal *row;

	if (!pid.n || pid.n > DS_PID_MAX || participant.n > DS_ID_MAX || !there_is(r, participant, pid))
		return;
	for (struct str rest = r->path; str_split(&rest, '/', &part);) message = part;
	must(!pthread_mutex_lock(&x->lock));
	row = row_of(x, participant, pid, false);
	copy(row->participant, sizeof row->participant, participant);
	copy(row->pid, sizeof row->pid, pid);
	copy(row->message, sizeof row->message, message);
	copy(row->text, sizeof row->text, reason);
	row->at = clock_wall();
	must(!pthread_mutex_unlock(&x->lock));
}

void refusals_forget(struct net_req *r)
{
	struct refusals *x = ds_of(r)->refusals;
	struct refusal *row;

	must(!pthread_mutex_lock(&x->lock));
	row = row_of(x, ds_req_param(r, 0), ds_req_param(r, 1), true);
	if (row) row->at = 0;
	must(!pthread_mutex_unlock(&x->lock));
}

void fetching_note(struct ds *d, struct str participant, struct str pid, struct str reason)
{
	struct refusals *x = d->refusals;
	struct refusal *row;

	if (pid.n > DS_PID_MAX || participant.n > DS_ID_MAX) return;
	must(!pthread_mutex_lock(&x->lock));
	row = row_of(x, participant, pid, !reason.n);
	if (row && reason.n) {
		copy(row->participant, sizeof row->participant, participant);
		copy(row->pid, sizeof row->pid, pid);
		row->message[0] = 0;
		copy(row->text, sizeof row->text, reason);
		row->at = clock_wall();
	} else if (row && !row->message[0]) {
		row->at = 0;
	}
	must(!pthread_mutex_unlock(&x->lock));
}

struct looking {
	struct str pid;
	json_t *letter;
	size_t seen;
};

static enum err letter_look(void *arg, const Ds__Outbox *e)
{
	struct looking *l = arg;

	if (str_is(l->pid, e->pid)) l->letter = outbox_show(e, false);
	return l->letter || ++l->seen == UNDER_WAY_LETTERS ? ERR_NOT_FOUND : ERR_OK;
}

void under_way_explain(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
		       struct str pid, json_t *j)
{
	struct looking l = {.pid = pid};
	struct refusal *row;
	char when[CLOCK_TEXT];
	json_t *refused = NULL;
	bool fetching = false;
	enum err e = outbox_list(t, a, DS_TABLE_outbox, participant, letter_look, &l);

	if (l.letter && !e)
		json_put(j, "waiting", l.letter);
	else
		json_decref(l.letter);
	must(!pthread_mutex_lock(&d->refusals->lock));
	row = row_of(d->refusals, participant, pid, true);
	if (row) {
		refused = json_object();
		must(refused);
		json_put_str(refused, "time", str_of(clock_print(row->at, true, when)));
		fetching = !row->message[0];
		if (!fetching) json_put_str(refused, "message", str_of(row->message));
		json_put_str(refused, "reason", str_of(row->text));
	}
	must(!pthread_mutex_unlock(&d->refusals->lock));
	if (refused) json_put(j, fetching ? "fetching" : "refused", refused);
}
