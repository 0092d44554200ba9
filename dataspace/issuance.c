/* What the issuer's and the holder's side share: rows and their events, the partner's services, lists,
 * answers to messages. */
#include "dataspace/issuance.h"

#include <stdlib.h>

#include "dataspace/document.h"
#include "dataspace/face_manage.h"
#include "dataspace/outbox.h"
#include "dataspace/peer.h"
#include "dataspace/wallet.h"

enum { REASON_MAX = 500 };

/* ---- rows ---- */

json_t *issuance_show(struct arena *a, json_t *row)
{
	json_t *j = json_keep(a, json_copy(row));

	if (j) {
		json_object_del(j, "token");
		json_object_del(j, "service");
	}
	return j;
}

enum err issuance_note(const struct turn *u, enum ds_event_kind kind, json_t *row)
{
	return wallet_note(u->t, kind, u->self->id, u->who, row);
}

void issuance_stamp(const struct turn *u, json_t *row, const char *member)
{
	char when[CLOCK_TEXT];

	json_put_str(row, member, str_of(clock_print(u->t->now, false, when)));
}

/* ---- the partner of a wish ---- */

struct finding {
	struct net_req *req; /* NULL once the client has gone */
	struct str did;      /* in the request's arena */
	const char *member;
	issuance_found_fn *then;
};

static void finding_gone(void *arg)
{
	((struct finding *)arg)->req = NULL;
}

static void finding_answer(void *arg, enum err e, const struct ds_did *doc)
{
	struct finding x = *(struct finding *)arg;
	char why[PEER_WHY];
	struct ds_did *copy;
	struct flaw f = {0};

	free(arg);
	if (!x.req) return;
	copy = ARENA_NEW(x.req->arena, struct ds_did);
	if (!e && !copy) e = ERR_NO_MEMORY;
	if (e) {
		peers_why(ds_of(x.req), x.did, why);
		(void)flaw_set(&f, peer_err_passes(e) ? e : ERR_UPSTREAM, FLAW_NO_OFFSET, x.member,
			       "did-document", "the partner's DID document: %s",
			       why[0] ? why : err_text(e));
		net_reply_flaw(x.req, &f);
		return;
	}
	*copy = *doc;
	x.then(x.req, x.did, copy);
}

void issuance_partner(struct net_req *r, const char *member, issuance_found_fn *then)
{
	struct finding *x;
	struct str participant, did;
	struct flaw f = {0};
	json_t *body;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = json_read(r->arena, r->body, &f, &body);
	if (!e) e = json_str(body, "", member, &f, &did);
	if (!e && document_subject_check(did, &f))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, member, "did", "it must be a DID");
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	x = calloc(1, sizeof *x);
	must(x);
	*x = (struct finding){r, did, member, then};
	net_hold(r, finding_gone, x);
	peers_find(ds_of(r), r->shard, did, STR_NONE, finding_answer, x);
}

/* ---- lists ---- */

struct listing {
	struct arena *a;
	json_t *rows;
};

static enum err list_one(void *arg, json_t *row)
{
	struct listing *l = arg;
	json_t *shown = issuance_show(l->a, row);

	return shown && !json_array_append(l->rows, shown) ? ERR_OK : ERR_NO_MEMORY;
}

void issuance_list(struct net_req *r, const char *const *kinds, size_t n)
{
	json_t *out = json_keep(r->arena, json_object());
	struct str participant;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	if (!out) e = ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < n; i++) {
		struct listing l = {r->arena, json_array()};

		must(l.rows);
		json_put(out, kinds[2 * i + 1], l.rows);
		e = wallet_each(ds_txn_fresh(r->shard), r->arena, participant, kinds[2 * i], list_one, &l);
	}
	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}

/* ---- answers of partners ---- */

static enum err tell(struct writer_txn *t, const Ds__Outbox *e, int status, struct str reason)
{
	struct ds_event ev = {.kind = DS_EVENT_MESSAGE_UNDELIVERED,
			      .participant = str_of(e->participant),
			      .who = STR("credentials"),
			      .peer = str_of(e->peer),
			      .detail = json_object()};

	must(ev.detail);
	json_put_u64(ev.detail, "status", (uint64_t)status);
	json_put_str(ev.detail, "reason", str_first(reason, REASON_MAX));
	return ds_event_append(t, &ev, NULL);
}

static void answer_take(struct arena *a, const Ds__Outbox *e, bool good, struct str body, json_t *row)
{
	struct dcp_status s;
	json_t *j;

	if (!good) json_put_str(row, "reason", str_first(body, REASON_MAX));
	if (e->target == ISSUANCE_REQUEST) {
		/* an issuer that answers at once may have delivered before this is known */
		if (str_is(json_text(json_object_get(row, "status")), "REQUESTED"))
			json_put_str(row, "status", good ? STR("RECEIVED") : STR("FAILED"));
		if (good && !json_read(a, body, NULL, &j) && !dcp_status_read(j, NULL, &s)) {
			json_put_str(row, "issuerPid", s.issuer_pid);
			json_put_str(row, "issuerStatus", s.status);
		}
		return;
	}
	if (good) json_object_del(row, "token"); /* of no use any more */
	json_put(row, e->target == ISSUANCE_OFFER ? "sent" : "delivered", json_boolean(good));
}

enum err ds_issuance_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			      const Ds__Outbox *e, int status, struct str body)
{
	static const char *const kinds[] = {
	    [ISSUANCE_DELIVERY] = "request", [ISSUANCE_REQUEST] = "asked", [ISSUANCE_OFFER] = "offered"};
	bool good = status >= 200 && status < 300;
	struct str participant = str_of(e->participant);
	json_t *row;
	enum err err;

	(void)d;
	if (e->target < ISSUANCE_DELIVERY || e->target > ISSUANCE_OFFER) return ERR_CORRUPT;
	err = wallet_find(t->store, a, participant, kinds[e->target], str_of(e->pid), &row);
	if (!err) {
		answer_take(a, e, good, body, row);
		err = wallet_put(t, a, participant, kinds[e->target], row);
		ds_fx_changed(fx, participant, str_of(e->pid));
	} else if (err == ERR_NOT_FOUND) {
		err = ERR_OK; /* taken up or removed meanwhile */
	}
	if (!err && !good) err = tell(t, e, status, body);
	return err;
}
