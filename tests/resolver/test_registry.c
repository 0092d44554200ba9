/* Registration, history and delegations over HTTP: what is done, what is refused, and that a refusal
 * changes nothing. */
#include "tests/resolver/desk.h"

#include <stdlib.h>

#include "base/text64.h"
#include "proto/pb/answer.h"

static const char *first_value(const struct http_reply *r)
{
	const json_t *v = json_array_get(json_object_get(r->json, "values"), 0);
	const char *t = json_string_value(json_object_get(json_object_get(v, "data"), "value"));
	return t ? t : "";
}

static void registers_replaces_and_retires(void **state)
{
	const char *path = "/registry/88.118.8/lathe";
	(void)state;
	struct http_reply r =
	    put(registrar, path, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://a/1\"}]}", NULL);
	EXPECT(r, 201);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/lathe");
	EXPECT(r, 200);
	assert_str(http_header(&r, "kanhe-state"), "authoritative");
	assert_str(http_header(&r, "etag"), "\"1\"");
	assert_string_equal(first_value(&r), "https://a/1");
	http_done(&r);
	r = put(registrar, path, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://a/2\"}]}",
		"if-match: \"1\"");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"2\"");
	http_done(&r);
	r = put(registrar, path, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://a/3\"}]}",
		"if-match: \"1\"");
	EXPECT(r, 412);
	http_done(&r);
	r = put(registrar, path, "{\"values\":[]}", "if-none-match: *");
	EXPECT(r, 412);
	http_done(&r);
	r = del(registrar, path);
	EXPECT(r, 200);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/lathe");
	EXPECT(r, 410);
	assert_true(strlen(http_text(&r, "proof")) > 0);
	http_done(&r);
	r = del(registrar, path);
	EXPECT(r, 410);
	http_done(&r);
	/* what was retired does not come back by accident, only by name of its revision */
	r = put(registrar, path, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://a/4\"}]}", NULL);
	EXPECT(r, 410);
	http_done(&r);
	r = put(registrar, path, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://a/4\"}]}",
		"if-match: \"3\"");
	EXPECT(r, 200);
	http_done(&r);
}

/* Of the identifier above: what the tables say and what the ledger says are the same. */
static void history_is_a_chain(void **state)
{
	(void)state;
	struct http_reply r = get(auditor, "/history/88.118.8/lathe");
	EXPECT(r, 200);
	static const char *const kinds[] = {"record.registered", "record.replaced", "record.retired",
					    "record.replaced"};
	const json_t *all = json_object_get(r.json, "history");
	assert_int_equal(json_array_size(all), COUNT(kinds));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json_t *one = json_array_get(all, i), *entry = json_object_get(one, "entry");
		assert_string_equal(json_string_value(json_object_get(entry, "kind")), kinds[i]);
		assert_string_equal(json_string_value(json_object_get(entry, "who")), "registrar");
		assert_int_equal(json_integer_value(json_object_get(entry, "revision")), (long)i + 1);
		assert_string_equal(json_string_value(json_object_get(one, "after")),
				    json_string_value(json_object_get(entry, "after")));
		if (!i) continue; /* each begins where the one before ended */
		assert_string_equal(json_string_value(json_object_get(one, "before")),
				    json_string_value(json_object_get(entry, "before")));
		assert_string_equal(
		    json_string_value(json_object_get(one, "before")),
		    json_string_value(json_object_get(json_array_get(all, i - 1), "after")));
	}
	http_done(&r);
}

static void equal_values_change_nothing(void **state)
{
	const char *body = "{\"values\":[{\"type\":\"URL\",\"data\":\"https://b/"
			   "1\"},{\"type\":\"EMAIL\",\"data\":\"a@b.c\"}]}";
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	struct http_reply r = put(registrar, "/registry/88.118.8/same", body, NULL);
	EXPECT(r, 201);
	http_done(&r);
	site_heads(&node, &feed, &ledger);
	r = put(registrar, "/registry/88.118.8/same", body, NULL);
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(ledger, ledger2);
	assert_int_equal(feed, feed2);
}

static void hidden_values_stay_hidden(void **state)
{
	struct envelope env;
	struct answer m;
	struct record rec;
	(void)state;
	struct http_reply r =
	    put(registrar, "/registry/88.118.8/hidden",
		"{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"https://seen/\"},{\"index\":2,"
		"\"type\":\"KEY\",\"data\":\"unseen\",\"permissions\":\"1100\"}]}",
		NULL);
	EXPECT(r, 201);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/hidden");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	r = http_call(&node,
		      &(struct http_call){.path = "/resolve/88.118.8/hidden",
					  .headers = {"accept: application/vnd.kanhe.answer+protobuf"}});
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	assert_int_equal(envelope_unpack(r.body, NULL, &env), ERR_OK);
	assert_int_equal(envelope_verify(&env, ENVELOPE_ANSWER, sign_public(node.key), NULL), ERR_OK);
	assert_int_equal(answer_unpack(r.arena, env.payload, NULL, &m), ERR_OK);
	assert_int_equal(record_unpack(r.arena, m.record, NULL, &rec), ERR_OK);
	assert_int_equal(rec.values_n, 1);
	http_done(&r);
	r = http_call(&node, &(struct http_call){.path = "/resolve/88.118.8/hidden",
						 .headers = {"accept: text/html"}});
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	r = post(NULL, "/resolve", "{\"ids\":[\"88.118.8/hidden\"]}");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
	/* who may change it sees it */
	r = get(registrar, "/registry/88.118.8/hidden");
	EXPECT(r, 200);
	assert_non_null(memmem(r.body.p, r.body.n, "unseen", 6));
	http_done(&r);
}

static void signed_answer_follows_the_record(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++) {
		char body[128];
		struct envelope env;
		struct answer m;
		struct record_head head;
		snprintf(body, sizeof body, "{\"values\":[{\"type\":\"URL\",\"data\":\"https://c/%d\"}]}",
			 i);
		struct http_reply r = put(registrar, "/registry/88.118.8/signed", body, NULL);
		assert_true(r.status == 200 || r.status == 201);
		http_done(&r);
		for (int again = 0; again < 2; again++) {
			r = http_call(&node,
				      &(struct http_call){
					  .path = "/resolve/88.118.8/signed",
					  .headers = {"accept: application/vnd.kanhe.answer+protobuf"}});
			EXPECT(r, 200);
			assert_int_equal(envelope_unpack(r.body, NULL, &env), ERR_OK);
			assert_int_equal(answer_unpack(r.arena, env.payload, NULL, &m), ERR_OK);
			assert_int_equal(record_peek(m.record, &head), ERR_OK);
			assert_int_equal(head.revision, i);
			assert_true(m.inception <= clock_wall() && m.expiry > clock_wall());
			http_done(&r);
		}
	}
}

static void scope_and_authority_bound_changes(void **state)
{
	static const struct {
		const char *token, *path;
		int status;
		const char *rule;
	} cases[] = {
	    {enterprise, "/registry/88.118.8.2/x", 201, NULL},
	    {enterprise, "/registry/88.118.8.2.7/x", 201, NULL},
	    {enterprise, "/registry/88.118.8/x", 403, "scope"},
	    {enterprise, "/registry/88.118.8.20/x", 403, "scope"}, /* label boundary */
	    {enterprise, "/registry/88.118.9/x", 421, "authority"},
	    {registrar, "/registry/88.118.80/x", 421, "authority"},
	    {registrar, "/registry/01/09506000134352", 201, NULL},
	    {registrar, "/registry/01/04006381333931", 421, "authority"},
	    {registrar, "/registry/88.118.8.5/x", 421, "delegated"},
	};
	char body[512], key[SIGN_MULTIBASE];
	(void)state;
	sign_public_multibase(sign_public(node.key), key);
	snprintf(
	    body, sizeof body,
	    "{\"prefix\":\"88.118.8.5\",\"did\":\"did:web:child.example\",\"keys\":[\"%s\"],\"endpoints\":"
	    "[{\"protocol\":\"https\",\"url\":\"https://child.example/\"}]}",
	    key);
	struct http_reply r = post(registrar, "/delegations", body);
	EXPECT(r, 201);
	assert_true(strlen(http_text(&r, "delegation")) > 100);
	http_done(&r);
	for (size_t i = 0; i < COUNT(cases); i++) {
		r = put(cases[i].token, cases[i].path,
			"{\"values\":[{\"type\":\"URL\",\"data\":\"https://d/\"}]}", NULL);
		if (r.status != cases[i].status) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, cases[i].status);
		if (cases[i].rule) assert_string_equal(http_text(&r, "rule"), cases[i].rule);
		http_done(&r);
	}
	/* under another child: refused */
	char *at = strstr(body, "88.118.8.5\"");
	memmove(at + 12, at + 10, strlen(at + 10) + 1);
	memcpy(at + 10, ".1", 2);
	r = post(registrar, "/delegations", body);
	EXPECT(r, 409);
	http_done(&r);
}

static void lists_page_by_page(void **state)
{
	char path[600] = "/registry?prefix=88.118.8.2&limit=3", next[512] = "";
	size_t seen = 0, pages = 0;
	(void)state;
	for (int i = 0; i < 8; i++) {
		char id[64];
		snprintf(id, sizeof id, "88.118.8.2/list%d", i);
		assert_int_equal(site_register(&node, enterprise, id, "https://l/"), 201);
	}
	do {
		struct http_reply r = get(enterprise, path);
		EXPECT(r, 200);
		seen += json_array_size(json_object_get(r.json, "records"));
		pages++;
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		snprintf(path, sizeof path, "/registry?prefix=88.118.8.2&limit=3&cursor=%s", next);
		http_done(&r);
		assert_true(pages < 20);
	} while (next[0]);
	assert_int_equal(seen, 10); /* and 88.118.8.2/x, 88.118.8.2.7/x */
	assert_int_equal(pages, 4);
	struct http_reply r = get(enterprise, "/registry?prefix=88.118.8");
	EXPECT(r, 403);
	http_done(&r);
	r = get(registrar, "/registry?prefix=88.118.8&cursor=%2A");
	EXPECT(r, 400);
	http_done(&r);
}

static char *batch_text(size_t n, size_t bad, const char *bad_record)
{
	struct buf b = BUF_INIT(8 << 20);
	buf_printf(&b, "{\"records\":[");
	for (size_t i = 0; i < n; i++) {
		if (i) buf_byte(&b, ',');
		if (i == bad)
			buf_printf(&b, "%s", bad_record);
		else
			buf_printf(&b,
				   "{\"id\":\"88.118.8/"
				   "b%zu\",\"values\":[{\"type\":\"URL\",\"data\":\"https://b/%zu\"}]}",
				   i, i);
	}
	buf_printf(&b, "]}");
	buf_byte(&b, 0);
	return buf_take(&b, &(size_t){0});
}

static const struct {
	const char *record, *field, *rule;
	int status;
} bad_records[] = {
    {"{\"id\":\"88.118.8/\",\"values\":[]}", "records[700].id", NULL, 400},
    {"{\"id\":\"88.118.8/z\",\"values\":[{\"type\":\"URL\"}]}", "records[700].values[0].data", NULL, 400},
    {"{\"id\":\"88.118.8/z\",\"valves\":[]}", "records[700].valves", "unknown-member", 400},
    {"{\"id\":\"88.118.8/b3\",\"values\":[]}", "records[700].id", "id-twice", 409},
    {"{\"id\":\"88.118.9/z\",\"values\":[]}", "records[700].id", "authority", 421},
    {"{\"id\":\"88.118.8.5/z\",\"values\":[]}", "records[700].id", "delegated", 421},
    {"{\"id\":\"88.118.8/lathe2\",\"values\":[]}", "records[700].id", "retired", 410},
    {"7", "records[700]", NULL, 400},
};

static void batch_is_all_or_nothing(void **state)
{
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	assert_int_equal(site_register(&node, registrar, "88.118.8/lathe2", "https://r/"), 201);
	struct http_reply r = del(registrar, "/registry/88.118.8/lathe2");
	EXPECT(r, 200);
	http_done(&r);
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(bad_records); i++) {
		char *text = batch_text(1000, 700, bad_records[i].record);
		r = post(registrar, "/registry", text);
		EXPECT(r, bad_records[i].status);
		assert_string_equal(http_text(&r, "field"), bad_records[i].field);
		if (bad_records[i].rule) assert_string_equal(http_text(&r, "rule"), bad_records[i].rule);
		http_done(&r);
		free(text);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
	r = get(NULL, "/resolve/88.118.8/b0");
	EXPECT(r, 404);
	http_done(&r);
}

/* One ledger entry for all, a history row for each. */
static void batch_is_one_change(void **state)
{
	uint64_t feed, ledger, feed2, ledger2;
	char *text = batch_text(1000, 1000, "");
	(void)state;
	site_heads(&node, &feed, &ledger);
	struct http_reply r = post(registrar, "/registry", text);
	EXPECT(r, 200);
	assert_int_equal(json_integer_value(json_object_get(r.json, "registered")), 1000);
	http_done(&r);
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(ledger2, ledger + 1);
	r = get(NULL, "/resolve/88.118.8/b999");
	EXPECT(r, 200);
	http_done(&r);
	r = get(auditor, "/history/88.118.8/b999");
	EXPECT(r, 200);
	const json_t *entry =
	    json_object_get(json_array_get(json_object_get(r.json, "history"), 0), "entry");
	assert_string_equal(json_string_value(json_object_get(entry, "kind")), "record.batch");
	assert_int_equal(json_integer_value(json_object_get(entry, "n")), 1000);
	http_done(&r);
	r = post(registrar, "/registry", text); /* a retry after a lost answer */
	EXPECT(r, 200);
	assert_int_equal(json_integer_value(json_object_get(r.json, "unchanged")), 1000);
	http_done(&r);
	free(text);
	site_heads(&node, &feed, &ledger);
	assert_int_equal(ledger, ledger2);
	text = batch_text(2001, 3000, "");
	r = post(registrar, "/registry", text);
	EXPECT(r, 413);
	assert_string_equal(http_text(&r, "rule"), "records-number");
	http_done(&r);
	free(text);
}

static void batch_in_protobuf(void **state)
{
	struct buf body = BUF_INIT(1 << 20);
	(void)state;
	for (int i = 0; i < 50; i++) {
		char id[64];
		struct value v = {.index = 1,
				  .type = STR("URL"),
				  .data = STR("https://p/"),
				  .ttl = 60,
				  .permissions = VALUE_PERMISSIONS};
		struct buf one = BUF_INIT(RECORD_PACKED_MAX);
		snprintf(id, sizeof id, "88.118.8/p%d", i);
		struct record rec = {.id = str_of(id), .values = &v, .values_n = 1};
		assert_int_equal(record_pack(&rec, &one), ERR_OK);
		assert_true(one.n < 128);
		buf_byte(&body, (char)one.n);
		buf_add(&body, buf_str(&one));
		buf_done(&one);
	}
	struct http_call call = {.method = "POST",
				 .path = "/registry",
				 .token = registrar,
				 .body = buf_str(&body),
				 .content_type = "application/vnd.kanhe.records+protobuf"};
	struct http_reply r = http_call(&node, &call);
	EXPECT(r, 200);
	assert_int_equal(json_integer_value(json_object_get(r.json, "created")), 50);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/p49");
	EXPECT(r, 200);
	assert_str(http_header(&r, "cache-control"), "max-age=60"); /* the value's TTL */
	http_done(&r);
	call.body.n -= 3; /* cut */
	r = http_call(&node, &call);
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "field"), "records[49]");
	assert_non_null(json_object_get(r.json, "offset"));
	http_done(&r);
	buf_done(&body);
}

/* method, path, body, content type, status; each must name a field, an offset or a rule */
static const struct {
	const char *method, *path, *body, *type;
	int status;
} malformed[] = {
    {"GET", "/resolve/88.118.8", NULL, NULL, 400},
    {"GET", "/resolve/%zz", NULL, NULL, 400},
    {"GET", "/resolve/01/09506000134353", NULL, NULL, 400}, /* check digit */
    {"GET", "/resolve/88.118.8/x?rd=7", NULL, NULL, 400},
    {"GET", "/resolve/88.118.8/x?index=x", NULL, NULL, 400},
    {"POST", "/resolve", "{\"ids\":[1]}", NULL, 400},
    {"POST", "/resolve", "{\"ids\":", NULL, 400},
    {"POST", "/resolve", "[]", NULL, 400},
    {"POST", "/resolve", "\xff\xff\xff", "application/vnd.kanhe.batch+protobuf", 400},
    {"POST", "/resolve", "x", "text/plain", 415},
    {"PUT", "/registry/88.118.8/m", "{\"values\":[{\"type\":\"URL\",\"data\":\"x\",}]}", NULL, 400},
    {"PUT", "/registry/88.118.8/m",
     "{\"values\":[{\"type\":\"URL\",\"data\":{\"format\":\"hex\",\"value\":\"0g\"}}]}", NULL, 400},
    {"PUT", "/registry/88.118.8/m", "{\"id\":\"88.118.8/other\",\"values\":[]}", NULL, 400},
    {"PUT", "/registry/88.118.8/m", "{}", NULL, 400},
    {"PUT", "/registry/88.118.8/m", "7", NULL, 400},
    {"PUT", "/registry/88.118.8/m", "x", "text/plain", 415},
    {"PUT", "/registry/88.118.8/m", "\x08\x63", "application/vnd.kanhe.record+protobuf", 400},
    {"PUT", "/registry/88.118.8/m", "\x08", "application/vnd.kanhe.record+protobuf", 400},
    {"PUT", "/registry/bad%00id/m", "{\"values\":[]}", NULL, 400},
    {"POST", "/registry", "{\"records\":7}", NULL, 400},
    {"GET", "/registry", NULL, NULL, 400},
    {"GET", "/registry?prefix=..", NULL, NULL, 400},
    {"GET", "/registry?prefix=88.118.8&limit=0x1", NULL, NULL, 400},
    {"POST", "/delegations", "{\"prefix\":\"88.118.8.1\"}", NULL, 400},
    {"POST", "/delegations", "{\"prefix\":\"88..8\",\"did\":\"did:web:x.y\",\"keys\":[],\"endpoints\":[]}",
     NULL, 400},
    {"POST", "/delegations",
     "{\"prefix\":\"88.118.8.1\",\"did\":\"did:web:x.y\",\"keys\":[\"zBad\"],\"endpoints\":[]}", NULL, 400},
    {"DELETE", "/delegations/88..8", NULL, NULL, 400},
};

static void malformed_requests_are_explained_and_change_nothing(void **state)
{
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(malformed); i++) {
		struct http_reply r = http_call(
		    &node,
		    &(struct http_call){.method = malformed[i].method,
					.path = malformed[i].path,
					.token = registrar,
					.body = malformed[i].body ? str_of(malformed[i].body) : STR_NONE,
					.content_type = malformed[i].type});
		if (r.status != malformed[i].status) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, malformed[i].status);
		assert_str(http_header(&r, "content-type"), "application/problem+json");
		assert_true(strlen(http_text(&r, "request_id")) > 0);
		bool named = json_object_get(r.json, "field") || json_object_get(r.json, "offset") ||
			     json_object_get(r.json, "rule");
		if (!named) fprintf(stderr, "case %zu: %.*s\n", i, STR_ARG(r.body));
		assert_true(named);
		http_done(&r);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void batch_over_the_limit_names_it(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	(void)state;
	buf_printf(&b, "{\"ids\":[\"88.118.8/x\"");
	for (int i = 0; i < 1000; i++) buf_printf(&b, ",\"88.118.8/x\"");
	buf_printf(&b, "]}");
	buf_byte(&b, 0);
	struct http_reply r = post(NULL, "/resolve", b.p);
	EXPECT(r, 413);
	assert_non_null(strstr(http_text(&r, "detail"), "1000"));
	http_done(&r);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(registers_replaces_and_retires),
	    cmocka_unit_test(history_is_a_chain),
	    cmocka_unit_test(equal_values_change_nothing),
	    cmocka_unit_test(hidden_values_stay_hidden),
	    cmocka_unit_test(signed_answer_follows_the_record),
	    cmocka_unit_test(scope_and_authority_bound_changes),
	    cmocka_unit_test(lists_page_by_page),
	    cmocka_unit_test(batch_is_all_or_nothing),
	    cmocka_unit_test(batch_is_one_change),
	    cmocka_unit_test(batch_in_protobuf),
	    cmocka_unit_test(malformed_requests_are_explained_and_change_nothing),
	    cmocka_unit_test(batch_over_the_limit_names_it),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
