/* Finding by value: exact after every change, and only for whom may see. */
#include "tests/resolver/records.h"

#include <stdlib.h>
#include <unistd.h>

#include "resolver/registry.h"
#include "resolver/reverse_build.h"

static void values_lead_to_their_identifiers(void **state)
{
	(void)state;
	made("88.118.8/f1", PUBLIC("URL", "https://f/1") "," PUBLIC("BATCH", "B1"));
	made("88.118.8.2/f2", PUBLIC("batch", "B1"));
	made("88.118.8/f3", PUBLIC("BATCH", "B1x") "," PUBLIC("BATCH", "B") "," PUBLIC("OTHER", "B1"));
	made("01/09506000134352", PUBLIC("BATCH", "B1"));
	expect_found(NULL, "type=URL&value=https%3A%2F%2Ff%2F1", "88.118.8/f1");
	expect_found(NULL, "type=Batch&value=B1",
		     "88.118.8/f1 88.118.8.2/f2 https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=B1&prefix=88.118.8.2", "88.118.8.2/f2");
	expect_found(NULL, "type=BATCH&value=B1&prefix=950600", "https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=b1", "");
	expect_found(NULL, "type=BATCH&value=", "");
	/* replaced, changed by value, retired */
	made("88.118.8/f1", PUBLIC("URL", "https://f/1"));
	struct http_reply r = http_call(
	    &node,
	    &(struct http_call){.method = "PATCH",
				.path = "/registry/88.118.8/f3",
				.token = registrar,
				.body = STR("{\"operations\":[{\"op\":\"modify\",\"value\":{\"index\":1,"
					    "\"type\":\"BATCH\",\"data\":\"B1\"}}]}")});
	EXPECT(r, 200);
	http_done(&r);
	r = del(registrar, "/registry/88.118.8.2/f2");
	EXPECT(r, 200);
	http_done(&r);
	expect_found(NULL, "type=BATCH&value=B1", "88.118.8/f3 https://id.gs1.org/01/09506000134352");
	expect_found(NULL, "type=BATCH&value=B1x", "");
}

static void hidden_values_are_found_by_whom_may_see_them(void **state)
{
	(void)state;
	made("88.118.8/h1", HIDDEN("SUPPLIER", "S"));
	made("88.118.8.2/h2", HIDDEN("SUPPLIER", "S"));
	made("88.118.8.2/h3", PUBLIC("SUPPLIER", "S") "," HIDDEN("SUPPLIER", "S"));
	made("01/09506000134369", HIDDEN("SUPPLIER", "S"));
	expect_found(NULL, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(owner, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(operator, "type=SUPPLIER&value=S", "88.118.8.2/h3");
	expect_found(enterprise, "type=SUPPLIER&value=S", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(registrar, "type=SUPPLIER&value=S",
		     "88.118.8.2/h3 88.118.8/h1! 88.118.8.2/h2! https://id.gs1.org/01/09506000134369!");
	expect_found(auditor, "type=SUPPLIER&value=S",
		     "88.118.8.2/h3 88.118.8/h1! 88.118.8.2/h2! https://id.gs1.org/01/09506000134369!");
	expect_found(registrar, "type=SUPPLIER&value=S&prefix=88.118.8.2", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(enterprise, "type=SUPPLIER&value=S&prefix=88.118.8", "88.118.8.2/h3 88.118.8.2/h2!");
	expect_found(enterprise, "type=SUPPLIER&value=S&prefix=950600", "");
	struct http_reply r =
	    get("kt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/find?type=SUPPLIER&value=S");
	EXPECT(r, 401);
	http_done(&r);
	/* page by page the same, also where the public part ends with a page */
	char path[1024], next[512] = "";
	size_t seen = 0, pages = 0;
	for (int limit = 1; limit <= 4; limit++) {
		next[0] = 0;
		seen = pages = 0;
		do {
			snprintf(path, sizeof path, "/find?type=SUPPLIER&value=S&limit=%d&cursor=%s", limit,
				 next);
			r = get(registrar, path);
			EXPECT(r, 200);
			seen += json_array_size(json_object_get(r.json, "identifiers"));
			snprintf(next, sizeof next, "%s", http_text(&r, "next"));
			http_done(&r);
			assert_true(++pages < 10);
		} while (next[0]);
		assert_int_equal(seen, 4);
		assert_int_equal(pages, (4 + limit - 1) / limit);
	}
	/* somebody else's cursor gives him nothing that he may not see */
	snprintf(path, sizeof path, "/find?type=SUPPLIER&value=S&limit=2");
	r = get(registrar, path);
	snprintf(path, sizeof path, "type=SUPPLIER&value=S&cursor=%s", http_text(&r, "next"));
	http_done(&r);
	expect_found(NULL, path, "");
	expect_found(enterprise, path, "88.118.8.2/h2!");
}

/* All pages of a question, as expect_found tells them; no cursor may name what is not public. */
static void expect_pages(const char *token, const char *query, int limit, const char *want)
{
	char path[4096], got[2048] = "", next[1024] = "";
	size_t i, n = 0, pages = 0;
	const json_t *one;
	do {
		snprintf(path, sizeof path, "/find?%s&limit=%d&cursor=%s", query, limit, next);
		struct http_reply r = get(token, path);
		EXPECT(r, 200);
		json_array_foreach(json_object_get(r.json, "identifiers"), i, one)
		{
			n += (size_t)snprintf(got + n, sizeof got - n, "%s%s%s", n ? " " : "",
					      json_string_value(json_object_get(one, "id")),
					      json_is_true(json_object_get(one, "public")) ? "" : "!");
		}
		snprintf(next, sizeof next, "%s", http_text(&r, "next"));
		http_done(&r);
		assert_true(++pages < 20);
	} while (next[0]);
	assert_string_equal(got, want);
}

static void values_are_found_by_their_beginning(void **state)
{
	char body[1024], far[700], query[1024];
	(void)state;
	made("88.118.8/g1", PUBLIC("URL", "https://g/"));
	made("88.118.8.2/g2", PUBLIC("URL", "https://g/a"));
	made("88.118.8/g3", PUBLIC("URL", "https://g/a") "," PUBLIC("URL", "https://g/bcd"));
	made("88.118.8/g4", HIDDEN("URL", "https://g/b"));
	made("88.118.8.2/g5", HIDDEN("URL", "https://g/c"));
	made("88.118.8/g6", PUBLIC("URL", "https://h/a") "," PUBLIC("URL", "https://f/") "," PUBLIC(
				"OTHER", "https://g/x"));
	/* longer than what the index keeps: told apart behind its 64 octets */
	memset(far, 'y', sizeof far - 1);
	far[sizeof far - 1] = 0;
	snprintf(body, sizeof body, "{\"type\":\"URL\",\"data\":\"https://g/%s1\"}", far);
	made("88.118.8/g7", body);
	snprintf(body, sizeof body, "{\"type\":\"URL\",\"data\":\"https://g/%s2\"}", far);
	made("88.118.8/g8", body);
	for (int limit = 1; limit <= 9; limit += 2) {
		struct http_reply r = get(NULL, "/find?type=URL&begins=https%3A%2F%2Fg%2F&limit=1000");
		EXPECT(r, 200);
		const json_t *list = json_object_get(r.json, "identifiers");
		assert_int_equal(json_array_size(list), 6);
		const json_t *first = json_array_get(list, 0), *fourth = json_array_get(list, 3);
		assert_string_equal(json_string_value(json_object_get(first, "value")), "https://g/");
		assert_string_equal(json_string_value(json_object_get(fourth, "value")), "https://g/bcd");
		http_done(&r);
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2Fa", limit,
			     "88.118.8/g3 88.118.8.2/g2");
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2F&prefix=88.118.8.2", limit,
			     "88.118.8.2/g2");
		expect_pages(enterprise, "type=URL&begins=https%3A%2F%2Fg%2Fb", limit, "88.118.8/g3");
		expect_pages(registrar, "type=URL&begins=https%3A%2F%2Fg%2Fb", limit,
			     "88.118.8/g3 88.118.8/g4!");
		expect_pages(auditor, "type=URL&begins=https%3A%2F%2Fg%2Fc", limit, "88.118.8.2/g5!");
		expect_pages(NULL, "type=URL&begins=https%3A%2F%2Fg%2Fc", limit, "");
	}
	snprintf(query, sizeof query, "type=URL&begins=https%%3A%%2F%%2Fg%%2F%s2", far);
	expect_pages(NULL, query, 1, "88.118.8/g8");
	struct http_reply r = del(registrar, "/registry/88.118.8/g8");
	EXPECT(r, 200);
	http_done(&r);
	expect_pages(NULL, query, 1, "");
	/* a cursor of a hidden row is of no use to who may not see it */
	r = get(registrar, "/find?type=URL&begins=https%3A%2F%2Fg%2F&limit=6");
	snprintf(query, sizeof query, "/find?type=URL&begins=https%%3A%%2F%%2Fg%%2F&cursor=%s",
		 http_text(&r, "next"));
	http_done(&r);
	r = get(NULL, query);
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "identifiers")), 0);
	http_done(&r);
	r = get(NULL, "/find?type=URL&begins=a&value=b");
	EXPECT(r, 400);
	assert_string_equal(http_text(&r, "rule"), "one-of");
	http_done(&r);
}

static void questions_are_checked(void **state)
{
	static const struct {
		const char *query, *field, *rule;
	} cases[] = {
	    {"value=x", "type", "required"},
	    {"type=URL", "value", "required"},
	    {"type=DESC&value=x", "type", "type-not-indexed"},
	    {"type=URL&value=x&limit=0", "limit", "number"},
	    {"type=URL&value=x&limit=1001", "limit", "number"},
	    {"type=URL&value=x&prefix=..", NULL, NULL},
	    {"type=URL&value=x&cursor=%2A", "cursor", "cursor"},
	    {"type=URL&value=x&cursor=eA", "cursor", "cursor"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[256];
		snprintf(path, sizeof path, "/find?%s", cases[i].query);
		struct http_reply r = get(registrar, path);
		if (r.status != 400) fprintf(stderr, "case %zu\n", i);
		EXPECT(r, 400);
		if (cases[i].field) assert_string_equal(http_text(&r, "field"), cases[i].field);
		if (cases[i].rule) assert_string_equal(http_text(&r, "rule"), cases[i].rule);
		http_done(&r);
	}
}

/* Long data are told apart by their digests, long identifiers by theirs. */
static void long_values_and_long_identifiers(void **state)
{
	char data[2][400], values[1024], id[2][700], query[1024];
	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(data[i], 'u', 399);
		data[i][398] = (char)('a' + i); /* alike in all but the last octet */
		data[i][399] = 0;
		memset(id[i], 'x', 600);
		memcpy(id[i], "88.118.8/", 9);
		id[i][599] = (char)('a' + i);
		id[i][600] = 0;
		snprintf(values, sizeof values,
			 "{\"type\":\"URL\",\"data\":\"%s\"},{\"type\":\"URL\",\"data\":\"%.190s\"}",
			 data[i], data[i]);
		made(id[i], values);
	}
	for (int i = 0; i < 2; i++) {
		snprintf(query, sizeof query, "type=URL&value=%s", data[i]);
		expect_found(NULL, query, id[i]);
	}
	struct http_reply r;
	char both[1500], next[700];
	snprintf(query, sizeof query, "/find?type=URL&value=%.190s&prefix=88.118.8/&limit=1", data[0]);
	r = get(NULL, query);
	EXPECT(r, 200);
	snprintf(next, sizeof next, "%s", http_text(&r, "next"));
	const char *first = json_string_value(
	    json_object_get(json_array_get(json_object_get(r.json, "identifiers"), 0), "id"));
	snprintf(both, sizeof both, "%s", strcmp(first, id[0]) ? id[0] : id[1]);
	http_done(&r);
	snprintf(query, sizeof query, "type=URL&value=%.190s&cursor=%s", data[0], next);
	expect_found(NULL, query, both);
	snprintf(query, sizeof query, "/registry/%s", id[0]);
	r = del(registrar, query);
	EXPECT(r, 200);
	http_done(&r);
	snprintf(query, sizeof query, "type=URL&value=%.190s", data[0]);
	expect_found(NULL, query, id[1]);
}

static void what_was_given_away_is_not_answered_for(void **state)
{
	char body[512], key[SIGN_MULTIBASE];
	(void)state;
	made("88.118.8.7/gone", PUBLIC("EMAIL", "given@away"));
	expect_found(NULL, "type=EMAIL&value=given%40away", "88.118.8.7/gone");
	sign_public_multibase(sign_public(node.key), key);
	snprintf(
	    body, sizeof body,
	    "{\"prefix\":\"88.118.8.7\",\"did\":\"did:web:child.example\",\"keys\":[\"%s\"],\"endpoints\":"
	    "[{\"protocol\":\"https\",\"url\":\"https://child.example/\"}]}",
	    key);
	struct http_reply r = post(registrar, "/delegations", body);
	EXPECT(r, 201);
	http_done(&r);
	expect_found(registrar, "type=EMAIL&value=given%40away", "");
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(values_lead_to_their_identifiers),
	    cmocka_unit_test(hidden_values_are_found_by_whom_may_see_them),
	    cmocka_unit_test(values_are_found_by_their_beginning),
	    cmocka_unit_test(questions_are_checked),
	    cmocka_unit_test(long_values_and_long_identifiers),
	    cmocka_unit_test(what_was_given_away_is_not_answered_for),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
