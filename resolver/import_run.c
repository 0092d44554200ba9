#include "resolver/import_state.h"

#include <stdlib.h>

enum { OWN_ARENA = 1 << 20 /* names, scope, header */ };
#define GUARD_EVERY USEC_PER_SEC /* a credential that was revoked or has expired is noticed so soon */

struct imports {
	pthread_mutex_t lock;
	pthread_cond_t left;
	struct import_run *first;
	unsigned n;
};

/* ---- those that run --------------------------------------------------------------------- */

struct imports *imports_new(void)
{
	struct imports *i = calloc(1, sizeof *i);
	if (!i) return NULL;
	must(!pthread_mutex_init(&i->lock, NULL) && !pthread_cond_init(&i->left, NULL));
	return i;
}

void imports_free(struct imports *i)
{
	if (!i) return;
	must(!i->first);
	pthread_mutex_destroy(&i->lock);
	pthread_cond_destroy(&i->left);
	free(i);
}

unsigned imports_running(struct imports *i)
{
	pthread_mutex_lock(&i->lock);
	unsigned n = i->n;
	pthread_mutex_unlock(&i->lock);
	return n;
}

static void cancel(struct import_run *r, bool taken_over)
{
	pthread_mutex_lock(&r->lock);
	r->cancelled = true;
	r->taken_over |= taken_over;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

static bool same_import(const struct import_run *x, const struct import_run *y)
{
	return str_eq(x->wish.name, y->wish.name) && str_eq(x->wish.who, y->wish.who);
}

/* Into the list; an older run of the same import is told to end. */
static enum err enlist(struct import_run *r, struct flaw *f)
{
	struct imports *i = r->rs->imports;
	unsigned own = 0;
	pthread_mutex_lock(&i->lock);
	for (struct import_run *x = i->first; x; x = x->next)
		own += str_eq(x->wish.who, r->wish.who) && !same_import(x, r);
	bool full = i->n == IMPORT_RUNS_MAX;
	if (!full && own < IMPORT_RUNS_CREDENTIAL) {
		for (struct import_run *x = i->first; x; x = x->next)
			if (same_import(x, r)) cancel(x, true);
		r->next = i->first;
		if (r->next) r->next->prev = r;
		i->first = r;
		i->n++;
	}
	pthread_mutex_unlock(&i->lock);
	if (!full && own < IMPORT_RUNS_CREDENTIAL) return ERR_OK;
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "name", "imports-running",
			full ? "%d imports run at this node" : "%d imports of this credential run",
			full ? IMPORT_RUNS_MAX : IMPORT_RUNS_CREDENTIAL);
}

void import__delist(struct import_run *r)
{
	struct imports *i = r->rs->imports;
	pthread_mutex_lock(&i->lock);
	if (r->next) r->next->prev = r->prev;
	if (r->prev)
		r->prev->next = r->next;
	else
		i->first = r->next;
	i->n--;
	pthread_cond_broadcast(&i->left);
	pthread_mutex_unlock(&i->lock);
}

/* Runs of the same import that are older stand behind this one in the list. */
void import__wait_for_older(struct import_run *r)
{
	struct imports *i = r->rs->imports;
	pthread_mutex_lock(&i->lock);
	for (;;) {
		struct import_run *x = r->next;
		while (x && !same_import(x, r)) x = x->next;
		if (!x) break;
		pthread_cond_wait(&i->left, &i->lock);
	}
	pthread_mutex_unlock(&i->lock);
}

/* ---- ending ----------------------------------------------------------------------------- */

static void run_free(struct import_run *r)
{
	for (size_t i = 0; i < IMPORT_BATCHES; i++) import_batch_close(&r->flights[i].batch);
	zones_free(r->zones);
	buf_done(&r->in);
	buf_done(&r->taken);
	buf_done(&r->work);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	arena_free(r->line);
	arena_free(r->arena);
	free(r);
}

static void answer(struct import_run *r)
{
	struct net_req *q = r->req;
	struct buf *out;
	if (r->taken_over) {
		struct flaw f;
		flaw_set(&f, ERR_CONFLICT, FLAW_NO_OFFSET, "name", "import-moved",
			 "another request continues the import");
		net_reply_flaw(q, &f);
	} else if (r->err) {
		net_reply_err(q, r->err, &r->flaw);
	} else if (!(out = face_buf(q, FACE_BODY))) {
		net_reply_err(q, ERR_NO_MEMORY, NULL);
	} else {
		import_write_json(&r->state, out);
		net_reply(q, 200, MEDIA_JSON, buf_str(out));
	}
}

/* On the shard: nothing of the run runs any more, its thread is leaving. */
void import__finish(void *arg)
{
	struct import_run *r = arg;
	struct import_run **at = &r->shard->imports;
	while (*at != r) at = &(*at)->next_of_shard;
	*at = r->next_of_shard;
	must(!pthread_join(r->thread, NULL));
	if (r->req && !r->ended) {
		r->settled = true;
		if (r->paused) net_unpause(r->req);
		return;
	}
	if (r->req) answer(r);
	run_free(r);
}

void imports_stop(struct rs_shard *s)
{
	for (struct import_run *r = s->imports; r; r = r->next_of_shard) cancel(r, false);
	while (s->imports) {
		struct import_run *r = s->imports;
		s->imports = r->next_of_shard;
		must(!pthread_join(r->thread, NULL));
		run_free(r);
	}
}

/* ---- the request ------------------------------------------------------------------------ */

static void on_gone(void *arg)
{
	struct import_run *r = arg;
	r->req = NULL;
	if (r->settled)
		run_free(r);
	else
		cancel(r, false);
}

/* Whether the credential still holds, now and then. */
static enum err guard(struct import_run *r, struct flaw *f)
{
	struct net_req *q = r->req;
	usec_t now = clock_mono();
	if (now - r->guarded < GUARD_EVERY) return ERR_OK;
	r->guarded = now;
	void *principal = q->principal;
	struct arena_mark mark = arena_mark(q->arena);
	enum err e = access_guard(r->shard->txn, rs_table_credential, q, f);
	q->principal = principal;
	if (!e) arena_rollback(q->arena, mark);
	return e;
}

static enum err on_piece(struct net_req *q, void *arg, struct str piece, bool last, struct flaw *f)
{
	struct import_run *r = arg;
	if (r->settled) {
		answer(r);
		run_free(r);
		return ERR_OK;
	}
	enum err e = guard(r, f);
	if (!e) {
		pthread_mutex_lock(&r->lock);
		buf_add(&r->in, piece);
		e = buf_err(&r->in);
		r->ended = last;
		r->paused = !last && r->in.n >= IMPORT_INPUT;
		if (r->paused) net_pause(q);
		if (last || e || r->in.n >= IMPORT_ENOUGH) pthread_cond_broadcast(&r->wake);
		pthread_mutex_unlock(&r->lock);
	}
	if (e) on_gone(r); /* answered by the server */
	return e;
}

static struct import_run *run_new(struct net_req *q, const struct import_wish *w)
{
	struct import_run *r = calloc(1, sizeof *r);
	pthread_condattr_t clock;
	if (!r) return NULL;
	must(!pthread_condattr_init(&clock) && !pthread_condattr_setclock(&clock, CLOCK_MONOTONIC));
	must(!pthread_mutex_init(&r->lock, NULL) && !pthread_cond_init(&r->wake, &clock));
	pthread_condattr_destroy(&clock);
	r->shard = rs__shard(q);
	r->rs = r->shard->rs;
	r->req = q;
	r->guarded = clock_mono();
	r->wish = *w;
	buf_init(&r->in, 2 * IMPORT_INPUT);
	buf_init(&r->taken, 2 * IMPORT_INPUT);
	buf_init(&r->work, IMPORT_WORK_MAX);
	r->arena = arena_new(OWN_ARENA);
	if (r->arena) {
		r->wish.who = arena_dup(r->arena, w->who);
		r->wish.scope = arena_dup(r->arena, w->scope);
		r->wish.name = arena_dup(r->arena, w->name);
	}
	if (r->arena && !arena_overflowed(r->arena)) return r;
	run_free(r);
	return NULL;
}

enum err import_run_start(struct net_req *q, const struct import_wish *w, struct flaw *f)
{
	struct import_run *r = run_new(q, w);
	if (!r) return ERR_NO_MEMORY;
	enum err e = enlist(r, f);
	if (!e && pthread_create(&r->thread, NULL, import__run, r)) {
		import__delist(r);
		e = ERR_NO_MEMORY;
	}
	if (e) {
		run_free(r);
		return e;
	}
	r->next_of_shard = r->shard->imports;
	r->shard->imports = r;
	net_on_body(q, on_piece, on_gone, r);
	return ERR_OK;
}
