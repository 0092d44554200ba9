#include "net/courier.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/courier_job.h"
#include "net/courier_lane.h"
#include "net/courier_queue.h"

enum {
	PER_HOST = 8,        /* connections; HTTP/2 needs one or two */
	WAITING_MAX = 10000, /* requests in hand */
	RUNNING_MAX = 512,   /* with libcurl at once: each costs it some 20 KiB */
	EVENTS_MAX = 64,     /* taken from epoll at once */
	SCAN_MSEC = 100,     /* how late a request that does not run may be told that its time is over */
	SLEEP_MSEC = 60000   /* with nothing to do; work wakes it */
};

struct courier {
	struct courier_options o; /* its strings are copies */
	struct courier_lane lane[COURIER_LANES];
	int epoll, wake; /* wake: an eventfd among the lanes' sockets */
	pthread_t thread;

	pthread_mutex_t lock;
	struct courier_job *inbox_first, *inbox_last;
	uint64_t *cancels; /* tickets */
	size_t cancels_n, cancels_room;
	size_t in_hand; /* submitted, done not yet called */
	uint64_t tickets;
	bool stopping;

	/* the thread's */
	struct courier_job *jobs;
	struct courier_queue queue;
	size_t running, rated, backoff; /* rated: running with a bounded rate */
	usec_t scanned;

	_Atomic uint64_t sent, answered, failed, retried, refused_address;
};

static void list_add(struct courier *c, struct courier_job *j)
{
	j->prev = NULL;
	j->next = c->jobs;
	if (j->next) j->next->prev = j;
	c->jobs = j;
}

static void list_remove(struct courier *c, struct courier_job *j)
{
	*(j->prev ? &j->prev->next : &c->jobs) = j->next;
	if (j->next) j->next->prev = j->prev;
}

/* Takes j from wherever it is: libcurl, its line. */
static void detach(struct courier *c, struct courier_job *j)
{
	if (j->easy) {
		curl_multi_remove_handle(c->lane[courier_job_lane(j)].multi, j->easy);
		curl_easy_cleanup(j->easy); /* one that has shared a connection cannot be used anew */
		j->easy = NULL;
	}
	if (j->state == COURIER_RUNNING) {
		c->running--;
		c->rated -= j->q.rate != 0;
	}
	if (j->state == COURIER_BACKOFF)
		c->backoff--;
	else if (j->origin)
		courier_queue_leave(&c->queue, j);
}

/* The answer in j->result is final. */
static void finish(struct courier *c, struct courier_job *j)
{
	const struct courier_result *r = &j->result;
	detach(c, j);
	list_remove(c, j);
	if (!r->err)
		c->answered++;
	else
		c->failed++;
	pthread_mutex_lock(&c->lock);
	c->in_hand--; /* before done, which may well submit the next one */
	pthread_mutex_unlock(&c->lock);
	j->q.done(j->q.arg, r);
	courier_job_free(j);
}

static void finish_with(struct courier *c, struct courier_job *j, enum err e, const char *why)
{
	j->result.err = e;
	j->result.took = clock_mono() - j->born;
	snprintf(j->result.text, sizeof j->result.text, "%s", why);
	finish(c, j);
}

static void start(struct courier *c, struct courier_job *j)
{
	c->running++;
	c->rated += j->q.rate != 0;
	j->easy = curl_easy_init();
	enum err e = j->easy ? courier_job_prepare(j, &c->o, clock_mono()) : ERR_NO_MEMORY;
	if (!e && curl_multi_add_handle(c->lane[courier_job_lane(j)].multi, j->easy)) e = ERR_NO_MEMORY;
	if (e) {
		finish_with(c, j, e,
			    j->body_file && e != ERR_NO_MEMORY ? "the file to send cannot be read"
							       : err_text(e));
		return;
	}
	c->sent++;
}

static void enqueue(struct courier *c, struct courier_job *j)
{
	if (courier_queue_add(&c->queue, j)) finish_with(c, j, ERR_NO_MEMORY, err_text(ERR_NO_MEMORY));
}

static void conclude(struct courier *c, CURL *easy, CURLcode code)
{
	struct courier_job *j = NULL;
	usec_t now = clock_mono();
	must(!curl_easy_getinfo(easy, CURLINFO_PRIVATE, &j) && j && j->easy == easy);
	courier_job_conclude(j, code, now);
	if (j->refused_address) c->refused_address++;
	usec_t wait = courier_job_retry(j, code, now);
	if (wait < 0) {
		finish(c, j);
		return;
	}
	c->retried++;
	detach(c, j);
	j->state = COURIER_BACKOFF;
	j->retry_at = now + wait;
	c->backoff++;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void cancel(struct courier *c, uint64_t ticket)
{
	struct courier_job *j = c->jobs;
	while (j && j->ticket != ticket) j = j->next;
	if (j) finish_with(c, j, ERR_STOPPING, "cancelled");
}

/* What other threads have handed in. False when the courier is to stop. */
static bool take_inbox(struct courier *c)
{
	pthread_mutex_lock(&c->lock);
	struct courier_job *j = c->inbox_first;
	uint64_t *tickets = c->cancels;
	size_t n = c->cancels_n;
	bool stopping = c->stopping;
	c->inbox_first = c->inbox_last = NULL;
	c->cancels = NULL;
	c->cancels_n = c->cancels_room = 0;
	pthread_mutex_unlock(&c->lock);
	for (struct courier_job *next; j; j = next) {
		next = j->next;
		list_add(c, j);
		enqueue(c, j);
	}
	for (size_t i = 0; i < n; i++) cancel(c, tickets[i]);
	free(tickets);
	return !stopping;
}

/* Time of the next thing j waits for, or 0. */
static usec_t alarm_of(const struct courier_job *j)
{
	if (j->state == COURIER_BACKOFF) return j->retry_at;
	return j->state == COURIER_RUNNING ? j->resume_at : 0;
}

static bool has_alarms(const struct courier *c)
{
	return c->backoff || c->rated;
}

static void ring_alarms(struct courier *c, usec_t now)
{
	for (struct courier_job *j = has_alarms(c) ? c->jobs : NULL, *next; j; j = next) {
		next = j->next;
		if (!alarm_of(j) || now < alarm_of(j)) continue;
		if (j->state == COURIER_RUNNING) {
			j->resume_at = 0;
			curl_easy_pause(j->easy, CURLPAUSE_CONT);
			continue;
		}
		c->backoff--;
		j->state = COURIER_NEW;
		enqueue(c, j);
	}
}

static void end_overdue(struct courier *c, usec_t now)
{
	if (now - c->scanned < SCAN_MSEC * USEC_PER_MSEC) return;
	c->scanned = now;
	for (struct courier_job *j = c->jobs, *next; j; j = next) {
		next = j->next;
		if (courier_job_overdue(j, now))
			finish_with(c, j, ERR_TIMEOUT,
				    j->state == COURIER_RUNNING ? "nothing moved in time"
								: "its turn did not come in time");
	}
}

static void take_answers(struct courier *c)
{
	int left;
	for (int i = 0; i < COURIER_LANES; i++)
		for (CURLMsg *m; (m = curl_multi_info_read(c->lane[i].multi, &left));)
			if (m->msg == CURLMSG_DONE) conclude(c, m->easy_handle, m->data.result);
}

static usec_t earlier(usec_t at, usec_t other)
{
	return other && other < at ? other : at;
}

/* Milliseconds until something is due. */
static int sleep_time(const struct courier *c, usec_t now)
{
	usec_t at = now + (c->jobs ? SCAN_MSEC : SLEEP_MSEC) * USEC_PER_MSEC;
	for (int i = 0; i < COURIER_LANES; i++) at = earlier(at, c->lane[i].timer);
	for (struct courier_job *j = has_alarms(c) ? c->jobs : NULL; j; j = j->next)
		at = earlier(at, alarm_of(j));
	return at <= now ? 0 : (int)((at - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static void take_events(struct courier *c)
{
	struct epoll_event e[EVENTS_MAX];
	uint64_t count;
	int n = epoll_wait(c->epoll, e, EVENTS_MAX, sleep_time(c, clock_mono()));
	for (int i = 0; i < n; i++) {
		if (courier_lane_of(&e[i]) < COURIER_LANES)
			courier_lane_event(&c->lane[courier_lane_of(&e[i])], &e[i]);
		else
			must(read(c->wake, &count, sizeof count) == sizeof count);
	}
	for (int i = 0; i < COURIER_LANES; i++) courier_lane_tick(&c->lane[i], clock_mono());
}

static void *run(void *arg)
{
	struct courier *c = arg;
	while (take_inbox(c)) {
		usec_t now = clock_mono();
		ring_alarms(c, now);
		end_overdue(c, now);
		for (struct courier_job *j;
		     c->running < RUNNING_MAX && (j = courier_queue_take(&c->queue));)
			start(c, j);
		take_events(c);
		take_answers(c);
	}
	while (c->jobs) finish_with(c, c->jobs, ERR_STOPPING, "the courier stops");
	return NULL;
}

/* ---- for other threads ----------------------------------------------------------------------- */

static char *copy(const char *s, bool *ok)
{
	char *p = s ? strdup(s) : NULL;
	if (s && !p) *ok = false;
	return p;
}

static void courier_free(struct courier *c)
{
	for (int i = 0; i < COURIER_LANES; i++) courier_lane_close(&c->lane[i]);
	if (c->epoll >= 0) close(c->epoll);
	if (c->wake >= 0) close(c->wake);
	pthread_mutex_destroy(&c->lock);
	free((char *)(uintptr_t)c->o.ca_file);
	free((char *)(uintptr_t)c->o.client_cert);
	free((char *)(uintptr_t)c->o.client_key);
	free(c->cancels);
	free(c);
}

static bool set_up(struct courier *c, const struct courier_options *o)
{
	bool ok = true;
	c->o = *o;
	c->o.ca_file = copy(o->ca_file, &ok);
	c->o.client_cert = copy(o->client_cert, &ok);
	c->o.client_key = copy(o->client_key, &ok);
	if (!c->o.waiting_max) c->o.waiting_max = WAITING_MAX;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	long per_host = (long)(o->per_host ? o->per_host : PER_HOST);
	c->queue.rated_max = (unsigned)(per_host + 1) / 2;
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)COURIER_LANES << 32};
	ok = ok && c->epoll >= 0 && c->wake >= 0 && epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->wake, &e) == 0;
	for (unsigned i = 0; i < COURIER_LANES; i++)
		ok = ok && courier_lane_open(&c->lane[i], c->epoll, i, per_host);
	return ok;
}

static void global_init(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	courier_job_set_up();
}

/* The thread takes no signals: they are the main thread's, and a broken pipe is an error, not an end. */
static bool spawn(struct courier *c)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&c->thread, NULL, run, c) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

enum err courier_start(const struct courier_options *o, struct courier **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, global_init);
	struct courier *c = calloc(1, sizeof *c);
	if (!c) return ERR_NO_MEMORY;
	pthread_mutex_init(&c->lock, NULL);
	if (!set_up(c, o) || !spawn(c)) {
		courier_free(c);
		return ERR_NO_MEMORY;
	}
	*ret = c;
	return ERR_OK;
}

static void wake(struct courier *c)
{
	const uint64_t one = 1;
	must(write(c->wake, &one, sizeof one) == sizeof one);
}

static enum err hand_over(struct courier *c, struct courier_job *j, uint64_t *ret_ticket)
{
	enum err e = ERR_OK;
	pthread_mutex_lock(&c->lock);
	if (c->stopping)
		e = ERR_STOPPING;
	else if (c->in_hand >= c->o.waiting_max)
		e = ERR_BUSY;
	if (!e) {
		c->in_hand++;
		j->ticket = ++c->tickets;
		*ret_ticket = j->ticket;
		*(c->inbox_last ? &c->inbox_last->next : &c->inbox_first) = j;
		c->inbox_last = j;
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

enum err courier_submit(struct courier *c, const struct courier_req *r, uint64_t *ret_ticket)
{
	struct courier_job *j;
	enum err e = courier_job_new(r, c->o.allow_private, &j);
	if (e) return e;
	e = hand_over(c, j, ret_ticket);
	if (e)
		courier_job_free(j);
	else
		wake(c);
	return e;
}

void courier_cancel(struct courier *c, uint64_t ticket)
{
	pthread_mutex_lock(&c->lock);
	if (c->cancels_n == c->cancels_room) {
		size_t room = c->cancels_room ? 2 * c->cancels_room : 16;
		uint64_t *p = realloc(c->cancels, room * sizeof *p);
		must(p);
		c->cancels = p;
		c->cancels_room = room;
	}
	c->cancels[c->cancels_n++] = ticket;
	pthread_mutex_unlock(&c->lock);
	wake(c);
}

void courier_stop(struct courier *c)
{
	if (!c) return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	wake(c);
	pthread_join(c->thread, NULL);
	courier_free(c);
}

void courier_stat(struct courier *c, struct courier_stat *ret)
{
	*ret = (struct courier_stat){.sent = c->sent,
				     .answered = c->answered,
				     .failed = c->failed,
				     .retried = c->retried,
				     .refused_address = c->refused_address};
}
