/* The reporter's thread: when to report, what to do when asked. */
#include "resolver/reporter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ledger.h"
#include "base/log.h"
#include "base/writer.h"
#include "net/courier.h"
#include "resolver/account.h"
#include "resolver/registry.h"
#include "resolver/statistics.h"

enum { ANSWER_MAX = 1 << 20 };
#define LOOK_EVERY (100 * USEC_PER_MSEC)
#define CALL_DEADLINE (60 * USEC_PER_SEC)

/* ---- exchanges -------------------------------------------------------------------------- */

/* On the courier's thread. */
static void on_done(void *arg, const struct courier_result *c)
{
	struct reporter *r = arg;
	pthread_mutex_lock(&r->lock);
	struct exchange *x = &r->exchange;
	x->err = c->err;
	x->status = c->status;
	snprintf(x->text, sizeof x->text, "%s", c->text);
	buf_add(&x->body, c->body);
	if (!x->err) x->err = buf_err(&x->body);
	x->over = true;
	r->flying = false;
	pthread_cond_broadcast(&r->woken);
	pthread_mutex_unlock(&r->lock);
}

static enum err submit(struct reporter *r, const struct report_call *call, uint64_t *ret_ticket)
{
	char url[1600];
	struct courier_header headers[] = {{"authorization", r->token},
					   {"content-type", call->content_type}};
	snprintf(url, sizeof url, "%s%s", r->url, call->path);
	struct courier_req q = {.method = call->method,
				.url = url,
				.headers = headers,
				.headers_n = 2,
				.body = buf_str(&call->body),
				.deadline = CALL_DEADLINE,
				.retries = 1,
				.body_max = ANSWER_MAX,
				.done = on_done,
				.arg = r};
	return courier_submit(r->rs->o.courier, &q, ret_ticket);
}

enum err reporter_exchange(struct reporter *r, struct report_call *call)
{
	struct exchange *x = &r->exchange;
	uint64_t ticket = 0;
	enum err e = buf_err(&call->body);
	pthread_mutex_lock(&r->lock);
	buf_clear(&x->body);
	x->over = false;
	x->text[0] = 0;
	if (!e && r->stopping) e = ERR_STOPPING;
	pthread_mutex_unlock(&r->lock);
	if (!e) e = submit(r, call, &ticket);
	buf_done(&call->body);
	if (e) {
		snprintf(x->text, sizeof x->text, "%s", err_text(e));
		return e;
	}
	pthread_mutex_lock(&r->lock);
	r->ticket = ticket;
	r->flying = !x->over;
	bool stop = r->stopping;
	pthread_mutex_unlock(&r->lock);
	if (stop) courier_cancel(r->rs->o.courier, ticket);
	pthread_mutex_lock(&r->lock);
	while (!x->over) pthread_cond_wait(&r->woken, &r->lock);
	e = x->err;
	pthread_mutex_unlock(&r->lock);
	if (e || x->status == 200 || x->status == 409) return e;
	snprintf(x->text, sizeof x->text, "%s answered %d: %.*s", call->path, x->status,
		 STR_ARG(str_first(buf_str(&x->body), 120)));
	return ERR_UPSTREAM;
}

static void fail(struct reporter *r, enum err e, usec_t *pause, usec_t *next)
{
	*pause = *pause ? *pause * 2 : REPORT_WAIT_MIN;
	if (*pause > REPORT_WAIT_MAX) *pause = REPORT_WAIT_MAX;
	*next = clock_mono() + *pause;
	pthread_mutex_lock(&r->lock);
	r->status.failures++;
	snprintf(r->status.error, sizeof r->status.error, "%s",
		 r->exchange.text[0] ? r->exchange.text : err_text(e));
	pthread_mutex_unlock(&r->lock);
	if (e != ERR_STOPPING)
		log_line(LOG_WARN, "report", NULL, "error", err_name(e), "url", r->url, "msg",
			 r->status.error, NULL);
}

/* ---- reports ---------------------------------------------------------------------------- */

struct day {
	struct report_prefix *prefix;
	uint32_t today;
};

static enum err add_day(void *arg, uint32_t day, const uint64_t n[STATISTICS_N])
{
	struct day *d = arg;
	if (day > d->today || d->today - day >= REPORT_DAYS) return ERR_OK;
	memcpy(d->prefix->days[REPORT_DAYS - 1 - (d->today - day)], n, STATISTICS_N * sizeof *n);
	return ERR_OK;
}

static bool count_enterprise(void *arg, const struct enterprise *x)
{
	((struct report_enterprises *)arg)->states[x->state]++;
	return true;
}

static enum err count_account(void *arg, const struct account *x)
{
	(void)x;
	((struct report_enterprises *)arg)->accounts++;
	return ERR_OK;
}

static enum err count_enterprises(struct store_txn *t, struct report_enterprises *ret)
{
	enum err e = enterprise_each(t, STR_NONE, count_enterprise, ret);
	return e ? e : account_each(t, STR(""), count_account, ret);
}

static enum err facts_of(struct reporter *r, struct store_txn *t, struct arena *a, struct report_facts *f)
{
	static const char *const names[] = {
#define X(name, help) #name,
	    RS_COUNTERS(X)
#undef X
	};
	static const char *const statistics[] = {
#define X(name, resolution, help) #name,
	    STATISTICS(X)
#undef X
	};
	struct rs *rs = r->rs;
	struct rs_counters all = {0};
	struct merkle_hash root;
	uint64_t *counters = ARENA_ARRAY(a, uint64_t, sizeof names / sizeof *names);
	struct report_prefix *prefixes = ARENA_ARRAY(a, struct report_prefix, rs->o.authority_n + 1);
	size_t n = 0;
	if (!counters || !prefixes) return ERR_NO_MEMORY;
	rs__counters(rs, &all);
#define X(name, help) counters[n++] = atomic_load(&all.name);
	RS_COUNTERS(X)
#undef X
	*f = (struct report_facts){.node = rs->did,
				   .name = rs->name,
				   .at = clock_wall(),
				   .since = r->since,
				   .prefixes = prefixes,
				   .prefixes_n = rs->o.authority_n,
				   .today = (uint32_t)(clock_wall() / USEC_PER_DAY),
				   .statistic_names = statistics,
				   .statistics_n = STATISTICS_N,
				   .counter_names = names,
				   .counters = counters,
				   .counters_n = n,
				   .ledger_size = ledger_size(t)};
	enum err e = r->feed->driver->head(r->feed, t, &f->feed_position);
	if (!e) e = ledger_root(t, &root);
	if (!e) memcpy(f->ledger_root, &root, 32);
	if (!e) e = count_enterprises(t, &f->enterprises);
	for (size_t i = 0; i < rs->o.authority_n && !e; i++) {
		struct registry_count count;
		e = registry_count(t, rs->ours[i].key, &count);
		prefixes[i] = (struct report_prefix){
		    .text = rs->ours[i].text, .active = count.active, .retired = count.retired};
		struct day d = {&prefixes[i], f->today};
		if (!e)
			e = statistics_read(t, rs->ours[i].key, f->today + 1 - REPORT_DAYS, f->today,
					    add_day, &d);
	}
	return e;
}

static enum err send_report(struct reporter *r)
{
	struct arena *a = arena_new(STEP_ARENA);
	struct store_txn *t = NULL;
	struct report_facts f;
	struct report_call call;
	enum err e = a ? store_read(r->rs->o.store, &t) : ERR_NO_MEMORY;
	if (!e) e = facts_of(r, t, a, &f);
	if (!e) r->driver->report(&f, &call);
	store_read_end(t);
	if (!e) e = reporter_exchange(r, &call);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	arena_free(a);
	if (e) {
		fail(r, e, &r->report_pause, &r->next_report);
		return e;
	}
	r->report_pause = 0;
	r->next_report = clock_mono() + r->every;
	pthread_mutex_lock(&r->lock);
	r->status.reports++;
	r->status.last_report = clock_wall();
	r->status.error[0] = 0;
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void serve_ask(struct reporter *r, struct report_ask *k)
{
	struct report_outcome o = {.err = ERR_OK};
	r->exchange.text[0] = 0;
	if (k->work == REPORT_COMPARE) {
		o.err = reporter_compare(r, &o);
	} else {
		bool more = r->status.sync;
		o.err = send_report(r);
		if (!o.err && more && k->work == REPORT_SEND_WHOLE) o.err = reporter_whole_copy(r);
		while (more && !o.err) o.err = reporter_hand_up(r, &more);
		o.position = r->acked;
	}
	if (o.err)
		snprintf(o.text, sizeof o.text, "%s",
			 r->exchange.text[0] ? r->exchange.text : err_text(o.err));
	k->outcome = o;
	k->done(k);
}

static struct report_ask *take_ask(struct reporter *r, bool *ret_stop)
{
	pthread_mutex_lock(&r->lock);
	struct report_ask *k = r->asks;
	if (k) {
		r->asks = k->next;
		if (!r->asks) r->asks_end = &r->asks;
		r->asks_n--;
	}
	*ret_stop = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return k;
}

static void sync_turn(struct reporter *r)
{
	bool more = false;
	if (clock_mono() < r->next_sync) return;
	enum err e = reporter_hand_up(r, &more);
	if (e) {
		r->placed = false;
		fail(r, e, &r->sync_pause, &r->next_sync);
		return;
	}
	r->sync_pause = 0;
	r->next_sync = more ? 0 : clock_mono() + LOOK_EVERY;
}

static void *run(void *arg)
{
	struct reporter *r = arg;
	for (;;) {
		bool stop;
		struct report_ask *k = take_ask(r, &stop);
		if (k) {
			if (stop) {
				k->outcome = (struct report_outcome){.err = ERR_STOPPING};
				k->done(k);
			} else {
				serve_ask(r, k);
			}
			continue;
		}
		if (stop) return NULL;
		if (clock_mono() >= r->next_report) (void)!send_report(r);
		if (r->status.sync) sync_turn(r);
		if (!r->status.sync || r->next_sync)
			(void)!r->feed->driver->wait(r->feed, r->scanned, LOOK_EVERY);
		if (!r->status.sync || r->next_sync > clock_mono() + LOOK_EVERY) {
			/* a feed that moves on must not keep the thread busy while the other side is away
			 */
			struct timespec until;
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += LOOK_EVERY * 1000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			pthread_mutex_lock(&r->lock);
			if (!r->asks && !r->stopping) pthread_cond_timedwait(&r->woken, &r->lock, &until);
			pthread_mutex_unlock(&r->lock);
		}
	}
}

/* ---- opening and closing ---------------------------------------------------------------- */

static const struct report_driver *driver_of(const struct rs_report *o)
{
	const struct report_driver *found = NULL;
	for (size_t i = 0; i < report_drivers_n; i++)
		if (!o->driver || strcmp(report_drivers[i]->name, o->driver) == 0)
			found = report_drivers[i];
	return found;
}

static struct str base_of(const char *text)
{
	struct str url = str_of(text);
	while (url.n && url.p[url.n - 1] == '/') url.n--;
	return url;
}

enum err reporter_check(const struct rs_report *o, struct flaw *f)
{
	if (!o->url || !o->url[0]) return ERR_OK;
	struct str url = base_of(o->url);
	if (!delegation_url_ok(url) || url.n > REPORT_URL_MAX)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "report.to", "report-url",
				"\"%s\" is no http or https URL to append a path to", o->url);
	if (!driver_of(o))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "report.driver", "report-driver",
				"there is no driver \"%s\"", o->driver);
	return ERR_OK;
}

static enum err settings(struct reporter *r, const struct rs_report *o, struct flaw *f)
{
	enum err e = reporter_check(o, f);
	if (e) return e;
	struct str url = base_of(o->url);
	r->driver = driver_of(o);
	snprintf(r->url, sizeof r->url, "%.*s", STR_ARG(url));
	snprintf(r->token, sizeof r->token, "Bearer %s", o->token ? o->token : "");
	snprintf(r->status.url, sizeof r->status.url, "%s", r->url);
	snprintf(r->status.driver, sizeof r->status.driver, "%s", r->driver->name);
	r->every = o->every ? o->every : 3600 * USEC_PER_SEC;
	r->status.sync = o->sync;
	return ERR_OK;
}

static void kept_position(struct reporter *r)
{
	struct store_txn *t;
	struct str row;
	if (store_read(r->rs->o.store, &t)) return;
	if (!store_get(t, RS_TABLE_handed, STR("position"), &row) && row.n == 8)
		r->status.position = store_u64(row);
	store_read_end(t);
}

enum err reporter_open(struct rs *rs, struct flaw *f, struct reporter **ret)
{
	pthread_condattr_t attr;
	*ret = NULL;
	if (!rs->o.report.url || !rs->o.report.url[0]) return ERR_OK;
	struct reporter *r = calloc(1, sizeof *r);
	if (!r) return ERR_NO_MEMORY;
	r->rs = rs;
	enum err e = settings(r, &rs->o.report, f);
	if (e) {
		free(r);
		return e;
	}
	r->feed = writer_feed(rs->o.writer);
	r->since = clock_wall();
	r->asks_end = &r->asks;
	buf_init(&r->exchange.body, ANSWER_MAX);
	must(!pthread_mutex_init(&r->lock, NULL) && !pthread_condattr_init(&attr) &&
	     !pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) && !pthread_cond_init(&r->woken, &attr));
	pthread_condattr_destroy(&attr);
	kept_position(r);
	if (pthread_create(&r->thread, NULL, run, r)) {
		free(r);
		return ERR_NO_MEMORY;
	}
	*ret = r;
	return ERR_OK;
}

void reporter_close(struct reporter *r)
{
	if (!r) return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	uint64_t ticket = r->ticket;
	bool flying = r->flying;
	pthread_cond_broadcast(&r->woken);
	pthread_mutex_unlock(&r->lock);
	if (flying) courier_cancel(r->rs->o.courier, ticket);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->woken);
	pthread_mutex_destroy(&r->lock);
	buf_done(&r->exchange.body);
	explicit_bzero(r->token, sizeof r->token);
	free(r);
}

enum err reporter_ask(struct reporter *r, struct report_ask *k)
{
	enum err e = ERR_OK;
	pthread_mutex_lock(&r->lock);
	if (r->stopping) e = ERR_STOPPING;
	if (!e && r->asks_n == REPORT_WAITING_MAX) e = ERR_BUSY;
	if (!e) {
		k->next = NULL;
		*r->asks_end = k;
		r->asks_end = &k->next;
		r->asks_n++;
		pthread_cond_broadcast(&r->woken);
	}
	pthread_mutex_unlock(&r->lock);
	return e;
}

void reporter_status(struct reporter *r, struct store_txn *t, struct report_status *ret)
{
	uint64_t head = 0;
	pthread_mutex_lock(&r->lock);
	*ret = r->status;
	pthread_mutex_unlock(&r->lock);
	if (!r->feed->driver->head(r->feed, t, &head)) ret->head = head;
}
