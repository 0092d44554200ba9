#include "dataspace/held.h"

#include <stdlib.h>

#include "base/log.h"
#include "dataspace/dataplane.h"
#include "dataspace/held_look.h"
#include "dataspace/wallet.h"

enum { ROUND_ARENA = 16 << 20 };

struct str held_status(const json_t *row)
{
	return json_text(json_object_get(row, "status"));
}

void held_show(struct arena *a, json_t *row)
{
	struct vc_credential *c = ARENA_NEW(a, struct vc_credential);
	char when[CLOCK_TEXT];
	struct vc_jwt j;

	if (!c || vc_jwt_parse(a, json_text(json_object_get(row, "jwt")), NULL, &j) ||
	    vc_credential_read(&j, NULL, c) || !c->until)
		return;
	json_put_str(row, "validUntil", str_of(clock_print(c->until, false, when)));
	if (!held_status(row).n && vc_credential_time(c, clock_wall(), NULL) == ERR_EXPIRED)
		json_put_str(row, "status", STR("expired"));
}

static enum err first_withheld(void *arg, json_t *row)
{
	if (!held_status(row).n) return ERR_OK;
	*(json_t **)arg = row;
	return ERR_EXISTS;
}

/* At most so many octets, of whole characters. */
static struct str cut(struct str s, size_t most)
{
	if (s.n <= most) return s;
	while (most && ((unsigned char)s.p[most] & 0xc0) == 0x80) most--;
	return str_first(s, most);
}

/* A node like this one says why; of others it is not known. */
static bool something_else(struct arena *a, struct str body)
{
	json_t *j;
	struct str rule;

	if (body.n > 16 << 10 || json_read(a, body, NULL, &j)) return false;
	rule = json_text(json_object_get(json_object_get(j, "kanhe:flaw"), "rule"));
	return rule.n && !str_is(rule, "credential-missing");
}

void held_excuse(struct net_req *r, struct str participant, const struct fetched *got, struct flaw *f)
{
	json_t *row = NULL;
	struct flaw was = *f;
	struct str type, status, said = cut(str_of(was.text), 120);

	if (got->err || got->status != 401 || !ds_of(r)->holdings || something_else(r->arena, got->body))
		return;
	if (wallet_each(ds_txn_fresh(r->shard), r->arena, participant, "held", first_withheld, &row) !=
		ERR_EXISTS ||
	    !row)
		return;
	type = json_text(json_array_get(json_object_get(row, "type"), 0));
	status = held_status(row);
	if (str_is(status, "expired"))
		(void)flaw_set(f, was.err, was.offset, was.at, was.rule,
			       "%.*s; the %.*s held here has expired: not presented", STR_ARG(said),
			       STR_ARG(cut(type, 40)));
	else
		(void)flaw_set(f, was.err, was.offset, was.at, was.rule,
			       "%.*s; the %.*s held here was %.*s: not presented", STR_ARG(said),
			       STR_ARG(cut(type, 40)), STR_ARG(status));
}

/* ---- what was found is noted ---- */

struct finding {
	struct look *look; /* touched on shard 0 only */
	struct net_shard *shard;
	struct str participant, id, status, why;
	bool told;
};

static void member_set(json_t *row, const char *name, struct str s)
{
	if (s.n)
		json_put_str(row, name, s);
	else
		(void)json_object_del(row, name);
}

static enum err note_work(struct ds_job *j, struct writer_txn *t)
{
	struct finding *x = j->in;
	char when[CLOCK_TEXT];
	json_t *row;
	enum err e = wallet_find(t->store, j->arena, x->participant, "held", x->id, &row);

	x->told = false;
	if (e) return e;
	if (!str_eq(held_status(row), x->status)) {
		x->told = true;
		member_set(row, "status", x->status);
		member_set(row, "noticed", str_of(clock_print(t->now, false, when)));
	}
	member_set(row, "unchecked", x->why);
	e = wallet_put(t, j->arena, x->participant, "held", row);
	return e || !x->told ? e
			     : wallet_note(t, DS_EVENT_CREDENTIAL_STATUS, x->participant, STR_NONE, row);
}

static void log_finding(struct arena *a, const struct finding *x)
{
	if (x->told)
		log_line(x->status.n ? LOG_WARN : LOG_INFO, "space", NULL, "participant",
			 arena_strdup(a, x->participant), "credential", arena_strdup(a, x->id), "status",
			 x->status.n ? x->status.p : "valid", "msg",
			 x->status.n ? "a credential that is held is not presented any more"
				     : "a credential that is held is presented again",
			 NULL);
	else if (x->why.n)
		log_line(LOG_WARN, "space", NULL, "participant", arena_strdup(a, x->participant),
			 "credential", arena_strdup(a, x->id), "error", x->why.p, "msg",
			 "whether a credential is revoked cannot be told", NULL);
}

static void look_leave(struct look *x)
{
	for (struct look **p = &x->h->looks; *p; p = &(*p)->next) {
		if (*p != x) continue;
		*p = x->next;
		x->h->looks_n--;
		break;
	}
	x->done(x->arg, x);
	held_look_free(x);
}

static void look_back(void *arg)
{
	look_leave(arg);
}

/* On the writer's thread. When the loop has ended the look is held_close's. */
static void note_done(struct ds_job *j, enum err result)
{
	const struct finding *x = j->in;

	if (!result) log_finding(j->arena, x);
	(void)!ds_post(j->d, x->shard, look_back, x->look);
}

void held_look_end(struct look *x)
{
	struct str status = str_of(x->status ? x->status : "");
	struct finding *in;
	struct ds_job *j;

	/* what could not be looked at stays as it is known */
	if (!status.n && x->why[0]) status = x->was;
	if (str_eq(status, x->was) && str_is(x->unchecked, x->why)) {
		look_leave(x);
		return;
	}
	j = ds_job_new(x->h->d, NULL);
	if (!j) {
		look_leave(x);
		return;
	}
	in = ARENA_NEW(j->arena, struct finding);
	must(in);
	*in = (struct finding){.look = x,
			       .shard = x->h->shard,
			       .participant = arena_dup(j->arena, x->participant),
			       .id = arena_dup(j->arena, x->id),
			       .status = str_of(arena_strdup(j->arena, status)),
			       .why = str_of(arena_strdup(j->arena, str_of(x->why)))};
	j->in = in;
	j->work = note_work;
	j->answer = note_done;
	if (ds_job_submit(j)) look_leave(x);
}

/* ---- on schedule ---- */

static void round_go_on(void *arg);
static void round_begin(void *arg);

static void round_end(struct holdings *h)
{
	arena_free(h->arena);
	h->arena = NULL;
	if (!h->d->stopping) (void)net_timer_start(h->shard, h->every, round_begin, h);
}

static void round_looked(void *arg, const struct look *x)
{
	struct holdings *h = arg;

	(void)x;
	(void)!ds_post(h->d, h->shard, round_go_on, h);
}

/* The next credential of the participant in hand, into h->after. */
static bool round_next(struct holdings *h)
{
	struct ds_key k = ds_key(h->participants[h->participants_at], STR("held"), STR_NONE);
	struct ds_row_scan scan;
	struct str key, value, id;
	enum err e = ds_row_scan_open(&scan, ds_txn(h->shard), DS_TABLE_credential, &k, str_of(h->after));

	if (e) return false;
	e = ds_row_scan_next(&scan, &key, &value);
	if (!e) e = ds_key_part(&key, &id);
	if (!e && id.n <= DS_PID_MAX) {
		memcpy(h->after, id.p, id.n);
		h->after[id.n] = 0;
	}
	ds_row_scan_close(&scan);
	return !e && id.n <= DS_PID_MAX;
}

static void round_go_on(void *arg)
{
	struct holdings *h = arg;

	while (!h->d->stopping && h->participants_at < h->participants_n) {
		if (!round_next(h)) {
			h->participants_at++;
			h->after[0] = 0;
			continue;
		}
		if (held_look_start(h, h->participants[h->participants_at], str_of(h->after), round_looked,
				    h))
			return;
	}
	round_end(h);
}

static enum err participant_take(void *arg, struct str id)
{
	struct holdings *h = arg;

	if (h->participants) h->participants[h->participants_n] = arena_dup(h->arena, id);
	h->participants_n++;
	return ERR_OK;
}

static void round_begin(void *arg)
{
	struct holdings *h = arg;
	enum err e;

	if (h->d->stopping) return;
	h->arena = arena_new(ROUND_ARENA);
	h->participants = NULL;
	h->participants_n = h->participants_at = 0;
	h->after[0] = 0;
	e = h->arena ? ds_participant_each(ds_txn(h->shard), h->arena, participant_take, h) : ERR_NO_MEMORY;
	if (!e && h->participants_n) {
		h->participants = arena_array(h->arena, sizeof *h->participants, h->participants_n);
		h->participants_n = 0;
		e = h->participants ? ds_participant_each(ds_txn(h->shard), h->arena, participant_take, h)
				    : ERR_NO_MEMORY;
	}
	if (e || arena_overflowed(h->arena)) h->participants_n = 0;
	round_go_on(h);
}

/* ---- before something is presented ---- */

/* ids behind it: of n credentials, each NUL-terminated. Its shard alone touches req and timer, shard 0
 * left; whoever comes last frees it. */
struct waiting {
	struct ds *d;
	struct net_shard *shard;
	struct net_req *req; /* NULL once it has gone or was answered */
	struct net_timer *timer;
	held_fn *then;
	void *arg;
	size_t n, left;
	char participant[DS_ID_MAX + 1];
	char ids[][DS_PID_MAX + 1];
};

static void waiting_answer(struct waiting *w)
{
	struct net_req *r = w->req;

	net_timer_stop(w->timer);
	w->timer = NULL;
	w->req = NULL;
	if (!r) return;
	net_hold(r, NULL, NULL);
	w->then(r, w->arg);
}

static void waiting_late(void *arg)
{
	struct waiting *w = arg;

	w->timer = NULL;
	waiting_answer(w);
}

static void waiting_gone(void *arg)
{
	struct waiting *w = arg;

	net_timer_stop(w->timer);
	w->timer = NULL;
	w->req = NULL;
}

static void waiting_back(void *arg)
{
	waiting_answer(arg);
	free(arg);
}

static void waiting_one_less(struct waiting *w)
{
	if (--w->left) return;
	if (ds_post(w->d, w->shard, waiting_back, w)) free(w); /* its loop has ended, its request with it */
}

static void waiting_looked(void *arg, const struct look *x)
{
	(void)x;
	waiting_one_less(arg);
}

static void waiting_start(void *arg)
{
	struct waiting *w = arg;

	w->left = w->n + 1;
	for (size_t i = 0; i < w->n; i++)
		if (!held_look_start(w->d->holdings, str_of(w->participant), str_of(w->ids[i]),
				     waiting_looked, w))
			w->left--;
	waiting_one_less(w);
}

void held_before(struct net_req *r, struct str participant, const struct str *ids, size_t n, held_fn *then,
		 void *arg)
{
	struct ds *d = ds_of(r);
	struct waiting *w = n && d->holdings ? calloc(1, sizeof *w + n * sizeof *w->ids) : NULL;

	if (!w) {
		then(r, arg);
		return;
	}
	*w = (struct waiting){.d = d, .shard = r->shard, .req = r, .then = then, .arg = arg, .n = n};
	memcpy(w->participant, participant.p, participant.n);
	for (size_t i = 0; i < n; i++) memcpy(w->ids[i], ids[i].p, ids[i].n);
	net_hold(r, waiting_gone, w);
	w->timer = net_timer_start(r->shard, HELD_DEADLINE, waiting_late, w);
	if (!ds_post(d, d->holdings->shard, waiting_start, w)) return;
	waiting_answer(w);
	free(w);
}

static void forget(void *arg)
{
	struct holdings *h = arg;

	for (struct status_list *l = h->lists; l; l = l->next) l->at = 0;
}

void held_forget(struct ds *d)
{
	if (d->holdings) (void)!ds_post(d, d->holdings->shard, forget, d->holdings);
}

/* ---- the life of it ---- */

enum err held_start(struct ds *d, struct net_shard *s)
{
	struct holdings *h;

	if (!d->o.identity.recheck) return ERR_OK;
	h = calloc(1, sizeof *h);
	if (!h) return ERR_NO_MEMORY;
	h->d = d;
	h->shard = s;
	h->every = d->o.identity.recheck;
	h->fresh = h->every / 2 < HELD_FRESH ? h->every / 2 : HELD_FRESH;
	d->holdings = h;
	return ds_post(d, s, round_begin, h);
}

void held_close(struct holdings *h)
{
	if (!h) return;
	while (h->looks) look_leave(h->looks);
	held_lists_free(h);
	arena_free(h->arena);
	free(h);
}
