/* Running streams: resumed, cut, limited, refused, whatever happens to either side meanwhile. */
#include "dataspace/spans.h"
#include "tests/dataspace/pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "dataspace/bundle.h"
#include "dataspace/dataplane.h"

/* ---- a plain client of the data plane ---- */

struct access {
	const char *path, *token, *pid;
};

/* What the provider has told the consumer. */
static struct access access_of(const char *pid)
{
	struct access out = {NULL, NULL, NULL};
	struct store_txn *t;
	Ds__Transfer *x;
	json_t *j;

	assert_int_equal(store_read(pair.buyer.store, &t), ERR_OK);
	assert_int_equal(ds_transfer_find(t, pair.buyer.arena, STR("buyer"), str_of(pid), &x), ERR_OK);
	assert_int_equal(json_read(pair.buyer.arena, str_of(x->address), NULL, &j), ERR_OK);
	out.path = json_string_value(json_object_get(j, "endpoint")) + strlen(pair.maker.url);
	out.token = json_string_value(
	    json_object_get(json_array_get(json_object_get(j, "endpointProperties"), 0), "value"));
	out.pid = text("%s", x->peer_pid);
	store_read_end(t);
	return out;
}

struct raw {
	int fd;
	int status;
	char head[2048];
	uint64_t got; /* octets of the body */
	bool ended;   /* the connection is over */
};

static struct raw raw_open(const char *method, const struct access *a, const char *headers)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(pair.maker.port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const char *request = text("%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n",
				   method, a->path, a->token, headers);
	struct raw r = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	int small = 64 << 10;

	assert_true(r.fd >= 0);
	/* so that a client that does not read holds the server up soon */
	(void)setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(connect(r.fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(write(r.fd, request, strlen(request)), strlen(request));
	return r;
}

static bool raw_read(struct raw *r, char *p, size_t n, size_t *ret_n)
{
	struct pollfd w = {.fd = r->fd, .events = POLLIN};
	ssize_t got;

	*ret_n = 0;
	if (poll(&w, 1, NODE_SILENCE_SECONDS * 1000) <= 0) return false;
	got = read(r->fd, p, n);
	if (got <= 0) r->ended = true;
	*ret_n = got > 0 ? (size_t)got : 0;
	return true;
}

static void raw_head(struct raw *r)
{
	size_t n = 0, more;
	char *end;

	for (;;) {
		assert_true(raw_read(r, r->head + n, sizeof r->head - 1 - n, &more));
		n += more;
		r->head[n] = 0;
		if ((end = strstr(r->head, "\r\n\r\n")) || r->ended) break;
	}
	assert_non_null(end);
	r->got = n - (size_t)(end + 4 - r->head);
	assert_int_equal(sscanf(r->head, "HTTP/1.1 %d", &r->status), 1);
}

/* Until at least so many octets of the body came, or the end. */
static void raw_body(struct raw *r, uint64_t at_least)
{
	static char sink[1 << 16];
	size_t n;

	while (r->got < at_least && !r->ended) {
		assert_true(raw_read(r, sink, sizeof sink, &n));
		r->got += n;
	}
}

static int raw_status(const char *method, const struct access *a, const char *headers)
{
	struct raw r = raw_open(method, a, headers);

	raw_head(&r);
	close(r.fd);
	return r.status;
}

/* A transfer that is started and stays so: the buyer's own pull crawls. */
static const char *crawling(const char *agreement)
{
	const char *pid = pull(agreement, ",\"rate\":2000");
	struct answer a = await(pid, "STARTED");

	assert_string_equal(answer_text(&a, "state"), "STARTED");
	return pid;
}

static void stop(const char *pid)
{
	const char *peer = access_of(pid).pid;
	struct answer a =
	    buyer_call("POST", text("/transfers/%s/terminate", pid), "{\"reason\":\"enough\"}");

	assert_int_equal(a.status / 100, 2);
	(void)await(pid, "TERMINATED");
	(void)await_maker(peer, "TERMINATED");
}

static void test_ranges_and_heads(void **state)
{
	struct str content = octets(100000, 3);
	const char *pid;
	struct access a;
	struct raw r;

	(void)state;
	publish("ranges", "", content);
	pid = crawling(agree("ranges"));
	a = access_of(pid);
	r = raw_open("GET", &a, "Range: bytes=99990-\r\n");
	raw_head(&r);
	assert_int_equal(r.status, 206);
	assert_non_null(strstr(r.head, "bytes 99990-99999/100000"));
	assert_non_null(strstr(r.head, text("\"sha256-%s\"", digest_text(content) + 7)));
	raw_body(&r, 10);
	assert_int_equal(r.got, 10);
	close(r.fd);
	r = raw_open("HEAD", &a, "");
	raw_head(&r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "100000"));
	close(r.fd);
	assert_int_equal(raw_status("GET", &a, "Range: bytes=100000-\r\n"), 416);
	assert_int_equal(raw_status("GET", &a, "Range: bytes=0-9,20-29\r\n"), 200);
	assert_int_equal(raw_status("GET", &a, "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n"), 200);
	assert_int_equal(raw_status("POST", &a, "Content-Length: 0\r\n"), 405);
	assert_int_equal(raw_status("GET", &a, "Kanhe-Request: 0\r\n"), 400);
	assert_int_equal(raw_status("GET", &a, "Kanhe-Request: 99\r\n"), 400);
	stop(pid);
}

static void test_only_the_token_of_this_transfer(void **state)
{
	struct str content = octets(100000, 4);
	const char *agreement, *one, *two;
	struct access a, b;

	(void)state;
	publish("tokens", "", content);
	agreement = agree("tokens");
	one = crawling(agreement);
	two = crawling(agreement);
	a = access_of(one);
	b = access_of(two);
	assert_int_equal(raw_status("HEAD", &a, ""), 200);
	assert_int_equal(raw_status("HEAD", &(struct access){a.path, b.token, NULL}, ""), 401);
	assert_int_equal(raw_status("HEAD", &(struct access){a.path, "", NULL}, ""), 401);
	assert_int_equal(raw_status("HEAD", &(struct access){text("%sx", a.path), a.token, NULL}, ""), 404);
	assert_int_equal(
	    raw_status("HEAD", &(struct access){text("/p/buyer/data/%s", a.pid), a.token, NULL}, ""), 404);
	stop(one);
	assert_int_equal(raw_status("HEAD", &a, ""), 410);
	assert_int_equal(raw_status("HEAD", &b, ""), 200);
	stop(two);
}

/* The forced disconnect of the story: the provider's process goes away in the middle. */
static void test_resumes_after_the_provider_was_away(void **state)
{
	struct str content = octets(600000, 5);
	const char *agreement, *pid;
	struct answer a;

	(void)state;
	publish("resumed", "", content);
	agreement = agree("resumed");
	pid = pull(agreement, ",\"rate\":150000");
	await_octets(pid, 1);
	node_stop(&pair.maker);
	node_start(&pair.maker);
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "digest"), digest_text(content));
	assert_true(count(&a, "requests") >= 2);
	assert_meters(agreement, 1, count(&a, "requests"), content.n);
}

static void test_resumes_after_the_consumer_was_away(void **state)
{
	struct str content = octets(600000, 6);
	const char *agreement, *pid;
	struct answer a;

	(void)state;
	publish("resumed-too", "", content);
	agreement = agree("resumed-too");
	pid = pull(agreement, ",\"rate\":150000");
	await_octets(pid, 1);
	node_stop(&pair.buyer);
	node_start(&pair.buyer);
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "digest"), digest_text(content));
	assert_true(count(&a, "requests") >= 2);
	assert_meters(agreement, 1, count(&a, "requests"), content.n);
}

static void test_suspends_and_goes_on(void **state)
{
	struct str content = octets(300000, 8);
	const char *agreement, *pid;
	struct answer a;
	uint64_t got;

	(void)state;
	publish("suspended", "", content);
	agreement = agree("suspended");
	pid = pull(agreement, ",\"rate\":100000");
	await_octets(pid, 1);
	a = buyer_call("POST", text("/transfers/%s/suspend", pid), "{\"reason\":\"night\"}");
	assert_int_equal(a.status / 100, 2);
	a = await(pid, "SUSPENDED");
	assert_string_equal(answer_text(&a, "state"), "SUSPENDED");
	got = count(&a, "octets");
	assert_true(got < content.n);
	a = buyer_call("POST", text("/transfers/%s/resume", pid), "{}");
	assert_int_equal(a.status / 100, 2);
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "digest"), digest_text(content));
	assert_meters(agreement, 1, count(&a, "requests"), content.n);
}

static size_t cuts_recorded(const char *agreement)
{
	struct answer a = maker_call("GET", text("/audit?agreement=%s&limit=1000", agreement), NULL);
	json_t *e;
	size_t i, n = 0;

	json_array_foreach(json_object_get(a.json, "entries"), i, e)
	{
		n += str_is(json_text(json_object_get(e, "kind")), "data-cut");
	}
	return n;
}

static void test_revocation_cuts_running_streams(void **state)
{
	struct str content = octets(40 << 20, 9);
	const char *agreement, *pid;
	struct access a;
	struct raw r, s;
	struct answer answer;
	struct bundle_report report;
	uint64_t got;

	(void)state;
	publish("revoked", "", content);
	agreement = agree("revoked");
	pid = pull(agreement, ",\"rate\":200000");
	got = await_octets(pid, 1);
	a = access_of(pid);
	r = raw_open("GET", &a, ""); /* takes a little, then nothing: a stalled stream */
	raw_head(&r);
	assert_int_equal(r.status, 200);
	s = raw_open("GET", &a, "");
	raw_head(&s);
	answer =
	    maker_call("POST", text("/agreements/%s/revoke", agreement), "{\"reason\":\"late payment\"}");
	assert_int_equal(answer.status, 200);
	/* ours and the two plain ones are over, also the one that nobody reads */
	for (usec_t began = clock_mono(); cuts_recorded(agreement) < 3; usleep(5000))
		assert_true(clock_mono() - began < NODE_PATIENCE_SECONDS * USEC_PER_SEC);
	raw_body(&r, UINT64_MAX); /* what had left already, and the end */
	raw_body(&s, UINT64_MAX);
	assert_true(r.got < content.n);
	assert_true(s.got < content.n);
	close(r.fd);
	close(s.fd);
	answer = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&answer, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&answer, "reason"), "late payment"));
	assert_true(count(&answer, "octets") >= got && count(&answer, "octets") < content.n);
	assert_int_equal(raw_status("GET", &a, ""), 403);
	/* two plain requests were counted besides: they numbered nothing */
	(void)await_meter(maker_call, agreement, "disputed");
	(void)await_meter(buyer_call, agreement, "disputed");
	/* a dispute is evidence too */
	answer = buyer_call("GET", text("/agreements/%s/proof", agreement), NULL);
	assert_int_equal(answer.status, 200);
	assert_int_equal(ds_bundle_verify(pair.buyer.arena, answer.body, NULL, 0, &report), ERR_OK);
	assert_int_equal(report.receipts, 1);
	answer = maker_call("GET", text("/agreements/%s/proof", agreement), NULL);
	assert_int_equal(ds_bundle_verify(pair.buyer.arena, answer.body, NULL, 0, &report), ERR_OK);
}

/* A revoked transfer's counts agree as well, to the octet. */
static void test_meters_of_a_cut_transfer_agree(void **state)
{
	struct str content = octets(4 << 20, 10);
	const char *agreement, *pid;
	struct answer a;
	json_t *m;

	(void)state;
	publish("cut", "", content);
	agreement = agree("cut");
	pid = pull(agreement, ",\"rate\":300000");
	await_octets(pid, 100000);
	assert_int_equal(maker_call("POST", text("/agreements/%s/revoke", agreement), "{}").status, 200);
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	m = await_meter(buyer_call, agreement, "agreed");
	assert_true(json_integer_value(json_object_get(m, "octets")) >= 100000);
	assert_meters(agreement, 1, 1, (uint64_t)json_integer_value(json_object_get(m, "octets")));
}

/* A consumer that numbers nothing and signs nothing: the provider counts what it sent, and says so alone.
 */
static void test_a_plain_consumer_is_counted_by_the_provider_alone(void **state)
{
	struct str content = octets(200000, 21);
	const char *agreement, *pid;
	struct answer answer;
	struct access a;
	struct raw r;
	json_t *m, *receipt;

	(void)state;
	publish("plain", "", content);
	agreement = agree("plain");
	dp_quiesce(pair.buyer.d); /* its own pulls and statements stay away */
	pid = pull(agreement, "");
	answer = await(pid, "STARTED");
	a = access_of(pid);
	node_stop(&pair.buyer);
	for (int i = 0; i < 2; i++) { /* twice the same octets are octets once */
		r = raw_open("GET", &a, "");
		raw_head(&r);
		assert_int_equal(r.status, 200);
		raw_body(&r, content.n);
		assert_int_equal(r.got, content.n);
		close(r.fd);
	}
	answer = maker_call("POST", text("/transfers/%s/terminate", a.pid), "{}");
	assert_int_equal(answer.status / 100, 2);
	m = await_meter(maker_call, agreement, "alone");
	assert_int_equal(json_integer_value(json_object_get(m, "requests")), 2);
	assert_int_equal(json_integer_value(json_object_get(m, "octets")), content.n);
	receipt = json_array_get(json_object_get(m, "receipts"), 0);
	assert_true(json_is_true(json_object_get(receipt, "own_signed")));
	assert_true(json_is_false(json_object_get(receipt, "peer_signed")));
	node_start(&pair.buyer);
}

/* A consumer that fetches piecemeal: each piece is counted for itself, in so many spans and no more; what
 * joins one of them still goes. */
static void test_pieces_are_counted_or_not_given(void **state)
{
	const char *agreement, *pid;
	struct answer answer;
	struct access a;

	(void)state;
	publish("piecemeal", "", octets(100000, 5));
	agreement = agree("piecemeal");
	dp_quiesce(pair.buyer.d); /* nor its own pull */
	pid = pull(agreement, "");
	answer = await(pid, "STARTED");
	assert_string_equal(answer_text(&answer, "state"), "STARTED");
	a = access_of(pid);
	node_stop(&pair.buyer);
	for (unsigned i = 0; i < SPANS_MAX; i++)
		assert_int_equal(raw_status("GET", &a, text("Range: bytes=%u-%u\r\n", 10 * i, 10 * i + 1)),
				 206);
	assert_int_equal(raw_status("GET", &a, "Range: bytes=90000-90001\r\n"), 429);
	assert_int_equal(raw_status("GET", &a, "Range: bytes=0-9\r\n"), 206);
	node_start(&pair.buyer);
}

static void test_time_ends_a_running_transfer(void **state)
{
	char until[CLOCK_TEXT];
	const char *agreement, *pid;
	struct answer a;
	struct str content = octets(4 << 20, 11);

	(void)state;
	publish("timed",
		text("{\"leftOperand\":\"dateTime\",\"operator\":\"lteq\",\"rightOperand\":\"%s\"}",
		     clock_print(clock_wall() + 3 * USEC_PER_SEC, true, until)),
		content);
	agreement = agree("timed");
	pid = pull(agreement, ",\"rate\":200000");
	await_octets(pid, 1);
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "dateTime lteq"));
	assert_true(count(&a, "octets") < content.n);
	(void)await_meter(maker_call, agreement, "agreed");
	/* the buyer has learned with the ending that the agreement is over, and asks no more */
	a = buyer_call("GET", text("/agreements/%s", agreement), NULL);
	assert_string_equal(answer_text(&a, "state"), "EXPIRED");
	assert_string_equal(answer_text(&a, "ended_by"), node_did(&pair.maker, "maker"));
	a = buyer_call("POST", "/transfers", text("{\"agreement\":\"%s\"}", agreement));
	assert_int_equal(a.status, 403);
}

/* Exactly as many octets as the policy allows, not one more. */
static void test_octets_end_a_running_transfer(void **state)
{
	const char *agreement, *pid;
	struct answer a;
	struct str content = octets(600000, 12);

	(void)state;
	publish("limited",
		"{\"leftOperand\":\"kanhe:bytes\",\"operator\":\"lteq\",\"rightOperand\":1000001}",
		content);
	agreement = agree("limited");
	pid = pull(agreement, "");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_meters(agreement, 1, 1, 600000);
	pid = pull(agreement, "");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "kanhe:bytes: limit 1000001, actual 1000001"));
	(void)await_meter(buyer_call, agreement, "agreed");
	a = buyer_call("GET", text("/meters?agreement=%s", agreement), NULL);
	assert_meters(agreement, 2,
		      (uint64_t)json_integer_value(json_object_get(
			  json_array_get(json_object_get(a.json, "meters"), 0), "requests")),
		      1000001);
}

static void test_a_changed_content_is_found_out(void **state)
{
	struct str content = octets(50000, 13);
	const char *agreement, *pid, *path;
	struct answer a;
	int fd;

	(void)state;
	publish("changed", "", content);
	agreement = agree("changed");
	path = text("%s/blobs/%s", pair.maker.folder, digest_text(content) + 7);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "!", 1, 25000), 1);
	close(fd);
	pid = pull(agreement, "");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "not what was promised"));
	assert_int_equal(count(&a, "requests"), 2); /* one clean retry */
	assert_int_equal(buyer_call("GET", text("/transfers/%s/content", pid), NULL).status, 404);
	assert_int_equal(
	    access(text("%s/pulled/buyer/%s.bad", pair.buyer.folder, pid + strlen("urn:uuid:")), F_OK), 0);
	assert_meters(agreement, 1, 2, content.n);
}

static void test_an_empty_content(void **state)
{
	const char *agreement, *pid;
	struct answer a;

	(void)state;
	publish("empty", "", octets(0, 0));
	agreement = agree("empty");
	pid = pull(agreement, "");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "digest"), digest_text(STR("")));
	assert_meters(agreement, 1, 1, 0);
}

/* What was agreed on is what is served, though the dataset has moved on. */
static void test_agreements_keep_their_content(void **state)
{
	struct str old = octets(20000, 14);
	const char *agreement;
	struct answer a;

	(void)state;
	publish("versions", "", old);
	agreement = agree("versions");
	publish("versions", "", octets(30000, 15));
	a = await(pull(agreement, ""), "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	assert_string_equal(answer_text(&a, "digest"), digest_text(old));
}

static void test_many_at_once(void **state)
{
	enum { N = 8 };
	struct str content = octets(700000, 16);
	const char *agreement, *pid[N];

	(void)state;
	publish("many", "", content);
	agreement = agree("many");
	for (int i = 0; i < N; i++) pid[i] = pull(agreement, "");
	for (int i = 0; i < N; i++) {
		struct answer a = await(pid[i], "COMPLETED,TERMINATED");
		assert_string_equal(answer_text(&a, "state"), "COMPLETED");
	}
	assert_meters(agreement, N, N, N * content.n);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranges_and_heads),
	    cmocka_unit_test(test_only_the_token_of_this_transfer),
	    cmocka_unit_test(test_resumes_after_the_provider_was_away),
	    cmocka_unit_test(test_resumes_after_the_consumer_was_away),
	    cmocka_unit_test(test_suspends_and_goes_on),
	    cmocka_unit_test(test_revocation_cuts_running_streams),
	    cmocka_unit_test(test_meters_of_a_cut_transfer_agree),
	    cmocka_unit_test(test_a_plain_consumer_is_counted_by_the_provider_alone),
	    cmocka_unit_test(test_pieces_are_counted_or_not_given),
	    cmocka_unit_test(test_time_ends_a_running_transfer),
	    cmocka_unit_test(test_octets_end_a_running_transfer),
	    cmocka_unit_test(test_a_changed_content_is_found_out),
	    cmocka_unit_test(test_an_empty_content),
	    cmocka_unit_test(test_agreements_keep_their_content),
	    cmocka_unit_test(test_many_at_once),
	};

	if (argc > 1) cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
