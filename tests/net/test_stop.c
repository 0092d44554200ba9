/* Stopping: nobody who was being served is cut within the grace, nobody is served twice. */
#include "tests/net/h2_client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 8 };

static struct fixture x;
static _Atomic uint64_t answered, unanswered, ready;

/* Asks as fast as it is answered, until told that this is the last one or the server is gone. */
static void *h1_client(void *arg)
{
	int fd = dial(x.port);
	(void)arg;
	for (bool first = true, closed = false; !closed; first = false) {
		struct answer_h1 a;
		say_z(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
		if (hear_answer(fd, &a) == 200) {
			atomic_fetch_add(&answered, 1);
			closed = a.closed;
		} else {
			atomic_fetch_add(&unanswered, 1);
			closed = true;
		}
		answer_done(&a);
		if (first) atomic_fetch_add(&ready, 1);
	}
	close(fd);
	return NULL;
}

static void *h2_client(void *arg)
{
	struct h2c *c = h2c_open(x.port);
	(void)arg;
	uint32_t next = 1;
	/* ten at a time; after GOAWAY no new ones, as RFC 9113 6.8 has it */
	for (unsigned i = 0; i < 10; i++, next += 2) h2c_get(c, next, "/fixed");
	while (h2c_read(c)) {
		static _Thread_local unsigned seen_answers;
		if (c->ended_n == seen_answers) continue;
		seen_answers = c->ended_n;
		if (seen_answers == 1) atomic_fetch_add(&ready, 1);
		if (!c->goaway && next < 2 * H2C_STREAMS - 2) {
			h2c_get(c, next, "/fixed");
			next += 2;
		}
	}
	atomic_fetch_add(&answered, c->ended_n);
	for (uint32_t i = 1; i < next; i += 2) {
		struct h2c_stream *s = h2c_stream(c, i);
		/* what was not answered was above the last stream that the server promised to serve */
		if (!s->ended && i <= c->goaway_last) atomic_fetch_add(&unanswered, 1);
		assert_true(!s->ended || (s->status == 200 && s->octets == 5));
	}
	assert_true(c->goaway && c->goaway_code == 0);
	h2c_close(c);
	return NULL;
}

static void under_load(void **state)
{
	(void)state;
	struct net_options o = {.shards = 2};
	pthread_t threads[CLIENTS];
	fixture_start(&x, &o, 0);
	answered = unanswered = ready = 0;
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? h1_client : h2_client, NULL), 0);
	await(&ready, CLIENTS);
	usec_t from = clock_mono();
	fixture_stop(&x, 60 * USEC_PER_SEC);
	assert_true(clock_mono() - from < 50 * USEC_PER_SEC); /* as soon as it can */
	for (int i = 0; i < CLIENTS; i++) pthread_join(threads[i], NULL);
	assert_int_equal(unanswered, 0);
	assert_int_equal(answered, seen.handled);
	assert_int_equal(seen.starts, 2);
	assert_int_equal(seen.stops, 2);
}

static void *stop_in_background(void *arg)
{
	fixture_stop(&x, *(usec_t *)arg);
	return NULL;
}

static void running_requests_are_finished(void **state)
{
	(void)state;
	usec_t grace = 60 * USEC_PER_SEC;
	pthread_t t;
	struct answer_h1 a;
	fixture_start(&x, NULL, 0);
	int h1 = dial(x.port), streaming = dial(x.port), idle = dial(x.port);
	struct h2c *h2 = h2c_open(x.port);
	say_z(idle, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(idle, &a), 200);
	answer_done(&a);
	say_z(h1, "GET /hold?ms=700 HTTP/1.1\r\nHost: a\r\n\r\n");
	say_z(streaming, "GET /stream?n=500000&slow=1&piece=1000 HTTP/1.1\r\nHost: a\r\n\r\n");
	h2c_get(h2, 1, "/hold?ms=700");
	h2c_request(h2, 3, "POST", "/echo");
	h2c_frame(h2, H2_DATA, 0, 3, STR("\0\1\2"));
	await(&seen.handled, 4);
	assert_int_equal(pthread_create(&t, NULL, stop_in_background, &grace), 0);
	while (!h2->goaway && h2c_read(h2)) continue;
	/* noticed, and still welcome for a moment */
	h2c_get(h2, 5, "/fixed");
	assert_int_equal(h2c_wait(h2, 5)->status, 200);
	/* an upload that runs may end */
	h2c_frame(h2, H2_DATA, H2_END_STREAM, 3, STR("\3"));
	assert_int_equal(h2c_wait(h2, 3)->octets, 4);
	assert_int_equal(h2c_wait(h2, 1)->status, 200);
	h2c_wait_end(h2);
	assert_true(hear_answer(h1, &a) == 200 && a.closed);
	answer_done(&a);
	assert_int_equal(hear_answer(streaming, &a), 200);
	assert_int_equal(a.body.n, 500000);
	answer_done(&a);
	struct buf rest = BUF_INIT(100);
	assert_true(hear_all(idle, &rest));
	pthread_join(t, NULL);
	close(h1);
	close(streaming);
	close(idle);
	h2c_close(h2);
	assert_int_equal(seen.gone, 0);
}

static void after_grace_the_rest_is_cut(void **state)
{
	(void)state;
	fixture_start(&x, NULL, 0);
	struct h2c *h2 = h2c_open(x.port);
	int h1 = dial(x.port);
	say_z(h1, "GET /hold?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n");
	h2c_get(h2, 1, "/hold?ms=0");
	h2c_get(h2, 3, "/stream?n=1000000000&slow=1");
	await(&seen.handled, 3);
	usec_t from = clock_mono();
	fixture_stop(&x, 300 * USEC_PER_MSEC);
	assert_true(clock_mono() - from < 30 * USEC_PER_SEC);
	assert_int_equal(seen.gone, 2);
	assert_int_equal(seen.source_gone, 1);
	h2c_wait_end(h2);
	assert_false(h2c_stream(h2, 3)->ended);
	struct buf rest = BUF_INIT(100);
	assert_false(hear_all(h1, &rest));
	h2c_close(h2);
	close(h1);
}

/* ---- posts, timers, start -------------------------------------------------------------------- */

enum { POSTS = 5000, POSTERS = 4 };

static _Atomic uint64_t refused;

static void posted(void *arg)
{
	struct net_shard *s = arg;
	assert_ptr_equal(net_shard_get(s, 3), &seen);
	atomic_fetch_add(&seen.posted, 1);
}

static void *poster(void *arg)
{
	for (int i = 0; i < POSTS; i++)
		if (net_post(arg, posted, arg)) atomic_fetch_add(&refused, 1);
	return NULL;
}

static void posts_from_threads(void **state)
{
	(void)state;
	struct net_options o = {.shards = 2};
	pthread_t threads[POSTERS];
	fixture_start(&x, &o, 0);
	assert_int_equal(net_server_shards(x.server), 2);
	refused = 0;
	for (unsigned i = 0; i < POSTERS; i++) {
		struct net_shard *s = net_server_shard(x.server, i % 2);
		assert_int_equal(net_shard_index(s), i % 2);
		assert_int_equal(pthread_create(&threads[i], NULL, poster, s), 0);
	}
	for (int i = 0; i < POSTERS; i++) pthread_join(threads[i], NULL);
	fixture_stop(&x, USEC_PER_SEC);
	/* accepted means run, also when the stop came in between */
	assert_int_equal(seen.posted + refused, POSTERS * POSTS);
	assert_int_equal(refused, 0);
	assert_true(seen.turns > 0 && seen.idles > 0 && seen.idles <= seen.turns);
}

static sem_t held, go_on;

static void hold_the_loop(void *arg)
{
	(void)arg;
	sem_post(&held);
	sem_wait(&go_on);
}

/* Whoever is told of a change by one connection and asks by another must see it, also where both are read
 * in the same turn of the loop. */
static void each_read_begins_a_turn(void **state)
{
	(void)state;
	static const char request[] = "GET /fixed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct buf answer = BUF_INIT(64 << 10);
	int clients[2];
	fixture_start(&x, NULL, 0);
	sem_init(&held, 0, 0);
	sem_init(&go_on, 0, 0);
	for (int i = 0; i < 2; i++) clients[i] = dial(x.port);
	assert_int_equal(net_post(net_server_shard(x.server, 0), hold_the_loop, NULL), ERR_OK);
	sem_wait(&held);
	uint64_t before = seen.turns;
	for (int i = 0; i < 2; i++) say_z(clients[i], request);
	sem_post(&go_on);
	for (int i = 0; i < 2; i++) {
		assert_true(hear_all(clients[i], &answer));
		close(clients[i]);
	}
	assert_true(seen.turns >= before + 2);
	buf_done(&answer);
	fixture_stop(&x, USEC_PER_SEC);
}

static struct net_timer *never, *twice;
static _Atomic uint64_t fired;

static void count_timer(void *arg)
{
	(void)arg;
	atomic_fetch_add(&fired, 1);
}

static void set_timers(void *arg)
{
	struct net_shard *s = arg;
	never = net_timer_start(s, 50 * USEC_PER_MSEC, count_timer, NULL);
	twice = net_timer_start(s, 20 * USEC_PER_MSEC, count_timer, NULL);
	net_timer_start(s, 0, count_timer, NULL);
	net_timer_start(s, 1000 * USEC_PER_SEC, count_timer, NULL); /* outlives the server */
	net_timer_stop(never);
	net_timer_stop(NULL);
}

static void timers(void **state)
{
	(void)state;
	fixture_start(&x, NULL, 0);
	fired = 0;
	usec_t from = clock_mono();
	assert_int_equal(net_post(net_server_shard(x.server, 0), set_timers, net_server_shard(x.server, 0)),
			 ERR_OK);
	await(&fired, 2);
	assert_true(clock_mono() - from >= 19 * USEC_PER_MSEC);
	fixture_stop(&x, 0);
	assert_int_equal(fired, 2);
}

static enum err no_start(void *ctx, struct net_shard *s)
{
	(void)ctx;
	return net_shard_index(s) == 1 ? ERR_NO_SPACE : ERR_OK;
}

static void nothing(struct net_req *r)
{
	(void)r;
}

static void start_fails_whole(void **state)
{
	(void)state;
	struct net_route row = {NET_GET, "/", nothing, 0, 0, 0, ""};
	struct net_routes routes = {&row, 1, NULL};
	struct net_listener l[] = {{"127.0.0.1", 0, false}};
	struct net_options o = {
	    .listeners = l, .listeners_n = 1, .routes = &routes, .routes_n = 1, .shards = 3};
	struct net_server *s = NULL;
	struct flaw f = {0};
	o.hooks.start = no_start;
	assert_int_equal(net_server_start(&o, &f, &s), ERR_NO_SPACE);
	o.hooks.start = NULL;
	l[0].host = "localhost";
	assert_int_equal(net_server_start(&o, &f, &s), ERR_BAD_CONF);
	l[0].host = "192.0.2.1"; /* nobody's */
	assert_int_equal(net_server_start(&o, &f, &s), ERR_IO);
	assert_non_null(strstr(f.text, "192.0.2.1"));
	l[0] = (struct net_listener){"127.0.0.1", 0, true};
	assert_int_equal(net_server_start(&o, &f, &s), ERR_BAD_CONF);
	row.pattern = "no slash";
	l[0].tls = false;
	assert_int_equal(net_server_start(&o, &f, &s), ERR_BAD_CONF);
	assert_null(s);
}

/* At the cap the server stops accepting; those in the queue are served when others go. */
static void connections_are_limited(void **state)
{
	(void)state;
	struct net_options o = {.connections_max = 3};
	struct answer_h1 a;
	int fds[6];
	fixture_start(&x, &o, 0);
	for (int i = 0; i < 6; i++) {
		fds[i] = dial(x.port);
		say_z(fds[i], "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hear_answer(fds[i], &a), 200);
		answer_done(&a);
	}
	char c;
	struct timeval t = {.tv_usec = 200000};
	setsockopt(fds[3], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	assert_true(recv(fds[3], &c, 1, 0) < 0 && errno == EAGAIN);
	struct net_stat stat;
	net_server_stat(x.server, &stat);
	assert_int_equal(stat.connections_open, 3);
	for (int i = 0; i < 3; i++) close(fds[i]);
	t.tv_sec = 60;
	setsockopt(fds[3], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	for (int i = 3; i < 6; i++) {
		assert_int_equal(hear_answer(fds[i], &a), 200);
		answer_done(&a);
		close(fds[i]);
	}
	fixture_stop(&x, USEC_PER_SEC);
}

/* Without descriptors connections are shed, the loop does not spin, and it recovers. */
static void no_descriptors(void **state)
{
	(void)state;
	struct rlimit was, few;
	struct timespec from, to;
	struct answer_h1 a;
	int status, filler[64], n = 0;
	fixture_start(&x, NULL, 0);
	getrlimit(RLIMIT_NOFILE, &was);
	int top = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(top);
	few = (struct rlimit){(rlim_t)top + 8, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 64 && (filler[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	pid_t child = fork();
	if (child == 0) {
		/* has descriptors of its own to close and use */
		char c;
		for (int i = 0; i < n; i++) close(filler[i]);
		for (int i = 0; i < 5; i++) {
			int fd = dial(x.port);
			if (recv(fd, &c, 1, 0) > 0) _exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_true((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec < 200000000);
	for (int i = 0; i < n; i++) close(filler[i]);
	setrlimit(RLIMIT_NOFILE, &was);
	int fd = dial(x.port);
	say_z(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 200);
	answer_done(&a);
	close(fd);
	fixture_stop(&x, USEC_PER_SEC);
}

static void serves_on_sockets_that_were_bound_before(void **state)
{
	(void)state;
	struct net_listener l = {"127.0.0.1", 0, false};
	struct net_bound *bound;
	struct flaw f = {0};
	struct answer_h1 a;
	assert_int_equal(net_bind(&l, 1, 2, &f, &bound), ERR_OK);
	fixture_start(&x, &(struct net_options){.bound = bound}, 0);
	assert_int_equal(net_server_shards(x.server), 2);
	int fd = dial(x.port);
	say_z(fd, "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(fd, &a), 200);
	answer_done(&a);
	close(fd);
	l.port = x.port;
	assert_int_equal(net_vacant(&l, &f), ERR_EXISTS);
	fixture_stop(&x, USEC_PER_SEC);
	assert_int_equal(net_vacant(&l, &f), ERR_OK);
	net_unbind(bound);
}

/* ---- what waits while another number of shards is on its way --------------------------------- */

/* A process that takes its copies of the sockets and serves until it is told to end. */
struct serving {
	pid_t pid;
	int tell, hear;
};

static void serve_until_told(struct net_bound *bound, int hear, int tell)
{
	uint16_t port;
	char c;
	fixture_start(&x, &(struct net_options){.bound = bound}, 0);
	port = x.port;
	if (write(tell, &port, sizeof port) != sizeof port || read(hear, &c, 1) < 0) _exit(1);
	fixture_stop(&x, 60 * USEC_PER_SEC);
	net_unbind(bound);
	_exit(0);
}

static struct serving serving_start(struct net_bound *bound, uint16_t *ret_port)
{
	struct serving s;
	int there[2], back[2];
	assert_true(pipe(there) == 0 && pipe(back) == 0);
	s.pid = fork();
	if (s.pid == 0) {
		close(there[1]);
		serve_until_told(bound, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	s.tell = there[1];
	s.hear = back[0];
	assert_int_equal(read(s.hear, ret_port, sizeof *ret_port), sizeof *ret_port);
	return s;
}

static void serving_end(struct serving *s)
{
	int status;
	close(s->tell);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(s->hear);
}

/* More shards, fewer, and a number that does not divide the sockets there are. */
static void connections_wait_for_another_number_of_shards(void **state)
{
	(void)state;
	static const unsigned shards[] = {3, 5, 2, 2, 1, 4};
	enum { WAITING = 40 };
	struct net_listener l = {"127.0.0.1", 0, false};
	struct net_bound *bound;
	struct serving s;
	struct flaw f = {0};
	uint16_t port, again;
	assert_int_equal(net_bind(&l, 1, 2, &f, &bound), ERR_OK);
	s = serving_start(bound, &port);
	for (size_t k = 0; k < sizeof shards / sizeof *shards; k++) {
		int fds[WAITING];
		serving_end(&s);
		for (int i = 0; i < WAITING; i++) {
			fds[i] = dial(port);
			say_z(fds[i], "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n");
		}
		assert_int_equal(net_rebind(&bound, &l, 1, shards[k], &f), ERR_OK);
		s = serving_start(bound, &again);
		assert_int_equal(again, port);
		for (int i = 0; i < WAITING; i++) {
			struct answer_h1 a;
			assert_int_equal(hear_answer(fds[i], &a), 200);
			answer_done(&a);
			close(fds[i]);
		}
	}
	serving_end(&s);
	/* an error leaves all as it was; what is no longer named is let go of */
	struct net_listener both[] = {{"127.0.0.1", 0, false}, {"192.0.2.1", 0, false}};
	assert_int_equal(net_rebind(&bound, both, 2, 7, &f), ERR_IO);
	close(dial(port));
	l.port = port;
	assert_int_equal(net_vacant(&l, &f), ERR_EXISTS);
	both[1].host = "127.0.0.2";
	assert_int_equal(net_rebind(&bound, &both[1], 1, 1, &f), ERR_OK);
	assert_int_equal(net_vacant(&l, &f), ERR_OK);
	net_unbind(bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(under_load),
	    cmocka_unit_test(running_requests_are_finished),
	    cmocka_unit_test(after_grace_the_rest_is_cut),
	    cmocka_unit_test(posts_from_threads),
	    cmocka_unit_test(each_read_begins_a_turn),
	    cmocka_unit_test(timers),
	    cmocka_unit_test(start_fails_whole),
	    cmocka_unit_test(connections_are_limited),
	    cmocka_unit_test(no_descriptors),
	    cmocka_unit_test(serves_on_sockets_that_were_bound_before),
	    cmocka_unit_test(connections_wait_for_another_number_of_shards),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
