/* Rates: token buckets as such, and as clients meet them. */
#include "tests/resolver/desk.h"

#include "resolver/limit.h"
#include "resolver/rate.h"

#define MS USEC_PER_MSEC

static struct rates *ten(uint32_t per_second, uint32_t burst, size_t clients)
{
	const struct rate_rule rules[RATE_CLASSES_N] = {[RATE_READ] = {per_second, burst}};
	struct rates *r = rates_new(rules, clients);
	assert_non_null(r);
	return r;
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
	struct rates *r = ten(10, 3, 64);
	uint64_t c = rates_client(r, STR("a"));
	usec_t now = 5 * USEC_PER_SEC, wait = 0;
	(void)state;
	for (int i = 0; i < 3; i++) assert_true(rates_enter(r, RATE_READ, c, now, &wait));
	assert_false(rates_enter(r, RATE_READ, c, now, &wait));
	assert_int_equal(wait, 100 * MS);
	assert_false(rates_enter(r, RATE_READ, c, now + 99 * MS, &wait));
	assert_int_equal(wait, 1 * MS);
	assert_true(rates_enter(r, RATE_READ, c, now + 100 * MS, &wait));
	assert_false(rates_enter(r, RATE_READ, c, now + 100 * MS, &wait));
	/* another client has a bucket of its own */
	assert_true(rates_enter(r, RATE_READ, rates_client(r, STR("b")), now + 100 * MS, &wait));
	/* a long pause gives the burst and no more */
	now += 3600 * USEC_PER_SEC;
	for (int i = 0; i < 3; i++) assert_true(rates_enter(r, RATE_READ, c, now, &wait));
	assert_false(rates_enter(r, RATE_READ, c, now, &wait));
	/* other classes have no limit here */
	assert_false(rates_on(r, RATE_CHANGE));
	assert_true(rates_enter(r, RATE_CHANGE, c, now, &wait));
	rates_free(r);
}

/* Over a long time the rate is exact, whatever the steps. */
static void the_rate_is_exact(void **state)
{
	struct rates *r = ten(7, 1, 64);
	uint64_t c = rates_client(r, STR("a")), let = 0;
	usec_t wait;
	(void)state;
	for (usec_t now = USEC_PER_SEC; now < 101 * USEC_PER_SEC; now += 3 * MS + 1)
		let += rates_enter(r, RATE_READ, c, now, &wait);
	assert_in_range(let, 680, 701); /* steps of 3 ms round each of 143 ms up */
	rates_free(r);
}

static void a_batch_may_run_into_debt(void **state)
{
	struct rates *r = ten(100, 10, 64);
	uint64_t c = rates_client(r, STR("a"));
	usec_t now = USEC_PER_SEC, wait = 0;
	(void)state;
	assert_true(rates_enter(r, RATE_READ, c, now, &wait));
	rates_charge(r, RATE_READ, c, now, 999);
	assert_false(rates_enter(r, RATE_READ, c, now, &wait));
	assert_int_equal(wait, (1000 - 9) * 10 * MS);
	assert_true(rates_enter(r, RATE_READ, c, now + wait, &wait));
	rates_free(r);
}

/* Memory is bounded: many clients push out who has paid its debt, not who has not. */
static void who_is_in_debt_is_remembered_longest(void **state)
{
	struct rates *r = ten(10, 2, 8);
	uint64_t c = rates_client(r, STR("greedy"));
	usec_t now = USEC_PER_SEC, wait;
	char name[16];
	(void)state;
	for (int i = 0; i < 2; i++) assert_true(rates_enter(r, RATE_READ, c, now, &wait));
	rates_charge(r, RATE_READ, c, now, 100);
	for (int i = 0; i < 1000; i++) {
		int n = snprintf(name, sizeof name, "c%d", i);
		assert_true(rates_enter(r, RATE_READ, rates_client(r, str_n(name, (size_t)n)), now, &wait));
	}
	assert_false(rates_enter(r, RATE_READ, c, now, &wait));
	rates_free(r);
}

static void addresses_are_told_apart_by_subscriber(void **state)
{
	char a[LIMIT_ADDRESS], b[LIMIT_ADDRESS];
	(void)state;
	assert_str(limit_address(STR("192.0.2.1:50312"), a), "192.0.2.1");
	assert_str(limit_address(STR("[::ffff:192.0.2.1]:5"), a), "192.0.2.1");
	static const unsigned char net[LIMIT_ADDRESS] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2};
	struct str x = limit_address(STR("[2001:db8:1:2:3:4:5:6]:80"), a);
	assert_int_equal(x.n, LIMIT_ADDRESS);
	assert_memory_equal(x.p, net, LIMIT_ADDRESS);
	assert_true(str_eq(x, limit_address(STR("[2001:db8:1:2::9]:81"), b)));
	assert_false(str_eq(x, limit_address(STR("[2001:db8:1:3::9]:81"), b)));
	x = limit_address(STR("[2001:db8::9]:81"), a);
	static const unsigned char shorter[LIMIT_ADDRESS] = {0x20, 0x01, 0x0d, 0xb8};
	assert_memory_equal(x.p, shorter, LIMIT_ADDRESS);
}

/* ---- over HTTP -------------------------------------------------------------------------- */

static struct site tight;
static char reg[ACCESS_TOKEN_TEXT], second[ACCESS_TOKEN_TEXT];

static struct http_reply call(const char *method, const char *token, const char *path, const char *body)
{
	return http_call(&tight, &(struct http_call){.method = method,
						     .path = path,
						     .token = token,
						     .body = body ? str_of(body) : STR_NONE});
}

static int status_of(const char *method, const char *token, const char *path, const char *body)
{
	struct http_reply r = call(method, token, path, body);
	int status = r.status;
	http_done(&r);
	return status;
}

/* Until the client is refused; how many were let in before. */
static int let_in(const char *method, const char *token, const char *path, const char *body, int most)
{
	int n = 0;
	while (n < most && status_of(method, token, path, body) != 429) n++;
	return n;
}

static void clients_meet_their_limits(void **state)
{
	(void)state;
	/* a token in an hour or so: the bursts are all there is */
	site_open(
	    &(struct site_options){
		.name = "tight",
		.authority = {"88.118.8"},
		.applications = true,
		.rates = {[RATE_READ] = {1, 30}, [RATE_CHANGE] = {1, 8}, [RATE_ANONYMOUS] = {1, 4}}},
	    &tight);
	site_grant(&tight, "reg", ROLE_REGISTRAR, "88.118.8", reg);
	site_grant(&tight, "second", ROLE_REGISTRAR, "88.118.8", second);
	/* changes: each credential its own, each record of a batch one */
	assert_in_range(let_in("PUT", reg, "/registry/88.118.8/a", "{\"values\":[]}", 20), 8, 10);
	struct http_reply r = call("PUT", reg, "/registry/88.118.8/a", "{\"values\":[]}");
	EXPECT(r, 429);
	assert_string_equal(http_text(&r, "type"), "urn:kanhe:problem:quota");
	assert_string_equal(http_text(&r, "rule"), "rate-limit");
	assert_str(http_header(&r, "content-type"), "application/problem+json");
	uint64_t seconds;
	assert_int_equal(str_u64(http_header(&r, "retry-after"), &seconds), ERR_OK);
	assert_in_range(seconds, 1, 2);
	http_done(&r);
	assert_int_equal(
	    status_of(
		"POST", second, "/registry",
		"{\"records\":[{\"id\":\"88.118.8/b\",\"values\":[]},{\"id\":\"88.118.8/c\",\"values\":[]},"
		"{\"id\":\"88.118.8/d\",\"values\":[]},{\"id\":\"88.118.8/e\",\"values\":[]},"
		"{\"id\":\"88.118.8/f\",\"values\":[]},{\"id\":\"88.118.8/g\",\"values\":[]}]}"),
	    200);
	assert_in_range(let_in("PUT", second, "/registry/88.118.8/a", "{\"values\":[]}", 20), 2, 4);
	/* resolving is another matter: without a credential by address, with one by its name; a made-up
	 * token buys nothing */
	assert_int_equal(
	    status_of(
		"POST", NULL, "/resolve",
		"{\"ids\":[\"88.118.8/a\",\"88.118.8/b\",\"88.118.8/c\",\"88.118.8/d\",\"88.118.8/e\"]}"),
	    200);
	assert_in_range(let_in("GET", NULL, "/resolve/88.118.8/a", NULL, 60), 25, 28);
	assert_int_equal(
	    status_of("GET", "kt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/resolve/88.118.8/a", NULL),
	    429);
	assert_int_equal(status_of("GET", reg, "/resolve/88.118.8/a", NULL), 200);
	assert_in_range(let_in("GET", reg, "/registry/88.118.8/a", NULL, 60), 29, 31);
	/* what nobody has to show a credential for */
	assert_in_range(let_in("POST", NULL, "/enterprises/applications", "{}", 20), 4, 5);
	assert_int_equal(status_of("POST", NULL, "/enterprises/91350100M000100Y43/challenge", NULL), 429);
	struct buf out = BUF_INIT(1 << 20);
	rs_metrics(tight.rs, &out);
	assert_non_null(memmem(out.p, out.n, "kanhe_resolver_limited_anonymous_total 2", 40));
	assert_null(memmem(out.p, out.n, "kanhe_resolver_limited_reads_total 0", 36));
	assert_null(memmem(out.p, out.n, "kanhe_resolver_limited_changes_total 0", 38));
	buf_done(&out);
	site_close(&tight);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
	    cmocka_unit_test(the_rate_is_exact),
	    cmocka_unit_test(a_batch_may_run_into_debt),
	    cmocka_unit_test(who_is_in_debt_is_remembered_longest),
	    cmocka_unit_test(addresses_are_told_apart_by_subscriber),
	    cmocka_unit_test(clients_meet_their_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
