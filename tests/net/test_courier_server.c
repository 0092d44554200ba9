/* The courier with our own server: HTTP/2 over TLS and with prior knowledge, certificates, streams. */
#include "tests/net/fixture.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>

#include "base/sign.h"
#include "net/courier.h"

static struct fixture x;

static int set_up(void **state)
{
	(void)state;
	fixture_start(&x, NULL, FIXTURE_TLS | FIXTURE_CLIENT_CA);
	return (int)sign_setup();
}

static int tear_down(void **state)
{
	(void)state;
	fixture_stop(&x, 0);
	return 0;
}

static char *path_of(const char *name)
{
	static _Thread_local char path[3][128];
	static _Thread_local unsigned turn;
	turn = (turn + 1) % 3;
	snprintf(path[turn], sizeof path[turn], "%s/%s", x.folder, name);
	return path[turn];
}

struct tally {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int done, ok;
	enum err err;
	int status, pieces;
	size_t octets;
	char body[2048], text[200];
};

static void on_done(void *arg, const struct courier_result *r)
{
	struct tally *t = arg;
	pthread_mutex_lock(&t->lock);
	t->done++;
	t->err = r->err;
	t->status = r->status;
	if (!r->err && r->status == 200) t->ok++;
	snprintf(t->body, sizeof t->body, "%.*s", STR_ARG(r->body));
	snprintf(t->text, sizeof t->text, "%s", r->text);
	pthread_cond_signal(&t->came);
	pthread_mutex_unlock(&t->lock);
}

static enum err on_data(void *arg, const struct courier_result *r, struct str piece)
{
	struct tally *t = arg;
	(void)r;
	pthread_mutex_lock(&t->lock);
	t->pieces++;
	t->octets += piece.n;
	pthread_mutex_unlock(&t->lock);
	return ERR_OK;
}

static void tally_init(struct tally *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->came, NULL);
}

static void wait_for(struct tally *t, int n)
{
	pthread_mutex_lock(&t->lock);
	while (t->done < n) pthread_cond_wait(&t->came, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static struct courier *start(const char *ca, bool client)
{
	struct courier *c;
	const struct courier_options o = {.allow_private = true,
					  .ca_file = ca ? path_of(ca) : NULL,
					  .client_cert = client ? path_of("client.pem") : NULL,
					  .client_key = client ? path_of("client.key") : NULL};
	assert_int_equal(courier_start(&o, &c), ERR_OK);
	return c;
}

static void submit(struct courier *c, struct courier_req r, const char *path, struct tally *t)
{
	char url[256];
	uint64_t ticket;
	bool tls = r.url != NULL;
	snprintf(url, sizeof url, "%s://%s:%u%s", tls ? "https" : "http", tls ? r.url : "127.0.0.1",
		 (unsigned)(tls ? x.tls_port : x.port), path);
	if (!r.method) r.method = "GET";
	r.url = url;
	r.done = on_done;
	r.arg = t;
	assert_int_equal(courier_submit(c, &r, &ticket), ERR_OK);
}

/* url: the host for TLS, NULL for clear text. */
static void ask(struct courier *c, struct courier_req r, const char *path, struct tally *t)
{
	tally_init(t);
	submit(c, r, path, t);
	wait_for(t, 1);
}

static void each_way_of_speaking(void **state)
{
	(void)state;
	struct courier *c = start("ca.pem", false);
	struct tally t;
	ask(c, (struct courier_req){.url = "127.0.0.1"}, "/show", &t);
	assert_int_equal(t.status, 200);
	assert_non_null(strstr(t.body, "\nh2=1\ntls=1\n"));
	assert_non_null(strstr(t.body, "\nagent=kanhe/"));
	assert_null(strstr(t.body, "cert="));
	ask(c, (struct courier_req){.url = "localhost"}, "/show", &t);
	assert_non_null(strstr(t.body, "\nh2=1\ntls=1\n"));
	ask(c, (struct courier_req){.h2_prior = true}, "/show", &t);
	bool prior = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000;
	assert_non_null(strstr(t.body, prior ? "\nh2=1\ntls=0\n" : "\nh2=0\ntls=0\n"));
	ask(c, (struct courier_req){.h2_prior = false}, "/show", &t);
	assert_non_null(strstr(t.body, "\nh2=0\ntls=0\n"));
	ask(c, (struct courier_req){.url = "127.0.0.1", .method = "POST", .body = STR("given")}, "/echo",
	    &t);
	assert_string_equal(t.body, "given");
	courier_stop(c);
}

/* Over HTTP/2 libcurl would be told again and again that it may write, while the window is used up. */
static void what_is_longer_than_a_window_goes_over_a_connection_of_its_own(void **state)
{
	(void)state;
	static char octets[65536];
	struct courier *c = start("ca.pem", false);
	struct tally t;
	memset(octets, 'x', sizeof octets);
	for (int stays = 0; stays < 2; stays++) {
		struct courier_req r = {.url = "127.0.0.1", .method = "POST", .body_stays = stays};
		r.body = str_n(octets, sizeof octets - 1);
		ask(c, r, "/show", &t);
		assert_non_null(strstr(t.body, "\nh2=1\ntls=1\n"));
		r.url = "127.0.0.1";
		r.body = str_n(octets, sizeof octets);
		ask(c, r, "/show", &t);
		assert_non_null(strstr(t.body, "\nh2=0\ntls=1\n"));
	}
	courier_stop(c);
}

static void certificates_are_checked_both_ways(void **state)
{
	(void)state;
	struct tally t;
	struct courier *c = start("ca.pem", true);
	ask(c, (struct courier_req){.url = "127.0.0.1"}, "/show", &t);
	assert_non_null(strstr(t.body, "\ncert="));
	/* the same server under a name that its certificate does not have */
	ask(c, (struct courier_req){.url = "[::ffff:127.0.0.1]"}, "/show", &t);
	assert_int_equal(t.err, ERR_UPSTREAM);
	assert_non_null(strcasestr(t.text, "matches target host name"));
	courier_stop(c);
	c = start(NULL, false); /* the system's authorities do not know ours */
	ask(c, (struct courier_req){.url = "127.0.0.1"}, "/show", &t);
	assert_int_equal(t.err, ERR_UPSTREAM);
	assert_non_null(strcasestr(t.text, "certificate"));
	courier_stop(c);
	c = start("client.pem", false);
	ask(c, (struct courier_req){.url = "127.0.0.1", .retries = 1}, "/show", &t);
	assert_int_equal(t.err, ERR_UPSTREAM);
	courier_stop(c);
}

static void many_share_a_connection(void **state)
{
	(void)state;
	enum { MANY = 2000 };
	struct net_stat before, after;
	for (int tls = 0; tls < 2; tls++) {
		struct courier *c = start("ca.pem", false);
		struct tally t;
		tally_init(&t);
		net_server_stat(x.server, &before);
		for (int i = 0; i < MANY; i++)
			submit(c, (struct courier_req){.url = tls ? "127.0.0.1" : NULL, .h2_prior = !tls},
			       "/fixed", &t);
		wait_for(&t, MANY);
		net_server_stat(x.server, &after);
		assert_int_equal(t.ok, MANY);
		assert_true(after.connections - before.connections <= 8);
		courier_stop(c);
	}
}

static void streams_share_it_too(void **state)
{
	(void)state;
	struct courier *c = start("ca.pem", false);
	struct tally t, other;
	tally_init(&t);
	tally_init(&other);
	for (int i = 0; i < 4; i++)
		submit(c, (struct courier_req){.url = "127.0.0.1", .data = on_data}, "/stream?n=5000000",
		       &t);
	for (int i = 0; i < 50; i++) submit(c, (struct courier_req){.url = "127.0.0.1"}, "/fixed", &other);
	wait_for(&other, 50);
	wait_for(&t, 4);
	assert_int_equal(t.ok, 4);
	assert_int_equal(other.ok, 50);
	assert_int_equal(t.octets, 4 * 5000000);
	courier_stop(c);
}

static void a_cut_stream_is_not_whole(void **state)
{
	(void)state;
	struct courier *c = start("ca.pem", false);
	struct tally t;
	for (int tls = 0; tls < 2; tls++) {
		ask(c, (struct courier_req){.url = tls ? "127.0.0.1" : NULL, .data = on_data},
		    "/stream?n=1000000&cut=300000", &t);
		assert_int_equal(t.err, ERR_UPSTREAM);
		assert_in_range(t.octets, 1, 999999);
	}
	ask(c, (struct courier_req){.url = "127.0.0.1"}, "/fixed", &t);
	assert_int_equal(t.status, 200);
	courier_stop(c);
}

static void a_slow_reader_does_not_hold_up_its_neighbours(void **state)
{
	(void)state;
	struct courier *c = start("ca.pem", false);
	struct tally slow, t;
	tally_init(&slow);
	/* one that takes twenty minutes */
	submit(c, (struct courier_req){.url = "127.0.0.1", .data = on_data, .rate = 100000},
	       "/stream?n=120000000", &slow);
	for (int i = 0; i < 20; i++) {
		ask(c, (struct courier_req){.url = "127.0.0.1"}, "/fixed", &t);
		assert_int_equal(t.status, 200);
	}
	assert_int_equal(slow.done, 0); /* all of them while the stream still ran */
	courier_stop(c);
	assert_int_equal(slow.done, 1);
	assert_int_equal(slow.ok, 0);
}

static void a_slow_reader_gets_all(void **state)
{
	(void)state;
	struct courier *c = start("ca.pem", false);
	struct tally slow;
	tally_init(&slow);
	usec_t began = clock_mono();
	submit(c, (struct courier_req){.url = "127.0.0.1", .data = on_data, .rate = 1000000},
	       "/stream?n=2000000", &slow);
	wait_for(&slow, 1);
	assert_int_equal(slow.ok, 1);
	assert_int_equal(slow.octets, 2000000);
	assert_true(clock_mono() - began >= 1700 * USEC_PER_MSEC);
	courier_stop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_way_of_speaking),
	    cmocka_unit_test(what_is_longer_than_a_window_goes_over_a_connection_of_its_own),
	    cmocka_unit_test(certificates_are_checked_both_ways),
	    cmocka_unit_test(many_share_a_connection),
	    cmocka_unit_test(streams_share_it_too),
	    cmocka_unit_test(a_cut_stream_is_not_whole),
	    cmocka_unit_test(a_slow_reader_does_not_hold_up_its_neighbours),
	    cmocka_unit_test(a_slow_reader_gets_all),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
