#include "dataspace/push.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text64.h"
#include "dataspace/led.h"
#include "dataspace/receipt.h"
#include "proto/dsp/state.h"
#include "proto/dsp/transfer.h"

enum push_state { PUSH_WAIT = LED_WAIT, PUSH_SEND, PUSH_SENT };

struct push {
	union {
		struct led led;
		struct {
			LED_MEMBERS
		};
	};
	enum err err; /* under the lock of all, like status */
	int status;
	char text[200];
	/* the leader's */
	unsigned tries;
	struct arena *arena; /* of what was asked */
	struct push_ask ask;
	struct dp_policy policy;
};

/* ---- the courier's thread ---- */

static void push_done(void *arg, const struct courier_result *r)
{
	struct push *p = arg;
	struct leader *all = p->all;

	pthread_mutex_lock(&all->lock);
	p->err = r->err;
	p->status = r->status;
	snprintf(p->text, sizeof p->text, "%s", r->text);
	p->ticket = 0;
	p->state = PUSH_SENT;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
}

/* ---- the leader ---- */

static void push_forget(struct push *p)
{
	arena_free(p->arena);
	p->arena = NULL;
}

static struct push *push_of(struct led *i)
{
	return (struct push *)(void *)i;
}

static void push_over(struct push *p)
{
	push_forget(p);
	led_over(&p->led);
}

static void push_wait(struct push *p)
{
	push_forget(p);
	led_wait(&p->led);
}

static void push_failed(struct push *p, enum err e, const char *text)
{
	(void)!ds_transfer_finished(p->all->dp->d, p->item.participant, p->item.pid, e, str_of(text));
	push_over(p);
}

/* What the DataAddress says of the request; properties that are not known are not sent. */
struct sink {
	const char *url, *authorization, *method;
};

static bool sink_read(struct arena *a, const Ds__Transfer *x, struct sink *ret)
{
	struct str token, method;
	json_t *j;

	if (json_read(a, str_of(x->address), NULL, &j)) return false;
	token = dsp_data_address_text(j, "authorization");
	method = dsp_data_address_text(j, "method");
	*ret = (struct sink){.url = arena_strdup(a, dsp_data_address_url(j)),
			     .method = str_is(method, "PUT") ? "PUT" : "POST"};
	if (token.n)
		ret->authorization = str_is(dsp_data_address_text(j, "authType"), "bearer") &&
					     !str_starts_nocase(token, STR("bearer "))
					 ? arena_printf(a, "Bearer %.*s", STR_ARG(token)).p
					 : arena_strdup(a, token);
	return ret->url && ret->url[0] && (!token.n || ret->authorization);
}

static enum err push_send(struct push *p)
{
	struct ds *d = p->all->dp->d;
	struct arena *a = p->arena;
	struct courier_header h[3];
	char path[DP_PATH_MAX];
	struct sink sink;
	size_t n = 0;
	enum err e;

	if (!sink_read(a, p->ask.x, &sink)) return ERR_BAD_MESSAGE;
	if (!dp_blob_path(d, p->ask.digest, path)) return ERR_IO;
	h[n++] = (struct courier_header){"Content-Type", arena_strdup(a, p->ask.media_type)};
	h[n++] = (struct courier_header){
	    "Repr-Digest",
	    arena_printf(a, "sha-256=:%.*s:", STR_ARG(base64_write(a, str_n(p->ask.digest, 32)))).p};
	if (sink.authorization) h[n++] = (struct courier_header){"Authorization", sink.authorization};
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	struct courier_req r = {.method = sink.method,
				.url = sink.url,
				.headers = h,
				.headers_n = n,
				.body_file = path,
				.deadline = PUSH_DEADLINE(p->ask.size),
				.body_max = PUSH_ANSWER_MAX,
				.done = push_done,
				.arg = p};
	p->tries++;
	atomic_fetch_add(&p->all->dp->stat.pushes_attempted, 1);
	pthread_mutex_lock(&p->all->lock);
	p->state = PUSH_SEND;
	e = courier_submit(d->o.courier, &r, &p->ticket);
	if (e) p->state = PUSH_WAIT;
	pthread_mutex_unlock(&p->all->lock);
	return e;
}

static void push_attempt(struct push *p)
{
	struct ds *d = p->all->dp->d;
	enum err e;

	push_forget(p);
	p->arena = arena_new(DP_ARENA);
	p->ask = (struct push_ask){.participant = p->item.participant, .pid = p->item.pid};
	e = p->arena ? push_ask(d, p->arena, &p->ask) : ERR_NO_MEMORY;
	if (!e && p->ask.go && !p->ask.finished && !p->ask.refused)
		e = dp_policy_open(p->arena, p->ask.g, &p->policy);
	if (e == ERR_STOPPING || (!e && !p->ask.go)) {
		push_over(p);
	} else if (e) {
		push_wait(p);
	} else if (p->ask.finished) {
		push_failed(p, ERR_OK, "");
	} else if (p->ask.refused) {
		char reason[PUSH_REASON];

		memcpy(reason, p->ask.reason, sizeof reason);
		push_failed(p, p->ask.refused, reason);
	} else if ((e = push_send(p)) == ERR_BUSY || e == ERR_NO_MEMORY) {
		push_wait(p);
	} else if (e) {
		push_failed(p, e, "the data address cannot be used");
	}
}

static bool passes(enum err e, int status)
{
	if (e) return e != ERR_FORBIDDEN && e != ERR_BAD_INPUT;
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void push_sent(struct push *p)
{
	struct ds *d = p->all->dp->d;
	uint64_t size = p->ask.size;
	char reason[PUSH_REASON];
	enum err e;

	if (!p->err && p->status >= 200 && p->status < 300) {
		e = push_record(d, p->item.participant, p->item.pid, size);
		if (e == ERR_STOPPING) {
			push_over(p);
		} else if (e) {
			push_wait(p); /* taken, and not written down: sent once more */
		} else {
			atomic_fetch_add(&p->all->dp->stat.octets_pushed, size);
			push_failed(p, ERR_OK, "");
		}
		return;
	}
	if (p->err)
		snprintf(reason, sizeof reason, "the sink cannot be reached: %s", p->text);
	else
		snprintf(reason, sizeof reason, "the sink answers %d", p->status);
	log_line(LOG_DEBUG, "push", NULL, "pid", p->pid, "error", err_name(p->err), "msg", reason, NULL);
	if (passes(p->err, p->status) && p->tries < PUSH_TRIES_MAX)
		push_wait(p);
	else
		push_failed(p, p->err ? p->err : p->status == 403 ? ERR_FORBIDDEN : ERR_UPSTREAM, reason);
}

/* The policy may end what it allowed when it began: time runs out. */
static void push_look(struct push *p)
{
	struct dp_facts f = {.agreement = p->ask.g,
			     .purpose = str_of(p->ask.x->purpose),
			     .claims = str_of(p->ask.x->claims),
			     .party = str_of(p->ask.x->peer),
			     .now = clock_wall(),
			     .count = p->ask.count,
			     .count_asked = 1,
			     .octets = p->ask.octets};
	struct arena_mark mark = arena_mark(p->arena);
	struct dp_verdict v;
	int none = ERR_OK;

	if (!dp_policy_ask(p->arena, &p->policy, &f, &v) && !v.allowed) {
		enum err why = dp_policy_denial(&v);

		if (atomic_compare_exchange_strong(&p->cut, &none, (int)why)) {
			atomic_fetch_add(&p->all->dp->stat.data_cut, 1);
			(void)!ds_transfer_stop(p->all->dp->d, p->item.participant, p->item.pid,
						str_of(err_name(why)), v.reason);
		}
	}
	arena_rollback(p->arena, mark);
}

static void push_step(struct led *i, int was)
{
	struct push *p = push_of(i);
	bool taken = was == PUSH_SENT && !p->err && p->status >= 200 && p->status < 300;

	if (was == PUSH_SEND)
		push_look(p);
	else if (atomic_load(&p->cut) && !taken)
		push_over(p);
	else if (was == PUSH_WAIT)
		push_attempt(p);
	else
		push_sent(p);
}

/* The next push that something is to be done for, or NULL and when to look again. One that was cut is
 * cancelled. */
static struct led *push_next(struct leader *all, usec_t now, usec_t *ret_due)
{
	*ret_due = now + 3600 * USEC_PER_SEC;
	for (struct led *p = all->first; p; p = p->next) {
		bool cut = atomic_load(&p->cut);

		if (p->state == PUSH_SENT) return p;
		if (p->state == PUSH_SEND && cut) {
			uint64_t ticket = p->ticket;

			p->ticket = 0;
			if (ticket) courier_cancel(all->dp->d->o.courier, ticket);
			continue; /* its end comes through push_done */
		}
		if (cut && p->state == PUSH_WAIT) return p;
		if (p->due <= now) {
			if (p->state == PUSH_SEND) p->due = now + PUSH_LOOK;
			return p;
		}
		if (p->due < *ret_due) *ret_due = p->due;
	}
	return NULL;
}

static enum err transfer_seen(void *arg, struct str participant, const Ds__Transfer *x)
{
	struct leavings *l = arg;

	if (x->side == DS__SIDE__SIDE_PROVIDER && x->state == DSP_TRANSFER_STARTED && !x->pending &&
	    ds_transfer_pushed(x))
		dp_push_start(l->d, participant, str_of(x->pid));
	return ERR_OK;
}

static enum err participant_seen(void *arg, struct str id)
{
	struct leavings *l = arg;
	struct arena_mark m = arena_mark(l->a);
	enum err e = ds_transfer_each(l->t, l->a, id, STR_NONE, transfer_seen, l);

	arena_rollback(l->a, m);
	return e;
}

static enum err leavings_see(struct leavings *l)
{
	return ds_participant_each(l->t, l->a, participant_seen, l);
}

static void pushes_find(struct dp *dp)
{
	led_find(dp, "push", leavings_see);
}

static void push_anew(struct led *i)
{
	push_of(i)->tries = 0;
}

static void push_gone(struct led *i)
{
	dp_settle(i->all->dp, i->item.participant, i->item.pid);
}

const struct led_kind pushes = {
    .size = sizeof(struct push),
    .retry_first = PUSH_RETRY_FIRST,
    .retry_last = PUSH_RETRY_LAST,
    .anew = push_anew,
    .gone = push_gone,
    .find = pushes_find,
    .next = push_next,
    .step = push_step,
};

void dp_push_start(struct ds *d, struct str participant, struct str pid)
{
	led_start(d->dp->pushes, participant, pid);
}
