/* Real nodes over real sockets: top 88, second 88.118, maker 88.118.8, and a recursive one. */
#include "tests/base/cases.h"
#include "tests/resolver/site.h"

#include <pthread.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text64.h"
#include "proto/pb/answer.h"

static struct site top, second, maker, buyer;
static char top_token[ACCESS_TOKEN_TEXT], second_token[ACCESS_TOKEN_TEXT], maker_token[ACCESS_TOKEN_TEXT];

static int setup(void **state)
{
	(void)state;
	site_open(&(struct site_options){.name = "top", .authority = {"88"}}, &top);
	site_open(&(struct site_options){.name = "second", .authority = {"88.118"}}, &second);
	site_open(&(struct site_options){.name = "maker", .authority = {"88.118.8"}}, &maker);
	site_open(
	    &(struct site_options){
		.name = "buyer", .authority = {"88.118.9"}, .recursive = true, .anchor = &top, .shards = 2},
	    &buyer);
	site_grant(&top, "reg", ROLE_REGISTRAR, "88", top_token);
	site_grant(&second, "reg", ROLE_REGISTRAR, "88.118", second_token);
	site_grant(&maker, "ent", ROLE_ENTERPRISE, "88.118.8", maker_token);
	assert_int_equal(site_delegate(&top, top_token, "88.118", &second), 201);
	assert_int_equal(site_delegate(&second, second_token, "88.118.8", &maker), 201);
	assert_int_equal(site_register(&maker, maker_token, "88.118.8/lathe", "https://maker.example/1"),
			 201);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_close(&buyer);
	site_close(&maker);
	site_close(&second);
	site_close(&top);
	return 0;
}

static const json_t *hop_of(const struct http_reply *r, size_t i)
{
	return json_array_get(json_object_get(r->json, "trace"), i);
}

static const char *hop_text(const struct http_reply *r, size_t i, const char *member)
{
	const char *t = json_string_value(json_object_get(hop_of(r, i), member));
	return t ? t : "";
}

static void walks_and_says_secure(void **state)
{
	(void)state;
	struct http_reply r = http_get(&buyer, "/resolve/88.118.8/lathe?trace=1");
	assert_int_equal(r.status, 200);
	assert_string_equal(http_text(&r, "state"), "secure");
	assert_string_equal(http_text(&r, "kind"), "record");
	assert_int_equal(json_array_size(json_object_get(r.json, "trace")), 3);
	assert_string_equal(hop_text(&r, 0, "node"), top.did);
	assert_string_equal(hop_text(&r, 0, "kind"), "referral");
	assert_string_equal(hop_text(&r, 2, "node"), maker.did);
	assert_string_equal(hop_text(&r, 2, "kind"), "record");
	assert_string_equal(hop_text(&r, 2, "state"), "secure");
	assert_true(json_is_false(json_object_get(hop_of(&r, 2), "cached")));
	http_done(&r);
	r = http_get(&buyer, "/resolve/88.118.8/lathe");
	assert_int_equal(r.status, 200);
	assert_str(http_header(&r, "kanhe-state"), "secure");
	assert_str(http_header(&r, "kanhe-node"), "buyer");
	assert_true(str_starts(http_header(&r, "cache-control"), STR("max-age=")));
	assert_string_equal(http_text(&r, "id"), "88.118.8/lathe");
	http_done(&r);
	r = http_get(&buyer, "/resolve/88.118.8/lathe?trace=1");
	assert_true(json_is_true(json_object_get(hop_of(&r, 2), "cached")));
	http_done(&r);
}

/* HTTP/2 seeks before it answers: what is said stays the same. */
static void says_the_same_over_http2(void **state)
{
	(void)state;
	static const struct {
		const struct site *site;
		const char *path, *header;
		int status;
	} table[] = {{&maker, "/resolve/88.118.8/lathe", NULL, 200},
		     {&maker, "/resolve/88.118.8/lathe?type=URL&index=7", NULL, 200},
		     {&maker, "/resolve/88.118.8/lathe", "if-none-match: \"1\"", 304},
		     {&maker, "/resolve/88.118.8/no-such", NULL, 404},
		     {&maker, "/resolve/88.118.8/%zz", NULL, 400},
		     {&maker, "/resolve/88..8/x", NULL, 400},
		     {&maker, "/resolve/88.118.8/lathe?index=x", NULL, 400},
		     {&maker, "/resolve/99/elsewhere", NULL, 421},
		     {&second, "/resolve/88.118.8/lathe", NULL, 421},
		     {&buyer, "/resolve/88.118.8/lathe", NULL, 200},
		     {&buyer, "/resolve/88.118.8/no-such", NULL, 404},
		     {&buyer, "/resolve/88.118.8/lathe?rd=0", NULL, 421}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct http_call c = {.path = table[i].path,
				      .headers = {"x-request-id: same", table[i].header}};
		struct http_reply one = http_call(table[i].site, &c);
		c.h2 = true;
		struct http_reply two = http_call(table[i].site, &c);
		assert_true(str_starts(two.head, STR("http/2 ")));
		if (one.status != table[i].status || two.status != one.status ||
		    !str_eq(one.body, two.body))
			fail_msg("row %zu: %d %.*s, %d %.*s", i, one.status, STR_ARG(one.body), two.status,
				 STR_ARG(two.body));
		assert_true(str_eq(http_header(&one, "kanhe-state"), http_header(&two, "kanhe-state")));
		assert_true(str_eq(http_header(&one, "etag"), http_header(&two, "etag")));
		http_done(&one);
		http_done(&two);
	}
}

static void not_found_carries_a_proof(void **state)
{
	struct envelope env;
	struct answer m;
	struct str octets;
	(void)state;
	struct http_reply r = http_get(&buyer, "/resolve/88.118.8/none");
	assert_int_equal(r.status, 404);
	assert_str(http_header(&r, "kanhe-state"), "secure");
	assert_str(http_header(&r, "content-type"), "application/problem+json");
	assert_int_equal(base64_parse(r.arena, str_of(http_text(&r, "proof")), &octets), ERR_OK);
	assert_int_equal(envelope_unpack(octets, NULL, &env), ERR_OK);
	assert_int_equal(envelope_verify(&env, ENVELOPE_ANSWER, sign_public(maker.key), NULL), ERR_OK);
	assert_int_equal(answer_unpack(r.arena, env.payload, NULL, &m), ERR_OK);
	assert_int_equal(m.kind, ANSWER_NOT_FOUND);
	assert_str(m.id, "88.118.8/none");
	http_done(&r);
}

static void iterative_questions_get_referrals(void **state)
{
	(void)state;
	struct http_reply r = http_get(&top, "/resolve/88.118.8/lathe?rd=0");
	assert_int_equal(r.status, 421);
	const json_t *ref = json_object_get(r.json, "referral");
	assert_string_equal(json_string_value(json_object_get(ref, "prefix")), "88.118");
	assert_string_equal(json_string_value(json_object_get(ref, "url")), second.url);
	http_done(&r);
	r = http_call(&top,
		      &(struct http_call){.path = "/resolve/88.118.8/lathe",
					  .headers = {"accept: application/vnd.kanhe.answer+protobuf"}});
	assert_int_equal(r.status, 200);
	assert_str(http_header(&r, "content-type"), "application/vnd.kanhe.answer+protobuf");
	struct envelope env;
	struct answer m;
	assert_int_equal(envelope_unpack(r.body, NULL, &env), ERR_OK);
	assert_int_equal(answer_unpack(r.arena, env.payload, NULL, &m), ERR_OK);
	assert_int_equal(m.kind, ANSWER_REFERRAL);
	http_done(&r);
	/* nobody's prefix */
	r = http_get(&maker, "/resolve/10.1000/182");
	assert_int_equal(r.status, 421);
	assert_null(json_object_get(r.json, "referral"));
	http_done(&r);
	r = http_get(&buyer, "/resolve/10.1000/182");
	assert_int_equal(r.status, 421); /* recursive, but no anchor covers it */
	http_done(&r);
}

static void wrong_key_is_bogus_and_not_served(void **state)
{
	struct site liar;
	char token[ACCESS_TOKEN_TEXT];
	(void)state;
	site_open(&(struct site_options){.name = "liar", .authority = {"88.118.7"}}, &liar);
	site_grant(&liar, "ent", ROLE_ENTERPRISE, "88.118.7", token);
	assert_int_equal(site_register(&liar, token, "88.118.7/fake", "https://evil.example/"), 201);
	/* the parent names another key than the one the child signs with */
	struct site named = liar;
	named.key = maker.key;
	assert_int_equal(site_delegate(&second, second_token, "88.118.7", &named), 201);
	struct http_reply r = http_get(&buyer, "/resolve/88.118.7/fake?trace=1");
	assert_int_equal(r.status, 502);
	assert_string_equal(http_text(&r, "state"), "bogus");
	assert_true(json_is_null(json_object_get(r.json, "answer")));
	assert_null(memmem(r.body.p, r.body.n, "evil", 4));
	assert_string_equal(hop_text(&r, 2, "state"), "bogus");
	assert_string_equal(hop_text(&r, 2, "url"), liar.url);
	http_done(&r);
	r = http_get(&buyer, "/resolve/88.118.7/fake");
	assert_int_equal(r.status, 502);
	assert_string_equal(http_text(&r, "type"), "urn:kanhe:problem:bogus");
	assert_string_equal(http_text(&r, "rule"), "answer-signature");
	assert_non_null(strstr(http_text(&r, "detail"), liar.url)); /* the failing hop is named */
	assert_null(memmem(r.body.p, r.body.n, "evil", 4));
	http_done(&r);
	/* protobuf and pages do not leak it either */
	r = http_call(&buyer,
		      &(struct http_call){.path = "/resolve/88.118.7/fake",
					  .headers = {"accept: application/vnd.kanhe.answer+protobuf"}});
	assert_int_equal(r.status, 502);
	http_done(&r);
	r = http_call(&buyer, &(struct http_call){.path = "/resolve/88.118.7/fake",
						  .headers = {"accept: text/html"}});
	assert_int_equal(r.status, 502);
	assert_null(memmem(r.body.p, r.body.n, "evil", 4));
	http_done(&r);
	site_close(&liar);
}

static void withdrawn_delegation_is_gone_at_once(void **state)
{
	(void)state;
	assert_int_equal(site_delegate(&second, second_token, "88.118.6", &maker), 201);
	struct http_reply r = http_get(&second, "/resolve/88.118.6/x?rd=0");
	assert_int_equal(r.status, 421);
	assert_non_null(json_object_get(r.json, "referral"));
	http_done(&r);
	r = http_call(&second, &(struct http_call){.method = "DELETE",
						   .path = "/delegations/88.118.6",
						   .token = second_token});
	assert_int_equal(r.status, 204);
	http_done(&r);
	r = http_get(&second, "/resolve/88.118.6/x?rd=0");
	assert_int_equal(r.status, 404);
	http_done(&r);
	r = http_call(&second, &(struct http_call){.method = "DELETE",
						   .path = "/delegations/88.118.6",
						   .token = second_token});
	assert_int_equal(r.status, 404);
	http_done(&r);
	/* given again, the serial goes on */
	assert_int_equal(site_delegate(&second, second_token, "88.118.6", &maker), 201);
	r = http_call(&second, &(struct http_call){.path = "/delegations", .token = second_token});
	size_t i;
	json_t *d;
	bool seen = false;
	json_array_foreach(json_object_get(r.json, "delegations"), i, d)
	{
		if (strcmp(json_string_value(json_object_get(d, "prefix")), "88.118.6") != 0) continue;
		seen = true;
		assert_int_equal(json_integer_value(json_object_get(d, "serial")), 2);
	}
	assert_true(seen);
	http_done(&r);
}

/* A socket that accepts and says nothing. */
static void silent_upstream_times_out(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	(void)state;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a) && !listen(fd, 8));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	struct site dead = maker;
	snprintf(dead.url, sizeof dead.url, "http://127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(site_delegate(&second, second_token, "88.118.5", &dead), 201);
	usec_t began = clock_mono();
	struct http_reply r = http_get(&buyer, "/resolve/88.118.5/x");
	usec_t took = clock_mono() - began;
	assert_int_equal(r.status, 504);
	assert_true(took > 3 * USEC_PER_SEC);
	http_done(&r);
	close(fd);
}

static void *ask_slowly(void *arg)
{
	struct http_reply r = http_get(&buyer, "/resolve/88.118.8/shared");
	*(int *)arg = r.status;
	http_done(&r);
	return NULL;
}

static uint64_t metric_of(struct rs *rs, const char *name)
{
	struct buf b = BUF_INIT(1 << 20);
	char line[128];
	uint64_t value = 0;
	rs_metrics(rs, &b);
	buf_byte(&b, 0);
	int n = snprintf(line, sizeof line, "\nkanhe_resolver_%s ", name);
	const char *at = strstr(b.p, line);
	must(at);
	struct str rest = str_of(at + n);
	must(!str_u64(str_first(rest, str_find(rest, '\n')), &value));
	buf_done(&b);
	return value;
}

static void concurrent_equal_questions_fetch_once(void **state)
{
	enum { MANY = 24 };
	pthread_t t[MANY];
	int status[MANY] = {0};
	(void)state;
	uint64_t before = metric_of(maker.rs, "questions_total");
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_slowly, &status[i]), 0);
	for (size_t i = 0; i < MANY; i++) pthread_join(t[i], NULL);
	for (size_t i = 0; i < MANY; i++) assert_int_equal(status[i], 404);
	assert_int_equal(metric_of(maker.rs, "questions_total") - before, 1);
}

static void batch_walks_and_answers_each(void **state)
{
	(void)state;
	struct http_reply r = http_call(
	    &buyer,
	    &(struct http_call){
		.method = "POST",
		.path = "/resolve",
		.body = STR("{\"ids\":[\"88.118.8/lathe\",\"88.118.8/no1\",\"88.118.8/no2\",\"bad id\","
			    "\"88.118.9/own\",\"10.1/x\",\"88.118.8/lathe\"]}")});
	static const int want[] = {200, 404, 404, 400, 404, 421, 200};
	static const char *const states[] = {"secure",        "secure", "secure", "none",
					     "authoritative", "none",   "secure"};
	assert_int_equal(r.status, 200);
	const json_t *all = json_object_get(r.json, "answers");
	assert_int_equal(json_array_size(all), COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		const json_t *one = json_array_get(all, i);
		assert_int_equal(json_integer_value(json_object_get(one, "status")), want[i]);
		assert_string_equal(json_string_value(json_object_get(one, "state")), states[i]);
	}
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(json_array_get(all, 0), "answer"), "id")),
	    "88.118.8/lathe");
	http_done(&r);
}

static void protobuf_batch_is_signed_on_demand(void **state)
{
	struct str ids[] = {STR("88.118.8/lathe"), STR("88.118.8/no1"), STR("x")};
	(void)state;
	for (int wanted = 0; wanted < 2; wanted++) {
		struct batch_request q = {ids, 3, wanted};
		struct batch_answer a;
		struct answer m;
		struct envelope env;
		struct buf body = BUF_INIT(BATCH_REQUEST_MAX);
		assert_int_equal(batch_request_pack(&q, &body), ERR_OK);
		for (int i = 0; i < 2; i++) { /* the recursive node, and the authority itself */
			struct http_reply r = http_call(
			    i ? &maker : &buyer,
			    &(struct http_call){.method = "POST",
						.path = "/resolve",
						.body = buf_str(&body),
						.content_type = "application/vnd.kanhe.batch+protobuf"});
			assert_int_equal(r.status, 200);
			assert_int_equal(batch_answer_unpack(r.arena, r.body, NULL, &a), ERR_OK);
			assert_int_equal(a.items_n, 3);
			struct str octets = a.items[0].answer;
			if (wanted) {
				assert_int_equal(envelope_unpack(octets, NULL, &env), ERR_OK);
				assert_int_equal(
				    envelope_verify(&env, ENVELOPE_ANSWER, sign_public(maker.key), NULL),
				    ERR_OK);
				octets = env.payload;
			}
			assert_int_equal(answer_unpack(r.arena, octets, NULL, &m), ERR_OK);
			assert_str(m.id, "88.118.8/lathe");
			assert_int_equal(a.items[2].err, ERR_BAD_ID);
			http_done(&r);
		}
		buf_done(&body);
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(walks_and_says_secure),
	    cmocka_unit_test(says_the_same_over_http2),
	    cmocka_unit_test(not_found_carries_a_proof),
	    cmocka_unit_test(iterative_questions_get_referrals),
	    cmocka_unit_test(wrong_key_is_bogus_and_not_served),
	    cmocka_unit_test(withdrawn_delegation_is_gone_at_once),
	    cmocka_unit_test(concurrent_equal_questions_fetch_once),
	    cmocka_unit_test(batch_walks_and_answers_each),
	    cmocka_unit_test(protobuf_batch_is_signed_on_demand),
	    cmocka_unit_test(silent_upstream_times_out),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
