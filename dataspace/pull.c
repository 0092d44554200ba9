#include "dataspace/pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "dataspace/receipt.h"
#include "proto/dsp/state.h"
#include "proto/dsp/transfer.h"

struct pulls {
	struct dp *dp;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the monotonic clock */
	struct pull *first;
	pthread_t thread;
	bool started, stopping;
};

/* ---- octets come in: the courier's thread ---- */

static void take_error(struct pull *p, struct str piece)
{
	size_t n = piece.n < PULL_ERROR_MAX - p->error_n ? piece.n : PULL_ERROR_MAX - p->error_n;

	memcpy(p->error + p->error_n, piece.p, n);
	p->error_n += n;
}

static enum err put_octets(struct pull *p, struct str piece)
{
	while (piece.n) {
		ssize_t n = pwrite(p->fd, piece.p, piece.n, (off_t)p->at);

		if (n <= 0) return n < 0 ? err_errno(errno) : ERR_IO;
		p->at += (uint64_t)n;
		piece = str_skip(piece, (size_t)n);
	}
	return ERR_OK;
}

static void tell_progress(struct pull *p)
{
	usec_t now = clock_mono();
	bool busy;

	if (now - p->told < PULL_PROGRESS) return;
	pthread_mutex_lock(&p->all->lock);
	busy = p->telling;
	p->telling = true;
	pthread_mutex_unlock(&p->all->lock);
	if (busy) return;
	p->told = now;
	pull_tell(p->all->dp->d, p->item.participant, p->item.pid, p->at, p);
}

void pull_told(struct pull *p)
{
	struct pulls *all = p->all;

	pthread_mutex_lock(&all->lock);
	p->telling = false; /* p may be freed from here on */
	pthread_cond_broadcast(&all->wake);
	pthread_mutex_unlock(&all->lock);
}

static enum err pull_data(void *arg, const struct courier_result *r, struct str piece)
{
	struct pull *p = arg;
	enum err e;

	if (atomic_load(&p->cut)) return ERR_GONE;
	if (r->status != 200 && r->status != 206) {
		take_error(p, piece);
		return ERR_OK;
	}
	if (!p->answered && r->status == 200 && p->at) { /* all of it, though a part was asked for */
		if (ftruncate(p->fd, 0)) return err_errno(errno);
		p->at = 0;
	}
	p->answered = true;
	p->status = r->status;
	if (p->promised && piece.n > p->size - p->at) return ERR_TOO_LARGE;
	e = put_octets(p, piece);
	atomic_fetch_add(&p->all->dp->stat.octets_pulled, piece.n);
	if (!e) tell_progress(p);
	return e;
}

static void pull_done(void *arg, const struct courier_result *r)
{
	struct pull *p = arg;
	struct pulls *all = p->all;

	pthread_mutex_lock(&all->lock);
	p->err = r->err;
	p->status = r->status;
	if (!r->err && (r->status == 200 || r->status == 206)) p->answered = true; /* of no octets */
	if (r->err && r->text[0]) snprintf(p->error, sizeof p->error, "%s", r->text);
	p->state = PULL_FETCHED;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
}

/* ---- the leader ---- */

static void pull_wait(struct pull *p, bool progress)
{
	if (progress) {
		p->backoff = 0;
		p->refusals = 0;
	}
	p->backoff = p->backoff ? p->backoff * 2 : PULL_RETRY_FIRST;
	if (p->backoff > PULL_RETRY_LAST) p->backoff = PULL_RETRY_LAST;
	pthread_mutex_lock(&p->all->lock);
	p->due = clock_mono() + p->backoff;
	p->state = PULL_WAIT;
	pthread_mutex_unlock(&p->all->lock);
}

/* Takes it off the list, unless it was started anew meanwhile. */
static void pull_over(struct pull *p)
{
	struct pulls *all = p->all;
	struct dp *dp = all->dp;
	struct pull **at;

	pull_file_close(p);
	running_remove(&dp->running, &p->item);
	pthread_mutex_lock(&all->lock);
	while (p->telling) pthread_cond_wait(&all->wake, &all->lock);
	if (p->again && !all->stopping) {
		p->again = false;
		atomic_store(&p->cut, ERR_OK);
		p->backoff = 0;
		p->refusals = 0;
		p->due = clock_mono();
		p->state = PULL_WAIT;
		pthread_mutex_unlock(&all->lock);
		running_add(&dp->running, &p->item);
		return;
	}
	for (at = &all->first; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	pthread_mutex_unlock(&all->lock);
	if (!all->stopping) dp_settle(dp, p->item.participant, p->item.pid);
	free(p);
}

static void pull_failed(struct pull *p, enum err e, const char *text)
{
	(void)!ds_transfer_finished(p->all->dp->d, p->item.participant, p->item.pid, e, str_of(text));
	pull_over(p);
}

static void check_work(struct disk_job *j)
{
	struct pull *p = (struct pull *)(void *)((char *)j - offsetof(struct pull, job));

	p->err = pull_file_check(p);
}

static void check_done(struct disk_job *j)
{
	struct pull *p = (struct pull *)(void *)((char *)j - offsetof(struct pull, job));

	pthread_mutex_lock(&p->all->lock);
	p->state = PULL_CHECKED;
	pthread_cond_signal(&p->all->wake);
	pthread_mutex_unlock(&p->all->lock);
}

static void pull_check(struct pull *p)
{
	pthread_mutex_lock(&p->all->lock);
	p->state = PULL_CHECK;
	pthread_mutex_unlock(&p->all->lock);
	p->job = (struct disk_job){.work = check_work, .done = check_done};
	disk_submit(p->all->dp->disk, &p->job);
}

/* An http or https URL that names a host, and nobody in front of it; paths and queries are the provider's. */
static bool address_ok(struct str url)
{
	struct str host = str_skip(url, str_find(url, ':') + 3);

	if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://"))) return false;
	host = str_first(host, str_find(host, '/'));
	return url.n <= DS_URL_MAX && host.n && host.p[0] != ':' && str_find(host, '@') == host.n;
}

/* "Bearer <token>" and endpoint of the DataAddress; false when it is not one we can use. */
static bool address_read(struct arena *a, const Ds__Transfer *x, const char **ret_url,
			 const char **ret_token)
{
	struct str endpoint, token;
	json_t *j;

	if (json_read(a, str_of(x->address), NULL, &j)) return false;
	endpoint = dsp_data_address_text(j, "endpoint");
	token = dsp_data_address_text(j, "authorization");
	if (!address_ok(endpoint)) return false;
	*ret_url = arena_strdup(a, endpoint);
	*ret_token = str_starts_nocase(token, STR("bearer "))
			 ? arena_strdup(a, token)
			 : arena_printf(a, "Bearer %.*s", STR_ARG(token)).p;
	return *ret_url && *ret_token;
}

static enum err pull_send(struct pull *p, struct arena *a, const struct pull_ask *q)
{
	const char *url, *token;
	struct courier_header h[4];
	size_t n = 0;

	if (!address_read(a, q->x, &url, &token)) return ERR_BAD_MESSAGE;
	h[n++] = (struct courier_header){"Authorization", token};
	h[n++] = (struct courier_header){"Kanhe-Request",
					 arena_printf(a, "%llu", (unsigned long long)q->number).p};
	if (q->x->rate)
		h[n++] = (struct courier_header){"Kanhe-Rate",
						 arena_printf(a, "%llu", (unsigned long long)q->x->rate).p};
	if (p->at)
		h[n++] = (struct courier_header){
		    "Range", arena_printf(a, "bytes=%llu-", (unsigned long long)p->at).p};
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	p->start = p->at;
	p->answered = false;
	p->status = 0;
	p->error_n = 0;
	memset(p->error, 0, sizeof p->error);
	atomic_fetch_add(&p->all->dp->stat.pulls_attempted, 1);
	struct courier_req r = {.method = "GET",
				.url = url,
				.headers = h,
				.headers_n = n,
				.deadline = PULL_SILENCE,
				.data = pull_data,
				.rate = q->x->rate,
				.done = pull_done,
				.arg = p};
	pthread_mutex_lock(&p->all->lock);
	p->state = PULL_FETCH;
	enum err e = courier_submit(p->all->dp->d->o.courier, &r, &p->ticket);
	if (e) p->state = PULL_WAIT;
	pthread_mutex_unlock(&p->all->lock);
	return e;
}

static void pull_attempt(struct pull *p)
{
	struct ds *d = p->all->dp->d;
	struct arena *a = arena_new(DP_ARENA);
	struct pull_ask q = {
	    .participant = p->item.participant, .pid = p->item.pid, .answered = p->answered};
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;

	if (!e && p->fd < 0) e = pull_file_open(d, p);
	q.on_disk = p->at;
	if (!e) e = pull_ask(d, a, &q);
	if (e || !q.go || q.finished) {
		if (!e && q.finished)
			(void)!ds_transfer_finished(d, p->item.participant, p->item.pid, ERR_OK, STR_NONE);
		arena_free(a);
		if (e && e != ERR_STOPPING)
			pull_wait(p, false);
		else
			pull_over(p);
		return;
	}
	p->promised = q.g->digest.len == 32;
	p->size = q.g->size;
	if (p->promised) memcpy(p->want, q.g->digest.data, 32);
	if (p->promised && p->at > p->size && !ftruncate(p->fd, 0)) p->at = 0;
	if (q.here)
		pull_check(p);
	else if ((e = pull_send(p, a, &q)) == ERR_BAD_MESSAGE)
		pull_failed(p, e, "the data address cannot be used");
	else if (e)
		pull_wait(p, false);
	arena_free(a);
}

/* The provider says no: mostly the message that ends the transfer is on its way. */
static void pull_refused(struct pull *p)
{
	const char *text = p->error;
	json_t *j = json_loads(p->error, JSON_DISABLE_EOF_CHECK, NULL);
	char reason[PULL_ERROR_MAX + 64];

	if (json_is_string(json_object_get(j, "detail")))
		text = json_string_value(json_object_get(j, "detail"));
	snprintf(reason, sizeof reason, "the provider answers %d: %s", p->status, text);
	json_decref(j);
	if (++p->refusals < PULL_REFUSALS_MAX)
		pull_wait(p, false);
	else
		pull_failed(p, p->status == 403 ? ERR_FORBIDDEN : ERR_UPSTREAM, reason);
}

static void pull_fetched(struct pull *p)
{
	bool progress = p->at > p->start;

	if (!p->err && (p->status == 200 || p->status == 206)) {
		pull_check(p);
	} else if (p->err == ERR_TOO_LARGE || (!p->err && p->status == 416)) {
		pull_check(p); /* longer than it should be: the digest will say so */
	} else if (!p->err && p->status >= 300 && p->status < 500 && p->status != 408 && p->status != 409 &&
		   p->status != 425 && p->status != 429) {
		pull_refused(p);
	} else {
		log_line(LOG_DEBUG, "pull", NULL, "pid", p->pid, "error", err_name(p->err), "msg", p->error,
			 NULL);
		pull_wait(p, progress);
	}
}

static void pull_misfit(struct pull *p, const struct pull_result *r)
{
	atomic_fetch_add(&p->all->dp->stat.pulls_mismatched, 1);
	pull_file_close(p);
	if (r->misfits < PULL_MISFITS_MAX)
		pull_wait(p, false); /* once more, from nothing */
	else
		pull_failed(p, ERR_CORRUPT,
			    "what arrived is not what was promised: its digest differs, twice");
}

static void pull_checked(struct pull *p)
{
	struct ds *d = p->all->dp->d;
	struct pull_result r = {
	    .participant = p->item.participant, .pid = p->item.pid, .size = p->at, .digest = p->digest};
	enum err e = p->err;

	if (!e && p->promised && memcmp(p->want, p->digest, 32))
		e = pull_file_aside(d, p);
	else if (!e)
		e = pull_file_keep(d, p);
	if (!e) e = pull_record(d, &r);
	if (e) { /* a full disk, a stopping writer: the next attempt looks again */
		pull_file_close(p);
		p->at = 0;
		if (e == ERR_STOPPING)
			pull_over(p);
		else
			pull_wait(p, false);
		return;
	}
	if (r.state == DS__DIGEST_STATE__DIGEST_MISMATCH) {
		pull_misfit(p, &r);
		return;
	}
	(void)!ds_transfer_finished(d, p->item.participant, p->item.pid, ERR_OK, STR_NONE);
	pull_over(p);
}

static void pull_step(struct pull *p, enum pull_state was)
{
	if (atomic_load(&p->cut))
		pull_over(p);
	else if (was == PULL_WAIT)
		pull_attempt(p);
	else if (was == PULL_FETCHED)
		pull_fetched(p);
	else
		pull_checked(p);
}

/* The next pull that something is to be done for, or NULL and when to look again. A fetch that was cut
 * is cancelled. */
static struct pull *next_of(struct pulls *all, usec_t now, usec_t *ret_due)
{
	*ret_due = now + 3600 * USEC_PER_SEC;
	for (struct pull *p = all->first; p; p = p->next) {
		bool cut = atomic_load(&p->cut);

		if (p->state == PULL_FETCHED || p->state == PULL_CHECKED) return p;
		if (p->state == PULL_FETCH && cut && p->ticket) {
			courier_cancel(all->dp->d->o.courier, p->ticket);
			p->ticket = 0;
		}
		if (p->state != PULL_WAIT) continue;
		if (cut || p->due <= now) return p;
		if (p->due < *ret_due) *ret_due = p->due;
	}
	return NULL;
}

static void start_unfinished(struct pulls *all);

static void *pulls_lead(void *arg)
{
	struct pulls *all = arg;

	start_unfinished(all);
	pthread_mutex_lock(&all->lock);
	for (;;) {
		usec_t due;
		struct pull *p = next_of(all, clock_mono(), &due);

		if (p) {
			enum pull_state was = p->state;

			pthread_mutex_unlock(&all->lock);
			pull_step(p, was);
			pthread_mutex_lock(&all->lock);
			continue;
		}
		if (all->stopping && !all->first) break;
		struct timespec until = {due / USEC_PER_SEC, (long)(due % USEC_PER_SEC) * 1000};
		pthread_cond_timedwait(&all->wake, &all->lock, &until);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* ---- from other threads ---- */

/* Under the lock of the running ones. */
static void pull_cut(struct running_item *i, enum err why)
{
	struct pull *p = (struct pull *)(void *)i;
	int none = ERR_OK;

	(void)atomic_compare_exchange_strong(&p->cut, &none, (int)why);
	pthread_mutex_lock(&p->all->lock);
	p->again = false;
	pthread_cond_signal(&p->all->wake);
	pthread_mutex_unlock(&p->all->lock);
}

static struct pull *find(struct pulls *all, struct str participant, struct str pid)
{
	for (struct pull *p = all->first; p; p = p->next)
		if (str_is(pid, p->pid) && str_is(participant, p->participant)) return p;
	return NULL;
}

static struct pull *pull_new(struct pulls *all, struct str participant, struct str pid)
{
	struct pull *p = calloc(1, sizeof *p);

	if (!p || participant.n >= sizeof p->participant || pid.n >= sizeof p->pid) {
		free(p);
		return NULL;
	}
	memcpy(p->participant, participant.p, participant.n);
	memcpy(p->pid, pid.p, pid.n);
	p->item = (struct running_item){
	    .participant = str_of(p->participant), .pid = str_of(p->pid), .cut = pull_cut};
	p->all = all;
	p->fd = -1;
	p->due = clock_mono();
	return p;
}

void dp_pull_start(struct ds *d, struct str participant, struct str pid)
{
	struct pulls *all = d->dp->pulls;
	struct pull *p, *fresh = pull_new(all, participant, pid);

	if (!fresh) return; /* the next start finds it */
	/* entered before it may run: a cut from now on finds it. The order of locks: running, then all. */
	running_add(&d->dp->running, &fresh->item);
	pthread_mutex_lock(&all->lock);
	p = all->stopping ? NULL : find(all, participant, pid);
	if (p) {
		if (atomic_load(&p->cut)) p->again = true;
		if (p->state == PULL_WAIT) p->due = clock_mono();
	} else if (!all->stopping) {
		fresh->next = all->first;
		all->first = fresh;
		fresh = NULL;
	}
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	if (!fresh) return;
	running_remove(&d->dp->running, &fresh->item);
	free(fresh);
}

/* ---- life ---- */

struct finding {
	struct ds *d;
	struct store_txn *t;
	struct arena *a;
};

static enum err transfer_seen(void *arg, struct str participant, const Ds__Transfer *x)
{
	struct finding *f = arg;

	if (x->side == DS__SIDE__SIDE_CONSUMER && x->state == DSP_TRANSFER_STARTED && !x->pending &&
	    !ds_transfer_pushed(x))
		dp_pull_start(f->d, participant, str_of(x->pid));
	return ERR_OK;
}

static enum err participant_seen(void *arg, struct str id)
{
	struct finding *f = arg;
	struct arena_mark m = arena_mark(f->a);
	enum err e = ds_transfer_each(f->t, f->a, id, STR_NONE, transfer_seen, f);

	arena_rollback(f->a, m);
	return e;
}

static enum err open_seen(void *arg, struct str participant, struct str pid, struct str agreement)
{
	struct finding *f = arg;

	(void)agreement;
	dp_settle(f->d->dp, participant, pid);
	return ERR_OK;
}

/* What the last process left: pulls to go on with, counts to state. */
static void start_unfinished(struct pulls *all)
{
	enum { FIND_ARENA = 1 << 30 /* every transfer of the largest participant; used as needed */ };
	struct finding f = {.d = all->dp->d, .a = arena_new(FIND_ARENA)};
	enum err e = f.a ? store_read(f.d->o.store, &f.t) : ERR_NO_MEMORY;

	if (!e) e = ds_participant_each(f.t, f.a, participant_seen, &f);
	if (!e) e = meter_each_open(f.t, f.a, open_seen, &f);
	if (e)
		log_line(LOG_ERROR, "pull", NULL, "error", err_name(e), "msg",
			 "cannot look for unfinished transfers", NULL);
	if (f.t) store_read_end(f.t);
	arena_free(f.a);
}

enum err pulls_open(struct dp *dp, struct pulls **ret)
{
	struct pulls *all = calloc(1, sizeof *all);
	pthread_condattr_t attr;

	if (!all) return ERR_NO_MEMORY;
	all->dp = dp;
	must(!pthread_mutex_init(&all->lock, NULL) && !pthread_condattr_init(&attr));
	must(!pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) && !pthread_cond_init(&all->wake, &attr));
	pthread_condattr_destroy(&attr);
	*ret = all;
	return ERR_OK;
}

enum err pulls_start(struct pulls *all)
{
	if (pthread_create(&all->thread, NULL, pulls_lead, all)) return ERR_NO_MEMORY;
	all->started = true;
	return ERR_OK;
}

void pulls_quiesce(struct pulls *all)
{
	if (!all->started) return;
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	for (struct pull *p = all->first; p; p = p->next) {
		int none = ERR_OK;
		(void)atomic_compare_exchange_strong(&p->cut, &none, ERR_STOPPING);
	}
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->thread, NULL);
	all->started = false;
}

void pulls_close(struct pulls *all)
{
	if (!all) return;
	pthread_cond_destroy(&all->wake);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
