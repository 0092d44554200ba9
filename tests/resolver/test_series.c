/* Series over HTTP: members answer as records do, on every face; what is refused, and that a refusal
 * changes nothing. */
#include "tests/resolver/series_desk.h"

#include <stdlib.h>

#include "base/hash.h"
#include "proto/pb/answer.h"

/* The record of a signed answer, verified; its digest. */
static enum answer_kind signed_answer(const char *id, unsigned char digest[HASH_SHA256])
{
	char path[512];
	struct envelope env;
	struct answer m;
	struct record_head head;
	snprintf(path, sizeof path, "/resolve/%s", id);
	struct http_reply r = http_call(
	    &node, &(struct http_call){.path = path,
				       .headers = {"accept: application/vnd.kanhe.answer+protobuf"}});
	EXPECT(r, 200);
	assert_int_equal(envelope_unpack(r.body, NULL, &env), ERR_OK);
	assert_int_equal(envelope_verify(&env, ENVELOPE_ANSWER, sign_public(node.key), NULL), ERR_OK);
	assert_int_equal(answer_unpack(r.arena, env.payload, NULL, &m), ERR_OK);
	assert_str(m.id, id);
	memset(digest, 0, HASH_SHA256);
	if (m.record.n) {
		assert_int_equal(record_peek(m.record, &head), ERR_OK);
		assert_str(head.id, id);
		hash_sha256(m.record, digest);
	}
	assert_null(memmem(r.body.p, r.body.n, "hidden", 6));
	enum answer_kind kind = m.kind;
	http_done(&r);
	return kind;
}

static uint64_t metric(const char *line)
{
	struct buf out = BUF_INIT(1 << 20);
	rs_metrics(node.rs, &out);
	buf_byte(&out, 0);
	const char *at_line = strstr(out.p, line);
	assert_non_null(at_line);
	uint64_t n = strtoull(at_line + strlen(line), NULL, 10);
	buf_done(&out);
	return n;
}

static void members_answer_as_records_do(void **state)
{
	(void)state;
	struct http_reply r = put(registrar, at("88.118.8/SN-{0000000..9999999}"), TEMPLATE, NULL);
	EXPECT(r, 201);
	assert_int_equal(number_of(&r, "members"), 10000000);
	assert_int_equal(number_of(&r, "overrides"), 0);
	assert_string_equal(http_text(&r, "last"), "88.118.8/SN-9999999");
	http_done(&r);

	r = get(NULL, "/resolve/88.118.8/SN-0004200");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"1\"");
	assert_str(http_header(&r, "kanhe-state"), "authoritative");
	assert_string_equal(http_text(&r, "id"), "88.118.8/SN-0004200");
	assert_string_equal(value_of(&r, 0), "https://m.example/i/88.118.8%2FSN-0004200?n=4200");
	assert_string_equal(value_of(&r, 1), "{pump} 0004200 of 88.118.8/SN-0004200");
	assert_int_equal(json_array_size(json_object_get(r.json, "values")), 2);
	http_done(&r);
	r = get(registrar, "/registry/88.118.8/SN-0004200");
	EXPECT(r, 200);
	assert_string_equal(value_of(&r, 2), "hidden-0004200");
	http_done(&r);
	r = http_call(&node, &(struct http_call){.path = "/resolve/88.118.8/SN-0000007",
						 .headers = {"accept: text/html"}});
	EXPECT(r, 200);
	assert_non_null(memmem(r.body.p, r.body.n, "%2FSN-0000007?n=7", 17));
	assert_null(memmem(r.body.p, r.body.n, "hidden", 6));
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/SN-0000007?type=DESC");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "values")), 1);
	http_done(&r);
}

static void members_are_signed_once_and_end_exactly(void **state)
{
	unsigned char one[HASH_SHA256], two[HASH_SHA256];
	struct http_reply r;
	(void)state;
	/* the same octets each time */
	uint64_t signatures = metric("\nkanhe_resolver_signatures_total");
	assert_int_equal(signed_answer("88.118.8/SN-0000042", one), ANSWER_RECORD);
	assert_int_equal(signed_answer("88.118.8/SN-0000042", two), ANSWER_RECORD);
	assert_int_equal(metric("\nkanhe_resolver_signatures_total"), signatures + 1);
	assert_memory_equal(one, two, sizeof one);
	assert_int_equal(signed_answer("88.118.8/SN-0000043", two), ANSWER_RECORD);
	assert_memory_not_equal(one, two, sizeof one);
	assert_int_equal(signed_answer("88.118.8/SN-00000420", two), ANSWER_NOT_FOUND);

	static const char *const outside[] = {
	    "88.118.8/SN-000420",  "88.118.8/SN-00004200", "88.118.8/SN-000420a",  "88.118.8/SN-0004200x",
	    "88.118.8/sn-0004200", "88.118.8/SN-",         "88.118.8.1/SN-0004200"};
	for (size_t i = 0; i < COUNT(outside); i++) {
		char path[128];
		snprintf(path, sizeof path, "/resolve/%s", outside[i]);
		r = get(NULL, path);
		EXPECT(r, 404);
		assert_true(strlen(http_text(&r, "proof")) > 0);
		http_done(&r);
	}

	r = post(NULL, "/resolve",
		 "{\"ids\":[\"88.118.8/SN-0000001\",\"88.118.8/SN-1\",\"88.118.8/SN-0000002\"]}");
	EXPECT(r, 200);
	static const int statuses[] = {200, 404, 200};
	const json_t *all = json_object_get(r.json, "answers");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(json_integer_value(json_object_get(json_array_get(all, i), "status")),
				 statuses[i]);
	assert_non_null(memmem(r.body.p, r.body.n, "%2FSN-0000002?n=2", 17));
	http_done(&r);
}

static void check_digits_follow_from_the_range(void **state)
{
	(void)state;
	struct http_reply r =
	    put(registrar, at("01/0950600{013400..013499}{check}"),
		"{\"values\":[{\"type\":\"URL\",\"data\":\"https://m.example/{serial}\"}]}", NULL);
	EXPECT(r, 201);
	assert_int_equal(number_of(&r, "members"), 100);
	assert_string_equal(http_text(&r, "pattern"),
			    "https://id.gs1.org/01/0950600{013400..013499}{check}");
	http_done(&r);
	r = get(NULL, "/resolve/01/09506000134352");
	EXPECT(r, 200);
	assert_string_equal(value_of(&r, 0), "https://m.example/013435");
	http_done(&r);
	assert_int_equal(status_of("01/09506000134353"), 400); /* a wrong check digit is no identifier */
	assert_int_equal(status_of("01/19506000134359"), 404); /* another level of packing */
	assert_int_equal(status_of("01/09506000135007"), 404);
	assert_int_equal(status_of("01/09506000134352/21/1"), 404);
	r = post(registrar, "/series/retire-member",
		 "{\"pattern\":\"01/0950600{013400..013499}{check}\",\"member\":\"013436\"}");
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "id"), "https://id.gs1.org/01/09506000134369");
	http_done(&r);
	assert_int_equal(status_of("(01)09506000134369"), 410);
	assert_int_equal(status_of("(01)09506000134376"), 200);
}

static void a_record_of_its_own_goes_first(void **state)
{
	unsigned char member[HASH_SHA256], own[HASH_SHA256];
	(void)state;
	assert_int_equal(site_register(&node, registrar, "88.118.8/OV-005", "https://before/"), 201);
	struct http_reply r = put(registrar, at("88.118.8/OV-{000..099}"), TEMPLATE, NULL);
	EXPECT(r, 201);
	assert_int_equal(number_of(&r, "overrides"), 1);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/OV-005");
	assert_string_equal(value_of(&r, 0), "https://before/");
	http_done(&r);

	assert_int_equal(signed_answer("88.118.8/OV-007", member), ANSWER_RECORD);
	r = put(registrar, "/registry/88.118.8/OV-007", "{\"values\":[]}", "if-none-match: *");
	EXPECT(r, 412); /* it is there, as a member */
	http_done(&r);
	r = put(registrar, "/registry/88.118.8/OV-007",
		"{\"values\":[{\"type\":\"URL\",\"data\":\"https://own/\"}]}", "if-match: \"1\"");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"),
		   "\"2\""); /* revisions go on: no older signature is taken for it */
	assert_string_equal(http_text(&r, "series"), "88.118.8/OV-{000..099}");
	http_done(&r);
	assert_int_equal(signed_answer("88.118.8/OV-007", own), ANSWER_RECORD);
	assert_memory_not_equal(member, own, sizeof own);
	r = get(registrar, at("88.118.8/OV-{000..099}"));
	EXPECT(r, 200);
	assert_int_equal(number_of(&r, "overrides"), 2);
	assert_int_equal(number_of(&r, "revision"), 1);
	assert_string_equal(value_of(&r, 1), "{{pump}} {serial} of {id}");
	http_done(&r);
}

static void a_member_is_retired_alone(void **state)
{
	unsigned char own[HASH_SHA256];
	(void)state;
	struct http_reply r = del(registrar, "/registry/88.118.8/OV-008");
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "series"), "88.118.8/OV-{000..099}");
	http_done(&r);
	assert_int_equal(signed_answer("88.118.8/OV-008", own), ANSWER_RETIRED);
	assert_int_equal(status_of("88.118.8/OV-008"), 410);
	assert_int_equal(status_of("88.118.8/OV-009"), 200);
	r = del(registrar, "/registry/88.118.8/OV-008");
	EXPECT(r, 410);
	http_done(&r);
	r = del(registrar, "/registry/88.118.8/OV-100");
	EXPECT(r, 404);
	http_done(&r);

	/* what it was is told from the series on */
	static const char *const kinds[] = {"series.registered", "member.retired"};
	r = get(auditor, "/history/88.118.8/OV-008");
	EXPECT(r, 200);
	const json_t *all = json_object_get(r.json, "history");
	assert_int_equal(json_array_size(all), COUNT(kinds));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json_t *entry = json_object_get(json_array_get(all, i), "entry");
		assert_string_equal(json_string_value(json_object_get(entry, "kind")), kinds[i]);
	}
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "after")),
			    json_string_value(json_object_get(json_array_get(all, 1), "before")));
	http_done(&r);
	r = get(auditor, "/history/88.118.8/OV-009");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "history")), 1);
	http_done(&r);
	r = get(auditor, "/history/88.118.8/OV-100");
	EXPECT(r, 404);
	http_done(&r);

	/* a batch of members: overrides, too */
	r = post(registrar, "/registry",
		 "{\"records\":[{\"id\":\"88.118.8/OV-050\",\"values\":[]},{\"id\":\"88.118.8/OV-150\","
		 "\"values\":[]}]}");
	EXPECT(r, 200);
	assert_int_equal(number_of(&r, "created"), 1);
	http_done(&r);
	assert_int_equal(status_of("88.118.8/OV-050"), 200);
}

static void counts_keep_members_apart(void **state)
{
	static const char *const lines[] = {
	    "kanhe_resolver_identifiers{prefix=\"88.118.8\",status=\"active\"}",
	    "kanhe_resolver_identifiers{prefix=\"88.118.8\",status=\"retired\"}",
	    "kanhe_resolver_series_members{prefix=\"88.118.8\",status=\"active\"}"};
	uint64_t before[3];
	(void)state;
	for (int i = 0; i < 3; i++) before[i] = metric(lines[i]);
	add("88.118.8/CT-{000..999}", TEMPLATE);
	assert_int_equal(site_register(&node, registrar, "88.118.8/CT-001", "https://x/"), 200);
	struct http_reply r = del(registrar, "/registry/88.118.8/CT-002");
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(metric(lines[0]) - before[0], 1);
	assert_int_equal(metric(lines[1]) - before[1], 1);
	assert_int_equal(metric(lines[2]) - before[2], 1000);
}

static void history_tells_all_of_it(const char *pattern)
{
	static const char *const kinds[] = {"series.registered", "series.replaced", "series.retired",
					    "series.replaced"};
	char path[256];
	snprintf(path, sizeof path, "%s?history=1", at(pattern));
	struct http_reply r = get(auditor, path);
	EXPECT(r, 200);
	const json_t *all = json_object_get(r.json, "history");
	assert_int_equal(json_array_size(all), COUNT(kinds));
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json_t *one = json_array_get(all, i), *entry = json_object_get(one, "entry");
		assert_string_equal(json_string_value(json_object_get(entry, "kind")), kinds[i]);
		assert_int_equal(json_integer_value(json_object_get(entry, "members")), 100);
		assert_string_equal(json_string_value(json_object_get(one, "after")),
				    json_string_value(json_object_get(entry, "after")));
		if (i)
			assert_string_equal(json_string_value(json_object_get(one, "before")),
					    json_string_value(json_object_get(entry, "before")));
	}
	http_done(&r);
}

/* What was retired is not taken by another. */
static void comes_back_only_by_its_revision(const char *pattern)
{
	struct http_reply r = put(registrar, at("88.118.8/RR-{50..60}"), TEMPLATE, NULL);
	EXPECT(r, 409);
	assert_non_null(strstr(http_text(&r, "detail"), pattern));
	http_done(&r);
	r = put(registrar, at(pattern), TEMPLATE, NULL);
	EXPECT(r, 410);
	http_done(&r);
	r = put(registrar, at(pattern), TEMPLATE, "if-match: \"3\"");
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(status_of("88.118.8/RR-05"), 200);
}

static void replaces_and_retires(void **state)
{
	const char *pattern = "88.118.8/RR-{00..99}";
	(void)state;
	add(pattern, TEMPLATE);
	struct http_reply r = put(registrar, at(pattern), TEMPLATE, NULL);
	EXPECT(r, 200); /* equal values change nothing */
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
	r = put(registrar, at(pattern), "{\"values\":[{\"type\":\"URL\",\"data\":\"https://2/{serial}\"}]}",
		"if-match: \"1\"");
	EXPECT(r, 200);
	assert_str(http_header(&r, "etag"), "\"2\"");
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/RR-05");
	assert_string_equal(value_of(&r, 0), "https://2/05");
	assert_str(http_header(&r, "etag"), "\"2\"");
	http_done(&r);
	r = put(registrar, at(pattern), TEMPLATE, "if-match: \"1\"");
	EXPECT(r, 412);
	http_done(&r);
	r = put(registrar, at(pattern), TEMPLATE, "if-none-match: *");
	EXPECT(r, 412);
	http_done(&r);
	r = del(registrar, at(pattern));
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "status"), "retired");
	http_done(&r);
	assert_int_equal(status_of("88.118.8/RR-05"), 410);
	assert_int_equal(status_of("88.118.8/RR-050"), 404);
	r = del(registrar, at(pattern));
	EXPECT(r, 410);
	http_done(&r);
	comes_back_only_by_its_revision(pattern);
	history_tells_all_of_it(pattern);
}

static void history_tells_of_the_split(const char *second)
{
	char path[256];
	snprintf(path, sizeof path, "%s?history=1", at(second));
	struct http_reply r = get(auditor, path);
	EXPECT(r, 200);
	const json_t *all = json_object_get(r.json, "history");
	assert_int_equal(json_array_size(all), 3); /* registered as a whole, split, replaced */
	const json_t *split = json_object_get(json_array_get(all, 1), "entry");
	assert_string_equal(json_string_value(json_object_get(split, "kind")), "series.split");
	assert_string_equal(json_string_value(json_object_get(split, "second")), second);
	http_done(&r);
}

static void bad_splits_change_nothing(void)
{
	static const struct {
		const char *body;
		int status;
	} bad[] = {
	    {"{\"pattern\":\"88.118.8/SP-{000..999}\",\"at\":\"400\"}", 404}, /* no such series any more */
	    {"{\"pattern\":\"88.118.8/SP-{000..399}\",\"at\":\"000\"}", 400},
	    {"{\"pattern\":\"88.118.8/SP-{000..399}\",\"at\":\"400\"}", 404},
	    {"{\"pattern\":\"88.118.8/SP-{000..399}\",\"at\":\"88.118.8/SP-0100\"}", 404},
	    {"{\"pattern\":\"88.118.8/SP-{000..399}\"}", 400},
	    {"[]", 400},
	};
	uint64_t feed, ledger, feed2, ledger2;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_reply r = post(registrar, "/series/split", bad[i].body);
		EXPECT(r, bad[i].status);
		http_done(&r);
	}
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void splits_at_a_member(void **state)
{
	unsigned char before[HASH_SHA256], after[HASH_SHA256];
	const char *whole = "88.118.8/SP-{000..999}", *first = "88.118.8/SP-{000..399}",
		   *second = "88.118.8/SP-{400..999}";
	(void)state;
	add(whole, TEMPLATE);
	assert_int_equal(signed_answer("88.118.8/SP-400", before), ANSWER_RECORD);
	struct http_reply r = post(registrar, "/series/split",
				   "{\"pattern\":\"88.118.8/SP-{000..999}\",\"at\":\"88.118.8/SP-400\"}");
	EXPECT(r, 200);
	const json_t *halves = json_object_get(r.json, "series");
	assert_string_equal(json_string_value(json_object_get(json_array_get(halves, 0), "pattern")),
			    first);
	assert_string_equal(json_string_value(json_object_get(json_array_get(halves, 1), "pattern")),
			    second);
	http_done(&r);
	assert_int_equal(signed_answer("88.118.8/SP-400", after), ANSWER_RECORD);
	assert_memory_equal(before, after, sizeof before);
	r = get(registrar, at(whole));
	EXPECT(r, 404);
	http_done(&r);
	r = put(registrar, at(second),
		"{\"values\":[{\"type\":\"URL\",\"data\":\"https://new/{serial}\"}]}", NULL);
	EXPECT(r, 200);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/SP-400");
	assert_string_equal(value_of(&r, 0), "https://new/400");
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/SP-399");
	assert_string_equal(value_of(&r, 0), "https://m.example/i/88.118.8%2FSP-399?n=399");
	http_done(&r);
	history_tells_of_the_split(second);
	bad_splits_change_nothing();
}

static void refuses_what_is_too_large_when_filled(void)
{
	struct buf b = BUF_INIT(1 << 20);
	buf_add(&b, STR("{\"values\":[{\"type\":\"X\",\"data\":\""));
	for (int i = 0; i < 16000; i++) buf_add(&b, STR("{id}"));
	buf_add(&b, STR("\"}]}"));
	buf_byte(&b, 0);
	struct http_reply r = put(registrar, at("88.118.8/BAD-{0..9}"), b.p, NULL);
	EXPECT(r, 413);
	assert_string_equal(http_text(&r, "field"), "values[0].data");
	http_done(&r);
	buf_done(&b);
}

static void bad_series_change_nothing(void **state)
{
	static const struct {
		const char *token, *pattern, *body;
		int status;
		const char *rule;
	} bad[] = {
	    {registrar, "88.118.8/SN-{0000100..0000200}", TEMPLATE, 409, "series-overlap"},
	    {registrar, "88.118.8/SN-{0000100..99999999}", TEMPLATE, 400, "same-width"},
	    {registrar, "88.118.8/one", TEMPLATE, 400, "range"},
	    {registrar, "88.999/{0..9}", TEMPLATE, 421, "authority"},
	    {registrar, "01/095060{0..9}013435{check}", TEMPLATE, 421, "authority"},
	    {registrar, "88.118.{0..9}/x", TEMPLATE, 400, "range-prefix"},
	    {enterprise, "88.118.8/BAD-{0..9}", TEMPLATE, 403, "scope"},
	    {enterprise, "88.118.8.3/BAD-{0..9}", TEMPLATE, 403, "scope"},
	    {registrar, "88.118.8/BAD-{A..Z}", TEMPLATE, 400, "placeholder"},
	    {registrar, "88.118.8/BAD-{0..9}",
	     "{\"values\":[{\"type\":\"URL\",\"data\":\"https://{seriel}/\"}]}", 400, "placeholder"},
	    {registrar, "88.118.8/BAD-{0..9}", "{\"values\":[{\"type\":\"URL\",\"data\":\"{id:html}\"}]}",
	     400, "placeholder"},
	    {registrar, "88.118.8/BAD-{0..9}", "{\"values\":[{\"type\":\"URL\"}]}", 400, NULL},
	    {registrar, "88.118.8/BAD-{0..9}", "{\"pattern\":\"88.118.8/BAD-{0..8}\",\"values\":[]}", 400,
	     "pattern-path"},
	    {registrar, "88.118.8/BAD-{0..9}", "{", 400, NULL},
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct http_reply r = put(bad[i].token, at(bad[i].pattern), bad[i].body, NULL);
		if (r.status != bad[i].status) fprintf(stderr, "%s\n", bad[i].pattern);
		EXPECT(r, bad[i].status);
		if (bad[i].rule) assert_string_equal(http_text(&r, "rule"), bad[i].rule);
		if (r.status == 409)
			assert_non_null(strstr(http_text(&r, "detail"), "88.118.8/SN-{0000000..9999999}"));
		http_done(&r);
	}
	refuses_what_is_too_large_when_filled();
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void a_scope_must_have_all_of_them(void **state)
{
	char narrow[ACCESS_TOKEN_TEXT];
	struct http_reply r;
	(void)state;
	site_grant(&node, "narrow", ROLE_ENTERPRISE, "9506001", narrow);
	r = put(narrow, at("01/0950600{199000..200000}{check}"), TEMPLATE, NULL);
	EXPECT(r, 403);
	http_done(&r);
	r = put(narrow, at("01/0950600{190000..190009}{check}"), TEMPLATE, NULL);
	EXPECT(r, 201);
	http_done(&r);
	r = put(enterprise, at("88.118.8.2/OK-{0..9}"), TEMPLATE, NULL);
	EXPECT(r, 201);
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_answer_as_records_do),
	    cmocka_unit_test(members_are_signed_once_and_end_exactly),
	    cmocka_unit_test(check_digits_follow_from_the_range),
	    cmocka_unit_test(a_record_of_its_own_goes_first),
	    cmocka_unit_test(a_member_is_retired_alone),
	    cmocka_unit_test(counts_keep_members_apart),
	    cmocka_unit_test(replaces_and_retires),
	    cmocka_unit_test(splits_at_a_member),
	    cmocka_unit_test(bad_series_change_nothing),
	    cmocka_unit_test(a_scope_must_have_all_of_them),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
