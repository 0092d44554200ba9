/* Registration, history, credentials and delegations over HTTP: what is done, what is refused, and
 * that a refusal changes nothing. */
#include "tests/base/cases.h"
#include "tests/resolver/site.h"

#include <stdlib.h>

#include "base/text64.h"
#include "proto/pb/answer.h"

static struct site node;
static char registrar[ACCESS_TOKEN_TEXT], enterprise[ACCESS_TOKEN_TEXT], operator[ACCESS_TOKEN_TEXT],
    auditor[ACCESS_TOKEN_TEXT], owner[ACCESS_TOKEN_TEXT], agent[ACCESS_TOKEN_TEXT];

static int setup(void **state)
{
	(void)state;
	site_open(&(struct site_options){.name = "node", .authority = {"88.118.8", "gs1:950600"}}, &node);
	site_grant(&node, "registrar", ROLE_REGISTRAR, "88.118.8 gs1:", registrar);
	site_grant(&node, "enterprise", ROLE_ENTERPRISE, "88.118.8.2", enterprise);
	site_grant(&node, "operator", ROLE_OPERATOR, "*", operator);
	site_grant(&node, "auditor", ROLE_AUDITOR, "*", auditor);
	site_grant(&node, "owner", ROLE_OWNER, "@maker", owner);
	site_grant(&node, "agent", ROLE_AGENT, "@maker", agent);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_close(&node);
	return 0;
}

static struct http_reply put(const char *token, const char *path, const char *body, const char *header)
{
	return http_call(
	    &node,
	    &(struct http_call){
		.method = "PUT", .path = path, .token = token, .headers = {header}, .body = str_of(body)});
}

static struct http_reply post(const char *token, const char *path, const char *body)
{
	return http_call(&node, &(struct http_call){
				    .method = "POST", .path = path, .token = token, .body = str_of(body)});
}

static struct http_reply get(const char *token, const char *path)
{
	return http_call(&node, &(struct http_call){.path = path, .token = token});
}

static struct http_reply del(const char *token, const char *path)
{
	return http_call(&node, &(struct http_call){.method = "DELETE", .path = path, .token = token});
}

#define EXPECT(r, want)                                                                                    \
	do {                                                                                               \
		if ((r).status != (want)) fprintf(stderr, "%.*s\n", STR_ARG((r).body));                    \
		assert_int_equal((r).status, (want));                                                      \
	} while (0)

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
	r = get(auditor, "/history/88.118.8/lathe");
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
		/* what the tables say and what the ledger says are the same */
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

static void batch_is_all_or_nothing(void **state)
{
	static const struct {
		const char *record, *field, *rule;
		int status;
	} bad[] = {
	    {"{\"id\":\"88.118.8/\",\"values\":[]}", "records[700].id", NULL, 400},
	    {"{\"id\":\"88.118.8/z\",\"values\":[{\"type\":\"URL\"}]}", "records[700].values[0].data", NULL,
	     400},
	    {"{\"id\":\"88.118.8/z\",\"valves\":[]}", "records[700].valves", "unknown-member", 400},
	    {"{\"id\":\"88.118.8/b3\",\"values\":[]}", "records[700].id", "id-twice", 409},
	    {"{\"id\":\"88.118.9/z\",\"values\":[]}", "records[700].id", "authority", 421},
	    {"{\"id\":\"88.118.8.5/z\",\"values\":[]}", "records[700].id", "delegated", 421},
	    {"{\"id\":\"88.118.8/lathe2\",\"values\":[]}", "records[700].id", "retired", 410},
	    {"7", "records[700]", NULL, 400},
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	assert_int_equal(site_register(&node, registrar, "88.118.8/lathe2", "https://r/"), 201);
	struct http_reply r = del(registrar, "/registry/88.118.8/lathe2");
	EXPECT(r, 200);
	http_done(&r);
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *text = batch_text(1000, 700, bad[i].record);
		r = post(registrar, "/registry", text);
		EXPECT(r, bad[i].status);
		assert_string_equal(http_text(&r, "field"), bad[i].field);
		if (bad[i].rule) assert_string_equal(http_text(&r, "rule"), bad[i].rule);
		http_done(&r);
		free(text);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
	r = get(NULL, "/resolve/88.118.8/b0");
	EXPECT(r, 404);
	http_done(&r);
	/* and then whole: one ledger entry for all, a history row for each */
	char *text = batch_text(1000, 1000, "");
	r = post(registrar, "/registry", text);
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
static void malformed_requests_are_explained_and_change_nothing(void **state)
{
	static const struct {
		const char *method, *path, *body, *type;
		int status;
	} cases[] = {
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
	    {"POST", "/delegations",
	     "{\"prefix\":\"88..8\",\"did\":\"did:web:x.y\",\"keys\":[],\"endpoints\":[]}", NULL, 400},
	    {"POST", "/delegations",
	     "{\"prefix\":\"88.118.8.1\",\"did\":\"did:web:x.y\",\"keys\":[\"zBad\"],\"endpoints\":[]}",
	     NULL, 400},
	    {"DELETE", "/delegations/88..8", NULL, NULL, 400},
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_reply r = http_call(
		    &node, &(struct http_call){.method = cases[i].method,
					       .path = cases[i].path,
					       .token = registrar,
					       .body = cases[i].body ? str_of(cases[i].body) : STR_NONE,
					       .content_type = cases[i].type});
		if (r.status != cases[i].status) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, cases[i].status);
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

/* ---- roles ------------------------------------------------------------------------------ */

static const char *token_without(uint32_t roles)
{
	static const struct {
		uint32_t role;
		const char *token;
	} all[] = {{ROLE_OWNER, owner}, {ROLE_AGENT, agent}, {ROLE_AUDITOR, auditor},
		   {ROLE_OPERATOR, operator}, {ROLE_ENTERPRISE, enterprise}, {ROLE_REGISTRAR, registrar}};
	for (size_t i = 0; i < COUNT(all); i++)
		if (!(roles & all[i].role)) return all[i].token;
	return NULL;
}

static void path_of(const char *pattern, char out[256])
{
	const char *open = strchr(pattern, '{');
	snprintf(out, 256, "%.*s%s", open ? (int)(open - pattern) : 200, pattern,
		 !open                 ? ""
		 : strstr(open, "...") ? "88.118.8/role"
				       : "role");
}

/* Every route of the table: nobody without a credential, nobody with a wrong one. */
static void every_route_refuses_wrong_roles(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	static const char *const open[] = {"/resolve/{id...}", "/resolve", "/.well-known/kanhe-node",
					   "/.well-known/did.json"};
	const struct net_routes *routes = rs_routes(node.rs);
	size_t guarded = 0;
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < routes->n; i++) {
		const struct net_route *route = &routes->rows[i];
		char path[256];
		if (!route->roles) {
			bool known = false;
			for (size_t k = 0; k < COUNT(open); k++)
				known |= strcmp(open[k], route->pattern) == 0;
			if (!known) fprintf(stderr, "open to all: %s\n", route->pattern);
			assert_true(known);
			continue;
		}
		path_of(route->pattern, path);
		struct http_call call = {.method = methods[route->method],
					 .path = path,
					 .body = route->body_max ? STR("{}") : STR_NONE};
		const struct {
			const char *token;
			int status;
		} tries[] = {{NULL, 401},
			     {"kt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401},
			     {"nonsense", 401},
			     {token_without(route->roles), 403}};
		for (size_t k = 0; k < COUNT(tries); k++) {
			call.token = tries[k].token;
			struct http_reply r = http_call(&node, &call);
			if (r.status != tries[k].status)
				fprintf(stderr, "%s %s try %zu\n", call.method, path, k);
			EXPECT(r, tries[k].status);
			if (r.status == 401) assert_str(http_header(&r, "www-authenticate"), "Bearer");
			http_done(&r);
		}
		guarded++;
	}
	assert_true(guarded >= 12);
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void credentials_are_granted_used_and_revoked(void **state)
{
	char token[ACCESS_TOKEN_TEXT];
	(void)state;
	struct http_reply r = post(operator, "/credentials",
				   "{\"name\":\"erp\",\"roles\":\"enterprise\",\"scope\":\"88.118.8.3\"}");
	EXPECT(r, 201);
	snprintf(token, sizeof token, "%s", http_text(&r, "token"));
	assert_int_equal(strlen(token), 46);
	http_done(&r);
	assert_int_equal(site_register(&node, token, "88.118.8.3/a", "https://e/"), 201);
	r = post(operator, "/credentials", "{\"name\":\"erp\",\"roles\":\"owner\",\"scope\":\"@x\"}");
	EXPECT(r, 409);
	http_done(&r);
	r = get(operator, "/credentials");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, token + 3, 20)); /* shown once */
	assert_non_null(memmem(r.body.p, r.body.n, "\"name\":\"erp\"", 12));
	http_done(&r);
	r = del(operator, "/credentials/erp");
	EXPECT(r, 204);
	http_done(&r);
	r = put(token, "/registry/88.118.8.3/a", "{\"values\":[]}", NULL);
	EXPECT(r, 401); /* revoked */
	http_done(&r);
	r = del(operator, "/credentials/erp");
	EXPECT(r, 404);
	http_done(&r);
	static const char *const bad[] = {
	    "{\"name\":\"a b\",\"roles\":\"owner\",\"scope\":\"*\"}",
	    "{\"name\":\"a\",\"roles\":\"king\",\"scope\":\"*\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"88..1\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"*\",\"expires\":\"2001-01-01\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"*\",\"certificate\":\"abc\"}",
	    "{\"roles\":\"owner\"}",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = post(operator, "/credentials", bad[i]);
		EXPECT(r, 400);
		assert_true(strlen(http_text(&r, "field")) > 0);
		http_done(&r);
	}
	r = post(operator, "/credentials",
		 "{\"name\":\"short\",\"roles\":\"auditor\",\"scope\":\"*\",\"expires\":\"2999-01-01T00:00:"
		 "00Z\"}");
	EXPECT(r, 201);
	http_done(&r);
}

static void filters_conditions_and_pages(void **state)
{
	(void)state;
	struct http_reply r = put(
	    registrar, "/registry/88.118.8/page",
	    "{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"https://x/?a=1&b=<2>\"},{\"index\":5,"
	    "\"type\":\"DESC\",\"data\":\"<script>alert(1)</script>\"}]}",
	    NULL);
	EXPECT(r, 201);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/page?type=DESC");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "values")), 1);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/page?index=5&trace=1");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(json_object_get(r.json, "answer"), "values")), 1);
	assert_string_equal(http_text(&r, "state"), "authoritative");
	http_done(&r);
	r = http_call(&node, &(struct http_call){.path = "/resolve/88.118.8/page",
						 .headers = {"if-none-match: \"1\""}});
	EXPECT(r, 304);
	assert_int_equal(r.body.n, 0);
	http_done(&r);
	r = http_call(&node,
		      &(struct http_call){.path = "/resolve/88.118.8/page",
					  .headers = {"accept: text/html,application/xhtml+xml,*/*;q=0.8",
						      "accept-language: zh-CN,zh;q=0.9"}});
	EXPECT(r, 200);
	assert_str(http_header(&r, "content-type"), "text/html; charset=utf-8");
	assert_true(str_starts(http_header(&r, "content-security-policy"), STR("default-src 'none'")));
	assert_null(memmem(r.body.p, r.body.n, "<script", 7));
	assert_non_null(memmem(r.body.p, r.body.n, "权威", 6));
	http_done(&r);
}

static void well_known_says_who(void **state)
{
	char key[SIGN_MULTIBASE];
	(void)state;
	sign_public_multibase(sign_public(node.key), key);
	struct http_reply r = http_get(&node, "/.well-known/kanhe-node");
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "name"), "node");
	assert_string_equal(http_text(&r, "did"), node.did);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r.json, "keys"), 0)), key);
	assert_int_equal(json_array_size(json_object_get(r.json, "authority")), 2);
	http_done(&r);
	r = http_get(&node, "/.well-known/did.json");
	EXPECT(r, 200);
	const json_t *m = json_array_get(json_object_get(r.json, "verificationMethod"), 0);
	assert_string_equal(json_string_value(json_object_get(m, "publicKeyMultibase")), key);
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(registers_replaces_and_retires),
	    cmocka_unit_test(equal_values_change_nothing),
	    cmocka_unit_test(hidden_values_stay_hidden),
	    cmocka_unit_test(signed_answer_follows_the_record),
	    cmocka_unit_test(scope_and_authority_bound_changes),
	    cmocka_unit_test(lists_page_by_page),
	    cmocka_unit_test(batch_is_all_or_nothing),
	    cmocka_unit_test(batch_in_protobuf),
	    cmocka_unit_test(malformed_requests_are_explained_and_change_nothing),
	    cmocka_unit_test(batch_over_the_limit_names_it),
	    cmocka_unit_test(every_route_refuses_wrong_roles),
	    cmocka_unit_test(credentials_are_granted_used_and_revoked),
	    cmocka_unit_test(filters_conditions_and_pages),
	    cmocka_unit_test(well_known_says_who),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
