/* Streams, many requests at once, and their ends. */
#include "tests/net/asking.h"

#include <stdio.h>
#include <unistd.h>

static void streams_come_in_pieces(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = stream("/big/3000000"); /* more than a collected answer may have */
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.got, 3000000);
	assert_true(o.pieces > 10);
	assert_string_equal(o.body, "");
	/* the receiver has enough */
	submit(c, r, &o);
	wait_done(&o);
	outcome_init(&o);
	o.stop_after = 100000;
	o.data_err = ERR_QUOTA;
	uint64_t ticket;
	r.arg = &o;
	assert_int_equal(courier_submit(c, &r, &ticket), ERR_OK);
	wait_done(&o);
	assert_int_equal(o.err, ERR_QUOTA);
	assert_int_equal(o.status, 200);
	assert_in_range(o.got, 100000, 200000);
	/* ended early by the sender */
	ask(c, stream("/short"), &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	assert_int_equal(o.got, 10);
	courier_stop(c);
}

static void a_stream_is_cut_when_it_stalls_not_when_it_lasts(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = stream("/chunks/150"); /* 3 s in all, 20 ms between pieces */
	r.deadline = 2 * USEC_PER_SEC;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.got, 1500);
	assert_true(o.took > r.deadline);
	r.url = url_of("/stall");
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TIMEOUT);
	assert_int_equal(o.got, 10);
	assert_true(o.took >= r.deadline - USEC_PER_MSEC);
	r.url = url_of("/silent");
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TIMEOUT);
	/* one that is collected, too, if it is called a stream */
	r = get("/chunks/150");
	r.stream = true;
	r.deadline = 2 * USEC_PER_SEC;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_true(o.took > r.deadline);
	r.url = url_of("/silent");
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TIMEOUT);
	courier_stop(c);
}

static void a_stream_is_not_retried_into_its_receiver(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = stream("/flaky");
	r.retries = 2;
	server.flaky = 1;
	ask(c, r, &o); /* the 503's body is not data */
	assert_int_equal(o.status, 200);
	assert_int_equal(o.attempts, 2);
	assert_int_equal(o.pieces, 1);
	r.url = url_of("/short");
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	assert_int_equal(o.attempts, 1);
	assert_int_equal(o.got, 10);
	courier_stop(c);
}

static void a_rate_is_kept(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = stream("/big/600000");
	r.rate = 200000;
	r.deadline = 2 * USEC_PER_SEC; /* a stall time-out, and a slow rate is no stall */
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.got, 600000);
	assert_true(o.took >= 1500 * USEC_PER_MSEC);
	courier_stop(c);
}

static void a_cancelled_request_is_done_once(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o, p;
	uint64_t ticket = submit(c, get("/silent"), &o);
	courier_cancel(c, ticket);
	courier_cancel(c, ticket);
	wait_done(&o);
	assert_int_equal(o.err, ERR_STOPPING);
	uint64_t streaming = submit(c, stream("/stall"), &p);
	pthread_mutex_lock(&p.lock);
	while (!p.got) pthread_cond_wait(&p.came, &p.lock);
	pthread_mutex_unlock(&p.lock);
	courier_cancel(c, streaming);
	wait_done(&p);
	assert_int_equal(p.err, ERR_STOPPING);
	courier_cancel(c, streaming);
	courier_cancel(c, 999999);
	ask(c, get("/echo"), &o); /* it goes on */
	assert_int_equal(o.status, 200);
	courier_stop(c);
	assert_int_equal(p.done, 1);
}

static void stopping_answers_everything_once(void **state)
{
	(void)state;
	enum { MANY = 300 };
	static struct outcome o[MANY];
	struct courier *c = start();
	for (int i = 0; i < MANY; i++) {
		struct courier_req r = get(i % 3 == 0 ? "/silent" : i % 3 == 1 ? "/status/503" : "/echo");
		r.retries = 10;
		submit(c, r, &o[i]);
	}
	courier_stop(c);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(o[i].done, 1);
		assert_true(o[i].err == ERR_STOPPING || (i % 3 == 2 && o[i].err == ERR_OK));
	}
	courier_stop(NULL);
}

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int done, ok;
};

static void on_crowd(void *arg, const struct courier_result *r)
{
	struct crowd *w = arg;
	pthread_mutex_lock(&w->lock);
	w->done++;
	if (!r->err && r->status == 200) w->ok++;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

static void a_thousand_at_once_are_bounded(void **state)
{
	(void)state;
	const struct courier_options o = {.allow_private = true, .waiting_max = 1000, .per_host = 4};
	struct courier *c;
	struct crowd w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
	struct outcome first;
	uint64_t ticket;
	assert_int_equal(courier_start(&o, &c), ERR_OK);
	/* one that does not end keeps its place, so that the bound is met exactly */
	uint64_t keeper = submit(c, get("/silent"), &first);
	struct courier_req r = get("/echo");
	r.done = on_crowd;
	r.arg = &w;
	while (server.open > 1) usleep(1000); /* those of couriers that have stopped */
	server.connections_most = 0;
	int sent = 0, busy = 0;
	while (sent < 3000) {
		enum err e = courier_submit(c, &r, &ticket);
		assert_true(e == ERR_OK || e == ERR_BUSY);
		if (!e) {
			sent++;
			continue;
		}
		busy++;
		pthread_mutex_lock(&w.lock);
		int in_hand = sent - w.done;
		assert_true(in_hand <= 999);
		while (w.done < sent - 900) pthread_cond_wait(&w.came, &w.lock);
		pthread_mutex_unlock(&w.lock);
	}
	pthread_mutex_lock(&w.lock);
	while (w.done < sent) pthread_cond_wait(&w.came, &w.lock);
	pthread_mutex_unlock(&w.lock);
	assert_int_equal(w.ok, 3000);
	assert_true(busy > 0);
	assert_in_range(server.connections_most, 1, 4);
	courier_cancel(c, keeper);
	courier_stop(c);
	assert_int_equal(first.done, 1);
}

static void a_busy_host_does_not_hold_up_another(void **state)
{
	(void)state;
	enum { MANY = 600 };
	static struct outcome stuck[MANY];
	struct answering other;
	struct outcome o;
	char url[64];
	answering_start(&other);
	struct courier *c = start();
	for (int i = 0; i < MANY; i++) submit(c, get("/silent"), &stuck[i]);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", other.port);
	struct courier_req r = {.method = "GET", .url = url, .done = on_done};
	ask(c, r, &o);
	assert_int_equal(o.status, 200);
	assert_true(o.took < 10 * USEC_PER_SEC); /* long before the others' deadline */
	courier_stop(c);
	answering_stop(&other);
}

/* Done may hand in the next request itself. */
struct chain {
	struct courier *c;
	struct courier_req r;
	struct outcome last;
	int left;
};

static void on_link(void *arg, const struct courier_result *r)
{
	struct chain *h = arg;
	uint64_t ticket;
	if (h->left-- && !courier_submit(h->c, &h->r, &ticket)) return;
	on_done(&h->last, r);
}

static void an_answer_may_ask_again(void **state)
{
	(void)state;
	const struct courier_options o = {.allow_private = true, .waiting_max = 1};
	struct chain h = {.r = get("/echo"), .left = 50};
	uint64_t ticket;
	outcome_init(&h.last);
	h.r.done = on_link;
	h.r.arg = &h;
	assert_int_equal(courier_start(&o, &h.c), ERR_OK);
	assert_int_equal(courier_submit(h.c, &h.r, &ticket), ERR_OK);
	wait_done(&h.last);
	assert_int_equal(h.left, -1);
	courier_stop(h.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(streams_come_in_pieces),
	    cmocka_unit_test(a_stream_is_cut_when_it_stalls_not_when_it_lasts),
	    cmocka_unit_test(a_stream_is_not_retried_into_its_receiver),
	    cmocka_unit_test(a_rate_is_kept),
	    cmocka_unit_test(a_cancelled_request_is_done_once),
	    cmocka_unit_test(stopping_answers_everything_once),
	    cmocka_unit_test(a_thousand_at_once_are_bounded),
	    cmocka_unit_test(a_busy_host_does_not_hold_up_another),
	    cmocka_unit_test(an_answer_may_ask_again),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
