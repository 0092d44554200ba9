/* Single requests: what goes out, what is refused, what is tried again. */
#include "tests/net/asking.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/courier_guard.h"

static void requests_go_out_as_given(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_header h[] = {{"Authorization", "Bearer x"}, {"X-Empty", ""}};
	struct courier_req r = get("/echo");
	r.headers = h;
	r.headers_n = 2;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.status, 200);
	assert_int_equal(o.attempts, 1);
	assert_string_equal(o.content_type, "text/plain");
	assert_memory_equal(o.body, "GET /echo HTTP/1.1\r\n", 20);
	assert_non_null(strstr(o.body, "\r\nAuthorization: Bearer x\r\n"));
	assert_non_null(strstr(o.body, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(o.body, "\r\nUser-Agent: kanhe/0."));
	assert_null(strcasestr(o.body, "content-type"));
	assert_null(strcasestr(o.body, "content-length"));

	r.method = "POST";
	r.body = STR("{\"a\":1}");
	h[1] = (struct courier_header){"Content-Type", "application/json"};
	ask(c, r, &o);
	assert_memory_equal(o.body, "POST /echo ", 11);
	assert_non_null(strstr(o.body, "\r\nContent-Type: application/json\r\n"));
	assert_null(strcasestr(o.body, "expect"));
	assert_non_null(strstr(o.body, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(o.body, "\r\n\r\n{\"a\":1}"));

	r = get("/echo");
	r.method = "PUT";
	ask(c, r, &o);
	assert_memory_equal(o.body, "PUT /echo ", 10);
	assert_non_null(strstr(o.body, "\r\nContent-Length: 0\r\n"));
	r.method = "DELETE";
	ask(c, r, &o);
	assert_memory_equal(o.body, "DELETE /echo ", 13);
	assert_int_equal(server.connections, 1); /* one connection served them all */
	courier_stop(c);
}

static void files_are_sent_as_they_are_read(void **state)
{
	(void)state;
	char path[] = "/tmp/kanhe-courier-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "from a file", 11), 11);
	close(fd);
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = get("/echo");
	r.method = "PUT";
	r.body_file = path;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_non_null(strstr(o.body, "\r\nContent-Length: 11\r\n"));
	assert_non_null(strstr(o.body, "\r\n\r\nfrom a file"));
	r.body_from = 5;
	ask(c, r, &o);
	assert_non_null(strstr(o.body, "\r\nContent-Length: 6\r\n"));
	assert_non_null(strstr(o.body, "\r\n\r\na file"));
	r.body_from = 99; /* it has become shorter */
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_non_null(strstr(o.body, "\r\nContent-Length: 0\r\n"));
	unlink(path);
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_NOT_FOUND);
	courier_stop(c);
}

static void what_would_be_another_request_is_refused(void **state)
{
	(void)state;
	struct courier *c = start();
	static const struct courier_header bad[] = {{"x", "a\r\nHost: evil"},
						    {"x", "a\nb"},
						    {"x\r\n", "a"},
						    {"x y", "a"},
						    {"", "a"},
						    {"x:", "a"},
						    {NULL, "a"}};
	struct outcome o;
	uint64_t ticket;
	outcome_init(&o);
	struct courier_req r = get("/echo");
	r.arg = &o;
	r.headers_n = 1;
	for (size_t i = 0; i < COUNT(bad); i++) {
		r.headers = &bad[i];
		assert_int_equal(courier_submit(c, &r, &ticket), ERR_BAD_INPUT);
	}
	r.headers_n = 0;
	r.method = "GET /x HTTP/1.1\r\n";
	assert_int_equal(courier_submit(c, &r, &ticket), ERR_BAD_INPUT);
	assert_int_equal(o.done, 0);
	static const char *const urls[] = {"file:///etc/passwd",
					   "gopher://127.0.0.1/",
					   "ftp://127.0.0.1/x",
					   "",
					   "http://",
					   "http://user:secret@127.0.0.1/",
					   "http://a b/"};
	for (size_t i = 0; i < COUNT(urls); i++) {
		r = get("/");
		r.url = urls[i];
		ask(c, r, &o);
		assert_int_not_equal(o.err, ERR_OK);
		assert_int_equal(o.status, 0);
	}
	courier_stop(c);
}

static void redirects_are_answers(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	ask(c, get("/redirect"), &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.status, 302);
	assert_string_equal(o.location, "/echo");
	ask(c, get("/interim"), &o);
	assert_int_equal(o.status, 200);
	assert_string_equal(o.location, ""); /* that of the interim answer is not the answer's */
	courier_stop(c);
}

static void private_addresses_are_refused(void **state)
{
	(void)state;
	const struct courier_options closed = {.allow_private = false};
	struct courier *c;
	struct courier_stat stat;
	struct outcome o;
	char url[128];
	int before = server.connections;
	static const char *const hosts[] = {
	    "127.0.0.1", "localhost",  "[::1]",      "[::ffff:127.0.0.1]", "0.0.0.0",
	    "127.1",     "2130706433", "0x7f000001", "169.254.169.254",    "10.0.0.1"};
	assert_int_equal(courier_start(&closed, &c), ERR_OK);
	for (size_t i = 0; i < COUNT(hosts); i++) {
		snprintf(url, sizeof url, "http://%s:%d/echo", hosts[i], server.port);
		struct courier_req r = {.method = "GET", .url = url, .done = on_done, .retries = 3};
		ask(c, r, &o);
		assert_int_equal(o.err, ERR_FORBIDDEN);
		assert_int_equal(o.attempts, 1);
		assert_non_null(strstr(o.text, "is not a public address"));
	}
	courier_stat(c, &stat);
	assert_int_equal(stat.refused_address, COUNT(hosts));
	courier_stop(c);
	assert_int_equal(server.connections, before);
}

static bool is_public(const char *text)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return courier_guard_public((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return courier_guard_public((struct sockaddr *)&six);
}

static enum courier_place place_of(const char *text)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return courier_guard_place((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return courier_guard_place((struct sockaddr *)&six);
}

/* allow_private opens one's own networks and nothing else. */
static void the_guard_opens_only_inner_networks(void **state)
{
	(void)state;
	static const char *const inner[] = {
	    "10.0.0.1", "127.0.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1",      "100.100.100.201",
	    "::1",      "fc00::1",   "fd00:ec2::253",  "198.18.0.1",  "::ffff:10.0.0.1", "64:ff9b::a00:1"};
	static const char *const nowhere[] = {"0.0.0.0",
					      "169.254.169.254",
					      "100.100.100.200",
					      "224.0.0.1",
					      "255.255.255.255",
					      "::",
					      "fe80::1",
					      "fd00:ec2::254",
					      "ff02::1",
					      "::ffff:169.254.169.254",
					      "64:ff9b::a9fe:a9fe",
					      "2002:a9fe:a9fe::",
					      "::7f00:1"};
	const struct courier_options open = {.allow_private = true};
	struct courier *c;
	struct outcome o;
	struct courier_req r = {.method = "GET", .url = "http://169.254.169.254/", .done = on_done};
	for (size_t i = 0; i < COUNT(inner); i++) assert_int_equal(place_of(inner[i]), COURIER_INNER);
	for (size_t i = 0; i < COUNT(nowhere); i++) assert_int_equal(place_of(nowhere[i]), COURIER_NOWHERE);
	assert_int_equal(place_of("1.1.1.1"), COURIER_PUBLIC);
	assert_int_equal(courier_start(&open, &c), ERR_OK);
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_FORBIDDEN);
	courier_stop(c);
}

static const char *const special[] = {"0.0.0.0",
				      "0.255.255.255",
				      "10.0.0.0",
				      "10.255.255.255",
				      "100.64.0.0",
				      "100.127.255.255",
				      "127.0.0.1",
				      "127.255.255.255",
				      "169.254.0.0",
				      "169.254.169.254",
				      "172.16.0.0",
				      "172.31.255.255",
				      "192.0.0.1",
				      "192.0.2.1",
				      "192.88.99.1",
				      "192.168.0.0",
				      "192.168.255.255",
				      "198.18.0.0",
				      "198.19.255.255",
				      "198.51.100.1",
				      "203.0.113.1",
				      "224.0.0.1",
				      "239.255.255.255",
				      "240.0.0.1",
				      "255.255.255.255",
				      "::",
				      "::1",
				      "::127.0.0.1",
				      "::8.8.8.8",
				      "::ffff:127.0.0.1",
				      "::ffff:10.0.0.1",
				      "::ffff:169.254.169.254",
				      "64:ff9b::10.0.0.1",
				      "64:ff9b:1::8.8.8.8",
				      "2002:7f00:1::",
				      "2002:a00:1::1",
				      "2001::1",
				      "2001:1ff::1",
				      "2001:db8::1",
				      "3fff::1",
				      "5f00::1",
				      "fc00::1",
				      "fdff::1",
				      "fe80::1",
				      "febf::1",
				      "fec0::1",
				      "ff02::1",
				      "100::1"};
static const char *const open_to_all[] = {
    "1.1.1.1",        "8.8.8.8",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
    "100.128.0.0",    "126.255.255.255",  "128.0.0.1",       "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255",
    "198.20.0.0",     "223.255.255.255",  "2606:4700::1111", "2001:200::1",     "2001:4860:4860::8888",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2400::1",         "240e::1"};

static void the_guard_knows_the_special_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(special); i++)
		if (is_public(special[i])) fail_msg("%s was let through", special[i]);
	for (size_t i = 0; i < COUNT(open_to_all); i++)
		if (!is_public(open_to_all[i])) fail_msg("%s was refused", open_to_all[i]);
	const struct sockaddr local = {.sa_family = AF_UNIX};
	assert_false(courier_guard_public(&local));
}

static void a_deadline_is_kept(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = get("/silent");
	r.deadline = 200 * USEC_PER_MSEC;
	r.retries = 5;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TIMEOUT);
	assert_true(o.took >= 190 * USEC_PER_MSEC);
	assert_int_equal(o.attempts, 1);
	r.url = url_of("/status/503"); /* each attempt is quick, all together take too long */
	r.retries = 1000;
	r.deadline = 2 * USEC_PER_SEC;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.status, 503);
	assert_in_range(o.attempts, 2, 20);
	courier_stop(c);
}

static void retries_are_counted(void **state)
{
	(void)state;
	struct courier *c = start();
	struct courier_stat stat;
	struct outcome o;
	struct courier_req r = get("/flaky");
	r.retries = 3;
	server.flaky = 2;
	ask(c, r, &o);
	assert_int_equal(o.status, 200);
	assert_int_equal(o.attempts, 3);
	assert_true(o.took >= 150 * USEC_PER_MSEC); /* 50 to 100, then 100 to 200 milliseconds */
	courier_stat(c, &stat);
	assert_int_equal(stat.sent, 3);
	assert_int_equal(stat.retried, 2);
	assert_int_equal(stat.answered, 1);

	server.flaky = 2;
	r.retries = 1;
	ask(c, r, &o);
	assert_int_equal(o.status, 503);
	assert_int_equal(o.attempts, 2);
	assert_string_equal(o.body, "later");

	r.url = url_of("/status/500"); /* not a passing trouble */
	ask(c, r, &o);
	assert_int_equal(o.attempts, 1);
	r.url = url_of("/wait-retry"); /* longer than the deadline: the answer is what there is */
	ask(c, r, &o);
	assert_int_equal(o.status, 503);
	assert_int_equal(o.attempts, 1);
	courier_stop(c);
}

static void only_what_was_not_acted_on_is_sent_again(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = get("/drop");
	r.retries = 2;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	assert_int_equal(o.attempts, 3);
	r.method = "POST";
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	assert_int_equal(o.attempts, 1);
	/* nobody listens on this port: nothing was sent, a POST may be tried again */
	struct answering gone;
	answering_start(&gone);
	answering_stop(&gone);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", gone.port);
	r.url = url;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	assert_int_equal(o.attempts, 3);
	assert_true(o.text[0]);
	courier_stop(c);
}

static void answers_are_bounded_and_whole(void **state)
{
	(void)state;
	struct courier *c = start();
	struct outcome o;
	struct courier_req r = get("/big/1000");
	r.body_max = 1000;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_OK);
	assert_int_equal(o.got, 1000);
	r.body_max = 999;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TOO_LARGE);
	r.url = url_of("/chunks/5"); /* of unknown length */
	r.body_max = 49;
	ask(c, r, &o);
	assert_int_equal(o.err, ERR_TOO_LARGE);
	ask(c, get("/big/1048577"), &o);
	assert_int_equal(o.err, ERR_TOO_LARGE);
	ask(c, get("/short"), &o);
	assert_int_equal(o.err, ERR_UPSTREAM);
	courier_stop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_go_out_as_given),
	    cmocka_unit_test(files_are_sent_as_they_are_read),
	    cmocka_unit_test(what_would_be_another_request_is_refused),
	    cmocka_unit_test(redirects_are_answers),
	    cmocka_unit_test(private_addresses_are_refused),
	    cmocka_unit_test(the_guard_knows_the_special_blocks),
	    cmocka_unit_test(the_guard_opens_only_inner_networks),
	    cmocka_unit_test(a_deadline_is_kept),
	    cmocka_unit_test(retries_are_counted),
	    cmocka_unit_test(only_what_was_not_acted_on_is_sent_again),
	    cmocka_unit_test(answers_are_bounded_and_whole),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
