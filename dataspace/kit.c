#include "dataspace/kit.h"

#include <stdlib.h>

#include "base/log.h"

enum { KIT_TOKEN_TERM = 60 };

struct kit {
	struct ds *d;
	char *participant;
	usec_t delay;
	struct net_shard
	    *shard; /* the first; NULL before the start. Not looked into: commands end after the server */
	struct nudge *waiting; /* on it */
};

/* A look at a process, some time after it has changed. */
struct nudge {
	struct kit *k;
	char pid[DS_PID_MAX + 1];
	struct nudge *next, **at;
};

enum err kit_open(struct ds *d, struct kit **ret)
{
	struct kit *k;

	if (!d->o.kit || !d->o.kit[0]) return ERR_OK;
	k = calloc(1, sizeof *k);
	if (!k) return ERR_NO_MEMORY;
	k->d = d;
	k->delay = d->o.kit_delay;
	k->participant = strdup(d->o.kit);
	if (!k->participant) {
		free(k);
		return ERR_NO_MEMORY;
	}
	log_msg(LOG_WARN, "space", NULL,
		"TEST MODE for the DSP conformance kit: participant %s lets ANYBODY in as " KIT_PARTNER
		" and acts by a script; never do this in production (space.kit)",
		k->participant);
	*ret = k;
	return ERR_OK;
}

void kit_close(struct kit *k)
{
	if (!k) return;
	for (struct nudge *g = k->waiting, *next; g; g = next) {
		next = g->next;
		free(g);
	}
	free(k->participant);
	free(k);
}

bool kit_acts(const struct ds *d, struct str participant)
{
	return d->kit && str_is(participant, d->kit->participant);
}

bool kit_admit(struct net_req *r, ds_peer_fn *then)
{
	struct ds *d = ds_of(r);
	struct ds_peer *peer;
	struct flaw f = {0};
	struct str id;

	if (!d->kit || net_decode(r->arena, r->param[0], &f, &id) || !kit_acts(d, id)) return false;
	peer = ARENA_NEW(r->arena, struct ds_peer);
	if (!peer || !(peer->doc = ARENA_NEW(r->arena, struct ds_did))) return false;
	if (ds_self_find(d, ds_txn(r->shard), id, &peer->self)) return false;
	peer->did = STR(KIT_PARTNER);
	random_bytes(peer->jti, sizeof peer->jti);
	peer->jti_expires = clock_wall() / USEC_PER_SEC + KIT_TOKEN_TERM;
	then(r, peer);
	return true;
}

/* ---- steps ---- */

static struct turn turn_of(struct ds_job *j, struct writer_txn *t)
{
	return turn_of_job(j, t, NULL, STR("conformance kit"));
}

/* A later change has a look of its own coming. */
static bool settled(const struct turn *u, int64_t changed)
{
	return u->t->now - changed >= u->d->kit->delay / 2;
}

static enum err step_work(struct ds_job *j, struct writer_txn *t)
{
	struct turn u = turn_of(j, t);
	const char *pid = j->in;
	Ds__Negotiation *n;
	Ds__Transfer *x;
	enum err e = ds_self_find(j->d, t->store, str_of(j->d->kit->participant), &u.self);

	if (!e) e = negotiation_find(t->store, j->arena, u.self->id, str_of(pid), &n);
	if (!e) return n->pending || !settled(&u, n->changed) ? ERR_OK : kit_negotiation_step(&u, n);
	if (e == ERR_NOT_FOUND) e = ds_transfer_find(t->store, j->arena, u.self->id, str_of(pid), &x);
	if (!e) return x->pending || !settled(&u, x->changed) ? ERR_OK : kit_transfer_step(&u, x);
	if (e == ERR_NOT_FOUND) e = kit_flow_step(&u, str_of(pid));
	return e == ERR_NOT_FOUND ? ERR_OK : e; /* an agreement has changed */
}

static void step_after(struct ds_job *j, enum err result)
{
	if (result)
		log_msg(LOG_WARN, "space", NULL, "conformance kit: a step was refused: %s: %s",
			err_name(result), j->flaw.text);
}

static void nudge_fired(void *arg)
{
	struct nudge *g = arg;
	struct ds_job *j = g->k->d->stopping ? NULL : ds_job_new(g->k->d, NULL);

	if (j) {
		j->in = arena_strdup(j->arena, str_of(g->pid));
		j->work = step_work;
		j->answer = step_after;
		(void)ds_job_submit(j);
	}
	*g->at = g->next;
	if (g->next) g->next->at = g->at;
	free(g);
}

static void nudge_set(void *arg)
{
	struct nudge *g = arg;
	struct kit *k = g->k;

	g->next = k->waiting;
	g->at = &k->waiting;
	if (g->next) g->next->at = &g->next;
	k->waiting = g;
	must(net_timer_start(k->shard, k->delay, nudge_fired, g));
}

void kit_changed(struct ds *d, struct str participant, struct str pid)
{
	struct nudge *g;

	if (!kit_acts(d, participant) || !d->kit->shard || pid.n > DS_PID_MAX) return;
	g = calloc(1, sizeof *g);
	must(g);
	g->k = d->kit;
	memcpy(g->pid, pid.p, pid.n);
	if (ds_post(d, d->kit->shard, nudge_set, g)) free(g);
}

static enum err seed_work(struct ds_job *j, struct writer_txn *t)
{
	struct turn u = turn_of(j, t);
	enum err e = ds_self_find(j->d, t->store, str_of(j->d->kit->participant), &u.self);

	return e ? e : kit_agreements_seed(&u);
}

enum err kit_start(struct ds *d)
{
	struct ds_job *j;

	if (!d->kit) return ERR_OK;
	d->kit->shard = net_server_shard(d->server, 0);
	j = ds_job_new(d, NULL);
	if (!j) return ERR_NO_MEMORY;
	j->work = seed_work;
	j->answer = step_after;
	return ds_job_submit(j);
}

struct ds_job *kit_job_new(struct net_req *r, struct str *ret_participant)
{
	struct flaw f = {0};
	struct ds_job *j;
	struct str id;
	enum err e = net_decode(r->arena, r->param[0], &f, &id);

	if (!e && !kit_acts(ds_of(r), id)) e = ERR_NOT_FOUND;
	if (e) {
		net_reply_err(r, e, &f);
		return NULL;
	}
	j = ds_job_new(ds_of(r), r);
	if (j) *ret_participant = arena_dup(j->arena, id);
	return j;
}
