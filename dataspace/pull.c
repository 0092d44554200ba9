#include "dataspace/flow_fetch.h"
#include "dataspace/pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "dataspace/receipt.h"
#include "dataspace/under_way.h"
#include "proto/dsp/state.h"
#include "proto/dsp/transfer.h"

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
	p->told_at = p->at;
	pull_tell(p->all->dp->d, p->item.participant, p->item.pid, p->at, p);
}

void pull_told(struct pull *p)
{
	struct leader *all = p->all;

	pthread_mutex_lock(&all->lock);
	p->telling = false; /* p may be freed from here on */
	pthread_cond_broadcast(&all->wake);
	pthread_mutex_unlock(&all->lock);
}

static void pull_calm(struct pull *p)
{
	if (p->troubled) fetching_note(p->all->dp->d, p->item.participant, p->item.pid, STR_NONE);
	p->troubled = false;
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
	pull_calm(p);
	if (p->promised && piece.n > p->size - p->at) return ERR_TOO_LARGE;
	e = put_octets(p, piece);
	atomic_fetch_add(&p->all->dp->stat.octets_pulled, piece.n);
	if (!e) tell_progress(p);
	return e;
}

void pull_done(void *arg, const struct courier_result *r)
{
	struct pull *p = arg;
	struct leader *all = p->all;

	pthread_mutex_lock(&all->lock);
	p->err = r->err;
	p->status = r->status;
	if (!r->err && !p->renewing && (r->status == 200 || r->status == 206))
		p->answered = true; /* of no octets */
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
	led_wait(&p->led);
}

static struct pull *pull_of(struct led *i)
{
	return (struct pull *)(void *)i;
}

static void pull_over(struct pull *p)
{
	pull_file_close(p);
	pthread_mutex_lock(&p->all->lock);
	while (p->telling) pthread_cond_wait(&p->all->wake, &p->all->lock);
	pthread_mutex_unlock(&p->all->lock);
	led_over(&p->led);
}

static void pull_told_end(const struct pull *p, enum err e, struct str text)
{
	struct ds *d = p->all->dp->d;
	struct str participant = p->item.participant, pid = p->item.pid;

	if (flow_fetched(pid))
		(void)!flow_fetch_end(d, participant, pid, e, text);
	else
		(void)!ds_transfer_finished(d, participant, pid, e, text);
}

static void pull_failed(struct pull *p, enum err e, const char *text)
{
	pull_told_end(p, e, str_of(text));
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

/* An http or https URL that names a host, and nobody in front of it; paths and queries are the provider's.
 */
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

enum err pull_submit(struct pull *p, const struct courier_req *r)
{
	enum err e;

	pthread_mutex_lock(&p->all->lock);
	p->state = PULL_FETCH;
	e = courier_submit(p->all->dp->d->o.courier, r, &p->ticket);
	if (e) p->state = PULL_WAIT;
	pthread_mutex_unlock(&p->all->lock);
	return e;
}

static enum err pull_send(struct pull *p, struct arena *a, const struct pull_ask *q)
{
	const char *url, *token;
	struct courier_header h[4];
	size_t n = 0;

	if (!address_read(a, q->x, &url, &token)) return ERR_BAD_MESSAGE;
	h[n++] = (struct courier_header){"Authorization", token};
	if (q->number)
		h[n++] = (struct courier_header){"Kanhe-Request",
						 arena_printf(a, "%llu", (unsigned long long)q->number).p};
	if (q->x->rate)
		h[n++] = (struct courier_header){"Kanhe-Rate",
						 arena_printf(a, "%llu", (unsigned long long)q->x->rate).p};
	if (p->at || p->endless)
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
	return pull_submit(p, &r);
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
		if (!e && q.finished) pull_told_end(p, ERR_OK, STR_NONE);
		arena_free(a);
		if (e && e != ERR_STOPPING)
			pull_wait(p, false);
		else
			pull_over(p);
		return;
	}
	p->promised = q.g->digest.len == 32;
	p->endless = q.x->non_finite;
	p->size = q.g->size;
	if (p->promised) memcpy(p->want, q.g->digest.data, 32);
	if (p->promised && p->at > p->size && !ftruncate(p->fd, 0)) p->at = 0;
	if (q.here)
		pull_check(p);
	else if (pull_renew_due(a, p, &q) && !(e = pull_renew_send(p, d, a, &q)))
		; /* the data is asked for with what comes */
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
	p->denied = p->status == 401;
	if (p->denied && !p->lasting)
		snprintf(reason, sizeof reason,
			 "the provider answers %d, and the address has no refreshToken: %s", p->status,
			 text);
	else
		snprintf(reason, sizeof reason, "the provider answers %d: %s", p->status, text);
	json_decref(j);
	if (++p->refusals < PULL_REFUSALS_MAX)
		pull_wait(p, false);
	else
		pull_failed(p, p->status == 403 ? ERR_FORBIDDEN : ERR_UPSTREAM, reason);
}

/* New tokens: the next attempt has them. */
static void pull_answered(struct pull *p)
{
	bool good = !p->err && p->status == 200;
	enum err e = good ? pull_renewed(p, p->all->dp->d) : ERR_OK;

	p->renewing = false;
	if (good && !e) {
		p->denied = false;
		led_wait_until(&p->led, clock_mono());
	} else if (e == ERR_STOPPING) {
		pull_over(p);
	} else if (good || (!p->err && p->status >= 300 && p->status < 500 && p->status != 408 &&
			    p->status != 429)) {
		snprintf(p->error, sizeof p->error, "the token is not renewed: %.*s",
			 (int)(p->reply_n < 500 ? p->reply_n : 500), p->reply);
		pull_refused(p);
	} else {
		pull_wait(p, false);
	}
}

/* A piece is here, or there is none yet. */
static void pull_more(struct pull *p, bool progress)
{
	p->backoff = 0;
	p->refusals = 0;
	p->told = 0;
	if (p->told_at != p->at) tell_progress(p); /* while the last telling is under way, the next time */
	led_wait_until(&p->led, clock_mono() + (progress ? 0 : PULL_POLL));
}

/* It is tried again, for as long as the transfer is STARTED: the owner sees why. */
static void pull_tell_trouble(struct pull *p, bool progress)
{
	char reason[PULL_ERROR_MAX + 64];

	if (p->err)
		snprintf(reason, sizeof reason, "%s", p->error[0] ? p->error : err_text(p->err));
	else
		snprintf(reason, sizeof reason, "the provider answers %d: %s", p->status, p->error);
	log_line(LOG_DEBUG, "pull", NULL, "pid", p->pid, "error", err_name(p->err), "msg", reason, NULL);
	if (progress) return; /* it went on: the next attempt comes at once */
	p->troubled = true;
	fetching_note(p->all->dp->d, p->item.participant, p->item.pid, str_of(reason));
}

static void pull_fetched(struct pull *p)
{
	bool progress = p->at > p->start;

	if (!p->err && p->status < 300) pull_calm(p);
	if (p->renewing) {
		pull_answered(p);
	} else if (p->endless && !p->err && (p->status == 206 || p->status == 204)) {
		pull_more(p, progress);
	} else if (!p->err && (p->status == 200 || p->status == 206)) {
		pull_check(p);
	} else if (p->err == ERR_TOO_LARGE || (!p->err && p->status == 416)) {
		pull_check(p); /* longer than it should be: the digest will say so */
	} else if (!p->err && p->status >= 300 && p->status < 500 && p->status != 408 && p->status != 409 &&
		   p->status != 425 && p->status != 429) {
		pull_refused(p);
	} else {
		pull_tell_trouble(p, progress);
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
	pull_told_end(p, ERR_OK, STR_NONE);
	pull_over(p);
}

static void pull_step(struct led *i, int was)
{
	struct pull *p = pull_of(i);

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
static struct led *pull_next(struct leader *all, usec_t now, usec_t *ret_due)
{
	*ret_due = now + 3600 * USEC_PER_SEC;
	for (struct led *p = all->first; p; p = p->next) {
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

static void pull_made(struct led *i)
{
	pull_of(i)->fd = -1;
}

static void pull_anew(struct led *i)
{
	pull_of(i)->refusals = 0;
}

static void pull_gone(struct led *i)
{
	if (!flow_fetched(i->item.pid)) dp_settle(i->all->dp, i->item.participant, i->item.pid);
}

const struct led_kind pulls = {
    .size = sizeof(struct pull),
    .retry_first = PULL_RETRY_FIRST,
    .retry_last = PULL_RETRY_LAST,
    .hurry = true,
    .made = pull_made,
    .anew = pull_anew,
    .gone = pull_gone,
    .find = pulls_find,
    .next = pull_next,
    .step = pull_step,
};

void dp_pull_start(struct ds *d, struct str participant, struct str pid)
{
	led_start(d->dp->pulls, participant, pid);
}
